/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/catalog/days.h"

#include "app/catalog/mails.h"
#include "base/clock.h"

#include <time.h>

enum { DAY_S = 24 * 60 * 60, MS_BYTES = 6 };

int64_t day_of(int64_t time_s)
{
	time_t t = (time_t)time_s;
	struct tm tm;

	must(localtime_r(&t, &tm) != NULL);
	return clock_of_utc(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, 0, 0, 0) / DAY_S;
}

int64_t day_begin_s(int64_t day)
{
	time_t t = (time_t)(day * DAY_S);
	struct tm tm;

	must(gmtime_r(&t, &tm) != NULL);
	return clock_of_local(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, 0, 0, 0);
}

/* How UUIDs of version 7 begin that were made at TIME_S: less than each of that time or later, greater than all before. */
static struct view id_bound(int64_t time_s, unsigned char out[MS_BYTES])
{
	uint64_t ms = (uint64_t)(time_s > 0 ? time_s : 0) * 1000;

	for (int i = MS_BYTES - 1; i >= 0; i--, ms >>= 8)
		out[i] = (unsigned char)ms;
	return (struct view){(const char *)out, MS_BYTES};
}

/* Of an erased mail the tombstone still counts. What it was like is gone, but for a row that knew it: so a row only grows. */
static int count_day(struct catalog *catalog, int64_t day, struct err *err)
{
	unsigned char begin[MS_BYTES], end[MS_BYTES];

	id_bound(day_begin_s(day), begin);
	id_bound(day_begin_s(day + 1), end);
	return db_run(
		catalog_db(catalog), err,
		"WITH came AS ("
		"SELECT source, 1 AS mails, size AS bytes, 0 AS duplicates, (marks & 2) <> 0 AS "
		"spam "
		"FROM mails WHERE id >= ?2 AND id < ?3 "
		"UNION ALL SELECT source, 0, 0, 1, 0 FROM sightings WHERE id >= ?2 AND id < ?3) "
		"INSERT INTO day_mails "
		"SELECT ?1, source, sum(mails), sum(bytes), sum(duplicates), sum(spam) "
		"FROM came WHERE source <> 0 GROUP BY source "
		"UNION ALL SELECT ?1, 0, coalesce(sum(mails), 0) + "
		"(SELECT count(*) FROM erased WHERE id >= ?2 AND id < ?3), "
		"coalesce(sum(bytes), 0), coalesce(sum(duplicates), 0), coalesce(sum(spam), 0) "
		"FROM came WHERE true "
		"ON CONFLICT (day, source) DO UPDATE SET mails = max(mails, excluded.mails), "
		"bytes = max(bytes, excluded.bytes), "
		"duplicates = max(duplicates, excluded.duplicates), spam = max(spam, "
		"excluded.spam)",
		BIND_INT(day), BIND_BLOB(begin, MS_BYTES), BIND_BLOB(end, MS_BYTES));
}

int days_count(struct catalog *catalog, int64_t from, int64_t to, struct err *err)
{
	for (int64_t day = from; day <= to; day++)
		if (count_day(catalog, day, err) < 0)
			return -1;
	return 0;
}

int days_set_stored(struct catalog *catalog, int64_t day, uint64_t stored_bytes, struct err *err)
{
	return db_run(catalog_db(catalog), err,
		      "INSERT INTO day_totals VALUES (?1, ?2, 0) "
		      "ON CONFLICT (day) DO UPDATE SET stored_bytes = excluded.stored_bytes",
		      BIND_INT(day), BIND_INT(stored_bytes));
}

int days_add_search(struct catalog *catalog, int64_t day, struct err *err)
{
	struct db *db = catalog_db(catalog);
	int rc = db_try_begin(db, err);

	if (rc <= 0)
		return rc;
	if (db_run(db, err,
		   "INSERT INTO day_totals VALUES (?1, 0, 1) "
		   "ON CONFLICT (day) DO UPDATE SET searches = searches + 1",
		   BIND_INT(day)) == 0 &&
	    db_commit(db, err) == 0)
		return 1;
	db_rollback(db);
	return -1;
}

/* The one number of a query that gives one row: 1, 0 it is NULL. */
static int one_number(struct catalog *catalog, const char *sql, int64_t *n_r, struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc;

	if (db_query(catalog_db(catalog), sql, &q, err) < 0)
		return -1;
	rc = stmt_step(q, err);
	if (rc <= 0 || stmt_is_null(q, 0))
		return rc < 0 ? -1 : 0;
	*n_r = stmt_int(q, 0);
	return 1;
}

int days_last(struct catalog *catalog, int64_t *day_r, struct err *err)
{
	return one_number(catalog, "SELECT max(day) FROM day_mails WHERE source = 0", day_r, err);
}

static int id_time(struct stmt *q, int64_t *time_s_r, struct err *err)
{
	struct view blob = stmt_blob(q, 0);
	struct uuid id;

	if (blob.len != UUID_BYTES)
		return err_set(err, ERR_DAMAGED, "a mail without an id");
	memcpy(id.b, blob.data, UUID_BYTES);
	*time_s_r = uuid_ms(&id) / 1000;
	return 0;
}

int days_first_mail(struct catalog *catalog, int64_t *time_s_r, struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc;

	if (db_query(catalog_db(catalog), "SELECT id FROM mails ORDER BY id LIMIT 1", &q, err) < 0)
		return -1;
	rc = stmt_step(q, err);
	return rc <= 0 ? rc : id_time(q, time_s_r, err) < 0 ? -1 : 1;
}

int days_any_arrival(struct catalog *catalog, int64_t after_s, struct err *err)
{
	unsigned char begin[MS_BYTES];
	CLEAN_STMT q = NULL;

	id_bound(after_s, begin);
	return db_find(catalog_db(catalog), &q, err,
		       "SELECT 1 FROM mails WHERE id >= ?1 AND way <> ?2 ORDER BY id DESC LIMIT 1",
		       BIND_BLOB(begin, MS_BYTES), BIND_INT(WAY_IMPORT));
}

int days_longest_silence(struct catalog *catalog, int64_t from_s, struct silence *silence_r,
			 struct err *err)
{
	unsigned char begin[MS_BYTES];
	struct silence s = {0};
	CLEAN_STMT q = NULL;
	int64_t time_s;
	int rc;

	id_bound(from_s, begin);
	rc = db_find(catalog_db(catalog), &q, err,
		     "SELECT id FROM mails WHERE id >= ?1 AND way <> ?2 ORDER BY id",
		     BIND_BLOB(begin, MS_BYTES), BIND_INT(WAY_IMPORT));
	for (; rc > 0; rc = stmt_step(q, err)) {
		if (id_time(q, &time_s, err) < 0)
			return -1;
		if (s.first_s == 0)
			s.first_s = s.last_s = time_s;
		if (time_s - s.last_s > s.longest_s)
			s.longest_s = time_s - s.last_s;
		s.last_s = time_s;
	}
	*silence_r = s;
	return rc < 0 ? -1 : s.first_s != 0;
}

static struct day_row read_row(struct stmt *q)
{
	return (struct day_row){.day = stmt_int(q, 0),
				.source = (uint64_t)stmt_int(q, 1),
				.mails = (uint64_t)stmt_int(q, 2),
				.bytes = (uint64_t)stmt_int(q, 3),
				.duplicates = (uint64_t)stmt_int(q, 4),
				.spam = (uint64_t)stmt_int(q, 5)};
}

int days_each(struct catalog *catalog, int64_t from, int64_t to, days_fn *fn, void *arg,
	      struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_find(catalog_db(catalog), &q, err,
			 "SELECT d.day, d.source, d.mails, d.bytes, d.duplicates, d.spam, "
			 "coalesce(s.name, '') FROM day_mails d LEFT JOIN sources s USING (source) "
			 "WHERE d.day >= ?1 AND d.day <= ?2 ORDER BY d.day, d.source",
			 BIND_INT(from), BIND_INT(to));

	for (; rc > 0; rc = stmt_step(q, err)) {
		struct day_row row = read_row(q);

		if (fn(arg, &row, stmt_text(q, 6), err) < 0)
			return -1;
	}
	return rc;
}

int days_totals(struct catalog *catalog, struct arena *arena, int64_t from, int64_t to,
		struct day_total **v_r, size_t *n_r, struct err *err)
{
	struct {
		struct day_total *v;
		size_t n, cap;
	} list = {0};
	CLEAN_STMT q = NULL;
	int rc = db_find(catalog_db(catalog), &q, err,
			 "SELECT day, stored_bytes, searches FROM day_totals "
			 "WHERE day >= ?1 AND day <= ?2 ORDER BY day",
			 BIND_INT(from), BIND_INT(to));

	for (; rc > 0; rc = stmt_step(q, err)) {
		const struct day_total total = {stmt_int(q, 0), (uint64_t)stmt_int(q, 1),
						(uint64_t)stmt_int(q, 2)};

		ARENA_PUSH(arena, list, total);
	}
	*v_r = list.v;
	*n_r = list.n;
	return rc;
}
