/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui-backend/events.h"

#include "base/clock.h"

#include <errno.h>
#include <poll.h>

struct event {
	int fd;
	int64_t end_ms; /* monotonic; INT64_MAX: none */
	event_fn *fn;
	void *arg;
};

struct events {
	struct event **v;
	size_t n, cap;
	struct pollfd *polled; /* as many as V, and one */
};

struct events *events_new(void)
{
	return mem_new(sizeof(struct events));
}

void events_free(struct events **events)
{
	struct events *e = *events;

	if (e == NULL)
		return;
	for (size_t i = 0; i < e->n; i++)
		free(e->v[i]);
	free(e->v);
	free(e->polled);
	free(e);
	*events = NULL;
}

struct event *events_add(struct events *events, int fd, int timeout_ms, event_fn *fn, void *arg)
{
	struct event *event = mem_new(sizeof(*event));

	*event = (struct event){fd, timeout_ms < 0 ? INT64_MAX : clock_monotonic_ms() + timeout_ms,
				fn, arg};
	if (events->n == events->cap) {
		events->cap = events->cap ? 2 * events->cap : 16;
		events->v = mem_grow(events->v, events->cap * sizeof(*events->v));
		events->polled = mem_grow(events->polled,
					  (events->cap + 1) * sizeof(*events->polled));
	}
	events->v[events->n++] = event;
	return event;
}

static void drop_at(struct events *events, size_t i)
{
	free(events->v[i]);
	events->v[i] = events->v[--events->n];
}

void events_drop(struct events *events, struct event **event)
{
	for (size_t i = 0; *event != NULL && i < events->n; i++) {
		if (events->v[i] != *event)
			continue;
		drop_at(events, i);
		*event = NULL;
		return;
	}
}

static int next_ms(const struct events *e, int wait_ms)
{
	int64_t now = clock_monotonic_ms(), end = now + wait_ms;

	for (size_t i = 0; i < e->n; i++)
		if (e->v[i]->end_ms < end)
			end = e->v[i]->end_ms;
	return end > now ? (int)(end - now) : 0;
}

/* The first that has happened, since its function may add and drop others. */
static bool see_to_one(struct events *e, int64_t now)
{
	for (size_t i = 0; i < e->n; i++) {
		struct event *event = e->v[i];
		struct pollfd p = {.fd = event->fd, .events = POLLIN};
		bool ready = event->fd >= 0 && poll(&p, 1, 0) > 0;
		event_fn *fn = event->fn;
		void *arg = event->arg;

		if (!ready && event->end_ms > now)
			continue;
		drop_at(e, i);
		fn(arg, !ready);
		return true;
	}
	return false;
}

int events_wait(struct events *events, int fd, int wait_ms, struct err *err)
{
	struct pollfd one = {0};
	struct pollfd *polled = events->polled ? events->polled : &one;
	int rc;

	for (size_t i = 0; i < events->n; i++)
		polled[i] = (struct pollfd){.fd = events->v[i]->fd, .events = POLLIN};
	polled[events->n] = (struct pollfd){.fd = fd, .events = POLLIN};
	rc = poll(polled, events->n + 1, next_ms(events, wait_ms));
	if (rc < 0 && errno != EINTR)
		return err_errno(err, "poll: %m");
	while (events->n > 0 && see_to_one(events, clock_monotonic_ms()))
		;
	return 0;
}
