/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/fixture.h"

#include "backup/chain.h"
#include "base/clock.h"

enum { SETS_MAX = 400, DAY_MS = 86400000 };

/* Sets in the order of their making; day 0 is Monday, 2026-06-01. */
struct shelf {
	struct backup_set_entry v[SETS_MAX];
	bool gone[SETS_MAX];
	size_t n;
};

static int64_t at_day(int day, int hour)
{
	return clock_of_utc(2026, 6, 1 + day, hour, 0, 0) * 1000;
}

static size_t add(struct shelf *s, int day, int hour, ssize_t upon)
{
	struct backup_set_entry *e = &s->v[s->n];

	memset(e, 0, sizeof(*e));
	e->header.id = uuid_new();
	e->header.is_full = upon < 0;
	e->header.made_ms = at_day(day, hour);
	if (upon >= 0)
		e->header.predecessor = s->v[upon].header.id;
	return s->n++;
}

static void thin(struct shelf *s, int day)
{
	const struct chain_keep keep = {14, 13};

	chain_thin(s->v, s->n, at_day(day, 12), &keep, s->gone);
}

/* Forget what was removed, as the medium does. */
static void drop(struct shelf *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		if (!s->gone[i])
			s->v[n++] = s->v[i];
	s->n = n;
}

/* Is the full set of day D still there? */
static bool has_day(const struct shelf *s, int day)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].header.is_full && s->v[i].header.made_ms == at_day(day, 2))
			return true;
	return false;
}

static void all_rests_on_something(const struct shelf *s)
{
	for (size_t i = 0; i < s->n; i++)
		assert_true(chain_root(s->v, s->n, i, NULL) >= 0);
}

static void a_chain_leads_to_its_full_set(void **state)
{
	struct shelf s = {0};
	size_t full = add(&s, 0, 2, -1), other = add(&s, 1, 2, -1);
	size_t one = add(&s, 1, 3, (ssize_t)full), two = add(&s, 1, 4, (ssize_t)one);

	(void)state;
	assert_int_equal(chain_root(s.v, s.n, two, NULL), full);
	assert_int_equal(chain_root(s.v, s.n, other, NULL), other);
	assert_int_equal(chain_root(s.v, s.n, full, NULL), full);
}

static void a_missing_link_is_named(void **state)
{
	struct shelf s = {0};
	size_t full = add(&s, 0, 2, -1), one = add(&s, 0, 3, (ssize_t)full);
	struct err why = {0};
	char id[UUID_TEXT + 1];

	(void)state;
	add(&s, 0, 4, (ssize_t)one);
	uuid_text(&s.v[one].header.id, id);
	s.gone[one] = true;
	drop(&s);
	assert_int_equal(chain_root(s.v, s.n, 1, &why), -1);
	assert_int_equal(why.kind, ERR_DAMAGED);
	assert_non_null(strstr(why.text, id));
}

static void a_link_that_does_not_open_is_told(void **state)
{
	struct shelf s = {0};
	size_t full = add(&s, 0, 2, -1), one = add(&s, 0, 3, (ssize_t)full);
	struct err why = {0};

	(void)state;
	err_set(&s.v[full].err, ERR_DAMAGED, "the full one is damaged");
	assert_int_equal(chain_root(s.v, s.n, one, &why), -1);
	assert_string_equal(why.text, "the full one is damaged");
}

/* A year: a full backup each night, an incremental one each six hours, thinned each night. */
static void a_year_leaves_two_weeks_of_days_and_three_months_of_weeks(void **state)
{
	struct shelf s = {0};

	(void)state;
	for (int day = 0; day < 365; day++) {
		ssize_t upon = (ssize_t)add(&s, day, 2, -1);

		thin(&s, day);
		drop(&s);
		upon = (ssize_t)s.n - 1;
		for (int hour = 8; hour < 24; hour += 6)
			upon = (ssize_t)add(&s, day, hour, upon);
		all_rests_on_something(&s);
		for (int back = 0; back <= 14 && back <= day; back++)
			assert_true(has_day(&s, day - back));
		for (int back = 15; back <= day; back++) {
			bool sunday = (day - back) % 7 == 6;

			assert_int_equal(has_day(&s, day - back), sunday && back <= 13 * 7);
		}
	}
	assert_in_range(s.n, 4 * (15 + 10), 4 * (15 + 12));
}

static void the_newest_whole_chain_never_goes(void **state)
{
	struct shelf s = {0};
	size_t full = add(&s, 0, 2, -1), one = add(&s, 0, 3, (ssize_t)full);

	(void)state;
	thin(&s, 3000);
	assert_false(s.gone[full] || s.gone[one]);
	/* a younger one that does not open is no chain */
	err_set(&s.v[add(&s, 1, 2, -1)].err, ERR_DAMAGED, "damaged");
	thin(&s, 3000);
	assert_false(s.gone[full] || s.gone[one] || s.gone[2]);
	add(&s, 2, 2, -1);
	thin(&s, 3000);
	assert_true(s.gone[full] && s.gone[one]);
	assert_false(s.gone[2] || s.gone[3]);
}

static void what_rests_on_nothing_goes_with_age_but_not_from_under_a_younger_one(void **state)
{
	struct shelf s = {0};
	size_t lost = add(&s, 0, 2, -1), one = add(&s, 0, 3, (ssize_t)lost),
	       two = add(&s, 10, 3, (ssize_t)one);

	(void)state;
	add(&s, 12, 2, -1);
	s.gone[lost] = true;
	drop(&s);
	one--, two--;
	thin(&s, 20);
	assert_false(s.gone[one] || s.gone[two]);
	thin(&s, 26);
	assert_true(s.gone[one] && s.gone[two]);
}

static void nothing_of_nothing(void **state)
{
	struct shelf s = {0};

	(void)state;
	thin(&s, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_chain_leads_to_its_full_set),
		cmocka_unit_test(a_missing_link_is_named),
		cmocka_unit_test(a_link_that_does_not_open_is_told),
		cmocka_unit_test(a_year_leaves_two_weeks_of_days_and_three_months_of_weeks),
		cmocka_unit_test(the_newest_whole_chain_never_goes),
		cmocka_unit_test(
			what_rests_on_nothing_goes_with_age_but_not_from_under_a_younger_one),
		cmocka_unit_test(nothing_of_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
