/* SPDX-License-Identifier: GPL-3.0-or-later */
/* read.h - giving a mail back, bit for bit.
 *
 * (R1) What is given out has the SHA-256 of what was captured; anything else is ERR_DAMAGED.
 */
#ifndef APP_ARCHIVE_READ_H
#define APP_ARCHIVE_READ_H

#include "app/archive/archive.h"
#include "app/archive/record.h"

struct reader; /* open packs and buffers, for one thread; do not outlive the archive */

struct reader *reader_new(struct archive *a);
void reader_free(struct reader **reader);

/* The exact bytes of the mail of ROW, in RAW (reset first). ERR_DAMAGED names pack and offset, also if the medium answers
 * and has no such pack; ERR_OFFLINE: its medium does not answer, is deactivated, or another stands in its place. */
int reader_mail(struct reader *r, const struct mail_row *row, struct str *raw, struct err *err);

/* The same for a record that was read already: puts the parts back. PAYLOAD is the record's, EXACT_R
 * the SHA-256 that was found true. */
int reader_rebuild(struct reader *r, struct view payload, struct str *raw, struct hash *exact_r,
		   struct err *err);

/* The mail's facts as its record keeps them (envelope); views in the arena. */
int reader_facts(struct reader *r, struct arena *arena, const struct mail_row *row,
		 struct facts *facts_r, struct err *err);

/* The same of a later sighting; SIZE_R (may be NULL): of the bytes that came then. */
int reader_sighting(struct reader *r, struct arena *arena, const struct sighting_row *row,
		    struct facts *facts_r, uint64_t *size_r, struct err *err);

/* An open pack; stays the reader's, until the next call. */
int reader_pack(struct reader *r, uint64_t pack, struct pack_reader **pack_r, struct err *err);
/* Forget an open pack: it was replaced. */
void reader_forget(struct reader *r);

/* The mail with this id, for those who may see it: 1; 0 with err saying that there is none
 * (ERR_NOTFOUND) or that it was erased (ERR_ERASED), -1. Deleted mails are not found. */
int mail_find(struct archive *a, struct arena *arena, const struct uuid *id, struct mail_row *row_r,
	      struct err *err);

#endif
