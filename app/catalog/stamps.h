/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stamps.h - timestamps as the catalog knows them: what waits for one, the trees, the tokens, and which leaf is whose.
 *
 * A leaf is over a mail's bytes and the provenance texts (app/archive/provenance.h) that were new to it then: its own and those of
 * sightings up to then; a later sighting makes another leaf of the same mail in a later stamp. The `mail` of a leaf stays when
 * the mail is erased; mails_erased_as() knows it then.
 */
#ifndef APP_CATALOG_STAMPS_H
#define APP_CATALOG_STAMPS_H

#include "app/catalog/catalog.h"
#include "base/arena.h"
#include "base/digest.h"
#include "base/hash_tree.h"
#include "base/id.h"

/* --- what waits --- */

struct to_stamp {
	uint64_t item;
	uint64_t mail;
	struct uuid id;    /* of the mail */
	struct hash exact; /* of the mail */
	bool is_sighting;  /* a later one */
	struct uuid sighting;
	bool has_digest;
	struct hash digest; /* SHA-256 of the provenance text */
};

/* SIGHTING NULL: the mail itself. DIGEST NULL: it is made from the record when it is needed. */
int to_stamp_add(struct catalog *catalog, uint64_t mail, const struct uuid *sighting,
		 const struct hash *digest, struct err *err);
struct to_stamp_totals {
	uint64_t mails;     /* that no stamp has */
	uint64_t sightings; /* later ones, of mails that a stamp has or not */
	int64_t oldest_ms;  /* archiving time of the oldest item; 0 nothing waits */
};
int to_stamp_totals(struct catalog *catalog, struct to_stamp_totals *totals_r, struct err *err);
/* Up to MAX_MAILS mails behind mail AFTER (0: from the first on) with all that waits of them: rows of one mail stand together, mails in
 * order of archiving, a mail's own row first. */
typedef int to_stamp_fn(void *arg, const struct to_stamp *row, struct err *err);
int to_stamp_each(struct catalog *catalog, uint64_t after, uint64_t max_mails, to_stamp_fn *fn,
		  void *arg, struct err *err);
/* When the mail began to wait (archiving time): 1, 0 it does not. */
int to_stamp_since(struct catalog *catalog, uint64_t mail, int64_t *since_ms_r, struct err *err);

/* STAMP has it: it waits no more, and a sighting knows its stamp. */
int to_stamp_done(struct catalog *catalog, uint64_t mail, const struct uuid *sighting,
		  uint64_t stamp, struct err *err);

/* --- stamps --- */

struct stamp_row {
	uint64_t stamp; /* 1, 2, ... without gaps */
	enum digest_alg digest;
	struct view statement, token, ca; /* text; DER; DER of the CA certificate */
	int64_t time_ms;                  /* the token's */
	int64_t ends_s;                   /* when the first certificate that it rests on ends */
	uint64_t mails;                   /* stamped up to and with it */
	uint64_t leaves, tokens;
	uint64_t covered_by, covered_at; /* 0 not renewed */
	bool retired;
};

int stamps_add(struct catalog *catalog, const struct stamp_row *row, struct err *err);
int stamps_get(struct catalog *catalog, struct arena *arena, uint64_t stamp,
	       struct stamp_row *row_r, struct err *err);                     /* 1, 0 */
int stamps_last(struct catalog *catalog, uint64_t *stamp_r, struct err *err); /* 0: none yet */
typedef int stamps_fn(void *arg, const struct stamp_row *row, struct err *err);
int stamps_each(struct catalog *catalog, stamps_fn *fn, void *arg, struct err *err);
/* STAMP's token is leaf AT of BY. */
int stamps_set_covered(struct catalog *catalog, uint64_t stamp, uint64_t by, uint64_t at,
		       struct err *err);
/* Those retire of which every mail that is still there has a leaf in a newer stamp of another algorithm. */
int stamps_retire(struct catalog *catalog, struct err *err);
/* How many leaves of mails that are still there no stamp of ALG proves. */
int stamps_count_retired(struct catalog *catalog, enum digest_alg alg, uint64_t *n_r,
			 struct err *err);
/* Up to MAX of them behind AFTER (its mail and origin count; zero: from the first on), in order of mails; V in the arena. */
struct stamp_leaf;
int stamps_list_retired(struct catalog *catalog, struct arena *arena, enum digest_alg alg,
			const struct stamp_leaf *after, size_t max, struct stamp_leaf **v_r,
			size_t *n_r, struct err *err);
/* Those whose token counts (neither covered nor retired) and rests on a certificate that ends before END_S; in order. */
int stamps_to_renew(struct catalog *catalog, struct arena *arena, int64_t end_s, uint64_t **v_r,
		    size_t *n_r, struct err *err);
/* When the first of all that count ends: 1, 0 there is none. */
int stamps_first_end(struct catalog *catalog, int64_t *ends_s_r, struct err *err);

/* --- trees and leaves --- */

int stamp_nodes_put(struct catalog *catalog, uint64_t stamp, unsigned level, uint64_t chunk,
		    struct view nodes, struct err *err);
/* For hash_tree_path(); ARG is a struct stamp_nodes. */
struct stamp_nodes {
	struct catalog *catalog;
	uint64_t stamp;
	struct str buf; /* STR_INIT; the caller clears it */
};
int stamp_nodes_fetch(void *arg, unsigned level, uint64_t chunk, struct view *nodes_r,
		      struct err *err);

struct stamp_leaf {
	int64_t mail; /* negative: of an erased mail, see struct tombstone */
	uint64_t stamp, at;
	uint64_t origin; /* == stamp, but after a hash-tree renewal */
};
int stamp_leaves_add(struct catalog *catalog, const struct stamp_leaf *leaf, struct err *err);
/* A mail's leaves by origin, and of each origin by stamp. */
typedef int stamp_leaves_fn(void *arg, const struct stamp_leaf *leaf, struct err *err);
int stamp_leaves_each(struct catalog *catalog, int64_t mail, stamp_leaves_fn *fn, void *arg,
		      struct err *err);
/* How many mails each stamp was the first to have: MAILS_R[stamp] for stamps up to *N_R, in the arena. */
int stamp_leaves_first(struct catalog *catalog, struct arena *arena, uint64_t **mails_r,
		       uint64_t *n_r, struct err *err);
/* Leaves of mails that are neither there nor erased. */
int stamp_leaves_lost(struct catalog *catalog, stamp_leaves_fn *fn, void *arg, struct err *err);

/* --- answers that were refused --- */

enum { STAMP_REFUSED_KEPT = 20 }; /* the oldest go */
struct stamp_refused {
	uint64_t refused;
	int64_t time_s;
	struct view reason, response;
};
int stamp_refused_add(struct catalog *catalog, int64_t time_s, struct view reason,
		      struct view response, struct err *err);
typedef int stamp_refused_fn(void *arg, const struct stamp_refused *row, struct err *err);
int stamp_refused_count(struct catalog *catalog, uint64_t *n_r, struct err *err);
int stamp_refused_each(struct catalog *catalog, stamp_refused_fn *fn, void *arg, struct err *err);

#endif
