/* SPDX-License-Identifier: GPL-3.0-or-later */
/* notify.h - what a daemon and the service manager that started it have to say to each other: sd_notify(3) and sd_listen_fds(3),
 * which are one datagram and two variables.
 *
 * Without a manager all of it does nothing. None of it reaches the programs that this one starts (program.h).
 *
 * A daemon says that it is alive from the loop that does its work, and from nowhere else: who hangs says nothing, and is started anew.
 */
#ifndef BASE_NOTIFY_H
#define BASE_NOTIFY_H

#include "base/err.h"

void notify_ready(void);
void notify_stopping(void);
/* One line for whoever asks how it is: numbers, and nothing of a mail or a person. */
void notify_status(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The loop is at work. As often as one likes: it is told when it is due. */
void notify_alive(void);
/* How long that loop may wait at a time: TIMEOUT_MS (-1: for ever) or less. */
int notify_wait_ms(int timeout_ms);

/* The listening socket that the manager has opened for this process, close-on-exec and non-blocking; -1: none, and it opens its own. Asked
 * once. ERR_SYNTAX: what was handed over is something else. */
int notify_take_listener(int *fd_r, struct err *err);

/* Variables that are for this process alone; NULL behind the last. */
extern const char *const notify_variables[];

#endif
