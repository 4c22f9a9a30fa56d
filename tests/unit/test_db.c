/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/fixture.h"

#include "base/file.h"

#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>

static const struct db_options options = {
	.name = "test", .page_bytes = 4096, .cache_kib = 256, .sync_full = true, .create = true};
static const char *const steps[] = {"CREATE TABLE t (n INTEGER PRIMARY KEY, v BLOB)",
				    "ALTER TABLE t ADD COLUMN w TEXT", "CREATE TABLE broken ("};

static struct secret *key_of(char fill)
{
	struct secret *key = secret_new(KEY_BYTES);

	memset(secret_bytes(key), fill, KEY_BYTES);
	return key;
}

static struct db *open_db(struct fixture *f)
{
	CLEAN(secret) key = key_of('k');
	struct db *db = NULL;

	if (db_open(fixture_path(f, "test.db"), key, &options, &db, &f->err) < 0 ||
	    db_migrate(db, steps, 1, &f->err) < 0)
		fail_msg("%s", f->err.text);
	return db;
}

static int64_t count(struct db *db)
{
	CLEAN_STMT q = NULL;
	struct err err = {0};

	assert_int_equal(db_query(db, "SELECT count(*) FROM t", &q, &err), 0);
	assert_int_equal(stmt_step(q, &err), 1);
	return stmt_int(q, 0);
}

static int insert(struct db *db, int64_t n, struct err *err)
{
	return db_run(db, err, "INSERT INTO t (n, v) VALUES (?1, ?2)", BIND_INT(n),
		      BIND_BLOB("a\0b", 3));
}

static void what_is_bound_comes_back(void **state)
{
	struct fixture *f = *state;
	CLEAN(db) db = open_db(f);
	CLEAN_STMT q = NULL;

	assert_int_equal(insert(db, INT64_MIN, &f->err), 0);
	assert_int_equal(db_changes(db), 1);
	assert_true(db_last_rowid(db) == INT64_MIN);
	assert_int_equal(
		db_find(db, &q, &f->err, "SELECT n, v, NULL FROM t WHERE n < ?1", BIND_INT(0)), 1);
	assert_true(stmt_int(q, 0) == INT64_MIN);
	assert_int_equal(stmt_blob(q, 1).len, 3);
	assert_memory_equal(stmt_blob(q, 1).data, "a\0b", 3);
	assert_true(stmt_is_null(q, 2) && !stmt_is_null(q, 1));
	assert_int_equal(stmt_step(q, &f->err), 0);
}

static void another_key_does_not_open_it(void **state)
{
	struct fixture *f = *state;
	CLEAN(db) db = open_db(f);
	CLEAN(secret) other = key_of('x');
	CLEAN(db) again = NULL;

	assert_int_equal(insert(db, 1, &f->err), 0);
	db_free(&db);
	assert_int_equal(db_open(fixture_path(f, "test.db"), other, &options, &again, &f->err), -1);
	assert_int_equal(f->err.kind, ERR_WRONGKEY);
	assert_non_null(strstr(f->err.text, "test.db"));
	again = open_db(f);
	assert_int_equal(count(again), 1);
}

static void nothing_of_it_is_readable_on_disk(void **state)
{
	static const char word[] = "needle-in-the-haystack";
	static const char *const files[] = {"test.db", "test.db-wal"};
	struct fixture *f = *state;
	CLEAN(db) db = open_db(f);

	assert_int_equal(
		db_run(db, &f->err, "INSERT INTO t (v) VALUES (?1)", BIND_TEXT(VIEW(word))), 0);
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		CLEAN_STR s = STR_INIT;

		assert_int_equal(file_read(fixture_path(f, files[i]), 1 << 20, &s, &f->err), 0);
		assert_true(s.len > 0);
		assert_null(memmem(s.data, s.len, word, strlen(word)));
		assert_null(memmem(s.data, s.len, "SQLite", 6));
	}
}

static void its_files_are_its_owner_s_alone(void **state)
{
	struct fixture *f = *state;
	static const char *const files[] = {"test.db", "test.db-wal", "test.db-shm"};
	CLEAN(db) db = open_db(f);

	assert_int_equal(insert(db, 1, &f->err), 0);
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		struct stat st;

		assert_int_equal(stat(fixture_path(f, files[i]), &st), 0);
		assert_int_equal(st.st_mode & 07777, 0600);
	}
}

static void a_missing_database_is_not_made_unasked(void **state)
{
	struct fixture *f = *state;
	struct db_options o = options;
	CLEAN(secret) key = key_of('k');
	CLEAN(db) db = NULL;

	o.create = false;
	assert_int_equal(db_open(fixture_path(f, "none.db"), key, &o, &db, &f->err), -1);
	assert_int_equal(f->err.kind, ERR_NOTFOUND);
	assert_int_equal(access(fixture_path(f, "none.db"), F_OK), -1);
}

static void a_rollback_leaves_nothing_and_may_come_twice(void **state)
{
	struct fixture *f = *state;
	CLEAN(db) db = open_db(f);

	assert_int_equal(db_begin(db, &f->err), 0);
	assert_int_equal(insert(db, 1, &f->err), 0);
	db_rollback(db);
	db_rollback(db);
	assert_int_equal(count(db), 0);
	assert_int_equal(db_begin(db, &f->err), 0);
	assert_int_equal(insert(db, 1, &f->err), 0);
	assert_int_equal(db_commit(db, &f->err), 0);
	assert_int_equal(count(db), 1);
}

static void a_statement_that_failed_can_be_used_again(void **state)
{
	struct fixture *f = *state;
	CLEAN(db) db = open_db(f);

	assert_int_equal(insert(db, 1, &f->err), 0);
	assert_int_equal(insert(db, 1, &f->err), -1);
	assert_int_equal(f->err.kind, ERR_EXISTS);
	assert_int_equal(insert(db, 2, &f->err), 0);
	assert_int_equal(count(db), 2);
	assert_int_equal(db_exec(db, "no SQL", &f->err), -1);
}

static void migrations_run_once_and_in_order(void **state)
{
	struct fixture *f = *state;
	CLEAN(db) db = open_db(f);

	for (int i = 0; i < 2; i++)
		assert_int_equal(db_migrate(db, steps, 2, &f->err), 0);
	assert_int_equal(db_exec(db, "INSERT INTO t VALUES (1, 2, 'w')", &f->err), 0);
}

static void a_migration_that_fails_leaves_the_schema_before_it(void **state)
{
	struct fixture *f = *state;
	CLEAN(db) db = open_db(f);

	assert_int_equal(db_migrate(db, steps, 3, &f->err), -1);
	assert_non_null(strstr(f->err.text, "step 3"));
	assert_int_equal(db_migrate(db, steps, 2, &f->err), 0);
}

static void a_schema_of_the_future_is_refused(void **state)
{
	struct fixture *f = *state;
	CLEAN(db) db = open_db(f);

	assert_int_equal(db_exec(db, "PRAGMA user_version=9", &f->err), 0);
	assert_int_equal(db_migrate(db, steps, 2, &f->err), -1);
	assert_int_equal(f->err.kind, ERR_VERSION);
	assert_non_null(strstr(f->err.text, "number 9"));
	assert_non_null(strstr(f->err.text, "knows 2"));
}

static int note_step(void *arg, int version, struct err *err)
{
	int *last = arg;

	*last = version;
	return version == 2 ? err_set(err, ERR_IO, "not this one") : 0;
}

static void a_step_is_undone_by_who_is_told_of_it(void **state)
{
	struct fixture *f = *state;
	CLEAN(db) db = open_db(f);
	int last = 0, schema;

	assert_int_equal(db_migrate_telling(db, steps, 2, note_step, &last, &f->err), -1);
	assert_int_equal(last, 2);
	assert_non_null(strstr(f->err.text, "not this one"));
	assert_int_equal(db_schema(db, &schema, &f->err), 0);
	assert_int_equal(schema, 1);
	assert_int_equal(db_migrate(db, steps, 2, &f->err), 0);
}

static void a_copy_has_what_was_committed_and_opens_with_the_same_key_only(void **state)
{
	struct fixture *f = *state;
	CLEAN(secret) key = key_of('k');
	CLEAN(secret) wrong = key_of('w');
	CLEAN(db) db = open_db(f);
	CLEAN(db) copy = NULL;
	struct db_options as_is = options;
	struct stat st;
	int schema;

	as_is.create = false;
	for (int i = 0; i < 500; i++)
		assert_int_equal(insert(db, i, &f->err), 0);
	assert_int_equal(db_copy(db, key, &options, fixture_path(f, "copy.db"), &f->err), 0);
	assert_int_equal(insert(db, 500, &f->err), 0);
	assert_int_equal(stat(fixture_path(f, "copy.db-wal"), &st), -1);
	assert_int_equal(db_open(fixture_path(f, "copy.db"), wrong, &as_is, &copy, &f->err), -1);
	assert_int_equal(db_open(fixture_path(f, "copy.db"), key, &as_is, &copy, &f->err), 0);
	assert_int_equal(count(copy), 500);
	assert_int_equal(db_schema(copy, &schema, &f->err), 0);
	assert_int_equal(schema, 1);
}

static void tell(void *arg, const char *finding)
{
	assert_true(strlen(finding) > 0);
	++*(int *)arg;
}

static void a_changed_page_is_found(void **state)
{
	struct fixture *f = *state;
	CLEAN(db) db = open_db(f);
	CLEAN_STR s = STR_INIT;
	CLEAN_STMT q = NULL;
	int findings = 0;

	assert_int_equal(db_begin(db, &f->err), 0);
	for (int i = 0; i < 2000; i++)
		assert_int_equal(insert(db, i, &f->err), 0);
	assert_int_equal(db_commit(db, &f->err), 0);
	assert_int_equal(db_check(db, tell, &findings, &f->err), 0);
	assert_int_equal(findings, 0);
	db_free(&db);
	assert_int_equal(file_read(fixture_path(f, "test.db"), 1 << 20, &s, &f->err), 0);
	assert_true(s.len > 3 * 4096);
	s.data[2 * 4096 + 100] ^= 1;
	fixture_write(fixture_path(f, "test.db"), str_view(&s));
	db = open_db(f);
	assert_int_equal(db_check(db, tell, &findings, &f->err), 0);
	assert_true(findings > 0);
	assert_int_equal(
		db_find(db, &q, &f->err, "SELECT sum(length(v)) FROM t WHERE n >= ?1", BIND_INT(0)),
		-1);
	assert_int_equal(f->err.kind, ERR_DAMAGED);
}

static void another_process_sees_only_what_was_committed(void **state)
{
	struct fixture *f = *state;
	CLEAN(db) db = open_db(f);
	int status;
	pid_t child;

	assert_int_equal(insert(db, 1, &f->err), 0);
	assert_int_equal(db_begin(db, &f->err), 0);
	assert_int_equal(insert(db, 2, &f->err), 0);
	child = fork();
	if (child == 0) { /* never with a connection of the parent's */
		struct db *own = open_db(f);

		_exit(count(own) == 1 ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(db_commit(db, &f->err), 0);
	assert_int_equal(count(db), 2);
}

static void two_writers_do_not_mix(void **state)
{
	struct fixture *f = *state;
	CLEAN(db) one = open_db(f);
	CLEAN(db) two = open_db(f);

	sqlite3_busy_timeout(db_sqlite(two), 0);
	assert_int_equal(db_begin(one, &f->err), 0);
	assert_int_equal(db_begin(two, &f->err), -1);
	assert_int_equal(f->err.kind, ERR_BUSY);
	db_rollback(two);
	assert_int_equal(insert(one, 1, &f->err), 0);
	assert_int_equal(db_commit(one, &f->err), 0);
	assert_int_equal(db_begin(two, &f->err), 0);
	assert_int_equal(count(two), 1);
	db_rollback(two);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, fixture_folder, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(what_is_bound_comes_back),
		IN_FOLDER(another_key_does_not_open_it),
		IN_FOLDER(nothing_of_it_is_readable_on_disk),
		IN_FOLDER(its_files_are_its_owner_s_alone),
		IN_FOLDER(a_missing_database_is_not_made_unasked),
		IN_FOLDER(a_rollback_leaves_nothing_and_may_come_twice),
		IN_FOLDER(a_statement_that_failed_can_be_used_again),
		IN_FOLDER(migrations_run_once_and_in_order),
		IN_FOLDER(a_migration_that_fails_leaves_the_schema_before_it),
		IN_FOLDER(a_schema_of_the_future_is_refused),
		IN_FOLDER(a_step_is_undone_by_who_is_told_of_it),
		IN_FOLDER(a_copy_has_what_was_committed_and_opens_with_the_same_key_only),
		IN_FOLDER(a_changed_page_is_found),
		IN_FOLDER(another_process_sees_only_what_was_committed),
		IN_FOLDER(two_writers_do_not_mix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
