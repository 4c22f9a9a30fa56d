/* SPDX-License-Identifier: GPL-3.0-or-later */
/* events.h - what a worker waits for: descriptors, each with a deadline. For one thread. */
#ifndef UI_BACKEND_EVENTS_H
#define UI_BACKEND_EVENTS_H

#include "base/err.h"

#include <stdint.h>

struct events;
struct event; /* one descriptor that is waited for */

struct events *events_new(void);
void events_free(struct events **events);

/* Call FN once FD (the caller's) can be read or is at its end, or, LATE, when TIMEOUT_MS (-1: none) are over; the event is gone then.
 * events_drop() forgets one that has not happened. */
typedef void event_fn(void *arg, bool late);
struct event *events_add(struct events *events, int fd, int timeout_ms, event_fn *fn, void *arg);
void events_drop(struct events *events, struct event **event);

/* Wait for WAIT_MS at most, and see to what has happened. FD is waited for as well, and left to the caller. */
int events_wait(struct events *events, int fd, int wait_ms, struct err *err);

#endif
