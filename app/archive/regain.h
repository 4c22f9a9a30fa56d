/* SPDX-License-Identifier: GPL-3.0-or-later */
/* regain.h - a catalog that agrees with the media as they were found: from an empty one (rebuild), or from a backup of it
 * that is older than they are (restore).
 *
 * (RG1) It is made beside the archive's own, as ARCHIVE/catalog.new; regain_put_in_place() gives it its name, in one
 *       rename. Nothing on a medium is changed: what is torn or replaced there, recovery (archive.h, A1) sees to
 *       when the archive is opened. For that, packs that are not sealed are brought from a share into staging.
 * (RG2) Packs that the catalog does not know, or knows shorter, are taken in. What it knows in a pack that another one took
 *       the place of since is moved there, or erased if the new pack says so.
 * (RG3) Of what a medium in reach does not have any more, the rows stay: reading it tells of damage, and not of a mail
 *       that never was.
 */
#ifndef APP_ARCHIVE_REGAIN_H
#define APP_ARCHIVE_REGAIN_H

#include "app/archive/adopt.h"
#include "app/archive/evidence.h"
#include "app/archive/found.h"

struct regain_report {
	uint64_t packs;    /* read from end to end */
	uint64_t replaced; /* passed over, since others took their place */
	uint64_t unopened; /* that do not open at all */
	struct adopted adopted;
	struct evidence_regained evidence; /* timestamps */
	struct {
		char **v; /* sentences on what could not be had, in the arena */
		size_t n, cap;
	} lost;
	struct {
		unsigned *v; /* media that are in use until regain_set_aside() */
		size_t n, cap;
	} deactivated;
	uint64_t mails_lost;   /* that the catalog knows, and no medium has */
	bool mirror_is_medium; /* the mirror's place has become a medium's: there is no mirror now */
};

/* The archive in DIR, which has its key, with catalog.new as its catalog: an empty one if CREATE. Nothing is
 * recovered, and only what follows may be called for it, and what reads. No mail is taken in as long as LOCK_R, the caller's, is
 * open; ERR_BUSY: it is just now. */
int regain_open(const char *dir, bool create, struct archive **a_r, int *lock_r, struct err *err);

/* Media that FOUND lacks are looked for where the catalog says they are, and added to it; one that is not there is logged. */
int regain_known_media(struct archive *a, struct found_media *found, struct err *err);

/* The caller holds the catalog's transaction, and what it tells of media is what was known before. Mails with these ids,
 * sorted, were DELETED (adopt.h). FOUND must outlive the archive, whose media are from then on what was found, to be read
 * only. */
int regain_packs(struct archive *a, struct found_media *found, const struct uuid *deleted,
		 size_t n_deleted, struct arena *arena, struct regain_report *report_r,
		 struct err *err);

/* Media that were deactivated are so again. What is to be read of them (the index) was read before. */
int regain_set_aside(struct archive *a, const struct regain_report *report, struct err *err);

/* catalog.new, closed, becomes the catalog. The old one, if there is any, stays as catalog.db.old. */
int regain_put_in_place(struct archive *a, struct err *err);
/* Give it up: nothing of it is left. */
void regain_drop(struct archive *a);

#endif
