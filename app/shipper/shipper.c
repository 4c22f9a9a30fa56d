/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/shipper/shipper.h"

#include "app/archive/ship.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/notify.h"

#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

enum { WAKE_MS = 10 * 1000, REST_MS = 1000 };

struct shipper {
	struct archive *a;
	int stop_fd, watch_fd;
	bool once;
	char **told; /* by number, the trouble that the log knows; NULL none */
	size_t n_told;
};

/* --- telling ---------------------------------------------------------------------------------- */

static void tell_of(struct shipper *s, const struct medium_row *row)
{
	const char *now = row->answers == MEDIUM_SILENT ? row->trouble : NULL;
	char **told = &s->told[row->medium];

	if (now == NULL && *told == NULL)
		return;
	if (now != NULL && *told != NULL && strcmp(now, *told) == 0)
		return;
	if (now != NULL)
		log_warn("medium away medium=%u waiting=%llu: %s", row->medium,
			 (unsigned long long)row->waiting_bytes, now);
	else
		log_warn("medium back medium=%u waiting=%llu", row->medium,
			 (unsigned long long)row->waiting_bytes);
	free(*told);
	*told = now ? mem_strdup(now) : NULL;
}

/* (SH2) */
static int tell_changes(struct shipper *s, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	struct medium_row *media;
	size_t n;

	if (media_list(archive_catalog(s->a), arena, &media, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		size_t need = media[i].medium + 1;

		if (need > s->n_told) {
			s->told = mem_grow(s->told, need * sizeof(*s->told));
			while (s->n_told < need)
				s->told[s->n_told++] = NULL;
		}
		tell_of(s, &media[i]);
	}
	return 0;
}

/* --- waiting ---------------------------------------------------------------------------------- */

/* Whatever is archived is committed to the catalog, so its log tells when there may be something to ship: staging has too
 * many folders to watch. */
static int watch(struct shipper *s, struct err *err)
{
	s->watch_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (s->watch_fd < 0 ||
	    inotify_add_watch(s->watch_fd, archive_dir(s->a), IN_MODIFY | IN_CREATE) < 0)
		return err_errno(err, "watch %s: %m", archive_dir(s->a));
	return 0;
}

static void heed(struct shipper *s)
{
	char events[4096];

	while (read(s->watch_fd, events, sizeof(events)) > 0)
		;
}

static bool is_asked_to_stop(int stop_fd, int ms)
{
	struct pollfd p = {.fd = stop_fd, .events = POLLIN};

	return poll(&p, 1, ms) > 0;
}

static bool stop(void *arg)
{
	notify_alive();
	return is_asked_to_stop(((struct shipper *)arg)->stop_fd, 0);
}

/* Until something may be to do; REST_MS at least, so that many small commits make one run. */
static bool wait_for_work(struct shipper *s)
{
	struct pollfd fds[] = {{.fd = s->stop_fd, .events = POLLIN},
			       {.fd = s->watch_fd, .events = POLLIN}};

	notify_alive();
	if (is_asked_to_stop(s->stop_fd, REST_MS))
		return false;
	poll(fds, 2, notify_wait_ms(WAKE_MS - REST_MS));
	return fds[0].revents == 0;
}

/* --- the loop --------------------------------------------------------------------------------- */

static void log_report(const struct ship_report *r, int64_t begun_ms)
{
	if (r->bytes > 0 || r->settled > 0)
		log_info("shipped bytes=%llu settled=%llu waiting=%llu ms=%lld",
			 (unsigned long long)r->bytes, (unsigned long long)r->settled,
			 (unsigned long long)r->bytes_waiting,
			 (long long)(clock_monotonic_ms() - begun_ms));
}

/* 1 go on, 0 there is nothing to do any more, -1. */
static int step(struct shipper *s, struct err *err)
{
	struct copy_pace pace = {.stop = stop, .arg = s};
	int64_t begun_ms = clock_monotonic_ms();
	struct ship_report report;

	heed(s);
	if (ship_run(s->a, s->once ? 0 : SHIP_BYTES, s->once ? 0 : SHIP_AGE_S, &pace, &report,
		     err) < 0)
		return -1;
	log_report(&report, begun_ms);
	notify_status("%llu bytes wait for their media", (unsigned long long)report.bytes_waiting);
	if (tell_changes(s, err) < 0)
		return -1;
	if (s->once)
		return report.bytes > 0 || report.settled > 0;
	return wait_for_work(s);
}

int shipper_run(struct archive *a, int stop_fd, bool once, struct err *err)
{
	struct shipper s = {.a = a, .stop_fd = stop_fd, .watch_fd = -1, .once = once};
	int rc = watch(&s, err);

	if (rc == 0)
		rc = 1;
	while (rc > 0)
		rc = step(&s, err);
	for (size_t i = 0; i < s.n_told; i++)
		free(s.told[i]);
	free(s.told);
	fd_cleanup(&s.watch_fd);
	return rc < 0 && err->kind == ERR_STOPPED ? 0 : rc;
}
