/* SPDX-License-Identifier: GPL-3.0-or-later */
/* evidence.h - a timestamp's file on the medium: "evidence/00000017.evidence", from which, with the packs, all that the catalog knows of
 * it can be made again.
 *
 * (EV1) It is sealed under the archive key (KEY_USE_EVIDENCE), whole, and bound to archive and number. It has its name only when it
 *       is whole and synced.
 * (EV2) It is written before the catalog's transaction. A crash in between leaves a file that the catalog does not know:
 *       evidence_take_in() makes that good, before the next stamp is made.
 * docs/FORMAT.md tells the bytes.
 */
#ifndef APP_ARCHIVE_EVIDENCE_H
#define APP_ARCHIVE_EVIDENCE_H

#include "app/archive/archive.h"
#include "app/catalog/stamps.h"

/* One leaf of a mail as the file has it. */
struct evidence_leaf {
	struct uuid mail;
	int64_t number;  /* of the mail in this catalog; 0: to be looked up. Not in the file */
	uint64_t origin; /* stamp */
	struct digest digest;
	const struct uuid *sightings; /* later ones that it is the first to cover */
	size_t n_sightings;
	bool has_own; /* it covers the mail's own provenance, and is its first */
};
struct evidence {
	struct stamp_row stamp;       /* covered_*, retired: not in the file */
	uint64_t *renewed;            /* stamps whose tokens are leaves 0 .. stamp.tokens - 1 */
	struct digest *token_leaves;  /* and these leaves */
	struct evidence_leaf *leaves; /* stamp.leaves - stamp.tokens of them */
};

/* The root of its tree; KEEP as in base/hash_tree.h. */
int evidence_root(const struct evidence *evidence, hash_tree_keep_fn *keep, void *arg,
		  struct digest *root_r, struct err *err);
/* Onto the active medium. ERR_EXISTS: there is one of this number (EV2). One that is damaged is replaced: the catalog, which does not
 * know it, could not use it. */
int evidence_write(struct archive *a, const struct evidence *evidence, struct err *err);
/* From whichever medium in reach has it. ERR_NOTFOUND, ERR_OFFLINE, ERR_DAMAGED. */
int evidence_read(struct archive *a, uint64_t stamp, struct arena *arena,
		  struct evidence *evidence_r, struct err *err);
/* Its rows: stamp, nodes, leaves; the queue without them. In the open transaction. */
int evidence_note(struct archive *a, const struct evidence *evidence, struct err *err);

/* How many timestamps have their file on no medium in reach but MEDIUM. */
int evidence_only_on(struct archive *a, unsigned medium, uint64_t *n_r, struct err *err);

struct evidence_regained {
	uint64_t stamps;  /* that the catalog did not know */
	uint64_t missing; /* numbers in between that no medium in reach has */
	uint64_t damaged; /* files that do not open; each was logged */
};
/* What the media in reach have and the catalog does not know, in order, each in a transaction of its own, or in the open one.
 * Also called by regain_packs(), when all packs are taken in. */
int evidence_take_in(struct archive *a, struct evidence_regained *regained_r, struct err *err);

#endif
