/* SPDX-License-Identifier: GPL-3.0-or-later */
/* requests.h - requests for deletion: who asked for which mails to go, when, and why; and who decided. An erased mail's tombstone keeps
 * the number.
 *
 * Who may ask and decide is app/archive/deletion.h's business. Texts given out are in the arena.
 */
#ifndef APP_CATALOG_REQUESTS_H
#define APP_CATALOG_REQUESTS_H

#include "app/catalog/catalog.h"
#include "base/arena.h"

/* The numbers are in the catalog and never change. */
enum request_state { REQUEST_OPEN, REQUEST_REJECTED, REQUEST_GRANTED };

struct request_row {
	uint64_t request;
	int64_t made_s;
	uint64_t person; /* 0: the command line */
	enum request_state state;
	int64_t decided_s; /* 0: not yet, or granted at once */
	uint64_t mails;    /* so many were asked for */
	bool carried_out;  /* granted, and all of them are erased */
	const char *who, *reason;
	const char *decider, *decision; /* "": as decided_s */
};
struct request_rows {
	struct request_row *v;
	size_t n, cap;
};

/* A new one that is granted. Its number is one that no tombstone has, either: these outlive the catalog. */
int requests_add(struct catalog *catalog, struct view who, struct view reason, uint64_t *request_r,
		 struct err *err);
/* The row as it is; made if it is not there. */
int requests_put(struct catalog *catalog, const struct request_row *row, struct err *err);
int requests_get(struct catalog *catalog, struct arena *arena, uint64_t request,
		 struct request_row *row_r, struct err *err); /* 1, 0 */
/* Newest first, with numbers below BEFORE (0: from the newest), of PERSON or (PERSON_ANY) of everybody, open ones or (OPEN false) all. */
#define PERSON_ANY UINT64_MAX
int requests_list(struct catalog *catalog, struct arena *arena, uint64_t person, bool open,
		  uint64_t before, size_t limit, struct request_rows *rows_r, struct err *err);

/* What a request is about. */
int request_mails_add(struct catalog *catalog, uint64_t request, uint64_t mail, struct err *err);
struct numbers {
	uint64_t *v;
	size_t n, cap;
};
int request_mails(struct catalog *catalog, struct arena *arena, uint64_t request,
		  struct numbers *mails_r, struct err *err); /* those that are not erased */
int request_mails_open(struct catalog *catalog, struct arena *arena, struct numbers *mails_r,
		       struct err *err); /* of any open one */
int mail_is_requested(struct catalog *catalog, uint64_t mail, struct err *err); /* and open: 1, 0 */

/* The mail is deleted by this request; in the open transaction. */
int deletions_add(struct catalog *catalog, uint64_t mail, uint64_t request, struct err *err);
/* By which: 1, 0 it is not known, or the mail is not deleted. */
int deletions_get(struct catalog *catalog, uint64_t mail, uint64_t *request_r, struct err *err);

#endif
