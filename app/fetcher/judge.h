/* SPDX-License-Identifier: GPL-3.0-or-later */
/* judge.h - what became of a mail that was put into the spool: by its receipt, and by reading it back. */
#ifndef APP_FETCHER_JUDGE_H
#define APP_FETCHER_JUDGE_H

#include "app/archive/archive.h"
#include "app/catalog/fetched.h"
#include "app/intake/spool.h"

struct judge;

struct judge *judge_new(struct archive *a, struct spool *spool);
void judge_free(struct judge **judge);

/* 1 *OUTCOME_R is known, and where that is FETCHED_FAILED, *WHY says why; 0 not yet; -1 it cannot be told now (medium or
 * catalog do not answer). SAME_BYTES: the mail is archived as it came, so its size must be that of the
 * entry. */
int judge_mail(struct judge *j, const struct fetched_mail *mail, bool same_bytes,
	       enum fetched_outcome *outcome_r, struct err *why, struct err *err);

/* Is the entry neither in the spool, nor is there a receipt? Then it was dropped by hand. 1, 0. */
int judge_lost(struct judge *j, const struct fetched_mail *mail, struct err *err);

#endif
