/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scheduler/scheduler.h"

#include "base/file.h"
#include "base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

enum { STATE_MAX_BYTES = 200 };

struct scheduler {
	int lock_fd;
	struct str conf_path, state_path;
	struct timetable_settings settings;
	struct file_mark conf; /* as it was read last */
	struct timetable_state state;
	int64_t saved_s;   /* when the state was written */
	bool told_unsaved; /* that it could not be */
	struct runner *runner;
};

/* --- the state -------------------------------------------------------------------------------- */

/* A positive number with END behind it. */
static int take_number(const char **at, char end, int64_t *n_r)
{
	char *behind;

	errno = 0;
	*n_r = strtoll(*at, &behind, 10);
	if (errno != 0 || *n_r <= 0 || behind == *at || *behind != end)
		return -1;
	*at = behind + 1;
	return 0;
}

/* A missing file, as at the first start, leaves the state empty. */
static int read_state(struct scheduler *s, struct err *err)
{
	CLEAN_STR text = STR_INIT;
	struct timetable_state *state = &s->state;
	const char *at;

	if (access(s->state_path.data, F_OK) < 0 && errno == ENOENT)
		return 0;
	if (file_read(s->state_path.data, STATE_MAX_BYTES, &text, err) < 0)
		return -1;
	at = text.data;
	if (take_number(&at, ' ', &state->often_s) == 0 &&
	    take_number(&at, '\n', &state->daily_s) == 0 && *at == '\0' &&
	    state->daily_s >= state->often_s)
		return 0;
	*state = (struct timetable_state){0};
	log_warn(
		"%s is damaged: the timetable begins anew, and jobs missed before now are not made "
		"up for",
		s->state_path.data);
	return 0;
}

static void save_state(struct scheduler *s)
{
	CLEAN_STR text = STR_INIT;
	struct err err = {0};

	str_addf(&text, "%" PRId64 " %" PRId64 "\n", s->state.often_s, s->state.daily_s);
	if (file_replace(s->state_path.data, 0600, str_view(&text), &err) == 0) {
		s->told_unsaved = false;
	} else if (!s->told_unsaved) {
		log_error("%s: jobs go on; after a restart those of the last hours may run once "
			  "more",
			  err.text);
		s->told_unsaved = true;
	}
	s->saved_s = s->state.often_s;
}

/* --- the settings ----------------------------------------------------------------------------- */

static void follow_settings(struct scheduler *s)
{
	struct err err = {0};

	if (!file_mark_look(&s->conf, s->conf_path.data))
		return;
	if (timetable_settings_read(s->conf_path.data, &s->settings, &err) == 0)
		log_info("settings read again");
	else
		log_error("%s; jobs run as the settings were before, until this is corrected",
			  err.text);
}

/* --- life ------------------------------------------------------------------------------------- */

/* SC1 */
static int lock(struct scheduler *s, const char *archive_dir, struct err *err)
{
	CLEAN_STR path = STR_INIT;
	int rc;

	str_addf(&path, "%s/lock", archive_dir);
	if (dir_make(path.data, 0700, err) < 0)
		return -1;
	str_adds(&path, "/scheduler");
	rc = file_lock(path.data, &s->lock_fd, err);
	if (rc == 0)
		return err_set(err, ERR_BUSY, "another scheduler is at work for %s", archive_dir);
	return rc < 0 ? -1 : 0;
}

/* An archive is where its catalog is; it is not opened. */
static int look_for_archive(const char *dir, struct err *err)
{
	CLEAN_STR path = STR_INIT;

	str_addf(&path, "%s/catalog.db", dir);
	if (access(path.data, F_OK) < 0)
		return err_errno(err, "there is no archive in %s: %m", dir);
	return 0;
}

static int prepare(struct scheduler *s, const char *archive_dir, struct err *err)
{
	if (look_for_archive(archive_dir, err) < 0 || lock(s, archive_dir, err) < 0)
		return -1;
	str_addf(&s->conf_path, "%s/timetable.conf", archive_dir);
	str_addf(&s->state_path, "%s/timetable.state", archive_dir);
	file_mark_look(&s->conf, s->conf_path.data);
	if (timetable_settings_read(s->conf_path.data, &s->settings, err) < 0 ||
	    read_state(s, err) < 0)
		return -1;
	s->runner = runner_new(archive_dir);
	return 0;
}

int scheduler_open(const char *archive_dir, struct scheduler **scheduler_r, struct err *err)
{
	CLEAN(scheduler) s = mem_new(sizeof(*s));

	s->lock_fd = -1;
	str_init(&s->conf_path);
	str_init(&s->state_path);
	if (prepare(s, archive_dir, err) < 0)
		return -1;
	*scheduler_r = TAKE(s);
	return 0;
}

void scheduler_free(struct scheduler **scheduler)
{
	struct scheduler *s = *scheduler;

	if (s == NULL)
		return;
	runner_free(&s->runner);
	str_clear(&s->conf_path);
	str_clear(&s->state_path);
	fd_cleanup(&s->lock_fd);
	free(s);
	*scheduler = NULL;
}

const struct runner *scheduler_runner(const struct scheduler *s)
{
	return s->runner;
}

/* --- at work ---------------------------------------------------------------------------------- */

static void tell_jump(int64_t jump_s)
{
	if (jump_s > 0)
		log_warn("time passed unseen s=%" PRId64 ": daily and weekly jobs missed meanwhile "
			 "run now, once",
			 jump_s);
	else if (jump_s < 0)
		log_warn("the clock was put back s=%" PRId64, -jump_s);
}

static bool is_any(const struct due *due)
{
	for (enum job job = 0; job < JOB_COUNT; job++)
		if (due->job[job])
			return true;
	return false;
}

void scheduler_step(struct scheduler *s, int64_t now_s, int64_t now_ms)
{
	struct due due;

	follow_settings(s);
	timetable_due(&s->settings, &s->state, now_s, &due);
	tell_jump(due.jump_s);
	if (is_any(&due) || due.jump_s != 0 || s->state.often_s - s->saved_s >= SCHEDULER_SAVE_S)
		save_state(s); /* SC2 */
	runner_add(s->runner, &due);
	scheduler_watch(s, now_ms);
}

void scheduler_watch(struct scheduler *s, int64_t now_ms)
{
	runner_step(s->runner, now_ms);
}

void scheduler_stop(struct scheduler *s)
{
	runner_stop(s->runner);
	save_state(s);
}
