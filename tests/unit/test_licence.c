/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/licence/licence_file.h"

#include "tests/unit/fixture.h"

#include <openssl/evp.h>

/* A vendor of this test's own. */
struct vendor {
	EVP_PKEY *key;
	struct licence_terms terms;
};

static int setup(void **state)
{
	struct vendor *v = mem_new(sizeof(*v));
	size_t len = sizeof(v->terms.key);

	v->key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	assert_int_equal(EVP_PKEY_get_raw_public_key(v->key, v->terms.key, &len), 1);
	v->terms.has_key = true;
	v->terms.enforced = true;
	v->terms.feature = VIEW("mail-archive");
	*state = v;
	return 0;
}

static int teardown(void **state)
{
	struct vendor *v = *state;

	EVP_PKEY_free(v->key);
	free(v);
	return 0;
}

static void sign(struct vendor *v, const char *lines, struct str *out)
{
	unsigned char signature[ED25519_SIGNATURE_BYTES], base64[128];
	size_t len = sizeof(signature);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	str_adds(out, lines);
	assert_int_equal(EVP_DigestSignInit(ctx, NULL, NULL, NULL, v->key), 1);
	assert_int_equal(
		EVP_DigestSign(ctx, signature, &len, (const unsigned char *)out->data, out->len),
		1);
	EVP_MD_CTX_free(ctx);
	EVP_EncodeBlock(base64, signature, sizeof(signature));
	str_addf(out, "signature: %s\n", (const char *)base64);
}

#define LINES                                                                                      \
	"sealpost licence v1\ncustomer: Muster GmbH\nfeatures: groupware, mail-archive\nusers: "   \
	"50\n"                                                                                     \
	"from: 2026-01-01\nuntil: 2027-12-31\ntrial: yes\nserial: 4711\nlater: something\n"

static void each_line_is_read(void **state)
{
	struct vendor *v = *state;
	CLEAN_STR text = STR_INIT;
	struct licence_text l;
	struct err err = {0};

	sign(v, LINES, &text);
	assert_int_equal(licence_text_read(str_view(&text), &v->terms, &l, &err), 0);
	assert_true(view_eq(l.customer, VIEW("Muster GmbH")));
	assert_true(view_eq(l.serial, VIEW("4711")));
	assert_int_equal(l.users, 50);
	assert_int_equal(l.from_s, 1767225600);  /* 2026-01-01 */
	assert_int_equal(l.until_s, 1830297600); /* 2028-01-01 */
	assert_true(l.trial);
	assert_true(licence_has_feature(&l, VIEW("mail-archive")));
	assert_true(licence_has_feature(&l, VIEW("groupware")));
	assert_false(licence_has_feature(&l, VIEW("mail")));
}

static void any_changed_bit_is_noticed(void **state)
{
	struct vendor *v = *state;
	CLEAN_STR text = STR_INIT;
	size_t signed_bytes;

	sign(v, LINES, &text);
	signed_bytes = strlen(LINES);
	for (size_t i = 0; i < signed_bytes * 8; i++) {
		struct licence_text l;
		struct err err = {0};

		text.data[i / 8] = (char)(text.data[i / 8] ^ (1 << i % 8));
		assert_int_equal(licence_text_read(str_view(&text), &v->terms, &l, &err), -1);
		assert_true(err.kind == ERR_LICENCE || err.kind == ERR_VERSION);
		text.data[i / 8] = (char)(text.data[i / 8] ^ (1 << i % 8));
	}
}

static void cut_off_anywhere_it_is_none(void **state)
{
	struct vendor *v = *state;
	CLEAN_STR text = STR_INIT;

	sign(v, LINES, &text);
	for (size_t len = 0; len < text.len - 1; len++) {
		char *copy = mem_new(len + 1); /* so that the sanitizer sees what reads on */
		struct licence_text l;
		struct err err = {0};

		memcpy(copy, text.data, len);
		assert_int_equal(licence_text_read((struct view){copy, len}, &v->terms, &l, &err),
				 -1);
		free(copy);
	}
}

static void what_is_signed_has_to_make_sense_as_well(void **state)
{
	static const char *const lines[] = {
		"sealpost licence v1\ncustomer: M\nfeatures: a\n",
		"sealpost licence v1\ncustomer: M\nusers: 5\n",
		"sealpost licence v1\nfeatures: a\nusers: 5\n",
		"sealpost licence v1\ncustomer: M\nfeatures: a\nusers: 0\n",
		"sealpost licence v1\ncustomer: M\nfeatures: a\nusers: -5\n",
		"sealpost licence v1\ncustomer: M\nfeatures: a\nusers: 99999999999999999999\n",
		"sealpost licence v1\ncustomer: M\nfeatures: a\nusers: 5\nuntil: 2027-13-01\n",
		"sealpost licence v1\ncustomer: M\nfeatures: a\nusers: 5\nuntil: soon\n",
	};
	struct vendor *v = *state;

	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		CLEAN_STR text = STR_INIT;
		struct licence_text l;
		struct err err = {0};

		sign(v, lines[i], &text);
		assert_int_equal(licence_text_read(str_view(&text), &v->terms, &l, &err), -1);
		assert_non_null(strstr(err.text, "damaged"));
	}
}

#define OF_VENDOR(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		OF_VENDOR(each_line_is_read),
		OF_VENDOR(any_changed_bit_is_noticed),
		OF_VENDOR(cut_off_anywhere_it_is_none),
		OF_VENDOR(what_is_signed_has_to_make_sense_as_well),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
