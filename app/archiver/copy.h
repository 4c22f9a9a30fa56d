/* SPDX-License-Identifier: GPL-3.0-or-later */
/* copy.h - a mail as it was delivered behind all filters, and the capture made before them that it completes.
 *
 * The capture is the mail. A copy that comes later adds to it what it alone knows: recipients, marks of spam,
 * and its own header, as one more sighting. Only where there is no capture the copy is archived as a mail.
 */
#ifndef APP_ARCHIVER_COPY_H
#define APP_ARCHIVER_COPY_H

#include "app/archiver/entry.h"

/* Where captures are found. */
struct captures {
	struct archive *a;
	struct spool *spool;
	const struct x25519 *key;
};

/* Settle what the entry is: set e->belongs, its flags and whether it is spam. IS_AHEAD: its capture is in hand, so
 * that it is archived before the entry. 1; 0 the capture is ready and not in hand: leave the entry
 * where it is until it is. Entries that are no copies are settled at once. */
int copy_settle(const struct captures *captures, struct entry *e, bool is_ahead, struct err *err);

/* The mail that an entry's capture became: 1; 0 none, or it was deleted. */
int copy_find_mail(struct archive *a, const struct entry *e, uint64_t *mail_r, struct err *err);

#endif
