/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/fixture.h"

#include "app/catalog/audit.h"
#include "app/catalog/requests.h"

/* An archive with an empty log. */
static int setup(void **state)
{
	struct fixture *f;

	if (fixture_setup(state) < 0)
		return -1;
	f = *state;
	return db_exec(catalog_db(archive_catalog(f->a)), "DELETE FROM audit", &f->err);
}

static void add(struct fixture *f, enum audit_event what, const char *subject, const char *detail)
{
	if (audit_add(archive_catalog(f->a), what, VIEW(subject), VIEW(detail), &f->err) < 0)
		fail_msg("%s", f->err.text);
}

static void change(struct fixture *f, const char *sql)
{
	if (db_exec(catalog_db(archive_catalog(f->a)), sql, &f->err) < 0)
		fail_msg("%s", f->err.text);
}

static void is_broken_at(struct fixture *f, const char *words)
{
	err_clear(&f->err);
	assert_int_equal(audit_verify(archive_catalog(f->a), NULL, &f->err), -1);
	assert_int_equal(f->err.kind, ERR_DAMAGED);
	assert_non_null(strstr(f->err.text, words));
}

static void three_lines(struct fixture *f)
{
	audit_set_who("a test");
	add(f, AUDIT_CREATED, "", "");
	add(f, AUDIT_SETTING, "tsa.url", "set");
	add(f, AUDIT_MEDIUM, "2", "added");
}

static int see_line(void *arg, const struct audit_line *line, struct err *err)
{
	uint64_t *lines = arg;

	(void)err;
	assert_int_equal(line->line, *lines + 1);
	assert_true(view_eq(line->who, VIEW("a test")));
	(*lines)++;
	return 0;
}

static void lines_are_read_back_in_order_and_the_chain_holds(void **state)
{
	struct fixture *f = *state;
	uint64_t seen = 0, lines, head;
	struct hash hash, third;

	assert_int_equal(audit_head(archive_catalog(f->a), &head, &hash, &f->err), 0);
	assert_int_equal(head, 0);
	three_lines(f);
	assert_int_equal(audit_each(archive_catalog(f->a), 0, see_line, &seen, &f->err), 0);
	assert_int_equal(seen, 3);
	assert_int_equal(audit_verify(archive_catalog(f->a), &lines, &f->err), 0);
	assert_int_equal(lines, 3);
	assert_int_equal(audit_head(archive_catalog(f->a), &head, &hash, &f->err), 0);
	assert_int_equal(audit_hash(archive_catalog(f->a), 3, &third, &f->err), 1);
	assert_true(head == 3 && hash_eq(&hash, &third));
	assert_int_equal(audit_hash(archive_catalog(f->a), 4, &third, &f->err), 0);
}

static void whatever_is_changed_of_a_line_is_noticed(void **state)
{
	static const char *const changes[] = {
		"UPDATE audit SET time_ms = time_ms + 1 WHERE line = 2",
		"UPDATE audit SET who = 'nobody' WHERE line = 2",
		"UPDATE audit SET what = 'search' WHERE line = 2",
		"UPDATE audit SET subject = 'tsa.ur', detail = 'lset' WHERE line = 2",
		"UPDATE audit SET hash = zeroblob(32) WHERE line = 2",
	};
	struct fixture *f = *state;

	three_lines(f);
	for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
		change(f, "SAVEPOINT whole");
		change(f, changes[i]);
		is_broken_at(f, "line 2");
		change(f, "ROLLBACK TO whole; RELEASE whole");
	}
	assert_int_equal(audit_verify(archive_catalog(f->a), NULL, &f->err), 0);
}

static void a_line_taken_out_or_put_in_is_noticed(void **state)
{
	struct fixture *f = *state;

	three_lines(f);
	change(f, "SAVEPOINT whole; DELETE FROM audit WHERE line = 2");
	is_broken_at(f, "line 2 is missing");
	change(f, "UPDATE audit SET line = 2 WHERE line = 3");
	is_broken_at(f, "line 2");
	change(f, "ROLLBACK TO whole; RELEASE whole");
	change(f, "INSERT INTO audit SELECT 4, time_ms, who, what, subject, detail, hash "
		  "FROM audit WHERE line = 3");
	is_broken_at(f, "line 4");
}

static void a_line_goes_with_the_transaction_that_it_is_about(void **state)
{
	struct fixture *f = *state;
	uint64_t head;
	struct hash hash;

	assert_int_equal(catalog_begin(archive_catalog(f->a), &f->err), 0);
	add(f, AUDIT_NOTED, "x", "");
	catalog_rollback(archive_catalog(f->a));
	assert_int_equal(audit_head(archive_catalog(f->a), &head, &hash, &f->err), 0);
	assert_int_equal(head, 0);
}

static void a_request_has_a_number_that_no_tombstone_has(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	struct uuid id = uuid_new();
	struct request_row row;
	uint64_t request;

	assert_int_equal(
		requests_add(archive_catalog(f->a), VIEW("who"), VIEW("why"), &request, &f->err),
		0);
	assert_int_equal(request, 1);
	assert_int_equal(mails_add_erased(archive_catalog(f->a), &id, 5, 41, &f->err), 0);
	assert_int_equal(
		requests_add(archive_catalog(f->a), VIEW("who"), VIEW("why"), &request, &f->err),
		0);
	assert_int_equal(request, 42);
	assert_int_equal(requests_get(archive_catalog(f->a), arena, 42, &row, &f->err), 1);
	assert_string_equal(row.who, "who");
	assert_string_equal(row.reason, "why");
	assert_int_equal(requests_get(archive_catalog(f->a), arena, 7, &row, &f->err), 0);
}

static void a_deleted_mail_knows_its_request_and_so_does_its_tombstone(void **state)
{
	struct fixture *f = *state;
	static const struct arrival arrival = ARRIVAL("Subject: s\n\nbody\n");
	struct taken taken = fixture_take(f, &arrival);
	struct catalog *catalog = archive_catalog(f->a);
	struct tombstone t;
	struct uuid id;
	uint64_t mail, request;

	assert_int_equal(mails_by_id(catalog, &taken.id, &mail, &f->err), 1);
	fixture_delete(f, &taken.id);
	assert_int_equal(deletions_get(catalog, mail, &request, &f->err), 1);
	assert_int_equal(mails_erase(catalog, mail, 99, 0, &f->err), 0);
	assert_int_equal(mails_erased(catalog, &taken.id, &t, &f->err), 1);
	assert_true(t.when_s == 99 && t.request == request && t.mail == (int64_t)mail);
	assert_int_equal(mails_erased_as(catalog, (int64_t)mail, &id, &t, &f->err), 1);
	assert_true(uuid_eq(&id, &taken.id));
	assert_int_equal(mails_erased_as(catalog, 0, &id, &t, &f->err), 0);
	assert_int_equal(deletions_get(catalog, mail, &request, &f->err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(lines_are_read_back_in_order_and_the_chain_holds,
						setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(whatever_is_changed_of_a_line_is_noticed, setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(a_line_taken_out_or_put_in_is_noticed, setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(a_line_goes_with_the_transaction_that_it_is_about,
						setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(a_request_has_a_number_that_no_tombstone_has, setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(
			a_deleted_mail_knows_its_request_and_so_does_its_tombstone, setup,
			fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
