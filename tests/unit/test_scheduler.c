/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The scheduler with a clock of its own and real processes: a script stands for sealpost, which writes down its job and does as the
 * folder tells: NAME.hangs, NAME.deaf (to SIGTERM, too), NAME.crashes, NAME.fails. */
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/program.h"
#include "scheduler/scheduler.h"
#include "tests/unit/fixture.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <time.h>

/* What hangs reads a fifo that nobody writes to, and is gone with the test at the latest. */
#define SCRIPT                                                                                     \
	"#!/bin/sh\n"                                                                              \
	"cd \"${0%/*}\" || exit 9\n"                                                               \
	"test \"$1 $3 $4 $6\" = \"--archive job run --by-timetable\" || exit 9\n"                  \
	"test -e $5.deaf && trap '' TERM\n"                                                        \
	"echo $5 >>begun\n"                                                                        \
	"if test -e $5.hangs; then read x <fifo; fi\n"                                             \
	"if test -e $5.crashes; then kill -ABRT $$; fi\n"                                          \
	"if test -e $5.fails; then exit 1; fi\n"                                                   \
	"echo $5 >>ended\n"

enum { MINUTE_S = 60, PATIENCE_MS = 60 * 1000 };

struct rig {
	struct fixture *f;
	struct scheduler *s;
	int64_t now_s, now_ms;
	int fifo; /* held open, so that who reads it waits */
};

static int rig_setup(void **state)
{
	struct rig *r = mem_new(sizeof(*r));

	setenv("TZ", "UTC0", 1);
	tzset();
	fixture_folder(state);
	r->f = *state;
	*state = r;
	fixture_write(fixture_path(r->f, "catalog.db"), VIEW(""));
	fixture_write(fixture_path(r->f, "sealpost"), VIEW(SCRIPT));
	assert_int_equal(chmod(fixture_path(r->f, "sealpost"), 0755), 0);
	assert_int_equal(mkfifo(fixture_path(r->f, "fifo"), 0600), 0);
	r->fifo = open(fixture_path(r->f, "fifo"), O_RDWR | O_CLOEXEC);
	assert_true(r->fifo >= 0);
	program_use_folder(r->f->dir);
	r->now_s = clock_of_utc(2027, 1, 4, 8, 0, 1);
	r->now_ms = 1000;
	return 0;
}

static int rig_teardown(void **state)
{
	struct rig *r = *state;

	scheduler_free(&r->s);
	fd_cleanup(&r->fifo);
	program_use_folder(NULL);
	*state = r->f;
	free(r);
	return fixture_teardown(state);
}

static void let(struct rig *r, const char *what)
{
	fixture_write(fixture_path(r->f, what), VIEW(""));
}

static void write_state(struct rig *r, int64_t often_s, int64_t daily_s)
{
	CLEAN_STR text = STR_INIT;

	str_addf(&text, "%lld %lld\n", (long long)often_s, (long long)daily_s);
	fixture_write(fixture_path(r->f, "timetable.state"), str_view(&text));
}

static void begin(struct rig *r)
{
	if (scheduler_open(r->f->dir, &r->s, &r->f->err) < 0)
		fail_msg("%s", r->f->err.text);
	scheduler_step(r->s, r->now_s, r->now_ms);
}

/* So many seconds, minute by minute, as the program does. */
static void pass_s(struct rig *r, int64_t s)
{
	while (s > 0) {
		int64_t step_s = s < MINUTE_S ? s : MINUTE_S;

		r->now_s += step_s;
		r->now_ms += step_s * 1000;
		s -= step_s;
		scheduler_step(r->s, r->now_s, r->now_ms);
	}
}

/* Till N runs are under way, as somebody who polls. */
static void await_runs(struct rig *r, size_t n)
{
	struct pollfd p[JOB_COUNT];
	int fds[JOB_COUNT];
	size_t running;

	while ((running = runner_fds(scheduler_runner(r->s), fds)) > n) {
		for (size_t i = 0; i < running; i++)
			p[i] = (struct pollfd){.fd = fds[i], .events = POLLIN};
		assert_true(poll(p, running, PATIENCE_MS) > 0);
		scheduler_watch(r->s, r->now_ms);
	}
	assert_int_equal(running, n);
}

static void assert_file(struct rig *r, const char *name, const char *content)
{
	CLEAN_STR text = STR_INIT;

	assert_int_equal(file_read(fixture_path(r->f, name), 1000, &text, &r->f->err), 0);
	assert_string_equal(text.data, content);
}

static bool begun(struct rig *r, const char *job)
{
	CLEAN_STR text = STR_INIT;

	return file_read(fixture_path(r->f, "begun"), 1000, &text, &r->f->err) == 0 &&
	       strstr(text.data, job) != NULL;
}

/* The script that hangs has come so far, and hears what is to be heard. */
static void await_begun(struct rig *r, const char *job)
{
	int64_t until_ms = clock_monotonic_ms() + PATIENCE_MS;

	while (!begun(r, job)) {
		assert_true(clock_monotonic_ms() < until_ms);
		err_clear(&r->f->err);
		poll(NULL, 0, 1);
	}
}

static void what_is_due_is_run_with_the_archives_name(void **state)
{
	struct rig *r = *state;

	begin(r);
	assert_true(runner_is_idle(scheduler_runner(r->s)));
	pass_s(r, 5 * MINUTE_S);
	await_runs(r, 0);
	assert_true(begun(r, "index") && begun(r, "fetch"));
	assert_true(runner_is_idle(scheduler_runner(r->s)));
}

static void jobs_of_one_lock_run_one_after_the_other(void **state)
{
	struct rig *r = *state;

	let(r, "notes.fails");
	write_state(r, r->now_s - 1, r->now_s - 1);
	r->now_s = clock_of_utc(2027, 1, 5, 2, 30,
				0); /* index at 02:30 is not; notes and erase-index are */
	fixture_write(fixture_path(r->f, "timetable.conf"),
		      VIEW("pause_backup-full = yes\npause_statistics = yes\npause_stamp = yes\n"
			   "pause_erase-media = yes\npause_stamp-many = yes\n"));
	begin(r);
	await_runs(r, 0);
	assert_file(r, "begun", "notes\nerase-index\n");
	assert_file(r, "ended", "erase-index\n");
}

static void a_job_that_hangs_is_ended_at_its_limit_and_others_go_on(void **state)
{
	struct rig *r = *state;

	let(r, "index.hangs");
	begin(r);
	pass_s(r, 5 * MINUTE_S);
	await_begun(r, "index");
	await_runs(r, 1);
	pass_s(r, job_limit_s(JOB_INDEX));
	assert_false(runner_is_idle(scheduler_runner(r->s)));
	pass_s(r, RUNNER_GRACE_S + 1);
	await_runs(r, 0);
	assert_true(begun(r, "notes")); /* it waited for that lock */
}

static void one_that_does_not_hear_is_killed(void **state)
{
	struct rig *r = *state;

	let(r, "index.hangs");
	let(r, "index.deaf");
	begin(r);
	pass_s(r, 5 * MINUTE_S);
	await_begun(r, "index");
	pass_s(r, job_limit_s(JOB_INDEX) + RUNNER_GRACE_S + 1);
	pass_s(r, RUNNER_KILL_S - 1);
	assert_false(runner_is_idle(scheduler_runner(r->s)));
	pass_s(r, 2);
	await_runs(r, 0);
}

static void a_job_that_crashes_or_fails_ends_nothing_else(void **state)
{
	struct rig *r = *state;

	let(r, "fetch.crashes");
	let(r, "index.fails");
	begin(r);
	pass_s(r, 5 * MINUTE_S);
	await_runs(r, 0);
	pass_s(r, 7 * MINUTE_S);
	await_runs(r, 0);
	assert_file(r, "ended", "backup\n");
	pass_s(r, 5 * MINUTE_S); /* fetching is tried again */
	assert_false(runner_is_idle(scheduler_runner(r->s)));
	await_runs(r, 0);
}

static void a_job_that_is_still_at_work_is_not_begun_again(void **state)
{
	struct rig *r = *state;

	let(r, "fetch.hangs");
	begin(r);
	pass_s(r, 2 * MINUTE_S);
	await_begun(r, "fetch");
	pass_s(r, 15 * MINUTE_S);
	await_runs(r, 1);
	assert_int_equal(write(r->fifo, "\n", 1), 1);
	await_runs(r, 0);
	assert_true(runner_is_idle(scheduler_runner(r->s)));
}

static void who_ends_the_scheduler_ends_the_jobs(void **state)
{
	struct rig *r = *state;

	let(r, "fetch.hangs");
	begin(r);
	pass_s(r, 2 * MINUTE_S);
	await_begun(r, "fetch");
	scheduler_stop(r->s);
	assert_true(runner_is_idle(scheduler_runner(r->s)));
}

static void a_program_that_is_missing_is_told_and_tried_again(void **state)
{
	struct rig *r = *state;

	assert_int_equal(unlink(fixture_path(r->f, "sealpost")), 0);
	begin(r);
	pass_s(r, 2 * MINUTE_S);
	assert_true(runner_is_idle(scheduler_runner(r->s)));
}

static void the_state_is_written_before_what_is_due_begins(void **state)
{
	struct rig *r = *state;
	CLEAN_STR want = STR_INIT;

	begin(r);
	pass_s(r, 2 * MINUTE_S);
	str_addf(&want, "%lld %lld\n", (long long)r->now_s, (long long)r->now_s);
	assert_file(r, "timetable.state", want.data);
	await_runs(r, 0);
	pass_s(r, MINUTE_S); /* nothing is due */
	assert_file(r, "timetable.state", want.data);
}

static void a_restart_makes_up_for_the_night(void **state)
{
	struct rig *r = *state;

	write_state(r, r->now_s - 10 * 3600, r->now_s - 10 * 3600);
	begin(r);
	await_runs(r, 0);
	assert_true(begun(r, "erase-index") && begun(r, "erase-media") && begun(r, "backup-full") &&
		    begun(r, "statistics") && begun(r, "stamp"));
	assert_false(begun(r, "fetch"));
}

static void a_damaged_state_begins_anew(void **state)
{
	static const char *const damaged[] = {
		"",       "\n", "x\n", "1800000000\n", "5 4\n", "-1 -1\n", "1700000000 1700000000",
		"1 2 3\n"};
	struct rig *r = *state;

	for (size_t i = 0; i < sizeof(damaged) / sizeof(*damaged); i++) {
		fixture_write(fixture_path(r->f, "timetable.state"), VIEW(damaged[i]));
		begin(r);
		assert_false(begun(r, "stamp\n"));
		scheduler_stop(r->s);
		scheduler_free(&r->s);
	}
}

static void settings_are_followed_and_a_mistake_leaves_them_as_they_were(void **state)
{
	struct rig *r = *state;
	const char *conf = fixture_path(r->f, "timetable.conf");

	begin(r);
	fixture_write(conf, VIEW("fetch = no\n"));
	pass_s(r, 2 * MINUTE_S);
	assert_true(runner_is_idle(scheduler_runner(r->s)));
	fixture_write(conf, VIEW("fetch = yes\nbackup = never\n"));
	pass_s(r, 15 * MINUTE_S); /* notes and stamp-many at 08:15, and no fetch at 08:17 */
	await_runs(r, 0);
	assert_true(begun(r, "notes"));
	assert_false(begun(r, "fetch"));
	fixture_write(conf, VIEW("fetch = yes\n\n"));
	pass_s(r, 15 * MINUTE_S);
	await_runs(r, 0);
	assert_true(begun(r, "fetch"));
}

static void a_second_scheduler_is_refused_and_so_is_a_folder_that_holds_no_archive(void **state)
{
	struct rig *r = *state;
	struct scheduler *other = NULL;

	begin(r);
	assert_int_equal(scheduler_open(r->f->dir, &other, &r->f->err), -1);
	assert_int_equal(r->f->err.kind, ERR_BUSY);
	scheduler_free(&r->s);
	assert_int_equal(unlink(fixture_path(r->f, "catalog.db")), 0);
	assert_int_equal(scheduler_open(r->f->dir, &other, &r->f->err), -1);
	assert_int_equal(r->f->err.kind, ERR_NOTFOUND);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_due_is_run_with_the_archives_name),
		TEST(jobs_of_one_lock_run_one_after_the_other),
		TEST(a_job_that_hangs_is_ended_at_its_limit_and_others_go_on),
		TEST(one_that_does_not_hear_is_killed),
		TEST(a_job_that_crashes_or_fails_ends_nothing_else),
		TEST(a_job_that_is_still_at_work_is_not_begun_again),
		TEST(who_ends_the_scheduler_ends_the_jobs),
		TEST(a_program_that_is_missing_is_told_and_tried_again),
		TEST(the_state_is_written_before_what_is_due_begins),
		TEST(a_restart_makes_up_for_the_night),
		TEST(a_damaged_state_begins_anew),
		TEST(settings_are_followed_and_a_mistake_leaves_them_as_they_were),
		TEST(a_second_scheduler_is_refused_and_so_is_a_folder_that_holds_no_archive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
