/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mirror.h - a copy of all media at another place (product.md, B2), and repairs between the two.
 *
 * The mirror's place holds, for each medium N, a folder "medium-N" which is a place for that medium: it has its label,
 * packs/, catalog/ and evidence/, and can be used in its stead.
 *
 * (MI1) Only what is missing travels, and an interrupted run is gone on from. A file that is complete is read back once on
 *       arrival, and again at a slow pace (scrub); its hash is the catalog's.
 * (MI2) A pack that was replaced, or a thinned backup, is removed from the mirror only after its replacement arrived.
 * (MI3) What a medium does not give now (it is away) stays as it is in the mirror.
 * (MI4) A damaged pack is mended from the other side only by bytes that open from end to end with the archive key.
 */
#ifndef BACKUP_MIRROR_H
#define BACKUP_MIRROR_H

#include "app/archive/archive.h"
#include "storage/copy.h"

struct mirror_options {
	bool scrub_all;         /* else as much as the setting says */
	bool any_hour;          /* asked for by a person: the setting for hours does not count */
	struct copy_pace *pace; /* may be NULL */
};
struct mirror_report {
	uint64_t files, bytes; /* carried */
	uint64_t removed;
	uint64_t checked; /* read again */
	uint64_t missing; /* a medium does not answer, or has lost them: named in the log */
	uint64_t damaged, repaired;        /* in the mirror */
	uint64_t total_files, total_bytes; /* that are in the mirror now */
};
int mirror_run(struct archive *a, const struct mirror_options *options,
	       struct mirror_report *report_r, struct err *err);

/* Mend pack NUMBER on its medium from the mirror. 1 mended; 0 the mirror has it not, or not whole: err says so. */
int mirror_repair(struct archive *a, uint64_t pack, struct err *err);

/* The folder of medium NUMBER in the mirror's place: "LOCATION/medium-2". */
void mirror_location(const char *location, unsigned medium, struct str *out);

#endif
