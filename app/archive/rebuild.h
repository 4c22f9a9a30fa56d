/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rebuild.h - a new catalog and index from the media and the key alone (B4).
 *
 * The new catalog is made beside the old one and takes its place, in one rename, when it is complete; the
 * old one is kept as catalog.db.old. Settings, media, tags and notes are carried over from an old catalog
 * that still opens; else the settings begin anew, and tags and notes are lost.
 */
#ifndef APP_ARCHIVE_REBUILD_H
#define APP_ARCHIVE_REBUILD_H

#include "app/archive/adopt.h"
#include "app/archive/evidence.h"
#include "storage/site.h"

struct rebuild_report {
	uint64_t packs;
	uint64_t replaced; /* packs passed over, since another took their place */
	uint64_t unopened; /* packs that do not open at all */
	struct adopted adopted;
	struct evidence_regained evidence; /* timestamps */
};

/* PLACES: where media or a mirror of them are, besides what is inside the archive's directory and what an old catalog
 * names. What is in staging for a medium is taken in, too, even if the medium is away. */
int archive_rebuild(const char *dir, const struct site *places, size_t n,
		    struct rebuild_report *report_r, struct err *err);

#endif
