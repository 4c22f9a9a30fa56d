/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "storage/keytext_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define ARCHIVE "0191e2c4-0000-7000-8000-0123456789ab"
#define PASSWORD "correct horse, grüne Batterie"

/* Written by another implementation, from docs/FORMAT.md. */
#define VECTOR_LINE_1 "1: 048G G081 J7HC 8000 E008 0001 4D2P F2DB HC27\n"
#define VECTOR_LINE_2 "2: 810M 4GT4 8N34 EJ29 995M RKAE 9Y08 30M3 ZNHC\n"
#define VECTOR_LINE_3 "3: GJ2R D1W8 H658 QA4E S66P JXSZ 32C1 N1JX 5KJT\n"
#define VECTOR_LINE_4 "4: F5GV Z9PD B9A8 E74P MNAT A52D 8K81 PPHC 4AFJ\n"
#define VECTOR_LINE_5 "5: FYAB 6CGA TD4B NGSF BVC3 DW6E PHR1 VATP F1PR\n"
#define VECTOR_MIDDLE VECTOR_LINE_2 VECTOR_LINE_3 VECTOR_LINE_4
#define VECTOR VECTOR_LINE_1 VECTOR_MIDDLE VECTOR_LINE_5

enum { CHEAP_LOG2_N = 10, LINE_LEN = sizeof(VECTOR_LINE_1) - 1 };

static struct secret *password_of(const char *text)
{
	return secret_copy(text, strlen(text));
}

static struct keyring *known_keyring(void)
{
	CLEAN(secret) key = secret_new(KEY_BYTES);
	struct uuid archive;

	for (size_t i = 0; i < KEY_BYTES; i++)
		secret_bytes(key)[i] = (unsigned char)i;
	assert_int_equal(uuid_read(VIEW(ARCHIVE), &archive), 0);
	return keyring_of(&archive, key);
}

static void assert_same(const struct keyring *a, const struct keyring *b)
{
	assert_true(uuid_eq(keyring_archive(a), keyring_archive(b)));
	assert_true(secret_eq(keyring_key(a), keyring_key(b)));
}

static struct keytext_payload vector_payload(void)
{
	struct keytext_payload payload;
	struct err err = {0};

	assert_int_equal(keytext_decode(VIEW(VECTOR), &payload, &err), 0);
	return payload;
}

static void assert_accepted(struct view text)
{
	struct keytext_payload wanted = vector_payload(), got;
	struct err err = {0};

	if (keytext_decode(text, &got, &err) < 0)
		fail_msg("%s in:\n%.*s", err.text, (int)text.len, text.data);
	assert_memory_equal(&got, &wanted, sizeof(got));
}

static void assert_refused(struct view text, enum err_kind kind, const char *because)
{
	struct keytext_payload payload;
	struct err err = {0};

	if (keytext_decode(text, &payload, &err) == 0)
		fail_msg("accepted:\n%.*s", (int)text.len, text.data);
	if (err.kind != kind || strstr(err.text, because) == NULL)
		fail_msg("wanted %s \"%s\", got %s \"%s\" for\n%.*s", err_code(kind), because,
			 err_code(err.kind), err.text, (int)text.len, text.data);
}

/* A mistake in line NUMBER must be without effect, or be found and laid to that line alone. */
static bool found_or_harmless(struct view text, unsigned number)
{
	struct keytext_payload wanted = vector_payload(), got;
	struct err err = {0};
	char name[16];

	if (keytext_decode(text, &got, &err) == 0) {
		assert_memory_equal(&got, &wanted, sizeof(got));
		return false;
	}
	snprintf(name, sizeof(name), "line %u ", number);
	if (err.kind != ERR_SYNTAX || !view_starts(VIEW(err.text), name) || strchr(err.text, ';'))
		fail_msg("line %u: %s for\n%.*s", number, err.text, (int)text.len, text.data);
	return true;
}

static void a_text_of_another_implementation_opens(void **state)
{
	CLEAN(keyring) wanted = known_keyring();
	CLEAN(keyring) got = NULL;
	CLEAN(secret) password = password_of(PASSWORD);
	struct err err = {0};

	(void)state;
	assert_int_equal(keytext_read(VIEW(VECTOR), password, &got, &err), 0);
	assert_same(wanted, got);
}

static void what_is_decoded_is_encoded_the_same(void **state)
{
	struct keytext_payload payload = vector_payload();
	CLEAN_STR text = STR_INIT;

	(void)state;
	keytext_encode(&text, &payload, KEYTEXT_GROUPED);
	assert_string_equal(text.data, VECTOR);
}

static void any_key_under_any_password_comes_back(void **state)
{
	(void)state;
	for (int i = 0; i < 200; i++) {
		struct uuid archive = uuid_new();
		CLEAN(keyring) made = keyring_new(&archive);
		CLEAN(keyring) got = NULL;
		CLEAN(secret) password = secret_new((size_t)i + 1);
		struct keytext_payload sealed, read;
		CLEAN_STR text = STR_INIT;
		struct err err = {0};

		crypto_random(secret_bytes(password), secret_len(password));
		keytext_seal(&sealed, made, password, CHEAP_LOG2_N);
		keytext_encode(&text, &sealed, i % 2 ? KEYTEXT_GROUPED : KEYTEXT_DENSE);
		assert_int_equal(keytext_decode(str_view(&text), &read, &err), 0);
		assert_int_equal(keytext_open(&read, password, &got, &err), 0);
		assert_same(made, got);

		secret_bytes(password)[i] ^= 1;
		keyring_free(&got);
		assert_int_equal(keytext_open(&read, password, &got, &err), -1);
		assert_int_equal(err.kind, ERR_WRONGKEY);
		assert_null(got);
	}
}

static void two_texts_of_one_key_share_no_secret_part(void **state)
{
	CLEAN(keyring) keyring = known_keyring();
	CLEAN(secret) password = password_of(PASSWORD);
	struct keytext_payload a, b;

	(void)state;
	keytext_seal(&a, keyring, password, CHEAP_LOG2_N);
	keytext_seal(&b, keyring, password, CHEAP_LOG2_N);
	assert_memory_not_equal(a.salt, b.salt, sizeof(a.salt));
	assert_memory_not_equal(a.nonce, b.nonce, sizeof(a.nonce));
	assert_memory_not_equal(a.sealed, b.sealed, sizeof(a.sealed));
}

static void version_costs_and_archive_are_authenticated(void **state)
{
	CLEAN(keyring) keyring = known_keyring();
	CLEAN(keyring) got = NULL;
	CLEAN(secret) password = password_of(PASSWORD);
	struct keytext_payload payload;
	struct err err = {0};

	(void)state;
	keytext_seal(&payload, keyring, password, CHEAP_LOG2_N);
	payload.archive.b[15] ^= 1;
	assert_int_equal(keytext_open(&payload, password, &got, &err), -1);
	payload.archive.b[15] ^= 1;
	payload.version ^= 1;
	assert_int_equal(keytext_open(&payload, password, &got, &err), -1);
	payload.version ^= 1;
	assert_int_equal(keytext_open(&payload, password, &got, &err), 0);
}

static void every_mistyped_character_is_found_and_its_line_named(void **state)
{
	char text[] = VECTOR;
	size_t found = 0;

	(void)state;
	for (size_t at = 0; at < sizeof(text) - 1; at++) {
		char right = text[at];

		for (char c = ' '; c < 127 && right != '\n'; c++) {
			text[at] = c;
			found += found_or_harmless(VIEW(text), (unsigned)(at / LINE_LEN) + 1);
		}
		text[at] = right;
	}
	assert_true(found > 5 * 37 * 85); /* all but letter case, known confusions and spacing */
}

static void every_dropped_or_doubled_character_is_found_and_its_line_named(void **state)
{
	struct view right = VIEW(VECTOR);

	(void)state;
	for (size_t at = 0; at < right.len; at++) {
		unsigned number = (unsigned)(at / LINE_LEN) + 1;
		CLEAN_STR dropped = STR_INIT;
		CLEAN_STR doubled = STR_INIT;

		if (right.data[at] == '\n')
			continue;
		str_add(&dropped, right.data, at);
		str_adds(&dropped, right.data + at + 1);
		found_or_harmless(str_view(&dropped), number);
		str_add(&doubled, right.data, at + 1);
		str_adds(&doubled, right.data + at);
		found_or_harmless(str_view(&doubled), number);
	}
}

static void every_exchange_of_two_characters_in_a_line_is_found(void **state)
{
	char text[] = VECTOR;

	(void)state;
	for (size_t line = 0; line < KEYTEXT_LINES; line++) {
		char *first = text + line * LINE_LEN;

		for (size_t i = 0; i + 1 < LINE_LEN - 1; i++) {
			for (size_t j = i + 1; j < LINE_LEN - 1; j++) {
				char a = first[i], b = first[j];

				first[i] = b;
				first[j] = a;
				found_or_harmless(VIEW(text), (unsigned)line + 1);
				first[i] = a;
				first[j] = b;
			}
		}
	}
}

/* Where line 3's symbols stand in VECTOR, its number and the spaces left out. */
static size_t place_of_symbol(size_t symbol)
{
	return 2 * LINE_LEN + 3 + symbol + symbol / 4;
}

static char other_symbol(char symbol, size_t step)
{
	static const char all[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

	return all[((size_t)(strchr(all, symbol) - all) + step) % 32];
}

static void every_two_wrong_characters_in_a_line_are_found(void **state)
{
	char text[] = VECTOR;

	(void)state;
	for (size_t i = 0; i < 36; i++) {
		for (size_t j = i + 1; j < 36; j++) {
			char *a = &text[place_of_symbol(i)], *b = &text[place_of_symbol(j)];
			char was_a = *a, was_b = *b;

			for (size_t step = 1; step < 32; step += 3) {
				*a = other_symbol(was_a, step);
				*b = other_symbol(was_b, 7 * step);
				assert_true(found_or_harmless(VIEW(text), 3));
			}
			*a = was_a;
			*b = was_b;
		}
	}
}

static void harmless_differences_are_taken_as_meant(void **state)
{
	static const char *const rows[] = {
		/* letter case */
		"1: 048g g081 j7hc 8000 e008 0001 4d2p f2db hc27\n" VECTOR_MIDDLE VECTOR_LINE_5,
		/* O for 0, I and L for 1, i and l as well */
		"l: O48G GO8I J7HC 8ooo EO08 000L 4D2P F2DB HC27\n" VECTOR_MIDDLE VECTOR_LINE_5,
		"I:O48GGO8iJ7HC8oooEO08OO0l4D2PF2DBHC27\n" VECTOR_MIDDLE VECTOR_LINE_5,
		/* no spaces, other spaces, dashes */
		"1:048GG081J7HC8000E00800014D2PF2DBHC27\n" VECTOR_MIDDLE VECTOR_LINE_5,
		"  1 :\t048GG0 81 - J7HC-8000-E008-0001-4D2P-F2DB-HC27  \n" VECTOR_MIDDLE
			VECTOR_LINE_5,
		/* any order */
		VECTOR_LINE_5 VECTOR_MIDDLE VECTOR_LINE_1,
		/* CRLF */
		"1: 048G G081 J7HC 8000 E008 0001 4D2P F2DB HC27\r\n" VECTOR_MIDDLE VECTOR_LINE_5,
		/* a byte order mark, a quoted mail */
		"\xef\xbb\xbf" VECTOR,
		"> " VECTOR_LINE_1 "> " VECTOR_LINE_2 "> > " VECTOR_LINE_3 VECTOR_LINE_4
		"|" VECTOR_LINE_5,
		/* text around and between, with its own numbers and colons */
		"1: my key\n2: is this: 12:30\n" VECTOR_LINE_1 "\n\n" VECTOR_MIDDLE
		"3: see\n1:\n" VECTOR_LINE_5 "Mit freundlichen Grüßen 1: 2: 3:",
		/* a wrong attempt that stands beside its correction */
		"1: 048G G081 J7HC 8000 E008 0001 4D2P F2DB HC28\n" VECTOR,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_accepted(VIEW(rows[i]));
}

static void lines_run_together_by_a_scanner_are_told_apart(void **state)
{
	char text[] = VECTOR;

	(void)state;
	for (char *at = text; (at = strchr(at, '\n')) != NULL;)
		*at = ' ';
	assert_accepted(VIEW(text));
}

static void faults_of_whole_lines_are_named(void **state)
{
	static const struct {
		const char *text;
		const char *because;
	} rows[] = {
		{VECTOR_LINE_1 VECTOR_LINE_2 VECTOR_LINE_4 VECTOR_LINE_5, "line 3 is missing"},
		{VECTOR_LINE_1, "line 2 is missing (it begins with \"2:\"); line 3 is missing"},
		{VECTOR VECTOR_LINE_4, "line 4 is there more than once"},
		{VECTOR_LINE_1 VECTOR_LINE_2
		 "3: 810M 4GT4 8N34 EJ29 995M RKAE 9Y08 30M3 ZNHC\n" VECTOR_LINE_4 VECTOR_LINE_5,
		 "line 3 holds what belongs in line 2"},
		{VECTOR_LINE_1
		 "2: GJ2R D1W8 H658 QA4E S66P JXSZ 32C1 N1JX 5KJT\n"
		 "3: 810M 4GT4 8N34 EJ29 995M RKAE 9Y08 30M3 ZNHC\n" VECTOR_LINE_4 VECTOR_LINE_5,
		 "line 2 holds what belongs in line 3; line 3 holds what belongs in line 2"},
		{VECTOR_LINE_1
		 "2: 810M 4GT4 8N34 EJ29 995M RKAE 9Y08 30M3\n" VECTOR_LINE_3 VECTOR_LINE_4
			 VECTOR_LINE_5,
		 "line 2 has 32 characters instead of 36"},
		{VECTOR_LINE_1
		 "2: 810M 4GT4 8N34 EJ29 995M RKAE 9Y08 3?M3 ZNHC\n" VECTOR_LINE_3 VECTOR_LINE_4
			 VECTOR_LINE_5,
		 "line 2 has a character that does not occur"},
		{VECTOR_LINE_1
		 "2: 810M 4GT4 8N34 EJ29 995M RKAE 9Y08 30M3 ZNHD\n" VECTOR_LINE_3 VECTOR_LINE_4
			 VECTOR_LINE_5,
		 "line 2 is mistyped"},
		{VECTOR "6: 0000 0000 0000 0000 0000 0000 0000 0000 VN2W\n", "there is no line 6"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_refused(VIEW(rows[i].text), ERR_SYNTAX, rows[i].because);
}

static void other_texts_are_no_key_backup(void **state)
{
	static const char zeros[64];

	(void)state;
	assert_refused((struct view){NULL, 0}, ERR_SYNTAX, "no key backup");
	assert_refused(VIEW(""), ERR_SYNTAX, "no key backup");
	assert_refused(VIEW("1: 2: 3: 4: 5:\n1:\n:\n 1 : \n"), ERR_SYNTAX, "no key backup");
	assert_refused((struct view){zeros, sizeof(zeros)}, ERR_SYNTAX, "no key backup");
	assert_refused(VIEW("sealpost archive key v1\narchive: " ARCHIVE "\n"), ERR_SYNTAX,
		       "no key backup");
}

static void lines_of_two_backups_do_not_belong_together(void **state)
{
	CLEAN(keyring) keyring = known_keyring();
	CLEAN(secret) password = password_of(PASSWORD);
	struct keytext_payload other;
	CLEAN_STR text = STR_INIT;
	CLEAN_STR mixed = STR_INIT;

	(void)state;
	keytext_seal(&other, keyring, password, CHEAP_LOG2_N);
	keytext_encode(&text, &other, KEYTEXT_GROUPED);
	str_adds(&mixed, VECTOR_LINE_1 VECTOR_MIDDLE);
	str_adds(&mixed, text.data + 4 * LINE_LEN);
	assert_refused(str_view(&mixed), ERR_DAMAGED, "do not belong together");
}

static void a_newer_version_is_told_even_if_it_has_more_lines(void **state)
{
	struct keytext_payload payload = vector_payload();
	CLEAN_STR text = STR_INIT;

	(void)state;
	payload.version = KEYTEXT_VERSION + 1;
	keytext_encode(&text, &payload, KEYTEXT_GROUPED);
	assert_refused(str_view(&text), ERR_VERSION, "version 2");
	str_adds(&text, "6: 0000 0000 0000 0000 0000 0000 0000 0000 VN2W\n");
	assert_refused(str_view(&text), ERR_VERSION, "version 2");
	assert_refused((struct view){text.data, LINE_LEN}, ERR_VERSION, "version 2");
}

static void costs_that_could_exhaust_the_machine_are_refused(void **state)
{
	static const struct {
		unsigned char version, log2_n, r, p;
	} rows[] = {{0, 17, 8, 1}, {1, 9, 8, 1},  {1, 21, 8, 1}, {1, 255, 8, 1},
		    {1, 17, 1, 1}, {1, 17, 9, 1}, {1, 17, 8, 0}, {1, 17, 8, 9}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct keytext_payload payload = vector_payload();
		CLEAN_STR text = STR_INIT;

		payload.version = rows[i].version;
		payload.log2_n = rows[i].log2_n;
		payload.r = rows[i].r;
		payload.p = rows[i].p;
		keytext_encode(&text, &payload, KEYTEXT_DENSE);
		assert_refused(str_view(&text), ERR_DAMAGED, "not written by Sealpost");
	}
}

static void assert_fits_one_page(struct view text)
{
	struct view line;
	size_t lines = 0;

	while (view_cut(&text, '\n', &line)) {
		size_t columns = 0;

		for (size_t i = 0; i < line.len; i++)
			columns += ((unsigned char)line.data[i] & 0xc0) != 0x80;
		assert_true(columns <= 78);
		lines++;
	}
	assert_true(lines <= 60);
}

static void assert_contains(const struct str *text, const char *part)
{
	if (strstr(text->data, part) == NULL)
		fail_msg("\"%s\" is not in:\n%s", part, text->data);
}

static void the_printed_page_restores_and_says_what_matters(void **state)
{
	CLEAN(keyring) keyring = known_keyring();
	CLEAN(keyring) got = NULL;
	CLEAN(secret) password = password_of(PASSWORD);
	CLEAN(secret) wrong = password_of("wrong");
	struct keytext_about about = {"Müller & Söhne", 1795370400};
	CLEAN_STR text = STR_INIT;
	CLEAN_STR fingerprint = STR_INIT;
	struct err err = {0};

	(void)state;
	keytext_write(&text, keyring, &about, password);
	assert_fits_one_page(str_view(&text));
	keyring_add_fingerprint(&fingerprint, keyring);
	assert_contains(&text, "Müller & Söhne");
	assert_contains(&text, ARCHIVE);
	assert_contains(&text, "2026-11-22");
	assert_contains(&text, fingerprint.data);
	assert_contains(&text, "verliert das ganze Archiv");
	assert_contains(&text, "archive is lost");

	assert_int_equal(keytext_read(str_view(&text), password, &got, &err), 0);
	assert_same(keyring, got);
	keyring_free(&got);
	assert_int_equal(keytext_read(str_view(&text), wrong, &got, &err), -1);
	assert_int_equal(err.kind, ERR_WRONGKEY);
	assert_null(got);
}

static void a_long_or_hostile_name_does_not_break_the_page(void **state)
{
	CLEAN(keyring) keyring = known_keyring();
	CLEAN(secret) password = password_of(PASSWORD);
	CLEAN_STR name = STR_INIT;
	CLEAN_STR text = STR_INIT;
	struct keytext_payload payload;
	struct keytext_about about = {NULL, 0};
	struct err err = {0};

	(void)state;
	str_adds(&name, "\x1b[2J\n1: \xff");
	for (int i = 0; i < 100; i++)
		str_adds(&name, "ü");
	about.name = name.data;
	keytext_write(&text, keyring, &about, password);
	assert_fits_one_page(str_view(&text));
	assert_null(strchr(text.data, '\x1b'));
	assert_contains(&text, "ü...\n");
	assert_int_equal(keytext_decode(str_view(&text), &payload, &err), 0);
}

static void the_html_page_is_self_contained_and_restores(void **state)
{
	CLEAN(keyring) keyring = known_keyring();
	CLEAN(secret) password = password_of(PASSWORD);
	struct keytext_about about = {"<script>alert(\"1\")</script> & 'Co'", 0};
	struct keytext_payload payload;
	CLEAN_STR html = STR_INIT;
	struct err err = {0};

	(void)state;
	keytext_write_html(&html, keyring, &about, password);
	assert_contains(&html, "<td>&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; "
			       "&#39;Co&#39;</td>");
	assert_null(strstr(html.data, "<script"));
	assert_null(strstr(html.data, "src="));
	assert_null(strstr(html.data, "href="));
	assert_null(strstr(html.data, "url("));
	assert_contains(&html, "<section lang=\"de\">");
	assert_contains(&html, "<section lang=\"en\">");
	assert_contains(&html, "verliert das ganze Archiv");
	assert_contains(&html, "whole archive is lost");
	assert_contains(&html, "<svg ");
	assert_int_equal(keytext_decode(str_view(&html), &payload, &err), 0);
	assert_int_equal(payload.log2_n, KEYTEXT_LOG2_N);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_text_of_another_implementation_opens),
		cmocka_unit_test(what_is_decoded_is_encoded_the_same),
		cmocka_unit_test(any_key_under_any_password_comes_back),
		cmocka_unit_test(two_texts_of_one_key_share_no_secret_part),
		cmocka_unit_test(version_costs_and_archive_are_authenticated),
		cmocka_unit_test(every_mistyped_character_is_found_and_its_line_named),
		cmocka_unit_test(every_dropped_or_doubled_character_is_found_and_its_line_named),
		cmocka_unit_test(every_exchange_of_two_characters_in_a_line_is_found),
		cmocka_unit_test(every_two_wrong_characters_in_a_line_are_found),
		cmocka_unit_test(harmless_differences_are_taken_as_meant),
		cmocka_unit_test(lines_run_together_by_a_scanner_are_told_apart),
		cmocka_unit_test(faults_of_whole_lines_are_named),
		cmocka_unit_test(other_texts_are_no_key_backup),
		cmocka_unit_test(lines_of_two_backups_do_not_belong_together),
		cmocka_unit_test(a_newer_version_is_told_even_if_it_has_more_lines),
		cmocka_unit_test(costs_that_could_exhaust_the_machine_are_refused),
		cmocka_unit_test(the_printed_page_restores_and_says_what_matters),
		cmocka_unit_test(a_long_or_hostile_name_does_not_break_the_page),
		cmocka_unit_test(the_html_page_is_self_contained_and_restores),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
