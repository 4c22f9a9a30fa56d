/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/fixture.h"

#include "app/archive/export.h"
#include "app/intake/import/mailbox.h"
#include "base/file.h"

static void failed(void *arg, const struct uuid *id, const struct err *err)
{
	(void)arg, (void)id;
	fail_msg("%s", err->text);
}

static const struct export_watch watch = {.failed = failed};

static void export_all(struct fixture *f, enum export_format format, const char *to, uint64_t mails)
{
	struct scope all = SCOPE_ALL;
	struct export_report report;

	if (export_mails(f->a, (struct view){0}, &all, format, fixture_path(f, to), &watch, &report,
			 &f->err) < 0)
		fail_msg("%s", f->err.text);
	assert_int_equal(report.mails, mails);
	assert_int_equal(report.failed, 0);
}

static void read_all(struct fixture *f, const char *name, struct str *out)
{
	assert_int_equal(file_read(fixture_path(f, name), 1 << 26, out, &f->err), 0);
}

/* ---- mbox ---- */

static unsigned dice_state;

static unsigned dice(unsigned sides)
{
	dice_state = dice_state * 1103515245 + 12345;
	return (dice_state >> 16) % sides;
}

/* Of lines that mbox has trouble with. One ">>From " makes the file an mboxrd beyond doubt. */
static void make_mail(struct str *raw, int i)
{
	static const char *const lines[] = {"From anna@example.org Mon Jan  2 10:00:00 2023",
					    ">From here on",
					    "From ",
					    "from ",
					    ">>From there",
					    "",
					    "",
					    " From ",
					    "Subject: inner",
					    "Content-Length: 12",
					    "\xff\x80",
					    ">",
					    ">>>>>>>From x",
					    "From: y"};
	const char *eol = dice(4) ? "\n" : "\r\n";

	str_addf(raw,
		 "From: a@example.org%sMessage-ID: <%d@x>%sDate: Mon, 2 Jan 2023 10:%02d:00 "
		 "+0000%s%s",
		 eol, i, eol, i, eol, eol);
	for (unsigned n = dice(12); n > 0; n--)
		str_addf(raw, "%s%s", lines[dice(sizeof(lines) / sizeof(*lines))], eol);
	if (i == 0)
		str_addf(raw, ">From the first%s", eol);
}

static void an_mbox_gives_the_same_bytes_when_read_back(void **state)
{
	enum { MAILS = 40 };
	struct fixture *f = *state;
	CLEAN(mailbox) mailbox = NULL;
	CLEAN(taker) taker = taker_new(f->a, false);
	const char *path = fixture_path(f, "out/mails.mbox");
	struct found found;

	dice_state = 1;
	for (int i = 0; i < MAILS; i++) {
		CLEAN_STR raw = STR_INIT;

		make_mail(&raw, i);
		assert_int_equal(
			fixture_give(f, taker, &(struct arrival){.raw = str_view(&raw)}).outcome,
			OUTCOME_ARCHIVED);
	}
	export_all(f, EXPORT_MBOX, "out", MAILS);
	found_init(&found);
	assert_int_equal(mailbox_open(&path, 1, 1 << 20, &mailbox, &f->err), 0);
	dice_state = 1;
	for (int i = 0; i < MAILS; i++) {
		CLEAN_STR raw = STR_INIT;

		make_mail(&raw, i);
		assert_int_equal(mailbox_next(mailbox, &found, &f->err), 1);
		assert_int_equal(found.kind, FOUND_MAIL);
		if (!view_eq(str_view(&found.raw), str_view(&raw)))
			fail_msg("mail %d: \"%s\" came back as \"%s\"", i, raw.data,
				 found.raw.data);
		assert_int_equal(found.mtime_s, 1672653600 + 60 * i);
	}
	assert_int_equal(mailbox_next(mailbox, &found, &f->err), 0);
	found_clear(&found);
}

static void no_line_of_a_body_begins_a_mail(void **state)
{
	struct fixture *f = *state;
	CLEAN_STR mbox = STR_INIT;
	size_t n = 0;

	fixture_take(f,
		     &(struct arrival)ARRIVAL("Subject: x\n\n\nFrom a@b Mon Jan  2 10:00:00 2023\n"
					      "From: z\n\n>From y\n"));
	fixture_take(f, &(struct arrival)ARRIVAL("Subject: no line end\n\nFrom the end"));
	export_all(f, EXPORT_MBOX, "out", 2);
	read_all(f, "out/mails.mbox", &mbox);
	for (const char *p = mbox.data; p != NULL; p = strstr(p + 1, "\nFrom "))
		n++;
	assert_int_equal(n, 2);
	assert_non_null(strstr(mbox.data, "\n>From a@b"));
	assert_non_null(strstr(mbox.data, "\n>>From y\n"));
	assert_non_null(strstr(mbox.data, "\n>From the end\n\n"));
}

/* ---- manifest ---- */

static void no_cell_of_the_manifest_is_a_formula(void **state)
{
	static const struct {
		const char *subject, *cell;
	} rows[] = {
		{"=HYPERLINK(\"http://x\",\"y\")",
		 "\"'=HYPERLINK(\"\"http://x\"\",\"\"y\"\")\"\r\n"},
		{"+1", "\"'+1\"\r\n"},
		{"-1", "\"'-1\"\r\n"},
		{"@SUM(A1)", "\"'@SUM(A1)\"\r\n"},
		{"a \"b\", c", "\"a \"\"b\"\", c\"\r\n"},
		{"1=2", "\"1=2\"\r\n"},
		{"=?utf-8?Q?=3D1=0D=0A=2C2?=", NULL}, /* an encoded line end stays in its cell */
		{"=?utf-8?Q?=09=3D1?=", NULL},
	};
	enum { ROWS = sizeof(rows) / sizeof(*rows) };
	struct fixture *f = *state;
	CLEAN_STR csv = STR_INIT;
	size_t lines = 0;

	for (size_t i = 0; i < ROWS; i++) {
		CLEAN_STR raw = STR_INIT;

		str_addf(&raw, "Subject: %s\nFrom: =evil@example.org\n\nx\n", rows[i].subject);
		fixture_take(f, &(struct arrival){.raw = str_view(&raw)});
	}
	export_all(f, EXPORT_EML, "out", ROWS);
	read_all(f, "out/manifest.csv", &csv);
	for (size_t i = 0; i < ROWS; i++)
		if (rows[i].cell != NULL && strstr(csv.data, rows[i].cell) == NULL)
			fail_msg("no %s in %s", rows[i].cell, csv.data);
	for (const char *p = csv.data; *p != '\0'; p++) {
		lines += *p == '\n';
		if (strchr("=+-@\t\r", *p) != NULL && p[-1] == '"' && p[-2] == ',')
			fail_msg("a formula: %s", p);
	}
	assert_int_equal(lines, ROWS + 1);
}

static void the_manifests_hash_is_that_of_the_file(void **state)
{
	static const struct arrival mail = ARRIVAL("Subject: x\r\n\r\nno line end");
	struct fixture *f = *state;
	struct hash hash = crypto_sha256(mail.raw.data, mail.raw.len);
	struct taken t = fixture_take(f, &mail);
	char id[UUID_TEXT + 1], name[64];
	CLEAN_STR line = STR_INIT;
	CLEAN_STR text = STR_INIT;

	export_all(f, EXPORT_EML, "out", 1);
	snprintf(name, sizeof(name), "out/%s.eml", uuid_text(&t.id, id));
	read_all(f, name, &text);
	assert_true(view_eq(str_view(&text), mail.raw));
	str_reset(&text);
	read_all(f, "out/SHA256SUMS", &text);
	str_addhex(&line, hash.b, HASH_BYTES);
	str_addf(&line, "  %s.eml\n", id);
	assert_string_equal(text.data, line.data);
	str_reset(&text);
	read_all(f, "out/manifest.csv", &text);
	str_reset(&line);
	str_addf(&line, "\r\n%s,", id);
	str_addhex(&line, hash.b, HASH_BYTES);
	assert_non_null(strstr(text.data, line.data));
}

static void one_sum_stands_for_the_one_file(void **state)
{
	static const struct {
		enum export_format format;
		const char *name;
	} rows[] = {{EXPORT_MBOX, "mails.mbox"}, {EXPORT_ZIP, "mails.zip"}};
	struct fixture *f = *state;

	fixture_take(f, &(struct arrival)ARRIVAL("Subject: x\n\nbody\n"));
	for (size_t i = 0; i < 2; i++) {
		CLEAN_STR bytes = STR_INIT;
		CLEAN_STR sums = STR_INIT;
		CLEAN_STR line = STR_INIT;
		struct hash hash;
		char path[64];

		export_all(f, rows[i].format, rows[i].name, 1);
		snprintf(path, sizeof(path), "%s/%s", rows[i].name, rows[i].name);
		read_all(f, path, &bytes);
		snprintf(path, sizeof(path), "%s/SHA256SUMS", rows[i].name);
		read_all(f, path, &sums);
		hash = crypto_sha256(bytes.data, bytes.len);
		str_addhex(&line, hash.b, HASH_BYTES);
		str_addf(&line, "  %s\n", rows[i].name);
		assert_string_equal(sums.data, line.data);
	}
}

/* ---- what is exported, and where to ---- */

static void only_what_the_query_and_the_scope_allow_is_exported(void **state)
{
	struct fixture *f = *state;
	struct scope all = SCOPE_ALL, none = {0};
	struct export_report report;

	fixture_take(f, &(struct arrival)ARRIVAL("Subject: red\n\nx\n"));
	fixture_take(f, &(struct arrival)ARRIVAL("Subject: blue\n\nx\n"));
	assert_int_equal(export_mails(f->a, VIEW("subject:red"), &all, EXPORT_EML,
				      fixture_path(f, "red"), &watch, &report, &f->err),
			 0);
	assert_int_equal(report.mails, 1);
	assert_int_equal(export_mails(f->a, (struct view){0}, &none, EXPORT_EML,
				      fixture_path(f, "none"), &watch, &report, &f->err),
			 0);
	assert_int_equal(report.mails, 0);
}

static void nothing_is_written_among_other_files(void **state)
{
	struct fixture *f = *state;
	struct scope all = SCOPE_ALL;
	struct export_report report;

	export_all(f, EXPORT_EML, "out", 0);
	assert_int_equal(export_mails(f->a, (struct view){0}, &all, EXPORT_EML,
				      fixture_path(f, "out"), &watch, &report, &f->err),
			 -1);
	assert_int_equal(f->err.kind, ERR_EXISTS);
}

#define IN_ARCHIVE(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_ARCHIVE(an_mbox_gives_the_same_bytes_when_read_back),
		IN_ARCHIVE(no_line_of_a_body_begins_a_mail),
		IN_ARCHIVE(no_cell_of_the_manifest_is_a_formula),
		IN_ARCHIVE(the_manifests_hash_is_that_of_the_file),
		IN_ARCHIVE(one_sum_stands_for_the_one_file),
		IN_ARCHIVE(only_what_the_query_and_the_scope_allow_is_exported),
		IN_ARCHIVE(nothing_is_written_among_other_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
