/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/workers_priv.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* Room for one descriptor in a message, see cmsg(3). */
union control {
	struct cmsghdr align;
	char room[CMSG_SPACE(sizeof(int))];
};

int worker_hand_over(int channel, size_t listener, int fd)
{
	struct iovec iov = {&listener, sizeof(listener)};
	union control control = {.room = {0}};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = &control,
			     .msg_controllen = sizeof(control)};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	return sendmsg(channel, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -1 : 0;
}

/* The next connection: its descriptor, or -1 when it is time to leave. */
static int receive(const struct worker *w, size_t *listener_r)
{
	struct iovec iov = {listener_r, sizeof(*listener_r)};
	union control control;
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = &control,
			     .msg_controllen = sizeof(control)};
	const struct cmsghdr *cmsg;
	ssize_t n;
	int fd;

	do
		n = recvmsg(w->channel, &msg, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return -1;
	cmsg = CMSG_FIRSTHDR(&msg);
	must(n == sizeof(*listener_r) && *listener_r < w->n && cmsg != NULL);
	memcpy(&fd, CMSG_DATA(cmsg), sizeof(fd));
	return fd;
}

static void serve(const struct worker *w, size_t listener, int fd)
{
	CLEAN(conn) conn = conn_of_fd(fd);

	conn_set_stop(conn, w->stop_fd);
	w->ops->serve(w->ops->arg, w->listeners[listener].arg, conn);
}

/* Nothing of a worker outlives its master, not even one that hangs. */
static void follow_master(pid_t master)
{
	must(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0);
	if (getppid() != master)
		_exit(0);
}

static bool tell_idle(const struct worker *w)
{
	return send(w->channel, "", 1, MSG_NOSIGNAL) == 1;
}

void worker_run(const struct worker *w)
{
	size_t listener;
	int fd;

	follow_master(w->master);
	if (w->ops->begin != NULL)
		w->ops->begin(w->ops->arg);
	while (tell_idle(w) && (fd = receive(w, &listener)) >= 0)
		serve(w, listener, fd);
	_exit(0); /* what the master has registered with atexit() is the master's */
}
