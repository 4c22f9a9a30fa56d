/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui-backend/server.h"

#include "base/clock.h"
#include "base/log.h"
#include "ui-backend/request_priv.h"

#include <stdio.h>
#include <sys/socket.h>

/* A request's head has to fit into MHD's buffer with room to spare, so that one that is too large is told so by us. */
enum { BUFFER_BYTES = 32 * 1024, SWEEP_MS = 1000 };

/* A connection. Its time is up at END_MS whatever trickles in, since MHD's own limit begins anew with each byte. */
struct link {
	struct MHD_Connection *connection;
	int fd;
	int64_t end_ms; /* monotonic */
	struct api_request *request;
	struct link *next, **at;
};

struct server {
	const struct server_options *options;
	struct served *served;
	struct room *room;
	struct events *events;
	struct MHD_Daemon *daemon;
	struct link *links;
	size_t requests, waiting;
	int64_t swept_ms;
	bool stopping;
};

const struct api_settings *server_settings(const struct server *server)
{
	return server->options->settings;
}

const char *server_archive_dir(const struct server *server)
{
	return server->options->archive_dir;
}

struct served *server_served(const struct server *server)
{
	return server->served;
}

struct room *server_room(const struct server *server)
{
	return server->room;
}

const struct webroot *server_webroot(const struct server *server)
{
	return server->options->root;
}

/* --- connections -------------------------------------------------------------------------------- */

static void give_time(struct link *link, uint64_t seconds)
{
	link->end_ms = clock_monotonic_ms() + (int64_t)seconds * 1000;
}

static struct link *link_of(struct MHD_Connection *connection)
{
	return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)
		->socket_context;
}

static void log_answered(const struct api_request *r)
{
	long long ms = (long long)(clock_monotonic_ms() - r->priv->begun_ms);

	if (r->route == NULL || r->priv->state != REQUEST_ANSWERED)
		return;
	if (r->route->method == METHOD_GET)
		log_debug("answered route=%s status=%u ms=%lld", r->route->name, r->priv->status,
			  ms);
	else
		log_info("answered route=%s status=%u ms=%lld", r->route->name, r->priv->status,
			 ms);
}

/* MHD tells nothing more of a request whose head is no good: that ends with the next, or the connection. */
static void end_request(struct server *s, struct link *link)
{
	struct api_request *r = link->request;

	if (r == NULL)
		return;
	log_answered(r);
	if (r->priv->event != NULL) {
		events_drop(s->events, &r->priv->event);
		s->waiting--;
	}
	request_free(&r);
	s->requests--;
	link->request = NULL;
}

static void on_connection(void *arg, struct MHD_Connection *connection, void **context,
			  enum MHD_ConnectionNotificationCode code)
{
	struct server *s = arg;
	struct link *link = *context;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		*context = link = mem_new(sizeof(*link));
		link->connection = connection;
		link->fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)
				   ->connect_fd;
		give_time(link, s->options->settings->head_timeout_s);
		link->next = s->links;
		link->at = &s->links;
		if (link->next != NULL)
			link->next->at = &link->next;
		s->links = link;
	} else if (link != NULL) {
		end_request(s, link);
		*link->at = link->next;
		if (link->next != NULL)
			link->next->at = link->at;
		free(link);
		*context = NULL;
	}
}

/* MHD sees the end of the stream, and does away with the connection. */
static void sweep(struct server *s)
{
	int64_t now = clock_monotonic_ms();

	if (now - s->swept_ms < SWEEP_MS)
		return;
	s->swept_ms = now;
	for (struct link *link = s->links; link != NULL; link = link->next) {
		if (link->end_ms > now)
			continue;
		shutdown(link->fd, SHUT_RDWR);
		link->end_ms = INT64_MAX;
	}
}

/* --- requests ----------------------------------------------------------------------------------- */

static void *on_first_line(void *arg, const char *uri, struct MHD_Connection *connection)
{
	struct server *s = arg;
	struct link *link = link_of(connection);

	end_request(s, link);
	s->requests++;
	return link->request = request_new(s, connection, uri);
}

static enum MHD_Result give_answer(struct link *link, struct api_request *r)
{
	struct request_priv *p = r->priv;

	p->state = REQUEST_ANSWERED;
	give_time(link, r->settings->reply_timeout_s);
	return MHD_queue_response(p->connection, p->status, p->response);
}

/* The answer, or the connection sleeps until what it waits for has happened. */
static enum MHD_Result answer_or_sleep(struct link *link, struct api_request *r)
{
	if (r->priv->state != REQUEST_WAITING)
		return give_answer(link, r);
	link->end_ms = INT64_MAX;
	MHD_suspend_connection(r->priv->connection);
	return MHD_YES;
}

static enum MHD_Result on_head(struct link *link, struct api_request *r, const char *method)
{
	const struct api_settings *set = r->settings;
	struct err err = {0};

	if (request_begin(r, method, &err) < 0) {
		request_fail(r, &err);
		return give_answer(link, r);
	}
	give_time(link, r->route != NULL && (r->route->flags & ROUTE_SLOW) ? set->upload_timeout_s
									   : set->body_timeout_s);
	return MHD_YES;
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *url,
				  const char *method, const char *version, const char *data,
				  size_t *len, void **context)
{
	struct api_request *r = *context;
	struct link *link = link_of(connection);
	size_t n = *len;

	(void)arg;
	(void)url;
	(void)version;
	switch (r->priv->state) {
	case REQUEST_HEAD:
		return on_head(link, r, method);
	case REQUEST_BODY:
		*len = 0;
		if (n > 0)
			return request_take(r, data, n) < 0 ? MHD_NO : MHD_YES;
		request_finish(r);
		return answer_or_sleep(link, r);
	case REQUEST_READY:
		request_go_on(r);
		return answer_or_sleep(link, r);
	case REQUEST_WAITING:
	case REQUEST_ANSWERED:
		break;
	}
	*len = 0;
	return MHD_YES;
}

static void on_completed(void *arg, struct MHD_Connection *connection, void **context,
			 enum MHD_RequestTerminationCode code)
{
	struct server *s = arg;
	struct link *link = link_of(connection);

	(void)code;
	*context = NULL;
	if (link == NULL)
		return;
	end_request(s, link);
	give_time(link, s->options->settings->head_timeout_s);
}

/* --- waiting ------------------------------------------------------------------------------------ */

static void on_ready(void *arg, bool late)
{
	struct api_request *r = arg;

	r->priv->event = NULL;
	r->priv->late = late;
	r->priv->state = REQUEST_READY;
	r->priv->server->waiting--;
	MHD_resume_connection(r->priv->connection);
}

static size_t waiting_of(const struct server *s, struct view client)
{
	size_t n = 0;

	for (const struct link *link = s->links; link != NULL; link = link->next)
		n += link->request != NULL && link->request->priv->event != NULL &&
		     view_eq(link->request->client, client);
	return n;
}

int server_wait(struct api_request *r, int fd, int timeout_ms, struct err *err)
{
	struct server *s = r->priv->server;
	const struct api_settings *set = s->options->settings;

	if (s->stopping)
		return err_set(err, ERR_STOPPED, "the server is being stopped");
	if (s->waiting >= (set->waiting + set->workers - 1) / set->workers ||
	    waiting_of(s, r->client) >= set->waiting_per_client)
		return err_set(err, ERR_OVERLOAD, "too many requests wait for another program");
	s->waiting++;
	r->priv->state = REQUEST_WAITING;
	r->priv->event = events_add(s->events, fd, timeout_ms, on_ready, r);
	return 0;
}

/* --- for as long as it runs --------------------------------------------------------------------- */

static void on_log(void *arg, const char *fmt, va_list ap)
{
	char text[256];

	(void)arg;
	vsnprintf(text, sizeof(text), fmt, ap);
	text[strcspn(text, "\n")] = '\0';
	log_debug("http: %s", text);
}

/* Paths and parameters are decoded by uri.h alone. */
static size_t leave_as_it_is(void *arg, struct MHD_Connection *connection, char *text)
{
	(void)arg;
	(void)connection;
	return strlen(text);
}

static int start(struct server *s, struct err *err)
{
	const struct api_settings *set = s->options->settings;
	unsigned limit = (unsigned)((set->connections + set->workers - 1) / set->workers);

	s->daemon = MHD_start_daemon(
		MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL,
		on_request, s, MHD_OPTION_LISTEN_SOCKET, s->options->listener,
		MHD_OPTION_EXTERNAL_LOGGER, on_log, s, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)BUFFER_BYTES, MHD_OPTION_CONNECTION_LIMIT, limit,
		MHD_OPTION_CONNECTION_TIMEOUT, 0U, MHD_OPTION_STRICT_FOR_CLIENT, 1,
		MHD_OPTION_UNESCAPE_CALLBACK, leave_as_it_is, s, MHD_OPTION_URI_LOG_CALLBACK,
		on_first_line, s, MHD_OPTION_NOTIFY_COMPLETED, on_completed, s,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, s, MHD_OPTION_SIGPIPE_HANDLED_BY_APP,
		1, MHD_OPTION_END);
	return s->daemon == NULL ? err_set(err, ERR_IO, "libmicrohttpd does not start") : 0;
}

static int turn(struct server *s, struct err *err)
{
	int epoll = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
	MHD_UNSIGNED_LONG_LONG left_ms;
	int wait_ms = SWEEP_MS;

	if (MHD_get_timeout(s->daemon, &left_ms) == MHD_YES && left_ms < SWEEP_MS)
		wait_ms = (int)left_ms;
	if (events_wait(s->events, epoll, wait_ms, err) < 0)
		return -1;
	if (MHD_run(s->daemon) == MHD_NO)
		return err_set(err, ERR_IO, "libmicrohttpd does not go on");
	sweep(s);
	return 0;
}

static void on_stop(void *arg, bool late)
{
	struct server *s = arg;

	(void)late;
	s->stopping = true;
}

/* MHD cannot be ended while a connection sleeps. */
static void wake_all(struct server *s)
{
	for (struct link *link = s->links; link != NULL; link = link->next) {
		struct api_request *r = link->request;

		if (r == NULL || r->priv->event == NULL)
			continue;
		events_drop(s->events, &r->priv->event);
		on_ready(r, true);
	}
}

/* The listener goes on in the other workers until they hear of the end, too. */
static int end(struct server *s, int grace_ms, struct err *err)
{
	int64_t end_ms = clock_monotonic_ms() + grace_ms;
	int rc = 0;

	MHD_quiesce_daemon(s->daemon);
	while (rc == 0 && s->requests > 0 && clock_monotonic_ms() < end_ms)
		rc = turn(s, err);
	wake_all(s);
	return rc < 0 ? rc : turn(s, err);
}

int server_run(const struct server_options *options, int stop_fd, int grace_ms, struct err *err)
{
	struct server s = {.options = options,
			   .served = served_new(options->archive_dir),
			   .room = room_new(options->archive_dir),
			   .events = events_new()};
	int rc = start(&s, err);

	if (rc == 0) {
		events_add(s.events, stop_fd, -1, on_stop, &s);
		while (rc == 0 && !s.stopping)
			rc = turn(&s, err);
		if (end(&s, grace_ms, err) < 0)
			rc = -1;
		MHD_stop_daemon(s.daemon);
	}
	events_free(&s.events);
	served_free(&s.served);
	room_free(&s.room);
	return rc;
}
