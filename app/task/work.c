/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/task/work.h"

#include "app/access/reader_scope.h"
#include "app/archive/find.h"
#include "app/archive/may_see.h"
#include "app/catalog/audit.h"
#include "app/task/keep.h"
#include "app/task/result.h"
#include "base/clock.h"
#include "base/log.h"

#include <poll.h>

enum { PAGE = 200 };

/* ---- how far it is ---- */

static bool is_stopped(int stop_fd)
{
	struct pollfd p = {.fd = stop_fd, .events = POLLIN};

	return poll(&p, 1, 0) > 0;
}

int work_is_cut_off(struct work *w, struct err *err)
{
	if (!is_stopped(w->stop_fd))
		return 0;
	w->cut_off = true;
	return err_set(err, ERR_STOPPED, "it was cut off");
}

int work_tell(struct work *w, struct err *err)
{
	const int64_t now_ms = clock_monotonic_ms();
	bool stop = false;

	if (now_ms - w->told_ms < WORK_TELL_MS)
		return 0;
	w->told_ms = now_ms;
	if (tasks_progress(archive_catalog(w->a), &w->row.task, w->done, w->total, &stop, err) < 0)
		return -1;
	return stop ? err_set(err, ERR_STOPPED, "it was stopped") : work_is_cut_off(w, err);
}

/* ---- which mails ---- */

struct each {
	struct work *w;
	work_mail_fn *fn;
	void *arg;
};

static int on_mail(void *arg, const struct mail_row *row, struct err *err)
{
	struct each *each = arg;

	if (each->fn(each->w, each->arg, row, err) < 0)
		return -1;
	each->w->done++;
	return work_tell(each->w, err);
}

static int each_found(struct work *w, struct each *each, struct err *err)
{
	int64_t from = 0;

	if (find_count(w->a, w->order.query, &w->scope, &w->total, err) < 0)
		return -1;
	do {
		if (find_page(w->a, w->order.query, &w->scope, from, PAGE, on_mail, each, &from,
			      err) < 0)
			return -1;
	} while (from != 0);
	return 0;
}

/* What he may not see, or what is gone, is left out: whoever named it is told how many came. */
static int each_named(struct work *w, struct each *each, struct err *err)
{
	CLEAN(arena) arena = arena_new();

	w->total = w->order.mails.n;
	for (size_t i = 0; i < w->order.mails.n; i++) {
		struct mail_row row;
		int rc;

		arena_reset(arena);
		rc = mail_find_in(w->a, arena, &w->scope, &w->order.mails.v[i], &row, err);
		if (rc < 0 || (rc > 0 && on_mail(each, &row, err) < 0))
			return -1;
		if (rc == 0)
			w->failed++;
	}
	err_clear(err);
	return 0;
}

int work_each(struct work *w, work_mail_fn *fn, void *arg, struct err *err)
{
	struct each each = {w, fn, arg};

	return (w->order.all ? each_found : each_named)(w, &each, err);
}

/* ---- whose it is ---- */

static int know_person(struct work *w, struct err *err)
{
	struct catalog *catalog = archive_catalog(w->a);
	const unsigned needs = task_order_rights(&w->order);
	int rc = people_get(catalog, w->arena, w->row.person, &w->person, err);

	if (rc < 0)
		return -1;
	if (rc == 0 || !w->person.active || (rights_of_role(w->person.role) & needs) != needs)
		return err_set(err, ERR_DENIED, "its person may not do that any more");
	return reader_scope(catalog, w->arena, &w->person, clock_s(), &w->scope, err);
}

/* ---- what came of it ---- */

/* What the machinery says is for the administrator alone. */
static void add_failure(struct work *w, const struct err *err)
{
	str_reset(&w->text);
	if (task_order_rights(&w->order) & RIGHT_CONFIGURE || err->kind == ERR_SYNTAX ||
	    err->kind == ERR_USAGE) {
		str_addsafe(&w->text, VIEW(err->text), false);
		str_adds(&w->text, ". ");
	}
	str_adds(&w->text, err_sentence(err->kind));
}

static int say_end(struct work *w, int rc, const struct err *why, struct err *err)
{
	struct task_end end = {.state = rc == 0                                   ? TASK_DONE
					: why->kind == ERR_STOPPED && !w->cut_off ? TASK_STOPPED
										  : TASK_FAILED,
			       .result = w->result,
			       .key = w->key,
			       .code = VIEW(rc == 0 ? "" : err_code(why->kind))};

	if (rc < 0 && !w->cut_off)
		add_failure(w, why);
	end.text = w->cut_off && rc < 0 ? VIEW(TASK_CUT_OFF) : str_view(&w->text);
	if (rc < 0)
		log_info("task failed kind=%s: %s", task_kind_name(w->row.kind), why->text);
	if (tasks_progress(archive_catalog(w->a), &w->row.task, w->done, w->total, &(bool){0},
			   err) < 0)
		return -1;
	return tasks_end(archive_catalog(w->a), &w->row.task, &end, err);
}

/* ---- the whole ---- */

static work_fn *const kinds[] = {
	[TASK_EXPORT] = work_export,         [TASK_SEND] = work_send,
	[TASK_CATEGORISE] = work_categorise, [TASK_REQUEST_DELETION] = work_request_deletion,
	[TASK_IMPORT] = work_program,        [TASK_UPDATE_INDEX] = work_program,
	[TASK_VERIFY] = work_program,        [TASK_DRILL] = work_program,
	[TASK_MIRROR] = work_program,        [TASK_BACKUP] = work_program,
};

static int do_it(struct work *w, struct err *err)
{
	if (task_order_of(&w->row, w->arena, &w->order, err) < 0 || know_person(w, err) < 0)
		return -1;
	return kinds[w->order.kind](w, err);
}

static int find_task(struct work *w, const struct uuid *task, struct err *err)
{
	int rc = tasks_get(archive_catalog(w->a), w->arena, task, &w->row, err);

	if (rc == 0 || (rc > 0 && w->row.state != TASK_WAITING))
		return err_set(err, ERR_NOTFOUND, "there is no such task, or not any more");
	return rc < 0 ? -1 : tasks_begin(archive_catalog(w->a), task, err);
}

int work_do(struct archive *a, const struct uuid *task, int stop_fd, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	struct work w = {.a = a, .arena = arena, .stop_fd = stop_fd, .text = STR_INIT};
	struct err why = {0};
	int rc = find_task(&w, task, err);

	if (rc == 0) {
		audit_set_who(arena_view(arena, w.row.who).data);
		rc = say_end(&w, do_it(&w, &why), &why, err);
		audit_set_who(NULL);
	}
	secret_free(&w.key);
	str_clear(&w.text);
	return rc;
}
