/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sealpost-archiver - takes what the doors left in the spool into the archive.
 *
 *     sealpost-archiver [--archive DIR] [--verbose] [--once] [--follow]
 *
 * --once: end when nothing is ready. --follow: end in good order when the program that started it does. Else it runs until SIGTERM or SIGINT, on which it ends its batch and
 * seals its pack. One per archive. When a medium or the disk fails it tries again, after a second at
 * first and a minute at most; what is worse ends it with status 1.
 *
 * Jail: none of its own yet; package/ confines it by its unit. It holds the archive key and reads bytes from
 * the network, so it is the process to confine most: it needs the archive's folder and its media, and no
 * network.
 */
#include "app/archiver/archiver.h"
#include "app/mail/mail.h"
#include "base/file.h"
#include "base/jail.h"
#include "base/log.h"
#include "base/secret.h"

#include <poll.h>
#include <stdio.h>

#define DEFAULT_ARCHIVE "/var/lib/sealpost/default"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };
enum { PAUSE_MS_MIN = 1000, PAUSE_MS_MAX = 60000 };

struct options {
	const char *archive_dir;
	bool once, follow;
};

static int parse(int argc, char **argv, struct options *o)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--archive") == 0 && i + 1 < argc) {
			o->archive_dir = argv[++i];
		} else if (strcmp(argv[i], "--verbose") == 0) {
			log_set_level(LOG_LEVEL_INFO);
		} else if (strcmp(argv[i], "--once") == 0) {
			o->once = true;
		} else if (strcmp(argv[i], "--follow") == 0) {
			o->follow = true;
		} else {
			fputs("usage: sealpost-archiver [--archive DIR] [--verbose] [--once] "
			      "[--follow]\n",
			      stderr);
			return -1;
		}
	}
	return 0;
}

static int run_once(const struct options *o, struct guard *guard, int stop_fd, bool *opened_r,
		    struct err *err)
{
	CLEAN(archive) a = NULL;
	CLEAN(spool) spool = NULL;
	struct archiver_report report;
	int rc;

	if (archive_open(o->archive_dir, &a, err) < 0 || archive_keep_spool_key(a, err) < 0 ||
	    spool_open(o->archive_dir, &spool, err) < 0)
		return -1;
	*opened_r = true;
	log_info("archiver ready");
	rc = archiver_run(a, spool, guard, stop_fd, o->once, &report, err);
	log_info("archiver ends archived=%llu duplicate=%llu stuck=%llu",
		 (unsigned long long)report.archived, (unsigned long long)report.duplicate,
		 (unsigned long long)report.stuck);
	return rc;
}

/* 1: asked to stop meanwhile. */
static int pause_ms(int ms, int stop_fd)
{
	struct pollfd stop = {.fd = stop_fd, .events = POLLIN};

	return poll(&stop, 1, ms) > 0;
}

/* What failed once it ran is tried again, with an archive opened anew (A1); what cannot even start, or
 * will not get better by itself, is for the administrator. */
static int serve(const struct options *o, struct err *err)
{
	CLEAN_FD stop_fd = -1;
	CLEAN(guard) guard = NULL;
	bool opened = false;
	int ms = PAUSE_MS_MIN;

	if (jail_signals(o->follow, &stop_fd, err) < 0 ||
	    guard_open(o->archive_dir, &guard, err) < 0)
		return -1;
	for (;;) {
		bool opened_now = false;

		err_clear(err);
		if (run_once(o, guard, stop_fd, &opened_now, err) == 0)
			return 0;
		opened = opened || opened_now;
		if (o->once || !opened || !err_retry(err->kind))
			return -1;
		ms = opened_now ? PAUSE_MS_MIN : ms < PAUSE_MS_MAX / 2 ? 2 * ms : PAUSE_MS_MAX;
		log_error("archiving stopped, tried again in %d s: %s", ms / 1000, err->text);
		if (pause_ms(ms, stop_fd))
			return 0;
	}
}

int main(int argc, char **argv)
{
	struct options o = {.archive_dir = getenv("SEALPOST_ARCHIVE")};
	struct err err = {0};

	secret_harden_process();
	if (o.archive_dir == NULL)
		o.archive_dir = DEFAULT_ARCHIVE;
	if (parse(argc, argv, &o) < 0)
		return EXIT_USAGE;
	mail_init();
	if (serve(&o, &err) == 0)
		return EXIT_DONE;
	log_error("archiver failed: %s", err.text);
	fprintf(stderr, "%s\n", err_sentence(err.kind));
	return EXIT_FAILED;
}
