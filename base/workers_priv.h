/* SPDX-License-Identifier: GPL-3.0-or-later */
/* workers_priv.h - between workers.c (the master) and worker.c (one worker).
 *
 * They share a pair of SOCK_SEQPACKET sockets, the channel. Down come connections: the number of the
 * listener, with the connection's descriptor. Up goes one byte each time the worker is idle. The end of
 * what comes down tells the worker to leave, the end of what goes up tells the master that it is dead.
 * There is no memory that both write to, so a worker that was taken over can only lie about itself.
 */
#ifndef BASE_WORKERS_PRIV_H
#define BASE_WORKERS_PRIV_H

#include "base/workers.h"

#include <sys/types.h>

struct worker {
	const struct workers_listener *listeners;
	size_t n;
	const struct workers_ops *ops;
	pid_t master;
	int channel;
	int stop_fd; /* readable as soon as the master stops, or is dead */
};

/* In a process of its own that has no other descriptors of the master's. */
void worker_run(const struct worker *w) __attribute__((noreturn));

/* The worker gets a copy of FD. */
int worker_hand_over(int channel, size_t listener, int fd);

#endif
