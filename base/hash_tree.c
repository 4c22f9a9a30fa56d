/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A node of a kept level is the root of a chunk of the level below, with what is left over going up as it is: so a chunk needs
 * nothing but itself, and the tree can be built and climbed chunk by chunk. */
#include "base/hash_tree.h"

enum { LEVELS_MAX = 11 }; /* 64^11 leaves are more than 64 bits can count */

struct level {
	struct digest nodes[HASH_TREE_CHUNK]; /* of the chunk that grows */
	size_t n;
	uint64_t chunk; /* its number */
};

struct hash_tree {
	enum digest_alg alg;
	hash_tree_keep_fn *keep;
	void *arg;
	unsigned levels; /* that have a node */
	struct level level[LEVELS_MAX];
};

struct hash_tree *hash_tree_new(enum digest_alg alg, hash_tree_keep_fn *keep, void *arg)
{
	struct hash_tree *tree = mem_new(sizeof(*tree));

	tree->alg = alg;
	tree->keep = keep;
	tree->arg = arg;
	return tree;
}

void hash_tree_free(struct hash_tree **tree)
{
	free(*tree);
	*tree = NULL;
}

/* The two that stand at 2i and 2i + 1, or the one that is left over. */
static size_t climb(enum digest_alg alg, struct digest *v, size_t n)
{
	for (size_t i = 0; i + 1 < n; i += 2)
		v[i / 2] = digest_node(alg, &v[i], 2);
	if (n % 2 != 0)
		v[n / 2] = v[n - 1];
	return (n + 1) / 2;
}

static struct digest root_of(enum digest_alg alg, const struct digest *nodes, size_t n)
{
	struct digest v[HASH_TREE_CHUNK];

	memcpy(v, nodes, n * sizeof(*v));
	while (n > 1)
		n = climb(alg, v, n);
	return v[0];
}

static int add(struct hash_tree *tree, unsigned level, const struct digest *node, struct err *err);

/* The chunk is complete: it is kept, and its root goes a level up. */
static int close_chunk(struct hash_tree *tree, unsigned level, struct err *err)
{
	size_t bytes = digest_bytes(tree->alg);
	struct level *l = &tree->level[level];
	char nodes[HASH_TREE_CHUNK * DIGEST_MAX];
	struct digest root = root_of(tree->alg, l->nodes, l->n);
	size_t n = l->n;

	for (size_t i = 0; i < n; i++)
		memcpy(nodes + i * bytes, l->nodes[i].b, bytes);
	l->n = 0;
	if (tree->keep != NULL &&
	    tree->keep(tree->arg, level, l->chunk++, (struct view){nodes, n * bytes}, err) < 0)
		return -1;
	return add(tree, level + 1, &root, err);
}

static int add(struct hash_tree *tree, unsigned level, const struct digest *node, struct err *err)
{
	struct level *l = &tree->level[level];

	must(level < LEVELS_MAX);
	if (level == tree->levels)
		tree->levels++;
	if (l->n == HASH_TREE_CHUNK && close_chunk(tree, level, err) < 0)
		return -1;
	l->nodes[l->n++] = *node;
	return 0;
}

int hash_tree_add(struct hash_tree *tree, const struct digest *leaf, struct err *err)
{
	return add(tree, 0, leaf, err);
}

/* From the leaves upwards, what has begun is closed, until a level has one node alone: the root. */
int hash_tree_end(struct hash_tree *tree, struct digest *root_r, struct err *err)
{
	must(tree->levels > 0);
	for (unsigned level = 0;; level++) {
		struct level *l = &tree->level[level];

		if (level > 0 && level + 1 == tree->levels && l->chunk == 0 && l->n == 1) {
			*root_r = l->nodes[0];
			return 0;
		}
		if (close_chunk(tree, level, err) < 0)
			return -1;
	}
}

/* ---- proving ---- */

struct climbing {
	enum digest_alg alg;
	hash_tree_fetch_fn *fetch;
	void *arg;
};

/* Chunk CHUNK of a level with N nodes, into V; returns how many there are, or -1. */
static int get_chunk(const struct climbing *c, unsigned level, uint64_t chunk, uint64_t n,
		     struct digest v[HASH_TREE_CHUNK], struct err *err)
{
	size_t bytes = digest_bytes(c->alg);
	uint64_t left = n - chunk * HASH_TREE_CHUNK;
	size_t want = left < HASH_TREE_CHUNK ? (size_t)left : HASH_TREE_CHUNK;
	struct view nodes;

	if (c->fetch(c->arg, level, chunk, &nodes, err) < 0)
		return -1;
	if (nodes.len != want * bytes)
		return err_set(err, ERR_DAMAGED,
			       "the hash tree: chunk %llu of level %u is not as long as it was",
			       (unsigned long long)chunk, level);
	for (size_t i = 0; i < want; i++)
		memcpy(v[i].b, nodes.data + i * bytes, bytes);
	return (int)want;
}

static void path_through(enum digest_alg alg, struct digest *v, size_t n, size_t at,
			 struct arena *arena, struct hash_path *path)
{
	for (; n > 1; at /= 2) {
		if ((at ^ 1) < n)
			ARENA_PUSH(arena, *path, v[at ^ 1]);
		n = climb(alg, v, n);
	}
}

int hash_tree_path(enum digest_alg alg, uint64_t n, uint64_t at, hash_tree_fetch_fn *fetch,
		   void *arg, struct arena *arena, struct hash_path *path_r, struct err *err)
{
	const struct climbing c = {alg, fetch, arg};
	struct digest v[HASH_TREE_CHUNK];

	must(at < n);
	*path_r = (struct hash_path){0};
	for (unsigned level = 0; level == 0 || n > 1; level++) {
		int got = get_chunk(&c, level, at / HASH_TREE_CHUNK, n, v, err);

		if (got < 0)
			return -1;
		path_through(alg, v, (size_t)got, at % HASH_TREE_CHUNK, arena, path_r);
		at /= HASH_TREE_CHUNK;
		n = (n + HASH_TREE_CHUNK - 1) / HASH_TREE_CHUNK;
	}
	return 0;
}

int hash_tree_leaf(enum digest_alg alg, uint64_t n, uint64_t at, hash_tree_fetch_fn *fetch,
		   void *arg, struct digest *leaf_r, struct err *err)
{
	const struct climbing c = {alg, fetch, arg};
	struct digest v[HASH_TREE_CHUNK];

	must(at < n);
	if (get_chunk(&c, 0, at / HASH_TREE_CHUNK, n, v, err) < 0)
		return -1;
	*leaf_r = v[at % HASH_TREE_CHUNK];
	return 0;
}

struct digest hash_path_root(enum digest_alg alg, const struct digest *leaf,
			     const struct hash_path *path)
{
	struct digest node = *leaf;

	for (size_t i = 0; i < path->n; i++)
		node = digest_node(alg, (struct digest[]){node, path->v[i]}, 2);
	return node;
}
