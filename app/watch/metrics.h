/* SPDX-License-Identifier: GPL-3.0-or-later */
/* metrics.h - the archive in numbers, for monitoring that draws curves: OpenMetrics text format 1.0.0.
 *
 * Numbers, and names that the archive gives itself (ways, jobs, alarms, numbers of media), so that there are never more than some hundred
 * lines. Nothing of a mail, and nobody's name.
 */
#ifndef APP_WATCH_METRICS_H
#define APP_WATCH_METRICS_H

#include "app/archive/archive.h"

#define METRICS_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"

/* What is remembered from one asking to the next: to count all mails, and to look at everything, takes its time, and is
 * done once a minute at most. All zero at first. */
struct metrics_memory {
	struct mails_totals totals;
	int64_t counted_s, looked_s;
};

/* A NULL: there is no archive yet, or it cannot be opened; that is told by sealpost_up. Whole, with its "# EOF". */
int metrics_write(struct archive *a, struct metrics_memory *memory, int64_t now_s, struct str *out,
		  struct err *err);

#endif
