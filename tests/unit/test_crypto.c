/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The primitives against the vectors of their standards; secrets. */
#include "tests/unit/fixture.h"

#include "base/crypto.h"
#include "base/file.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

/* Bytes from hex, at most 64, in a buffer of the caller's. */
static struct view unhex(const char *text, unsigned char *out)
{
	struct view v = {(const char *)out, strlen(text) / 2};

	assert_int_equal(str_unhex(VIEW(text), out, v.len), 0);
	return v;
}

static struct secret *secret_hex(const char *text)
{
	unsigned char b[64];
	struct view v = unhex(text, b);

	return secret_copy(v.data, v.len);
}

static void is_hex(const void *bytes, size_t len, const char *text)
{
	CLEAN_STR s = STR_INIT;

	str_addhex(&s, bytes, len);
	assert_string_equal(s.data, text);
}

static void sha256_is_that_of_fips_180_4(void **state)
{
	static const char abc[] =
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
	CLEAN(sha256) sha = sha256_new();
	struct hash hash = crypto_sha256("abc", 3);

	(void)state;
	is_hex(hash.b, HASH_BYTES, abc);
	hash = crypto_sha256("", 0);
	is_hex(hash.b, HASH_BYTES,
	       "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	for (int again = 0; again < 2; again++) {
		sha256_add(sha, "a", 1);
		sha256_add(sha, "", 0);
		sha256_add(sha, "bc", 2);
		hash = sha256_end(sha);
		is_hex(hash.b, HASH_BYTES, abc);
	}
}

static void hmac_is_that_of_rfc_4231(void **state)
{
	static const struct {
		const char *key, *data, *mac;
	} rows[] = {
		{"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "Hi There",
		 "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
		{"4a656665", "what do ya want for nothing?",
		 "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		CLEAN(secret) key = secret_hex(rows[i].key);
		CLEAN(hmac) hmac = hmac_new(key);
		struct hash mac = hmac_once(hmac, rows[i].data, strlen(rows[i].data));

		is_hex(mac.b, HASH_BYTES, rows[i].mac);
		hmac_add(hmac, rows[i].data, 2);
		hmac_add(hmac, rows[i].data + 2, strlen(rows[i].data) - 2);
		mac = hmac_end(hmac);
		is_hex(mac.b, HASH_BYTES, rows[i].mac);
	}
}

static void hkdf_is_that_of_rfc_5869(void **state)
{
	static const struct {
		const char *salt, *info, *okm; /* the first 32 bytes */
	} rows[] = {
		{"000102030405060708090a0b0c", "\xf0\xf1\xf2\xf3\xf4\xf5\xf6\xf7\xf8\xf9",
		 "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"},
		{"", "", "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"},
	};
	CLEAN(secret) ikm = secret_hex("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b");

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		unsigned char salt[64];
		CLEAN(secret) key = crypto_hkdf(ikm, unhex(rows[i].salt, salt), rows[i].info);

		is_hex(secret_data(key), secret_len(key), rows[i].okm);
	}
}

static void scrypt_is_that_of_rfc_7914(void **state)
{
	CLEAN(secret) password = secret_copy("password", 8);
	CLEAN(secret) key = crypto_scrypt(password, VIEW("NaCl"), 10, 8, 16);

	(void)state;
	is_hex(secret_data(key), secret_len(key),
	       "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162");
}

/* Test cases 13, 14 and 16 of the GCM specification. */
static const struct gcm_row {
	const char *key, *nonce, *clear, *plain, *sealed;
} gcm_rows[] = {
	{"0000000000000000000000000000000000000000000000000000000000000000",
	 "000000000000000000000000", "", "", "530f8afbc74536b9a963b4f1c4cb738b"},
	{"0000000000000000000000000000000000000000000000000000000000000000",
	 "000000000000000000000000", "", "00000000000000000000000000000000",
	 "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"},
	{"feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
	 "cafebabefacedbaddecaf888", "feedfacedeadbeeffeedfacedeadbeefabaddad2",
	 "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e24"
	 "49a6b525b16aedf5aa0de657ba637b39",
	 "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b10"
	 "56828838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b"},
};

static void gcm_is_that_of_its_specification(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(gcm_rows) / sizeof(*gcm_rows); i++) {
		unsigned char nonce[64], clear[64], plain[64], out[80] = {0}, back[64] = {0};
		CLEAN(secret) key = secret_hex(gcm_rows[i].key);
		CLEAN(aead) aead = aead_new(key);
		struct view p = unhex(gcm_rows[i].plain, plain);
		struct view c = unhex(gcm_rows[i].clear, clear);

		unhex(gcm_rows[i].nonce, nonce);
		aead_seal(aead, nonce, c, p, out);
		is_hex(out, p.len + TAG_BYTES, gcm_rows[i].sealed);
		assert_true(aead_open(aead, nonce, c, (struct view){(char *)out, p.len + TAG_BYTES},
				      back));
		assert_memory_equal(back, plain, p.len);
	}
}

static void no_changed_bit_opens_and_nothing_is_left_behind(void **state)
{
	static const unsigned char nonce[NONCE_BYTES] = {1};
	CLEAN(secret) key = secret_new(KEY_BYTES);
	CLEAN(aead) aead = aead_new(key);
	char sealed[4 + TAG_BYTES], out[4];
	struct view v = {sealed, sizeof(sealed)};

	(void)state;
	aead_seal(aead, nonce, VIEW("clear"), VIEW("mail"), sealed);
	for (size_t bit = 0; bit < 8 * sizeof(sealed); bit++) {
		sealed[bit / 8] ^= (char)(1 << bit % 8);
		memcpy(out, "xxxx", 4);
		assert_false(aead_open(aead, nonce, VIEW("clear"), v, out));
		assert_memory_equal(out, "\0\0\0\0", 4);
		sealed[bit / 8] ^= (char)(1 << bit % 8);
	}
	assert_false(aead_open(aead, nonce, VIEW("cleaR"), v, out));
	assert_false(aead_open(aead, (unsigned char[NONCE_BYTES]){2}, VIEW("clear"), v, out));
	assert_true(aead_open(aead, nonce, VIEW("clear"), v, out));
	assert_memory_equal(out, "mail", 4);
}

static void hashes_and_secrets_are_compared_whole(void **state)
{
	struct hash a = crypto_sha256("a", 1), b = a;
	CLEAN(secret) s = secret_copy("secret", 6);
	CLEAN(secret) t = secret_copy("secreT", 6);
	CLEAN(secret) u = secret_copy("secret", 5);

	(void)state;
	assert_true(hash_eq(&a, &b));
	b.b[HASH_BYTES - 1] ^= 1;
	assert_false(hash_eq(&a, &b));
	assert_true(secret_eq(s, s));
	assert_false(secret_eq(s, t));
	assert_false(secret_eq(s, u));
	secret_shrink(s, 5);
	assert_true(secret_eq(s, u));
}

static void random_bytes_do_not_repeat(void **state)
{
	unsigned char a[32] = {0}, b[32] = {0};

	(void)state;
	crypto_random(a, sizeof(a));
	crypto_random(b, sizeof(b));
	assert_memory_not_equal(a, b, sizeof(a));
}

static int read_secret_fd(const struct fixture *f, struct view content, size_t max,
			  struct secret **secret_r, struct err *err)
{
	const char *path = fixture_path(f, "secret");
	CLEAN_FD fd = -1;

	fixture_write(path, content);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	return secret_read_fd(fd, max, secret_r, err);
}

/* Else a daemon that forks would go on with a key of zeros, and prove with it what anybody can. */
static void a_child_that_uses_its_parent_s_secret_ends(void **state)
{
	CLEAN(secret) s = secret_copy("password", 8);
	const struct rlimit no_core = {0};
	pid_t pid = fork();
	int status;

	(void)state;
	if (pid == 0) {
		setrlimit(RLIMIT_CORE, &no_core);
		signal(SIGABRT, SIG_DFL);
		close(STDERR_FILENO);
		_exit(secret_data(s)[0] == 'p');
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static void a_secret_of_a_descriptor_is_bounded(void **state)
{
	struct fixture *f = *state;
	CLEAN(secret) s = NULL;

	assert_int_equal(read_secret_fd(f, VIEW("12345678"), 8, &s, &f->err), 0);
	assert_int_equal(secret_len(s), 8);
	assert_memory_equal(secret_data(s), "12345678", 8);
	secret_free(&s);
	assert_int_equal(read_secret_fd(f, VIEW("123456789"), 8, &s, &f->err), -1);
	assert_int_equal(f->err.kind, ERR_TOOBIG);
	assert_int_equal(read_secret_fd(f, VIEW(""), 8, &s, &f->err), -1);
	assert_int_equal(f->err.kind, ERR_SYNTAX);
	assert_null(strstr(f->err.text, "1234"));
	assert_null(s);
}

static void one_line_end_is_no_part_of_a_password(void **state)
{
	static const struct {
		const char *file, *password;
	} rows[] = {{"pass", "pass"},         {"pass\n", "pass"}, {"pass\r\n", "pass"},
		    {"pass \n\n", "pass \n"}, {"\n", NULL},       {"", NULL}};
	struct fixture *f = *state;
	const char *path = fixture_path(f, "password");

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		CLEAN(secret) s = NULL;

		fixture_write(path, VIEW(rows[i].file));
		if (rows[i].password == NULL) {
			assert_int_equal(secret_read_line_file(path, &s, &f->err), -1);
			assert_int_equal(f->err.kind, ERR_SYNTAX);
			continue;
		}
		assert_int_equal(secret_read_line_file(path, &s, &f->err), 0);
		assert_int_equal(secret_len(s), strlen(rows[i].password));
		assert_memory_equal(secret_data(s), rows[i].password, secret_len(s));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sha256_is_that_of_fips_180_4),
		cmocka_unit_test(hmac_is_that_of_rfc_4231),
		cmocka_unit_test(hkdf_is_that_of_rfc_5869),
		cmocka_unit_test(scrypt_is_that_of_rfc_7914),
		cmocka_unit_test(gcm_is_that_of_its_specification),
		cmocka_unit_test(no_changed_bit_opens_and_nothing_is_left_behind),
		cmocka_unit_test(hashes_and_secrets_are_compared_whole),
		cmocka_unit_test(random_bytes_do_not_repeat),
		cmocka_unit_test(a_child_that_uses_its_parent_s_secret_ends),
		cmocka_unit_test_setup_teardown(a_secret_of_a_descriptor_is_bounded, fixture_folder,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(one_line_end_is_no_part_of_a_password,
						fixture_folder, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
