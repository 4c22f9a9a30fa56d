/* SPDX-License-Identifier: GPL-3.0-or-later */
/* work.h - one task at work.
 *
 * (TW1) What it may do and see is what its person may at the time it runs, not when it was ordered.
 * (TW2) It tells how far it is, and looks whether it is to end, once in WORK_TELL_MS.
 */
#ifndef APP_TASK_WORK_H
#define APP_TASK_WORK_H

#include "app/archive/archive.h"
#include "app/task/order.h"

enum { WORK_TELL_MS = 500 };

struct work {
	struct archive *a;
	struct arena *arena;
	struct task_row row;
	struct task_order order;
	struct person person;
	struct scope scope;
	int stop_fd;
	bool cut_off; /* the system wants it to end, not its person */
	uint64_t done, total, failed;
	int64_t told_ms;
	struct str text; /* what came of it */
	struct task_result result;
	struct secret *key;
};

/* Do it, and say what came of it in its row. -1: not even that could be done. */
int work_do(struct archive *a, const struct uuid *task, int stop_fd, struct err *err);

/* --- for the kinds, which are functions of these --- */
typedef int work_fn(struct work *w, struct err *err);
work_fn work_export, work_send, work_categorise, work_request_deletion, work_program;

/* FN for each mail that it is about, as far as its person may see it; w->total is set before. */
typedef int work_mail_fn(struct work *w, void *arg, const struct mail_row *row, struct err *err);
int work_each(struct work *w, work_mail_fn *fn, void *arg, struct err *err);
/* It goes on: ERR_STOPPED if it is to end (TW2). */
int work_tell(struct work *w, struct err *err);
/* It is to end, as systemd said by a signal: ERR_STOPPED, else 0. */
int work_is_cut_off(struct work *w, struct err *err);

#endif
