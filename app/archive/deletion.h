/* SPDX-License-Identifier: GPL-3.0-or-later */
/* deletion.h - who may have mail deleted, and how (product.md, R1, R3).
 *
 * (DE1) Deletion is off until the administrator switches it on: then what is asked for is deleted at once, or, with approval, waits until
 *       a data officer decides.
 * (DE2) A mail under hold is not deleted, whoever asks and whatever was decided before.
 * (DE3) Nobody decides on a request of his own.
 * (DE4) Each request, decision and hold is a line of the audit log, in the same transaction.
 * Deleted mail is gone for everybody at once; the nightly steps erase it (erase.h).
 */
#ifndef APP_ARCHIVE_DELETION_H
#define APP_ARCHIVE_DELETION_H

#include "app/archive/archive.h"
#include "app/catalog/holds.h"

enum deletion_mode { DELETION_OFF, DELETION_ON, DELETION_APPROVAL };
const char *deletion_mode_name(enum deletion_mode mode); /* "off", "on", "approval" */
int deletion_mode_by_name(struct view name, enum deletion_mode *mode_r); /* 0, -1 */
int deletion_mode_get(struct catalog *catalog, enum deletion_mode *mode_r, struct err *err);
int deletion_mode_set(struct catalog *catalog, enum deletion_mode mode, struct err *err);

/* PERSON, whom the audit log names, asks that MAILS go, all of which he may see. ERR_SWITCHEDOFF (DE1), ERR_HELD (DE2): nothing is asked for. */
int deletion_request(struct archive *a, uint64_t person, const struct numbers *mails,
		     struct view reason, uint64_t *request_r, struct err *err);
/* PERSON decides. ERR_NOTFOUND; ERR_EXISTS: it was decided; ERR_OWN (DE3); ERR_HELD: it cannot be granted now, and stays open. */
int deletion_decide(struct archive *a, uint64_t person, uint64_t request, bool grant,
		    struct view reason, struct err *err);

/* A hold on MAILS; those that are not live are passed over. */
int hold_set(struct archive *a, const struct numbers *mails, struct view reason, uint64_t *hold_r,
	     struct err *err);
int hold_lift(struct archive *a, uint64_t hold, struct view reason,
	      struct err *err); /* ERR_NOTFOUND: there is none that holds */

#endif
