/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/ipc.h"

#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { HEAD_BYTES = 8, BODY_BYTES_MAX = 16 * 1024 * 1024 };

/* Until FD is ready, or END_MS (-1: never) has come. */
static int wait_until(int fd, short events, int64_t end_ms, struct err *err)
{
	struct pollfd p = {.fd = fd, .events = events};
	int n;

	do {
		int64_t left_ms = end_ms < 0 ? -1 : end_ms - clock_monotonic_ms();

		n = poll(&p, 1, end_ms >= 0 && left_ms < 0 ? 0 : (int)left_ms);
	} while (n < 0 && errno == EINTR);
	if (n == 0)
		return err_set(err, ERR_TIMEOUT, "no message %s in time",
			       events == POLLIN ? "came" : "was taken");
	return n < 0 ? err_errno(err, "poll: %m") : 0;
}

/* A socket, with no SIGPIPE when its other end is gone; or a pipe. */
static ssize_t put(int fd, const struct iovec *iov, size_t n, int flags)
{
	struct msghdr msg = {.msg_iov = (struct iovec *)iov, .msg_iovlen = n};
	ssize_t sent = sendmsg(fd, &msg, MSG_NOSIGNAL | flags);

	if (sent < 0 && errno == ENOTSOCK)
		sent = writev(fd, iov, (int)n);
	return sent;
}

static int put_all(int fd, struct iovec *iov, int64_t end_ms, struct err *err)
{
	while (iov[0].iov_len + iov[1].iov_len > 0) {
		ssize_t n = put(fd, iov, 2, end_ms < 0 ? 0 : MSG_DONTWAIT);

		if (n < 0 && errno == EAGAIN && wait_until(fd, POLLOUT, end_ms, err) < 0)
			return -1;
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
			return err_set(err, ERR_OFFLINE, "send: the other process has closed");
		if (n < 0)
			return err_errno(err, "send: %m");
		for (int i = 0; i < 2; i++) {
			size_t done = (size_t)n < iov[i].iov_len ? (size_t)n : iov[i].iov_len;

			iov[i].iov_base = (char *)iov[i].iov_base + done;
			iov[i].iov_len -= done;
			n -= (ssize_t)done;
		}
	}
	return 0;
}

int ipc_send_within(int fd, int timeout_ms, uint32_t type, struct view body, struct err *err)
{
	int64_t end_ms = timeout_ms < 0 ? -1 : clock_monotonic_ms() + timeout_ms;
	CLEAN_STR head = STR_INIT;

	if (body.len > BODY_BYTES_MAX)
		return err_set(err, ERR_TOOBIG, "a message of %zu bytes", body.len);
	str_addu32(&head, type);
	str_addu32(&head, (uint32_t)body.len);
	return put_all(fd, (struct iovec[]){{head.data, head.len}, {(char *)body.data, body.len}},
		       end_ms, err);
}

int ipc_send(int fd, uint32_t type, struct view body, struct err *err)
{
	return ipc_send_within(fd, -1, type, body, err);
}

/* LEN bytes: 1; 0 the end came before the first; -1. */
static int get_all(int fd, char *out, size_t len, int64_t end_ms, struct err *err)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n;

		if (wait_until(fd, POLLIN, end_ms, err) < 0)
			return -1;
		n = read(fd, out + done, len - done);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n < 0 && errno != ECONNRESET)
			return err_errno(err, "receive: %m");
		if (n <= 0 && done == 0)
			return 0;
		if (n <= 0)
			return err_set(err, ERR_OFFLINE, "receive: the message breaks off");
		done += (size_t)n;
	}
	return 1;
}

int ipc_receive(int fd, int timeout_ms, uint32_t *type_r, struct str *body, struct err *err)
{
	int64_t end_ms = timeout_ms < 0 ? -1 : clock_monotonic_ms() + timeout_ms;
	char bytes[HEAD_BYTES];
	struct view head = {bytes, sizeof(bytes)};
	uint32_t len;
	int rc = get_all(fd, bytes, sizeof(bytes), end_ms, err);

	str_reset(body);
	if (rc <= 0)
		return rc;
	must(view_u32(&head, type_r) == 0 && view_u32(&head, &len) == 0);
	if (len > BODY_BYTES_MAX)
		return err_set(err, ERR_DAMAGED, "receive: a message of %u bytes", len);
	str_reserve(body, len);
	rc = get_all(fd, body->data, len, end_ms, err);
	if (rc == 0)
		return err_set(err, ERR_OFFLINE, "receive: the message breaks off");
	if (rc < 0)
		return -1;
	body->len = len;
	body->data[len] = '\0';
	return 1;
}

void ipc_add_text(struct str *body, struct view text)
{
	str_addvarint(body, text.len);
	str_addv(body, text);
}

int ipc_text(struct view *rest, struct view *text_r)
{
	uint64_t len;

	if (view_varint(rest, &len) < 0 || len > rest->len)
		return -1;
	return view_bytes(rest, (size_t)len, text_r);
}
