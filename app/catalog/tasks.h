/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tasks.h - long work that a person ordered, as rows: what, how far it is, what came of it. sealpost-task does it (app/task).
 *
 * (TA1) A task is its person's alone, and goes with him.
 * (TA2) A result lies sealed to a key pair of its own. The private key is in its row and nowhere else: who forgets the key has erased the
 *       result, wherever copies of the file may be.
 * Texts given out are in the arena.
 */
#ifndef APP_CATALOG_TASKS_H
#define APP_CATALOG_TASKS_H

#include "app/catalog/catalog.h"
#include "base/arena.h"
#include "base/id.h"

/* The numbers are in the catalog and never change; the names are the API's. */
#define TASK_KINDS(X)                                                                              \
	X(EXPORT, 1, "export")                                                                     \
	X(SEND, 2, "send")                                                                         \
	X(CATEGORISE, 3, "categorise")                                                             \
	X(REQUEST_DELETION, 4, "requestDeletion")                                                  \
	X(IMPORT, 5, "import")                                                                     \
	X(UPDATE_INDEX, 6, "updateIndex")                                                          \
	X(VERIFY, 7, "verify")                                                                     \
	X(DRILL, 8, "drill")                                                                       \
	X(MIRROR, 9, "mirror")                                                                     \
	X(BACKUP, 10, "backup")
enum task_kind {
#define X(kind, number, name) TASK_##kind = (number),
	TASK_KINDS(X)
#undef X
};
const char *task_kind_name(enum task_kind kind);
int task_kind_by_name(struct view name, enum task_kind *kind_r); /* 0, -1 */

/* Likewise. */
enum task_state { TASK_WAITING, TASK_RUNNING, TASK_DONE, TASK_FAILED, TASK_STOPPED };
const char *task_state_name(enum task_state state);

enum { TASKS_AT_ONCE = 4, TASK_RESULT_S = 24 * 3600, TASKS_KEPT_S = 7 * 24 * 3600 };

struct task_row {
	struct uuid task;
	uint64_t person;
	struct view who;
	enum task_kind kind;
	enum task_state state;
	struct view ordered; /* JSON */
	bool stop;           /* it was asked to end */
	uint64_t done, total;
	int64_t made_s, begun_s, ended_s;
	struct view text, code; /* what came of it in words; of a failure, its code */
	struct task_result {
		struct view name, type; /* empty: there is none, or not any more */
		uint64_t size;
		int64_t until_s;
	} result;
};
struct task_rows {
	struct task_row *v;
	size_t n, cap;
};

/* A new one: its person, who, kind and ordered of ROW. ERR_OVERLOAD: he has TASKS_AT_ONCE under way. */
int tasks_add(struct catalog *catalog, const struct task_row *row, struct uuid *task_r,
	      struct err *err);
int tasks_get(struct catalog *catalog, struct arena *arena, const struct uuid *task,
	      struct task_row *row_r, struct err *err); /* 1, 0 */
/* A person's, newest first. */
int tasks_list(struct catalog *catalog, struct arena *arena, uint64_t person,
	       struct task_rows *rows_r, struct err *err);
/* Those that wait or run, of everybody; and those that are over and have a result that has ended, or are older than TASKS_KEPT_S. */
int tasks_list_live(struct catalog *catalog, struct arena *arena, struct task_rows *rows_r,
		    struct err *err);
int tasks_list_past(struct catalog *catalog, struct arena *arena, int64_t now_s,
		    struct task_rows *rows_r, struct err *err);

int tasks_begin(struct catalog *catalog, const struct uuid *task, struct err *err);
/* Not at once durable, and left out while somebody else is writing. STOP_R: it was asked to end, or forgotten. */
int tasks_progress(struct catalog *catalog, const struct uuid *task, uint64_t done, uint64_t total,
		   bool *stop_r, struct err *err);
struct task_end {
	enum task_state state;
	struct view text, code;
	struct task_result result;
	const struct secret *key; /* of the result; NULL: there is none */
};
int tasks_end(struct catalog *catalog, const struct uuid *task, const struct task_end *end,
	      struct err *err);

int tasks_ask_to_stop(struct catalog *catalog, const struct uuid *task, struct err *err);
/* What opens the result: 1, 0 there is none. The key is the caller's. */
int tasks_key(struct catalog *catalog, const struct uuid *task, struct secret **key_r,
	      struct err *err);
/* It was fetched: its time is over at UNTIL_S, if not before. */
int tasks_fetched(struct catalog *catalog, const struct uuid *task, int64_t until_s,
		  struct err *err);
int tasks_forget_result(struct catalog *catalog, const struct uuid *task, struct err *err);
int tasks_remove(struct catalog *catalog, const struct uuid *task, struct err *err);

#endif
