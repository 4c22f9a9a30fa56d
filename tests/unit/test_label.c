/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/fixture.h"

#include "base/file.h"
#include "storage/label.h"

#define LABEL "medium.json"

struct shelf {
	struct fixture *f;
	struct medium *medium;
	struct keyring *keys;
};

static int put_up(void **state)
{
	struct shelf *s = mem_new(sizeof(*s));
	struct uuid archive = uuid_new();
	struct label label = {7, 1700000000};
	int rc = fixture_folder(state);

	s->f = *state;
	*state = s;
	s->keys = keyring_new(&archive);
	if (rc < 0 || medium_local_open(s->f->dir, &s->medium, &s->f->err) < 0)
		return -1;
	return label_write(s->medium, s->keys, &label, &s->f->err);
}

static int take_down(void **state)
{
	struct shelf *s = *state;
	void *f = s->f;

	medium_free(&s->medium);
	keyring_free(&s->keys);
	free(s);
	return fixture_teardown(&f);
}

/* Put other bytes in its place, and look anew: a medium may keep what it has open. */
static void replace(struct shelf *s, struct view content)
{
	fixture_write(fixture_path(s->f, LABEL), content);
	medium_free(&s->medium);
	assert_int_equal(medium_local_open(s->f->dir, &s->medium, &s->f->err), 0);
}

static void refused(struct shelf *s, const struct keyring *keys, enum err_kind kind)
{
	struct label label;

	assert_int_equal(label_read(s->medium, keys, &label, &s->f->err), -1);
	assert_int_equal(s->f->err.kind, kind);
	assert_non_null(strstr(s->f->err.text, LABEL));
}

static void a_label_is_read_back(void **state)
{
	struct shelf *s = *state;
	struct label label;

	assert_int_equal(label_read(s->medium, s->keys, &label, &s->f->err), 0);
	assert_int_equal(label.medium, 7);
	assert_int_equal(label.made_s, 1700000000);
	assert_int_equal(label_check(s->medium, s->keys, 7, &s->f->err), 0);
}

static void another_number_is_foreign_and_told(void **state)
{
	struct shelf *s = *state;

	assert_int_equal(label_check(s->medium, s->keys, 8, &s->f->err), -1);
	assert_int_equal(s->f->err.kind, ERR_FOREIGN);
	assert_non_null(strstr(s->f->err.text, "number 7"));
	assert_non_null(strstr(s->f->err.text, "number 8"));
}

static void the_label_of_another_archive_does_not_open(void **state)
{
	struct shelf *s = *state;
	struct uuid other = uuid_new();
	CLEAN(keyring) other_key = keyring_new(keyring_archive(s->keys));
	CLEAN(keyring) other_archive = keyring_of(&other, keyring_key(s->keys));

	refused(s, other_key, ERR_WRONGKEY);
	refused(s, other_archive, ERR_FOREIGN);
}

static void a_medium_without_a_label_says_so(void **state)
{
	struct shelf *s = *state;

	unlink(fixture_path(s->f, LABEL));
	refused(s, s->keys, ERR_NOTFOUND);
}

static void a_label_is_written_once(void **state)
{
	struct shelf *s = *state;
	struct label label = {8, 0};

	assert_int_equal(label_write(s->medium, s->keys, &label, &s->f->err), -1);
	assert_int_equal(s->f->err.kind, ERR_EXISTS);
	assert_int_equal(label_check(s->medium, s->keys, 7, &s->f->err), 0);
}

static void what_is_no_label_is_damaged(void **state)
{
	static const char *const texts[] = {
		"",
		"x",
		"[]",
		"7",
		"null",
		"{}",
		"\"medium\"",
		"{\"format\": 1}",
		"{\"format\": 1, \"nonce\": 5, \"sealed\": \"\"}",
		"{\"format\": 1, \"nonce\": \"00\", \"sealed\": \"00\"}",
		"{\"format\": 1, \"nonce\": \"000000000000000000000000\", \"sealed\": \"00\"}",
		"{\"format\": 1, \"nonce\": \"00000000000000000000000x\", \"sealed\": \"00\"}"};
	struct shelf *s = *state;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		replace(s, VIEW(texts[i]));
		refused(s, s->keys, ERR_DAMAGED);
	}
}

static void a_later_format_asks_for_a_newer_program(void **state)
{
	struct shelf *s = *state;

	replace(s, VIEW("{\"sealpost\": \"medium\", \"format\": 2}"));
	refused(s, s->keys, ERR_VERSION);
}

static void a_label_cut_or_changed_anywhere_does_not_open(void **state)
{
	struct shelf *s = *state;
	CLEAN_STR text = STR_INIT;

	assert_int_equal(file_read(fixture_path(s->f, LABEL), 4096, &text, &s->f->err), 0);
	for (size_t len = 0; len + 2 < text.len; len++) { /* all but "}" and the line end */
		replace(s, (struct view){text.data, len});
		refused(s, s->keys, ERR_DAMAGED);
	}
	for (size_t at = (size_t)(strstr(text.data, "sealed\"") - text.data) + 10;
	     at + 3 < text.len; at += 7) {
		text.data[at] = text.data[at] == '0' ? '1' : '0';
		replace(s, str_view(&text));
		refused(s, s->keys, ERR_WRONGKEY);
	}
}

#define ON_SHELF(test) cmocka_unit_test_setup_teardown(test, put_up, take_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_SHELF(a_label_is_read_back),
		ON_SHELF(another_number_is_foreign_and_told),
		ON_SHELF(the_label_of_another_archive_does_not_open),
		ON_SHELF(a_medium_without_a_label_says_so),
		ON_SHELF(a_label_is_written_once),
		ON_SHELF(what_is_no_label_is_damaged),
		ON_SHELF(a_later_format_asks_for_a_newer_program),
		ON_SHELF(a_label_cut_or_changed_anywhere_does_not_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
