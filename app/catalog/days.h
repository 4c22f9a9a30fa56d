/* SPDX-License-Identifier: GPL-3.0-or-later */
/* days.h - statistics by day, local time: what came in, from where, and what is stored. Numbers only. */
#ifndef APP_CATALOG_DAYS_H
#define APP_CATALOG_DAYS_H

#include "app/catalog/catalog.h"
#include "base/arena.h"

struct day_row {
	int64_t day;     /* days since 1970-01-01 of the local date */
	uint64_t source; /* 0: all of them */
	uint64_t mails, bytes, duplicates, spam;
};
struct day_total {
	int64_t day;
	uint64_t stored_bytes; /* of the packs on all media when it was last counted */
	uint64_t searches;
};

int64_t day_of(int64_t time_s); /* local */
int64_t day_begin_s(int64_t day);

/* Count the days from FROM to TO anew, from mails and sightings; days before stay as they were, also of mails that were erased since. */
int days_count(struct catalog *catalog, int64_t from, int64_t to, struct err *err);
int days_set_stored(struct catalog *catalog, int64_t day, uint64_t stored_bytes, struct err *err);
int days_add_search(struct catalog *catalog, int64_t day, struct err *err);
/* The last day that was counted: 1, 0 none was. */
int days_last(struct catalog *catalog, int64_t *day_r, struct err *err);
typedef int days_fn(void *arg, const struct day_row *row, struct view source_name, struct err *err);
int days_each(struct catalog *catalog, int64_t from, int64_t to, days_fn *fn, void *arg,
	      struct err *err);
int days_totals(struct catalog *catalog, struct arena *arena, int64_t from, int64_t to,
		struct day_total **v_r, size_t *n_r, struct err *err);

#endif
