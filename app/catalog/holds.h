/* SPDX-License-Identifier: GPL-3.0-or-later */
/* holds.h - legal holds: mails that nobody can delete until the hold is lifted (product.md, R3). Texts given out are in the arena. */
#ifndef APP_CATALOG_HOLDS_H
#define APP_CATALOG_HOLDS_H

#include "app/catalog/requests.h"

struct hold_row {
	uint64_t hold;
	int64_t made_s;
	int64_t lifted_s; /* 0: it holds */
	uint64_t mails;
	const char *who, *reason;
	const char *lifter, *why; /* it was lifted */
};
struct hold_rows {
	struct hold_row *v;
	size_t n, cap;
};

/* A new one; its mails come after, in the same transaction. */
int holds_add(struct catalog *catalog, struct view who, struct view reason, uint64_t *hold_r,
	      struct err *err);
int hold_mails_add(struct catalog *catalog, uint64_t hold, uint64_t mail, struct err *err);
/* As it is; made if it is not there. */
int holds_put(struct catalog *catalog, const struct hold_row *row, struct err *err);
/* 1; 0 there is none that holds. */
int holds_lift(struct catalog *catalog, uint64_t hold, struct view who, struct view why,
	       struct err *err);
int holds_list(struct catalog *catalog, struct arena *arena, struct hold_rows *rows_r,
	       struct err *err);                                           /* newest first */
int mail_is_held(struct catalog *catalog, uint64_t mail, struct err *err); /* 1, 0 */

#endif
