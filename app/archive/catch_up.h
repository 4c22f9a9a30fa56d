/* SPDX-License-Identifier: GPL-3.0-or-later */
/* catch_up.h - bringing the index up to the catalog.
 *
 * One process at a time writes the index (ARCHIVE/index.lock). Whoever commits to it first makes sure that
 * nothing below its own mails is missing, so that complete_to stays true (X3).
 */
#ifndef APP_ARCHIVE_CATCH_UP_H
#define APP_ARCHIVE_CATCH_UP_H

#include "app/archive/archive.h"
#include "app/mail/mail.h"

struct index_writer;

/* 1 opened; 0 another process is writing the index, or it lacks so many mails that it is being made anew (index_building()),
 * which must hold up neither those who archive nor those who search; -1. */
int index_writer_open(struct archive *a, struct index_writer **writer_r, struct err *err);
void index_writer_free(struct index_writer **writer); /* what was not committed is forgotten */
/* Put one mail whose catalog row is in the current transaction; the index may be committed only
 * after the catalog was. A mail that does not follow the last one waits for index_catch_up(). */
int index_writer_put(struct index_writer *w, const struct mail_row *row, const struct mail *mail,
		     struct err *err);
int index_writer_commit(struct index_writer *w, struct err *err);

/* Index whatever the catalog has and the index lacks, reading the mails from the packs. Nothing is done if
 * another process writes the index. *DONE_R (may be NULL): mails indexed. Damaged or offline mails
 * are left to do, and counted in the log. */
int index_catch_up(struct archive *a, uint64_t *done_r, struct err *err);
/* The same, unless it is being made anew. */
int index_catch_up_soon(struct archive *a, struct err *err);
/* 1: the index lacks more mails than `index_soon_mails`: it is being made anew, and searches find what is in it so far; 0. The archive's index is
 * open. */
int index_building(struct archive *a, struct err *err);
/* The same of mails that the index has, and whose entry is older than what is known of them (notes, tags, later sightings). */
int index_catch_up_known(struct archive *a, uint64_t *done_r, struct err *err);

/* How far the index is behind, without doing anything about it. ERR_NOTFOUND: there is no index. */
struct index_lag {
	uint64_t mails;    /* that it lacks */
	int64_t oldest_ms; /* when the first was archived that it has not come to yet; 0: what it
			      lacks could not be read */
};
int index_lag(struct archive *a, struct index_lag *lag_r, struct err *err);

#endif
