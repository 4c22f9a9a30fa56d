/* SPDX-License-Identifier: GPL-3.0-or-later */
/* restore.h - an archive from its media, or their mirror, and the key (product.md, B3 and B4).
 *
 * (RS1) The directory of the archive is new or empty but for this key and settings. It is an archive, for other programs,
 *       only when the restore is complete: the catalog gets its name last. One that was interrupted is begun again;
 *       one that failed leaves nothing behind.
 * (RS2) The newest chain of backups that is whole is used; if it is not the newest there is, the report says which was
 *       passed over, and why. Then packs that the backup does not know, or knows shorter, are taken in. Without any
 *       backup everything is made from the packs.
 * (RS3) What could not be had is listed: packs that are missing or do not open, mails whose bytes were never shipped.
 * (RS4) The media keep their numbers, and are from then on where they were found. A drill changes nothing there.
 */
#ifndef BACKUP_RESTORE_H
#define BACKUP_RESTORE_H

#include "base/arena.h"
#include "base/id.h"
#include "storage/keyring.h"
#include "storage/site.h"

#include <stdint.h>

struct restore_report {
	struct arena *arena; /* the caller's, for what follows */
	unsigned media;      /* found */
	char *backup;        /* name of the set that was used; NULL none */
	int64_t backup_made_ms;
	uint64_t sets_passed_over;
	char *passed_over_why; /* of the newest of them */
	uint64_t mails;        /* in the archive now */
	uint64_t
		mails_from_packs; /* of these, taken in from packs, as the backup did not know them */
	uint64_t stamps_from_media; /* timestamps that the backup did not know */
	struct {
		char **v; /* sentences: what could not be had */
		size_t n, cap;
	} lost;
	uint64_t mails_lost; /* that the backup knows and no medium has */
	bool mirror_is_medium; /* the place of the mirror is a medium's now: there is no mirror until one is set */
};

/* FROM: where the media are, or a mirror; its folders "medium-N" are looked for. KEYS are saved as the archive's.
 *     ERR_EXISTS    DIR holds an archive, or another one's key, or something else
 *     ERR_NOTFOUND  FROM has nothing of the archive that KEYS belong to
 *     ERR_FOREIGN   FROM has media of another archive: it is the wrong key
 * and those of site_open(). */
int restore_archive(const char *dir, const struct keyring *keys, const struct site *from, size_t n,
		    struct restore_report *report_r, struct err *err);

/* Restore into a temporary directory below PARENT, open SAMPLE mails at random and put them to the proof, and leave
 * nothing behind, even if the process is killed. *OPENED_R of them were right; what was not is in the report's list. */
int restore_drill(const char *parent, const struct keyring *keys, const struct site *from, size_t n,
		  uint64_t sample, uint64_t *opened_r, struct restore_report *report_r,
		  struct err *err);

#endif
