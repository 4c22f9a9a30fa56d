/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One mail, however often and by whatever way it comes: in catalog, index and rights. */
#include "tests/unit/fixture.h"

#include "app/archive/catch_up.h"
#include "app/archive/find.h"
#include "app/archive/rebuild.h"

#define BODY "Date: Mon, 2 Jan 2023 10:00:00 +0000\nMessage-ID: <one@example.org>\n\nThe body.\n"
#define OF_ANNA "From: anna@example.org\nTo: bert@example.org\nSubject: one\n"

/* The same mail as four doors see it; the second twice, for two recipients. */
static const struct arrival arrivals[] = {
	ARRIVAL(OF_ANNA BODY),
	ARRIVAL("Received: from a by b; Mon, 2 Jan 2023 10:00:01 +0000\n" OF_ANNA BODY,
		.way = WAY_MILTER, .source = "gate", .recipient = "carla@example.org"),
	ARRIVAL("Received: from a by b; Mon, 2 Jan 2023 10:00:01 +0000\n" OF_ANNA BODY,
		.way = WAY_MILTER, .source = "gate", .recipient = "dora@example.org"),
	ARRIVAL("Return-Path: <anna@example.org>\n" OF_ANNA "Bcc: emil@example.org\n" BODY,
		.source = "sent"),
};
enum { WAYS = sizeof(arrivals) / sizeof(*arrivals) };

static const char *const people[] = {"anna@example.org", "bert@example.org", "carla@example.org",
				     "dora@example.org", "emil@example.org"};

static uint64_t seen_by(struct fixture *f, const char *address)
{
	uint64_t id, n;
	struct scope scope = {.addresses = &id, .n_addresses = 1};

	assert_int_equal(address_id(archive_catalog(f->a), VIEW(address), false, &id, &f->err), 1);
	assert_int_equal(find_count(f->a, VIEW("body"), &scope, &n, &f->err), 0);
	return n;
}

static int count_sighting(void *arg, const struct sighting_row *row, struct err *err)
{
	(void)row, (void)err;
	++*(int *)arg;
	return 0;
}

static void is_one_mail_of_all(struct fixture *f, const struct uuid *id)
{
	CLEAN(arena) arena = arena_new();
	struct mail_row row = fixture_row(f, arena, id);
	struct mails_totals totals;
	int sightings = 0;

	assert_int_equal(mails_totals(archive_catalog(f->a), &totals, &f->err), 0);
	assert_int_equal(totals.mails, 1);
	assert_int_equal(row.marks & MARK_FLAGGED, 0);
	assert_int_equal(sightings_each(archive_catalog(f->a), row.mail, count_sighting, &sightings,
					&f->err),
			 0);
	assert_int_equal(sightings, WAYS - 1);
	for (size_t i = 0; i < sizeof(people) / sizeof(*people); i++)
		assert_int_equal(seen_by(f, people[i]), 1);
	assert_int_equal(fixture_count(f, "source:gate"), 1);
	assert_int_equal(fixture_count(f, "source:sent"), 1);
}

static void take_in_order(struct fixture *f, const int *order, struct uuid *id_r)
{
	CLEAN(taker) taker = taker_new(f->a, true);

	for (int i = 0; i < WAYS; i++) {
		struct taken t = fixture_give(f, taker, &arrivals[order[i]]);

		assert_int_equal(t.outcome, i == 0 ? OUTCOME_ARCHIVED : OUTCOME_DUPLICATE);
		if (i == 0)
			*id_r = t.id;
		assert_true(uuid_eq(id_r, &t.id));
	}
	assert_int_equal(taker_finish(taker, &f->err), 0);
}

static void try_order(const int *order)
{
	struct fixture *f;
	void *state;
	struct uuid id;
	struct rebuild_report report;

	assert_int_equal(fixture_setup(&state), 0);
	f = state;
	take_in_order(f, order, &id);
	is_one_mail_of_all(f, &id);
	fixture_holds(f, &id, arrivals[order[0]].raw);
	if (order[0] == order[WAYS - 1] - 1) { /* every few: rebuild says the same */
		archive_free(&f->a);
		assert_int_equal(archive_rebuild(f->archive, NULL, 0, &report, &f->err), 0);
		fixture_reopen(f);
		is_one_mail_of_all(f, &id);
		fixture_holds(f, &id, arrivals[order[0]].raw);
	}
	fixture_teardown(&state);
}

static void try_orders_of(int *order, int n)
{
	if (n == WAYS)
		try_order(order);
	for (int i = n; i < WAYS; i++) {
		int was = order[n];

		order[n] = order[i];
		order[i] = was;
		try_orders_of(order, n + 1);
		order[i] = order[n];
		order[n] = was;
	}
}

static void one_mail_by_many_ways_in_any_order_is_one_mail(void **state)
{
	int order[WAYS] = {0, 1, 2, 3};

	(void)state;
	try_orders_of(order, 0);
}

static void the_same_sighting_again_leaves_no_record(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	struct pack_row *rows;
	size_t n;

	for (int i = 0; i < 3; i++)
		fixture_take(f, &arrivals[1]);
	assert_int_equal(packs_list(archive_catalog(f->a), arena, 0, &rows, &n, &f->err), 0);
	assert_int_equal(n, 1);
}

static unsigned marks_of(struct fixture *f, const struct uuid *id)
{
	CLEAN(arena) arena = arena_new();

	return fixture_row(f, arena, id).marks;
}

static void other_content_under_the_same_message_id_flags_both(void **state)
{
	static const struct arrival forged = ARRIVAL(OF_ANNA BODY "And more.\n");
	static const struct arrival third = ARRIVAL(OF_ANNA BODY "Other.\n", .source = "x");
	struct fixture *f = *state;
	struct rebuild_report report;
	struct taken a = fixture_take(f, &arrivals[0]);
	struct taken b, c;

	assert_int_equal(marks_of(f, &a.id) & MARK_FLAGGED, 0);
	assert_int_equal(fixture_count(f, "is:flagged"), 0);
	b = fixture_take(f, &forged);
	c = fixture_take(f, &third);
	for (int rebuilt = 0; rebuilt < 2; rebuilt++) {
		assert_int_equal(marks_of(f, &a.id) & MARK_FLAGGED, MARK_FLAGGED);
		assert_int_equal(marks_of(f, &b.id) & MARK_FLAGGED, MARK_FLAGGED);
		assert_int_equal(marks_of(f, &c.id) & MARK_FLAGGED, MARK_FLAGGED);
		assert_int_equal(fixture_count(f, "is:flagged"), 3);
		archive_free(&f->a);
		assert_int_equal(archive_rebuild(f->archive, NULL, 0, &report, &f->err), 0);
		fixture_reopen(f);
	}
}

static void mails_without_a_message_id_are_never_flagged(void **state)
{
	struct fixture *f = *state;
	struct taken a = fixture_take(f,
				      &(struct arrival)ARRIVAL("From: anna@example.org\n\none\n"));
	struct taken b = fixture_take(f,
				      &(struct arrival)ARRIVAL("From: anna@example.org\n\ntwo\n"));

	assert_int_equal(a.outcome, OUTCOME_ARCHIVED);
	assert_int_equal(b.outcome, OUTCOME_ARCHIVED);
	assert_int_equal((marks_of(f, &a.id) | marks_of(f, &b.id)) & MARK_FLAGGED, 0);
}

static void a_part_in_two_mails_is_kept_once(void **state)
{
	struct fixture *f = *state;
	CLEAN_STR one = STR_INIT;
	CLEAN_STR two = STR_INIT;
	struct mails_totals totals;
	struct taken a, b;

	fixture_attachment(&one, "a@x", 'a');
	fixture_attachment(&two, "b@x", 'a');
	a = fixture_take(f, &(struct arrival){.raw = str_view(&one)});
	b = fixture_take(f, &(struct arrival){.raw = str_view(&two)});
	assert_int_equal(mails_totals(archive_catalog(f->a), &totals, &f->err), 0);
	assert_int_equal(totals.mails, 2);
	assert_int_equal(totals.parts, 1);
	assert_int_equal(totals.uses, 2);
	fixture_holds(f, &a.id, str_view(&one));
	fixture_holds(f, &b.id, str_view(&two));
}

#define IN_ARCHIVE(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_mail_by_many_ways_in_any_order_is_one_mail),
		IN_ARCHIVE(the_same_sighting_again_leaves_no_record),
		IN_ARCHIVE(other_content_under_the_same_message_id_flags_both),
		IN_ARCHIVE(mails_without_a_message_id_are_never_flagged),
		IN_ARCHIVE(a_part_in_two_mails_is_kept_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
