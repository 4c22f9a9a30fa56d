/* SPDX-License-Identifier: GPL-3.0-or-later */
/* service.h - how a daemon is called, and what it says when it cannot go on.
 *
 *     sealpost-NAME [--archive DIR] [--verbose | --quiet] [--follow] [OWN]
 *
 * The archive is DIR, or $SEALPOST_ARCHIVE, or the default. --verbose logs what goes well, too;
 * --quiet errors only: what else there is to say, says who started it; log.conf beats both. --follow: when
 * the program that started it ends, by whatever way, the daemon ends in good order.
 */
#ifndef BASE_SERVICE_H
#define BASE_SERVICE_H

#include "base/err.h"
#include "base/log.h"

extern const char sealpost_version[]; /* "0.7.0" */

enum { SERVICE_DONE = 0, SERVICE_FAILED = 1, SERVICE_USAGE = 2 };

struct service {
	const char *name; /* "smtpd" */
	const char *own;  /* a switch that this daemon alone has, "--once"; NULL: none */
	const char *archive_dir;
	bool follow, own_given;
};

/* NAME, which log.conf has, and OWN are set, the rest is from the arguments. -1: usage was told. */
int service_parse(struct service *s, int argc, char **argv);
/* Log why it ends, and tell what that means for the mail. SERVICE_FAILED. */
int service_failed(const struct service *s, const struct err *err, const char *meaning);

#endif
