/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An archive on a medium that fails at every call, and one whose every byte is changed in turn: what
 * was reported stays, what was changed is noticed, named, and never given out as good. */
#include "app/archive/erase.h"
#include "app/archive/read.h"
#include "app/archive/verify.h"
#include "app/intake/import/import.h"
#include "base/file.h"
#include "base/log.h"
#include "storage/medium_faulty.h"

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { FOLDERS = 2, MAILS = 7, FILES = MAILS + 1, ATTACHMENT_BYTES = 5000, MAX_BYTES = 1 << 24 };

static char dir[64];
static struct str mails[MAILS]; /* the distinct ones */

static void must_work(int rc, const struct err *err)
{
	if (rc < 0)
		fail_msg("%s", err->text);
}

static const char *path_of(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

/* ---- mails and archives ---- */

/* Mails 0 and 4 share an attachment that does not compress. */
static void make_mail(unsigned i, struct str *out)
{
	unsigned seed = i % 4 + 1;

	str_addf(out,
		 "From: anna@example.org\r\nTo: ben@example.org\r\nSubject: letter %u\r\n"
		 "Message-ID: <%u@example.org>\r\nMIME-Version: 1.0\r\n",
		 i, i);
	if (i % 4 != 0) {
		str_addf(out, "\r\nmail number %u\r\n", i);
		return;
	}
	str_adds(out, "Content-Type: application/octet-stream\r\n"
		      "Content-Transfer-Encoding: base64\r\n\r\n");
	for (size_t n = 0; n < ATTACHMENT_BYTES * 4 / 3; n += 76) {
		for (size_t c = 0; c < 76; c++)
			str_addc(out,
				 "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
					 [(seed = seed * 1103515245 + 12345) >> 16 & 63]);
		str_adds(out, "\r\n");
	}
	str_addf(out, "%s\r\n", i == 0 ? "QUJD" : "QUJE");
}

static void write_file(const char *path, struct view content)
{
	struct err err = {0};
	CLEAN_FD fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	must_work(file_write_all(fd, content.data, content.len, &err), &err);
}

static void read_whole(const char *path, struct str *out)
{
	struct err err = {0};

	str_reset(out);
	must_work(file_read(path, MAX_BYTES, out, &err), &err);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void remove_tree(const char *path)
{
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Two folders of mails, the second with a duplicate of the first's. */
static int set_up(void **state)
{
	(void)state;
	log_set_level(LOG_LEVEL_ERROR);
	mail_init();
	strcpy(dir, "/tmp/sealpost-faulty-XXXXXX");
	assert_non_null(mkdtemp(dir));
	assert_int_equal(mkdir(path_of("0"), 0700), 0);
	assert_int_equal(mkdir(path_of("1"), 0700), 0);
	for (unsigned i = 0; i < MAILS; i++) {
		char name[32];

		str_init(&mails[i]);
		make_mail(i, &mails[i]);
		snprintf(name, sizeof(name), "%d/%u.eml", i < 4 ? 0 : 1, i);
		write_file(path_of(name), str_view(&mails[i]));
	}
	write_file(path_of("1/again.eml"), str_view(&mails[1]));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	for (size_t i = 0; i < MAILS; i++)
		str_clear(&mails[i]);
	remove_tree(dir);
	return 0;
}

static void new_archive(void)
{
	struct err err = {0};

	remove_tree(path_of("archive"));
	must_work(archive_init(path_of("archive"), "test", NULL, &err), &err);
}

static struct archive *open_archive(void)
{
	struct archive *a;
	struct err err = {0};

	must_work(archive_open(path_of("archive"), &a, &err), &err);
	return a;
}

/* Medium 1 of A from now on: the local one, wrapped. */
static struct medium *wrap_medium(struct archive *a)
{
	struct medium *inner, *faulty;
	CLEAN_STR root = STR_INIT;
	struct err err = {0};

	must_work(archive_medium(a, 1, &inner, &err), &err);
	str_adds(&root, medium_location(inner));
	must_work(medium_local_open(root.data, &inner, &err), &err);
	faulty = medium_faulty_new(inner);
	archive_use_medium(a, 1, faulty);
	return faulty;
}

/* What was reported as being in the archive. */
struct reported {
	struct uuid ids[2 * FILES];
	size_t n;
};

static void note_item(void *arg, const struct import_item *item)
{
	struct reported *r = arg;

	if (item->id != NULL)
		r->ids[r->n++] = *item->id;
}

static int import_folder(struct archive *a, const char *name, struct reported *reported,
			 struct import_report *report_r, struct err *err)
{
	const struct import_options options = {.source = "test", .jobs = 1};
	const struct import_watch watch = {.arg = reported, .item = note_item};
	const char *path = path_of(name);

	return import_run(a, &path, 1, &options, &watch, report_r, err);
}

/* ---- what must hold ---- */

struct findings {
	uint64_t n;
	struct str texts;
};

static void note_finding(void *arg, const struct finding *finding)
{
	struct findings *f = arg;

	f->n++;
	str_addf(&f->texts, "pack %llu offset %llu: %s\n", (unsigned long long)finding->pack,
		 (unsigned long long)finding->offset, finding->text);
}

static int verify(struct archive *a, struct findings *f, struct err *err)
{
	const struct verify_watch watch = {.arg = f, .finding = note_finding};
	struct verify_report report;

	return verify_all(a, &watch, &report, err);
}

static void must_be_clean(struct archive *a)
{
	struct findings f = {.texts = STR_INIT};
	struct err err = {0};

	must_work(verify(a, &f, &err), &err);
	if (f.n > 0)
		fail_msg("%s", f.texts.data);
	str_clear(&f.texts);
}

static bool is_one_of_ours(struct view raw)
{
	for (size_t i = 0; i < MAILS; i++)
		if (view_eq(raw, str_view(&mails[i])))
			return true;
	return false;
}

struct reading {
	struct reader *reader;
	unsigned read, refused;
};

static int read_one(void *arg, const struct mail_row *row, struct err *err)
{
	struct reading *r = arg;
	struct err reading = {0};
	CLEAN_STR raw = STR_INIT;

	(void)err;
	if (reader_mail(r->reader, row, &raw, &reading) < 0) {
		assert_int_equal(raw.len, 0);
		assert_int_not_equal(reading.kind, ERR_NONE);
		r->refused++;
		return 0;
	}
	assert_true(is_one_of_ours(str_view(&raw)));
	r->read++;
	return 0;
}

/* Read every mail: each is as it was captured, or refused. */
static struct reading read_all(struct archive *a)
{
	CLEAN(reader) reader = reader_new(a);
	struct reading r = {.reader = reader};
	struct err err = {0};

	if (mails_each(archive_catalog(a), 0, read_one, &r, &err) < 0)
		assert_true(err.kind == ERR_DAMAGED || err.kind == ERR_WRONGKEY);
	return r;
}

static void must_hold(const struct reported *reported)
{
	CLEAN(archive) a = open_archive();
	CLEAN(arena) arena = arena_new();
	struct reported again = {0};
	struct import_report report;
	struct erase_report erased;
	struct err err = {0};
	struct mail_row row;

	must_be_clean(a);
	for (size_t i = 0; i < reported->n; i++)
		assert_int_equal(mail_find(a, arena, &reported->ids[i], &row, &err), 1);
	for (unsigned i = 0; i < FOLDERS; i++) {
		must_work(import_folder(a, i ? "1" : "0", &again, &report, &err), &err);
		assert_int_equal(report.failed + report.ignored, 0);
	}
	must_work(erase_media(a, &erased, &err), &err);
	assert_int_equal(erased.refused, 0);
	must_be_clean(a);
	assert_int_equal(read_all(a).read, MAILS);
}

/* ---- failing calls ---- */

/* What a service does in the same process when an import failed. */
enum then { THEN_GO_ON, THEN_RECOVER, THEN_REPEAT };

/* Import both folders while the medium suffers; returns the calls it counted. */
static uint64_t import_both(struct medium_faulty_plan plan, enum then then,
			    struct reported *reported)
{
	CLEAN(archive) a = open_archive();
	struct medium *faulty = wrap_medium(a);
	struct import_report report;

	medium_faulty_set(faulty, &plan);
	for (unsigned i = 0; i < FOLDERS; i++) {
		struct err err = {0};

		if (import_folder(a, i ? "1" : "0", reported, &report, &err) == 0)
			continue;
		assert_int_not_equal(err.kind, ERR_NONE);
		assert_non_null(strstr(err.text, "made to"));
		err_clear(&err); /* the medium may still be failing */
		if (then == THEN_RECOVER)
			(void)!archive_recover(a, &err);
		else if (then == THEN_REPEAT)
			must_work(import_folder(a, i ? "1" : "0", reported, &report, &err), &err);
	}
	return medium_faulty_calls(faulty);
}

static void fail_at_every_call(enum fault fault, bool for_ever, enum then then)
{
	struct reported reported = {0};
	uint64_t calls;

	new_archive();
	calls = import_both((struct medium_faulty_plan){0}, THEN_GO_ON, &reported);
	assert_int_equal(reported.n, FILES);
	assert_true(calls > 6);
	for (uint64_t at = 1; at <= calls; at++) {
		struct medium_faulty_plan plan = {
			.fault = fault, .at_call = at, .for_ever = for_ever};

		reported.n = 0;
		new_archive();
		import_both(plan, then, &reported);
		must_hold(&reported);
	}
}

static void a_call_that_fails_once_loses_nothing(void **state)
{
	(void)state;
	fail_at_every_call(FAULT_IO, false, THEN_RECOVER);
}

/* The mails of the batch that failed may stand in its pack, uncommitted, and in the next one. */
static void a_batch_that_failed_and_was_repeated_leaves_no_duplicate(void **state)
{
	(void)state;
	fail_at_every_call(FAULT_IO, false, THEN_REPEAT);
}

static void a_medium_that_fails_from_any_call_on_loses_nothing(void **state)
{
	(void)state;
	fail_at_every_call(FAULT_IO, true, THEN_GO_ON);
}

static void a_medium_that_goes_away_at_any_call_loses_nothing(void **state)
{
	(void)state;
	fail_at_every_call(FAULT_OFFLINE, true, THEN_RECOVER);
}

static void a_medium_that_is_full_at_any_call_loses_nothing(void **state)
{
	(void)state;
	fail_at_every_call(FAULT_NOSPACE, true, THEN_GO_ON);
}

static void a_write_that_stops_half_way_loses_nothing(void **state)
{
	(void)state;
	fail_at_every_call(FAULT_SHORT, false, THEN_RECOVER);
}

static void a_medium_that_gives_back_wrong_bytes_is_not_believed(void **state)
{
	struct reported reported = {0};
	unsigned refused = 0;

	(void)state;
	new_archive();
	import_both((struct medium_faulty_plan){0}, THEN_GO_ON, &reported);
	for (unsigned seed = 1; seed <= 60; seed++) {
		CLEAN(archive) a = open_archive();
		const struct medium_faulty_plan plan = {.fault = seed % 2 ? FAULT_WRONG_BYTES
									  : FAULT_SHORT,
							.per_million = 200000,
							.seed = seed};

		medium_faulty_set(wrap_medium(a), &plan);
		refused += read_all(a).refused;
	}
	assert_true(refused > 0);
	must_hold(&reported);
}

/* ---- changed bytes ---- */

static void flip(const char *path, off_t at)
{
	CLEAN_FD fd = open(path, O_RDWR);
	unsigned char c;

	assert_int_equal(pread(fd, &c, 1, at), 1);
	c ^= (unsigned char)(1 << at % 8);
	assert_int_equal(pwrite(fd, &c, 1, at), 1);
}

static const char *pack_path(struct archive *a, uint64_t pack)
{
	static char path[512];
	struct medium *medium;
	struct err err = {0};
	char name[64];

	must_work(archive_medium(a, 1, &medium, &err), &err);
	snprintf(path, sizeof(path), "%s/%s", medium_location(medium), pack_name(pack, name));
	return path;
}

/* A finding, or an error that ends the check, with WORD in it. */
static void must_be_noticed(struct archive *a, const char *word, const char *where, off_t at)
{
	struct findings f = {.texts = STR_INIT};
	struct err err = {0};
	int rc = verify(a, &f, &err);

	if (rc == 0 && f.n == 0)
		fail_msg("%s: byte %lld was changed, and nobody noticed", where, (long long)at);
	str_adds(&f.texts, err.text);
	if (strstr(f.texts.data, word) == NULL)
		fail_msg("%s: byte %lld: \"%s\" does not say %s", where, (long long)at,
			 f.texts.data, word);
	str_clear(&f.texts);
}

static void any_byte_of_a_pack_changed_is_noticed_and_named(void **state)
{
	struct reported reported = {0};
	struct stat st;
	char path[512];

	(void)state;
	new_archive();
	import_both((struct medium_faulty_plan){0}, THEN_GO_ON, &reported);
	CLEAN(archive) a = open_archive();
	strcpy(path, pack_path(a, 1));
	assert_int_equal(stat(path, &st), 0);
	for (off_t at = 0; at < st.st_size; at++) {
		flip(path, at);
		/* every byte of what frames the records, and some of what fills them */
		if (at < 1024 || at > st.st_size - 256 || at % 16 == 0)
			must_be_noticed(a, "pack 1 ", "pack", at);
		read_all(a);
		flip(path, at);
	}
	must_be_clean(a);
	assert_int_equal(read_all(a).read, MAILS);
}

/* The archive does not open, or the check tells; mails come back right or not at all. */
static void try_changed_database(const char *name, const char *path, off_t at)
{
	CLEAN(archive) a = NULL;
	struct err err = {0};

	if (archive_open(path_of("archive"), &a, &err) < 0) {
		if (strstr(err.text, name) == NULL)
			fail_msg("%s: byte %lld: \"%s\" does not say %s", path, (long long)at,
				 err.text, name);
		return;
	}
	read_all(a);
	must_be_noticed(a, name, path, at);
}

/* All of the first bytes, all of the last page's, and some of every page's: its beginning, content,
 * and the IV and HMAC at its end. */
static bool is_chosen(off_t at, off_t size)
{
	off_t in_page = at % 8192;

	return at < 128 || at > size - 64 || (at > size - 8192 && at % 64 == 0) || in_page == 0 ||
	       in_page == 101 || in_page == 5000 || in_page == 8120 || in_page == 8191;
}

static void change_database(const char *name)
{
	struct reported reported = {0};
	CLEAN_STR whole = STR_INIT;
	char file[64], path[256];

	new_archive();
	import_both((struct medium_faulty_plan){0}, THEN_GO_ON, &reported);
	snprintf(file, sizeof(file), "archive/%s.db", name);
	strcpy(path, path_of(file));
	read_whole(path, &whole);
	for (off_t at = 0; at < (off_t)whole.len; at++) {
		if (!is_chosen(at, (off_t)whole.len))
			continue;
		flip(path, at);
		try_changed_database(name, path, at);
		write_file(path, str_view(&whole));
	}
	must_hold(&reported);
}

static void any_byte_of_the_catalog_changed_is_noticed_and_named(void **state)
{
	(void)state;
	change_database("catalog");
}

static void any_byte_of_the_index_changed_is_noticed_and_named(void **state)
{
	(void)state;
	change_database("index");
}

static void a_database_of_a_future_schema_is_left_alone(void **state)
{
	struct err err = {0};
	struct archive *a;

	(void)state;
	new_archive();
	a = open_archive();
	must_work(db_exec(catalog_db(archive_catalog(a)), "PRAGMA user_version=99", &err), &err);
	archive_free(&a);
	assert_int_equal(archive_open(path_of("archive"), &a, &err), -1);
	assert_int_equal(err.kind, ERR_VERSION);
	assert_non_null(strstr(err.text, "99"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_that_fails_once_loses_nothing),
		cmocka_unit_test(a_batch_that_failed_and_was_repeated_leaves_no_duplicate),
		cmocka_unit_test(a_medium_that_fails_from_any_call_on_loses_nothing),
		cmocka_unit_test(a_medium_that_goes_away_at_any_call_loses_nothing),
		cmocka_unit_test(a_medium_that_is_full_at_any_call_loses_nothing),
		cmocka_unit_test(a_write_that_stops_half_way_loses_nothing),
		cmocka_unit_test(a_medium_that_gives_back_wrong_bytes_is_not_believed),
		cmocka_unit_test(any_byte_of_a_pack_changed_is_noticed_and_named),
		cmocka_unit_test(any_byte_of_the_catalog_changed_is_noticed_and_named),
		cmocka_unit_test(any_byte_of_the_index_changed_is_noticed_and_named),
		cmocka_unit_test(a_database_of_a_future_schema_is_left_alone),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
