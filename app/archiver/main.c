/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sealpost-archiver - takes what the doors left in the spool into the archive.
 *
 *     sealpost-archiver [--archive DIR] [--verbose] [--follow] [--once]
 *
 * --once: end when nothing is ready. --follow: end in good order when the program that started it does. Else it runs until SIGTERM or SIGINT, on which it ends its batch and
 * seals its pack. One per archive. When a medium or the disk fails it tries again, after a second at
 * first and a minute at most; what is worse ends it with status 1.
 *
 * Jail: none of its own; its unit (package/systemd) confines it. It holds the archive key and reads bytes from
 * the network, so it is the process to confine most: it needs the archive's folder and its media, and no
 * network.
 */
#include "app/archiver/archiver.h"
#include "app/mail/mail.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/jail.h"
#include "base/log.h"
#include "base/notify.h"
#include "base/secret.h"
#include "base/service.h"

#include <poll.h>
#include <stdio.h>

enum { PAUSE_MS_MIN = 1000, PAUSE_MS_MAX = 60000 };

static int run_once(const struct service *service, struct guard *guard, int stop_fd, bool *opened_r,
		    struct err *err)
{
	CLEAN(archive) a = NULL;
	CLEAN(spool) spool = NULL;
	struct archiver_report report;
	int rc;

	if (archive_open(service->archive_dir, &a, err) < 0 || archive_keep_spool_key(a, err) < 0 ||
	    spool_open(service->archive_dir, &spool, err) < 0)
		return -1;
	*opened_r = true;
	log_info("archiver ready");
	notify_ready();
	notify_status("takes in what comes");
	rc = archiver_run(a, spool, guard, stop_fd, service->own_given, &report, err);
	log_info("archiver ends archived=%llu duplicate=%llu stuck=%llu",
		 (unsigned long long)report.archived, (unsigned long long)report.duplicate,
		 (unsigned long long)report.stuck);
	return rc;
}

/* 1: asked to stop meanwhile. */
static int pause_ms(int ms, int stop_fd)
{
	struct pollfd stop = {.fd = stop_fd, .events = POLLIN};
	int64_t end_ms = clock_monotonic_ms() + ms, left_ms;

	while ((left_ms = end_ms - clock_monotonic_ms()) > 0) {
		notify_alive();
		if (poll(&stop, 1, notify_wait_ms((int)left_ms)) > 0)
			return 1;
	}
	return 0;
}

/* What failed once it ran is tried again, with an archive opened anew (A1); what cannot even start, or
 * will not get better by itself, is for the administrator. */
static int serve(const struct service *service, struct err *err)
{
	CLEAN_FD stop_fd = -1;
	CLEAN(guard) guard = NULL;
	bool opened = false;
	int ms = PAUSE_MS_MIN;

	if (jail_signals(service->follow, &stop_fd, err) < 0 ||
	    guard_open(service->archive_dir, &guard, err) < 0)
		return -1;
	for (;;) {
		bool opened_now = false;

		err_clear(err);
		if (run_once(service, guard, stop_fd, &opened_now, err) == 0)
			return 0;
		opened = opened || opened_now;
		if (service->own_given || !opened || !err_retry(err->kind))
			return -1;
		ms = opened_now ? PAUSE_MS_MIN : ms < PAUSE_MS_MAX / 2 ? 2 * ms : PAUSE_MS_MAX;
		log_error("archiving stopped, tried again in %d s: %s", ms / 1000, err->text);
		notify_status("cannot archive, tries again: %s", err_code(err->kind));
		if (pause_ms(ms, stop_fd))
			return 0;
	}
}

int main(int argc, char **argv)
{
	struct service service = {.name = "archiver", .own = "--once"};
	struct err err = {0};

	secret_harden_process();
	if (service_parse(&service, argc, argv) < 0)
		return SERVICE_USAGE;
	mail_init();
	if (serve(&service, &err) == 0)
		return SERVICE_DONE;
	return service_failed(&service, &err, err_sentence(err.kind));
}
