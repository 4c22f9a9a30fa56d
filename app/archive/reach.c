/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From a medium's number to what can be read and written: a local one is opened and checked at once, one across a network
 * gets its staging folder, and is connected and checked when it is needed. */
#include "app/archive/archive_priv.h"
#include "base/file.h"
#include "storage/label.h"
#include "storage/site.h"
#include "storage/staged.h"

void archive_folder(const struct archive *a, struct str *out)
{
	str_adds(out, "sealpost-");
	uuid_add(out, keyring_archive(a->keys));
}

void archive_medium_root(const struct archive *a, const char *location, struct str *out)
{
	if (location[0] != '/') /* inside the archive's directory, wherever that is moved to */
		str_addf(out, "%s/", a->dir);
	str_addf(out, "%s/", location);
	archive_folder(a, out);
}

int archive_check_label(struct archive *a, struct medium *medium, unsigned number, struct err *err)
{
	const char *where = medium_location(medium);

	if (label_check(medium, a->keys, number, err) == 0)
		return 0;
	switch (err->kind) {
	case ERR_TIMEOUT:
		return -1;
	case ERR_NOTFOUND:
		return err_set(
			err, ERR_OFFLINE,
			"%s is empty, or another place than it was: there is no medium.json; "
			"what was archived there is not there now, and nothing is written",
			where);
	case ERR_WRONGKEY:
		return err_set(err, ERR_OFFLINE,
			       "%s is not this archive's: the medium.json there was made with "
			       "another key, or is damaged; nothing is written there",
			       where);
	case ERR_DAMAGED:
		return err_set(err, ERR_OFFLINE,
			       "the medium.json of %s is damaged, so nobody can tell whether it is "
			       "medium %u; nothing is written there",
			       where, number);
	default:
		err->kind = ERR_OFFLINE;
		return -1;
	}
}

/* Nothing is known of the mail on a place that is there no more, or has nothing of the archive. */
static int place_gone(const struct site *site, struct err *err)
{
	struct err why = *err;

	if (why.kind == ERR_NOTFOUND)
		return err_set(err, ERR_OFFLINE,
			       "%s; it is empty, or another one than it was, and nothing is "
			       "written there",
			       why.text);
	if (why.kind == ERR_OFFLINE && !site_is_share(site->location))
		return err_set(err, ERR_OFFLINE,
			       "%s; its disk may not be mounted, or it was moved, and nothing is "
			       "written there",
			       why.text);
	return -1;
}

int archive_open_place(struct archive *a, const struct site *site, unsigned number,
		       struct medium **medium_r, struct err *err)
{
	CLEAN(medium) m = NULL;
	CLEAN_STR folder = STR_INIT;

	archive_folder(a, &folder);
	if (site_open(site, folder.data, false, &m, err) < 0)
		return place_gone(site, err);
	if (archive_check_label(a, m, number, err) < 0)
		return -1;
	*medium_r = TAKE(m);
	return 0;
}

int archive_reach(struct archive *a, unsigned number, struct medium **medium_r, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	CLEAN(secret) password = NULL;
	struct site site;
	int rc = media_site(a->catalog, arena, number, &site, &password, err);

	if (rc <= 0)
		return rc < 0 ? -1 : err_set(err, ERR_NOTFOUND, "there is no medium %u", number);
	if (!site_is_share(site.location) && site.location[0] != '/')
		site.location = arena_f(arena, "%s/%s", a->dir, site.location);
	return archive_open_place(a, &site, number, medium_r, err);
}

/* --- across a network ------------------------------------------------------------------------- */

static int refuse_deactivated(unsigned number, struct err *err)
{
	return err_set(err, ERR_OFFLINE,
		       "medium %u is deactivated; \"sealpost medium reactivate %u\" brings its "
		       "mails back",
		       number, number);
}

/* For storage/staged.h. The catalog is asked each time: the share may have moved, or its password changed. Called in
 * the archive's own thread. */
static int connect_far(void *arg, struct medium **far_r, struct err *err)
{
	const struct far_place *place = arg;
	enum medium_state state;
	unsigned redirect;

	if (media_state(place->a->catalog, place->number, &state, &redirect, err) <= 0)
		return err_add(err, "medium %u", place->number);
	if (state == MEDIUM_DEACTIVATED)
		return refuse_deactivated(place->number, err);
	return archive_reach(place->a, place->number, far_r, err);
}

/* ARCHIVE/staging/NUMBER; what is created there is durable only if the folder itself is. */
static int open_staging(struct archive *a, unsigned number, struct medium **near_r, struct err *err)
{
	CLEAN_STR path = STR_INIT;

	archive_path(a, "staging", &path);
	if (dir_make(path.data, 0700, err) < 0 || dir_sync_parent(path.data, err) < 0)
		return -1;
	str_addf(&path, "/%u", number);
	if (dir_make(path.data, 0700, err) < 0 || dir_sync_parent(path.data, err) < 0)
		return -1;
	return medium_local_open(path.data, near_r, err);
}

static int open_share(struct archive *a, unsigned number, const char *location, struct err *err)
{
	struct medium *near;

	if (open_staging(a, number, &near, err) < 0)
		return -1;
	a->far[number] = (struct far_place){a, number};
	a->media[number] = medium_staged_new(near, "smb", location,
					     a->settings.staging_reserve_bytes, connect_far,
					     &a->far[number]);
	return 0;
}

/* --- both ------------------------------------------------------------------------------------- */

static int open_medium(struct archive *a, unsigned number, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	CLEAN(secret) password = NULL;
	struct site site;

	if (media_site(a->catalog, arena, number, &site, &password, err) <= 0)
		return err_add(err, "medium %u", number);
	if (site_is_share(site.location)) {
		if (open_share(a, number, site.location, err) < 0)
			return -1;
	} else if (archive_reach(a, number, &a->media[number], err) < 0) {
		return err_add(err, "medium %u", number);
	}
	a->places[number] = mem_strdup(site.location);
	return 0;
}

void archive_forget_medium(struct archive *a, unsigned number)
{
	medium_free(&a->media[number]);
	free(a->places[number]);
	a->places[number] = NULL;
}

/* What was opened of it stays, as packs that are being read or written may use it, but its connection goes. */
static void set_aside(struct archive *a, unsigned number)
{
	struct medium *m = TAKE(a->media[number]);
	struct err why = {0};

	err_set(&why, ERR_OFFLINE, "medium %u was moved to another place", number);
	if (medium_is_staged(m))
		staged_far_failed(m, &why);
	a->moved.v = mem_grow(a->moved.v, (a->moved.n + 1) * sizeof(*a->moved.v));
	a->moved.v[a->moved.n++] = m;
	archive_forget_medium(a, number);
}

/* Another process may have said that medium NUMBER is elsewhere ("medium set"): what stands at its old place is not to be
 * written, nor read, any more. */
static int keep_up(struct archive *a, unsigned number, struct err *err)
{
	int rc;

	if (a->media[number] == NULL)
		return open_medium(a, number, err);
	if (a->places[number] == NULL)
		return 0;
	rc = media_is_at(a->catalog, number, a->places[number], err);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	set_aside(a, number);
	return open_medium(a, number, err);
}

int archive_resolve_medium(struct archive *a, unsigned *number, enum medium_state *state_r,
			   struct err *err)
{
	unsigned asked = *number, redirect;
	int rc;

	for (unsigned steps = 0; steps < MEDIA_MAX; steps++) {
		rc = *number > MEDIA_MAX
			     ? 0
			     : media_state(a->catalog, *number, state_r, &redirect, err);
		if (rc < 0)
			return -1;
		if (rc == 0 || *state_r == MEDIUM_REMOVED)
			return err_set(err, ERR_NOTFOUND, "there is no medium %u", *number);
		if (*state_r != MEDIUM_REDIRECTED)
			return 0;
		*number = redirect;
	}
	return err_set(err, ERR_DAMAGED, "medium %u is redirected in a circle", asked);
}

int archive_medium(struct archive *a, unsigned number, struct medium **medium_r, struct err *err)
{
	enum medium_state state;
	struct err why = {0};
	struct medium *m;

	if (archive_resolve_medium(a, &number, &state, err) < 0)
		return -1;
	if (keep_up(a, number, err) < 0)
		return -1;
	m = a->media[number];
	if (state == MEDIUM_DEACTIVATED) {
		refuse_deactivated(number, &why);
		if (!medium_is_staged(m))
			return err_set(err, why.kind, "%s", why.text);
		staged_far_failed(m, &why); /* what is in staging is still there to be read */
	}
	*medium_r = m;
	return 0;
}

int archive_pack_medium(struct archive *a, uint64_t pack, struct medium **medium_r, struct err *err)
{
	struct pack_row row;
	int rc = packs_get(a->catalog, pack, &row, err);

	if (rc == 0)
		return err_set(err, ERR_DAMAGED, "the catalog has no pack %llu",
			       (unsigned long long)pack);
	return rc < 0 ? -1 : archive_medium(a, row.medium, medium_r, err);
}

void archive_use_medium(struct archive *a, unsigned number, struct medium *medium)
{
	must(number <= MEDIA_MAX);
	if (a->media[number] != medium)
		archive_forget_medium(a, number);
	a->media[number] = medium;
}

int archive_medium_row(struct archive *a, struct arena *arena, unsigned number,
		       struct medium_row *row_r, struct err *err)
{
	int rc = media_get(a->catalog, arena, number, row_r, err);

	if (rc == 0 || (rc > 0 && row_r->state == MEDIUM_REMOVED))
		return err_set(err, ERR_NOTFOUND, "there is no medium %u", number);
	return rc < 0 ? -1 : 0;
}

int archive_change_medium(struct archive *a, unsigned number, medium_change_fn *fn, void *arg,
			  struct err *err)
{
	CLEAN(arena) arena = arena_new();
	struct medium_row row;

	if (catalog_begin(a->catalog, err) < 0)
		return -1;
	if (archive_medium_row(a, arena, number, &row, err) == 0 && fn(a, &row, arg, err) == 0 &&
	    catalog_commit(a->catalog, err) == 0)
		return 0;
	catalog_rollback(a->catalog);
	return -1;
}

int archive_lies_on(struct archive *a, unsigned medium, unsigned number, struct err *err)
{
	enum medium_state state;

	if (medium == number)
		return 1;
	return archive_resolve_medium(a, &medium, &state, err) < 0 ? -1 : medium == number;
}
