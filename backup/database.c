/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backup/database.h"

#include "app/catalog/frozen.h"
#include "backup/chain.h"
#include "backup/state.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "storage/staged.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

enum { ATTEMPTS = 3 };

/* One backup being made. */
struct job {
	struct archive *a;
	unsigned number; /* of the medium */
	struct medium *medium;
	struct catalog *catalog;     /* a connection of its own */
	struct backup_state *before; /* what an incremental one rests on; NULL: it is a full one */
	struct backup_state *now;
	struct uuid last; /* the set before this one; zeros: none is known */
	struct database_report *report;
	int lock;
};

static void job_clear(struct job *j)
{
	catalog_free(&j->catalog);
	backup_state_free(&j->before);
	backup_state_free(&j->now);
	fd_cleanup(&j->lock);
}

static void path_in(struct archive *a, const char *name, struct str *out)
{
	str_reset(out);
	str_addf(out, "%s/%s", archive_dir(a), name);
}

static int lock(struct job *j, struct err *err)
{
	CLEAN_STR path = STR_INIT;
	int rc;

	path_in(j->a, "lock", &path);
	if (dir_make(path.data, 0700, err) < 0)
		return -1;
	path_in(j->a, "lock/backup", &path);
	rc = file_lock(path.data, &j->lock, err);
	if (rc == 0)
		return err_set(err, ERR_BUSY, "another backup of this archive is being made");
	return rc < 0 ? -1 : 0;
}

static int find_medium(struct job *j, struct err *err)
{
	int rc = media_active(archive_catalog(j->a), &j->number, err);

	if (rc == 0)
		return err_set(err, ERR_NOTFOUND, "no medium is active");
	j->report->medium = j->number;
	return rc < 0 ? -1 : archive_medium(j->a, j->number, &j->medium, err);
}

static int open_catalog(struct job *j, struct err *err)
{
	CLEAN(secret) key = keyring_derive(archive_keys(j->a), KEY_USE_CATALOG, VIEW(""));
	CLEAN_STR path = STR_INIT;

	path_in(j->a, "catalog.db", &path);
	return catalog_open(path.data, key, false, &j->catalog, err);
}

/* What an incremental one would rest on. */

static void make_full(struct job *j, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void make_full(struct job *j, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(j->report->instead, sizeof(j->report->instead), fmt, ap);
	va_end(ap);
	backup_state_free(&j->before);
}

/* Is every set of the chain where it was put? A medium that does not answer is taken at its word. */
static void check_links(struct job *j)
{
	for (uint32_t i = 0; j->before != NULL && i < j->before->n_links; i++) {
		const struct backup_link *link = &j->before->links[i];
		char name[BACKUP_SET_NAME];
		struct err err = {0};
		uint64_t size;

		backup_set_name(&link->id, link->is_full, name);
		if (medium_size(j->medium, name, &size, &err) < 0) {
			if (err.kind != ERR_OFFLINE && err.kind != ERR_TIMEOUT)
				make_full(j, "an earlier backup cannot be had: %.200s", err.text);
		} else if (size != link->bytes) {
			make_full(j,
				  "an earlier backup, %s, has %" PRIu64
				  " bytes instead of %" PRIu64,
				  name, size, link->bytes);
		}
	}
}

static void find_predecessor(struct job *j)
{
	CLEAN_STR path = STR_INIT;
	struct err err = {0};

	path_in(j->a, "backup.state", &path);
	if (backup_state_load(path.data, &j->before, &err) < 0) {
		if (err.kind == ERR_NOTFOUND)
			make_full(j, "there is no earlier backup that this archive knows of");
		else
			make_full(j, "it is not known what the last backup held: %.200s", err.text);
		return;
	}
	j->last = j->before->links[j->before->n_links - 1].id;
	if (j->before->medium != j->number) {
		make_full(j, "the last backup is on medium %u, and medium %u is active now",
			  j->before->medium, j->number);
	} else {
		check_links(j);
	}
}

/* A catalog that was made anew begins with another salt. */
static int check_catalog(struct job *j, struct frozen *f, struct err *err)
{
	CLEAN_MEM unsigned char *page = mem_new(frozen_page_bytes(f));

	if (frozen_page(f, 1, page, err) < 0)
		return -1;
	memcpy(j->now->salt, page, PAGE_SALT_BYTES);
	if (j->before != NULL && (memcmp(j->before->salt, page, PAGE_SALT_BYTES) != 0 ||
				  j->before->page_bytes != frozen_page_bytes(f)))
		make_full(j, "the catalog was made anew since the last backup");
	return 0;
}

/* The set. */

/* Later than LAST, though the clock was set back: sets are sorted by their ids. */
static struct uuid id_after(const struct uuid *last)
{
	enum { TIME_BYTES = 6 };
	struct uuid id = uuid_new();

	if (memcmp(id.b, last->b, TIME_BYTES) > 0)
		return id;
	memcpy(id.b, last->b, TIME_BYTES);
	for (int i = TIME_BYTES; i-- > 0;)
		if (++id.b[i] != 0)
			break;
	return id;
}

static int fill_header(struct job *j, struct frozen *f, struct err *err)
{
	struct backup_set_header *h = &j->report->header;

	*h = (struct backup_set_header){
		.id = id_after(&j->last),
		.is_full = j->before == NULL,
		.made_ms = clock_ms(),
		.page_bytes = frozen_page_bytes(f),
		.pages = frozen_pages(f),
	};
	if (j->before != NULL) {
		h->predecessor = j->last;
		h->predecessor_hash = j->before->hash;
	}
	if (mails_count(j->catalog, &h->mails, err) < 0)
		return -1;
	return packs_highest(j->catalog, &h->highest_pack, err);
}

static bool is_unchanged(const struct job *j, uint64_t page, const struct page_print *print)
{
	return j->before != NULL && page <= j->before->pages &&
	       memcmp(&j->before->prints[page - 1], print, sizeof(*print)) == 0;
}

static int write_pages(struct job *j, struct frozen *f, struct backup_set_writer *w,
		       struct err *err)
{
	CLEAN(secret) key = keyring_derive(archive_keys(j->a), KEY_USE_CATALOG, VIEW(""));
	CLEAN(pages) pages = pages_new(key, frozen_page_bytes(f));
	CLEAN_MEM unsigned char *data = mem_new(frozen_page_bytes(f));

	for (uint64_t page = 1; page <= frozen_pages(f); page++) {
		struct page_print *print = &j->now->prints[page - 1];

		if (j->before != NULL) {
			if (frozen_print(f, page, print, err) < 0)
				return -1;
			if (is_unchanged(j, page, print))
				continue;
		}
		if (frozen_page(f, page, data, err) < 0)
			return -1;
		*print = frozen_print_of(f, data);
		page_open(pages, page, data);
		if (backup_set_page(w, page, data, err) < 0)
			return -1;
		j->report->pages++;
	}
	return 0;
}

/* Was it one moment that was copied? SQLite's rules say so; here it is seen. */
static int check_unchanged(struct job *j, struct frozen *f, struct err *err)
{
	struct page_print print;

	for (uint64_t page = 1; page <= frozen_pages(f); page++) {
		if (frozen_print(f, page, &print, err) < 0)
			return -1;
		if (memcmp(&print, &j->now->prints[page - 1], sizeof(print)) != 0)
			return err_set(err, ERR_BUSY, "page %" PRIu64 " changed on the way", page);
	}
	return 0;
}

static int write_set(struct job *j, struct frozen *f, struct err *err)
{
	CLEAN(backup_set_writer) w = NULL;

	if (backup_set_create(j->medium, archive_keys(j->a), &j->report->header, &w, err) < 0 ||
	    write_pages(j, f, w, err) < 0 || check_unchanged(j, f, err) < 0)
		return -1;
	return backup_set_end(w, &j->now->hash, &j->report->bytes, err);
}

static void begin_state(struct job *j, const struct frozen *f)
{
	backup_state_free(&j->now);
	j->now = mem_new(sizeof(*j->now));
	j->now->medium = j->number;
	j->now->page_bytes = frozen_page_bytes(f);
	j->now->pages = frozen_pages(f);
	j->now->prints = mem_new(frozen_pages(f) * sizeof(*j->now->prints));
}

static void complete_state(struct job *j)
{
	uint32_t n = j->before != NULL ? j->before->n_links : 0;

	j->now->n_links = n + 1;
	j->now->links = mem_new(j->now->n_links * sizeof(*j->now->links));
	if (n > 0)
		memcpy(j->now->links, j->before->links, n * sizeof(*j->now->links));
	j->now->links[n] = (struct backup_link){
		.id = j->report->header.id,
		.is_full = j->report->header.is_full,
		.bytes = j->report->bytes,
	};
}

static int attempt(struct job *j, struct err *err)
{
	CLEAN(frozen) f = NULL;

	j->report->pages = 0;
	if (frozen_begin(catalog_db(j->catalog), catalog_db(archive_catalog(j->a)), &f, err) < 0)
		return err_add(err, "catalog");
	begin_state(j, f);
	if (frozen_held_ms(f) > j->report->held_ms)
		j->report->held_ms = frozen_held_ms(f);
	if (check_catalog(j, f, err) < 0 || fill_header(j, f, err) < 0 || write_set(j, f, err) < 0)
		return -1;
	complete_state(j);
	return 0;
}

/* ERR_BUSY is a moment that was lost. */
static int make_set(struct job *j, struct err *err)
{
	for (int i = 1;; i++) {
		if (attempt(j, err) == 0)
			return 0;
		if (err->kind != ERR_BUSY || i == ATTEMPTS)
			return -1;
		err_clear(err);
	}
}

static int save_state(struct job *j, struct err *err)
{
	CLEAN_STR path = STR_INIT;

	path_in(j->a, "backup.state", &path);
	return backup_state_save(j->now, path.data, err);
}

/* What a backup that died has left, where it was writing: there is no other one at work. */

struct parts {
	struct arena *arena;
	char **v;
	size_t n, cap;
};

static int note_part(void *arg, const char *name, uint64_t size_bytes, struct err *err)
{
	struct parts *parts = arg;
	size_t len = strlen(name);

	(void)size_bytes, (void)err;
	if (len > 9 && strcmp(name + len - 9, ".set.part") == 0)
		ARENA_PUSH(parts->arena, *parts, arena_str(parts->arena, name));
	return 0;
}

static int sweep(struct medium *active, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	struct parts parts = {.arena = arena};
	struct medium *medium = medium_is_staged(active) ? staged_near(active) : active;

	if (medium_list(medium, "catalog", note_part, &parts, err) < 0)
		return -1;
	for (size_t i = 0; i < parts.n; i++)
		if (medium_drop(medium, parts.v[i], err) < 0)
			return -1;
	return 0;
}

/* The youngest go first, so that what a crash leaves is whole as far as it reaches. */
static int thin(struct job *j, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	const struct archive_settings *s = archive_settings(j->a);
	const struct chain_keep keep = {s->backup_keep_days, s->backup_keep_weeks};
	struct backup_set_entry *v;
	bool *gone;
	size_t n;

	if (backup_set_list(j->medium, archive_keys(j->a), arena, &v, &n, err) < 0)
		return -1;
	gone = arena_get(arena, n * sizeof(*gone) + 1);
	chain_thin(v, n, clock_ms(), &keep, gone);
	for (size_t i = n; i-- > 0;) {
		if (!gone[i])
			continue;
		if (medium_drop(j->medium, v[i].name, err) < 0)
			return -1;
		j->report->thinned++;
	}
	return 0;
}

/* The backup is made; that old ones could not be removed does not undo it, and the next one tries again. */
static void thin_if_it_goes(struct job *j)
{
	struct err err = {0};

	if (thin(j, &err) < 0)
		log_warn("old backups not removed: %s", err.text);
}

/* Does the medium not answer, and the set waits in staging for it? */
static bool is_waiting(struct medium *medium)
{
	struct medium *far;
	struct err err = {0};

	return medium_is_staged(medium) && staged_far(medium, &far, &err) < 0;
}

static int run(struct job *j, bool full, struct err *err)
{
	if (lock(j, err) < 0 || find_medium(j, err) < 0 || sweep(j->medium, err) < 0 ||
	    open_catalog(j, err) < 0)
		return -1;
	find_predecessor(j);
	if (full) {
		backup_state_free(&j->before);
		j->report->instead[0] = '\0';
	}
	if (make_set(j, err) < 0 || save_state(j, err) < 0)
		return -1;
	j->report->waits = is_waiting(j->medium);
	if (j->report->header.is_full && !j->report->waits)
		thin_if_it_goes(j);
	return 0;
}

int database_backup(struct archive *a, bool full, struct database_report *report_r, struct err *err)
{
	struct database_report report = {0};
	struct job j = {.a = a, .report = &report, .lock = -1};
	int64_t begun_ms = clock_monotonic_ms();
	char id[UUID_TEXT + 1];
	int rc = run(&j, full, err);

	job_clear(&j);
	if (rc < 0)
		return -1;
	log_info("catalog backed up set=%s kind=%s pages=%" PRIu64 " bytes=%" PRIu64
		 " held_ms=%" PRId64 " ms=%" PRId64,
		 uuid_text(&report.header.id, id), report.header.is_full ? "full" : "incremental",
		 report.pages, report.bytes, report.held_ms, clock_monotonic_ms() - begun_ms);
	*report_r = report;
	return 0;
}
