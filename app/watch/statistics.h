/* SPDX-License-Identifier: GPL-3.0-or-later */
/* statistics.h - the daily count for `admin`: mails and bytes in, by source, duplicates, spam, stored bytes, searches. */
#ifndef APP_WATCH_STATISTICS_H
#define APP_WATCH_STATISTICS_H

#include "app/archive/archive.h"

struct statistics_report {
	uint64_t days;         /* counted anew */
	uint64_t mails, bytes; /* of yesterday */
};
/* Count what was not counted yet, and today so far; learn what is usual (alarms_learn()). */
int statistics_update(struct archive *a, int64_t now_s, struct statistics_report *report_r,
		      struct err *err);

#endif
