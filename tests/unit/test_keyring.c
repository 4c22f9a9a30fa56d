/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "storage/keyring.h"

#include "base/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define ARCHIVE "0191e2c4-0000-7000-8000-0123456789ab"
#define KEY_HEX "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define HEAD "sealpost archive key v1\n"
#define WHOLE HEAD "archive: " ARCHIVE "\nkey: " KEY_HEX "\n"

static char dir[] = "/tmp/test_keyring.XXXXXX";
static char path[64], link_path[64];

static int make_dir(void **state)
{
	(void)state;
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/archive.key", dir);
	snprintf(link_path, sizeof(link_path), "%s/link.key", dir);
	return 0;
}

static int remove_dir(void **state)
{
	(void)state;
	return rmdir(dir);
}

static int remove_files(void **state)
{
	(void)state;
	unlink(path);
	unlink(link_path);
	return 0;
}

static void put(struct view text, mode_t mode)
{
	struct err err = {0};

	unlink(path);
	assert_int_equal(file_create(path, mode, text, &err), 0);
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
	assert_memory_equal(keyring_id(a), keyring_id(b), KEY_ID_BYTES);
}

static void assert_refused(enum err_kind kind, const char *because)
{
	CLEAN(keyring) keyring = NULL;
	struct err err = {0};

	assert_int_equal(keyring_load(path, &keyring, &err), -1);
	assert_null(keyring);
	if (err.kind != kind || strstr(err.text, because) == NULL)
		fail_msg("wanted %s \"%s\", got %s \"%s\"", err_code(kind), because,
			 err_code(err.kind), err.text);
	assert_null(strstr(err.text, "0001")); /* nothing of the key */
}

static void a_saved_key_is_loaded_again(void **state)
{
	struct uuid archive = uuid_new();
	CLEAN(keyring) made = keyring_new(&archive);
	CLEAN(keyring) loaded = NULL;
	struct err err = {0};
	struct stat st;

	(void)state;
	assert_int_equal(keyring_save(made, path, &err), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0400);
	assert_int_equal(keyring_load(path, &loaded, &err), 0);
	assert_same(made, loaded);
}

static void a_key_file_has_the_documented_bytes(void **state)
{
	CLEAN(keyring) keyring = known_keyring();
	CLEAN_STR text = STR_INIT;
	struct err err = {0};

	(void)state;
	assert_int_equal(keyring_save(keyring, path, &err), 0);
	assert_int_equal(file_read(path, 4096, &text, &err), 0);
	assert_string_equal(text.data, WHOLE);
}

static void saving_never_replaces_a_key(void **state)
{
	CLEAN(keyring) keyring = known_keyring();
	CLEAN(keyring) other = keyring_new(keyring_archive(keyring));
	CLEAN(keyring) loaded = NULL;
	struct err err = {0};

	(void)state;
	assert_int_equal(keyring_save(keyring, path, &err), 0);
	assert_int_equal(keyring_save(other, path, &err), -1);
	assert_int_equal(err.kind, ERR_EXISTS);
	assert_int_equal(keyring_load(path, &loaded, &err), 0);
	assert_same(keyring, loaded);
}

static void two_new_keys_differ(void **state)
{
	struct uuid archive = uuid_new();
	CLEAN(keyring) a = keyring_new(&archive);
	CLEAN(keyring) b = keyring_new(&archive);

	(void)state;
	assert_false(secret_eq(keyring_key(a), keyring_key(b)));
	assert_memory_not_equal(keyring_id(a), keyring_id(b), KEY_ID_BYTES);
}

/* The values were computed with another implementation of RFC 5869. */
static void derived_keys_are_hkdf_with_the_label_and_the_salt(void **state)
{
	CLEAN(keyring) keyring = known_keyring();
	CLEAN(secret) pack = keyring_derive(keyring, KEY_USE_PACK, VIEW("salt"));
	CLEAN(secret) again = keyring_derive(keyring, KEY_USE_PACK, VIEW("salt"));
	CLEAN(secret) unsalted = keyring_derive(keyring, KEY_USE_PACK, VIEW(""));
	CLEAN(secret) catalog = keyring_derive(keyring, KEY_USE_CATALOG, VIEW("salt"));
	CLEAN_STR hex = STR_INIT;

	(void)state;
	str_addhex(&hex, secret_data(pack), secret_len(pack));
	assert_string_equal(hex.data,
			    "9760204866be14ab2687bd9cd3125916cb8de6289674569136f71a0660c35d69");
	assert_true(secret_eq(pack, again));
	assert_false(secret_eq(pack, unsalted));
	assert_false(secret_eq(pack, catalog));
}

static void the_fingerprint_is_the_key_id_for_human_eyes(void **state)
{
	CLEAN(keyring) keyring = known_keyring();
	CLEAN_STR text = STR_INIT;

	(void)state;
	keyring_add_fingerprint(&text, keyring);
	assert_string_equal(text.data, "516b 3e6c c121 dc0d");
}

static void a_mode_wider_than_0400_is_refused_with_the_remedy(void **state)
{
	CLEAN_STR remedy = STR_INIT;

	(void)state;
	str_addf(&remedy, "chmod 0400 %s", path);
	put(VIEW(WHOLE), 0400);
	for (mode_t bit = 1; bit < 0400; bit <<= 1) {
		assert_int_equal(chmod(path, 0400 | bit), 0);
		assert_refused(ERR_DENIED, remedy.data);
	}
}

static void another_users_file_is_refused(void **state)
{
	(void)state;
	if (geteuid() != 0) {
		print_message("only root can give files away: left out\n");
		return;
	}
	put(VIEW(WHOLE), 0400);
	assert_int_equal(chown(path, 1, 1), 0);
	assert_refused(ERR_DENIED, "belongs to user 1 ");
}

static void a_symbolic_link_is_refused(void **state)
{
	(void)state;
	put(VIEW(WHOLE), 0400);
	assert_int_equal(rename(path, link_path), 0);
	assert_int_equal(symlink(link_path, path), 0);
	assert_refused(ERR_DENIED, "symbolic link");
}

static void a_fifo_is_refused_and_not_waited_for(void **state)
{
	(void)state;
	assert_int_equal(mkfifo(path, 0400), 0);
	assert_refused(ERR_DENIED, "not a regular file");
}

static void a_missing_file_is_not_found(void **state)
{
	(void)state;
	assert_refused(ERR_NOTFOUND, path);
}

static void a_file_cut_short_anywhere_is_noticed(void **state)
{
	struct view whole = VIEW(WHOLE);

	(void)state;
	put((struct view){whole.data, 0}, 0400);
	assert_refused(ERR_DAMAGED, "empty");
	for (size_t len = 1; len < whole.len - 1; len++) { /* the last line end may be missing */
		put((struct view){whole.data, len}, 0400);
		assert_refused(ERR_DAMAGED, "cut short");
	}
}

static void other_content_is_refused_each_with_its_reason(void **state)
{
	static const struct {
		const char *text;
		enum err_kind kind;
		const char *because;
	} rows[] = {
		{"hello\n", ERR_SYNTAX, "no Sealpost key file"},
		{"\n\n\n", ERR_SYNTAX, "no Sealpost key file"},
		{"sealpost archive key v2\nwhatever\n", ERR_VERSION, "newer format"},
		{"sealpost archive key v2", ERR_VERSION, "newer format"},
		{"sealpost archive key v10\n", ERR_VERSION, "newer format"},
		{"sealpost archive key vX\n", ERR_SYNTAX, "first line"},
		{HEAD "key: " KEY_HEX "\narchive: " ARCHIVE "\n", ERR_SYNTAX, "\"archive: \""},
		{HEAD "archive: x" ARCHIVE "\nkey: " KEY_HEX "\n", ERR_SYNTAX, "\"archive: \""},
		{HEAD "archive: z191e2c4-0000-7000-8000-0123456789ab\nkey: " KEY_HEX "\n",
		 ERR_SYNTAX, "no UUID"},
		{HEAD "archive: " ARCHIVE "\nkey: " KEY_HEX "00\n", ERR_SYNTAX, "\"key: \""},
		{HEAD "archive: " ARCHIVE "\nkey: zz" KEY_HEX, ERR_SYNTAX, "\"key: \""},
		{HEAD "archive: " ARCHIVE
		      "\nkey: zz0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n",
		 ERR_SYNTAX, "hex digits"},
		{WHOLE "more\n", ERR_SYNTAX, "behind the key file"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		put(VIEW(rows[i].text), 0400);
		assert_refused(rows[i].kind, rows[i].because);
	}
}

static void a_huge_file_is_no_key_file(void **state)
{
	CLEAN_STR text = STR_INIT;

	(void)state;
	str_adds(&text, WHOLE);
	for (int i = 0; i < 5000; i++)
		str_addc(&text, '\n');
	put(str_view(&text), 0400);
	assert_refused(ERR_SYNTAX, "no Sealpost key file");
}

static void line_ends_of_other_systems_are_taken(void **state)
{
	CLEAN(keyring) known = known_keyring();
	CLEAN(keyring) loaded = NULL;
	struct err err = {0};

	(void)state;
	put(VIEW("sealpost archive key v1\r\narchive: " ARCHIVE "\r\nkey: " KEY_HEX "\r\n\r\n"),
	    0400);
	assert_int_equal(keyring_load(path, &loaded, &err), 0);
	assert_same(known, loaded);
}

#define ROW(test) cmocka_unit_test_teardown(test, remove_files)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(a_saved_key_is_loaded_again),
		ROW(a_key_file_has_the_documented_bytes),
		ROW(saving_never_replaces_a_key),
		ROW(two_new_keys_differ),
		ROW(derived_keys_are_hkdf_with_the_label_and_the_salt),
		ROW(the_fingerprint_is_the_key_id_for_human_eyes),
		ROW(a_mode_wider_than_0400_is_refused_with_the_remedy),
		ROW(another_users_file_is_refused),
		ROW(a_symbolic_link_is_refused),
		ROW(a_fifo_is_refused_and_not_waited_for),
		ROW(a_missing_file_is_not_found),
		ROW(a_file_cut_short_anywhere_is_noticed),
		ROW(other_content_is_refused_each_with_its_reason),
		ROW(a_huge_file_is_no_key_file),
		ROW(line_ends_of_other_systems_are_taken),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
