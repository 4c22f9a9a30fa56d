/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/mail/shown.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct shown shown;

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

static void show(void **state, const char *raw)
{
	mail_show(*state, VIEW(raw), &SHOWN_LIMITS_DEFAULT, &shown);
}

static void assert_view(struct view v, const char *text)
{
	if (!view_eq(v, VIEW(text)))
		fail_msg("\"%.*s\" is not \"%s\"", (int)v.len, v.data, text);
}

static bool has(struct view v, const char *text)
{
	return memmem(v.data, v.len, text, strlen(text)) != NULL;
}

static void plain_text_is_text_and_no_html(void **state)
{
	show(state, "From: a@example.org\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\n\nHallo\n");
	assert_view(shown.text, "Hallo\n");
	assert_int_equal(shown.html.len, 0);
	assert_int_equal(shown.fields.n, 2);
	assert_view(shown.fields.v[1].name, "Subject");
	assert_view(shown.fields.v[1].value, "Gr\xc3\xbc\xc3\x9f"
					     "e");
	assert_true(shown.parts[0].is_body);
}

static const char alternative[] =
	"Content-Type: multipart/alternative; boundary=b\n\n"
	"--b\nContent-Type: text/plain\n\nplain words\n"
	"--b\nContent-Type: multipart/related; boundary=r\n\n"
	"--r\nContent-Type: text/html; charset=iso-8859-1\n\n<p>gr\xfc\xdf"
	"e <img src=\"cid:x@y\"></p>\n"
	"--r\nContent-Type: image/png; name=i.png\nContent-ID: <x@y>\n"
	"Content-Transfer-Encoding: base64\n\naGFsbG8=\n--r--\n--b--\n";

static void of_alternatives_each_view_has_its_own(void **state)
{
	show(state, alternative);
	assert_view(shown.text, "plain words\n");
	assert_true(has(shown.html, "<p>gr\xc3\xbc\xc3\x9f"
				    "e <img"));
	assert_false(has(shown.html, "plain words"));
}

static void an_image_in_the_text_is_known_by_its_content_id(void **state)
{
	show(state, alternative);
	assert_int_equal(shown.mail.leaves.n, 3);
	assert_view(shown.parts[2].content_id, "x@y");
	assert_int_equal(shown.parts[2].size_bytes, 5);
	assert_false(shown.parts[2].is_body);
}

static void html_alone_can_be_read_as_text(void **state)
{
	show(state, "Content-Type: text/html\n\n<p>Hello <b>you</b></p><script>x()</script>\n");
	assert_view(shown.text, "Hello you\n");
	assert_true(has(shown.html, "<script>x()"));
}

static void plain_text_beside_html_is_shown_as_it_is(void **state)
{
	show(state, "Content-Type: multipart/mixed; boundary=b\n\n"
		    "--b\nContent-Type: text/html\n\n<p>one</p>\n"
		    "--b\nContent-Type: text/plain\n\na < b & c\n--b--\n");
	assert_true(has(shown.html, "<p>one</p>"));
	assert_true(has(shown.html, "<pre>a &lt; b &amp; c</pre>"));
	assert_true(has(shown.text, "one\na < b & c\n"));
}

static void an_attached_text_is_not_part_of_the_mail(void **state)
{
	show(state, "Content-Type: multipart/mixed; boundary=b\n\n"
		    "--b\n\nbody\n"
		    "--b\nContent-Type: text/plain; name=x.txt\n"
		    "Content-Disposition: attachment\n\nsecret\n--b--\n");
	assert_view(shown.text, "body\n");
	assert_false(shown.parts[1].is_body);
	assert_int_equal(shown.parts[1].size_bytes, 6);
}

static void a_message_inside_says_who_wrote_it(void **state)
{
	show(state, "Content-Type: multipart/mixed; boundary=b\n\n"
		    "--b\n\nlook at this\n"
		    "--b\nContent-Type: message/rfc822\n\nFrom: otto@example.org\n"
		    "Subject: inner\n\ninner text\n--b--\n");
	assert_true(has(shown.text, "look at this\n\nFrom: otto@example.org\nSubject: inner\n\n"
				    "inner text"));
}

static void text_ends_at_the_limit_and_says_so(void **state)
{
	const struct shown_limits limits = {.text_bytes = 8, .fields = 1, .field_bytes = 4};

	mail_show(*state, VIEW("A: 123456\nB: c\n\n0123456789\n"), &limits, &shown);
	assert_true(shown.cut);
	assert_true(shown.text.len <= 9);
	assert_int_equal(shown.fields.n, 1);
	assert_view(shown.fields.v[0].value, "123");
}

static void what_is_no_mail_shows_nothing_and_breaks_nothing(void **state)
{
	static const char *const odd[] = {
		"",
		"\n",
		"\n\n",
		":\n",
		"Content-Type: multipart/mixed; boundary=b\n\n--b",
		"Content-Type: multipart/alternative; boundary=b\n\n--b--\n",
		"Content-Type: message/rfc822\n\n",
		"Content-Type: message/rfc822"};

	for (size_t i = 0; i < sizeof(odd) / sizeof(*odd); i++)
		show(state, odd[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(plain_text_is_text_and_no_html, setup, teardown),
		cmocka_unit_test_setup_teardown(of_alternatives_each_view_has_its_own, setup,
						teardown),
		cmocka_unit_test_setup_teardown(an_image_in_the_text_is_known_by_its_content_id,
						setup, teardown),
		cmocka_unit_test_setup_teardown(html_alone_can_be_read_as_text, setup, teardown),
		cmocka_unit_test_setup_teardown(plain_text_beside_html_is_shown_as_it_is, setup,
						teardown),
		cmocka_unit_test_setup_teardown(an_attached_text_is_not_part_of_the_mail, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_message_inside_says_who_wrote_it, setup,
						teardown),
		cmocka_unit_test_setup_teardown(text_ends_at_the_limit_and_says_so, setup,
						teardown),
		cmocka_unit_test_setup_teardown(what_is_no_mail_shows_nothing_and_breaks_nothing,
						setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
