/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/catalog/holds.h"

#include "base/clock.h"

int holds_add(struct catalog *catalog, struct view who, struct view reason, uint64_t *hold_r,
	      struct err *err)
{
	if (db_run(catalog_db(catalog), err,
		   "INSERT INTO holds (made_s, who, reason) VALUES (?1, ?2, ?3)",
		   BIND_INT(clock_s()), BIND_TEXT(who), BIND_TEXT(reason)) < 0)
		return -1;
	*hold_r = (uint64_t)db_last_rowid(catalog_db(catalog));
	return 0;
}

int hold_mails_add(struct catalog *catalog, uint64_t hold, uint64_t mail, struct err *err)
{
	return db_run(catalog_db(catalog), err, "INSERT OR IGNORE INTO hold_mails VALUES (?1, ?2)",
		      BIND_INT(mail), BIND_INT(hold));
}

int holds_put(struct catalog *catalog, const struct hold_row *row, struct err *err)
{
	return db_run(catalog_db(catalog), err,
		      "INSERT OR REPLACE INTO holds VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
		      BIND_INT(row->hold), BIND_INT(row->made_s), BIND_TEXT(VIEW(row->who)),
		      BIND_TEXT(VIEW(row->reason)), BIND_INT(row->lifted_s),
		      BIND_TEXT(VIEW(row->lifter)), BIND_TEXT(VIEW(row->why)));
}

int holds_lift(struct catalog *catalog, uint64_t hold, struct view who, struct view why,
	       struct err *err)
{
	if (db_run(catalog_db(catalog), err,
		   "UPDATE holds SET lifted_s = ?2, lifter = ?3, why = ?4 "
		   "WHERE hold = ?1 AND lifted_s = 0",
		   BIND_INT(hold), BIND_INT(clock_s()), BIND_TEXT(who), BIND_TEXT(why)) < 0)
		return -1;
	return db_changes(catalog_db(catalog)) > 0;
}

int holds_list(struct catalog *catalog, struct arena *arena, struct hold_rows *rows_r,
	       struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_query(catalog_db(catalog),
			  "SELECT hold, made_s, lifted_s, who, reason, lifter, why, "
			  "(SELECT count(*) FROM hold_mails m WHERE m.hold = holds.hold) "
			  "FROM holds ORDER BY hold DESC",
			  &q, err);

	*rows_r = (struct hold_rows){0};
	if (rc == 0)
		rc = stmt_step(q, err);
	for (; rc > 0; rc = stmt_step(q, err))
		ARENA_PUSH(arena, *rows_r,
			   ((struct hold_row){.hold = (uint64_t)stmt_int(q, 0),
					      .made_s = stmt_int(q, 1),
					      .lifted_s = stmt_int(q, 2),
					      .who = arena_view(arena, stmt_text(q, 3)).data,
					      .reason = arena_view(arena, stmt_text(q, 4)).data,
					      .lifter = arena_view(arena, stmt_text(q, 5)).data,
					      .why = arena_view(arena, stmt_text(q, 6)).data,
					      .mails = (uint64_t)stmt_int(q, 7)}));
	return rc;
}

int mail_is_held(struct catalog *catalog, uint64_t mail, struct err *err)
{
	CLEAN_STMT q = NULL;

	return db_find(catalog_db(catalog), &q, err,
		       "SELECT 1 FROM hold_mails JOIN holds USING (hold) "
		       "WHERE mail = ?1 AND lifted_s = 0",
		       BIND_INT(mail));
}
