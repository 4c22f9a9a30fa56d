/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backup/mirror.h"

#include "backup/mirror_priv.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "storage/label.h"
#include "storage/staged.h"

#include <stdio.h>
#include <time.h>

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

/* --- packs ------------------------------------------------------------------------------------ */

int mirror_pack_lies_on(struct mirroring *mi, const struct pack_row *row, unsigned *number_r,
			struct err *err)
{
	enum medium_state state;

	*number_r = row->medium;
	return archive_resolve_medium(mi->a, number_r, &state, err);
}

/* 1: the mirror has it already, as far as is known. */
static int is_there(struct mirroring *mi, const struct mirrored *m, const struct pack_row *row,
		    struct err *err)
{
	struct mirror_file file;
	char name[64];
	int rc = mirror_file_get(mi->catalog, m->number, pack_name(row->pack, name), &file, err);

	if (rc <= 0)
		return rc;
	return file.size == row->length && (row->state == PACK_OPEN || file.has_hash);
}

static int mirror_pack(struct mirroring *mi, struct mirrored *m, const struct pack_row *row,
		       struct err *err)
{
	int rc = is_there(mi, m, row, err);

	if (rc != 0)
		return rc < 0 ? -1 : 0;
	if (m->from == NULL || (m->away && !row->staged)) {
		mi->report->missing++;
		return 0;
	}
	return row->state == PACK_SEALED ? mirror_sealed(mi, m, row, err)
					 : mirror_open_pack(mi, m, row, err);
}

static int mirror_packs(struct mirroring *mi, struct mirrored *m, struct err *err)
{
	for (size_t i = 0; i < mi->n_packs; i++) {
		const struct pack_row *row = &mi->packs[i];
		unsigned lies_on;

		if ((row->state != PACK_OPEN && row->state != PACK_SEALED) || row->length == 0)
			continue;
		if (mirror_pack_lies_on(mi, row, &lies_on, err) < 0)
			return -1;
		if (lies_on == m->number && mirror_pack(mi, m, row, err) < 0)
			return -1;
	}
	return 0;
}

/* --- other files ------------------------------------------------------------------------------ */

struct names {
	struct arena *arena;
	char **v;
	size_t n, cap;
};

static int add_name(void *arg, const char *name, uint64_t size, struct err *err)
{
	struct names *names = arg;

	(void)size, (void)err;
	if (!mirror_is_part(name))
		ARENA_PUSH(names->arena, *names, arena_str(names->arena, name));
	return 0;
}

/* 1 these are all; 0 those in staging at most, as the rest is away. */
static int list_others(struct mirroring *mi, struct mirrored *m, struct names *names)
{
	static const char *const folders[] = {"catalog", "evidence"};
	struct medium *from = m->from;
	struct err why = {0};

	if (m->away)
		from = from != NULL && medium_is_staged(from) ? staged_near(from) : NULL;
	for (size_t i = 0; from != NULL && i < sizeof(folders) / sizeof(*folders); i++) {
		if (medium_list(from, folders[i], add_name, names, &why) == 0)
			continue;
		log_error("not mirrored medium=%u name=%s: %s", m->number, folders[i], why.text);
		mi->report->missing += !m->away;
		m->away = true;
		return 0;
	}
	return !m->away;
}

static int mirror_others(struct mirroring *mi, struct mirrored *m, struct err *err)
{
	struct names names = {.arena = mi->arena};
	int all = list_others(mi, m, &names);
	struct err why = {0};

	for (size_t i = 0; i < names.n; i++)
		if (mirror_other(mi, m, names.v[i], err) < 0)
			return -1;
	if (!all || label_check(m->from, archive_keys(mi->a), m->number, &why) < 0)
		return 0; /* another one may stand in its place by now */
	return mirror_drop_others(mi, m, names.v, names.n, err);
}

/* --- a medium and its folder ------------------------------------------------------------------ */

/* 1: something of medium NUMBER is known to have arrived. */
static int was_mirrored(struct mirroring *mi, unsigned number, struct err *err)
{
	struct mirror_file *files;
	size_t n;

	if (mirror_files_list(mi->catalog, mi->arena, &files, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (files[i].medium == number)
			return 1;
	return 0;
}

/* (MI5) */
static int open_folder(struct mirroring *mi, struct mirrored *m, struct err *err)
{
	bool redirected = m->state == MEDIUM_REDIRECTED;
	int known = was_mirrored(mi, m->number, err);
	struct err why = {0};

	if (known < 0)
		return -1;
	if (mirror_open(mi->a, &mi->place, m->number, !known && !redirected, &m->to, &why) == 0) {
		if (mi->options->wrap != NULL)
			m->to = mi->options->wrap(m->to);
		return 0;
	}
	if (why.kind != ERR_NOTFOUND &&
	    (why.kind != ERR_OFFLINE || site_is_share(mi->place.site.location)))
		return err_set(err, why.kind, "%s", why.text);
	if (!known)
		return redirected ? 0 : err_set(err, why.kind, "%s", why.text);
	return err_set(
		err, ERR_OFFLINE,
		"%s; the mirror's place %s is empty, or another place than it was, and nothing "
		"was written there. If its disk is not mounted, mount it; if it is gone for "
		"good, \"sealpost backup mirror --to LOCATION\" begins anew",
		why.text, mi->place.site.location);
}

/* (MI5) A file that comes into being in the mirror must not be on the medium, whatever the two are called. */
static int refuse_same_place(struct mirroring *mi, struct mirrored *m, struct err *err)
{
	CLEAN(medium_file) file = NULL;
	struct uuid id = uuid_new();
	char uuid[UUID_TEXT + 1], name[64];
	struct err why = {0};
	uint64_t size;
	int rc;

	snprintf(name, sizeof(name), "catalog/%s.part", uuid_text(&id, uuid));
	if (medium_create(m->to, name, &file, err) < 0 || medium_sync(file, err) < 0)
		return -1;
	medium_file_free(&file);
	rc = medium_size(m->from, name, &size, &why);
	if (medium_drop(m->to, name, err) < 0)
		return -1;
	if (rc == 0)
		return err_set(
			err, ERR_DENIED,
			"%s/medium-%u is where medium %u itself lies, which cannot be its "
			"own mirror; name another place: sealpost backup mirror --to LOCATION",
			mi->place.site.location, m->number, m->number);
	if (why.kind == ERR_NOTFOUND)
		return 0;
	m->away = true;
	log_error("not mirrored medium=%u: %s", m->number, why.text);
	return 0;
}

/* What of a deactivated one the mirror lacks is missing; that it is not asked is no trouble. */
static int open_medium(struct mirroring *mi, struct mirrored *m, struct err *err)
{
	struct err why = {0};

	if (open_folder(mi, m, err) < 0)
		return -1;
	if (m->state == MEDIUM_REDIRECTED)
		return 0;
	m->away = m->state == MEDIUM_DEACTIVATED;
	if (archive_medium(mi->a, m->number, &m->from, &why) < 0) {
		if (!m->away)
			log_error("not mirrored medium=%u: %s", m->number, why.text);
		m->from = NULL;
		m->away = true;
	}
	return m->away ? 0 : refuse_same_place(mi, m, err);
}

/* --- the round -------------------------------------------------------------------------------- */

static int open_all(struct mirroring *mi, struct err *err)
{
	struct medium_row *rows;
	size_t n;

	if (media_list(mi->catalog, mi->arena, &rows, &n, err) < 0 ||
	    packs_list(mi->catalog, mi->arena, 0, &mi->packs, &mi->n_packs, err) < 0)
		return -1;
	mi->media = arena_get(mi->arena, (n + 1) * sizeof(*mi->media));
	for (size_t i = 0; i < n; i++) {
		struct mirrored *m = &mi->media[mi->n_media];

		if (rows[i].state == MEDIUM_REMOVED)
			continue;
		*m = (struct mirrored){.number = rows[i].medium, .state = rows[i].state};
		mi->n_media++;
		if (open_medium(mi, m, err) < 0)
			return -1;
	}
	return 0;
}

static void close_all(struct mirroring *mi)
{
	for (size_t i = 0; i < mi->n_media; i++) {
		const struct mirrored *m = &mi->media[i];

		mi->report->media_away += m->away && m->state == MEDIUM_IN_USE;
		medium_free(&mi->media[i].to);
	}
}

typedef int medium_fn(struct mirroring *mi, struct mirrored *m, struct err *err);

static int for_each(struct mirroring *mi, medium_fn *fn, struct err *err)
{
	for (size_t i = 0; i < mi->n_media; i++)
		if (mi->media[i].to != NULL && fn(mi, &mi->media[i], err) < 0)
			return -1;
	return 0;
}

static int carry(struct mirroring *mi, struct mirrored *m, struct err *err)
{
	if (m->state == MEDIUM_REDIRECTED)
		return 0;
	return mirror_packs(mi, m, err) < 0 ? -1 : mirror_others(mi, m, err);
}

static struct mirrored *medium_of(struct mirroring *mi, unsigned number)
{
	for (size_t i = 0; i < mi->n_media; i++)
		if (mi->media[i].number == number && mi->media[i].to != NULL)
			return &mi->media[i];
	return NULL;
}

/* FILES: those that were there as the run began, first what was checked longest ago, whichever medium it belongs to. What
 * came since was read already. */
static int scrub(struct mirroring *mi, const struct mirror_file *files, size_t n, struct err *err)
{
	uint64_t left = mi->options->scrub_all ? UINT64_MAX
					       : archive_settings(mi->a)->mirror_scrub_bytes;

	for (size_t i = 0; i < n && left > 0; i++) {
		struct mirrored *m = medium_of(mi, files[i].medium);
		struct mirror_file now;
		int rc;

		if (m == NULL || !files[i].has_hash)
			continue;
		rc = mirror_file_get(mi->catalog, files[i].medium, files[i].name, &now, err);
		if (rc < 0)
			return -1;
		if (rc == 0) /* it was dropped */
			continue;
		left -= now.size < left ? now.size : left;
		if (mirror_check(mi, m, &now, err) < 0)
			return -1;
	}
	return 0;
}

/* What has to go goes first, that there is room; and again in the end, as what takes its place has arrived now, perhaps with
 * another medium. */
static int mirror_all(struct mirroring *mi, struct err *err)
{
	struct mirror_file *files;
	size_t n;

	if (open_all(mi, err) < 0 || for_each(mi, mirror_look, err) < 0 ||
	    mirror_files_list(mi->catalog, mi->arena, &files, &n, err) < 0 ||
	    for_each(mi, mirror_drop_packs, err) < 0 || for_each(mi, carry, err) < 0)
		return -1;
	if (mi->report->files > 0 && for_each(mi, mirror_drop_packs, err) < 0)
		return -1;
	return scrub(mi, files, n, err);
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
	close_all(mi);
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
