/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/intake/token.h"

#include "app/intake/spool.h"
#include "tests/unit/fixture.h"

#include <ctype.h>
#include <pthread.h>
#include <sys/stat.h>

static struct token_key *key;

static struct token_key *open_key(struct fixture *f)
{
	struct token_key *opened;

	if (token_key_open(f->archive, &opened, &f->err) < 0)
		fail_msg("%s", f->err.text);
	return opened;
}

static int setup(void **state)
{
	CLEAN(spool) spool = NULL;
	struct fixture *f;

	if (fixture_setup(state) < 0)
		return -1;
	f = *state;
	if (spool_open(f->archive, &spool, &f->err) < 0)
		fail_msg("%s", f->err.text);
	key = open_key(f);
	return 0;
}

static int teardown(void **state)
{
	token_key_free(&key);
	return fixture_teardown(state);
}

static bool is_token_of(const struct token_key *with, const struct uuid *id, struct view text)
{
	struct uuid got;

	return token_read(with, text, &got) == 0 && uuid_eq(&got, id);
}

static bool is_refused(struct view text)
{
	struct uuid got;

	return token_read(key, text, &got) < 0;
}

static void a_token_reads_as_the_id_it_was_made_of_and_fits_a_local_part(void **state)
{
	CLEAN_STR token = STR_INIT;
	struct uuid id = uuid_new();

	(void)state;
	token_write(&token, key, &id);
	assert_int_equal(token.len, TOKEN_TEXT);
	assert_true(token.len <= 64);
	assert_true(is_token_of(key, &id, str_view(&token)));
}

static void letters_may_have_changed_their_case(void **state)
{
	CLEAN_STR token = STR_INIT;
	struct uuid id = uuid_new();

	(void)state;
	token_write(&token, key, &id);
	for (size_t i = 0; i < token.len; i++)
		token.data[i] = (char)toupper((unsigned char)token.data[i]);
	assert_true(is_token_of(key, &id, str_view(&token)));
}

static void a_token_with_any_character_changed_is_refused(void **state)
{
	CLEAN_STR token = STR_INIT;
	struct uuid id = uuid_new();

	(void)state;
	token_write(&token, key, &id);
	for (size_t i = 0; i < token.len; i++) {
		char was = token.data[i];

		token.data[i] = was == '0' ? '1' : '0';
		assert_true(is_refused(str_view(&token)));
		token.data[i] = was;
	}
}

static void a_token_cut_short_or_with_something_behind_it_is_refused(void **state)
{
	CLEAN_STR token = STR_INIT;
	struct uuid id = uuid_new();

	(void)state;
	token_write(&token, key, &id);
	for (size_t len = 0; len < token.len; len++)
		assert_true(is_refused((struct view){token.data, len}));
	str_addc(&token, '0');
	assert_true(is_refused(str_view(&token)));
}

static void junk_is_refused(void **state)
{
	char junk[TOKEN_TEXT + 1];

	(void)state;
	assert_true(is_refused((struct view){0}));
	assert_true(is_refused(VIEW("anna")));
	assert_true(is_refused(VIEW("00000000-0000-7000-8000-000000000000.000000000000000000000")));
	for (int c = 0; c < 256; c++) {
		memset(junk, c, sizeof(junk));
		assert_true(is_refused((struct view){junk, TOKEN_TEXT}));
		junk[32] = '.';
		assert_true(is_refused((struct view){junk, TOKEN_TEXT}));
	}
}

static void the_key_is_made_once_and_its_tokens_outlive_a_restart(void **state)
{
	CLEAN_STR token = STR_INIT;
	CLEAN(token_key) again = open_key(*state);
	struct uuid id = uuid_new();

	token_write(&token, key, &id);
	assert_true(is_token_of(again, &id, str_view(&token)));
}

static void a_token_under_another_key_is_refused(void **state)
{
	struct fixture *f = *state;
	CLEAN(token_key) other = NULL;
	CLEAN_STR token = STR_INIT;
	struct uuid id = uuid_new();

	assert_int_equal(unlink(fixture_path(f, "archive/spool/token.key")), 0);
	other = open_key(f);
	token_write(&token, other, &id);
	assert_true(is_token_of(other, &id, str_view(&token)));
	assert_true(is_refused(str_view(&token)));
}

static void a_key_file_that_holds_no_key_is_told_and_not_replaced(void **state)
{
	struct fixture *f = *state;
	const char *path = fixture_path(f, "archive/spool/token.key");
	struct token_key *other;
	struct stat st;

	fixture_write(path, VIEW("abc\n"));
	assert_int_equal(token_key_open(f->archive, &other, &f->err), -1);
	assert_int_equal(f->err.kind, ERR_SYNTAX);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 4);
}

static void the_key_may_be_read_by_whom_the_spool_is_open_to(void **state)
{
	struct fixture *f = *state;
	const char *path = fixture_path(f, "archive/spool/token.key");
	CLEAN(token_key) other = NULL;
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(chmod(fixture_path(f, "archive/spool"), 0770), 0);
	other = open_key(f);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
}

static void *make_and_read(void *arg)
{
	bool *ok = arg;

	*ok = true;
	for (int i = 0; i < 500; i++) {
		CLEAN_STR token = STR_INIT;
		struct uuid id = uuid_new();

		token_write(&token, key, &id);
		*ok = *ok && is_token_of(key, &id, str_view(&token));
	}
	return NULL;
}

static void threads_may_share_a_key(void **state)
{
	pthread_t threads[4];
	bool ok[4];

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, make_and_read, &ok[i]), 0);
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		assert_true(ok[i]);
	}
}

#define TOKEN_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TOKEN_TEST(a_token_reads_as_the_id_it_was_made_of_and_fits_a_local_part),
		TOKEN_TEST(letters_may_have_changed_their_case),
		TOKEN_TEST(a_token_with_any_character_changed_is_refused),
		TOKEN_TEST(a_token_cut_short_or_with_something_behind_it_is_refused),
		TOKEN_TEST(junk_is_refused),
		TOKEN_TEST(the_key_is_made_once_and_its_tokens_outlive_a_restart),
		TOKEN_TEST(a_token_under_another_key_is_refused),
		TOKEN_TEST(a_key_file_that_holds_no_key_is_told_and_not_replaced),
		TOKEN_TEST(the_key_may_be_read_by_whom_the_spool_is_open_to),
		TOKEN_TEST(threads_may_share_a_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
