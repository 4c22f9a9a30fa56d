/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "storage/medium_faulty.h"

#include <ftw.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define NAME "packs/00/00000017.pack"

static char dir[64];
static struct medium *medium;
static struct err err;

static int drop(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static int setup(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/test_medium.XXXXXX");
	err_clear(&err);
	return mkdtemp(dir) == NULL || medium_local_open(dir, &medium, &err) < 0;
}

static int teardown(void **state)
{
	(void)state;
	medium_free(&medium);
	return nftw(dir, drop, 8, FTW_DEPTH | FTW_PHYS);
}

static void put(struct medium *m, const char *name, const char *text)
{
	struct medium_file *file;

	assert_int_equal(medium_create(m, name, &file, &err), 0);
	assert_int_equal(medium_append(file, text, strlen(text), &err), 0);
	assert_int_equal(medium_sync(file, &err), 0);
	medium_file_free(&file);
	assert_null(file);
}

static void holds(struct medium *m, const char *name, const char *text)
{
	char buf[64];
	size_t got;

	assert_int_equal(medium_read(m, name, 0, buf, sizeof(buf), &got, &err), 0);
	assert_true(view_eq((struct view){buf, got}, VIEW(text)));
}

static void bytes_appended_are_read_back(void **state)
{
	struct medium_file *file;
	uint64_t size;
	char buf[16];
	size_t got;

	(void)state;
	assert_string_equal(medium_type(medium), "local");
	assert_string_equal(medium_location(medium), dir);
	assert_int_equal(medium_create(medium, NAME, &file, &err), 0);
	assert_int_equal(medium_append(file, "hello ", 6, &err), 0);
	holds(medium, NAME, "hello ");
	assert_int_equal(medium_append(file, "world", 5, &err), 0);
	assert_int_equal(medium_sync(file, &err), 0);
	holds(medium, NAME, "hello world");
	assert_int_equal(medium_read(medium, NAME, 6, buf, 3, &got, &err), 0);
	assert_int_equal(got, 3);
	assert_memory_equal(buf, "wor", 3);
	assert_int_equal(medium_read(medium, NAME, 99, buf, 3, &got, &err), 0);
	assert_int_equal(got, 0);
	assert_int_equal(medium_size(medium, NAME, &size, &err), 0);
	assert_int_equal(size, 11);
	medium_file_free(&file);
}

static void a_name_is_written_once(void **state)
{
	struct medium_file *file;

	(void)state;
	put(medium, NAME, "first");
	assert_int_equal(medium_create(medium, NAME, &file, &err), -1);
	assert_int_equal(err.kind, ERR_EXISTS);
	assert_non_null(strstr(err.text, NAME));
	assert_non_null(strstr(err.text, dir));
	holds(medium, NAME, "first");
}

static void a_reopened_file_goes_on_at_its_end(void **state)
{
	struct medium_file *file;

	(void)state;
	assert_int_equal(medium_reopen(medium, NAME, &file, &err), -1);
	assert_int_equal(err.kind, ERR_NOTFOUND);
	put(medium, NAME, "first");
	assert_int_equal(medium_reopen(medium, NAME, &file, &err), 0);
	assert_int_equal(medium_append(file, ", second", 8, &err), 0);
	assert_int_equal(medium_sync(file, &err), 0);
	medium_file_free(&file);
	holds(medium, NAME, "first, second");
}

static void no_name_leads_out_of_the_medium(void **state)
{
	static const char *names[] = {
		"",         "/etc/passwd", "../x",     "packs/../../x", "packs/..", ".",
		"packs//x", "packs/",      "packs/\n", "packs/.hidden", "p\xc3\xa4"};
	struct medium_file *file;
	uint64_t size;
	size_t got;
	char c;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		assert_int_equal(medium_create(medium, names[i], &file, &err), -1);
		assert_int_equal(err.kind, ERR_USAGE);
		assert_int_equal(medium_read(medium, names[i], 0, &c, 1, &got, &err), -1);
		assert_int_equal(medium_size(medium, names[i], &size, &err), -1);
		assert_int_equal(medium_remove(medium, names[i], &err), -1);
		assert_int_equal(medium_cut(medium, names[i], 0, &err), -1);
		assert_int_equal(err.kind, ERR_USAGE);
	}
}

static void a_missing_file_is_not_found_but_a_missing_medium_is_offline(void **state)
{
	char away[80];
	struct medium_file *file;
	struct medium *other;
	uint64_t size, total;
	size_t got;
	char c;

	(void)state;
	assert_int_equal(medium_read(medium, NAME, 0, &c, 1, &got, &err), -1);
	assert_int_equal(err.kind, ERR_NOTFOUND);
	assert_int_equal(medium_remove(medium, NAME, &err), -1);
	assert_int_equal(err.kind, ERR_NOTFOUND);
	snprintf(away, sizeof(away), "%s.away", dir);
	assert_int_equal(rename(dir, away), 0);
	assert_int_equal(medium_read(medium, NAME, 0, &c, 1, &got, &err), -1);
	assert_int_equal(err.kind, ERR_OFFLINE);
	assert_int_equal(medium_size(medium, NAME, &size, &err), -1);
	assert_int_equal(err.kind, ERR_OFFLINE);
	assert_int_equal(medium_create(medium, NAME, &file, &err), -1);
	assert_int_equal(err.kind, ERR_OFFLINE);
	assert_int_equal(medium_remove(medium, NAME, &err), -1);
	assert_int_equal(err.kind, ERR_OFFLINE);
	assert_int_equal(medium_cut(medium, NAME, 0, &err), -1);
	assert_int_equal(err.kind, ERR_OFFLINE);
	assert_int_equal(medium_list(medium, "packs", NULL, NULL, &err), -1);
	assert_int_equal(err.kind, ERR_OFFLINE);
	assert_int_equal(medium_space(medium, &size, &total, &err), -1);
	assert_int_equal(err.kind, ERR_OFFLINE);
	assert_int_equal(medium_local_open(dir, &other, &err), -1);
	assert_int_equal(err.kind, ERR_OFFLINE);
	assert_int_equal(rename(away, dir), 0);
}

static int count(void *arg, const char *name, uint64_t size, struct err *e)
{
	uint64_t *sum = arg;

	if (size == 666)
		return err_set(e, ERR_STOPPED, "enough");
	assert_true(view_starts(VIEW(name), "packs/"));
	sum[0]++;
	sum[1] += size;
	return 0;
}

static void all_files_below_a_folder_are_listed(void **state)
{
	uint64_t sum[2] = {0, 0};
	char path[128];

	(void)state;
	assert_int_equal(medium_list(medium, "packs", count, sum, &err), 0);
	put(medium, "packs/00/00000001.pack", "1");
	put(medium, "packs/00/00000002.pack", "22");
	put(medium, "packs/77/00007777.pack", "333");
	put(medium, "catalog/x", "not listed");
	snprintf(path, sizeof(path), "%s/packs/link", dir);
	assert_int_equal(symlink("/etc", path), 0);
	assert_int_equal(medium_list(medium, "packs", count, sum, &err), 0);
	assert_int_equal(sum[0], 3);
	assert_int_equal(sum[1], 6);
	put(medium, "packs/stop", "");
	snprintf(path, sizeof(path), "%s/packs/stop", dir);
	assert_int_equal(truncate(path, 666), 0);
	assert_int_equal(medium_list(medium, "packs", count, sum, &err), -1);
	assert_int_equal(err.kind, ERR_STOPPED);
}

static void a_removed_file_is_gone_even_where_it_was_open_for_reading(void **state)
{
	size_t got;
	char c;

	(void)state;
	put(medium, NAME, "x");
	holds(medium, NAME, "x");
	assert_int_equal(medium_remove(medium, NAME, &err), 0);
	assert_int_equal(medium_read(medium, NAME, 0, &c, 1, &got, &err), -1);
	assert_int_equal(err.kind, ERR_NOTFOUND);
}

static void a_file_takes_the_place_of_another_in_one_step(void **state)
{
	int64_t time_s = 0;

	(void)state;
	put(medium, NAME, "old");
	put(medium, NAME ".part", "new");
	holds(medium, NAME, "old"); /* and stays open */
	assert_int_equal(medium_replace(medium, NAME ".part", NAME, &err), 0);
	holds(medium, NAME, "new");
	assert_int_equal(medium_modified(medium, NAME, &time_s, &err), 0);
	assert_true(time_s > 0);
	assert_int_equal(medium_modified(medium, NAME ".part", &time_s, &err), -1);
	assert_int_equal(err.kind, ERR_NOTFOUND);
	err_clear(&err);
	assert_int_equal(medium_replace(medium, NAME ".part", NAME, &err), -1);
	assert_int_equal(err.kind, ERR_NOTFOUND);
	holds(medium, NAME, "new");
}

/* Another process, or another disk in the place of this one. */
static void a_file_that_was_exchanged_behind_its_back_is_read_anew(void **state)
{
	char path[2][128];

	(void)state;
	put(medium, NAME, "old");
	put(medium, "other", "new");
	holds(medium, NAME, "old");
	snprintf(path[0], sizeof(path[0]), "%s/other", dir);
	snprintf(path[1], sizeof(path[1]), "%s/" NAME, dir);
	assert_int_equal(rename(path[0], path[1]), 0);
	holds(medium, NAME, "new");
}

static void a_cut_only_ever_shrinks(void **state)
{
	(void)state;
	put(medium, NAME, "whole|torn");
	assert_int_equal(medium_cut(medium, NAME, 11, &err), -1);
	holds(medium, NAME, "whole|torn");
	assert_int_equal(medium_cut(medium, NAME, 6, &err), 0);
	holds(medium, NAME, "whole|");
	assert_int_equal(medium_cut(medium, NAME, 6, &err), 0);
	assert_int_equal(medium_cut(medium, NAME, 10, &err), -1);
	holds(medium, NAME, "whole|");
}

static void space_is_told(void **state)
{
	uint64_t free_bytes, total_bytes;

	(void)state;
	assert_int_equal(medium_space(medium, &free_bytes, &total_bytes, &err), 0);
	assert_true(total_bytes > 0 && free_bytes <= total_bytes);
}

static void what_no_longer_fits_is_no_space(void **state)
{
	struct rlimit old, small = {4, 4};
	struct medium_file *file;
	int rc;

	(void)state;
	assert_int_equal(medium_create(medium, NAME, &file, &err), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small.rlim_max = old.rlim_max;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	rc = medium_append(file, "0123456789", 10, &err);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(rc, -1);
	assert_int_equal(err.kind, ERR_NOSPACE);
	holds(medium, NAME, "0123");
	medium_file_free(&file);
}

static void *read_many(void *arg)
{
	struct err e;

	for (unsigned i = 0; i < 400; i++) {
		unsigned n = (unsigned)(uintptr_t)arg * 7 + i;
		char name[64], buf[64], want[64];
		size_t got;

		snprintf(name, sizeof(name), "packs/00/%u", n % 40);
		snprintf(want, sizeof(want), "file %u", n % 40);
		if (medium_read(medium, name, 0, buf, sizeof(buf), &got, &e) < 0 ||
		    !view_eq((struct view){buf, got}, VIEW(want)))
			return arg;
	}
	return NULL;
}

static void threads_read_more_files_than_stay_open(void **state)
{
	pthread_t threads[4];
	void *failed;

	(void)state;
	for (unsigned i = 0; i < 40; i++) {
		char name[64], text[64];

		snprintf(name, sizeof(name), "packs/00/%u", i);
		snprintf(text, sizeof(text), "file %u", i);
		put(medium, name, text);
	}
	for (uintptr_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, read_many, (void *)(i + 1)), 0);
	for (size_t i = 0; i < 4; i++) {
		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
}

static const struct {
	enum fault fault;
	enum err_kind kind;
	uint64_t left; /* of an append of ten bytes */
} faults[] = {
	{FAULT_IO, ERR_IO, 0},
	{FAULT_OFFLINE, ERR_OFFLINE, 0},
	{FAULT_NOSPACE, ERR_NOSPACE, 5},
	{FAULT_SHORT, ERR_IO, 5},
};

static void the_faulty_medium_fails_as_it_is_told(void **state)
{
	struct medium *faulty = medium_faulty_new(TAKE(medium));

	(void)state;
	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
		struct medium_faulty_plan plan = {.fault = faults[i].fault, .at_call = 2};
		struct medium_file *file;
		char name[64];
		uint64_t size;

		snprintf(name, sizeof(name), "packs/%zu", i);
		medium_faulty_set(faulty, &plan);
		assert_int_equal(medium_create(faulty, name, &file, &err), 0);
		assert_int_equal(medium_append(file, "0123456789", 10, &err), -1);
		assert_int_equal(err.kind, faults[i].kind);
		assert_int_equal(medium_size(faulty, name, &size, &err), 0);
		assert_int_equal(size, faults[i].left);
		assert_int_equal(medium_faulty_calls(faulty), 3);
		plan.at_call = 1;
		medium_faulty_set(faulty, &plan);
		assert_int_equal(medium_sync(file, &err), -1);
		assert_int_equal(err.kind, faults[i].kind);
		plan.for_ever = true;
		medium_faulty_set(faulty, &plan);
		assert_int_equal(medium_size(faulty, name, &size, &err), -1);
		assert_int_equal(medium_remove(faulty, name, &err), -1);
		assert_int_equal(medium_cut(faulty, name, 0, &err), -1);
		assert_int_equal(medium_list(faulty, "packs", count, NULL, &err), -1);
		assert_int_equal(medium_space(faulty, &size, &size, &err), -1);
		assert_int_equal(err.kind, faults[i].kind);
		medium_file_free(&file);
	}
	medium_free(&faulty);
}

static void the_faulty_medium_fails_to_exchange_files_too(void **state)
{
	struct medium *faulty = medium_faulty_new(TAKE(medium));
	struct medium_faulty_plan plan = {.fault = FAULT_OFFLINE, .at_call = 1};
	int64_t time_s;

	(void)state;
	medium = faulty;
	put(faulty, NAME, "old");
	put(faulty, NAME ".part", "new");
	medium_faulty_set(faulty, &plan);
	assert_int_equal(medium_replace(faulty, NAME ".part", NAME, &err), -1);
	assert_int_equal(err.kind, ERR_OFFLINE);
	err_clear(&err);
	holds(faulty, NAME, "old"); /* nothing was done */
	assert_int_equal(medium_replace(faulty, NAME ".part", NAME, &err), 0);
	holds(faulty, NAME, "new");
	medium_faulty_set(faulty, &plan);
	assert_int_equal(medium_modified(faulty, NAME, &time_s, &err), -1);
	assert_int_equal(err.kind, ERR_OFFLINE);
	err_clear(&err);
	assert_int_equal(medium_modified(faulty, NAME, &time_s, &err), 0);
}

static void the_faulty_medium_reads_short_or_wrong(void **state)
{
	struct medium *faulty = medium_faulty_new(TAKE(medium));
	char buf[10];
	size_t got, bits = 0;

	(void)state;
	medium_faulty_set(faulty, &(struct medium_faulty_plan){.fault = FAULT_NONE});
	put(faulty, NAME, "0123456789");
	medium_faulty_set(faulty, &(struct medium_faulty_plan){.fault = FAULT_SHORT, .at_call = 1});
	assert_int_equal(medium_read(faulty, NAME, 0, buf, 10, &got, &err), 0);
	assert_int_equal(got, 5);
	medium_faulty_set(faulty, &(struct medium_faulty_plan){.fault = FAULT_WRONG_BYTES,
							       .per_million = 1000000,
							       .seed = 7});
	assert_int_equal(medium_read(faulty, NAME, 0, buf, 10, &got, &err), 0);
	for (size_t i = 0; i < 10; i++)
		bits += (size_t)__builtin_popcount((unsigned)(buf[i] ^ "0123456789"[i]));
	assert_int_equal(bits, 1);
	medium_free(&faulty);
}

static void the_faulty_medium_kills_in_the_middle_of_an_append(void **state)
{
	int status;
	pid_t child = fork();

	(void)state;
	if (child == 0) {
		struct medium *faulty = medium_faulty_new(medium);
		struct medium_file *file;

		medium_faulty_set(faulty,
				  &(struct medium_faulty_plan){.fault = FAULT_KILL, .at_call = 2});
		if (medium_create(faulty, NAME, &file, &err) == 0)
			medium_append(file, "0123456789", 10, &err);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	holds(medium, NAME, "01234");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(bytes_appended_are_read_back),
		TEST(a_name_is_written_once),
		TEST(a_reopened_file_goes_on_at_its_end),
		TEST(no_name_leads_out_of_the_medium),
		TEST(a_missing_file_is_not_found_but_a_missing_medium_is_offline),
		TEST(all_files_below_a_folder_are_listed),
		TEST(a_removed_file_is_gone_even_where_it_was_open_for_reading),
		TEST(a_file_takes_the_place_of_another_in_one_step),
		TEST(a_file_that_was_exchanged_behind_its_back_is_read_anew),
		TEST(a_cut_only_ever_shrinks),
		TEST(space_is_told),
		TEST(what_no_longer_fits_is_no_space),
		TEST(threads_read_more_files_than_stay_open),
		TEST(the_faulty_medium_fails_as_it_is_told),
		TEST(the_faulty_medium_fails_to_exchange_files_too),
		TEST(the_faulty_medium_reads_short_or_wrong),
		TEST(the_faulty_medium_kills_in_the_middle_of_an_append),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
