/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/catalog/requests.h"

#include "base/clock.h"

static int next_number(struct catalog *catalog, uint64_t *request_r, struct err *err)
{
	CLEAN_STMT q = NULL;

	if (db_query(catalog_db(catalog),
		     "SELECT 1 + max(coalesce((SELECT max(request) FROM erased), 0), "
		     "coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'requests'), 0))",
		     &q, err) < 0 ||
	    stmt_step(q, err) < 0)
		return -1;
	*request_r = (uint64_t)stmt_int(q, 0);
	return 0;
}

int requests_add(struct catalog *catalog, struct view who, struct view reason, uint64_t *request_r,
		 struct err *err)
{
	if (next_number(catalog, request_r, err) < 0)
		return -1;
	return db_run(catalog_db(catalog), err,
		      "INSERT INTO requests (request, made_s, who, reason) VALUES (?1, ?2, ?3, ?4)",
		      BIND_INT(*request_r), BIND_INT(clock_s()), BIND_TEXT(who), BIND_TEXT(reason));
}

int requests_put(struct catalog *catalog, const struct request_row *row, struct err *err)
{
	return db_run(
		catalog_db(catalog), err,
		"INSERT OR REPLACE INTO requests (request, made_s, who, reason, person, state, "
		"decided_s, decider, decision, mails) "
		"VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
		BIND_INT(row->request), BIND_INT(row->made_s), BIND_TEXT(VIEW(row->who)),
		BIND_TEXT(VIEW(row->reason)), BIND_INT(row->person), BIND_INT(row->state),
		BIND_INT(row->decided_s), BIND_TEXT(VIEW(row->decider)),
		BIND_TEXT(VIEW(row->decision)), BIND_INT(row->mails));
}

#define REQUEST_COLUMNS                                                                            \
	"SELECT request, made_s, who, reason, person, state, decided_s, decider, decision, "       \
	"mails, "                                                                                  \
	"state = 2 AND NOT EXISTS (SELECT 1 FROM deletions d WHERE d.request = requests.request) " \
	"FROM requests "

static struct request_row row_of(struct stmt *q, struct arena *arena)
{
	return (struct request_row){.request = (uint64_t)stmt_int(q, 0),
				    .made_s = stmt_int(q, 1),
				    .who = arena_view(arena, stmt_text(q, 2)).data,
				    .reason = arena_view(arena, stmt_text(q, 3)).data,
				    .person = (uint64_t)stmt_int(q, 4),
				    .state = (enum request_state)stmt_int(q, 5),
				    .decided_s = stmt_int(q, 6),
				    .decider = arena_view(arena, stmt_text(q, 7)).data,
				    .decision = arena_view(arena, stmt_text(q, 8)).data,
				    .mails = (uint64_t)stmt_int(q, 9),
				    .carried_out = stmt_int(q, 10) != 0};
}

int requests_get(struct catalog *catalog, struct arena *arena, uint64_t request,
		 struct request_row *row_r, struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_find(catalog_db(catalog), &q, err, REQUEST_COLUMNS "WHERE request = ?1",
			 BIND_INT(request));

	if (rc > 0)
		*row_r = row_of(q, arena);
	return rc;
}

int requests_list(struct catalog *catalog, struct arena *arena, uint64_t person, bool open,
		  uint64_t before, size_t limit, struct request_rows *rows_r, struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_find(catalog_db(catalog), &q, err,
			 REQUEST_COLUMNS
			 "WHERE (?1 IS NULL OR person = ?1) AND (?2 = 0 OR state = 0) "
			 "AND (?3 = 0 OR request < ?3) ORDER BY request DESC LIMIT ?4",
			 person == PERSON_ANY ? BIND_NULL : BIND_INT(person), BIND_INT(open),
			 BIND_INT(before), BIND_INT(limit));

	*rows_r = (struct request_rows){0};
	for (; rc > 0; rc = stmt_step(q, err))
		ARENA_PUSH(arena, *rows_r, row_of(q, arena));
	return rc;
}

/* --- mails -------------------------------------------------------------------------------------- */

int request_mails_add(struct catalog *catalog, uint64_t request, uint64_t mail, struct err *err)
{
	return db_run(catalog_db(catalog), err,
		      "INSERT OR IGNORE INTO request_mails VALUES (?1, ?2)", BIND_INT(mail),
		      BIND_INT(request));
}

static int read_numbers(struct stmt *q, int rc, struct arena *arena, struct numbers *numbers_r,
			struct err *err)
{
	*numbers_r = (struct numbers){0};
	for (; rc > 0; rc = stmt_step(q, err))
		ARENA_PUSH(arena, *numbers_r, (uint64_t)stmt_int(q, 0));
	return rc;
}

int request_mails(struct catalog *catalog, struct arena *arena, uint64_t request,
		  struct numbers *mails_r, struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_find(catalog_db(catalog), &q, err,
			 "SELECT mail FROM request_mails WHERE request = ?1 ORDER BY mail",
			 BIND_INT(request));

	return read_numbers(q, rc, arena, mails_r, err);
}

int request_mails_open(struct catalog *catalog, struct arena *arena, struct numbers *mails_r,
		       struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_query(catalog_db(catalog),
			  "SELECT DISTINCT mail FROM request_mails JOIN requests USING (request) "
			  "WHERE state = 0",
			  &q, err);

	if (rc == 0)
		rc = stmt_step(q, err);
	return read_numbers(q, rc, arena, mails_r, err);
}

int mail_is_requested(struct catalog *catalog, uint64_t mail, struct err *err)
{
	CLEAN_STMT q = NULL;

	return db_find(catalog_db(catalog), &q, err,
		       "SELECT 1 FROM request_mails JOIN requests USING (request) "
		       "WHERE mail = ?1 AND state = 0",
		       BIND_INT(mail));
}

int deletions_add(struct catalog *catalog, uint64_t mail, uint64_t request, struct err *err)
{
	return db_run(catalog_db(catalog), err, "INSERT OR IGNORE INTO deletions VALUES (?1, ?2)",
		      BIND_INT(mail), BIND_INT(request));
}

int deletions_get(struct catalog *catalog, uint64_t mail, uint64_t *request_r, struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_find(catalog_db(catalog), &q, err,
			 "SELECT request FROM deletions WHERE mail = ?1", BIND_INT(mail));

	if (rc > 0)
		*request_r = (uint64_t)stmt_int(q, 0);
	return rc;
}
