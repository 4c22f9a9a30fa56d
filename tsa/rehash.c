/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Hash-tree renewal (RFC 4998, section 5.3). What is done is done stamp by stamp: a run that was stopped is gone on with by the next,
 * which finds the leaves that have none of the new algorithm yet. */
#include "app/archive/read.h"
#include "base/log.h"
#include "tsa/prove_priv.h"

enum { REHASH_MAILS_MAX = 50000 }; /* of one stamp */

struct rehashing {
	struct stamping *s;
	struct evidence evidence;
	struct stamp_leaf after; /* up to this one all had their turn in this run */
	struct {
		struct evidence_leaf *v;
		size_t n, cap;
	} leaves;
};

static int group_of(struct rehashing *r, const struct mail_row *row, const struct stamp_leaf *old,
		    struct arena *arena, struct digest *leaf_r, struct err *err)
{
	CLEAN(evidence_record) record = NULL;
	struct proof_objects objects;
	struct digest *group;

	if (prove_record(r->s->a, row, old->origin, arena, &record, &objects, err) < 0)
		return -1;
	group = proof_rehash_group(r->evidence.stamp.digest, &objects, record, arena);
	*leaf_r = digest_node(r->evidence.stamp.digest, group, objects.n);
	return 0;
}

/* A mail that cannot be read now keeps what it has; the next run tries again. */
static int add_leaf(struct rehashing *r, const struct stamp_leaf *old, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	struct evidence_leaf leaf = {.number = old->mail, .origin = old->origin};
	struct mail_row row;
	struct err why = {0};
	char id[UUID_TEXT + 1];
	int rc = mails_get(archive_catalog(r->s->a), arena, (uint64_t)old->mail, &row, err);

	if (rc <= 0)
		return rc;
	leaf.mail = row.id;
	if (group_of(r, &row, old, arena, &leaf.digest, &why) < 0) {
		log_warn("mail %s keeps its old timestamp: %s", uuid_text(&row.id, id), why.text);
		r->s->report->left_out++;
		return 0;
	}
	ARENA_PUSH(r->s->arena, r->leaves, leaf);
	return 0;
}

/* 1: there may be more behind; 0 there is nothing left to do. */
static int rehash_once(struct rehashing *r, struct err *err)
{
	struct stamping *s = r->s;
	struct stamp_leaf *old;
	size_t n;

	if (stamping_begin(s, s->authority.digest, &r->evidence, err) < 0 ||
	    stamps_list_retired(archive_catalog(s->a), s->arena, s->authority.digest, &r->after,
				REHASH_MAILS_MAX, &old, &n, err) < 0)
		return -1;
	r->leaves.v = NULL;
	r->leaves.n = r->leaves.cap = 0;
	for (size_t i = 0; i < n; i++)
		if (stamping_stopped(s, err) || add_leaf(r, &old[i], err) < 0)
			return -1;
	if (n > 0)
		r->after = old[n - 1];
	if (r->leaves.n == 0)
		return n > 0;
	r->evidence.leaves = r->leaves.v;
	r->evidence.stamp.leaves = r->leaves.n;
	if (stamping_finish(s, &r->evidence, err) < 0)
		return -1;
	s->report->mails += r->leaves.n;
	if (s->watch != NULL && s->watch->progress != NULL)
		s->watch->progress(s->watch->arg, s->report->mails, s->report->waiting);
	return 1;
}

static int rehash(struct stamping *s, struct err *err)
{
	struct rehashing r = {.s = s};
	struct evidence_regained regained;
	int rc;

	if (evidence_take_in(s->a, &regained, err) < 0 ||
	    stamps_count_retired(archive_catalog(s->a), s->authority.digest, &s->report->waiting,
				 err) < 0)
		return -1;
	do
		rc = rehash_once(&r, err);
	while (rc > 0);
	return rc < 0 ? -1 : stamps_retire(archive_catalog(s->a), err);
}

int stamp_rehash(struct archive *a, const struct stamp_watch *watch, struct stamp_report *report_r,
		 struct err *err)
{
	struct stamping s;
	int rc = stamping_open(&s, a, watch, report_r, err);

	if (rc == 0)
		rc = rehash(&s, err);
	return stamping_close(&s, rc, err);
}
