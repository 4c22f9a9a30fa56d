/* SPDX-License-Identifier: GPL-3.0-or-later */
/* provenance.h - how, when and from where a mail came, as a text that a timestamp can cover and a stranger can read.
 *
 * It is made from the mail record's facts, or a later sighting's (record.h), and from nothing else, so that the same record gives the
 * same text for ever: its digest is in the evidence. A line "name: value" for each fact that is known, in a fixed order, LF at
 * each end; what is not printable ASCII is written %XX, as is "%" itself (docs/FORMAT.md).
 */
#ifndef APP_ARCHIVE_PROVENANCE_H
#define APP_ARCHIVE_PROVENANCE_H

#include "app/archive/read.h"
#include "app/archive/record.h"

/* Whose it is. */
struct provenance_of {
	struct uuid archive;
	struct uuid mail;     /* its id; in it, the archiving time */
	struct uuid sighting; /* of a later sighting; all zero: the mail's own */
	struct hash
		exact; /* SHA-256 of the bytes that came then: of a sighting, maybe others than the mail's */
	uint64_t size;
};

void provenance_text(struct str *out, const struct provenance_of *of, const struct facts *facts);

/* From now on mail number MAIL, or its later sighting, waits for a timestamp, with the digest of its text (app/catalog/stamps.h); in the
 * open transaction. OF needs no archive. */
int provenance_wait(struct archive *a, uint64_t mail, const struct provenance_of *of,
		    const struct facts *facts, struct err *err);

/* The text of a mail in the catalog, or of a later sighting of it (NULL: its own), from its record. ERR_OFFLINE, ERR_DAMAGED as
 * reading does. */
int provenance_read(struct archive *a, struct reader *r, const struct mail_row *mail,
		    const struct sighting_row *sighting, struct str *text, struct err *err);

#endif
