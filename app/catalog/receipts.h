/* SPDX-License-Identifier: GPL-3.0-or-later */
/* receipts.h - what became of spool entries: written in the transaction that archived the mail.
 *
 * Kept for captures (a later delivery of the same mail adds its recipients to the mail that the capture
 * became) and where a door asked for it (envelope.wants_receipt: fetching deletes nothing on a server
 * before the archive has it). They go after receipts_expire().
 */
#ifndef APP_CATALOG_RECEIPTS_H
#define APP_CATALOG_RECEIPTS_H

#include "app/catalog/catalog.h"
#include "base/id.h"

/* The numbers are in the catalog and never change. */
enum receipt_outcome { RECEIPT_ARCHIVED = 1, RECEIPT_DUPLICATE = 2, RECEIPT_STUCK = 3 };

struct receipt {
	enum receipt_outcome outcome;
	struct uuid mail; /* archived or duplicate: the mail; zero if stuck */
};

/* In place of an earlier one, such as that of an entry that was stuck. NOW_S: when, for receipts_expire(). */
int receipts_put(struct catalog *catalog, const struct uuid *entry, const struct receipt *receipt,
		 int64_t now_s, struct err *err);
int receipts_get(struct catalog *catalog, const struct uuid *entry, struct receipt *receipt_r,
		 struct err *err); /* 1, 0 */
/* Forget those made before BEFORE_S, but for those of fetched mails whose account has not looked at them yet
 * (fetched.h): without one a mail would be taken for lost. */
int receipts_expire(struct catalog *catalog, int64_t before_s, struct err *err);

#endif
