/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui-backend/route.h"
#include "ui-backend/uri.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct err err;

static int setup(void **state)
{
	*state = arena_new();
	return 0;
}

static int teardown(void **state)
{
	arena_free((struct arena **)state);
	return 0;
}

static int read_uri(void **state, const char *raw, struct uri *uri)
{
	err_clear(&err);
	return uri_read(*state, VIEW(raw), "/archive/", uri, &err);
}

static void assert_view(struct view v, const char *text)
{
	assert_int_equal(v.len, strlen(text));
	assert_memory_equal(v.data, text, v.len);
}

static void a_path_comes_apart_at_its_slashes(void **state)
{
	struct uri uri;

	assert_int_equal(read_uri(state, "/archive/api/v1/mails/a%20b?q=x", &uri), 1);
	assert_int_equal(uri.segments.n, 4);
	assert_view(uri.segments.v[0], "api");
	assert_view(uri.segments.v[3], "a b");
	assert_false(uri.ends_in_slash);
}

static void the_base_itself_is_the_page_with_and_without_its_slash(void **state)
{
	struct uri uri;

	assert_int_equal(read_uri(state, "/archive/", &uri), 1);
	assert_int_equal(uri.segments.n, 0);
	assert_true(uri.ends_in_slash);
	assert_int_equal(read_uri(state, "/archive", &uri), 1);
	assert_int_equal(uri.segments.n, 0);
	assert_false(uri.ends_in_slash);
}

static void what_is_outside_of_the_base_is_none_of_ours(void **state)
{
	struct uri uri;

	assert_int_equal(read_uri(state, "/", &uri), 0);
	assert_int_equal(read_uri(state, "/archives/x", &uri), 0);
	assert_int_equal(read_uri(state, "/%61rchive/x", &uri), 0);
	assert_int_equal(read_uri(state, "http://x/archive/", &uri), 0);
}

static void a_path_that_could_lead_elsewhere_is_refused(void **state)
{
	static const char *const bad[] = {
		"/archive//x",       "/archive/./x",         "/archive/../x",
		"/archive/%2e%2E/x", "/archive/a%2Fb",       "/archive/a%5cb",
		"/archive/a\\b",     "/archive/%00",         "/archive/a%0ab",
		"/archive/a%",       "/archive/a%4",         "/archive/a%g0",
		"/archive/%ff",      "/archive/%c0%af",      "/archive/%ed%a0%80",
		"/archive/a b",      "/archive/caf\xc3\xa9", "/archive/%e2%80%ae"};
	struct uri uri;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(read_uri(state, bad[i], &uri), -1);
		assert_int_equal(err.kind, ERR_SYNTAX);
	}
}

static void a_query_is_decoded_and_says_nothing_twice(void **state)
{
	struct uri uri;

	assert_int_equal(read_uri(state, "/archive/x?q=a+b%2Bc%0Ad&empty=&bare&u=%C3%A9", &uri), 1);
	assert_int_equal(uri.query.n, 4);
	assert_view(uri.query.v[0].value, "a b+c\nd");
	assert_view(uri.query.v[1].value, "");
	assert_view(uri.query.v[2].name, "bare");
	assert_view(uri.query.v[3].value, "\xc3\xa9");
	assert_int_equal(read_uri(state, "/archive/x?a=1&b=2&a=3", &uri), -1);
	assert_int_equal(read_uri(state, "/archive/x?a=%00", &uri), -1);
}

static void a_cookie_is_found_among_others(void **state)
{
	struct view v;

	(void)state;
	assert_int_equal(cookie_find(VIEW("a=b; sealpost=xyz; c=d"), "sealpost", &v), 1);
	assert_view(v, "xyz");
	assert_int_equal(cookie_find(VIEW("sealpost="), "sealpost", &v), 1);
	assert_view(v, "");
	assert_int_equal(cookie_find(VIEW("xsealpost=1; sealpostx=2; sealpost"), "sealpost", &v),
			 0);
	assert_int_equal(cookie_find(VIEW(""), "sealpost", &v), 0);
}

static void a_cookie_that_is_there_twice_was_planted(void **state)
{
	struct view v;

	(void)state;
	assert_int_equal(cookie_find(VIEW("sealpost=a; sealpost=b"), "sealpost", &v), 0);
}

static void a_host_loses_its_port_and_its_case(void **state)
{
	struct view v;

	assert_int_equal(host_read(*state, VIEW("Archive.Example:8443"), &v), 0);
	assert_view(v, "archive.example");
	assert_int_equal(host_read(*state, VIEW("[::1]:80"), &v), 0);
	assert_view(v, "[::1]");
	assert_int_equal(host_read(*state, VIEW("a.example."), &v), 0);
	assert_view(v, "a.example");
	assert_int_equal(host_read(*state, VIEW(""), &v), -1);
	assert_int_equal(host_read(*state, VIEW("[::1"), &v), -1);
	assert_int_equal(host_read(*state, VIEW("a b"), &v), -1);
	assert_int_equal(host_read(*state, VIEW("a/b"), &v), -1);
	assert_int_equal(host_read(*state, VIEW(":80"), &v), -1);
}

static void assert_disposition(const char *name, const char *expected)
{
	CLEAN_STR out = STR_INIT;

	disposition_add(&out, "attachment", VIEW(name), "mail.eml");
	assert_string_equal(out.data, expected);
}

static void a_name_from_a_mail_is_a_name_and_nothing_else(void **state)
{
	(void)state;
	assert_disposition("Rechnung.pdf",
			   "attachment; filename=\"Rechnung.pdf\"; filename*=UTF-8''Rechnung.pdf");
	assert_disposition("", "attachment; filename=\"mail.eml\"; filename*=UTF-8''mail.eml");
	assert_disposition("..", "attachment; filename=\"mail.eml\"; filename*=UTF-8''mail.eml");
	assert_disposition("M\xc3\xbcller.txt",
			   "attachment; filename=\"M_ller.txt\"; filename*=UTF-8''M%C3%BCller.txt");
	assert_disposition("../../etc/passwd", "attachment; filename=\"_.._etc_passwd\"; "
					       "filename*=UTF-8''_.._etc_passwd");
	assert_disposition("C:\\x\"y\"", "attachment; filename=\"C__x_y_\"; "
					 "filename*=UTF-8''C__x_y_");
}

static void no_name_ends_its_line(void **state)
{
	CLEAN_STR out = STR_INIT;

	(void)state;
	disposition_add(&out, "inline", VIEW("a\r\nSet-Cookie: x=y\xe2\x80\xae\xff.pdf"), "x");
	for (size_t i = 0; i < out.len; i++)
		assert_true(out.data[i] >= ' ' && out.data[i] < 0x7f);
	assert_null(strstr(out.data, "\r"));
}

static void a_name_that_is_too_long_keeps_its_end(void **state)
{
	CLEAN_STR name = STR_INIT;
	CLEAN_STR out = STR_INIT;

	(void)state;
	for (int i = 0; i < 300; i++)
		str_adds(&name, "\xc3\xbc");
	str_adds(&name, ".pdf");
	disposition_add(&out, "attachment", str_view(&name), "x");
	assert_non_null(strstr(out.data, ".pdf\""));
	assert_true(out.len < 800);
}

static int find(enum api_method method, struct view *segments, size_t n, const struct route **route,
		struct route_params *params)
{
	return route_find(method, segments, n, route, params);
}

static void a_route_is_found_by_its_method_and_its_path(void **state)
{
	struct view session[] = {VIEW("session")}, none[] = {VIEW("session"), VIEW("x")};
	const struct route *route;
	struct route_params params;
	CLEAN_STR allowed = STR_INIT;

	(void)state;
	assert_int_equal(find(METHOD_GET, session, 1, &route, &params), 1);
	assert_string_equal(route->name, "get_session");
	assert_int_equal(find(METHOD_PATCH, session, 1, &route, &params), 0);
	assert_non_null(route);
	assert_int_equal(find(METHOD_GET, none, 2, &route, &params), 0);
	assert_null(route);
	assert_int_equal(find(METHOD_GET, NULL, 0, &route, &params), 0);
	assert_null(route);
	route_methods(session, 1, &allowed);
	assert_true(view_starts(str_view(&allowed), "GET, "));
}

static void no_two_routes_are_the_same(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_routes; i++)
		for (size_t k = i + 1; k < n_routes; k++)
			assert_false(routes[i].method == routes[k].method &&
				     strcmp(routes[i].path, routes[k].path) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_path_comes_apart_at_its_slashes, setup, teardown),
		cmocka_unit_test_setup_teardown(
			the_base_itself_is_the_page_with_and_without_its_slash, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_outside_of_the_base_is_none_of_ours, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_path_that_could_lead_elsewhere_is_refused, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_query_is_decoded_and_says_nothing_twice, setup,
						teardown),
		cmocka_unit_test(a_cookie_is_found_among_others),
		cmocka_unit_test(a_cookie_that_is_there_twice_was_planted),
		cmocka_unit_test_setup_teardown(a_host_loses_its_port_and_its_case, setup,
						teardown),
		cmocka_unit_test(a_name_from_a_mail_is_a_name_and_nothing_else),
		cmocka_unit_test(no_name_ends_its_line),
		cmocka_unit_test(a_name_that_is_too_long_keeps_its_end),
		cmocka_unit_test(a_route_is_found_by_its_method_and_its_path),
		cmocka_unit_test(no_two_routes_are_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
