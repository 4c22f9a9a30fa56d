/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Strings, arenas, errors, ids, clock, settings. */
#include "tests/unit/fixture.h"

#include "base/clock.h"
#include "base/conf.h"
#include "base/id.h"

#include <errno.h>
#include <pthread.h>
#include <sys/wait.h>

/* ---- strings ---- */

static void a_str_always_ends_in_a_nul(void **state)
{
	CLEAN_STR s = STR_INIT;

	(void)state;
	assert_string_equal(s.data, "");
	for (size_t i = 1; i <= 300; i++) {
		str_addc(&s, 'x');
		assert_int_equal(strlen(s.data), i);
	}
	str_addf(&s, "%s-%d", "end", 7);
	assert_string_equal(s.data + 300, "end-7");
	str_reset(&s);
	assert_string_equal(s.data, "");
	str_add(&s, "a\0b", 3);
	assert_int_equal(s.len, 3);
	assert_int_equal(s.data[3], '\0');
	str_clear(&s);
	assert_string_equal(s.data, "");
}

static void text_is_cut_at_a_separator(void **state)
{
	struct view rest = VIEW("a,,b"), part;

	(void)state;
	assert_true(view_cut(&rest, ',', &part) && view_eq(part, VIEW("a")));
	assert_true(view_cut(&rest, ',', &part) && view_eq(part, VIEW("")));
	assert_true(view_cut(&rest, ',', &part) && view_eq(part, VIEW("b")));
	assert_null(rest.data);
	assert_false(view_cut(&rest, ',', &part));
	rest = VIEW("a,");
	assert_true(view_cut(&rest, ',', &part) && rest.data != NULL && rest.len == 0);
}

static void views_are_compared_and_trimmed(void **state)
{
	(void)state;
	assert_true(view_eq_nocase(VIEW("From"), VIEW("fROM")));
	assert_false(view_eq(VIEW("From"), VIEW("from")));
	assert_false(view_eq_nocase(VIEW("From"), VIEW("Fro")));
	assert_true(view_starts(VIEW("From x"), "From "));
	assert_false(view_starts(VIEW("Fro"), "From "));
	assert_true(view_starts_nocase(VIEW("FROM:"), "from:"));
	assert_true(view_eq(view_trim(VIEW(" \t a b \r\n")), VIEW("a b")));
	assert_int_equal(view_trim(VIEW(" \n ")).len, 0);
}

static void hex_is_read_back_and_nothing_else_is_hex(void **state)
{
	static const char *const wrong[] = {"0", "001", "0g", " 0", "0x", "+1", "-1", "00 "};
	CLEAN_STR s = STR_INIT;
	unsigned char out[3];

	(void)state;
	str_addhex(&s, "\x00\xaf\x7f", 3);
	assert_string_equal(s.data, "00af7f");
	assert_int_equal(str_unhex(VIEW("00AF7f"), out, 3), 0);
	assert_memory_equal(out, "\x00\xaf\x7f", 3);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_int_equal(str_unhex(VIEW(wrong[i]), out, 1), -1);
}

static void numbers_are_read_back_and_not_beyond_the_end(void **state)
{
	static const uint64_t numbers[] = {0,     1,          127,        128,       255,
					   16384, UINT32_MAX, 1ULL << 63, UINT64_MAX};
	uint64_t n;

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		CLEAN_STR s = STR_INIT;
		struct view v;

		str_addvarint(&s, numbers[i]);
		v = str_view(&s);
		assert_int_equal(view_varint(&v, &n), 0);
		assert_true(n == numbers[i] && v.len == 0);
		for (size_t cut = 0; cut < s.len; cut++) {
			v = (struct view){s.data, cut};
			assert_int_equal(view_varint(&v, &n), -1);
		}
		str_reset(&s);
		str_addu64(&s, numbers[i]);
		v = str_view(&s);
		assert_true(view_u64(&v, &n) == 0 && n == numbers[i]);
		v = (struct view){s.data, 7};
		assert_int_equal(view_u64(&v, &n), -1);
	}
}

static void a_varint_of_more_than_64_bits_is_malformed(void **state)
{
	struct view eleven = VIEW("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
	struct view too_high = VIEW("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02");
	uint64_t n;

	(void)state;
	assert_int_equal(view_varint(&eleven, &n), -1);
	assert_int_equal(view_varint(&too_high, &n), -1);
}

static void little_endian_is_little_endian(void **state)
{
	CLEAN_STR s = STR_INIT;
	struct view v, part;
	uint16_t n16;
	uint32_t n32;
	uint8_t n8;

	(void)state;
	str_addu16(&s, 0x0102);
	str_addu32(&s, 0x03040506);
	str_addc(&s, 7);
	assert_memory_equal(s.data, "\x02\x01\x06\x05\x04\x03\x07", 7);
	v = str_view(&s);
	assert_true(view_u16(&v, &n16) == 0 && n16 == 0x0102);
	assert_true(view_u32(&v, &n32) == 0 && n32 == 0x03040506);
	assert_int_equal(view_bytes(&v, 2, &part), -1);
	assert_true(view_u8(&v, &n8) == 0 && n8 == 7);
	assert_int_equal(view_u8(&v, &n8), -1);
	assert_true(view_bytes(&v, 0, &part) == 0 && part.len == 0);
}

static void nothing_that_steers_a_terminal_gets_through(void **state)
{
	static const struct {
		const char *in, *out, *lines;
	} rows[] = {
		{"plain \xc3\xbc \xe2\x82\xac", "plain \xc3\xbc \xe2\x82\xac", NULL},
		{"a\x1b[31m", "a\xef\xbf\xbd[31m", NULL},
		{"a\x7f", "a\xef\xbf\xbd", NULL},
		{"a\xc2\x9b", "a\xef\xbf\xbd", NULL},
		{"a\xe2\x80\xae", "a\xef\xbf\xbd", NULL},
		{"a\xe2\x80\xa8", "a\xef\xbf\xbd", NULL},
		{"a\tb\nc",
		 "a\xef\xbf\xbd"
		 "b\xef\xbf\xbd"
		 "c",
		 "a\tb\nc"},
		{"a\r\nb\r",
		 "a\xef\xbf\xbd\xef\xbf\xbd"
		 "b\xef\xbf\xbd",
		 "a\nb\xef\xbf\xbd"},
		{"a\rb",
		 "a\xef\xbf\xbd"
		 "b",
		 NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		CLEAN_STR s = STR_INIT;

		str_addsafe(&s, VIEW(rows[i].in), false);
		assert_string_equal(s.data, rows[i].out);
		str_reset(&s);
		str_addsafe(&s, VIEW(rows[i].in), true);
		assert_string_equal(s.data, rows[i].lines ? rows[i].lines : rows[i].out);
	}
}

static void broken_utf8_becomes_valid(void **state)
{
	static const char *const broken[] = {"\xff",
					     "\xc3",
					     "\xe2\x82",
					     "\xc0\xaf",
					     "\xed\xa0\x80",
					     "\xf5\x80\x80\x80",
					     "\xf0\x80\x80\xaf"};

	(void)state;
	for (size_t i = 0; i < sizeof(broken) / sizeof(*broken); i++) {
		CLEAN_STR s = STR_INIT;

		str_addsafe(&s, VIEW(broken[i]), false);
		assert_true(s.len >= 3 && s.len % 3 == 0);
		for (size_t at = 0; at < s.len; at += 3)
			assert_memory_equal(s.data + at, "\xef\xbf\xbd", 3);
	}
}

/* ---- arenas ---- */

static void an_arena_gives_zeroed_aligned_memory(void **state)
{
	CLEAN(arena) arena = arena_new();

	(void)state;
	for (size_t i = 1; i < 200; i++) {
		char *p = arena_get(arena, i * 97);

		assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
		for (size_t b = 0; b < i * 97; b++)
			assert_int_equal(p[b], 0);
		memset(p, 0xff, i * 97);
	}
	assert_true(arena_used(arena) >= 199 * 200 / 2 * 97);
	arena_reset(arena);
	assert_string_equal(arena_f(arena, "%s %d", "after", 3), "after 3");
	assert_int_equal(*(char *)arena_get(arena, 1), 0);
}

static void a_list_in_an_arena_grows(void **state)
{
	CLEAN(arena) arena = arena_new();
	struct {
		int *v;
		size_t n, cap;
	} list = {0};

	(void)state;
	for (int i = 0; i < 5000; i++)
		ARENA_PUSH(arena, list, i);
	assert_int_equal(list.n, 5000);
	for (int i = 0; i < 5000; i++)
		assert_int_equal(list.v[i], i);
	assert_string_equal(arena_strn(arena, "abc", 2), "ab");
	assert_true(view_eq(arena_view(arena, VIEW("view")), VIEW("view")));
}

/* ---- errors ---- */

static void an_error_reads_from_the_outside_in(void **state)
{
	struct err err = {0};

	(void)state;
	errno = ENOSPC;
	assert_int_equal(err_errno(&err, "fsync: %m"), -1);
	assert_int_equal(err.kind, ERR_NOSPACE);
	assert_int_equal(err.os, ENOSPC);
	assert_int_equal(err_add(&err, "medium %d", 3), -1);
	assert_string_equal(err.text, "medium 3: fsync: No space left on device");
	err_clear(&err);
	assert_int_equal(err.kind, ERR_NONE);
	assert_string_equal(err.text, "");
}

static void a_long_error_keeps_its_beginning(void **state)
{
	struct err err = {0};
	char text[600];

	(void)state;
	memset(text, 'x', sizeof(text));
	text[599] = '\0';
	err_set(&err, ERR_IO, "%s", text);
	err_add(&err, "outer");
	assert_memory_equal(err.text, "outer: xxx", 10);
	assert_true(strlen(err.text) < sizeof(err.text));
}

static void each_kind_has_a_code_and_a_sentence(void **state)
{
	(void)state;
	for (int kind = ERR_USAGE; kind <= ERR_EXPIRED; kind++) {
		assert_true(strlen(err_code((enum err_kind)kind)) > 0);
		assert_true(strlen(err_sentence((enum err_kind)kind)) > 0);
		assert_int_equal(err_retry((enum err_kind)kind),
				 err_smtp((enum err_kind)kind) / 100 == 4 &&
					 err_retry((enum err_kind)kind));
	}
}

/* ---- ids and times ---- */

static void ids_grow_and_are_read_back(void **state)
{
	struct uuid last = uuid_new();
	char text[UUID_TEXT + 1];

	(void)state;
	for (int i = 0; i < 10000; i++) {
		struct uuid id = uuid_new(), again;

		assert_true(memcmp(last.b, id.b, UUID_BYTES) < 0);
		assert_int_equal(id.b[6] >> 4, 7);
		assert_int_equal(id.b[8] >> 6, 2);
		assert_int_equal(uuid_read(VIEW(uuid_text(&id, text)), &again), 0);
		assert_true(uuid_eq(&id, &again));
		last = id;
	}
	assert_true(uuid_ms(&last) <= clock_ms() + 1000 && uuid_ms(&last) > clock_ms() - 60000);
}

static void *make_ids(void *arg)
{
	struct uuid *ids = arg;

	for (int i = 0; i < 2000; i++)
		ids[i] = uuid_new();
	return NULL;
}

static int by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, UUID_BYTES);
}

static void ids_of_many_threads_differ(void **state)
{
	static struct uuid ids[4 * 2000];
	pthread_t threads[4];

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, make_ids, ids + i * 2000), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	qsort(ids, 4 * 2000, sizeof(*ids), by_bytes);
	for (int i = 1; i < 4 * 2000; i++)
		assert_false(uuid_eq(&ids[i - 1], &ids[i]));
}

static void a_child_makes_other_ids_than_its_parent(void **state)
{
	struct uuid ours, theirs;
	int ends[2], status;
	pid_t child;

	(void)state;
	uuid_new(); /* so that there is something random left to share */
	assert_int_equal(pipe(ends), 0);
	child = fork();
	if (child == 0) {
		theirs = uuid_new();
		_exit(write(ends[1], theirs.b, UUID_BYTES) != UUID_BYTES);
	}
	ours = uuid_new();
	assert_int_equal(read(ends[0], theirs.b, UUID_BYTES), UUID_BYTES);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_memory_not_equal(ours.b + 8, theirs.b + 8, 8);
	close(ends[0]);
	close(ends[1]);
}

static void what_is_no_id_is_refused(void **state)
{
	static const char *const wrong[] = {"", "0191e2c4", "0191e2c4-0000-7000-8000-00000000000g",
					    "0191e2c4-0000-7000-8000-0000000000000",
					    "{0191e2c4-0000-7000-8000-000000000000}"};
	struct uuid id;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_int_equal(uuid_read(VIEW(wrong[i]), &id), -1);
	assert_int_equal(uuid_read(VIEW("0191E2C400007000800000000000ABCD"), &id), 0);
	assert_int_equal(id.b[15], 0xcd);
}

static void times_are_told_in_utc(void **state)
{
	CLEAN_STR s = STR_INIT;

	(void)state;
	clock_add_utc(&s, clock_of_utc(2024, 2, 29, 23, 59, 59));
	assert_string_equal(s.data, "2024-02-29T23:59:59Z");
	assert_true(clock_of_utc(2023, 13, 1, 0, 0, 0) == clock_of_utc(2024, 1, 1, 0, 0, 0));
	assert_true(clock_of_utc(1970, 1, 1, 0, 0, 0) == 0);
	assert_true(clock_of_utc(1969, 12, 31, 23, 59, 58) == -2);
}

/* ---- settings ---- */

static int read_conf(const struct fixture *f, const char *text, uint64_t *size, struct err *err)
{
	uint64_t count = 7;
	const struct conf_row rows[] = {{"size", size, 10, 1 << 20, "a size", CONF_NUMBER},
					{"count", &count, 1, 9, "a count", CONF_NUMBER}};
	const char *path = fixture_path(f, "test.conf");

	fixture_write(path, VIEW(text));
	return conf_read(path, rows, 2, err);
}

static void settings_are_read_and_checked_whole(void **state)
{
	static const struct {
		const char *text;
		const char *told; /* NULL: it is right */
		uint64_t size;
	} rows[] = {
		{"", NULL, 64},
		{"# nothing\n\n", NULL, 64},
		{"size = 2k\ncount=3", NULL, 2048},
		{"\tsize=1M # no\n", "line 1", 0},
		{"count = 2\nsize = 9\n", "line 2", 0},
		{"size = 1048577\n", "line 1", 0},
		{"size\n", "line 1", 0},
		{"width = 3\n", "width", 0},
		{"size = 20\nsize = 20\n", "twice", 0},
		{"size = -20\n", "line 1", 0},
		{"size =\n", "line 1", 0},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		uint64_t size = 64;
		int rc = read_conf(f, rows[i].text, &size, &f->err);

		assert_int_equal(rc, rows[i].told ? -1 : 0);
		if (rc == 0) {
			assert_int_equal(size, rows[i].size);
			continue;
		}
		assert_int_equal(f->err.kind, ERR_SYNTAX);
		assert_non_null(strstr(f->err.text, "test.conf"));
		assert_non_null(strstr(f->err.text, rows[i].told));
	}
}

static void settings_may_be_texts_switches_and_lists(void **state)
{
	struct fixture *f = *state;
	const char *path = fixture_path(f, "test.conf");
	char *name = mem_strdup("default");
	struct conf_list list = {0};
	bool on = false;
	const struct conf_row rows[] = {{"name", &name, 1, 5, "a text", CONF_TEXT},
					{"on", &on, 0, 0, "a switch", CONF_SWITCH},
					{"item", &list, 1, 5, "a list", CONF_LIST}};

	conf_list_add(&list, "default");
	fixture_write(path, VIEW("name = a = b\non = yes\nitem = 1\nitem = 2\n"));
	assert_int_equal(conf_read(path, rows, 3, &f->err), 0);
	assert_string_equal(name, "a = b");
	assert_true(on);
	assert_int_equal(list.n, 2);
	assert_string_equal(list.v[1], "2");
	fixture_write(path, VIEW("on = maybe\n"));
	assert_int_equal(conf_read(path, rows, 3, &f->err), -1);
	assert_non_null(strstr(f->err.text, "yes or no"));
	fixture_write(path, VIEW("item = 123456\n"));
	assert_int_equal(conf_read(path, rows, 3, &f->err), -1);
	assert_int_equal(f->err.kind, ERR_SYNTAX);
	free(name);
	conf_list_clear(&list);
}

static void settings_are_told_as_a_table(void **state)
{
	CLEAN_STR table = STR_INIT;
	uint64_t size = 3 << 20, any = 1025;
	char *name = mem_strdup("it");
	struct conf_list list = {0};
	bool on = true;
	const struct conf_row rows[] = {{"size", &size, 0, 1 << 30, "a size", CONF_NUMBER},
					{"any", &any, 1024, UINT64_MAX, "no bound", CONF_NUMBER},
					{"name", &name, 1, 5, "a text", CONF_TEXT},
					{"on", &on, 0, 0, "a switch", CONF_SWITCH},
					{"item", &list, 1, 9, "a list", CONF_LIST}};

	(void)state;
	conf_list_add(&list, "a: b");
	conf_list_add(&list, "c");
	conf_table(rows, sizeof(rows) / sizeof(*rows), &table);
	assert_string_equal(table.data, "| name | default | bounds | meaning |\n|---|---|---|---|\n"
					"| `size` | 3M | 0 to 1G | a size |\n"
					"| `any` | 1025 | 1k and more | no bound |\n"
					"| `name` | `it` | 1 to 5 characters | a text |\n"
					"| `on` | yes | yes, no | a switch |\n"
					"| `item` | `a: b`, `c` | 1 to 9 characters; any number of "
					"lines | a list |\n");
	free(name);
	conf_list_clear(&list);
}

static void a_missing_file_of_settings_leaves_the_defaults(void **state)
{
	struct fixture *f = *state;
	uint64_t n = 5;
	const struct conf_row row = {"n", &n, 1, 9, "a number", CONF_NUMBER};

	assert_int_equal(conf_read(fixture_path(f, "none"), &row, 1, &f->err), 0);
	assert_int_equal(n, 5);
}

static void numbers_with_units_do_not_overflow(void **state)
{
	static const char *const wrong[] = {
		"",     "k",   "1kk", "1T", "1 k", "18446744073709551616", "17179869184G",
		"0x10", "1.5k"};
	uint64_t n;

	(void)state;
	assert_true(conf_number("18446744073709551615", &n) == 0 && n == UINT64_MAX);
	assert_true(conf_number("3G", &n) == 0 && n == 3ULL << 30);
	assert_true(conf_number("4K", &n) == 0 && n == 4096);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_int_equal(conf_number(wrong[i], &n), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_str_always_ends_in_a_nul),
		cmocka_unit_test(text_is_cut_at_a_separator),
		cmocka_unit_test(views_are_compared_and_trimmed),
		cmocka_unit_test(hex_is_read_back_and_nothing_else_is_hex),
		cmocka_unit_test(numbers_are_read_back_and_not_beyond_the_end),
		cmocka_unit_test(a_varint_of_more_than_64_bits_is_malformed),
		cmocka_unit_test(little_endian_is_little_endian),
		cmocka_unit_test(nothing_that_steers_a_terminal_gets_through),
		cmocka_unit_test(broken_utf8_becomes_valid),
		cmocka_unit_test(an_arena_gives_zeroed_aligned_memory),
		cmocka_unit_test(a_list_in_an_arena_grows),
		cmocka_unit_test(an_error_reads_from_the_outside_in),
		cmocka_unit_test(a_long_error_keeps_its_beginning),
		cmocka_unit_test(each_kind_has_a_code_and_a_sentence),
		cmocka_unit_test(ids_grow_and_are_read_back),
		cmocka_unit_test(ids_of_many_threads_differ),
		cmocka_unit_test(a_child_makes_other_ids_than_its_parent),
		cmocka_unit_test(what_is_no_id_is_refused),
		cmocka_unit_test(times_are_told_in_utc),
		cmocka_unit_test_setup_teardown(settings_are_read_and_checked_whole, fixture_folder,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(settings_may_be_texts_switches_and_lists,
						fixture_folder, fixture_teardown),
		cmocka_unit_test(settings_are_told_as_a_table),
		cmocka_unit_test_setup_teardown(a_missing_file_of_settings_leaves_the_defaults,
						fixture_folder, fixture_teardown),
		cmocka_unit_test(numbers_with_units_do_not_overflow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
