/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/archive/media.h"

#include "app/archive/archive_priv.h"
#include "base/clock.h"
#include "storage/label.h"

#define LABEL_NAME "medium.json"

/* --- adding ----------------------------------------------------------------------------------- */

static int count_file(void *arg, const char *name, uint64_t size_bytes, struct err *err)
{
	(void)name, (void)size_bytes, (void)err;
	++*(uint64_t *)arg;
	return 0;
}

/* Whoever points at an archive's own folder means the one above it. */
static int refuse_inside(struct medium *place, const struct site *site, struct err *err)
{
	uint64_t size;

	if (medium_size(place, LABEL_NAME, &size, err) == 0)
		return err_set(
			err, ERR_FOREIGN,
			"%s is itself the folder of an archive, of this one or another; name "
			"the folder above it, or an empty one",
			site->location);
	if (err->kind != ERR_NOTFOUND)
		return -1;
	err_clear(err);
	return 0;
}

static int count_packs(struct medium *m, uint64_t *packs_r, struct err *err)
{
	*packs_r = 0;
	return medium_list(m, "packs", count_file, packs_r, err);
}

/* Does medium NUMBER answer at another place than the one whose label is HERE? A copy has the same time as its original,
 * and so has the same place by another name; the leftover of an interrupted adding has its own. */
static bool is_elsewhere(struct archive *a, unsigned number, const struct label *here)
{
	CLEAN(medium) there = NULL;
	struct label label;
	struct err ignored = {0};

	return archive_reach(a, number, &there, &ignored) == 0 &&
	       label_read(there, a->keys, &label, &ignored) == 0 && label.made_s != here->made_s;
}

static int refuse_number(const struct medium *m, unsigned number, struct err *err)
{
	return err_set(err, ERR_EXISTS,
		       "%s is medium %u of this archive already; if that one moved here, "
		       "\"sealpost medium set %u --location\" says so",
		       medium_location(m), number, number);
}

static int refuse_packs(const struct medium *m, unsigned number, struct err *err)
{
	return err_set(err, ERR_EXISTS,
		       "%s holds mail of this archive as medium %u, of which the catalog knows "
		       "nothing; \"sealpost rebuild\" or \"sealpost restore\" brings it back",
		       medium_location(m), number);
}

/* A label that stayed behind: of a medium that was removed, or whose adding was interrupted (N4). It may go if nothing
 * is there that it could belong to. */
static int drop_old_label(struct archive *a, struct medium *m, const struct label *label,
			  struct err *err)
{
	enum medium_state state;
	unsigned redirect;
	uint64_t packs;
	int rc = media_state(a->catalog, label->medium, &state, &redirect, err);
	bool in_use = rc > 0 && state != MEDIUM_REMOVED;

	if (rc < 0 || count_packs(m, &packs, err) < 0)
		return -1;
	if (in_use && (packs > 0 || !is_elsewhere(a, label->medium, label)))
		return refuse_number(m, label->medium, err);
	if (packs > 0)
		return refuse_packs(m, label->medium, err);
	return medium_remove(m, LABEL_NAME, err);
}

/* The folder bears this archive's name, so half of a label is ours, too (N4). */
static int drop_torn_label(struct medium *m, struct err *err)
{
	uint64_t packs;

	if (count_packs(m, &packs, err) < 0)
		return -1;
	if (packs > 0)
		return err_set(err, ERR_DAMAGED,
			       "%s holds mail of this archive, but its medium.json is damaged, so "
			       "its number cannot be told; nothing was changed there",
			       medium_location(m));
	return medium_remove(m, LABEL_NAME, err);
}

static int check_new(struct archive *a, struct medium *m, struct err *err)
{
	struct label label;

	if (label_read(m, a->keys, &label, err) == 0)
		return drop_old_label(a, m, &label, err);
	if (err->kind == ERR_WRONGKEY || err->kind == ERR_FOREIGN)
		return err_set(err, ERR_FOREIGN,
			       "%s is another archive's: its medium.json was made with another "
			       "key; nothing was changed there",
			       medium_location(m));
	if (err->kind != ERR_NOTFOUND && err->kind != ERR_DAMAGED)
		return -1;
	if (err->kind == ERR_DAMAGED)
		return drop_torn_label(m, err);
	err_clear(err);
	return 0;
}

/* The place is tested as it is given, and then the archive's folder in it is made. */
static int open_new(struct archive *a, const struct site *site, struct medium **m_r,
		    struct site_space *space_r, struct err *err)
{
	CLEAN(medium) place = NULL;
	CLEAN_STR folder = STR_INIT;

	if (site_open(site, "", true, &place, err) < 0 || refuse_inside(place, site, err) < 0 ||
	    site_test(place, space_r, err) < 0)
		return -1;
	archive_folder(a, &folder);
	return site_open(site, folder.data, true, m_r, err);
}

/* In the transaction that gives the number; what is done last here is all that a rollback does not undo (N4). */
static int give_number(struct archive *a, const struct site *site, struct medium *m,
		       const struct site_space *space, bool activate, unsigned *medium_r,
		       struct err *err)
{
	struct label label = {.made_s = clock_s()};
	struct err ignored = {0};

	if (media_add(a->catalog, site, activate, &label.medium, err) < 0)
		return -1;
	if (label.medium > MEDIA_MAX)
		return err_set(err, ERR_DENIED,
			       "an archive has %d media at most, and no number is given twice",
			       MEDIA_MAX);
	if (media_note_answer(a->catalog, label.medium, NULL, space->free_bytes, space->total_bytes,
			      err) < 0)
		return -1;
	*medium_r = label.medium;
	if (label_write(m, a->keys, &label, err) == 0)
		return 0;
	if (err->kind != ERR_EXISTS) /* else somebody else was quicker, and it is theirs */
		medium_remove(m, LABEL_NAME, &ignored);
	return -1;
}

int media_add_site(struct archive *a, const struct site *site, bool activate, unsigned *medium_r,
		   struct err *err)
{
	CLEAN(medium) m = NULL;
	struct site_space space;

	if (open_new(a, site, &m, &space, err) < 0 || catalog_begin(a->catalog, err) < 0)
		return -1;
	/* whoever else adds a medium waits: its label, whose number is not committed yet, is no leftover */
	if (check_new(a, m, err) == 0 &&
	    give_number(a, site, m, &space, activate, medium_r, err) == 0 &&
	    catalog_commit(a->catalog, err) == 0)
		return 0;
	catalog_rollback(a->catalog);
	return -1;
}

/* --- states ----------------------------------------------------------------------------------- */

static int activate(struct archive *a, const struct medium_row *row, void *arg, struct err *err)
{
	(void)arg;
	if (row->state == MEDIUM_DEACTIVATED)
		return err_set(err, ERR_DENIED,
			       "medium %u is deactivated; \"sealpost medium reactivate %u\" first",
			       row->medium, row->medium);
	if (row->state == MEDIUM_REDIRECTED)
		return err_set(err, ERR_DENIED,
			       "medium %u is redirected to medium %u, and takes no mail any more",
			       row->medium, row->redirect);
	return media_set_active(a->catalog, row->medium, err);
}

/* (N2) Asked before, outside of the transaction: a share may take its time. */
static int must_answer(struct archive *a, unsigned medium, struct err *err)
{
	struct err why = {0};

	if (media_ask(a, medium, true, &why, err) < 0)
		return -1;
	return why.kind == ERR_NONE ? 0 : err_set(err, why.kind, "%s", why.text);
}

int media_activate(struct archive *a, unsigned medium, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	struct medium_row row;

	if (archive_medium_row(a, arena, medium, &row, err) < 0)
		return -1;
	if (row.state == MEDIUM_IN_USE && must_answer(a, medium, err) < 0)
		return -1;
	return archive_change_medium(a, medium, activate, NULL, err);
}

static int deactivate(struct archive *a, const struct medium_row *row, void *arg, struct err *err)
{
	(void)arg;
	if (row->active)
		return err_set(err, ERR_DENIED,
			       "medium %u is the active one: new mail would have nowhere to go; "
			       "activate another one first",
			       row->medium);
	if (row->state == MEDIUM_REDIRECTED)
		return err_set(err, ERR_DENIED,
			       "medium %u is redirected to medium %u: there is nothing to "
			       "deactivate",
			       row->medium, row->redirect);
	return media_set_state(a->catalog, row->medium, MEDIUM_DEACTIVATED, 0, err);
}

int media_deactivate(struct archive *a, unsigned medium, struct err *err)
{
	return archive_change_medium(a, medium, deactivate, NULL, err);
}

static int reactivate(struct archive *a, const struct medium_row *row, void *arg, struct err *err)
{
	(void)arg;
	if (row->state == MEDIUM_REDIRECTED)
		return err_set(err, ERR_DENIED, "medium %u is redirected to medium %u", row->medium,
			       row->redirect);
	return media_set_state(a->catalog, row->medium, MEDIUM_IN_USE, 0, err);
}

int media_reactivate(struct archive *a, unsigned medium, struct err *err)
{
	if (archive_change_medium(a, medium, reactivate, NULL, err) < 0)
		return -1;
	archive_forget_medium(a, medium);
	return 0;
}

/* What was redirected to it would have no place. */
static int check_stands_for(struct archive *a, const struct medium_row *row, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	struct medium_row *rows;
	size_t n;

	if (media_list(a->catalog, arena, &rows, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (rows[i].state == MEDIUM_REDIRECTED && rows[i].redirect == row->medium)
			return err_set(err, ERR_DENIED,
				       "medium %u stands for medium %u, which was redirected to "
				       "it, and is never removed; deactivate it instead",
				       row->medium, rows[i].medium);
	return 0;
}

/* (N3) */
static int check_unused(struct archive *a, const struct medium_row *row, struct err *err)
{
	unsigned highest;

	if (row->active)
		return err_set(err, ERR_DENIED,
			       "medium %u is the active one; activate another one first",
			       row->medium);
	if (row->packs > 0)
		return err_set(err, ERR_DENIED,
			       "medium %u holds mail (%llu pack%s) and is never removed; if it is "
			       "not used any more, deactivate it",
			       row->medium, (unsigned long long)row->packs,
			       row->packs == 1 ? "" : "s");
	if (media_highest_used(a->catalog, &highest, err) < 0)
		return -1;
	if (highest > row->medium)
		return err_set(err, ERR_DENIED,
			       "medium %u has a higher-numbered one that holds mail (medium %u), "
			       "and is never removed; deactivate it instead",
			       row->medium, highest);
	if (highest == row->medium)
		return err_set(err, ERR_DENIED,
			       "medium %u still has packs that were replaced and wait for their "
			       "removal; ask again later",
			       row->medium);
	return check_stands_for(a, row, err);
}

/* Its log-in goes, too: only the number is left. */
static int remove_row(struct archive *a, const struct medium_row *row, void *arg, struct err *err)
{
	const struct site site = {.location = row->location};

	(void)arg;
	if (check_unused(a, row, err) < 0 ||
	    media_set_site(a->catalog, row->medium, &site, err) < 0)
		return -1;
	return media_set_state(a->catalog, row->medium, MEDIUM_REMOVED, 0, err);
}

int media_remove(struct archive *a, unsigned medium, struct err *err)
{
	if (archive_change_medium(a, medium, remove_row, NULL, err) < 0)
		return -1;
	archive_forget_medium(a, medium);
	return 0;
}

/* --- asking ----------------------------------------------------------------------------------- */

static int look(struct archive *a, unsigned medium, bool deep, struct site_space *space_r,
		struct err *err)
{
	CLEAN(medium) m = NULL;

	if (archive_reach(a, medium, &m, err) < 0)
		return -1;
	return deep ? site_test(m, space_r, err)
		    : medium_space(m, &space_r->free_bytes, &space_r->total_bytes, err);
}

int media_ask(struct archive *a, unsigned medium, bool deep, struct err *why_r, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	struct site_space space = {0};
	struct medium_row row;
	bool answers;

	err_clear(why_r);
	if (archive_medium_row(a, arena, medium, &row, err) < 0)
		return -1;
	answers = look(a, medium, deep, &space, why_r) == 0;
	return media_note_answer(a->catalog, medium, answers ? NULL : why_r, space.free_bytes,
				 space.total_bytes, err);
}

/* What is found cannot be written down on a full disk: then the rest is to be seen all the more. */
static void ask_local(struct archive *a, const struct medium_row *rows, size_t n)
{
	struct err why, ignored = {0};

	for (size_t i = 0; i < n; i++)
		if (rows[i].state == MEDIUM_IN_USE && !site_is_share(rows[i].location))
			media_ask(a, rows[i].medium, false, &why, &ignored);
}

int media_overview(struct archive *a, struct arena *arena, struct medium_row **v_r, size_t *n_r,
		   struct err *err)
{
	size_t n, kept = 0;

	if (media_list(a->catalog, arena, v_r, &n, err) < 0)
		return -1;
	ask_local(a, *v_r, n);
	if (media_list(a->catalog, arena, v_r, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if ((*v_r)[i].state != MEDIUM_REMOVED)
			(*v_r)[kept++] = (*v_r)[i];
	*n_r = kept;
	return 0;
}
