/* SPDX-License-Identifier: GPL-3.0-or-later */
/* state.h - what an archive remembers of its last backup, in its own directory: ARCHIVE/backup.state.
 *
 * (BST1) It is replaced, in one step, only after the set that it tells of is durable. A crash in between leaves the state
 *        before: the next set rests on an earlier one, and that is right, too.
 * (BST2) It holds nothing that cannot be lost: without it the next backup is a full one.
 */
#ifndef BACKUP_STATE_H
#define BACKUP_STATE_H

#include "app/catalog/frozen.h"
#include "base/id.h"

/* One set of the chain. */
struct backup_link {
	struct uuid id;
	bool is_full;
	uint64_t bytes; /* of its file */
};

struct backup_state {
	unsigned medium; /* that the chain is on */
	unsigned char
		salt[PAGE_SALT_BYTES]; /* with which the catalog begins: another one has another */
	struct backup_link *links;     /* from the full set to the last one */
	uint32_t n_links;
	struct hash hash; /* of the last one */
	uint32_t page_bytes;
	uint64_t pages;
	struct page_print *prints; /* of every page, from page 1 on */
};

void backup_state_free(struct backup_state **state);
/* ERR_NOTFOUND; ERR_DAMAGED; ERR_VERSION. */
int backup_state_load(const char *path, struct backup_state **state_r, struct err *err);
int backup_state_save(const struct backup_state *state, const char *path, struct err *err);

#endif
