/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/task/keep.h"

#include "app/task/result.h"
#include "base/file.h"

#include <unistd.h>

/* ---- the lock ---- */

static void lock_path(const char *archive_dir, const struct uuid *task, struct str *path)
{
	str_addf(path, "%s/lock/task-", archive_dir);
	uuid_add(path, task);
}

int task_lock(const char *archive_dir, const struct uuid *task, int *fd_r, struct err *err)
{
	CLEAN_STR path = STR_INIT;

	str_addf(&path, "%s/lock", archive_dir);
	if (dir_make(path.data, 0700, err) < 0)
		return -1;
	str_reset(&path);
	lock_path(archive_dir, task, &path);
	return file_lock(path.data, fd_r, err);
}

/* Nobody begins a task twice, so the file is of no use to anybody any more. */
void task_unlock(const char *archive_dir, const struct uuid *task, int *fd)
{
	CLEAN_STR path = STR_INIT;

	lock_path(archive_dir, task, &path);
	unlink(path.data);
	fd_cleanup(fd);
}

/* ---- the dead ---- */

static int say_died(struct archive *a, const struct uuid *task, struct err *err)
{
	const struct task_end end = {
		.state = TASK_FAILED,
		.text = VIEW(TASK_CUT_OFF),
		.code = VIEW(err_code(ERR_STOPPED)),
	};

	if (tasks_end(archive_catalog(a), task, &end, err) < 0)
		return -1;
	result_remove(archive_dir(a), task);
	return 0;
}

static int bury_one(struct archive *a, const struct task_row *row, int64_t now_s, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	CLEAN_FD lock = -1;
	struct task_row now;
	int rc;

	if (row->state == TASK_WAITING && now_s - row->made_s < TASK_START_S)
		return 0;
	rc = task_lock(archive_dir(a), &row->task, &lock, err);
	if (rc <= 0)
		return rc;
	/* It may have come to its end since it was looked at. */
	rc = tasks_get(archive_catalog(a), arena, &row->task, &now, err);
	if (rc > 0 && (now.state == TASK_WAITING || now.state == TASK_RUNNING))
		rc = say_died(a, &row->task, err);
	task_unlock(archive_dir(a), &row->task, &lock);
	return rc < 0 ? -1 : 0;
}

int task_bury(struct archive *a, int64_t now_s, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	struct task_rows rows;

	if (tasks_list_live(archive_catalog(a), arena, &rows, err) < 0)
		return -1;
	for (size_t i = 0; i < rows.n; i++)
		if (bury_one(a, &rows.v[i], now_s, err) < 0)
			return -1;
	return 0;
}

/* ---- the past ---- */

int task_forget(struct archive *a, const struct uuid *task, struct err *err)
{
	if (tasks_remove(archive_catalog(a), task, err) < 0)
		return -1;
	result_remove(archive_dir(a), task);
	return 0;
}

static int end_result(struct archive *a, const struct task_row *row, int64_t now_s, struct err *err)
{
	if (row->made_s < now_s - TASKS_KEPT_S)
		return task_forget(a, &row->task, err);
	if (tasks_forget_result(archive_catalog(a), &row->task, err) < 0)
		return -1;
	result_remove(archive_dir(a), &row->task);
	return 0;
}

struct sweeping {
	struct archive *a;
	uint64_t removed;
	struct err err;
};

/* A file that no row names was its who is no more. */
static void sweep_one(void *arg, const struct uuid *task)
{
	struct sweeping *s = arg;
	CLEAN(arena) arena = arena_new();
	struct task_row row;

	if (tasks_get(archive_catalog(s->a), arena, task, &row, &s->err) != 0)
		return;
	result_remove(archive_dir(s->a), task);
	s->removed++;
}

int task_tidy(struct archive *a, int64_t now_s, uint64_t *removed_r, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	struct sweeping s = {.a = a};
	struct task_rows rows;

	if (task_bury(a, now_s, err) < 0 ||
	    tasks_list_past(archive_catalog(a), arena, now_s, &rows, err) < 0)
		return -1;
	for (size_t i = 0; i < rows.n; i++)
		if (end_result(a, &rows.v[i], now_s, err) < 0)
			return -1;
	s.removed = rows.n;
	if (result_each(archive_dir(a), sweep_one, &s, err) < 0)
		return -1;
	*removed_r = s.removed;
	return 0;
}
