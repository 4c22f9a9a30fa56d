/* SPDX-License-Identifier: GPL-3.0-or-later */
/* alarms.h - what must not stop unnoticed and has, as rows. Which these are: app/watch/alarms.h. */
#ifndef APP_CATALOG_ALARMS_H
#define APP_CATALOG_ALARMS_H

#include "app/catalog/catalog.h"
#include "base/arena.h"

enum alarm_level { ALARM_FINE, ALARM_WARNING, ALARM_CRITICAL };

struct alarm_row {
	char *alarm;   /* its name in ALARMS */
	char *subject; /* which medium, job, ...; "" */
	enum alarm_level level;
	int64_t since_s, seen_s; /* so it was first, and last */
	int64_t told_s;          /* when somebody was told; 0 not yet */
	char *text; /* one sentence: what happened, what it means for the mail, what to do */
};

/* One look is one transaction: begin, raise what is so, settle. */
int alarms_begin(struct catalog *catalog, struct err *err);
/* It is so now: since_s and told_s stay if it was so already, but a higher level is told anew. */
int alarms_raise(struct catalog *catalog, const struct alarm_row *row, int64_t now_s,
		 struct err *err);
/* All that were not raised since alarms_begin() are over. Those of which somebody was told stay as ALARM_FINE until it was told that
 * they are over: they are given back (in the arena). The others go. */
int alarms_settle(struct catalog *catalog, struct arena *arena, struct alarm_row **over_r,
		  size_t *n_r, struct err *err);
/* What is so, the worst first. */
int alarms_list(struct catalog *catalog, struct arena *arena, struct alarm_row **v_r, size_t *n_r,
		struct err *err);
int alarms_told(struct catalog *catalog, const struct alarm_row *row, int64_t now_s,
		struct err *err);

#endif
