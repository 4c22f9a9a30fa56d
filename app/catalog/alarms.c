/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/catalog/alarms.h"

#define COLUMNS "alarm, subject, level, since_s, seen_s, told_s, text"

int alarms_begin(struct catalog *catalog, struct err *err)
{
	return db_exec(catalog_db(catalog), "UPDATE alarms SET seen_s = 0", err);
}

int alarms_raise(struct catalog *catalog, const struct alarm_row *row, int64_t now_s,
		 struct err *err)
{
	return db_run(catalog_db(catalog), err,
		      "INSERT INTO alarms (" COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?4, 0, ?5) "
		      "ON CONFLICT (alarm, subject) DO UPDATE SET "
		      "since_s = CASE WHEN level = 0 THEN excluded.since_s ELSE since_s END, "
		      "told_s = CASE WHEN excluded.level > level THEN 0 ELSE told_s END, "
		      "level = excluded.level, seen_s = excluded.seen_s, text = excluded.text",
		      BIND_TEXT(VIEW(row->alarm)), BIND_TEXT(VIEW(row->subject)),
		      BIND_INT(row->level), BIND_INT(now_s), BIND_TEXT(VIEW(row->text)));
}

static char *text_at(struct arena *arena, struct stmt *q, int column)
{
	struct view text = stmt_text(q, column);

	return arena_strn(arena, text.data, text.len);
}

/* The rows of a query for COLUMNS whose first row was stepped to (RC 1). */
static int read_rows(struct stmt *q, int rc, struct arena *arena, struct alarm_row **v_r,
		     size_t *n_r, struct err *err)
{
	struct {
		struct alarm_row *v;
		size_t n, cap;
	} list = {0};

	for (; rc > 0; rc = stmt_step(q, err)) {
		const struct alarm_row row = {.alarm = text_at(arena, q, 0),
					      .subject = text_at(arena, q, 1),
					      .level = (enum alarm_level)stmt_int(q, 2),
					      .since_s = stmt_int(q, 3),
					      .seen_s = stmt_int(q, 4),
					      .told_s = stmt_int(q, 5),
					      .text = text_at(arena, q, 6)};

		ARENA_PUSH(arena, list, row);
	}
	*v_r = list.v;
	*n_r = list.n;
	return rc;
}

int alarms_settle(struct catalog *catalog, struct arena *arena, struct alarm_row **over_r,
		  size_t *n_r, struct err *err)
{
	struct db *db = catalog_db(catalog);
	CLEAN_STMT q = NULL;
	int rc;

	if (db_exec(db,
		    "DELETE FROM alarms WHERE seen_s = 0 AND told_s = 0;"
		    "UPDATE alarms SET level = 0 WHERE seen_s = 0",
		    err) < 0)
		return -1;
	rc = db_query(db,
		      "SELECT " COLUMNS
		      " FROM alarms WHERE level = 0 ORDER BY since_s, alarm, subject",
		      &q, err);
	return rc < 0 ? -1 : read_rows(q, stmt_step(q, err), arena, over_r, n_r, err);
}

int alarms_list(struct catalog *catalog, struct arena *arena, struct alarm_row **v_r, size_t *n_r,
		struct err *err)
{
	CLEAN_STMT q = NULL;

	if (db_query(catalog_db(catalog),
		     "SELECT " COLUMNS
		     " FROM alarms WHERE level > 0 ORDER BY level DESC, since_s, alarm, subject",
		     &q, err) < 0)
		return -1;
	return read_rows(q, stmt_step(q, err), arena, v_r, n_r, err);
}

int alarms_told(struct catalog *catalog, const struct alarm_row *row, int64_t now_s,
		struct err *err)
{
	struct db *db = catalog_db(catalog);

	if (row->level == ALARM_FINE)
		return db_run(db, err,
			      "DELETE FROM alarms WHERE alarm = ?1 AND subject = ?2 AND level = 0",
			      BIND_TEXT(VIEW(row->alarm)), BIND_TEXT(VIEW(row->subject)));
	return db_run(db, err, "UPDATE alarms SET told_s = ?3 WHERE alarm = ?1 AND subject = ?2",
		      BIND_TEXT(VIEW(row->alarm)), BIND_TEXT(VIEW(row->subject)), BIND_INT(now_s));
}
