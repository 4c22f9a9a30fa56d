/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/archive/upgrade.h"

#include "app/archive/archive_priv.h"
#include "app/catalog/audit.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define COPY "catalog.db.before-"

enum { DAY_S = 86400 };

struct upgrade {
	struct archive *a;
	struct secret *catalog_key, *index_key;
	struct catalog *catalog;
	struct upgrade_report report;
	upgrade_step_fn *fn;
	void *arg;
};

void upgrade_copy_name(const struct upgrade_report *report, struct str *out)
{
	str_addf(out, COPY "%d", report->to);
}

static void upgrade_clear(struct upgrade *up)
{
	catalog_free(&up->catalog);
	secret_free(&up->catalog_key);
	secret_free(&up->index_key);
}

static int look(struct upgrade *up, struct err *err)
{
	CLEAN_STR path = STR_INIT;
	int older;

	up->catalog_key = keyring_derive(up->a->keys, KEY_USE_CATALOG, VIEW(""));
	up->index_key = keyring_derive(up->a->keys, KEY_USE_INDEX, VIEW(""));
	if (catalog_open_older(archive_path(up->a, "catalog.db", &path), up->catalog_key,
			       &up->catalog, &up->report.from, &up->report.to, err) < 0)
		return -1;
	if (up->report.from == up->report.to)
		return 0;
	/* A damaged index is no reason to stop: whoever needs it says so. */
	older = index_is_older(archive_path(up->a, "index.db", &path), up->index_key, err);
	if (older < 0)
		err_clear(err);
	up->report.index_anew = older != 0;
	return 0;
}

/* --- the copy (UP1) --------------------------------------------------------------------------- */

/* Is the copy at PATH one from before the first step? An upgrade that was stopped has left it, between two steps. One of this very schema may be
 * of an earlier upgrade, which somebody went back on. */
static bool is_from_before(struct upgrade *up, const char *path)
{
	CLEAN(catalog) copy = NULL;
	struct err err = {0};
	int schema, newest;

	return access(path, F_OK) == 0 &&
	       catalog_open_older(path, up->catalog_key, &copy, &schema, &newest, &err) == 0 &&
	       schema < up->report.from;
}

static int sync_copy(const char *path, struct err *err)
{
	CLEAN_FD fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_errno(err, "%s: %m", path);
	return file_sync(fd, err) < 0 ? err_add(err, "%s", path) : 0;
}

static int make_copy(struct upgrade *up, const char *name, struct err *err)
{
	CLEAN_STR path = STR_INIT;
	CLEAN_STR part = STR_INIT;
	CLEAN_STR made = STR_INIT;

	str_addf(&part, "%s.part", name);
	archive_remove_database(up->a, part.data); /* of one that was stopped */
	archive_path(up->a, part.data, &made);
	archive_path(up->a, name, &path);
	if (catalog_copy(up->catalog, up->catalog_key, made.data, err) < 0 ||
	    sync_copy(made.data, err) < 0) {
		archive_remove_database(up->a, part.data);
		return -1;
	}
	archive_remove_database_log(up->a, part.data);
	if (rename(made.data, path.data) < 0)
		return err_errno(err, "%s: rename: %m", path.data);
	return dir_sync(up->a->dir, err);
}

static int keep_copy(struct upgrade *up, struct err *err)
{
	CLEAN_STR name = STR_INIT;
	CLEAN_STR path = STR_INIT;

	upgrade_copy_name(&up->report, &name);
	if (is_from_before(up, archive_path(up->a, name.data, &path)))
		return 0;
	if (make_copy(up, name.data, err) < 0)
		return err_add(err, "before an upgrade the catalog is copied, to %s", name.data);
	return 0;
}

/* --- the steps -------------------------------------------------------------------------------- */

static int note_step(void *arg, int step, struct err *err)
{
	struct upgrade *up = arg;
	char detail[64];

	if (up->fn != NULL)
		up->fn(up->arg, step, up->report.to);
	if (step < up->report.to)
		return 0;
	snprintf(detail, sizeof(detail), "from %d to %d", up->report.from, up->report.to);
	return audit_add(up->catalog, AUDIT_UPGRADED, VIEW("catalog"), VIEW(detail), err);
}

/* (UP4) Who writes it holds the lock, and will have to make it anew himself. */
static int drop_index(struct upgrade *up, struct err *err)
{
	CLEAN_STR path = STR_INIT;
	CLEAN_FD lock = -1;
	int rc = file_lock(archive_path(up->a, "index.lock", &path), &lock, err);

	if (rc > 0)
		archive_remove_database(up->a, "index.db");
	return rc < 0 ? -1 : 0;
}

static int run_steps(struct upgrade *up, struct err *err)
{
	if (keep_copy(up, err) < 0 || (up->report.index_anew && drop_index(up, err) < 0) ||
	    catalog_migrate(up->catalog, note_step, up, err) < 0)
		return err_add(err, "the archive could not be brought to this version; no mail is "
				    "touched, and the catalog is whole");
	log_info("archive upgraded schema=%d from=%d", up->report.to, up->report.from);
	return 0;
}

static bool never(void *arg)
{
	(void)arg;
	return false;
}

/* What was seen without the lock may be done by now. */
static int upgrade_locked(struct upgrade *up, struct err *err)
{
	CLEAN_STR path = STR_INIT;
	CLEAN_FD lock = -1;

	if (dir_make(archive_path(up->a, "lock", &path), 0700, err) < 0 ||
	    file_lock_wait(archive_path(up->a, "lock/upgrade", &path), never, NULL, &lock, err) < 0)
		return -1;
	upgrade_clear(up);
	if (look(up, err) < 0)
		return -1;
	return up->report.from == up->report.to ? 0 : run_steps(up, err);
}

int upgrade_open_catalog(struct archive *a, upgrade_step_fn *fn, void *arg,
			 struct upgrade_report *report_r, struct err *err)
{
	struct upgrade up = {.a = a, .fn = fn, .arg = arg};
	int rc = look(&up, err);

	if (rc == 0 && up.report.from != up.report.to && upgrade_locked(&up, err) < 0)
		rc = err_add(err, "the archive could not be brought to this version; no mail is "
				  "touched, and the catalog is whole, here or as it was");
	if (rc == 0)
		a->catalog = TAKE(up.catalog);
	*report_r = up.report;
	upgrade_clear(&up);
	return rc;
}

int archive_upgrade(const char *dir, upgrade_step_fn *fn, void *arg,
		    struct upgrade_report *report_r, struct err *err)
{
	CLEAN(archive) a = NULL;

	*report_r = (struct upgrade_report){0};
	if (db_library_check(err) < 0 || archive_open_bare(dir, &a, err) < 0)
		return -1;
	return upgrade_open_catalog(a, fn, arg, report_r, err);
}

int archive_upgrade_check(const char *dir, struct upgrade_report *report_r, struct err *err)
{
	CLEAN(archive) a = NULL;
	struct upgrade up = {0};
	int rc;

	*report_r = (struct upgrade_report){0};
	if (db_library_check(err) < 0 || archive_open_bare(dir, &a, err) < 0)
		return -1;
	up.a = a;
	rc = look(&up, err);
	*report_r = up.report;
	upgrade_clear(&up);
	return rc;
}

/* --- its end ---------------------------------------------------------------------------------- */

static bool is_old(const struct archive *a, const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 &&
	       st.st_mtime + (int64_t)a->settings.backup_keep_days * DAY_S < clock_s();
}

void upgrade_drop_copies(struct archive *a, bool all)
{
	CLEAN_STR path = STR_INIT;
	DIR *dir = opendir(a->dir);
	const struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL)
		if (strncmp(entry->d_name, COPY, strlen(COPY)) == 0 &&
		    (all || is_old(a, archive_path(a, entry->d_name, &path))))
			archive_remove_database(a, entry->d_name);
	if (dir != NULL)
		closedir(dir);
}
