/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/archive/media.h"

#include "app/archive/archive_priv.h"
#include "base/clock.h"
#include "base/file.h"
#include "storage/copy.h"
#include "storage/label.h"
#include "storage/staged.h"

#define LABEL_NAME "medium.json"

/* --- what there is ---------------------------------------------------------------------------- */

static int get(struct archive *a, struct arena *arena, unsigned number, struct medium_row *row_r,
	       struct err *err)
{
	int rc = media_get(a->catalog, arena, number, row_r, err);

	if (rc == 0 || (rc > 0 && row_r->state == MEDIUM_REMOVED))
		return err_set(err, ERR_NOTFOUND, "there is no medium %u", number);
	return rc < 0 ? -1 : 0;
}

/* In one transaction, that what was checked is still so when it is written down. */
typedef int change_fn(struct archive *a, const struct medium_row *row, void *arg, struct err *err);

static int change(struct archive *a, unsigned number, change_fn *fn, void *arg, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	struct medium_row row;

	if (catalog_begin(a->catalog, err) < 0)
		return -1;
	if (get(a, arena, number, &row, err) == 0 && fn(a, &row, arg, err) == 0 &&
	    catalog_commit(a->catalog, err) == 0)
		return 0;
	catalog_rollback(a->catalog);
	return -1;
}

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

/* A label that stayed behind: of a medium that was removed, or whose adding was interrupted before the catalog knew of
 * it. It may go if nothing is there that it could belong to. */
static int drop_old_label(struct archive *a, struct medium *m, unsigned number, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	struct medium_row row;
	uint64_t files = 0;
	int rc = media_get(a->catalog, arena, number, &row, err);

	if (rc < 0 || medium_list(m, "packs", count_file, &files, err) < 0)
		return -1;
	if (rc > 0 && row.state != MEDIUM_REMOVED)
		return err_set(err, ERR_EXISTS,
			       "%s is medium %u of this archive already; if that one moved here, "
			       "\"sealpost medium set %u --location\" says so",
			       medium_location(m), number, number);
	if (files > 0)
		return err_set(err, ERR_EXISTS,
			       "%s holds mail of this archive as medium %u, of which the catalog "
			       "knows nothing; \"sealpost rebuild\" or \"sealpost restore\" brings "
			       "it back",
			       medium_location(m), number);
	return medium_remove(m, LABEL_NAME, err);
}

static int check_new(struct archive *a, struct medium *m, struct err *err)
{
	struct label label;

	if (label_read(m, a->keys, &label, err) == 0)
		return drop_old_label(a, m, label.medium, err);
	if (err->kind == ERR_WRONGKEY || err->kind == ERR_FOREIGN)
		return err_set(err, ERR_FOREIGN,
			       "%s is another archive's: its medium.json was made with another "
			       "key; nothing was changed there",
			       medium_location(m));
	if (err->kind != ERR_NOTFOUND)
		return -1;
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

/* The number first, in a transaction that the label's writing is part of: a crash in between leaves a label of a number
 * that the catalog does not know, which drop_old_label() sees to. */
static int give_number(struct archive *a, const struct site *site, struct medium *m, bool activate,
		       unsigned *medium_r, struct err *err)
{
	struct label label = {.made_s = clock_s()};

	if (media_add(a->catalog, site, activate, &label.medium, err) < 0)
		return -1;
	if (label.medium > MEDIA_MAX)
		return err_set(err, ERR_DENIED, "an archive has %d media at most", MEDIA_MAX);
	if (label_write(m, a->keys, &label, err) < 0)
		return -1;
	*medium_r = label.medium;
	return 0;
}

int media_add_site(struct archive *a, const struct site *site, bool activate, unsigned *medium_r,
		   struct err *err)
{
	CLEAN(medium) m = NULL;
	struct site_space space;
	struct err ignored = {0};

	if (open_new(a, site, &m, &space, err) < 0 || check_new(a, m, err) < 0 ||
	    catalog_begin(a->catalog, err) < 0)
		return -1;
	if (give_number(a, site, m, activate, medium_r, err) < 0 ||
	    media_note_answer(a->catalog, *medium_r, NULL, space.free_bytes, space.total_bytes,
			      err) < 0 ||
	    catalog_commit(a->catalog, err) < 0) {
		catalog_rollback(a->catalog);
		medium_remove(m, LABEL_NAME, &ignored);
		return -1;
	}
	return 0;
}

/* --- moving ----------------------------------------------------------------------------------- */

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

/* A writer at work has its file open, wherever the medium is said to be. On a share it writes to staging. */
static int check_writers(struct archive *a, const struct medium_row *row, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	struct pack_row *open;
	size_t n;

	if (packs_list(a->catalog, arena, PACK_OPEN, &open, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		int rc;

		if (open[i].medium != row->medium || open[i].staged)
			continue;
		rc = archive_lock_pack(a, open[i].pack, err);
		if (rc <= 0)
			return rc < 0 ? -1
				      : err_set(err, ERR_BUSY,
						"mail is being written to medium %u just now (pack "
						"%llu); stop the archiver, copy what is there, and "
						"say it again",
						row->medium, (unsigned long long)open[i].pack);
		archive_unlock_pack(a, open[i].pack);
	}
	return 0;
}

static int set_site(struct archive *a, const struct medium_row *row, void *arg, struct err *err)
{
	const struct site *site = arg;

	if (strcmp(site->location, row->location) != 0 && check_writers(a, row, err) < 0)
		return -1;

	if (!site_is_share(site->location) && check_staging(a, row, err) < 0)
		return -1;
	return media_set_site(a->catalog, row->medium, arg, err);
}

int media_move(struct archive *a, unsigned medium, const struct site *site, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	CLEAN(medium) m = NULL;
	struct site_space space;
	struct medium_row row;

	if (get(a, arena, medium, &row, err) < 0 ||
	    archive_open_place(a, site, medium, &m, err) < 0 || site_test(m, &space, err) < 0)
		return -1;
	if (change(a, medium, set_site, (void *)site, err) < 0)
		return -1;
	archive_forget_medium(a, medium);
	return media_note_answer(a->catalog, medium, NULL, space.free_bytes, space.total_bytes,
				 err);
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

	if (get(a, arena, medium, &row, err) < 0)
		return -1;
	if (row.state == MEDIUM_IN_USE && must_answer(a, medium, err) < 0)
		return -1;
	return change(a, medium, activate, NULL, err);
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
	return change(a, medium, deactivate, NULL, err);
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
	if (change(a, medium, reactivate, NULL, err) < 0)
		return -1;
	archive_forget_medium(a, medium);
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
			       "medium %u holds mail (%llu packs) and is never removed; if it is "
			       "not used any more, deactivate it",
			       row->medium, (unsigned long long)row->packs);
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
	return 0;
}

static int remove_row(struct archive *a, const struct medium_row *row, void *arg, struct err *err)
{
	(void)arg;
	return check_unused(a, row, err) < 0
		       ? -1
		       : media_set_state(a->catalog, row->medium, MEDIUM_REMOVED, 0, err);
}

int media_remove(struct archive *a, unsigned medium, struct err *err)
{
	if (change(a, medium, remove_row, NULL, err) < 0)
		return -1;
	archive_forget_medium(a, medium);
	return 0;
}

/* --- asking ----------------------------------------------------------------------------------- */

static int look(struct archive *a, unsigned medium, bool deep, struct site_space *space_r,
		struct err *err)
{
	CLEAN(arena) arena = arena_new();
	CLEAN(secret) password = NULL;
	CLEAN(medium) m = NULL;
	struct site site;

	if (media_site(a->catalog, arena, medium, &site, &password, err) <= 0)
		return -1;
	if (!site_is_share(site.location) && site.location[0] != '/')
		site.location = arena_f(arena, "%s/%s", a->dir, site.location);
	if (archive_open_place(a, &site, medium, &m, err) < 0)
		return -1;
	return deep ? site_test(m, space_r, err)
		    : medium_space(m, &space_r->free_bytes, &space_r->total_bytes, err);
}

int media_ask(struct archive *a, unsigned medium, bool deep, struct err *why_r, struct err *err)
{
	struct site_space space = {0};
	bool answers;

	err_clear(why_r);
	answers = look(a, medium, deep, &space, why_r) == 0;
	return media_note_answer(a->catalog, medium, answers ? NULL : why_r, space.free_bytes,
				 space.total_bytes, err);
}

static int ask_local(struct archive *a, const struct medium_row *rows, size_t n, struct err *err)
{
	struct err why;

	for (size_t i = 0; i < n; i++)
		if (rows[i].state == MEDIUM_IN_USE && !site_is_share(rows[i].location) &&
		    media_ask(a, rows[i].medium, false, &why, err) < 0)
			return -1;
	return 0;
}

int media_overview(struct archive *a, struct arena *arena, struct medium_row **v_r, size_t *n_r,
		   struct err *err)
{
	size_t n, kept = 0;

	if (media_list(a->catalog, arena, v_r, &n, err) < 0 || ask_local(a, *v_r, n, err) < 0 ||
	    media_list(a->catalog, arena, v_r, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if ((*v_r)[i].state != MEDIUM_REMOVED)
			(*v_r)[kept++] = (*v_r)[i];
	*n_r = kept;
	return 0;
}
