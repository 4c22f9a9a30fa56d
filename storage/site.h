/* SPDX-License-Identifier: GPL-3.0-or-later */
/* site.h - a place where bytes can lie: a directory of the local disk, or a share of a Windows or Samba server with the
 * log-in for it; and the test by which a place shows that it can be used.
 *
 *     /srv/archive                            a directory; also "media/1", within the archive's own
 *     smb://HOST[:PORT]/SHARE[/DIR...]        HOST a name, an IPv4 address or [an IPv6 address]
 *
 * A location never holds a user or a password; one that does is refused.
 */
#ifndef STORAGE_SITE_H
#define STORAGE_SITE_H

#include "base/secret.h"
#include "storage/medium.h"

struct site {
	const char *location;
	const char *user, *domain;     /* of a share; NULL or "": none */
	const struct secret *password; /* of a share; NULL: none */
	unsigned timeout_ms;           /* of a share: what one call may take; 0: SITE_TIMEOUT_MS */
};
enum { SITE_TIMEOUT_MS = 20000 };

bool site_is_share(const char *location);
/* ERR_USAGE in words: what is wrong with a location that a person gave. */
int site_check(const char *location, struct err *err);

/* FOLDER ("sealpost-UUID") of the place as a medium; "" the place itself. CREATE: makes FOLDER if it is not there, and
 * the DIRs above it. Error kinds, each with its own sentence:
 *     ERR_OFFLINE   host unknown or unreachable, or nobody listens there; the directory is not there
 *     ERR_TIMEOUT   the server does not answer
 *     ERR_DENIED    the log-in is refused; or the log-in is good and this share is closed to the user
 *     ERR_NOTFOUND  the server has no such share; FOLDER is not there */
int site_open(const struct site *site, const char *folder, bool create, struct medium **medium_r,
	      struct err *err);

/* The test before a place is used: write a file of some size under a name of full length, read it back and compare,
 * look at its time, remove it, ask for the free space. Leaves nothing behind. Besides the kinds above:
 *     ERR_DENIED       no permission to write, or to delete
 *     ERR_NOSPACE      full
 *     ERR_DAMAGED      what is read is not what was written
 *     ERR_UNSUPPORTED  a name of the length that packs need cannot be kept
 *     ERR_SYNTAX       its clock is more than SITE_SKEW_S off: retention and log-ins by Kerberos depend on it */
enum { SITE_SKEW_S = 300 };
struct site_space {
	uint64_t free_bytes, total_bytes;
};
int site_test(struct medium *medium, struct site_space *space_r, struct err *err);

#endif
