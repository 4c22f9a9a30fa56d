/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backup/restore.h"

#include "backup/database.h"
#include "backup/restore_priv.h"
#include "app/catalog/audit.h"
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <unistd.h>

/* ---- the media ---- */

static int look_at(const struct keyring *keys, const struct site *place, struct found_media *found,
		   struct err *err)
{
	char uuid[UUID_TEXT + 1];
	int rc = found_media_look(found, keys, place, err);

	if (rc == 0)
		return err_set(err, ERR_NOTFOUND,
			       "%s holds no medium of the archive %s, to which this key belongs",
			       place->location, uuid_text(keyring_archive(keys), uuid));
	return rc < 0 ? -1 : 0;
}

int restore_find(const struct keyring *keys, const struct site *from, size_t n,
		 struct found_media *found, struct restore_report *lenient, struct err *err)
{
	struct err first = {0};

	for (size_t i = 0; i < n; i++) {
		if (look_at(keys, &from[i], found, err) == 0)
			continue;
		if (lenient == NULL)
			return -1;
		if (first.kind == ERR_NONE)
			first = *err;
		ARENA_PUSH(lenient->arena, lenient->lost, arena_str(lenient->arena, err->text));
		err_clear(err);
	}
	if (found->media.n == 0)
		*err = first;
	return found->media.n > 0 ? 0 : -1;
}

/* ---- the backup ---- */

struct candidate {
	struct medium *medium;
	struct backup_set_entry *set;
};

struct candidates {
	struct candidate *v;
	size_t n, cap;
};

/* Their names begin with their ids, which sort by time; the newest first. */
static int newest_first(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	return strcmp(y->set->name, x->set->name);
}

static int list_sets(struct found_media *found, struct candidates *sets, struct err *err)
{
	for (size_t i = 0; i < found->media.n; i++) {
		struct found_medium *m = &found->media.v[i];
		struct backup_set_entry *v;
		size_t n;

		if (backup_set_list(m->open, m->keys, found->arena, &v, &n, err) < 0)
			return -1;
		for (size_t k = 0; k < n; k++) {
			struct candidate c = {m->open, &v[k]};

			ARENA_PUSH(found->arena, *sets, c);
		}
	}
	if (sets->n > 0)
		qsort(sets->v, sets->n, sizeof(*sets->v), newest_first);
	return 0;
}

static void first_finding(void *arg, const char *finding)
{
	struct err *err = arg;

	if (err->kind == ERR_NONE)
		err_set(err, ERR_DAMAGED, "the catalog in it is damaged: %s", finding);
}

static int check_catalog(struct archive *a, struct err *err)
{
	struct err found = {0};

	if (db_check(catalog_db(archive_catalog(a)), first_finding, &found, err) < 0)
		return -1;
	return found.kind == ERR_NONE ? 0 : err_set(err, found.kind, "%s", found.text);
}

/* With its log; also what an interrupted run has left. */
static void drop_catalog(const char *dir)
{
	static const char *const files[] = {"catalog.new-journal", "catalog.new-wal",
					    "catalog.new-shm", "catalog.new"};

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		CLEAN_STR path = STR_INIT;

		str_addf(&path, "%s/%s", dir, files[i]);
		unlink(path.data);
	}
}

static int open_backup(const char *dir, const struct keyring *keys, const struct candidate *c,
		       struct archive **a_r, int *lock_r, struct err *err)
{
	CLEAN(archive) a = NULL;
	CLEAN_STR path = STR_INIT;
	CLEAN_FD lock = -1;

	if (c->set->err.kind != ERR_NONE)
		return err_set(err, c->set->err.kind, "%s", c->set->err.text);
	drop_catalog(dir);
	str_addf(&path, "%s/catalog.new", dir);
	if (database_restore(c->medium, keys, c->set->name, path.data, err) < 0 ||
	    regain_open(dir, false, &a, &lock, err) < 0)
		return -1;
	if (check_catalog(a, err) < 0)
		return -1;
	*a_r = TAKE(a);
	*lock_r = lock;
	lock = -1;
	return 0;
}

/* It is the set that is at fault, and an older one may do. */
static bool is_sets_fault(enum err_kind kind)
{
	return kind == ERR_DAMAGED || kind == ERR_WRONGKEY || kind == ERR_FOREIGN ||
	       kind == ERR_VERSION || kind == ERR_NOTFOUND;
}

/* (RS2) */
static int open_newest(const char *dir, struct found_media *found, struct archive **a_r,
		       int *lock_r, struct restore_report *report, struct err *err)
{
	struct candidates sets = {0};

	if (list_sets(found, &sets, err) < 0)
		return -1;
	for (size_t i = 0; i < sets.n; i++) {
		const struct backup_set_entry *set = sets.v[i].set;

		if (open_backup(dir, found->media.v[0].keys, &sets.v[i], a_r, lock_r, err) == 0) {
			report->backup = arena_str(report->arena, set->name);
			report->backup_made_ms = set->header.made_ms;
			return 0;
		}
		if (!is_sets_fault(err->kind))
			return -1;
		if (report->sets_passed_over++ == 0)
			report->passed_over_why = arena_f(report->arena, "%s: %s", set->name,
							  err->text);
		err_clear(err);
	}
	return regain_open(dir, true, a_r, lock_r, err);
}

/* ---- up to the media ---- */

static void list_lost(struct restore_report *report, const struct regain_report *r)
{
	for (size_t i = 0; i < r->lost.n; i++)
		ARENA_PUSH(report->arena, report->lost, r->lost.v[i]);
	if (r->adopted.damaged > 0)
		ARENA_PUSH(report->arena, report->lost,
			   arena_f(report->arena,
				   "%llu stretches of the packs are damaged; \"sealpost verify "
				   "--all\" names them",
				   (unsigned long long)r->adopted.damaged));
	if (r->adopted.unreadable > 0)
		ARENA_PUSH(report->arena, report->lost,
			   arena_f(report->arena,
				   "%llu mails taken in from packs cannot be put together again",
				   (unsigned long long)r->adopted.unreadable));
	report->mails_from_packs = r->adopted.mails;
	report->mails_lost = r->mails_lost;
	report->stamps_from_media = r->evidence.stamps;
	report->mirror_is_medium = r->mirror_is_medium;
}

static int bring_up(struct archive *a, struct found_media *found, struct regain_report *regained,
		    struct arena *arena, struct err *err)
{
	struct catalog *catalog = archive_catalog(a);
	char uuid[UUID_TEXT + 1];

	if (catalog_begin(catalog, err) < 0)
		return -1;
	if (regain_known_media(a, found, err) < 0 ||
	    regain_packs(a, found, NULL, 0, arena, regained, err) < 0 ||
	    setting_set(catalog, "archive", VIEW(uuid_text(keyring_archive(archive_keys(a)), uuid)),
			err) < 0 ||
	    audit_add(catalog, AUDIT_RESTORED, VIEW(""), VIEW(""), err) < 0)
		return -1;
	return catalog_commit(catalog, err);
}

/* The lock is the index's, too. */
static int fill(struct archive *a, struct found_media *found, int *lock,
		struct regain_report *regained, struct restore_report *report, struct err *err)
{
	struct mails_totals totals;

	if (bring_up(a, found, regained, report->arena, err) < 0)
		return -1;
	fd_cleanup(lock);
	if (index_catch_up(a, NULL, err) < 0 || mails_totals(archive_catalog(a), &totals, err) < 0)
		return -1;
	list_lost(report, regained);
	report->media = (unsigned)found->media.n;
	report->mails = totals.mails;
	return 0;
}

int restore_catalog(const char *dir, struct found_media *found, struct archive **a_r,
		    struct regain_report *regained_r, struct restore_report *report,
		    struct err *err)
{
	CLEAN(archive) a = NULL;
	CLEAN_FD lock = -1;

	/* an index that an earlier run has left numbers its mails otherwise */
	if (archive_remove_index(dir, err) < 0 ||
	    open_newest(dir, found, &a, &lock, report, err) < 0 ||
	    fill(a, found, &lock, regained_r, report, err) < 0)
		return -1;
	*a_r = TAKE(a);
	return 0;
}

/* ---- the directory ---- */

/* What a restore makes there before the catalog has its name, and so may be there when it is begun again; and what may
 * have been there before. */
static const char *const made[] = {
	"catalog.new", "catalog.new-journal", "catalog.new-wal", "catalog.new-shm",
	"index.db",    "index.db-journal",    "index.db-wal",    "index.db-shm",
	"index.lock",  "spool.pub",           "archive.key"};
static const char *const brought[] = {"key-backup", "restore.state", "staging", "spool"};

static bool is_one_of(const char *name, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}
#define IS_ONE_OF(name, names) is_one_of(name, names, sizeof(names) / sizeof(*(names)))

static int check_entry(const char *dir, const char *name, struct err *err)
{
	const char *dot = strrchr(name, '.');

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || IS_ONE_OF(name, made) ||
	    IS_ONE_OF(name, brought) || (dot != NULL && strcmp(dot, ".conf") == 0))
		return 0;
	return err_set(err, ERR_EXISTS, "%s is not empty: there is %s", dir, name);
}

static int check_dir(const char *dir, struct err *err)
{
	CLEAN_STR catalog = STR_INIT;
	DIR *d = opendir(dir);
	struct dirent *entry;
	int rc = 0;

	if (d == NULL)
		return errno == ENOENT ? 0 : err_errno(err, "%s: %m", dir);
	str_addf(&catalog, "%s/catalog.db", dir);
	if (access(catalog.data, F_OK) == 0)
		rc = err_set(err, ERR_EXISTS,
			     "%s holds an archive already; a restore needs a new directory", dir);
	while (rc == 0 && (entry = readdir(d)) != NULL)
		rc = check_entry(dir, entry->d_name, err);
	closedir(d);
	return rc;
}

/* 1 the key is there already, 0 there is none. */
static int check_key(const char *dir, const char *path, const struct keyring *keys, struct err *err)
{
	CLEAN(keyring) there = NULL;

	if (access(path, F_OK) < 0)
		return 0;
	if (keyring_open(dir, &there, err) < 0)
		return -1;
	if (!uuid_eq(keyring_archive(there), keyring_archive(keys)) ||
	    !secret_eq(keyring_key(there), keyring_key(keys)))
		return err_set(err, ERR_EXISTS, "%s is another archive's key", path);
	return 1;
}

static void remove_made(const char *dir, bool keep_key, bool keep_staging)
{
	CLEAN_STR staging = STR_INIT;

	for (size_t i = 0; i < sizeof(made) / sizeof(*made); i++) {
		CLEAN_STR path = STR_INIT;

		if (keep_key && strcmp(made[i], "archive.key") == 0)
			continue;
		str_addf(&path, "%s/%s", dir, made[i]);
		unlink(path.data);
	}
	str_addf(&staging, "%s/staging", dir);
	if (!keep_staging)
		dir_remove_all(staging.data);
}

/* ---- the whole ---- */

/* (RS1) */
static int make_archive(const char *dir, struct found_media *found, struct restore_report *report,
			struct err *err)
{
	CLEAN(archive) a = NULL;
	struct regain_report regained;

	if (restore_catalog(dir, found, &a, &regained, report, err) < 0 ||
	    regain_set_aside(a, &regained, err) < 0 || archive_keep_spool_key(a, err) < 0)
		return -1;
	return regain_put_in_place(a, err);
}

static int restore_into(const char *dir, const struct keyring *keys, struct found_media *found,
			struct restore_report *report, struct err *err)
{
	CLEAN_STR path = STR_INIT;
	CLEAN_STR staging = STR_INIT;
	bool is_new = access(dir, F_OK) < 0, had_staging;
	int has_key;

	str_addf(&staging, "%s/staging", dir);
	had_staging = access(staging.data, F_OK) == 0;
	keyring_path(dir, &path);
	has_key = check_key(dir, path.data, keys, err);
	if (has_key < 0 || dir_make_all(dir, 0700, err) < 0)
		return -1;
	if ((has_key || keyring_save(keys, path.data, err) == 0) &&
	    make_archive(dir, found, report, err) == 0)
		return 0;
	remove_made(dir, has_key, had_staging); /* mail may lie there that is nowhere else */
	if (is_new)
		rmdir(dir);
	return -1;
}

int restore_archive(const char *dir, const struct keyring *keys, const struct site *from, size_t n,
		    struct restore_report *report_r, struct err *err)
{
	CLEAN(archive) a = NULL;
	struct found_media found = {.arena = report_r->arena};
	int rc;

	*report_r = (struct restore_report){.arena = report_r->arena};
	if (check_dir(dir, err) < 0)
		return -1;
	rc = restore_find(keys, from, n, &found, NULL, err);
	if (rc == 0)
		rc = restore_into(dir, keys, &found, report_r, err);
	found_media_clear(&found);
	/* What is torn or replaced on the media is made good (archive.h, A1). */
	return rc < 0 ? -1 : archive_open(dir, &a, err);
}
