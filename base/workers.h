/* SPDX-License-Identifier: GPL-3.0-or-later */
/* workers.h - pre-forked processes, each of which serves one connection at a time.
 *
 * The master forks MIN_IDLE workers and as many more as are needed to have MIN_IDLE idle ones, up to MAX. One that
 * dies is replaced; what it served is its client's loss alone. Beyond MAX, and beyond MAX_PER_CLIENT from one
 * address (the /64 of an IPv6 one), a connection is told REFUSAL and closed. On the stop descriptor the master stops
 * listening, tells the workers (their conn's stop descriptor becomes readable) and waits for them; who is
 * not done after GRACE_MS is killed. If the master is killed, its workers die with it.
 *
 * When many more are idle than MIN_IDLE asks for, they leave again. The master has one descriptor open for each
 * worker; a worker has none of them, nor the listeners or the master's stop descriptor.
 */
#ifndef BASE_WORKERS_H
#define BASE_WORKERS_H

#include "base/conn.h"

struct workers_options {
	unsigned min_idle, max;
	unsigned max_per_client; /* 0: no limit; clients of Unix sockets are never limited */
	int grace_ms;
	const char *refusal; /* with its line end: "421 4.3.2 ...\r\n" */
};

struct workers_listener {
	int fd;
	const void *arg; /* handed to SERVE: what this listener is for */
};

/* Runs in a worker, once a connection. CONN stays the workers'. BEGIN runs once in each new worker. IS_OVER is asked in the master, every two
 * seconds or more often: true is as if STOP_FD were readable; NULL: it is not asked. The master tells the service manager that it is alive
 * (notify.h). */
struct workers_ops {
	void *arg;
	void (*begin)(void *arg);
	void (*serve)(void *arg, const void *listener_arg, struct conn *conn);
	bool (*is_over)(void *arg);
};

/* Until STOP_FD is readable; the listeners are of no use then. -1: no worker can be had at all. Call
 * jail_signals() and jail_enter() before: workers inherit what these did. */
int workers_run(const struct workers_listener *listeners, size_t n, const struct workers_ops *ops,
		const struct workers_options *options, int stop_fd, struct err *err);

#endif
