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
	int64_t since_s, seen_s, told_s;
	char *text; /* one sentence: what happened, what it means for the mail, what to do */
};

/* It is so now: since_s and told_s stay if it was so already, but for a higher level, which is told anew. */
int alarms_raise(struct catalog *catalog, const struct alarm_row *row, int64_t now_s,
		 struct err *err);
/* All that were not raised at NOW_S are over, and go; they are in the arena for those who want to tell it. */
int alarms_settle(struct catalog *catalog, struct arena *arena, int64_t now_s,
		  struct alarm_row **over_r, size_t *n_r, struct err *err);
/* The worst first. */
int alarms_list(struct catalog *catalog, struct arena *arena, struct alarm_row **v_r, size_t *n_r,
		struct err *err);
int alarms_told(struct catalog *catalog, const struct alarm_row *row, int64_t now_s,
		struct err *err);

#endif
