/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the mails lie: do the media answer, does what waits get there, and for how long is there room? */
#include "app/archive/media.h"
#include "app/catalog/days.h"
#include "app/watch/alarms_priv.h"
#include "base/file.h"

enum { RATE_DAYS = 28, RATE_LEAST_DAYS = 7, SOON_DAYS = 7 };

static const char *name_of(struct look *l, const struct medium_row *row)
{
	return arena_f(l->arena, "medium %u", row->medium);
}

static bool is_local(const struct medium_row *row)
{
	return strcmp(row->type, "local") == 0;
}

/* --- staging, and media that are away --- */

/* What it means for new mail. A folder has no staging in front of it. */
static const char *meaning(const struct medium_row *row)
{
	if (!row->active)
		return "";
	return is_local(row) ? ", and new ones cannot be archived: those that arrive wait in the "
			       "spool"
			     : ", and new ones wait safely on this machine until it is back";
}

static void raise_silent(struct look *l, const struct medium_row *row)
{
	const int64_t bound_s = (int64_t)l->settings->staging_minutes * MINUTE_S;
	bool urgent = row->active && (is_local(row) || l->now_s - row->since_s > bound_s);

	look_raise(l, name_of(l, row), urgent ? ALARM_CRITICAL : ALARM_WARNING,
		   "medium %u does not answer: its mails cannot be read now%s. What is wrong "
		   "there: sealpost --archive %s medium check %u",
		   row->medium, meaning(row), l->dir, row->medium);
}

static void look_at_medium(struct look *l, const struct medium_row *row)
{
	const int64_t bound_s = (int64_t)l->settings->staging_minutes * MINUTE_S;

	if (row->state != MEDIUM_IN_USE)
		return;
	if (row->answers == MEDIUM_SILENT)
		raise_silent(l, row);
	else if (row->waiting_since_s != 0 && l->now_s - row->waiting_since_s > bound_s)
		look_raise(
			l, name_of(l, row), ALARM_WARNING,
			"mail has waited for more than %s to be brought to medium %u. It is safe "
			"on this machine, and nowhere else; see that sealpost-shipper runs, and "
			"what it says.",
			look_span(l, bound_s), row->medium);
}

int look_staging(struct look *l, struct err *err)
{
	struct medium_row *media;
	size_t n;

	if (media_overview(l->a, l->arena, &media, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		look_at_medium(l, &media[i]);
	return 0;
}

/* --- space --- */

/* Bytes a day that the media took in the last weeks; 0: not known. */
static int find_rate(struct look *l, uint64_t *rate_r, struct err *err)
{
	int64_t today = day_of(l->now_s);
	const struct day_total *first = NULL, *last = NULL;
	struct day_total *v;
	size_t n;

	*rate_r = 0;
	if (days_totals(l->catalog, l->arena, today - RATE_DAYS, today, &v, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (v[i].stored_bytes == 0)
			continue;
		first = first ? first : &v[i];
		last = &v[i];
	}
	if (first != NULL && last->day - first->day >= RATE_LEAST_DAYS &&
	    last->stored_bytes > first->stored_bytes)
		*rate_r = (last->stored_bytes - first->stored_bytes) /
			  (uint64_t)(last->day - first->day);
	return 0;
}

static unsigned long long megabytes(uint64_t bytes)
{
	return bytes / 1000000;
}

static void look_at_room(struct look *l, const struct medium_row *row, uint64_t rate)
{
	uint64_t days = rate > 0 ? row->free_bytes / rate : UINT64_MAX;

	if (row->free_bytes < file_reserve(FILE_RESERVE_AUTO, row->total_bytes))
		look_raise(l, name_of(l, row), ALARM_CRITICAL,
			   "medium %u has only %llu MB left. When it is full, new mail cannot go "
			   "there: give it room, or activate another medium (sealpost medium add).",
			   row->medium, megabytes(row->free_bytes));
	else if (days < l->settings->space_days)
		look_raise(l, name_of(l, row), days < SOON_DAYS ? ALARM_CRITICAL : ALARM_WARNING,
			   "medium %u has room for %llu more day%s, at the rate of the last weeks "
			   "(%llu MB free, %llu MB a day). When it is full, new mail cannot go "
			   "there: give it room, or activate another medium (sealpost medium add).",
			   row->medium, (unsigned long long)days, days == 1 ? "" : "s",
			   megabytes(row->free_bytes), megabytes(rate));
}

/* The doors refuse mail for a while when no more than the reserve is left. */
static int look_at_disk(struct look *l, struct err *err)
{
	uint64_t left, total, reserve;

	if (file_space(l->dir, &left, &total, err) < 0)
		return -1;
	reserve = file_reserve(FILE_RESERVE_AUTO, total);
	if (left < 2 * reserve)
		look_raise(l, "this machine", left < reserve ? ALARM_CRITICAL : ALARM_WARNING,
			   "the disk of %s has only %llu MB left. Below %llu MB the doors take no "
			   "mail, and it waits at its senders: free some space.",
			   l->dir, megabytes(left), megabytes(reserve));
	return 0;
}

int look_space(struct look *l, struct err *err)
{
	struct medium_row *media;
	uint64_t rate;
	size_t n;

	if (media_overview(l->a, l->arena, &media, &n, err) < 0 || find_rate(l, &rate, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (media[i].active && media[i].answers == MEDIUM_ANSWERS)
			look_at_room(l, &media[i], rate);
	return look_at_disk(l, err);
}
