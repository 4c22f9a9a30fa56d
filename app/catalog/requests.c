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

static int put(struct catalog *catalog, uint64_t request, int64_t made_s, struct view who,
	       struct view reason, struct err *err)
{
	return db_run(catalog_db(catalog), err, "INSERT INTO requests VALUES (?1, ?2, ?3, ?4)",
		      BIND_INT(request), BIND_INT(made_s), BIND_TEXT(who), BIND_TEXT(reason));
}

int requests_add(struct catalog *catalog, struct view who, struct view reason, uint64_t *request_r,
		 struct err *err)
{
	if (next_number(catalog, request_r, err) < 0)
		return -1;
	return put(catalog, *request_r, clock_s(), who, reason, err);
}

int requests_put(struct catalog *catalog, const struct request_row *row, struct err *err)
{
	return put(catalog, row->request, row->made_s, VIEW(row->who), VIEW(row->reason), err);
}

int requests_get(struct catalog *catalog, struct arena *arena, uint64_t request,
		 struct request_row *row_r, struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_find(catalog_db(catalog), &q, err,
			 "SELECT made_s, who, reason FROM requests WHERE request = ?1",
			 BIND_INT(request));

	if (rc > 0)
		*row_r = (struct request_row){request, stmt_int(q, 0),
					      arena_str(arena, stmt_text(q, 1).data),
					      arena_str(arena, stmt_text(q, 2).data)};
	return rc;
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
