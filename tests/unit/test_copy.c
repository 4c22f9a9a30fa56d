/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/clock.h"
#include "storage/copy.h"
#include "storage/medium_faulty.h"
#include "tests/unit/fixture.h"

#include <sys/stat.h>

#define NAME "packs/00/00000017.pack"

enum { LENGTH = 3 * COPY_WRITE_BYTES + 12345 };

/* FROM has NAME, of LENGTH bytes; TO is empty, and fails as it is told. */
struct pair {
	struct fixture *f;
	struct medium *from, *to;
	char *bytes;
	struct hash hash;
};

static struct medium *open_folder(struct fixture *f, const char *name)
{
	struct medium *local;

	assert_int_equal(mkdir(fixture_path(f, name), 0700), 0);
	assert_int_equal(medium_local_open(fixture_path(f, name), &local, &f->err), 0);
	return medium_faulty_new(local);
}

static void put(struct pair *p, struct medium *m, const char *name, const char *bytes, size_t len)
{
	struct medium_file *file;

	assert_int_equal(medium_create(m, name, &file, &p->f->err), 0);
	assert_int_equal(medium_append(file, bytes, len, &p->f->err), 0);
	assert_int_equal(medium_sync(file, &p->f->err), 0);
	medium_file_free(&file);
}

static struct pair pair_new(void **state)
{
	struct pair p = {.f = *state, .bytes = mem_new(LENGTH)};

	for (size_t i = 0; i < LENGTH; i++)
		p.bytes[i] = (char)(i * 2654435761U >> 24);
	p.hash = crypto_sha256(p.bytes, LENGTH);
	p.from = open_folder(p.f, "from");
	p.to = open_folder(p.f, "to");
	put(&p, p.from, NAME, p.bytes, LENGTH);
	medium_faulty_set(p.from, &(struct medium_faulty_plan){0});
	return p;
}

static void pair_clear(struct pair *p)
{
	medium_free(&p->from);
	medium_free(&p->to);
	free(p->bytes);
}

static int copy(struct pair *p)
{
	err_clear(&p->f->err);
	return copy_file(p->from, p->to, NAME, LENGTH, NULL, &p->f->err);
}

static int check(struct pair *p)
{
	err_clear(&p->f->err);
	return copy_check(p->to, NAME, LENGTH, &p->hash, NULL, &p->f->err);
}

static void a_copy_has_the_same_bytes(void **state)
{
	struct pair p = pair_new(state);

	assert_int_equal(copy(&p), 0);
	assert_int_equal(check(&p), 0);
	assert_int_equal(copy(&p), 0); /* again */
	assert_int_equal(check(&p), 0);
	pair_clear(&p);
}

static void only_the_first_bytes_are_copied_and_the_rest_later(void **state)
{
	struct pair p = pair_new(state);
	struct hash start = crypto_sha256(p.bytes, 1000);

	assert_int_equal(copy_file(p.from, p.to, NAME, 1000, NULL, &p.f->err), 0);
	assert_int_equal(copy_check(p.to, NAME, 1000, &start, NULL, &p.f->err), 0);
	assert_int_equal(copy(&p), 0);
	assert_int_equal(check(&p), 0);
	pair_clear(&p);
}

static void what_is_too_long_is_copied_anew(void **state)
{
	struct pair p = pair_new(state);
	struct hash start = crypto_sha256(p.bytes, 1000);

	assert_int_equal(copy(&p), 0);
	assert_int_equal(copy_file(p.from, p.to, NAME, 1000, NULL, &p.f->err), 0);
	assert_int_equal(copy_check(p.to, NAME, 1000, &start, NULL, &p.f->err), 0);
	pair_clear(&p);
}

static void a_copy_may_have_another_name(void **state)
{
	struct pair p = pair_new(state);

	assert_int_equal(
		copy_file_as(p.from, NAME, p.to, "catalog/x.part", LENGTH, NULL, &p.f->err), 0);
	assert_int_equal(copy_check(p.to, "catalog/x.part", LENGTH, &p.hash, NULL, &p.f->err), 0);
	pair_clear(&p);
}

/* Whatever fails and wherever: the copy is gone on with, and is right in the end or found not to be. */
static void fail_everywhere(struct pair *p, struct medium *faulty, enum fault fault)
{
	for (uint64_t at = 1;; at++) {
		struct medium_faulty_plan plan = {.fault = fault, .at_call = at};
		int rc;

		medium_faulty_set(faulty, &plan);
		rc = copy(p);
		if (rc == 0)
			rc = check(p);
		if (medium_faulty_calls(faulty) < at)
			break;
		medium_faulty_set(faulty, &(struct medium_faulty_plan){0});
		if (rc < 0 && p->f->err.kind == ERR_DAMAGED) /* what the shipper does then */
			assert_int_equal(medium_remove(p->to, NAME, &p->f->err), 0);
		assert_int_equal(copy(p), 0);
		assert_int_equal(check(p), 0);
		assert_int_equal(medium_remove(p->to, NAME, &p->f->err), 0);
	}
	medium_faulty_set(faulty, &(struct medium_faulty_plan){0});
	assert_int_equal(check(p), 0);
}

static void a_copy_that_failed_anywhere_is_gone_on_with(void **state)
{
	static const enum fault faults[] = {FAULT_IO,    FAULT_OFFLINE,     FAULT_NOSPACE,
					    FAULT_SHORT, FAULT_WRONG_BYTES, FAULT_DELAY};

	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
		struct pair p = pair_new(state);

		fail_everywhere(&p, p.to, faults[i]);
		assert_int_equal(medium_remove(p.to, NAME, &p.f->err), 0);
		fail_everywhere(&p, p.from, faults[i]);
		pair_clear(&p);
		fixture_remove(fixture_path(*state, "from"));
		fixture_remove(fixture_path(*state, "to"));
	}
}

static void wrong_bytes_are_found_by_reading_back(void **state)
{
	struct pair p = pair_new(state);

	medium_faulty_set(p.from, &(struct medium_faulty_plan){FAULT_WRONG_BYTES, 2, false, 0, 5});
	assert_int_equal(copy(&p), 0);
	assert_int_equal(check(&p), -1);
	assert_int_equal(p.f->err.kind, ERR_DAMAGED);
	pair_clear(&p);
}

static void a_source_that_is_too_short_is_damaged(void **state)
{
	struct pair p = pair_new(state);
	struct hash hash;

	assert_int_equal(copy_file(p.from, p.to, NAME, LENGTH + 1, NULL, &p.f->err), -1);
	assert_int_equal(p.f->err.kind, ERR_DAMAGED);
	assert_int_equal(copy_hash(p.from, NAME, LENGTH + 1, NULL, &hash, &p.f->err), -1);
	assert_int_equal(p.f->err.kind, ERR_DAMAGED);
	pair_clear(&p);
}

struct tally {
	uint64_t bytes, asked, stop_at; /* 0: never */
};

static void count(void *arg, uint64_t bytes)
{
	((struct tally *)arg)->bytes += bytes;
}

static bool stop(void *arg)
{
	struct tally *c = arg;

	return ++c->asked == c->stop_at;
}

static void a_stopped_copy_keeps_what_is_there(void **state)
{
	struct pair p = pair_new(state);
	struct tally c = {.stop_at = 2};
	struct copy_pace pace = {.stop = stop, .progress = count, .arg = &c};
	uint64_t size;

	assert_int_equal(copy_file(p.from, p.to, NAME, LENGTH, &pace, &p.f->err), -1);
	assert_int_equal(p.f->err.kind, ERR_STOPPED);
	assert_int_equal(medium_size(p.to, NAME, &size, &p.f->err), 0);
	assert_int_equal(size, 2 * COPY_WRITE_BYTES);
	assert_int_equal(copy_file(p.from, p.to, NAME, LENGTH, &pace, &p.f->err), 0);
	assert_int_equal(c.bytes, LENGTH); /* none twice */
	assert_int_equal(check(&p), 0);
	pair_clear(&p);
}

static void a_copy_keeps_its_pace(void **state)
{
	struct pair p = pair_new(state);
	struct copy_pace pace = {.bytes_per_s = 16 * COPY_WRITE_BYTES};
	int64_t begun_ms = clock_monotonic_ms();

	assert_int_equal(copy_file(p.from, p.to, NAME, LENGTH, &pace, &p.f->err), 0);
	assert_true(clock_monotonic_ms() - begun_ms >=
		    1000LL * LENGTH / (16 * COPY_WRITE_BYTES) - 1);
	pair_clear(&p);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_folder, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_copy_has_the_same_bytes),
		TEST(only_the_first_bytes_are_copied_and_the_rest_later),
		TEST(what_is_too_long_is_copied_anew),
		TEST(a_copy_may_have_another_name),
		TEST(a_copy_that_failed_anywhere_is_gone_on_with),
		TEST(wrong_bytes_are_found_by_reading_back),
		TEST(a_source_that_is_too_short_is_damaged),
		TEST(a_stopped_copy_keeps_what_is_there),
		TEST(a_copy_keeps_its_pace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
