/* SPDX-License-Identifier: GPL-3.0-or-later */
/* jobs.h - the runs of the timetable's jobs, as rows: when, how it ended, one line on what it did, and the log of one that failed. */
#ifndef APP_CATALOG_JOBS_H
#define APP_CATALOG_JOBS_H

#include "app/catalog/catalog.h"
#include "base/arena.h"

/* The numbers are in the catalog. */
enum job_result {
	JOB_RUNNING, /* or its process died, and nobody has said so yet */
	JOB_DONE,
	JOB_PARTLY, /* done with some items refused or left out */
	JOB_FAILED,
	JOB_TIMEOUT, /* it was ended at its limit */
	JOB_DIED,    /* its process ended without a word: a crash, or power was lost */
	JOB_STOPPED, /* on request */
	JOB_SKIPPED  /* there was nothing to do it with: no mirror, no authority, no account */
};
const char *job_result_text(enum job_result result);

enum { JOB_RUNS_KEPT = 100, JOB_LOG_MAX = 64 * 1024, JOB_SUMMARY_MAX = 500 };

struct job_run {
	uint64_t run;
	char *job;                /* in the arena, as the other texts */
	int64_t begun_s, ended_s; /* 0: it runs */
	enum job_result result;
	bool by_hand;
	char *summary, *log;
};

/* A run begins: earlier ones of this job that still "run" have died (the caller holds the job's lock). Each is a transaction. */
int job_runs_begin(struct catalog *catalog, const char *job, bool by_hand, uint64_t *run_r,
		   struct err *err);
/* It ends. LOG is kept of what is not JOB_DONE or JOB_SKIPPED, its last JOB_LOG_MAX bytes. Older runs than the last JOB_RUNS_KEPT of the job go. */
int job_runs_end(struct catalog *catalog, uint64_t run, enum job_result result, struct view summary,
		 struct view log, struct err *err);
int job_runs_last(struct catalog *catalog, struct arena *arena, const char *job,
		  struct job_run *run_r, struct err *err); /* 1, 0 never */
int job_runs_get(struct catalog *catalog, struct arena *arena, uint64_t run, struct job_run *run_r,
		 struct err *err); /* 1, 0 there is none, or not any more */
/* Newest first; JOB NULL: of all jobs. */
int job_runs_list(struct catalog *catalog, struct arena *arena, const char *job, size_t max,
		  struct job_run **v_r, size_t *n_r, struct err *err);
/* How many runs in a row failed, up to now (JOB_FAILED, JOB_TIMEOUT, JOB_DIED). */
int job_runs_failed(struct catalog *catalog, const char *job, unsigned *n_r, struct err *err);

#endif
