/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/archiver/archiver.h"

#include "app/archive/batch.h"
#include "app/archiver/copy.h"
#include "app/catalog/receipts.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/notify.h"

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <unistd.h>

enum {
	LISTED = 10000,               /* entries read of the folder at once */
	REST_MS = 5000,               /* under load, the index is committed so often */
	INDEX_BUSY_MS = 200,          /* another process writes the index: ask again */
	LOOK_AGAIN_MS = 60000,        /* for what other processes left to the index */
	TRIM_BYTES = 8 * 1024 * 1024, /* so much mail leaves something to give back */
	EXPIRE_MS = 3600 * 1000,      /* old receipts go so often */
	DAY_S = 24 * 3600
};

struct archiver {
	struct archive *a;
	struct spool *spool;
	struct guard *guard;
	int stop_fd, watch_fd;
	bool once;
	struct archiver_report *report;
	struct x25519 *key;
	struct pool *pool;
	struct taker *taker;
	struct arena *arena; /* of the list */
	struct uuid *ids;
	size_t n_ids, next_id;
	struct entry *held;   /* not all of its mails are in the pool yet */
	struct batch *batch;  /* the one in hand */
	uint64_t taken_bytes; /* of mails, since it was idle */
	int64_t rested_ms;    /* when the index was committed last */
	int64_t expired_ms;   /* and when old receipts went; 0 not yet */
};

/* (D2) Its receipt comes first: what asks for it must not take it for lost. */
static int stick(struct archiver *ar, const struct uuid *id, const struct err *why, struct err *err)
{
	const struct receipt receipt = {.outcome = RECEIPT_STUCK};
	char text[UUID_TEXT + 1];

	log_error("spool entry stuck id=%s reason=%s: %s", uuid_text(id, text), err_code(why->kind),
		  why->text);
	ar->report->stuck++;
	if (receipts_put(archive_catalog(ar->a), id, &receipt, clock_s(), err) < 0)
		return -1;
	if (spool_stick(ar->spool, id, why, err) < 0 && err->kind != ERR_NOTFOUND)
		return -1;
	err_clear(err);
	return 0;
}

/* --- reading entries -------------------------------------------------------------------------- */

/* Was this id listed in front of the one that is read now? Then it is archived before it. */
static bool is_ahead(const struct archiver *ar, const struct uuid *id)
{
	for (size_t i = 0; i + 1 < ar->next_id; i++)
		if (uuid_eq(&ar->ids[i], id))
			return true;
	return false;
}

/* The next entry of the list into HELD, if it opens and is to be taken now. */
static int read_next(struct archiver *ar, struct err *err)
{
	const struct uuid *id = &ar->ids[ar->next_id++];
	struct captures captures = {ar->a, ar->spool, ar->key};
	CLEAN(entry) e = NULL;
	struct err why = {0};
	int rc;

	if (guard_is_careful(ar->guard) && !guard_one(ar->guard, id, &why))
		return stick(ar, id, &why, err);
	if (entry_read(ar->spool, id, ar->key, archive_settings(ar->a)->max_mail_bytes, &e, &why) <
	    0)
		/* not found: somebody dropped it */
		return why.kind == ERR_NOTFOUND ? 0 : stick(ar, id, &why, err);
	rc = copy_settle(&captures, e, e->env.is_copy && is_ahead(ar, &e->env.capture), err);
	if (rc > 0)
		ar->held = TAKE(e);
	return rc < 0 ? -1 : 0;
}

/* A careful archiver has one entry in hand, and no other. */
static bool may_read(const struct archiver *ar)
{
	return ar->next_id < ar->n_ids &&
	       (!guard_is_careful(ar->guard) || pool_in_flight(ar->pool) == 0);
}

static int fill_pool(struct archiver *ar, struct err *err)
{
	while (ar->held != NULL || may_read(ar)) {
		struct str raw;

		if (ar->held == NULL && read_next(ar, err) < 0)
			return -1;
		if (ar->held == NULL)
			continue;
		if (!pool_has_room(ar->pool, entry_next_bytes(ar->held)))
			return 0;
		struct piece *piece = entry_next(ar->held, &raw);

		pool_put(ar->pool, &raw, &ar->held->facts, true, piece);
		if (entry_is_given(ar->held))
			entry_free(&ar->held);
	}
	return 0;
}

/* --- archiving a batch ------------------------------------------------------------------------ */

/* What the capture of a copy became, it may be in this very transaction. */
static int known_as(void *arg, size_t i, uint64_t *mail_r, struct err *err)
{
	struct archiver *ar = arg;
	const struct piece *p = ar->batch->tags[i];

	return p->entry->belongs ? copy_find_mail(ar->a, p->entry, mail_r, err) : 0;
}

/* Captures are asked for by later copies of the same mail, the others by their doors. */
static bool needs_receipt(const struct envelope *env)
{
	bool may_be_capture = env->door == DOOR_MILTER || env->door == DOOR_LMTP;

	return env->wants_receipt || (may_be_capture && !env->is_copy);
}

/* Several mails of one entry: the first one stands for all. */
static int took(void *arg, size_t i, const struct taken *taken, struct err *err)
{
	struct archiver *ar = arg;
	const struct piece *p = ar->batch->tags[i];
	struct entry *e = p->entry;
	struct receipt receipt;

	if (p->is_first)
		e->first = *taken;
	if (!p->is_last || e->first.outcome == OUTCOME_FAILED || !needs_receipt(&e->env))
		return 0;
	receipt.outcome = e->first.outcome == OUTCOME_ARCHIVED ? RECEIPT_ARCHIVED
							       : RECEIPT_DUPLICATE;
	receipt.mail = e->first.id;
	return receipts_put(archive_catalog(ar->a), &e->id, &receipt, clock_s(), err);
}

/* (D1): called after the commit. */
static int let_go(struct archiver *ar, const struct batch *b, struct err *err)
{
	for (size_t i = 0; i < b->n; i++) {
		const struct taken *t = &b->taken[i];
		const struct piece *p = b->tags[i];

		ar->report->archived += t->outcome == OUTCOME_ARCHIVED;
		ar->report->duplicate += t->outcome == OUTCOME_DUPLICATE;
		if (!p->is_last)
			continue;
		if (t->outcome == OUTCOME_FAILED) {
			if (stick(ar, &p->entry->id, &t->err, err) < 0)
				return -1;
			continue;
		}
		if (spool_done(ar->spool, &p->entry->id, err) < 0 && err->kind != ERR_NOTFOUND)
			return -1;
	}
	return 0;
}

/* Of the mails themselves, whatever memory they take. */
static uint64_t bytes_of(const struct batch *b)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < b->n; i++)
		bytes += b->mails[i]->raw.len;
	return bytes;
}

static int take_batch(struct archiver *ar, struct err *err)
{
	CLEAN(batch) b = batch_next(ar->pool, NULL, entry_free_piece);
	int64_t begun_ms = clock_monotonic_ms();

	if (b->n == 0)
		return 0;
	ar->batch = b;
	if (taker_batch(ar->taker, b->mails, b->n, b->taken, err) < 0 || let_go(ar, b, err) < 0)
		return -1;
	ar->taken_bytes += bytes_of(b);
	log_info("archived mails=%zu bytes=%llu ms=%lld", b->n, (unsigned long long)bytes_of(b),
		 (long long)(clock_monotonic_ms() - begun_ms));
	return 0;
}

/* --- the loop --------------------------------------------------------------------------------- */

static bool nothing_in_hand(const struct archiver *ar)
{
	return ar->next_id == ar->n_ids && ar->held == NULL && pool_in_flight(ar->pool) == 0;
}

/* The one in hand when the archiver ended last comes first, so that its tries are counted in a row. */
static void put_suspect_first(struct archiver *ar)
{
	const struct uuid *suspect = guard_suspect(ar->guard);
	struct uuid id;

	for (size_t i = 0; suspect != NULL && i < ar->n_ids; i++) {
		if (!uuid_eq(&ar->ids[i], suspect))
			continue;
		id = ar->ids[i];
		memmove(ar->ids + 1, ar->ids, i * sizeof(id));
		ar->ids[0] = id;
	}
}

/* Only when nothing is in hand: what is, is still in ready/ and would be listed again. */
static int list_ready(struct archiver *ar, struct err *err)
{
	bool was_listed = ar->ids != NULL;

	spool_heed(ar->spool);
	arena_reset(ar->arena);
	ar->next_id = 0;
	if (spool_list(ar->spool, SPOOL_READY, LISTED, ar->arena, &ar->ids, &ar->n_ids, err) < 0)
		return -1;
	if (was_listed && guard_is_careful(ar->guard)) /* all that may have been in hand is taken */
		guard_rest(ar->guard);
	if (guard_is_careful(ar->guard))
		put_suspect_first(ar);
	else if (ar->n_ids > 0)
		guard_batch(ar->guard);
	return 0;
}

/* (D3) 1; 0 to be asked again soon. */
static int rest(struct archiver *ar, struct err *err)
{
	ar->rested_ms = clock_monotonic_ms();
	return taker_rest(ar->taker, err);
}

static int expire_receipts(struct archiver *ar, struct err *err)
{
	int64_t keep_s = (int64_t)archive_settings(ar->a)->receipt_days * DAY_S;
	int64_t now_ms = clock_monotonic_ms();

	if (ar->expired_ms != 0 && now_ms - ar->expired_ms < EXPIRE_MS)
		return 0;
	ar->expired_ms = now_ms;
	return receipts_expire(archive_catalog(ar->a), clock_s() - keep_s, err);
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

	if (poll(fds, 2, notify_wait_ms(timeout_ms)) < 0 && errno != EINTR)
		return err_errno(err, "poll: %m");
	return 0;
}

/* What large mails took: the heap would keep it, and on a small machine others need it. */
static void give_back_memory(struct archiver *ar)
{
	if (ar->taken_bytes > TRIM_BYTES)
		malloc_trim(0);
	ar->taken_bytes = 0;
}

/* 1 go on, 0 there is nothing to do any more, -1. */
static int idle(struct archiver *ar, struct err *err)
{
	int rc = rest(ar, err);

	if (rc < 0 || expire_receipts(ar, err) < 0)
		return -1;
	guard_rest(ar->guard);
	give_back_memory(ar);
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
	while (rc > 0 && !is_stopped(ar)) {
		rc = step(ar, err);
		notify_alive();
	}
	return rc < 0 ? -1 : taker_finish(ar->taker, err);
}

int archiver_run(struct archive *a, struct spool *spool, struct guard *guard, int stop_fd,
		 bool once, struct archiver_report *report_r, struct err *err)
{
	struct mail_limits limits = MAIL_LIMITS_DEFAULT;
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	struct archiver ar = {.a = a,
			      .spool = spool,
			      .guard = guard,
			      .stop_fd = stop_fd,
			      .once = once,
			      .report = report_r,
			      .rested_ms = clock_monotonic_ms()};
	const struct taker_hooks hooks = {&ar, known_as, took};
	int rc;

	*report_r = (struct archiver_report){0};
	limits.text_bytes = archive_settings(a)->index_text_bytes;
	ar.key = archive_spool_key(a);
	ar.arena = arena_new();
	ar.pool = pool_new((unsigned)(cpus > 1 ? cpus : 1), archive_keys(a), archive_dictionary(a),
			   &limits);
	ar.taker = taker_new(a, true);
	taker_set_hooks(ar.taker, &hooks);
	rc = run(&ar, err);
	guard_rest(guard); /* whatever it is that ended it, no mail has crashed it */
	batch_drain(ar.pool, entry_free_piece);
	entry_free(&ar.held);
	taker_free(&ar.taker);
	pool_free(&ar.pool);
	arena_free(&ar.arena);
	x25519_free(&ar.key);
	return rc;
}
