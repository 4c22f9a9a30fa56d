/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/archive/archive.h"

#include "app/archive/archive_priv.h"
#include "app/catalog/audit.h"
#include "app/archive/catch_up.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/file.h"
#include "base/log.h"
#include "base/seal.h"
#include "storage/label.h"
#include "storage/staged.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

enum { SETTINGS_MAX = 16 };

static const struct archive_settings defaults = {
	.max_mail_bytes = 256ULL * 1024 * 1024,
	.pack_bytes = PACK_SEAL_BYTES,
	.index_text_bytes = 1024 * 1024,
	.index_soon_mails = 5000,
	.pending_keep_s = 3600,
	.pending_keep_filtered_s = 30 * 86400,
	.staging_reserve_bytes = CONF_AUTO,
	.mirror_scrub_bytes = 1ULL << 30,
	.backup_keep_days = 14,
	.backup_keep_weeks = 13,
	.receipt_days = 30,
};

const char *archive_path(struct archive *a, const char *name, struct str *out)
{
	str_reset(out);
	str_addf(out, "%s/%s", a->dir, name);
	return out->data;
}

/* The rows of S into ROWS; how many. */
static size_t list_settings(struct archive_settings *s, struct conf_row rows[SETTINGS_MAX])
{
	const struct conf_row all[] = {
		{"max_mail_bytes", &s->max_mail_bytes, 1024, 1ULL << 30,
		 "largest mail that is taken in", CONF_NUMBER},
		{"pack_bytes", &s->pack_bytes, 1024 * 1024, 1ULL << 34,
		 "size at which a pack is sealed", CONF_NUMBER},
		{"index_text_bytes", &s->index_text_bytes, 1024, 64 * 1024 * 1024,
		 "text of one mail that the search index takes", CONF_NUMBER},
		{"index_soon_mails", &s->index_soon_mails, 1, 1ULL << 30,
		 "mails that the search index lacks are brought in by whoever needs it; more than "
		 "so "
		 "many, "
		 "as after some upgrades, only by the timetable and by index update, while mail "
		 "comes "
		 "in and searches find what is in it so far",
		 CONF_NUMBER},
		{"pending_keep_s", &s->pending_keep_s, 60, 366 * 86400,
		 "seconds that a capture is kept when the mail server no longer has its mail",
		 CONF_NUMBER},
		{"pending_keep_filtered_s", &s->pending_keep_filtered_s, 60, 10 * 366 * 86400ULL,
		 "the same with a filter behind the queue: longer than its quarantine keeps mail",
		 CONF_NUMBER},
		{"staging_reserve_bytes", &s->staging_reserve_bytes, 0, 1ULL << 50,
		 "disk space that staging leaves free, auto: 2.5 % of the disk and at most 1G; "
		 "below it new mail "
		 "waits in the spool until the share took what is there; less than the doors' "
		 "reserve_bytes",
		 CONF_NUMBER_OR_AUTO},
		{"mirror_rate", &s->mirror_rate, 0, 1ULL << 40,
		 "bytes a second that mirroring moves at most; 0: as fast as it goes", CONF_NUMBER},
		{"mirror_scrub_bytes", &s->mirror_scrub_bytes, 0, 1ULL << 50,
		 "bytes of the mirror that each run reads again and compares", CONF_NUMBER},
		{"mirror_from_hour", &s->mirror_from_hour, 0, 23,
		 "mirroring begins at this hour, local time; the same as the end: at any",
		 CONF_NUMBER},
		{"mirror_until_hour", &s->mirror_until_hour, 0, 23,
		 "and is interrupted at this one, to be gone on with the next time", CONF_NUMBER},
		{"backup_keep_days", &s->backup_keep_days, 1, 3660,
		 "days that backups of the catalog are kept", CONF_NUMBER},
		{"backup_keep_weeks", &s->backup_keep_weeks, 0, 520,
		 "weeks that one backup of each week is kept, counted from today", CONF_NUMBER},
	};

	_Static_assert(sizeof(all) <= SETTINGS_MAX * sizeof(*rows), "SETTINGS_MAX is too small");
	memcpy(rows, all, sizeof(all));
	return sizeof(all) / sizeof(*all);
}

static int read_settings(struct archive *a, struct err *err)
{
	struct conf_row rows[SETTINGS_MAX];
	CLEAN_STR path = STR_INIT;

	a->settings = defaults;
	return conf_read(archive_path(a, "sealpost.conf", &path), rows,
			 list_settings(&a->settings, rows), err);
}

void archive_settings_table(struct str *out)
{
	struct archive_settings s = defaults;
	struct conf_row rows[SETTINGS_MAX];

	conf_table(rows, list_settings(&s, rows), out);
}

int archive_open_bare(const char *dir, struct archive **archive_r, struct err *err)
{
	CLEAN(archive) a = mem_new(sizeof(*a));

	a->dir = mem_strdup(dir);
	a->counters = counters_new(dir);
	if (keyring_open(dir, &a->keys, err) < 0) {
		if (err->kind == ERR_NOTFOUND)
			return err_set(
				err, ERR_NOTFOUND,
				"%s holds no archive key; \"sealpost init\" makes a new archive, "
				"\"sealpost key import\" brings a key back",
				dir);
		return -1;
	}
	if (read_settings(a, err) < 0)
		return -1;
	*archive_r = TAKE(a);
	return 0;
}

static int make_catalog(struct archive *a, struct err *err)
{
	CLEAN(secret) key = keyring_derive(a->keys, KEY_USE_CATALOG, VIEW(""));
	CLEAN_STR path = STR_INIT;

	return catalog_open(archive_path(a, "catalog.db", &path), key, true, &a->catalog, err);
}

/* A writer that died has not committed its part of the index. What hinders us now must not keep the
 * mails from being found as far as they are in it. */
static void catch_up_index(struct archive *a)
{
	struct err err = {0};
	uint64_t complete_to;
	int rc = index_complete_to(a->index, &complete_to, &err);

	if (rc == 0)
		rc = mails_any_to_index(a->catalog, complete_to, &err);
	if (rc > 0)
		rc = index_catch_up_soon(a, &err);
	if (rc < 0)
		log_error("index not brought up to date: %s", err.text);
}

int archive_need_index(struct archive *a, struct err *err)
{
	CLEAN(secret) key = NULL;
	CLEAN_STR path = STR_INIT;

	if (a->index != NULL)
		return 0;
	key = keyring_derive(a->keys, KEY_USE_INDEX, VIEW(""));
	if (index_open(archive_path(a, "index.db", &path), key, true, &a->index, err) < 0)
		return err_add(err, "\"sealpost index rebuild\" makes the index anew");
	catch_up_index(a);
	return 0;
}

static int check_archive(struct archive *a, struct err *err)
{
	CLEAN_STR text = STR_INIT;
	struct uuid uuid;

	if (setting_get(a->catalog, "archive", &text, err) < 0)
		return -1;
	if (uuid_read(str_view(&text), &uuid) < 0 || !uuid_eq(&uuid, keyring_archive(a->keys)))
		return err_set(err, ERR_FOREIGN,
			       "%s: the catalog is that of another archive than the key's", a->dir);
	return 0;
}

static int load_dictionary(struct archive *a, struct err *err)
{
	CLEAN_STR bytes = STR_INIT;
	int rc = setting_get(a->catalog, "dictionary", &bytes, err);

	if (rc <= 0)
		return rc;
	a->dictionary = dictionary_new(str_view(&bytes));
	if (a->dictionary == NULL)
		return err_set(err, ERR_DAMAGED, "the catalog's dictionary is damaged");
	return 0;
}

static int init_medium(struct archive *a, const char *location, struct err *err)
{
	CLEAN_STR root = STR_INIT;
	struct label label = {.made_s = clock_s()};
	const struct site site = {.location = location};

	archive_medium_root(a, location, &root);
	if (dir_make_all(root.data, 0700, err) < 0 ||
	    media_add(a->catalog, &site, true, &label.medium, err) < 0 ||
	    medium_local_open(root.data, &a->media[label.medium], err) < 0)
		return -1;
	return label_write(a->media[label.medium], a->keys, &label, err);
}

int archive_keep_spool_key(struct archive *a, struct err *err)
{
	CLEAN(x25519) pair = archive_spool_key(a);
	struct public_key public = public_key_of(pair), there;
	CLEAN_STR path = STR_INIT;
	struct err reading = {0};

	archive_path(a, "spool.pub", &path);
	if (public_key_load(path.data, &there, &reading) == 0 &&
	    memcmp(&there, &public, sizeof(there)) == 0)
		return 0;
	return public_key_save(&public, path.data, err);
}

/* Settings may be there before the archive is, and the spool's folder, made by who installed it. */
static int has_only_settings(const char *dir, struct err *err)
{
	const struct dirent *entry;
	DIR *d = opendir(dir);
	int only = 1;

	if (d == NULL)
		return errno == ENOENT ? 1 : err_errno(err, "%s: %m", dir);
	while (only && (entry = readdir(d)) != NULL) {
		const char *dot = strrchr(entry->d_name, '.');

		only = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
		       strcmp(entry->d_name, "spool") == 0 ||
		       (dot != NULL && strcmp(dot, ".conf") == 0);
	}
	closedir(d);
	return only;
}

static int make_empty_dir(const char *dir, struct err *err)
{
	CLEAN_STR key = STR_INIT;
	int empty;

	str_addf(&key, "%s/archive.key", dir);
	if (access(key.data, F_OK) == 0)
		return err_set(err, ERR_EXISTS, "%s holds an archive already", dir);
	empty = has_only_settings(dir, err);
	if (empty == 0)
		return err_set(err, ERR_EXISTS, "%s is not empty", dir);
	return empty < 0 ? -1 : dir_make_all(dir, 0700, err);
}

int archive_init(const char *dir, const char *name, const char *medium_dir, struct err *err)
{
	CLEAN(archive) a = mem_new(sizeof(*a));
	CLEAN_STR path = STR_INIT;
	CLEAN_STR location = STR_INIT;
	struct uuid uuid = uuid_new();
	char made[24];

	if (db_library_check(err) < 0 || make_empty_dir(dir, err) < 0)
		return -1;
	a->dir = mem_strdup(dir);
	a->keys = keyring_new(&uuid);
	if (medium_dir == NULL)
		str_adds(&location, "media/1");
	else if (path_absolute(medium_dir, &location, err) < 0)
		return -1;
	snprintf(made, sizeof(made), "%lld", (long long)clock_s());
	if (make_catalog(a, err) < 0 || archive_need_index(a, err) < 0 ||
	    init_medium(a, location.data, err) < 0 ||
	    setting_set(a->catalog, "archive", VIEW(uuid_text(&uuid, (char[UUID_TEXT + 1]){0})),
			err) < 0 ||
	    setting_set(a->catalog, "name", VIEW(name), err) < 0 ||
	    setting_set(a->catalog, "made_s", VIEW(made), err) < 0 ||
	    audit_add(a->catalog, AUDIT_CREATED, VIEW(name), VIEW(""), err) < 0 ||
	    archive_keep_spool_key(a, err) < 0)
		return -1;
	/* The key comes last: a directory with a key is a whole archive. */
	return keyring_save(a->keys, archive_path(a, "archive.key", &path), err);
}

int archive_open(const char *dir, struct archive **archive_r, struct err *err)
{
	CLEAN(archive) a = NULL;
	struct upgrade_report upgraded;

	if (db_library_check(err) < 0 || archive_open_bare(dir, &a, err) < 0 ||
	    upgrade_open_catalog(a, NULL, NULL, &upgraded, err) < 0) {
		if (err->kind == ERR_NOTFOUND && a != NULL)
			err_add(err,
				"there is a key but no catalog (\"sealpost rebuild\" makes it from "
				"the media)");
		return -1;
	}
	if (check_archive(a, err) < 0 || load_dictionary(a, err) < 0 || archive_recover(a, err) < 0)
		return -1;
	*archive_r = TAKE(a);
	return 0;
}

void archive_remove_database_log(struct archive *a, const char *name)
{
	static const char *const ends[] = {"-journal", "-wal", "-shm"};
	CLEAN_STR path = STR_INIT;

	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		archive_path(a, name, &path);
		str_adds(&path, ends[i]);
		unlink(path.data);
	}
}

void archive_remove_database(struct archive *a, const char *name)
{
	CLEAN_STR path = STR_INIT;

	/* the log first: without its database it is nothing, but not the other way round */
	archive_remove_database_log(a, name);
	unlink(archive_path(a, name, &path));
}

int archive_remove_index(const char *dir, struct err *err)
{
	CLEAN(archive) a = NULL;
	CLEAN_STR path = STR_INIT;
	CLEAN_FD lock = -1;
	int rc;

	if (archive_open_bare(dir, &a, err) < 0)
		return -1;
	rc = file_lock(archive_path(a, "index.lock", &path), &lock, err);
	if (rc == 0)
		return err_set(err, ERR_BUSY, "the index is being written by another process");
	if (rc > 0)
		archive_remove_database(a, "index.db");
	return rc < 0 ? -1 : 0;
}

void archive_free(struct archive **archive)
{
	struct archive *a = *archive;

	if (a == NULL)
		return;
	for (size_t i = 0; i < LOCKS_MAX; i++)
		if (a->locks[i].pack != 0)
			close(a->locks[i].fd);
	for (size_t i = 0; i <= MEDIA_MAX; i++)
		archive_forget_medium(a, (unsigned)i);
	for (size_t i = 0; i < a->moved.n; i++)
		medium_free(&a->moved.v[i]);
	free(a->moved.v);
	counters_free(&a->counters);
	dictionary_free(&a->dictionary);
	index_free(&a->index);
	catalog_free(&a->catalog);
	keyring_free(&a->keys);
	free(a->dir);
	free(a);
	*archive = NULL;
}

const char *archive_dir(const struct archive *a)
{
	return a->dir;
}

const struct keyring *archive_keys(const struct archive *a)
{
	return a->keys;
}

struct x25519 *archive_spool_key(const struct archive *a)
{
	CLEAN(secret) private = keyring_derive(a->keys, KEY_USE_SPOOL, VIEW(""));

	return x25519_new(private);
}

struct catalog *archive_catalog(struct archive *a)
{
	return a->catalog;
}

struct counters *archive_counters(struct archive *a)
{
	return a->counters;
}

const struct archive_settings *archive_settings(const struct archive *a)
{
	return &a->settings;
}

const struct dictionary *archive_dictionary(const struct archive *a)
{
	return a->dictionary;
}

int archive_set_dictionary(struct archive *a, struct dictionary *dict, struct err *err)
{
	dictionary_free(&a->dictionary);
	a->dictionary = dict;
	return setting_set(a->catalog, "dictionary", dictionary_bytes(dict), err);
}

static void lock_path(struct archive *a, uint64_t pack, struct str *out)
{
	str_addf(out, "%s/lock/pack-%08llu", a->dir, (unsigned long long)pack);
}

int archive_lock_pack(struct archive *a, uint64_t pack, struct err *err)
{
	CLEAN_STR path = STR_INIT;
	size_t i = 0;
	int rc;

	while (a->locks[i].pack != 0)
		must(++i < LOCKS_MAX);
	if (dir_make(archive_path(a, "lock", &path), 0700, err) < 0)
		return -1;
	str_reset(&path);
	lock_path(a, pack, &path);
	rc = file_lock(path.data, &a->locks[i].fd, err);
	if (rc > 0)
		a->locks[i].pack = pack;
	return rc;
}

void archive_unlock_pack(struct archive *a, uint64_t pack)
{
	CLEAN_STR path = STR_INIT;

	for (size_t i = 0; i < LOCKS_MAX; i++) {
		if (a->locks[i].pack != pack)
			continue;
		lock_path(a, pack, &path);
		unlink(path.data);
		close(a->locks[i].fd);
		a->locks[i].pack = 0;
	}
}

/* The active medium, and whether a new pack can be begun there now. In the transaction that gives it a number. */
static int find_active(struct archive *a, unsigned *number_r, struct medium **medium_r,
		       struct err *err)
{
	int rc = media_active(a->catalog, number_r, err);

	if (rc == 0)
		err_set(err, ERR_NOTFOUND, "no medium is active");
	if (rc <= 0 || archive_medium(a, *number_r, medium_r, err) < 0)
		return -1;
	return medium_is_staged(*medium_r) ? staged_check_room(*medium_r, err) : 0;
}

/* The number must be durable before the file exists (P1), and the lock taken before another
 * process can see an open pack without one (A2): so the lock comes before the commit. */
static int new_number(struct archive *a, uint64_t *pack_r, struct medium **medium_r,
		      struct err *err)
{
	uint64_t locked = 0;
	unsigned number;

	if (catalog_begin(a->catalog, err) < 0)
		return -1;
	if (find_active(a, &number, medium_r, err) == 0 &&
	    packs_new(a->catalog, number, medium_is_staged(*medium_r), pack_r, err) == 0 &&
	    archive_lock_pack(a, *pack_r, err) > 0) {
		locked = *pack_r;
		if (catalog_commit(a->catalog, err) == 0)
			return 0;
	}
	catalog_rollback(a->catalog);
	if (locked != 0)
		archive_unlock_pack(a, locked);
	return -1;
}

int archive_begin_pack(struct archive *a, const uint64_t *replaces, size_t n_replaces,
		       struct pack_writer **writer_r, struct err *err)
{
	struct medium *medium;
	uint64_t pack;

	if (new_number(a, &pack, &medium, err) < 0)
		return err_add(err, "begin a pack");
	if (pack_create(medium, a->keys, pack, replaces, n_replaces, writer_r, err) == 0)
		return 0;
	archive_unlock_pack(a, pack);
	return -1;
}

int archive_note_sealed(struct archive *a, const struct pack_writer *writer, struct err *err)
{
	uint64_t pack = pack_writer_number(writer);
	const struct hash *hash = pack_writer_hash(writer);

	if (hash != NULL && packs_set_hash(a->catalog, pack, hash, err) < 0)
		return -1;
	return packs_set(a->catalog, pack, PACK_SEALED, pack_writer_size(writer), err);
}

int archive_seal_pack(struct archive *a, struct pack_writer **writer, struct err *err)
{
	int rc = pack_seal(*writer, err);

	if (rc == 0)
		rc = archive_note_sealed(a, *writer, err);
	archive_drop_pack(a, writer);
	return rc;
}

void archive_drop_pack(struct archive *a, struct pack_writer **writer)
{
	uint64_t pack = *writer ? pack_writer_number(*writer) : 0;

	pack_writer_free(writer);
	if (pack != 0)
		archive_unlock_pack(a, pack);
}
