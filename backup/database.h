/* SPDX-License-Identifier: GPL-3.0-or-later */
/* database.h - backups of the catalog onto the active medium (product.md, B1), and back.
 *
 * (DB1) A backup is the catalog as it was at one moment, between two transactions, while mail goes on being archived.
 * (DB2) An incremental one holds the pages that differ from its predecessor. If the predecessor is missing, is on another
 *       medium, was not made from this very catalog, or cannot be named for certain, a full one is made instead, and
 *       the report says why. A medium that does not answer is taken to have what was put there.
 * (DB3) Thinning removes no set that a set which stays needs, and never the newest chain.
 */
#ifndef BACKUP_DATABASE_H
#define BACKUP_DATABASE_H

#include "app/archive/archive.h"
#include "backup/set.h"

struct database_report {
	struct backup_set_header header;
	unsigned medium;
	uint64_t pages, bytes; /* pages in the set, size of its file */
	char instead[256];     /* a full one was made instead of an incremental one: why; else "" */
	bool waits;            /* the medium is away: the set waits in staging */
	uint64_t thinned;      /* sets removed */
	int64_t held_ms;       /* so long writers of the catalog had to wait at most */
};

/* No transaction of A's catalog is open. ERR_BUSY: another backup is being made, or the catalog was never still for the
 * moment that it takes. */
int database_backup(struct archive *a, bool full, struct database_report *report_r,
		    struct err *err);

/* Put the catalog of the chain that ends in set NAME together, as the file PATH. ERR_DAMAGED: a link of the chain
 * is missing or damaged; it says which. PATH is then not there. */
int database_restore(struct medium *medium, const struct keyring *keys, const char *name,
		     const char *path, struct err *err);

#endif
