/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/fixture.h"

#include "app/catalog/jobs.h"

static uint64_t begin(struct fixture *f, const char *job)
{
	uint64_t run;

	if (job_runs_begin(archive_catalog(f->a), job, false, &run, &f->err) < 0)
		fail_msg("%s", f->err.text);
	return run;
}

static void end(struct fixture *f, uint64_t run, enum job_result result, const char *summary,
		const char *log)
{
	if (job_runs_end(archive_catalog(f->a), run, result, VIEW(summary), VIEW(log), &f->err) < 0)
		fail_msg("%s", f->err.text);
}

static struct job_run last(struct fixture *f, struct arena *arena, const char *job)
{
	struct job_run run = {0};

	assert_int_equal(job_runs_last(archive_catalog(f->a), arena, job, &run, &f->err), 1);
	return run;
}

static void a_run_begins_and_ends_with_its_summary(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	struct job_run run;
	uint64_t number;

	assert_int_equal(job_runs_last(archive_catalog(f->a), arena, "backup", &run, &f->err), 0);
	number = begin(f, "backup");
	run = last(f, arena, "backup");
	assert_int_equal(run.result, JOB_RUNNING);
	assert_int_equal(run.ended_s, 0);
	end(f, number, JOB_DONE, "20 mails", "chatter");
	run = last(f, arena, "backup");
	assert_int_equal(run.result, JOB_DONE);
	assert_true(run.ended_s >= run.begun_s);
	assert_string_equal(run.summary, "20 mails");
	assert_string_equal(run.log, ""); /* what went well needs none */
}

static void the_end_of_a_failed_ones_log_is_kept(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	CLEAN_STR log = STR_INIT;
	struct job_run run;

	for (int i = 0; i < JOB_LOG_MAX; i++)
		str_adds(&log, "line\n");
	str_adds(&log, "why it failed\n");
	end(f, begin(f, "fetch"), JOB_FAILED, "", log.data);
	run = last(f, arena, "fetch");
	assert_int_equal(strlen(run.log), JOB_LOG_MAX);
	assert_non_null(strstr(run.log, "why it failed"));
}

static void a_run_whose_process_died_is_told_by_the_next_one(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	uint64_t dead = begin(f, "index"), other = begin(f, "notes");
	struct job_run run;

	begin(f, "index");
	assert_int_equal(job_runs_get(archive_catalog(f->a), arena, dead, &run, &f->err), 1);
	assert_int_equal(run.result, JOB_DIED);
	assert_int_equal(job_runs_get(archive_catalog(f->a), arena, other, &run, &f->err), 1);
	assert_int_equal(run.result, JOB_RUNNING);
}

static void failures_in_a_row_are_counted_until_one_succeeds(void **state)
{
	static const struct {
		enum job_result result;
		unsigned n;
	} steps[] = {{JOB_FAILED, 1}, {JOB_TIMEOUT, 2}, {JOB_DIED, 3},   {JOB_STOPPED, 3},
		     {JOB_FAILED, 4}, {JOB_PARTLY, 0},  {JOB_FAILED, 1}, {JOB_SKIPPED, 0},
		     {JOB_FAILED, 1}, {JOB_DONE, 0}};
	struct fixture *f = *state;
	unsigned n;

	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		end(f, begin(f, "stamp"), steps[i].result, "", "");
		end(f, begin(f, "other"), JOB_DONE, "", "");
		assert_int_equal(job_runs_failed(archive_catalog(f->a), "stamp", &n, &f->err), 0);
		assert_int_equal(n, steps[i].n);
	}
}

static void old_runs_go_job_by_job(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	struct job_run *runs;
	size_t n;

	end(f, begin(f, "rare"), JOB_DONE, "", "");
	for (int i = 0; i < JOB_RUNS_KEPT + 5; i++)
		end(f, begin(f, "often"), JOB_DONE, "", "");
	assert_int_equal(
		job_runs_list(archive_catalog(f->a), arena, "often", 1000, &runs, &n, &f->err), 0);
	assert_int_equal(n, JOB_RUNS_KEPT);
	assert_true(runs[0].run > runs[1].run);
	assert_int_equal(
		job_runs_list(archive_catalog(f->a), arena, NULL, 1000, &runs, &n, &f->err), 0);
	assert_int_equal(n, JOB_RUNS_KEPT + 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_run_begins_and_ends_with_its_summary),
		TEST(the_end_of_a_failed_ones_log_is_kept),
		TEST(a_run_whose_process_died_is_told_by_the_next_one),
		TEST(failures_in_a_row_are_counted_until_one_succeeds),
		TEST(old_runs_go_job_by_job),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
