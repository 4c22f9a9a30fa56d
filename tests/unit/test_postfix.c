/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The pure parts of the hook in Postfix: lists, the plan, the state. tests/system/test_postfix_hook.py has the real Postfix. */
#include "app/postfix/plan.h"
#include "app/postfix/state.h"
#include "app/postfix/words.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

static int set_up(void **state)
{
	*state = arena_new();
	return 0;
}

static int tear_down(void **state)
{
	struct arena *arena = *state;

	arena_free(&arena);
	return 0;
}

/* --- words ------------------------------------------------------------------------------------- */

static void braces_hold_a_word_together(void **state)
{
	struct words words = words_of(*state, " inet:x:1,\t{ unix:y, default_action=accept }  $z,");

	assert_int_equal(words.n, 3);
	assert_true(view_eq(words.v[0], VIEW("inet:x:1")));
	assert_true(view_eq(words.v[1], VIEW("{ unix:y, default_action=accept }")));
	assert_true(view_eq(words.v[2], VIEW("$z")));
	assert_int_equal(words_of(*state, " , ").n, 0);
	/* a brace that is never closed takes the rest */
	assert_int_equal(words_of(*state, "a { b, c").n, 2);
}

static void what_is_ours_goes_and_the_rest_stays_as_it_was_written(void **state)
{
	struct arena *a = *state;
	const char *untouched = "a,  b { c }";

	assert_string_equal(words_foreign(a, "$sealpost_capture, a,  b { c }"), untouched);
	assert_string_equal(words_foreign(a, "a,  b { c }, ${sealpost_capture}"), untouched);
	assert_string_equal(words_foreign(a, "a,  $(sealpost_x) b { c }"), untouched);
	assert_string_equal(words_foreign(a, "$sealpost_capture"), "");
	assert_ptr_equal(words_foreign(a, untouched), untouched);
	assert_string_equal(words_first(a, "$sealpost_capture", " ", ", "), "$sealpost_capture");
	assert_string_equal(words_first(a, "x", "a b", ", "), "x, a b");
	assert_string_equal(words_last(a, "a b", "x", ","), "a b,x");
}

static void taking_back_gives_what_was_before_or_leaves_what_somebody_changed(void **state)
{
	static const struct {
		const char *before, *after, *now, *becomes;
	} cases[] = {
		{"a", "$sealpost_x, a", "$sealpost_x, a", "a"},
		{NULL, "$sealpost_x", "$sealpost_x", NULL},
		{"", "$sealpost_x", "$sealpost_x", ""},
		{"a", "$sealpost_x, a", "b, $sealpost_x, a", "b, a"},
		{NULL, "$sealpost_x", "$sealpost_x, b", "b"},
		{NULL, "yes", "no", "no"},
		{NULL, "yes", NULL, NULL},
		{"a", "a", "c", "c"},
		{NULL, NULL, "$sealpost_x,c", "c"},
		{"no_milters,x", "x", "x,y", "x,y,no_milters"},
		{"x", "x,no_address_mappings", "y,no_address_mappings,x", "y,x"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *got = words_taken_back(*state, cases[i].before, cases[i].after,
						   cases[i].now);

		if (cases[i].becomes == NULL)
			assert_null(got);
		else
			assert_string_equal(got, cases[i].becomes);
	}
}

/* --- the plan ----------------------------------------------------------------------------------- */

static void add_setting(struct arena *a, struct postfix_reading *r, const char *service,
			const char *name, const char *value)
{
	const struct postfix_setting setting = {service, name, value, value, true};

	ARENA_PUSH(a, r->settings, setting);
}

static void add_service(struct arena *a, struct postfix_reading *r, const char *address,
			const char *type, const char *program)
{
	const struct postfix_service service = {.id = arena_f(a, "%s/%s", address, type),
						.address = address,
						.type = type,
						.program = program,
						.chroot = 'y'};

	ARENA_PUSH(a, r->services, service);
}

static struct postfix_reading a_postfix(struct arena *a)
{
	struct postfix_reading r = {0};

	add_service(a, &r, "smtp", "inet", "smtpd");
	add_service(a, &r, "pickup", "unix", "pickup");
	add_service(a, &r, "smtp", "unix", "smtp");
	return r;
}

static const char *edit_of(const struct hook_plan *plan, const char *service, const char *name)
{
	for (size_t i = 0; i < plan->edits.n; i++) {
		const struct hook_edit *edit = &plan->edits.v[i];

		if ((service == NULL
			     ? edit->service == NULL
			     : edit->service != NULL && strcmp(edit->service, service) == 0) &&
		    (name == NULL ? edit->name == NULL
				  : edit->name != NULL && strcmp(edit->name, name) == 0))
			return edit->value;
	}
	return NULL;
}

static void a_bare_postfix_gets_the_capture_and_no_binder(void **state)
{
	const struct hook_plan_wish wish = {"archive.example", NULL};
	struct postfix_reading r = a_postfix(*state);
	struct hook_plan plan;
	struct err err = {0};

	assert_int_equal(hook_plan_make(&r, &wish, *state, &plan, &err), 0);
	assert_true(plan.captures && !plan.captures_filtered);
	assert_string_equal(edit_of(&plan, NULL, "smtpd_milters"), "$sealpost_capture");
	assert_string_equal(edit_of(&plan, NULL, "non_smtpd_milters"), "$sealpost_capture");
	assert_null(edit_of(&plan, NULL, "sealpost_binder"));
	assert_non_null(
		strstr(edit_of(&plan, "archive/unix", NULL), "archive unix - - y - 5 lmtp"));
	assert_non_null(strstr(plan.copies, "(archive\\.example|copy\\.invalid)"));
}

static void each_way_in_gets_the_capture_that_fits_it(void **state)
{
	const struct hook_plan_wish wish = {"archive.example", NULL};
	struct postfix_reading r = a_postfix(*state);
	struct hook_plan plan;
	struct err err = {0};

	add_setting(*state, &r, NULL, "smtpd_milters", "{ inet:x, default_action=accept }");
	add_setting(*state, &r, "smtp/inet", "content_filter", "scan:[127.0.0.1]:10024");
	add_service(*state, &r, "scan", "unix", "smtp");
	add_service(*state, &r, "127.0.0.1:10025", "inet", "smtpd");
	assert_int_equal(hook_plan_make(&r, &wish, *state, &plan, &err), 0);
	assert_true(plan.captures && plan.captures_filtered);
	assert_string_equal(edit_of(&plan, "smtp/inet", "smtpd_milters"),
			    "$sealpost_capture_filtered,$sealpost_others");
	assert_string_equal(edit_of(&plan, "smtp/inet", "receive_override_options"),
			    "no_address_mappings");
	assert_string_equal(edit_of(&plan, "127.0.0.1:10025/inet", "smtpd_milters"),
			    "$sealpost_binder,$sealpost_others");
	assert_string_equal(edit_of(&plan, NULL, "sealpost_others"),
			    "{ inet:x, default_action=accept }");
	assert_null(edit_of(&plan, "127.0.0.1:10025/inet", "receive_override_options"));
}

static void two_ways_back_are_one_too_many_unless_one_is_named(void **state)
{
	struct hook_plan_wish wish = {"archive.example", NULL};
	struct postfix_reading r = a_postfix(*state);
	struct hook_plan plan;
	struct err err = {0};

	add_setting(*state, &r, "smtp/inet", "content_filter", "scan:[127.0.0.1]:10024");
	add_service(*state, &r, "scan", "unix", "smtp");
	add_service(*state, &r, "127.0.0.1:10025", "inet", "smtpd");
	add_service(*state, &r, "localhost:10026", "inet", "smtpd");
	assert_int_equal(hook_plan_make(&r, &wish, *state, &plan, &err), -1);
	assert_int_equal(err.kind, ERR_UNSUPPORTED);
	wish.back = "localhost:10026/inet";
	assert_int_equal(hook_plan_make(&r, &wish, *state, &plan, &err), 0);
	assert_non_null(edit_of(&plan, "localhost:10026/inet", "smtpd_milters"));
	wish.back = "smtp/inet";
	assert_int_equal(hook_plan_make(&r, &wish, *state, &plan, &err), -1);
}

static void a_domain_is_small_letters_digits_dashes_and_dots(void **state)
{
	(void)state;
	assert_true(hook_is_domain("archive.example"));
	assert_false(hook_is_domain(""));
	assert_false(hook_is_domain("Archive.example"));
	assert_false(hook_is_domain("a b"));
	assert_false(hook_is_domain(".a"));
	assert_false(hook_is_domain("a..b"));
	assert_false(hook_is_domain("a}{"));
}

/* --- the state ---------------------------------------------------------------------------------- */

static struct hook_state *a_state(void)
{
	struct hook_state *s = hook_state_new();

	str_adds(&s->archive, "/var/lib/sealpost/default");
	str_adds(&s->domain, "archive.example");
	str_add(&s->before.main, "a\n\0b", 4);
	str_adds(&s->after.main, "main.cf-after 3\nx");
	str_adds(&s->after.master, "\n\n");
	return s;
}

static void a_state_comes_back_byte_for_byte(void **state)
{
	CLEAN(hook_state) s = a_state();
	CLEAN(hook_state) back = NULL;
	CLEAN_STR text = STR_INIT;
	struct err err = {0};

	(void)state;
	hook_state_write(s, &text);
	assert_int_equal(hook_state_parse(str_view(&text), &back, &err), 0);
	assert_true(config_eq(&s->before, &back->before));
	assert_true(config_eq(&s->after, &back->after));
	assert_string_equal(back->domain.data, "archive.example");
}

static void a_state_that_is_cut_anywhere_is_refused(void **state)
{
	CLEAN(hook_state) s = a_state();
	CLEAN_STR text = STR_INIT;

	(void)state;
	hook_state_write(s, &text);
	for (size_t len = 0; len < text.len; len++) {
		CLEAN(hook_state) back = NULL;
		struct err err = {0};

		assert_int_equal(hook_state_parse((struct view){text.data, len}, &back, &err), -1);
	}
}

static void a_state_of_a_newer_version_is_told_apart(void **state)
{
	CLEAN(hook_state) back = NULL;
	struct err err = {0};

	(void)state;
	assert_int_equal(hook_state_parse(VIEW("sealpost-postfix 2\n"), &back, &err), -1);
	assert_int_equal(err.kind, ERR_VERSION);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(braces_hold_a_word_together),
		TEST(what_is_ours_goes_and_the_rest_stays_as_it_was_written),
		TEST(taking_back_gives_what_was_before_or_leaves_what_somebody_changed),
		TEST(a_bare_postfix_gets_the_capture_and_no_binder),
		TEST(each_way_in_gets_the_capture_that_fits_it),
		TEST(two_ways_back_are_one_too_many_unless_one_is_named),
		TEST(a_domain_is_small_letters_digits_dashes_and_dots),
		TEST(a_state_comes_back_byte_for_byte),
		TEST(a_state_that_is_cut_anywhere_is_refused),
		TEST(a_state_of_a_newer_version_is_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
