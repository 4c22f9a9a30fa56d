/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/fetcher/judge.h"

#include "app/archive/read.h"
#include "app/catalog/receipts.h"

struct judge {
	struct archive *a;
	struct spool *spool;
	struct reader *reader;
	struct arena *arena; /* of the mail in hand */
	struct str raw;
};

struct judge *judge_new(struct archive *a, struct spool *spool)
{
	struct judge *j = mem_new(sizeof(*j));

	j->a = a;
	j->spool = spool;
	j->reader = reader_new(a);
	j->arena = arena_new();
	str_init(&j->raw);
	return j;
}

void judge_free(struct judge **judge)
{
	if (*judge == NULL)
		return;
	reader_free(&(*judge)->reader);
	arena_free(&(*judge)->arena);
	str_clear(&(*judge)->raw);
	free(*judge);
	*judge = NULL;
}

/* The reason stands beside the entry, as long as it is stuck. */
static void tell_stuck(struct judge *j, const struct uuid *entry, struct err *why)
{
	struct spool_item item;
	struct err ignored = {0};

	err_set(why, ERR_IO, "stuck in the spool");
	if (spool_look(j->spool, SPOOL_STUCK, entry, j->arena, &item, &ignored) > 0)
		err_set(why, ERR_IO, "stuck in the spool: %.*s", (int)item.why.len,
			item.why.len > 0 ? item.why.data : "");
}

/* Bit for bit as it was captured, says the reader (R1); of as many bytes as were received, say we. */
static int read_back(struct judge *j, const struct uuid *id, const uint64_t *size_bytes,
		     struct err *err)
{
	struct mail_row row;

	if (mail_find(j->a, j->arena, id, &row, err) <= 0 ||
	    reader_mail(j->reader, &row, &j->raw, err) < 0)
		return -1;
	if (size_bytes != NULL && j->raw.len != *size_bytes)
		return err_set(err, ERR_DAMAGED,
			       "%zu bytes are in the archive, but %llu were received", j->raw.len,
			       (unsigned long long)*size_bytes);
	return 0;
}

int judge_mail(struct judge *j, const struct fetched_mail *mail, bool same_bytes,
	       enum fetched_outcome *outcome_r, struct err *why, struct err *err)
{
	struct receipt receipt;
	int rc = receipts_get(archive_catalog(j->a), &mail->entry, &receipt, err);
	bool is_new;

	if (rc <= 0)
		return rc;
	arena_reset(j->arena);
	is_new = receipt.outcome == RECEIPT_ARCHIVED;
	*outcome_r = FETCHED_FAILED;
	if (receipt.outcome == RECEIPT_STUCK) {
		tell_stuck(j, &mail->entry, why);
		return 1;
	}
	if (read_back(j, &receipt.mail, same_bytes && is_new ? &mail->size_bytes : NULL, why) == 0)
		*outcome_r = is_new ? FETCHED_ARCHIVED : FETCHED_DUPLICATE;
	else if (err_retry(why->kind)) {
		*err = *why;
		return -1;
	}
	return 1;
}

int judge_lost(struct judge *j, const struct fetched_mail *mail, struct err *err)
{
	static const enum spool_state states[] = {SPOOL_READY, SPOOL_STUCK};
	struct receipt receipt;
	struct spool_item item;
	int rc = 0;

	arena_reset(j->arena);
	for (size_t i = 0; i < sizeof(states) / sizeof(*states) && rc == 0; i++)
		rc = spool_look(j->spool, states[i], &mail->entry, j->arena, &item, err);
	/* the receipt is committed before the entry goes, so it is looked for last */
	if (rc == 0)
		rc = receipts_get(archive_catalog(j->a), &mail->entry, &receipt, err);
	return rc < 0 ? -1 : rc == 0;
}
