/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backup/chain.h"

enum { DAY_MS = 86400 * 1000, DAYS_BEFORE_MONDAY = 3 /* 1970-01-01 was a Thursday */ };

/* The index of set ID among the first N; -1 it is not there. */
static ssize_t find(const struct backup_set_entry *v, size_t n, const struct uuid *id)
{
	while (n-- > 0)
		if (uuid_eq(&v[n].header.id, id))
			return (ssize_t)n;
	return -1;
}

static int missing(const struct uuid *id, struct err *why)
{
	char text[UUID_TEXT + 1];

	return err_set(why, ERR_DAMAGED, "the backup %s, which it rests on, is missing",
		       uuid_text(id, text));
}

ssize_t chain_root(const struct backup_set_entry *v, size_t n, size_t at, struct err *why)
{
	struct err ignored = {0};

	must(at < n);
	why = why != NULL ? why : &ignored;
	while (v[at].err.kind == ERR_NONE && !v[at].header.is_full) {
		ssize_t below = find(v, at, &v[at].header.predecessor);

		if (below < 0)
			return missing(&v[at].header.predecessor, why);
		at = (size_t)below;
	}
	if (v[at].err.kind == ERR_NONE)
		return (ssize_t)at;
	*why = v[at].err;
	return -1;
}

static int64_t week_of(const struct backup_set_entry *e)
{
	return (e->header.made_ms / DAY_MS + DAYS_BEFORE_MONDAY) / 7;
}

static uint64_t days_old(const struct backup_set_entry *e, int64_t now_ms)
{
	return now_ms > e->header.made_ms ? (uint64_t)(now_ms - e->header.made_ms) / DAY_MS : 0;
}

static bool is_full(const struct backup_set_entry *e)
{
	return e->err.kind == ERR_NONE && e->header.is_full;
}

/* No full set that is younger is of the same week. */
static bool is_newest_of_week(const struct backup_set_entry *v, size_t n, size_t at)
{
	for (size_t i = at + 1; i < n; i++)
		if (is_full(&v[i]) && week_of(&v[i]) == week_of(&v[at]))
			return false;
	return true;
}

static bool is_kept_by_age(const struct backup_set_entry *v, size_t n, size_t at, int64_t now_ms,
			   const struct chain_keep *keep)
{
	uint64_t days = days_old(&v[at], now_ms);

	return days <= keep->days ||
	       (days <= keep->weeks * 7 && is_full(&v[at]) && is_newest_of_week(v, n, at));
}

/* The full set of the newest chain that is whole; -1 there is none. */
static ssize_t newest_root(const struct backup_set_entry *v, size_t n)
{
	for (size_t at = n; at-- > 0;) {
		ssize_t root = chain_root(v, n, at, NULL);

		if (root >= 0)
			return root;
	}
	return -1;
}

/* What stays keeps what it rests on, link by link: those stand before it. */
static void keep_what_is_needed(const struct backup_set_entry *v, size_t n, bool *gone)
{
	for (size_t i = n; i-- > 0;) {
		ssize_t below = -1;

		if (!gone[i] && !is_full(&v[i]))
			below = find(v, i, &v[i].header.predecessor);
		if (below >= 0)
			gone[below] = false;
	}
}

void chain_thin(const struct backup_set_entry *v, size_t n, int64_t now_ms,
		const struct chain_keep *keep, bool *gone)
{
	ssize_t newest = newest_root(v, n);

	for (size_t i = 0; i < n; i++) {
		ssize_t root = chain_root(v, n, i, NULL);
		size_t decides = root >= 0 ? (size_t)root : i;

		gone[i] = v[i].err.kind == ERR_NONE && (root < 0 || root != newest) &&
			  !is_kept_by_age(v, n, decides, now_ms, keep);
	}
	keep_what_is_needed(v, n, gone);
}
