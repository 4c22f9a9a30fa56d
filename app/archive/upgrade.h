/* SPDX-License-Identifier: GPL-3.0-or-later */
/* upgrade.h - an archive that an older Sealpost wrote becomes one of this version.
 *
 * archive_open() does it, so no archive stays behind because an order was forgotten; `sealpost upgrade` does it at a time that the
 * administrator chose, and tells. Packs, key, labels and spool keep their formats: only catalog and index change.
 *
 * (UP1) Before the first step the catalog is copied, whole and encrypted as it is, to catalog.db.before-N, N being the number of the schema that it
 *       is to have. The copy is durable before a step begins. It lies beside the catalog and not on a medium: where the media are, an older
 *       catalog tells in its own words, and one that does not answer must hold nothing up. (`package/appliance/hook-upgrade` has the
 *       older program back up to the medium first.)
 * (UP2) Each step is one transaction, and its number goes with it. Whoever is killed leaves a catalog between two steps, and the next one goes on
 *       there; a copy from before the first of them stays as it is.
 * (UP3) One process does it at a time; others that open the archive meanwhile wait for it.
 * (UP4) An index of an older version is removed, and filled anew from the packs by those who look after it (catch_up.h). No mail is
 *       out of reach meanwhile, but to searches.
 * (UP5) An archive with a newer catalog is refused (ERR_VERSION), and nothing of it is changed.
 */
#ifndef APP_ARCHIVE_UPGRADE_H
#define APP_ARCHIVE_UPGRADE_H

#include "app/archive/archive.h"

struct upgrade_report {
	int from, to;    /* schema of the catalog; the same: nothing was to be done */
	bool index_anew; /* the index was of an older version */
};

/* What an upgrade would do. The archive is only looked at. */
int archive_upgrade_check(const char *dir, struct upgrade_report *report_r, struct err *err);
/* FN (may be NULL) is told of each step that was done. */
typedef void upgrade_step_fn(void *arg, int step, int last);
int archive_upgrade(const char *dir, upgrade_step_fn *fn, void *arg,
		    struct upgrade_report *report_r, struct err *err);
/* "catalog.db.before-N", in the archive's directory. */
void upgrade_copy_name(const struct upgrade_report *report, struct str *out);

#endif
