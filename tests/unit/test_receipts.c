/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Receipts, in a catalog made now and in one that an older program made. */
#include "tests/unit/fixture.h"

#include "app/catalog/receipts.h"

#include <sys/wait.h>

extern const char schema_catalog_001[];

static void a_receipt_is_read_back_and_replaced_by_a_later_one(void **state)
{
	struct fixture *f = *state;
	CLEAN(catalog) c = fixture_catalog(f);
	struct uuid entry = uuid_new(), other = uuid_new();
	const struct receipt stuck = {.outcome = RECEIPT_STUCK};
	const struct receipt archived = {.outcome = RECEIPT_ARCHIVED, .mail = uuid_new()};
	struct receipt r;

	assert_int_equal(receipts_get(c, &entry, &r, &f->err), 0);
	assert_int_equal(receipts_put(c, &entry, &stuck, 5, &f->err), 0);
	assert_int_equal(receipts_get(c, &entry, &r, &f->err), 1);
	assert_true(r.outcome == RECEIPT_STUCK && uuid_eq(&r.mail, &stuck.mail));
	assert_int_equal(receipts_put(c, &entry, &archived, 6, &f->err), 0);
	assert_int_equal(receipts_get(c, &entry, &r, &f->err), 1);
	assert_true(r.outcome == RECEIPT_ARCHIVED && uuid_eq(&r.mail, &archived.mail));
	assert_int_equal(receipts_get(c, &other, &r, &f->err), 0);
}

static void receipts_made_before_a_time_are_forgotten(void **state)
{
	struct fixture *f = *state;
	CLEAN(catalog) c = fixture_catalog(f);
	const struct receipt receipt = {.outcome = RECEIPT_DUPLICATE, .mail = uuid_new()};
	struct uuid entries[10];
	struct receipt r;

	for (int i = 0; i < 10; i++) {
		entries[i] = uuid_new();
		assert_int_equal(receipts_put(c, &entries[i], &receipt, 100 + i, &f->err), 0);
	}
	assert_int_equal(receipts_expire(c, 104, &f->err), 0);
	for (int i = 0; i < 10; i++)
		assert_int_equal(receipts_get(c, &entries[i], &r, &f->err), i >= 4);
}

static void a_receipt_is_there_with_its_transaction_or_not_at_all(void **state)
{
	struct fixture *f = *state;
	CLEAN(catalog) c = fixture_catalog(f);
	const struct receipt receipt = {.outcome = RECEIPT_ARCHIVED, .mail = uuid_new()};
	struct uuid entry = uuid_new();
	struct receipt r;

	assert_int_equal(catalog_begin(c, &f->err), 0);
	assert_int_equal(receipts_put(c, &entry, &receipt, 1, &f->err), 0);
	assert_int_equal(receipts_get(c, &entry, &r, &f->err), 1);
	catalog_rollback(c);
	assert_int_equal(receipts_get(c, &entry, &r, &f->err), 0);
}

/* The catalog as the first version of the program left it, with a mail in it. */
static void make_first_schema(struct fixture *f)
{
	CLEAN(secret) key = secret_new(KEY_BYTES);
	CLEAN(db) db = NULL;
	const char *const steps[] = {schema_catalog_001};
	const struct db_options options = {
		.name = "catalog", .page_bytes = 8192, .cache_kib = 1024, .create = true};

	if (db_open(fixture_path(f, "catalog.db"), key, &options, &db, &f->err) < 0 ||
	    db_migrate(db, steps, 1, &f->err) < 0 ||
	    db_exec(db, "INSERT INTO settings VALUES ('name', 'old')", &f->err) < 0)
		fail_msg("%s", f->err.text);
}

static void a_catalog_of_an_older_program_opens_and_takes_receipts(void **state)
{
	struct fixture *f = *state;
	CLEAN(catalog) c = NULL;
	CLEAN_STR name = STR_INIT;
	const struct receipt receipt = {.outcome = RECEIPT_ARCHIVED, .mail = uuid_new()};
	struct uuid entry = uuid_new();
	struct receipt r;

	make_first_schema(f);
	for (int i = 0; i < 2; i++) {
		catalog_free(&c);
		c = fixture_catalog(f);
		str_reset(&name);
		assert_int_equal(setting_get(c, "name", &name, &f->err), 1);
		assert_string_equal(name.data, "old");
		assert_int_equal(receipts_get(c, &entry, &r, &f->err), i);
		assert_int_equal(receipts_put(c, &entry, &receipt, 1, &f->err), 0);
	}
}

/* As when a new version starts all its services. */
static void many_programs_may_open_an_older_catalog_at_once(void **state)
{
	struct fixture *f = *state;
	int status, failed = 0;

	for (int round = 0; round < 10; round++) {
		make_first_schema(f);
		for (int i = 0; i < 4; i++)
			if (fork() == 0) {
				CLEAN(secret) key = secret_new(KEY_BYTES);
				struct catalog *c = NULL;

				_exit(catalog_open(fixture_path(f, "catalog.db"), key, false, &c,
						   &f->err) < 0);
			}
		while (wait(&status) > 0)
			failed += status != 0;
		unlink(fixture_path(f, "catalog.db"));
	}
	assert_int_equal(failed, 0);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, fixture_folder, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(a_receipt_is_read_back_and_replaced_by_a_later_one),
		IN_FOLDER(receipts_made_before_a_time_are_forgotten),
		IN_FOLDER(a_receipt_is_there_with_its_transaction_or_not_at_all),
		IN_FOLDER(a_catalog_of_an_older_program_opens_and_takes_receipts),
		IN_FOLDER(many_programs_may_open_an_older_catalog_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
