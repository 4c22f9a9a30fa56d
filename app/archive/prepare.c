/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/archive/prepare.h"

#include <pthread.h>

enum { SEEN_SLOTS = 1 << 16, SAMPLE_BYTES = 16 * 1024, LARGE_MAIL_BYTES = 16 * 1024 * 1024 };

struct seen_parts {
	pthread_mutex_t lock;
	uint64_t slots[SEEN_SLOTS]; /* 64 bits of a part's hash, by its lowest bits */
};

struct seen_parts *seen_parts_new(void)
{
	struct seen_parts *seen = mem_new(sizeof(*seen));

	must(pthread_mutex_init(&seen->lock, NULL) == 0);
	return seen;
}

void seen_parts_free(struct seen_parts **seen)
{
	if (*seen == NULL)
		return;
	pthread_mutex_destroy(&(*seen)->lock);
	free(*seen);
	*seen = NULL;
}

/* Was this part met before? Remembers it. */
static bool seen_before(struct seen_parts *seen, const struct hash *hash)
{
	uint64_t bits;
	bool before;

	if (seen == NULL)
		return false;
	memcpy(&bits, hash->b, sizeof(bits));
	pthread_mutex_lock(&seen->lock);
	before = seen->slots[bits % SEEN_SLOTS] == bits;
	seen->slots[bits % SEEN_SLOTS] = bits;
	pthread_mutex_unlock(&seen->lock);
	return before;
}

struct preparer {
	struct hmac *part_hmac;
	struct hmac *leaf_hmac; /* the same key */
	struct hmac *content_hmac;
	struct compressor *compressor;
	const struct dictionary *dict;
	struct seen_parts *seen;
	struct mail_limits limits;
	struct str scratch;
};

struct preparer *preparer_new(const struct keyring *keys, const struct dictionary *dict,
			      struct seen_parts *seen, const struct mail_limits *limits)
{
	struct preparer *p = mem_new(sizeof(*p));
	CLEAN(secret) part_key = keyring_derive(keys, KEY_USE_PART, VIEW(""));
	CLEAN(secret) content_key = keyring_derive(keys, KEY_USE_CONTENT, VIEW(""));

	p->part_hmac = hmac_new(part_key);
	p->leaf_hmac = hmac_new(part_key);
	p->content_hmac = hmac_new(content_key);
	p->compressor = compressor_new();
	p->dict = dict;
	p->seen = seen;
	p->limits = *limits;
	str_init(&p->scratch);
	return p;
}

void preparer_free(struct preparer **preparer)
{
	struct preparer *p = *preparer;

	if (p == NULL)
		return;
	hmac_free(&p->part_hmac);
	hmac_free(&p->leaf_hmac);
	hmac_free(&p->content_hmac);
	compressor_free(&p->compressor);
	str_clear(&p->scratch);
	free(p);
	*preparer = NULL;
}

/* A part record's payload: its hash, then its bytes. In P's scratch. */
static void encode_part(struct preparer *p, struct view bytes, struct prepared_part *part)
{
	const struct view pieces[] = {{(const char *)part->hash.b, HASH_BYTES}, bytes};

	str_reset(&p->scratch);
	part->encoding = compressor_run(p->compressor, NULL, pieces, 2, &p->scratch);
	part->payload = str_view(&p->scratch);
}

struct part_sink {
	struct preparer *preparer;
	struct prepared *mail;
	struct hmac *leaf; /* of a leaf that may become several parts; else NULL */
};

/* The parts of a large mail wait for prepared_part(), one by one: else it would be in memory twice. */
static void take_part(void *arg, const struct splice *splice, struct view decoded)
{
	struct part_sink *sink = arg;
	struct preparer *p = sink->preparer;
	struct prepared *m = sink->mail;
	struct prepared_part part = {.size = decoded.len};

	(void)splice;
	part.hash = hmac_once(p->part_hmac, decoded.data, decoded.len);
	if (sink->leaf != NULL)
		hmac_add(sink->leaf, decoded.data, decoded.len);
	if (m->raw.len < LARGE_MAIL_BYTES && !seen_before(p->seen, &part.hash)) {
		encode_part(p, decoded, &part);
		part.payload = arena_view(m->arena, part.payload);
	}
	ARENA_PUSH(m->arena, m->parts, part);
}

struct prepared_part prepared_part(struct preparer *p, struct prepared *m, size_t i)
{
	struct prepared_part part = m->parts.v[i];
	CLEAN_STR decoded = STR_INIT;

	if (part.payload.data == NULL) {
		split_decode(str_view(&m->raw), &m->split.splices.v[i], &decoded);
		encode_part(p, str_view(&decoded), &part);
	}
	return part;
}

static bool is_blank(const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (strchr(" \t\r\n", data[i]) == NULL || data[i] == '\0')
			return false;
	return true;
}

/* Are the splices from FIRST on all that the leaf has in it, one following the other? Then its decoded
 * bytes are theirs. */
static bool are_whole_leaf(const struct prepared *m, const struct leaf *leaf, size_t first)
{
	const struct splice *v = m->split.splices.v;
	size_t at = v[first].start;

	if (!is_blank(m->raw.data + leaf->start, at - leaf->start))
		return false;
	for (size_t i = first; i < m->split.splices.n; i++) {
		bool last = i + 1 == m->split.splices.n;

		if (v[i].start != at || (!last && v[i].decoded_len % 3 != 0))
			return false;
		at += v[i].encoded_len;
	}
	return is_blank(m->raw.data + at, leaf->end - at);
}

/* Take the base64 leaves' large stretches out. The hash of a leaf that is nothing else is known
 * then, which saves the content hash from decoding it again. */
static struct hash *split_leaves(struct preparer *p, struct prepared *m)
{
	struct hash *known = arena_get(m->arena, (m->mail.leaves.n + 1) * sizeof(*known));
	struct view raw = str_view(&m->raw);

	for (size_t i = 0; i < m->mail.leaves.n; i++) {
		const struct leaf *leaf = &m->mail.leaves.v[i];
		bool may_be_many = leaf->end - leaf->start > SPLICE_MAX;
		struct part_sink sink = {p, m, may_be_many ? p->leaf_hmac : NULL};
		size_t first = m->split.splices.n;
		struct hash whole = {{0}};

		if (leaf->encoding != LEAF_BASE64)
			continue;
		split_find(m->arena, raw, leaf->start, leaf->end, &m->split, take_part, &sink);
		if (may_be_many)
			whole = hmac_end(p->leaf_hmac);
		if (m->split.splices.n > first && are_whole_leaf(m, leaf, first))
			known[i] = may_be_many ? whole : m->parts.v[first].hash;
	}
	return known;
}

/* Where the splices go in the skeleton. */
static void list_splices(struct prepared *m)
{
	size_t taken_out = 0;

	for (size_t i = 0; i < m->split.splices.n; i++) {
		const struct splice *s = &m->split.splices.v[i];
		struct record_splice r = {
			.at = s->start - taken_out, .geometry = *s, .part = m->parts.v[i].hash};

		taken_out += s->encoded_len;
		ARENA_PUSH(m->arena, m->record.splices, r);
	}
}

/* Facts and skeleton, compressed as one. */
static void encode_record(struct preparer *p, struct prepared *m)
{
	size_t n;
	struct view *skeleton = split_skeleton(m->arena, str_view(&m->raw), &m->split, &n);
	struct view *pieces = arena_get(m->arena, (n + 1) * sizeof(*pieces));
	CLEAN_STR facts = STR_INIT;

	record_write_mail(&facts, &m->record);
	pieces[0] = str_view(&facts);
	memcpy(pieces + 1, skeleton, n * sizeof(*pieces));
	m->encoding = compressor_run(p->compressor, p->dict, pieces, n + 1, &m->payload);
}

struct prepared *prepare(struct preparer *p, struct str *raw, const struct facts *facts,
			 bool definitely_mail)
{
	struct prepared *m = mem_new(sizeof(*m));
	const char *reason;
	struct hash *known;

	m->arena = arena_new();
	m->raw = *raw;
	str_init(raw);
	str_init(&m->payload);
	facts_copy(m->arena, facts, &m->facts);
	if (!definitely_mail && !mail_is_mail(str_view(&m->raw), &reason)) {
		err_set(&m->err, ERR_NOTMAIL, "this is no mail but %s", reason);
		return m;
	}
	mail_parse(m->arena, str_view(&m->raw), &p->limits, &m->mail);
	known = split_leaves(p, m);
	m->record.facts = m->facts;
	m->record.size = m->raw.len;
	m->record.exact = crypto_sha256(m->raw.data, m->raw.len);
	m->record.content = mail_content_hash(&m->mail, p->content_hmac, p->part_hmac, known);
	list_splices(m);
	encode_record(p, m);
	return m;
}

void prepared_free(struct prepared **prepared)
{
	struct prepared *m = *prepared;

	if (m == NULL)
		return;
	str_clear(&m->raw);
	str_clear(&m->payload);
	arena_free(&m->arena);
	free(m);
	*prepared = NULL;
}

size_t prepared_bytes(const struct prepared *prepared)
{
	return prepared->raw.cap + prepared->payload.cap + arena_used(prepared->arena);
}

void prepare_sample(struct preparer *p, struct view raw, struct str *samples)
{
	CLEAN(arena) arena = arena_new();
	struct mail mail;
	struct split split = {0};
	struct view *pieces;
	size_t n, room = SAMPLE_BYTES;

	mail_parse(arena, raw, &p->limits, &mail);
	for (size_t i = 0; i < mail.leaves.n; i++)
		if (mail.leaves.v[i].encoding == LEAF_BASE64)
			split_find(arena, raw, mail.leaves.v[i].start, mail.leaves.v[i].end, &split,
				   NULL, NULL);
	pieces = split_skeleton(arena, raw, &split, &n);
	for (size_t i = 0; i < n && room > 0; i++) {
		size_t len = pieces[i].len < room ? pieces[i].len : room;

		str_add(samples, pieces[i].data, len);
		room -= len;
	}
}
