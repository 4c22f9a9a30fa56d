/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/archive/verify.h"

#include "app/archive/archive_priv.h"
#include "app/archive/read.h"

/* One bit a number, for what the scan of the packs has met. */
struct seen {
	uint64_t *bits;
	uint64_t n;
};

static struct seen seen_new(uint64_t highest)
{
	return (struct seen){mem_new((highest / 64 + 1) * sizeof(uint64_t)), highest + 1};
}

static void seen_set(struct seen *s, uint64_t i)
{
	if (i < s->n)
		s->bits[i / 64] |= 1ULL << (i % 64);
}

static bool seen_is(const struct seen *s, uint64_t i)
{
	return i < s->n && (s->bits[i / 64] >> (i % 64) & 1) != 0;
}

/* A medium that does not answer. */
struct silent {
	uint64_t packs;
	struct err why;
};

struct verifying {
	struct archive *a;
	struct reader *reader;
	const struct verify_watch *watch;
	struct verify_report *report;
	struct mails_totals totals;
	struct seen mails;
	struct seen parts;
	struct seen left_out;  /* packs */
	struct silent *silent; /* by number, up to MEDIA_MAX */
	uint64_t sightings;    /* provenance records that the catalog knows */
	struct arena *arena;   /* of one record */
	struct str raw;
};

/* ---- findings ---- */

struct concerned {
	struct arena *arena;
	struct {
		struct uuid *v;
		size_t n, cap;
	} ids;
};

static int add_concerned(void *arg, const struct mail_row *row, struct err *err)
{
	struct concerned *c = arg;

	(void)err;
	ARENA_PUSH(c->arena, c->ids, row->id);
	return 0;
}

/* Tell what is wrong at a place, and which mails the catalog has there. */
static int found_at(struct verifying *v, uint64_t pack, uint64_t offset, const char *text,
		    struct err *err)
{
	CLEAN(arena) arena = arena_new();
	struct concerned c = {.arena = arena};
	struct finding finding = {.pack = pack, .offset = offset, .text = text};

	if (mails_at(v->a->catalog, pack, offset, add_concerned, &c, err) < 0)
		return -1;
	finding.mails = c.ids.v;
	finding.n_mails = c.ids.n;
	v->report->findings++;
	v->watch->finding(v->watch->arg, &finding);
	return 0;
}

static void found(struct verifying *v, uint64_t pack, const char *text)
{
	struct finding finding = {.pack = pack, .text = text};

	v->report->findings++;
	v->watch->finding(v->watch->arg, &finding);
}

static bool is_away(const struct err *err)
{
	return err->kind == ERR_OFFLINE || err->kind == ERR_TIMEOUT;
}

/* The pack's medium does not answer. */
static void leave_out(struct verifying *v, const struct pack_row *row, const struct err *why)
{
	struct silent *silent = &v->silent[row->medium];

	if (silent->packs++ == 0 && why != NULL)
		silent->why = *why;
	seen_set(&v->left_out, row->pack);
	v->report->unchecked++;
}

/* Failures that are findings; others end the check, or the pack's, if its medium went away. */
static bool is_finding(const struct err *err)
{
	return err->kind == ERR_DAMAGED || err->kind == ERR_NOTFOUND || err->kind == ERR_WRONGKEY ||
	       err->kind == ERR_FOREIGN || err->kind == ERR_VERSION;
}

/* ---- packs to catalog ---- */

/* 1 with its row; 0: unknown, or erased, which is known and no finding. */
static int find_row(struct verifying *v, const struct uuid *id, struct mail_row *row_r,
		    bool *erased_r, struct err *err)
{
	struct tombstone tombstone;
	uint64_t mail;
	int rc = mails_by_id(v->a->catalog, id, &mail, err);

	*erased_r = false;
	if (rc > 0)
		return mails_get(v->a->catalog, v->arena, mail, row_r, err);
	if (rc == 0)
		rc = mails_erased(v->a->catalog, id, &tombstone, err);
	*erased_r = rc > 0;
	return rc < 0 ? -1 : 0;
}

static int check_mail(struct verifying *v, uint64_t pack, const struct record *record,
		      struct view payload, struct err *err)
{
	struct err reading = {0};
	struct mail_row row;
	struct hash exact;
	bool erased;
	int known = find_row(v, &record->id, &row, &erased, err);

	/* what is left of an erased one waits for "erase media"; its parts may be gone */
	if (known < 0 || erased)
		return known;
	v->report->mails++;
	if (reader_rebuild(v->reader, payload, &v->raw, &exact, &reading) < 0) {
		if (is_away(&reading)) { /* a part of it lies there */
			v->report->unchecked_mails++;
			if (known > 0)
				seen_set(&v->mails, row.mail);
			return 0;
		}
		if (!is_finding(&reading))
			return err_set(err, reading.kind, "%s", reading.text);
		return found_at(v, pack, record->offset, reading.text, err);
	}
	v->report->bytes += v->raw.len;
	if (known == 0)
		return found_at(v, pack, record->offset,
				"a mail that the catalog does not know; \"sealpost rebuild\" "
				"brings it back",
				err);
	if (row.record.pack != pack || row.record.offset != record->offset)
		return found_at(v, pack, record->offset,
				"a mail that the catalog has at another place", err);
	seen_set(&v->mails, row.mail);
	if (!hash_eq(&row.exact, &exact))
		return found_at(v, pack, record->offset,
				"the catalog has another SHA-256 for this mail", err);
	return 0;
}

static int check_part(struct verifying *v, uint64_t pack, const struct record *record,
		      struct view payload, struct err *err)
{
	struct part_row row;
	struct hash hash;
	int rc;

	v->report->parts++;
	if (payload.len < HASH_BYTES)
		return found_at(v, pack, record->offset, "a part without its name", err);
	memcpy(hash.b, payload.data, HASH_BYTES);
	rc = parts_find(v->a->catalog, &hash, &row, err);
	if (rc > 0 && row.pack == pack && row.offset == record->offset)
		seen_set(&v->parts, row.part);
	return rc < 0 ? -1 : 0; /* a part that nothing refers to is no harm */
}

static int check_sighting(struct verifying *v, const struct record *record, struct err *err)
{
	int rc = sightings_find(v->a->catalog, &record->id, err);

	v->sightings += rc > 0;
	return rc < 0 ? -1 : 0; /* of an erased mail there is none */
}

static int check_record(struct verifying *v, uint64_t pack, const struct record *record,
			struct view payload, struct err *err)
{
	if (record->type == RECORD_MAIL)
		return check_mail(v, pack, record, payload, err);
	if (record->type == RECORD_PART)
		return check_part(v, pack, record, payload, err);
	if (record->type == RECORD_PROVENANCE)
		return check_sighting(v, record, err);
	return 0;
}

static int check_records(struct verifying *v, const struct pack_row *row, struct pack_scan *scan,
			 struct err *err)
{
	CLEAN_STR payload = STR_INIT;
	struct record record;
	uint64_t end = 0;
	int rc;

	for (;;) {
		str_reset(&payload);
		arena_reset(v->arena);
		rc = pack_scan_next(scan, &record, &payload, err);
		if (rc <= SCAN_END)
			break;
		if (rc == SCAN_TORN) {
			if (record.offset < row->length)
				found(v, row->pack, "the pack is cut short");
			break;
		}
		end = record.offset + record.len;
		rc = rc == SCAN_DAMAGED
			     ? found_at(v, row->pack, record.offset,
					"damaged bytes: no record opens "
					"here",
					err)
			     : check_record(v, row->pack, &record, str_view(&payload), err);
		if (rc < 0)
			return -1;
		if (v->watch->progress != NULL)
			v->watch->progress(v->watch->arg, v->report, v->totals.mails);
	}
	if (rc == SCAN_END && row->state == PACK_SEALED && !pack_scan_sealed(scan))
		found(v, row->pack,
		      end < row->length ? "the pack is cut short"
					: "the pack's seal is missing or not true");
	return rc < 0 ? -1 : 0;
}

static int read_pack(struct verifying *v, const struct pack_row *row, struct err *err)
{
	CLEAN(pack_reader) pack = NULL;
	CLEAN(pack_scan) scan = NULL;
	struct medium *medium;

	if (archive_medium(v->a, row->medium, &medium, err) < 0)
		return -1;
	if (pack_open(medium, v->a->keys, row->pack, &pack, err) < 0) {
		if (!is_finding(err))
			return -1;
		found(v, row->pack, err->text);
		err_clear(err);
		return 0;
	}
	if (pack_scan_begin(pack, 0, &scan, err) < 0)
		return -1;
	return check_records(v, row, scan, err);
}

static int check_pack(struct verifying *v, const struct pack_row *row, struct err *err)
{
	if (row->state != PACK_SEALED && row->state != PACK_OPEN)
		return 0;
	if (row->state == PACK_OPEN && row->length == 0)
		return 0; /* just begun by a writer at work */
	if (v->silent[row->medium].packs > 0 && !row->staged) {
		leave_out(v, row, NULL); /* not asked again for each pack */
		return 0;
	}
	if (read_pack(v, row, err) < 0) {
		if (!is_away(err))
			return -1;
		leave_out(v, row, err);
		err_clear(err);
		return 0;
	}
	v->report->packs++;
	return 0;
}

static void tell_left_out(struct verifying *v)
{
	for (unsigned i = 0; i <= MEDIA_MAX; i++)
		if (v->silent[i].packs > 0 && v->watch->left_out != NULL)
			v->watch->left_out(v->watch->arg, i, v->silent[i].packs,
					   v->silent[i].why.text);
}

/* ---- catalog to packs ---- */

static int check_was_seen(void *arg, const struct mail_row *row, struct err *err)
{
	struct verifying *v = arg;
	struct finding finding = {.pack = row->record.pack,
				  .offset = row->record.offset,
				  .mails = &row->id,
				  .n_mails = 1};

	(void)err;
	if (seen_is(&v->mails, row->mail))
		return 0;
	if (seen_is(&v->left_out, row->record.pack)) {
		v->report->unchecked_mails++;
		return 0;
	}
	finding.text = "the catalog names a mail here, and there is none that opens";
	v->report->findings++;
	v->watch->finding(v->watch->arg, &finding);
	return 0;
}

static int check_part_was_seen(void *arg, const struct part_row *row, struct err *err)
{
	struct verifying *v = arg;

	if (seen_is(&v->parts, row->part) || seen_is(&v->left_out, row->pack))
		return 0;
	return found_at(v, row->pack, row->offset,
			"the catalog names a part here, and there is none that opens", err);
}

static int check_catalog(struct verifying *v, struct err *err)
{
	if (mails_each(v->a->catalog, 0, check_was_seen, v, err) < 0 ||
	    parts_each(v->a->catalog, check_part_was_seen, v, err) < 0)
		return -1;
	if (v->sightings < v->totals.sightings && v->report->unchecked == 0)
		found(v, 0, "the catalog names sightings that no pack holds");
	return 0;
}

/* ---- the databases ---- */

static void database_finding(void *arg, const char *text)
{
	found(arg, 0, text);
}

static int check_index(struct verifying *v, struct err *err)
{
	CLEAN_STR text = STR_INIT;
	uint64_t indexed;

	if (archive_need_index(v->a, err) < 0) {
		if (!is_finding(err))
			return -1;
		found(v, 0, err->text);
		err_clear(err);
		return 0;
	}
	if (index_check(v->a->index, database_finding, v, err) < 0 ||
	    index_count(v->a->index, &indexed, err) < 0)
		return -1;
	if (indexed < v->totals.mails) {
		str_addf(&text,
			 "the index lacks %llu mails; \"sealpost index update\" brings them in",
			 (unsigned long long)(v->totals.mails - indexed));
		found(v, 0, text.data);
	}
	return 0;
}

static int check_databases(struct verifying *v, struct err *err)
{
	if (db_check(catalog_db(v->a->catalog), database_finding, v, err) < 0)
		return -1;
	return check_index(v, err);
}

static int verify(struct verifying *v, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	struct pack_row *rows;
	size_t n;

	if (packs_list(v->a->catalog, arena, 0, &rows, &n, err) < 0)
		return -1;
	v->left_out = seen_new(n > 0 ? rows[n - 1].pack : 0);
	for (size_t i = 0; i < n; i++)
		if (check_pack(v, &rows[i], err) < 0)
			return -1;
	tell_left_out(v);
	return check_catalog(v, err) < 0 ? -1 : check_databases(v, err);
}

int verify_all(struct archive *a, const struct verify_watch *watch, struct verify_report *report_r,
	       struct err *err)
{
	struct verifying v = {.a = a, .watch = watch, .report = report_r, .raw = STR_INIT};
	int rc = -1;

	*report_r = (struct verify_report){0};
	if (mails_totals(a->catalog, &v.totals, err) < 0)
		return -1;
	v.reader = reader_new(a);
	v.silent = mem_new((MEDIA_MAX + 1) * sizeof(*v.silent));
	v.arena = arena_new();
	v.mails = seen_new(v.totals.highest);
	v.parts = seen_new(v.totals.highest_part);
	rc = verify(&v, err);
	free(v.mails.bits);
	free(v.parts.bits);
	free(v.left_out.bits);
	free(v.silent);
	arena_free(&v.arena);
	reader_free(&v.reader);
	str_clear(&v.raw);
	return rc;
}

int verify_mail(struct archive *a, const struct mail_row *row, struct err *err)
{
	CLEAN(reader) reader = reader_new(a);
	CLEAN_STR raw = STR_INIT;

	return reader_mail(reader, row, &raw, err);
}
