/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The hash functions of evidence, and a node over several digests (RFC 4998, section 4.2). */
#include "tests/unit/fixture.h"

#include "base/digest.h"

static const enum digest_alg all[] = {DIGEST_SHA256, DIGEST_SHA384, DIGEST_SHA512};
enum { N_ALL = sizeof(all) / sizeof(*all) };

static void assert_digest(enum digest_alg alg, const struct digest *d, const char *hex)
{
	CLEAN_STR text = STR_INIT;

	str_addhex(&text, d->b, digest_bytes(alg));
	assert_string_equal(text.data, hex);
}

static void abc_has_the_digests_of_fips_180_4(void **state)
{
	static const char *const hex[] = {
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
		"cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
		"8086072ba1e7cc2358baeca134c825a7",
		"ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
		"2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
	};

	(void)state;
	for (size_t i = 0; i < N_ALL; i++) {
		struct digest d = digest_of(all[i], VIEW("abc"));

		assert_digest(all[i], &d, hex[i]);
		assert_int_equal(strlen(hex[i]), 2 * digest_bytes(all[i]));
	}
}

static void a_node_over_one_digest_is_that_digest(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ALL; i++) {
		struct digest one = digest_of(all[i], VIEW("one"));
		struct digest node = digest_node(all[i], &one, 1);

		assert_true(digest_eq(all[i], &one, &node));
	}
}

static void a_node_is_the_digest_of_its_digests_in_ascending_order(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ALL; i++) {
		struct digest v[3] = {0}, node, expected;
		CLEAN_STR joined = STR_INIT;

		v[0].b[0] = 0xff;
		v[1].b[0] = 0x7f;
		v[2].b[0] = 0x80;
		for (size_t k = 1; k <= 3; k++)
			str_addv(&joined, digest_view(all[i], &v[k % 3]));
		node = digest_node(all[i], v, 3);
		expected = digest_of(all[i], str_view(&joined));
		assert_true(digest_eq(all[i], &node, &expected));
	}
}

static void the_order_that_a_node_is_given_its_digests_in_does_not_matter(void **state)
{
	struct digest a = digest_of(DIGEST_SHA256, VIEW("a"));
	struct digest b = digest_of(DIGEST_SHA256, VIEW("b"));
	struct digest one_way[] = {a, b}, other_way[] = {b, a};
	struct digest x = digest_node(DIGEST_SHA256, one_way, 2);
	struct digest y = digest_node(DIGEST_SHA256, other_way, 2);

	(void)state;
	assert_true(digest_eq(DIGEST_SHA256, &x, &y));
	assert_false(digest_eq(DIGEST_SHA256, &x, &a));
}

static void algorithms_are_known_by_name_and_by_number(void **state)
{
	enum digest_alg alg;

	(void)state;
	for (size_t i = 0; i < N_ALL; i++) {
		assert_int_equal(digest_by_name(digest_name(all[i]), &alg), 0);
		assert_int_equal(alg, all[i]);
		assert_true(digest_known(all[i]));
	}
	assert_int_equal(digest_by_name("sha1", &alg), -1);
	assert_int_equal(digest_by_name("", &alg), -1);
	assert_false(digest_known(0));
	assert_false(digest_known(DIGEST_SHA512 + 1));
	assert_false(digest_known(UINT64_MAX));
}

static void bytes_of_another_length_are_no_digest(void **state)
{
	struct digest d = digest_of(DIGEST_SHA384, VIEW("x")), back;
	struct view v = digest_view(DIGEST_SHA384, &d);

	(void)state;
	assert_int_equal(digest_read(DIGEST_SHA384, v, &back), 0);
	assert_true(digest_eq(DIGEST_SHA384, &d, &back));
	assert_int_equal(digest_read(DIGEST_SHA256, v, &back), -1);
	v.len--;
	assert_int_equal(digest_read(DIGEST_SHA384, v, &back), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(abc_has_the_digests_of_fips_180_4),
		cmocka_unit_test(a_node_over_one_digest_is_that_digest),
		cmocka_unit_test(a_node_is_the_digest_of_its_digests_in_ascending_order),
		cmocka_unit_test(the_order_that_a_node_is_given_its_digests_in_does_not_matter),
		cmocka_unit_test(algorithms_are_known_by_name_and_by_number),
		cmocka_unit_test(bytes_of_another_length_are_no_digest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
