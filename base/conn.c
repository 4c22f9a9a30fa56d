/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The sockets never block: every wait is a poll(2) in conn_wait(), which is the one place that knows of
 * idle time, deadline and stop descriptor.
 *
 * Reading asks there first, so that a peer who never ceases to send is stopped, too. Writing tries
 * first and waits only if the socket is full: so a last reply still leaves when the wait before it
 * ended by the stop descriptor or the deadline.
 */
#include "base/conn_priv.h"

#include "base/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	IDLE_MS = 60 * 1000,
	IN_BYTES_MIN = 4 * 1024, /* what an idle connection costs; it grows with what comes */
	OUT_BYTES = 16 * 1024,
};

static ssize_t clear_read(struct conn *conn, void *out, size_t len, short *events, struct err *err)
{
	ssize_t n = recv(conn->fd, out, len, 0);

	if (n >= 0)
		return n;
	*events = POLLIN;
	if (errno == EAGAIN || errno == EINTR)
		return IO_WAIT;
	return err_set(err, ERR_OFFLINE, "receive: %m");
}

static ssize_t clear_write(struct conn *conn, const void *data, size_t len, short *events,
			   struct err *err)
{
	ssize_t n = send(conn->fd, data, len, MSG_NOSIGNAL);

	if (n >= 0)
		return n;
	*events = POLLOUT;
	if (errno == EAGAIN || errno == EINTR)
		return IO_WAIT;
	return err_set(err, ERR_OFFLINE, "send: %m");
}

static bool clear_has_input(const struct conn *conn)
{
	(void)conn;
	return false;
}

static void clear_close(struct conn *conn)
{
	(void)conn;
}

static const struct transport clear_transport = {
	.read = clear_read,
	.write = clear_write,
	.has_input = clear_has_input,
	.close = clear_close,
};

/* An IPv4 address that came in through an IPv6 socket is shown as what it is. Nothing is "" but a Unix socket:
 * that is what makes a peer trusted. */
static void set_peer(struct conn *conn)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
		struct sockaddr_storage room;
	} a = {.room = {0}};
	socklen_t len = sizeof(a);

	if (getpeername(conn->fd, &a.any, &len) < 0) {
		strcpy(conn->peer, "?");
		return;
	}
	if (a.any.sa_family == AF_INET)
		inet_ntop(AF_INET, &a.v4.sin_addr, conn->peer, sizeof(conn->peer));
	else if (a.any.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&a.v6.sin6_addr))
		inet_ntop(AF_INET, &a.v6.sin6_addr.s6_addr[12], conn->peer, sizeof(conn->peer));
	else if (a.any.sa_family == AF_INET6)
		inet_ntop(AF_INET6, &a.v6.sin6_addr, conn->peer, sizeof(conn->peer));
}

struct conn *conn_of_fd(int fd)
{
	struct conn *conn = mem_new(sizeof(*conn));
	int flags = fcntl(fd, F_GETFL);
	int on = 1;

	conn->transport = &clear_transport;
	conn->fd = fd;
	conn->stop_fd = -1;
	conn->idle_ms = IDLE_MS;
	str_init(&conn->out);
	must(flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0);
	must(fcntl(fd, F_SETFD, FD_CLOEXEC) == 0);
	/* Replies leave when they are flushed. A Unix socket has no such option, and no such delay. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	set_peer(conn);
	return conn;
}

void conn_free(struct conn **conn)
{
	if (*conn == NULL)
		return;
	(*conn)->transport->close(*conn);
	close((*conn)->fd);
	free((*conn)->in);
	str_clear(&(*conn)->out);
	free(*conn);
	*conn = NULL;
}

void conn_set_idle(struct conn *conn, int idle_ms)
{
	conn->idle_ms = idle_ms;
}

void conn_set_deadline(struct conn *conn, int64_t at_ms)
{
	conn->deadline_ms = at_ms;
}

void conn_set_stop(struct conn *conn, int stop_fd)
{
	conn->stop_fd = stop_fd;
}

const char *conn_peer_addr(const struct conn *conn)
{
	return conn->peer;
}

const char *conn_tls_text(const struct conn *conn)
{
	return conn->tls_text;
}

int64_t conn_idle_end(const struct conn *conn)
{
	return clock_monotonic_ms() + conn->idle_ms;
}

int conn_wait(struct conn *conn, short events, int64_t idle_end_ms, struct err *err)
{
	struct pollfd fds[] = {{.fd = conn->fd, .events = events},
			       {.fd = conn->stop_fd, .events = POLLIN}};
	int n;

	do {
		int64_t now_ms = clock_monotonic_ms();
		int64_t end_ms = idle_end_ms;

		if (conn->deadline_ms != 0 && conn->deadline_ms < end_ms)
			end_ms = conn->deadline_ms;
		if (conn->deadline_ms != 0 && now_ms >= conn->deadline_ms)
			return err_set(err, ERR_TIMEOUT, "the time for this connection is over");
		n = poll(fds, 2, end_ms > now_ms ? (int)(end_ms - now_ms) : 0);
		if (n == 0 && clock_monotonic_ms() >= idle_end_ms)
			return err_set(err, ERR_TIMEOUT, "the peer was silent for too long");
	} while (n == 0 || (n < 0 && errno == EINTR));
	if (n < 0)
		return err_errno(err, "poll: %m");
	/* A closed pipe is readable, too. */
	if (fds[1].revents != 0)
		return err_set(err, ERR_STOPPED, "asked to stop");
	return 0;
}

struct view conn_buffered(const struct conn *conn)
{
	return (struct view){conn->in ? conn->in + conn->in_start : "", conn->in_len};
}

void conn_consume(struct conn *conn, size_t len)
{
	must(len <= conn->in_len);
	conn->in_start += len;
	conn->in_len -= len;
	conn->in_searched -= len < conn->in_searched ? len : conn->in_searched;
	if (conn->in_len == 0)
		conn->in_start = 0;
}

/* Grows when the peer sends more than there is room for, so that much comes with few calls, but
 * never to more than MAX. */
static void make_room(struct conn *conn, size_t max)
{
	size_t cap = conn->in_cap;

	if (conn->in_start > 0 && conn->in_start + conn->in_len == cap) {
		memmove(conn->in, conn->in + conn->in_start, conn->in_len);
		conn->in_start = 0;
	}
	if (!conn->in_filled && conn->in_start + conn->in_len < cap)
		return;
	cap = cap ? 2 * cap : IN_BYTES_MIN;
	if (cap > max)
		cap = max;
	if (cap <= conn->in_cap)
		return;
	conn->in = mem_grow(conn->in, cap);
	conn->in_cap = cap;
}

int conn_more(struct conn *conn, size_t max, struct err *err)
{
	int64_t idle_end_ms = conn_idle_end(conn);
	short events = POLLIN;
	size_t room;
	ssize_t n;

	if (conn->in_len >= max)
		return err_set(err, ERR_TOOBIG, "more than %zu bytes", max);
	make_room(conn, max);
	room = conn->in_cap - conn->in_start - conn->in_len;
	if (room > max - conn->in_len)
		room = max - conn->in_len;
	n = conn->transport->has_input(conn) ? 0 : IO_WAIT;
	do {
		if (n == IO_WAIT && conn_wait(conn, events, idle_end_ms, err) < 0)
			return -1;
		n = conn->transport->read(conn, conn->in + conn->in_start + conn->in_len, room,
					  &events, err);
	} while (n == IO_WAIT);
	if (n <= 0)
		return (int)n;
	conn->in_len += (size_t)n;
	conn->in_filled = (size_t)n == room;
	return 1;
}

int conn_line(struct conn *conn, size_t max, struct view *line_r, struct err *err)
{
	for (;;) {
		struct view in = conn_buffered(conn);
		size_t end = in.len < max ? in.len : max;
		const char *lf = NULL;
		int rc;

		if (conn->in_searched < end)
			lf = memchr(in.data + conn->in_searched, '\n', end - conn->in_searched);
		if (lf != NULL) {
			*line_r = (struct view){in.data, (size_t)(lf - in.data) + 1};
			conn_consume(conn, line_r->len);
			return 1;
		}
		if (end > conn->in_searched)
			conn->in_searched = end;
		if (in.len >= max)
			return err_set(err, ERR_TOOBIG, "a line of more than %zu bytes", max);
		rc = conn_more(conn, max, err);
		if (rc == 0 && in.len > 0)
			return err_set(err, ERR_OFFLINE, "the peer closed in the midst of a line");
		if (rc <= 0)
			return rc;
	}
}

/* All of it, or -1: *SENT_R tells how much. What a slow peer takes counts: the idle time begins anew. */
static int send_all(struct conn *conn, const char *data, size_t len, size_t *sent_r,
		    struct err *err)
{
	*sent_r = 0;
	while (*sent_r < len) {
		int64_t idle_end_ms = conn_idle_end(conn);
		short events = POLLOUT;
		ssize_t n;

		do
			n = conn->transport->write(conn, data + *sent_r, len - *sent_r, &events,
						   err);
		while (n == IO_WAIT && conn_wait(conn, events, idle_end_ms, err) == 0);
		if (n < 0)
			return -1;
		*sent_r += (size_t)n;
	}
	return 0;
}

int conn_flush(struct conn *conn, struct err *err)
{
	size_t sent;
	int rc = send_all(conn, conn->out.data, conn->out.len, &sent, err);

	/* What is left may still be sent by another flush. */
	if (sent > 0) {
		memmove(conn->out.data, conn->out.data + sent, conn->out.len - sent);
		conn->out.len -= sent;
	}
	return rc;
}

int conn_write(struct conn *conn, const void *data, size_t len, struct err *err)
{
	size_t sent;

	if (conn->out.len + len > OUT_BYTES && conn_flush(conn, err) < 0)
		return -1;
	if (len > OUT_BYTES)
		return send_all(conn, data, len, &sent, err);
	str_add(&conn->out, data, len);
	return 0;
}

int conn_writef(struct conn *conn, struct err *err, const char *fmt, ...)
{
	CLEAN_STR text = STR_INIT;
	va_list ap;

	va_start(ap, fmt);
	str_addfv(&text, fmt, ap);
	va_end(ap);
	return conn_write(conn, text.data, text.len, err);
}
