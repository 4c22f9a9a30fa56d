/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which job may begin beside which; real processes are in test_scheduler.c. */
#include "scheduler/runner.h"
#include "tests/unit/fixture.h"

/* The jobs that begin now, in their order, as "a b c". */
static void assert_begins(struct plan *plan, const char *names)
{
	CLEAN_STR got = STR_INIT;
	enum job job;

	while (plan_next(plan, &job))
		str_addf(&got, "%s%s", got.len > 0 ? " " : "", job_name(job));
	assert_string_equal(got.data, names);
}

static void add_all(struct plan *plan)
{
	for (enum job job = 0; job < JOB_COUNT; job++)
		plan_add(plan, job);
}

static void what_is_due_begins_in_the_tables_order_one_for_each_lock(void **state)
{
	struct plan plan = {0};

	(void)state;
	add_all(&plan);
	assert_begins(&plan, "index stamp-many fetch statistics");
	assert_begins(&plan, "");
}

static void what_waits_for_a_lock_begins_when_it_is_free(void **state)
{
	struct plan plan = {0};

	(void)state;
	add_all(&plan);
	assert_begins(&plan, "index stamp-many fetch statistics");
	plan_done(&plan, JOB_FETCH);
	assert_begins(&plan, "");
	plan_done(&plan, JOB_STAMP_MANY);
	assert_begins(&plan, "stamp");
	plan_done(&plan, JOB_INDEX);
	assert_begins(&plan, "notes");
	plan_done(&plan, JOB_NOTES);
	assert_begins(&plan, "erase-index");
	plan_done(&plan, JOB_ERASE_INDEX);
	assert_begins(&plan, "erase-media");
	plan_done(&plan, JOB_ERASE_MEDIA);
	assert_begins(&plan, "backup-full");
	plan_done(&plan, JOB_BACKUP_FULL);
	assert_begins(&plan, "backup");
	plan_done(&plan, JOB_BACKUP);
	assert_begins(&plan, "");
}

static void erasing_from_the_media_waits_for_erasing_from_the_index_alone(void **state)
{
	struct plan plan = {0};

	(void)state;
	plan_add(&plan, JOB_ERASE_INDEX);
	assert_begins(&plan, "erase-index");
	plan_add(&plan, JOB_ERASE_MEDIA);
	assert_begins(&plan, "");
	plan_done(&plan, JOB_ERASE_INDEX);
	plan_add(&plan, JOB_INDEX);
	assert_begins(&plan, "index erase-media");
}

static void a_job_that_runs_is_not_due_again(void **state)
{
	struct plan plan = {0};

	(void)state;
	plan_add(&plan, JOB_FETCH);
	assert_begins(&plan, "fetch");
	plan_add(&plan, JOB_FETCH);
	assert_begins(&plan, "");
	plan_done(&plan, JOB_FETCH);
	assert_begins(&plan, "");
	plan_add(&plan, JOB_FETCH);
	assert_begins(&plan, "fetch");
}

static void a_job_that_waits_is_not_due_twice(void **state)
{
	struct plan plan = {0};

	(void)state;
	plan_add(&plan, JOB_BACKUP_FULL);
	assert_begins(&plan, "backup-full");
	plan_add(&plan, JOB_BACKUP);
	plan_add(&plan, JOB_BACKUP);
	plan_done(&plan, JOB_BACKUP_FULL);
	assert_begins(&plan, "backup");
	plan_done(&plan, JOB_BACKUP);
	assert_begins(&plan, "");
}

static void erasing_comes_before_a_backup_that_is_due_at_the_same_time(void **state)
{
	struct plan plan = {0};

	(void)state;
	plan_add(&plan, JOB_BACKUP);
	plan_add(&plan, JOB_ERASE_MEDIA);
	assert_begins(&plan, "erase-media");
	plan_done(&plan, JOB_ERASE_MEDIA);
	assert_begins(&plan, "backup");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_due_begins_in_the_tables_order_one_for_each_lock),
		cmocka_unit_test(what_waits_for_a_lock_begins_when_it_is_free),
		cmocka_unit_test(erasing_from_the_media_waits_for_erasing_from_the_index_alone),
		cmocka_unit_test(a_job_that_runs_is_not_due_again),
		cmocka_unit_test(a_job_that_waits_is_not_due_twice),
		cmocka_unit_test(erasing_comes_before_a_backup_that_is_due_at_the_same_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
