/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/intake/fetch/names.h"
#include "app/intake/fetch/pattern.h"
#include "app/intake/fetch/protocol.h"
#include "app/intake/fetch/response.h"
#include "app/intake/fetch/sasl.h"
#include "app/intake/fetch/selected.h"
#include "app/intake/fetch/utf7.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* --- names ------------------------------------------------------------------------------------ */

static void both_ways(const char *wire, const char *text)
{
	CLEAN_STR out = STR_INIT;

	if (utf7_decode(VIEW(wire), &out) < 0)
		fail_msg("%s is not decoded", wire);
	assert_string_equal(out.data, text);
	str_reset(&out);
	assert_int_equal(utf7_encode(VIEW(text), &out), 0);
	assert_string_equal(out.data, wire);
}

static void mailbox_names_are_read_and_written_in_their_own_tongue(void **state)
{
	(void)state;
	both_ways("", "");
	both_ways("INBOX", "INBOX");
	both_ways("R&-D", "R&D");
	both_ways("&-", "&");
	both_ways("&-&-", "&&");
	both_ways("Entw&APw-rfe", "Entwürfe");
	both_ways("~peter/mail/&U,BTFw-/&ZeVnLIqe-",
		  "~peter/mail/台北/日本語"); /* RFC 3501, 5.1.3 */
	both_ways("&2D3eAA-", "😀");
	both_ways("a&2D3eAA-&-&AOQ-", "a😀&ä");
}

static void a_mailbox_name_that_is_written_another_way_is_not_decoded(void **state)
{
	static const char *const bad[] = {
		"&",      "&AOQ",  "&AOQ",  "&AO-",       "&AGE-",
		"&Jjo!-", "&2D0-", "&3gA-", "&AOQ-&AOQ-", "Entw\xC3\xBCrfe",
		"&AAo-",  "a\tb",  "&AOR-", "&AIA-",      "&",
		"\x7F",
	};
	CLEAN_STR out = STR_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		if (utf7_decode(VIEW(bad[i]), &out) == 0)
			fail_msg("%s became %s", bad[i], out.data);
		assert_int_equal(out.len, 0);
	}
	assert_int_equal(utf7_encode(VIEW("\xFF"), &out), -1);
	assert_int_equal(utf7_encode(VIEW("\xED\xA0\x80"), &out), -1);
	assert_int_equal(out.len, 0);
}

static void a_set_of_names_numbers_them_as_they_come(void **state)
{
	CLEAN(names) names = names_new();
	char text[16];
	size_t n;

	(void)state;
	for (size_t i = 0; i < 5000; i++) {
		snprintf(text, sizeof(text), "name %zu", i);
		assert_int_equal(names_put(names, VIEW(text)), i);
	}
	assert_int_equal(names_put(names, VIEW("name 17")), 17);
	assert_true(names_find(names, VIEW("name 4999"), &n) && n == 4999);
	assert_false(names_find(names, VIEW("name 5000"), &n));
	assert_true(view_eq(names_text(names, 4711), VIEW("name 4711")));
}

/* --- patterns --------------------------------------------------------------------------------- */

static bool wants(const char *pattern, const char *folder, const char *use)
{
	return pattern_wants(VIEW(pattern), VIEW(folder), VIEW(use));
}

static void a_pattern_chooses_folders_by_name_and_use(void **state)
{
	(void)state;
	assert_true(wants("", "INBOX", "") && wants(" \n", "Sent", "\\Sent"));
	assert_false(wants("", "Papierkorb", "\\Trash") || wants("", "x", "\\Junk") ||
		     wants("", "Entwürfe", "\\Drafts"));
	assert_true(wants("*", "Papierkorb", "\\Trash"));
	assert_true(wants("INBOX", "INBOX", "") && wants("inbox", "Inbox", ""));
	assert_false(wants("INBOX", "INBOX/a", "") || wants("Sent", "sent", ""));
	assert_true(wants("INBOX*&!*Private*", "INBOX/a/b", ""));
	assert_false(wants("INBOX*&!*Private*", "INBOX/Private/b", ""));
	assert_true(wants("a\nb & !c", "b", "") && wants("a\nb", "a", ""));
	assert_false(wants("a\nb", "c", ""));
	assert_true(wants("\\sent", "x", "\\Sent") && wants("!\\All", "x", ""));
	assert_true(wants("R\\&D", "R&D", "") && wants("\\*", "*", "") && wants("\\!a", "!a", ""));
	assert_false(wants("\\*", "x", ""));
	assert_true(wants("*a*b*c", "xxaxxbxxbxxc", ""));
	assert_false(wants("*a*b*c", "xxaxxbxxcx", ""));
	assert_false(wants("a*a*a*a*a*a*a*a*a*a*a*a*a*b",
			   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", ""));
}

static void a_pattern_with_a_mistake_is_refused(void **state)
{
	static const char *const bad[] = {"a&",      "&",      "!",      "a&!&b",
					  "\\Inbox", "a\nb&!", "!a\n!b", "x\n!a&!\\Junk\n!b"};
	struct err err = {0};

	(void)state;
	assert_int_equal(pattern_check(VIEW(""), &err), 0);
	assert_int_equal(pattern_check(VIEW("!\\Junk&!a\n\\Sent"), &err), 0);
	assert_int_equal(pattern_check(VIEW("INBOX*&!\\Sent\n\nR\\&D"), &err), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(pattern_check(VIEW(bad[i]), &err), -1);
		assert_int_equal(err.kind, ERR_SYNTAX);
	}
}

/* --- messages --------------------------------------------------------------------------------- */

static void a_message_is_read_as_it_was_written_and_no_other_way(void **state)
{
	struct fetch_job job = {
		.mode = FETCH_ALL,
		.host = VIEW("mail.example.org"),
		.port = 993,
		.verify = true,
		.actions = {{FETCH_DELETE, {NULL, 0}}, {FETCH_MOVE, VIEW("Archive")}},
		.mail_bytes = UINT64_MAX,
	};
	struct fetch_job again;
	struct fetch_done done;
	struct err err = {0};
	CLEAN_STR body = STR_INIT;
	CLEAN_STR twice = STR_INIT;

	(void)state;
	fetch_job_write(&body, &job);
	assert_int_equal(fetch_job_read(str_view(&body), &again, &err), 0);
	assert_true(view_eq(again.host, job.host) && again.verify && again.port == 993);
	assert_int_equal(again.actions[1].act, FETCH_MOVE);
	fetch_job_write(&twice, &again);
	assert_true(view_eq(str_view(&body), str_view(&twice)));
	for (size_t len = 0; len < body.len; len++)
		assert_int_equal(fetch_job_read((struct view){body.data, len}, &again, &err), -1);
	str_addc(&body, '\0');
	assert_int_equal(fetch_job_read(str_view(&body), &again, &err), -1);
	assert_int_equal(fetch_done_read(str_view(&body), &done, &err), -1);
	job.mode = (enum fetch_mode)3;
	str_reset(&body);
	fetch_job_write(&body, &job);
	assert_int_equal(fetch_job_read(str_view(&body), &again, &err), -1);
	assert_int_equal(err.kind, ERR_DAMAGED);
}

static void sasl_says_what_the_standards_have_as_examples(void **state)
{
	CLEAN_STR out = STR_INIT;

	(void)state;
	sasl_plain(VIEW("tim"), VIEW("tanstaaftanstaaf"), &out); /* RFC 4616, section 4 */
	assert_string_equal(out.data, "AHRpbQB0YW5zdGFhZnRhbnN0YWFm");
	str_reset(&out);
	sasl_oauthbearer(VIEW("user@example.com"),
			 VIEW("vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg=="),
			 VIEW("server.example.com"), 143, &out); /* RFC 7628, section 4.1 */
	assert_string_equal(out.data,
			    "bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcn"
			    "Q9MTQzAWF1dGg9QmVhcmVyIHZGOWRmdDRxbVRjMk52YjNSbGNrQmhiSFJoZG1semRHRXVZ"
			    "Mjl0Q2c9PQEB");
	str_reset(&out);
	sasl_xoauth2(VIEW("someuser@example.com"),
		     VIEW("ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg"), &out);
	assert_string_equal(out.data,
			    "dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRmdDR"
			    "xbVRjMk52YjNSbGNrQmhkSFJoZG1semRHRXVZMjl0Q2cBAQ==");
}

/* --- responses -------------------------------------------------------------------------------- */

static int begin(void *arg, uint64_t size_bytes, struct err *err)
{
	(void)err;
	str_addf(arg, "<%llu>", (unsigned long long)size_bytes);
	return 0;
}

static int put(void *arg, const void *bytes, size_t len, struct err *err)
{
	(void)err;
	str_add(arg, bytes, len);
	return 0;
}

static void dump(struct str *out, const struct imap_value *values, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct imap_value *v = &values[i];

		if (i > 0)
			str_addc(out, ' ');
		if (v->kind == IMAP_NIL)
			str_adds(out, "nil");
		else if (v->kind == IMAP_STREAMED)
			str_adds(out, "...");
		else if (v->kind == IMAP_STRING)
			str_addf(out, "'%.*s'", (int)v->text.len, v->text.data);
		else if (v->kind == IMAP_ATOM)
			str_addv(out, v->text);
		if (v->kind != IMAP_LIST)
			continue;
		str_addc(out, '(');
		dump(out, v->items, v->n);
		str_addc(out, ')');
	}
}

/* What a server sends, as responses that are dumped into OUT, content with them; the last result. */
static int hear(const char *sent, size_t len, bool content, struct str *out, struct err *err)
{
	int fds[2];
	struct conn *conn;
	struct imap_sink sink = {out, begin, put};
	struct imap_reader reader = {.arena = arena_new(), .sink = content ? &sink : NULL};
	struct imap_response r;
	int rc;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_int_equal(write(fds[1], sent, len), len);
	close(fds[1]);
	conn = conn_of_fd(fds[0]);
	reader.conn = conn;
	while ((rc = imap_read(&reader, &r, err)) > 0) {
		str_addf(out, "[%.*s]%llu %.*s ", (int)r.tag.len, r.tag.data,
			 (unsigned long long)r.number, (int)r.name.len, r.name.data);
		str_addf(out, "{%.*s|%.*s}%.*s", (int)r.code.len, r.code.data, (int)r.code_text.len,
			 r.code_text.data, (int)r.text.len, r.text.data);
		dump(out, r.values, r.n);
		str_addc(out, '\n');
	}
	conn_free(&conn);
	arena_free(&reader.arena);
	return rc;
}

static void means(const char *sent, const char *wanted)
{
	CLEAN_STR out = STR_INIT;
	struct err err = {0};

	if (hear(sent, strlen(sent), true, &out, &err) != 0)
		fail_msg("%s: %s", sent, err.text);
	assert_string_equal(out.data, wanted);
}

static void responses_are_read_with_literals_at_any_place(void **state)
{
	(void)state;
	means("* OK [UIDVALIDITY 17] it is \"so (\r\n", "[]0 OK {UIDVALIDITY|17}it is \"so (\n");
	means("A1 NO [TRYCREATE] no\r\n", "[A1]0 NO {TRYCREATE|}no\n");
	means("A1 OK\r\n+ go\r\n+\r\n", "[A1]0 OK {|}\n[]0  {|}go\n[]0  {|}\n");
	means("* 5 EXISTS\r\n* LIST (\\HasNoChildren) \"/\" NIL\r\n",
	      "[]5 EXISTS {|}\n[]0 LIST {|}(\\HasNoChildren) '/' nil\n");
	means("* LIST () NIL {5}\r\na\r\nb\" x\r\n", "[]0 LIST {|}() nil 'a\r\nb\"' x\n");
	means("* list () {1}\r\n/ \"q\\\"u\\\\\"\r\n", "[]0 list {|}() '/' 'q\"u\\'\n");
	means("* 1 FETCH (UID 9 BODY[] {7}\r\nA1 OK\r\n FLAGS ())\r\nA1 OK x\r\n",
	      "<7>A1 OK\r\n[]1 FETCH {|}(UID 9 BODY[] ... FLAGS ())\n[A1]0 OK {|}x\n");
	means("* 1 FETCH (BODY[] \"short\" BODY[HEADER.FIELDS (A B)] {2}\r\nxy UID 3)\r\n",
	      "<5>short[]1 FETCH {|}(BODY[] ... BODY[HEADER.FIELDS (A B)] 'xy' UID 3)\n");
	means("* 1 FETCH (BODY[] NIL)\r\n* 2 FETCH (BODY[] {0}\r\n)\r\n",
	      "[]1 FETCH {|}(BODY[] nil)\n<0>[]2 FETCH {|}(BODY[] ...)\n");
	means("* XFUTURE (((( {3}\r\n* A {2}\r\n)) junk\r\nA1 OK y\r\n",
	      "[]0 XFUTURE {|}\n[A1]0 OK {|}y\n");
}

static void breaks(const char *sent)
{
	CLEAN_STR out = STR_INIT;
	struct err err = {0};

	if (hear(sent, strlen(sent), false, &out, &err) != -1)
		fail_msg("%.60s: %s", sent, out.data);
	assert_true(err.kind == ERR_SYNTAX || err.kind == ERR_OFFLINE);
}

static void responses_that_break_the_grammar_or_the_limits_are_refused(void **state)
{
	static char endless[70000];

	(void)state;
	memset(endless, 'x', sizeof(endless) - 1);
	breaks(endless);
	memcpy(endless, "* LIST ", 7);
	memset(endless + 7, '(', 100);
	strcpy(endless + 107, "\r\n");
	breaks(endless);
	breaks("\r\n");
	breaks("*\r\n");
	breaks("* 99999999999 EXISTS\r\n");
	breaks("* 1 FETCH (UID 1\r\n");
	breaks("* 1 FETCH (UID 1))\r\n");
	breaks("* LIST () \"unclosed\r\n");
	breaks("* LIST () {99999999999999999999}\r\n");
	breaks("* LIST () {2000000}\r\n");
	breaks("* LIST () {-1}\r\n");
	breaks("* LIST () {10}\r\nshort");
	breaks("* 1 FETCH (BODY[] {3}\r\nabc)\r\n"); /* not asked for */
	breaks("* 1 FETCH (BODY[] \"abc\")\r\n");
	breaks("A1 FETCH (UID 1)\r\n");
	breaks("* X {3}\r\n");
}

static void numbers_and_dates_are_read_strictly(void **state)
{
	uint64_t n;
	int64_t t;

	(void)state;
	assert_true(imap_number(VIEW("4294967295"), UINT32_MAX, &n) == 0 && n == UINT32_MAX);
	assert_int_equal(imap_number(VIEW("4294967296"), UINT32_MAX, &n), -1);
	assert_int_equal(imap_number(VIEW(""), 5, &n), -1);
	assert_int_equal(imap_number(VIEW("1x"), 50, &n), -1);
	assert_true(imap_date(VIEW(" 5-Feb-2024 10:00:00 +0130"), &t) == 0 && t == 1707121800);
	assert_true(imap_date(VIEW("05-Feb-2024 10:00:00 -0130"), &t) == 0 && t == 1707132600);
	assert_int_equal(imap_date(VIEW("05-Foo-2024 10:00:00 -0130"), &t), -1);
	assert_int_equal(imap_date(VIEW("05-Feb-2024 10:00:00 0130"), &t), -1);
	assert_int_equal(imap_date(VIEW("05-Feb-2024 10:00:00 x0130"), &t), -1);
}

static void uids_become_a_set(void **state)
{
	static const uint32_t uids[] = {1, 2, 3, 7, 9, 10, 4294967295};
	CLEAN_STR out = STR_INIT;

	(void)state;
	assert_int_equal(selected_set(uids, 7, 100, &out), 7);
	assert_string_equal(out.data, "1:3,7,9:10,4294967295");
	str_reset(&out);
	assert_int_equal(selected_set(uids, 7, 2, &out), 2);
	assert_string_equal(out.data, "1:2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mailbox_names_are_read_and_written_in_their_own_tongue),
		cmocka_unit_test(a_mailbox_name_that_is_written_another_way_is_not_decoded),
		cmocka_unit_test(a_set_of_names_numbers_them_as_they_come),
		cmocka_unit_test(a_pattern_chooses_folders_by_name_and_use),
		cmocka_unit_test(a_pattern_with_a_mistake_is_refused),
		cmocka_unit_test(a_message_is_read_as_it_was_written_and_no_other_way),
		cmocka_unit_test(sasl_says_what_the_standards_have_as_examples),
		cmocka_unit_test(responses_are_read_with_literals_at_any_place),
		cmocka_unit_test(responses_that_break_the_grammar_or_the_limits_are_refused),
		cmocka_unit_test(numbers_and_dates_are_read_strictly),
		cmocka_unit_test(uids_become_a_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
