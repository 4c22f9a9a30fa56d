/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a directory's values mean. */
#include "tests/unit/fixture.h"

#include "app/access/directory_url.h"
#include "app/access/login/directory.h"

static struct arena *arena;

static int setup(void **state)
{
	(void)state;
	arena = arena_new();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

/* --- filters ---------------------------------------------------------------------------------- */

static void what_would_widen_a_filter_is_escaped(void **state)
{
	const struct view nul = {"a\0b", 3};

	(void)state;
	assert_string_equal(directory_filter(arena, "(uid=%s)", VIEW("*")), "(uid=\\2a)");
	assert_string_equal(directory_filter(arena, "(uid=%s)", VIEW("a)(b=\\*")),
			    "(uid=a\\29\\28b=\\5c\\2a)");
	assert_string_equal(directory_filter(arena, "(uid=%s)", nul), "(uid=a\\00b)");
	assert_string_equal(directory_filter(arena, "(uid=%s)", VIEW("j\xc3\xb6rg")),
			    "(uid=j\xc3\xb6rg)");
}

static void the_name_stands_wherever_it_belongs_and_is_not_looked_through_again(void **state)
{
	(void)state;
	assert_string_equal(directory_filter(arena, "(|(a=%s)(b=%s))", VIEW("%s")),
			    "(|(a=%s)(b=%s))");
	assert_string_equal(directory_filter(arena, "(|(a=%s)(b=%n))", VIEW("x")),
			    "(|(a=x)(b=%n))");
	assert_string_equal(directory_filter_all(arena, "(|(a=%s)(b=%s))"), "(|(a=*)(b=*))");
}

/* --- ids -------------------------------------------------------------------------------------- */

static void an_object_guid_reads_as_windows_shows_it(void **state)
{
	const struct view guid = {
		"\x8f\x04\x79\x3f\xcd\x42\x77\x4c\x84\x26\x83\x5c\xd9\xf8\xa3\xad", 16};

	(void)state;
	assert_string_equal(directory_guid(arena, guid), "3f79048f-42cd-4c77-8426-835cd9f8a3ad");
	assert_null(directory_guid(arena, (struct view){guid.data, 15}));
	assert_null(directory_guid(arena, VIEW("")));
}

static void the_primary_group_is_found_by_the_persons_own_sid(void **state)
{
	const char sid[] = "\x01\x02\0\0\0\0\0\x05"
			   "\x15\0\0\0"
			   "\x50\x04\0\0";

	(void)state;
	assert_string_equal(directory_sid_filter(arena, (struct view){sid, 16}, 513),
			    "(objectSid=\\01\\02\\00\\00\\00\\00\\00\\05\\15\\00\\00\\00"
			    "\\01\\02\\00\\00)");
	for (size_t len = 0; len < 16; len++)
		assert_null(directory_sid_filter(arena, (struct view){sid, len}, 513));
	assert_null(directory_sid_filter(arena, (struct view){"\x01\0\0\0\0\0\0\5", 8}, 513));
}

/* --- may it log in? --------------------------------------------------------------------------- */

enum { NOW_S = 1795000000 }; /* in November 2026 */

static const char *state_of(const char *control, const char *expires, const char *locked,
			    const char *shadow, const char *ns)
{
	const struct directory_state state = {VIEW(control), VIEW(expires), VIEW(locked),
					      VIEW(shadow), VIEW(ns)};

	return directory_disabled(&state, NOW_S);
}

static void who_is_disabled_locked_or_expired_may_not_log_in(void **state)
{
	(void)state;
	assert_string_equal(state_of("514", "", "", "", ""), "the account is disabled");
	assert_string_equal(state_of("66050", "", "", "", ""), "the account is disabled");
	assert_string_equal(state_of("", "132000000000000000", "", "", ""),
			    "the account has expired");
	assert_string_equal(state_of("", "", "000001010000Z", "", ""), "the account is locked");
	assert_string_equal(state_of("", "", "20260101000000Z", "", ""), "the account is locked");
	assert_string_equal(state_of("", "", "", "1", ""), "the account has expired");
	assert_string_equal(state_of("", "", "", "0", ""), "the account has expired");
	assert_string_equal(state_of("", "", "", "", "TRUE"), "the account is locked");
}

static void what_cannot_be_read_counts_as_locked(void **state)
{
	(void)state;
	assert_non_null(state_of("x", "", "", "", ""));
	assert_non_null(state_of("", "soon", "", "", ""));
	assert_non_null(state_of("", "", "", "never", ""));
	assert_non_null(state_of("", "", "", "", "perhaps"));
}

static void others_may(void **state)
{
	(void)state;
	assert_null(state_of("", "", "", "", ""));
	assert_null(state_of("512", "0", "", "-1", "false"));
	assert_null(state_of("66048", "9223372036854775807", "", "99999", "FALSE"));
	assert_null(state_of("", "140000000000000000", "", "", ""));
}

static void active_directory_tells_why_it_refuses_the_right_password(void **state)
{
	(void)state;
	assert_string_equal(directory_bind_reason("80090308: LdapErr: DSID-0C09044E, comment: "
						  "AcceptSecurityContext error, data 533, v4563"),
			    "the account is disabled");
	assert_null(directory_bind_reason("comment: AcceptSecurityContext error, data 52e, v4563"));
	assert_null(directory_bind_reason(""));
	assert_null(directory_bind_reason(NULL));
	assert_null(directory_bind_reason("x, data "));
}

/* --- where it is ------------------------------------------------------------------------------ */

static void assert_url(const char *text, const char *address)
{
	struct directory_url url;
	struct err err = {0};
	CLEAN_STR found = STR_INIT;

	if (directory_url_read(VIEW(text), &url, &err) == 0)
		directory_url_address(&url, &found);
	if (strcmp(found.data, address != NULL ? address : "") != 0)
		fail_msg("%s: %s", text, found.data);
}

static void an_address_has_a_scheme_a_host_and_perhaps_a_port(void **state)
{
	(void)state;
	assert_url("ldap://dc.firm.example", "dc.firm.example:389");
	assert_url("LDAPS://dc.firm.example/", "dc.firm.example:636");
	assert_url("ldaps://192.0.2.1:3269", "192.0.2.1:3269");
	assert_url("ldap://[2001:db8::1]", "[2001:db8::1]:389");
	assert_url("ldap://[2001:db8::1]:1389", "[2001:db8::1]:1389");
	assert_url("ldap://", NULL);
	assert_url("ldap:", NULL);
	assert_url("ldap:///", NULL);
	assert_url("ldap://x:", NULL);
	assert_url("ldap://x:1k", NULL);
	assert_url("ldap://x:65536", NULL);
	assert_url("ldap://x/dc=y", NULL);
	assert_url("ldap://[::1", NULL);
	assert_url("ldap://[::1]x", NULL);
	assert_url("ldap://[]", NULL);
	assert_url("ldapi:///x", NULL);
	assert_url("", NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(what_would_widen_a_filter_is_escaped),
		TEST(the_name_stands_wherever_it_belongs_and_is_not_looked_through_again),
		TEST(an_object_guid_reads_as_windows_shows_it),
		TEST(the_primary_group_is_found_by_the_persons_own_sid),
		TEST(who_is_disabled_locked_or_expired_may_not_log_in),
		TEST(what_cannot_be_read_counts_as_locked),
		TEST(others_may),
		TEST(active_directory_tells_why_it_refuses_the_right_password),
		TEST(an_address_has_a_scheme_a_host_and_perhaps_a_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
