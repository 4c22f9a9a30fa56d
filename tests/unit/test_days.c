/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The statistics by day, in local time across changes of the clock. */
#include "tests/unit/fixture.h"

#include "app/catalog/days.h"
#include "app/catalog/mails.h"
#include "base/clock.h"

#include <time.h>

enum { SPAM = 2, HOUR_S = 3600 };

struct sums {
	size_t n;
	struct day_row rows[16];
	char names[16][32];
};

static int keep(void *arg, const struct day_row *row, struct view source_name, struct err *err)
{
	struct sums *sums = arg;

	(void)err;
	assert_true(sums->n < 16);
	snprintf(sums->names[sums->n], sizeof(sums->names[0]), "%.*s", (int)source_name.len,
		 source_name.data);
	sums->rows[sums->n++] = *row;
	return 0;
}

static struct sums days(struct catalog *c, int64_t from, int64_t to)
{
	struct sums sums = {0};
	struct err err = {0};

	if (days_each(c, from, to, keep, &sums, &err) < 0)
		fail_msg("%s", err.text);
	return sums;
}

/* A UUID as if it were made then; N makes it another one. */
static struct uuid id_at(int64_t time_ms, unsigned n)
{
	struct uuid id = {{0}};

	for (int i = 5; i >= 0; i--, time_ms >>= 8)
		id.b[i] = (unsigned char)time_ms;
	id.b[6] = 0x70;
	id.b[8] = 0x80;
	memcpy(id.b + 12, &n, sizeof(n));
	return id;
}

static uint64_t source(struct catalog *c, const char *name)
{
	struct err err = {0};
	uint64_t id;

	assert_true(source_id(c, VIEW(name), true, &id, &err) >= 0);
	return id;
}

static uint64_t add_mail(struct catalog *c, int64_t time_s, const char *source_name, uint64_t size,
			 unsigned marks, enum way way)
{
	static unsigned n;
	struct err err = {0};
	struct mail_row row = {.id = id_at(time_s * 1000, n),
			       .record = {1, 100ULL * n, 100},
			       .size = size,
			       .marks = marks,
			       .way = way,
			       .source = source(c, source_name)};

	memcpy(row.exact.b, &n, sizeof(n));
	n++;
	if (mails_add(c, &row, &err) < 0)
		fail_msg("%s", err.text);
	return row.mail;
}

static void see_again(struct catalog *c, uint64_t mail, int64_t time_s, const char *source_name)
{
	static unsigned n = 1000000;
	struct err err = {0};
	const struct sighting_row row = {.id = id_at(time_s * 1000, ++n),
					 .mail = mail,
					 .way = WAY_SMTP,
					 .source = source(c, source_name)};

	if (sightings_add(c, &row, &err) < 0)
		fail_msg("%s", err.text);
}

static void a_day_is_a_local_date_also_when_the_clock_changes(void **state)
{
	int64_t spring = day_of(clock_of_local(2026, 3, 29, 12, 0, 0));
	int64_t autumn = day_of(clock_of_local(2026, 10, 25, 12, 0, 0));

	(void)state;
	assert_int_equal(day_begin_s(spring + 1) - day_begin_s(spring), 23 * HOUR_S);
	assert_int_equal(day_begin_s(autumn + 1) - day_begin_s(autumn), 25 * HOUR_S);
	for (int64_t day = spring - 2; day < spring + 370; day++) {
		assert_int_equal(day_of(day_begin_s(day)), day);
		assert_int_equal(day_of(day_begin_s(day) - 1), day - 1);
	}
	assert_int_equal(day_of(clock_of_utc(2026, 7, 1, 22, 30, 0)),
			 clock_of_utc(2026, 7, 2, 0, 0, 0) / 86400);
}

static void mails_bytes_duplicates_and_spam_are_counted_by_day_and_source(void **state)
{
	struct fixture *f = *state;
	CLEAN(catalog) c = fixture_catalog(f);
	int64_t day = day_of(clock_of_local(2026, 3, 29, 12, 0, 0));
	uint64_t first = add_mail(c, day_begin_s(day), "postfix", 1000, 0, WAY_MILTER);
	struct sums s;

	add_mail(c, day_begin_s(day + 1) - 1, "postfix", 500, SPAM, WAY_MILTER);
	add_mail(c, day_begin_s(day) + HOUR_S, "journal", 70, 0, WAY_JOURNAL);
	add_mail(c, day_begin_s(day) - 1, "postfix", 9, 0, WAY_MILTER);
	add_mail(c, day_begin_s(day + 1), "postfix", 9, 0, WAY_MILTER);
	see_again(c, first, day_begin_s(day) + HOUR_S, "journal");
	see_again(c, first, day_begin_s(day) + HOUR_S, "fetched");
	assert_int_equal(days_count(c, day, day, &f->err), 0);
	s = days(c, day - 5, day + 5);
	assert_int_equal(s.n, 4);
	assert_true(s.rows[0].source == 0 && s.rows[0].day == day && s.rows[0].mails == 3 &&
		    s.rows[0].bytes == 1570 && s.rows[0].duplicates == 2 && s.rows[0].spam == 1);
	assert_string_equal(s.names[1], "postfix");
	assert_true(s.rows[1].mails == 2 && s.rows[1].bytes == 1500 && s.rows[1].spam == 1 &&
		    s.rows[1].duplicates == 0);
	assert_string_equal(s.names[2], "journal");
	assert_true(s.rows[2].mails == 1 && s.rows[2].bytes == 70 && s.rows[2].duplicates == 1);
	assert_string_equal(s.names[3], "fetched");
	assert_true(s.rows[3].mails == 0 && s.rows[3].duplicates == 1);
}

static void counting_a_day_again_counts_what_came_since(void **state)
{
	struct fixture *f = *state;
	CLEAN(catalog) c = fixture_catalog(f);
	int64_t day = 20000, last = 0;
	struct sums s;

	assert_int_equal(days_last(c, &last, &f->err), 0);
	for (unsigned n = 0; n < 3; n++) {
		assert_int_equal(days_count(c, day, day, &f->err), 0);
		s = days(c, day, day);
		assert_int_equal(s.rows[0].mails, n);
		assert_int_equal(days_last(c, &last, &f->err), 1);
		assert_int_equal(last, day);
		add_mail(c, day_begin_s(day) + n, "a", 1, 0, WAY_SMTP);
	}
}

static void erase(struct fixture *f, struct catalog *c, uint64_t mail)
{
	assert_int_equal(mails_set_state(c, mail, MAIL_UNINDEXED, &f->err), 0);
	if (mails_erase(c, mail, 1, 0, &f->err) < 0)
		fail_msg("%s", f->err.text);
}

static void a_mail_that_was_erased_stays_counted(void **state)
{
	struct fixture *f = *state;
	CLEAN(catalog) c = fixture_catalog(f);
	int64_t day = 20000;
	uint64_t counted = add_mail(c, day_begin_s(day), "a", 30, SPAM, WAY_SMTP), uncounted;
	struct sums s;

	assert_int_equal(days_count(c, day, day, &f->err), 0);
	erase(f, c, counted);
	uncounted = add_mail(c, day_begin_s(day) + 1, "a", 50, 0, WAY_SMTP);
	erase(f, c, uncounted);
	assert_int_equal(days_count(c, day, day, &f->err), 0);
	s = days(c, day, day);
	assert_int_equal(s.n, 2);
	assert_true(s.rows[0].mails == 2 && s.rows[0].bytes == 30 && s.rows[0].spam == 1);
	assert_true(s.rows[1].mails == 1 && s.rows[1].bytes == 30);
}

static void stored_bytes_and_searches_stand_side_by_side(void **state)
{
	struct fixture *f = *state;
	CLEAN(catalog) c = fixture_catalog(f);
	CLEAN(arena) arena = arena_new();
	struct day_total *v;
	size_t n;

	assert_int_equal(days_add_search(c, 10, &f->err), 1);
	assert_int_equal(days_set_stored(c, 10, 500, &f->err), 0);
	assert_int_equal(days_add_search(c, 10, &f->err), 1);
	assert_int_equal(days_set_stored(c, 10, 600, &f->err), 0);
	assert_int_equal(days_add_search(c, 11, &f->err), 1);
	assert_int_equal(days_totals(c, arena, 0, 20, &v, &n, &f->err), 0);
	assert_int_equal(n, 2);
	assert_true(v[0].day == 10 && v[0].stored_bytes == 600 && v[0].searches == 2);
	assert_true(v[1].day == 11 && v[1].stored_bytes == 0 && v[1].searches == 1);
}

static void a_search_does_not_wait_for_who_writes_the_catalog(void **state)
{
	struct fixture *f = *state;
	CLEAN(catalog) c = fixture_catalog(f);
	CLEAN(catalog) other = fixture_catalog(f);

	assert_int_equal(catalog_begin(other, &f->err), 0);
	for (int i = 0; i < 100; i++)
		assert_int_equal(days_add_search(c, 10, &f->err), 0);
	catalog_rollback(other);
	assert_int_equal(days_add_search(c, 10, &f->err), 1);
	assert_int_equal(catalog_begin(c, &f->err), 0);
	catalog_rollback(c);
}

static void the_longest_silence_is_between_mails_that_came_by_themselves(void **state)
{
	struct fixture *f = *state;
	CLEAN(catalog) c = fixture_catalog(f);
	const int64_t t = 1800000000;
	struct silence s;

	assert_int_equal(days_longest_silence(c, 0, &s, &f->err), 0);
	assert_int_equal(days_any_arrival(c, 0, &f->err), 0);
	add_mail(c, t, "a", 1, 0, WAY_SMTP);
	add_mail(c, t + 1000, "a", 1, 0, WAY_IMPORT);
	add_mail(c, t + 3000, "a", 1, 0, WAY_FETCH);
	add_mail(c, t + 3500, "a", 1, 0, WAY_MILTER);
	add_mail(c, t + 9999, "a", 1, 0, WAY_IMPORT);
	assert_int_equal(days_longest_silence(c, 0, &s, &f->err), 1);
	assert_true(s.longest_s == 3000 && s.first_s == t && s.last_s == t + 3500);
	assert_int_equal(days_longest_silence(c, t + 1, &s, &f->err), 1);
	assert_int_equal(s.longest_s, 500);
	assert_int_equal(days_any_arrival(c, t + 3500, &f->err), 1);
	assert_int_equal(days_any_arrival(c, t + 3501, &f->err), 0);
	assert_int_equal(days_first_mail(c, &s.first_s, &f->err), 1);
	assert_int_equal(s.first_s, t);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, fixture_folder, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_day_is_a_local_date_also_when_the_clock_changes),
		IN_FOLDER(mails_bytes_duplicates_and_spam_are_counted_by_day_and_source),
		IN_FOLDER(counting_a_day_again_counts_what_came_since),
		IN_FOLDER(a_mail_that_was_erased_stays_counted),
		IN_FOLDER(stored_bytes_and_searches_stand_side_by_side),
		IN_FOLDER(a_search_does_not_wait_for_who_writes_the_catalog),
		IN_FOLDER(the_longest_silence_is_between_mails_that_came_by_themselves),
	};

	/* The rules are written out, since a small system may not know the zone's name. */
	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
