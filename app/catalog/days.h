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
	uint64_t stored_bytes; /* of the packs on all media when it was last counted; 0 never */
	uint64_t searches;
};

int64_t day_of(int64_t time_s); /* local */
int64_t day_begin_s(int64_t day);

/* Count the days from FROM to TO anew, from mails, sightings and tombstones; days before stay as they were. A mail that was erased
 * since stays counted: its row never shrinks, and one that was erased before it was counted is in the mails of source 0 alone. */
int days_count(struct catalog *catalog, int64_t from, int64_t to, struct err *err);
int days_set_stored(struct catalog *catalog, int64_t day, uint64_t stored_bytes, struct err *err);
/* 1; 0: somebody else is writing just now, and it was not waited for him. */
int days_add_search(struct catalog *catalog, int64_t day, struct err *err);
/* The last day that was counted: 1, 0 none was. */
int days_last(struct catalog *catalog, int64_t *day_r, struct err *err);
typedef int days_fn(void *arg, const struct day_row *row, struct view source_name, struct err *err);
int days_each(struct catalog *catalog, int64_t from, int64_t to, days_fn *fn, void *arg,
	      struct err *err);
/* In order of days; V in the arena. */
int days_totals(struct catalog *catalog, struct arena *arena, int64_t from, int64_t to,
		struct day_total **v_r, size_t *n_r, struct err *err);

/* When the first mail was archived: 1, 0 there is none. */
int days_first_mail(struct catalog *catalog, int64_t *time_s_r, struct err *err);
/* Mail that came by itself: all but imports. */
int days_any_arrival(struct catalog *catalog, int64_t after_s, struct err *err); /* 1, 0 */
struct silence {
	int64_t longest_s;       /* between two mails */
	int64_t first_s, last_s; /* of these mails, the first and the last */
};
/* Since FROM_S: 1, 0 nothing came. What goes on now is no silence yet. */
int days_longest_silence(struct catalog *catalog, int64_t from_s, struct silence *silence_r,
			 struct err *err);

#endif
