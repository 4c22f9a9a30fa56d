/* SPDX-License-Identifier: GPL-3.0-or-later */
/* prove_priv.h - the way from a mail's leaf to the last token, link by link; what prove.c, prove_all.c and rehash.c share. */
#ifndef TSA_PROVE_PRIV_H
#define TSA_PROVE_PRIV_H

#include "tsa/prove.h"
#include "tsa/stamp_priv.h"

/* One archive timestamp on the way. */
struct proof_link {
	struct stamp_row stamp;
	uint64_t at;          /* its leaf */
	struct digest *group; /* what the leaf is over */
	size_t n_group;
	struct hash_path path;
	bool begins_chain; /* of another algorithm */
};
struct proof_links {
	struct proof_link *v;
	size_t n, cap;
};

/* The leaves of a mail of one origin, by stamp. */
struct proof_leaves {
	struct stamp_leaf *v;
	size_t n, cap;
};

/* The data group of a mail and an origin, read from its medium; copies in the arena. FIRST: the origin is the mail's first, and has its own
 * provenance. */
int proof_objects(struct archive *a, struct raw_mail *raw, uint64_t mail, uint64_t origin,
		  bool first, struct arena *arena, struct proof_objects *objects_r,
		  struct err *err);

/* All leaves of a mail, by origin, and of each origin by stamp; and those of one origin, from the I-th on. */
int proof_leaves_list(struct archive *a, int64_t mail, struct arena *arena,
		      struct proof_leaves *leaves_r, struct err *err);
struct proof_leaves proof_leaves_of_origin(const struct proof_leaves *all, size_t i);

/* From LEAVES on, through every renewal that came before stamp UNTIL (0: all). The record, the caller's to free, has what the
 * links have; RECORD_R may be NULL, which saves taking tokens apart where there is one chain. */
int proof_walk(struct archive *a, const struct proof_leaves *leaves,
	       const struct proof_objects *objects, struct arena *arena,
	       struct proof_links *links_r, struct evidence_record **record_r, struct err *err);
/* The same from leaf AT of STAMP as it is kept, whatever that is over: of a mail that was erased, or for the renewals alone. */
int proof_walk_kept(struct archive *a, uint64_t stamp, uint64_t at, struct arena *arena,
		    struct proof_links *links_r, struct err *err);
/* What the leaf of another chain is over (RFC 4998, section 5.3): of each object, H(H(object) H(chains so far)). */
struct digest *proof_rehash_group(enum digest_alg alg, const struct proof_objects *objects,
				  const struct evidence_record *so_far, struct arena *arena);

/* Is every link right, and each token at the time of the next one, the last at AT_S? ERR_DAMAGED, ERR_FOREIGN, ERR_EXPIRED in words. */
int proof_check_links(struct archive *a, const struct proof_links *links, int64_t at_s,
		      struct arena *arena, struct token_info *first_r, struct err *err);
/* The link as an archive timestamp at the end of a record. */
int proof_link_add_to(const struct proof_link *link, struct evidence_record *record,
		      struct arena *arena, struct err *err);
/* Only that the leaves are those that are kept, or lead to the token where that is not so; for who has proved the stamps. */
int proof_check_leaves(struct archive *a, const struct proof_links *links, struct arena *arena,
		       struct err *err);
/* The same of one stamp alone: its statement, its token over ROOT, and that the catalog has the token's time. */
int proof_check_stamp(struct archive *a, const struct stamp_row *stamp, const struct digest *root,
		      int64_t at_s, struct arena *arena, struct token_info *info_r,
		      struct err *err);
/* When it is proved no more by itself but by the stamp that renewed it: that one's time, else AT_S. */
int proof_time_of(struct archive *a, const struct stamp_row *stamp, int64_t at_s, int64_t *time_s_r,
		  struct err *err);

/* Trouble that tells something about the proof itself, not about a medium that is away. */
bool proof_is_broken_by(enum err_kind kind);

#endif
