/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/cmd/job_run.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum { GRACE_MS = 10 * 1000, WAKE_MS = 1000, PIECE = 4096 };

struct running {
	const struct cmd *cmd;
	struct archive *a;
	const struct job_work *work;
	bool by_hand;
	int64_t deadline_ms; /* monotonic */
	enum job_result result;
	struct str summary, log;
};

/* A step that was started. */
struct child {
	pid_t pid;
	int ended;       /* readable when it has */
	int out, err;    /* what it writes; -1: closed, or not caught */
	struct str line; /* the last whole line of its standard output, and what came behind it */
	size_t begun;    /* where that begins */
};

/* ---- what a step writes ---- */

/* The end of a log tells why something failed: the beginning goes. */
static void keep(struct str *log, const char *data, size_t len)
{
	str_add(log, data, len);
	if (log->len <= 2 * JOB_LOG_MAX)
		return;
	memmove(log->data, log->data + (log->len - JOB_LOG_MAX), JOB_LOG_MAX);
	log->len = JOB_LOG_MAX;
	log->data[log->len] = '\0';
}

/* Of all lines so far, only the last whole one that says anything stays in front of the one that is being written. */
static void note_lines(struct child *c, const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (data[i] != '\n') {
			str_addc(&c->line, data[i]);
			continue;
		}
		if (c->line.len > c->begun) {
			memmove(c->line.data, c->line.data + c->begun, c->line.len - c->begun);
			c->line.len -= c->begun;
			c->begun = c->line.len;
		}
	}
}

/* At its end the pipe is closed, and *FD -1. */
static void pass_on(struct running *r, struct child *c, int *fd, int to)
{
	char piece[PIECE];
	ssize_t n = read(*fd, piece, sizeof(piece));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		fd_cleanup(fd);
		return;
	}
	keep(&r->log, piece, (size_t)n);
	if (to == STDOUT_FILENO)
		note_lines(c, piece, (size_t)n);
	if (r->by_hand && !(to == STDOUT_FILENO && r->cmd->json) && write(to, piece, (size_t)n) < 0)
		r->by_hand = false; /* nobody looks on any more */
}

/* Pass on what it writes until it has ended: true. False: the time has come (monotonic), or, if this HEEDS_STOP, we are to stop.
 * What holds its pipes open beyond its end is not waited for. */
static bool await_child(struct running *r, struct child *c, int64_t until_ms, bool heeds_stop)
{
	bool has_ended = false;

	for (;;) {
		struct pollfd fds[] = {{.fd = c->out, .events = POLLIN},
				       {.fd = c->err, .events = POLLIN},
				       {.fd = c->ended, .events = POLLIN}};
		int64_t left = until_ms - clock_monotonic_ms();

		if (left <= 0 || (heeds_stop && cmd_stop(NULL)))
			return false;
		/* a signal just before poll() would not wake it */
		if (poll(fds, 3, left < WAKE_MS ? (int)left : WAKE_MS) <= 0)
			continue;
		if (fds[0].revents == 0 && fds[1].revents == 0) {
			if (has_ended)
				return true;
			/* its last words may have come while poll() looked: once more */
			has_ended = true;
		}
		if (fds[0].revents != 0)
			pass_on(r, c, &c->out, STDOUT_FILENO);
		if (fds[1].revents != 0)
			pass_on(r, c, &c->err, STDERR_FILENO);
	}
}

/* ---- a step's end ---- */

static enum job_result result_of(int status)
{
	if (WIFSIGNALED(status))
		return JOB_DIED;
	switch (WEXITSTATUS(status)) {
	case EXIT_DONE:
		return JOB_DONE;
	case EXIT_REFUSED:
		return JOB_PARTLY;
	default:
		return JOB_FAILED;
	}
}

static bool is_worse(enum job_result a, enum job_result b)
{
	static const int rank[] = {
		[JOB_RUNNING] = 0, [JOB_SKIPPED] = 1, [JOB_DONE] = 2,    [JOB_PARTLY] = 3,
		[JOB_FAILED] = 4,  [JOB_DIED] = 5,    [JOB_STOPPED] = 6, [JOB_TIMEOUT] = 7};

	return rank[a] > rank[b];
}

static void note_result(struct running *r, enum job_result result, const char *text)
{
	if (is_worse(result, r->result))
		r->result = result;
	if (text[0] == '\0')
		return;
	str_addf(&r->summary, "%s", r->summary.len > 0 ? "; " : "");
	str_addsafe(&r->summary, VIEW(text), false);
}

static int reap(const struct child *c)
{
	int status = 0;

	while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

/* It still runs at the limit, or when we are to stop: it is asked to end, heard out, and then made to. */
static void end_child(struct running *r, struct child *c)
{
	const bool stopped = cmd_stop(NULL);

	kill(c->pid, SIGTERM);
	if (!await_child(r, c, clock_monotonic_ms() + GRACE_MS, false)) {
		kill(c->pid, SIGKILL);
		str_adds(&r->log, "it had to be killed\n");
	}
	reap(c);
	note_result(r, stopped ? JOB_STOPPED : JOB_TIMEOUT,
		    stopped ? "stopped on request" : "ended, since it took longer than its limit");
}

static void bury_child(struct running *r, struct child *c)
{
	CLEAN_STR text = STR_INIT;
	int status = reap(c);

	if (WIFSIGNALED(status))
		str_addf(&text, "it was ended by signal %d", WTERMSIG(status));
	else
		str_add(&text, c->line.data, c->begun > 0 ? c->begun : c->line.len);
	if (text.len == 0 && WEXITSTATUS(status) != 0)
		str_addf(&text, "failed; \"sealpost job log %s\" tells why", r->work->name);
	note_result(r, result_of(status), text.data);
}

/* ---- a step ---- */

static int start_child(struct running *r, const struct job_step *step, struct child *c,
		       struct err *err)
{
	const char *args[JOB_STEP_ARGS + 3] = {"--archive", r->cmd->archive_dir};
	/* a terminal is left to the step itself, for its progress */
	const bool shows = r->by_hand && isatty(STDERR_FILENO);
	int out[2], errors[2] = {-1, -1}, rc;

	for (size_t i = 0; i < JOB_STEP_ARGS && step->args[i] != NULL; i++)
		args[i + 2] = step->args[i];
	if (pipe2(out, O_CLOEXEC) < 0)
		return err_errno(err, "pipe: %m");
	if (!shows && pipe2(errors, O_CLOEXEC) < 0) {
		close(out[0]);
		close(out[1]);
		return err_errno(err, "pipe: %m");
	}
	rc = program_start_with("", args, &(struct program_fds){-1, out[1], errors[1]}, &c->pid,
				err);
	close(out[1]);
	fd_cleanup(&errors[1]);
	c->out = out[0];
	c->err = errors[0];
	if (shows)
		str_adds(&r->log, "What it told stood on the terminal where it was run by hand.\n");
	if (rc < 0)
		return -1;
	c->ended = pidfd_open(c->pid, 0);
	must(c->ended >= 0); /* a child that nobody has waited for, and one descriptor */
	return 0;
}

static int run_step(struct running *r, const struct job_step *step, struct err *err)
{
	struct child c = {.ended = -1, .out = -1, .err = -1, .line = STR_INIT};
	int rc = step->is_set_up != NULL ? step->is_set_up(r->a, err) : 1;

	if (rc == 0)
		note_result(r, JOB_SKIPPED, step->why_not);
	if (rc <= 0)
		return rc;
	rc = start_child(r, step, &c, err);
	if (rc == 0) {
		if (await_child(r, &c, r->deadline_ms, true))
			bury_child(r, &c);
		else
			end_child(r, &c);
	}
	fd_cleanup(&c.ended);
	fd_cleanup(&c.out);
	fd_cleanup(&c.err);
	str_clear(&c.line);
	return rc;
}

static void run_steps(struct running *r)
{
	for (size_t i = 0; i < JOB_STEPS_MAX && r->work->steps[i].args[0] != NULL; i++) {
		struct err err = {0};

		if (r->result == JOB_STOPPED || r->result == JOB_TIMEOUT)
			return;
		if (run_step(r, &r->work->steps[i], &err) < 0)
			note_result(r, JOB_FAILED, err.text);
	}
}

/* ---- the whole ---- */

static int lock(const struct running *r, const char *what, const char *name, bool wait, int *fd_r,
		struct err *err)
{
	CLEAN_STR path = STR_INIT;
	int rc;

	str_addf(&path, "%s/lock", r->cmd->archive_dir);
	if (dir_make(path.data, 0700, err) < 0)
		return -1;
	str_addf(&path, "/%s-%s", what, name);
	rc = file_lock(path.data, fd_r, err);
	if (rc != 0 || !wait)
		return rc;
	if (r->by_hand)
		fprintf(stderr, "waiting for another job on the same %s to end\n", name);
	return file_lock_wait(path.data, cmd_stop, NULL, fd_r, err) < 0 ? -1 : 1;
}

static int run_locked(struct running *r, struct err *err)
{
	uint64_t run;

	if (job_runs_begin(archive_catalog(r->a), r->work->name, r->by_hand, &run, err) < 0)
		return -1;
	r->deadline_ms = clock_monotonic_ms() + r->work->limit_ms;
	log_info("job begins name=%s run=%llu", r->work->name, (unsigned long long)run);
	run_steps(r);
	log_info("job ended name=%s run=%llu result=%s", r->work->name, (unsigned long long)run,
		 job_result_text(r->result));
	return job_runs_end(archive_catalog(r->a), run, r->result, str_view(&r->summary),
			    str_view(&r->log), err);
}

int job_run(const struct cmd *cmd, struct archive *a, const struct job_work *work, bool by_hand,
	    enum job_result *result_r, struct err *err)
{
	struct running r = {.cmd = cmd,
			    .a = a,
			    .work = work,
			    .by_hand = by_hand,
			    .summary = STR_INIT,
			    .log = STR_INIT};
	CLEAN_FD own = -1;
	CLEAN_FD shared = -1;
	int rc = lock(&r, "job", work->name, false, &own, err);

	if (rc == 0)
		return err_set(err, ERR_BUSY, "the job %s runs already", work->name);
	if (rc < 0 ||
	    (work->class != NULL && lock(&r, "jobs", work->class, true, &shared, err) < 0))
		return -1;
	rc = run_locked(&r, err);
	*result_r = r.result;
	str_clear(&r.summary);
	str_clear(&r.log);
	return rc;
}
