/* SPDX-License-Identifier: GPL-3.0-or-later */
/* archiver.h - from the spool into the archive, batch by batch, for as long as the process lives.
 *
 * (D1) An entry leaves the spool only after the catalog commit of its batch. One that a crash left
 *      there is found to be known, by its bytes, way and source (a journal report's mail by its place,
 *      too), and is removed: one mail, one sighting, whenever the archiver dies.
 * (D2) What cannot be taken in goes to stuck/ with its reason; the rest flows on.
 *      A mail that the archiver does not survive goes there too, in the end (guard.h).
 * (D3) When nothing waits the index is committed, so a mail is found within two seconds of its
 *      spool_commit() while there is little to do.
 */
#ifndef APP_ARCHIVER_ARCHIVER_H
#define APP_ARCHIVER_ARCHIVER_H

#include "app/archive/archive.h"
#include "app/archiver/guard.h"
#include "app/intake/spool.h"

struct archiver_report {
	uint64_t archived, duplicate; /* mails: an entry may hold several */
	uint64_t stuck;               /* entries */
};

/* Take what is ready and, unless ONCE, what becomes ready, until STOP_FD (-1: none) is readable; then
 * end the batch, commit the index and seal the pack. After -1 the archive must be opened anew; no
 * entry was lost. */
int archiver_run(struct archive *a, struct spool *spool, struct guard *guard, int stop_fd,
		 bool once, struct archiver_report *report_r, struct err *err);

#endif
