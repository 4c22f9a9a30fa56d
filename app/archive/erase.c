/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/archive/erase_priv.h"

#include "app/archive/archive_priv.h"
#include "app/archive/record.h"
#include "app/catalog/audit.h"
#include "app/catalog/holds.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"

/* ---- deleting ---- */

static int note_deletion(struct archive *a, const struct mail_row *row, uint64_t request,
			 struct err *err)
{
	CLEAN_STR by = STR_INIT;
	char id[UUID_TEXT + 1];

	str_addf(&by, "request %llu", (unsigned long long)request);
	if (deletions_add(a->catalog, row->mail, request, err) < 0)
		return -1;
	return audit_add(a->catalog, AUDIT_DELETED, VIEW(uuid_text(&row->id, id)), str_view(&by),
			 err);
}

int mark_deleted(struct archive *a, const struct mail_row *row, uint64_t request, struct err *err)
{
	int rc = mail_is_held(a->catalog, row->mail, err);

	if (rc > 0)
		return err_set(err, ERR_HELD, "the mail is under a hold");
	if (rc < 0 || mails_set_state(a->catalog, row->mail, MAIL_DELETED, err) < 0)
		return -1;
	return note_deletion(a, row, request, err);
}

int delete_mail(struct archive *a, const struct mail_row *row, uint64_t request, struct err *err)
{
	if (catalog_begin(a->catalog, err) < 0)
		return -1;
	if (mark_deleted(a, row, request, err) == 0 && catalog_commit(a->catalog, err) == 0)
		return 0;
	catalog_rollback(a->catalog);
	return -1;
}

/* ---- the index ---- */

struct to_remove {
	struct arena *arena;
	struct numbers mails;
};

static int add_number(void *arg, const struct mail_row *row, struct err *err)
{
	struct to_remove *list = arg;

	(void)err;
	ARENA_PUSH(list->arena, list->mails, row->mail);
	return 0;
}

static int remove_words(struct archive *a, const struct to_remove *list, struct err *err)
{
	uint64_t complete_to;

	if (index_complete_to(a->index, &complete_to, err) < 0 || index_begin(a->index, err) < 0)
		return -1;
	for (size_t i = 0; i < list->mails.n; i++)
		if (index_remove(a->index, list->mails.v[i], err) < 0)
			return -1;
	if (index_commit(a->index, complete_to, err) < 0)
		return -1;
	return index_compact(a->index, err);
}

static int set_unindexed(struct archive *a, const struct to_remove *list, struct err *err)
{
	int rc = catalog_begin(a->catalog, err);

	for (size_t i = 0; rc == 0 && i < list->mails.n; i++)
		rc = mails_set_state(a->catalog, list->mails.v[i], MAIL_UNINDEXED, err);
	if (rc == 0 && catalog_commit(a->catalog, err) == 0)
		return 0;
	catalog_rollback(a->catalog);
	return -1;
}

int erase_index(struct archive *a, struct erase_report *report_r, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	struct to_remove list = {.arena = arena};
	CLEAN_STR path = STR_INIT;
	CLEAN_FD lock = -1;
	int rc;

	*report_r = (struct erase_report){0};
	if (archive_need_index(a, err) < 0)
		return -1;
	rc = file_lock(archive_path(a, "index.lock", &path), &lock, err);
	if (rc == 0)
		return err_set(err, ERR_BUSY, "the index is being written by another process");
	if (rc < 0 || mails_each_in_state(a->catalog, MAIL_DELETED, add_number, &list, err) < 0)
		return -1;
	report_r->mails = list.mails.n;
	if (list.mails.n == 0)
		return 0;
	if (remove_words(a, &list, err) < 0) {
		index_rollback(a->index);
		return -1;
	}
	return set_unindexed(a, &list, err);
}

/* ---- the media ---- */

/* In one transaction: a part whose last user is gone is not found again later. */
static int drop_mails(struct archive *a, const struct to_remove *list, struct err *err)
{
	int rc = catalog_begin(a->catalog, err);

	for (size_t i = 0; rc == 0 && i < list->mails.n; i++)
		rc = mails_erase(a->catalog, list->mails.v[i], clock_s(), 0, err);
	if (rc == 0 && parts_drop_unused(a->catalog, err) == 0 &&
	    catalog_commit(a->catalog, err) == 0)
		return 0;
	catalog_rollback(a->catalog);
	return -1;
}

/* A pack on its way into a new one. */
struct rewriting {
	struct archive *a;
	uint64_t pack;
	struct pack_reader *from;
	struct pack_writer *to;
	struct str payload;
};

enum fate { FATE_KEEP, FATE_DROP, FATE_REFUSE };

/* What becomes of a record, and the row that is to follow it. */
struct fate_of {
	enum fate fate;
	uint64_t mail; /* of a mail record that is kept */
	uint64_t part; /* of a part that is kept */
};

static int fate_of_mail(struct rewriting *rw, const struct record *record, struct fate_of *f,
			struct err *err)
{
	struct tombstone tombstone;
	int rc = mails_by_id(rw->a->catalog, &record->id, &f->mail, err);

	f->fate = FATE_KEEP;
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	rc = mails_erased(rw->a->catalog, &record->id, &tombstone, err);
	f->fate = rc > 0 ? FATE_DROP : FATE_REFUSE;
	return rc < 0 ? -1 : 0;
}

/* A part stays if a row is left for it, and the row means this copy. */
static int fate_of_part(struct rewriting *rw, const struct record *record, struct fate_of *f,
			struct err *err)
{
	struct part_row row;
	struct record again;
	struct hash hash;
	int rc;

	str_reset(&rw->payload);
	if (pack_read(rw->from, record->offset, record->len, &again, &rw->payload, err) < 0)
		return -1;
	if (rw->payload.len < HASH_BYTES)
		return err_set(err, ERR_DAMAGED, "a part without its name");
	memcpy(hash.b, rw->payload.data, HASH_BYTES);
	rc = parts_find(rw->a->catalog, &hash, &row, err);
	f->fate = rc > 0 && row.pack == rw->pack && row.offset == record->offset ? FATE_KEEP
										 : FATE_DROP;
	f->part = row.part;
	return rc < 0 ? -1 : 0;
}

static int fate_of_record(struct rewriting *rw, const struct record *record, struct fate_of *f,
			  struct err *err)
{
	int rc;

	*f = (struct fate_of){.fate = FATE_KEEP};
	switch (record->type) {
	case RECORD_MAIL:
		return fate_of_mail(rw, record, f, err);
	case RECORD_PART:
		return fate_of_part(rw, record, f, err);
	case RECORD_PROVENANCE:
		rc = sightings_find(rw->a->catalog, &record->id, err);
		f->fate = rc > 0 ? FATE_KEEP : FATE_DROP;
		return rc < 0 ? -1 : 0;
	case RECORD_SEAL:
		f->fate = FATE_DROP; /* the new pack gets its own */
		return 0;
	case RECORD_DICTIONARY:
	case RECORD_EVIDENCE:
	case RECORD_ERASED:
		return 0;
	}
	return 0;
}

/* Moves are written as they happen, in the transaction that also changes over to the new pack. */
static int move_row(struct rewriting *rw, const struct fate_of *f, const struct record *new,
		    struct err *err)
{
	struct catalog *catalog = rw->a->catalog;
	struct place to = {pack_writer_number(rw->to), new->offset, new->len};

	switch (new->type) {
	case RECORD_MAIL:
		return mails_move(catalog, f->mail, &to, err);
	case RECORD_PART:
		return parts_move(catalog, f->part, to.pack, to.offset, to.length, err);
	case RECORD_PROVENANCE:
		return sightings_move(catalog, &new->id, &to, err);
	default:
		return 0;
	}
}

static int write_tombstone(struct rewriting *rw, const struct uuid *id, struct err *err)
{
	CLEAN_STR payload = STR_INIT;
	struct uuid own = uuid_new();
	struct record record;
	struct tombstone tombstone = {0};

	if (mails_erased(rw->a->catalog, id, &tombstone, err) < 0)
		return -1;
	record_write_erased(&payload, id, &tombstone);
	return pack_append(rw->to, RECORD_ERASED, &own, ENCODING_RAW, str_view(&payload), &record,
			   err);
}

static int copy_record(struct rewriting *rw, const struct record *record, struct err *err)
{
	struct record old, new;
	struct fate_of f;

	if (fate_of_record(rw, record, &f, err) < 0)
		return -1;
	if (f.fate == FATE_REFUSE)
		return err_set(err, ERR_DAMAGED,
			       "it holds a mail that the catalog does not know; run \"sealpost "
			       "rebuild\" first");
	if (f.fate == FATE_DROP)
		return record->type == RECORD_MAIL ? write_tombstone(rw, &record->id, err) : 0;
	str_reset(&rw->payload);
	if (pack_read_encoded(rw->from, record->offset, record->len, &old, &rw->payload, err) < 0 ||
	    pack_append(rw->to, old.type, &old.id, old.encoding, str_view(&rw->payload), &new,
			err) < 0)
		return -1;
	return move_row(rw, &f, &new, err);
}

static int copy_all(struct rewriting *rw, struct err *err)
{
	CLEAN(pack_scan) scan = NULL;
	struct record record;
	int rc;

	if (pack_scan_begin(rw->from, 0, &scan, err) < 0)
		return -1;
	while ((rc = pack_scan_next(scan, &record, NULL, err)) == SCAN_RECORD)
		if (copy_record(rw, &record, err) < 0)
			return -1;
	if (rc == SCAN_DAMAGED || rc == SCAN_TORN || (rc == SCAN_END && !pack_scan_sealed(scan)))
		return err_set(err, ERR_DAMAGED, "it has damaged bytes at offset %llu",
			       (unsigned long long)record.offset);
	return rc < 0 ? -1 : 0;
}

/* (E1) seal the new pack, change over in one commit, remove the old one. */
static int change_over(struct rewriting *rw, const struct pack_row *old,
		       struct erase_report *report, struct err *err)
{
	struct catalog *catalog = rw->a->catalog;
	uint64_t number = pack_writer_number(rw->to);
	uint64_t size;

	if (pack_seal(rw->to, err) < 0)
		return -1;
	size = pack_writer_size(rw->to);
	if (archive_note_sealed(rw->a, rw->to, err) < 0 ||
	    packs_replaced(catalog, rw->pack, number, err) < 0 || catalog_commit(catalog, err) < 0)
		return -1;
	report->packs++;
	report->bytes_freed += old->length > size ? old->length - size : 0;
	return archive_remove_replaced(rw->a, old, err);
}

/* The new pack names all whose place it takes, those that the old one had replaced too: should one of
 * them turn up again, a rebuild knows it. */
static int begin_new(struct rewriting *rw, struct err *err)
{
	const struct pack_header *old = pack_reader_header(rw->from);
	size_t n = old->n_replaces;
	CLEAN_MEM uint64_t *replaces = mem_new((n + 1) * sizeof(*replaces));

	for (size_t i = 0; i < n; i++)
		replaces[i] = old->replaces[i];
	replaces[n] = rw->pack;
	return archive_begin_pack(rw->a, replaces, n + 1, &rw->to, err);
}

static int rewrite_into(struct rewriting *rw, const struct pack_row *row,
			struct erase_report *report, struct err *err)
{
	struct medium *medium;

	if (archive_medium(rw->a, row->medium, &medium, err) < 0 ||
	    pack_open(medium, rw->a->keys, row->pack, &rw->from, err) < 0 ||
	    begin_new(rw, err) < 0 || catalog_begin(rw->a->catalog, err) < 0 ||
	    copy_all(rw, err) < 0)
		return -1;
	return change_over(rw, row, report, err);
}

static int rewrite(struct archive *a, const struct pack_row *row, struct erase_report *report,
		   struct err *err)
{
	struct rewriting rw = {.a = a, .pack = row->pack, .payload = STR_INIT};
	int rc = rewrite_into(&rw, row, report, err);

	catalog_rollback(a->catalog);
	archive_drop_pack(a, &rw.to);
	pack_reader_free(&rw.from);
	str_clear(&rw.payload);
	return rc < 0 ? err_add(err, "pack %llu", (unsigned long long)row->pack) : 0;
}

static int rewrite_all(struct archive *a, struct erase_report *report, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	struct pack_row *rows;
	size_t n;

	if (packs_list(a->catalog, arena, PACK_SEALED, &rows, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (rows[i].erased == 0 || rewrite(a, &rows[i], report, err) == 0)
			continue;
		if (err->kind == ERR_OFFLINE || err->kind == ERR_TIMEOUT) {
			log_warn("not erased yet, it is tried again the next time: %s", err->text);
			report->put_off++;
		} else if (err->kind == ERR_DAMAGED || err->kind == ERR_NOTFOUND) {
			log_error("not erased from the medium: %s", err->text);
			report->refused++;
		} else {
			return -1;
		}
		err_clear(err);
	}
	return archive_recover(a, err); /* voids packs that were begun and given up */
}

int erase_media(struct archive *a, struct erase_report *report_r, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	struct to_remove list = {.arena = arena};

	*report_r = (struct erase_report){0};
	if (mails_each_in_state(a->catalog, MAIL_UNINDEXED, add_number, &list, err) < 0)
		return -1;
	report_r->mails = list.mails.n;
	if (list.mails.n > 0 && drop_mails(a, &list, err) < 0)
		return -1;
	/* what a rebuild or an upgrade left knows their subjects */
	archive_remove_database(a, "catalog.db.old");
	upgrade_drop_copies(a, list.mails.n > 0);
	return rewrite_all(a, report_r, err);
}
