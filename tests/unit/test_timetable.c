/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The timetable over years, clock changes and broken clocks; no test waits for anything. */
#include "base/clock.h"
#include "base/file.h"
#include "scheduler/timetable.h"
#include "tests/unit/fixture.h"

#include <time.h>

enum { MINUTE_S = 60, HOUR_S = 3600, DAY_S = 24 * HOUR_S };

#define BERLIN "CET-1CEST,M3.5.0,M10.5.0/3"
#define LONDON "GMT0BST,M3.5.0/1,M10.5.0"
#define KOLKATA "IST-5:30"
#define LORD_HOWE "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0"
#define SAO_PAULO "<-03>3"
/* Until 2019 its clocks were put forward at midnight. */
#define SAO_PAULO_THEN "<-03>3<-02>,M11.1.0/0,M2.3.0/0"

static void use_zone(const char *zone)
{
	setenv("TZ", zone, 1);
	tzset();
}

static int64_t at(int year, int month, int day, int hour, int minute)
{
	return clock_of_local(year, month, day, hour, minute, 0);
}

/* --- a scheduler with a clock of its own ------------------------------------------------------ */

struct rig {
	struct timetable_settings settings;
	struct timetable_state state;
	unsigned count[JOB_COUNT];
	int64_t last_s[JOB_COUNT];
	struct due due;
};

static struct rig rig_at(const char *zone, int64_t now_s)
{
	use_zone(zone);
	return (struct rig){.settings = timetable_defaults(), .state = {now_s, now_s}};
}

static void look(struct rig *r, int64_t now_s)
{
	timetable_due(&r->settings, &r->state, now_s, &r->due);
	for (enum job job = 0; job < JOB_COUNT; job++) {
		r->count[job] += r->due.job[job];
		if (r->due.job[job])
			r->last_s[job] = now_s;
	}
}

static void run(struct rig *r, int64_t from_s, int64_t to_s)
{
	for (int64_t now_s = from_s; now_s < to_s; now_s += MINUTE_S)
		look(r, now_s);
}

/* Each minute of the time from FROM_S on, up to before TO_S, whose state begins just before. */
static struct rig run_in(const char *zone, int64_t from_s, int64_t to_s)
{
	struct rig r = rig_at(zone, from_s - 1);

	run(&r, from_s, to_s);
	return r;
}

static void forget(struct rig *r)
{
	memset(r->count, 0, sizeof(r->count));
}

static const enum job daily_jobs[] = {JOB_ERASE_INDEX, JOB_ERASE_MEDIA, JOB_BACKUP_FULL,
				      JOB_STATISTICS, JOB_STAMP};
static const enum job often_jobs[] = {JOB_INDEX, JOB_NOTES, JOB_STAMP_MANY, JOB_FETCH, JOB_BACKUP};
#define EACH(job, list)                                                                            \
	for (size_t each_ = 0;                                                                     \
	     each_ < sizeof(list) / sizeof(*(list)) && ((job) = (list)[each_], true); each_++)

static void assert_daily(const struct rig *r, unsigned times)
{
	enum job job;

	EACH(job, daily_jobs)
	if (r->count[job] != times)
		fail_msg("%s ran %u times, not %u", job_name(job), r->count[job], times);
}

static void assert_often(const struct rig *r, unsigned times)
{
	enum job job;

	EACH(job, often_jobs)
	if (r->count[job] != times)
		fail_msg("%s ran %u times, not %u", job_name(job), r->count[job], times);
}

/* --- the documented times --------------------------------------------------------------------- */

/* What every hour has, and what a day has once, written out. */
static const struct {
	int minute;
	const char *job;
} hourly[] = {
	{0, "notes"},  {0, "stamp-many"},  {2, "fetch"},  {5, "index"},       {12, "backup"},
	{15, "notes"}, {15, "stamp-many"}, {17, "fetch"}, {30, "notes"},      {30, "stamp-many"},
	{32, "fetch"}, {35, "index"},      {45, "notes"}, {45, "stamp-many"}, {47, "fetch"},
};
static const struct {
	int hour, minute;
	const char *job;
} nightly[] = {
	{1, 12, "backup-full"}, {2, 30, "erase-index"}, {3, 40, "erase-media"},
	{6, 30, "statistics"},  {23, 57, "stamp"},
};

/* Of one day, as lines "day hour:minute job". */
static void write_day(int day, struct str *out)
{
	for (int minute = 0; minute < 24 * 60; minute++) {
		int hour = minute / 60;

		for (size_t i = 0; i < sizeof(hourly) / sizeof(*hourly); i++)
			if (hourly[i].minute == minute % 60 &&
			    !(hour == 1 && strcmp(hourly[i].job, "backup") == 0))
				str_addf(out, "%d %02d:%02d %s\n", day, hour, minute % 60,
					 hourly[i].job);
		for (size_t i = 0; i < sizeof(nightly) / sizeof(*nightly); i++)
			if (nightly[i].hour == hour && nightly[i].minute == minute % 60)
				str_addf(out, "%d %02d:%02d %s\n", day, hour, minute % 60,
					 nightly[i].job);
	}
}

static void a_week_has_the_documented_times_and_no_others(void **state)
{
	CLEAN_STR want = STR_INIT;
	CLEAN_STR got = STR_INIT;
	struct rig r = rig_at(BERLIN, 0);
	int64_t begin_s = at(2027, 1, 4, 0, 0), end_s = at(2027, 1, 11, 0, 0);

	(void)state;
	r.state = (struct timetable_state){begin_s - 1, begin_s - 1};
	for (int64_t now_s = begin_s; now_s < end_s; now_s += MINUTE_S) {
		time_t t = (time_t)now_s;
		struct tm tm;

		look(&r, now_s);
		localtime_r(&t, &tm);
		for (enum job job = 0; job < JOB_COUNT; job++)
			if (r.due.job[job])
				str_addf(&got, "%d %02d:%02d %s\n", tm.tm_mday, tm.tm_hour,
					 tm.tm_min, job_name(job));
	}
	for (int day = 4; day < 11; day++)
		write_day(day, &want);
	/* at the same minute, the table's order counts in both */
	assert_string_equal(got.data, want.data);
}

static void a_year_of_minutes_runs_each_job_so_often(void **state)
{
	int64_t began_ms = clock_monotonic_ms();
	struct rig r;

	(void)state;
	use_zone(BERLIN);
	r = run_in(BERLIN, at(2027, 1, 1, 0, 0), at(2028, 1, 1, 0, 0));
	assert_daily(&r, 365);
	assert_int_equal(r.count[JOB_INDEX], 2 * 365 * 24);
	assert_int_equal(r.count[JOB_NOTES], 4 * 365 * 24);
	assert_int_equal(r.count[JOB_STAMP_MANY], 4 * 365 * 24);
	assert_int_equal(r.count[JOB_FETCH], 4 * 365 * 24);
	assert_int_equal(r.count[JOB_BACKUP], 365 * 23);
	print_message("a year minute by minute: %lld ms\n",
		      (long long)(clock_monotonic_ms() - began_ms));
}

static void leap_day_and_new_year_are_days_like_others(void **state)
{
	struct rig r;

	(void)state;
	use_zone(BERLIN);
	r = run_in(BERLIN, at(2028, 2, 29, 0, 0), at(2028, 3, 1, 0, 0));
	assert_daily(&r, 1);
	r = run_in(BERLIN, at(2028, 12, 31, 0, 0), at(2029, 1, 2, 0, 0));
	assert_daily(&r, 2);
	assert_int_equal(r.count[JOB_FETCH], 2 * 24 * 4);
}

/* --- clock changes ---------------------------------------------------------------------------- */

static void in_the_hour_that_is_skipped_daily_jobs_run_once_behind_it(void **state)
{
	struct rig r;

	(void)state;
	use_zone(BERLIN);
	r = run_in(BERLIN, at(2026, 3, 29, 0, 0), at(2026, 3, 30, 0, 0));
	assert_daily(&r, 1);
	assert_int_equal(r.last_s[JOB_ERASE_INDEX], at(2026, 3, 29, 3, 0));
	assert_int_equal(r.last_s[JOB_ERASE_MEDIA], at(2026, 3, 29, 3, 40));
	assert_int_equal(r.count[JOB_FETCH], 23 * 4);
	assert_int_equal(r.count[JOB_INDEX], 23 * 2);
	assert_int_equal(r.count[JOB_BACKUP], 22);
}

static void in_the_hour_that_comes_twice_daily_jobs_run_once_and_fetching_goes_on(void **state)
{
	struct rig r;

	(void)state;
	use_zone(BERLIN);
	r = run_in(BERLIN, at(2026, 10, 25, 0, 0), at(2026, 10, 26, 0, 0));
	assert_daily(&r, 1);
	/* the first 02:30 of the two: two and a half hours from midnight */
	assert_int_equal(r.last_s[JOB_ERASE_INDEX], at(2026, 10, 25, 0, 0) + 5 * HOUR_S / 2);
	assert_int_equal(r.count[JOB_FETCH], 25 * 4);
	assert_int_equal(r.count[JOB_INDEX], 25 * 2);
	assert_int_equal(r.count[JOB_BACKUP], 24);
}

static void a_restart_in_the_second_hour_repeats_nothing(void **state)
{
	struct rig r;
	int64_t midnight_s;

	(void)state;
	use_zone(BERLIN);
	midnight_s = at(2026, 10, 25, 0, 0);
	r = run_in(BERLIN, midnight_s, midnight_s + 3 * HOUR_S + 5 * MINUTE_S);
	assert_int_equal(r.count[JOB_ERASE_INDEX], 1);
	run(&r, midnight_s + 3 * HOUR_S + 25 * MINUTE_S, midnight_s + 25 * HOUR_S);
	assert_daily(&r, 1);
}

/* 01:12 itself is what the clocks leave out, or show twice. */
static void the_full_backup_runs_once_also_where_its_hour_is_the_one(void **state)
{
	struct rig r;

	(void)state;
	use_zone(LONDON);
	r = run_in(LONDON, at(2027, 3, 28, 0, 0), at(2027, 3, 29, 0, 0));
	assert_daily(&r, 1);
	assert_int_equal(r.last_s[JOB_BACKUP_FULL], at(2027, 3, 28, 2, 0));
	r = run_in(LONDON, at(2027, 10, 31, 0, 0), at(2027, 11, 1, 0, 0));
	assert_daily(&r, 1);
	assert_int_equal(r.count[JOB_BACKUP], 23);
}

/* Each clock change of the years, in zones with and without: half an hour, at midnight, half past. */
static void every_day_in_every_zone_has_each_daily_job_once(void **state)
{
	static const char *const zones[] = {BERLIN,    LONDON,         KOLKATA, LORD_HOWE,
					    SAO_PAULO, SAO_PAULO_THEN, "UTC0"};

	(void)state;
	for (size_t i = 0; i < sizeof(zones) / sizeof(*zones); i++) {
		use_zone(zones[i]);
		for (int day = 1; day <= 366; day++) {
			int64_t from_s = at(2027, 1, day, 0, 0);
			int64_t to_s = at(2027, 1, day + 1, 0, 0);
			struct rig r = run_in(zones[i], from_s, to_s);

			assert_daily(&r, 1);
			assert_int_equal(r.count[JOB_FETCH], (to_s - from_s) / (15 * MINUTE_S));
		}
	}
}

/* --- restarts, and time that passes unseen ---------------------------------------------------- */

static void a_restart_at_any_minute_loses_and_repeats_nothing(void **state)
{
	int64_t from_s, to_s;

	(void)state;
	use_zone(BERLIN);
	from_s = at(2027, 1, 4, 1, 0);
	to_s = at(2027, 1, 4, 2, 0);
	for (int64_t stop_s = from_s; stop_s < to_s; stop_s += MINUTE_S) {
		struct rig r = run_in(BERLIN, from_s, stop_s);

		/* it takes a while to be back */
		run(&r, stop_s + 4 * MINUTE_S + 20, to_s + 5 * MINUTE_S);
		assert_int_equal(r.count[JOB_BACKUP_FULL], 1);
		assert_int_equal(r.count[JOB_BACKUP], 0);
		assert_int_equal(r.count[JOB_INDEX], 2);
		assert_in_range(r.count[JOB_FETCH], 4, 5); /* 02:02, if it is seen */
		assert_in_range(r.count[JOB_NOTES], 5, 5);
	}
}

static void a_busy_machine_that_looks_late_begins_each_job_once(void **state)
{
	struct rig r;

	(void)state;
	use_zone(BERLIN);
	r = rig_at(BERLIN, at(2027, 1, 4, 8, 1));
	look(&r, at(2027, 1, 4, 8, 5) + 40);
	assert_int_equal(r.count[JOB_FETCH], 1);
	assert_int_equal(r.count[JOB_INDEX], 1);
	assert_int_equal(r.due.jump_s, 0);
	look(&r, at(2027, 1, 4, 8, 5) + 59);
	assert_int_equal(r.count[JOB_INDEX], 1);
}

/* Off from half past midnight on, for so long; back at a minute at which nothing is due. */
static struct rig off_for(int64_t hours)
{
	struct rig r;
	int64_t off_s;

	use_zone(BERLIN);
	off_s = at(2027, 1, 4, 0, 39);
	r = rig_at(BERLIN, off_s);
	look(&r, off_s + hours * HOUR_S);
	assert_int_equal(r.due.jump_s, hours * HOUR_S);
	return r;
}

static void after_three_hours_off_what_was_missed_runs_once_and_frequent_jobs_wait(void **state)
{
	struct rig r = off_for(3);

	(void)state;
	assert_int_equal(r.count[JOB_BACKUP_FULL], 1);
	assert_int_equal(r.count[JOB_ERASE_INDEX], 1);
	assert_int_equal(r.count[JOB_ERASE_MEDIA], 0); /* 03:40 is to come */
	assert_int_equal(r.count[JOB_STATISTICS], 0);
	assert_int_equal(r.count[JOB_FETCH], 0);
	assert_int_equal(r.count[JOB_INDEX], 1); /* 03:35 is four minutes ago: no more than late */
	assert_int_equal(r.count[JOB_STAMP], 0);
}

static void after_days_or_weeks_off_each_daily_job_runs_once(void **state)
{
	static const int64_t hours[] = {3 * 24, 3 * 7 * 24, 60 * 365 * 24};

	(void)state;
	for (size_t i = 0; i < sizeof(hours) / sizeof(*hours); i++) {
		struct rig r = off_for(hours[i]);

		assert_daily(&r, 1);
		look(&r, r.state.often_s + 1);
		assert_daily(&r, 1);
	}
}

static void a_weekly_job_is_made_up_for_if_its_day_was_missed(void **state)
{
	struct rig r;

	(void)state;
	use_zone(BERLIN);
	r = rig_at(BERLIN, at(2027, 1, 2, 12, 0)); /* a Saturday */
	r.settings.backup_full = r.settings.stamp = RHYTHM_WEEKLY;
	look(&r, at(2027, 1, 4, 12, 0));
	assert_daily(&r, 1);
	look(&r, at(2027, 1, 7, 12, 0));
	assert_int_equal(r.count[JOB_BACKUP_FULL], 1);
	assert_int_equal(r.count[JOB_STAMP], 1);
	assert_int_equal(r.count[JOB_STATISTICS], 2);
}

static void the_first_start_of_all_makes_up_for_nothing(void **state)
{
	struct rig r;

	(void)state;
	r = rig_at(BERLIN, 0);
	look(&r, at(2027, 1, 4, 8, 5));
	for (enum job job = 0; job < JOB_COUNT; job++)
		assert_int_equal(r.count[job], 0);
	assert_int_equal(r.due.jump_s, 0);
	assert_int_equal(r.due.next_s, at(2027, 1, 4, 8, 12));
}

/* --- a clock that jumps ----------------------------------------------------------------------- */

/* A whole morning, in which the clock is put by so much at half past seven. */
static struct rig jump_by(int64_t by_s, int64_t *told_r)
{
	struct rig r;
	int64_t jump_s, end_s;

	use_zone(BERLIN);
	jump_s = at(2027, 1, 6, 7, 30) + 10;
	end_s = at(2027, 1, 6, 12, 0);
	r = run_in(BERLIN, at(2027, 1, 6, 0, 0), jump_s);
	assert_int_equal(r.count[JOB_STATISTICS], 1);
	forget(&r);
	look(&r, jump_s + by_s);
	*told_r = r.due.jump_s;
	for (int64_t now_s = jump_s + by_s + MINUTE_S; now_s < end_s; now_s += MINUTE_S) {
		look(&r, now_s);
		assert_int_equal(r.due.jump_s, 0);
	}
	return r;
}

static void a_clock_back_by_half_a_minute_repeats_nothing(void **state)
{
	int64_t told;
	struct rig r = jump_by(-30, &told);

	(void)state;
	assert_int_equal(told, 0);
	assert_daily(&r, 0);
	assert_int_equal(r.count[JOB_NOTES], 4 * 4 + 1); /* 07:45 to 11:45 */
}

static void a_clock_back_by_two_hours_repeats_no_daily_job_and_stops_no_fetching(void **state)
{
	int64_t told;
	struct rig r = jump_by(-2 * HOUR_S, &told);

	(void)state;
	assert_in_range(-told, 2 * HOUR_S - MINUTE_S, 2 * HOUR_S);
	assert_daily(&r, 0);
	assert_int_equal(r.count[JOB_FETCH], 6 * 4 + 2); /* 05:32 to 11:47 */
}

static void a_clock_back_by_three_days_is_believed(void **state)
{
	int64_t told;
	struct rig r = jump_by(-3 * DAY_S, &told);

	(void)state;
	assert_in_range(-told, 3 * DAY_S - MINUTE_S, 3 * DAY_S);
	assert_daily(&r, 3);
}

static void a_clock_forward_by_two_days_makes_up_once(void **state)
{
	int64_t told;
	struct rig r = jump_by(2 * DAY_S, &told);

	(void)state;
	assert_in_range(told, 2 * DAY_S, 2 * DAY_S + MINUTE_S);
	assert_daily(&r, 1);
	assert_int_equal(r.count[JOB_FETCH], 0);
	assert_int_equal(r.count[JOB_NOTES], 1); /* 07:30 there */
}

static void a_clock_that_is_wrong_for_a_while_and_right_again_stops_nothing(void **state)
{
	struct rig r;
	int64_t now_s;

	(void)state;
	use_zone(BERLIN);
	now_s = at(2027, 1, 6, 7, 31);
	r = rig_at(BERLIN, now_s);
	look(&r, 1000); /* the battery is empty */
	look(&r, now_s + 2 * MINUTE_S);
	assert_daily(&r, 1); /* as far as anybody can tell, years went by */
	forget(&r);
	run(&r, now_s + 3 * MINUTE_S, at(2027, 1, 7, 7, 31));
	assert_daily(&r, 1);
	assert_int_equal(r.count[JOB_FETCH], 4 * 24 - 1);
}

/* --- settings --------------------------------------------------------------------------------- */

static void paused_jobs_are_not_due_nor_made_up_for(void **state)
{
	struct rig r;

	(void)state;
	use_zone(BERLIN);
	r = rig_at(BERLIN, at(2027, 1, 4, 0, 0));
	for (enum job job = 0; job < JOB_COUNT; job++)
		r.settings.paused[job] = true;
	run(&r, at(2027, 1, 4, 0, 1), at(2027, 1, 5, 8, 1));
	assert_daily(&r, 0);
	assert_often(&r, 0);
	assert_true(r.due.next_s > at(2027, 1, 6, 0, 0));
	r.settings = timetable_defaults();
	look(&r, at(2027, 1, 5, 8, 1));
	assert_daily(&r, 0);
}

static void what_is_set_to_weekly_or_daily_or_off_is(void **state)
{
	struct rig r;

	(void)state;
	use_zone(BERLIN);
	r = rig_at(BERLIN, at(2027, 1, 3, 23, 59));
	r.settings.backup_full = r.settings.stamp = RHYTHM_WEEKLY;
	r.settings.backup = RHYTHM_DAILY;
	r.settings.fetch = false;
	run(&r, at(2027, 1, 4, 0, 0), at(2027, 1, 10, 0, 0));
	assert_int_equal(r.count[JOB_BACKUP_FULL], 0);
	assert_int_equal(r.count[JOB_STAMP], 0);
	assert_int_equal(r.count[JOB_BACKUP], 6);
	run(&r, at(2027, 1, 10, 0, 0), at(2027, 1, 11, 0, 0));
	assert_int_equal(r.count[JOB_BACKUP_FULL], 1);
	assert_int_equal(r.count[JOB_STAMP], 1);
	assert_int_equal(r.count[JOB_BACKUP], 6);
	assert_int_equal(r.count[JOB_FETCH], 0);
}

static void the_incremental_backup_gives_way_to_the_full_one(void **state)
{
	struct rig r;

	(void)state;
	use_zone(BERLIN);
	r = rig_at(BERLIN, at(2027, 1, 3, 23, 59));
	r.settings.backup = RHYTHM_DAILY;
	run(&r, at(2027, 1, 4, 0, 0), at(2027, 1, 5, 0, 0));
	assert_int_equal(r.count[JOB_BACKUP], 0);
	assert_int_equal(timetable_next(&r.settings, JOB_BACKUP, at(2027, 1, 5, 0, 0)), 0);
	r.settings.paused[JOB_BACKUP_FULL] = true;
	run(&r, at(2027, 1, 5, 0, 0), at(2027, 1, 6, 0, 0));
	assert_int_equal(r.count[JOB_BACKUP], 1);
	r.settings = timetable_defaults();
	r.settings.backup_full = RHYTHM_WEEKLY;
	run(&r, at(2027, 1, 6, 0, 0), at(2027, 1, 7, 0, 0));
	assert_int_equal(r.count[JOB_BACKUP], 1 + 24);
}

static void each_job_knows_its_next_time(void **state)
{
	struct timetable_settings s = timetable_defaults();
	int64_t now_s;

	(void)state;
	use_zone(BERLIN);
	now_s = at(2027, 1, 6, 0, 12); /* a Wednesday */
	assert_int_equal(timetable_next(&s, JOB_INDEX, now_s), at(2027, 1, 6, 0, 35));
	assert_int_equal(timetable_next(&s, JOB_NOTES, now_s), at(2027, 1, 6, 0, 15));
	assert_int_equal(timetable_next(&s, JOB_STAMP_MANY, now_s), at(2027, 1, 6, 0, 15));
	assert_int_equal(timetable_next(&s, JOB_FETCH, now_s), at(2027, 1, 6, 0, 17));
	assert_int_equal(timetable_next(&s, JOB_ERASE_INDEX, now_s), at(2027, 1, 6, 2, 30));
	assert_int_equal(timetable_next(&s, JOB_ERASE_MEDIA, now_s), at(2027, 1, 6, 3, 40));
	assert_int_equal(timetable_next(&s, JOB_BACKUP_FULL, now_s), at(2027, 1, 6, 1, 12));
	assert_int_equal(timetable_next(&s, JOB_BACKUP, now_s), at(2027, 1, 6, 2, 12));
	assert_int_equal(timetable_next(&s, JOB_STATISTICS, now_s), at(2027, 1, 6, 6, 30));
	assert_int_equal(timetable_next(&s, JOB_STAMP, now_s), at(2027, 1, 6, 23, 57));
	s.stamp = s.backup_full = RHYTHM_WEEKLY;
	s.fetch = false;
	s.paused[JOB_STATISTICS] = true;
	assert_int_equal(timetable_next(&s, JOB_STAMP, now_s), at(2027, 1, 10, 23, 57));
	assert_int_equal(timetable_next(&s, JOB_BACKUP_FULL, now_s), at(2027, 1, 10, 1, 12));
	assert_int_equal(timetable_next(&s, JOB_FETCH, now_s), 0);
	assert_int_equal(timetable_next(&s, JOB_STATISTICS, now_s), 0);
}

static void assert_when(const struct timetable_settings *s, enum job job, const char *words)
{
	CLEAN_STR out = STR_INIT;

	timetable_when(s, job, &out);
	assert_string_equal(out.data, words);
}

static void each_job_says_in_words_when_it_runs(void **state)
{
	struct timetable_settings s = timetable_defaults();

	(void)state;
	assert_when(&s, JOB_INDEX, ":05 and :35 of each hour");
	assert_when(&s, JOB_NOTES, ":00, :15, :30 and :45 of each hour");
	assert_when(&s, JOB_BACKUP, ":12 of each hour, but not at 01:12");
	assert_when(&s, JOB_BACKUP_FULL, "daily at 01:12");
	assert_when(&s, JOB_STAMP, "daily at 23:57");
	s.backup = RHYTHM_DAILY;
	assert_when(&s, JOB_BACKUP, "never, as the full backup runs daily");
	s.backup_full = s.stamp = RHYTHM_WEEKLY;
	assert_when(&s, JOB_BACKUP, "Mondays to Saturdays at 01:12");
	assert_when(&s, JOB_STAMP, "Sundays at 23:57");
	s.backup = RHYTHM_HOURLY;
	assert_when(&s, JOB_BACKUP, ":12 of each hour, but not Sundays at 01:12");
	s.paused[JOB_BACKUP_FULL] = true;
	assert_when(&s, JOB_BACKUP, ":12 of each hour");
	s.fetch = false;
	assert_when(&s, JOB_FETCH, "never, as fetching is off");
}

static void settings_are_read_as_they_were_written(void **state)
{
	struct fixture *f = *state;
	const char *path = fixture_path(f, "timetable.conf");
	struct timetable_settings s = timetable_defaults(), got;

	assert_int_equal(timetable_settings_read(path, &got, &f->err), 0);
	assert_memory_equal(&got, &s, sizeof(s));
	s = (struct timetable_settings){RHYTHM_WEEKLY, RHYTHM_DAILY, RHYTHM_WEEKLY, false, {0}};
	s.paused[JOB_STAMP_MANY] = s.paused[JOB_INDEX] = true;
	assert_int_equal(timetable_settings_write(path, &s, &f->err), 0);
	assert_int_equal(timetable_settings_read(path, &got, &f->err), 0);
	assert_memory_equal(&got, &s, sizeof(s));
}

static void a_mistake_in_the_settings_is_named_with_its_line(void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{"stamp = hourly\n", "line 1: stamp takes one of: daily, weekly; not \"hourly\""},
		{"# once\nbackup = weekly\n", "line 2: backup takes one of: hourly, daily;"},
		{"fetch = yes\n\nbackup_full = Daily\n", "line 3: backup_full takes one of"},
		{"fetch = on\n", "line 1: fetch takes yes or no"},
		{"pause_index = maybe\n", "line 1: pause_index takes yes or no"},
		{"pause_indes = yes\n", "line 1: there is no setting \"pause_indes\""},
		{"stamp = daily\nstamp = daily\n", "line 2: stamp is set twice"},
		{"weekly\n", "line 1: a setting reads"},
	};
	struct fixture *f = *state;
	const char *path = fixture_path(f, "timetable.conf");
	struct timetable_settings got;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		fixture_write(path, VIEW(rows[i].text));
		assert_int_equal(timetable_settings_read(path, &got, &f->err), -1);
		assert_int_equal(f->err.kind, ERR_SYNTAX);
		if (strstr(f->err.text, rows[i].says) == NULL)
			fail_msg("%s: %s", rows[i].says, f->err.text);
		err_clear(&f->err);
	}
}

static void jobs_are_found_by_their_names(void **state)
{
	enum job found;

	(void)state;
	for (enum job job = 0; job < JOB_COUNT; job++) {
		assert_int_equal(job_by_name(job_name(job), &found), 0);
		assert_int_equal(found, job);
	}
	assert_int_equal(job_by_name("INDEX", &found), -1);
	assert_int_equal(job_by_name("", &found), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_week_has_the_documented_times_and_no_others),
		cmocka_unit_test(a_year_of_minutes_runs_each_job_so_often),
		cmocka_unit_test(leap_day_and_new_year_are_days_like_others),
		cmocka_unit_test(in_the_hour_that_is_skipped_daily_jobs_run_once_behind_it),
		cmocka_unit_test(
			in_the_hour_that_comes_twice_daily_jobs_run_once_and_fetching_goes_on),
		cmocka_unit_test(a_restart_in_the_second_hour_repeats_nothing),
		cmocka_unit_test(the_full_backup_runs_once_also_where_its_hour_is_the_one),
		cmocka_unit_test(every_day_in_every_zone_has_each_daily_job_once),
		cmocka_unit_test(a_restart_at_any_minute_loses_and_repeats_nothing),
		cmocka_unit_test(a_busy_machine_that_looks_late_begins_each_job_once),
		cmocka_unit_test(
			after_three_hours_off_what_was_missed_runs_once_and_frequent_jobs_wait),
		cmocka_unit_test(after_days_or_weeks_off_each_daily_job_runs_once),
		cmocka_unit_test(a_weekly_job_is_made_up_for_if_its_day_was_missed),
		cmocka_unit_test(the_first_start_of_all_makes_up_for_nothing),
		cmocka_unit_test(a_clock_back_by_half_a_minute_repeats_nothing),
		cmocka_unit_test(
			a_clock_back_by_two_hours_repeats_no_daily_job_and_stops_no_fetching),
		cmocka_unit_test(a_clock_back_by_three_days_is_believed),
		cmocka_unit_test(a_clock_forward_by_two_days_makes_up_once),
		cmocka_unit_test(a_clock_that_is_wrong_for_a_while_and_right_again_stops_nothing),
		cmocka_unit_test(paused_jobs_are_not_due_nor_made_up_for),
		cmocka_unit_test(what_is_set_to_weekly_or_daily_or_off_is),
		cmocka_unit_test(the_incremental_backup_gives_way_to_the_full_one),
		cmocka_unit_test(each_job_knows_its_next_time),
		cmocka_unit_test(each_job_says_in_words_when_it_runs),
		cmocka_unit_test_setup_teardown(settings_are_read_as_they_were_written,
						fixture_folder, fixture_teardown),
		cmocka_unit_test_setup_teardown(a_mistake_in_the_settings_is_named_with_its_line,
						fixture_folder, fixture_teardown),
		cmocka_unit_test(jobs_are_found_by_their_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
