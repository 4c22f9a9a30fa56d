/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/archive/rebuild.h"

#include "app/archive/archive_priv.h"
#include "app/catalog/accounts.h"
#include "app/catalog/receipts.h"
#include "base/file.h"
#include "base/log.h"
#include "storage/label.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

/* A pack that was found on a medium. */
struct found_pack {
	uint64_t pack;
	unsigned medium;
	uint64_t size;
	uint64_t *replaces;
	size_t n_replaces;
	bool sealed;
	bool opens;
	uint64_t replaced_by;
};

struct rebuilding {
	struct archive *a;
	struct arena *arena;
	struct {
		struct found_pack *v;
		size_t n, cap;
	} packs;
	unsigned medium; /* the one being listed */
	unsigned highest_medium;
	struct rebuild_report *report;
	struct catalog *old; /* NULL: there is none, or it does not open */
	struct {
		struct uuid *v;
		size_t n, cap;
	} deleted; /* or erased, as the old catalog knows */
};

/* ---- media ---- */

static int add_medium(struct rebuilding *rb, const char *location, struct err *err)
{
	CLEAN(medium) m = NULL;
	CLEAN_STR root = STR_INIT;
	struct label label;
	const struct site site = {.location = location};

	archive_medium_root(rb->a, location, &root);
	if (medium_local_open(root.data, &m, err) < 0 ||
	    label_read(m, rb->a->keys, &label, err) < 0)
		return -1;
	if (label.medium == 0 || label.medium > MEDIA_MAX)
		return err_set(err, ERR_DAMAGED, "%s: a label with number %u", location,
			       label.medium);
	if (rb->a->media[label.medium] != NULL)
		return 0; /* named twice */
	if (media_add_numbered(rb->a->catalog, label.medium, &site, false, err) < 0)
		return -1;
	if (label.medium > rb->highest_medium)
		rb->highest_medium = label.medium;
	rb->a->media[label.medium] = TAKE(m);
	return 0;
}

/* ARCHIVE/media/N, where local media live by default. */
static int add_inner_media(struct rebuilding *rb, struct err *err)
{
	CLEAN_STR path = STR_INIT;
	DIR *dir = opendir(archive_path(rb->a, "media", &path));
	struct dirent *entry;
	int rc = 0;

	if (dir == NULL)
		return 0;
	while (rc == 0 && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		rc = add_medium(rb, arena_f(rb->arena, "media/%s", entry->d_name), err);
	}
	closedir(dir);
	return rc;
}

/* Media that only an old catalog knows where to find. One that is gone does not keep the others from
 * being read. */
static void add_known_media(struct rebuilding *rb, const struct secret *key)
{
	CLEAN_STR path = STR_INIT;
	CLEAN(catalog) old = NULL;
	struct err err = {0};
	CLEAN_STMT q = NULL;

	if (catalog_open(archive_path(rb->a, "catalog.db", &path), key, false, &old, &err) < 0 ||
	    db_query(catalog_db(old), "SELECT medium, location FROM media", &q, &err) < 0)
		return;
	while (stmt_step(q, &err) > 0) {
		uint64_t number = (uint64_t)stmt_int(q, 0);
		const char *location = arena_str(rb->arena, stmt_text(q, 1).data);

		if (number > MEDIA_MAX || rb->a->media[number] != NULL ||
		    add_medium(rb, location, &err) == 0)
			continue;
		log_warn("medium %u at %s is left out, and its mails are not in the new catalog; "
			 "where it is now, --medium tells: %s",
			 (unsigned)number, location, err.text);
		err_clear(&err);
	}
}

static int add_media(struct rebuilding *rb, const char *const *locations, size_t n,
		     const struct secret *key, struct err *err)
{
	for (size_t i = 0; i < n; i++)
		if (add_medium(rb, locations[i], err) < 0)
			return -1;
	if (add_inner_media(rb, err) < 0)
		return -1;
	add_known_media(rb, key);
	if (rb->highest_medium == 0)
		return err_set(
			err, ERR_NOTFOUND,
			"no medium of this archive was found; name its folder with --medium");
	return db_run(catalog_db(rb->a->catalog), err,
		      "UPDATE media SET active = 1 WHERE medium = ?1",
		      BIND_INT(rb->highest_medium));
}

/* ---- packs ---- */

static int list_pack(void *arg, const char *name, uint64_t size_bytes, struct err *err)
{
	struct rebuilding *rb = arg;
	struct found_pack found = {.medium = rb->medium, .size = size_bytes};

	(void)err;
	if (pack_number_of(name, &found.pack) == 0)
		ARENA_PUSH(rb->arena, rb->packs, found);
	return 0;
}

static int by_number(const void *a, const void *b)
{
	const struct found_pack *x = a, *y = b;

	return x->pack < y->pack ? -1 : x->pack > y->pack;
}

/* Its writer died before it wrote anything. */
static bool is_empty(const struct found_pack *found)
{
	return found->size == 0;
}

/* Header and seal of one pack. One that does not open is told and passed over. */
static int look_into(struct rebuilding *rb, struct found_pack *found, struct err *err)
{
	CLEAN(pack_reader) pack = NULL;
	CLEAN(pack_scan) scan = NULL;
	struct record record;
	const struct pack_header *header;
	int rc;

	if (is_empty(found))
		return 0;
	if (pack_open(rb->a->media[found->medium], rb->a->keys, found->pack, &pack, err) < 0) {
		if (err->kind != ERR_DAMAGED)
			return -1;
		log_error("%s", err->text);
		err_clear(err);
		rb->report->unopened++;
		return 0;
	}
	found->opens = true;
	header = pack_reader_header(pack);
	if (header->n_replaces == 0)
		return 0;
	found->n_replaces = header->n_replaces;
	found->replaces = arena_get(rb->arena, header->n_replaces * sizeof(*found->replaces));
	memcpy(found->replaces, header->replaces, header->n_replaces * sizeof(*found->replaces));
	if (pack_scan_begin(pack, 0, &scan, err) < 0)
		return -1;
	do
		rc = pack_scan_next(scan, &record, NULL, err);
	while (rc == SCAN_RECORD || rc == SCAN_DAMAGED);
	found->sealed = pack_scan_sealed(scan);
	return rc < 0 ? -1 : 0;
}

static struct found_pack *find_pack(struct rebuilding *rb, uint64_t number)
{
	struct found_pack key = {.pack = number};

	return bsearch(&key, rb->packs.v, rb->packs.n, sizeof(key), by_number);
}

/* A sealed pack takes the place of those it names; one that was never finished does not count. */
static void settle_replaced(struct rebuilding *rb)
{
	for (size_t i = 0; i < rb->packs.n; i++) {
		struct found_pack *by = &rb->packs.v[i];

		for (size_t r = 0; by->sealed && r < by->n_replaces; r++) {
			struct found_pack *old = find_pack(rb, by->replaces[r]);

			if (old != NULL)
				old->replaced_by = by->pack;
		}
	}
}

static int list_packs(struct rebuilding *rb, struct err *err)
{
	for (rb->medium = 1; rb->medium <= rb->highest_medium; rb->medium++)
		if (rb->a->media[rb->medium] != NULL &&
		    medium_list(rb->a->media[rb->medium], "packs", list_pack, rb, err) < 0)
			return -1;
	if (rb->packs.n > 0)
		qsort(rb->packs.v, rb->packs.n, sizeof(*rb->packs.v), by_number);
	for (size_t i = 0; i < rb->packs.n; i++)
		if (look_into(rb, &rb->packs.v[i], err) < 0)
			return -1;
	settle_replaced(rb);
	return 0;
}

static int scan_pack(struct rebuilding *rb, struct adopter *ad, const struct found_pack *found,
		     struct err *err)
{
	CLEAN(pack_reader) pack = NULL;
	uint64_t end;
	bool sealed;

	if (pack_open(rb->a->media[found->medium], rb->a->keys, found->pack, &pack, err) < 0 ||
	    adopter_scan(ad, pack, &end, &sealed, err) < 0)
		return -1;
	rb->report->packs++;
	/* An unsealed one is left to recovery, which cuts its tail and seals it. */
	return packs_set(rb->a->catalog, found->pack, sealed ? PACK_SEALED : PACK_OPEN, end, err);
}

/* Open: left to recovery, which voids and removes what was never finished. What does not open is
 * kept, so that verify names it. */
static int add_row(struct rebuilding *rb, const struct found_pack *found, struct err *err)
{
	struct pack_row row = {.pack = found->pack,
			       .medium = found->medium,
			       .state = PACK_OPEN,
			       .length = found->size,
			       .replaced_by = found->replaced_by};

	if (found->replaced_by != 0) {
		row.state = PACK_REPLACED;
		rb->report->replaced++;
	} else if (!found->opens && !is_empty(found)) {
		row.state = PACK_SEALED;
	}
	return packs_add(rb->a->catalog, &row, err);
}

static int adopt_all(struct rebuilding *rb, struct err *err)
{
	CLEAN(adopter) ad = adopter_new(rb->a);

	adopter_set_deleted(ad, rb->deleted.v, rb->deleted.n);
	/* from the last on: a row may name a later one that took its place */
	for (size_t i = rb->packs.n; i > 0; i--)
		if (add_row(rb, &rb->packs.v[i - 1], err) < 0)
			return -1;
	for (size_t i = 0; i < rb->packs.n; i++) {
		const struct found_pack *found = &rb->packs.v[i];

		if (found->replaced_by != 0 || !found->opens ||
		    (found->n_replaces > 0 && !found->sealed))
			continue;
		if (scan_pack(rb, ad, found, err) < 0)
			return -1;
	}
	if (adopter_describe(ad, NULL, err) < 0)
		return -1;
	rb->report->adopted = *adopter_result(ad);
	return 0;
}

/* ---- the whole ---- */

/* One id a row of SQL over the old catalog, in order. */
static void list_ids(struct rebuilding *rb, const char *sql, struct err *err)
{
	CLEAN_STMT q = NULL;

	if (db_query(catalog_db(rb->old), sql, &q, err) < 0)
		return;
	while (stmt_step(q, err) > 0) {
		struct uuid id;

		if (stmt_blob(q, 0).len != UUID_BYTES)
			continue;
		memcpy(id.b, stmt_blob(q, 0).data, UUID_BYTES);
		ARENA_PUSH(rb->arena, rb->deleted, id);
	}
}

/* What no pack holds comes from the old catalog, if it still opens: what was deleted, to begin with.
 * That must be known before the packs are read, for the same mail may have come in again. */
static void open_old(struct rebuilding *rb, const struct secret *key)
{
	CLEAN_STR path = STR_INIT;
	struct err err = {0};

	if (catalog_open(archive_path(rb->a, "catalog.db", &path), key, false, &rb->old, &err) == 0)
		list_ids(rb,
			 "SELECT id FROM mails WHERE state > 0 UNION SELECT id FROM erased "
			 "ORDER BY id",
			 &err);
}

static void carry_settings_over(struct rebuilding *rb, struct err *err)
{
	CLEAN_STMT q = NULL;

	if (db_query(catalog_db(rb->old), "SELECT name, value FROM settings", &q, err) < 0)
		return;
	while (stmt_step(q, err) > 0)
		setting_set(rb->a->catalog, arena_str(rb->arena, stmt_text(q, 0).data),
			    stmt_blob(q, 1), err);
}

static void carry_notes_over(struct rebuilding *rb, struct err *err)
{
	CLEAN_STMT q = NULL;

	if (db_query(catalog_db(rb->old),
		     "SELECT m.id, n.tags, n.note FROM notes n JOIN mails m USING (mail)", &q,
		     err) < 0)
		return;
	while (stmt_step(q, err) > 0) {
		struct uuid id;
		uint64_t mail;

		if (stmt_blob(q, 0).len != UUID_BYTES)
			continue;
		memcpy(id.b, stmt_blob(q, 0).data, UUID_BYTES);
		if (mails_by_id(rb->a->catalog, &id, &mail, err) > 0)
			notes_set(rb->a->catalog, mail, stmt_text(q, 1), stmt_text(q, 2), err);
	}
}

/* They name mails by their ids, which are the same in the new catalog. */
static void carry_receipts_over(struct rebuilding *rb, struct err *err)
{
	CLEAN_STMT q = NULL;

	if (db_query(catalog_db(rb->old), "SELECT entry, outcome, mail, made_s FROM receipts", &q,
		     err) < 0)
		return;
	while (stmt_step(q, err) > 0) {
		struct receipt receipt = {.outcome = (enum receipt_outcome)stmt_int(q, 1)};
		struct uuid entry;

		if (stmt_blob(q, 0).len != UUID_BYTES)
			continue;
		memcpy(entry.b, stmt_blob(q, 0).data, UUID_BYTES);
		if (stmt_blob(q, 2).len == UUID_BYTES)
			memcpy(receipt.mail.b, stmt_blob(q, 2).data, UUID_BYTES);
		receipts_put(rb->a->catalog, &entry, &receipt, stmt_int(q, 3), err);
	}
}

static void carry_over(struct rebuilding *rb)
{
	struct err err = {0};

	if (rb->old == NULL)
		return;
	carry_settings_over(rb, &err);
	carry_notes_over(rb, &err);
	carry_receipts_over(rb, &err);
	accounts_carry_over(rb->old, rb->a->catalog, &err);
	catalog_free(&rb->old); /* closing it empties its log */
}

static int fill_catalog(struct rebuilding *rb, const char *const *locations, size_t n,
			const struct secret *key, struct err *err)
{
	char uuid[UUID_TEXT + 1];

	open_old(rb, key);
	if (catalog_begin(rb->a->catalog, err) < 0)
		return -1;
	if (add_media(rb, locations, n, key, err) < 0 || list_packs(rb, err) < 0 ||
	    adopt_all(rb, err) < 0)
		return -1;
	carry_over(rb);
	if (setting_set(rb->a->catalog, "archive",
			VIEW(uuid_text(keyring_archive(rb->a->keys), uuid)), err) < 0)
		return -1;
	return catalog_commit(rb->a->catalog, err);
}

/* The new catalog takes the old one's place in one step: at no moment there is none. The old one's log
 * goes first, for it would be taken for the new one's; carrying over has emptied it. */
static int put_in_place(struct archive *a, struct err *err)
{
	CLEAN_STR made = STR_INIT;
	CLEAN_STR path = STR_INIT;
	CLEAN_STR old = STR_INIT;

	archive_path(a, "catalog.new", &made);
	archive_path(a, "catalog.db", &path);
	archive_path(a, "catalog.db.old", &old);
	archive_remove_database(a, "catalog.db.old");
	if (link(path.data, old.data) < 0 && errno != ENOENT)
		return err_errno(err, "%s: link: %m", old.data);
	archive_remove_database_log(a, "catalog.db");
	if (rename(made.data, path.data) < 0)
		return err_errno(err, "%s: rename: %m", made.data);
	return dir_sync(a->dir, err);
}

static int make_index(const char *dir, struct err *err)
{
	CLEAN(archive) a = NULL;

	if (archive_open(dir, &a, err) < 0 || archive_keep_spool_key(a, err) < 0)
		return -1;
	return index_catch_up(a, NULL, err);
}

int archive_rebuild(const char *dir, const char *const *locations, size_t n,
		    struct rebuild_report *report_r, struct err *err)
{
	CLEAN(archive) a = NULL;
	CLEAN(arena) arena = arena_new();
	CLEAN(secret) key = NULL;
	CLEAN_STR path = STR_INIT;
	CLEAN_FD lock = -1;
	struct rebuilding rb = {.arena = arena, .report = report_r};
	int rc;

	*report_r = (struct rebuild_report){0};
	if (db_library_check(err) < 0 || archive_open_bare(dir, &a, err) < 0)
		return -1;
	rc = file_lock(archive_path(a, "index.lock", &path), &lock, err);
	if (rc <= 0)
		return rc < 0 ? -1 : err_set(err, ERR_BUSY, "mail is being taken in just now");
	rb.a = a;
	key = keyring_derive(a->keys, KEY_USE_CATALOG, VIEW(""));
	archive_remove_database(a, "catalog.new");
	if (catalog_open(archive_path(a, "catalog.new", &path), key, true, &a->catalog, err) < 0)
		return -1;
	if (fill_catalog(&rb, locations, n, key, err) < 0) {
		catalog_free(&rb.old);
		catalog_free(&a->catalog);
		archive_remove_database(a, "catalog.new");
		return -1;
	}
	catalog_free(&a->catalog);
	archive_remove_database(a, "index.db"); /* its mail numbers are the old catalog's */
	if (put_in_place(a, err) < 0)
		return -1;
	archive_free(&a);
	fd_cleanup(&lock);
	return make_index(dir, err);
}
