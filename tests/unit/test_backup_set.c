/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/fixture.h"

#include "backup/set.h"
#include "base/clock.h"
#include "base/file.h"

enum { PAGE_BYTES = 512, PAGES = 9, MADE_MS = 1700000000 };

struct shelf {
	struct fixture *f;
	struct medium *medium;
	struct keyring *keys;
};

static int put_up(void **state)
{
	struct shelf *s = mem_new(sizeof(*s));
	struct uuid archive = uuid_new();
	int rc = fixture_folder(state);

	s->f = *state;
	*state = s;
	s->keys = keyring_new(&archive);
	return rc < 0 ? -1 : medium_local_open(s->f->dir, &s->medium, &s->f->err);
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

static struct backup_set_header header_of(bool full, uint64_t pages)
{
	return (struct backup_set_header){
		.id = uuid_new(),
		.is_full = full,
		.made_ms = MADE_MS,
		.page_bytes = PAGE_BYTES,
		.pages = pages,
		.highest_pack = 17,
		.mails = 4,
	};
}

static void fill(unsigned char page[PAGE_BYTES], uint64_t number)
{
	for (size_t i = 0; i < PAGE_BYTES; i++)
		page[i] = (unsigned char)(number * 31 + i);
}

/* Every STEPth page of it. */
static struct hash write_set(struct shelf *s, const struct backup_set_header *h, uint64_t step)
{
	CLEAN(backup_set_writer) w = NULL;
	unsigned char page[PAGE_BYTES];
	struct hash hash = {0};
	uint64_t bytes, size;
	char name[BACKUP_SET_NAME];

	assert_int_equal(backup_set_create(s->medium, s->keys, h, &w, &s->f->err), 0);
	for (uint64_t i = step; i > 0 && i <= h->pages; i += step) {
		fill(page, i);
		assert_int_equal(backup_set_page(w, i, page, &s->f->err), 0);
	}
	assert_int_equal(backup_set_end(w, &hash, &bytes, &s->f->err), 0);
	assert_int_equal(medium_size(s->medium, backup_set_name(&h->id, h->is_full, name), &size,
				     &s->f->err),
			 0);
	assert_int_equal(size, bytes);
	return hash;
}

/* All of it, or -1 with the error in the fixture: how many pages. */
static ssize_t read_set(struct shelf *s, const struct keyring *keys, const char *name,
			struct hash *hash_r)
{
	CLEAN(backup_set_reader) r = NULL;
	struct backup_set_header h;
	unsigned char expected[PAGE_BYTES];
	const void *data;
	uint64_t page;
	ssize_t n = 0;
	int rc;

	err_clear(&s->f->err);
	if (backup_set_open(s->medium, keys, name, &h, &r, &s->f->err) < 0)
		return -1;
	while ((rc = backup_set_next(r, &page, &data, &s->f->err)) > 0) {
		fill(expected, page);
		assert_memory_equal(data, expected, PAGE_BYTES);
		n++;
	}
	if (rc == 0 && hash_r != NULL)
		*hash_r = backup_set_hash(r);
	return rc < 0 ? -1 : n;
}

static void load(struct shelf *s, const char *name, struct str *out)
{
	assert_int_equal(file_read(fixture_path(s->f, name), 1 << 24, out, &s->f->err), 0);
}

static void store(struct shelf *s, const char *name, struct view content)
{
	fixture_write(fixture_path(s->f, name), content);
	medium_free(&s->medium);
	assert_int_equal(medium_local_open(s->f->dir, &s->medium, &s->f->err), 0);
}

static void a_full_set_comes_back_page_by_page(void **state)
{
	static const uint64_t sizes[] = {1, PAGES, 2016, 2017, 2018, 4500};
	struct shelf *s = *state;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		struct backup_set_header h = header_of(true, sizes[i]);
		struct hash hash = write_set(s, &h, 1), read = {0};
		CLEAN_STR bytes = STR_INIT;
		char name[BACKUP_SET_NAME];

		backup_set_name(&h.id, true, name);
		assert_int_equal(read_set(s, s->keys, name, &read), sizes[i]);
		assert_true(hash_eq(&hash, &read));
		load(s, name, &bytes);
		hash = crypto_sha256(bytes.data, bytes.len);
		assert_true(hash_eq(&hash, &read));
	}
}

static void an_incremental_set_has_some_pages_or_none(void **state)
{
	static const uint64_t steps[] = {0, 1, 2, 7, PAGES};
	struct shelf *s = *state;

	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		struct backup_set_header h = header_of(false, PAGES);
		char name[BACKUP_SET_NAME];

		h.predecessor = uuid_new();
		write_set(s, &h, steps[i]);
		assert_int_equal(read_set(s, s->keys, backup_set_name(&h.id, false, name), NULL),
				 steps[i] ? PAGES / steps[i] : 0);
	}
}

static void the_header_tells_what_was_written(void **state)
{
	struct shelf *s = *state;
	struct backup_set_header h = header_of(false, PAGES), read = {0};
	CLEAN(backup_set_reader) r = NULL;
	char name[BACKUP_SET_NAME];

	h.predecessor = uuid_new();
	h.predecessor_hash = crypto_sha256("x", 1);
	write_set(s, &h, 3);
	assert_int_equal(backup_set_open(s->medium, s->keys, backup_set_name(&h.id, false, name),
					 &read, &r, &s->f->err),
			 0);
	assert_true(uuid_eq(&read.id, &h.id) && uuid_eq(&read.predecessor, &h.predecessor));
	assert_true(hash_eq(&read.predecessor_hash, &h.predecessor_hash));
	assert_false(read.is_full);
	assert_int_equal(read.made_ms, MADE_MS);
	assert_int_equal(read.page_bytes, PAGE_BYTES);
	assert_int_equal(read.pages, PAGES);
	assert_int_equal(read.highest_pack, 17);
	assert_int_equal(read.mails, 4);
}

static void every_flipped_byte_is_noticed(void **state)
{
	struct shelf *s = *state;
	struct backup_set_header h = header_of(true, 2);
	CLEAN_STR bytes = STR_INIT;
	char name[BACKUP_SET_NAME];

	write_set(s, &h, 1);
	load(s, backup_set_name(&h.id, true, name), &bytes);
	for (size_t i = 0; i < bytes.len; i++) {
		bytes.data[i] ^= 1;
		store(s, name, str_view(&bytes));
		assert_int_equal(read_set(s, s->keys, name, NULL), -1);
		assert_non_null(strstr(s->f->err.text, name));
		bytes.data[i] ^= 1;
	}
	store(s, name, str_view(&bytes));
	assert_int_equal(read_set(s, s->keys, name, NULL), 2);
}

static void a_set_cut_anywhere_is_damaged(void **state)
{
	struct shelf *s = *state;
	struct backup_set_header h = header_of(true, 2);
	CLEAN_STR bytes = STR_INIT;
	char name[BACKUP_SET_NAME];

	write_set(s, &h, 1);
	load(s, backup_set_name(&h.id, true, name), &bytes);
	for (size_t len = 0; len < bytes.len; len++) {
		store(s, name, (struct view){bytes.data, len});
		assert_int_equal(read_set(s, s->keys, name, NULL), -1);
		assert_int_equal(s->f->err.kind, ERR_DAMAGED);
	}
	str_addc(&bytes, 'x');
	store(s, name, str_view(&bytes));
	assert_int_equal(read_set(s, s->keys, name, NULL), -1);
}

/* Where each of the pieces begins, the end included. */
static void find_pieces(struct view v, size_t at[4])
{
	enum { HEAD = 72 + 104 + TAG_BYTES };

	at[0] = HEAD;
	for (int i = 0; i < 3; i++) {
		struct view rest = {v.data + at[i], v.len - at[i]};
		uint32_t len;

		assert_int_equal(view_u32(&rest, &len), 0);
		at[i + 1] = at[i] + 4 + len;
	}
	assert_int_equal(at[3], v.len);
}

/* 2016 pages of 520 bytes are one piece. */
static void a_piece_left_out_or_exchanged_is_damaged(void **state)
{
	static const char *const orders[] = {"01", "02", "12", "102", "021", "0112", "2", ""};
	struct shelf *s = *state;
	struct backup_set_header h = header_of(true, 3 * 2016);
	CLEAN_STR bytes = STR_INIT;
	char name[BACKUP_SET_NAME];
	size_t at[4];

	write_set(s, &h, 1);
	load(s, backup_set_name(&h.id, true, name), &bytes);
	find_pieces(str_view(&bytes), at);
	for (size_t i = 0; i < sizeof(orders) / sizeof(*orders); i++) {
		CLEAN_STR bad = STR_INIT;

		str_add(&bad, bytes.data, at[0]);
		for (const char *c = orders[i]; *c != '\0'; c++)
			str_add(&bad, bytes.data + at[*c - '0'], at[*c - '0' + 1] - at[*c - '0']);
		store(s, name, str_view(&bad));
		assert_int_equal(read_set(s, s->keys, name, NULL), -1);
		assert_int_equal(s->f->err.kind, ERR_DAMAGED);
	}
}

static void another_key_and_another_archive_are_told_apart(void **state)
{
	struct shelf *s = *state;
	struct backup_set_header h = header_of(true, 1);
	struct uuid other = uuid_new();
	CLEAN(keyring) other_key = keyring_new(keyring_archive(s->keys));
	CLEAN(keyring) other_archive = keyring_of(&other, keyring_key(s->keys));
	char name[BACKUP_SET_NAME];

	write_set(s, &h, 1);
	backup_set_name(&h.id, true, name);
	assert_int_equal(read_set(s, other_key, name, NULL), -1);
	assert_int_equal(s->f->err.kind, ERR_WRONGKEY);
	assert_int_equal(read_set(s, other_archive, name, NULL), -1);
	assert_int_equal(s->f->err.kind, ERR_FOREIGN);
}

static void a_later_format_asks_for_a_newer_program(void **state)
{
	struct shelf *s = *state;
	struct backup_set_header h = header_of(true, 1);
	CLEAN_STR bytes = STR_INIT;
	char name[BACKUP_SET_NAME];

	write_set(s, &h, 1);
	load(s, backup_set_name(&h.id, true, name), &bytes);
	bytes.data[8] = 2;
	store(s, name, str_view(&bytes));
	assert_int_equal(read_set(s, s->keys, name, NULL), -1);
	assert_int_equal(s->f->err.kind, ERR_VERSION);
}

static void a_set_under_another_sets_name_is_refused(void **state)
{
	struct shelf *s = *state;
	struct backup_set_header h = header_of(true, 1);
	struct uuid other = uuid_new();
	CLEAN_STR bytes = STR_INIT;
	char name[BACKUP_SET_NAME];

	write_set(s, &h, 1);
	load(s, backup_set_name(&h.id, true, name), &bytes);
	store(s, backup_set_name(&h.id, false, name), str_view(&bytes));
	assert_int_equal(read_set(s, s->keys, name, NULL), -1);
	assert_int_equal(s->f->err.kind, ERR_DAMAGED);
	store(s, backup_set_name(&other, true, name), str_view(&bytes));
	assert_int_equal(read_set(s, s->keys, name, NULL), -1);
	assert_int_equal(s->f->err.kind, ERR_DAMAGED);
}

static int count_files(void *arg, const char *name, uint64_t size_bytes, struct err *err)
{
	(void)name, (void)size_bytes, (void)err;
	++*(int *)arg;
	return 0;
}

static void a_set_that_was_not_ended_leaves_nothing(void **state)
{
	struct shelf *s = *state;
	struct backup_set_header h = header_of(true, PAGES);
	unsigned char page[PAGE_BYTES] = {0};
	struct backup_set_writer *w;
	int files = 0;

	assert_int_equal(backup_set_create(s->medium, s->keys, &h, &w, &s->f->err), 0);
	assert_int_equal(backup_set_page(w, 1, page, &s->f->err), 0);
	backup_set_writer_free(&w);
	assert_int_equal(medium_list(s->medium, "catalog", count_files, &files, &s->f->err), 0);
	assert_int_equal(files, 0);
}

static void nothing_of_the_pages_is_readable(void **state)
{
	static const char word[] = "needle-in-the-haystack";
	struct shelf *s = *state;
	struct backup_set_header h = header_of(true, 1);
	CLEAN(backup_set_writer) w = NULL;
	CLEAN_STR bytes = STR_INIT;
	unsigned char page[PAGE_BYTES] = {0};
	struct hash hash;
	uint64_t size;
	char name[BACKUP_SET_NAME];

	memcpy(page + 100, word, sizeof(word));
	assert_int_equal(backup_set_create(s->medium, s->keys, &h, &w, &s->f->err), 0);
	assert_int_equal(backup_set_page(w, 1, page, &s->f->err), 0);
	assert_int_equal(backup_set_end(w, &hash, &size, &s->f->err), 0);
	load(s, backup_set_name(&h.id, true, name), &bytes);
	assert_null(memmem(bytes.data, bytes.len, word, strlen(word)));
}

static void the_list_is_in_order_and_has_what_does_not_open(void **state)
{
	struct shelf *s = *state;
	struct backup_set_header first = header_of(true, 2), bad = header_of(false, 2),
				 last = header_of(true, 3);
	CLEAN(arena) arena = arena_new();
	struct backup_set_entry *v;
	char name[BACKUP_SET_NAME];
	size_t n;

	assert_int_equal(backup_set_list(s->medium, s->keys, arena, &v, &n, &s->f->err), 0);
	assert_int_equal(n, 0);
	write_set(s, &last, 1);
	write_set(s, &first, 1);
	store(s, backup_set_name(&bad.id, false, name), VIEW("SEALBKUP"));
	store(s, "catalog/notes.txt", VIEW("x"));
	store(s, "catalog/x-full.set", VIEW("x"));
	assert_int_equal(backup_set_list(s->medium, s->keys, arena, &v, &n, &s->f->err), 0);
	assert_int_equal(n, 3);
	assert_true(uuid_eq(&v[0].header.id, &first.id) && v[0].err.kind == ERR_NONE);
	assert_int_equal(v[0].header.pages, 2);
	assert_string_equal(v[1].name, name);
	assert_int_equal(v[1].err.kind, ERR_DAMAGED);
	assert_true(uuid_eq(&v[1].header.id, &bad.id) && !v[1].header.is_full);
	assert_true(uuid_eq(&v[2].header.id, &last.id) && v[2].header.is_full);
}

static void names_that_are_none_are_known(void **state)
{
	static const char *const names[] = {
		"",
		"catalog",
		"catalog/",
		"catalog/0191e2c4-0000-7000-8000-0123456789ab.set",
		"catalog/0191e2c4-0000-7000-8000-0123456789ab-full.set.part",
		"catalog/0191E2C4-0000-7000-8000-0123456789AB-full.set",
		"packs00/0191e2c4-0000-7000-8000-0123456789ab-full.set",
		"catalog/0191e2c4-0000-7000-8000-0123456789ab-fuller.set",
	};
	struct uuid id;
	bool full;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		assert_int_equal(backup_set_name_read(names[i], &id, &full), -1);
	assert_int_equal(
		backup_set_name_read("catalog/0191e2c4-0000-7000-8000-0123456789ab-full.set", &id,
				     &full),
		0);
	assert_true(full);
}

#define ON_SHELF(test) cmocka_unit_test_setup_teardown(test, put_up, take_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_SHELF(a_full_set_comes_back_page_by_page),
		ON_SHELF(an_incremental_set_has_some_pages_or_none),
		ON_SHELF(the_header_tells_what_was_written),
		ON_SHELF(every_flipped_byte_is_noticed),
		ON_SHELF(a_set_cut_anywhere_is_damaged),
		ON_SHELF(a_piece_left_out_or_exchanged_is_damaged),
		ON_SHELF(another_key_and_another_archive_are_told_apart),
		ON_SHELF(a_later_format_asks_for_a_newer_program),
		ON_SHELF(a_set_under_another_sets_name_is_refused),
		ON_SHELF(a_set_that_was_not_ended_leaves_nothing),
		ON_SHELF(nothing_of_the_pages_is_readable),
		ON_SHELF(the_list_is_in_order_and_has_what_does_not_open),
		ON_SHELF(names_that_are_none_are_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
