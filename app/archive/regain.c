/* SPDX-License-Identifier: GPL-3.0-or-later */
/* First all packs are listed, those on the media and those that the catalog knows; then it is told what became of each;
 * then the rows are written, and what is new is scanned. */
#include "app/archive/regain_priv.h"

#include "base/file.h"
#include "base/log.h"
#include "storage/copy.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define LIVES(state) ((state) == PACK_OPEN || (state) == PACK_SEALED)
#define GAVE_WAY(state) ((state) == PACK_REPLACED || (state) == PACK_REMOVED)

static void lose(struct regain *rg, char *sentence)
{
	ARENA_PUSH(rg->arena, rg->report->lost, sentence);
}

/* ---- which packs there are ---- */

static int by_number(const void *a, const void *b)
{
	const struct seen_pack *x = a, *y = b;

	return x->pack < y->pack ? -1 : x->pack > y->pack;
}

static struct seen_pack *find_pack(struct regain *rg, uint64_t number)
{
	struct seen_pack key = {.pack = number};

	return bsearch(&key, rg->packs.v, rg->packs.n, sizeof(key), by_number);
}

struct listing {
	struct regain *rg;
	struct regain_source *source;
	bool staged;
};

static int list_pack(void *arg, const char *name, uint64_t size_bytes, struct err *err)
{
	struct listing *l = arg;
	struct seen_pack seen = {
		.medium = l->source->medium, .size = size_bytes, .staged = l->staged};

	(void)err;
	if (!l->staged)
		seen.far_size = size_bytes;
	if (pack_number_of(name, &seen.pack) < 0)
		return 0;
	l->source->has_packs = true;
	ARENA_PUSH(l->rg->arena, l->rg->packs, seen);
	return 0;
}

static int list_source(struct regain *rg, struct regain_source *source, struct err *err)
{
	struct listing near = {rg, source, true}, far = {rg, source, false};

	if (source->near != NULL && medium_list(source->near, "packs", list_pack, &near, err) < 0)
		return -1;
	return source->far == NULL ? 0 : medium_list(source->far, "packs", list_pack, &far, err);
}

/* The same pack is in staging and on its medium; or on two media, as when one was copied onto another: then the one where
 * the catalog knows it counts, else the one that has more. */
static void merge_pack(struct regain *rg, struct seen_pack *into, const struct seen_pack *other)
{
	unsigned home = into->row ? regain_resolve(rg, into->row->medium) : 0;

	if (into->medium == other->medium) {
		uint64_t far_size = into->staged ? other->far_size : into->far_size;

		if (other->staged)
			*into = *other;
		into->far_size = far_size;
	} else if (other->medium == home || (into->medium != home && other->size > into->size)) {
		*into = *other;
	}
}

static void merge_packs(struct regain *rg)
{
	size_t n = 0;

	if (rg->packs.n > 0)
		qsort(rg->packs.v, rg->packs.n, sizeof(*rg->packs.v), by_number);
	for (size_t i = 0; i < rg->packs.n; i++) {
		if (n > 0 && rg->packs.v[n - 1].pack == rg->packs.v[i].pack)
			merge_pack(rg, &rg->packs.v[n - 1], &rg->packs.v[i]);
		else
			rg->packs.v[n++] = rg->packs.v[i];
	}
	rg->packs.n = n;
}

static int row_by_number(const void *key, const void *row)
{
	const struct seen_pack *x = key;
	const struct pack_row *y = row;

	return x->pack < y->pack ? -1 : x->pack > y->pack;
}

static int list_packs(struct regain *rg, struct err *err)
{
	struct pack_row *rows;
	size_t n, found;

	for (size_t i = 0; i < rg->n_sources; i++)
		if (list_source(rg, &rg->sources[i], err) < 0)
			return -1;
	if (packs_list(rg->a->catalog, rg->arena, 0, &rows, &n, err) < 0)
		return -1;
	for (size_t i = 0; n > 0 && i < rg->packs.n; i++)
		rg->packs.v[i].row = bsearch(&rg->packs.v[i], rows, n, sizeof(*rows),
					     row_by_number);
	merge_packs(rg);
	found = rg->packs.n;
	for (size_t i = 0; i < n; i++) {
		struct seen_pack seen = {.pack = rows[i].pack, .row = &rows[i]};

		if (found == 0 ||
		    bsearch(&seen, rg->packs.v, found, sizeof(seen), by_number) == NULL)
			ARENA_PUSH(rg->arena, rg->packs, seen);
	}
	if (rg->packs.n > 0)
		qsort(rg->packs.v, rg->packs.n, sizeof(*rg->packs.v), by_number);
	return 0;
}

/* ---- what they are ---- */

/* Its writer died before it wrote anything. */
static bool is_empty(const struct seen_pack *seen)
{
	return seen->size == 0;
}

static int read_seal(struct seen_pack *seen, struct pack_reader *pack, struct err *err)
{
	CLEAN(pack_scan) scan = NULL;
	struct record record;
	int rc;

	if (pack_scan_begin(pack, 0, &scan, err) < 0)
		return -1;
	do
		rc = pack_scan_next(scan, &record, NULL, err);
	while (rc == SCAN_RECORD || rc == SCAN_DAMAGED);
	seen->sealed = pack_scan_sealed(scan);
	return rc < 0 ? -1 : 0;
}

/* The others are not worse for it. A newer program's pack is not among these: that program is to do this. */
static bool is_packs_fault(enum err_kind kind)
{
	return kind == ERR_DAMAGED || kind == ERR_FOREIGN || kind == ERR_WRONGKEY;
}

/* Header and seal of one pack. One that does not open is told and passed over. */
static int look_into(struct regain *rg, struct seen_pack *seen, struct err *err)
{
	CLEAN(pack_reader) pack = NULL;
	const struct pack_header *header;
	struct medium *medium;

	if (archive_medium(rg->a, seen->medium, &medium, err) < 0)
		return -1;
	if (pack_open(medium, rg->a->keys, seen->pack, &pack, err) < 0) {
		if (!is_packs_fault(err->kind))
			return -1;
		log_error("%s", err->text);
		err_clear(err);
		return 0;
	}
	seen->opens = true;
	header = pack_reader_header(pack);
	if (header->n_replaces == 0)
		return 0;
	seen->n_replaces = header->n_replaces;
	seen->replaces = arena_get(rg->arena, header->n_replaces * sizeof(*seen->replaces));
	memcpy(seen->replaces, header->replaces, header->n_replaces * sizeof(*seen->replaces));
	return read_seal(seen, pack, err);
}

/* A sealed pack takes the place of those it names; one that was never finished does not count. */
static void settle_replaced(struct regain *rg)
{
	for (size_t i = 0; i < rg->packs.n; i++) {
		struct seen_pack *by = &rg->packs.v[i];

		for (size_t r = 0; by->sealed && r < by->n_replaces; r++) {
			struct seen_pack *old = find_pack(rg, by->replaces[r]);

			if (old != NULL)
				old->replaced_by = by->pack;
		}
	}
}

/* An open one, too: what the catalog knew as begun may have been finished since. */
static int look_into_new(struct regain *rg, struct err *err)
{
	for (size_t i = 0; i < rg->packs.n; i++) {
		struct seen_pack *seen = &rg->packs.v[i];

		if (seen->medium != 0 && !is_empty(seen) &&
		    (seen->row == NULL || seen->row->state == PACK_OPEN) &&
		    look_into(rg, seen, err) < 0)
			return -1;
	}
	settle_replaced(rg);
	return 0;
}

/* ---- what becomes of them ---- */

/* Is the pack that took the place of this one in reach, and not there? Then the old one is in force again. */
static bool lacks_heir(struct regain *rg, const struct seen_pack *seen)
{
	const struct seen_pack *heir = seen;

	for (size_t steps = 0; heir != NULL && heir->row != NULL && steps <= rg->packs.n; steps++) {
		if (!GAVE_WAY(heir->row->state) || heir->row->replaced_by == 0)
			break;
		heir = find_pack(rg, heir->row->replaced_by);
	}
	return heir != NULL && heir != seen && heir->row != NULL && heir->medium == 0 &&
	       LIVES(heir->row->state) && heir->replaced_by == 0 &&
	       regain_source(rg, regain_resolve(rg, heir->row->medium)) != NULL;
}

/* On a share, and not in staging. */
static bool lies_far(struct regain *rg, const struct seen_pack *seen)
{
	return !seen->staged && regain_source(rg, seen->medium)->is_share;
}

static enum fate fate_of_new(const struct seen_pack *seen)
{
	if (seen->replaced_by != 0)
		return FATE_GAVE_WAY;
	if (is_empty(seen) || (seen->n_replaces > 0 && !seen->sealed))
		return FATE_UNFINISHED;
	return seen->opens ? FATE_SCAN : FATE_UNOPENED;
}

/* What recovery voids, it may. */
static enum fate fate_of_open(const struct seen_pack *seen)
{
	if (!seen->opens)
		return seen->row->length == 0 ? FATE_UNFINISHED : FATE_UNOPENED;
	return seen->n_replaces > 0 && !seen->sealed ? FATE_UNFINISHED : FATE_SCAN;
}

static enum fate fate_of_known(struct regain *rg, const struct seen_pack *seen)
{
	const struct pack_row *row = seen->row;

	if (GAVE_WAY(row->state) && seen->medium != 0)
		return lacks_heir(rg, seen) ? FATE_SCAN : FATE_GAVE_WAY;
	if (!LIVES(row->state))
		return FATE_KEEP;
	if (seen->replaced_by != 0)
		return FATE_GAVE_WAY;
	if (seen->medium == 0)
		return regain_source(rg, regain_resolve(rg, row->medium)) ? FATE_MISSING
									  : FATE_AWAY;
	if (row->state == PACK_OPEN)
		return fate_of_open(seen);
	if (seen->size < row->length)
		return FATE_SHORT;
	return seen->size > row->length ? FATE_SCAN : FATE_KEEP;
}

static int add_row(struct regain *rg, const struct seen_pack *seen, struct err *err)
{
	struct pack_row row = {.pack = seen->pack,
			       .medium = seen->medium,
			       .state = PACK_OPEN, /* or recovery voids it */
			       .length = seen->size,
			       .replaced_by = seen->replaced_by,
			       .staged = seen->staged,
			       .shipped = seen->staged ? seen->far_size : 0};

	if (seen->fate == FATE_GAVE_WAY || (seen->fate == FATE_UNFINISHED && lies_far(rg, seen)))
		row.state = PACK_REPLACED; /* to be removed */
	else if (seen->fate == FATE_UNOPENED)
		row.state = PACK_SEALED; /* so that verify names it */
	if (row.shipped > row.length)
		row.shipped = 0;
	return packs_add(rg->a->catalog, &row, err);
}

/* An open row is recovery's, which finds nothing here: it would try for ever. */
static int give_up(struct regain *rg, const struct seen_pack *seen, struct err *err)
{
	enum pack_state state = seen->row->length == 0 ? PACK_VOID : PACK_SEALED;

	return packs_set(rg->a->catalog, seen->pack, state, seen->row->length, err);
}

static int change_row(struct regain *rg, const struct seen_pack *seen, struct err *err)
{
	struct catalog *catalog = rg->a->catalog;
	const struct pack_row *row = seen->row;

	if (seen->medium != 0 && seen->medium != regain_resolve(rg, row->medium) &&
	    packs_set_medium(catalog, seen->pack, seen->medium, err) < 0)
		return -1;
	if ((row->staged || seen->staged) &&
	    packs_set_staged(catalog, seen->pack, seen->staged, err) < 0)
		return -1;
	switch (seen->fate) {
	case FATE_GAVE_WAY:
		return packs_replaced(catalog, seen->pack,
				      seen->replaced_by ? seen->replaced_by : row->replaced_by,
				      err);
	case FATE_UNFINISHED:
		return lies_far(rg, seen) ? packs_replaced(catalog, seen->pack, 0, err) : 0;
	case FATE_MISSING:
	case FATE_UNOPENED:
		return give_up(rg, seen, err);
	default:
		return 0;
	}
}

/* From the last on: a row may name a later one that took its place. */
static int write_rows(struct regain *rg, struct err *err)
{
	for (size_t i = 0; i < rg->packs.n; i++) {
		struct seen_pack *seen = &rg->packs.v[i];

		seen->fate = seen->row ? fate_of_known(rg, seen) : fate_of_new(seen);
		rg->report->replaced += seen->fate == FATE_GAVE_WAY && seen->medium != 0;
		rg->report->unopened += seen->fate == FATE_UNOPENED;
	}
	for (size_t i = rg->packs.n; i > 0; i--) {
		const struct seen_pack *seen = &rg->packs.v[i - 1];

		if ((seen->row ? change_row : add_row)(rg, seen, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- taking in ---- */

/* Recovery looks at a share's staging folder only: what it is to cut and seal must lie there. */
static int bring_near(struct regain *rg, const struct seen_pack *seen, struct err *err)
{
	CLEAN(medium) near = NULL;
	CLEAN_STR dir = STR_INIT;
	CLEAN_STR part = STR_INIT;
	struct medium *far;
	char name[64];

	str_addf(&dir, "%s/staging/%u", rg->a->dir, seen->medium);
	str_addf(&part, "%s.part", pack_name(seen->pack, name));
	if (dir_make_all(dir.data, 0700, err) < 0 || medium_local_open(dir.data, &near, err) < 0 ||
	    archive_medium(rg->a, seen->medium, &far, err) < 0)
		return -1;
	if (medium_drop(near, part.data, err) < 0 ||
	    copy_file_as(far, name, near, part.data, seen->far_size, NULL, err) < 0 ||
	    medium_replace(near, part.data, name, err) < 0 ||
	    packs_set_staged(rg->a->catalog, seen->pack, true, err) < 0)
		return -1;
	return packs_set_shipped(rg->a->catalog, seen->pack,
				 seen->size < seen->far_size ? seen->size : seen->far_size, err);
}

static int scan_pack(struct regain *rg, struct adopter *ad, struct seen_pack *seen, struct err *err)
{
	CLEAN(pack_reader) pack = NULL;
	struct medium *medium;
	uint64_t end, length;
	bool sealed;

	if (archive_medium(rg->a, seen->medium, &medium, err) < 0)
		return -1;
	if (pack_open(medium, rg->a->keys, seen->pack, &pack, err) < 0) {
		if (!is_packs_fault(err->kind) || seen->row == NULL)
			return -1;
		err_clear(err);
		seen->fate = FATE_UNOPENED;
		rg->report->unopened++;
		return packs_set(rg->a->catalog, seen->pack, PACK_SEALED, seen->row->length, err);
	}
	if (adopter_scan(ad, pack, &end, &sealed, err) < 0)
		return -1;
	rg->report->packs++;
	length = end;
	if (seen->row != NULL && !sealed && seen->row->length > end) {
		if (seen->row->length <= seen->size)
			length = seen->row->length; /* what was acknowledged stays, be it damaged */
		else
			seen->fate = FATE_SHORT;
	}
	seen->size = length;
	/* An unsealed one is left to recovery, which cuts its tail and seals it. */
	if (packs_set(rg->a->catalog, seen->pack, sealed ? PACK_SEALED : PACK_OPEN, length, err) <
	    0)
		return -1;
	return sealed || !lies_far(rg, seen) ? 0 : bring_near(rg, seen, err);
}

/* What the catalog knows there is elsewhere, or nowhere. */
static uint64_t *list_gone(struct regain *rg, size_t *n_r)
{
	uint64_t *gone = arena_get(rg->arena, (rg->packs.n + 1) * sizeof(*gone));

	*n_r = 0;
	for (size_t i = 0; i < rg->packs.n; i++) {
		const struct seen_pack *seen = &rg->packs.v[i];

		if (seen->row != NULL &&
		    (seen->fate == FATE_GAVE_WAY || seen->fate == FATE_MISSING))
			gone[(*n_r)++] = seen->pack;
	}
	return gone;
}

static bool any_away(const struct regain *rg)
{
	for (size_t i = 0; i < rg->packs.n; i++)
		if (rg->packs.v[i].fate == FATE_AWAY)
			return true;
	return false;
}

static int adopt_all(struct regain *rg, const struct uuid *deleted, size_t n_deleted,
		     struct err *err)
{
	CLEAN(adopter) ad = adopter_new(rg->a);
	size_t n_gone;
	const uint64_t *gone = list_gone(rg, &n_gone);

	adopter_set_deleted(ad, deleted, n_deleted);
	adopter_set_gone(ad, gone, n_gone);
	if (!any_away(rg)) /* then what does not answer is a medium that did a moment ago */
		adopter_need_parts(ad);
	for (size_t i = 0; i < rg->packs.n; i++)
		if (rg->packs.v[i].fate == FATE_SCAN && scan_pack(rg, ad, &rg->packs.v[i], err) < 0)
			return -1;
	if (adopter_describe(ad, NULL, err) < 0)
		return -1;
	rg->report->adopted = *adopter_result(ad);
	return rg->report->adopted.erased > 0 ? parts_drop_unused(rg->a->catalog, err) : 0;
}

/* ---- what could not be had ---- */

static uint64_t lost_from(const struct seen_pack *seen)
{
	return seen->fate == FATE_SHORT ? seen->size : 0;
}

static bool is_lost(const struct seen_pack *seen)
{
	return seen->row != NULL && seen->fate != FATE_KEEP && seen->fate != FATE_AWAY &&
	       seen->fate != FATE_SCAN;
}

/* 1 some may be, 0 none. */
static int list_lost(struct regain *rg, struct err *err)
{
	struct db *db = catalog_db(rg->a->catalog);
	int any = 0;

	if (db_exec(db, "CREATE TEMP TABLE lost (pack INTEGER PRIMARY KEY, length INTEGER)", err) <
	    0)
		return -1;
	for (size_t i = 0; i < rg->packs.n; i++) {
		const struct seen_pack *seen = &rg->packs.v[i];

		if (!is_lost(seen))
			continue;
		any = 1;
		if (db_run(db, err, "INSERT INTO lost VALUES (?1, ?2)", BIND_INT(seen->pack),
			   BIND_INT(lost_from(seen))) < 0)
			return -1;
	}
	return any;
}

/* Mails whose own record is lost, by pack. */
static int tell_lost_packs(struct regain *rg, struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc;

	if (db_query(catalog_db(rg->a->catalog),
		     "SELECT m.pack, count(*) FROM mails m CROSS JOIN lost l ON l.pack = m.pack "
		     "WHERE m.state = 0 AND m.offset + m.length > l.length GROUP BY m.pack",
		     &q, err) < 0)
		return -1;
	while ((rc = stmt_step(q, err)) > 0) {
		const struct seen_pack *seen = find_pack(rg, (uint64_t)stmt_int(q, 0));
		uint64_t mails = (uint64_t)stmt_int(q, 1);

		lose(rg, arena_f(rg->arena, "pack %llu of medium %u %s: %llu mail%s cannot be read",
				 (unsigned long long)seen->pack, seen->row->medium,
				 seen->fate == FATE_SHORT      ? "is there in part only"
				 : seen->fate == FATE_UNOPENED ? "is damaged from its beginning"
							       : "is missing",
				 (unsigned long long)mails, mails == 1 ? "" : "s"));
	}
	return rc;
}

/* All mails of which something is lost. */
static int count_lost(struct regain *rg, struct err *err)
{
	CLEAN_STMT q = NULL;

	if (db_query(catalog_db(rg->a->catalog),
		     "SELECT count(*) FROM mails m WHERE m.state = 0 AND (EXISTS "
		     "(SELECT 1 FROM lost l WHERE l.pack = m.pack AND "
		     "m.offset + m.length > l.length) OR EXISTS "
		     "(SELECT 1 FROM mail_parts u JOIN parts p ON p.part = u.part "
		     "JOIN lost l ON l.pack = p.pack "
		     "WHERE u.mail = m.mail AND p.offset + p.length > l.length))",
		     &q, err) < 0 ||
	    stmt_step(q, err) < 0)
		return -1;
	rg->report->mails_lost = (uint64_t)stmt_int(q, 0);
	return 0;
}

static int tell_away_medium(struct regain *rg, unsigned medium, struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_find(catalog_db(rg->a->catalog), &q, err,
			 "SELECT count(*) FROM mails m JOIN packs p ON p.pack = m.pack "
			 "WHERE p.medium = ?1 AND m.state = 0",
			 BIND_INT(medium));

	if (rc > 0)
		lose(rg, arena_f(rg->arena,
				 "medium %u was not found: %llu mails can be read when it is there "
				 "again",
				 regain_resolve(rg, medium), (unsigned long long)stmt_int(q, 0)));
	return rc < 0 ? -1 : 0;
}

static int tell_away(struct regain *rg, struct err *err)
{
	bool told[MEDIA_MAX + 1] = {false};

	for (size_t i = 0; i < rg->packs.n; i++) {
		const struct seen_pack *seen = &rg->packs.v[i];

		if (seen->fate != FATE_AWAY || seen->row->medium > MEDIA_MAX ||
		    told[seen->row->medium])
			continue;
		told[seen->row->medium] = true;
		if (tell_away_medium(rg, seen->row->medium, err) < 0)
			return -1;
	}
	return 0;
}

static void tell_unopened(struct regain *rg)
{
	for (size_t i = 0; i < rg->packs.n; i++)
		if (rg->packs.v[i].row == NULL && rg->packs.v[i].fate == FATE_UNOPENED)
			lose(rg, arena_f(rg->arena,
					 "pack %llu of medium %u does not open, and was not known: "
					 "how many mails it holds cannot be told",
					 (unsigned long long)rg->packs.v[i].pack,
					 rg->packs.v[i].medium));
}

static int tell_lost(struct regain *rg, struct err *err)
{
	int rc = list_lost(rg, err);

	if (rc < 0 || (rc > 0 && (tell_lost_packs(rg, err) < 0 || count_lost(rg, err) < 0)) ||
	    db_exec(catalog_db(rg->a->catalog), "DROP TABLE lost", err) < 0)
		return -1;
	tell_unopened(rg);
	return tell_away(rg, err);
}

/* Their mails wait for a timestamp again; the proof of when they were here first is gone. */
static void tell_evidence(struct regain *rg)
{
	const struct evidence_regained *e = &rg->report->evidence;

	if (e->missing > 0)
		lose(rg,
		     arena_f(rg->arena,
			     "%llu timestamp%s: no medium in reach has the evidence; the mails are "
			     "stamped anew",
			     (unsigned long long)e->missing, e->missing == 1 ? "" : "s"));
}

/* ---- the whole ---- */

int regain_packs(struct archive *a, struct found_media *found, const struct uuid *deleted,
		 size_t n_deleted, struct arena *arena, struct regain_report *report_r,
		 struct err *err)
{
	struct regain rg = {.a = a, .arena = arena, .found = found, .report = report_r};

	*report_r = (struct regain_report){0};
	if (regain_begin_media(&rg, err) < 0 || list_packs(&rg, err) < 0 ||
	    look_into_new(&rg, err) < 0 || write_rows(&rg, err) < 0 ||
	    adopt_all(&rg, deleted, n_deleted, err) < 0 || tell_lost(&rg, err) < 0 ||
	    evidence_take_in(a, &report_r->evidence, err) < 0)
		return -1;
	tell_evidence(&rg);
	return regain_end_media(&rg, err);
}

int regain_open(const char *dir, bool create, struct archive **a_r, int *lock_r, struct err *err)
{
	CLEAN(archive) a = NULL;
	CLEAN(secret) key = NULL;
	CLEAN_STR path = STR_INIT;
	CLEAN_FD lock = -1;
	int rc;

	if (db_library_check(err) < 0 || archive_open_bare(dir, &a, err) < 0)
		return -1;
	rc = file_lock(archive_path(a, "index.lock", &path), &lock, err);
	if (rc <= 0)
		return rc < 0 ? -1 : err_set(err, ERR_BUSY, "mail is being taken in just now");
	key = keyring_derive(a->keys, KEY_USE_CATALOG, VIEW(""));
	if (create)
		archive_remove_database(a, "catalog.new");
	if (catalog_open(archive_path(a, "catalog.new", &path), key, create, &a->catalog, err) < 0)
		return -1;
	*a_r = TAKE(a);
	*lock_r = lock;
	lock = -1;
	return 0;
}

int regain_put_in_place(struct archive *a, struct err *err)
{
	CLEAN_STR made = STR_INIT;
	CLEAN_STR path = STR_INIT;
	CLEAN_STR old = STR_INIT;

	catalog_free(&a->catalog);
	archive_path(a, "catalog.new", &made);
	archive_path(a, "catalog.db", &path);
	archive_path(a, "catalog.db.old", &old);
	archive_remove_database(a, "catalog.db.old");
	if (link(path.data, old.data) < 0 && errno != ENOENT)
		return err_errno(err, "%s: link: %m", old.data);
	/* The old one's log goes first, for it would be taken for the new one's; who closed it has emptied it. */
	archive_remove_database_log(a, "catalog.db");
	if (rename(made.data, path.data) < 0)
		return err_errno(err, "%s: rename: %m", made.data);
	return dir_sync(a->dir, err);
}

void regain_drop(struct archive *a)
{
	catalog_free(&a->catalog);
	archive_remove_database(a, "catalog.new");
}
