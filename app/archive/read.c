/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/archive/read.h"

#include "app/archive/archive_priv.h"
#include "base/clock.h"

enum { OPEN_PACKS = 16 };

struct open_pack {
	uint64_t number; /* 0: free */
	uint64_t used;   /* by the reader's clock */
	struct pack_reader *pack;
};

struct reader {
	struct archive *a;
	struct open_pack packs[OPEN_PACKS];
	uint64_t clock;
	struct arena *arena; /* of the mail that is being read */
	struct str payload;
	struct str part;
};

struct reader *reader_new(struct archive *a)
{
	struct reader *r = mem_new(sizeof(*r));

	r->a = a;
	r->arena = arena_new();
	str_init(&r->payload);
	str_init(&r->part);
	return r;
}

void reader_forget(struct reader *r)
{
	for (size_t i = 0; i < OPEN_PACKS; i++) {
		pack_reader_free(&r->packs[i].pack);
		r->packs[i].number = 0;
	}
}

void reader_free(struct reader **reader)
{
	struct reader *r = *reader;

	if (r == NULL)
		return;
	reader_forget(r);
	arena_free(&r->arena);
	str_clear(&r->payload);
	str_clear(&r->part);
	free(r);
	*reader = NULL;
}

/* The slot of this pack, or the one used longest ago. */
static struct open_pack *pack_slot(struct reader *r, uint64_t number)
{
	struct open_pack *oldest = &r->packs[0];

	for (size_t i = 0; i < OPEN_PACKS; i++) {
		if (r->packs[i].number == number)
			return &r->packs[i];
		if (r->packs[i].used < oldest->used)
			oldest = &r->packs[i];
	}
	return oldest;
}

/* What the catalog names is never "not found": its medium does not answer, or it is damaged, or it was erased. */
static int explain(struct reader *r, uint64_t pack, struct err *err)
{
	struct err why = *err;
	struct pack_row row;
	int rc;

	if (why.kind == ERR_TIMEOUT)
		err->kind = ERR_OFFLINE;
	if (why.kind != ERR_NOTFOUND)
		return -1;
	rc = packs_get(r->a->catalog, pack, &row, err);
	if (rc < 0)
		return -1;
	if (rc > 0 && (row.state == PACK_REPLACED || row.state == PACK_REMOVED))
		return err_set(err, ERR_BUSY, "pack %llu was written anew just now; ask again",
			       (unsigned long long)pack);
	return err_set(err, ERR_DAMAGED, "pack %llu is missing from its medium, which answers: %s",
		       (unsigned long long)pack, why.text);
}

static int open_pack(struct reader *r, uint64_t pack, struct pack_reader **pack_r, struct err *err)
{
	struct medium *medium;

	if (archive_pack_medium(r->a, pack, &medium, err) < 0 ||
	    pack_open(medium, r->a->keys, pack, pack_r, err) < 0)
		return explain(r, pack, err);
	return 0;
}

int reader_pack(struct reader *r, uint64_t pack, struct pack_reader **pack_r, struct err *err)
{
	struct open_pack *slot = pack_slot(r, pack);

	if (slot->number != pack) {
		pack_reader_free(&slot->pack);
		slot->number = 0;
		if (open_pack(r, pack, &slot->pack, err) < 0)
			return -1;
		slot->number = pack;
		if (r->a->dictionary != NULL)
			pack_reader_offer(slot->pack, r->a->dictionary);
	}
	slot->used = ++r->clock;
	*pack_r = slot->pack;
	return 0;
}

/* A record that the catalog names: of this type, or it is not what the catalog meant. */
static int read_record(struct reader *r, const struct place *at, enum record_type type,
		       struct str *payload, struct err *err)
{
	struct pack_reader *pack;
	struct record record;

	str_reset(payload);
	if (reader_pack(r, at->pack, &pack, err) < 0)
		return -1;
	if (pack_read(pack, at->offset, at->length, &record, payload, err) < 0)
		return explain(r, at->pack, err);
	if (record.type != type)
		return err_set(err, ERR_DAMAGED, "pack %llu offset %llu: a record of another type",
			       (unsigned long long)at->pack, (unsigned long long)at->offset);
	return 0;
}

static int put_part_back(struct reader *r, const struct record_splice *splice, struct str *raw,
			 struct err *err)
{
	struct part_row row;
	struct view bytes;
	int rc = parts_find(r->a->catalog, &splice->part, &row, err);

	if (rc == 0)
		return err_set(err, ERR_DAMAGED, "a part of this mail is not in the archive");
	if (rc < 0 || read_record(r, &(struct place){row.pack, row.offset, row.length}, RECORD_PART,
				  &r->part, err) < 0)
		return -1;
	bytes = str_view(&r->part);
	if (bytes.len < HASH_BYTES || memcmp(bytes.data, splice->part.b, HASH_BYTES) != 0)
		return err_set(err, ERR_DAMAGED, "pack %llu offset %llu: another part than named",
			       (unsigned long long)row.pack, (unsigned long long)row.offset);
	bytes.data += HASH_BYTES;
	bytes.len -= HASH_BYTES;
	if (split_encode(&splice->geometry, bytes, raw) < 0)
		return err_set(err, ERR_DAMAGED, "a part does not fit the place it was taken from");
	return 0;
}

static int rebuild(struct reader *r, const struct mail_record *record, struct str *raw,
		   struct err *err)
{
	size_t done = 0;

	str_reset(raw);
	for (size_t i = 0; i < record->splices.n; i++) {
		size_t at = record->splices.v[i].at;

		if (at < done || at > record->skeleton.len)
			return err_set(err, ERR_DAMAGED, "a part outside of its mail");
		str_add(raw, record->skeleton.data + done, at - done);
		if (put_part_back(r, &record->splices.v[i], raw, err) < 0)
			return -1;
		done = at;
	}
	str_add(raw, record->skeleton.data + done, record->skeleton.len - done);
	return 0;
}

int reader_rebuild(struct reader *r, struct view payload, struct str *raw, struct hash *exact_r,
		   struct err *err)
{
	struct mail_record record;

	arena_reset(r->arena);
	if (record_read_mail(r->arena, payload, &record, err) < 0 ||
	    rebuild(r, &record, raw, err) < 0)
		return -1;
	*exact_r = crypto_sha256(raw->data, raw->len);
	if (raw->len != record.size || !hash_eq(exact_r, &record.exact)) {
		str_reset(raw);
		return err_set(err, ERR_DAMAGED, "the mail put together is not what was captured");
	}
	return 0;
}

int reader_mail(struct reader *r, const struct mail_row *row, struct str *raw, struct err *err)
{
	struct hash exact;

	if (read_record(r, &row->record, RECORD_MAIL, &r->payload, err) == 0 &&
	    reader_rebuild(r, str_view(&r->payload), raw, &exact, err) == 0) {
		if (hash_eq(&exact, &row->exact))
			return 0;
		err_set(err, ERR_DAMAGED, "the record holds another mail than the catalog says");
	}
	str_reset(raw);
	return err_add(err, "mail in pack %llu at offset %llu",
		       (unsigned long long)row->record.pack,
		       (unsigned long long)row->record.offset);
}

int reader_facts(struct reader *r, struct arena *arena, const struct mail_row *row,
		 struct facts *facts_r, struct err *err)
{
	struct mail_record record;
	struct view payload;

	if (read_record(r, &row->record, RECORD_MAIL, &r->payload, err) < 0)
		return -1;
	payload = arena_view(arena, str_view(&r->payload));
	if (record_read_mail(arena, payload, &record, err) < 0)
		return -1;
	*facts_r = record.facts;
	return 0;
}

int reader_sighting(struct reader *r, struct arena *arena, const struct sighting_row *row,
		    struct facts *facts_r, uint64_t *size_r, struct err *err)
{
	struct provenance_record record;
	struct view payload;

	if (read_record(r, &row->record, RECORD_PROVENANCE, &r->payload, err) < 0)
		return -1;
	payload = arena_view(arena, str_view(&r->payload));
	if (record_read_provenance(arena, payload, &record, err) < 0)
		return -1;
	*facts_r = record.facts;
	if (size_r != NULL)
		*size_r = record.size;
	return 0;
}

static int not_there(struct archive *a, const struct uuid *id, struct err *err)
{
	CLEAN_STR when = STR_INIT;
	struct tombstone t;
	int rc = mails_erased(a->catalog, id, &t, err);

	if (rc < 0)
		return -1;
	if (rc == 0) {
		err_set(err, ERR_NOTFOUND, "there is no mail with this id");
		return 0;
	}
	clock_add_utc(&when, t.when_s);
	if (t.request != 0)
		str_addf(&when, ", by request %llu", (unsigned long long)t.request);
	err_set(err, ERR_ERASED, "this mail was erased at %s", when.data);
	return 0;
}

int mail_find(struct archive *a, struct arena *arena, const struct uuid *id, struct mail_row *row_r,
	      struct err *err)
{
	uint64_t mail;
	int rc = mails_by_id(a->catalog, id, &mail, err);

	if (rc > 0)
		rc = mails_get(a->catalog, arena, mail, row_r, err);
	if (rc < 0)
		return -1;
	if (rc == 0 || row_r->state != MAIL_LIVE)
		return not_there(a, id, err);
	return 1;
}
