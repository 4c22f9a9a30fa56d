/* SPDX-License-Identifier: GPL-3.0-or-later */
/* batch.h - the mails that go into the archive with one transaction, out of the pool. */
#ifndef APP_ARCHIVE_BATCH_H
#define APP_ARCHIVE_BATCH_H

#include "app/archive/pool.h"
#include "app/archive/take.h"

enum { BATCH_MAILS = 500, BATCH_BYTES = 16 * 1024 * 1024 };

/* Frees what a caller gave the pool as a mail's tag. */
typedef void batch_free_tag(void *tag);

struct batch {
	struct prepared *mails[BATCH_MAILS];
	void *tags[BATCH_MAILS]; /* of the mails, in the same order */
	struct taken taken[BATCH_MAILS];
	size_t n;
	size_t bytes; /* of memory that the mails hold */
	batch_free_tag *free_tag;
};

/* Asked about each mail: true, it belongs into the batch; false, it is passed over and freed. */
struct batch_filter {
	void *arg;
	bool (*wants)(void *arg, const struct prepared *mail, void *tag);
};

/* The oldest mails of the pool, waiting for each to be prepared, until the batch is full or the pool
 * empty. FILTER may be NULL. Mails and tags are the batch's from then on. */
struct batch *batch_next(struct pool *pool, const struct batch_filter *filter,
			 batch_free_tag *free_tag);
void batch_free(struct batch **batch);

/* Free all that the pool still holds, with its tags. */
void batch_drain(struct pool *pool, batch_free_tag *free_tag);

#endif
