/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/archive/rebuild.h"

#include "app/archive/archive_priv.h"
#include "app/archive/regain.h"
#include "app/catalog/accounts.h"
#include "app/catalog/audit.h"
#include "app/catalog/holds.h"
#include "app/catalog/notes.h"
#include "app/catalog/people.h"
#include "app/catalog/receipts.h"
#include "base/file.h"

#include <dirent.h>

struct rebuilding {
	struct archive *a;
	struct arena *arena;
	struct found_media found;
	struct catalog *old; /* NULL: there is none, or it does not open */
	struct {
		struct uuid *v;
		size_t n, cap;
	} deleted; /* or erased, as the old catalog knows */
};

/* ---- media ---- */

static int look_at(struct rebuilding *rb, const struct site *place, struct err *err)
{
	int rc = found_media_look(&rb->found, rb->a->keys, place, err);

	if (rc == 0)
		return err_set(err, ERR_NOTFOUND, "%s holds no medium of this archive",
			       place->location);
	return rc < 0 ? -1 : 0;
}

/* ARCHIVE/media/N, where local media live by default. */
static int look_inside(struct rebuilding *rb, struct err *err)
{
	CLEAN_STR path = STR_INIT;
	DIR *dir = opendir(archive_path(rb->a, "media", &path));
	struct dirent *entry;
	int rc = 0;

	if (dir == NULL)
		return 0;
	while (rc == 0 && (entry = readdir(dir)) != NULL) {
		struct site site = {
			.location = arena_f(rb->arena, "%s/media/%s", rb->a->dir, entry->d_name)};
		size_t n = rb->found.media.n;

		if (entry->d_name[0] == '.')
			continue;
		rc = look_at(rb, &site, err);
		if (rb->found.media.n > n) /* it moves with the archive */
			rb->found.media.v[n].site.location = arena_f(rb->arena, "media/%s",
								     entry->d_name);
	}
	closedir(dir);
	return rc;
}

static int find_media(struct rebuilding *rb, const struct site *places, size_t n, struct err *err)
{
	for (size_t i = 0; i < n; i++)
		if (look_at(rb, &places[i], err) < 0)
			return -1;
	if (look_inside(rb, err) < 0 || regain_known_media(rb->a, &rb->found, err) < 0)
		return -1;
	if (rb->found.media.n == 0)
		return err_set(err, ERR_NOTFOUND,
			       "no medium of this archive was found; name its place with --medium");
	return 0;
}

/* ---- what no pack holds ---- */

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
static int open_old(struct rebuilding *rb, const struct secret *key, struct err *err)
{
	CLEAN_STR path = STR_INIT;
	struct err why = {0};

	if (catalog_open(archive_path(rb->a, "catalog.db", &path), key, false, &rb->old, &why) == 0)
		list_ids(rb,
			 "SELECT id FROM mails WHERE state > 0 UNION SELECT id FROM erased "
			 "ORDER BY id",
			 &why);
	/* a newer program reads it, so what it alone knows must not be given up */
	else if (why.kind == ERR_VERSION)
		return err_set(err, ERR_VERSION, "%s", why.text);
	return 0;
}

static int carry_mirror_over(struct rebuilding *rb, struct err *err)
{
	CLEAN(secret) password = NULL;
	struct site site;
	int rc = mirror_site(rb->old, rb->arena, &site, &password, err);

	return rc <= 0 ? rc : mirror_set_site(rb->a->catalog, &site, err);
}

/* With their numbers, log-ins and states; where they are now is found out later. */
static int carry_media_over(struct rebuilding *rb, struct err *err)
{
	struct medium_row *rows;
	size_t n;

	if (rb->old == NULL)
		return 0;
	if (media_list(rb->old, rb->arena, &rows, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		CLEAN(secret) password = NULL;
		struct site site;

		if (media_site(rb->old, rb->arena, rows[i].medium, &site, &password, err) < 0 ||
		    media_add_numbered(rb->a->catalog, rows[i].medium, &site, rows[i].active, err) <
			    0)
			return -1;
	}
	for (size_t i = 0; i < n; i++)
		if (media_set_state(rb->a->catalog, rows[i].medium, rows[i].state, rows[i].redirect,
				    err) < 0)
			return -1;
	return carry_mirror_over(rb, err);
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

/* The mail that the old catalog knows by this id: 1, 0 it is not there any more. */
static int mail_of(struct rebuilding *rb, struct view id_bytes, uint64_t *mail_r, struct err *err)
{
	struct uuid id;

	if (id_bytes.len != UUID_BYTES)
		return 0;
	memcpy(id.b, id_bytes.data, UUID_BYTES);
	return mails_by_id(rb->a->catalog, &id, mail_r, err);
}

static void carry_notes_over(struct rebuilding *rb, struct err *err)
{
	CLEAN_STMT q = NULL;

	if (db_query(catalog_db(rb->old),
		     "SELECT m.id, n.tags, n.note, n.person FROM notes n JOIN mails m USING (mail)",
		     &q, err) < 0)
		return;
	while (stmt_step(q, err) > 0) {
		struct note note = {(uint64_t)stmt_int(q, 3), 0, stmt_text(q, 1), stmt_text(q, 2)};

		if (mail_of(rb, stmt_blob(q, 0), &note.mail, err) > 0)
			notes_set(rb->a->catalog, &note, err);
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

/* Rows (id, number) of SQL: what a request, a hold or a deletion says of a mail. */
typedef int carry_mail_fn(struct catalog *catalog, uint64_t mail, uint64_t number, struct err *err);

static void carry_mails_over(struct rebuilding *rb, const char *sql, carry_mail_fn *fn,
			     struct err *err)
{
	CLEAN_STMT q = NULL;

	if (db_query(catalog_db(rb->old), sql, &q, err) < 0)
		return;
	while (stmt_step(q, err) > 0) {
		uint64_t mail;

		if (mail_of(rb, stmt_blob(q, 0), &mail, err) > 0)
			fn(rb->a->catalog, mail, (uint64_t)stmt_int(q, 1), err);
	}
}

static int of_request(struct catalog *catalog, uint64_t mail, uint64_t number, struct err *err)
{
	return request_mails_add(catalog, number, mail, err);
}

static int of_hold(struct catalog *catalog, uint64_t mail, uint64_t number, struct err *err)
{
	return hold_mails_add(catalog, number, mail, err);
}

/* A deletion counts as long as its mail is only deleted; an erased one's tombstone knows the number anyhow. */
static void carry_requests_over(struct rebuilding *rb, struct err *err)
{
	struct request_rows rows;

	if (requests_list(rb->old, rb->arena, PERSON_ANY, false, 0, INT64_MAX, &rows, err) < 0)
		return;
	for (size_t i = 0; i < rows.n; i++)
		requests_put(rb->a->catalog, &rows.v[i], err);
	carry_mails_over(rb,
			 "SELECT m.id, r.request FROM request_mails r JOIN mails m USING (mail)",
			 of_request, err);
	carry_mails_over(rb, "SELECT m.id, d.request FROM deletions d JOIN mails m USING (mail)",
			 deletions_add, err);
}

static void carry_holds_over(struct rebuilding *rb, struct err *err)
{
	struct hold_rows rows;

	if (holds_list(rb->old, rb->arena, &rows, err) < 0)
		return;
	for (size_t i = 0; i < rows.n; i++)
		holds_put(rb->a->catalog, &rows.v[i], err);
	carry_mails_over(rb, "SELECT m.id, h.hold FROM hold_mails h JOIN mails m USING (mail)",
			 of_hold, err);
}

static void carry_over(struct rebuilding *rb)
{
	struct err err = {0};

	if (rb->old == NULL)
		return;
	carry_settings_over(rb, &err);
	carry_notes_over(rb, &err);
	carry_receipts_over(rb, &err);
	carry_requests_over(rb, &err);
	carry_holds_over(rb, &err);
	audit_carry_over(rb->old, rb->a->catalog, &err);
	accounts_carry_over(rb->old, rb->a->catalog, &err);
	people_carry_over(rb->old, rb->a->catalog, &err);
}

/* ---- the whole ---- */

static int fill_catalog(struct rebuilding *rb, const struct site *places, size_t n,
			struct rebuild_report *report, struct err *err)
{
	CLEAN(secret) key = keyring_derive(rb->a->keys, KEY_USE_CATALOG, VIEW(""));
	struct regain_report regained;
	char uuid[UUID_TEXT + 1];

	if (open_old(rb, key, err) < 0 || catalog_begin(rb->a->catalog, err) < 0)
		return -1;
	if (carry_media_over(rb, err) < 0 || find_media(rb, places, n, err) < 0)
		return -1;
	if (regain_packs(rb->a, &rb->found, rb->deleted.v, rb->deleted.n, rb->arena, &regained,
			 err) < 0 ||
	    regain_set_aside(rb->a, &regained, err) < 0)
		return -1;
	*report = (struct rebuild_report){regained.packs, regained.replaced, regained.unopened,
					  regained.adopted, regained.evidence};
	carry_over(rb);
	if (audit_add(rb->a->catalog, AUDIT_REBUILT, VIEW(""), VIEW(""), err) < 0)
		return -1;
	if (setting_set(rb->a->catalog, "archive",
			VIEW(uuid_text(keyring_archive(rb->a->keys), uuid)), err) < 0)
		return -1;
	return catalog_commit(rb->a->catalog, err);
}

static int make_index(const char *dir, struct err *err)
{
	CLEAN(archive) a = NULL;

	if (archive_open(dir, &a, err) < 0 || archive_keep_spool_key(a, err) < 0)
		return -1;
	return index_catch_up(a, NULL, err);
}

int archive_rebuild(const char *dir, const struct site *places, size_t n,
		    struct rebuild_report *report_r, struct err *err)
{
	CLEAN(archive) a = NULL;
	CLEAN(arena) arena = arena_new();
	CLEAN_FD lock = -1;
	struct rebuilding rb = {.arena = arena, .found.arena = arena};
	int rc;

	*report_r = (struct rebuild_report){0};
	if (regain_open(dir, true, &a, &lock, err) < 0)
		return -1;
	rb.a = a;
	rc = fill_catalog(&rb, places, n, report_r, err);
	catalog_free(&rb.old); /* closing it empties its log */
	if (rc == 0) {
		archive_remove_database(a, "index.db"); /* its mail numbers are the old catalog's */
		rc = regain_put_in_place(a, err);
	} else {
		regain_drop(a);
	}
	archive_free(&a);
	found_media_clear(&rb.found);
	fd_cleanup(&lock);
	return rc < 0 ? -1 : make_index(dir, err);
}
