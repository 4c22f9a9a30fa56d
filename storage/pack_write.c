/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "storage/pack_priv.h"

#include "base/clock.h"

enum {
	GATHER_BYTES = 1024 * 1024,    /* one write to the medium */
	NONCE_POOL = 256 * NONCE_BYTES /* one call to the CSPRNG */
};

struct pack_writer {
	struct medium_file *file;
	uint64_t number;
	uint64_t written; /* bytes handed to the medium */
	uint64_t records;
	struct str
		gather; /* what follows them; a record may be in part there, in part in the file */
	struct sha256 *tags;
	struct sha256 *whole; /* of what is written; NULL: resumed */
	struct hash hash;     /* of all that was, once it is sealed */
	struct aead *aead;
	bool dead; /* an earlier call failed: nothing is known of the file's end */
	bool sealed;
	struct {
		struct dictionary **v;
		size_t n;
	} dicts;
	unsigned char nonces[NONCE_POOL];
	size_t nonces_used;
};

void pack_writer_free(struct pack_writer **writer)
{
	struct pack_writer *w = TAKE(*writer);

	if (w == NULL)
		return;
	medium_file_free(&w->file);
	str_clear(&w->gather);
	sha256_free(&w->tags);
	sha256_free(&w->whole);
	aead_free(&w->aead);
	for (size_t i = 0; i < w->dicts.n; i++)
		dictionary_free(&w->dicts.v[i]);
	free(w->dicts.v);
	free(w);
}

static struct pack_writer *writer_new(struct medium_file *file, uint64_t number)
{
	struct pack_writer *w = mem_new(sizeof(*w));

	w->file = file;
	w->number = number;
	w->nonces_used = NONCE_POOL;
	str_init(&w->gather);
	str_reserve(&w->gather, GATHER_BYTES + TAG_BYTES);
	return w;
}

int pack_create(struct medium *medium, const struct keyring *keyring, uint64_t number,
		const uint64_t *replaces, size_t n_replaces, struct pack_writer **writer_r,
		struct err *err)
{
	unsigned char salt[SALT_BYTES];
	struct view salt_view = {(const char *)salt, sizeof(salt)};
	struct pack_header header = {
		.archive = *keyring_archive(keyring),
		.number = number,
		.made_ms = clock_ms(),
		.n_replaces = n_replaces,
		.replaces = (uint64_t *)replaces, /* only read */
	};
	struct medium_file *file;
	struct pack_writer *w;
	char name[64];

	must(n_replaces <= UINT16_MAX);
	if (medium_create(medium, pack_name(number, name), &file, err) < 0)
		return -1;
	w = writer_new(file, number);
	w->tags = sha256_new();
	w->whole = sha256_new();
	crypto_random(salt, sizeof(salt));
	w->aead = pack_aead(keyring, salt_view);
	memcpy(header.key_id, keyring_id(keyring), KEY_ID_BYTES);
	header_add(&w->gather, &header, salt_view, keyring);
	*writer_r = w;
	return 0;
}

/* Count the records up to the end, as their writer had. */
static int recount(struct pack_reader *reader, struct pack_writer *w, struct err *err)
{
	CLEAN(pack_scan) scan = NULL;
	struct record record;
	int rc;

	if (pack_scan_begin(reader, 0, &scan, err) < 0)
		return -1;
	do
		rc = pack_scan_next(scan, &record, NULL, err);
	while (rc == SCAN_RECORD || rc == SCAN_DAMAGED);
	w->records = scan_take_counts(scan, &w->tags);
	w->sealed = pack_scan_sealed(scan);
	return rc < 0 ? -1 : 0;
}

int pack_resume(struct medium *medium, const struct keyring *keyring, uint64_t number, uint64_t end,
		struct pack_writer **writer_r, struct err *err)
{
	CLEAN(pack_reader) reader = NULL;
	CLEAN(pack_writer) w = NULL;
	struct medium_file *file;
	uint64_t size;
	char name[64];

	if (pack_open(medium, keyring, number, &reader, err) < 0 ||
	    medium_size(medium, pack_name(number, name), &size, err) < 0)
		return -1;
	if (end < reader->first)
		end = reader->first;
	if ((size > end && medium_cut(medium, name, end, err) < 0) ||
	    medium_reopen(medium, name, &file, err) < 0)
		return -1;
	w = writer_new(file, number);
	w->written = size < end ? size : end;
	if (recount(reader, w, err) < 0)
		return -1;
	w->aead = TAKE(reader->aead);
	*writer_r = TAKE(w);
	return 0;
}

static int check_alive(const struct pack_writer *w, struct err *err)
{
	if (w->dead)
		return err_set(err, ERR_IO, "pack %" PRIu64 ": given up after an earlier error",
			       w->number);
	return 0;
}

static int flush(struct pack_writer *w, struct err *err)
{
	if (w->gather.len == 0)
		return 0;
	if (medium_append(w->file, w->gather.data, w->gather.len, err) < 0) {
		w->dead = true;
		return -1;
	}
	if (w->whole != NULL)
		sha256_add(w->whole, w->gather.data, w->gather.len);
	w->written += w->gather.len;
	str_reset(&w->gather);
	return 0;
}

static void next_nonce(struct pack_writer *w, unsigned char nonce[NONCE_BYTES])
{
	if (w->nonces_used == NONCE_POOL) {
		crypto_random(w->nonces, NONCE_POOL);
		w->nonces_used = 0;
	}
	memcpy(nonce, w->nonces + w->nonces_used, NONCE_BYTES);
	w->nonces_used += NONCE_BYTES;
}

/* Encrypted straight into the gathered bytes, in pieces, so that a record larger than what is
 * gathered is never in memory twice. */
static int add_record(struct pack_writer *w, const struct clear *clear, struct view payload,
		      uint64_t offset, struct err *err)
{
	struct str *out = &w->gather;
	unsigned char aad[AAD_BYTES];
	unsigned char tag[TAG_BYTES];

	clear_add(out, clear);
	record_aad(out->data + out->len - CLEAR_BYTES, offset, aad);
	aead_seal_begin(w->aead, clear->nonce, (struct view){(const char *)aad, AAD_BYTES});
	while (payload.len > 0) {
		size_t room = GATHER_BYTES - out->len;
		size_t len = payload.len < room ? payload.len : room;

		aead_seal_piece(w->aead, (struct view){payload.data, len}, out->data + out->len);
		out->len += len;
		payload.data += len;
		payload.len -= len;
		if (out->len == GATHER_BYTES && flush(w, err) < 0)
			return -1;
	}
	aead_seal_end(w->aead, tag);
	str_add(out, tag, TAG_BYTES);
	sha256_add(w->tags, tag, TAG_BYTES);
	w->records++;
	return 0;
}

static int append(struct pack_writer *w, enum record_type type, const struct uuid *id,
		  enum encoding encoding, struct view payload, struct record *record_r,
		  struct err *err)
{
	struct clear clear = {
		.len = (uint32_t)payload.len,
		.type = (uint8_t)type,
		.encoding = (uint8_t)encoding,
		.id = *id,
	};

	must(!w->sealed);
	if (check_alive(w, err) < 0)
		return -1;
	if (payload.len > PACK_RECORD_MAX)
		return err_set(err, ERR_TOOBIG, "pack %" PRIu64 ": a record of %zu bytes",
			       w->number, payload.len);
	if (w->gather.len + OVERHEAD_BYTES > GATHER_BYTES && flush(w, err) < 0)
		return -1;
	next_nonce(w, clear.nonce);
	*record_r = clear_record(&clear, pack_writer_size(w));
	return add_record(w, &clear, payload, record_r->offset, err);
}

int pack_append(struct pack_writer *writer, enum record_type type, const struct uuid *id,
		enum encoding encoding, struct view payload, struct record *record_r,
		struct err *err)
{
	must(type != RECORD_SEAL && (type != RECORD_DICTIONARY || encoding == ENCODING_RAW));
	return append(writer, type, id, encoding, payload, record_r, err);
}

/* 1 if the pack has DICT. The 32-bit ids of two dictionaries might be the same: then a frame could
 * not tell which it means, and the second may not enter this pack. */
static int has_dictionary(const struct pack_writer *w, const struct dictionary *dict,
			  struct err *err)
{
	for (size_t i = 0; i < w->dicts.n; i++) {
		if (dictionary_id(w->dicts.v[i]) != dictionary_id(dict))
			continue;
		if (view_eq(dictionary_bytes(w->dicts.v[i]), dictionary_bytes(dict)))
			return 1;
		return err_set(err, ERR_EXISTS, "pack %" PRIu64 ": another dictionary has id %u",
			       w->number, dictionary_id(dict));
	}
	return 0;
}

int pack_append_dictionary(struct pack_writer *writer, const struct dictionary *dict,
			   struct err *err)
{
	int has = has_dictionary(writer, dict, err);
	struct uuid id = uuid_new();
	struct record record;

	if (has != 0)
		return has < 0 ? -1 : 0;
	if (append(writer, RECORD_DICTIONARY, &id, ENCODING_RAW, dictionary_bytes(dict), &record,
		   err) < 0)
		return -1;
	writer->dicts.v = mem_grow(writer->dicts.v,
				   (writer->dicts.n + 1) * sizeof(*writer->dicts.v));
	writer->dicts.v[writer->dicts.n++] = dictionary_ref((struct dictionary *)dict);
	return 0;
}

int pack_sync(struct pack_writer *writer, struct err *err)
{
	if (check_alive(writer, err) < 0 || flush(writer, err) < 0)
		return -1;
	if (medium_sync(writer->file, err) < 0) {
		writer->dead = true;
		return -1;
	}
	return 0;
}

int pack_seal(struct pack_writer *writer, struct err *err)
{
	struct seal seal = {
		.records = writer->records,
		.size = pack_writer_size(writer),
		.tags = sha256_end(writer->tags),
	};
	CLEAN_STR payload = STR_INIT;
	struct uuid id = uuid_new();
	struct record record;

	if (writer->sealed) /* resumed after a crash between the seal and its sync */
		return pack_sync(writer, err);
	seal_add(&payload, &seal);
	if (append(writer, RECORD_SEAL, &id, ENCODING_RAW, str_view(&payload), &record, err) < 0)
		return -1;
	writer->sealed = true;
	if (pack_sync(writer, err) < 0)
		return -1;
	if (writer->whole != NULL)
		writer->hash = sha256_end(writer->whole);
	return 0;
}

const struct hash *pack_writer_hash(const struct pack_writer *writer)
{
	return writer->sealed && writer->whole != NULL ? &writer->hash : NULL;
}

uint64_t pack_writer_number(const struct pack_writer *writer)
{
	return writer->number;
}

uint64_t pack_writer_size(const struct pack_writer *writer)
{
	return writer->written + writer->gather.len;
}
