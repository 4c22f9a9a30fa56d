/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/archive/pool.h"

#include <pthread.h>

enum { POOL_SLOTS = 2048, POOL_JOBS_MAX = 64, POOL_BYTES = 32 * 1024 * 1024 };

/* A slot goes round: the caller fills it, a worker takes and fills `prepared`, the caller empties
 * it. head: next to be filled; work: next for a worker; tail: next to be taken. */
struct slot {
	struct str raw;
	struct facts facts;
	bool definitely_mail;
	size_t bytes;
	void *tag;
	struct prepared *prepared;
};

struct pool {
	pthread_mutex_t lock;
	pthread_cond_t work_there; /* for workers */
	pthread_cond_t done_there; /* for the caller */
	struct slot slots[POOL_SLOTS];
	size_t head, work, tail; /* ever growing; slot = count % POOL_SLOTS */
	size_t bytes;            /* of the mails in flight; the caller's alone */
	bool stopping;
	unsigned jobs;
	pthread_t threads[POOL_JOBS_MAX];
	struct preparer *preparers[POOL_JOBS_MAX];
	struct seen_parts *seen;
};

struct start {
	struct pool *pool;
	struct preparer *preparer;
};

/* The next slot to work on, or NULL when the pool ends. */
static struct slot *next_work(struct pool *pool)
{
	struct slot *slot = NULL;

	pthread_mutex_lock(&pool->lock);
	while (pool->work == pool->head && !pool->stopping)
		pthread_cond_wait(&pool->work_there, &pool->lock);
	if (!pool->stopping)
		slot = &pool->slots[pool->work++ % POOL_SLOTS];
	pthread_mutex_unlock(&pool->lock);
	return slot;
}

static void *worker(void *arg)
{
	struct start start = *(struct start *)arg;
	struct pool *pool = start.pool;
	struct slot *slot;

	free(arg);
	while ((slot = next_work(pool)) != NULL) {
		struct prepared *p = prepare(start.preparer, &slot->raw, &slot->facts,
					     slot->definitely_mail);

		pthread_mutex_lock(&pool->lock);
		slot->prepared = p;
		pthread_cond_signal(&pool->done_there);
		pthread_mutex_unlock(&pool->lock);
	}
	return NULL;
}

struct pool *pool_new(unsigned jobs, const struct keyring *keys, const struct dictionary *dict,
		      const struct mail_limits *limits)
{
	struct pool *pool = mem_new(sizeof(*pool));

	must(pthread_mutex_init(&pool->lock, NULL) == 0);
	must(pthread_cond_init(&pool->work_there, NULL) == 0);
	must(pthread_cond_init(&pool->done_there, NULL) == 0);
	pool->seen = seen_parts_new();
	pool->jobs = jobs < 1 ? 1 : jobs > POOL_JOBS_MAX ? POOL_JOBS_MAX : jobs;
	for (unsigned i = 0; i < pool->jobs; i++) {
		struct start *start = mem_new(sizeof(*start));

		pool->preparers[i] = preparer_new(keys, dict, pool->seen, limits);
		*start = (struct start){pool, pool->preparers[i]};
		must(pthread_create(&pool->threads[i], NULL, worker, start) == 0);
	}
	return pool;
}

static void clear_slot(struct slot *slot)
{
	str_clear(&slot->raw);
	prepared_free(&slot->prepared);
}

void pool_free(struct pool **pool)
{
	struct pool *p = *pool;

	if (p == NULL)
		return;
	pthread_mutex_lock(&p->lock);
	p->stopping = true;
	pthread_cond_broadcast(&p->work_there);
	pthread_mutex_unlock(&p->lock);
	for (unsigned i = 0; i < p->jobs; i++) {
		pthread_join(p->threads[i], NULL);
		preparer_free(&p->preparers[i]);
	}
	for (; p->tail < p->head; p->tail++)
		clear_slot(&p->slots[p->tail % POOL_SLOTS]);
	seen_parts_free(&p->seen);
	pthread_cond_destroy(&p->work_there);
	pthread_cond_destroy(&p->done_there);
	pthread_mutex_destroy(&p->lock);
	free(p);
	*pool = NULL;
}

bool pool_has_room(const struct pool *pool, size_t bytes)
{
	if (pool->head == pool->tail)
		return true;
	return pool->head - pool->tail < POOL_SLOTS && pool->bytes + bytes <= POOL_BYTES;
}

void pool_put(struct pool *pool, struct str *raw, const struct facts *facts, bool definitely_mail,
	      void *tag)
{
	struct slot *slot = &pool->slots[pool->head % POOL_SLOTS];

	must(pool->head - pool->tail < POOL_SLOTS);
	*slot = (struct slot){.raw = *raw,
			      .facts = *facts,
			      .definitely_mail = definitely_mail,
			      .bytes = raw->len,
			      .tag = tag};
	str_init(raw);
	pool->bytes += slot->bytes;
	pthread_mutex_lock(&pool->lock);
	pool->head++;
	pthread_cond_signal(&pool->work_there);
	pthread_mutex_unlock(&pool->lock);
}

size_t pool_in_flight(const struct pool *pool)
{
	return pool->head - pool->tail;
}

struct prepared *pool_take(struct pool *pool, void **tag_r)
{
	struct slot *slot = &pool->slots[pool->tail % POOL_SLOTS];
	struct prepared *p;

	must(pool->tail < pool->head);
	pthread_mutex_lock(&pool->lock);
	while (slot->prepared == NULL)
		pthread_cond_wait(&pool->done_there, &pool->lock);
	pthread_mutex_unlock(&pool->lock);
	p = TAKE(slot->prepared);
	pool->bytes -= slot->bytes;
	pool->tail++;
	*tag_r = slot->tag;
	return p;
}
