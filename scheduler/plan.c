/* SPDX-License-Identifier: GPL-3.0-or-later */
/* plan - which of the jobs that are due may begin. */
#include "scheduler/runner.h"

void plan_add(struct plan *plan, enum job job)
{
	if (!plan->runs[job])
		plan->waits[job] = true;
}

static bool is_same_lock(enum job job, enum job other)
{
	return job_lock(job) != LOCK_NONE && job_lock(job) == job_lock(other);
}

/* Erased from the media is only what is out of the index; a night that is made up for has both at once. */
static bool needs(enum job job, enum job other)
{
	return job == JOB_ERASE_MEDIA && other == JOB_ERASE_INDEX;
}

/* RN1, RN2 */
static bool is_hindered(const struct plan *plan, enum job job)
{
	for (enum job other = 0; other < JOB_COUNT; other++) {
		bool same = is_same_lock(job, other);

		if (plan->runs[other] && (other == job || same || needs(job, other)))
			return true;
		if (plan->waits[other] && ((same && other < job) || needs(job, other)))
			return true;
	}
	return false;
}

int plan_next(struct plan *plan, enum job *job_r)
{
	for (enum job job = 0; job < JOB_COUNT; job++)
		if (plan->waits[job] && !is_hindered(plan, job)) {
			plan->waits[job] = false;
			plan->runs[job] = true;
			*job_r = job;
			return 1;
		}
	return 0;
}

void plan_done(struct plan *plan, enum job job)
{
	plan->runs[job] = false;
}
