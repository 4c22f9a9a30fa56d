/* SPDX-License-Identifier: GPL-3.0-or-later */
/* server.h - one worker: a thread that serves many connections.
 *
 * base/workers.h serves one connection at a time in each process. That suits mail, whose connections have something to say all the
 * time; browsers and proxies keep theirs open for minutes with nothing to say, and five hundred of them would be five hundred processes. So
 * here libmicrohttpd watches all of a worker's connections with epoll and calls us when there is something to do, always in the same thread. While a
 * route's function is at work the worker's other connections wait, which is why those are quick, and what is not goes
 * through reply_later().
 */
#ifndef UI_BACKEND_SERVER_H
#define UI_BACKEND_SERVER_H

#include "ui-backend/webroot.h"
#include "ui-backend/settings.h"

struct server_options {
	const struct api_settings *settings;
	const struct webroot *root;
	const char *archive_dir;
	int listener;
	int metrics_listener; /* -1: none */
};

/* Until STOP_FD is readable: then no connection is accepted any more, and requests under way have GRACE_MS to end. */
int server_run(const struct server_options *options, int stop_fd, int grace_ms, struct err *err);

#endif
