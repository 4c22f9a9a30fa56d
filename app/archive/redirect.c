/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Letting one medium stand for another (app/archive/media.h, M4). */
#include "app/archive/archive_priv.h"
#include "app/archive/evidence.h"
#include "app/archive/media.h"
#include "storage/copy.h"

struct redirecting {
	struct archive *a;
	struct medium *old; /* NULL: it does not answer */
	struct medium *new;
	unsigned to;      /* its number */
	uint64_t highest; /* number of a pack when the check began */
	uint64_t missing;
	struct err first; /* what is wrong with the first of these */
};

/* What pack ROW is to hash to: known, or computed of the old medium. 1; 0 neither can be had (any more: that the old one
 * has lost it may be why it is redirected). */
static int wanted_hash(struct redirecting *rd, const struct pack_row *row, struct hash *hash_r,
		       struct err *err)
{
	char name[64];

	*hash_r = row->hash;
	if (row->has_hash)
		return 1;
	if (rd->old == NULL)
		return 0;
	if (copy_hash(rd->old, pack_name(row->pack, name), row->length, NULL, hash_r, err) == 0)
		return 1;
	if (err_retry(err->kind))
		rd->old = NULL;
	else if (err->kind != ERR_NOTFOUND && err->kind != ERR_DAMAGED)
		return -1;
	err_clear(err);
	return 0;
}

/* Nobody can tell its hash any more: then the pack has to prove itself by the key, record by record. */
static int check_by_key(struct redirecting *rd, const struct pack_row *row, struct err *err)
{
	CLEAN(pack_reader) pack = NULL;

	if (pack_open(rd->new, rd->a->keys, row->pack, &pack, err) < 0)
		return -1;
	return pack_check(pack, row->length, err);
}

static int check_pack(struct redirecting *rd, const struct pack_row *row, struct err *err)
{
	struct hash hash;
	char name[64];
	int rc = wanted_hash(rd, row, &hash, err);

	if (rc <= 0)
		return rc < 0 ? -1 : check_by_key(rd, row, err);
	return copy_check(rd->new, pack_name(row->pack, name), row->length, &hash, NULL, err);
}

/* What is not there, or differs, is counted; a medium that fails ends the check. */
static int check_counted(struct redirecting *rd, const struct pack_row *row, struct err *err)
{
	if (check_pack(rd, row, err) == 0)
		return 0;
	if (err->kind != ERR_DAMAGED && err->kind != ERR_NOTFOUND)
		return -1;
	if (rd->missing++ == 0)
		rd->first = *err;
	err_clear(err);
	return 0;
}

static int refuse(const struct medium_row *old, const struct medium_row *new, struct err *err)
{
	if (old->medium == new->medium)
		return err_set(err, ERR_DENIED, "medium %u cannot stand for itself", old->medium);
	if (old->active)
		return err_set(err, ERR_DENIED,
			       "medium %u is the active one; activate another one first",
			       old->medium);
	if (old->state == MEDIUM_REDIRECTED)
		return err_set(err, ERR_DENIED, "medium %u is redirected to medium %u already",
			       old->medium, old->redirect);
	if (new->state != MEDIUM_IN_USE)
		return err_set(err, ERR_DENIED,
			       "medium %u is not in use, so it can stand for no other",
			       new->medium);
	return 0;
}

/* 1: a pack of OLD, or of a medium that OLD stands for already; 0. */
static int is_of(const struct pack_row *row, struct archive *a, unsigned old, struct err *err)
{
	if (row->state != PACK_SEALED && row->state != PACK_OPEN)
		return 0;
	return archive_lies_on(a, row->medium, old, err);
}

static int check_all(struct redirecting *rd, unsigned old,
		     void (*progress)(void *arg, uint64_t packs, uint64_t total), void *arg,
		     struct err *err)
{
	CLEAN(arena) arena = arena_new();
	struct pack_row *rows;
	size_t n;

	if (packs_list(rd->a->catalog, arena, 0, &rows, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		int rc = is_of(&rows[i], rd->a, old, err);

		if (progress != NULL)
			progress(arg, i, n);
		if (rc < 0)
			return -1;
		if (rc == 0)
			continue;
		if (rows[i].staged || rows[i].state == PACK_OPEN)
			return err_set(err, ERR_DENIED,
				       "pack %llu of medium %u is not all on it yet; it waits in "
				       "staging, or is being written",
				       (unsigned long long)rows[i].pack, old);
		if (check_counted(rd, &rows[i], err) < 0)
			return -1;
	}
	if (rd->missing == 0)
		return 0;
	return err_set(err, ERR_DAMAGED,
		       "nothing was changed, since %llu pack%s of medium %u %s not there, or not "
		       "the same; the first: %s",
		       (unsigned long long)rd->missing, rd->missing == 1 ? "" : "s", old,
		       rd->missing == 1 ? "is" : "are", rd->first.text);
}

/* Timestamps count on a medium, too. */
static int check_evidence(struct archive *a, unsigned old, struct err *err)
{
	uint64_t n;

	if (evidence_only_on(a, old, &n, err) < 0)
		return -1;
	return n == 0 ? 0
		      : err_set(err, ERR_DAMAGED,
				"nothing was changed, since the evidence of %llu timestamp%s is on "
				"no "
				"medium but %u: copy its folder evidence, too",
				(unsigned long long)n, n == 1 ? "" : "s", old);
}

/* Comparing may take hours. A pack that came to OLD meanwhile, or waits in staging for it again, was not compared. */
static int check_unchanged(struct redirecting *rd, unsigned old, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	struct pack_row *rows;
	size_t n;

	if (packs_list(rd->a->catalog, arena, 0, &rows, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		int rc = is_of(&rows[i], rd->a, old, err);

		if (rc < 0)
			return -1;
		if (rc > 0 &&
		    (rows[i].pack > rd->highest || rows[i].staged || rows[i].state == PACK_OPEN))
			return err_set(err, ERR_BUSY,
				       "nothing was changed, since medium %u was written to "
				       "during the check (pack %llu); say it again",
				       old, (unsigned long long)rows[i].pack);
	}
	return 0;
}

static int write_down(struct archive *a, const struct medium_row *old, void *arg, struct err *err)
{
	struct redirecting *rd = arg;
	CLEAN(arena) arena = arena_new();
	struct medium_row new;

	if (archive_medium_row(a, arena, rd->to, &new, err) < 0 || refuse(old, &new, err) < 0 ||
	    check_unchanged(rd, old->medium, err) < 0)
		return -1;
	return media_set_state(a->catalog, old->medium, MEDIUM_REDIRECTED, rd->to, err);
}

int media_redirect(struct archive *a, unsigned old, unsigned new,
		   void (*progress)(void *arg, uint64_t packs, uint64_t total), void *arg,
		   struct err *err)
{
	CLEAN(arena) arena = arena_new();
	struct redirecting rd = {.a = a, .to = new};
	struct medium_row old_row, new_row;
	struct err away = {0};

	if (archive_medium_row(a, arena, old, &old_row, err) < 0 ||
	    archive_medium_row(a, arena, new, &new_row, err) < 0 ||
	    refuse(&old_row, &new_row, err) < 0 || archive_medium(a, new, &rd.new, err) < 0)
		return -1;
	if (archive_medium(a, old, &rd.old, &away) < 0)
		rd.old = NULL;
	if (packs_highest(a->catalog, &rd.highest, err) < 0 ||
	    check_all(&rd, old, progress, arg, err) < 0 || check_evidence(a, old, err) < 0 ||
	    archive_change_medium(a, old, write_down, &rd, err) < 0)
		return -1;
	archive_forget_medium(a, old);
	return 0;
}
