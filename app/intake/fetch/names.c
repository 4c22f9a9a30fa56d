/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/intake/fetch/names.h"

#include "base/arena.h"
#include "base/crypto.h"

enum { SLOTS_MIN = 64 };

struct list {
	struct view *v;
	size_t n, cap;
};

/* Open addressing; a slot holds a number plus one, 0 is free, and no more than half are taken. The seed keeps
 * a server from choosing names that fall together. */
struct names {
	struct arena *arena;
	struct list texts;
	size_t *slots, n_slots;
	uint64_t seed;
};

struct names *names_new(void)
{
	struct names *n = mem_new(sizeof(*n));

	n->arena = arena_new();
	n->n_slots = SLOTS_MIN;
	n->slots = mem_new(n->n_slots * sizeof(*n->slots));
	crypto_random(&n->seed, sizeof(n->seed));
	return n;
}

void names_free(struct names **names)
{
	struct names *n = *names;

	if (n == NULL)
		return;
	arena_free(&n->arena);
	free(n->slots);
	free(n);
	*names = NULL;
}

/* FNV-1a, and a mix so that the low bits depend on all. */
static uint64_t hash_of(const struct names *n, struct view text)
{
	uint64_t h = n->seed;

	for (size_t i = 0; i < text.len; i++)
		h = (h ^ (unsigned char)text.data[i]) * 0x100000001B3ULL;
	h ^= h >> 32;
	return h * 0x9E3779B97F4A7C15ULL >> 16;
}

/* The slot that holds TEXT, or the free one where it would go. */
static size_t *slot_of(const struct names *n, struct view text)
{
	size_t i = hash_of(n, text) & (n->n_slots - 1);

	while (n->slots[i] != 0 && !view_eq(n->texts.v[n->slots[i] - 1], text))
		i = (i + 1) & (n->n_slots - 1);
	return &n->slots[i];
}

static void double_slots(struct names *n)
{
	free(n->slots);
	n->n_slots *= 2;
	n->slots = mem_new(n->n_slots * sizeof(*n->slots));
	for (size_t i = 0; i < n->texts.n; i++)
		*slot_of(n, n->texts.v[i]) = i + 1;
}

size_t names_put(struct names *names, struct view text)
{
	size_t *slot = slot_of(names, text);

	if (*slot != 0)
		return *slot - 1;
	ARENA_PUSH(names->arena, names->texts, arena_view(names->arena, text));
	*slot = names->texts.n;
	if (names->texts.n * 2 > names->n_slots)
		double_slots(names);
	return names->texts.n - 1;
}

bool names_find(const struct names *names, struct view text, size_t *number_r)
{
	const size_t *slot = slot_of(names, text);

	if (*slot == 0)
		return false;
	*number_r = *slot - 1;
	return true;
}

struct view names_text(const struct names *names, size_t number)
{
	must(number < names->texts.n);
	return names->texts.v[number];
}
