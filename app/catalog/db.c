/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/catalog/db.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
	STATEMENTS_MAX = 256,
	/* of disk, once a long backup or reader has made the log larger */
	LOG_KEEP_BYTES = 64 * 1024 * 1024,
	/* waiting for another writer: often at first, half a minute in all */
	BUSY_QUICK_TRIES = 100,
	BUSY_QUICK_MS = 1,
	BUSY_SLOW_MS = 5,
	BUSY_TRIES = 6000
};

struct stmt {
	struct db *db;
	const char *sql; /* the address is the cache key; NULL: composed SQL, not cached */
	sqlite3_stmt *sqlite;
	bool in_use;
};

struct db {
	sqlite3 *sqlite;
	const char *name;
	struct stmt *cache[STATEMENTS_MAX]; /* open hash by address */
	bool in_transaction;
	bool sync_full;
	bool hasty; /* this transaction is db_try_begin()'s */
};

static enum err_kind kind_of(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_NOTADB:
		return ERR_WRONGKEY;
	case SQLITE_CORRUPT:
		return ERR_DAMAGED;
	case SQLITE_FULL:
		return ERR_NOSPACE;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return ERR_BUSY;
	case SQLITE_PERM:
	case SQLITE_READONLY:
		return ERR_DENIED;
	case SQLITE_CONSTRAINT:
		return ERR_EXISTS;
	default:
		return ERR_IO;
	}
}

/* For a page that fails its HMAC, SQLCipher gives a bare SQLITE_ERROR; any other has a text of its own. */
static bool is_bad_page(struct db *db, int rc)
{
	return rc == SQLITE_ERROR &&
	       strcmp(sqlite3_errmsg(db->sqlite), sqlite3_errstr(SQLITE_ERROR)) == 0;
}

static int db_fail(struct db *db, struct err *err)
{
	int rc = sqlite3_extended_errcode(db->sqlite);
	int os = sqlite3_system_errno(db->sqlite);
	enum err_kind kind = kind_of(rc);

	if (is_bad_page(db, rc))
		return err_set(err, ERR_DAMAGED, "%s database: a page is damaged", db->name);
	if (kind == ERR_IO && os == ENOSPC)
		kind = ERR_NOSPACE;
	if (kind == ERR_WRONGKEY)
		return err_set(err, kind,
			       "%s database: it does not open with this archive's key, "
			       "or its beginning is damaged",
			       db->name);
	return err_set(err, kind, "%s database: %s (%d)", db->name, sqlite3_errmsg(db->sqlite), rc);
}

/* SQLCipher takes a raw key as x'HEX' with the HEX of 32 bytes; it then derives nothing. */
static int set_key(struct db *db, const struct secret *key, struct err *err)
{
	static const char digits[] = "0123456789abcdef";
	CLEAN(secret) text = secret_new(2 * KEY_BYTES + 3);
	unsigned char *p = secret_bytes(text);
	const unsigned char *k = secret_data(key);

	must(secret_len(key) == KEY_BYTES);
	*p++ = 'x';
	*p++ = '\'';
	for (size_t i = 0; i < KEY_BYTES; i++) {
		*p++ = (unsigned char)digits[k[i] >> 4];
		*p++ = (unsigned char)digits[k[i] & 15];
	}
	*p = '\'';
	if (sqlite3_key(db->sqlite, secret_data(text), (int)secret_len(text)) != SQLITE_OK)
		return db_fail(db, err);
	return 0;
}

static int set_options(struct db *db, const struct db_options *o, struct err *err)
{
	CLEAN_STR sql = STR_INIT;

	str_addf(&sql,
		 "PRAGMA cipher_log_level=NONE;PRAGMA cipher_page_size=%d;PRAGMA "
		 "cache_size=-%d;PRAGMA temp_store=MEMORY;"
		 "PRAGMA foreign_keys=ON;PRAGMA trusted_schema=OFF;PRAGMA secure_delete=ON;"
		 "PRAGMA mmap_size=0;",
		 o->page_bytes, o->cache_kib);
	if (!o->read_only)
		str_addf(&sql,
			 "PRAGMA journal_mode=WAL;PRAGMA synchronous=%s;"
			 "PRAGMA journal_size_limit=%d;",
			 o->sync_full ? "FULL" : "NORMAL", LOG_KEEP_BYTES);
	str_adds(&sql, "SELECT count(*) FROM sqlite_master;"); /* the key is tried here */
	return db_exec(db, sql.data, err);
}

/* To SQLite an empty file is a new database, and it would make one of it. */
static int must_be_there(const char *path, struct err *err)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return err_errno(err, "%s: %m", path);
	return st.st_size > 0 ? 0 : err_set(err, ERR_DAMAGED, "%s: is empty", path);
}

/* SQLite's own waiting looks every 100 ms in the end: next to a writer that is at work all the time it never meets
 * the short gap between two transactions, and behind one that is done it sleeps on. */
static int wait_for_others(void *arg, int tries)
{
	const struct timespec pause = {
		.tv_nsec = (tries < BUSY_QUICK_TRIES ? BUSY_QUICK_MS : BUSY_SLOW_MS) * 1000000L};

	(void)arg;
	if (tries >= BUSY_TRIES)
		return 0;
	nanosleep(&pause, NULL);
	return 1;
}

/* What SQLite makes, all may read. Files that it makes beside this one get the same rights. */
static int make_file(const char *path, struct err *err)
{
	CLEAN_FD fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	/* One that is there is not even opened: closing it would end the locks that this process has on it. */
	return fd >= 0 || errno == EEXIST ? 0 : err_errno(err, "%s: %m", path);
}

int db_open(const char *path, const struct secret *key, const struct db_options *options,
	    struct db **db_r, struct err *err)
{
	CLEAN(db) db = mem_new(sizeof(*db));
	int flags = options->read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;

	if ((options->create ? make_file(path, err) : must_be_there(path, err)) < 0)
		return -1;
	db->name = options->name;
	db->sync_full = options->sync_full;
	if (sqlite3_open_v2(path, &db->sqlite, flags | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
		db_fail(db, err);
		return err_add(err, "%s", path);
	}
	sqlite3_extended_result_codes(db->sqlite, 1);
	sqlite3_busy_handler(db->sqlite, wait_for_others, NULL);
	sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	if (set_key(db, key, err) < 0 || set_options(db, options, err) < 0)
		return err_add(err, "%s", path);
	*db_r = TAKE(db);
	return 0;
}

void db_free(struct db **db)
{
	struct db *d = *db;

	if (d == NULL)
		return;
	for (size_t i = 0; i < STATEMENTS_MAX; i++) {
		if (d->cache[i] != NULL)
			sqlite3_finalize(d->cache[i]->sqlite);
		free(d->cache[i]);
	}
	sqlite3_close_v2(d->sqlite);
	free(d);
	*db = NULL;
}

void *db_sqlite(struct db *db)
{
	return db->sqlite;
}

int db_exec(struct db *db, const char *sql, struct err *err)
{
	if (sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL) != SQLITE_OK)
		return db_fail(db, err);
	return 0;
}

int db_schema(struct db *db, int *version_r, struct err *err)
{
	CLEAN_STMT q = NULL;

	if (db_query(db, "PRAGMA user_version", &q, err) < 0 || stmt_step(q, err) < 0)
		return -1;
	*version_r = (int)stmt_int(q, 0);
	return 0;
}

struct step {
	const char *sql;
	int version;
	db_step_fn *fn;
	void *arg;
};

static int run_step(struct db *db, const struct step *step, struct err *err)
{
	char set[64];

	snprintf(set, sizeof(set), "PRAGMA user_version=%d", step->version);
	if (db_exec(db, step->sql, err) < 0 || db_exec(db, set, err) < 0)
		return -1;
	return step->fn != NULL ? step->fn(step->arg, step->version, err) : 0;
}

/* Another program may have been quicker, before the transaction. */
static int migrate_one(struct db *db, const struct step *step, struct err *err)
{
	int now, rc;

	if (db_begin(db, err) < 0)
		return -1;
	rc = db_schema(db, &now, err);
	if (rc == 0 && now >= step->version) {
		db_rollback(db);
		return 0;
	}
	if (rc < 0 || run_step(db, step, err) < 0 || db_commit(db, err) < 0) {
		db_rollback(db);
		return err_add(err, "schema step %d", step->version);
	}
	return 0;
}

int db_migrate_telling(struct db *db, const char *const *steps, int n, db_step_fn *fn, void *arg,
		       struct err *err)
{
	int version = 0;

	if (db_schema(db, &version, err) < 0)
		return -1;
	if (version > n)
		return err_set(err, ERR_VERSION,
			       "%s database: its schema has number %d, this program knows %d",
			       db->name, version, n);
	for (; version < n; version++) {
		const struct step step = {steps[version], version + 1, fn, arg};

		if (migrate_one(db, &step, err) < 0)
			return -1;
	}
	return 0;
}

int db_migrate(struct db *db, const char *const *steps, int n, struct err *err)
{
	return db_migrate_telling(db, steps, n, NULL, NULL, err);
}

static int copy_pages(struct db *from, struct db *to, struct err *err)
{
	sqlite3_backup *pages = sqlite3_backup_init(to->sqlite, "main", from->sqlite, "main");
	int rc, finished;

	if (pages == NULL)
		return db_fail(to, err);
	rc = sqlite3_backup_step(pages, -1);
	finished = sqlite3_backup_finish(pages);
	if (rc == SQLITE_DONE && finished == SQLITE_OK)
		return 0;
	return err_set(err, kind_of(rc == SQLITE_DONE ? finished : rc), "%s database: copy: %s",
		       from->name, sqlite3_errstr(rc == SQLITE_DONE ? finished : rc));
}

/* What is in the log only would stay behind when the file is given its name. */
static int empty_log(struct db *db, struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc;

	if (db_query(db, "PRAGMA wal_checkpoint(TRUNCATE)", &q, err) < 0)
		return -1;
	rc = stmt_step(q, err);
	if (rc > 0 && stmt_int(q, 0) != 0)
		return err_set(err, ERR_BUSY, "%s database: copy: its log is in use", db->name);
	return rc < 0 ? -1 : 0;
}

int db_copy(struct db *db, const struct secret *key, const struct db_options *options,
	    const char *path, struct err *err)
{
	struct db_options created = *options;
	CLEAN(db) to = NULL;

	created.create = true;
	if (db_open(path, key, &created, &to, err) < 0)
		return -1;
	return copy_pages(db, to, err) < 0 ? -1 : empty_log(to, err);
}

static int prepare(struct db *db, const char *sql, unsigned flags, struct stmt **stmt_r,
		   struct err *err)
{
	sqlite3_stmt *sqlite = NULL;
	struct stmt *s;

	if (sqlite3_prepare_v3(db->sqlite, sql, -1, flags, &sqlite, NULL) != SQLITE_OK)
		return db_fail(db, err);
	s = mem_new(sizeof(*s));
	s->db = db;
	s->sqlite = sqlite;
	s->in_use = true;
	*stmt_r = s;
	return 0;
}

int db_query(struct db *db, const char *sql, struct stmt **stmt_r, struct err *err)
{
	size_t at = ((uintptr_t)sql >> 2) % STATEMENTS_MAX;
	size_t tries = 0;

	while (db->cache[at] != NULL && db->cache[at]->sql != sql) {
		at = (at + 1) % STATEMENTS_MAX;
		must(++tries < STATEMENTS_MAX);
	}
	if (db->cache[at] == NULL) {
		if (prepare(db, sql, SQLITE_PREPARE_PERSISTENT, &db->cache[at], err) < 0)
			return -1;
		db->cache[at]->sql = sql;
	} else {
		must(!db->cache[at]->in_use);
		db->cache[at]->in_use = true;
	}
	*stmt_r = db->cache[at];
	return 0;
}

int db_query_text(struct db *db, const char *sql, struct stmt **stmt_r, struct err *err)
{
	return prepare(db, sql, 0, stmt_r, err);
}

void stmt_done(struct stmt **stmt)
{
	struct stmt *s = *stmt;

	if (s == NULL)
		return;
	*stmt = NULL;
	if (s->sql == NULL) {
		sqlite3_finalize(s->sqlite);
		free(s);
		return;
	}
	sqlite3_reset(s->sqlite);
	sqlite3_clear_bindings(s->sqlite);
	s->in_use = false;
}

void stmt_bind_int(struct stmt *s, int at, int64_t value)
{
	must(sqlite3_bind_int64(s->sqlite, at, value) == SQLITE_OK);
}

void stmt_bind_text(struct stmt *s, int at, struct view text)
{
	must(sqlite3_bind_text64(s->sqlite, at, text.data ? text.data : "", text.len, SQLITE_STATIC,
				 SQLITE_UTF8) == SQLITE_OK);
}

void stmt_bind_blob(struct stmt *s, int at, const void *data, size_t len)
{
	must(sqlite3_bind_blob64(s->sqlite, at, data ? data : "", len, SQLITE_STATIC) == SQLITE_OK);
}

void stmt_bind_null(struct stmt *s, int at)
{
	must(sqlite3_bind_null(s->sqlite, at) == SQLITE_OK);
}

int stmt_step(struct stmt *s, struct err *err)
{
	int rc = sqlite3_step(s->sqlite);

	if (rc == SQLITE_ROW)
		return 1;
	if (rc == SQLITE_DONE)
		return 0;
	return db_fail(s->db, err);
}

int stmt_run(struct stmt *s, struct err *err)
{
	int rc;

	do
		rc = stmt_step(s, err);
	while (rc > 0);
	sqlite3_reset(s->sqlite);
	sqlite3_clear_bindings(s->sqlite);
	return rc;
}

int64_t stmt_int(struct stmt *s, int column)
{
	return sqlite3_column_int64(s->sqlite, column);
}

struct view stmt_text(struct stmt *s, int column)
{
	const char *data = (const char *)sqlite3_column_text(s->sqlite, column);

	return (struct view){data ? data : "", (size_t)sqlite3_column_bytes(s->sqlite, column)};
}

struct view stmt_blob(struct stmt *s, int column)
{
	const char *data = sqlite3_column_blob(s->sqlite, column);

	return (struct view){data ? data : "", (size_t)sqlite3_column_bytes(s->sqlite, column)};
}

bool stmt_is_null(struct stmt *s, int column)
{
	return sqlite3_column_type(s->sqlite, column) == SQLITE_NULL;
}

static void bind_all(struct stmt *s, const struct bind *binds, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int at = (int)i + 1;

		switch (binds[i].kind) {
		case BIND_IS_INT:
			stmt_bind_int(s, at, binds[i].n);
			break;
		case BIND_IS_TEXT:
			stmt_bind_text(s, at, binds[i].v);
			break;
		case BIND_IS_BLOB:
			stmt_bind_blob(s, at, binds[i].v.data, binds[i].v.len);
			break;
		case BIND_IS_NULL:
			stmt_bind_null(s, at);
			break;
		}
	}
}

int db_run_binds(struct db *db, struct err *err, const char *sql, const struct bind *binds,
		 size_t n)
{
	CLEAN_STMT q = NULL;

	if (db_query(db, sql, &q, err) < 0)
		return -1;
	bind_all(q, binds, n);
	return stmt_run(q, err);
}

int db_find_binds(struct db *db, struct stmt **stmt_r, struct err *err, const char *sql,
		  const struct bind *binds, size_t n)
{
	if (db_query(db, sql, stmt_r, err) < 0)
		return -1;
	bind_all(*stmt_r, binds, n);
	return stmt_step(*stmt_r, err);
}

int64_t db_last_rowid(struct db *db)
{
	return sqlite3_last_insert_rowid(db->sqlite);
}

int64_t db_changes(struct db *db)
{
	return sqlite3_changes64(db->sqlite);
}

int db_begin(struct db *db, struct err *err)
{
	must(!db->in_transaction);
	if (db_exec(db, "BEGIN IMMEDIATE", err) < 0)
		return -1;
	db->in_transaction = true;
	return 0;
}

/* How a transaction is synced is set before and behind it. */
static int set_hasty(struct db *db, bool hasty, struct err *err)
{
	db->hasty = hasty;
	return db_exec(db,
		       hasty || !db->sync_full ? "PRAGMA synchronous=NORMAL"
					       : "PRAGMA synchronous=FULL",
		       err);
}

int db_try_begin(struct db *db, struct err *err)
{
	int rc;

	must(!db->in_transaction);
	if (set_hasty(db, true, err) < 0)
		return -1;
	sqlite3_busy_handler(db->sqlite, NULL, NULL);
	rc = sqlite3_exec(db->sqlite, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	sqlite3_busy_handler(db->sqlite, wait_for_others, NULL);
	db->in_transaction = rc == SQLITE_OK;
	if (db->in_transaction) {
		/* nor does closing wait for a checkpoint: the next one who writes makes it */
		sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
		return 1;
	}
	if (kind_of(rc) != ERR_BUSY)
		return db_fail(db, err);
	return set_hasty(db, false, err);
}

int db_commit(struct db *db, struct err *err)
{
	must(db->in_transaction);
	if (db_exec(db, "COMMIT", err) < 0)
		return -1;
	db->in_transaction = false;
	return db->hasty ? set_hasty(db, false, err) : 0;
}

bool db_in_transaction(const struct db *db)
{
	return db->in_transaction;
}

void db_rollback(struct db *db)
{
	struct err ignored = {0};

	if (!db->in_transaction)
		return;
	sqlite3_exec(db->sqlite, "ROLLBACK", NULL, NULL, NULL);
	db->in_transaction = false;
	if (db->hasty)
		set_hasty(db, false, &ignored);
}

/* Both pragmas give one row a finding; "ok" means none. */
static int check_pragma(struct db *db, const char *pragma, db_finding_fn *fn, void *arg,
			struct err *err)
{
	CLEAN_STMT q = NULL;
	CLEAN_STR text = STR_INIT;
	int rc;

	if (db_query_text(db, pragma, &q, err) < 0)
		return -1;
	while ((rc = stmt_step(q, err)) > 0) {
		struct view finding = stmt_text(q, 0);

		if (view_eq(finding, VIEW("ok")))
			continue;
		str_reset(&text);
		str_addf(&text, "%s database: %s", db->name, finding.data);
		fn(arg, text.data);
	}
	return rc;
}

int db_check(struct db *db, db_finding_fn *fn, void *arg, struct err *err)
{
	/* cipher_integrity_check reads the file past the log: pages that a crash left half-written there,
	 * and which stand whole in the log, must be put right first. */
	if (db_exec(db, "PRAGMA wal_checkpoint(PASSIVE)", err) < 0 ||
	    check_pragma(db, "PRAGMA cipher_integrity_check", fn, arg, err) < 0)
		return -1;
	if (check_pragma(db, "PRAGMA integrity_check", fn, arg, err) < 0) {
		if (err->kind != ERR_DAMAGED && err->kind != ERR_WRONGKEY)
			return -1;
		fn(arg, err->text);
		err_clear(err);
	}
	return 0;
}

int db_library_check(struct err *err)
{
	/* 3.43 brought deletes in contentless FTS5 tables; SQLCipher 4.6 carries SQLite 3.46. */
	if (sqlite3_libversion_number() >= 3043000)
		return 0;
	return err_set(
		err, ERR_UNSUPPORTED,
		"the SQLCipher library carries SQLite %s, which is too old; install SQLCipher "
		"4.6 or newer (Debian 12: libsqlcipher1 from bookworm-backports)",
		sqlite3_libversion());
}
