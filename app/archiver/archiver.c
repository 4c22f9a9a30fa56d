/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/archiver/archiver.h"

#include "app/archive/take.h"
#include "app/intake/import/pool.h"
#include "base/clock.h"
#include "base/log.h"

#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <unistd.h>

enum {
	BATCH_MAILS = 500,
	BATCH_BYTES = 16 * 1024 * 1024,
	LISTED = 10000,        /* entries read of the folder at once */
	REST_MS = 5000,        /* under load, the index is committed so often */
	INDEX_BUSY_MS = 200,   /* another process writes the index: ask again */
	LOOK_AGAIN_MS = 60000, /* for what other processes left to the index */
};

/* An entry on its way. */
struct entry {
	struct uuid id;
	struct arena *arena; /* its envelope */
};

struct archiver {
	struct archive *a;
	struct spool *spool;
	int stop_fd, watch_fd;
	bool once;
	struct archiver_report *report;
	struct x25519 *key;
	struct pool *pool;
	struct taker *taker;
	struct arena *arena; /* of the list */
	struct uuid *ids;
	size_t n_ids, next_id;
	struct entry *held; /* waits for room in the pool, with */
	struct str raw;     /* its bytes */
	struct facts facts; /* and its facts */
	int64_t rested_ms;  /* when the index was committed last */
};

static void entry_free(struct entry **entry)
{
	if (*entry == NULL)
		return;
	arena_free(&(*entry)->arena);
	free(*entry);
	*entry = NULL;
}

/* The catalog's number of a door's way. */
static enum way way_of(enum door door)
{
	switch (door) {
	case DOOR_MILTER:
		return WAY_MILTER;
	case DOOR_SMTP:
		return WAY_SMTP;
	case DOOR_LMTP:
		return WAY_LMTP;
	case DOOR_FETCH:
		return WAY_FETCH;
	case DOOR_JOURNAL:
		return WAY_JOURNAL;
	case DOOR_UPLOAD:
		return WAY_UPLOAD;
	}
	return WAY_SMTP;
}

/* As addresses stand in the catalog: lower case, no final dot. */
static struct view address_of(struct arena *arena, struct view path)
{
	struct view copy = arena_view(arena, path);
	char *text = (char *)copy.data;

	while (copy.len > 0 && text[copy.len - 1] == '.')
		copy.len--;
	for (size_t i = 0; i < copy.len; i++)
		text[i] = (char)tolower((unsigned char)text[i]);
	return copy;
}

static struct facts facts_of(struct arena *arena, const struct envelope *env)
{
	struct facts facts = {.way = way_of(env->door),
			      .source = env->source.len > 0 ? env->source
							    : VIEW(door_text(env->door)),
			      .place = env->queue_id,
			      .flags = VIEW(env->spam ? "spam" : ""),
			      .seen_ms = env->seen_ms,
			      .reverse_path = env->reverse_path};

	for (size_t i = 0; i < env->recipients.n; i++)
		if (env->recipients.v[i].len > 0)
			ARENA_PUSH(arena, facts.recipients,
				   address_of(arena, env->recipients.v[i]));
	return facts;
}

/* (D2) */
static int stick(struct archiver *ar, const struct uuid *id, const struct err *why, struct err *err)
{
	char text[UUID_TEXT + 1];

	log_error("spool entry stuck id=%s reason=%s: %s", uuid_text(id, text), err_code(why->kind),
		  why->text);
	ar->report->stuck++;
	return spool_stick(ar->spool, id, why, err);
}

/* The next entry of the list into HELD, if it opens. */
static int read_next(struct archiver *ar, struct err *err)
{
	CLEAN(entry) e = mem_new(sizeof(*e));
	struct envelope env;
	struct err why = {0};

	e->id = ar->ids[ar->next_id++];
	e->arena = arena_new();
	if (spool_read(ar->spool, SPOOL_READY, &e->id, ar->key,
		       archive_settings(ar->a)->max_mail_bytes, &ar->raw, e->arena, &env, &why) < 0)
		/* not found: somebody dropped it */
		return why.kind == ERR_NOTFOUND ? 0 : stick(ar, &e->id, &why, err);
	ar->facts = facts_of(e->arena, &env);
	ar->held = TAKE(e);
	return 0;
}

static int fill_pool(struct archiver *ar, struct err *err)
{
	while (ar->held != NULL || ar->next_id < ar->n_ids) {
		if (ar->held == NULL && read_next(ar, err) < 0)
			return -1;
		if (ar->held == NULL)
			continue;
		if (!pool_has_room(ar->pool, ar->raw.len))
			return 0;
		pool_put(ar->pool, &ar->raw, &ar->facts, true, ar->held);
		ar->held = NULL;
	}
	return 0;
}

struct batch {
	struct prepared *mails[BATCH_MAILS];
	struct entry *entries[BATCH_MAILS];
	struct taken taken[BATCH_MAILS];
	size_t n, bytes;
};

static void batch_free(struct batch **batch)
{
	struct batch *b = *batch;

	if (b == NULL)
		return;
	for (size_t i = 0; i < b->n; i++) {
		prepared_free(&b->mails[i]);
		entry_free(&b->entries[i]);
	}
	free(b);
	*batch = NULL;
}

static struct batch *next_batch(struct archiver *ar)
{
	struct batch *b = mem_new(sizeof(*b));

	while (pool_in_flight(ar->pool) > 0 && b->n < BATCH_MAILS && b->bytes < BATCH_BYTES) {
		void *tag;

		b->mails[b->n] = pool_take(ar->pool, &tag);
		b->bytes += prepared_bytes(b->mails[b->n]);
		b->entries[b->n++] = tag;
	}
	return b;
}

/* (D1): called after the commit. */
static int let_go(struct archiver *ar, const struct batch *b, struct err *err)
{
	for (size_t i = 0; i < b->n; i++) {
		const struct taken *t = &b->taken[i];
		const struct uuid *id = &b->entries[i]->id;

		if (t->outcome == OUTCOME_FAILED) {
			if (stick(ar, id, &t->err, err) < 0)
				return -1;
			continue;
		}
		if (t->outcome == OUTCOME_ARCHIVED)
			ar->report->archived++;
		else
			ar->report->duplicate++;
		if (spool_done(ar->spool, id, err) < 0 && err->kind != ERR_NOTFOUND)
			return -1;
	}
	return 0;
}

static int take_batch(struct archiver *ar, struct err *err)
{
	CLEAN(batch) b = next_batch(ar);
	int64_t begun_ms = clock_monotonic_ms();

	if (b->n == 0)
		return 0;
	if (taker_batch(ar->taker, b->mails, b->n, b->taken, err) < 0 || let_go(ar, b, err) < 0)
		return -1;
	log_info("archived mails=%zu bytes=%zu ms=%lld", b->n, b->bytes,
		 (long long)(clock_monotonic_ms() - begun_ms));
	return 0;
}

static bool nothing_in_hand(const struct archiver *ar)
{
	return ar->next_id == ar->n_ids && ar->held == NULL && pool_in_flight(ar->pool) == 0;
}

/* Only when nothing is in hand: what is, is still in ready/ and would be listed again. */
static int list_ready(struct archiver *ar, struct err *err)
{
	spool_heed(ar->spool);
	arena_reset(ar->arena);
	ar->next_id = 0;
	return spool_list(ar->spool, SPOOL_READY, LISTED, ar->arena, &ar->ids, &ar->n_ids, err);
}

/* (D3) 1; 0 to be asked again soon. */
static int rest(struct archiver *ar, struct err *err)
{
	ar->rested_ms = clock_monotonic_ms();
	return taker_rest(ar->taker, err);
}

static bool is_stopped(const struct archiver *ar)
{
	struct pollfd stop = {.fd = ar->stop_fd, .events = POLLIN};

	return poll(&stop, 1, 0) > 0;
}

static int wait_for_mail(const struct archiver *ar, int timeout_ms, struct err *err)
{
	struct pollfd fds[] = {{.fd = ar->stop_fd, .events = POLLIN},
			       {.fd = ar->watch_fd, .events = POLLIN}};

	if (poll(fds, 2, timeout_ms) < 0 && errno != EINTR)
		return err_errno(err, "poll: %m");
	return 0;
}

/* 1 go on, 0 there is nothing to do any more, -1. */
static int idle(struct archiver *ar, struct err *err)
{
	int rc = rest(ar, err);

	if (rc < 0)
		return -1;
	if (ar->once)
		return 0;
	return wait_for_mail(ar, rc == 0 ? INDEX_BUSY_MS : LOOK_AGAIN_MS, err) < 0 ? -1 : 1;
}

static int step(struct archiver *ar, struct err *err)
{
	if (nothing_in_hand(ar) && list_ready(ar, err) < 0)
		return -1;
	if (nothing_in_hand(ar))
		return idle(ar, err);
	if (fill_pool(ar, err) < 0 || take_batch(ar, err) < 0)
		return -1;
	if (clock_monotonic_ms() - ar->rested_ms >= REST_MS && rest(ar, err) < 0)
		return -1;
	return 1;
}

static int run(struct archiver *ar, struct err *err)
{
	int rc = spool_watch(ar->spool, &ar->watch_fd, err);

	if (rc == 0)
		rc = 1;
	while (rc > 0 && !is_stopped(ar))
		rc = step(ar, err);
	return rc < 0 ? -1 : taker_finish(ar->taker, err);
}

static void free_entries(struct archiver *ar)
{
	entry_free(&ar->held);
	while (pool_in_flight(ar->pool) > 0) {
		void *tag;
		struct prepared *m = pool_take(ar->pool, &tag);
		struct entry *e = tag;

		prepared_free(&m);
		entry_free(&e);
	}
}

int archiver_run(struct archive *a, struct spool *spool, int stop_fd, bool once,
		 struct archiver_report *report_r, struct err *err)
{
	struct mail_limits limits = MAIL_LIMITS_DEFAULT;
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	struct archiver ar = {.a = a,
			      .spool = spool,
			      .stop_fd = stop_fd,
			      .once = once,
			      .report = report_r,
			      .raw = STR_INIT,
			      .rested_ms = clock_monotonic_ms()};
	int rc;

	*report_r = (struct archiver_report){0};
	limits.text_bytes = archive_settings(a)->index_text_bytes;
	ar.key = archive_spool_key(a);
	ar.arena = arena_new();
	ar.pool = pool_new((unsigned)(cpus > 1 ? cpus : 1), archive_keys(a), archive_dictionary(a),
			   &limits);
	ar.taker = taker_new(a, true);
	rc = run(&ar, err);
	free_entries(&ar);
	taker_free(&ar.taker);
	pool_free(&ar.pool);
	arena_free(&ar.arena);
	x25519_free(&ar.key);
	str_clear(&ar.raw);
	return rc;
}
