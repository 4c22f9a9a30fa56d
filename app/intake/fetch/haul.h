/* SPDX-License-Identifier: GPL-3.0-or-later */
/* haul.h - mails on their way from a foreign server into the spool: streamed there one by one, committed and
 * told to the parent some at a time, because each wait for the disk costs as much as many mails.
 */
#ifndef APP_INTAKE_FETCH_HAUL_H
#define APP_INTAKE_FETCH_HAUL_H

#include "app/intake/fetch/ledger.h"
#include "app/intake/spool.h"

struct haul;

/* What the server says beside the mail. */
struct sighting {
	struct fetch_which which;
	struct view flags; /* "\Seen $Forwarded" */
	int64_t time_s;    /* INTERNALDATE; 0: not known */
};

/* LEDGER and SPOOL are used as long as the haul lives. */
struct haul *haul_new(struct ledger *ledger, struct spool *spool);
void haul_free(struct haul **haul); /* what is not committed is discarded */

/* One mail at a time: begin, write, then take or drop. ERR_TOOBIG from write: it is larger than the job
 * allows; it must be dropped then, and more may be written to no effect. */
int haul_begin(struct haul *b, uint64_t size_bytes, struct err *err);
int haul_write(struct haul *b, const void *data, size_t len, struct err *err);
bool haul_is_open(const struct haul *b);
int haul_take(struct haul *b, const struct sighting *sighting, struct err *err);
void haul_drop(struct haul *b);
/* Commit what is left. */
int haul_commit(struct haul *b, struct err *err);

#endif
