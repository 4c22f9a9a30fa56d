/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/fixture.h"

#include "app/task/keep.h"
#include "app/task/order.h"
#include "app/task/result.h"
#include "base/clock.h"

static const struct uuid some = {{1, 2, 3, 4, 5, 6, 0x70, 8, 0x80}};

static struct uuid add(struct fixture *f, uint64_t person)
{
	const struct task_row row = {.person = person,
				     .who = VIEW("anna (own)"),
				     .kind = TASK_EXPORT,
				     .ordered = VIEW("{\"kind\": \"export\", \"query\": \"\"}")};
	struct uuid task = {0};

	if (tasks_add(archive_catalog(f->a), &row, &task, &f->err) < 0)
		fail_msg("%s", f->err.text);
	return task;
}

static struct task_row row_of(struct fixture *f, struct arena *arena, const struct uuid *task)
{
	struct task_row row = {0};

	assert_int_equal(tasks_get(archive_catalog(f->a), arena, task, &row, &f->err), 1);
	return row;
}

/* ---- results ---- */

static void write_result(struct fixture *f, size_t bytes, uint64_t *size_r, struct secret **key_r)
{
	CLEAN(result_writer) w = NULL;
	CLEAN_STR content = STR_INIT;

	while (content.len < bytes)
		str_addf(&content, "line %zu\n", content.len);
	content.len = bytes;
	if (result_create(f->archive, &some, &w, &f->err) < 0 ||
	    result_write(w, (struct view){content.data, bytes / 3}, &f->err) < 0 ||
	    result_write(w, (struct view){content.data + bytes / 3, bytes - bytes / 3}, &f->err) <
		    0 ||
	    result_end(w, size_r, key_r, &f->err) < 0)
		fail_msg("%s", f->err.text);
}

static int read_result(struct fixture *f, uint64_t size, const struct secret *key, struct str *out)
{
	CLEAN(result_reader) r = NULL;
	char piece[1000];
	ssize_t n;

	if (result_open(f->archive, &some, key, size, &r, &f->err) < 0)
		return -1;
	while ((n = result_read(r, piece, sizeof(piece), &f->err)) > 0)
		str_add(out, piece, (size_t)n);
	return (int)n;
}

static void a_result_of_any_length_comes_back_as_it_was(void **state)
{
	static const size_t lengths[] = {0, 1, 65535, 65536, 65537, 131072, 300001};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		CLEAN(secret) key = NULL;
		CLEAN_STR got = STR_INIT;
		uint64_t size = 0;

		write_result(f, lengths[i], &size, &key);
		assert_int_equal(size, lengths[i]);
		assert_int_equal(read_result(f, size, key, &got), 0);
		assert_int_equal(got.len, lengths[i]);
		assert_true(lengths[i] < 6 || memcmp(got.data, "line 0", 6) == 0);
		result_remove(f->archive, &some);
	}
}

static void a_result_does_not_open_by_another_key_or_when_it_was_changed_or_cut(void **state)
{
	struct fixture *f = *state;
	CLEAN(secret) key = NULL;
	CLEAN(secret) other = secret_new(KEY_BYTES);
	CLEAN_STR got = STR_INIT;
	CLEAN_STR path = STR_INIT;
	uint64_t size = 0;

	str_addf(&path, "%s/tasks/", f->archive);
	uuid_add(&path, &some);
	write_result(f, 200000, &size, &key);
	secret_bytes(other)[0] = 1;
	assert_int_equal(read_result(f, size, other, &got), -1);
	assert_int_equal(f->err.kind, ERR_WRONGKEY);
	assert_int_equal(truncate(path.data, 100000), 0);
	assert_int_equal(read_result(f, size, key, &got), -1);
	assert_int_equal(f->err.kind, ERR_DAMAGED);
}

static void what_was_not_ended_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	CLEAN_STR path = STR_INIT;
	struct result_writer *w = NULL;

	str_addf(&path, "%s/tasks/", f->archive);
	uuid_add(&path, &some);
	assert_int_equal(result_create(f->archive, &some, &w, &f->err), 0);
	assert_int_equal(result_write(w, VIEW("half"), &f->err), 0);
	assert_int_equal(access(path.data, F_OK), 0);
	result_writer_free(&w);
	assert_int_equal(access(path.data, F_OK), -1);
}

/* ---- rows ---- */

static void a_task_whose_process_is_gone_has_failed_and_one_at_work_has_not(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	struct uuid dead = add(f, 7), alive = add(f, 7), young = add(f, 7);
	int lock = -1;

	assert_int_equal(tasks_begin(archive_catalog(f->a), &dead, &f->err), 0);
	assert_int_equal(tasks_begin(archive_catalog(f->a), &alive, &f->err), 0);
	assert_int_equal(task_lock(f->archive, &alive, &lock, &f->err), 1);
	assert_int_equal(task_bury(f->a, clock_s(), &f->err), 0);
	assert_int_equal(row_of(f, arena, &dead).state, TASK_FAILED);
	assert_int_equal(row_of(f, arena, &alive).state, TASK_RUNNING);
	assert_int_equal(row_of(f, arena, &young).state, TASK_WAITING);
	assert_int_equal(task_bury(f->a, clock_s() + TASK_START_S + 1, &f->err), 0);
	assert_int_equal(row_of(f, arena, &young).state, TASK_FAILED);
	task_unlock(f->archive, &alive, &lock);
}

static void a_person_has_so_many_tasks_under_way_and_others_are_not_held_up(void **state)
{
	struct fixture *f = *state;
	const struct task_row row = {.person = 7, .who = VIEW(""), .ordered = VIEW("{}")};
	struct uuid task;

	for (int i = 0; i < TASKS_AT_ONCE; i++)
		add(f, 7);
	assert_int_equal(tasks_add(archive_catalog(f->a), &row, &task, &f->err), -1);
	assert_int_equal(f->err.kind, ERR_OVERLOAD);
	add(f, 8);
}

static void end_with_result(struct fixture *f, const struct uuid *task, int64_t until_s)
{
	CLEAN(secret) key = secret_new(KEY_BYTES);
	const struct task_end end = {
		.state = TASK_DONE,
		.text = VIEW("done"),
		.code = VIEW(""),
		.result = {VIEW("mails.zip"), VIEW("application/zip"), 5, until_s},
		.key = key};

	assert_int_equal(tasks_end(archive_catalog(f->a), task, &end, &f->err), 0);
}

static void a_result_ends_with_its_time_and_its_row_a_week_later(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	CLEAN(secret) key = NULL;
	const int64_t now = clock_s();
	struct uuid task = add(f, 7);
	struct task_row row;
	uint64_t removed;

	end_with_result(f, &task, now + 100);
	assert_int_equal(task_tidy(f->a, now, &removed, &f->err), 0);
	assert_int_equal(removed, 0);
	assert_int_equal(tasks_key(archive_catalog(f->a), &task, &key, &f->err), 1);
	secret_free(&key);
	assert_int_equal(task_tidy(f->a, now + 101, &removed, &f->err), 0);
	assert_int_equal(removed, 1);
	assert_int_equal(tasks_key(archive_catalog(f->a), &task, &key, &f->err), 0);
	assert_int_equal(row_of(f, arena, &task).result.name.len, 0);
	assert_int_equal(task_tidy(f->a, now + TASKS_KEPT_S + 10, &removed, &f->err), 0);
	assert_int_equal(tasks_get(archive_catalog(f->a), arena, &task, &row, &f->err), 0);
}

static void a_file_that_no_row_names_goes(void **state)
{
	struct fixture *f = *state;
	CLEAN(secret) key = NULL;
	uint64_t size, removed;

	write_result(f, 10, &size, &key);
	assert_int_equal(task_tidy(f->a, clock_s(), &removed, &f->err), 0);
	assert_int_equal(removed, 1);
}

static void a_task_knows_that_it_is_to_end(void **state)
{
	struct fixture *f = *state;
	struct uuid task = add(f, 7), none = {{9}};
	bool stop = true;

	assert_int_equal(tasks_progress(archive_catalog(f->a), &task, 1, 2, &stop, &f->err), 0);
	assert_false(stop);
	assert_int_equal(tasks_ask_to_stop(archive_catalog(f->a), &task, &f->err), 0);
	assert_int_equal(tasks_progress(archive_catalog(f->a), &task, 1, 2, &stop, &f->err), 0);
	assert_true(stop);
	assert_int_equal(tasks_progress(archive_catalog(f->a), &none, 1, 2, &stop, &f->err), 0);
	assert_true(stop); /* it was forgotten */
}

/* ---- orders ---- */

static int read_order(const char *text, struct task_order *order_r, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	struct json_object *object = json_tokener_parse(text);
	int rc = task_order_read(object, arena, order_r, err);

	json_object_put(object);
	return rc;
}

static void an_order_takes_the_rights_of_what_it_orders(void **state)
{
	static const struct {
		const char *text;
		unsigned rights; /* 0: it is none */
	} rows[] = {
		{"{\"kind\": \"export\", \"query\": \"\"}", RIGHT_EXPORT},
		{"{\"kind\": \"export\", \"query\": \"\", \"evidence\": true}",
		 RIGHT_EXPORT | RIGHT_EVIDENCE},
		{"{\"kind\": \"export\", \"query\": \"\", \"evidence\": true, \"format\": "
		 "\"mbox\"}",
		 0},
		{"{\"kind\": \"send\", \"query\": \"x\"}", RIGHT_SEND},
		{"{\"kind\": \"categorise\", \"query\": \"\", \"category\": \"a\"}", RIGHT_NOTE},
		{"{\"kind\": \"requestDeletion\", \"query\": \"\", \"reason\": \"r\"}",
		 RIGHT_REQUEST},
		{"{\"kind\": \"requestDeletion\", \"query\": \"\"}", 0},
		{"{\"kind\": \"verify\"}", RIGHT_CONFIGURE},
		{"{\"kind\": \"import\", \"location\": \"/x\"}", RIGHT_CONFIGURE},
		{"{\"kind\": \"import\", \"location\": \"x\"}", 0},
		{"{\"kind\": \"import\", \"account\": \"--x\"}", 0},
		{"{\"kind\": \"import\", \"location\": \"/x\", \"account\": \"y\"}", 0},
		{"{\"kind\": \"import\", \"location\": \"/x\\u0000y\"}", 0},
	};
	struct task_order order;
	struct err err = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		int rc = read_order(rows[i].text, &order, &err);

		if (rc != (rows[i].rights == 0 ? -1 : 0))
			fail_msg("%s", rows[i].text);
		if (rc == 0)
			assert_int_equal(task_order_rights(&order), rows[i].rights);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
		T(a_result_of_any_length_comes_back_as_it_was),
		T(a_result_does_not_open_by_another_key_or_when_it_was_changed_or_cut),
		T(what_was_not_ended_leaves_nothing),
		T(a_task_whose_process_is_gone_has_failed_and_one_at_work_has_not),
		T(a_person_has_so_many_tasks_under_way_and_others_are_not_held_up),
		T(a_result_ends_with_its_time_and_its_row_a_week_later),
		T(a_file_that_no_row_names_goes),
		T(a_task_knows_that_it_is_to_end),
		T(an_order_takes_the_rights_of_what_it_orders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
