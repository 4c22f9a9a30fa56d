/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/catalog/tasks.h"

#include "base/clock.h"

const char *task_kind_name(enum task_kind kind)
{
	switch (kind) {
#define X(kind, number, name)                                                                      \
	case TASK_##kind:                                                                          \
		return name;
		TASK_KINDS(X)
#undef X
	}
	return "";
}

int task_kind_by_name(struct view name, enum task_kind *kind_r)
{
#define X(kind, number, text)                                                                      \
	if (view_eq(name, VIEW(text))) {                                                           \
		*kind_r = TASK_##kind;                                                             \
		return 0;                                                                          \
	}
	TASK_KINDS(X)
#undef X
	return -1;
}

const char *task_state_name(enum task_state state)
{
	static const char *const names[] = {[TASK_WAITING] = "waiting",
					    [TASK_RUNNING] = "running",
					    [TASK_DONE] = "done",
					    [TASK_FAILED] = "failed",
					    [TASK_STOPPED] = "stopped"};

	return (size_t)state < sizeof(names) / sizeof(*names) ? names[state] : "failed";
}

/* ---- a new one ---- */

static int check_number(struct catalog *catalog, uint64_t person, struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_find(catalog_db(catalog), &q, err,
			 "SELECT count(*) FROM tasks WHERE person = ?1 AND state IN (?2, ?3)",
			 BIND_INT(person), BIND_INT(TASK_WAITING), BIND_INT(TASK_RUNNING));

	if (rc > 0 && stmt_int(q, 0) >= TASKS_AT_ONCE)
		return err_set(err, ERR_OVERLOAD, "%d tasks of this person are under way already",
			       TASKS_AT_ONCE);
	return rc < 0 ? -1 : 0;
}

static int add(struct catalog *catalog, const struct task_row *row, const struct uuid *task,
	       struct err *err)
{
	if (check_number(catalog, row->person, err) < 0)
		return -1;
	return db_run(catalog_db(catalog), err,
		      "INSERT INTO tasks (task, person, who, kind, state, ordered, made_s) "
		      "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
		      BIND_UUID(task), BIND_INT(row->person), BIND_TEXT(row->who),
		      BIND_INT(row->kind), BIND_INT(TASK_WAITING), BIND_TEXT(row->ordered),
		      BIND_INT(clock_s()));
}

int tasks_add(struct catalog *catalog, const struct task_row *row, struct uuid *task_r,
	      struct err *err)
{
	*task_r = uuid_new();
	if (catalog_begin(catalog, err) < 0)
		return -1;
	if (add(catalog, row, task_r, err) == 0 && catalog_commit(catalog, err) == 0)
		return 0;
	catalog_rollback(catalog);
	return -1;
}

/* ---- looking ---- */

#define TASK_COLUMNS                                                                               \
	"SELECT task, person, who, kind, state, ordered, stop, done, total, made_s, begun_s, "     \
	"ended_s, text, code, name, type, size, until_s FROM tasks "

static struct task_row read_task(struct stmt *q, struct arena *arena)
{
	struct task_row row = {
		.person = (uint64_t)stmt_int(q, 1),
		.who = arena_view(arena, stmt_text(q, 2)),
		.kind = (enum task_kind)stmt_int(q, 3),
		.state = (enum task_state)stmt_int(q, 4),
		.ordered = arena_view(arena, stmt_text(q, 5)),
		.stop = stmt_int(q, 6) != 0,
		.done = (uint64_t)stmt_int(q, 7),
		.total = (uint64_t)stmt_int(q, 8),
		.made_s = stmt_int(q, 9),
		.begun_s = stmt_int(q, 10),
		.ended_s = stmt_int(q, 11),
		.text = arena_view(arena, stmt_text(q, 12)),
		.code = arena_view(arena, stmt_text(q, 13)),
		.result = {.name = arena_view(arena, stmt_text(q, 14)),
			   .type = arena_view(arena, stmt_text(q, 15)),
			   .size = (uint64_t)stmt_int(q, 16),
			   .until_s = stmt_int(q, 17)},
	};
	const struct view id = stmt_blob(q, 0);

	if (id.len == UUID_BYTES)
		memcpy(row.task.b, id.data, UUID_BYTES);
	return row;
}

int tasks_get(struct catalog *catalog, struct arena *arena, const struct uuid *task,
	      struct task_row *row_r, struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_find(catalog_db(catalog), &q, err, TASK_COLUMNS "WHERE task = ?1",
			 BIND_UUID(task));

	if (rc > 0)
		*row_r = read_task(q, arena);
	return rc;
}

static int read_tasks(struct stmt *q, int rc, struct arena *arena, struct task_rows *rows,
		      struct err *err)
{
	*rows = (struct task_rows){0};
	for (; rc > 0; rc = stmt_step(q, err))
		ARENA_PUSH(arena, *rows, read_task(q, arena));
	return rc;
}

int tasks_list(struct catalog *catalog, struct arena *arena, uint64_t person,
	       struct task_rows *rows_r, struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_find(catalog_db(catalog), &q, err,
			 TASK_COLUMNS "WHERE person = ?1 ORDER BY made_s DESC, task DESC LIMIT 200",
			 BIND_INT(person));

	return read_tasks(q, rc, arena, rows_r, err);
}

int tasks_list_live(struct catalog *catalog, struct arena *arena, struct task_rows *rows_r,
		    struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_find(catalog_db(catalog), &q, err, TASK_COLUMNS "WHERE state IN (?1, ?2)",
			 BIND_INT(TASK_WAITING), BIND_INT(TASK_RUNNING));

	return read_tasks(q, rc, arena, rows_r, err);
}

int tasks_list_past(struct catalog *catalog, struct arena *arena, int64_t now_s,
		    struct task_rows *rows_r, struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_find(catalog_db(catalog), &q, err,
			 TASK_COLUMNS
			 "WHERE state NOT IN (?1, ?2) AND (key IS NOT NULL AND until_s <= ?3 "
			 "OR made_s < ?4)",
			 BIND_INT(TASK_WAITING), BIND_INT(TASK_RUNNING), BIND_INT(now_s),
			 BIND_INT(now_s - TASKS_KEPT_S));

	return read_tasks(q, rc, arena, rows_r, err);
}

/* ---- at work ---- */

int tasks_begin(struct catalog *catalog, const struct uuid *task, struct err *err)
{
	return db_run(catalog_db(catalog), err,
		      "UPDATE tasks SET state = ?2, begun_s = ?3 WHERE task = ?1", BIND_UUID(task),
		      BIND_INT(TASK_RUNNING), BIND_INT(clock_s()));
}

static int asked_to_stop(struct catalog *catalog, const struct uuid *task, bool *stop_r,
			 struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_find(catalog_db(catalog), &q, err, "SELECT stop FROM tasks WHERE task = ?1",
			 BIND_UUID(task));

	*stop_r = rc == 0 || (rc > 0 && stmt_int(q, 0) != 0);
	return rc < 0 ? -1 : 0;
}

int tasks_progress(struct catalog *catalog, const struct uuid *task, uint64_t done, uint64_t total,
		   bool *stop_r, struct err *err)
{
	struct db *db = catalog_db(catalog);
	int rc;

	if (asked_to_stop(catalog, task, stop_r, err) < 0)
		return -1;
	rc = db_try_begin(db, err);
	if (rc <= 0)
		return rc;
	if (db_run(db, err, "UPDATE tasks SET done = ?2, total = ?3 WHERE task = ?1",
		   BIND_UUID(task), BIND_INT(done), BIND_INT(total)) == 0 &&
	    db_commit(db, err) == 0)
		return 0;
	db_rollback(db);
	return -1;
}

int tasks_end(struct catalog *catalog, const struct uuid *task, const struct task_end *end,
	      struct err *err)
{
	return db_run(catalog_db(catalog), err,
		      "UPDATE tasks SET state = ?2, ended_s = ?3, text = ?4, code = ?5, name = ?6, "
		      "type = ?7, size = ?8, until_s = ?9, key = ?10 WHERE task = ?1",
		      BIND_UUID(task), BIND_INT(end->state), BIND_INT(clock_s()),
		      BIND_TEXT(end->text), BIND_TEXT(end->code), BIND_TEXT(end->result.name),
		      BIND_TEXT(end->result.type), BIND_INT(end->result.size),
		      BIND_INT(end->result.until_s),
		      end->key != NULL ? BIND_BLOB(secret_data(end->key), secret_len(end->key))
				       : BIND_NULL);
}

/* ---- afterwards ---- */

int tasks_ask_to_stop(struct catalog *catalog, const struct uuid *task, struct err *err)
{
	return db_run(catalog_db(catalog), err, "UPDATE tasks SET stop = 1 WHERE task = ?1",
		      BIND_UUID(task));
}

int tasks_key(struct catalog *catalog, const struct uuid *task, struct secret **key_r,
	      struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_find(catalog_db(catalog), &q, err,
			 "SELECT key FROM tasks WHERE task = ?1 AND key IS NOT NULL",
			 BIND_UUID(task));
	const struct view key = rc > 0 ? stmt_blob(q, 0) : VIEW("");

	if (rc > 0 && key.len != KEY_BYTES)
		return err_set(err, ERR_DAMAGED, "the key of a task's result");
	if (rc > 0)
		*key_r = secret_copy(key.data, key.len);
	return rc;
}

int tasks_fetched(struct catalog *catalog, const struct uuid *task, int64_t until_s,
		  struct err *err)
{
	return db_run(catalog_db(catalog), err,
		      "UPDATE tasks SET until_s = min(until_s, ?2) WHERE task = ?1",
		      BIND_UUID(task), BIND_INT(until_s));
}

int tasks_forget_result(struct catalog *catalog, const struct uuid *task, struct err *err)
{
	return db_run(catalog_db(catalog), err,
		      "UPDATE tasks SET name = '', type = '', size = 0, until_s = 0, key = NULL "
		      "WHERE task = ?1",
		      BIND_UUID(task));
}

int tasks_remove(struct catalog *catalog, const struct uuid *task, struct err *err)
{
	return db_run(catalog_db(catalog), err, "DELETE FROM tasks WHERE task = ?1",
		      BIND_UUID(task));
}
