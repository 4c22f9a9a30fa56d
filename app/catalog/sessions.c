/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/catalog/sessions.h"

static void take_hash(struct stmt *q, int column, struct hash *hash_r)
{
	const struct view bytes = stmt_blob(q, column);

	memset(hash_r, 0, sizeof(*hash_r));
	if (bytes.len == HASH_BYTES)
		memcpy(hash_r->b, bytes.data, HASH_BYTES);
}

/* ---- sessions ---- */

#define SESSION_COLUMNS "SELECT hash, person, csrf, begun_s, used_s, peer, second FROM sessions "

static struct session_row read_session(struct stmt *q, struct arena *arena)
{
	struct session_row row = {.person = (uint64_t)stmt_int(q, 1),
				  .begun_s = stmt_int(q, 3),
				  .used_s = stmt_int(q, 4),
				  .peer = arena_view(arena, stmt_text(q, 5)),
				  .second = stmt_int(q, 6) != 0};

	take_hash(q, 0, &row.hash);
	take_hash(q, 2, &row.csrf);
	return row;
}

int sessions_add(struct catalog *catalog, const struct session_row *row, struct err *err)
{
	return db_run(catalog_db(catalog), err,
		      "INSERT INTO sessions VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
		      BIND_HASH(&row->hash), BIND_INT(row->person), BIND_HASH(&row->csrf),
		      BIND_INT(row->begun_s), BIND_INT(row->used_s), BIND_TEXT(row->peer),
		      BIND_INT(row->second));
}

int sessions_get(struct catalog *catalog, struct arena *arena, const struct hash *hash,
		 struct session_row *row_r, struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_find(catalog_db(catalog), &q, err, SESSION_COLUMNS "WHERE hash = ?1",
			 BIND_HASH(hash));

	if (rc > 0)
		*row_r = read_session(q, arena);
	return rc;
}

int sessions_use(struct catalog *catalog, const struct hash *hash, int64_t now_s, struct err *err)
{
	struct db *db = catalog_db(catalog);
	int rc = db_try_begin(db, err);

	if (rc <= 0)
		return rc;
	if (db_run(db, err, "UPDATE sessions SET used_s = ?2 WHERE hash = ?1", BIND_HASH(hash),
		   BIND_INT(now_s)) == 0 &&
	    db_commit(db, err) == 0)
		return 0;
	db_rollback(db);
	return -1;
}

int sessions_second_done(struct catalog *catalog, const struct hash *hash, struct err *err)
{
	return db_run(catalog_db(catalog), err, "UPDATE sessions SET second = 0 WHERE hash = ?1",
		      BIND_HASH(hash));
}

int sessions_end(struct catalog *catalog, const struct hash *hash, struct err *err)
{
	return db_run(catalog_db(catalog), err, "DELETE FROM sessions WHERE hash = ?1",
		      BIND_HASH(hash));
}

int sessions_end_all(struct catalog *catalog, uint64_t person, const struct hash *keep,
		     struct err *err)
{
	return db_run(catalog_db(catalog), err,
		      "DELETE FROM sessions WHERE person = ?1 AND hash IS NOT ?2", BIND_INT(person),
		      keep == NULL ? BIND_NULL : BIND_HASH(keep));
}

int sessions_list(struct catalog *catalog, struct arena *arena, uint64_t person,
		  struct session_rows *rows_r, struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_find(catalog_db(catalog), &q, err,
			 SESSION_COLUMNS "WHERE person = ?1 ORDER BY used_s DESC",
			 BIND_INT(person));

	*rows_r = (struct session_rows){0};
	for (; rc > 0; rc = stmt_step(q, err))
		ARENA_PUSH(arena, *rows_r, read_session(q, arena));
	return rc;
}

int sessions_expire(struct catalog *catalog, int64_t begun_s, int64_t used_s, struct err *err)
{
	return db_run(catalog_db(catalog), err,
		      "DELETE FROM sessions WHERE begun_s < ?1 OR used_s < ?2", BIND_INT(begun_s),
		      BIND_INT(used_s));
}

/* ---- API tokens ---- */

#define TOKEN_COLUMNS "SELECT token, person, name, scopes, made_s, ends_s, used_s FROM api_tokens "

static struct api_token_row read_token(struct stmt *q, struct arena *arena)
{
	return (struct api_token_row){.token = (uint64_t)stmt_int(q, 0),
				      .person = (uint64_t)stmt_int(q, 1),
				      .name = arena_view(arena, stmt_text(q, 2)),
				      .scopes = (unsigned)stmt_int(q, 3),
				      .made_s = stmt_int(q, 4),
				      .ends_s = stmt_int(q, 5),
				      .used_s = stmt_int(q, 6)};
}

int api_tokens_add(struct catalog *catalog, const struct hash *hash,
		   const struct api_token_row *row, uint64_t *token_r, struct err *err)
{
	if (db_run(catalog_db(catalog), err,
		   "INSERT INTO api_tokens (hash, person, name, scopes, made_s, ends_s) "
		   "VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
		   BIND_HASH(hash), BIND_INT(row->person), BIND_TEXT(row->name),
		   BIND_INT(row->scopes), BIND_INT(row->made_s), BIND_INT(row->ends_s)) < 0)
		return -1;
	*token_r = (uint64_t)db_last_rowid(catalog_db(catalog));
	return 0;
}

int api_tokens_get(struct catalog *catalog, struct arena *arena, const struct hash *hash,
		   struct api_token_row *row_r, struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_find(catalog_db(catalog), &q, err, TOKEN_COLUMNS "WHERE hash = ?1",
			 BIND_HASH(hash));

	if (rc > 0)
		*row_r = read_token(q, arena);
	return rc;
}

int api_tokens_use(struct catalog *catalog, uint64_t token, int64_t now_s, struct err *err)
{
	struct db *db = catalog_db(catalog);
	int rc = db_try_begin(db, err);

	if (rc <= 0)
		return rc;
	if (db_run(db, err, "UPDATE api_tokens SET used_s = ?2 WHERE token = ?1", BIND_INT(token),
		   BIND_INT(now_s)) == 0 &&
	    db_commit(db, err) == 0)
		return 0;
	db_rollback(db);
	return -1;
}

int api_tokens_list(struct catalog *catalog, struct arena *arena, uint64_t person,
		    struct api_token_rows *rows_r, struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_find(catalog_db(catalog), &q, err,
			 TOKEN_COLUMNS "WHERE person = ?1 ORDER BY token", BIND_INT(person));

	*rows_r = (struct api_token_rows){0};
	for (; rc > 0; rc = stmt_step(q, err))
		ARENA_PUSH(arena, *rows_r, read_token(q, arena));
	return rc;
}

int api_tokens_remove(struct catalog *catalog, uint64_t person, uint64_t token, struct err *err)
{
	if (db_run(catalog_db(catalog), err,
		   "DELETE FROM api_tokens WHERE person = ?1 AND token = ?2", BIND_INT(person),
		   BIND_INT(token)) < 0)
		return -1;
	return db_changes(catalog_db(catalog)) == 0
		       ? err_set(err, ERR_NOTFOUND, "there is no such token")
		       : 0;
}

/* ---- one-time codes ---- */

int totp_get(struct catalog *catalog, uint64_t person, struct totp_row *row_r, struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_find(catalog_db(catalog), &q, err,
			 "SELECT secret, confirmed, step FROM totp WHERE person = ?1",
			 BIND_INT(person));
	struct view bytes;

	if (rc <= 0)
		return rc;
	bytes = stmt_blob(q, 0);
	*row_r = (struct totp_row){secret_copy(bytes.data, bytes.len), stmt_int(q, 1) != 0,
				   stmt_int(q, 2)};
	return 1;
}

int totp_put(struct catalog *catalog, uint64_t person, const struct secret *secret, struct err *err)
{
	return db_run(catalog_db(catalog), err, "INSERT OR REPLACE INTO totp VALUES (?1, ?2, 0, 0)",
		      BIND_INT(person), BIND_BLOB(secret_data(secret), secret_len(secret)));
}

int totp_use_step(struct catalog *catalog, uint64_t person, int64_t step, struct err *err)
{
	if (db_run(catalog_db(catalog), err,
		   "UPDATE totp SET step = ?2, confirmed = 1 WHERE person = ?1 AND step < ?2",
		   BIND_INT(person), BIND_INT(step)) < 0)
		return -1;
	return db_changes(catalog_db(catalog)) > 0;
}

int totp_remove(struct catalog *catalog, uint64_t person, struct err *err)
{
	if (db_run(catalog_db(catalog), err, "DELETE FROM recovery_codes WHERE person = ?1",
		   BIND_INT(person)) < 0)
		return -1;
	return db_run(catalog_db(catalog), err, "DELETE FROM totp WHERE person = ?1",
		      BIND_INT(person));
}

int recovery_codes_put(struct catalog *catalog, uint64_t person, const struct hash *hashes,
		       size_t n, struct err *err)
{
	struct db *db = catalog_db(catalog);

	if (db_run(db, err, "DELETE FROM recovery_codes WHERE person = ?1", BIND_INT(person)) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (db_run(db, err, "INSERT INTO recovery_codes VALUES (?1, ?2)", BIND_INT(person),
			   BIND_HASH(&hashes[i])) < 0)
			return -1;
	return 0;
}

int recovery_codes_use(struct catalog *catalog, uint64_t person, const struct hash *hash,
		       struct err *err)
{
	if (db_run(catalog_db(catalog), err,
		   "DELETE FROM recovery_codes WHERE person = ?1 AND hash = ?2", BIND_INT(person),
		   BIND_HASH(hash)) < 0)
		return -1;
	return db_changes(catalog_db(catalog)) > 0;
}

int recovery_codes_left(struct catalog *catalog, uint64_t person, uint64_t *n_r, struct err *err)
{
	CLEAN_STMT q = NULL;

	if (db_find(catalog_db(catalog), &q, err,
		    "SELECT count(*) FROM recovery_codes WHERE person = ?1", BIND_INT(person)) < 0)
		return -1;
	*n_r = (uint64_t)stmt_int(q, 0);
	return 0;
}

/* ---- failed log-ins ---- */

int failures_get(struct catalog *catalog, const struct hash *hash, struct failure_row *row_r,
		 struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_find(catalog_db(catalog), &q, err,
			 "SELECT failed, last_s, until_s FROM login_failures WHERE hash = ?1",
			 BIND_HASH(hash));

	*row_r = (struct failure_row){0};
	if (rc > 0)
		*row_r = (struct failure_row){(uint64_t)stmt_int(q, 0), stmt_int(q, 1),
					      stmt_int(q, 2)};
	return rc;
}

int failures_put(struct catalog *catalog, const struct hash *hash, const struct failure_row *row,
		 struct err *err)
{
	return db_run(catalog_db(catalog), err,
		      "INSERT OR REPLACE INTO login_failures VALUES (?1, ?2, ?3, ?4)",
		      BIND_HASH(hash), BIND_INT(row->failed), BIND_INT(row->last_s),
		      BIND_INT(row->until_s));
}

int failures_remove(struct catalog *catalog, const struct hash *hash, struct err *err)
{
	return db_run(catalog_db(catalog), err, "DELETE FROM login_failures WHERE hash = ?1",
		      BIND_HASH(hash));
}

int failures_tidy(struct catalog *catalog, int64_t last_s, uint64_t max, struct err *err)
{
	return db_run(catalog_db(catalog), err,
		      "DELETE FROM login_failures WHERE last_s < ?1 OR hash IN (SELECT hash FROM "
		      "login_failures ORDER BY last_s DESC LIMIT -1 OFFSET ?2)",
		      BIND_INT(last_s), BIND_INT(max));
}

int failures_count(struct catalog *catalog, int64_t since_s, uint64_t *rows_r, uint64_t *failed_r,
		   struct err *err)
{
	CLEAN_STMT q = NULL;

	if (db_find(catalog_db(catalog), &q, err,
		    "SELECT count(*), coalesce(sum(failed), 0) FROM login_failures WHERE last_s >= "
		    "?1",
		    BIND_INT(since_s)) < 0)
		return -1;
	*rows_r = (uint64_t)stmt_int(q, 0);
	*failed_r = (uint64_t)stmt_int(q, 1);
	return 0;
}
