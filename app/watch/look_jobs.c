/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The timetable: do its jobs succeed, and are they run at all? */
#include "app/catalog/jobs.h"
#include "app/watch/alarms_priv.h"
#include "scheduler/timetable.h"

enum { FAILED_OFTEN = 3, FAILED_VERY_OFTEN = 10 };

int look_job(struct look *l, struct err *err)
{
	for (enum job job = 0; job < JOB_COUNT; job++) {
		unsigned failed;

		if (job_runs_failed(l->catalog, job_name(job), &failed, err) < 0)
			return -1;
		if (failed >= FAILED_OFTEN)
			look_raise(l, job_name(job),
				   failed >= FAILED_VERY_OFTEN ? ALARM_CRITICAL : ALARM_WARNING,
				   "the job %s (%s) has failed %u times in a row. No mail is lost "
				   "by that, but what it does is not done; see why: sealpost "
				   "--archive %s job log %s",
				   job_name(job), job_help(job), failed, l->dir, job_name(job));
	}
	return 0;
}

/* From when on a job whose last run began then is late: it was due twice since, and a day is over. Machines may be off for a night.
 * 0: it is not due at all. */
static int64_t late_after(const struct timetable_settings *settings, enum job job, int64_t begun_s)
{
	int64_t once_s = timetable_next(settings, job, begun_s), twice_s;

	if (once_s == 0)
		return 0;
	twice_s = timetable_next(settings, job, once_s);
	return (twice_s > begun_s + DAY_S ? twice_s : begun_s + DAY_S) + HOUR_S;
}

/* The last runs: when each began (0: never ran), and the newest of them. */
struct last_runs {
	int64_t begun_s[JOB_COUNT], newest_s;
};

static int read_last_runs(struct look *l, struct last_runs *runs_r, struct err *err)
{
	*runs_r = (struct last_runs){0};
	for (enum job job = 0; job < JOB_COUNT; job++) {
		struct job_run run;
		int rc = job_runs_last(l->catalog, l->arena, job_name(job), &run, err);

		if (rc < 0)
			return -1;
		if (rc == 0)
			continue;
		runs_r->begun_s[job] = run.begun_s;
		if (run.begun_s > runs_r->newest_s)
			runs_r->newest_s = run.begun_s;
	}
	return 0;
}

static void look_at_run(struct look *l, const struct timetable_settings *settings, enum job job,
			int64_t begun_s)
{
	int64_t late_s = late_after(settings, job, begun_s), age_s = l->now_s - begun_s;

	if (late_s != 0 && l->now_s > late_s)
		look_raise(
			l, job_name(job),
			age_s > 2 * (late_s - begun_s) ? ALARM_CRITICAL : ALARM_WARNING,
			"the job %s (%s) has not run for %s. No mail is lost by that, but what it "
			"does is not done. See what it waits for: sealpost --archive %s job list",
			job_name(job), job_help(job), look_span(l, age_s), l->dir);
}

/* An archive without a scheduler has no runs, and misses none. If nothing at all runs, that is one alarm. */
int look_job_late(struct look *l, struct err *err)
{
	struct timetable_settings settings;
	CLEAN_STR path = STR_INIT;
	struct last_runs runs;

	str_addf(&path, "%s/timetable.conf", l->dir);
	if (timetable_settings_read(path.data, &settings, err) < 0 ||
	    read_last_runs(l, &runs, err) < 0)
		return -1;
	if (runs.newest_s != 0 && l->now_s - runs.newest_s > DAY_S + HOUR_S) {
		look_raise(l, "", ALARM_CRITICAL,
			   "no job of the timetable has run for %s: no backup, no timestamp, no "
			   "update of the search index. Mail is archived on. Start "
			   "sealpost-scheduler (or sealpost serve), and see: sealpost --archive %s "
			   "job list",
			   look_span(l, l->now_s - runs.newest_s), l->dir);
		return 0;
	}
	for (enum job job = 0; job < JOB_COUNT; job++)
		if (runs.begun_s[job] != 0)
			look_at_run(l, &settings, job, runs.begun_s[job]);
	return 0;
}
