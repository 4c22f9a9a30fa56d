/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/intake/smtpd/data.h"

#include "tests/unit/fixture.h"

struct fed {
	bool over, bare;
	struct str mail;
	size_t left; /* bytes behind the end */
};

/* Piece by piece, as the network may cut it. */
static struct fed feed(struct view stream, const size_t *cuts, size_t n)
{
	struct fed o = {.mail = STR_INIT};
	struct data d = {0};
	size_t at = 0;

	for (size_t i = 0; i <= n && !o.over; i++) {
		size_t end = i < n ? cuts[i] : stream.len;
		struct view in = {stream.data + at, end - at}, piece;
		enum data_step step;

		while ((step = data_next(&d, &in, &piece)) == DATA_PIECE) {
			assert_true(piece.len > 0);
			str_addv(&o.mail, piece);
		}
		o.over = step == DATA_END;
		o.left = stream.len - end + in.len;
		assert_true(o.over || in.len == 0);
		at = end;
	}
	o.bare = d.bare;
	return o;
}

static void check_one(const struct fed *o, const char *mail, bool bare, size_t left)
{
	assert_true(o->over);
	assert_true(view_eq(str_view(&o->mail), VIEW(mail)));
	assert_int_equal(o->bare, bare);
	assert_int_equal(o->left, left);
}

/* In one piece, in every two and three, and byte by byte. */
static void check(const char *stream, const char *mail, bool bare, const char *behind)
{
	struct view in = VIEW(stream);
	size_t every[256];
	struct fed o;

	assert_true(in.len < 256);
	for (size_t i = 0; i <= in.len; i++)
		for (size_t j = i; j <= in.len; j++) {
			o = feed(in, (size_t[]){i, j}, 2);
			check_one(&o, mail, bare, strlen(behind));
			str_clear(&o.mail);
		}
	for (size_t i = 0; i < in.len; i++)
		every[i] = i;
	o = feed(in, every, in.len);
	check_one(&o, mail, bare, strlen(behind));
	str_clear(&o.mail);
}

static void only_a_dot_between_two_line_ends_ends_the_mail(void **state)
{
	(void)state;
	check("a\r\nb\r\n.\r\n", "a\r\nb\r\n", false, "");
	check("a\r\n.\r\nQUIT\r\n", "a\r\n", false, "QUIT\r\n");
	check("\r\n\r\n.\r\n", "\r\n\r\n", false, "");
}

static void an_empty_mail_is_one(void **state)
{
	(void)state;
	check(".\r\nMAIL", "", false, "MAIL");
}

static void a_dot_that_begins_a_line_goes_and_no_other(void **state)
{
	(void)state;
	check("..\r\n.a.\r\n a..\r\n.. \r\n.\r\n", ".\r\na.\r\n a..\r\n. \r\n", false, "");
}

static void a_lone_lf_ends_nothing_and_is_noted(void **state)
{
	(void)state;
	check("a\n.\nb\r\n.\r\n", "a\n.\nb\r\n", true, "");
	check("a\n.\r\nMAIL FROM:<x@y>\r\n.\r\n", "a\n.\r\nMAIL FROM:<x@y>\r\n", true, "");
	check("a\r\n.\nb\r\n.\r\n", "a\r\n\nb\r\n", true, "");
	check("\n.\r\n\r\n.\r\n", "\n.\r\n\r\n", true, "");
}

static void a_lone_cr_ends_nothing_and_is_noted(void **state)
{
	(void)state;
	check("a\r.\rb\r\n.\r\n", "a\r.\rb\r\n", true, "");
	check("a\r\r\n.\r\n", "a\r\r\n", true, "");
	check("a\r\n.\rb\r\n.\r\n", "a\r\n\rb\r\n", true, "");
	check("a\r\n.\r\r\n.\r\n", "a\r\n\r\r\n", true, "");
	check("a\r\n\r.\r\n.\r\n", "a\r\n\r.\r\n", true, "");
}

static void a_nul_is_a_byte_like_any_other(void **state)
{
	static const char stream[] = "a\0.\r\n\0\r\n.\r\n";
	struct fed o = feed((struct view){stream, sizeof(stream) - 1}, (size_t[]){0}, 0);

	(void)state;
	assert_true(o.over && !o.bare);
	assert_true(view_eq(str_view(&o.mail), (struct view){"a\0.\r\n\0\r\n", 8}));
	str_clear(&o.mail);
}

static void a_mail_without_its_end_goes_on(void **state)
{
	static const char *const streams[] = {"", "a", "a\r", "a\r\n", "a\r\n.", "a\r\n.\r"};

	(void)state;
	for (size_t i = 0; i < sizeof(streams) / sizeof(*streams); i++) {
		struct fed o = feed(VIEW(streams[i]), (size_t[]){0}, 0);

		assert_false(o.over);
		str_clear(&o.mail);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_a_dot_between_two_line_ends_ends_the_mail),
		cmocka_unit_test(an_empty_mail_is_one),
		cmocka_unit_test(a_dot_that_begins_a_line_goes_and_no_other),
		cmocka_unit_test(a_lone_lf_ends_nothing_and_is_noted),
		cmocka_unit_test(a_lone_cr_ends_nothing_and_is_noted),
		cmocka_unit_test(a_nul_is_a_byte_like_any_other),
		cmocka_unit_test(a_mail_without_its_end_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
