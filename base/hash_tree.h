/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hash_tree.h - one digest over many (Merkle), and the few of them that prove one of the many.
 *
 * A binary tree: a node is digest_node() of its two children; one that is left over goes up a level as it is. Only each
 * sixth level is kept, in chunks of 64 nodes; what lies between is computed again from a chunk. So the kept tree is hardly
 * more than the leaves (65/64), and a proof of one among n reads one chunk for each factor of 64.
 */
#ifndef BASE_HASH_TREE_H
#define BASE_HASH_TREE_H

#include "base/arena.h"
#include "base/digest.h"
#include "base/err.h"

enum { HASH_TREE_CHUNK = 64 };

/* Building: leaves in their order, then the end. Each chunk is given out when it is complete: LEVEL 0 has the leaves, level 1 the
 * roots of 64 leaves, and so on, up to and without the level that is the root alone; CHUNK counts from 0; NODES are up to 64
 * digests, side by side. KEEP returns -1 (with err) to stop; without one (NULL) only the root
 * is of interest. */
typedef int hash_tree_keep_fn(void *arg, unsigned level, uint64_t chunk, struct view nodes,
			      struct err *err);
struct hash_tree;
struct hash_tree *hash_tree_new(enum digest_alg alg, hash_tree_keep_fn *keep, void *arg);
void hash_tree_free(struct hash_tree **tree);
int hash_tree_add(struct hash_tree *tree, const struct digest *leaf, struct err *err);
/* There is at least one leaf. */
int hash_tree_end(struct hash_tree *tree, struct digest *root_r, struct err *err);

/* Proving: the siblings on the way from leaf AT of N to the root, lowest first, in the arena; where a node went up as it is there is
 * none. FETCH gives a kept chunk's nodes (valid until its next call), or -1. ERR_DAMAGED: a chunk is not as long as it must be. */
typedef int hash_tree_fetch_fn(void *arg, unsigned level, uint64_t chunk, struct view *nodes_r,
			       struct err *err);
struct hash_path {
	struct digest *v;
	size_t n, cap;
};
int hash_tree_path(enum digest_alg alg, uint64_t n, uint64_t at, hash_tree_fetch_fn *fetch,
		   void *arg, struct arena *arena, struct hash_path *path_r, struct err *err);
/* The leaf itself, as it is kept. */
int hash_tree_leaf(enum digest_alg alg, uint64_t n, uint64_t at, hash_tree_fetch_fn *fetch,
		   void *arg, struct digest *leaf_r, struct err *err);
/* The root that LEAF and PATH lead to. */
struct digest hash_path_root(enum digest_alg alg, const struct digest *leaf,
			     const struct hash_path *path);

#endif
