/* SPDX-License-Identifier: GPL-3.0-or-later */
/* arena.h - memory for one mail, one request or one job: taken piece by piece, freed all at once. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/str.h"

struct arena;

struct arena *arena_new(void);
void arena_free(struct arena **arena);
void arena_reset(struct arena *arena); /* forget everything, keep the first block */

void *arena_get(struct arena *arena, size_t size_bytes); /* zeroed, aligned for any type */
char *arena_strn(struct arena *arena, const char *data, size_t len); /* a copy with a NUL behind */
char *arena_str(struct arena *arena, const char *text);
struct view arena_view(struct arena *arena, struct view v);
char *arena_f(struct arena *arena, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
size_t arena_used(const struct arena *arena); /* bytes held, for budgets */

/* A growing array in an arena: ARENA_PUSH(arena, list, item) with list.v, list.n, list.cap. */
#define ARENA_PUSH(arena, list, item)                                                              \
	do {                                                                                       \
		if ((list).n == (list).cap)                                                        \
			(list).v = arena_more((arena), (list).v, (list).n, &(list).cap,            \
					      sizeof(*(list).v));                                  \
		(list).v[(list).n++] = (item);                                                     \
	} while (0)
void *arena_more(struct arena *arena, void *old, size_t n, size_t *cap, size_t item_bytes);

#endif
