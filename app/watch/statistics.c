/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/watch/statistics.h"

#include "app/archive/media.h"
#include "app/catalog/days.h"
#include "app/watch/alarms.h"

/* The first day to count: the last one that was, which went on after it was counted; else that of the first mail. */
static int first_day(struct catalog *catalog, int64_t today, int64_t *day_r, struct err *err)
{
	int64_t time_s;
	int rc = days_last(catalog, day_r, err);

	if (rc == 0) {
		rc = days_first_mail(catalog, &time_s, err);
		*day_r = rc > 0 ? day_of(time_s) : today;
	}
	if (*day_r > today) /* the clock was wrong */
		*day_r = today;
	return rc < 0 ? -1 : 0;
}

static int count_stored(struct archive *a, int64_t day, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	struct medium_row *media;
	uint64_t bytes = 0;
	size_t n;

	if (media_list(archive_catalog(a), arena, &media, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		bytes += media[i].pack_bytes;
	return days_set_stored(archive_catalog(a), day, bytes, err);
}

static int keep_total(void *arg, const struct day_row *row, struct view source_name,
		      struct err *err)
{
	struct statistics_report *report = arg;

	(void)source_name, (void)err;
	if (row->source == 0) {
		report->mails = row->mails;
		report->bytes = row->bytes;
	}
	return 0;
}

int statistics_update(struct archive *a, int64_t now_s, struct statistics_report *report_r,
		      struct err *err)
{
	struct catalog *catalog = archive_catalog(a);
	int64_t today = day_of(now_s), first;

	*report_r = (struct statistics_report){0};
	if (first_day(catalog, today, &first, err) < 0 ||
	    days_count(catalog, first, today, err) < 0 || count_stored(a, today, err) < 0 ||
	    alarms_learn(a, now_s, err) < 0)
		return -1;
	report_r->days = (uint64_t)(today - first + 1);
	return days_each(catalog, today - 1, today - 1, keep_total, report_r, err);
}
