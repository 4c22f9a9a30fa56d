/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scheduler/runner.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/program.h"

#include <poll.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define SEALPOST "" /* see program.h */

/* What `sealpost job run` ends with: done, and done with something left out. */
enum { STATUS_DONE = 0, STATUS_PARTLY = 3 };

struct run {
	pid_t pid;        /* 0: it does not run */
	int fd;           /* readable when it has ended */
	int64_t begun_ms; /* monotonic, as the next */
	int64_t asked_ms; /* when it was asked to end; 0 it was not */
};

struct runner {
	char *archive_dir;
	struct plan plan;
	struct run run[JOB_COUNT];
};

struct runner *runner_new(const char *archive_dir)
{
	struct runner *r = mem_new(sizeof(*r));

	r->archive_dir = mem_strdup(archive_dir);
	return r;
}

void runner_free(struct runner **runner)
{
	if (*runner == NULL)
		return;
	runner_stop(*runner);
	free((*runner)->archive_dir);
	free(*runner);
	*runner = NULL;
}

void runner_add(struct runner *r, const struct due *due)
{
	for (enum job job = 0; job < JOB_COUNT; job++)
		if (due->job[job])
			plan_add(&r->plan, job);
}

/* --- the beginning of a run ------------------------------------------------------------------- */

static int start(const struct runner *r, enum job job, struct run *run, struct err *err)
{
	const char *args[] = {"--archive",   r->archive_dir,   "job", "run",
			      job_name(job), "--by-timetable", NULL};

	if (program_start(SEALPOST, args, -1, &run->pid, err) < 0) {
		run->pid = 0;
		return -1;
	}
	run->fd = pidfd_open(run->pid, 0);
	must(run->fd >= 0); /* a child that nobody has waited for, and one descriptor a job */
	return 0;
}

static void begin(struct runner *r, enum job job, int64_t now_ms)
{
	struct run *run = &r->run[job];
	struct err err = {0};

	*run = (struct run){.begun_ms = now_ms};
	if (start(r, job, run, &err) == 0) {
		log_info("job begins job=%s pid=%ld", job_name(job), (long)run->pid);
		return;
	}
	log_error("the job %s was not run: %s. It is tried again when it is due again",
		  job_name(job), err.text);
	plan_done(&r->plan, job);
}

/* --- and its end ------------------------------------------------------------------------------ */

static bool has_ended(const struct run *run)
{
	struct pollfd p = {.fd = run->fd, .events = POLLIN};

	return poll(&p, 1, 0) > 0;
}

static void tell_end(enum job job, const struct run *run, int status, int64_t now_ms)
{
	long long s = (now_ms - run->begun_ms) / 1000;

	if (run->asked_ms != 0)
		log_info("job ended on request job=%s s=%lld", job_name(job), s);
	else if (WIFSIGNALED(status))
		log_error("job died job=%s signal=%d s=%lld: it is run again when it is due again",
			  job_name(job), WTERMSIG(status), s);
	else if (WEXITSTATUS(status) == STATUS_DONE || WEXITSTATUS(status) == STATUS_PARTLY)
		log_info("job ends job=%s status=%d s=%lld", job_name(job), WEXITSTATUS(status), s);
	else
		log_warn("job failed job=%s status=%d s=%lld: `sealpost job log %s` says why",
			 job_name(job), WEXITSTATUS(status), s, job_name(job));
}

static void bury(struct runner *r, enum job job, int64_t now_ms)
{
	struct run *run = &r->run[job];
	int status = 0;

	must(waitpid(run->pid, &status, 0) == run->pid);
	tell_end(job, run, status, now_ms);
	fd_cleanup(&run->fd);
	run->pid = 0;
	plan_done(&r->plan, job);
}

static void ask_to_end(struct run *run, int64_t now_ms)
{
	kill(run->pid, SIGTERM);
	run->asked_ms = now_ms;
}

/* RN3 */
static void watch(enum job job, struct run *run, int64_t now_ms)
{
	int64_t limit_ms = (job_limit_s(job) + RUNNER_GRACE_S) * 1000;

	if (run->asked_ms == 0 && now_ms - run->begun_ms > limit_ms) {
		log_error("job ended by force job=%s: it took longer than its %lld minutes, and "
			  "did not "
			  "end by itself",
			  job_name(job), (long long)job_limit_s(job) / 60);
		ask_to_end(run, now_ms);
	} else if (run->asked_ms != 0 && now_ms - run->asked_ms > RUNNER_KILL_S * 1000) {
		kill(run->pid, SIGKILL);
	}
}

void runner_step(struct runner *r, int64_t now_ms)
{
	enum job job;

	for (job = 0; job < JOB_COUNT; job++) {
		if (r->run[job].pid == 0)
			continue;
		if (has_ended(&r->run[job]))
			bury(r, job, now_ms);
		else
			watch(job, &r->run[job], now_ms);
	}
	while (plan_next(&r->plan, &job))
		begin(r, job, now_ms);
}

bool runner_is_idle(const struct runner *r)
{
	for (enum job job = 0; job < JOB_COUNT; job++)
		if (r->plan.waits[job] || r->plan.runs[job])
			return false;
	return true;
}

size_t runner_fds(const struct runner *r, int fds[JOB_COUNT])
{
	size_t n = 0;

	for (enum job job = 0; job < JOB_COUNT; job++)
		if (r->run[job].pid != 0)
			fds[n++] = r->run[job].fd;
	return n;
}

/* Until it has ended, or was killed for taking more than RUNNER_KILL_S. */
static void await_end(struct runner *r, enum job job)
{
	struct run *run = &r->run[job];
	struct pollfd p = {.fd = run->fd, .events = POLLIN};
	int64_t left_ms = run->asked_ms + RUNNER_KILL_S * 1000 - clock_monotonic_ms();

	if (poll(&p, 1, left_ms > 0 ? (int)left_ms : 0) <= 0)
		kill(run->pid, SIGKILL);
	bury(r, job, clock_monotonic_ms());
}

void runner_stop(struct runner *r)
{
	memset(r->plan.waits, 0, sizeof(r->plan.waits));
	for (enum job job = 0; job < JOB_COUNT; job++)
		if (r->run[job].pid != 0)
			ask_to_end(&r->run[job], clock_monotonic_ms());
	for (enum job job = 0; job < JOB_COUNT; job++)
		if (r->run[job].pid != 0)
			await_end(r, job);
}
