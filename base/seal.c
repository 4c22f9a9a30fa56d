/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/seal.h"

#include "base/file.h"

#define MAGIC "SPSEAL1\n"
#define FILE_LINE "sealpost public key v1\n"

enum {
	MAGIC_BYTES = 8,
	KEY_NAME_BYTES = 8,
	KEY_FILE_MAX = 4096 /* what is longer was never such a file */
};

int public_key_save(const struct public_key *key, const char *path, struct err *err)
{
	CLEAN_STR text = STR_INIT;

	str_adds(&text, FILE_LINE);
	str_addhex(&text, key->b, sizeof(key->b));
	str_addc(&text, '\n');
	return file_replace(path, 0644, str_view(&text), err);
}

int public_key_load(const char *path, struct public_key *key_r, struct err *err)
{
	CLEAN(x25519) any = x25519_new(NULL);
	CLEAN(secret) shared = NULL;
	CLEAN_STR text = STR_INIT;
	struct view rest;

	if (file_read(path, KEY_FILE_MAX, &text, err) < 0)
		return -1;
	rest = str_view(&text);
	if (!view_starts(rest, FILE_LINE))
		return err_set(err, ERR_SYNTAX, "%s: this is no public key of Sealpost", path);
	rest.data += strlen(FILE_LINE);
	rest.len -= strlen(FILE_LINE);
	if (str_unhex(view_trim(rest), key_r->b, sizeof(key_r->b)) < 0)
		return err_set(err, ERR_SYNTAX, "%s: the key is not written in hex digits", path);
	shared = x25519_shared(any, key_r->b);
	return shared ? 0 : err_set(err, ERR_SYNTAX, "%s: this is no true key", path);
}

struct public_key public_key_of(const struct x25519 *pair)
{
	struct public_key key;

	memcpy(key.b, x25519_public(pair), sizeof(key.b));
	return key;
}

static struct aead *message_key(const struct secret *shared, const unsigned char *fleeting,
				const unsigned char *receiver, struct view context)
{
	CLEAN(secret) key = NULL;
	CLEAN_STR salt = STR_INIT;

	str_add(&salt, fleeting, KEY_BYTES);
	str_add(&salt, receiver, KEY_BYTES);
	str_addv(&salt, context);
	key = crypto_hkdf(shared, str_view(&salt), "sealpost seal v1");
	return aead_new(key);
}

static void make_nonce(uint64_t chunk, bool last, unsigned char nonce[NONCE_BYTES])
{
	memset(nonce, 0, NONCE_BYTES);
	for (size_t i = 0; i < sizeof(chunk); i++)
		nonce[i] = (unsigned char)(chunk >> (8 * i));
	nonce[sizeof(chunk)] = last;
}

struct sealer {
	struct public_key to;
	struct public_key fleeting;
	struct secret *shared;
	struct aead *key; /* of this message */
	uint64_t chunk;   /* number of the next one */
	struct str plain; /* waits for more: which chunk is the last is known in the end */
};

static void begin_message(struct sealer *s, struct view context, struct str *out)
{
	struct hash name = crypto_sha256(s->to.b, sizeof(s->to.b));

	aead_free(&s->key);
	s->key = message_key(s->shared, s->fleeting.b, s->to.b, context);
	s->chunk = 0;
	str_reset(&s->plain);
	str_add(out, MAGIC, MAGIC_BYTES);
	str_add(out, name.b, KEY_NAME_BYTES);
	str_add(out, s->fleeting.b, KEY_BYTES);
}

struct sealer *sealer_new(const struct public_key *to, struct view context, struct str *out)
{
	struct sealer *s = mem_new(sizeof(*s));
	CLEAN(x25519) fleeting = x25519_new(NULL);

	str_init(&s->plain);
	s->to = *to;
	s->fleeting = public_key_of(fleeting);
	s->shared = x25519_shared(fleeting, to->b);
	must(s->shared != NULL); /* see public_key_load() */
	begin_message(s, context, out);
	return s;
}

void sealer_next(struct sealer *s, struct view context, struct str *out)
{
	begin_message(s, context, out);
}

static void seal_chunk(struct sealer *s, struct view plain, bool last, struct str *out)
{
	unsigned char nonce[NONCE_BYTES];

	make_nonce(s->chunk++, last, nonce);
	str_reserve(out, plain.len + TAG_BYTES);
	aead_seal(s->key, nonce, (struct view){NULL, 0}, plain, out->data + out->len);
	out->len += plain.len + TAG_BYTES;
	out->data[out->len] = '\0';
}

void sealer_add(struct sealer *s, const void *data, size_t len, struct str *out)
{
	const char *p = data;

	while (len > 0) {
		size_t room = SEAL_CHUNK_BYTES - s->plain.len;
		size_t n = len < room ? len : room;

		if (room == 0) { /* more follows, so this chunk is not the last */
			seal_chunk(s, str_view(&s->plain), false, out);
			str_reset(&s->plain);
			continue;
		}
		str_add(&s->plain, p, n);
		p += n;
		len -= n;
	}
}

void sealer_end(struct sealer *s, struct str *out)
{
	seal_chunk(s, str_view(&s->plain), true, out);
}

void sealer_free(struct sealer **sealer)
{
	struct sealer *s = *sealer;

	if (s == NULL)
		return;
	aead_free(&s->key);
	secret_free(&s->shared);
	str_clear(&s->plain);
	free(s);
	*sealer = NULL;
}

void seal(const struct public_key *to, struct view context, struct view plain, struct str *out)
{
	CLEAN(sealer) s = sealer_new(to, context, out);

	sealer_add(s, plain.data, plain.len, out);
	sealer_end(s, out);
}

uint64_t seal_size(uint64_t plain_bytes)
{
	uint64_t chunks = plain_bytes / SEAL_CHUNK_BYTES + (plain_bytes % SEAL_CHUNK_BYTES != 0);

	return SEAL_HEAD_BYTES + plain_bytes + (chunks ? chunks : 1) * TAG_BYTES;
}

struct unsealer {
	const struct x25519 *pair; /* the caller's */
	struct public_key fleeting;
	struct secret *shared; /* NULL: none yet */
	struct aead *key;
	uint64_t chunk;
};

static int read_head(const struct unsealer *u, struct view head, struct public_key *fleeting_r,
		     struct err *err)
{
	struct hash name = crypto_sha256(x25519_public(u->pair), KEY_BYTES);

	if (head.len < SEAL_HEAD_BYTES)
		return err_set(err, ERR_DAMAGED, "the sealed message is cut short");
	if (memcmp(head.data, MAGIC, MAGIC_BYTES) != 0)
		return err_set(err, ERR_DAMAGED, "this is no sealed message");
	if (memcmp(head.data + MAGIC_BYTES, name.b, KEY_NAME_BYTES) != 0)
		return err_set(err, ERR_WRONGKEY, "the message is sealed to another key");
	memcpy(fleeting_r->b, head.data + MAGIC_BYTES + KEY_NAME_BYTES, KEY_BYTES);
	return 0;
}

int unsealer_next(struct unsealer *u, struct view context, struct view head, struct err *err)
{
	struct public_key fleeting;

	if (read_head(u, head, &fleeting, err) < 0)
		return -1;
	if (u->shared == NULL || memcmp(fleeting.b, u->fleeting.b, KEY_BYTES) != 0) {
		secret_free(&u->shared);
		u->shared = x25519_shared(u->pair, fleeting.b);
		u->fleeting = fleeting;
	}
	if (u->shared == NULL)
		return err_set(err, ERR_DAMAGED, "the sealed message's key is damaged");
	aead_free(&u->key);
	u->key = message_key(u->shared, fleeting.b, x25519_public(u->pair), context);
	u->chunk = 0;
	return 0;
}

int unsealer_new(const struct x25519 *pair, struct view context, struct view head,
		 struct unsealer **unsealer_r, struct err *err)
{
	CLEAN(unsealer) u = mem_new(sizeof(*u));

	u->pair = pair;
	if (unsealer_next(u, context, head, err) < 0)
		return -1;
	*unsealer_r = TAKE(u);
	return 0;
}

int unsealer_chunk(struct unsealer *u, struct view chunk, bool last, struct str *out,
		   struct err *err)
{
	unsigned char nonce[NONCE_BYTES];
	size_t plain_bytes = chunk.len - TAG_BYTES;

	if (chunk.len < TAG_BYTES || (plain_bytes == 0 && u->chunk > 0))
		return err_set(err, ERR_DAMAGED, "the sealed message is cut short");
	make_nonce(u->chunk++, last, nonce);
	str_reserve(out, plain_bytes);
	if (!aead_open(u->key, nonce, (struct view){NULL, 0}, chunk, out->data + out->len)) {
		out->data[out->len] = '\0';
		return err_set(err, ERR_DAMAGED, "the sealed message is damaged");
	}
	out->len += plain_bytes;
	out->data[out->len] = '\0';
	return 0;
}

void unsealer_free(struct unsealer **unsealer)
{
	if (*unsealer == NULL)
		return;
	aead_free(&(*unsealer)->key);
	secret_free(&(*unsealer)->shared);
	free(*unsealer);
	*unsealer = NULL;
}

static int unseal_chunks(struct unsealer *u, struct view rest, struct str *out, struct err *err)
{
	struct view chunk;

	do {
		chunk = rest;
		if (chunk.len > SEAL_SEALED_CHUNK_BYTES)
			chunk.len = SEAL_SEALED_CHUNK_BYTES;
		rest.data += chunk.len;
		rest.len -= chunk.len;
		if (unsealer_chunk(u, chunk, rest.len == 0, out, err) < 0)
			return -1;
	} while (rest.len > 0);
	return 0;
}

int unseal(const struct x25519 *pair, struct view context, struct view sealed, struct str *out,
	   struct err *err)
{
	CLEAN(unsealer) u = NULL;
	size_t before = out->len;

	if (unsealer_new(pair, context, sealed, &u, err) < 0)
		return -1;
	sealed.data += SEAL_HEAD_BYTES;
	sealed.len -= SEAL_HEAD_BYTES;
	if (unseal_chunks(u, sealed, out, err) == 0)
		return 0;
	out->len = before;
	out->data[before] = '\0';
	return -1;
}
