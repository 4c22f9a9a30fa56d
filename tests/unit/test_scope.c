/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/search/scope.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const uint64_t mail[] = {3, 17, 4};

static void who_may_see_all_sees_mail_without_addresses_too(void **state)
{
	const struct scope scope = SCOPE_ALL;

	(void)state;
	assert_true(scope_sees(&scope, mail, 3));
	assert_true(scope_sees(&scope, NULL, 0));
}

static void a_person_sees_the_mail_of_his_addresses(void **state)
{
	const uint64_t own[] = {99, 17};
	const uint64_t others[] = {1, 2, 170};
	const struct scope scope = {.addresses = own, .n_addresses = 2};
	const struct scope stranger = {.addresses = others, .n_addresses = 3};

	(void)state;
	assert_true(scope_sees(&scope, mail, 3));
	assert_false(scope_sees(&scope, mail, 1));
	assert_false(scope_sees(&scope, NULL, 0));
	assert_false(scope_sees(&stranger, mail, 3));
}

static void who_has_no_address_sees_nothing(void **state)
{
	const struct scope scope = {0};

	(void)state;
	assert_false(scope_sees(&scope, mail, 3));
	assert_false(scope_sees(&scope, NULL, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_may_see_all_sees_mail_without_addresses_too),
		cmocka_unit_test(a_person_sees_the_mail_of_his_addresses),
		cmocka_unit_test(who_has_no_address_sees_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
