/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/search/scope.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const uint64_t addresses[] = {3, 17, 4};
static const struct view domains[] = {{"example.org", 11}, {"example.net", 11}};
static const struct scope_place places[] = {{1, {"INBOX/7/1", 9}}, {2, {"", 0}}};
static const struct scope_mail mail = {5, 1000, addresses, 3, domains, 2, places, 2};
static const struct scope_mail bare = {.mail = 6, .sent_s = 1000};

static void who_may_see_all_sees_mail_without_addresses_too(void **state)
{
	const struct scope scope = SCOPE_ALL;

	(void)state;
	assert_true(scope_sees(&scope, &mail));
	assert_true(scope_sees(&scope, &bare));
}

static void a_person_sees_the_mail_of_his_addresses(void **state)
{
	const uint64_t own[] = {99, 17};
	const uint64_t others[] = {1, 2, 170};
	const struct scope scope = {.addresses = own, .n_addresses = 2};
	const struct scope stranger = {.addresses = others, .n_addresses = 3};

	(void)state;
	assert_true(scope_sees(&scope, &mail));
	assert_false(scope_sees(&scope, &bare));
	assert_false(scope_sees(&stranger, &mail));
}

static void who_has_no_address_sees_nothing(void **state)
{
	const struct scope scope = {0};

	(void)state;
	assert_true(scope_is_empty(&scope));
	assert_false(scope_sees(&scope, &mail));
	assert_false(scope_sees(&scope, &bare));
}

static void single_mails_are_seen_and_no_others(void **state)
{
	const uint64_t mails[] = {4, 5};
	const struct scope scope = {.mails = mails, .n_mails = 2};

	(void)state;
	assert_true(scope_sees(&scope, &mail));
	assert_false(scope_sees(&scope, &bare));
}

static void bounds_of_one_kind_are_joined_by_or_and_kinds_by_and(void **state)
{
	const struct view either[] = {VIEW("other.example"), VIEW("example.net")};
	const struct view part[] = {VIEW("ample.net"), VIEW("example.network")};
	struct scope scope = SCOPE_ALL;

	(void)state;
	scope.domains = either;
	scope.n_domains = 2;
	assert_true(scope_sees(&scope, &mail));
	assert_false(scope_sees(&scope, &bare));
	scope.until_s = 1000;
	assert_false(scope_sees(&scope, &mail));
	scope.until_s = 1001;
	scope.from_s = 1000;
	assert_true(scope_sees(&scope, &mail));
	scope.domains = part;
	assert_false(scope_sees(&scope, &mail));
}

static void a_folder_is_seen_with_what_lies_below_and_not_what_begins_alike(void **state)
{
	static const struct {
		uint64_t source;
		const char *folder;
		bool seen;
	} cases[] = {{1, "", true},       {1, "INBOX", true},  {1, "INBOX/7", true},
		     {2, "", true},       {1, "INBO", false},  {3, "", false},
		     {2, "INBOX", false}, {1, "INBOX/", false}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct scope_place place = {cases[i].source, VIEW(cases[i].folder)};
		const struct scope scope = {.all = true, .places = &place, .n_places = 1};

		assert_int_equal(scope_sees(&scope, &mail), cases[i].seen);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_may_see_all_sees_mail_without_addresses_too),
		cmocka_unit_test(a_person_sees_the_mail_of_his_addresses),
		cmocka_unit_test(who_has_no_address_sees_nothing),
		cmocka_unit_test(single_mails_are_seen_and_no_others),
		cmocka_unit_test(bounds_of_one_kind_are_joined_by_or_and_kinds_by_and),
		cmocka_unit_test(a_folder_is_seen_with_what_lies_below_and_not_what_begins_alike),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
