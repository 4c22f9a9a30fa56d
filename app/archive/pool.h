/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pool.h - worker threads that prepare mails, and hand them back in the order they came. */
#ifndef APP_ARCHIVE_POOL_H
#define APP_ARCHIVE_POOL_H

#include "app/archive/prepare.h"

struct pool;

/* JOBS threads. What KEYS and DICT point to must outlive the pool. */
struct pool *pool_new(unsigned jobs, const struct keyring *keys, const struct dictionary *dict,
		      const struct mail_limits *limits);
void pool_free(struct pool **pool); /* stops the threads; what is in flight is dropped */

/* Is there room for a mail of BYTES more? An empty pool takes any one mail. */
bool pool_has_room(const struct pool *pool, size_t bytes);

/* Hand in a mail (RAW is taken over) with a tag of the caller's. What FACTS points to must live until
 * the mail is taken out. */
void pool_put(struct pool *pool, struct str *raw, const struct facts *facts, bool definitely_mail,
	      void *tag);

size_t pool_in_flight(const struct pool *pool);
/* Take the oldest mail, waiting until it is prepared. The pool must not be empty. */
struct prepared *pool_take(struct pool *pool, void **tag_r);

#endif
