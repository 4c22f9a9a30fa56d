/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tsa/stamp.h"

#include "app/archive/provenance.h"
#include "app/catalog/audit.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "tsa/stamp_priv.h"

#include <stdio.h>

/* What is gathered of one mail: a data group. */
struct group {
	struct to_stamp row; /* the first of its rows */
	struct {
		struct digest *v; /* the mail's, then its texts' */
		size_t n, cap;
	} digests;
	struct {
		struct uuid *v;
		size_t n, cap;
	} sightings;
	bool has_own;
	bool unreadable;
};

struct gathering {
	struct stamping *s;
	enum digest_alg alg;
	struct evidence *evidence;
	struct {
		struct evidence_leaf *v;
		size_t n, cap;
	} leaves;
	struct group group;
	uint64_t seen; /* mails, left out or not */
	struct raw_mail raw;
};

/* ---- one mail ---- */

/* SHA-256 is known of every mail; another digest needs the mail itself. */
static int digest_mail(struct gathering *g, const struct to_stamp *row, struct digest *d_r,
		       struct err *err)
{
	struct view raw;

	if (g->alg == DIGEST_SHA256)
		return digest_read(g->alg, (struct view){(const char *)row->exact.b, HASH_BYTES},
				   d_r);
	if (raw_mail(&g->raw, row->mail, &raw, err) < 0)
		return -1;
	*d_r = digest_of(g->alg, raw);
	return 0;
}

static int digest_text(struct gathering *g, const struct to_stamp *row, struct digest *d_r,
		       struct err *err)
{
	struct view text;

	if (g->alg == DIGEST_SHA256 && row->has_digest)
		return digest_read(g->alg, (struct view){(const char *)row->digest.b, HASH_BYTES},
				   d_r);
	if (raw_provenance(&g->raw, row->mail, row->is_sighting ? &row->sighting : NULL, &text,
			   err) < 0)
		return -1;
	*d_r = digest_of(g->alg, text);
	return 0;
}

static void add_digest(struct gathering *g, const struct digest *d)
{
	ARENA_PUSH(g->s->arena, g->group.digests, *d);
}

/* It waits on: its medium may be back the next time, and damage is told by verify. */
static void leave_out(struct gathering *g, const struct to_stamp *row, const struct err *why)
{
	char id[UUID_TEXT + 1];

	log_warn("no timestamp yet for mail %s: %s", uuid_text(&row->id, id), why->text);
	g->group.unreadable = true;
}

static void begin_group(struct gathering *g, const struct to_stamp *row)
{
	struct digest d;
	struct err why = {0};

	g->group = (struct group){.row = *row};
	if (digest_mail(g, row, &d, &why) < 0)
		leave_out(g, row, &why);
	else
		add_digest(g, &d);
}

static void end_group(struct gathering *g)
{
	struct group *group = &g->group;
	struct evidence_leaf leaf = {.mail = group->row.id,
				     .number = (int64_t)group->row.mail,
				     .origin = g->evidence->stamp.stamp,
				     .sightings = group->sightings.v,
				     .n_sightings = group->sightings.n,
				     .has_own = group->has_own};

	if (group->row.mail == 0)
		return;
	g->seen++;
	if (group->unreadable) {
		g->s->report->left_out++;
		return;
	}
	leaf.digest = digest_node(g->alg, group->digests.v, group->digests.n);
	ARENA_PUSH(g->s->arena, g->leaves, leaf);
	g->evidence->stamp.mails += group->has_own;
}

/* Rows of one mail stand together. */
static int gather(void *arg, const struct to_stamp *row, struct err *err)
{
	struct gathering *g = arg;
	struct digest d;
	struct err why = {0};

	if (stamping_stopped(g->s, err))
		return -1;
	if (row->mail != g->group.row.mail) {
		end_group(g);
		begin_group(g, row);
	}
	if (g->group.unreadable)
		return 0;
	if (digest_text(g, row, &d, &why) < 0) {
		leave_out(g, row, &why);
		return 0;
	}
	add_digest(g, &d);
	if (row->is_sighting)
		ARENA_PUSH(g->s->arena, g->group.sightings, row->sighting);
	else
		g->group.has_own = true;
	return 0;
}

/* ---- what goes into a stamp ---- */

static int gather_mails(struct stamping *s, struct evidence *e, uint64_t *seen_r, struct err *err)
{
	struct gathering g = {.s = s, .alg = e->stamp.digest, .evidence = e};
	int rc;

	raw_mail_init(&g.raw, s->a);
	rc = to_stamp_each(archive_catalog(s->a), s->after, s->mails_max, gather, &g, err);
	if (rc == 0)
		end_group(&g);
	raw_mail_clear(&g.raw);
	e->leaves = g.leaves.v;
	e->stamp.leaves += g.leaves.n;
	*seen_r = g.seen;
	s->after = g.group.row.mail;
	return rc;
}

/* Another token by the same certificate would end when the old one does. */
static bool is_worth_it(const struct stamping *s, const struct stamp_row *old)
{
	return s->renews_now || s->last.ends_s > old->ends_s ||
	       clock_s() - s->last.time_ms / 1000 > STAMP_RENEW_AGAIN_S;
}

/* The tokens of this algorithm that are to be renewed (RFC 4998, section 5.2: a chain has one algorithm). */
static int gather_tokens(struct stamping *s, struct evidence *e, struct err *err)
{
	const int64_t end_s = clock_s() + (int64_t)s->authority.renew_days * 24 * 3600;
	struct stamp_row old;
	uint64_t *v;
	size_t n;

	if (stamps_to_renew(archive_catalog(s->a), s->arena, end_s, &v, &n, err) < 0)
		return -1;
	e->renewed = arena_get(s->arena, (n + 1) * sizeof(*e->renewed));
	e->token_leaves = arena_get(s->arena, (n + 1) * sizeof(*e->token_leaves));
	for (size_t i = 0; i < n; i++) {
		if (stamps_get(archive_catalog(s->a), s->arena, v[i], &old, err) <= 0)
			return -1;
		if (old.digest != e->stamp.digest || !is_worth_it(s, &old))
			continue;
		e->renewed[e->stamp.tokens] = v[i];
		e->token_leaves[e->stamp.tokens++] = digest_of(old.digest, old.token);
	}
	e->stamp.leaves += e->stamp.tokens;
	return 0;
}

/* ---- one stamp ---- */

/* (ST1) */
static int state(struct stamping *s, struct evidence *e, struct err *err)
{
	struct stamp_statement statement = {.archive = *keyring_archive(archive_keys(s->a)),
					    .stamp = e->stamp.stamp,
					    .mails = e->stamp.mails,
					    .leaves = e->stamp.leaves};
	CLEAN_STR text = STR_INIT;

	if (s->last.token.len > 0)
		statement.previous = crypto_sha256(s->last.token.data, s->last.token.len);
	if (audit_head(archive_catalog(s->a), &statement.audit_lines, &statement.audit, err) < 0)
		return -1;
	stamp_statement_write(&statement, &text);
	e->stamp.statement = arena_view(s->arena, str_view(&text));
	return 0;
}

/* What came is kept for whoever wants to know what the authority does; the catalog may be busy, and that is no reason to fail. */
static void keep_refused(struct stamping *s, const struct err *why, struct view response)
{
	struct err err = {0};

	if (stamp_refused_add(archive_catalog(s->a), clock_s(), VIEW(why->text), response, &err) <
	    0)
		log_error("a refused answer of the timestamping authority is not kept: %s",
			  err.text);
}

static int ask(struct stamping *s, struct token_request *request, struct evidence *e,
	       struct err *err)
{
	CLEAN_STR der = STR_INIT;
	CLEAN_STR response = STR_INIT;
	const int64_t begun_ms = clock_monotonic_ms();
	struct token_info info;
	int rc;

	if (token_request_write(request, &der, err) < 0)
		return -1;
	rc = authority_ask(&s->authority, str_view(&der), &response, err);
	s->asked_ms += clock_monotonic_ms() - begun_ms;
	if (rc < 0)
		return err_add(err, "%s", s->authority.url);
	if (token_of_response(str_view(&response), request, s->trust, clock_s(),
			      (int64_t)s->authority.tolerance_s, s->arena, &e->stamp.token, &info,
			      err) < 0) {
		keep_refused(s, err, str_view(&response));
		return err_add(err, "%s", s->authority.url);
	}
	e->stamp.time_ms = info.time_ms;
	e->stamp.ends_s = info.ends_s;
	e->stamp.ca = info.ca;
	return 0;
}

static int write_down(struct stamping *s, const struct evidence *e, struct err *err)
{
	struct catalog *catalog = archive_catalog(s->a);
	char number[24], mails[48];

	snprintf(number, sizeof(number), "%llu", (unsigned long long)e->stamp.stamp);
	snprintf(mails, sizeof(mails), "%llu mails up to it", (unsigned long long)e->stamp.mails);
	if (evidence_write(s->a, e, err) < 0 || catalog_begin(catalog, err) < 0)
		return -1;
	if (evidence_note(s->a, e, err) == 0 &&
	    audit_add(catalog, AUDIT_STAMPED, VIEW(number), VIEW(mails), err) == 0 &&
	    catalog_commit(catalog, err) == 0)
		return 0;
	catalog_rollback(catalog);
	return -1;
}

int stamping_begin(struct stamping *s, enum digest_alg alg, struct evidence *e, struct err *err)
{
	struct catalog *catalog = archive_catalog(s->a);
	uint64_t last;

	arena_reset(s->arena);
	s->last = (struct stamp_row){0};
	if (stamps_last(catalog, &last, err) < 0 ||
	    (last > 0 && stamps_get(catalog, s->arena, last, &s->last, err) <= 0))
		return -1;
	*e = (struct evidence){.stamp = {.stamp = last + 1, .digest = alg, .mails = s->last.mails}};
	return 0;
}

/* (ST3) */
int stamping_finish(struct stamping *s, struct evidence *e, struct err *err)
{
	struct token_request request = {.alg = e->stamp.digest, .policy = s->authority.policy};
	struct digest pair[2];

	if (evidence_root(e, NULL, NULL, &pair[0], err) < 0 || state(s, e, err) < 0)
		return -1;
	pair[1] = digest_of(e->stamp.digest, e->stamp.statement);
	request.imprint = digest_node(e->stamp.digest, pair, 2);
	if (ask(s, &request, e, err) < 0 || write_down(s, e, err) < 0)
		return -1;
	s->report->stamps++;
	s->report->renewed += e->stamp.tokens;
	return 0;
}

static void count(struct stamping *s, const struct evidence *e)
{
	s->report->mails += e->stamp.mails - s->last.mails;
	for (uint64_t i = 0; i < e->stamp.leaves - e->stamp.tokens; i++)
		s->report->sightings += e->leaves[i].n_sightings;
	if (s->watch != NULL && s->watch->progress != NULL)
		s->watch->progress(s->watch->arg, s->report->mails,
				   s->report->mails + s->report->waiting);
}

/* One stamp of what can be read: 1 there may be more behind it; 0 it was the last. */
static int stamp_once(struct stamping *s, enum digest_alg alg, bool with_mails, struct err *err)
{
	struct evidence e;
	uint64_t seen = 0;

	if (stamping_begin(s, alg, &e, err) < 0 || gather_tokens(s, &e, err) < 0 ||
	    (with_mails && gather_mails(s, &e, &seen, err) < 0))
		return -1;
	if (e.stamp.leaves > 0) {
		if (stamping_finish(s, &e, err) < 0)
			return -1;
		count(s, &e);
	}
	return seen == s->mails_max;
}

/* Tokens of algorithms that are not the settings' any more are renewed, too, as long as no stamp_rehash() was made. */
static int renew_others(struct stamping *s, struct err *err)
{
	for (enum digest_alg alg = DIGEST_SHA256; digest_known(alg); alg++)
		if (alg != s->authority.digest && stamp_once(s, alg, false, err) < 0)
			return -1;
	return 0;
}

static int run(struct stamping *s, uint64_t at_least, struct err *err)
{
	struct evidence_regained regained;
	struct to_stamp_totals waiting;
	bool with_mails;
	int rc;

	if (evidence_take_in(s->a, &regained, err) < 0 ||
	    to_stamp_totals(archive_catalog(s->a), &waiting, err) < 0 || renew_others(s, err) < 0)
		return -1;
	s->report->waiting = waiting.mails;
	with_mails = waiting.mails >= at_least;
	do
		rc = stamp_once(s, s->authority.digest, with_mails, err);
	while (rc > 0);
	return rc;
}

/* ---- the whole ---- */

bool stamping_stopped(const struct stamping *s, struct err *err)
{
	if (s->watch == NULL || s->watch->stop == NULL || !s->watch->stop(s->watch->arg))
		return false;
	err_set(err, ERR_STOPPED, "stopped");
	return true;
}

int stamping_open(struct stamping *s, struct archive *a, const struct stamp_watch *watch,
		  struct stamp_report *report, struct err *err)
{
	CLEAN_STR path = STR_INIT;
	int rc;

	*report = (struct stamp_report){0};
	*s = (struct stamping){.a = a,
			       .watch = watch,
			       .report = report,
			       .arena = arena_new(),
			       .settings_arena = arena_new(),
			       .lock = -1,
			       .mails_max = STAMP_MAILS_MAX,
			       .begun_ms = clock_monotonic_ms()};
	str_addf(&path, "%s/lock", archive_dir(a));
	if (dir_make(path.data, 0700, err) < 0)
		return -1;
	str_adds(&path, "/stamp");
	rc = file_lock(path.data, &s->lock, err);
	if (rc == 0)
		return err_set(err, ERR_BUSY, "another process is making timestamps just now");
	if (rc < 0)
		return -1;
	rc = authority_load(archive_catalog(a), s->settings_arena, &s->authority, err);
	if (rc == 0)
		return err_set(
			err, ERR_NOTFOUND,
			"no timestamping authority is set: \"sealpost timestamp set\" names one");
	return rc < 0 ? -1 : token_trust_new(VIEW(s->authority.ca), &s->trust, err);
}

int stamping_close(struct stamping *s, int rc, struct err *err)
{
	struct to_stamp_totals waiting;
	struct err ignored = {0};

	if (to_stamp_totals(archive_catalog(s->a), &waiting, rc < 0 ? &ignored : err) == 0)
		s->report->waiting = waiting.mails;
	else
		rc = -1;
	s->report->own_ms = clock_monotonic_ms() - s->begun_ms - s->asked_ms;
	token_trust_free(&s->trust);
	authority_clear(&s->authority);
	arena_free(&s->arena);
	arena_free(&s->settings_arena);
	fd_cleanup(&s->lock);
	return rc;
}

int stamp_run(struct archive *a, uint64_t at_least, bool renew_now, const struct stamp_watch *watch,
	      struct stamp_report *report_r, struct err *err)
{
	struct stamping s;
	int rc = stamping_open(&s, a, watch, report_r, err);

	s.renews_now = renew_now;
	if (rc == 0)
		rc = run(&s, at_least, err);
	return stamping_close(&s, rc, err);
}

static int fill_status(struct archive *a, const struct authority *authority, struct stamp_status *s,
		       struct err *err)
{
	struct catalog *catalog = archive_catalog(a);
	CLEAN(arena) arena = arena_new();
	struct stamp_row last;
	int rc;

	if (stamps_last(catalog, &s->stamps, err) < 0 ||
	    to_stamp_totals(catalog, &s->waiting, err) < 0 ||
	    stamps_count_retired(catalog, authority->digest, &s->retired_mails, err) < 0 ||
	    stamp_refused_count(catalog, &s->refused, err) < 0)
		return -1;
	if (s->stamps > 0) {
		if (stamps_get(catalog, arena, s->stamps, &last, err) <= 0)
			return -1;
		s->mails = last.mails;
		s->last_ms = last.time_ms;
	}
	rc = stamps_first_end(catalog, &s->ends_s, err);
	if (rc > 0)
		s->renewal_due_s = s->ends_s - (int64_t)authority->renew_days * 24 * 3600;
	else
		s->ends_s = 0;
	return rc < 0 ? -1 : 0;
}

int stamp_status(struct archive *a, struct stamp_status *status_r, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	CLEAN_AUTHORITY authority = {0};
	int rc = authority_load(archive_catalog(a), arena, &authority, err);

	*status_r = (struct stamp_status){.has_authority = rc > 0};
	return rc < 0 ? -1 : fill_status(a, &authority, status_r, err);
}
