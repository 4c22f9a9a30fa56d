/* SPDX-License-Identifier: GPL-3.0-or-later */
/* chain.h - how backups hang together: a full set, and incremental ones, each upon its predecessor; and which are kept.
 *
 * All work on what backup_set_list() gave: sorted by id, so that a predecessor stands before what needs it.
 */
#ifndef BACKUP_CHAIN_H
#define BACKUP_CHAIN_H

#include "backup/set.h"

/* The index of the full set that V[AT] rests on; -1: a link is missing or does not open, WHY (may be NULL) tells which. The
 * sets' content is not looked at. */
ssize_t chain_root(const struct backup_set_entry *v, size_t n, size_t at, struct err *why);

/* Full sets are kept for so many days, and then the newest one of each week (from Monday, UTC) for so many weeks, each
 * with what rests on it. What rests on nothing is kept for those days. What does not open is never touched, nor is
 * the newest chain that is whole, nor anything that a set which stays needs (backup/database.h, DB3). */
struct chain_keep {
	uint64_t days, weeks;
};
/* GONE[i]: V[i] is to be removed. */
void chain_thin(const struct backup_set_entry *v, size_t n, int64_t now_ms,
		const struct chain_keep *keep, bool *gone);

#endif
