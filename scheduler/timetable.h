/* SPDX-License-Identifier: GPL-3.0-or-later */
/* timetable.h - what an archive does by itself, and when (product.md, area Z): the table, and the pure question "what is due?".
 *
 * Times are local time (TZ). Nothing here reads a clock, a file or an environment but through localtime(3): tests run it over a year.
 *
 * (TT1) Time is worked off minute by minute: timetable_due() looks at every minute up to NOW, and at each only once.
 * (TT2) A clock change. Jobs that come every hour or oftener go on as time passes: they run in both hours of one that comes twice, and what
 *       they miss in an hour that is skipped is no time. Daily and weekly jobs run once for each documented minute of that day: in the first
 *       of two hours; at the first minute behind one that is skipped.
 * (TT3) Minutes more than TIMETABLE_LATE_S ago that were not worked off (the machine was off, asleep, or the scheduler did not run): daily and
 *       weekly jobs are due now, once, each if one of its times was passed by; jobs that come every hour or oftener are not. What
 *       is less late than that was kept up by a busy machine, and is due, each job once.
 * (TT4) The clock is put back. Jobs that come every hour or oftener go on with the new time; daily and weekly ones do not run again until time has come
 *       to where it was. Less than TIMETABLE_LATE_S is waited for by all. More than a day is believed: all begin anew.
 * (TT5) At 01:12 the incremental backup gives way to the full one, on days on which that is due; it runs then on the others. So if both are
 *       daily, only the full one runs.
 */
#ifndef SCHEDULER_TIMETABLE_H
#define SCHEDULER_TIMETABLE_H

#include "base/err.h"
#include "base/str.h"

#include <stdint.h>

/* What a job may not run beside: jobs of the same lock wait for each other, in the order of the table. */
enum job_lock { LOCK_NONE, LOCK_MEDIA, LOCK_INDEX, LOCK_STAMPS };

/* Name (in commands, rows and files), lock, limit in seconds, what it does. In the order in which those that are due at the same
 * minute, or wait for the same lock, begin: what must see the others' work comes behind them. The times are in timetable.c. */
#define JOBS(X)                                                                                    \
	X(INDEX, "index", LOCK_INDEX, 30 * 60, "update the search index")                          \
	X(NOTES, "notes", LOCK_INDEX, 10 * 60, "search index: personal categories and notes")      \
	X(STAMP_MANY, "stamp-many", LOCK_STAMPS, 30 * 60,                                          \
	  "timestamps, if at least 10,000 new mails wait")                                         \
	X(FETCH, "fetch", LOCK_NONE, 60 * 60, "fetch mail from POP3 / IMAP4 servers")              \
	X(ERASE_INDEX, "erase-index", LOCK_INDEX, 60 * 60,                                         \
	  "remove deleted mail from the search index")                                             \
	X(ERASE_MEDIA, "erase-media", LOCK_MEDIA, 4 * 60 * 60,                                     \
	  "remove deleted mail from the storage media")                                            \
	X(BACKUP_FULL, "backup-full", LOCK_MEDIA, 12 * 60 * 60, "full database backup + mirror")   \
	X(BACKUP, "backup", LOCK_MEDIA, 12 * 60 * 60, "incremental database backup + mirror")      \
	X(STATISTICS, "statistics", LOCK_NONE, 30 * 60, "statistics for admin")                    \
	X(STAMP, "stamp", LOCK_STAMPS, 60 * 60, "timestamps")
enum job {
#define X(job, name, lock, limit_s, help) JOB_##job,
	JOBS(X)
#undef X
		JOB_COUNT
};

const char *job_name(enum job job);
const char *job_help(enum job job);
enum job_lock job_lock(enum job job);
int64_t job_limit_s(enum job job);
int job_by_name(const char *name, enum job *job_r); /* 0, -1 there is none */

/* How often, where the administrator may choose. */
enum rhythm { RHYTHM_HOURLY, RHYTHM_DAILY, RHYTHM_WEEKLY };

/* ARCHIVE/timetable.conf, in the words of docs/ADMIN.md; `sealpost job set|pause|resume` writes it. */
struct timetable_settings {
	enum rhythm backup_full; /* daily (default), weekly: Sundays */
	enum rhythm backup;      /* hourly (default), daily: 01:12 only; see TT5 */
	enum rhythm stamp;       /* 23:57 daily (default), weekly: Sundays */
	bool fetch;              /* yes (default) */
	bool paused[JOB_COUNT];
};
struct timetable_settings timetable_defaults(void);
/* The words that may be chosen for JOB, NULL behind the last; NULL: there is no choice. And the one that is. */
const char *const *timetable_rhythms(enum job job);
const char *timetable_rhythm(const struct timetable_settings *settings, enum job job);
int timetable_choose(struct timetable_settings *settings, enum job job,
		     const char *word); /* 0, -1 it is none of them */
/* A missing file leaves the defaults. ERR_SYNTAX names the line. */
int timetable_settings_read(const char *path, struct timetable_settings *settings_r,
			    struct err *err);
int timetable_settings_write(const char *path, const struct timetable_settings *settings,
			     struct err *err);
void timetable_settings_table(struct str *out); /* see conf_table() */

/* Where the work has come to. What is lost with it is only which minutes were seen. */
struct timetable_state {
	/* All minutes up to these are dealt with: of jobs that come every hour or oftener, and of the others, for which it is later
	 * after the clock was put back. 0: begin at NOW, catching nothing up. */
	int64_t often_s, daily_s;
};
enum { TIMETABLE_LATE_S = 5 * 60 };

struct due {
	bool job[JOB_COUNT];
	int64_t jump_s; /* so much time went by unseen (TT3), or negative, the clock was put back by so much (TT4); 0 neither */
	int64_t next_s; /* the next minute at which anything is due */
};
/* What is to be begun now; the state goes on to NOW_S. Paused jobs are not due, nor made up for later. */
void timetable_due(const struct timetable_settings *settings, struct timetable_state *state,
		   int64_t now_s, struct due *due_r);
/* The next time JOB is due after NOW_S, as these settings are; 0: never (paused, off, or TT5). */
int64_t timetable_next(const struct timetable_settings *settings, enum job job, int64_t now_s);
/* When it runs if it is not paused, in words: ":05 and :35 of each hour", "Sundays at 01:12". */
void timetable_when(const struct timetable_settings *settings, enum job job, struct str *out);

#endif
