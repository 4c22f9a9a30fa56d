/* SPDX-License-Identifier: GPL-3.0-or-later */
/* import.h - a one-time import: mailboxes on disk into the archive (I6).
 *
 * One thread reads and writes (mailbox.h, take.h), a pool of worker threads parses and compresses
 * (prepare.h). The order of the mailbox is kept. Memory is bounded by a budget of bytes in flight,
 * whatever the mailbox.
 */
#ifndef APP_INTAKE_IMPORT_IMPORT_H
#define APP_INTAKE_IMPORT_IMPORT_H

#include "app/archive/take.h"

struct import_options {
	const char *source; /* name of the source; NULL: the last component of the first path */
	bool dry_run;       /* read, parse and tell what would be, and write nothing */
	bool has_since, has_until;
	int64_t since_s, until_s; /* only mail sent in [since, until); others are ignored */
	unsigned jobs;            /* worker threads; 0: one a processor, at most 3 */
};

struct import_report {
	uint64_t read, archived, duplicate, ignored, failed; /* read is the sum of the others */
	uint64_t bytes;                                      /* of the mails archived */
};

struct import_item {
	enum outcome outcome;
	const char *place;
	const struct uuid *id; /* archived and duplicate ones */
	const char *reason;    /* ignored and failed ones */
	enum err_kind kind;    /* failed ones */
};

struct import_watch {
	void *arg;
	void (*item)(void *arg, const struct import_item *item); /* may be NULL */
	/* After each batch; bytes as in mailbox_totals(). May be NULL. */
	void (*progress)(void *arg, const struct import_report *report, uint64_t bytes_done,
			 uint64_t bytes_total);
	/* Asked between batches: true ends the import in good order with ERR_STOPPED. May be NULL. */
	bool (*stop)(void *arg);
};

/* What was archived before an error stays, and stands in the report. */
int import_run(struct archive *a, const char *const *paths, size_t n_paths,
	       const struct import_options *options, const struct import_watch *watch,
	       struct import_report *report_r, struct err *err);

#endif
