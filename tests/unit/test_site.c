/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Locations that are taken and refused, and the test of a place, in front of a medium that lies and fails. */
#include "storage/site.h"

#include "base/clock.h"
#include "storage/medium_faulty.h"
#include "storage/medium_priv.h"
#include "tests/unit/fixture.h"

/* ---- locations ---- */

static void a_location_is_taken_or_refused_in_words(void **state)
{
	static const struct {
		const char *location, *why; /* NULL: taken */
	} rows[] = {
		{"/srv/archive", NULL},
		{"media/1", NULL},
		{"smb://nas/mail", NULL},
		{"smb://nas.example.org:4445/mail/a b/c", NULL},
		{"smb://192.0.2.7/mail", NULL},
		{"smb://[2001:db8::1]/mail", NULL},
		{"smb://[2001:db8::1]:445/mail", NULL},
		{"", "empty"},
		{"smb://", "the host is missing"},
		{"smb:///mail", "the host is missing"},
		{"smb://:445/mail", "the host is missing"},
		{"smb://nas", "the share is missing"},
		{"smb://nas/", "the share is missing"},
		{"smb://nas/mail/", "slash at the end"},
		{"smb://nas//mail", "an empty name"},
		{"smb://nas/mail//x", "an empty name"},
		{"smb://nas:/mail", "the port"},
		{"smb://nas:0/mail", "the port"},
		{"smb://nas:65536/mail", "the port"},
		{"smb://nas:445x/mail", "the port"},
		{"smb://[2001:db8::1/mail", "malformed"},
		{"smb://[]/mail", "malformed"},
		{"smb://anna:secret@nas/mail", "--password-file"},
		{"smb://nas/mail?x", "cannot have any of"},
		{"smb://nas/mail\\x", "cannot have any of"},
		{"smb://nas/mail\n", "cannot have any of"},
		{"smb://nas/mail.", "cannot end in a dot"},
		{"smb://nas/mail /x", "cannot end in a dot or a space"},
		{"ftp://nas/mail", "only smb:// is known"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct err err = {0};
		int rc = site_check(rows[i].location, &err);

		if (rc != (rows[i].why == NULL ? 0 : -1) ||
		    (rc < 0 && (err.kind != ERR_USAGE || strstr(err.text, rows[i].why) == NULL)))
			fail_msg("\"%s\": %d %s", rows[i].location, rc, err.text);
	}
}

static void a_location_without_end_is_refused(void **state)
{
	CLEAN_STR location = STR_INIT;
	struct err err = {0};

	(void)state;
	str_adds(&location, "smb://nas/");
	while (location.len < 2000)
		str_adds(&location, "folder/");
	str_adds(&location, "x");
	assert_int_equal(site_check(location.data, &err), -1);
	assert_int_equal(err.kind, ERR_USAGE);
}

/* ---- a medium that lies ---- */

enum lie { LIE_NONE, LIE_AHEAD, LIE_BEHIND, LIE_KEEPS, LIE_NO_SPACE_TOLD, LIE_SHORT_NAMES };

static enum lie lie;
static const struct medium_ops *truth;

static int lying_modified(struct medium *m, const char *name, int64_t *time_s_r, struct err *e)
{
	if (truth->modified(m, name, time_s_r, e) < 0)
		return -1;
	if (lie == LIE_AHEAD)
		*time_s_r += SITE_SKEW_S + 10;
	if (lie == LIE_BEHIND)
		*time_s_r -= SITE_SKEW_S + 10;
	return 0;
}

static int lying_remove(struct medium *m, const char *name, struct err *e)
{
	if (lie == LIE_KEEPS)
		return err_set(e, ERR_DENIED, "files are kept here");
	return truth->remove(m, name, e);
}

static int lying_space(struct medium *m, uint64_t *free_r, uint64_t *total_r, struct err *e)
{
	if (lie == LIE_NO_SPACE_TOLD)
		return err_set(e, ERR_IO, "no idea");
	return truth->space(m, free_r, total_r, e);
}

static int lying_create(struct medium *m, const char *name, struct medium_file **file_r,
			struct err *e)
{
	if (lie == LIE_SHORT_NAMES && strlen(name) > 30)
		return err_set(e, ERR_SYNTAX, "File name too long");
	return truth->create(m, name, file_r, e);
}

/* A directory whose medium tells this lie. */
static struct medium *liar_new(struct fixture *f, enum lie told)
{
	static struct medium_ops ops;
	struct medium *m;

	if (medium_local_open(f->dir, &m, &f->err) < 0)
		fail_msg("%s", f->err.text);
	lie = told;
	truth = m->ops;
	ops = *truth;
	ops.modified = lying_modified;
	ops.remove = lying_remove;
	ops.space = lying_space;
	ops.create = lying_create;
	m->ops = &ops;
	return m;
}

static int count_file(void *arg, const char *name, uint64_t size_bytes, struct err *err)
{
	(void)name, (void)size_bytes, (void)err;
	++*(unsigned *)arg;
	return 0;
}

static unsigned count_files(struct fixture *f)
{
	CLEAN(medium) m = NULL;
	unsigned n = 0;

	assert_int_equal(medium_local_open(f->dir, &m, &f->err), 0);
	assert_int_equal(medium_list(m, "", count_file, &n, &f->err), 0);
	return n;
}

static void a_good_place_passes_and_keeps_nothing_of_the_test(void **state)
{
	struct fixture *f = *state;
	CLEAN(medium) m = liar_new(f, LIE_NONE);
	struct site_space space = {0};

	assert_int_equal(site_test(m, &space, &f->err), 0);
	assert_true(space.free_bytes > 0 && space.free_bytes <= space.total_bytes);
	assert_int_equal(count_files(f), 0);
}

static void each_lie_is_told_in_its_own_words(void **state)
{
	static const struct {
		enum lie lie;
		enum err_kind kind;
		const char *words;
		unsigned left; /* files */
	} rows[] = {
		{LIE_AHEAD, ERR_SYNTAX, "s ahead of ours; set both by a time server", 0},
		{LIE_BEHIND, ERR_SYNTAX, "s behind ours; set both by a time server", 0},
		{LIE_KEEPS, ERR_DENIED, "nothing can be removed there", 1},
		{LIE_NO_SPACE_TOLD, ERR_IO, "its free space is not told", 1},
		{LIE_SHORT_NAMES, ERR_UNSUPPORTED, "a name of the length that is needed", 1},
	};
	struct fixture *f = *state;
	struct site_space space;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		CLEAN(medium) m = liar_new(f, rows[i].lie);

		assert_int_equal(site_test(m, &space, &f->err), -1);
		if (f->err.kind != rows[i].kind || strstr(f->err.text, rows[i].words) == NULL)
			fail_msg("%s: %s", err_code(f->err.kind), f->err.text);
		assert_int_equal(count_files(f), rows[i].left);
		err_clear(&f->err);
	}
}

/* ---- and one that fails ---- */

static struct medium *faulty_new(struct fixture *f, enum fault fault, uint64_t at_call,
				 bool for_ever)
{
	struct medium *local, *m;

	if (medium_local_open(f->dir, &local, &f->err) < 0)
		fail_msg("%s", f->err.text);
	m = medium_faulty_new(local);
	medium_faulty_set(m, &(struct medium_faulty_plan){
				     .fault = fault, .at_call = at_call, .for_ever = for_ever});
	return m;
}

static void each_fault_has_its_kind(void **state)
{
	static const struct {
		enum fault fault;
		enum err_kind kind;
		const char *words;
	} rows[] = {
		{FAULT_WRONG_BYTES, ERR_DAMAGED, "is not what was written"},
		{FAULT_SHORT, ERR_DAMAGED, "is not what was written"},
		{FAULT_OFFLINE, ERR_OFFLINE, "what was written cannot be read"},
	};
	enum { READING = 5 }; /* space, create, append, sync: then it is read */
	struct fixture *f = *state;
	struct site_space space;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		CLEAN(medium) m = faulty_new(f, rows[i].fault, READING, false);

		assert_int_equal(site_test(m, &space, &f->err), -1);
		if (f->err.kind != rows[i].kind || strstr(f->err.text, rows[i].words) == NULL)
			fail_msg("%s: %s", err_code(f->err.kind), f->err.text);
		err_clear(&f->err);
		assert_int_equal(count_files(f), 0);
	}
}

static void a_full_place_is_called_full(void **state)
{
	enum { WRITING = 3 };
	struct fixture *f = *state;
	CLEAN(medium) m = faulty_new(f, FAULT_NOSPACE, WRITING, false);
	struct site_space space;

	assert_int_equal(site_test(m, &space, &f->err), -1);
	assert_int_equal(f->err.kind, ERR_NOSPACE);
	assert_non_null(strstr(f->err.text, "it is full"));
	assert_int_equal(count_files(f), 0);
}

static void no_fault_passes_the_test(void **state)
{
	struct fixture *f = *state;
	struct site_space space;

	for (uint64_t call = 1;; call++) {
		CLEAN(medium) m = faulty_new(f, FAULT_IO, call, true);
		int rc = site_test(m, &space, &f->err);

		if (medium_faulty_calls(m) < call) {
			assert_int_equal(rc, 0);
			break;
		}
		assert_int_equal(rc, -1);
		err_clear(&f->err);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_folder, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_location_is_taken_or_refused_in_words),
		cmocka_unit_test(a_location_without_end_is_refused),
		TEST(a_good_place_passes_and_keeps_nothing_of_the_test),
		TEST(each_lie_is_told_in_its_own_words),
		TEST(each_fault_has_its_kind),
		TEST(a_full_place_is_called_full),
		TEST(no_fault_passes_the_test),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
