/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/archiver/copy.h"

#include "app/archive/read.h"
#include "app/catalog/receipts.h"
#include "base/log.h"

static bool names_capture(const struct entry *e)
{
	static const struct uuid none;

	return !uuid_eq(&e->env.capture, &none);
}

static int find_row(struct archive *a, struct arena *arena, const struct uuid *capture,
		    struct mail_row *row_r, struct err *err)
{
	struct receipt receipt;
	uint64_t mail;
	int rc = receipts_get(archive_catalog(a), capture, &receipt, err);

	if (rc > 0 && receipt.outcome == RECEIPT_STUCK)
		return 0;
	if (rc > 0)
		rc = mails_by_id(archive_catalog(a), &receipt.mail, &mail, err);
	if (rc > 0)
		rc = mails_get(archive_catalog(a), arena, mail, row_r, err);
	return rc > 0 ? row_r->state == MAIL_LIVE : rc;
}

int copy_find_mail(struct archive *a, const struct entry *e, uint64_t *mail_r, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	struct mail_row row;
	int rc = find_row(a, arena, &e->env.capture, &row, err);

	if (rc > 0)
		*mail_r = row.mail;
	return rc;
}

/* The mail that was captured, to compare with. Where it cannot be read there is nothing to compare. */
static void read_archived(struct archive *a, const struct mail_row *row, struct str *original)
{
	CLEAN(reader) reader = reader_new(a);
	struct err reading = {0};

	if (reader_mail(reader, row, original, &reading) < 0)
		log_warn("capture not read: %s", reading.text);
}

/* 1 it is settled whether there is one (*FOUND_R), with its bytes in ORIGINAL; 0 wait for it; -1. */
static int find_capture(const struct captures *c, const struct entry *e, bool is_ahead,
			struct str *original, bool *found_r, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	struct spool_item item;
	struct mail_row row;
	char id[UUID_TEXT + 1];
	int rc = find_row(c->a, arena, &e->env.capture, &row, err);

	*found_r = rc > 0;
	if (rc > 0 && e->env.marks.n > 0)
		read_archived(c->a, &row, original);
	if (rc != 0)
		return rc;
	rc = spool_look(c->spool, SPOOL_READY, &e->env.capture, arena, &item, err);
	if (rc <= 0)
		return rc < 0 ? -1 : 1;
	if (!is_ahead)
		return 0;
	if (spool_read(c->spool, SPOOL_READY, &e->env.capture, c->key,
		       archive_settings(c->a)->max_mail_bytes, original, NULL, NULL, err) < 0) {
		if (err->kind != ERR_NOTFOUND)
			return err_add(err, "capture %s", uuid_text(&e->env.capture, id));
		err_clear(err); /* somebody dropped it just now */
		return 1;
	}
	*found_r = true;
	return 1;
}

int copy_settle(const struct captures *captures, struct entry *e, bool is_ahead, struct err *err)
{
	CLEAN_STR original = STR_INIT;
	int rc = 1;

	/* of a journal report, what is attached is the original */
	if (!e->env.is_copy || e->originals.n > 0) {
		entry_judge(e, str_view(&e->raw));
		return 1;
	}
	if (names_capture(e))
		rc = find_capture(captures, e, is_ahead, &original, &e->belongs, err);
	if (rc <= 0)
		return rc;
	entry_judge(e, str_view(&original));
	if (!e->belongs)
		entry_flag(e, "filtered-copy");
	return 1;
}
