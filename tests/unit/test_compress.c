/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "storage/compress.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>

#include <cmocka.h>

enum { MAX = 64 * 1024 * 1024 };

static uint64_t seed = 1;

static uint32_t roll(uint32_t below) /* splitmix64 */
{
	uint64_t z = seed += 0x9e3779b97f4a7c15U;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9U;
	z = (z ^ z >> 27) * 0x94d049bb133111ebU;
	return (uint32_t)((z ^ z >> 31) % below);
}

static void add_noise(struct str *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		str_addc(s, (char)roll(256));
}

static void add_mail(struct str *s, unsigned n)
{
	static const char *words[] = {"invoice",  "meeting", "regards",  "delivery", "tomorrow",
				      "contract", "please",  "attached", "Rechnung", "Angebot"};

	str_addf(s,
		 "Received: from mail%u.example.org by mx.example.com; %u Nov 2026\r\n"
		 "From: user%u@example.org\r\nTo: office@example.com\r\n"
		 "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
		 "Message-ID: <%u.%u@example.org>\r\n\r\n",
		 roll(9), n % 28, roll(50), n, roll(9999));
	for (size_t i = 0; i < 60 + roll(200); i++)
		str_addf(s, "%s %u ", words[roll(10)], roll(100));
}

static struct dictionary *train(size_t n)
{
	size_t *lens = mem_new(n * sizeof(*lens));
	CLEAN_STR all = STR_INIT;
	struct dictionary *dict;

	for (size_t i = 0; i < n; i++) {
		size_t before = all.len;

		add_mail(&all, (unsigned)i);
		lens[i] = all.len - before;
	}
	dict = dictionary_train(str_view(&all), lens, n);
	free(lens);
	return dict;
}

static void comes_back(const struct dictionary *dict, struct view whole, const struct view *pieces,
		       size_t n, enum encoding wanted)
{
	CLEAN(compressor) c = compressor_new();
	CLEAN(decompressor) d = decompressor_new();
	CLEAN_STR out = STR_INIT, back = STR_INIT;
	struct err err;
	enum encoding encoding;
	struct view frame;

	str_adds(&out, "before");
	str_adds(&back, "kept");
	encoding = compressor_run(c, dict, pieces, n, &out);
	assert_int_equal(encoding, wanted);
	frame = (struct view){out.data + 6, out.len - 6};
	assert_true(encoding == ENCODING_RAW ? frame.len == whole.len : frame.len < whole.len);
	assert_int_equal(decompressor_run(d, dict, encoding, frame, MAX, &back, &err), 0);
	assert_true(view_eq((struct view){back.data + 4, back.len - 4}, whole));
	assert_memory_equal(back.data, "kept", 4);
	if (whole.len == 0)
		return;
	assert_int_equal(decompressor_run(d, dict, encoding, frame, whole.len - 1, &back, &err),
			 -1);
	assert_int_equal(err.kind, ERR_DAMAGED);
	assert_int_equal(back.len, 4 + whole.len);
}

static void pieces_of_any_size_come_back_as_one(void **state)
{
	static const size_t totals[] = {0, 1, 10, 300, 5000, 1 << 20, (1 << 20) + 1, 5 << 20};

	(void)state;
	for (size_t i = 0; i < sizeof(totals) / sizeof(*totals); i++) {
		CLEAN_STR text = STR_INIT;
		struct view p[4];

		while (text.len < totals[i])
			add_mail(&text, 1);
		text.len = totals[i];
		p[0] = (struct view){text.data, totals[i] / 3};
		p[1] = (struct view){NULL, 0};
		p[2] = (struct view){text.data + p[0].len, totals[i] / 2};
		p[3] = (struct view){p[2].data + p[2].len, totals[i] - p[0].len - p[2].len};
		comes_back(NULL, str_view(&text), p, 4,
			   totals[i] < 300 ? ENCODING_RAW : ENCODING_ZSTD);
		p[0] = str_view(&text);
		comes_back(NULL, p[0], p, 1, totals[i] < 300 ? ENCODING_RAW : ENCODING_ZSTD);
	}
}

static void what_does_not_get_smaller_stays_raw(void **state)
{
	CLEAN_STR noise = STR_INIT;
	struct view p[2];

	(void)state;
	add_noise(&noise, 3 << 20);
	p[0] = (struct view){noise.data, 1000};
	comes_back(NULL, p[0], p, 1, ENCODING_RAW);
	p[1] = (struct view){noise.data + 1000, noise.len - 1000};
	comes_back(NULL, str_view(&noise), p, 2, ENCODING_RAW);
}

static void a_dictionary_makes_small_mails_smaller(void **state)
{
	CLEAN(dictionary) dict = train(2000);
	CLEAN(compressor) c = compressor_new();
	CLEAN_STR mail = STR_INIT, with = STR_INIT, without = STR_INIT;
	struct view p;

	(void)state;
	assert_non_null(dict);
	assert_true(dictionary_bytes(dict).len <= DICTIONARY_BYTES);
	add_mail(&mail, 7);
	p = str_view(&mail);
	assert_int_equal(compressor_run(c, dict, &p, 1, &with), ENCODING_ZSTD_DICT);
	assert_int_equal(compressor_run(c, NULL, &p, 1, &without), ENCODING_ZSTD);
	assert_true(with.len * 4 < without.len * 3);
	assert_int_equal(compress_dictionary_id(str_view(&with)), dictionary_id(dict));
	assert_int_equal(compress_dictionary_id(str_view(&without)), 0);
	comes_back(dict, p, &p, 1, ENCODING_ZSTD_DICT);
}

static void a_long_input_goes_without_dictionary(void **state)
{
	CLEAN(dictionary) dict = train(200);
	CLEAN_STR text = STR_INIT;
	struct view p;

	(void)state;
	while (text.len <= 1 << 20)
		add_mail(&text, 1);
	p = str_view(&text);
	comes_back(dict, p, &p, 1, ENCODING_ZSTD);
}

static void a_dictionary_made_from_its_bytes_opens_the_same_frames(void **state)
{
	CLEAN(dictionary) dict = train(300);
	CLEAN(dictionary) again = dictionary_new(dictionary_bytes(dict));
	CLEAN(compressor) c = compressor_new();
	CLEAN(decompressor) d = decompressor_new();
	CLEAN_STR mail = STR_INIT, frame = STR_INIT, back = STR_INIT;
	struct view p;
	struct err err;

	(void)state;
	add_mail(&mail, 7);
	p = str_view(&mail);
	compressor_run(c, dict, &p, 1, &frame);
	assert_int_equal(dictionary_id(again), dictionary_id(dict));
	assert_int_equal(
		decompressor_run(d, again, ENCODING_ZSTD_DICT, str_view(&frame), MAX, &back, &err),
		0);
	assert_true(view_eq(str_view(&back), p));
}

static void a_frame_does_not_open_without_its_dictionary(void **state)
{
	CLEAN(dictionary) dict = train(300);
	CLEAN(dictionary) other = train(300);
	CLEAN(compressor) c = compressor_new();
	CLEAN(decompressor) d = decompressor_new();
	CLEAN_STR mail = STR_INIT, frame = STR_INIT, back = STR_INIT;
	const struct dictionary *wrong[] = {NULL, other};
	struct view p;
	struct err err;

	(void)state;
	add_mail(&mail, 7);
	p = str_view(&mail);
	compressor_run(c, dict, &p, 1, &frame);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(decompressor_run(d, wrong[i], ENCODING_ZSTD_DICT, str_view(&frame),
						  MAX, &back, &err),
				 -1);
		assert_int_equal(err.kind, ERR_DAMAGED);
	}
	assert_int_equal(
		decompressor_run(d, dict, ENCODING_ZSTD, str_view(&frame), MAX, &back, &err), -1);
	assert_int_equal(back.len, 0);
}

static void a_changed_frame_is_damaged_or_decodes_but_never_overflows(void **state)
{
	CLEAN(compressor) c = compressor_new();
	CLEAN(decompressor) d = decompressor_new();
	CLEAN_STR mail = STR_INIT, frame = STR_INIT;
	struct view p;
	struct err err;

	(void)state;
	add_mail(&mail, 7);
	p = str_view(&mail);
	compressor_run(c, NULL, &p, 1, &frame);
	for (size_t i = 0; i < frame.len; i++) {
		CLEAN_STR back = STR_INIT;

		frame.data[i] ^= 0x15;
		if (decompressor_run(d, NULL, ENCODING_ZSTD, str_view(&frame), MAX, &back, &err) <
		    0) {
			assert_int_equal(err.kind, ERR_DAMAGED);
			assert_int_equal(back.len, 0);
		}
		frame.data[i] ^= 0x15;
		p = (struct view){frame.data, i};
		assert_int_equal(decompressor_run(d, NULL, ENCODING_ZSTD, p, MAX, &back, &err), -1);
	}
	assert_int_equal(decompressor_run(d, NULL, (enum encoding)9, p, MAX, &mail, &err), -1);
	assert_int_equal(err.kind, ERR_DAMAGED);
}

static void too_little_to_learn_from_gives_no_dictionary(void **state)
{
	size_t none = 0;

	(void)state;
	assert_null(train(3));
	assert_null(dictionary_train((struct view){NULL, 0}, &none, 0));
	assert_null(dictionary_new(VIEW("no dictionary")));
	assert_null(dictionary_new((struct view){"\x37\xa4\x30\xec\x01\x02\x03\x04\x05", 9}));
	assert_null(dictionary_new((struct view){NULL, 0}));
}

static void *compress_many(void *arg)
{
	CLEAN(dictionary) dict = dictionary_ref(arg);
	CLEAN(compressor) c = compressor_new();
	CLEAN_STR text = STR_INIT;
	struct view p;

	str_adds(&text, "Received: from mail by mx.example.com; Nov 2026 invoice meeting regards "
			"From: user@example.org To: office@example.com Content-Type: text/plain");
	p = str_view(&text);
	for (size_t i = 0; i < 100; i++) {
		CLEAN_STR out = STR_INIT;

		if (compressor_run(c, dict, &p, 1, &out) != ENCODING_ZSTD_DICT)
			return arg;
	}
	return NULL;
}

static void threads_share_one_dictionary(void **state)
{
	struct dictionary *dict = train(300);
	pthread_t threads[4];
	void *failed;

	(void)state;
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, compress_many, dict), 0);
	for (size_t i = 0; i < 4; i++) {
		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
	dictionary_free(&dict);
	assert_null(dict);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_of_any_size_come_back_as_one),
		cmocka_unit_test(what_does_not_get_smaller_stays_raw),
		cmocka_unit_test(a_dictionary_makes_small_mails_smaller),
		cmocka_unit_test(a_long_input_goes_without_dictionary),
		cmocka_unit_test(a_dictionary_made_from_its_bytes_opens_the_same_frames),
		cmocka_unit_test(a_frame_does_not_open_without_its_dictionary),
		cmocka_unit_test(a_changed_frame_is_damaged_or_decodes_but_never_overflows),
		cmocka_unit_test(too_little_to_learn_from_gives_no_dictionary),
		cmocka_unit_test(threads_share_one_dictionary),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
