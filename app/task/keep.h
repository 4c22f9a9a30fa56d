/* SPDX-License-Identifier: GPL-3.0-or-later */
/* keep.h - tasks as long as they are at work, and afterwards.
 *
 * (TK1) Whoever works on a task holds the lock ARCHIVE/lock/task-UUID, and loses it with his life. So a task whose lock is free is at work
 *       nowhere: it has died, whatever its row says. It is not begun anew by itself: its person is told, and orders it again.
 */
#ifndef APP_TASK_KEEP_H
#define APP_TASK_KEEP_H

#include "app/archive/archive.h"
#include "app/catalog/tasks.h"

/* What its person is told of one that died, or that the system has ended. */
#define TASK_CUT_OFF                                                                               \
	"It was cut off, by a restart or a crash. Nothing is damaged by that; order it again."

enum { TASK_START_S = 60 }; /* within that it has begun, or never will */

int task_lock(const char *archive_dir, const struct uuid *task, int *fd_r,
	      struct err *err); /* 1, 0 somebody holds it */
void task_unlock(const char *archive_dir, const struct uuid *task, int *fd);

/* Say of tasks that died that they did. */
int task_bury(struct archive *a, int64_t now_s, struct err *err);
/* The same; and results that have ended go, with the rows of long ago, and what a removed person's left. REMOVED_R: so many. */
int task_tidy(struct archive *a, int64_t now_s, uint64_t *removed_r, struct err *err);

/* It is forgotten, with its result. */
int task_forget(struct archive *a, const struct uuid *task, struct err *err);

#endif
