/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/fixture.h"

#include "base/file.h"

#include <sys/stat.h>

static void holds(const char *path, const char *text)
{
	CLEAN_STR s = STR_INIT;
	struct err err = {0};

	assert_int_equal(file_read(path, 100, &s, &err), 0);
	assert_string_equal(s.data, text);
}

static void a_file_is_created_once(void **state)
{
	struct fixture *f = *state;
	const char *path = fixture_path(f, "file");
	struct stat st;

	assert_int_equal(file_create(path, 0400, VIEW("first"), &f->err), 0);
	assert_int_equal(file_create(path, 0600, VIEW("second"), &f->err), -1);
	assert_int_equal(f->err.kind, ERR_EXISTS);
	holds(path, "first");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0400);
}

static void a_file_is_replaced_whole_and_leaves_nothing_beside_it(void **state)
{
	struct fixture *f = *state;
	const char *path = fixture_path(f, "sub/file");

	assert_int_equal(dir_make_all(fixture_path(f, "sub"), 0700, &f->err), 0);
	assert_int_equal(file_replace(path, 0600, VIEW("first"), &f->err), 0);
	assert_int_equal(file_replace(path, 0600, VIEW("second"), &f->err), 0);
	holds(path, "second");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(dir_is_empty(fixture_path(f, "sub"), &f->err), 1);
}

static void a_file_above_the_limit_is_not_read(void **state)
{
	struct fixture *f = *state;
	const char *path = fixture_path(f, "file");
	CLEAN_STR s = STR_INIT;

	fixture_write(path, VIEW("12345"));
	assert_int_equal(file_read(path, 4, &s, &f->err), -1);
	assert_int_equal(f->err.kind, ERR_TOOBIG);
	str_reset(&s);
	assert_int_equal(file_read(path, 5, &s, &f->err), 0);
	assert_int_equal(s.len, 5);
	assert_int_equal(file_read(fixture_path(f, "none"), 5, &s, &f->err), -1);
	assert_int_equal(f->err.kind, ERR_NOTFOUND);
}

static void folders_are_made_with_their_parents_and_may_be_there(void **state)
{
	struct fixture *f = *state;
	const char *path = fixture_path(f, "a/b/c");

	assert_int_equal(dir_is_empty(path, &f->err), 1);
	for (int i = 0; i < 2; i++)
		assert_int_equal(dir_make_all(path, 0700, &f->err), 0);
	assert_int_equal(dir_make(path, 0700, &f->err), 0);
	assert_int_equal(dir_sync(path, &f->err), 0);
	assert_int_equal(dir_sync_parent(path, &f->err), 0);
	assert_int_equal(dir_is_empty(fixture_path(f, "a"), &f->err), 0);
	fixture_write(fixture_path(f, "file"), VIEW("x"));
	assert_int_equal(dir_make_all(fixture_path(f, "file/x"), 0700, &f->err), -1);
	assert_int_equal(dir_make(fixture_path(f, "no/x"), 0700, &f->err), -1);
	assert_int_equal(f->err.kind, ERR_NOTFOUND);
}

static void a_lock_is_held_by_one(void **state)
{
	struct fixture *f = *state;
	const char *path = fixture_path(f, "lock");
	int fd, other = -1;

	assert_int_equal(file_lock(path, &fd, &f->err), 1);
	assert_int_equal(file_lock(path, &other, &f->err), 0);
	assert_int_equal(other, -1);
	close(fd);
	assert_int_equal(file_lock(path, &other, &f->err), 1);
	fd_cleanup(&other);
	assert_int_equal(file_lock(fixture_path(f, "no/lock"), &other, &f->err), -1);
}

static void space_is_told(void **state)
{
	struct fixture *f = *state;
	uint64_t free_bytes, total_bytes;

	assert_int_equal(file_space(f->dir, &free_bytes, &total_bytes, &f->err), 0);
	assert_true(free_bytes <= total_bytes && total_bytes > 0);
	assert_int_equal(file_space(fixture_path(f, "none"), &free_bytes, &total_bytes, &f->err),
			 -1);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, fixture_folder, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(a_file_is_created_once),
		IN_FOLDER(a_file_is_replaced_whole_and_leaves_nothing_beside_it),
		IN_FOLDER(a_file_above_the_limit_is_not_read),
		IN_FOLDER(folders_are_made_with_their_parents_and_may_be_there),
		IN_FOLDER(a_lock_is_held_by_one),
		IN_FOLDER(space_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
