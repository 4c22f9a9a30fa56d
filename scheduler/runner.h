/* SPDX-License-Identifier: GPL-3.0-or-later */
/* runner.h - starting, watching and ending what is due. One run is one process, `sealpost job run NAME --by-timetable`, which holds the key,
 * writes the run's row and does the work (app/cmd/job.c); the scheduler holds nothing.
 *
 * (RN1) A job that is due while its last run goes on is not started a second time, nor kept for later: the run at hand does its work.
 * (RN2) Jobs of one lock run one after the other, in the order of JOBS; one that waits is begun as soon as the lock is free.
 * (RN3) A run that takes longer than its limit and RUNNER_GRACE_S is ended (SIGTERM, then SIGKILL) and told. The process itself ends the
 *       work at the limit; this is for one that does not even do that.
 * (RN4) When the scheduler is asked to end, it asks the runs to, and waits for them.
 */
#ifndef SCHEDULER_RUNNER_H
#define SCHEDULER_RUNNER_H

#include "scheduler/timetable.h"

#include <sys/types.h>

enum { RUNNER_GRACE_S = 60 };

/* The bookkeeping alone, without processes. */
struct plan {
	bool waits[JOB_COUNT], runs[JOB_COUNT];
};
void plan_add(struct plan *plan, enum job job); /* RN1 */
/* The next one to begin now: 1, 0 none can. It counts as running from then on. */
int plan_next(struct plan *plan, enum job *job_r);
void plan_done(struct plan *plan, enum job job);

struct runner;
/* TEST_PROGRAM: what to start instead of sealpost, with the job's name as its argument; NULL. */
int runner_new(const char *archive_dir, const char *test_program, struct runner **runner_r,
	       struct err *err);
void runner_free(struct runner **runner);
void runner_add(struct runner *r, const struct due *due);
/* Begin what can begin, bury what has ended, end what takes too long; NOW_MS is monotonic. */
int runner_step(struct runner *r, int64_t now_ms, struct err *err);
bool runner_is_idle(const struct runner *r);
/* Descriptors to poll: readable when a run has ended. Returns how many, at most JOB_COUNT. */
size_t runner_fds(const struct runner *r, int fds[JOB_COUNT]);
void runner_stop(struct runner *r); /* RN4 */

#endif
