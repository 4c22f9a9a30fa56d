/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/mail/split.h"

#include "base/crypto.h"

#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

struct geometry {
	size_t bytes;
	size_t line_chars;
	const char *eol;
	bool eol_at_end;
};

static void add_base64(struct str *out, const char *data, size_t len, const struct geometry *g)
{
	size_t step = g->line_chars / 4 * 3;

	for (size_t i = 0; i < len; i += step) {
		size_t n = len - i < step ? len - i : step;

		str_reserve(out, (n + 2) / 3 * 4);
		out->len += (size_t)EVP_EncodeBlock((unsigned char *)out->data + out->len,
						    (const unsigned char *)data + i, (int)n);
		if (i + n < len || g->eol_at_end)
			str_adds(out, g->eol);
	}
}

static void add_random_base64(struct str *out, const struct geometry *g)
{
	char *data = mem_new(g->bytes + 1);

	crypto_random(data, g->bytes);
	add_base64(out, data, g->bytes, g);
	free(data);
}

static void count_bytes(void *arg, const struct splice *splice, struct view decoded)
{
	assert_int_equal(splice->decoded_len, decoded.len);
	*(size_t *)arg += decoded.len;
}

/* Split RAW within [start, end), put it together again, compare. Returns the number of splices. */
static size_t splits_and_joins(struct view raw, size_t start, size_t end)
{
	struct arena *arena = arena_new();
	struct split split = {0};
	CLEAN_STR joined = STR_INIT;
	CLEAN_STR decoded = STR_INIT;
	size_t pos = 0, pieces, skeleton = 0, told = 0, told_len = 0;
	struct view *piece;

	split_find(arena, raw, start, end, &split, count_bytes, &told);
	for (size_t i = 0; i < split.splices.n; i++) {
		const struct splice *s = &split.splices.v[i];

		assert_true(s->start >= start && s->start >= pos);
		assert_true(s->start + s->encoded_len <= end && s->decoded_len <= SPLICE_MAX);
		assert_true(s->encoded_len >= SPLICE_MIN_ENCODED);
		str_add(&joined, raw.data + pos, s->start - pos);
		str_reset(&decoded);
		split_decode(raw, s, &decoded);
		assert_int_equal(decoded.len, s->decoded_len);
		assert_int_equal(split_encode(s, str_view(&decoded), &joined), 0);
		pos = s->start + s->encoded_len;
		told_len += s->decoded_len;
	}
	str_add(&joined, raw.data + pos, raw.len - pos);
	assert_int_equal(joined.len, raw.len);
	assert_memory_equal(joined.data, raw.data, raw.len);
	assert_int_equal(told, told_len);
	piece = split_skeleton(arena, raw, &split, &pieces);
	assert_true(pieces <= split.splices.n + 1);
	for (size_t i = 0; i < pieces; i++)
		skeleton += piece[i].len;
	for (size_t i = 0; i < split.splices.n; i++)
		skeleton += split.splices.v[i].encoded_len;
	assert_int_equal(skeleton, raw.len);
	pieces = split.splices.n;
	arena_free(&arena);
	return pieces;
}

static size_t whole(const struct str *raw)
{
	return splits_and_joins(str_view(raw), 0, raw->len);
}

static void an_attachment_of_76_characters_a_line_is_one_splice(void **state)
{
	static const struct geometry all[] = {{50000, 76, "\r\n", true}, {50000, 76, "\n", false},
					      {50001, 72, "\n", true},   {50002, 60, "\r\n", false},
					      {57000, 76, "\n", false},  {9000, 4, "\n", true}};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		CLEAN_STR raw = STR_INIT;

		add_random_base64(&raw, &all[i]);
		assert_int_equal(whole(&raw), 1);
	}
}

static void one_long_line_is_a_splice(void **state)
{
	CLEAN_STR raw = STR_INIT;

	(void)state;
	add_random_base64(&raw, &(struct geometry){100001, 400000, "\n", true});
	assert_int_equal(whole(&raw), 1);
	raw.len--;
	assert_int_equal(whole(&raw), 1);
}

static void what_is_short_stays(void **state)
{
	CLEAN_STR raw = STR_INIT;

	(void)state;
	assert_int_equal(whole(&raw), 0);
	add_random_base64(&raw, &(struct geometry){2900, 76, "\n", true});
	assert_int_equal(whole(&raw), 0);
}

static void a_large_attachment_becomes_several_splices(void **state)
{
	CLEAN_STR raw = STR_INIT;

	(void)state;
	add_random_base64(&raw, &(struct geometry){2 * SPLICE_MAX + 100000, 76, "\r\n", false});
	assert_int_equal(whole(&raw), 3);
}

static void a_line_larger_than_a_splice_stays(void **state)
{
	CLEAN_STR raw = STR_INIT;

	(void)state;
	add_random_base64(&raw, &(struct geometry){SPLICE_MAX + 1, 16 * 1024 * 1024, "\n", true});
	assert_int_equal(whole(&raw), 0);
}

static void lines_that_cannot_be_rebuilt_end_the_run(void **state)
{
	static const char *const broken[] = {
		"AAAA AAA", "AAAAAAA", "AAB=",         "AB==",   "====",
		"A===",     "AA=A",    "AAAA\xc3\xa4", "AAAA \t"};

	(void)state;
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		CLEAN_STR raw = STR_INIT;

		add_random_base64(&raw, &(struct geometry){5700, 76, "\n", true});
		str_addf(&raw, "%s\n", broken[i]);
		add_random_base64(&raw, &(struct geometry){5700, 76, "\n", true});
		assert_int_equal(whole(&raw), 2);
	}
}

static void a_change_of_line_ends_begins_a_new_splice(void **state)
{
	CLEAN_STR raw = STR_INIT;

	(void)state;
	add_random_base64(&raw, &(struct geometry){5700, 76, "\n", true});
	add_random_base64(&raw, &(struct geometry){5700, 76, "\r\n", true});
	assert_int_equal(whole(&raw), 2);
}

static void any_geometry_is_put_back_bit_for_bit(void **state)
{
	static const char *const eols[] = {"\n", "\r\n", "\r", " \n", "\n\n"};
	unsigned seed = 7;

	(void)state;
	for (int i = 0; i < 300; i++) {
		CLEAN_STR raw = STR_INIT;

		for (int part = 0; part < 3; part++) {
			struct geometry g = {.bytes = (size_t)rand_r(&seed) % 20000,
					     .line_chars = 4 + 4 * ((size_t)rand_r(&seed) % 40),
					     .eol = eols[rand_r(&seed) % 5],
					     .eol_at_end = rand_r(&seed) % 2};

			add_random_base64(&raw, &g);
		}
		for (int change = rand_r(&seed) % 4; change > 0 && raw.len > 0; change--)
			raw.data[(size_t)rand_r(&seed) % raw.len] = (char)rand_r(&seed);
		whole(&raw);
		if (raw.len > 100)
			splits_and_joins(str_view(&raw), 17, raw.len - 17);
	}
}

static void a_splice_that_does_not_fit_its_bytes_is_refused(void **state)
{
	struct splice good = {0, 12, 8, 8, LINE_LF, true}, bad;
	CLEAN_STR out = STR_INIT;
	struct view eight = {"12345678", 8};

	(void)state;
	good.encoded_len = 12 + 2;
	assert_int_equal(split_encode(&good, eight, &out), 0);
	assert_string_equal(out.data, "MTIzNDU2\nNzg=\n");
	bad = good;
	bad.encoded_len++;
	assert_int_equal(split_encode(&bad, eight, &out), -1);
	bad = good;
	bad.decoded_len = 9;
	assert_int_equal(split_encode(&bad, eight, &out), -1);
	bad = good;
	bad.line_chars = 0;
	assert_int_equal(split_encode(&bad, eight, &out), -1);
	bad.line_chars = 7;
	assert_int_equal(split_encode(&bad, eight, &out), -1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_attachment_of_76_characters_a_line_is_one_splice),
		cmocka_unit_test(one_long_line_is_a_splice),
		cmocka_unit_test(what_is_short_stays),
		cmocka_unit_test(a_large_attachment_becomes_several_splices),
		cmocka_unit_test(a_line_larger_than_a_splice_stays),
		cmocka_unit_test(lines_that_cannot_be_rebuilt_end_the_run),
		cmocka_unit_test(a_change_of_line_ends_begins_a_new_splice),
		cmocka_unit_test(any_geometry_is_put_back_bit_for_bit),
		cmocka_unit_test(a_splice_that_does_not_fit_its_bytes_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
