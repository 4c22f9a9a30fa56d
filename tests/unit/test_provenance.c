/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The texts are written out whole: their digests are in evidence, and must be the same for ever. */
#include "tests/unit/fixture.h"

#include "app/archive/provenance.h"
#include "app/archive/rebuild.h"
#include "app/catalog/stamps.h"

#define ARCHIVE_ID "11111111-2222-3333-4444-555555555555"
#define MAIL_ID "0198f2a5-5c00-7abc-8def-0123456789ab"     /* 2025-08-28T21:46:20.032Z */
#define SIGHTING_ID "0198f2a5-5fe9-7000-8000-000000000001" /* 1.001 s later */
#define SHA256_OF_ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static struct uuid id_of(const char *text)
{
	struct uuid id;

	assert_int_equal(uuid_read(VIEW(text), &id), 0);
	return id;
}

static struct provenance_of a_mail(void)
{
	return (struct provenance_of){.archive = id_of(ARCHIVE_ID),
				      .mail = id_of(MAIL_ID),
				      .exact = crypto_sha256("abc", 3),
				      .size = 3};
}

static void is_text(const struct provenance_of *of, const struct facts *facts, const char *wanted)
{
	CLEAN_STR text = STR_INIT;

	provenance_text(&text, of, facts);
	assert_string_equal(text.data, wanted);
	assert_int_equal(text.len, strlen(wanted));
}

static void what_is_not_known_has_no_line(void **state)
{
	const struct provenance_of of = a_mail();
	const struct facts facts = {.way = WAY_IMPORT};

	(void)state;
	is_text(&of, &facts,
		"sealpost provenance v1\n"
		"archive: " ARCHIVE_ID "\n"
		"mail: " MAIL_ID "\n"
		"archived: 2025-08-28T21:46:20.032Z\n"
		"sha256: " SHA256_OF_ABC "\n"
		"size: 3\n"
		"way: import\n"
		"seen: 1970-01-01T00:00:00.000Z\n");
}

static void every_fact_has_its_line_in_a_fixed_order(void **state)
{
	const struct provenance_of of = a_mail();
	struct view recipients[] = {VIEW("b@example.org"), VIEW("a@example.org")};
	struct view hidden[] = {VIEW("archive@example.org")};
	const struct facts facts = {.way = WAY_JOURNAL,
				    .source = VIEW("journal"),
				    .place = VIEW("inbox#17"),
				    .flags = VIEW("S"),
				    .seen_ms = 1700000000007,
				    .source_time_s = 1600000000,
				    .reverse_path = VIEW("from@example.org"),
				    .recipients = {recipients, 2, 2},
				    .hidden = {hidden, 1, 1},
				    .on_behalf_of = VIEW("chief@example.org"),
				    .client_name = VIEW("mx.example.org"),
				    .client_addr = VIEW("192.0.2.1"),
				    .helo = VIEW("mx"),
				    .login = VIEW("user"),
				    .tls = VIEW("TLSv1.3"),
				    .queue_id = VIEW("4Bk5Jx"),
				    .mail_params = VIEW("SIZE=3"),
				    .trace = VIEW("Received: x\r\n"),
				    .report = VIEW("abc"),
				    .spam = true};

	(void)state;
	is_text(&of, &facts,
		"sealpost provenance v1\n"
		"archive: " ARCHIVE_ID "\n"
		"mail: " MAIL_ID "\n"
		"archived: 2025-08-28T21:46:20.032Z\n"
		"sha256: " SHA256_OF_ABC "\n"
		"size: 3\n"
		"way: journal\n"
		"source: journal\n"
		"place: inbox#17\n"
		"flags: S\n"
		"seen: 2023-11-14T22:13:20.007Z\n"
		"source-time: 2020-09-13T12:26:40.000Z\n"
		"reverse-path: from@example.org\n"
		"recipient: b@example.org\n"
		"recipient: a@example.org\n"
		"hidden: archive@example.org\n"
		"on-behalf-of: chief@example.org\n"
		"client-name: mx.example.org\n"
		"client-address: 192.0.2.1\n"
		"helo: mx\n"
		"login: user\n"
		"tls: TLSv1.3\n"
		"queue-id: 4Bk5Jx\n"
		"mail-parameters: SIZE=3\n"
		"trace: Received: x%0D%0A\n"
		"report-sha256: " SHA256_OF_ABC "\n"
		"spam: yes\n");
}

static void a_later_sighting_names_itself_and_its_own_time(void **state)
{
	struct provenance_of of = a_mail();
	const struct facts facts = {.way = WAY_MILTER};

	(void)state;
	of.sighting = id_of(SIGHTING_ID);
	is_text(&of, &facts,
		"sealpost provenance v1\n"
		"archive: " ARCHIVE_ID "\n"
		"mail: " MAIL_ID "\n"
		"sighting: " SIGHTING_ID "\n"
		"archived: 2025-08-28T21:46:21.033Z\n"
		"sha256: " SHA256_OF_ABC "\n"
		"size: 3\n"
		"way: milter\n"
		"seen: 1970-01-01T00:00:00.000Z\n");
}

/* No value can look like another line, and none can be two texts. */
static void what_is_no_printable_ascii_is_written_as_hex(void **state)
{
	const struct provenance_of of = a_mail();
	const struct facts facts = {.way = WAY_IMPORT,
				    .source = {"a\nsize: 4\0~ \x7f\xc3\xa4%0A", 18}};
	CLEAN_STR text = STR_INIT;

	(void)state;
	provenance_text(&text, &of, &facts);
	assert_non_null(strstr(text.data, "\nsource: a%0Asize: 4%00~ %7F%C3%A4%250A\nseen: "));
	for (size_t i = 0; i < text.len; i++)
		assert_true(text.data[i] == '\n' || (text.data[i] >= ' ' && text.data[i] <= '~'));
}

static void a_time_before_1970_counts_its_milliseconds_upwards(void **state)
{
	const struct provenance_of of = a_mail();
	const struct facts facts = {.way = WAY_IMPORT, .seen_ms = -1, .source_time_s = -86400};
	CLEAN_STR text = STR_INIT;

	(void)state;
	provenance_text(&text, &of, &facts);
	assert_non_null(strstr(text.data, "\nseen: 1969-12-31T23:59:59.999Z\n"
					  "source-time: 1969-12-31T00:00:00.000Z\n"));
}

/* ---- from records ---- */

struct texts {
	struct fixture *f;
	struct str *out;
};

static int add_text(void *arg, const struct to_stamp *row, struct err *err)
{
	struct texts *t = arg;
	CLEAN(reader) reader = reader_new(t->f->a);
	CLEAN(arena) arena = arena_new();
	struct sighting_row sighting;
	struct mail_row mail;

	assert_int_equal(mails_get(archive_catalog(t->f->a), arena, row->mail, &mail, err), 1);
	if (row->is_sighting)
		assert_int_equal(sightings_get(archive_catalog(t->f->a), arena, &row->sighting,
					       &sighting, err),
				 1);
	return provenance_read(t->f->a, reader, &mail, row->is_sighting ? &sighting : NULL, t->out,
			       err);
}

static void read_texts(struct fixture *f, struct str *out)
{
	struct texts t = {f, out};

	if (to_stamp_each(archive_catalog(f->a), 0, 10, add_text, &t, &f->err) < 0)
		fail_msg("%s", f->err.text);
}

static void the_same_record_gives_the_same_text_after_a_rebuild(void **state)
{
	struct fixture *f = *state;
	static const struct arrival one = ARRIVAL("Message-ID: <1@x>\nSubject: s\n\nword\n",
						  .source = "here", .recipient = "a@x"),
				    again = ARRIVAL("Message-ID: <1@x>\nSubject: s\n\nword\n",
						    .source = "there", .recipient = "b@x",
						    .way = WAY_SMTP);
	struct rebuild_report report;
	CLEAN_STR before = STR_INIT;
	CLEAN_STR after = STR_INIT;

	fixture_take(f, &one);
	assert_int_equal(fixture_take(f, &again).outcome, OUTCOME_DUPLICATE);
	read_texts(f, &before);
	assert_non_null(strstr(before.data, "recipient: a@x\n"));
	assert_non_null(strstr(before.data, "sighting: "));
	archive_free(&f->a);
	fixture_remove(fixture_path(f, "archive/catalog.db"));
	if (archive_rebuild(f->archive, NULL, 0, &report, &f->err) < 0 ||
	    archive_open(f->archive, &f->a, &f->err) < 0)
		fail_msg("%s", f->err.text);
	read_texts(f, &after);
	assert_string_equal(before.data, after.data);
}

#define WITH_ARCHIVE(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_known_has_no_line),
		cmocka_unit_test(every_fact_has_its_line_in_a_fixed_order),
		cmocka_unit_test(a_later_sighting_names_itself_and_its_own_time),
		cmocka_unit_test(what_is_no_printable_ascii_is_written_as_hex),
		cmocka_unit_test(a_time_before_1970_counts_its_milliseconds_upwards),
		WITH_ARCHIVE(the_same_record_gives_the_same_text_after_a_rebuild),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
