/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scheduler/timetable.h"

#include <time.h>

enum { MINUTE_S = 60, DAY_S = 24 * 60 * 60 };
/* Within so many days every job was due once; what is further back is not looked at. */
enum { LOOK_S = 8 * DAY_S };
enum { EACH_HOUR = -1, SUNDAY = 0 };

#define AT(minute) (1ULL << (minute))

struct row {
	int hour;         /* or EACH_HOUR */
	uint64_t minutes; /* a bit each */
	bool sundays;     /* and on no other day */
};

/* The documented times. */
static const struct row table[JOB_COUNT] = {
	[JOB_INDEX] = {EACH_HOUR, AT(5) | AT(35), false},
	[JOB_NOTES] = {EACH_HOUR, AT(0) | AT(15) | AT(30) | AT(45), false},
	[JOB_STAMP_MANY] = {EACH_HOUR, AT(0) | AT(15) | AT(30) | AT(45), false},
	[JOB_FETCH] = {EACH_HOUR, AT(2) | AT(17) | AT(32) | AT(47), false},
	[JOB_ERASE_INDEX] = {2, AT(30), false},
	[JOB_ERASE_MEDIA] = {3, AT(40), false},
	[JOB_BACKUP_FULL] = {1, AT(12), false},
	[JOB_BACKUP] = {EACH_HOUR, AT(12), false},
	[JOB_STATISTICS] = {6, AT(30), false},
	[JOB_STAMP] = {23, AT(57), false},
};

/* --- the jobs --------------------------------------------------------------------------------- */

static const struct {
	const char *name, *help;
	enum job_lock lock;
	int64_t limit_s;
} jobs[JOB_COUNT] = {
#define X(job, name, lock, limit_s, help) {name, help, lock, limit_s},
	JOBS(X)
#undef X
};

const char *job_name(enum job job)
{
	return jobs[job].name;
}

const char *job_help(enum job job)
{
	return jobs[job].help;
}

enum job_lock job_lock(enum job job)
{
	return jobs[job].lock;
}

int64_t job_limit_s(enum job job)
{
	return jobs[job].limit_s;
}

int job_by_name(const char *name, enum job *job_r)
{
	for (enum job job = 0; job < JOB_COUNT; job++)
		if (strcmp(jobs[job].name, name) == 0) {
			*job_r = job;
			return 0;
		}
	return -1;
}

/* --- the table with its settings -------------------------------------------------------------- */

static struct row row_of(const struct timetable_settings *settings, enum job job)
{
	struct row row = table[job];

	if (job == JOB_BACKUP && settings->backup == RHYTHM_DAILY)
		row.hour = table[JOB_BACKUP_FULL].hour;
	if (job == JOB_BACKUP_FULL)
		row.sundays = settings->backup_full == RHYTHM_WEEKLY;
	if (job == JOB_STAMP)
		row.sundays = settings->stamp == RHYTHM_WEEKLY;
	return row;
}

static bool is_off(const struct timetable_settings *settings, enum job job)
{
	return settings->paused[job] || (job == JOB_FETCH && !settings->fetch);
}

static bool row_has(const struct row *row, const struct tm *at)
{
	return (row->hour == EACH_HOUR || row->hour == at->tm_hour) &&
	       (row->minutes & AT(at->tm_min)) != 0 && (!row->sundays || at->tm_wday == SUNDAY);
}

/* At this minute, whichever of two that a clock change makes. */
static bool is_listed(const struct timetable_settings *settings, enum job job, const struct tm *at)
{
	const struct row row = row_of(settings, job);

	if (is_off(settings, job) || !row_has(&row, at))
		return false;
	return job != JOB_BACKUP || !is_listed(settings, JOB_BACKUP_FULL, at); /* TT5 */
}

static bool is_often(const struct timetable_settings *settings, enum job job)
{
	return row_of(settings, job).hour == EACH_HOUR;
}

/* --- minutes ---------------------------------------------------------------------------------- */

struct minute {
	int64_t at_s;
	struct tm tm; /* local time */
	int skipped;  /* minutes of local time left out before this one */
};

static struct tm local(int64_t at_s)
{
	time_t t = (time_t)at_s;
	struct tm tm = {0};

	localtime_r(&t, &tm);
	return tm;
}

static struct minute minute_after(const struct tm *before, int64_t at_s)
{
	struct minute m = {.at_s = at_s, .tm = local(at_s)};
	long forward_s = m.tm.tm_gmtoff - before->tm_gmtoff;

	m.skipped = forward_s > 0 ? (int)(forward_s / MINUTE_S) : 0;
	return m;
}

/* The first whole minute after AFTER_S. */
static struct minute minute_begin(int64_t after_s)
{
	int64_t at_s = (after_s / MINUTE_S + 1) * MINUTE_S;
	struct tm before = local(at_s - MINUTE_S);

	return minute_after(&before, at_s);
}

static void minute_next(struct minute *m)
{
	*m = minute_after(&m->tm, m->at_s + MINUTE_S);
}

/* The clock was put back within the last day, and showed this very time before. */
static bool is_second(const struct minute *m)
{
	long before = local(m->at_s - DAY_S).tm_gmtoff, back_s = before - m->tm.tm_gmtoff;

	return back_s > 0 && local(m->at_s - back_s).tm_gmtoff == before;
}

static bool is_skipped(const struct timetable_settings *settings, enum job job,
		       const struct minute *m)
{
	for (int back = 1; back <= m->skipped; back++) {
		struct tm tm = m->tm;
		time_t t = timegm(&tm) - (time_t)back * MINUTE_S;

		gmtime_r(&t, &tm);
		if (is_listed(settings, job, &tm))
			return true;
	}
	return false;
}

/* TT2 */
static bool is_due(const struct timetable_settings *settings, enum job job, const struct minute *m)
{
	bool listed = is_listed(settings, job, &m->tm);

	if (is_often(settings, job))
		return listed;
	return (listed && !is_second(m)) || is_skipped(settings, job, m);
}

/* --- what is due ------------------------------------------------------------------------------ */

/* TT4. What the clock was put back by, as a negative number. */
static int64_t follow_clock(struct timetable_state *state, int64_t now_s)
{
	int64_t back_s = state->often_s - now_s;

	if (state->often_s == 0 || state->daily_s - now_s > DAY_S)
		state->often_s = state->daily_s = now_s;
	else if (back_s > TIMETABLE_LATE_S)
		state->often_s = now_s;
	else
		return 0;
	return back_s > TIMETABLE_LATE_S ? -back_s : 0;
}

/* What a minute makes due, of what was not dealt with before. */
static void work_off(const struct timetable_settings *settings, const struct timetable_state *state,
		     const struct minute *m, int64_t now_s, struct due *due)
{
	for (enum job job = 0; job < JOB_COUNT; job++) {
		bool often = is_often(settings, job);

		if (m->at_s <= (often ? state->often_s : state->daily_s) ||
		    (often && now_s - m->at_s > TIMETABLE_LATE_S))
			continue;
		if (!due->job[job])
			due->job[job] = is_due(settings, job, m);
	}
}

static bool is_any_due(const struct timetable_settings *settings, const struct minute *m)
{
	for (enum job job = 0; job < JOB_COUNT; job++)
		if (is_due(settings, job, m))
			return true;
	return false;
}

static int64_t next_of_all(const struct timetable_settings *settings, int64_t now_s)
{
	struct minute m = minute_begin(now_s);

	for (; m.at_s <= now_s + LOOK_S; minute_next(&m))
		if (is_any_due(settings, &m))
			break;
	return m.at_s;
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

void timetable_due(const struct timetable_settings *settings, struct timetable_state *state,
		   int64_t now_s, struct due *due_r)
{
	struct minute m;

	*due_r = (struct due){.jump_s = follow_clock(state, now_s)};
	if (now_s - state->often_s > TIMETABLE_LATE_S)
		due_r->jump_s = now_s - state->often_s;
	for (m = minute_begin(later(state->often_s, now_s - LOOK_S)); m.at_s <= now_s;
	     minute_next(&m))
		work_off(settings, state, &m, now_s, due_r);
	state->often_s = later(state->often_s, now_s);
	state->daily_s = later(state->daily_s, now_s);
	due_r->next_s = next_of_all(settings, now_s);
}

int64_t timetable_next(const struct timetable_settings *settings, enum job job, int64_t now_s)
{
	for (struct minute m = minute_begin(now_s); m.at_s <= now_s + LOOK_S; minute_next(&m))
		if (is_due(settings, job, &m))
			return m.at_s;
	return 0;
}

/* --- in words --------------------------------------------------------------------------------- */

/* ":05 and :35", "01:12" */
static void add_times(const struct row *row, struct str *out)
{
	uint64_t left = row->minutes;
	bool first = true;

	for (int minute = 0; left != 0; minute++) {
		if ((left & AT(minute)) == 0)
			continue;
		left &= ~AT(minute);
		str_adds(out, first ? "" : left == 0 ? " and " : ", ");
		if (row->hour != EACH_HOUR)
			str_addf(out, "%02d", row->hour);
		str_addf(out, ":%02d", minute);
		first = false;
	}
}

/* TT5 in words, behind or instead of ROW's. */
static void add_backup_times(const struct timetable_settings *settings, const struct row *row,
			     struct str *out)
{
	bool weekly = settings->backup_full == RHYTHM_WEEKLY;

	if (row->hour != EACH_HOUR && !weekly) {
		str_adds(out, "never, as the full backup runs daily");
		return;
	}
	str_adds(out, row->hour == EACH_HOUR ? "" : "Mondays to Saturdays at ");
	add_times(row, out);
	if (row->hour != EACH_HOUR)
		return;
	str_adds(out, " of each hour, but not ");
	str_adds(out, weekly ? "Sundays at " : "at ");
	add_times(&table[JOB_BACKUP_FULL], out);
}

void timetable_when(const struct timetable_settings *settings, enum job job, struct str *out)
{
	const struct row row = row_of(settings, job);

	if (job == JOB_BACKUP && !is_off(settings, JOB_BACKUP_FULL)) {
		add_backup_times(settings, &row, out);
		return;
	}
	if (job == JOB_FETCH && !settings->fetch) {
		str_adds(out, "never, as fetching is off");
		return;
	}
	if (row.hour != EACH_HOUR)
		str_adds(out, row.sundays ? "Sundays at " : "daily at ");
	add_times(&row, out);
	if (row.hour == EACH_HOUR)
		str_adds(out, " of each hour");
}
