/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/seal.h"

#include "base/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#define CONTEXT VIEW("context")
#define FILE_LINE "sealpost public key v1\n"
/* a point with which no secret can be agreed on */
#define LOW_ORDER FILE_LINE "0000000000000000000000000000000000000000000000000000000000000000\n"

static struct x25519 *pair, *other;
static struct public_key to;

static int make_keys(void **state)
{
	(void)state;
	pair = x25519_new(NULL);
	other = x25519_new(NULL);
	to = public_key_of(pair);
	return 0;
}

static int free_keys(void **state)
{
	(void)state;
	x25519_free(&pair);
	x25519_free(&other);
	return 0;
}

static void fill(struct str *out, size_t len)
{
	str_reserve(out, len);
	crypto_random(out->data, len);
	out->len = len;
}

static void assert_refused(enum err_kind kind, const struct x25519 *key, struct view context,
			   struct view sealed)
{
	CLEAN_STR out = STR_INIT;
	struct err err = {0};

	str_adds(&out, "before");
	assert_int_equal(unseal(key, context, sealed, &out, &err), -1);
	assert_int_equal(err.kind, kind);
	assert_string_equal(out.data, "before");
}

#define ALICE "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"
#define BOB_PUBLIC "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"
#define SHARED "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"

static void the_shared_secret_is_that_of_rfc_7748(void **state)
{
	CLEAN(secret) private = secret_new(KEY_BYTES);
	CLEAN(x25519) alice = NULL;
	CLEAN(secret) shared = NULL;
	unsigned char bob[KEY_BYTES], want[KEY_BYTES], low_order[KEY_BYTES] = {0};

	(void)state;
	assert_int_equal(str_unhex(VIEW(ALICE), secret_bytes(private), KEY_BYTES), 0);
	assert_int_equal(str_unhex(VIEW(BOB_PUBLIC), bob, KEY_BYTES), 0);
	assert_int_equal(str_unhex(VIEW(SHARED), want, KEY_BYTES), 0);
	alice = x25519_new(private);
	shared = x25519_shared(alice, bob);
	assert_memory_equal(secret_data(shared), want, KEY_BYTES);
	assert_null(x25519_shared(alice, low_order));
}

static void what_is_sealed_comes_out_again_whatever_its_length(void **state)
{
	static const size_t lens[] = {0,
				      1,
				      39000,
				      SEAL_CHUNK_BYTES - 1,
				      SEAL_CHUNK_BYTES,
				      SEAL_CHUNK_BYTES + 1,
				      2 * SEAL_CHUNK_BYTES,
				      300000};

	(void)state;
	for (size_t i = 0; i < sizeof(lens) / sizeof(*lens); i++) {
		CLEAN_STR plain = STR_INIT;
		CLEAN_STR sealed = STR_INIT;
		CLEAN_STR out = STR_INIT;
		struct err err = {0};

		fill(&plain, lens[i]);
		seal(&to, CONTEXT, str_view(&plain), &sealed);
		assert_int_equal(sealed.len, seal_size(lens[i]));
		assert_int_equal(unseal(pair, CONTEXT, str_view(&sealed), &out, &err), 0);
		assert_true(view_eq(str_view(&out), str_view(&plain)));
	}
}

static void pieces_of_any_size_make_the_same_message(void **state)
{
	CLEAN_STR plain = STR_INIT;
	CLEAN_STR sealed = STR_INIT;
	CLEAN_STR out = STR_INIT;
	CLEAN(sealer) s = sealer_new(&to, CONTEXT, &sealed);
	struct err err = {0};

	(void)state;
	fill(&plain, 200000);
	for (size_t at = 0, n = 1; at < plain.len; at += n, n = n * 3 + 1) {
		if (n > plain.len - at)
			n = plain.len - at;
		sealer_add(s, plain.data + at, n, &sealed);
	}
	sealer_end(s, &sealed);
	assert_int_equal(unseal(pair, CONTEXT, str_view(&sealed), &out, &err), 0);
	assert_true(view_eq(str_view(&out), str_view(&plain)));
}

static void every_flipped_byte_is_noticed(void **state)
{
	CLEAN_STR sealed = STR_INIT;

	(void)state;
	seal(&to, CONTEXT, VIEW("From: anna"), &sealed);
	for (size_t i = 0; i < sealed.len; i++) {
		bool is_key_name = i >= 8 && i < 16;

		sealed.data[i] ^= 1;
		assert_refused(is_key_name ? ERR_WRONGKEY : ERR_DAMAGED, pair, CONTEXT,
			       str_view(&sealed));
		sealed.data[i] ^= 1;
	}
}

static void a_message_cut_short_anywhere_does_not_open(void **state)
{
	static const size_t chunk = SEAL_SEALED_CHUNK_BYTES;
	CLEAN_STR plain = STR_INIT;
	CLEAN_STR sealed = STR_INIT;

	(void)state;
	fill(&plain, SEAL_CHUNK_BYTES * 2 + 5);
	seal(&to, CONTEXT, str_view(&plain), &sealed);
	for (size_t len = 0; len < SEAL_HEAD_BYTES + 40; len++)
		assert_refused(ERR_DAMAGED, pair, CONTEXT, (struct view){sealed.data, len});
	for (size_t n = 1; n <= 2; n++)
		assert_refused(ERR_DAMAGED, pair, CONTEXT,
			       (struct view){sealed.data, SEAL_HEAD_BYTES + n * chunk});
	assert_refused(ERR_DAMAGED, pair, CONTEXT, (struct view){sealed.data, sealed.len - 1});
}

static void chunks_that_change_places_are_noticed(void **state)
{
	static const size_t chunk = SEAL_SEALED_CHUNK_BYTES;
	CLEAN_STR plain = STR_INIT;
	CLEAN_STR sealed = STR_INIT;
	CLEAN_STR swapped = STR_INIT;
	const char *first;

	(void)state;
	fill(&plain, SEAL_CHUNK_BYTES * 3);
	seal(&to, CONTEXT, str_view(&plain), &sealed);
	first = sealed.data + SEAL_HEAD_BYTES;
	str_add(&swapped, sealed.data, SEAL_HEAD_BYTES);
	str_add(&swapped, first + chunk, chunk);
	str_add(&swapped, first, chunk);
	str_add(&swapped, first + 2 * chunk, chunk);
	assert_refused(ERR_DAMAGED, pair, CONTEXT, str_view(&swapped));
}

static void another_key_and_another_context_do_not_open(void **state)
{
	CLEAN_STR sealed = STR_INIT;

	(void)state;
	seal(&to, CONTEXT, VIEW("From: anna"), &sealed);
	assert_refused(ERR_WRONGKEY, other, CONTEXT, str_view(&sealed));
	assert_refused(ERR_DAMAGED, pair, VIEW("contexu"), str_view(&sealed));
	assert_refused(ERR_DAMAGED, pair, VIEW(""), str_view(&sealed));
}

static void one_sealer_makes_messages_that_open_each_under_its_own_context(void **state)
{
	CLEAN_STR first = STR_INIT;
	CLEAN_STR second = STR_INIT;
	CLEAN_STR out = STR_INIT;
	CLEAN(sealer) s = sealer_new(&to, CONTEXT, &first);
	CLEAN(unsealer) u = NULL;
	struct err err = {0};

	(void)state;
	sealer_add(s, "one", 3, &first);
	sealer_end(s, &first);
	sealer_next(s, VIEW("other"), &second);
	sealer_add(s, "two", 3, &second);
	sealer_end(s, &second);
	assert_int_equal(unseal(pair, VIEW("other"), str_view(&second), &out, &err), 0);
	assert_string_equal(out.data, "two");
	assert_refused(ERR_DAMAGED, pair, CONTEXT, str_view(&second));
	assert_refused(ERR_DAMAGED, pair, VIEW("other"), str_view(&first));
	assert_memory_not_equal(first.data + SEAL_HEAD_BYTES, second.data + SEAL_HEAD_BYTES, 3);
	assert_int_equal(unsealer_new(pair, CONTEXT, str_view(&first), &u, &err), 0);
	assert_int_equal(unsealer_next(u, VIEW("other"), str_view(&second), &err), 0);
	str_reset(&out);
	assert_int_equal(unsealer_chunk(u,
					(struct view){second.data + SEAL_HEAD_BYTES,
						      second.len - SEAL_HEAD_BYTES},
					true, &out, &err),
			 0);
	assert_string_equal(out.data, "two");
}

static void a_public_key_file_is_read_as_written_and_refused_otherwise(void **state)
{
	static const char *const wrong[] = {"", "hello\n", FILE_LINE, FILE_LINE "00ff\n",
					    LOW_ORDER};
	char path[] = "/tmp/test_seal.XXXXXX";
	int fd = mkstemp(path);
	struct public_key got;
	struct err err = {0};

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(public_key_save(&to, path, &err), 0);
	assert_int_equal(public_key_load(path, &got, &err), 0);
	assert_memory_equal(&got, &to, sizeof(to));
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		assert_int_equal(file_replace(path, 0600, VIEW(wrong[i]), &err), 0);
		assert_int_equal(public_key_load(path, &got, &err), -1);
		assert_int_equal(err.kind, ERR_SYNTAX);
	}
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_shared_secret_is_that_of_rfc_7748),
		cmocka_unit_test(what_is_sealed_comes_out_again_whatever_its_length),
		cmocka_unit_test(pieces_of_any_size_make_the_same_message),
		cmocka_unit_test(every_flipped_byte_is_noticed),
		cmocka_unit_test(a_message_cut_short_anywhere_does_not_open),
		cmocka_unit_test(chunks_that_change_places_are_noticed),
		cmocka_unit_test(another_key_and_another_context_do_not_open),
		cmocka_unit_test(one_sealer_makes_messages_that_open_each_under_its_own_context),
		cmocka_unit_test(a_public_key_file_is_read_as_written_and_refused_otherwise),
	};

	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
