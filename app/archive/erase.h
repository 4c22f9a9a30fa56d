/* SPDX-License-Identifier: GPL-3.0-or-later */
/* erase.h - deleting a mail, and the two nightly steps that leave nothing of it (R2).
 *
 * delete_mail(): from then on nobody finds or reads it. erase_index(): its words leave the index.
 * erase_media(): the packs that hold it, or a part that only it used, are written anew without them.
 *
 * (E1) The new pack names the one it replaces; it is sealed before the catalog changes over to it, and
 *      the old one is removed after that. A crash in between leaves either the old pack in force or
 *      the new one, and never both.
 * (E2) Only what the catalog knows as erased is left out. A pack that holds a mail unknown to the
 *      catalog, or damaged bytes, is not rewritten but told.
 * (E3) On a medium across a network the old pack leaves staging at once, and the medium when the new one has arrived
 *      there (app/archive/ship.h, H3).
 */
#ifndef APP_ARCHIVE_ERASE_H
#define APP_ARCHIVE_ERASE_H

#include "app/archive/archive.h"

struct erase_report {
	uint64_t mails;
	uint64_t packs;       /* written anew */
	uint64_t bytes_freed; /* on the media */
	uint64_t refused;     /* packs not rewritten (E2); each was logged */
	uint64_t put_off; /* packs whose medium does not answer: the next time; each was logged */
};

/* REQUEST: app/catalog/requests.h. ERR_HELD: nothing was done. */
int delete_mail(struct archive *a, const struct mail_row *row, uint64_t request, struct err *err);
int erase_index(struct archive *a, struct erase_report *report_r, struct err *err);
int erase_media(struct archive *a, struct erase_report *report_r, struct err *err);

#endif
