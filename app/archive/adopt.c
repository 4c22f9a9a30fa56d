/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/archive/adopt.h"

#include "app/archive/archive_priv.h"
#include "app/archive/provenance.h"
#include "app/archive/read.h"
#include "app/archive/take.h"
#include "base/clock.h"
#include "base/log.h"

/* A provenance record waits until every mail is known. */
struct waiting {
	struct uuid id;
	struct place at;
};

struct adopter {
	struct archive *a;
	struct reader *reader;
	struct arena *arena; /* of one record */
	struct arena *lists;
	struct {
		uint64_t *v;
		size_t n, cap;
	} mails; /* numbers of the mails to describe */
	struct {
		struct waiting *v;
		size_t n, cap;
	} sightings;
	const struct uuid *deleted;
	size_t n_deleted;
	const uint64_t *gone;
	size_t n_gone;
	bool needs_parts;
	struct adopted result;
};

struct adopter *adopter_new(struct archive *a)
{
	struct adopter *ad = mem_new(sizeof(*ad));

	ad->a = a;
	ad->reader = reader_new(a);
	ad->arena = arena_new();
	ad->lists = arena_new();
	return ad;
}

void adopter_free(struct adopter **adopter)
{
	struct adopter *ad = *adopter;

	if (ad == NULL)
		return;
	reader_free(&ad->reader);
	arena_free(&ad->arena);
	arena_free(&ad->lists);
	free(ad);
	*adopter = NULL;
}

void adopter_set_deleted(struct adopter *ad, const struct uuid *ids, size_t n)
{
	ad->deleted = ids;
	ad->n_deleted = n;
}

void adopter_set_gone(struct adopter *ad, const uint64_t *packs, size_t n)
{
	ad->gone = packs;
	ad->n_gone = n;
}

static int by_number(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static bool is_gone(const struct adopter *ad, uint64_t pack)
{
	return ad->n_gone > 0 &&
	       bsearch(&pack, ad->gone, ad->n_gone, sizeof(pack), by_number) != NULL;
}

static int by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, UUID_BYTES);
}

static bool was_deleted(const struct adopter *ad, const struct uuid *id)
{
	return ad->n_deleted > 0 &&
	       bsearch(id, ad->deleted, ad->n_deleted, sizeof(*id), by_bytes) != NULL;
}

void adopter_need_parts(struct adopter *ad)
{
	ad->needs_parts = true;
}

const struct adopted *adopter_result(const struct adopter *ad)
{
	return &ad->result;
}

static int move_part(struct adopter *ad, const struct part_row *known, const struct place *at,
		     struct err *err)
{
	if (!is_gone(ad, known->pack))
		return 0;
	ad->result.moved++;
	return parts_move(ad->a->catalog, known->part, at->pack, at->offset, at->length, err);
}

static int move_mail(struct adopter *ad, uint64_t mail, const struct place *at, struct err *err)
{
	struct mail_row row;

	if (ad->n_gone == 0)
		return 0;
	if (mails_get(ad->a->catalog, ad->arena, mail, &row, err) <= 0)
		return -1;
	if (!is_gone(ad, row.record.pack))
		return 0;
	ad->result.moved++;
	return mails_move(ad->a->catalog, mail, at, err);
}

static int adopt_part(struct adopter *ad, const struct place *at, struct view payload,
		      struct err *err)
{
	struct part_row row, known;
	int rc;

	if (payload.len < HASH_BYTES)
		return err_set(err, ERR_DAMAGED, "a part without its name");
	row = (struct part_row){.pack = at->pack,
				.offset = at->offset,
				.length = at->length,
				.size = payload.len - HASH_BYTES};
	memcpy(row.hash.b, payload.data, HASH_BYTES);
	rc = parts_find(ad->a->catalog, &row.hash, &known, err);
	if (rc != 0) {
		ad->result.known += rc > 0;
		return rc < 0 ? -1 : move_part(ad, &known, at, err);
	}
	ad->result.parts++;
	return parts_add(ad->a->catalog, &row, err);
}

static int adopt_dictionary(struct adopter *ad, struct view payload, struct err *err)
{
	struct dictionary *dict;

	if (ad->a->dictionary != NULL)
		return 0;
	dict = dictionary_new(payload);
	if (dict == NULL)
		return err_set(err, ERR_DAMAGED, "a dictionary that is none");
	return archive_set_dictionary(ad->a, dict, err);
}

/* A writer died before it could commit this mail, and another one archived the same mail meanwhile.
 * Nobody was told this id: it goes at the next erasing, lest it come back when the other is erased. */
static int drop_superfluous(struct adopter *ad, const struct uuid *id, const struct place *at,
			    struct err *err)
{
	ad->result.superfluous++;
	return mails_add_erased(ad->a->catalog, id, clock_s(), 0, err) < 0
		       ? -1
		       : packs_add_erased(ad->a->catalog, at->pack, at->length, err);
}

/* Is this mail in the catalog already, by its id, its content, or as erased? */
static int mail_is_known(struct adopter *ad, const struct uuid *id, const struct place *at,
			 const struct hash *content, struct err *err)
{
	struct catalog *catalog = ad->a->catalog;
	uint64_t mail;
	struct tombstone tombstone;
	int rc = mails_by_id(catalog, id, &mail, err);

	if (rc > 0 && move_mail(ad, mail, at, err) < 0)
		return -1;
	if (rc == 0)
		rc = mails_erased(catalog, id, &tombstone, err);
	if (rc != 0) {
		ad->result.known += rc > 0;
		return rc;
	}
	if (was_deleted(ad, id))
		return 0;
	rc = mails_by_content(catalog, content, &mail, err);
	if (rc > 0 && drop_superfluous(ad, id, at, err) < 0)
		return -1;
	return rc;
}

static int adopt_mail(struct adopter *ad, const struct uuid *id, const struct place *at,
		      struct view payload, struct err *err)
{
	struct mail_record record;
	struct mail_row row = {.id = *id, .record = *at};
	int rc;

	if (record_read_mail(ad->arena, payload, &record, err) < 0)
		return -1;
	rc = mail_is_known(ad, id, at, &record.content, err);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	row.exact = record.exact;
	row.content = record.content;
	row.size = record.size;
	row.way = record.facts.way;
	row.seen_ms = record.facts.seen_ms;
	row.place = record.facts.place;
	row.flags = record.facts.flags;
	row.state = was_deleted(ad, id) ? MAIL_UNINDEXED : MAIL_LIVE;
	if (source_id(ad->a->catalog, record.facts.source, true, &row.source, err) < 0 ||
	    mails_add(ad->a->catalog, &row, err) < 0 ||
	    provenance_wait(
		    ad->a, row.mail,
		    &(struct provenance_of){.mail = *id, .exact = row.exact, .size = row.size},
		    &record.facts, err) < 0)
		return -1;
	ARENA_PUSH(ad->lists, ad->mails, row.mail);
	ad->result.mails++;
	return 0;
}

static int adopt_erased(struct adopter *ad, struct view payload, struct err *err)
{
	struct uuid id;
	struct tombstone t;
	uint64_t mail;
	int rc;

	if (record_read_erased(payload, &id, &t, err) < 0)
		return -1;
	ad->result.tombstones++;
	rc = mails_by_id(ad->a->catalog, &id, &mail, err);
	if (rc > 0) { /* a catalog that is older than the pack */
		ad->result.erased++;
		return mails_erase(ad->a->catalog, mail, t.when_s, t.request, err);
	}
	return rc < 0 ? -1 : mails_add_erased(ad->a->catalog, &id, t.when_s, t.request, err);
}

static int adopt_record(struct adopter *ad, uint64_t pack, const struct record *record,
			struct view payload, struct err *err)
{
	struct place at = {pack, record->offset, record->len};
	struct waiting w = {record->id, at};

	switch (record->type) {
	case RECORD_PART:
		return adopt_part(ad, &at, payload, err);
	case RECORD_DICTIONARY:
		return adopt_dictionary(ad, payload, err);
	case RECORD_MAIL:
		return adopt_mail(ad, &record->id, &at, payload, err);
	case RECORD_PROVENANCE:
		ARENA_PUSH(ad->lists, ad->sightings, w);
		return 0;
	case RECORD_ERASED:
		return adopt_erased(ad, payload, err);
	case RECORD_EVIDENCE:
	case RECORD_SEAL:
		return 0;
	}
	return 0;
}

/* SCAN_RECORD or SCAN_DAMAGED; 0 at the end, whole or torn; -1. */
static int next_record(struct adopter *ad, struct pack_scan *scan, struct record *record,
		       struct str *payload, struct err *err)
{
	int rc;

	str_reset(payload);
	arena_reset(ad->arena);
	rc = pack_scan_next(scan, record, payload, err);
	return rc == SCAN_TORN ? 0 : rc;
}

int adopter_scan(struct adopter *ad, struct pack_reader *pack, uint64_t *end_r, bool *sealed_r,
		 struct err *err)
{
	uint64_t number = pack_reader_header(pack)->number;
	CLEAN(pack_scan) scan = NULL;
	CLEAN_STR payload = STR_INIT;
	struct record record;
	int rc;

	*end_r = 0;
	if (pack_scan_begin(pack, 0, &scan, err) < 0)
		return -1;
	while ((rc = next_record(ad, scan, &record, &payload, err)) > 0) {
		if (rc == SCAN_DAMAGED) {
			log_error("damaged pack=%llu offset=%llu bytes=%llu",
				  (unsigned long long)number, (unsigned long long)record.offset,
				  (unsigned long long)record.len);
			ad->result.damaged++;
			continue;
		}
		if (adopt_record(ad, number, &record, str_view(&payload), err) < 0)
			return err_add(err, "pack %llu offset %llu", (unsigned long long)number,
				       (unsigned long long)record.offset);
		*end_r = record.offset + record.len;
	}
	*sealed_r = pack_scan_sealed(scan);
	return rc;
}

static int use_parts(struct adopter *ad, uint64_t mail, const struct place *at, struct err *err)
{
	struct pack_reader *pack;
	struct record record;
	struct mail_record mr;
	struct part_row part;
	CLEAN_STR payload = STR_INIT;

	if (reader_pack(ad->reader, at->pack, &pack, err) < 0 ||
	    pack_read(pack, at->offset, at->length, &record, &payload, err) < 0 ||
	    record_read_mail(ad->arena, str_view(&payload), &mr, err) < 0)
		return -1;
	for (size_t i = 0; i < mr.splices.n; i++) {
		int rc = parts_find(ad->a->catalog, &mr.splices.v[i].part, &part, err);

		if (rc < 0 || (rc > 0 && parts_use(ad->a->catalog, mail, part.part, err) < 0))
			return -1;
	}
	return 0;
}

static int describe_mail(struct adopter *ad, uint64_t mail, struct index_writer *index,
			 struct str *raw, struct err *err)
{
	struct mail_limits limits = MAIL_LIMITS_DEFAULT;
	struct mail_row known, row;
	struct mail parsed;
	struct facts facts;
	struct err reading = {0};
	size_t n_new;
	int rc;

	limits.text_bytes = ad->a->settings.index_text_bytes;
	arena_reset(ad->arena);
	rc = mails_get(ad->a->catalog, ad->arena, mail, &known, err);
	if (rc <= 0)
		return rc; /* a pack that was scanned later says that it was erased */
	if (reader_mail(ad->reader, &known, raw, &reading) < 0 ||
	    reader_facts(ad->reader, ad->arena, &known, &facts, &reading) < 0) {
		if (ad->needs_parts && err_retry(reading.kind))
			return err_set(err, reading.kind, "%s", reading.text);
		/* Its record is there and a part is not: it stays known, and is told as damaged. */
		log_error("mail not readable: %s", reading.text);
		ad->result.unreadable++;
		return use_parts(ad, mail, &known.record, err);
	}
	mail_parse(ad->arena, str_view(raw), &limits, &parsed);
	row = take_row(&facts, &parsed);
	row.mail = mail;
	if (take_flag_conflicts(ad->a->catalog, &row, err) < 0 ||
	    mails_describe(ad->a->catalog, &row, err) < 0 ||
	    take_recipients(ad->a->catalog, mail, &parsed, &facts, &n_new, err) < 0 ||
	    use_parts(ad, mail, &known.record, err) < 0)
		return -1;
	if (index == NULL)
		return 0;
	known.sent_s = row.sent_s;
	known.marks = row.marks;
	return index_writer_put(index, &known, &parsed, err);
}

/* The recipients of a sighting stand in its header block and its envelope. */
static int describe_sighting(struct adopter *ad, const struct waiting *w, struct err *err)
{
	struct catalog *catalog = ad->a->catalog;
	struct mail_limits limits = MAIL_LIMITS_DEFAULT;
	struct pack_reader *pack;
	struct record record;
	struct provenance_record pr;
	struct sighting_row row = {.id = w->id, .record = w->at};
	struct mail parsed;
	CLEAN_STR payload = STR_INIT;
	size_t n_new;
	int rc;

	arena_reset(ad->arena);
	if (reader_pack(ad->reader, w->at.pack, &pack, err) < 0 ||
	    pack_read(pack, w->at.offset, w->at.length, &record, &payload, err) < 0 ||
	    record_read_provenance(ad->arena, str_view(&payload), &pr, err) < 0)
		return -1;
	rc = mails_by_id(catalog, &pr.mail, &row.mail, err);
	if (rc <= 0)
		return rc; /* its mail was erased */
	row.exact = pr.exact;
	row.way = pr.facts.way;
	row.seen_ms = pr.facts.seen_ms;
	row.place = pr.facts.place;
	row.flags = pr.facts.flags;
	mail_parse(ad->arena, pr.header, &limits, &parsed);
	rc = sightings_find(catalog, &w->id, err);
	if (rc != 0)
		return rc < 0 || ad->n_gone == 0 ? rc
						 : sightings_move(catalog, &w->id, &w->at, err);
	ad->result.sightings++;
	if (source_id(catalog, pr.facts.source, true, &row.source, err) < 0 ||
	    sightings_add(catalog, &row, err) < 0 ||
	    take_recipients(catalog, row.mail, &parsed, &pr.facts, &n_new, err) < 0 ||
	    (take_is_spam(&pr.facts, &parsed) && take_mark_spam(catalog, row.mail, err) < 0) ||
	    provenance_wait(ad->a, row.mail,
			    &(struct provenance_of){.mail = pr.mail,
						    .sighting = row.id,
						    .exact = pr.exact,
						    .size = pr.size},
			    &pr.facts, err) < 0)
		return -1;
	return todo_add(catalog, row.mail, err);
}

int adopter_describe(struct adopter *ad, struct index_writer *index, struct err *err)
{
	CLEAN_STR raw = STR_INIT;

	for (size_t i = 0; i < ad->mails.n; i++)
		if (describe_mail(ad, ad->mails.v[i], index, &raw, err) < 0)
			return -1;
	for (size_t i = 0; i < ad->sightings.n; i++)
		if (describe_sighting(ad, &ad->sightings.v[i], err) < 0)
			return -1;
	ad->mails.n = 0;
	ad->sightings.n = 0;
	return 0;
}
