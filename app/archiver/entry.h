/* SPDX-License-Identifier: GPL-3.0-or-later */
/* entry.h - an entry of the spool, and the mails it becomes: one, as a rule; of a journal report those that are
 * attached to it. */
#ifndef APP_ARCHIVER_ENTRY_H
#define APP_ARCHIVER_ENTRY_H

#include "app/archive/take.h"
#include "app/intake/spool.h"

struct entry {
	struct uuid id;
	struct arena *arena; /* of all below */
	struct envelope env;
	struct str raw;     /* as it came */
	struct facts facts; /* of each of its mails */
	struct {
		struct view *v;
		size_t n, cap;
	} originals;        /* out of a journal report; none: RAW is the mail */
	size_t given;       /* mails handed out by entry_next() */
	size_t refs;        /* pieces that are not freed, and one for who read the entry */
	bool belongs;       /* it is a copy, and its capture is in the archive, or on its way */
	struct taken first; /* what became of its first mail, within the transaction */
};

/* One mail of an entry, on its way through pool and batch. */
struct piece {
	struct entry *entry;
	bool is_first, is_last; /* of the entry */
};

/* Read a ready entry, and unwrap it if it is to be; -1: it cannot be taken, ERR says why. */
int entry_read(struct spool *spool, const struct uuid *id, const struct x25519 *key,
	       uint64_t max_bytes, struct entry **entry_r, struct err *err);
void entry_free(struct entry **entry); /* gives up one reference */
void entry_free_piece(void *piece);

/* Add a word to the flags of all its mails. */
void entry_flag(struct entry *e, const char *word);
/* Is it spam, as its door says or by its marks? A mark that ORIGINAL, the mail as it was before the filters,
 * has as often is the sender's own, and proves nothing. */
void entry_judge(struct entry *e, struct view original);
/* The bytes of its next mail: in RAW, to be handed on with the piece and the entry's facts. */
size_t entry_next_bytes(const struct entry *e); /* how many */
struct piece *entry_next(struct entry *e, struct str *raw);
bool entry_is_given(const struct entry *e); /* there is no next one */

#endif
