/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an archive does by itself when it is opened after a crash (A1).
 *
 * A writer leaves its pack in one of these states; none needs to know which instruction it died in:
 *  - number given, no file, or a file whose header is torn: the pack is void;
 *  - it was to replace another (erasing) and that was never committed: void, the old one stands;
 *  - records behind the length that the catalog knows: whole ones are taken in, a torn tail is cut,
 *    and the pack is sealed;
 *  - it replaces another and that was committed: the old file is removed.
 *
 * Of a medium across a network only the staging folder is looked at: what a writer that died has begun is there, whole,
 * and none of it was shipped that the catalog does not know. A mail may still need a part that lies on the share: one
 * that did not answer when it was last asked is not asked, and the pack has to wait. So a share that is away keeps no archive
 * from being opened.
 */
#include "app/archive/adopt.h"
#include "app/archive/archive_priv.h"
#include "base/log.h"
#include "storage/staged.h"

static struct medium *nearest(struct medium *medium)
{
	return medium_is_staged(medium) ? staged_near(medium) : medium;
}

static int remove_file(struct medium *medium, uint64_t pack, struct err *err)
{
	char name[64];

	return medium_drop(medium, pack_name(pack, name), err);
}

static int make_void(struct archive *a, struct medium *medium, const struct pack_row *row,
		     struct err *err)
{
	log_info("pack voided pack=%llu", (unsigned long long)row->pack);
	if (remove_file(medium, row->pack, err) < 0)
		return -1;
	return packs_set(a->catalog, row->pack, PACK_VOID, 0, err);
}

/* Seal a pack whose writer died. Behind END there is nothing but a torn tail. */
static int seal(struct archive *a, struct medium *medium, uint64_t pack, uint64_t end,
		struct err *err)
{
	CLEAN(pack_writer) writer = NULL;

	if (pack_resume(medium, a->keys, pack, end, &writer, err) < 0 || pack_seal(writer, err) < 0)
		return -1;
	return archive_note_sealed(a, writer, err);
}

static int adopt_tail(struct archive *a, struct medium *medium, struct pack_reader *pack,
		      const struct pack_row *row, struct err *err)
{
	CLEAN(adopter) ad = adopter_new(a);
	const struct adopted *got = adopter_result(ad);
	uint64_t end;
	bool sealed;

	adopter_need_parts(ad);
	if (adopter_scan(ad, pack, &end, &sealed, err) < 0 || adopter_describe(ad, NULL, err) < 0)
		return -1;
	log_info("pack recovered pack=%llu mails=%llu parts=%llu", (unsigned long long)row->pack,
		 (unsigned long long)got->mails, (unsigned long long)got->parts);
	if (sealed) /* it died between the seal and the catalog */
		return packs_set(a->catalog, row->pack, PACK_SEALED, end, err);
	/* what was acknowledged stays, be it damaged */
	return seal(a, medium, row->pack, end > row->length ? end : row->length, err);
}

static int recover_open(struct archive *a, const struct pack_row *row, struct err *err)
{
	CLEAN(pack_reader) pack = NULL;
	struct medium *medium;
	bool nothing_known = row->length == 0;

	if (archive_medium(a, row->medium, &medium, err) < 0)
		return -1;
	medium = nearest(medium);
	if (pack_open(medium, a->keys, row->pack, &pack, err) < 0) {
		bool torn = err->kind == ERR_NOTFOUND || err->kind == ERR_DAMAGED;

		if (!torn || !nothing_known)
			return -1;
		err_clear(err);
		return make_void(a, medium, row, err);
	}
	if (pack_reader_header(pack)->n_replaces > 0)
		return make_void(a, medium, row, err);
	return adopt_tail(a, medium, pack, row, err);
}

static int in_transaction(struct archive *a, const struct pack_row *row, struct err *err)
{
	struct pack_row now;

	if (catalog_begin(a->catalog, err) < 0)
		return -1;
	/* its writer may have ended well between the listing and the lock */
	if (packs_get(a->catalog, row->pack, &now, err) > 0 &&
	    (now.state != PACK_OPEN || recover_open(a, &now, err) == 0) &&
	    catalog_commit(a->catalog, err) == 0)
		return 0;
	catalog_rollback(a->catalog);
	return err_add(err, "recover pack %llu", (unsigned long long)row->pack);
}

static int recover_dead(struct archive *a, const struct pack_row *row, struct err *err)
{
	int rc = archive_lock_pack(a, row->pack, err);

	if (rc <= 0)
		return rc; /* its writer is alive */
	rc = in_transaction(a, row, err);
	archive_unlock_pack(a, row->pack);
	return rc;
}

int archive_remove_replaced(struct archive *a, const struct pack_row *row, struct err *err)
{
	struct medium *medium;

	if (archive_medium(a, row->medium, &medium, err) < 0 ||
	    remove_file(nearest(medium), row->pack, err) < 0)
		return -1;
	if (medium_is_staged(medium))
		return 0;
	return packs_set(a->catalog, row->pack, PACK_REMOVED, row->length, err);
}

/* A medium that does not answer or is full, or a damaged or missing pack, must not keep the rest of the archive from
 * being opened: to be read, and the staging folder's disk to be emptied by the shipper; verify names what is wrong. */
static int or_later(int rc, struct err *err)
{
	if (rc < 0 &&
	    (err->kind == ERR_OFFLINE || err->kind == ERR_TIMEOUT || err->kind == ERR_DAMAGED ||
	     err->kind == ERR_NOSPACE || err->kind == ERR_NOTFOUND || err->kind == ERR_FOREIGN ||
	     err->kind == ERR_VERSION)) {
		log_warn("not recovered yet: %s", err->text);
		err_clear(err);
		return 0;
	}
	return rc;
}

/* Shares that were silent are not to be asked now; *N_R of them, in V. */
static int hush_silent(struct archive *a, struct arena *arena, struct medium_row **v_r, size_t *n_r,
		       struct err *err)
{
	struct medium_row *rows;
	struct medium *m;
	size_t n;

	*n_r = 0;
	if (media_list(a->catalog, arena, &rows, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct err why = {0};

		if (rows[i].state != MEDIUM_IN_USE || rows[i].answers != MEDIUM_SILENT ||
		    archive_medium(a, rows[i].medium, &m, &why) < 0 || !medium_is_staged(m))
			continue;
		err_set(&why, ERR_OFFLINE, "%s", rows[i].trouble);
		staged_far_failed(m, &why);
		rows[(*n_r)++] = rows[i];
	}
	*v_r = rows;
	return 0;
}

static int recover_all(struct archive *a, struct arena *arena, struct err *err)
{
	struct medium_row *silent;
	struct pack_row *rows;
	size_t n, n_silent;
	int rc = 0;

	if (packs_list(a->catalog, arena, PACK_OPEN, &rows, &n, err) < 0)
		return -1;
	if (n == 0)
		return 0;
	if (hush_silent(a, arena, &silent, &n_silent, err) < 0)
		return -1;
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = or_later(recover_dead(a, &rows[i], err), err);
	for (size_t i = 0; i < n_silent; i++) /* whoever reads may ask again */
		staged_ask_again(a->media[silent[i].medium]);
	return rc;
}

int archive_recover(struct archive *a, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	struct pack_row *rows;
	size_t n;

	if (recover_all(a, arena, err) < 0)
		return -1;
	if (packs_list(a->catalog, arena, PACK_REPLACED, &rows, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (or_later(archive_remove_replaced(a, &rows[i], err), err) < 0)
			return -1;
	return 0;
}
