/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui-backend/master.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/notify.h"
#include "ui-backend/metrics_server.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { GRACE_MS = 10000, PAUSE_MS = 1000, STARTED_MS = 1000, STARTS_MAX = 10 };

struct slot {
	pid_t pid; /* 0: none */
	int fd;    /* readable when it has died */
	int64_t started_ms, due_ms;
};

struct master {
	const struct server_options *options;
	size_t n; /* behind the workers' slots the one of the metrics, if they are told */
	struct slot *slots;
	int stop_pipe[2]; /* its end at the master closes: the workers end */
	int stop_fd;
	unsigned failed; /* starts in a row */
};

/* --- in a worker -------------------------------------------------------------------------------- */

static void follow_master(pid_t master)
{
	must(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0);
	if (getppid() != master)
		_exit(0);
}

static bool tells_metrics(const struct master *m, const struct slot *slot)
{
	return (size_t)(slot - m->slots) == m->options->settings->workers;
}

static int do_duty(const struct master *m, bool metrics, struct err *err)
{
	const struct server_options *o = m->options;

	if (metrics) {
		close(o->listener);
		return metrics_serve(o->archive_dir, o->metrics_listener, m->stop_pipe[0], err);
	}
	if (o->metrics_listener >= 0)
		close(o->metrics_listener);
	return server_run(o, m->stop_pipe[0], GRACE_MS, err);
}

static void work(struct master *m, bool metrics, pid_t master) __attribute__((noreturn));
static void work(struct master *m, bool metrics, pid_t master)
{
	struct err err = {0};
	int rc;

	follow_master(master);
	close(m->stop_pipe[1]);
	close(m->stop_fd);
	for (size_t i = 0; i < m->n; i++)
		if (m->slots[i].pid != 0)
			close(m->slots[i].fd);
	free(m->slots);
	rc = do_duty(m, metrics, &err);
	if (rc < 0)
		log_error("worker ends: %s", err.text);
	exit(rc < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}

/* --- the master --------------------------------------------------------------------------------- */

static int start(struct master *m, struct slot *slot, struct err *err)
{
	pid_t master = getpid(), pid = fork();

	if (pid < 0)
		return err_errno(err, "fork: %m");
	if (pid == 0)
		work(m, tells_metrics(m, slot), master);
	slot->pid = pid;
	slot->started_ms = clock_monotonic_ms();
	slot->fd = pidfd_open(pid, 0);
	return slot->fd < 0 ? err_errno(err, "pidfd_open: %m") : 0;
}

static void reap(struct slot *slot, int *status_r)
{
	waitpid(slot->pid, status_r, 0);
	close(slot->fd);
	slot->pid = 0;
}

/* One that dies young is not replaced at once, and if none gets old, something is wrong with all of them. People can do without
 * metrics. */
static int bury(struct master *m, struct slot *slot, struct err *err)
{
	int64_t now = clock_monotonic_ms();
	bool young = now - slot->started_ms < STARTED_MS;
	int status = 0;

	reap(slot, &status);
	log_warn("worker died status=%d signal=%d; another takes its place",
		 WIFEXITED(status) ? WEXITSTATUS(status) : 0,
		 WIFSIGNALED(status) ? WTERMSIG(status) : 0);
	if (!tells_metrics(m, slot))
		m->failed = young ? m->failed + 1 : 0;
	slot->due_ms = young ? now + PAUSE_MS : now;
	return m->failed >= STARTS_MAX ? err_set(err, ERR_IO, "no worker stays up") : 0;
}

static int start_due(struct master *m, struct err *err)
{
	int64_t now = clock_monotonic_ms();

	for (size_t i = 0; i < m->n; i++)
		if (m->slots[i].pid == 0 && m->slots[i].due_ms <= now &&
		    start(m, &m->slots[i], err) < 0)
			return -1;
	return 0;
}

static bool all_are_up(const struct master *m)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->slots[i].pid == 0)
			return false;
	return true;
}

/* Until a worker dies, the stop comes (1), or MS are over. */
static int wait_for_news(const struct master *m, struct pollfd *fds, int ms, struct err *err)
{
	fds[m->n] = (struct pollfd){.fd = m->stop_fd, .events = POLLIN};
	for (size_t i = 0; i < m->n; i++)
		fds[i] = (struct pollfd){.fd = m->slots[i].pid ? m->slots[i].fd : -1,
					 .events = POLLIN};
	notify_alive();
	if (poll(fds, (nfds_t)m->n + 1, notify_wait_ms(ms)) < 0 && errno != EINTR)
		return err_errno(err, "poll: %m");
	return fds[m->n].revents != 0;
}

static int run(struct master *m, struct pollfd *fds, struct err *err)
{
	for (;;) {
		int rc;

		if (start_due(m, err) < 0)
			return -1;
		rc = wait_for_news(m, fds, all_are_up(m) ? -1 : PAUSE_MS, err);
		if (rc != 0)
			return rc < 0 ? -1 : 0;
		for (size_t i = 0; i < m->n; i++)
			if (fds[i].revents != 0 && bury(m, &m->slots[i], err) < 0)
				return -1;
	}
}

/* Who has not ended after its grace time, and some, is killed. */
static void end_all(struct master *m)
{
	int64_t end_ms = clock_monotonic_ms() + GRACE_MS + GRACE_MS / 2;

	fd_cleanup(&m->stop_pipe[1]);
	for (size_t i = 0; i < m->n; i++) {
		struct slot *slot = &m->slots[i];
		struct pollfd p = {.fd = slot->fd, .events = POLLIN};
		int64_t left_ms = end_ms - clock_monotonic_ms();
		int status;

		if (slot->pid == 0)
			continue;
		if (poll(&p, 1, left_ms > 0 ? (int)left_ms : 0) == 0) {
			log_warn("worker killed, its time was over");
			kill(slot->pid, SIGKILL);
		}
		reap(slot, &status);
	}
}

int master_run(const struct server_options *options, int stop_fd, struct err *err)
{
	struct master m = {.options = options,
			   .n = options->settings->workers +
				(options->metrics_listener >= 0 ? 1 : 0),
			   .stop_pipe = {-1, -1},
			   .stop_fd = stop_fd};
	CLEAN_MEM struct pollfd *fds = mem_new((m.n + 1) * sizeof(*fds));
	int rc;

	if (pipe2(m.stop_pipe, O_CLOEXEC) < 0)
		return err_errno(err, "pipe: %m");
	m.slots = mem_new(m.n * sizeof(*m.slots));
	rc = run(&m, fds, err);
	end_all(&m);
	close(m.stop_pipe[0]);
	free(m.slots);
	return rc;
}
