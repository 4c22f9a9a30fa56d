/* SPDX-License-Identifier: GPL-3.0-or-later */
/* take.h - the second half of taking mails in: identity, pack, catalog, index; batch by batch.
 *
 * (T1) A batch is: look up and append, pack_sync(), one catalog commit. A mail is archived when the
 *      commit returned, and never reported so before.
 * (T2) A crash before the commit leaves whole records behind the catalog's back; the next opening
 *      takes them in (A1). A crash before the sync leaves at most a torn tail.
 * (T3) The index follows the catalog. What it lacks after a crash is found by its complete_to number
 *      and the list of mails to do, and made good by index_catch_up().
 */
#ifndef APP_ARCHIVE_TAKE_H
#define APP_ARCHIVE_TAKE_H

#include "app/archive/archive.h"
#include "app/archive/prepare.h"

enum outcome { OUTCOME_ARCHIVED, OUTCOME_DUPLICATE, OUTCOME_IGNORED, OUTCOME_FAILED };
const char *outcome_text(enum outcome outcome);

struct taken {
	enum outcome outcome;
	struct uuid id; /* of the new mail, or of the one that was there */
	struct err err; /* OUTCOME_FAILED */
};

/* What a caller knows better, and what it writes within the batch's own transaction, so that both are
 * there or neither. I is the mail's place in the batch. Either may be NULL. */
struct taker_hooks {
	void *arg;
	/* Is this mail another form of one that is in the archive, whatever its content? 1 it is of
	 * *MAIL_R (a number of the catalog); 0 look at its content. */
	int (*known_as)(void *arg, size_t i, uint64_t *mail_r, struct err *err);
	/* It was taken in, or could not be, as TAKEN tells; the commit is still to come, and may come to
	 * nothing: then this is called again. */
	int (*took)(void *arg, size_t i, const struct taken *taken, struct err *err);
};

struct taker; /* one writer: its active pack, its part of the index */

/* WITH_INDEX: also write the index; if another process holds its lock, the mails wait for
 * index_catch_up(). */
struct taker *taker_new(struct archive *a, bool with_index);
/* Without taker_finish() this is what a crash would be, but for the memory. */
void taker_free(struct taker **taker);

/* For the batches to come; HOOKS must outlive them. */
void taker_set_hooks(struct taker *t, const struct taker_hooks *hooks);

/* Take N prepared mails; *TAKEN_R[i] tells the outcome of each. -1: the batch was not archived and
 * nothing more can be written by this taker (medium or catalog failed); earlier batches are safe. */
int taker_batch(struct taker *t, struct prepared **mails, size_t n, struct taken *taken,
		struct err *err);

/* Nothing waits now: commit the index and give up its lock until the next batch, so that what was
 * taken is found, also what other processes took. 1; 0 another process is writing the index: ask
 * again. */
int taker_rest(struct taker *t, struct err *err);

/* Seal the pack, commit the index. */
int taker_finish(struct taker *t, struct err *err);

/* The parts of taking in that rebuild and recovery share with it. */

/* The catalog row of a mail, but for number, record and state. MAIL's texts are not copied. */
struct mail_row take_row(const struct facts *facts, const struct mail *mail);
/* Was it marked as spam? What a mail says of itself counts, but for what comes through the mail server's hook: there
 * it may be forged, and the doors tell (struct envelope, marks) what the filters added. */
bool take_is_spam(const struct facts *facts, const struct mail *mail);
/* Mark a mail that is there already. */
int take_mark_spam(struct catalog *catalog, uint64_t mail, struct err *err);
/* Recipients from the mail and from an envelope, but for the archive's own addresses; *NEW_R counts those
 * not known before. */
int take_recipients(struct catalog *catalog, uint64_t mail, const struct mail *parsed,
		    const struct facts *facts, size_t *new_r, struct err *err);
/* Mark this mail and all others with the same Message-ID as flagged, if there are any. */
int take_flag_conflicts(struct catalog *catalog, struct mail_row *row, struct err *err);

#endif
