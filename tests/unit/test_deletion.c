/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/fixture.h"

#include "app/archive/deletion.h"
#include "app/archive/erase.h"
#include "app/access/reader_scope.h"

enum { ANNA = 11, OFFICER = 4 };

static uint64_t give(struct fixture *f, const char *word)
{
	CLEAN(arena) arena = arena_new();
	CLEAN_STR raw = STR_INIT;
	struct taken taken;

	str_addf(&raw, "From: anna@example.org\nSubject: %s\nMessage-ID: <%s@x>\n\n%s\n", word,
		 word, word);
	taken = fixture_take(f, &(struct arrival){.raw = str_view(&raw)});
	return fixture_row(f, arena, &taken.id).mail;
}

static void set_mode(struct fixture *f, enum deletion_mode mode)
{
	assert_int_equal(deletion_mode_set(archive_catalog(f->a), mode, &f->err), 0);
}

static int ask(struct fixture *f, uint64_t mail, uint64_t *request_r)
{
	const struct numbers mails = {&mail, 1, 1};

	err_clear(&f->err);
	return deletion_request(f->a, ANNA, &mails, VIEW("private"), request_r, &f->err);
}

static int decide(struct fixture *f, uint64_t person, uint64_t request, bool grant)
{
	err_clear(&f->err);
	return deletion_decide(f->a, person, request, grant, VIEW("as asked"), &f->err);
}

static struct request_row request_of(struct fixture *f, struct arena *arena, uint64_t request)
{
	struct request_row row;

	assert_int_equal(requests_get(archive_catalog(f->a), arena, request, &row, &f->err), 1);
	return row;
}

static void nobody_can_ask_while_deletion_is_off(void **state)
{
	struct fixture *f = *state;
	uint64_t request;

	assert_int_equal(ask(f, give(f, "one"), &request), -1);
	assert_int_equal(f->err.kind, ERR_SWITCHEDOFF);
	assert_int_equal(fixture_count(f, "one"), 1);
}

static void without_approval_mail_is_gone_at_once(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	uint64_t request;

	set_mode(f, DELETION_ON);
	assert_int_equal(ask(f, give(f, "one"), &request), 0);
	assert_int_equal(fixture_count(f, "one"), 0);
	assert_int_equal(request_of(f, arena, request).state, REQUEST_GRANTED);
	assert_false(request_of(f, arena, request).carried_out);
}

static void a_request_waits_for_somebody_else(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	uint64_t request;

	set_mode(f, DELETION_APPROVAL);
	assert_int_equal(ask(f, give(f, "one"), &request), 0);
	assert_int_equal(fixture_count(f, "one"), 1);
	assert_int_equal(decide(f, ANNA, request, true), -1);
	assert_int_equal(f->err.kind, ERR_OWN);
	assert_int_equal(fixture_count(f, "one"), 1);
	assert_int_equal(decide(f, OFFICER, request, true), 0);
	assert_int_equal(fixture_count(f, "one"), 0);
	assert_string_equal(request_of(f, arena, request).decision, "as asked");
	assert_int_equal(decide(f, OFFICER, request, false), -1);
	assert_int_equal(f->err.kind, ERR_EXISTS);
	assert_int_equal(decide(f, OFFICER, request + 1, true), -1);
	assert_int_equal(f->err.kind, ERR_NOTFOUND);
}

static void a_rejected_request_leaves_the_mail(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	uint64_t request;

	set_mode(f, DELETION_APPROVAL);
	assert_int_equal(ask(f, give(f, "one"), &request), 0);
	assert_int_equal(decide(f, OFFICER, request, false), 0);
	assert_int_equal(request_of(f, arena, request).state, REQUEST_REJECTED);
	assert_int_equal(fixture_count(f, "one"), 1);
}

static void a_hold_beats_everything(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	uint64_t one = give(f, "one"), two = give(f, "two"), request, hold;
	const struct numbers mails = {&one, 1, 1};
	struct mail_row row;

	set_mode(f, DELETION_APPROVAL);
	assert_int_equal(ask(f, one, &request), 0);
	assert_int_equal(hold_set(f->a, &mails, VIEW("lawsuit"), &hold, &f->err), 0);
	assert_int_equal(decide(f, OFFICER, request, true), -1);
	assert_int_equal(f->err.kind, ERR_HELD);
	assert_int_equal(request_of(f, arena, request).state, REQUEST_OPEN);
	assert_int_equal(ask(f, one, &request), -1);
	assert_int_equal(f->err.kind, ERR_HELD);
	err_clear(&f->err);
	mails_get(archive_catalog(f->a), arena, one, &row, &f->err);
	assert_int_equal(delete_mail(f->a, &row, 0, &f->err), -1);
	assert_int_equal(f->err.kind, ERR_HELD);
	assert_int_equal(ask(f, two, &request), 0);
	assert_int_equal(fixture_count(f, "one"), 1);
	err_clear(&f->err);
	assert_int_equal(hold_lift(f->a, hold, VIEW("settled"), &f->err), 0);
	assert_int_equal(hold_lift(f->a, hold, VIEW("settled"), &f->err), -1);
	assert_int_equal(f->err.kind, ERR_NOTFOUND);
	assert_int_equal(ask(f, one, &request), 0);
}

static void one_held_mail_keeps_all_of_a_request(void **state)
{
	struct fixture *f = *state;
	uint64_t both[] = {give(f, "one"), give(f, "two")}, request, hold;
	const struct numbers mails = {both, 2, 2}, held = {both + 1, 1, 1};

	set_mode(f, DELETION_ON);
	assert_int_equal(hold_set(f->a, &held, VIEW("lawsuit"), &hold, &f->err), 0);
	assert_int_equal(deletion_request(f->a, ANNA, &mails, VIEW("x"), &request, &f->err), -1);
	assert_int_equal(f->err.kind, ERR_HELD);
	assert_int_equal(fixture_count(f, "one OR two"), 2);
}

static void a_data_officer_sees_the_mails_of_open_requests_and_nothing_else(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	const struct person officer = {
		.person = OFFICER, .role = PERSON_ROLE_DATAOFFICER, .active = true};
	uint64_t one = give(f, "one"), request;
	struct scope scope;

	give(f, "two");
	set_mode(f, DELETION_APPROVAL);
	reader_scope(archive_catalog(f->a), arena, &officer, 0, &scope, &f->err);
	assert_true(scope_is_empty(&scope));
	assert_int_equal(ask(f, one, &request), 0);
	reader_scope(archive_catalog(f->a), arena, &officer, 0, &scope, &f->err);
	assert_int_equal(scope.n_mails, 1);
	assert_int_equal(scope.mails[0], one);
	assert_int_equal(decide(f, OFFICER, request, false), 0);
	reader_scope(archive_catalog(f->a), arena, &officer, 0, &scope, &f->err);
	assert_true(scope_is_empty(&scope));
}

static void a_request_is_carried_out_when_its_mails_are_erased(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	struct erase_report report;
	uint64_t request;

	set_mode(f, DELETION_ON);
	assert_int_equal(ask(f, give(f, "one"), &request), 0);
	assert_int_equal(erase_index(f->a, &report, &f->err), 0);
	assert_int_equal(erase_media(f->a, &report, &f->err), 0);
	assert_true(request_of(f, arena, request).carried_out);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nobody_can_ask_while_deletion_is_off),
		TEST(without_approval_mail_is_gone_at_once),
		TEST(a_request_waits_for_somebody_else),
		TEST(a_rejected_request_leaves_the_mail),
		TEST(a_hold_beats_everything),
		TEST(one_held_mail_keeps_all_of_a_request),
		TEST(a_data_officer_sees_the_mails_of_open_requests_and_nothing_else),
		TEST(a_request_is_carried_out_when_its_mails_are_erased),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
