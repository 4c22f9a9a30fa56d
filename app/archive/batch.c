/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/archive/batch.h"

struct batch *batch_next(struct pool *pool, const struct batch_filter *filter,
			 batch_free_tag *free_tag)
{
	struct batch *b = mem_new(sizeof(*b));

	b->free_tag = free_tag;
	while (pool_in_flight(pool) > 0 && b->n < BATCH_MAILS && b->bytes < BATCH_BYTES) {
		void *tag;
		struct prepared *m = pool_take(pool, &tag);

		if (filter != NULL && !filter->wants(filter->arg, m, tag)) {
			prepared_free(&m);
			free_tag(tag);
			continue;
		}
		b->bytes += prepared_bytes(m);
		b->mails[b->n] = m;
		b->tags[b->n++] = tag;
	}
	return b;
}

void batch_free(struct batch **batch)
{
	struct batch *b = *batch;

	if (b == NULL)
		return;
	for (size_t i = 0; i < b->n; i++) {
		prepared_free(&b->mails[i]);
		b->free_tag(b->tags[i]);
	}
	free(b);
	*batch = NULL;
}

void batch_drain(struct pool *pool, batch_free_tag *free_tag)
{
	while (pool_in_flight(pool) > 0) {
		void *tag;
		struct prepared *m = pool_take(pool, &tag);

		prepared_free(&m);
		free_tag(tag);
	}
}
