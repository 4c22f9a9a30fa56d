/* SPDX-License-Identifier: GPL-3.0-or-later */
/* job_run.h - one run of a job: its steps, each a `sealpost` of its own, under its locks and its limit, and the row that tells of it.
 *
 * (JR1) A job never runs twice at the same time (ARCHIVE/lock/job-NAME); jobs of one class wait for each other (ARCHIVE/lock/jobs-CLASS).
 * (JR2) What a step writes to standard output and error is kept, its end if it is long; the last line of standard output is its
 *       summary. The rule of all verbs holds: no address, no subject, no content of a mail stands there.
 * (JR3) A step that fails does not keep the next one from running; the worst of them is the job's result. One that has to be ended
 *       (limit, stop) is the last; it has ten seconds to tell of itself.
 * (JR4) This process may die at any moment: its step ends with it (jail_follow_starter()), and the next run finds the row unfinished, and
 *       says that it died.
 */
#ifndef APP_CMD_JOB_RUN_H
#define APP_CMD_JOB_RUN_H

#include "app/catalog/jobs.h"
#include "app/cmd/cmd.h"

enum { JOB_STEP_ARGS = 6, JOB_STEPS_MAX = 2 };
struct job_step {
	const char *args[JOB_STEP_ARGS]; /* of sealpost; NULL behind the last */
	/* 1 it has something to do it with; 0 it has not, as WHY_NOT says; NULL: always. */
	int (*is_set_up)(struct archive *a, struct err *err);
	const char *why_not;
};
struct job_work {
	const char *name;
	const char *class; /* of jobs that wait for each other; NULL: none */
	int64_t limit_ms;
	struct job_step steps[JOB_STEPS_MAX]; /* ended by one without arguments */
};

/* Run it. BY_HAND: someone looks on; what the steps print is passed on (standard output not with --json), and waiting is told. ERR_BUSY: it runs already. 0 when it ran, whatever
 * came of it: RESULT_R. */
int job_run(const struct cmd *cmd, struct archive *a, const struct job_work *work, bool by_hand,
	    enum job_result *result_r, struct err *err);

#endif
