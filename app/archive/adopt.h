/* SPDX-License-Identifier: GPL-3.0-or-later */
/* adopt.h - from packs to catalog rows: what recovery does with the tail of one pack, and rebuild with all packs.
 *
 * First every pack is scanned (adopter_scan), then what was found is described (adopter_describe):
 * parsing needs parts that may lie in any pack. The caller holds the catalog's transaction.
 */
#ifndef APP_ARCHIVE_ADOPT_H
#define APP_ARCHIVE_ADOPT_H

#include "app/archive/archive.h"
#include "app/archive/catch_up.h"

struct adopted {
	uint64_t mails, sightings, parts, tombstones;
	uint64_t known;  /* records that the catalog has already */
	uint64_t moved;  /* of these, those that were elsewhere, in a pack that is gone */
	uint64_t erased; /* mails that the catalog knew, and that a tombstone says are erased */
	uint64_t superfluous; /* mail records whose content another mail has: to be erased */
	uint64_t damaged;     /* stretches that open as no record */
	uint64_t unreadable;  /* mails whose parts are missing */
};

struct adopter;

struct adopter *adopter_new(struct archive *a);
void adopter_free(struct adopter **adopter);

/* Mails with these ids, sorted by their bytes, were deleted: they are taken in as such, and do not stand
 * in the way of the same mail that came in again. IDS must outlive the adopter. */
void adopter_set_deleted(struct adopter *ad, const struct uuid *ids, size_t n);

/* These packs, sorted, are gone, or others took their place: what the catalog knows to be there is from now on where it is
 * found. PACKS must outlive the adopter. */
void adopter_set_gone(struct adopter *ad, const uint64_t *packs, size_t n);

/* A mail that needs a part from a medium which does not answer now ends the describing, as ERR_OFFLINE or ERR_TIMEOUT: the
 * caller comes again. Without this it is taken in without being described, as one whose part is lost. */
void adopter_need_parts(struct adopter *ad);

/* Scan the pack. *END_R: where the last whole record ends; *SEALED_R: is there a true seal? */
int adopter_scan(struct adopter *ad, struct pack_reader *pack, uint64_t *end_r, bool *sealed_r,
		 struct err *err);
/* INDEX may be NULL: then index_catch_up() does the rest later. PROGRESS may be NULL. */
int adopter_describe(struct adopter *ad, struct index_writer *index, struct err *err);
const struct adopted *adopter_result(const struct adopter *ad);

#endif
