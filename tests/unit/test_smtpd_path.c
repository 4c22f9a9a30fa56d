/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/intake/smtpd/path.h"

#include "tests/unit/fixture.h"

static void reads(const char *text, const char *address, const char *local, const char *domain)
{
	struct view rest = VIEW(text);
	struct path path;
	struct err err = {0};

	if (path_read(&rest, true, &path, &err) < 0)
		fail_msg("%s: %s", text, err.text);
	assert_true(view_eq(path.text, VIEW(address)));
	assert_true(view_eq(path.local, VIEW(local)));
	assert_true(view_eq(path.domain, VIEW(domain)));
}

static void refuses(const char *text)
{
	struct view rest = VIEW(text);
	struct path path;
	struct err err = {0};

	if (path_read(&rest, true, &path, &err) == 0)
		fail_msg("%s was read", text);
	assert_int_equal(err.kind, ERR_SYNTAX);
}

static void addresses_are_taken_apart(void **state)
{
	(void)state;
	reads("<a@b>", "a@b", "a", "b");
	reads("<a.b+c=d@ex-ample.org> SIZE=5", "a.b+c=d@ex-ample.org", "a.b+c=d", "ex-ample.org");
	reads("<a@[192.0.2.1]>", "a@[192.0.2.1]", "a", "[192.0.2.1]");
	reads("<a@[IPv6:2001:db8::1]>", "a@[IPv6:2001:db8::1]", "a", "[IPv6:2001:db8::1]");
	reads("<postmaster>", "postmaster", "postmaster", "");
	reads("<>", "", "", "");
	reads("<a..b.@x_y.example>", "a..b.@x_y.example", "a..b.", "x_y.example");
}

static void a_quoted_local_part_may_have_anything(void **state)
{
	(void)state;
	reads("<\"a b\"@c>", "\"a b\"@c", "\"a b\"", "c");
	reads("<\"a>@<\\\"\\\\b\"@c>", "\"a>@<\\\"\\\\b\"@c", "\"a>@<\\\"\\\\b\"", "c");
	reads("<\"\"@c>", "\"\"@c", "\"\"", "c");
}

static void a_source_route_is_dropped(void **state)
{
	(void)state;
	reads("<@one.example,@two.example:a@b>", "a@b", "a", "b");
	refuses("<@one.example>");
	refuses("<@one.example,two.example:a@b>");
	refuses("<@:a@b>");
}

static void what_is_no_address_is_refused(void **state)
{
	static const char *const wrong[] = {
		"",        "a@b",          "<a@b",    "a@b>",     "<a@>",      "<@b>",
		"<a b@c>", "<a@b c>",      "<a@b>x",  "<a@@b>",   "<a@b@c>",   "<\"a@b>",
		"<\"a\\",  "<\"a\"b@c>",   "<a@[1>",  "<a@1]>",   "<<a@b>>",   "<a,b@c>",
		"<a@b>>",  "<\"a\tb\"@c>", "<a@b\t>", "<(c)a@b>", "<a@[x[y]>", "<a;b@c>",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		refuses(wrong[i]);
}

static void reads_any(const char *text, const char *local, const char *domain, const char *left)
{
	struct view rest = VIEW(text);
	struct path path;

	assert_int_equal(path_read_any(&rest, &path), 0);
	assert_true(view_eq(path.local, VIEW(local)));
	assert_true(view_eq(path.domain, VIEW(domain)));
	assert_true(view_eq(rest, VIEW(left)));
}

static void whatever_stands_in_angle_brackets_is_taken_where_it_is_believed(void **state)
{
	static const char *const none[] = {"", "<", "a@b", "a@b>", "<a@b", "> <a@b", "<a>b"};
	struct path path;

	(void)state;
	reads_any("<a@b>", "a", "b", "");
	reads_any("<> SIZE=1", "", "", " SIZE=1");
	reads_any("<a b@c#d> BODY=7BIT", "a b", "c#d", " BODY=7BIT");
	reads_any("<a@b>c@\xe4>", "a@b>c", "\xe4", "");
	reads_any("<nobody>", "nobody", "", "");
	reads_any("<@>", "", "", "");
	reads_any("<\"a\\>", "\"a\\", "", "");
	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++) {
		struct view rest = VIEW(none[i]);

		assert_int_equal(path_read_any(&rest, &path), -1);
		assert_true(view_eq(rest, VIEW(none[i])));
	}
}

static void an_endless_address_is_refused(void **state)
{
	CLEAN_STR text = STR_INIT;

	(void)state;
	str_addc(&text, '<');
	for (size_t i = 0; i < PATH_MAX_BYTES - 1; i++)
		str_addc(&text, 'a');
	str_adds(&text, "@b>");
	refuses(text.data);
}

static void letters_beyond_ascii_need_smtputf8(void **state)
{
	struct view rest = VIEW("<m\xc3\xbcller@b\xc3\xbc.example>");
	struct path path;
	struct err err = {0};

	(void)state;
	reads(rest.data, "m\xc3\xbcller@b\xc3\xbc.example", "m\xc3\xbcller", "b\xc3\xbc.example");
	assert_int_equal(path_read(&rest, false, &path, &err), -1);
	assert_int_equal(err.kind, ERR_UNSUPPORTED);
	refuses("<m\xfcller@example.org>");
	refuses("<a\xc2\x80@example.org>"); /* a control character */
}

static void a_quoted_local_part_comes_out_of_its_quotes(void **state)
{
	CLEAN(arena) arena = arena_new();

	(void)state;
	assert_true(view_eq(path_unquote(arena, VIEW("a=b")), VIEW("a=b")));
	assert_true(view_eq(path_unquote(arena, VIEW("\"\\\"a b\\\"=relay.test\"")),
			    VIEW("\"a b\"=relay.test")));
	assert_true(view_eq(path_unquote(arena, VIEW("\"a\\\\b\"")), VIEW("a\\b")));
	assert_true(view_eq(path_unquote(arena, VIEW("\"\"")), VIEW("")));
}

static void parameters_come_one_by_one(void **state)
{
	struct view rest = VIEW("  SIZE=12  SMTPUTF8 ORCPT=rfc822;a+3Db@c"), name, value;

	(void)state;
	assert_int_equal(path_param(&rest, &name, &value), 1);
	assert_true(view_eq(name, VIEW("SIZE")) && view_eq(value, VIEW("12")));
	assert_int_equal(path_param(&rest, &name, &value), 1);
	assert_true(view_eq(name, VIEW("SMTPUTF8")) && value.len == 0);
	assert_int_equal(path_param(&rest, &name, &value), 1);
	assert_true(view_eq(name, VIEW("ORCPT")) && view_eq(value, VIEW("rfc822;a+3Db@c")));
	assert_int_equal(path_param(&rest, &name, &value), 0);
}

static void malformed_parameters_are_told(void **state)
{
	static const char *const wrong[] = {" =1", " SIZE=", " SIZE=1=2", " A,B", " A=\tb", " <x>"};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct view rest = VIEW(wrong[i]), name, value;

		assert_int_equal(path_param(&rest, &name, &value), -1);
	}
}

static void numbers_are_digits_and_nothing_else(void **state)
{
	static const char *const wrong[] = {
		"", "-1", "+1", " 1", "1k", "1 ", "99999999999999999999"};
	uint64_t n;

	(void)state;
	assert_int_equal(path_number(VIEW("0018446744073709551615"), &n), 0);
	assert_true(n == UINT64_MAX);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_int_equal(path_number(VIEW(wrong[i]), &n), -1);
}

static void xtext_is_decoded(void **state)
{
	CLEAN(arena) arena = arena_new();
	struct view out;

	(void)state;
	assert_int_equal(path_xtext(arena, VIEW("a+2Bb+3Dc"), &out), 0);
	assert_true(view_eq(out, VIEW("a+b=c")));
	assert_int_equal(path_xtext(arena, VIEW(""), &out), 0);
	assert_int_equal(out.len, 0);
	assert_int_equal(path_xtext(arena, VIEW("a+2"), &out), -1);
	assert_int_equal(path_xtext(arena, VIEW("a+zz"), &out), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_taken_apart),
		cmocka_unit_test(a_quoted_local_part_may_have_anything),
		cmocka_unit_test(a_source_route_is_dropped),
		cmocka_unit_test(what_is_no_address_is_refused),
		cmocka_unit_test(whatever_stands_in_angle_brackets_is_taken_where_it_is_believed),
		cmocka_unit_test(an_endless_address_is_refused),
		cmocka_unit_test(letters_beyond_ascii_need_smtputf8),
		cmocka_unit_test(a_quoted_local_part_comes_out_of_its_quotes),
		cmocka_unit_test(parameters_come_one_by_one),
		cmocka_unit_test(malformed_parameters_are_told),
		cmocka_unit_test(numbers_are_digits_and_nothing_else),
		cmocka_unit_test(xtext_is_decoded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
