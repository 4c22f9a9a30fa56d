/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the mirror is, and mending from it. */
#include "backup/mirror_priv.h"

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

static int put_label(struct archive *a, struct medium *m, unsigned number, struct err *err)
{
	struct label label = {.medium = number, .made_s = clock_s()};

	if (label_check(m, archive_keys(a), number, err) == 0)
		return 0;
	if (err->kind != ERR_NOTFOUND)
		return err_add(err, "the mirror of medium %u", number);
	err_clear(err);
	return label_write(m, archive_keys(a), &label, err);
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

/* The mirror's copy, if it is proven: every record opens, and it is the one that was sealed. */
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
	if (row->has_hash && !hash_eq(&row->hash, hash_r))
		return err_set(why, ERR_DAMAGED, "the mirror: it has another pack of this number");
	*from_r = TAKE(from);
	return 0;
}

/* It may have been erased meanwhile: then it is not to come back. */
static int withdraw_replaced(struct archive *a, struct medium *near, const struct pack_row *row,
			     const char *name, struct err *err)
{
	struct pack_row now;
	int rc = packs_get(archive_catalog(a), row->pack, &now, err);

	if (rc < 0)
		return -1;
	if (rc > 0 && now.state == PACK_SEALED)
		return 0;
	if (medium_drop(near, name, err) < 0)
		return -1;
	return err_set(err, ERR_BUSY, "it was replaced while it was being mended");
}

/* Beside the damaged one, until it is whole. On a share it is put into staging, from where it is shipped like a new one:
 * the share's own is then compared, found to differ, and made anew. */
static int put_in_place(struct archive *a, struct medium *from, struct medium *m,
			const struct pack_row *row, const struct hash *hash, struct err *err)
{
	struct medium *near = medium_is_staged(m) ? staged_near(m) : m;
	char name[64], part[80];

	snprintf(part, sizeof(part), "%s.part", pack_name(row->pack, name));
	if (medium_drop(near, part, err) < 0 ||
	    copy_file_as(from, name, near, part, row->length, NULL, err) < 0 ||
	    copy_check(near, part, row->length, hash, NULL, err) < 0 ||
	    packs_set_hash(archive_catalog(a), row->pack, hash, err) < 0 ||
	    medium_replace(near, part, name, err) < 0)
		return -1;
	if (near != m && packs_set_staged(archive_catalog(a), row->pack, true, err) < 0)
		return -1;
	return withdraw_replaced(a, near, row, name, err);
}

/* Its row, and the medium where it lies. 1; 0 WHY_R tells why it cannot be mended. */
static int find_damaged(struct archive *a, uint64_t pack, struct pack_row *row_r,
			unsigned *number_r, struct medium **m_r, struct err *why_r, struct err *err)
{
	enum medium_state state;
	int rc = packs_get(archive_catalog(a), pack, row_r, err);

	if (rc < 0)
		return -1;
	if (rc == 0 || row_r->state != PACK_SEALED) {
		err_set(why_r, ERR_BUSY, "%s",
			rc == 0 ? "the catalog does not know the pack"
				: "the pack is being written, or was replaced");
		return 0;
	}
	*number_r = row_r->medium;
	if (archive_resolve_medium(a, number_r, &state, err) < 0)
		return -1;
	if (archive_medium(a, *number_r, m_r, why_r) < 0)
		return 0;
	if (check_own(a, *m_r, row_r, why_r) == 0) {
		err_set(why_r, ERR_EXISTS, "the pack itself is whole");
		return 0;
	}
	return why_r->kind == ERR_DAMAGED || why_r->kind == ERR_NOTFOUND;
}

int mirror_repair(struct archive *a, uint64_t pack, struct err *why_r, struct err *err)
{
	CLEAN(medium) from = NULL;
	struct pack_row row;
	struct medium *m;
	struct hash hash;
	unsigned number;
	int rc;

	err_clear(why_r);
	rc = find_damaged(a, pack, &row, &number, &m, why_r, err);
	if (rc <= 0)
		return rc;
	err_clear(why_r);
	if (find_mirrored(a, number, &row, &from, &hash, why_r) < 0)
		return 0;
	if (put_in_place(a, from, m, &row, &hash, err) < 0)
		return err_add(err, "mending pack %llu", (unsigned long long)pack);
	return 1;
}
