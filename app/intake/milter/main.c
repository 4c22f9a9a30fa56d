/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sealpost-milter - captures mail as the mail server gets it, before any filter has seen it.
 *
 *     sealpost-milter [--archive DIR] [--verbose] [--follow]
 *
 * ARCHIVE/milter.conf says where it listens, and as what (settings.h, session.h). libmilter serves one socket
 * a process, so there is one for each, watched by this one: it reads nothing from anybody, and
 * replaces one that dies. One that ends because it cannot start ends them all, with status 1. On SIGTERM or
 * SIGINT to this process, or when there are other settings that would do, they finish the mails they are receiving. (The signal is for this process alone,
 * KillMode=mixed with systemd: one that got it itself would drop them. They would be sent again.)
 *
 * SECURITY: started by root, each process opens its socket and then becomes the settings' user for good
 * (base/jail.h); it needs ARCHIVE/spool and the spool's public key, and no network. It cannot read what it
 * captured. Who may connect to the sockets could put mail into the archive: they belong in a folder that is the mail
 * server's alone.
 */
#include "app/intake/milter/listener.h"
#include "app/intake/renewed.h"
#include "base/clock.h"
#include "base/jail.h"
#include "base/log.h"
#include "base/notify.h"
#include "base/secret.h"
#include "base/service.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum { RESTART_MS = 200, GRACE_MS = 15000, LOOK_MS = 2000 };

static const char failed[] = "Until this is mended no mail comes in by this door. None is lost: "
			     "senders keep theirs and try again.";

struct child {
	const struct milter_listener *listener;
	pid_t pid; /* 0: not running */
	int fd;    /* readable when it has died */
};

struct milter {
	const struct service *service;
	const struct milter_settings *settings;
	struct child *children; /* one a listener */
	size_t n;
	int stop_fd;
	int life[2];  /* a pipe that ends when the children are to end, or this process does */
	int ready[2]; /* a byte from each child that listens */
	size_t n_ready;
	struct renewed renewed;
	int64_t looked_ms;
};

/* --- the processes ---------------------------------------------------------------------------- */

static int run_child(const struct milter *m, const struct milter_listener *listener)
{
	struct err err = {0};

	close(m->life[1]); /* the other end is this process's parent alone */
	listener_run(m->service->archive_dir, m->settings, listener, m->life[0], m->ready[1], &err);
	return service_failed(m->service, &err, failed);
}

static int start(struct milter *m, struct child *child, struct err *err)
{
	pid_t pid = fork();

	if (pid < 0)
		return err_errno(err, "fork: %m");
	if (pid == 0)
		_exit(run_child(m, child->listener));
	child->pid = pid;
	child->fd = pidfd_open(pid, 0);
	if (child->fd < 0)
		return err_errno(err, "pidfd_open: %m");
	return 0;
}

static int start_all(struct milter *m, struct err *err)
{
	for (size_t i = 0; i < m->n; i++)
		if (start(m, &m->children[i], err) < 0)
			return -1;
	return 0;
}

/* Its exit status, in the words of waitpid(2). */
static int reap(struct child *child)
{
	int status = 0;

	while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
		;
	if (child->fd >= 0)
		close(child->fd);
	child->pid = 0;
	child->fd = -1;
	return status;
}

/* All are told first, so that they end beside each other. */
static void end_all(struct milter *m)
{
	close(m->life[1]);
	for (size_t i = 0; i < m->n; i++) {
		struct child *child = &m->children[i];
		struct pollfd died = {.fd = child->fd, .events = POLLIN};

		if (child->pid == 0)
			continue;
		if (poll(&died, 1, GRACE_MS) <= 0)
			kill(child->pid, SIGKILL);
		reap(child);
	}
}

/* --- watching over them ----------------------------------------------------------------------- */

/* 1: asked to stop within MS (-1: whenever); 0: not, or there is news of a child. */
static int wait_for(const struct milter *m, bool children, int ms)
{
	enum { STOP, READY, FIRST };
	struct pollfd *fds = mem_new((FIRST + m->n) * sizeof(*fds));
	int asked;

	fds[STOP] = (struct pollfd){.fd = m->stop_fd, .events = POLLIN};
	fds[READY] = (struct pollfd){.fd = m->ready[0], .events = POLLIN};
	for (size_t i = 0; children && i < m->n; i++)
		fds[FIRST + i] = (struct pollfd){.fd = m->children[i].fd, .events = POLLIN};
	poll(fds, children ? FIRST + m->n : 1, ms);
	asked = fds[0].revents != 0;
	free(fds);
	return asked;
}

static bool has_died(const struct child *child)
{
	struct pollfd died = {.fd = child->fd, .events = POLLIN};

	return poll(&died, 1, 0) > 0;
}

/* 0, or -1: one that cannot do its work. What it said of that stands in the log already. */
static int replace_dead(struct milter *m, struct err *err)
{
	for (size_t i = 0; i < m->n; i++) {
		struct child *child = &m->children[i];
		int status;

		if (!has_died(child))
			continue;
		status = reap(child);
		if (WIFEXITED(status))
			return err_set(err, ERR_STOPPED, "the %s process ended",
				       milter_role_text(child->listener->role));
		log_error("milter process died role=%s signal=%d; a new one takes its place",
			  milter_role_text(child->listener->role), WTERMSIG(status));
		if (wait_for(m, false, RESTART_MS))
			return 0;
		if (start(m, child, err) < 0)
			return -1;
	}
	return 0;
}

/* All of them listen for the first time. */
static void hear_ready(struct milter *m)
{
	char byte;

	while (read(m->ready[0], &byte, 1) == 1)
		if (++m->n_ready == m->n)
			notify_ready();
}

/* What is wrong with other settings is logged, and not taken. */
static bool is_renewed(struct milter *m)
{
	CLEAN(milter_settings) settings = NULL;
	int64_t now_ms = clock_monotonic_ms();
	struct err err = {0};

	if (now_ms - m->looked_ms < LOOK_MS)
		return false;
	m->looked_ms = now_ms;
	if (!renewed_look(&m->renewed))
		return false;
	if (access(m->renewed.file[0].path, F_OK) == 0 &&
	    milter_settings_read(m->service->archive_dir, &settings, &err) < 0) {
		log_error("%s; mail is captured as before, until this is corrected", err.text);
		return false;
	}
	log_info("settings have changed");
	return true;
}

static int watch(struct milter *m, struct err *err)
{
	if (start_all(m, err) < 0)
		return -1;
	while (!wait_for(m, true, notify_wait_ms(LOOK_MS)) && !is_renewed(m)) {
		notify_alive();
		hear_ready(m);
		if (replace_dead(m, err) < 0)
			return -1;
	}
	return 0;
}

static int run(const struct service *service, struct err *err)
{
	CLEAN(milter_settings) settings = NULL;
	CLEAN_STR path = STR_INIT;
	struct milter m = {.service = service};
	int rc;

	str_addf(&path, "%s/milter.conf", service->archive_dir);
	renewed_add(&m.renewed, path.data);
	if (milter_settings_read(service->archive_dir, &settings, err) < 0 ||
	    jail_signals(service->follow, &m.stop_fd, err) < 0)
		return -1;
	if (pipe2(m.life, O_CLOEXEC) < 0 || pipe2(m.ready, O_CLOEXEC | O_NONBLOCK) < 0)
		return err_errno(err, "pipe: %m");
	m.settings = settings;
	m.n = settings->n_listeners;
	m.children = mem_new(m.n * sizeof(*m.children));
	for (size_t i = 0; i < m.n; i++)
		m.children[i] = (struct child){.listener = &settings->listeners[i], .fd = -1};
	rc = watch(&m, err);
	end_all(&m);
	free(m.children);
	renewed_clear(&m.renewed);
	return rc;
}

int main(int argc, char **argv)
{
	struct service service = {.name = "milter"};
	struct err err = {0};

	secret_harden_process();
	if (service_parse(&service, argc, argv) < 0)
		return SERVICE_USAGE;
	if (run(&service, &err) == 0)
		return SERVICE_DONE;
	return service_failed(&service, &err, failed);
}
