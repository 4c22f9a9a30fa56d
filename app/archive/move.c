/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A medium that is elsewhere now (N5). */
#include "app/archive/archive_priv.h"
#include "app/archive/media.h"

/* What is in staging is read and carried away only for a share. */
static int check_staging(struct archive *a, const struct medium_row *row, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	struct pack_row *staged;
	size_t n;

	if (packs_list_staged(a->catalog, arena, &staged, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (staged[i].medium == row->medium)
			return err_set(err, ERR_DENIED,
				       "medium %u is a share, and pack %llu still waits in staging "
				       "to be carried there; it can become a folder when nothing "
				       "waits",
				       row->medium, (unsigned long long)staged[i].pack);
	return 0;
}

struct moving {
	const struct site *site;
	bool away;             /* to another location */
	uint64_t packs, bytes; /* that must come, when the new place was looked at */
};

/* 1: pack ROW, with all that the catalog knows of it, lies on medium NUMBER and nowhere else; 0. */
static int must_come(struct archive *a, const struct pack_row *row, unsigned number,
		     struct err *err)
{
	if ((row->state != PACK_SEALED && row->state != PACK_OPEN) || row->staged ||
	    row->length == 0)
		return 0;
	return archive_lies_on(a, row->medium, number, err);
}

static int sum_packs(struct archive *a, unsigned medium, uint64_t *packs_r, uint64_t *bytes_r,
		     struct err *err)
{
	CLEAN(arena) arena = arena_new();
	struct pack_row *rows;
	size_t n;

	*packs_r = *bytes_r = 0;
	if (packs_list(a->catalog, arena, 0, &rows, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		int rc = must_come(a, &rows[i], medium, err);

		if (rc < 0)
			return -1;
		*packs_r += rc > 0;
		*bytes_r += rc > 0 ? rows[i].length : 0;
	}
	return 0;
}

/* 1: it is not whole at the new place; 0 it is. */
static int has_not_come(struct medium *m, const struct pack_row *row, struct err *err)
{
	char name[64];
	uint64_t size;

	if (medium_size(m, pack_name(row->pack, name), &size, err) == 0)
		return row->state == PACK_SEALED ? size != row->length : size < row->length;
	if (err->kind != ERR_NOTFOUND)
		return -1;
	err_clear(err);
	return 1;
}

/* How many packs are not at the new place; FIRST_R is the first of them. */
static int count_missing(struct archive *a, unsigned medium, struct medium *m, uint64_t *missing_r,
			 uint64_t *first_r, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	struct pack_row *rows;
	size_t n;

	if (packs_list(a->catalog, arena, 0, &rows, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		int rc = must_come(a, &rows[i], medium, err);

		if (rc > 0)
			rc = has_not_come(m, &rows[i], err);
		if (rc < 0)
			return -1;
		if (rc > 0 && (*missing_r)++ == 0)
			*first_r = rows[i].pack;
	}
	return 0;
}

/* (N5) The label is in a copy that was made too early, too. */
static int check_moved(struct archive *a, unsigned medium, struct medium *m, uint64_t *missing_r,
		       struct err *err)
{
	CLEAN(medium) old = NULL;
	struct err away = {0};
	uint64_t first = 0;

	if (count_missing(a, medium, m, missing_r, &first, err) < 0)
		return -1;
	if (*missing_r == 0 || archive_reach(a, medium, &old, &away) < 0)
		return 0;
	return err_set(err, ERR_DENIED,
		       "%s has the label of medium %u, but %llu of its packs are not there, or "
		       "not whole (the first is pack %llu), and where it was until now it still "
		       "answers; copy them from there first",
		       medium_location(m), medium, (unsigned long long)*missing_r,
		       (unsigned long long)first);
}

/* A writer goes on where it has begun, and what it writes would stay behind. */
static int check_writers(struct archive *a, unsigned medium, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	struct pack_row *rows;
	size_t n;

	if (packs_list(a->catalog, arena, PACK_OPEN, &rows, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		int rc;

		if (rows[i].medium != medium || rows[i].staged)
			continue;
		rc = archive_lock_pack(a, rows[i].pack, err);
		if (rc < 0)
			return -1;
		if (rc == 0)
			return err_set(err, ERR_BUSY,
				       "mail is being written to medium %u just now (pack %llu); "
				       "stop the archiver, copy what is there, and say it again",
				       medium, (unsigned long long)rows[i].pack);
		archive_unlock_pack(a, rows[i].pack);
	}
	return 0;
}

static int set_site(struct archive *a, const struct medium_row *row, void *arg, struct err *err)
{
	const struct moving *mv = arg;
	uint64_t packs, bytes;

	if (!site_is_share(mv->site->location) && check_staging(a, row, err) < 0)
		return -1;
	if (mv->away && (check_writers(a, row->medium, err) < 0 ||
			 sum_packs(a, row->medium, &packs, &bytes, err) < 0))
		return -1;
	if (mv->away && (packs != mv->packs || bytes != mv->bytes))
		return err_set(err, ERR_BUSY,
			       "packs came to medium %u, or went, while its new place was looked "
			       "at; see that all of them are there, and say it again",
			       row->medium);
	return media_set_site(a->catalog, row->medium, mv->site, err);
}

static int look_at_new(struct archive *a, unsigned medium, const struct moving *mv,
		       struct site_space *space_r, uint64_t *missing_r, struct err *err)
{
	CLEAN(medium) m = NULL;

	if (archive_open_place(a, mv->site, medium, &m, err) < 0 || site_test(m, space_r, err) < 0)
		return -1;
	return mv->away ? check_moved(a, medium, m, missing_r, err) : 0;
}

int media_move(struct archive *a, unsigned medium, const struct site *site, uint64_t *missing_r,
	       struct err *err)
{
	CLEAN(arena) arena = arena_new();
	struct site_space space;
	struct medium_row row;
	struct moving mv;

	*missing_r = 0;
	if (archive_medium_row(a, arena, medium, &row, err) < 0)
		return -1;
	mv = (struct moving){.site = site, .away = strcmp(site->location, row.location) != 0};
	if (sum_packs(a, medium, &mv.packs, &mv.bytes, err) < 0 ||
	    look_at_new(a, medium, &mv, &space, missing_r, err) < 0 ||
	    archive_change_medium(a, medium, set_site, &mv, err) < 0)
		return -1;
	archive_forget_medium(a, medium);
	return media_note_answer(a->catalog, medium, NULL, space.free_bytes, space.total_bytes,
				 err);
}
