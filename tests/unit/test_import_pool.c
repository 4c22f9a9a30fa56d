/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The import's worker threads. `make test` runs this under ThreadSanitizer too. */
#include "tests/unit/fixture.h"

#include "app/archive/pool.h"

enum { MAILS = 600, BUDGET_BYTES = 32 * 1024 * 1024 };

static struct keyring *keys;
static const struct mail_limits limits = MAIL_LIMITS_DEFAULT;

static int make_keys(void **state)
{
	struct uuid archive = uuid_new();

	(void)state;
	mail_init();
	keys = keyring_new(&archive);
	return 0;
}

static int drop_keys(void **state)
{
	(void)state;
	keyring_free(&keys);
	return 0;
}

/* Every third has one of two attachments, so that the threads meet each other's parts. */
static void make_mail(struct str *raw, int i)
{
	if (i % 3 == 0)
		fixture_attachment(raw, "part@x", i % 2 ? 'a' : 'b');
	else
		str_addf(raw, "Subject: mail %d\n\n", i);
	for (int line = 0; line < i % 50; line++)
		str_addf(raw, "line %d of mail %d\n", line, i);
}

static void put_mail(struct pool *pool, int i)
{
	struct facts facts = {.way = WAY_IMPORT, .source = VIEW("pool"), .seen_ms = i};
	struct str raw = STR_INIT;

	make_mail(&raw, i);
	pool_put(pool, &raw, &facts, true, (void *)(intptr_t)(i + 1));
	assert_int_equal(raw.len, 0);
}

static void take_mail(struct pool *pool, int i)
{
	CLEAN(prepared) m = NULL;
	CLEAN_STR raw = STR_INIT;
	struct hash exact;
	void *tag;

	make_mail(&raw, i);
	exact = crypto_sha256(raw.data, raw.len);
	m = pool_take(pool, &tag);
	assert_int_equal((intptr_t)tag, i + 1);
	assert_int_equal(m->err.kind, ERR_NONE);
	assert_int_equal(m->facts.seen_ms, i);
	assert_true(view_eq(str_view(&m->raw), str_view(&raw)));
	assert_true(hash_eq(&m->record.exact, &exact));
	assert_int_equal(m->parts.n, i % 3 == 0);
}

static void mails_come_out_in_the_order_they_went_in(void **state)
{
	static const unsigned jobs[] = {1, 2, 7};

	(void)state;
	for (size_t j = 0; j < sizeof(jobs) / sizeof(*jobs); j++) {
		CLEAN(pool) pool = pool_new(jobs[j], keys, NULL, &limits);
		int in = 0, out = 0;

		while (out < MAILS) {
			while (in < MAILS && in - out < 100 && pool_has_room(pool, 20000))
				put_mail(pool, in++);
			assert_int_equal(pool_in_flight(pool), in - out);
			take_mail(pool, out++);
		}
		assert_int_equal(pool_in_flight(pool), 0);
	}
}

static void put_block(struct pool *pool, size_t len)
{
	struct facts facts = {.way = WAY_IMPORT};
	struct str raw = STR_INIT;

	str_adds(&raw, "Subject: large\n\n");
	str_reserve(&raw, len - raw.len);
	memset(raw.data + raw.len, '\n', len - raw.len);
	raw.len = len;
	raw.data[len] = '\0';
	pool_put(pool, &raw, &facts, true, NULL);
}

static void take_any(struct pool *pool)
{
	CLEAN(prepared) m = NULL;
	void *tag;

	m = pool_take(pool, &tag);
	assert_non_null(m);
}

static void the_budget_is_kept_and_an_empty_pool_takes_any_one_mail(void **state)
{
	enum { BLOCK = 4 * 1024 * 1024 };
	CLEAN(pool) pool = pool_new(2, keys, NULL, &limits);

	(void)state;
	assert_true(pool_has_room(pool, 10 * (size_t)BUDGET_BYTES));
	for (int i = 0; i < BUDGET_BYTES / BLOCK; i++) {
		assert_true(pool_has_room(pool, BLOCK));
		put_block(pool, BLOCK);
	}
	assert_false(pool_has_room(pool, 1));
	take_any(pool);
	assert_true(pool_has_room(pool, BLOCK));
	assert_false(pool_has_room(pool, BLOCK + 1));
	while (pool_in_flight(pool) > 0)
		take_any(pool);
	assert_true(pool_has_room(pool, 10 * (size_t)BUDGET_BYTES));
}

static void slots_run_out_and_come_back(void **state)
{
	CLEAN(pool) pool = pool_new(2, keys, NULL, &limits);
	size_t n = 0;

	(void)state;
	for (; pool_has_room(pool, 16); n++)
		put_block(pool, 16);
	assert_true(n > 100);
	take_any(pool);
	assert_true(pool_has_room(pool, 16));
	put_block(pool, 16);
	assert_false(pool_has_room(pool, 16));
	while (pool_in_flight(pool) > 0)
		take_any(pool);
}

static void a_pool_may_end_with_mails_in_flight(void **state)
{
	(void)state;
	for (int n = 0; n < 40; n += 13) {
		CLEAN(pool) pool = pool_new(3, keys, NULL, &limits);

		for (int i = 0; i < n; i++)
			put_mail(pool, i);
		if (n > 20)
			take_mail(pool, 0);
	}
}

static void what_is_no_mail_comes_out_with_the_reason(void **state)
{
	CLEAN(pool) pool = pool_new(2, keys, NULL, &limits);
	CLEAN(prepared) m = NULL;
	struct facts facts = {.way = WAY_IMPORT};
	struct str raw = STR_INIT;
	void *tag;

	(void)state;
	str_add(&raw, "\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0", 20);
	pool_put(pool, &raw, &facts, false, NULL);
	m = pool_take(pool, &tag);
	assert_int_equal(m->err.kind, ERR_NOTMAIL);
	assert_non_null(strstr(m->err.text, "JPEG"));
}

static void more_jobs_than_threads_allowed_are_cut(void **state)
{
	CLEAN(pool) pool = pool_new(1000, keys, NULL, &limits);
	CLEAN(pool) none = pool_new(0, keys, NULL, &limits);

	(void)state;
	put_mail(pool, 1);
	put_mail(none, 2);
	take_mail(pool, 1);
	take_mail(none, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mails_come_out_in_the_order_they_went_in),
		cmocka_unit_test(the_budget_is_kept_and_an_empty_pool_takes_any_one_mail),
		cmocka_unit_test(slots_run_out_and_come_back),
		cmocka_unit_test(a_pool_may_end_with_mails_in_flight),
		cmocka_unit_test(what_is_no_mail_comes_out_with_the_reason),
		cmocka_unit_test(more_jobs_than_threads_allowed_are_cut),
	};

	return cmocka_run_group_tests(tests, make_keys, drop_keys);
}
