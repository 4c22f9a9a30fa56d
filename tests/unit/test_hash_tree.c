/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/fixture.h"

#include "base/hash_tree.h"

/* The chunks as they were given out. */
struct kept {
	struct arena *arena;
	struct chunk {
		unsigned level;
		uint64_t chunk;
		struct view nodes;
	} v[2048];
	size_t n, fetched;
};

static int keep(void *arg, unsigned level, uint64_t chunk, struct view nodes, struct err *err)
{
	struct kept *k = arg;

	(void)err;
	assert_true(k->n < sizeof(k->v) / sizeof(*k->v));
	k->v[k->n++] = (struct chunk){level, chunk, arena_view(k->arena, nodes)};
	return 0;
}

static int fetch(void *arg, unsigned level, uint64_t chunk, struct view *nodes_r, struct err *err)
{
	struct kept *k = arg;

	k->fetched++;
	for (size_t i = 0; i < k->n; i++)
		if (k->v[i].level == level && k->v[i].chunk == chunk) {
			*nodes_r = k->v[i].nodes;
			return 0;
		}
	return err_set(err, ERR_DAMAGED, "no such chunk");
}

static struct digest leaf_of(enum digest_alg alg, uint64_t i)
{
	return digest_of(alg, (struct view){(const char *)&i, sizeof(i)});
}

/* Level by level, as a child would draw it. */
static struct digest naive_root(enum digest_alg alg, size_t n)
{
	struct digest *v = mem_new(n * sizeof(*v));
	struct digest root;

	for (size_t i = 0; i < n; i++)
		v[i] = leaf_of(alg, i);
	for (; n > 1; n = (n + 1) / 2) {
		for (size_t i = 0; i + 1 < n; i += 2) {
			struct digest pair[2] = {v[i], v[i + 1]};

			v[i / 2] = digest_node(alg, pair, 2);
		}
		if (n % 2 != 0)
			v[n / 2] = v[n - 1];
	}
	root = v[0];
	free(v);
	return root;
}

static struct digest build(struct kept *k, enum digest_alg alg, uint64_t n)
{
	CLEAN(hash_tree) tree = hash_tree_new(alg, keep, k);
	struct digest root;
	struct err err = {0};

	k->n = k->fetched = 0;
	arena_reset(k->arena);
	for (uint64_t i = 0; i < n; i++) {
		struct digest leaf = leaf_of(alg, i);

		assert_int_equal(hash_tree_add(tree, &leaf, &err), 0);
	}
	assert_int_equal(hash_tree_end(tree, &root, &err), 0);
	return root;
}

static void leaf_leads_to_root(struct kept *k, enum digest_alg alg, uint64_t n, uint64_t at,
			       const struct digest *root)
{
	CLEAN(arena) arena = arena_new();
	struct digest leaf = leaf_of(alg, at), kept, found;
	struct hash_path path;
	struct err err = {0};

	k->fetched = 0;
	assert_int_equal(hash_tree_path(alg, n, at, fetch, k, arena, &path, &err), 0);
	assert_true(k->fetched <= (n > 64ULL * 64 ? 3 : n > 64 ? 2 : 1));
	found = hash_path_root(alg, &leaf, &path);
	assert_true(digest_eq(alg, &found, root));
	assert_int_equal(hash_tree_leaf(alg, n, at, fetch, k, &kept, &err), 0);
	assert_true(digest_eq(alg, &kept, &leaf));
	leaf.b[0] ^= 1;
	found = hash_path_root(alg, &leaf, &path);
	assert_true(n == 1 || !digest_eq(alg, &found, root));
}

static int setup(void **state)
{
	struct kept *k = mem_new(sizeof(*k));

	k->arena = arena_new();
	*state = k;
	return 0;
}

static int teardown(void **state)
{
	struct kept *k = *state;

	arena_free(&k->arena);
	free(k);
	return 0;
}

static void every_leaf_of_every_small_tree_leads_to_the_naive_root(void **state)
{
	for (uint64_t n = 1; n <= 200; n++) {
		struct digest root = build(*state, DIGEST_SHA256, n);
		struct digest naive = naive_root(DIGEST_SHA256, n);

		assert_true(digest_eq(DIGEST_SHA256, &root, &naive));
		for (uint64_t at = 0; at < n; at++)
			leaf_leads_to_root(*state, DIGEST_SHA256, n, at, &root);
	}
}

static void large_trees_and_other_digests_do_the_same(void **state)
{
	static const uint64_t sizes[] = {4095, 4096, 4097, 12289, 64ULL * 64 * 2 + 63};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		enum digest_alg alg = i % 2 == 0 ? DIGEST_SHA512 : DIGEST_SHA384;
		struct digest root = build(*state, alg, sizes[i]);
		struct digest naive = naive_root(alg, sizes[i]);

		assert_true(digest_eq(alg, &root, &naive));
		for (uint64_t at = 0; at < sizes[i]; at += sizes[i] / 40 + 1)
			leaf_leads_to_root(*state, alg, sizes[i], at, &root);
		leaf_leads_to_root(*state, alg, sizes[i], sizes[i] - 1, &root);
	}
}

static void what_is_kept_is_hardly_more_than_the_leaves(void **state)
{
	struct kept *k = *state;
	size_t bytes = 0;

	build(k, DIGEST_SHA256, 10000);
	for (size_t i = 0; i < k->n; i++) {
		assert_true(k->v[i].nodes.len <= HASH_TREE_CHUNK * digest_bytes(DIGEST_SHA256));
		bytes += k->v[i].nodes.len;
	}
	assert_true(bytes < 10000 * 33);
}

static void a_chunk_that_is_cut_is_told(void **state)
{
	struct kept *k = *state;
	CLEAN(arena) arena = arena_new();
	struct hash_path path;
	struct err err = {0};

	build(k, DIGEST_SHA256, 100);
	k->v[0].nodes.len -= 32;
	assert_int_equal(hash_tree_path(DIGEST_SHA256, 100, 3, fetch, k, arena, &path, &err), -1);
	assert_int_equal(err.kind, ERR_DAMAGED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_leaf_of_every_small_tree_leads_to_the_naive_root),
		TEST(large_trees_and_other_digests_do_the_same),
		TEST(what_is_kept_is_hardly_more_than_the_leaves),
		TEST(a_chunk_that_is_cut_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
