/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/archive/ship.h"

#include "app/archive/archive_priv.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "storage/staged.h"

#include <unistd.h>

enum {
	ASK_MS = 10 * 1000, /* media for which nothing waits are asked so often */
	NOTE_S = 60,        /* and what is found is noted so often, if it is what it was */
	SWEEP_MS = 24 * 3600 * 1000,
	PART_OLD_S = 24 * 3600
};

static const char *const other_folders[] = {"catalog", "evidence"};
enum { OTHER_FOLDERS = sizeof(other_folders) / sizeof(*other_folders) };

/* One run for one medium. What the medium does wrong is kept in WHY, and ends nothing but this; what the functions
 * give back as -1 is the catalog's, or the request to stop. */
struct shipping {
	struct archive *a;
	const struct medium_row *row;
	struct medium *m, *near, *far;
	uint64_t min_bytes;
	int64_t min_age_s;
	struct copy_pace *pace; /* of all media */
	struct ship_report *report;
	struct arena *arena;
	struct pack_row *packs; /* that are staged, of this medium */
	size_t n_packs;
	struct pack_row *replaced;
	size_t n_replaced;
	char **files; /* in staging, and no packs */
	size_t n_files, cap_files;
	struct err why; /* the first trouble; ERR_NONE */
	bool gave_up;   /* the medium cannot be used in this run */
};

/* --- trouble ---------------------------------------------------------------------------------- */

/* Something with one file. */
static void note_trouble(struct shipping *s, const struct err *why)
{
	if (s->why.kind == ERR_NONE)
		s->why = *why;
}

/* The far medium failed: no more of it in this run. -1 only to be stopped. */
static int give_up(struct shipping *s, const struct err *why, struct err *err)
{
	if (why->kind == ERR_STOPPED)
		return err_set(err, ERR_STOPPED, "%s", why->text);
	s->why = *why;
	s->gave_up = true;
	if (why->kind == ERR_OFFLINE || why->kind == ERR_TIMEOUT || why->kind == ERR_DENIED)
		staged_far_failed(s->m, why);
	return 0;
}

/* --- one pack --------------------------------------------------------------------------------- */

/* 1: it lies on this medium, or on one that this one stands for. */
static int is_ours(struct shipping *s, const struct pack_row *p, struct err *err)
{
	unsigned number = p->medium;
	enum medium_state state;

	if (archive_resolve_medium(s->a, &number, &state, err) < 0)
		return -1;
	return number == s->row->medium;
}

/* What waits since a time to come waits since before the clock was set back. */
static bool is_due(const struct shipping *s, const struct pack_row *p)
{
	int64_t age_s = clock_s() - p->waits_s;

	if (p->state == PACK_SEALED)
		return true;
	return p->length > p->shipped &&
	       (p->length - p->shipped >= s->min_bytes || age_s < 0 || age_s >= s->min_age_s);
}

/* SHA-256 of a pack whose writer could not tell it, once it has opened from end to end. */
static int prove(struct shipping *s, struct pack_row *p, struct err *why)
{
	CLEAN(pack_reader) pack = NULL;
	CLEAN(pack_scan) scan = NULL;
	struct record record;
	char name[64];
	int rc;

	if (pack_open(s->near, s->a->keys, p->pack, &pack, why) < 0 ||
	    pack_scan_begin(pack, 0, &scan, why) < 0)
		return -1;
	do
		rc = pack_scan_next(scan, &record, NULL, why);
	while (rc == SCAN_RECORD);
	if (rc < 0)
		return -1;
	if (rc != SCAN_END || !pack_scan_sealed(scan))
		return err_set(why, ERR_DAMAGED, "pack %llu is damaged in staging",
			       (unsigned long long)p->pack);
	return copy_hash(s->near, pack_name(p->pack, name), p->length, NULL, &p->hash, why);
}

static int need_hash(struct shipping *s, struct pack_row *p, struct err *why, struct err *err)
{
	if (p->has_hash)
		return 1;
	if (prove(s, p, why) < 0)
		return 0;
	p->has_hash = true;
	return packs_set_hash(s->a->catalog, p->pack, &p->hash, err) < 0 ? -1 : 1;
}

/* In one transaction with what is written down: 1; 0 it is elsewhere by now ("medium set"), and what arrived arrived at
 * the wrong place. */
static int note_settled(struct shipping *s, uint64_t pack, struct err *err)
{
	int rc;

	if (catalog_begin(s->a->catalog, err) < 0)
		return -1;
	rc = media_is_at(s->a->catalog, s->row->medium, s->row->location, err);
	if (rc > 0 && (packs_set_staged(s->a->catalog, pack, false, err) < 0 ||
		       catalog_commit(s->a->catalog, err) < 0))
		rc = -1;
	if (rc <= 0)
		catalog_rollback(s->a->catalog);
	return rc;
}

static int say_moved(const struct shipping *s, struct err *why)
{
	return err_set(why, ERR_OFFLINE, "medium %u was moved to another place", s->row->medium);
}

/* (H2) The catalog, then the file. */
static int settle(struct shipping *s, const struct pack_row *p, const char *name, struct err *err)
{
	struct err why = {0};

	int rc = note_settled(s, p->pack, err);

	if (rc < 0)
		return -1;
	if (rc == 0) {
		say_moved(s, &why);
		return give_up(s, &why, err);
	}
	s->report->settled++;
	log_info("pack arrived pack=%llu medium=%u bytes=%llu", (unsigned long long)p->pack,
		 s->row->medium, (unsigned long long)p->length);
	if (medium_drop(s->near, name, &why) < 0)
		note_trouble(s, &why); /* the next sweep takes it */
	return 0;
}

/* Copy it whole and read it back; if it differs, once more from the start: but only if the one in staging is whole, since
 * else what the medium has may be all that there is. */
static int carry(struct shipping *s, const char *name, const char *as, uint64_t length,
		 const struct hash *hash, struct err *why)
{
	for (int tries = 0;; tries++) {
		if (copy_file_as(s->near, name, s->far, as, length, s->pace, why) == 0 &&
		    copy_check(s->far, as, length, hash, s->pace, why) == 0)
			return 0;
		if (why->kind != ERR_DAMAGED || tries > 0)
			return -1;
		log_warn("not what was sent, sent again: %s", why->text);
		err_clear(why);
		if (copy_check(s->near, name, length, hash, NULL, why) < 0 ||
		    medium_drop(s->far, as, why) < 0)
			return -1;
	}
}

/* It failed. Did the medium, or is it the file that is no good? */
static int blame(struct shipping *s, const struct pack_row *p, const struct err *why,
		 struct err *err)
{
	struct pack_row now;
	int rc;

	if (why->kind != ERR_DAMAGED && why->kind != ERR_NOTFOUND)
		return give_up(s, why, err);
	rc = packs_get(s->a->catalog, p->pack, &now, err);
	if (rc > 0 && now.staged && now.state == p->state)
		note_trouble(s, why); /* else it was replaced meanwhile, and needs no shipping */
	return rc < 0 ? -1 : 0;
}

/* The connection may have been made anew meanwhile (storage/medium_smb.h), to what stands in the medium's place now:
 * only what is on the right one may leave staging. */
static int is_still_there(struct shipping *s, struct err *why)
{
	int rc = media_is_at(s->a->catalog, s->row->medium, s->row->location, why);

	if (rc <= 0)
		return rc < 0 ? -1 : say_moved(s, why);
	return archive_check_label(s->a, s->far, s->row->medium, why);
}

static int ship_sealed(struct shipping *s, struct pack_row *p, const char *name, struct err *err)
{
	struct err why = {0};
	int rc = need_hash(s, p, &why, err);

	if (rc < 0)
		return -1;
	if (rc == 0 || carry(s, name, name, p->length, &p->hash, &why) < 0)
		return blame(s, p, &why, err);
	if (is_still_there(s, &why) < 0)
		return give_up(s, &why, err);
	return settle(s, p, name, err);
}

static int ship_open(struct shipping *s, const struct pack_row *p, const char *name,
		     struct err *err)
{
	struct err why = {0};

	if (copy_file(s->near, s->far, name, p->length, s->pace, &why) < 0)
		return blame(s, p, &why, err);
	return packs_set_shipped(s->a->catalog, p->pack, p->length, err);
}

/* Its file is not in staging: somebody removed it, or the disk was lost. If the medium has it all, all is well. */
static int find_lost(struct shipping *s, const struct pack_row *p, const char *name,
		     struct err *err)
{
	struct err why = {0};

	if (p->has_hash && p->state == PACK_SEALED &&
	    copy_check(s->far, name, p->length, &p->hash, s->pace, &why) == 0)
		return settle(s, p, name, err);
	if (why.kind != ERR_NONE && why.kind != ERR_DAMAGED && why.kind != ERR_NOTFOUND)
		return give_up(s, &why, err);
	err_set(&why, ERR_DAMAGED,
		"pack %llu is gone from staging before medium %u had all of it; \"sealpost verify "
		"--all\" "
		"names the mails",
		(unsigned long long)p->pack, s->row->medium);
	return blame(s, p, &why, err);
}

static int ship_pack(struct shipping *s, struct pack_row *p, struct err *err)
{
	struct err why = {0};
	uint64_t size;
	char name[64];

	if (medium_size(s->near, pack_name(p->pack, name), &size, &why) < 0 &&
	    why.kind == ERR_NOTFOUND)
		return find_lost(s, p, name, err);
	return p->state == PACK_SEALED ? ship_sealed(s, p, name, err) : ship_open(s, p, name, err);
}

/* --- other files (H5) ------------------------------------------------------------------------- */

static bool is_part(const char *name)
{
	size_t len = strlen(name);

	return len > 5 && strcmp(name + len - 5, ".part") == 0;
}

static int add_file(void *arg, const char *name, uint64_t size, struct err *err)
{
	struct shipping *s = arg;

	(void)size, (void)err;
	if (is_part(name))
		return 0;
	if (s->n_files == s->cap_files)
		s->files = arena_more(s->arena, s->files, s->n_files, &s->cap_files,
				      sizeof(*s->files));
	s->files[s->n_files++] = arena_str(s->arena, name);
	return 0;
}

static int ship_whole(struct shipping *s, const char *name, struct err *why)
{
	CLEAN_STR part = STR_INIT;
	struct hash hash;
	uint64_t size;

	str_addf(&part, "%s.part", name);
	if (medium_size(s->near, name, &size, why) < 0 ||
	    copy_hash(s->near, name, size, NULL, &hash, why) < 0 ||
	    carry(s, name, part.data, size, &hash, why) < 0 ||
	    medium_replace(s->far, part.data, name, why) < 0 || is_still_there(s, why) < 0)
		return -1;
	return medium_remove(s->near, name, why);
}

static int ship_file(struct shipping *s, const char *name, struct err *err)
{
	struct err why = {0};

	if (ship_whole(s, name, &why) == 0) {
		s->report->settled++;
		return 0;
	}
	if (why.kind == ERR_NOTFOUND) /* its owner removed it meanwhile */
		return 0;
	if (why.kind != ERR_DAMAGED)
		return give_up(s, &why, err);
	note_trouble(s, &why);
	return 0;
}

/* --- replaced packs (H3) ---------------------------------------------------------------------- */

/* 1: what stands for pack P now is where it is to stay. */
static int has_arrived(struct shipping *s, const struct pack_row *p, struct err *err)
{
	struct pack_row by = *p;

	while (by.state == PACK_REPLACED || by.state == PACK_REMOVED) {
		int rc = by.replaced_by == 0 ? 0
					     : packs_get(s->a->catalog, by.replaced_by, &by, err);

		if (rc < 0)
			return -1;
		if (rc == 0) /* nothing was left of it to stand anywhere */
			return 1;
	}
	return !by.staged;
}

static int remove_replaced(struct shipping *s, const struct pack_row *p, struct err *err)
{
	struct err why = {0};
	char name[64];
	int rc = has_arrived(s, p, err);

	if (rc <= 0)
		return rc;
	if (medium_drop(s->far, pack_name(p->pack, name), &why) < 0)
		return why.kind == ERR_BUSY ? 0 : give_up(s, &why, err); /* somebody reads it */
	log_info("replaced pack removed pack=%llu medium=%u", (unsigned long long)p->pack,
		 s->row->medium);
	return packs_set(s->a->catalog, p->pack, PACK_REMOVED, p->length, err);
}

/* --- files that nothing names (H7) ------------------------------------------------------------ */

struct sweep {
	struct shipping *s;
	bool near;
	struct {
		char **v;
		size_t n, cap;
	} names;
};

static int add_name(void *arg, const char *name, uint64_t size, struct err *err)
{
	struct sweep *sw = arg;

	(void)size, (void)err;
	ARENA_PUSH(sw->s->arena, sw->names, arena_str(sw->s->arena, name));
	return 0;
}

/* 1: pack NUMBER is to go from where it was found. */
static int is_left_over(struct sweep *sw, uint64_t number, struct err *err)
{
	struct shipping *s = sw->s;
	struct pack_row p;
	int rc = packs_get(s->a->catalog, number, &p, err);

	if (rc < 0)
		return -1;
	if (rc > 0 && p.state == PACK_REMOVED)
		return 1;
	if (rc > 0 && (p.state == PACK_OPEN || p.state == PACK_SEALED || p.state == PACK_REPLACED))
		return sw->near && !p.staged && p.state == PACK_SEALED ? is_ours(s, &p, err) : 0;
	if (rc > 0 && sw->near)
		return 1; /* void: nothing of it was ever acknowledged */
	log_warn("pack %llu is on medium %u, and the catalog does not know it; \"sealpost "
		 "rebuild\" takes it in",
		 (unsigned long long)number, s->row->medium);
	return 0;
}

static int is_old_part(struct medium *m, const char *name, struct err *why)
{
	int64_t time_s;

	if (!is_part(name) || medium_modified(m, name, &time_s, why) < 0)
		return 0;
	return clock_s() - time_s > PART_OLD_S;
}

/* (H2): a crash in between costs a comparison. 1: it is there whole. */
static int is_whole_there(struct shipping *s, uint64_t number, const char *name, struct err *err)
{
	struct err why = {0};
	struct pack_row p;

	if (packs_get(s->a->catalog, number, &p, err) < 0)
		return -1;
	if (p.state != PACK_SEALED)
		return 1;
	if (p.has_hash && copy_check(s->far, name, p.length, &p.hash, s->pace, &why) == 0)
		return 1;
	if (why.kind == ERR_STOPPED)
		return give_up(s, &why, err);
	return packs_set_staged(s->a->catalog, number, true, err); /* to be shipped again */
}

static int sweep_one(struct sweep *sw, const char *name, struct err *err)
{
	struct shipping *s = sw->s;
	struct medium *m = sw->near ? s->near : s->far;
	struct err why = {0};
	uint64_t number;
	int rc;

	if (pack_number_of(name, &number) == 0) {
		rc = is_left_over(sw, number, err);
		if (rc > 0 && sw->near)
			rc = is_whole_there(s, number, name, err);
	} else {
		rc = is_old_part(m, name, &why);
	}
	if (rc <= 0)
		return rc;
	log_info("left over, removed medium=%u name=%s", s->row->medium, name);
	if (medium_drop(m, name, &why) < 0)
		note_trouble(s, &why);
	return 0;
}

static int sweep_place(struct shipping *s, bool near, struct err *err)
{
	static const char *const folders[] = {"packs", "catalog", "evidence"};
	struct sweep sw = {.s = s, .near = near};
	struct err why = {0};

	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++)
		if (medium_list(near ? s->near : s->far, folders[i], add_name, &sw, &why) < 0)
			return give_up(s, &why, err);
	for (size_t i = 0; i < sw.names.n && !s->gave_up; i++)
		if (sweep_one(&sw, sw.names.v[i], err) < 0)
			return -1;
	return 0;
}

static int sweep(struct shipping *s, struct err *err)
{
	int64_t *swept_ms = &s->a->ship[s->row->medium].swept_ms;
	int64_t now = clock_monotonic_ms();

	if (*swept_ms != 0 && now - *swept_ms < SWEEP_MS)
		return 0;
	if (sweep_place(s, true, err) < 0 || (!s->gave_up && sweep_place(s, false, err) < 0))
		return -1;
	if (!s->gave_up)
		*swept_ms = now;
	return 0;
}

/* --- one medium ------------------------------------------------------------------------------- */

/* How it was found. Not written each time, as each writing is a sync. */
static int note_answer(struct archive *a, const struct medium_row *row, const struct err *why,
		       uint64_t left, uint64_t total, struct err *err)
{
	enum medium_answers answers = why == NULL ? MEDIUM_ANSWERS : MEDIUM_SILENT;
	int64_t age_s = clock_s() - row->asked_s; /* less than none: the clock was set back */

	a->ship[row->medium].asked_ms = clock_monotonic_ms();
	if (row->answers == answers && age_s >= 0 && age_s < NOTE_S &&
	    (why == NULL || strcmp(row->trouble, why->text) == 0))
		return 0;
	return media_note_answer(a->catalog, row->medium, why, left, total, err);
}

static bool is_to_be_asked(const struct archive *a, unsigned medium)
{
	int64_t asked_ms = a->ship[medium].asked_ms;

	return asked_ms == 0 || clock_monotonic_ms() - asked_ms >= ASK_MS;
}

/* Reached, the right one (H6), and how large. */
static int look_at(struct archive *a, struct medium *m, unsigned number, uint64_t *left_r,
		   uint64_t *total_r, struct err *why)
{
	if (archive_check_label(a, m, number, why) < 0)
		return -1;
	return medium_space(m, left_r, total_r, why);
}

static int look_at_local(struct archive *a, const struct medium_row *row, struct err *err)
{
	struct medium *m;
	struct err why = {0};
	uint64_t left = 0, total = 0;

	if (!is_to_be_asked(a, row->medium))
		return 0;
	if (archive_medium(a, row->medium, &m, &why) < 0 ||
	    look_at(a, m, row->medium, &left, &total, &why) < 0)
		return note_answer(a, row, &why, 0, 0, err);
	return note_answer(a, row, NULL, left, total, err);
}

static int look_for_replaced(struct shipping *s, struct err *err)
{
	size_t n;

	if (packs_list(s->a->catalog, s->arena, PACK_REPLACED, &s->replaced, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		int rc = is_ours(s, &s->replaced[i], err);

		if (rc < 0)
			return -1;
		if (rc > 0)
			s->replaced[s->n_replaced++] = s->replaced[i];
	}
	return 0;
}

/* What there is to do: 1 something, 0 nothing yet. */
static int look_for_work(struct shipping *s, const struct pack_row *staged, size_t n_staged,
			 struct err *err)
{
	struct err why = {0};
	bool due = false;
	int rc;

	for (size_t i = 0; i < OTHER_FOLDERS; i++)
		if (medium_list(s->near, other_folders[i], add_file, s, &why) < 0)
			note_trouble(s, &why);
	s->packs = arena_get(s->arena, (n_staged + 1) * sizeof(*s->packs));
	for (size_t i = 0; i < n_staged; i++) {
		const struct pack_row *p = &staged[i];

		if (p->state != PACK_OPEN && p->state != PACK_SEALED)
			continue;
		rc = is_ours(s, p, err);
		if (rc < 0)
			return -1;
		if (rc == 0)
			continue;
		s->packs[s->n_packs++] = *p;
		due = due || is_due(s, p);
	}
	if (look_for_replaced(s, err) < 0)
		return -1;
	return due || s->n_files > 0 || s->n_replaced > 0;
}

static int ship_all(struct shipping *s, struct err *err)
{
	if (sweep(s, err) < 0)
		return -1;
	for (size_t i = 0; i < s->n_packs && !s->gave_up; i++)
		if (is_due(s, &s->packs[i]) && ship_pack(s, &s->packs[i], err) < 0)
			return -1;
	for (size_t i = 0; i < s->n_files && !s->gave_up; i++)
		if (ship_file(s, s->files[i], err) < 0)
			return -1;
	for (size_t i = 0; i < s->n_replaced && !s->gave_up; i++)
		if (remove_replaced(s, &s->replaced[i], err) < 0)
			return -1;
	return 0;
}

static int reach_and_ship(struct shipping *s, bool has_work, struct err *err)
{
	struct err why = {0};
	uint64_t left = 0, total = 0;

	if (staged_far(s->m, &s->far, &why) < 0) {
		s->why = why;
		s->gave_up = true;
	} else if (look_at(s->a, s->far, s->row->medium, &left, &total, &why) < 0) {
		if (give_up(s, &why, err) < 0)
			return -1;
	} else if (ship_all(s, err) < 0) {
		return -1;
	}
	if (s->why.kind != ERR_NONE && has_work)
		s->report->media_away++;
	return note_answer(s->a, s->row, s->why.kind != ERR_NONE ? &s->why : NULL, left, total,
			   err);
}

/* 1 this process may ship for it, 0 another does (H4). */
static int lock_medium(struct archive *a, unsigned medium, int *fd_r, struct err *err)
{
	CLEAN_STR path = STR_INIT;

	if (dir_make(archive_path(a, "lock", &path), 0700, err) < 0)
		return -1;
	str_addf(&path, "/ship-%u", medium);
	return file_lock(path.data, fd_r, err);
}

static int ship_medium(struct shipping *s, const struct pack_row *staged, size_t n_staged,
		       struct err *err)
{
	CLEAN_FD lock = -1;
	int rc;

	s->near = staged_near(s->m);
	rc = look_for_work(s, staged, n_staged, err);
	if (rc < 0 || (rc == 0 && !is_to_be_asked(s->a, s->row->medium)))
		return rc;
	if (lock_medium(s->a, s->row->medium, &lock, err) <= 0)
		return err->kind != ERR_NONE ? -1 : 0;
	return reach_and_ship(s, rc > 0, err);
}

static int count_files(struct shipping *s)
{
	struct err why = {0};

	s->n_files = 0;
	for (size_t i = 0; i < OTHER_FOLDERS; i++)
		medium_list(s->near, other_folders[i], add_file, s, &why);
	s->report->files_waiting += s->n_files;
	return 0;
}

static int visit(struct archive *a, const struct medium_row *row, struct shipping template,
		 const struct pack_row *staged, size_t n_staged, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	struct shipping s = template;
	struct err why = {0};

	if (row->state != MEDIUM_IN_USE)
		return 0;
	s.row = row;
	s.arena = arena;
	if (strcmp(row->type, "local") == 0)
		return look_at_local(a, row, err);
	if (archive_medium(a, row->medium, &s.m, &why) < 0)
		return note_answer(a, row, &why, 0, 0, err);
	if (!medium_is_staged(s.m))
		return 0;
	if (ship_medium(&s, staged, n_staged, err) < 0)
		return -1;
	return count_files(&s);
}

/* --- all media -------------------------------------------------------------------------------- */

static int count_waiting(struct archive *a, struct ship_report *report, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	struct medium_row *media;
	size_t n;

	if (media_list(a->catalog, arena, &media, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		report->packs_waiting += media[i].waiting_packs;
		report->bytes_waiting += media[i].waiting_bytes;
	}
	return 0;
}

static int ship_media(struct shipping *template, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	struct archive *a = template->a;
	struct medium_row *media;
	struct pack_row *staged;
	size_t n, n_staged;

	if (media_list(a->catalog, arena, &media, &n, err) < 0 ||
	    packs_list_staged(a->catalog, arena, &staged, &n_staged, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (visit(a, &media[i], *template, staged, n_staged, err) < 0)
			return -1;
	return 0;
}

/* The caller's pace, counted. */
struct counted_pace {
	struct copy_pace *outer;
	struct ship_report *report;
};

static bool stop(void *arg)
{
	const struct copy_pace *outer = ((struct counted_pace *)arg)->outer;

	return outer != NULL && outer->stop != NULL && outer->stop(outer->arg);
}

static void progress(void *arg, uint64_t bytes)
{
	struct counted_pace *c = arg;

	c->report->bytes += bytes;
	if (c->outer != NULL && c->outer->progress != NULL)
		c->outer->progress(c->outer->arg, bytes);
}

int ship_run(struct archive *a, uint64_t min_bytes, int64_t min_age_s, struct copy_pace *pace,
	     struct ship_report *report_r, struct err *err)
{
	struct counted_pace counted = {pace, report_r};
	struct copy_pace inner = {.stop = stop, .progress = progress, .arg = &counted};
	struct shipping template = {.a = a,
				    .min_bytes = min_bytes,
				    .min_age_s = min_age_s,
				    .pace = &inner,
				    .report = report_r};

	if (pace != NULL)
		inner.bytes_per_s = pace->bytes_per_s;
	*report_r = (struct ship_report){0};
	if (ship_media(&template, err) < 0)
		return -1;
	return count_waiting(a, report_r, err);
}
