/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui-backend/child.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/ipc.h"
#include "base/program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { INPUT_MAX = 64 * 1024, PIECE = 16 * 1024, ORDER_MS = 1000 };

struct child {
	pid_t pid;   /* 0: it has been waited for, or is sealpost-starter's */
	int out;     /* its standard output; sealpost-starter's answer */
	bool others; /* sealpost-starter's */
	int64_t end_ms;
	size_t max;
	struct str output;
	child_fn *then;
	void *arg;
};

/* With its request, however that ends. */
static void end_child(void *arg)
{
	struct child *child = arg;

	if (child->pid > 0) {
		kill(child->pid, SIGKILL);
		waitpid(child->pid, NULL, 0);
	}
	fd_cleanup(&child->out);
	if (child->output.cap > 0)
		explicit_bzero(child->output.data, child->output.cap);
	str_clear(&child->output);
}

static int status_of(struct child *child)
{
	int status = 0;

	if (child->others)
		return child->output.len == 1 ? (unsigned char)child->output.data[0] : EXIT_FAILURE;
	waitpid(child->pid, &status, 0);
	child->pid = 0;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* 1 there may be more later, 0 the end, -1. */
static int read_some(struct child *child, struct err *err)
{
	char piece[PIECE];
	ssize_t n;

	while ((n = read(child->out, piece, sizeof(piece))) > 0) {
		if (child->output.len + (size_t)n > child->max)
			return err_set(err, ERR_TOOBIG, "another program says too much");
		str_add(&child->output, piece, (size_t)n);
	}
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		return err_errno(err, "read what another program says: %m");
	return n < 0;
}

static int go_on(struct api_request *r, void *arg, bool late, struct err *err)
{
	struct child *child = arg;
	int64_t left_ms = child->end_ms - clock_monotonic_ms();
	int rc = late ? 0 : read_some(child, err);

	if (rc < 0)
		return -1;
	if (rc > 0)
		return reply_later(r, child->out, left_ms > 0 ? (int)left_ms : 0, go_on, child,
				   err);
	if (late)
		return child->then(r, child->arg, true, 0, VIEW(""), err);
	return child->then(r, child->arg, false, status_of(child), str_view(&child->output), err);
}

/* A socket, or a pipe, that has all of INPUT in it, and then its end. */
static int input_of(struct view input, bool by_pipe, int *fd_r, struct err *err)
{
	int pair[2];
	ssize_t n;

	if (input.len > INPUT_MAX)
		return err_set(err, ERR_TOOBIG, "too much to hand to another program");
	if ((by_pipe ? pipe2(pair, O_CLOEXEC | O_NONBLOCK)
		     : socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) < 0)
		return err_errno(err, "hand over: %m");
	n = by_pipe ? write(pair[1], input.data, input.len)
		    : send(pair[1], input.data, input.len, MSG_DONTWAIT | MSG_NOSIGNAL);
	close(pair[1]);
	*fd_r = pair[0];
	return n == (ssize_t)input.len ? 0 : err_errno(err, "hand over: %m");
}

/* 1, 0 there is none. */
static int order(struct child *child, const struct child_call *call, struct err *err)
{
	const char *path = getenv(START_SOCKET);
	int rc;

	if (call->start == START_NOTHING || path == NULL)
		return 0;
	rc = program_connect(path, &child->out, err);
	if (rc == 0)
		return err_set(err, ERR_OFFLINE, "%s: nobody listens there", path);
	if (rc < 0 ||
	    ipc_send_within(child->out, ORDER_MS, (uint32_t)call->start, call->named, err) < 0)
		return -1;
	child->others = true;
	return 1;
}

static int start(struct child *child, const struct child_call *call, struct err *err)
{
	CLEAN_FD input = -1;
	int out[2];
	int rc;

	if (call->input.len > 0 && input_of(call->input, call->by_pipe, &input, err) < 0)
		return -1;
	if (pipe2(out, O_CLOEXEC) < 0)
		return err_errno(err, "pipe: %m");
	child->out = out[0];
	rc = program_start_with(call->name, call->args, &(struct program_fds){input, out[1], -1},
				&child->pid, err);
	close(out[1]);
	return rc;
}

int child_run(struct api_request *r, const struct child_call *call, child_fn *then, void *arg,
	      struct err *err)
{
	struct child *child = arena_get(r->arena, sizeof(*child));
	int rc;

	*child = (struct child){.out = -1,
				.end_ms = clock_monotonic_ms() + call->timeout_ms,
				.max = call->max_output,
				.then = then,
				.arg = arg};
	str_init(&child->output);
	request_at_end(r, end_child, child);
	rc = order(child, call, err);
	if (rc < 0 || (rc == 0 && start(child, call, err) < 0))
		return -1;
	if (fcntl(child->out, F_SETFL, O_NONBLOCK) < 0)
		return err_errno(err, "pipe: %m");
	return reply_later(r, child->out, call->timeout_ms, go_on, child, err);
}
