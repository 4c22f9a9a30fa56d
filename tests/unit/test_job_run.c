/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/fixture.h"

#include "app/cmd/job_run.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/program.h"

#include <signal.h>
#include <sys/stat.h>

/* What stands for sealpost here: what it does is its third argument, a shell's script. $PPID is the runner. */
#define SHELL "#!/bin/sh\neval \"$3\"\n"
enum { LONG_MS = 60 * 1000, SHORT_MS = 300 };

struct ran {
	int rc;
	enum job_result result;
	struct job_run row;
};

static int setup(void **state)
{
	struct fixture *f;

	if (fixture_setup(state) < 0)
		return -1;
	f = *state;
	fixture_write(fixture_path(f, "sealpost"), VIEW(SHELL));
	return chmod(fixture_path(f, "sealpost"), 0700);
}

static struct ran run_work(struct fixture *f, struct arena *arena, const struct job_work *work)
{
	const struct cmd cmd = {.archive_dir = f->archive};
	struct ran ran = {0};

	program_use_folder(f->dir);
	ran.rc = job_run(&cmd, f->a, work, false, &ran.result, &f->err);
	program_use_folder(NULL);
	if (job_runs_last(archive_catalog(f->a), arena, work->name, &ran.row, &f->err) < 0)
		fail_msg("%s", f->err.text);
	return ran;
}

/* One or two steps; SECOND may be NULL. */
static struct ran run(struct fixture *f, struct arena *arena, int64_t limit_ms, const char *first,
		      const char *second)
{
	const struct job_work work = {.name = "tried",
				      .class = "media",
				      .limit_ms = limit_ms,
				      .steps = {{.args = {first}}, {.args = {second}}}};
	struct ran ran = run_work(f, arena, &work);

	assert_int_equal(ran.rc, 0);
	assert_int_equal(ran.row.result, ran.result);
	return ran;
}

static void the_last_line_of_each_step_is_the_summary(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	struct ran ran = run(f, arena, LONG_MS, "echo one; echo 20 mails; echo; echo talk >&2",
			     "printf 'begun\\n\\033[1mmirrored\\ncut off'");

	assert_int_equal(ran.result, JOB_DONE);
	assert_non_null(strstr(ran.row.summary, "20 mails; "));
	assert_non_null(strstr(ran.row.summary, "mirrored"));
	assert_null(strchr(ran.row.summary, '\033'));
	assert_null(strstr(ran.row.summary, "talk"));
	assert_string_equal(ran.row.log, "");
}

static void a_step_that_fails_does_not_keep_the_next_from_running(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	struct ran ran = run(f, arena, LONG_MS, "echo why >&2; exit 1", "echo mirrored");

	assert_int_equal(ran.result, JOB_FAILED);
	assert_non_null(strstr(ran.row.summary, "; mirrored"));
	assert_non_null(strstr(ran.row.log, "why\n"));
}

static void something_left_out_makes_a_run_partly_done(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();

	assert_int_equal(run(f, arena, LONG_MS, "exit 3", "exit 0").result, JOB_PARTLY);
	assert_int_equal(run(f, arena, LONG_MS, "exit 3", "exit 1").result, JOB_FAILED);
}

static void a_crash_is_told_with_its_signal(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	struct ran ran = run(f, arena, LONG_MS, "echo so far; kill -ABRT $$", NULL);

	assert_int_equal(ran.result, JOB_DIED);
	assert_non_null(strstr(ran.row.summary, "signal 6"));
	assert_non_null(strstr(ran.row.log, "so far"));
}

static void more_output_than_is_kept_blocks_nothing_and_its_end_is_kept(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	struct ran ran = run(f, arena, LONG_MS,
			     "yes 'a line' | head -c 5000000; yes | head -c 5000000 >&2; "
			     "echo; echo the end; exit 1",
			     NULL);

	assert_int_equal(ran.result, JOB_FAILED);
	assert_int_equal(strlen(ran.row.log), JOB_LOG_MAX);
	assert_non_null(strstr(ran.row.log, "the end\n"));
	assert_string_equal(ran.row.summary, "the end");
}

static void a_summary_is_as_long_as_a_row_allows(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	struct ran ran = run(f, arena, LONG_MS, "head -c 5000000 /dev/zero | tr '\\0' x; echo",
			     NULL);

	assert_int_equal(ran.result, JOB_DONE);
	assert_int_equal(strlen(ran.row.summary), JOB_SUMMARY_MAX);
}

static void what_hangs_is_ended_at_the_limit_and_is_the_last_step(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	struct ran ran = run(f, arena, SHORT_MS, "echo begun; exec tail -f /dev/null",
			     "echo never");

	assert_int_equal(ran.result, JOB_TIMEOUT);
	assert_null(strstr(ran.row.summary, "never"));
	assert_non_null(strstr(ran.row.log, "begun"));
}

static void what_hangs_without_an_output_is_ended_too(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	struct ran ran = run(f, arena, SHORT_MS,
			     "exec >/dev/null 2>/dev/null; exec timeout 20 tail -f /dev/null",
			     NULL);

	assert_int_equal(ran.result, JOB_TIMEOUT);
}

static void what_a_step_says_when_it_is_ended_is_in_the_log(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	struct ran ran = run(f, arena, SHORT_MS,
			     "trap 'echo left at mail 7; exit 1' TERM; "
			     "while :; do tail -f /dev/null & wait; done",
			     NULL);

	assert_int_equal(ran.result, JOB_TIMEOUT);
	assert_non_null(strstr(ran.row.log, "left at mail 7"));
}

static int no(struct archive *a, struct err *err)
{
	(void)a, (void)err;
	return 0;
}

static int cannot_tell(struct archive *a, struct err *err)
{
	(void)a;
	return err_set(err, ERR_IO, "the settings cannot be read");
}

static void a_step_without_anything_to_do_it_with_is_skipped(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	struct job_work work = {.name = "tried",
				.limit_ms = LONG_MS,
				.steps = {{.args = {"echo done"}}, {{"exit 1"}, no, "no mirror"}}};
	struct ran ran = run_work(f, arena, &work);

	assert_int_equal(ran.result, JOB_DONE);
	assert_string_equal(ran.row.summary, "done; no mirror");
	work.steps[0] = work.steps[1];
	work.steps[1] = (struct job_step){0};
	assert_int_equal(run_work(f, arena, &work).result, JOB_SKIPPED);
	work.steps[0].is_set_up = cannot_tell;
	ran = run_work(f, arena, &work);
	assert_int_equal(ran.result, JOB_FAILED);
	assert_non_null(strstr(ran.row.summary, "cannot be read"));
}

static void what_runs_already_leaves_no_row(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	const struct job_work work = {
		.name = "tried", .limit_ms = LONG_MS, .steps = {{.args = {"exit 0"}}}};
	CLEAN_STR folder = STR_INIT;
	CLEAN_FD held = -1;
	struct job_run row;

	str_addf(&folder, "%s/lock", f->archive);
	assert_int_equal(dir_make(folder.data, 0700, &f->err), 0);
	str_adds(&folder, "/job-tried");
	assert_int_equal(file_lock(folder.data, &held, &f->err), 1);
	assert_int_equal(run_work(f, arena, &work).rc, -1);
	assert_int_equal(job_runs_last(archive_catalog(f->a), arena, "tried", &row, &f->err), 0);
}

static void a_missing_program_is_told(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	struct ran ran;

	assert_int_equal(unlink(fixture_path(f, "sealpost")), 0);
	ran = run(f, arena, LONG_MS, "exit 0", NULL);
	assert_int_equal(ran.result, JOB_FAILED);
	assert_non_null(strstr(ran.row.summary, "missing"));
}

/* The last one: that a stop was asked for stays so. */
static void who_is_asked_to_stop_ends_the_step_and_begins_no_other(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	struct ran ran;

	cmd_catch_stop();
	ran = run(f, arena, LONG_MS, "kill -TERM $PPID; exec tail -f /dev/null", "echo never");
	assert_int_equal(ran.result, JOB_STOPPED);
	assert_null(strstr(ran.row.summary, "never"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_last_line_of_each_step_is_the_summary),
		TEST(a_step_that_fails_does_not_keep_the_next_from_running),
		TEST(something_left_out_makes_a_run_partly_done),
		TEST(a_crash_is_told_with_its_signal),
		TEST(more_output_than_is_kept_blocks_nothing_and_its_end_is_kept),
		TEST(a_summary_is_as_long_as_a_row_allows),
		TEST(what_hangs_is_ended_at_the_limit_and_is_the_last_step),
		TEST(what_hangs_without_an_output_is_ended_too),
		TEST(what_a_step_says_when_it_is_ended_is_in_the_log),
		TEST(a_step_without_anything_to_do_it_with_is_skipped),
		TEST(what_runs_already_leaves_no_row),
		TEST(a_missing_program_is_told),
		TEST(who_is_asked_to_stop_ends_the_step_and_begins_no_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
