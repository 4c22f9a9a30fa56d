/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sealpost-starter - starts the long work that people order, so that it is a unit's of its own, and outlives a restart of the page.
 *
 *     sealpost-starter [--archive DIR] [--verbose]
 *
 * systemd opens its socket and starts it with the first order (package/systemd); never by hand. Who may connect may order (app/task/start.h). It ends
 * when nothing is at work any more and nobody asked for a while; on SIGTERM or SIGINT, when what it started has ended. (systemd sends
 * them the signal, too.)
 *
 * Jail: no core dumps. It holds nothing, and reads a name of few letters; what it starts holds the key.
 */
#include "app/task/start.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/id.h"
#include "base/ipc.h"
#include "base/jail.h"
#include "base/log.h"
#include "base/notify.h"
#include "base/program.h"
#include "base/secret.h"
#include "base/service.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LOOK_MS = 2000, IDLE_MS = 30 * 1000, ORDER_MS = 2000, NAME_MAX_BYTES = 64 };

static int run(const char *program, const char *const *args, unsigned char *status_r,
	       struct err *err)
{
	pid_t pid;
	int status;

	if (program_start(program, args, -1, &pid, err) < 0)
		return -1;
	status = program_wait_status(pid, program, err);
	*status_r = status < 0 ? SERVICE_FAILED : (unsigned char)status;
	return status < 0 ? -1 : 0;
}

/* Words that are options to nobody. */
static bool is_name(struct view name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-";

	if (name.len == 0 || name.len > NAME_MAX_BYTES || name.data[0] == '-')
		return false;
	for (size_t i = 0; i < name.len; i++)
		if (strchr(letters, name.data[i]) == NULL)
			return false;
	return true;
}

static int start(const struct service *service, uint32_t what, const struct str *name,
		 unsigned char *status_r, struct err *err)
{
	const char *const task[] = {"--archive", service->archive_dir, "--verbose", name->data,
				    NULL};
	const char *const job[] = {"--archive", service->archive_dir, "job", "run",
				   name->data,  "--background",       NULL};

	if (!is_name(str_view(name)) || (what != START_TASK && what != START_JOB))
		return err_set(err, ERR_SYNTAX, "there is no such order");
	return what == START_TASK ? run("task", task, status_r, err) : run("", job, status_r, err);
}

static int take_order(const struct service *service, int fd, struct err *err)
{
	CLEAN_STR name = STR_INIT;
	unsigned char status = SERVICE_FAILED;
	uint32_t what;
	int rc = ipc_receive(fd, ORDER_MS, &what, &name, err);

	if (rc <= 0)
		return rc;
	rc = start(service, what, &name, &status, err);
	if (send(fd, &status, 1, MSG_NOSIGNAL) < 0)
		log_debug("who ordered it has gone: %m");
	return rc;
}

/* What went to the background has become a child of this process. */
static bool is_at_work(void)
{
	pid_t pid;

	do
		pid = waitpid(-1, NULL, WNOHANG);
	while (pid > 0);
	return pid == 0;
}

static void hear(const struct service *service, int listener)
{
	CLEAN_FD fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	struct err err = {0};

	if (fd >= 0 && take_order(service, fd, &err) < 0)
		log_error("ordered work did not begin: %s", err.text);
}

static void serve_orders(const struct service *service, int listener, int stop_fd)
{
	struct pollfd fds[] = {{.fd = stop_fd, .events = POLLIN},
			       {.fd = listener, .events = POLLIN}};
	int64_t busy_ms = clock_monotonic_ms();

	while (clock_monotonic_ms() - busy_ms < IDLE_MS) {
		int n = poll(fds, 2, notify_wait_ms(LOOK_MS));

		notify_alive();
		if (n > 0 && fds[0].revents != 0)
			return;
		if (n > 0 && fds[1].revents != 0)
			hear(service, listener);
		if (is_at_work() || (n > 0 && fds[1].revents != 0))
			busy_ms = clock_monotonic_ms();
	}
}

static int serve(const struct service *service, struct err *err)
{
	CLEAN_FD stop_fd = -1;
	CLEAN_FD listener = -1;

	if (jail_signals(false, &stop_fd, err) < 0 || notify_take_listener(&listener, err) < 0)
		return -1;
	if (listener < 0)
		return err_set(err, ERR_USAGE, "it is started by its socket's unit, never by hand");
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return err_errno(err, "prctl: %m");
	notify_ready();
	serve_orders(service, listener, stop_fd);
	notify_stopping();
	while (wait(NULL) > 0 || errno == EINTR)
		;
	return 0;
}

int main(int argc, char **argv)
{
	struct service service = {.name = "starter"};
	struct err err = {0};

	secret_harden_process();
	if (service_parse(&service, argc, argv) < 0)
		return SERVICE_USAGE;
	if (serve(&service, &err) == 0)
		return SERVICE_DONE;
	return service_failed(&service, &err,
			      "Until this is mended nothing that takes long can be ordered on the "
			      "page. Mail is archived all the same.");
}
