/* SPDX-License-Identifier: GPL-3.0-or-later */
/* runner.h - starting, watching and ending what is due. One run is one process, `sealpost job run NAME --by-timetable`, which holds the key,
 * writes the run's row and does the work (app/cmd/job.c); the scheduler holds nothing.
 *
 * (RN1) A job that is due while its last run goes on is not started a second time, nor kept for later: the run at hand does its work.
 * (RN2) Jobs of one lock run one after the other, in the order of JOBS; one that waits is begun as soon as the lock is free. And erase-media
 *       waits for erase-index, as far as that is due or runs: it erases what that has taken out of the index.
 * (RN3) A run that takes longer than its limit and RUNNER_GRACE_S is ended (SIGTERM, then SIGKILL) and told. The process itself ends the
 *       work at the limit; this is for one that does not even do that.
 * (RN4) When the scheduler is asked to end, it asks the runs to, and waits for them.
 */
#ifndef SCHEDULER_RUNNER_H
#define SCHEDULER_RUNNER_H

#include "scheduler/timetable.h"

#include <sys/types.h>

/* After RUNNER_KILL_S who was asked to end is killed. A run needs some seconds to end what it started. */
enum { RUNNER_GRACE_S = 60, RUNNER_KILL_S = 30 };

/* The bookkeeping alone, without processes. */
struct plan {
	bool waits[JOB_COUNT], runs[JOB_COUNT];
};
void plan_add(struct plan *plan, enum job job); /* RN1 */
/* The next one to begin now: 1, 0 none can. It counts as running from then on. */
int plan_next(struct plan *plan, enum job *job_r);
void plan_done(struct plan *plan, enum job job);

struct runner; /* the runs of one archive; the processes are children of this one */
struct runner *runner_new(const char *archive_dir);
void runner_free(struct runner **runner); /* stops it */

void runner_add(struct runner *r, const struct due *due);
/* Bury what has ended, end what takes too long, begin what can begin; NOW_MS is monotonic. What cannot be started is told, and no longer due. */
void runner_step(struct runner *r, int64_t now_ms);
/* Nothing runs, nothing waits. */
bool runner_is_idle(const struct runner *r);
/* Descriptors to poll: readable when a run has ended. Returns how many. */
size_t runner_fds(const struct runner *r, int fds[JOB_COUNT]);
void runner_stop(struct runner *r); /* RN4; what waits is forgotten */

#endif
