/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/archive/record.h"

#include <stddef.h>

/* Field tags: written in every archive, so they are never used anew for something else. */
enum tag {
	TAG_EXACT = 1,
	TAG_CONTENT = 2,
	TAG_SIZE = 3,
	TAG_WAY = 4,
	TAG_SOURCE = 5,
	TAG_SEEN_MS = 6,
	TAG_PLACE = 7,
	TAG_FLAGS = 8,
	TAG_SOURCE_TIME_S = 9,
	TAG_REVERSE_PATH = 10,
	TAG_RECIPIENT = 11, /* one field each */
	TAG_SPLICE = 12,    /* one field each */
	TAG_MAIL = 13,
	TAG_CLIENT_NAME = 14,
	TAG_CLIENT_ADDR = 15,
	TAG_HELO = 16,
	TAG_LOGIN = 17,
	TAG_QUEUE_ID = 18,
	TAG_TLS = 19,
	TAG_MAIL_PARAMS = 20,
	TAG_TRACE = 21,
	TAG_HIDDEN = 22, /* one field each */
	TAG_SPAM = 23,
	TAG_ON_BEHALF_OF = 24,
	TAG_REPORT = 25
};

/* The facts that are texts, and those that are lists of them. */
struct fact {
	enum tag tag;
	size_t at; /* offset in struct facts */
};

static const struct fact text_facts[] = {
	{TAG_SOURCE, offsetof(struct facts, source)},
	{TAG_PLACE, offsetof(struct facts, place)},
	{TAG_FLAGS, offsetof(struct facts, flags)},
	{TAG_REVERSE_PATH, offsetof(struct facts, reverse_path)},
	{TAG_CLIENT_NAME, offsetof(struct facts, client_name)},
	{TAG_CLIENT_ADDR, offsetof(struct facts, client_addr)},
	{TAG_HELO, offsetof(struct facts, helo)},
	{TAG_LOGIN, offsetof(struct facts, login)},
	{TAG_QUEUE_ID, offsetof(struct facts, queue_id)},
	{TAG_TLS, offsetof(struct facts, tls)},
	{TAG_MAIL_PARAMS, offsetof(struct facts, mail_params)},
	{TAG_TRACE, offsetof(struct facts, trace)},
	{TAG_ON_BEHALF_OF, offsetof(struct facts, on_behalf_of)},
	{TAG_REPORT, offsetof(struct facts, report)},
};

static const struct fact list_facts[] = {
	{TAG_RECIPIENT, offsetof(struct facts, recipients)},
	{TAG_HIDDEN, offsetof(struct facts, hidden)},
};

enum {
	TEXT_FACTS = sizeof(text_facts) / sizeof(*text_facts),
	LIST_FACTS = sizeof(list_facts) / sizeof(*list_facts)
};

static void *fact_of(struct facts *facts, const struct fact *fact)
{
	return (char *)facts + fact->at;
}

static const void *const_fact_of(const struct facts *facts, const struct fact *fact)
{
	return (const char *)facts + fact->at;
}

void facts_copy(struct arena *arena, const struct facts *from, struct facts *to)
{
	*to = *from;
	for (size_t i = 0; i < TEXT_FACTS; i++) {
		struct view *text = fact_of(to, &text_facts[i]);

		*text = arena_view(arena, *text);
	}
	for (size_t i = 0; i < LIST_FACTS; i++) {
		const struct facts_list *old = const_fact_of(from, &list_facts[i]);
		struct facts_list *new = fact_of(to, &list_facts[i]);

		*new = (struct facts_list){0};
		for (size_t j = 0; j < old->n; j++)
			ARENA_PUSH(arena, *new, arena_view(arena, old->v[j]));
	}
}

static void put(struct str *out, enum tag tag, struct view value)
{
	str_addvarint(out, tag);
	str_addvarint(out, value.len);
	str_addv(out, value);
}

static void put_text(struct str *out, enum tag tag, struct view value)
{
	if (value.len > 0)
		put(out, tag, value);
}

static void put_number(struct str *out, enum tag tag, uint64_t n)
{
	CLEAN_STR value = STR_INIT;

	str_addvarint(&value, n);
	put(out, tag, str_view(&value));
}

static void put_hash(struct str *out, enum tag tag, const struct hash *hash)
{
	put(out, tag, (struct view){(const char *)hash->b, HASH_BYTES});
}

/* Times before 1970 are kept as two's complement. */
static void put_facts(struct str *out, const struct facts *f)
{
	put_number(out, TAG_WAY, f->way);
	put_number(out, TAG_SEEN_MS, (uint64_t)f->seen_ms);
	if (f->source_time_s != 0)
		put_number(out, TAG_SOURCE_TIME_S, (uint64_t)f->source_time_s);
	if (f->spam)
		put_number(out, TAG_SPAM, 1);
	for (size_t i = 0; i < TEXT_FACTS; i++)
		put_text(out, text_facts[i].tag,
			 *(const struct view *)const_fact_of(f, &text_facts[i]));
	for (size_t i = 0; i < LIST_FACTS; i++) {
		const struct facts_list *list = const_fact_of(f, &list_facts[i]);

		for (size_t j = 0; j < list->n; j++)
			put_text(out, list_facts[i].tag, list->v[j]);
	}
}

static void put_splice(struct str *out, const struct record_splice *s)
{
	CLEAN_STR value = STR_INIT;

	str_addvarint(&value, s->at);
	str_addvarint(&value, s->geometry.encoded_len);
	str_addvarint(&value, s->geometry.decoded_len);
	str_addvarint(&value, s->geometry.line_chars);
	str_addc(&value, s->geometry.eol == LINE_CRLF);
	str_addc(&value, s->geometry.eol_at_end);
	str_add(&value, s->part.b, HASH_BYTES);
	put(out, TAG_SPLICE, str_view(&value));
}

static void put_fields(struct str *out, const struct str *fields)
{
	str_addvarint(out, fields->len);
	str_add(out, fields->data, fields->len);
}

void record_write_mail(struct str *out, const struct mail_record *record)
{
	CLEAN_STR fields = STR_INIT;

	put_hash(&fields, TAG_EXACT, &record->exact);
	put_hash(&fields, TAG_CONTENT, &record->content);
	put_number(&fields, TAG_SIZE, record->size);
	put_facts(&fields, &record->facts);
	for (size_t i = 0; i < record->splices.n; i++)
		put_splice(&fields, &record->splices.v[i]);
	put_fields(out, &fields);
}

void record_write_provenance(struct str *out, const struct provenance_record *record)
{
	CLEAN_STR fields = STR_INIT;

	put(&fields, TAG_MAIL, (struct view){(const char *)record->mail.b, UUID_BYTES});
	put_hash(&fields, TAG_EXACT, &record->exact);
	put_number(&fields, TAG_SIZE, record->size);
	put_facts(&fields, &record->facts);
	put_fields(out, &fields);
}

/* Everything either kind of record may hold, while it is read. */
struct reading {
	struct arena *arena;
	struct facts facts;
	struct hash exact, content;
	struct uuid mail;
	uint64_t size;
	struct {
		struct record_splice *v;
		size_t n, cap;
	} splices;
	bool has_exact, has_mail;
};

static int get_number(struct view v, uint64_t *n_r)
{
	return view_varint(&v, n_r) < 0 || v.len != 0 ? -1 : 0;
}

static int get_bytes(struct view v, void *out, size_t len)
{
	if (v.len != len)
		return -1;
	memcpy(out, v.data, len);
	return 0;
}

static int get_splice(struct reading *r, struct view v)
{
	struct record_splice s = {0};
	uint64_t at, encoded, decoded, line;
	uint8_t crlf, eol_at_end;

	if (view_varint(&v, &at) < 0 || view_varint(&v, &encoded) < 0 ||
	    view_varint(&v, &decoded) < 0 || view_varint(&v, &line) < 0 || line > UINT32_MAX ||
	    view_u8(&v, &crlf) < 0 || view_u8(&v, &eol_at_end) < 0 ||
	    get_bytes(v, s.part.b, HASH_BYTES) < 0)
		return -1;
	s.at = at;
	s.geometry.encoded_len = encoded;
	s.geometry.decoded_len = decoded;
	s.geometry.line_chars = (uint32_t)line;
	s.geometry.eol = crlf ? LINE_CRLF : LINE_LF;
	s.geometry.eol_at_end = eol_at_end != 0;
	ARENA_PUSH(r->arena, r->splices, s);
	return 0;
}

/* A text or an item of a list, if TAG is one. */
static void get_text(struct reading *r, uint64_t tag, struct view v)
{
	for (size_t i = 0; i < TEXT_FACTS; i++)
		if (text_facts[i].tag == tag) {
			*(struct view *)fact_of(&r->facts, &text_facts[i]) = v;
			return;
		}
	for (size_t i = 0; i < LIST_FACTS; i++)
		if (list_facts[i].tag == tag) {
			struct facts_list *list = fact_of(&r->facts, &list_facts[i]);

			ARENA_PUSH(r->arena, *list, v);
			return;
		}
}

static int get_field(struct reading *r, uint64_t tag, struct view v)
{
	uint64_t n = 0;
	int rc = 0;

	switch (tag) {
	case TAG_EXACT:
		r->has_exact = true;
		return get_bytes(v, r->exact.b, HASH_BYTES);
	case TAG_CONTENT:
		return get_bytes(v, r->content.b, HASH_BYTES);
	case TAG_MAIL:
		r->has_mail = true;
		return get_bytes(v, r->mail.b, UUID_BYTES);
	case TAG_SIZE:
		return get_number(v, &r->size);
	case TAG_WAY:
		rc = get_number(v, &n);
		r->facts.way = (enum way)n;
		return rc;
	case TAG_SEEN_MS:
		rc = get_number(v, &n);
		r->facts.seen_ms = (int64_t)n;
		return rc;
	case TAG_SOURCE_TIME_S:
		rc = get_number(v, &n);
		r->facts.source_time_s = (int64_t)n;
		return rc;
	case TAG_SPAM:
		rc = get_number(v, &n);
		r->facts.spam = n != 0;
		return rc;
	case TAG_SPLICE:
		return get_splice(r, v);
	default:
		get_text(r, tag, v); /* else it is of a later version */
		return 0;
	}
}

/* Read all fields; *REST_R is what stands behind them. */
static int get_fields(struct reading *r, struct view payload, struct view *rest_r, struct err *err)
{
	struct view fields, value;
	uint64_t len, tag;

	if (view_varint(&payload, &len) < 0 || view_bytes(&payload, len, &fields) < 0)
		return err_set(err, ERR_DAMAGED, "a record whose facts do not fit it");
	while (fields.len > 0)
		if (view_varint(&fields, &tag) < 0 || view_varint(&fields, &len) < 0 ||
		    view_bytes(&fields, len, &value) < 0 || get_field(r, tag, value) < 0)
			return err_set(err, ERR_DAMAGED, "a record with a malformed field");
	if (!r->has_exact)
		return err_set(err, ERR_DAMAGED, "a record without a digest");
	*rest_r = payload;
	return 0;
}

int record_read_mail(struct arena *arena, struct view payload, struct mail_record *record_r,
		     struct err *err)
{
	struct reading r = {.arena = arena};

	*record_r = (struct mail_record){0};
	if (get_fields(&r, payload, &record_r->skeleton, err) < 0)
		return -1;
	record_r->facts = r.facts;
	record_r->exact = r.exact;
	record_r->content = r.content;
	record_r->size = r.size;
	record_r->splices.v = r.splices.v;
	record_r->splices.n = r.splices.n;
	record_r->splices.cap = r.splices.cap;
	return 0;
}

int record_read_provenance(struct arena *arena, struct view payload,
			   struct provenance_record *record_r, struct err *err)
{
	struct reading r = {.arena = arena};

	*record_r = (struct provenance_record){0};
	if (get_fields(&r, payload, &record_r->header, err) < 0)
		return -1;
	if (!r.has_mail)
		return err_set(err, ERR_DAMAGED, "a provenance record without its mail");
	record_r->facts = r.facts;
	record_r->exact = r.exact;
	record_r->mail = r.mail;
	record_r->size = r.size;
	return 0;
}

void record_write_erased(struct str *out, const struct uuid *mail, const struct tombstone *t)
{
	str_add(out, mail->b, UUID_BYTES);
	str_addu64(out, (uint64_t)t->when_s);
	str_addu64(out, t->request);
}

int record_read_erased(struct view payload, struct uuid *mail_r, struct tombstone *tombstone_r,
		       struct err *err)
{
	struct view id;
	uint64_t when, request = 0;

	if (view_bytes(&payload, UUID_BYTES, &id) < 0 || view_u64(&payload, &when) < 0 ||
	    (payload.len > 0 && view_u64(&payload, &request) < 0))
		return err_set(err, ERR_DAMAGED, "a tombstone that is cut short");
	memcpy(mail_r->b, id.data, UUID_BYTES);
	*tombstone_r = (struct tombstone){.when_s = (int64_t)when, .request = request};
	return 0;
}
