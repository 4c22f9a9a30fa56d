/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui-backend/metrics_server.h"

#include "app/watch/metrics.h"
#include "base/clock.h"
#include "base/conn.h"
#include "base/log.h"
#include "ui-backend/served.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

enum { HEAD_MS = 2000, REPLY_MS = 10000, LINE_MAX_BYTES = 8192, LINES_MAX = 100 };

struct metrics_server {
	struct served *served;
	struct metrics_memory memory;
	int stop_fd;
};

/* What of a request's head counts. */
struct head {
	bool is_get, is_head, is_metrics, is_for_us;
};

/* --- a request ---------------------------------------------------------------------------------- */

/* A page that a browser on this machine has open may have its own name point here (DNS rebinding); then the name gives it away. */
static bool is_this_machine(struct view host)
{
	static const char *const names[] = {"localhost", "127.0.0.1", "[::1]"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		size_t len = strlen(names[i]);

		if (view_starts_nocase(host, names[i]) &&
		    (host.len == len || host.data[len] == ':'))
			return true;
	}
	return false;
}

static void read_first_line(struct view line, struct head *head)
{
	struct view method, path;

	view_cut(&line, ' ', &method);
	view_cut(&line, ' ', &path);
	head->is_get = view_eq(method, VIEW("GET"));
	head->is_head = view_eq(method, VIEW("HEAD"));
	head->is_metrics = view_eq(path, VIEW("/metrics"));
}

/* Up to the empty line: 1, 0 the client closed before, -1. */
static int read_head(struct conn *conn, struct head *head_r, struct err *err)
{
	*head_r = (struct head){0};
	for (size_t i = 0; i < LINES_MAX; i++) {
		struct view line, name;
		int rc = conn_line(conn, LINE_MAX_BYTES, &line, err);

		if (rc <= 0)
			return rc;
		line = view_trim(line);
		if (i > 0 && line.len == 0)
			return 1;
		if (i == 0) {
			read_first_line(line, head_r);
			continue;
		}
		view_cut(&line, ':', &name);
		if (view_eq_nocase(name, VIEW("host")))
			head_r->is_for_us = is_this_machine(view_trim(line));
	}
	return err_set(err, ERR_TOOBIG, "a request of too many lines");
}

static int answer(struct conn *conn, const struct head *head, const char *status, const char *type,
		  const struct str *body, struct err *err)
{
	if (conn_writef(conn, err,
			"HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
			"Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
			"Connection: close\r\n\r\n",
			status, type, body->len) < 0 ||
	    (!head->is_head && conn_write(conn, body->data, body->len, err) < 0))
		return -1;
	return conn_flush(conn, err);
}

static int refuse(struct conn *conn, const struct head *head, const char *status, struct err *err)
{
	CLEAN_STR body = STR_INIT;

	str_addf(&body, "%s: this is /metrics of Sealpost, and nothing else.\n", status);
	return answer(conn, head, status, "text/plain; charset=utf-8", &body, err);
}

/* --- the numbers -------------------------------------------------------------------------------- */

/* An archive that fails is told as a number, too: a monitoring program that gets none knows less. */
static int collect(struct metrics_server *s, struct str *out, struct err *err)
{
	CLEAN(held_archive) held = NULL;
	struct err why = {0};
	int rc = served_hold(s->served, &held, &why);

	if (rc > 0)
		rc = metrics_write(held_archive(held), &s->memory, clock_s(), out, &why);
	else if (rc == 0)
		return metrics_write(NULL, &s->memory, clock_s(), out, err);
	if (rc == 0)
		return 0;
	log_warn("metrics not counted: %s", why.text);
	str_reset(out);
	return metrics_write(NULL, &s->memory, clock_s(), out, err);
}

static int give_metrics(struct metrics_server *s, struct conn *conn, const struct head *head,
			struct err *err)
{
	CLEAN_STR body = STR_INIT;

	if (collect(s, &body, err) < 0)
		return -1;
	conn_set_deadline(conn, clock_monotonic_ms() + REPLY_MS);
	return answer(conn, head, "200 OK", METRICS_TYPE, &body, err);
}

static int respond(struct metrics_server *s, struct conn *conn, struct err *err)
{
	struct head head;
	int rc = read_head(conn, &head, err);

	if (rc <= 0)
		return rc;
	if (!head.is_for_us)
		return refuse(conn, &head, "421 Misdirected Request", err);
	if (!head.is_metrics)
		return refuse(conn, &head, "404 Not Found", err);
	if (!head.is_get && !head.is_head)
		return refuse(conn, &head, "405 Method Not Allowed", err);
	return give_metrics(s, conn, &head, err);
}

/* --- for as long as it runs --------------------------------------------------------------------- */

static void serve_one(struct metrics_server *s, int fd)
{
	CLEAN(conn) conn = conn_of_fd(fd);
	int64_t begun_ms = clock_monotonic_ms();
	struct err err = {0};

	conn_set_stop(conn, s->stop_fd);
	conn_set_deadline(conn, begun_ms + HEAD_MS);
	if (respond(s, conn, &err) < 0)
		log_debug("metrics not given: %s", err.text);
	else
		log_debug("metrics given ms=%lld", (long long)(clock_monotonic_ms() - begun_ms));
}

/* 1 a connection, 0 it is to end. */
static int await(const struct metrics_server *s, int listener, struct err *err)
{
	struct pollfd fds[] = {{.fd = s->stop_fd, .events = POLLIN},
			       {.fd = listener, .events = POLLIN}};

	while (poll(fds, 2, -1) < 0)
		if (errno != EINTR)
			return err_errno(err, "poll: %m");
	return fds[0].revents == 0;
}

int metrics_serve(const char *archive_dir, int listener, int stop_fd, struct err *err)
{
	struct metrics_server s = {.served = served_new(archive_dir), .stop_fd = stop_fd};
	int rc;

	while ((rc = await(&s, listener, err)) > 0) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		if (fd >= 0)
			serve_one(&s, fd);
	}
	served_free(&s.served);
	return rc;
}
