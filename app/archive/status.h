/* SPDX-License-Identifier: GPL-3.0-or-later */
/* status.h - how an archive is: what it holds, what it saves, what waits, what to warn of. */
#ifndef APP_ARCHIVE_STATUS_H
#define APP_ARCHIVE_STATUS_H

#include "app/archive/archive.h"

struct archive_status {
	struct mails_totals mails;
	uint64_t pack_bytes; /* on all media */
	uint64_t catalog_bytes, index_bytes;
	uint64_t indexed; /* mails in the index */
	bool key_backed_up;
	struct medium_row *media; /* in the arena */
	size_t n_media;
	/* Of the disk that staging (and the spool) is on; the doors refuse mail when no more than the reserve is left. */
	uint64_t staging_free_bytes, staging_reserve_bytes;
};

/* Neither opens the index nor brings it up to date (indexed is 0), and counts no mails but takes what TOTALS has. */
int archive_figures(struct archive *a, const struct mails_totals *totals, struct arena *arena,
		    struct archive_status *status_r, struct err *err);
int archive_status(struct archive *a, struct arena *arena, struct archive_status *status_r,
		   struct err *err);

/* Is the key on paper? A file of the archive's directory says so, since the catalog may not be there yet: 1, when; 0. */
int key_backup_made(const char *archive_dir, int64_t *made_s_r, struct err *err);
int key_backup_note(const char *archive_dir, struct err *err); /* it is, since now */

#endif
