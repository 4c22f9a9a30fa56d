/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "storage/copy.h"
#include "storage/medium_faulty.h"
#include "storage/staged.h"
#include "tests/unit/fixture.h"

#include <pthread.h>
#include <sys/stat.h>

#define NAME "packs/00/00000017.pack"
#define OTHER "packs/00/00000018.pack"

/* A staged medium whose far one is the folder far/, wrapped so that it fails as told; and that may be away. */
struct rig {
	struct fixture *f;
	struct medium *m;
	struct medium *far;             /* the wrapped one while connected; the staged one's */
	struct medium_faulty_plan plan; /* given to each far one as it is connected */
	bool away;
	unsigned connects;
};

static int connect_far(void *arg, struct medium **far_r, struct err *err)
{
	struct rig *r = arg;
	struct medium *local;

	r->connects++;
	if (r->away)
		return err_set(err, ERR_NOTFOUND, "there is no such share");
	if (medium_local_open(fixture_path(r->f, "far"), &local, err) < 0)
		return -1;
	r->far = *far_r = medium_faulty_new(local);
	medium_faulty_set(r->far, &r->plan);
	return 0;
}

static void rig_open(struct rig *r, uint64_t reserve_bytes)
{
	struct medium *near;

	assert_int_equal(medium_local_open(fixture_path(r->f, "near"), &near, &r->f->err), 0);
	r->m = medium_staged_new(near, "smb", "smb://host/share", reserve_bytes, connect_far, r);
}

static struct rig rig_new(void **state)
{
	struct rig r = {.f = *state};

	assert_int_equal(mkdir(fixture_path(r.f, "near"), 0700), 0);
	assert_int_equal(mkdir(fixture_path(r.f, "far"), 0700), 0);
	return r;
}

static void put(struct rig *r, struct medium *m, const char *name, const char *text)
{
	struct medium_file *file;
	struct err *err = &r->f->err;

	if (medium_create(m, name, &file, err) < 0 ||
	    medium_append(file, text, strlen(text), err) < 0 || medium_sync(file, err) < 0)
		fail_msg("%s", err->text);
	medium_file_free(&file);
}

static void put_far(struct rig *r, const char *name, const char *text)
{
	struct medium *far;

	assert_int_equal(medium_local_open(fixture_path(r->f, "far"), &far, &r->f->err), 0);
	put(r, far, name, text);
	medium_free(&far);
}

static void holds(struct rig *r, struct medium *m, const char *name, const char *text)
{
	char buf[64];
	size_t got = 0;

	if (medium_read(m, name, 0, buf, sizeof(buf), &got, &r->f->err) < 0)
		fail_msg("%s", r->f->err.text);
	assert_true(view_eq((struct view){buf, got}, VIEW(text)));
}

/* Reading NAME fails so. */
static void refuses(struct rig *r, const char *name, enum err_kind kind, const char *words)
{
	char buf[8];
	size_t got;

	assert_int_equal(medium_read(r->m, name, 0, buf, sizeof(buf), &got, &r->f->err), -1);
	assert_int_equal(r->f->err.kind, kind);
	assert_non_null(strstr(r->f->err.text, words));
	err_clear(&r->f->err);
}

/* Back-off is over: as if STAGED_RETRY_MS had gone by. */
static void reopen(struct rig *r)
{
	medium_free(&r->m);
	rig_open(r, 0);
}

static void what_is_created_is_in_staging_and_needs_no_share(void **state)
{
	struct rig r = rig_new(state);

	r.away = true;
	rig_open(&r, 0);
	put(&r, r.m, NAME, "mail");
	holds(&r, r.m, NAME, "mail");
	holds(&r, staged_near(r.m), NAME, "mail");
	assert_int_equal(r.connects, 0);
	assert_string_equal(medium_type(r.m), "smb");
	assert_string_equal(medium_location(r.m), "smb://host/share");
	assert_true(medium_is_staged(r.m) && !medium_is_staged(staged_near(r.m)));
	medium_free(&r.m);
}

static void a_name_in_staging_goes_before_the_one_far_away(void **state)
{
	struct rig r = rig_new(state);
	uint64_t size;
	int64_t time_s;

	rig_open(&r, 0);
	put_far(&r, NAME, "half");
	put_far(&r, OTHER, "other");
	put(&r, r.m, NAME, "whole mail");
	holds(&r, r.m, NAME, "whole mail");
	holds(&r, r.m, OTHER, "other");
	assert_int_equal(medium_size(r.m, NAME, &size, &r.f->err), 0);
	assert_int_equal(size, strlen("whole mail"));
	assert_int_equal(medium_size(r.m, OTHER, &size, &r.f->err), 0);
	assert_int_equal(size, strlen("other"));
	assert_int_equal(medium_modified(r.m, OTHER, &time_s, &r.f->err), 0);
	medium_free(&r.m);
}

static int add_name(void *arg, const char *name, uint64_t size, struct err *err)
{
	struct str *out = arg;

	(void)err;
	str_addf(out, "%s=%llu;", strrchr(name, '/') + 1, (unsigned long long)size);
	return 0;
}

static void a_list_has_each_name_once(void **state)
{
	struct rig r = rig_new(state);
	CLEAN_STR names = STR_INIT;

	rig_open(&r, 0);
	put_far(&r, NAME, "half");
	put_far(&r, OTHER, "other");
	put(&r, r.m, NAME, "whole mail");
	assert_int_equal(medium_list(r.m, "packs", add_name, &names, &r.f->err), 0);
	assert_string_equal(names.data, "00000017.pack=10;00000018.pack=5;");
	medium_free(&r.m);
}

static void a_share_that_is_away_is_offline_in_its_own_words(void **state)
{
	struct rig r = rig_new(state);
	uint64_t size;

	r.away = true;
	rig_open(&r, 0);
	refuses(&r, NAME, ERR_OFFLINE, "there is no such share");
	r.away = false;
	put_far(&r, NAME, "mail");
	refuses(&r, NAME, ERR_OFFLINE, "there is no such share"); /* not asked again so soon */
	assert_int_equal(medium_size(r.m, NAME, &size, &r.f->err), -1);
	assert_int_equal(r.f->err.kind, ERR_OFFLINE);
	assert_int_equal(r.connects, 1);
	reopen(&r);
	holds(&r, r.m, NAME, "mail");
	medium_free(&r.m);
}

static void a_share_that_failed_is_not_asked_for_a_while(void **state)
{
	struct rig r = rig_new(state);

	rig_open(&r, 0);
	put_far(&r, NAME, "mail");
	holds(&r, r.m, NAME, "mail");
	medium_faulty_set(r.far, &(struct medium_faulty_plan){FAULT_OFFLINE, 1, false, 0, 0});
	refuses(&r, NAME, ERR_OFFLINE, "made to be away");
	refuses(&r, NAME, ERR_OFFLINE, "made to be away");
	assert_int_equal(r.connects, 1);
	put(&r, r.m, OTHER, "new");
	holds(&r, r.m, OTHER, "new");
	reopen(&r);
	holds(&r, r.m, NAME, "mail");
	medium_free(&r.m);
}

static void who_uses_the_far_one_tells_of_its_failure(void **state)
{
	struct rig r = rig_new(state);
	struct medium *far;
	struct err why = {0};

	rig_open(&r, 0);
	assert_int_equal(staged_far(r.m, &far, &r.f->err), 0);
	assert_ptr_equal(far, r.far);
	err_set(&why, ERR_FOREIGN, "it is another archive's");
	staged_far_failed(r.m, &why);
	refuses(&r, NAME, ERR_OFFLINE, "it is another archive's");
	assert_int_equal(staged_far(r.m, &far, &r.f->err), -1);
	medium_free(&r.m);
}

static void before_a_name_is_missing_the_share_is_connected_anew(void **state)
{
	struct rig r = rig_new(state);

	rig_open(&r, 0);
	put_far(&r, NAME, "mail");
	holds(&r, r.m, NAME, "mail");
	refuses(&r, OTHER, ERR_NOTFOUND, OTHER);
	assert_int_equal(r.connects, 2);
	r.away = true; /* another share stands in its place */
	refuses(&r, OTHER, ERR_OFFLINE, "there is no such share");
	medium_free(&r.m);
}

static void to_reopen_a_far_file_brings_it_into_staging(void **state)
{
	struct rig r = rig_new(state);
	struct medium_file *file;

	rig_open(&r, 0);
	put_far(&r, NAME, "mail");
	assert_int_equal(medium_reopen(r.m, NAME, &file, &r.f->err), 0);
	assert_int_equal(medium_append(file, " and more", 9, &r.f->err), 0);
	assert_int_equal(medium_sync(file, &r.f->err), 0);
	medium_file_free(&file);
	holds(&r, staged_near(r.m), NAME, "mail and more");
	holds(&r, r.far, NAME, "mail");
	medium_free(&r.m);
}

static void to_cut_a_far_file_brings_it_into_staging(void **state)
{
	struct rig r = rig_new(state);

	rig_open(&r, 0);
	put_far(&r, NAME, "mail and a torn tail");
	assert_int_equal(medium_cut(r.m, NAME, 4, &r.f->err), 0);
	holds(&r, r.m, NAME, "mail");
	holds(&r, r.far, NAME, "mail and a torn tail");
	medium_free(&r.m);
}

/* (G4) Wherever it fails: nothing is in staging that is not whole, and it works the next time. */
static void a_file_is_brought_into_staging_whole_or_not_at_all(void **state)
{
	static const enum fault faults[] = {FAULT_IO, FAULT_OFFLINE, FAULT_SHORT, FAULT_DELAY};
	struct rig r = rig_new(state);
	uint64_t size;

	put_far(&r, NAME, "mail and a torn tail");
	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
		for (uint64_t at = 1; at < 4; at++) {
			r.plan = (struct medium_faulty_plan){.fault = faults[i], .at_call = at};
			rig_open(&r, 0);
			if (medium_cut(r.m, NAME, 4, &r.f->err) < 0) {
				assert_int_equal(
					medium_size(staged_near(r.m), NAME, &size, &r.f->err), -1);
				assert_int_equal(r.f->err.kind, ERR_NOTFOUND);
				r.plan = (struct medium_faulty_plan){0};
				reopen(&r);
				assert_int_equal(medium_cut(r.m, NAME, 4, &r.f->err), 0);
			}
			err_clear(&r.f->err);
			holds(&r, staged_near(r.m), NAME, "mail");
			assert_int_equal(medium_remove(staged_near(r.m), NAME, &r.f->err), 0);
			medium_free(&r.m);
		}
	}
}

static void removing_takes_a_name_from_both(void **state)
{
	struct rig r = rig_new(state);

	rig_open(&r, 0);
	put_far(&r, NAME, "half");
	put(&r, r.m, NAME, "whole");
	assert_int_equal(medium_remove(r.m, NAME, &r.f->err), 0);
	refuses(&r, NAME, ERR_NOTFOUND, NAME);
	put(&r, r.m, NAME, "only near");
	assert_int_equal(medium_remove(r.m, NAME, &r.f->err), 0);
	put_far(&r, NAME, "only far");
	assert_int_equal(medium_remove(r.m, NAME, &r.f->err), 0);
	assert_int_equal(medium_remove(r.m, NAME, &r.f->err), -1);
	assert_int_equal(r.f->err.kind, ERR_NOTFOUND);
	medium_free(&r.m);
}

static void removing_fails_whole_when_the_share_is_away(void **state)
{
	struct rig r = rig_new(state);

	r.away = true;
	rig_open(&r, 0);
	put_far(&r, NAME, "half");
	put(&r, r.m, NAME, "whole");
	assert_int_equal(medium_remove(r.m, NAME, &r.f->err), -1);
	assert_int_equal(r.f->err.kind, ERR_OFFLINE);
	holds(&r, r.m, NAME, "whole");
	r.away = false;
	reopen(&r);
	assert_int_equal(medium_remove(r.m, NAME, &r.f->err), 0);
	refuses(&r, NAME, ERR_NOTFOUND, NAME);
	medium_free(&r.m);
}

static void a_file_gets_its_own_name_in_staging(void **state)
{
	struct rig r = rig_new(state);

	r.away = true;
	rig_open(&r, 0);
	put(&r, r.m, "catalog/1.part", "new");
	put(&r, r.m, "catalog/1", "old");
	assert_int_equal(medium_replace(r.m, "catalog/1.part", "catalog/1", &r.f->err), 0);
	holds(&r, r.m, "catalog/1", "new");
	medium_free(&r.m);
}

static void past_the_reserve_nothing_new_is_created(void **state)
{
	struct rig r = rig_new(state);
	struct medium_file *file;

	rig_open(&r, UINT64_MAX / 2);
	put(&r, r.m, OTHER, "the only one");
	assert_int_equal(medium_create(r.m, NAME, &file, &r.f->err), -1);
	assert_int_equal(r.f->err.kind, ERR_NOSPACE);
	assert_non_null(strstr(r.f->err.text, "in reserve"));
	assert_int_equal(medium_remove(staged_near(r.m), OTHER, &r.f->err), 0); /* it was shipped */
	put(&r, r.m, NAME, "the next one");
	medium_free(&r.m);
}

static void errors_of_staging_say_so(void **state)
{
	struct rig r = rig_new(state);
	struct medium_file *file;
	uint64_t left, total;

	rig_open(&r, 0);
	assert_int_equal(medium_space(r.m, &left, &total, &r.f->err), 0);
	put(&r, r.m, NAME, "mail");
	assert_int_equal(medium_create(r.m, NAME, &file, &r.f->err), -1);
	assert_int_equal(r.f->err.kind, ERR_EXISTS);
	assert_non_null(strstr(r.f->err.text, "medium smb://host/share: " NAME ": staging: "));
	medium_free(&r.m);
}

/* ---- threads ---- */

enum { THREADS = 4, READS = 500 };

struct reading {
	struct rig *r;
	unsigned good, offline;
};

static void *read_often(void *arg)
{
	struct reading *reading = arg;

	for (unsigned i = 0; i < READS; i++) {
		struct err err = {0};
		char buf[8];
		size_t got;

		if (medium_read(reading->r->m, NAME, 0, buf, sizeof(buf), &got, &err) == 0)
			reading->good += got == 4 && memcmp(buf, "mail", 4) == 0;
		else
			reading->offline += err.kind == ERR_OFFLINE;
	}
	return NULL;
}

static void threads_read_while_the_share_comes_and_goes(void **state)
{
	struct rig r = rig_new(state);
	struct reading reading[THREADS];
	pthread_t threads[THREADS];

	r.plan = (struct medium_faulty_plan){
		.fault = FAULT_OFFLINE, .per_million = 2000, .seed = 7};
	rig_open(&r, 0);
	put_far(&r, NAME, "mail");
	for (size_t i = 0; i < THREADS; i++) {
		reading[i] = (struct reading){.r = &r};
		assert_int_equal(pthread_create(&threads[i], NULL, read_often, &reading[i]), 0);
	}
	for (size_t i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(reading[i].good + reading[i].offline, READS);
	}
	medium_free(&r.m);
}

/* ---- read only ---- */

static void a_read_only_medium_gives_and_takes_nothing(void **state)
{
	struct rig r = rig_new(state);
	struct medium_file *file;
	CLEAN_STR names = STR_INIT;

	rig_open(&r, 0);
	put(&r, r.m, NAME, "mail");
	r.m = medium_readonly_new(r.m);
	holds(&r, r.m, NAME, "mail");
	assert_int_equal(medium_list(r.m, "packs", add_name, &names, &r.f->err), 0);
	assert_string_equal(names.data, "00000017.pack=4;");
	assert_string_equal(medium_type(r.m), "smb");
	assert_int_equal(medium_create(r.m, OTHER, &file, &r.f->err), -1);
	assert_int_equal(r.f->err.kind, ERR_DENIED);
	assert_int_equal(medium_reopen(r.m, NAME, &file, &r.f->err), -1);
	assert_int_equal(medium_remove(r.m, NAME, &r.f->err), -1);
	assert_int_equal(medium_replace(r.m, NAME, OTHER, &r.f->err), -1);
	assert_int_equal(medium_cut(r.m, NAME, 1, &r.f->err), -1);
	assert_int_equal(r.f->err.kind, ERR_DENIED);
	holds(&r, r.m, NAME, "mail");
	medium_free(&r.m);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_folder, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(what_is_created_is_in_staging_and_needs_no_share),
		TEST(a_name_in_staging_goes_before_the_one_far_away),
		TEST(a_list_has_each_name_once),
		TEST(a_share_that_is_away_is_offline_in_its_own_words),
		TEST(a_share_that_failed_is_not_asked_for_a_while),
		TEST(who_uses_the_far_one_tells_of_its_failure),
		TEST(before_a_name_is_missing_the_share_is_connected_anew),
		TEST(to_reopen_a_far_file_brings_it_into_staging),
		TEST(to_cut_a_far_file_brings_it_into_staging),
		TEST(a_file_is_brought_into_staging_whole_or_not_at_all),
		TEST(removing_takes_a_name_from_both),
		TEST(removing_fails_whole_when_the_share_is_away),
		TEST(a_file_gets_its_own_name_in_staging),
		TEST(past_the_reserve_nothing_new_is_created),
		TEST(errors_of_staging_say_so),
		TEST(threads_read_while_the_share_comes_and_goes),
		TEST(a_read_only_medium_gives_and_takes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
