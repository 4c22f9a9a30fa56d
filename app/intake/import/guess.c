/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/intake/import/guess.h"

/* A set of 64 bits of each mail's content hash, which is an HMAC and so even: among 10 million mails
 * two different ones are taken for the same with a chance of 1 in 300,000, and only in a guess. */
struct guess {
	struct archive *a;
	uint64_t *slots; /* 0 is free */
	size_t n, size;  /* size is a power of two, and at most half is used */
};

struct guess *guess_new(struct archive *a)
{
	struct guess *g = mem_new(sizeof(*g));

	g->a = a;
	g->size = 1024;
	g->slots = mem_new(g->size * sizeof(*g->slots));
	return g;
}

void guess_free(struct guess **guess)
{
	if (*guess == NULL)
		return;
	free((*guess)->slots);
	free(*guess);
	*guess = NULL;
}

/* Where BITS stands, or the free slot where it belongs. */
static uint64_t *slot_of(struct guess *g, uint64_t bits)
{
	size_t i = bits & (g->size - 1);

	while (g->slots[i] != 0 && g->slots[i] != bits)
		i = (i + 1) & (g->size - 1);
	return &g->slots[i];
}

static void grow(struct guess *g)
{
	CLEAN_MEM uint64_t *old = TAKE(g->slots);
	size_t old_size = g->size;

	g->size *= 2;
	g->slots = mem_new(g->size * sizeof(*g->slots));
	for (size_t i = 0; i < old_size; i++)
		if (old[i] != 0)
			*slot_of(g, old[i]) = old[i];
}

/* Was this content met before? Remembers it. */
static bool seen_before(struct guess *g, const struct hash *content)
{
	uint64_t bits, *slot;

	memcpy(&bits, content->b, sizeof(bits));
	bits += bits == 0;
	slot = slot_of(g, bits);
	if (*slot == bits)
		return true;
	*slot = bits;
	if (++g->n > g->size / 2)
		grow(g);
	return false;
}

static int guess_one(struct guess *g, const struct prepared *m, struct taken *taken,
		     struct err *err)
{
	struct catalog *catalog = archive_catalog(g->a);
	uint64_t mail;
	bool seen;
	int rc;

	taken->outcome = OUTCOME_FAILED;
	taken->err = m->err;
	if (m->err.kind != ERR_NONE)
		return 0;
	seen = seen_before(g, &m->record.content);
	rc = mails_by_exact(catalog, &m->record.exact, &mail, err);
	if (rc == 0)
		rc = mails_by_content(catalog, &m->record.content, &mail, err);
	taken->outcome = seen || rc > 0 ? OUTCOME_DUPLICATE : OUTCOME_ARCHIVED;
	return rc < 0 ? -1 : 0;
}

int guess_batch(struct guess *g, struct prepared **mails, size_t n, struct taken *taken,
		struct err *err)
{
	for (size_t i = 0; i < n; i++)
		if (guess_one(g, mails[i], &taken[i], err) < 0)
			return -1;
	return 0;
}
