/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backup/mirror.h"

#include "app/catalog/mirror.h"
#include "backup/mirror_priv.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "storage/label.h"

#include <time.h>

struct mirroring {
	struct archive *a;
	struct catalog *catalog;
	const struct mirror_options *options;
	struct mirror_report *report;
	struct mirror_place place;
	struct copy_pace pace;
	struct arena *arena;
	struct pack_row *packs;
	size_t n_packs;
	/* the medium that is being mirrored */
	unsigned medium;
	struct medium *from, *to;
	bool away; /* it stopped answering */
	struct {
		char **v;
		size_t n, cap;
	} names; /* of what is no pack there */
};

/* --- when, and for how long ------------------------------------------------------------------- */

static bool is_hour(const struct mirroring *mi)
{
	const struct archive_settings *s = archive_settings(mi->a);
	unsigned from = (unsigned)s->mirror_from_hour, until = (unsigned)s->mirror_until_hour;
	time_t now = (time_t)clock_s();
	struct tm local;

	if (mi->options->any_hour || from == until || localtime_r(&now, &local) == NULL)
		return true;
	unsigned hour = (unsigned)local.tm_hour;

	return from < until ? hour >= from && hour < until : hour >= from || hour < until;
}

static bool is_to_stop(void *arg)
{
	struct mirroring *mi = arg;

	if (!is_hour(mi))
		mi->report->not_now = true;
	return mi->report->not_now ||
	       (mi->options->stop != NULL && mi->options->stop(mi->options->arg));
}

static void carried(void *arg, uint64_t bytes)
{
	struct mirroring *mi = arg;

	mi->report->bytes += bytes;
	if (mi->options->progress != NULL)
		mi->options->progress(mi->options->arg, bytes);
}

/* --- whose fault ------------------------------------------------------------------------------ */

/* (MI3) A failed copy: what the medium does not give is named and left; what the mirror does not take ends the run. */
static int blame(struct mirroring *mi, const char *name, struct err *why, struct err *err)
{
	uint64_t left, total;
	struct err ignored = {0};

	if (why->kind == ERR_STOPPED || why->kind == ERR_NOSPACE ||
	    medium_space(mi->to, &left, &total, &ignored) < 0)
		return err_set(err, why->kind, "%s", why->text);
	mi->report->missing++;
	mi->away = why->kind == ERR_OFFLINE || why->kind == ERR_TIMEOUT;
	log_error("not mirrored medium=%u name=%s: %s", mi->medium, name, why->text);
	return 0;
}

/* A pack that was written anew since the run began is not missing: the next run has the new one. */
static int blame_pack(struct mirroring *mi, const struct pack_row *row, const char *name,
		      struct err *why, struct err *err)
{
	struct pack_row now;
	int rc = packs_get(mi->catalog, row->pack, &now, err);

	if (rc < 0)
		return -1;
	if (rc > 0 && (now.state == PACK_REPLACED || now.state == PACK_REMOVED) &&
	    (why->kind == ERR_NOTFOUND || why->kind == ERR_DAMAGED))
		return 0;
	return blame(mi, name, why, err);
}

/* --- one file --------------------------------------------------------------------------------- */

static int remove_there(struct mirroring *mi, const char *name, struct err *err)
{
	if (medium_remove(mi->to, name, err) < 0 && err->kind != ERR_NOTFOUND)
		return -1;
	err_clear(err);
	return 0;
}

/* NAME whole and read back; what differs is made anew once, if the medium has it whole: else what the mirror has may be
 * all that there is (MI3). AS: under another name until it is. */
static int carry(struct mirroring *mi, const char *name, const char *as, uint64_t length,
		 const struct hash *hash, struct err *why)
{
	uint64_t there;

	if (medium_size(mi->from, name, &there, why) < 0) /* before anything is made for it */
		return -1;
	for (int tries = 0;; tries++) {
		if (copy_file_as(mi->from, name, mi->to, as, length, &mi->pace, why) == 0 &&
		    copy_check(mi->to, as, length, hash, &mi->pace, why) == 0)
			return 0;
		if (why->kind != ERR_DAMAGED || tries > 0)
			return -1;
		err_clear(why);
		if (copy_check(mi->from, name, length, hash, &mi->pace, why) < 0 ||
		    remove_there(mi, as, why) < 0)
			return -1;
	}
}

static int note_arrived(struct mirroring *mi, const char *name, uint64_t size,
			const struct hash *hash, struct err *err)
{
	struct mirror_file file = {.medium = mi->medium, .name = name, .size = size};

	if (hash != NULL) {
		file.has_hash = true;
		file.hash = *hash;
	}
	mi->report->files++;
	return mirror_file_arrived(mi->catalog, &file, err);
}

static int mirror_sealed(struct mirroring *mi, const struct pack_row *row, const char *name,
			 struct err *err)
{
	struct err why = {0};
	struct hash hash;

	if (mirror_pack_hash(mi->a, mi->from, row, &mi->pace, &hash, &why) < 0 ||
	    carry(mi, name, name, row->length, &hash, &why) < 0)
		return blame_pack(mi, row, name, &why, err);
	return note_arrived(mi, name, row->length, &hash, err);
}

static int mirror_open_pack(struct mirroring *mi, const struct pack_row *row, const char *name,
			    struct err *err)
{
	struct err why = {0};

	uint64_t there;

	if (medium_size(mi->from, name, &there, &why) < 0 ||
	    copy_file(mi->from, mi->to, name, row->length, &mi->pace, &why) < 0)
		return blame_pack(mi, row, name, &why, err);
	return note_arrived(mi, name, row->length, NULL, err);
}

/* 1: the mirror has it already, as far as is known. */
static int is_there(struct mirroring *mi, const char *name, uint64_t size, bool whole,
		    struct err *err)
{
	struct mirror_file file;
	int rc = mirror_file_get(mi->catalog, mi->medium, name, &file, err);

	return rc <= 0 ? rc : file.size == size && (!whole || file.has_hash);
}

static int mirror_pack(struct mirroring *mi, const struct pack_row *row, struct err *err)
{
	bool sealed = row->state == PACK_SEALED;
	char name[64];
	int rc = is_there(mi, pack_name(row->pack, name), row->length, sealed, err);

	if (rc != 0)
		return rc < 0 ? -1 : 0;
	return sealed ? mirror_sealed(mi, row, name, err) : mirror_open_pack(mi, row, name, err);
}

/* --- the packs of a medium -------------------------------------------------------------------- */

/* 1: pack ROW lies on the medium that is being mirrored. */
static int is_ours(struct mirroring *mi, const struct pack_row *row, struct err *err)
{
	enum medium_state state;
	unsigned number = row->medium;

	if (archive_resolve_medium(mi->a, &number, &state, err) < 0)
		return -1;
	return number == mi->medium;
}

static int mirror_packs(struct mirroring *mi, struct err *err)
{
	for (size_t i = 0; i < mi->n_packs; i++) {
		const struct pack_row *row = &mi->packs[i];
		int rc = row->state == PACK_OPEN || row->state == PACK_SEALED
				 ? is_ours(mi, row, err)
				 : 0;

		if (rc < 0)
			return -1;
		if (rc == 0 || row->length == 0)
			continue;
		if (mi->from == NULL || (mi->away && !row->staged)) /* staging is there */
			mi->report->missing++;
		else if (mirror_pack(mi, row, err) < 0)
			return -1;
	}
	return 0;
}

/* --- what is no pack -------------------------------------------------------------------------- */

static bool is_part(const char *name)
{
	size_t len = strlen(name);

	return len > 5 && strcmp(name + len - 5, ".part") == 0;
}

static int add_name(void *arg, const char *name, uint64_t size, struct err *err)
{
	struct mirroring *mi = arg;

	(void)size, (void)err;
	if (!is_part(name))
		ARENA_PUSH(mi->arena, mi->names, arena_str(mi->arena, name));
	return 0;
}

/* It is whole, and never changes, once it has its name. */
static int carry_other(struct mirroring *mi, const char *name, uint64_t size, struct hash *hash_r,
		       struct err *why)
{
	CLEAN_STR part = STR_INIT;

	str_addf(&part, "%s.part", name);
	if (copy_hash(mi->from, name, size, &mi->pace, hash_r, why) < 0 ||
	    carry(mi, name, part.data, size, hash_r, why) < 0)
		return -1;
	return medium_replace(mi->to, part.data, name, why);
}

static int mirror_other(struct mirroring *mi, const char *name, struct err *err)
{
	struct err why = {0};
	struct hash hash;
	uint64_t size;
	int rc;

	if (medium_size(mi->from, name, &size, &why) < 0)
		return why.kind == ERR_NOTFOUND ? 0 : blame(mi, name, &why, err);
	rc = is_there(mi, name, size, true, err);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	if (carry_other(mi, name, size, &hash, &why) < 0)
		return blame(mi, name, &why, err);
	return note_arrived(mi, name, size, &hash, err);
}

static bool is_named(const struct mirroring *mi, const char *name)
{
	for (size_t i = 0; i < mi->names.n; i++)
		if (strcmp(mi->names.v[i], name) == 0)
			return true;
	return false;
}

static int drop(struct mirroring *mi, const char *name, struct err *err)
{
	if (remove_there(mi, name, err) < 0)
		return -1;
	mi->report->removed++;
	return mirror_file_remove(mi->catalog, mi->medium, name, err);
}

static bool is_backup(const char *name)
{
	return strncmp(name, "catalog/", 8) == 0;
}

/* Thinning always leaves a backup. A medium that has none has lost them, or another one stands in its place by now. */
static bool was_thinned(const struct mirroring *mi)
{
	struct err why = {0};
	bool has_one = false;

	for (size_t i = 0; i < mi->names.n; i++)
		has_one = has_one || is_backup(mi->names.v[i]);
	return has_one && label_check(mi->from, archive_keys(mi->a), mi->medium, &why) == 0;
}

/* (MI2), of backups that were thinned. */
static int drop_thinned(struct mirroring *mi, struct err *err)
{
	struct mirror_file *files;
	size_t n;

	if (!was_thinned(mi))
		return 0;
	if (mirror_files_list(mi->catalog, mi->arena, &files, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (files[i].medium == mi->medium && is_backup(files[i].name) &&
		    !is_named(mi, files[i].name) && drop(mi, files[i].name, err) < 0)
			return -1;
	return 0;
}

static int mirror_others(struct mirroring *mi, struct err *err)
{
	struct err why = {0};

	mi->names.n = 0;
	if (mi->away)
		return 0;
	if (medium_list(mi->from, "catalog", add_name, mi, &why) < 0 ||
	    medium_list(mi->from, "evidence", add_name, mi, &why) < 0)
		return blame(mi, "catalog", &why, err);
	for (size_t i = 0; i < mi->names.n && !mi->away; i++)
		if (mirror_other(mi, mi->names.v[i], err) < 0)
			return -1;
	return mi->away ? 0 : drop_thinned(mi, err);
}

/* --- what was replaced (MI2) ------------------------------------------------------------------ */

/* 1: what stands for pack ROW now is in the mirror. */
static int has_arrived(struct mirroring *mi, const struct pack_row *row, struct err *err)
{
	struct pack_row by = *row;
	struct mirror_file file;
	enum medium_state state;
	char name[64];
	int rc;

	while (by.state == PACK_REPLACED || by.state == PACK_REMOVED) {
		if (by.replaced_by == 0)
			return 1;
		rc = packs_get(mi->catalog, by.replaced_by, &by, err);
		if (rc <= 0)
			return rc < 0 ? -1 : 1;
	}
	if (by.state == PACK_VOID)
		return 1;
	if (archive_resolve_medium(mi->a, &by.medium, &state, err) < 0)
		return -1;
	rc = mirror_file_get(mi->catalog, by.medium, pack_name(by.pack, name), &file, err);
	return rc > 0 ? file.has_hash : rc;
}

/* Also what another medium has by now, to which this one was redirected. */
static int drop_replaced(struct mirroring *mi, struct err *err)
{
	for (size_t i = 0; i < mi->n_packs; i++) {
		const struct pack_row *row = &mi->packs[i];
		struct mirror_file file;
		char name[64];
		int rc = row->state == PACK_OPEN || row->state == PACK_SEALED
				 ? is_ours(mi, row, err)
				 : 0;

		if (rc > 0)
			continue;
		if (rc == 0)
			rc = mirror_file_get(mi->catalog, mi->medium, pack_name(row->pack, name),
					     &file, err);
		if (rc > 0)
			rc = has_arrived(mi, row, err);
		if (rc < 0 || (rc > 0 && drop(mi, name, err) < 0))
			return -1;
	}
	return 0;
}

/* --- reading again ---------------------------------------------------------------------------- */

/* What was damaged is made anew, as soon as its medium gives it whole; until then it stays as it is (MI3), and does
 * not count as being there. */
static int renew(struct mirroring *mi, const struct mirror_file *file, struct err *err)
{
	struct err why = {0};

	mi->report->damaged++;
	log_error("damaged in the mirror medium=%u name=%s", mi->medium, file->name);
	if (mirror_file_remove(mi->catalog, mi->medium, file->name, err) < 0)
		return -1;
	if (mi->from == NULL) {
		mi->report->missing++;
		return 0;
	}
	if (copy_check(mi->from, file->name, file->size, &file->hash, &mi->pace, &why) < 0 ||
	    carry(mi, file->name, file->name, file->size, &file->hash, &why) < 0)
		return blame(mi, file->name, &why, err);
	mi->report->repaired++;
	return note_arrived(mi, file->name, file->size, &file->hash, err);
}

static int scrub_one(struct mirroring *mi, const struct mirror_file *file, struct err *err)
{
	mi->report->checked++;
	if (copy_check(mi->to, file->name, file->size, &file->hash, &mi->pace, err) == 0)
		return mirror_file_checked(mi->catalog, file, err);
	if (err->kind != ERR_DAMAGED && err->kind != ERR_NOTFOUND)
		return -1;
	err_clear(err);
	return renew(mi, file, err);
}

/* LEFT: bytes that are still to be read in this run. What came in this run was read already. */
static int scrub(struct mirroring *mi, int64_t begun_s, uint64_t *left, struct err *err)
{
	struct mirror_file *files;
	size_t n;

	if (mirror_files_list(mi->catalog, mi->arena, &files, &n, err) < 0)
		return -1;
	for (size_t i = 0; i<n && * left> 0; i++) {
		bool is_new = files[i].arrived_s >= begun_s && files[i].arrived_s <= clock_s();

		if (files[i].medium != mi->medium || !files[i].has_hash || is_new)
			continue;
		*left -= files[i].size < *left ? files[i].size : *left;
		if (scrub_one(mi, &files[i], err) < 0)
			return -1;
	}
	return 0;
}

/* --- one medium ------------------------------------------------------------------------------- */

/* 1: it is to be mirrored. What of a deactivated one the mirror lacks is missing. */
static int begin_medium(struct mirroring *mi, const struct medium_row *row, struct err *err)
{
	struct err why = {0};

	mi->medium = row->medium;
	mi->away = false;
	mi->from = NULL;
	if (row->state == MEDIUM_REMOVED || row->state == MEDIUM_REDIRECTED)
		return 0;
	if (mirror_open(mi->a, &mi->place, row->medium, true, &mi->to, err) < 0)
		return -1;
	if (archive_medium(mi->a, row->medium, &mi->from, &why) == 0)
		return 1;
	mi->away = true;
	log_error("not mirrored medium=%u: %s", row->medium, why.text);
	return 1;
}

static int mirror_medium(struct mirroring *mi, const struct medium_row *row, int64_t begun_s,
			 uint64_t *scrub_left, struct err *err)
{
	int rc = begin_medium(mi, row, err);

	if (rc > 0 && (mirror_packs(mi, err) < 0 || mirror_others(mi, err) < 0 ||
		       scrub(mi, begun_s, scrub_left, err) < 0))
		rc = -1;
	return rc;
}

/* 1: MI->to is there to be cleared. */
static int begin_dropping(struct mirroring *mi, const struct medium_row *row, struct err *err)
{
	mi->medium = row->medium;
	if (row->state == MEDIUM_REMOVED)
		return 0;
	if (mirror_open(mi->a, &mi->place, row->medium, false, &mi->to, err) == 0)
		return 1;
	if (row->state != MEDIUM_REDIRECTED ||
	    (err->kind != ERR_NOTFOUND && err->kind != ERR_OFFLINE))
		return -1;
	err_clear(err); /* it was never mirrored */
	return 0;
}

/* The replaced ones go in a second round, as what replaced them may be on another medium. */
static int mirror_all(struct mirroring *mi, struct err *err)
{
	uint64_t scrub_left = mi->options->scrub_all ? UINT64_MAX
						     : archive_settings(mi->a)->mirror_scrub_bytes;
	int64_t begun_s = clock_s();
	struct medium_row *rows;
	size_t n;

	if (media_list(mi->catalog, mi->arena, &rows, &n, err) < 0 ||
	    packs_list(mi->catalog, mi->arena, 0, &mi->packs, &mi->n_packs, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		int rc = mirror_medium(mi, &rows[i], begun_s, &scrub_left, err);

		medium_free(&mi->to);
		if (rc < 0)
			return -1;
	}
	for (size_t i = 0; i < n; i++) {
		int rc = begin_dropping(mi, &rows[i], err);

		rc = rc > 0 ? drop_replaced(mi, err) : rc;
		medium_free(&mi->to);
		if (rc < 0)
			return -1;
	}
	return 0;
}

/* --- the whole -------------------------------------------------------------------------------- */

static int count(struct mirroring *mi, struct err *err)
{
	struct mirror_file *files;
	size_t n;

	if (mirror_files_list(mi->catalog, mi->arena, &files, &n, err) < 0)
		return -1;
	mi->report->total_files = n;
	for (size_t i = 0; i < n; i++)
		mi->report->total_bytes += files[i].size;
	return 0;
}

static int lock(struct archive *a, int *fd_r, struct err *err)
{
	CLEAN_STR path = STR_INIT;
	int rc;

	str_addf(&path, "%s/lock", archive_dir(a));
	if (dir_make(path.data, 0700, err) < 0)
		return -1;
	str_adds(&path, "/mirror");
	rc = file_lock(path.data, fd_r, err);
	if (rc == 0)
		err_set(err, ERR_BUSY, "another process is mirroring this archive just now");
	return rc > 0 ? 0 : -1;
}

static int run(struct mirroring *mi, struct err *err)
{
	struct err ignored = {0};
	int rc;

	if (is_to_stop(mi) && mi->report->not_now)
		return count(mi, err);
	rc = mirror_all(mi, err);
	if (rc < 0 && err->kind == ERR_STOPPED && mi->report->not_now) {
		err_clear(err);
		rc = 0; /* the next run goes on */
	}
	count(mi, &ignored);
	return rc;
}

int mirror_run(struct archive *a, const struct mirror_options *options,
	       struct mirror_report *report_r, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	CLEAN_FD fd = -1;
	struct mirroring mi = {.a = a,
			       .catalog = archive_catalog(a),
			       .options = options,
			       .report = report_r,
			       .arena = arena};
	int rc;

	*report_r = (struct mirror_report){0};
	mi.pace = (struct copy_pace){.bytes_per_s = archive_settings(a)->mirror_rate,
				     .stop = is_to_stop,
				     .progress = carried,
				     .arg = &mi};
	if (lock(a, &fd, err) < 0 || mirror_place_load(a, &mi.place, err) < 0)
		return -1;
	rc = run(&mi, err);
	mirror_place_clear(&mi.place);
	return rc;
}
