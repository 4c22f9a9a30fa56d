/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/arena.h"

#include "base/err.h"

#include <stdalign.h>
#include <stdio.h>

enum { FIRST_BLOCK = 8 * 1024, LARGEST_STEP = 1024 * 1024 };

struct block {
	struct block *next;
	size_t size;
	size_t used;
	alignas(max_align_t) char data[];
};

struct arena {
	struct block *blocks; /* the newest first */
	size_t held;
};

static struct block *block_new(struct arena *arena, size_t size)
{
	struct block *b = malloc(sizeof(*b) + size);

	must(b != NULL);
	b->next = arena->blocks;
	b->size = size;
	b->used = 0;
	arena->blocks = b;
	arena->held += size;
	return b;
}

struct arena *arena_new(void)
{
	struct arena *arena = mem_new(sizeof(*arena));

	block_new(arena, FIRST_BLOCK);
	return arena;
}

void arena_reset(struct arena *arena)
{
	while (arena->blocks->next != NULL) {
		struct block *b = arena->blocks;

		arena->blocks = b->next;
		arena->held -= b->size;
		free(b);
	}
	arena->blocks->used = 0;
}

void arena_free(struct arena **arena)
{
	if (*arena == NULL)
		return;
	arena_reset(*arena);
	free((*arena)->blocks);
	free(*arena);
	*arena = NULL;
}

void *arena_get(struct arena *arena, size_t size_bytes)
{
	struct block *b = arena->blocks;
	size_t step = b->size < LARGEST_STEP ? 2 * b->size : LARGEST_STEP;
	size_t need = (size_bytes + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
	void *p;

	must(need >= size_bytes);
	if (b->size - b->used < need)
		b = block_new(arena, need > step ? need : step);
	p = b->data + b->used;
	b->used += need;
	return memset(p, 0, size_bytes);
}

char *arena_strn(struct arena *arena, const char *data, size_t len)
{
	char *p = arena_get(arena, len + 1);

	if (len > 0)
		memcpy(p, data, len);
	return p;
}

char *arena_str(struct arena *arena, const char *text)
{
	return arena_strn(arena, text, strlen(text));
}

struct view arena_view(struct arena *arena, struct view v)
{
	return (struct view){arena_strn(arena, v.data, v.len), v.len};
}

char *arena_f(struct arena *arena, const char *fmt, ...)
{
	CLEAN_STR s = STR_INIT;
	va_list ap;

	va_start(ap, fmt);
	str_addfv(&s, fmt, ap);
	va_end(ap);
	return arena_strn(arena, s.data, s.len);
}

size_t arena_used(const struct arena *arena)
{
	return arena->held;
}

void *arena_more(struct arena *arena, void *old, size_t n, size_t *cap, size_t item_bytes)
{
	size_t want = *cap ? 2 * *cap : 8;
	void *p = arena_get(arena, want * item_bytes);

	if (n > 0)
		memcpy(p, old, n * item_bytes);
	*cap = want;
	return p;
}
