/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mirror.h - a copy of all media at another place (product.md, B2), and repairs between the two.
 *
 * The mirror's place holds, for each medium N, a folder "medium-N" which is a place for that medium: it has its label,
 * packs/, catalog/ and evidence/, and can be used in its stead. The packs of a medium that is redirected are with the
 * one that holds them.
 *
 * (MI1) Only what is missing travels, and an interrupted run is gone on from. A file that is complete is read back once on
 *       arrival, and again at a slow pace (scrub); its hash is the catalog's. Each run looks whether all files that
 *       arrived are still there.
 * (MI2) A pack that was replaced is removed from the mirror only after its replacement arrived there; a backup that was
 *       thinned, once its medium has a newer one and not that. Other files of the mirror are left alone.
 * (MI3) What a medium does not give now (it is away, or damaged) stays as it is in the mirror. What is damaged in the
 *       mirror gives way only to a copy that is whole.
 * (MI4) A sealed pack counts as mirrored, and a damaged one is mended, only with bytes that are proven: by the hash that
 *       the catalog has, else by opening every record with the archive key.
 * (MI5) A mirror is begun only by mirror_set_site(): where a label is gone that was there (another disk, or none, is
 *       mounted), nothing is written. Nor where the mirror's folder of a medium turns out to be the medium's own.
 */
#ifndef BACKUP_MIRROR_H
#define BACKUP_MIRROR_H

#include "app/archive/archive.h"
#include "storage/copy.h"

struct mirror_options {
	bool scrub_all;          /* else as much as the setting says */
	bool any_hour;           /* asked for by a person: the settings for hours do not count */
	bool (*stop)(void *arg); /* true: end; may be NULL */
	void (*progress)(void *arg, uint64_t bytes); /* BYTES more were carried; may be NULL */
	void *arg;
	/* For tests: stands for FOLDER of the mirror, which it takes over; may be NULL. */
	struct medium *(*wrap)(struct medium *folder);
};

struct mirror_report {
	bool not_now;          /* the settings for hours: nothing was done, or not all */
	uint64_t files, bytes; /* carried */
	uint64_t removed;
	uint64_t checked; /* files read again */
	uint64_t
		missing; /* files that the mirror lacks and their medium does not give: named in the log */
	uint64_t damaged, repaired; /* found in the mirror, damaged or lost, and copied anew */
	unsigned media_away;        /* in use, and not to be read now: named in the log */
	uint64_t total_files, total_bytes; /* that are in the mirror now */
};

/* ERR_NOTFOUND: no place is set (mirror_site()). ERR_BUSY: another process mirrors. Errors are the mirror's own, as of
 * site_open(), or ERR_NOSPACE, ERR_STOPPED, or the catalog's; what is there by then counts. */
int mirror_run(struct archive *a, const struct mirror_options *options,
	       struct mirror_report *report_r, struct err *err);

/* Mend pack NUMBER on its medium from the mirror. 1 mended; 0 the pack is whole, or its medium is away, or the mirror
 * has it not, or not whole: WHY_R says so. */
int mirror_repair(struct archive *a, uint64_t pack, struct err *why_r, struct err *err);

/* The folder of medium NUMBER in the mirror's place: "LOCATION/medium-2". */
void mirror_location(const char *location, unsigned medium, struct str *out);

#endif
