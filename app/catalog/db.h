/* SPDX-License-Identifier: GPL-3.0-or-later */
/* db.h - the one shell around SQLite: a SQLCipher database with a raw key, prepared statements, one
 * transaction helper, migrations by number.
 *
 * A struct db belongs to one thread; each thread opens its own. Write-ahead log; temporary data stays in
 * memory, so nothing is ever on disk in clear.
 *
 * Error kinds: ERR_WRONGKEY (the file does not open with this key, or its first page is damaged:
 * SQLCipher cannot tell them apart), ERR_DAMAGED (a page fails its HMAC, or the structure is broken), ERR_NOSPACE,
 * ERR_BUSY, ERR_IO, ERR_VERSION (a schema newer than this program).
 */
#ifndef APP_CATALOG_DB_H
#define APP_CATALOG_DB_H

#include "base/crypto.h"
#include "base/err.h"
#include "base/str.h"

struct db;
struct stmt;

struct db_options {
	const char *name; /* for messages: "catalog", "index" */
	int page_bytes;
	int cache_kib;
	bool sync_full; /* a commit is durable when it returns; else only consistent */
	bool create;
	bool read_only;
};

int db_open(const char *path, const struct secret *key, const struct db_options *options,
	    struct db **db_r, struct err *err);
void db_free(struct db **db);
void *db_sqlite(struct db *db); /* the sqlite3 *, for registering an FTS5 tokenizer */

/* The number of the schema that is there; 0: an empty database. */
int db_schema(struct db *db, int *version_r, struct err *err);
/* Bring the schema to N, running steps[i] (SQL) for version i + 1, each in its own transaction. A process that is killed leaves the number
 * of the last step that was done, and the next goes on there; several at once do each step once. */
int db_migrate(struct db *db, const char *const *steps, int n, struct err *err);
/* The same; FN is called in the transaction of each step, behind it, and undoes it by failing. */
typedef int db_step_fn(void *arg, int version, struct err *err);
int db_migrate_telling(struct db *db, const char *const *steps, int n, db_step_fn *fn, void *arg,
		       struct err *err);

/* The whole database as it is at one moment, under the same key, into a new file; durable but for its name. Writers wait for it. */
int db_copy(struct db *db, const struct secret *key, const struct db_options *options,
	    const char *path, struct err *err);

int db_exec(struct db *db, const char *sql, struct err *err); /* one or several statements */

/* The prepared statement of SQL, ready to bind. SQL must be a string literal: statements are cached by its
 * address for the life of the db. Release with stmt_done() (or the CLEAN_STMT attribute) before
 * the same SQL is asked for again. db_query_text is for composed SQL and is not cached. */
int db_query(struct db *db, const char *sql, struct stmt **stmt_r, struct err *err);
int db_query_text(struct db *db, const char *sql, struct stmt **stmt_r, struct err *err);
void stmt_done(struct stmt **stmt);
#define CLEAN_STMT __attribute__((cleanup(stmt_done))) struct stmt *

/* Parameters count from 1, columns from 0. Bound views and bytes must live until stmt_done(). */
void stmt_bind_int(struct stmt *s, int at, int64_t value);
void stmt_bind_text(struct stmt *s, int at, struct view text);
void stmt_bind_blob(struct stmt *s, int at, const void *data, size_t len);
void stmt_bind_null(struct stmt *s, int at);
int stmt_step(struct stmt *s, struct err *err); /* 1 a row, 0 done, -1 */
int stmt_run(struct stmt *s, struct err *err);  /* step to the end, release bindings; 0 or -1 */
int64_t stmt_int(struct stmt *s, int column);
struct view stmt_text(struct stmt *s, int column); /* valid until the next step */
struct view stmt_blob(struct stmt *s, int column);
bool stmt_is_null(struct stmt *s, int column);

/* Most statements in one line: bind, then run to the end, or step to the first row.
 *     db_run(db, err, "UPDATE mails SET state = ?2 WHERE mail = ?1", BIND_INT(mail), BIND_INT(s))
 *     CLEAN_STMT q = NULL;
 *     rc = db_find(db, &q, err, "SELECT ...", BIND_BLOB(id->b, UUID_BYTES));   1 a row, 0 none, -1
 */
struct bind {
	enum { BIND_IS_INT, BIND_IS_TEXT, BIND_IS_BLOB, BIND_IS_NULL } kind;
	int64_t n;
	struct view v;
};
#define BIND_INT(x) ((struct bind){.kind = BIND_IS_INT, .n = (int64_t)(x)})
#define BIND_TEXT(view) ((struct bind){.kind = BIND_IS_TEXT, .v = (view)})
#define BIND_BLOB(ptr, bytes)                                                                      \
	((struct bind){.kind = BIND_IS_BLOB, .v = {(const char *)(ptr), (bytes)}})
#define BIND_HASH(hash) BIND_BLOB((hash)->b, HASH_BYTES)
#define BIND_UUID(uuid) BIND_BLOB((uuid)->b, UUID_BYTES)
#define BIND_NULL ((struct bind){.kind = BIND_IS_NULL})
#define BINDS(...)                                                                                 \
	(const struct bind[]){__VA_ARGS__},                                                        \
		sizeof((const struct bind[]){__VA_ARGS__}) / sizeof(struct bind)
#define db_run(db, err, sql, ...) db_run_binds(db, err, sql, BINDS(__VA_ARGS__))
#define db_find(db, stmt_r, err, sql, ...) db_find_binds(db, stmt_r, err, sql, BINDS(__VA_ARGS__))
int db_run_binds(struct db *db, struct err *err, const char *sql, const struct bind *binds,
		 size_t n);
int db_find_binds(struct db *db, struct stmt **stmt_r, struct err *err, const char *sql,
		  const struct bind *binds, size_t n);

int64_t db_last_rowid(struct db *db);
int64_t db_changes(struct db *db); /* rows touched by the last statement */

/* A transaction: db_begin ... db_commit; db_rollback() undoes it (and does nothing when none is open, so it can
 * stand in every error path). db_begin takes the write lock at once. */
int db_begin(struct db *db, struct err *err);
/* For what may be left out but must not hold anything up: 1 begun, 0 somebody else is writing, which is not waited for. Its commit is
 * not durable at once, only whole (synchronous = NORMAL). */
int db_try_begin(struct db *db, struct err *err);
int db_commit(struct db *db, struct err *err);
void db_rollback(struct db *db);
bool db_in_transaction(const struct db *db);

/* Check every page's HMAC and the structure. Calls FN with a sentence per finding. 0 when the check
 * could be made, whatever it found. */
typedef void db_finding_fn(void *arg, const char *finding);
int db_check(struct db *db, db_finding_fn *fn, void *arg, struct err *err);

/* ERR_UNSUPPORTED in words when the SQLCipher library is too old. */
int db_library_check(struct err *err);

#endif
