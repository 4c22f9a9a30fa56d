/* SPDX-License-Identifier: GPL-3.0-or-later */
/* requests.h - requests for deletion: who asked for which mails to go, when, and why. An erased mail's tombstone keeps the number. */
#ifndef APP_CATALOG_REQUESTS_H
#define APP_CATALOG_REQUESTS_H

#include "app/catalog/catalog.h"
#include "base/arena.h"

struct request_row {
	uint64_t request;
	int64_t made_s;
	const char *who, *reason; /* in the arena */
};

/* A new one. Its number is one that no tombstone has, either: these outlive the catalog. */
int requests_add(struct catalog *catalog, struct view who, struct view reason, uint64_t *request_r,
		 struct err *err);
int requests_put(struct catalog *catalog, const struct request_row *row, struct err *err);
int requests_get(struct catalog *catalog, struct arena *arena, uint64_t request,
		 struct request_row *row_r, struct err *err); /* 1, 0 */

/* The mail is deleted by this request; in the open transaction. */
int deletions_add(struct catalog *catalog, uint64_t mail, uint64_t request, struct err *err);
/* By which: 1, 0 it is not known, or the mail is not deleted. */
int deletions_get(struct catalog *catalog, uint64_t mail, uint64_t *request_r, struct err *err);

#endif
