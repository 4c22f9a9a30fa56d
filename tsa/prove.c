/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tsa/prove.h"

#include "base/clock.h"
#include "tsa/prove_priv.h"

/* ---- the evidence record ---- */

static size_t find_origin(const struct proof_leaves *all, uint64_t origin)
{
	size_t i = 0;

	while (origin != 0 && i < all->n && all->v[i].origin != origin)
		i++;
	return i;
}

int prove_record(struct archive *a, const struct mail_row *row, uint64_t origin,
		 struct arena *arena, struct evidence_record **record_r,
		 struct proof_objects *objects_r, struct err *err)
{
	struct proof_leaves all, leaves;
	struct proof_links links;
	struct raw_mail raw;
	size_t i;
	int rc;

	if (proof_leaves_list(a, (int64_t)row->mail, arena, &all, err) < 0)
		return -1;
	i = find_origin(&all, origin);
	if (i == all.n)
		return err_set(err, ERR_NOTFOUND, "this mail has no timestamp yet");
	leaves = proof_leaves_of_origin(&all, i);
	raw_mail_init(&raw, a);
	rc = proof_objects(a, &raw, row->mail, leaves.v[0].origin, i == 0, arena, objects_r, err);
	if (rc == 0)
		rc = proof_walk(a, &leaves, objects_r, arena, &links, record_r, err);
	raw_mail_clear(&raw);
	return rc;
}

/* ---- one mail ---- */

static const char *time_text(struct arena *arena, int64_t time_ms)
{
	CLEAN_STR text = STR_INIT;

	clock_add_utc(&text, time_ms / 1000);
	return arena_str(arena, text.data);
}

/* What ERR tells of the proof is its result; all else is trouble: -1. */
static int judge(struct proof *proof, struct arena *arena, struct err *err)
{
	if (!proof_is_broken_by(err->kind))
		return -1;
	proof->state = PROOF_BROKEN;
	proof->text = arena_str(arena, err->text);
	err_clear(err);
	return 0;
}

static int prove_origin(struct archive *a, struct raw_mail *raw, const struct proof_leaves *leaves,
			bool first, int64_t at_s, struct arena *arena, struct proof *proof,
			struct err *err)
{
	struct proof_objects objects;
	struct proof_links links;
	struct token_info info;

	if (proof_objects(a, raw, (uint64_t)leaves->v[0].mail, leaves->v[0].origin, first, arena,
			  &objects, err) < 0 ||
	    proof_walk(a, leaves, &objects, arena, &links, NULL, err) < 0 ||
	    proof_check_links(a, &links, at_s, arena, &info, err) < 0)
		return -1;
	if (!first)
		return 0;
	proof->proved_ms = info.time_ms;
	proof->authority = info.authority;
	proof->stamp = leaves->v[0].stamp;
	proof->renewals = links.n - 1;
	return 0;
}

static int count_waiting(void *arg, const struct sighting_row *row, struct err *err)
{
	uint64_t *n = arg;

	(void)err;
	*n += row->stamp == 0;
	return 0;
}

static int prove_leaves(struct archive *a, uint64_t mail, const struct proof_leaves *all,
			int64_t at_s, struct arena *arena, struct proof *proof, struct err *err)
{
	struct raw_mail raw;
	int rc = 0;

	raw_mail_init(&raw, a);
	for (size_t i = 0; rc == 0 && i < all->n;) {
		struct proof_leaves leaves = proof_leaves_of_origin(all, i);

		rc = prove_origin(a, &raw, &leaves, i == 0, at_s, arena, proof, err);
		i += leaves.n;
	}
	raw_mail_clear(&raw);
	if (rc == 0)
		rc = sightings_each(archive_catalog(a), mail, count_waiting,
				    &proof->later_sightings_waiting, err);
	return rc;
}

static int prove_living(struct archive *a, uint64_t mail, int64_t at_s, struct arena *arena,
			struct proof *proof, struct err *err)
{
	struct proof_leaves all;
	int64_t since_ms = 0;
	int rc;

	if (proof_leaves_list(a, (int64_t)mail, arena, &all, err) < 0)
		return -1;
	rc = to_stamp_since(archive_catalog(a), mail, &since_ms, err);
	if (rc < 0)
		return -1;
	if (all.n == 0 && rc == 0) {
		err_set(err, ERR_DAMAGED,
			"the catalog has neither a timestamp of it, nor does it wait for one");
		return judge(proof, arena, err);
	}
	if (all.n == 0) {
		proof->state = PROOF_WAITS;
		proof->waits_since_ms = since_ms;
		proof->text = arena_f(
			arena,
			"no timestamp yet: it waits for one since %s. It is proved from "
			"the next run of \"sealpost timestamp run\" on",
			time_text(arena, since_ms));
		return 0;
	}
	if (prove_leaves(a, mail, &all, at_s, arena, proof, err) < 0)
		return judge(proof, arena, err);
	proof->state = PROOF_GOOD;
	proof->text = arena_f(arena, "unchanged since %s, proved by timestamp %llu of %s",
			      time_text(arena, proof->proved_ms), (unsigned long long)proof->stamp,
			      proof->authority);
	return 0;
}

/* ---- an erased mail ---- */

/* Its leaf stands; that it is in the tree under the token, and under those that renewed it, is all that is left to prove. */
static int prove_erased_leaf(struct archive *a, const struct stamp_leaf *leaf, int64_t at_s,
			     struct arena *arena, struct proof *proof, struct err *err)
{
	struct proof_links links;
	struct token_info info;

	if (proof_walk_kept(a, leaf->stamp, leaf->at, arena, &links, err) < 0 ||
	    proof_check_links(a, &links, at_s, arena, &info, err) < 0)
		return -1;
	proof->proved_ms = info.time_ms;
	proof->authority = info.authority;
	proof->stamp = leaf->stamp;
	proof->renewals = links.n - 1;
	return 0;
}

static const char *erased_text(struct arena *arena, const struct proof *proof)
{
	const char *by = proof->request == 0 ? ""
					     : arena_f(arena, ", by request %llu",
						       (unsigned long long)proof->request);
	const char *when = time_text(arena, proof->erased_s * 1000);

	if (proof->stamp == 0)
		return arena_f(arena, "erased at %s%s; it had no timestamp", when, by);
	return arena_f(
		arena,
		"erased at %s%s; its hash stands in timestamp %llu, which is good, and nothing "
		"else of it is left",
		when, by, (unsigned long long)proof->stamp);
}

static int prove_erased(struct archive *a, const struct tombstone *t, int64_t at_s,
			struct arena *arena, struct proof *proof, struct err *err)
{
	struct proof_leaves all = {0};

	proof->erased_s = t->when_s;
	proof->request = t->request;
	if (t->mail != 0 && proof_leaves_list(a, t->mail, arena, &all, err) < 0)
		return -1;
	/* in its first stamp, be that retired or not */
	if (all.n > 0 && prove_erased_leaf(a, &all.v[0], at_s, arena, proof, err) < 0)
		return judge(proof, arena, err);
	proof->state = PROOF_ERASED;
	proof->text = erased_text(arena, proof);
	return 0;
}

int prove_mail(struct archive *a, const struct uuid *id, int64_t at_s, struct arena *arena,
	       struct proof *proof_r, struct err *err)
{
	struct tombstone t;
	uint64_t mail;
	int rc = mails_by_id(archive_catalog(a), id, &mail, err);

	*proof_r = (struct proof){0};
	if (rc > 0)
		return prove_living(a, mail, at_s, arena, proof_r, err);
	if (rc == 0)
		rc = mails_erased(archive_catalog(a), id, &t, err);
	if (rc > 0)
		return prove_erased(a, &t, at_s, arena, proof_r, err);
	return rc < 0 ? -1 : err_set(err, ERR_NOTFOUND, "there is no mail with this id");
}
