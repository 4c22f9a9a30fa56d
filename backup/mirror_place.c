/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the mirror is, and mending from it. */
#include "backup/mirror_priv.h"

#include "app/catalog/mirror.h"
#include "base/clock.h"
#include "storage/label.h"
#include "storage/staged.h"

#include <stdio.h>

void mirror_location(const char *location, unsigned medium, struct str *out)
{
	str_addf(out, "%s/medium-%u", location, medium);
}

int mirror_place_load(struct archive *a, struct mirror_place *place_r, struct err *err)
{
	struct mirror_place place = {.arena = arena_new()};
	int rc = mirror_site(archive_catalog(a), place.arena, &place.site, &place.password, err);

	*place_r = place;
	if (rc > 0)
		return 0;
	mirror_place_clear(place_r);
	if (rc == 0)
		err_set(err, ERR_NOTFOUND,
			"no mirror is set up; \"sealpost backup mirror --to LOCATION\" does it");
	return -1;
}

void mirror_place_clear(struct mirror_place *place)
{
	arena_free(&place->arena);
	secret_free(&place->password);
}

/* 1: something of medium NUMBER was mirrored. */
static int has_files(struct archive *a, unsigned number, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	struct mirror_file *files;
	size_t n;

	if (mirror_files_list(archive_catalog(a), arena, &files, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (files[i].medium == number)
			return 1;
	return 0;
}

/* Where something was mirrored a label was, too: a disk that is not mounted is not to be taken for a full mirror. */
static int put_label(struct archive *a, struct medium *m, unsigned number, struct err *err)
{
	struct label label = {.medium = number, .made_s = clock_s()};
	int rc;

	if (label_check(m, archive_keys(a), number, err) == 0)
		return 0;
	if (err->kind != ERR_NOTFOUND)
		return err_add(err, "the mirror of medium %u", number);
	err_clear(err);
	rc = has_files(a, number, err);
	if (rc > 0)
		return err_set(err, ERR_OFFLINE,
			       "%s is empty, or another place than it was: what was mirrored "
			       "there is not there now, and nothing is written; if it is gone for "
			       "good, \"sealpost backup mirror --to LOCATION\" begins anew",
			       medium_location(m));
	return rc < 0 ? -1 : label_write(m, archive_keys(a), &label, err);
}

int mirror_open(struct archive *a, const struct mirror_place *place, unsigned number, bool create,
		struct medium **medium_r, struct err *err)
{
	CLEAN(medium) m = NULL;
	CLEAN_STR location = STR_INIT;
	CLEAN_STR folder = STR_INIT;
	struct site site = place->site;

	mirror_location(place->site.location, number, &location);
	site.location = location.data;
	str_adds(&folder, "sealpost-");
	uuid_add(&folder, keyring_archive(archive_keys(a)));
	if (site_open(&site, folder.data, create, &m, err) < 0)
		return -1;
	if ((create ? put_label(a, m, number, err) : label_check(m, archive_keys(a), number, err)) <
	    0)
		return -1;
	*medium_r = TAKE(m);
	return 0;
}

int mirror_pack_hash(struct archive *a, struct medium *m, const struct pack_row *row,
		     struct copy_pace *pace, struct hash *hash_r, struct err *err)
{
	CLEAN(pack_reader) pack = NULL;
	char name[64];

	*hash_r = row->hash;
	if (row->has_hash)
		return 0;
	if (pack_open(m, archive_keys(a), row->pack, &pack, err) < 0 ||
	    pack_check(pack, row->length, err) < 0 ||
	    copy_hash(m, pack_name(row->pack, name), row->length, pace, hash_r, err) < 0)
		return -1;
	return packs_set_hash(archive_catalog(a), row->pack, hash_r, err);
}

/* --- mending ---------------------------------------------------------------------------------- */

/* Is it whole where it is read from? */
static int check_own(struct archive *a, struct medium *m, const struct pack_row *row,
		     struct err *err)
{
	CLEAN(pack_reader) pack = NULL;

	return pack_open(m, archive_keys(a), row->pack, &pack, err) < 0
		       ? -1
		       : pack_check(pack, row->length, err);
}

/* Into staging, from where it is shipped like a new one; the medium's own file is then compared, found to differ, and
 * made anew. */
static int mend_staged(struct archive *a, struct medium *from, struct medium *m,
		       const struct pack_row *row, const struct hash *hash, struct err *err)
{
	struct medium *near = staged_near(m);
	char name[64];

	pack_name(row->pack, name);
	if (medium_remove(near, name, err) < 0 && err->kind != ERR_NOTFOUND)
		return -1;
	err_clear(err);
	if (packs_set_hash(archive_catalog(a), row->pack, hash, err) < 0 ||
	    copy_file(from, near, name, row->length, NULL, err) < 0 ||
	    copy_check(near, name, row->length, hash, NULL, err) < 0)
		return -1;
	return packs_set_staged(archive_catalog(a), row->pack, true, err);
}

static int mend_local(struct medium *from, struct medium *m, const struct pack_row *row,
		      const struct hash *hash, struct err *err)
{
	char name[64], part[80];

	snprintf(part, sizeof(part), "%s.part", pack_name(row->pack, name));
	if (medium_remove(m, part, err) < 0 && err->kind != ERR_NOTFOUND)
		return -1;
	err_clear(err);
	if (copy_file_as(from, name, m, part, row->length, NULL, err) < 0 ||
	    copy_check(m, part, row->length, hash, NULL, err) < 0)
		return -1;
	return medium_replace(m, part, name, err);
}

static int find_mirrored(struct archive *a, unsigned number, const struct pack_row *row,
			 struct medium **from_r, struct hash *hash_r, struct err *why)
{
	struct mirror_place place;
	CLEAN(medium) from = NULL;
	char name[64];
	int rc;

	if (mirror_place_load(a, &place, why) < 0)
		return -1;
	rc = mirror_open(a, &place, number, false, &from, why);
	mirror_place_clear(&place);
	if (rc < 0 || check_own(a, from, row, why) < 0 ||
	    copy_hash(from, pack_name(row->pack, name), row->length, NULL, hash_r, why) < 0)
		return err_add(why, "the mirror");
	*from_r = TAKE(from);
	return 0;
}

int mirror_repair(struct archive *a, uint64_t pack, struct err *why_r, struct err *err)
{
	CLEAN(medium) from = NULL;
	struct pack_row row;
	struct medium *m;
	struct hash hash;
	enum medium_state state;
	unsigned number;

	err_clear(why_r);
	if (packs_get(archive_catalog(a), pack, &row, err) <= 0)
		return -1;
	if (row.state != PACK_SEALED) {
		err_set(why_r, ERR_BUSY, "the pack is being written, or was replaced");
		return 0;
	}
	number = row.medium;
	if (archive_resolve_medium(a, &number, &state, err) < 0 ||
	    archive_medium(a, number, &m, err) < 0)
		return -1;
	if (check_own(a, m, &row, why_r) == 0) {
		err_set(why_r, ERR_EXISTS, "the pack itself is whole");
		return 0;
	}
	if (why_r->kind != ERR_DAMAGED && why_r->kind != ERR_NOTFOUND)
		return 0;
	err_clear(why_r);
	if (find_mirrored(a, number, &row, &from, &hash, why_r) < 0)
		return 0;
	if ((medium_is_staged(m) ? mend_staged(a, from, m, &row, &hash, err)
				 : mend_local(from, m, &row, &hash, err)) < 0)
		return err_add(err, "mending pack %llu", (unsigned long long)pack);
	return 1;
}
