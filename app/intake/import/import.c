/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/intake/import/import.h"

#include "app/archive/batch.h"
#include "app/intake/import/guess.h"
#include "app/intake/import/mailbox.h"
#include "base/clock.h"

#include <unistd.h>

enum {
	SAMPLE_MAILS = 1000,    /* of which a dictionary is trained */
	SAMPLE_MAILS_MIN = 200, /* fewer teach it too little */
	SAMPLE_BYTES = 4 * 1024 * 1024,
	JOBS_USEFUL = 3
};

/* One mail on its way: what the report and the record need to know beside its bytes. */
struct pending {
	struct str place;
	struct str flags;
};

struct import {
	struct archive *a;
	const struct import_options *options;
	const struct import_watch *watch;
	struct import_report *report;
	struct mailbox *mailbox;
	struct mailbox_totals totals;
	struct pool *pool;
	struct taker *taker; /* either the one */
	struct guess *guess; /* or the other, for a dry run */
	struct found found;
	bool held; /* found is a mail that waits for room in the pool */
	bool at_end;
	struct str source;
};

static void free_pending(void *tag)
{
	struct pending *p = tag;

	str_clear(&p->place);
	str_clear(&p->flags);
	free(p);
}

static void report(struct import *im, const struct import_item *item, uint64_t bytes)
{
	struct import_report *r = im->report;

	r->read++;
	switch (item->outcome) {
	case OUTCOME_ARCHIVED:
		r->archived++;
		r->bytes += bytes;
		break;
	case OUTCOME_DUPLICATE:
		r->duplicate++;
		break;
	case OUTCOME_IGNORED:
		r->ignored++;
		break;
	case OUTCOME_FAILED:
		r->failed++;
		break;
	}
	if (im->watch->item != NULL)
		im->watch->item(im->watch->arg, item);
}

/* What is no mail is reported at once; a mail waits in FOUND for room in the pool. */
static int read_one(struct import *im, struct err *err)
{
	struct import_item item = {.outcome = OUTCOME_IGNORED};
	int rc = mailbox_next(im->mailbox, &im->found, err);

	if (rc < 0)
		return -1;
	im->at_end = rc == 0;
	if (rc == 0)
		return 0;
	im->held = im->found.kind == FOUND_MAIL;
	if (im->held)
		return 0;
	item.place = im->found.place.data;
	item.reason = im->found.err.text;
	if (im->found.kind == FOUND_FAILED) {
		item.outcome = OUTCOME_FAILED;
		item.kind = im->found.err.kind;
	}
	report(im, &item, 0);
	return 0;
}

static void put_held(struct import *im)
{
	struct pending *p = mem_new(sizeof(*p));
	struct facts facts = {.way = WAY_IMPORT,
			      .source = str_view(&im->source),
			      .seen_ms = clock_ms(),
			      .source_time_s = im->found.mtime_s};

	str_init(&p->place);
	str_init(&p->flags);
	str_addv(&p->place, str_view(&im->found.place));
	str_addv(&p->flags, str_view(&im->found.flags));
	facts.place = str_view(&p->place);
	facts.flags = str_view(&p->flags);
	pool_put(im->pool, &im->found.raw, &facts, false, p);
	im->held = false;
}

static int fill_pool(struct import *im, struct err *err)
{
	while (!im->at_end) {
		if (!im->held && read_one(im, err) < 0)
			return -1;
		if (!im->held)
			continue;
		if (!pool_has_room(im->pool, im->found.raw.len))
			return 0;
		put_held(im);
	}
	return 0;
}

/* Was it sent in the time asked for? What is not is reported here. */
static bool wanted(void *arg, const struct prepared *m, void *tag)
{
	struct import *im = arg;
	const struct import_options *o = im->options;
	const struct pending *p = tag;
	int64_t sent_s = take_row(&m->facts, &m->mail).sent_s;

	if (m->err.kind != ERR_NONE)
		return true; /* to be reported as failed */
	if ((!o->has_since || sent_s >= o->since_s) && (!o->has_until || sent_s < o->until_s))
		return true;
	report(im,
	       &(struct import_item){.outcome = OUTCOME_IGNORED,
				     .place = p->place.data,
				     .reason = "not sent in the time asked for"},
	       0);
	return false;
}

static int take_batch(struct import *im, struct err *err)
{
	const struct batch_filter filter = {im, wanted};
	CLEAN(batch) b = batch_next(im->pool, &filter, free_pending);
	int rc = im->taker ? taker_batch(im->taker, b->mails, b->n, b->taken, err)
			   : guess_batch(im->guess, b->mails, b->n, b->taken, err);

	if (rc < 0)
		return -1;
	for (size_t i = 0; i < b->n; i++) {
		struct taken *t = &b->taken[i];
		const struct pending *p = b->tags[i];

		report(im,
		       &(struct import_item){
			       .outcome = t->outcome,
			       .place = p->place.data,
			       .id = t->outcome == OUTCOME_FAILED || !im->taker ? NULL : &t->id,
			       .reason = t->err.text,
			       .kind = t->err.kind},
		       b->mails[i]->raw.len);
	}
	if (im->watch->progress != NULL)
		im->watch->progress(im->watch->arg, im->report, mailbox_bytes_read(im->mailbox),
				    im->totals.bytes);
	return 0;
}

static int run(struct import *im, struct err *err)
{
	do {
		if (im->watch->stop != NULL && im->watch->stop(im->watch->arg)) {
			if (im->taker != NULL && taker_finish(im->taker, err) < 0)
				return -1;
			return err_set(err, ERR_STOPPED, "the import was stopped");
		}
		if (fill_pool(im, err) < 0 || take_batch(im, err) < 0)
			return -1;
	} while (!im->at_end || im->held || pool_in_flight(im->pool) > 0);
	return im->taker ? taker_finish(im->taker, err) : 0;
}

/* The beginnings of the first mails, laid end to end. */
static int gather_samples(struct mailbox *mailbox, struct preparer *preparer, struct str *samples,
			  size_t *lens, size_t *n_r, struct err *err)
{
	struct found found;
	size_t n = 0, reads = 0;
	int rc = 1;

	found_init(&found);
	while (rc > 0 && n < SAMPLE_MAILS && reads++ < 2 * SAMPLE_MAILS &&
	       samples->len < SAMPLE_BYTES) {
		size_t before = samples->len;

		rc = mailbox_next(mailbox, &found, err);
		if (rc <= 0 || found.kind != FOUND_MAIL)
			continue;
		prepare_sample(preparer, str_view(&found.raw), samples);
		if (samples->len > before)
			lens[n++] = samples->len - before;
	}
	found_clear(&found);
	*n_r = n;
	return rc < 0 ? -1 : 0;
}

/* The archive's first mails teach it its dictionary: one look ahead, before anything is stored. */
static int train_dictionary(struct import *im, const char *const *paths, size_t n_paths,
			    const struct mail_limits *limits, struct err *err)
{
	CLEAN(mailbox) mailbox = NULL;
	CLEAN(preparer) preparer = preparer_new(archive_keys(im->a), NULL, NULL, limits);
	CLEAN(dictionary) dict = NULL;
	CLEAN_STR samples = STR_INIT;
	CLEAN_MEM size_t *lens = mem_new(SAMPLE_MAILS * sizeof(*lens));
	size_t n;

	if (archive_dictionary(im->a) != NULL)
		return 0;
	if (mailbox_open(paths, n_paths, archive_settings(im->a)->max_mail_bytes, &mailbox, err) <
		    0 ||
	    gather_samples(mailbox, preparer, &samples, lens, &n, err) < 0)
		return -1;
	if (n < SAMPLE_MAILS_MIN)
		return 0;
	dict = dictionary_train(str_view(&samples), lens, n);
	return dict ? archive_set_dictionary(im->a, TAKE(dict), err) : 0;
}

/* "inbox" of "/home/anna/mail/inbox/". */
static void default_source(const char *path, struct str *out)
{
	struct view v = VIEW(path);
	const char *slash;

	while (v.len > 1 && v.data[v.len - 1] == '/')
		v.len--;
	slash = memrchr(v.data, '/', v.len);
	if (slash != NULL && v.len > 1) {
		v.len -= (size_t)(slash + 1 - v.data);
		v.data = slash + 1;
	}
	str_addsafe(out, v, false);
}

/* The one thread that writes keeps no more than JOBS_USEFUL busy, and each takes memory. */
static unsigned default_jobs(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	return cpus < 1 ? 1 : cpus < JOBS_USEFUL ? (unsigned)cpus : JOBS_USEFUL;
}

static int open_all(struct import *im, const char *const *paths, size_t n_paths, struct err *err)
{
	const struct archive_settings *s = archive_settings(im->a);
	struct mail_limits limits = MAIL_LIMITS_DEFAULT;

	limits.text_bytes = s->index_text_bytes;
	if (mailbox_open(paths, n_paths, s->max_mail_bytes, &im->mailbox, err) < 0 ||
	    (im->watch->progress != NULL && mailbox_totals(im->mailbox, &im->totals, err) < 0) ||
	    (!im->options->dry_run && train_dictionary(im, paths, n_paths, &limits, err) < 0))
		return -1;
	if (im->options->source != NULL)
		str_adds(&im->source, im->options->source);
	else
		default_source(paths[0], &im->source);
	im->pool = pool_new(im->options->jobs ? im->options->jobs : default_jobs(),
			    archive_keys(im->a), archive_dictionary(im->a), &limits);
	if (im->options->dry_run)
		im->guess = guess_new(im->a);
	else
		im->taker = taker_new(im->a, true);
	return 0;
}

int import_run(struct archive *a, const char *const *paths, size_t n_paths,
	       const struct import_options *options, const struct import_watch *watch,
	       struct import_report *report_r, struct err *err)
{
	struct import im = {
		.a = a, .options = options, .watch = watch, .report = report_r, .source = STR_INIT};
	int rc;

	*report_r = (struct import_report){0};
	found_init(&im.found);
	rc = open_all(&im, paths, n_paths, err);
	if (rc == 0)
		rc = run(&im, err);
	if (im.pool != NULL)
		batch_drain(im.pool, free_pending);
	pool_free(&im.pool);
	taker_free(&im.taker);
	guess_free(&im.guess);
	mailbox_free(&im.mailbox);
	found_clear(&im.found);
	str_clear(&im.source);
	return rc;
}
