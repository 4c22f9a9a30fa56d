/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tsa/authority.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/ipc.h"
#include "base/program.h"
#include "tsa/authority_wire.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the program may need beyond the authority's own time, to start and to end. */
enum { GRACE_MS = 10 * 1000 };

static struct view text_of(const char *text)
{
	return VIEW(text != NULL ? text : "");
}

static struct view secret_of(const struct secret *secret)
{
	if (secret == NULL)
		return VIEW("");
	return (struct view){(const char *)secret_data(secret), secret_len(secret)};
}

static int start(int *fd_r, pid_t *pid_r, struct err *err)
{
	static const char *const no_args[] = {NULL};
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return err_errno(err, "socketpair: %m");
	if (program_start("tsa", no_args, fds[1], pid_r, err) < 0) {
		close(fds[0]);
		close(fds[1]);
		if (err->kind ==
		    ERR_NOTFOUND) /* the program, which says nothing of the authority */
			err->kind = ERR_UNSUPPORTED;
		return -1;
	}
	close(fds[1]);
	*fd_r = fds[0];
	return 0;
}

static void end(pid_t pid, bool ends_by_itself)
{
	struct err err = {0};

	if (ends_by_itself &&
	    (program_wait(pid, "tsa", GRACE_MS, &err) == 0 || err.kind != ERR_TIMEOUT))
		return;
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		continue;
}

/* 1 an answer; 0 the program has ended without one; -1. ORDER holds secrets, and is wiped as soon as it is sent. */
static int exchange(int fd, int timeout_ms, struct str *order, uint32_t *type_r, struct str *answer,
		    struct err *err)
{
	int64_t end_ms = clock_monotonic_ms() + timeout_ms + GRACE_MS;
	int rc = ipc_send_within(fd, GRACE_MS, AUTHORITY_ORDER, str_view(order), err);

	explicit_bzero(order->data, order->len);
	if (rc < 0)
		return -1;
	rc = ipc_receive(fd, (int)(end_ms - clock_monotonic_ms()), type_r, answer, err);
	if (rc < 0 && err->kind == ERR_TIMEOUT)
		return err_set(err, ERR_TIMEOUT,
			       "sealpost-tsa has not answered within %d s, and was ended",
			       (timeout_ms + GRACE_MS) / 1000);
	return rc;
}

static int take_answer(uint32_t type, const struct str *answer, struct str *response,
		       struct err *err)
{
	if (type != AUTHORITY_RESPONSE)
		return authority_failure_read(str_view(answer), err);
	if (answer->len > AUTHORITY_RESPONSE_MAX)
		return err_set(err, ERR_TOOBIG, "sealpost-tsa gave too long an answer");
	str_addv(response, str_view(answer));
	return 0;
}

static void write_order(const struct authority *a, struct view request, struct str *body)
{
	struct authority_order order = {
		.url = text_of(a->url),
		.request = request,
		.user = text_of(a->user),
		.password = secret_of(a->password),
		.tls_ca = text_of(a->tls_ca),
		.client_cert = text_of(a->client_cert),
		.client_key = secret_of(a->client_key),
		.proxy = text_of(a->proxy),
		.proxy_user = text_of(a->proxy_user),
		.proxy_password = secret_of(a->proxy_password),
		.timeout_ms = (uint64_t)a->timeout_ms,
	};

	/* once, so that no copy of a secret is left where it grew from */
	str_reserve(body, 4096 + request.len + order.tls_ca.len + order.client_cert.len +
				  order.client_key.len + order.password.len +
				  order.proxy_password.len);
	authority_order_write(&order, body);
}

static int ask(const struct authority *authority, struct view request, struct str *response,
	       struct err *err)
{
	CLEAN_STR order = STR_INIT;
	CLEAN_STR answer = STR_INIT;
	CLEAN_FD fd = -1;
	uint32_t type = 0;
	pid_t pid;
	int rc;

	if (start(&fd, &pid, err) < 0)
		return -1;
	write_order(authority, request, &order);
	rc = exchange(fd, authority->timeout_ms, &order, &type, &answer, err);
	end(pid, rc >= 0);
	if (rc == 0)
		return err_set(err, ERR_IO, "sealpost-tsa ended without an answer");
	return rc < 0 ? -1 : take_answer(type, &answer, response, err);
}

int authority_ask(const struct authority *authority, struct view request, struct str *response,
		  struct err *err)
{
	must(authority->timeout_ms > 0);
	if (ask(authority, request, response, err) == 0)
		return 0;
	return err_add(err, "the timestamping authority gave no timestamp, and the mails go on "
			    "waiting for one");
}
