/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/mail/journal.h"

#include "base/crypto.h"
#include "base/file.h"

#include <glib.h>
#include <json-c/json.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

enum { FILE_MAX = 16 * 1024 * 1024, CHANGED_COPIES = 500 };

/* What each sample in tests/data/journal is read as. */
static const struct sample {
	const char *file;
	int rc;
	size_t recipients, originals;
} samples[] = {
	{"all-lines.eml", 1, 4, 1},      {"utf16-base64.eml", 1, 4, 1},
	{"rights-managed.eml", 1, 4, 2}, {"undeliverable.eml", 1, 4, 1},
	{"exchange-2003.eml", 1, 4, 1},  {"undeliverable-header-only.eml", -1, 0, 0},
};

#define ORIGINAL "From: anna@firma.example\r\nSubject: Angebot\r\n\r\nText\r\n"
#define MARK "X-MS-Journal-Report:\r\n"
#define MULTIPART "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
#define MESSAGE "--b\r\nContent-Type: message/rfc822\r\n\r\n" ORIGINAL "\r\n"
#define REPORT(lines) MARK MULTIPART "--b\r\n\r\n" lines "\r\n" MESSAGE "--b--\r\n"

static struct arena *arena;
static struct journal_report report;
static struct err err;

static int start(void **state)
{
	(void)state;
	mail_init();
	arena = arena_new();
	return 0;
}

static int stop(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

static void assert_view(struct view v, const char *expected)
{
	CLEAN_STR s = STR_INIT;

	str_addv(&s, v);
	assert_string_equal(s.data, expected);
}

static void assert_text(struct view v)
{
	assert_non_null(v.data);
	assert_true(g_utf8_validate(v.data, (gssize)v.len, NULL));
	assert_null(memchr(v.data, '\0', v.len));
}

/* What holds for every report that was read. */
static void check_report(void)
{
	assert_text(report.sender);
	assert_text(report.on_behalf_of);
	assert_text(report.subject);
	assert_text(report.message_id);
	assert_text(report.label);
	assert_true(report.recipients.n > 0);
	for (size_t i = 0; i < report.recipients.n; i++) {
		const struct journal_recipient *r = &report.recipients.v[i];

		assert_true(r->addr.len > 0);
		assert_text(r->addr);
		assert_text(r->through);
		assert_true(r->through.len == 0 || r->way != JOURNAL_DIRECT);
	}
	for (size_t i = 0; i < report.others.n; i++)
		assert_text(report.others.v[i]);
	assert_true(report.originals.n > 0);
	for (size_t i = 0; i < report.originals.n; i++)
		assert_true(report.originals.v[i].len > 0);
}

/* The copy has the exact size, so that the sanitizer sees every step beyond the end. */
static int read_copy(struct view raw)
{
	char *copy;
	int rc;

	arena_reset(arena);
	err_clear(&err);
	copy = arena_get(arena, 1);
	if (raw.len > 0) {
		copy = malloc(raw.len);
		assert_non_null(copy);
		memcpy(copy, raw.data, raw.len);
	}
	rc = journal_read(arena, (struct view){copy, raw.len}, &report, &err);
	if (rc > 0)
		check_report();
	assert_int_equal(rc < 0, err.kind != ERR_NONE);
	for (size_t i = 0; i < report.originals.n; i++)
		report.originals.v[i] = arena_view(arena, report.originals.v[i]);
	if (raw.len > 0)
		free(copy);
	return rc;
}

static int read_text(const char *raw)
{
	return read_copy(VIEW(raw));
}

static void assert_recipient(size_t i, const char *addr, enum role role, enum journal_way way,
			     const char *through)
{
	const struct journal_recipient *r = &report.recipients.v[i];

	assert_true(i < report.recipients.n);
	assert_view(r->addr, addr);
	assert_int_equal(r->role, role);
	assert_int_equal(r->way, way);
	assert_view(r->through, through);
}

static void assert_refused(const char *raw, enum err_kind kind, const char *text)
{
	assert_int_equal(read_text(raw), -1);
	assert_int_equal(err.kind, kind);
	assert_string_equal(err.text, text);
}

/* False, and said so, when the tests were not started in the project's root. */
static bool read_sample(const char *file, struct str *raw)
{
	CLEAN_STR path = STR_INIT;

	str_addf(&path, "tests/data/journal/%s", file);
	if (file_read(path.data, FILE_MAX, raw, &err) == 0)
		return true;
	print_message("left out: no %s\n", path.data);
	return false;
}

/* ---- lines ---- */

static void assert_all_lines(void)
{
	assert_view(report.sender, "anna@firma.example");
	assert_view(report.on_behalf_of, "chef@firma.example");
	assert_view(report.subject, "Angebot für Kühlgeräte");
	assert_view(report.message_id, "4711@firma.example");
	assert_view(report.label, "Vertraulich");
	assert_recipient(0, "vertrieb@firma.example", ROLE_TO, JOURNAL_DIRECT, "");
	assert_recipient(1, "bert@firma.example", ROLE_CC, JOURNAL_EXPANDED,
			 "vertrieb@firma.example");
	assert_recipient(2, "carla@partner.example", ROLE_BCC, JOURNAL_FORWARDED,
			 "bert@firma.example");
	assert_recipient(3, "dora@firma.example", ROLE_ENVELOPE, JOURNAL_DIRECT, "");
	assert_int_equal(report.others.n, 0);
	assert_false(report.cut_short);
}

static void every_kind_of_line_is_read_in_any_charset_and_encoding(void **state)
{
	static const char *const files[] = {"all-lines.eml", "utf16-base64.eml",
					    "rights-managed.eml", "undeliverable.eml"};

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		CLEAN_STR raw = STR_INIT;

		if (!read_sample(files[i], &raw))
			return;
		assert_int_equal(read_copy(str_view(&raw)), 1);
		assert_all_lines();
	}
}

static void names_are_compared_without_case_and_blanks(void **state)
{
	(void)state;
	assert_int_equal(read_text(REPORT("SENDER : <A@b.example>\r\nmessage-id:\t<1@b.example>\r\n"
					  "bCC:c@b.example,expanded:D@b.example\r\n")),
			 1);
	assert_view(report.sender, "a@b.example");
	assert_view(report.message_id, "1@b.example");
	assert_recipient(0, "c@b.example", ROLE_BCC, JOURNAL_EXPANDED, "d@b.example");
	assert_int_equal(report.others.n, 0);
}

static void lines_may_be_folded_anywhere_between_words(void **state)
{
	(void)state;
	assert_int_equal(
		read_text(REPORT("Subject: one\r\n\ttwo\r\n To: not@me.example\r\n"
				 "To:\r\n a@b.example,\r\n Expanded:\r\n c@b.example\r\n")),
		1);
	assert_view(report.subject, "one two To: not@me.example");
	assert_int_equal(report.recipients.n, 1);
	assert_recipient(0, "a@b.example", ROLE_TO, JOURNAL_EXPANDED, "c@b.example");
}

static void unknown_lines_are_kept(void **state)
{
	(void)state;
	assert_int_equal(
		read_text(REPORT("X-New: one,\r\n two\r\nTo: a@b.example\r\nno field\r\n")), 1);
	assert_int_equal(report.others.n, 2);
	assert_view(report.others.v[0], "X-New: one, two");
	assert_view(report.others.v[1], "no field");
}

static void lines_half_understood_give_their_recipient_and_are_kept(void **state)
{
	(void)state;
	assert_int_equal(read_text(REPORT("To: a@b.example, Moved: list@b.example\r\n"
					  "To: c@b.example, Expanded: <>\r\n"
					  "Cc: d@b.example, Expanded: e@b.example, "
					  "Forwarded: f@b.example\r\n")),
			 1);
	assert_int_equal(report.recipients.n, 3);
	assert_recipient(0, "a@b.example", ROLE_TO, JOURNAL_DIRECT, "");
	assert_recipient(2, "d@b.example", ROLE_CC, JOURNAL_EXPANDED, "e@b.example");
	assert_int_equal(report.others.n, 3);
	assert_view(report.others.v[0], "To: a@b.example, Moved: list@b.example");
}

static void a_quoted_comma_is_part_of_the_address(void **state)
{
	(void)state;
	assert_int_equal(
		read_text(REPORT("To: \"x, Expanded: y\"@b.example, Expanded: z@b.example\r\n")),
		1);
	assert_int_equal(report.recipients.n, 1);
	assert_recipient(0, "\"x, expanded: y\"@b.example", ROLE_TO, JOURNAL_EXPANDED,
			 "z@b.example");
}

static void the_first_of_two_equal_lines_counts_and_the_other_is_kept(void **state)
{
	(void)state;
	assert_int_equal(read_text(REPORT("Sender: a@b.example\r\nSender: x@b.example\r\n"
					  "Message-ID: <1@b>\r\nMessage-ID: <2@b>\r\n"
					  "Subject: s\r\nSubject: t\r\nTo: a@b.example\r\n")),
			 1);
	assert_view(report.sender, "a@b.example");
	assert_view(report.message_id, "1@b");
	assert_view(report.subject, "s");
	assert_int_equal(report.others.n, 3);
}

static void a_bounce_has_an_empty_sender(void **state)
{
	(void)state;
	assert_int_equal(read_text(REPORT("Sender: <>\r\nTo: a@b.example\r\n")), 1);
	assert_view(report.sender, "");
	assert_int_equal(report.others.n, 0);
}

static void exchange_2003_lists_its_recipients_below_one_name(void **state)
{
	CLEAN_STR raw = STR_INIT;

	(void)state;
	if (!read_sample("exchange-2003.eml", &raw))
		return;
	assert_int_equal(read_copy(str_view(&raw)), 1);
	assert_view(report.sender, "anna@alt.example");
	assert_view(report.message_id, "2003@alt.example");
	assert_int_equal(report.recipients.n, 4);
	assert_recipient(0, "bert@alt.example", ROLE_ENVELOPE, JOURNAL_DIRECT, "");
	assert_recipient(1, "carla@alt.example", ROLE_ENVELOPE, JOURNAL_DIRECT, "");
	assert_recipient(2, "dora@partner.example", ROLE_ENVELOPE, JOURNAL_DIRECT, "");
	assert_recipient(3, "emil@alt.example", ROLE_ENVELOPE, JOURNAL_DIRECT, "");
	assert_int_equal(report.others.n, 1);
	assert_view(report.others.v[0], "Gesendet vom Server ALT01");
}

static void lines_in_html_alone_are_read_too(void **state)
{
	(void)state;
	assert_int_equal(read_text(MARK MULTIPART "--b\r\nContent-Type: text/html\r\n\r\n"
						  "<p>Sender: a@b.example<br>To: c@b.example</p>"
						  "\r\n" MESSAGE "--b--\r\n"),
			 1);
	assert_view(report.sender, "a@b.example");
	assert_recipient(0, "c@b.example", ROLE_TO, JOURNAL_DIRECT, "");
}

/* ---- recognition ---- */

static void a_mail_without_a_marker_is_no_report(void **state)
{
	(void)state;
	assert_int_equal(read_text(""), 0);
	assert_int_equal(read_text("Subject: x\r\n\r\n" MARK), 0);
	assert_int_equal(read_text("Content-Identifier: other\r\n" MULTIPART MESSAGE), 0);
	assert_int_equal(read_text(MULTIPART "--b\r\n\r\nTo: a@b.example\r\n" MESSAGE), 0);
}

static void each_marker_is_known(void **state)
{
	static const char *const markers[] = {
		"X-MS-Journal-Report:",
		"x-ms-journal-report: ",
		"X-MS-Journal-Report: yes",
		"X-MS-Exchange-Organization-Journal-Report:",
		"Content-Identifier: ExJournalReport",
		"Content-Identifer:\r\n exjournalreport",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(markers) / sizeof(markers[0]); i++) {
		CLEAN_STR raw = STR_INIT;

		str_addf(&raw, "Subject: x\r\n%s\r\n%s", markers[i],
			 MULTIPART "--b\r\n\r\nTo: a@b.example\r\n" MESSAGE "--b--\r\n");
		assert_int_equal(read_copy(str_view(&raw)), 1);
	}
}

static void a_marked_mail_that_cannot_be_read_is_refused_with_the_reason(void **state)
{
	(void)state;
	assert_refused(MARK "\r\nText\r\n", ERR_SYNTAX,
		       "journal report without an attached message");
	assert_refused(MARK MULTIPART MESSAGE "--b--\r\n", ERR_SYNTAX,
		       "journal report without lines");
	assert_refused(REPORT("Sender: a@b.example\r\n"), ERR_SYNTAX,
		       "journal report that names no recipient");
	assert_refused(MARK MULTIPART "--b\r\n\r\nTo: a@b.example\r\n--b\r\n"
				      "Content-Type: message/rfc822\r\n\r\n--b--\r\n",
		       ERR_SYNTAX, "journal report with an empty message");
}

static void a_report_too_large_is_refused_rather_than_read_in_part(void **state)
{
	CLEAN_STR lines = STR_INIT;
	CLEAN_STR parts = STR_INIT;

	(void)state;
	str_adds(&lines, MARK MULTIPART "--b\r\n\r\nTo: a@b.example\r\n");
	for (size_t i = 0; i < 4 * 1024 * 1024 / 8; i++)
		str_adds(&lines, "X: \xc3\xa4\xc3\xa4\r\n");
	str_adds(&lines, MESSAGE "--b--\r\n");
	assert_refused(lines.data, ERR_TOOBIG, "journal report with more than 4 MiB of lines");
	str_adds(&parts, MARK MULTIPART "--b\r\n\r\nTo: a@b.example\r\n");
	for (size_t i = 0; i < 100; i++)
		str_adds(&parts, MESSAGE);
	assert_refused(parts.data, ERR_TOOBIG, "journal report of more than 100 parts");
}

/* ---- originals ---- */

static void the_original_comes_out_byte_by_byte(void **state)
{
	(void)state;
	assert_int_equal(read_text(REPORT("To: a@b.example\r\n")), 1);
	assert_int_equal(report.originals.n, 1);
	assert_view(report.originals.v[0], ORIGINAL);
	assert_false(report.cut_short);
}

static void an_original_in_base64_is_decoded(void **state)
{
	CLEAN_MEM char *encoded = g_base64_encode((const guchar *)ORIGINAL, strlen(ORIGINAL));
	CLEAN_STR raw = STR_INIT;

	(void)state;
	str_addf(&raw,
		 MARK MULTIPART "--b\r\n\r\nTo: a@b.example\r\n--b\r\nContent-Type: message/rfc822"
				"\r\nContent-Transfer-Encoding: base64\r\n\r\n%s\r\n--b--\r\n",
		 encoded);
	assert_int_equal(read_copy(str_view(&raw)), 1);
	assert_view(report.originals.v[0], ORIGINAL);
}

/* The structure pass counts parts; were those of the original counted, its end would be lost. */
static void no_structure_within_the_original_changes_where_it_ends(void **state)
{
	CLEAN_STR original = STR_INIT;
	CLEAN_STR raw = STR_INIT;

	(void)state;
	str_adds(&original, "Content-Type: multipart/mixed; boundary=c\r\n\r\n");
	for (size_t i = 0; i < 20000; i++)
		str_adds(&original, "--c\r\n\r\nx\r\n");
	str_addf(&raw,
		 MARK MULTIPART "--b\r\n\r\nTo: a@b.example\r\n--b\r\nContent-Type: message/rfc822"
				"\r\n\r\n%s\r\n--b--\r\n",
		 original.data);
	assert_int_equal(read_copy(str_view(&raw)), 1);
	assert_true(view_eq(report.originals.v[0], str_view(&original)));
}

static void a_rights_managed_mail_gives_its_copy_and_the_protected_mail(void **state)
{
	CLEAN_STR raw = STR_INIT;

	(void)state;
	if (!read_sample("rights-managed.eml", &raw))
		return;
	assert_int_equal(read_copy(str_view(&raw)), 1);
	assert_int_equal(report.originals.n, 2);
	assert_non_null(memmem(report.originals.v[0].data, report.originals.v[0].len,
			       "Das Angebot kommt morgen.\r\n", 27));
	assert_non_null(memmem(report.originals.v[1].data, report.originals.v[1].len,
			       "\r\n--rpmsg--\r\n", 13));
}

static void the_frame_is_all_that_came_but_the_attached_mails(void **state)
{
	static const struct {
		const char *file, *says;
	} rows[] = {{"all-lines.eml", "Bcc: "},
		    {"rights-managed.eml", "Sender: "},
		    {"undeliverable.eml", "multipart/report"}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		CLEAN_STR raw = STR_INIT;
		size_t whole;

		if (!read_sample(rows[i].file, &raw))
			return;
		assert_int_equal(read_copy(str_view(&raw)), 1);
		whole = report.frame.len;
		for (size_t o = 0; o < report.originals.n; o++)
			whole += report.originals.v[o].len;
		assert_int_equal(whole, raw.len);
		assert_non_null(memmem(report.frame.data, report.frame.len, rows[i].says,
				       strlen(rows[i].says)));
	}
}

static void a_report_within_a_report_stays_one(void **state)
{
	static const char inner[] = REPORT("To: a@b.example\r\n");
	CLEAN_STR raw = STR_INIT;

	(void)state;
	str_addf(&raw,
		 MARK "Content-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\n\r\n"
		      "To: c@b.example\r\n--o\r\nContent-Type: message/rfc822\r\n\r\n%s\r\n--o--",
		 inner);
	assert_int_equal(read_copy(str_view(&raw)), 1);
	assert_recipient(0, "c@b.example", ROLE_TO, JOURNAL_DIRECT, "");
	assert_view(report.originals.v[0], inner);
	assert_int_equal(read_copy(report.originals.v[0]), 1);
}

static void a_report_that_returned_without_its_content_is_refused(void **state)
{
	CLEAN_STR raw = STR_INIT;

	(void)state;
	if (!read_sample("undeliverable-header-only.eml", &raw))
		return;
	assert_int_equal(read_copy(str_view(&raw)), -1);
	assert_int_equal(err.kind, ERR_SYNTAX);
}

static void the_bounce_of_another_mail_is_no_report(void **state)
{
	(void)state;
	assert_int_equal(
		read_text("Content-Type: multipart/report; boundary=b\r\n\r\n" MESSAGE "--b--\r\n"),
		0);
}

/* ---- damage ---- */

static void each_sample_is_read_as_told(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		CLEAN_STR raw = STR_INIT;

		if (!read_sample(samples[i].file, &raw))
			return;
		assert_int_equal(read_copy(str_view(&raw)), samples[i].rc);
		if (samples[i].rc < 0)
			continue;
		assert_int_equal(report.recipients.n, samples[i].recipients);
		assert_int_equal(report.originals.n, samples[i].originals);
		assert_false(report.cut_short);
	}
}

static void a_report_cut_anywhere_is_refused_or_says_so(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		CLEAN_STR raw = STR_INIT;

		if (!read_sample(samples[i].file, &raw))
			return;
		for (size_t len = 0; len < raw.len; len++) {
			if (read_copy((struct view){raw.data, len}) <= 0 || report.cut_short)
				continue;
			assert_int_equal(report.originals.n, samples[i].originals);
			assert_int_equal(report.recipients.n, samples[i].recipients);
		}
	}
}

static void a_report_with_bytes_changed_does_no_harm(void **state)
{
	unsigned seed = 1;

	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		CLEAN_STR raw = STR_INIT;

		if (!read_sample(samples[i].file, &raw))
			return;
		for (int copy = 0; copy < CHANGED_COPIES; copy++) {
			CLEAN_STR changed = STR_INIT;

			str_addv(&changed, str_view(&raw));
			for (int n = 1 + rand_r(&seed) % 8; n > 0; n--)
				changed.data[(size_t)rand_r(&seed) % changed.len] = (char)rand_r(
					&seed);
			read_copy(str_view(&changed));
		}
	}
}

/* ---- the corpus ---- */

static const char *corpus(void)
{
	const char *dir = getenv("SEALPOST_CORPUS");

	return dir != NULL && dir[0] != '\0' ? dir : "../shared/corpus";
}

static bool read_corpus(const char *folder, const char *file, struct str *raw)
{
	CLEAN_STR path = STR_INIT;

	str_addf(&path, "%s/%s/%s", corpus(), folder, file);
	if (file_read(path.data, FILE_MAX, raw, &err) == 0)
		return true;
	print_message("left out: no %s (SEALPOST_CORPUS)\n", path.data);
	return false;
}

static const char *member(struct json_object *object, const char *name)
{
	return json_object_get_string(json_object_object_get(object, name));
}

static void assert_member(struct view v, struct json_object *object, const char *name)
{
	if (member(object, name) != NULL)
		assert_view(v, member(object, name));
}

static enum role role_of(const char *type)
{
	return strcmp(type, "To") == 0    ? ROLE_TO
	       : strcmp(type, "Cc") == 0  ? ROLE_CC
	       : strcmp(type, "Bcc") == 0 ? ROLE_BCC
					  : ROLE_ENVELOPE;
}

static enum journal_way way_of(const char *via)
{
	if (via == NULL)
		return JOURNAL_DIRECT;
	return strcmp(via, "Expanded") == 0 ? JOURNAL_EXPANDED : JOURNAL_FORWARDED;
}

static void assert_recipients(struct json_object *list)
{
	if (list == NULL)
		return;
	assert_int_equal(report.recipients.n, json_object_array_length(list));
	for (size_t i = 0; i < report.recipients.n; i++) {
		struct json_object *one = json_object_array_get_idx(list, i);
		CLEAN_MEM char *addr = g_utf8_strdown(member(one, "addr"), -1);
		const char *source = member(one, "source");

		assert_recipient(i, addr, role_of(member(one, "type")), way_of(member(one, "via")),
				 source ? source : "");
	}
}

static bool is_original(struct view bytes, struct json_object *expected)
{
	struct hash hash = crypto_sha256(bytes.data, bytes.len);
	CLEAN_STR hex = STR_INIT;

	str_addhex(&hex, hash.b, sizeof(hash.b));
	return bytes.len == (size_t)json_object_get_int(
				    json_object_object_get(expected, "inner_bytes")) &&
	       strcmp(hex.data, member(expected, "inner_sha256")) == 0;
}

static void add_crlf_lines(struct str *out, struct view text, size_t line_max)
{
	struct view line;

	while (text.len > 0) {
		size_t n = text.len < line_max ? text.len : line_max;
		const char *lf = memchr(text.data, '\n', n);

		line = (struct view){text.data, lf ? (size_t)(lf - text.data) : n};
		str_addv(out, line);
		if (lf != NULL || line_max < SIZE_MAX)
			str_adds(out, "\r\n");
		n = line.len + (lf != NULL);
		text = (struct view){text.data + n, text.len - n};
	}
}

/* The corpus gives the digest of what was sent: with CRLF where a relay made it LF, still encoded
 * where it came in base64, and without the last line end of a report cut off. */
static void assert_original(struct json_object *expected)
{
	struct view original = report.originals.v[0];
	CLEAN_MEM char *encoded = g_base64_encode((const guchar *)original.data, original.len);
	CLEAN_STR crlf = STR_INIT;
	CLEAN_STR base64 = STR_INIT;

	add_crlf_lines(&crlf, original, SIZE_MAX);
	add_crlf_lines(&base64, VIEW(encoded), 76);
	if (report.cut_short)
		original.len -= 2;
	assert_int_equal(report.originals.n, 1);
	assert_true(is_original(original, expected) || is_original(str_view(&crlf), expected) ||
		    is_original(str_view(&base64), expected));
}

static void the_written_reports_of_the_corpus_give_what_they_tell(void **state)
{
	CLEAN_STR text = STR_INIT;
	struct json_object *all;

	(void)state;
	if (!read_corpus("02-journal-synthetic", "expected.json", &text))
		return;
	all = json_tokener_parse(text.data);
	assert_non_null(all);
	json_object_object_foreach(all, file, expected)
	{
		CLEAN_STR raw = STR_INIT;
		CLEAN_STR id = STR_INIT;

		assert_true(read_corpus("02-journal-synthetic", file, &raw));
		assert_int_equal(read_copy(str_view(&raw)), 1);
		str_addf(&id, "<%.*s>", (int)report.message_id.len, report.message_id.data);
		assert_member(report.sender, expected, "sender");
		assert_member(report.on_behalf_of, expected, "on_behalf_of");
		assert_member(report.subject, expected, "subject");
		assert_member(str_view(&id), expected, "message_id");
		assert_recipients(json_object_object_get(expected, "recipients"));
		assert_original(expected);
		assert_int_equal(report.others.n, 0);
		assert_int_equal(report.cut_short, strcmp(file, "23-truncated.eml") == 0);
	}
	json_object_put(all);
}

static void the_real_reports_of_the_corpus_tell_of_the_mail_within(void **state)
{
	static const struct {
		const char *file, *sender, *recipient;
	} rows[] = {
		{"extra_message_id.email.rfc822.eml", "jrobinson@company.com",
		 "ashphish@integraldefense.com"},
		{"o365_journaled.email.rfc822.eml", "ap@someothercompany.com",
		 "lulu.zingzing@company.com"},
		{"pdf_attachment.email.rfc822.eml", "unixfreak0037@gmail.com",
		 "jwdavison@company.com"},
		{"phish_me.email.rfc822.eml", "cware@company.com", "valvphish@integraldefense.com"},
	};
	struct mail_limits limits = MAIL_LIMITS_DEFAULT;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		CLEAN_STR raw = STR_INIT;
		struct mail mail;

		if (!read_corpus("01-journal-real", rows[i].file, &raw))
			return;
		assert_int_equal(read_copy(str_view(&raw)), 1);
		assert_view(report.sender, rows[i].sender);
		assert_int_equal(report.recipients.n, 1);
		assert_recipient(0, rows[i].recipient, ROLE_ENVELOPE, JOURNAL_DIRECT, "");
		assert_int_equal(report.originals.n, 1);
		assert_int_equal(report.others.n, 0);
		assert_false(report.cut_short);
		mail_parse(arena, report.originals.v[0], &limits, &mail);
		assert_true(view_eq(mail.message_id, report.message_id));
		assert_true(view_eq(mail.subject, report.subject));
	}
}

#define T(name) cmocka_unit_test(name)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		T(every_kind_of_line_is_read_in_any_charset_and_encoding),
		T(names_are_compared_without_case_and_blanks),
		T(lines_may_be_folded_anywhere_between_words),
		T(unknown_lines_are_kept),
		T(lines_half_understood_give_their_recipient_and_are_kept),
		T(a_quoted_comma_is_part_of_the_address),
		T(the_first_of_two_equal_lines_counts_and_the_other_is_kept),
		T(a_bounce_has_an_empty_sender),
		T(exchange_2003_lists_its_recipients_below_one_name),
		T(lines_in_html_alone_are_read_too),
		T(a_mail_without_a_marker_is_no_report),
		T(each_marker_is_known),
		T(a_marked_mail_that_cannot_be_read_is_refused_with_the_reason),
		T(a_report_too_large_is_refused_rather_than_read_in_part),
		T(the_original_comes_out_byte_by_byte),
		T(an_original_in_base64_is_decoded),
		T(no_structure_within_the_original_changes_where_it_ends),
		T(a_rights_managed_mail_gives_its_copy_and_the_protected_mail),
		T(the_frame_is_all_that_came_but_the_attached_mails),
		T(a_report_within_a_report_stays_one),
		T(a_report_that_returned_without_its_content_is_refused),
		T(the_bounce_of_another_mail_is_no_report),
		T(each_sample_is_read_as_told),
		T(a_report_cut_anywhere_is_refused_or_says_so),
		T(a_report_with_bytes_changed_does_no_harm),
		T(the_written_reports_of_the_corpus_give_what_they_tell),
		T(the_real_reports_of_the_corpus_tell_of_the_mail_within),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
