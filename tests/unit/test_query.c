/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/search/query.h"

#include "app/search/query_priv.h"
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

static void dump(struct str *s, const struct node *n)
{
	static const char *const names[] = {"and",    "or",   "not",    "words", "date", "size",
					    "medium", "mark", "source", "id",    "msgid"};
	char uuid[UUID_TEXT + 1];

	str_addf(s, "(%s", names[n->kind]);
	if (n->columns != NULL)
		str_addf(s, " %s", n->columns);
	if (n->text.data != NULL)
		str_addf(s, " [%.*s]%s", (int)n->text.len, n->text.data, n->prefix ? "*" : "");
	if (n->kind == NODE_SIZE || n->kind == NODE_MEDIUM || n->kind == NODE_MARK)
		str_addf(s, " %lld %lld", (long long)n->from, (long long)n->to);
	if (n->kind == NODE_DATE) {
		str_addc(s, ' ');
		if (n->from == INT64_MIN)
			str_addc(s, '-');
		else
			clock_add_utc(s, n->from);
		str_addc(s, ' ');
		if (n->to == INT64_MAX)
			str_addc(s, '-');
		else
			clock_add_utc(s, n->to);
	}
	if (n->kind == NODE_ID)
		str_addf(s, " %s", uuid_text(&n->id, uuid));
	for (const struct node *child = n->child; child != NULL; child = child->next) {
		str_addc(s, ' ');
		dump(s, child);
	}
	str_addc(s, ')');
}

static void means(const char *text, const char *tree)
{
	CLEAN(query) q = NULL;
	CLEAN_STR s = STR_INIT;
	struct err err = {0};

	if (query_parse(VIEW(text), &q, &err) < 0)
		fail_msg("%s: %s", text, err.text);
	if (q->root != NULL)
		dump(&s, q->root);
	assert_string_equal(s.data, tree);
}

static void is_refused(const char *text, const char *message)
{
	CLEAN(query) q = NULL;
	struct err err = {0};

	assert_int_equal(query_parse(VIEW(text), &q, &err), -1);
	assert_int_equal(err.kind, ERR_SYNTAX);
	assert_string_equal(err.text, message);
	assert_null(q);
}

static void words_are_joined_by_and(void **state)
{
	(void)state;
	means("", "");
	means(" \t\n ", "");
	means("a", "(words [a])");
	means("a b  c", "(and (words [a]) (words [b]) (words [c]))");
	means("a AND b", "(and (words [a]) (words [b]))");
	means("and or not", "(and (words [and]) (words [or]) (words [not]))");
	means("\"erste mahnung\" rech*", "(and (words [erste mahnung]) (words [rech]*))");
	means("\"erste mahn\"*", "(words [erste mahn]*)");
}

static void or_binds_weaker_than_and(void **state)
{
	(void)state;
	means("a b OR c", "(or (and (words [a]) (words [b])) (words [c]))");
	means("a (b OR c) d", "(and (words [a]) (or (words [b]) (words [c])) (words [d]))");
	means("((a))", "(words [a])");
	means("f(x)", "(and (words [f]) (words [x]))");
}

static void a_dash_or_not_excludes(void **state)
{
	(void)state;
	means("-a", "(not (words [a]))");
	means("NOT a b", "(and (not (words [a])) (words [b]))");
	means("NOT NOT a", "(words [a])");
	means("a -(b c)", "(and (words [a]) (not (and (words [b]) (words [c]))))");
	means("-\"a b\"", "(not (words [a b]))");
	means("a-b", "(words [a-b])");
	means("NOT -a", "(words [a])");
	means("-from:anna", "(not (words sender [anna]))");
}

static void fields_take_a_word_a_phrase_or_a_group(void **state)
{
	(void)state;
	means("from:anna", "(words sender [anna])");
	means("FROM:Anna", "(words sender [Anna])");
	means("any:\"Anna M\"", "(words {sender rcpt cc bcc} [Anna M])");
	means("subject:(a OR b) c",
	      "(and (or (words subject [a]) (words subject [b])) (words [c]))");
	means("subject:(a -(b c))", "(and (words subject [a]) (not (and (words subject [b]) "
				    "(words subject [c]))))");
	means("is:(spam OR flagged)", "(or (mark 2 0) (mark 4 0))");
	means("file:inv*", "(words files [inv]*)");
	means("has:attachment", "(mark 1 0)");
	means("source:import medium:3", "(and (source [import]) (medium 3 4))");
	means("msgid:<a.b@c>", "(msgid [a.b@c])");
	means("id:0192F0A07C1E70008000000000000001", "(id 0192f0a0-7c1e-7000-8000-000000000001)");
}

static void any_other_colon_is_part_of_a_word(void **state)
{
	(void)state;
	means("Re: hallo", "(and (words [Re:]) (words [hallo]))");
	means("http://example.org/x", "(words [http://example.org/x])");
	means(":a", "(words [:a])");
}

static void a_term_without_letters_is_left_out(void **state)
{
	(void)state;
	means("---", "");
	means("a --- b", "(and (words [a]) (words [b]))");
	means("a OR -", "(words [a])");
	means("NOT ***", "");
	means("(. OR ,) b", "(words [b])");
	means("\"\" a", "(words [a])");
	means("subject:(a ...)", "(words subject [a])");
}

static void dates_are_local_and_may_be_short(void **state)
{
	(void)state;
	means("on:2024-05-17", "(date 2024-05-16T22:00:00Z 2024-05-17T22:00:00Z)");
	means("on:2024-02", "(date 2024-01-31T23:00:00Z 2024-02-29T23:00:00Z)");
	means("on:2023", "(date 2022-12-31T23:00:00Z 2023-12-31T23:00:00Z)");
	means("on:2024-12-31", "(date 2024-12-30T23:00:00Z 2024-12-31T23:00:00Z)");
	means("before:2024-5", "(date - 2024-04-30T22:00:00Z)");
	means("after:2024-02-29", "(date 2024-02-28T23:00:00Z -)");
}

static void sizes_have_units(void **state)
{
	(void)state;
	means("larger:10k", "(size 10241 9223372036854775807)");
	means("smaller:2M", "(size 0 2097152)");
	means("smaller:1G", "(size 0 1073741824)");
	means("larger:0", "(size 1 9223372036854775807)");
}

static void a_mistake_is_explained_and_pointed_at(void **state)
{
	(void)state;
	is_refused("from:",
		   "from: has no value; write it right behind the colon, as in from:anna.\n"
		   "  from:\n"
		   "       ^");
	is_refused("(a OR", "OR needs something on both sides.\n"
			    "  (a OR\n"
			    "     ^");
	is_refused("OR a", "OR needs something on both sides.\n  OR a\n  ^");
	is_refused("a OR OR b", "OR needs something on both sides.\n  a OR OR b\n    ^");
	is_refused("a AND", "AND needs something on both sides.\n  a AND\n    ^");
	is_refused("(a", "This parenthesis is never closed.\n  (a\n  ^");
	is_refused("a)", "This parenthesis was never opened.\n  a)\n   ^");
	is_refused(")", "There is nothing here to search for.\n  )\n  ^");
	is_refused("a ()", "There is nothing between these parentheses.\n  a ()\n    ^");
	is_refused("a \"b", "This quotation mark is never closed.\n  a \"b\n    ^");
	is_refused("a NOT", "NOT needs something behind it.\n  a NOT\n    ^");
	is_refused("m\xc3\xbcller is:new", "is: knows two values: spam and flagged.\n"
					   "  m\xc3\xbcller is:new\n"
					   "            ^");
	is_refused("has:fun", "has: knows one value: attachment.\n  has:fun\n      ^");
	is_refused(
		"from:(to:a)",
		"A field cannot stand inside the parentheses of from:.\n  from:(to:a)\n        ^");
	is_refused("subject:---", "subject: needs a word with letters or digits, as in "
				  "subject:invoice.\n  subject:---\n          ^");
	is_refused("subject:(...)", "subject: needs a word with letters or digits, as in "
				    "subject:invoice.\n  subject:(...)\n          ^");
}

static void impossible_values_are_refused(void **state)
{
	static const char *const wrong[] = {
		"on:2024-13",      "on:2024-00", "on:2023-02-29",     "on:2024-04-31",
		"on:24",           "on:2024-",   "on:2024-05-",       "on:tomorrow",
		"on:2024-05-17-3", "on:0000",    "larger:",           "larger:big",
		"larger:10kk",     "larger:10T", "larger:-1",         "larger:99999999999k",
		"medium:x",        "medium:1x",  "medium:9999999999", "id:123",
		"id:\"\""};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct query *q = NULL;
		struct err err = {0};

		if (query_parse(VIEW(wrong[i]), &q, &err) == 0)
			fail_msg("%s was taken", wrong[i]);
		assert_int_equal(err.kind, ERR_SYNTAX);
	}
}

static void a_long_query_is_shown_around_the_mistake(void **state)
{
	CLEAN_STR s = STR_INIT;
	struct query *q = NULL;
	struct err err = {0};

	(void)state;
	for (int i = 0; i < 50; i++)
		str_adds(&s, "w\xc3\xb6rter ");
	str_adds(&s, "on:never ");
	for (int i = 0; i < 50; i++)
		str_adds(&s, "w\xc3\xb6rter ");
	assert_int_equal(query_parse(str_view(&s), &q, &err), -1);
	assert_non_null(strstr(err.text, "\n  ..."));
	assert_non_null(strstr(err.text, "on:never"));
	assert_non_null(strstr(err.text, "...\n"));
	assert_int_equal(strlen(strrchr(err.text, '\n') + 1), 2 + 3 + 40 + 1);
}

static bool parses(const struct str *s)
{
	CLEAN(query) q = NULL;
	struct err err = {0};

	return query_parse(str_view(s), &q, &err) == 0;
}

static void a_query_has_bounds(void **state)
{
	CLEAN_STR s = STR_INIT;

	(void)state;
	for (int i = 0; i < 200; i++)
		str_adds(&s, "a ");
	assert_true(parses(&s));
	str_adds(&s, "a");
	assert_false(parses(&s));
	str_reset(&s);
	for (int i = 0; i < 50; i++)
		str_addc(&s, '(');
	str_addc(&s, 'a');
	for (int i = 0; i < 50; i++)
		str_addc(&s, ')');
	assert_true(parses(&s));
	str_reset(&s);
	for (int i = 0; i < 51; i++)
		str_addc(&s, '(');
	assert_false(parses(&s));
	str_reset(&s);
	for (int i = 0; i < 4096; i++)
		str_addc(&s, 'a');
	assert_true(parses(&s));
	str_addc(&s, 'a');
	assert_false(parses(&s));
}

static void words_to_mark_are_those_that_are_searched(void **state)
{
	CLEAN(query) q = NULL;
	CLEAN(arena) arena = arena_new();
	struct query_words words;
	struct err err = {0};

	(void)state;
	assert_int_equal(
		query_parse(VIEW("rechn* from:anna (a OR \"b c\") -x NOT (y) is:spam"), &q, &err),
		0);
	query_words(q, arena, &words);
	assert_int_equal(words.n, 4);
	assert_true(words.v[0].prefix && view_eq(words.v[0].text, VIEW("rechn")));
	assert_null(words.v[0].field);
	assert_string_equal(words.v[1].field, "from");
	assert_true(view_eq(words.v[3].text, VIEW("b c")));
}

static void a_mistake_has_its_place(void **state)
{
	size_t at = 99;

	(void)state;
	assert_false(query_mistake(VIEW("a (b)"), &at));
	assert_true(query_mistake(VIEW("\xc3\xbc after:x"), &at));
	assert_int_equal(at, 8);
	assert_true(query_mistake(VIEW("a b)"), &at));
	assert_int_equal(at, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_joined_by_and),
		cmocka_unit_test(or_binds_weaker_than_and),
		cmocka_unit_test(a_dash_or_not_excludes),
		cmocka_unit_test(fields_take_a_word_a_phrase_or_a_group),
		cmocka_unit_test(any_other_colon_is_part_of_a_word),
		cmocka_unit_test(a_term_without_letters_is_left_out),
		cmocka_unit_test(dates_are_local_and_may_be_short),
		cmocka_unit_test(sizes_have_units),
		cmocka_unit_test(a_mistake_is_explained_and_pointed_at),
		cmocka_unit_test(impossible_values_are_refused),
		cmocka_unit_test(a_long_query_is_shown_around_the_mistake),
		cmocka_unit_test(a_query_has_bounds),
		cmocka_unit_test(words_to_mark_are_those_that_are_searched),
		cmocka_unit_test(a_mistake_has_its_place),
	};

	setenv("TZ", "Europe/Berlin", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
