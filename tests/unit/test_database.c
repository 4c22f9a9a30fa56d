/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/fixture.h"

#include "app/archive/rebuild.h"
#include "app/catalog/frozen.h"
#include "app/catalog/notes.h"
#include "backup/database.h"
#include "base/clock.h"
#include "base/file.h"
#include "storage/copy.h"
#include "storage/medium_faulty.h"
#include "storage/staged.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { LINKS = 24, ROW_BYTES = 900 };

static struct db *database(struct fixture *f)
{
	return catalog_db(archive_catalog(f->a));
}

static void run_sql(struct fixture *f, const char *sql)
{
	if (db_exec(database(f), sql, &f->err) < 0)
		fail_msg("%s", f->err.text);
}

static struct medium *medium_of(struct fixture *f)
{
	struct medium *m = NULL;

	if (archive_medium(f->a, 1, &m, &f->err) < 0)
		fail_msg("%s", f->err.text);
	return m;
}

static struct database_report back_up(struct fixture *f, bool full)
{
	struct database_report report;

	if (database_backup(f->a, full, &report, &f->err) < 0)
		fail_msg("%s", f->err.text);
	return report;
}

static const char *set_name(const struct database_report *report)
{
	static char name[BACKUP_SET_NAME];

	return backup_set_name(&report->header.id, report->header.is_full, name);
}

static int restore(struct fixture *f, const char *name)
{
	const char *path = fixture_path(f, "restored.db");

	unlink(path);
	unlink(fixture_path(f, "restored.db-wal"));
	unlink(fixture_path(f, "restored.db-shm"));
	err_clear(&f->err);
	return database_restore(medium_of(f), archive_keys(f->a), name, path, &f->err);
}

static void finding(void *arg, const char *text)
{
	print_error("%s\n", text);
	++*(int *)arg;
}

/* The restored catalog, found whole. */
static struct catalog *restored(struct fixture *f, const char *name)
{
	CLEAN(secret) key = keyring_derive(archive_keys(f->a), KEY_USE_CATALOG, VIEW(""));
	struct catalog *catalog = NULL;
	int findings = 0;

	if (restore(f, name) < 0 ||
	    catalog_open(fixture_path(f, "restored.db"), key, false, &catalog, &f->err) < 0 ||
	    db_check(catalog_db(catalog), finding, &findings, &f->err) < 0)
		fail_msg("%s", f->err.text);
	assert_int_equal(findings, 0);
	return catalog;
}

static int64_t number(struct catalog *catalog, const char *sql)
{
	struct err err = {0};
	CLEAN_STMT q = NULL;

	if (db_query_text(catalog_db(catalog), sql, &q, &err) < 0 || stmt_step(q, &err) < 0)
		fail_msg("%s", err.text);
	return stmt_int(q, 0);
}

#define COUNT_NOTES "SELECT count(*) FROM notes"

static int add_notes(struct catalog *catalog, int from, int n, struct err *err)
{
	char text[ROW_BYTES];

	memset(text, 'x', sizeof(text));
	for (int i = from; i < from + n; i++)
		if (notes_set(catalog,
			      &(struct note){0, (uint64_t)i, VIEW("tag"), {text, sizeof(text)}},
			      err) < 0)
			return -1;
	return 0;
}

static void note(struct fixture *f, int from, int n)
{
	if (catalog_begin(archive_catalog(f->a), &f->err) < 0 ||
	    add_notes(archive_catalog(f->a), from, n, &f->err) < 0 ||
	    catalog_commit(archive_catalog(f->a), &f->err) < 0)
		fail_msg("%s", f->err.text);
}

static uint64_t file_bytes(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return (uint64_t)st.st_size;
}

static void a_full_backup_comes_back_as_the_catalog(void **state)
{
	struct fixture *f = *state;
	struct database_report report;
	CLEAN(catalog) copy = NULL;

	note(f, 1, 300);
	report = back_up(f, true);
	assert_true(report.header.is_full && report.instead[0] == '\0' && !report.waits);
	assert_int_equal(report.pages, report.header.pages);
	copy = restored(f, set_name(&report));
	assert_int_equal(number(copy, COUNT_NOTES), 300);
	assert_int_equal(file_bytes(fixture_path(f, "restored.db")),
			 report.header.pages * report.header.page_bytes);
}

static void the_header_tells_mails_and_packs(void **state)
{
	static const struct arrival mail = ARRIVAL("From: a@example.org\nSubject: x\n\nHello\n");
	struct fixture *f = *state;
	struct database_report report;

	fixture_take(f, &mail);
	report = back_up(f, true);
	assert_int_equal(report.header.mails, 1);
	assert_int_equal(report.header.highest_pack, 1);
	assert_true(llabs(clock_ms() - report.header.made_ms) < 600 * 1000);
}

static void an_incremental_one_holds_what_changed(void **state)
{
	struct fixture *f = *state;
	struct database_report full, more, none;
	CLEAN(catalog) copy = NULL;

	note(f, 1, 2000);
	full = back_up(f, true);
	note(f, 1, 1);
	more = back_up(f, false);
	assert_false(more.header.is_full);
	assert_true(uuid_eq(&more.header.predecessor, &full.header.id));
	assert_in_range(more.pages, 1, 4);
	assert_true(full.pages > 200);
	none = back_up(f, false);
	assert_int_equal(none.pages, 0);
	assert_true(uuid_eq(&none.header.predecessor, &more.header.id));
	copy = restored(f, set_name(&none));
	assert_int_equal(number(copy, COUNT_NOTES), 2000);
}

static void a_catalog_that_became_smaller_comes_back_smaller(void **state)
{
	struct fixture *f = *state;
	struct database_report before, after;
	CLEAN(catalog) copy = NULL;

	note(f, 1, 2000);
	before = back_up(f, true);
	run_sql(f, "DELETE FROM notes WHERE mail > 10; VACUUM");
	after = back_up(f, false);
	assert_false(after.header.is_full);
	assert_true(after.header.pages < before.header.pages);
	copy = restored(f, set_name(&after));
	assert_int_equal(number(copy, COUNT_NOTES), 10);
	assert_int_equal(file_bytes(fixture_path(f, "restored.db")),
			 after.header.pages * after.header.page_bytes);
}

/* Somebody who reads for hours keeps the log from being brought into the file. */
static void a_reader_at_work_hinders_no_backup(void **state)
{
	struct fixture *f = *state;
	CLEAN(secret) key = keyring_derive(archive_keys(f->a), KEY_USE_CATALOG, VIEW(""));
	CLEAN(catalog) reader = NULL;
	CLEAN(catalog) copy = NULL;
	struct database_report full, more;

	note(f, 1, 500);
	assert_int_equal(
		catalog_open(fixture_path(f, "archive/catalog.db"), key, false, &reader, &f->err),
		0);
	{
		CLEAN_STMT q = NULL;

		assert_int_equal(
			db_query(catalog_db(reader), "SELECT mail FROM notes", &q, &f->err), 0);
		assert_int_equal(stmt_step(q, &f->err), 1);
		note(f, 501, 500);
		full = back_up(f, true);
		note(f, 1001, 500);
		more = back_up(f, false);
		assert_false(more.header.is_full);
	}
	copy = restored(f, set_name(&full));
	assert_int_equal(number(copy, COUNT_NOTES), 1000);
	catalog_free(&copy);
	copy = restored(f, set_name(&more));
	assert_int_equal(number(copy, COUNT_NOTES), 1500);
}

/* What is frozen stays, whoever writes, brings the log in, or begins it anew. */
static void what_is_frozen_does_not_change(void **state)
{
	struct fixture *f = *state;
	CLEAN(secret) key = keyring_derive(archive_keys(f->a), KEY_USE_CATALOG, VIEW(""));

	for (int with_reader = 0; with_reader < 2; with_reader++) {
		CLEAN(catalog) own = NULL;
		CLEAN(catalog) reader = NULL;
		CLEAN(frozen) frozen = NULL;
		CLEAN_MEM struct page_print *prints = NULL;
		CLEAN_STMT q = NULL;
		const char *path = fixture_path(f, "archive/catalog.db");
		uint64_t pages;

		assert_int_equal(catalog_open(path, key, false, &own, &f->err), 0);
		assert_int_equal(catalog_open(path, key, false, &reader, &f->err), 0);
		note(f, 1, 500);
		if (with_reader) {
			assert_int_equal(
				db_query(catalog_db(reader), "SELECT mail FROM notes", &q, &f->err),
				0);
			assert_int_equal(stmt_step(q, &f->err), 1);
		}
		note(f, 1, 700);
		assert_int_equal(frozen_begin(catalog_db(own), database(f), &frozen, &f->err), 0);
		pages = frozen_pages(frozen);
		prints = mem_new(pages * sizeof(*prints));
		for (uint64_t i = 0; i < pages; i++)
			assert_int_equal(frozen_print(frozen, i + 1, &prints[i], &f->err), 0);
		stmt_done(&q);
		for (int turn = 0; turn < 5; turn++) {
			note(f, 1, 900);
			run_sql(f, "PRAGMA wal_checkpoint(PASSIVE)");
		}
		assert_int_equal(number(own, COUNT_NOTES), with_reader ? 900 : 700);
		for (uint64_t i = 0; i < pages; i++) {
			struct page_print now;

			assert_int_equal(frozen_print(frozen, i + 1, &now, &f->err), 0);
			assert_memory_equal(&now, &prints[i], sizeof(now));
		}
	}
}

/* A writer in a process of its own: two numbers that are always the same, and as many notes. */

static void write_for_ever(const struct fixture *f, int ready)
{
	struct archive *a;
	struct err err = {0};

	if (archive_open(f->archive, &a, &err) < 0)
		_exit(1);
	for (int i = 1;; i++) {
		char text[16];

		snprintf(text, sizeof(text), "%d", i);
		if (catalog_begin(archive_catalog(a), &err) < 0 ||
		    setting_set(archive_catalog(a), "one", VIEW(text), &err) < 0 ||
		    add_notes(archive_catalog(a), i, 1, &err) < 0 ||
		    setting_set(archive_catalog(a), "two", VIEW(text), &err) < 0 ||
		    catalog_commit(archive_catalog(a), &err) < 0)
			_exit(1);
		if (write(ready, "x", 1) != 1)
			_exit(0);
	}
}

struct writer {
	pid_t pid;
	int fd;
};

/* Wait until it has committed N times more, from now on. */
static void wait_for(const struct writer *w, int n)
{
	char c, told[4096];

	fcntl(w->fd, F_SETFL, O_NONBLOCK);
	while (read(w->fd, told, sizeof(told)) > 0)
		;
	fcntl(w->fd, F_SETFL, 0);
	while (n-- > 0)
		assert_int_equal(read(w->fd, &c, 1), 1);
}

static struct writer start_writer(struct fixture *f)
{
	struct writer w;
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	w.pid = fork();
	if (w.pid == 0) {
		close(fds[0]);
		write_for_ever(f, fds[1]);
	}
	close(fds[1]);
	w.fd = fds[0];
	wait_for(&w, 1);
	return w;
}

static void stop_writer(struct writer *w)
{
	int status;

	kill(w->pid, SIGKILL);
	assert_int_equal(waitpid(w->pid, &status, 0), w->pid);
	assert_true(WIFSIGNALED(status));
	close(w->fd);
}

static int64_t check_one_moment(struct fixture *f, const struct database_report *report)
{
	CLEAN(catalog) copy = restored(f, set_name(report));
	CLEAN_STR one = STR_INIT;
	CLEAN_STR two = STR_INIT;

	assert_int_equal(setting_get(copy, "one", &one, &f->err), 1);
	assert_int_equal(setting_get(copy, "two", &two, &f->err), 1);
	assert_string_equal(one.data, two.data);
	assert_int_equal(number(copy, COUNT_NOTES), atoi(one.data));
	return atoi(one.data);
}

static void a_chain_made_while_others_write_is_one_moment_each(void **state)
{
	struct fixture *f = *state;
	struct database_report reports[1 + LINKS];
	struct writer w;
	int64_t before = 0;

	archive_free(&f->a); /* no connection goes through fork() */
	w = start_writer(f);
	fixture_reopen(f);
	for (size_t i = 0; i <= LINKS; i++) {
		reports[i] = back_up(f, i == 0);
		assert_int_equal(reports[i].header.is_full, i == 0);
		wait_for(&w, 3);
	}
	stop_writer(&w);
	for (size_t i = 0; i <= LINKS; i += 4) {
		int64_t n = check_one_moment(f, &reports[i]);

		assert_true(n > before);
		before = n;
	}
}

/* A chain of three, to be broken. */
struct chain {
	struct database_report full, middle, last;
};

static struct chain make_chain(struct fixture *f)
{
	struct chain c;

	note(f, 1, 300);
	c.full = back_up(f, true);
	note(f, 100, 10);
	c.middle = back_up(f, false);
	note(f, 301, 50);
	c.last = back_up(f, false);
	assert_true(!c.middle.header.is_full && !c.last.header.is_full);
	return c;
}

static void remove_set(struct fixture *f, const struct database_report *report)
{
	assert_int_equal(medium_remove(medium_of(f), set_name(report), &f->err), 0);
}

static void a_chain_without_a_link_is_told_and_not_restored(void **state)
{
	struct fixture *f = *state;
	struct chain c = make_chain(f);

	remove_set(f, &c.middle);
	assert_int_equal(restore(f, set_name(&c.last)), -1);
	assert_int_equal(f->err.kind, ERR_DAMAGED);
	assert_non_null(strstr(f->err.text, "missing"));
	assert_int_equal(access(fixture_path(f, "restored.db"), F_OK), -1);
	assert_int_equal(restore(f, set_name(&c.full)), 0);
}

static void a_chain_with_a_damaged_link_is_told_and_not_restored(void **state)
{
	struct fixture *f = *state;
	struct chain c = make_chain(f);
	CLEAN_STR path = STR_INIT;
	CLEAN_STR bytes = STR_INIT;

	str_addf(&path, "%s/%s", medium_location(medium_of(f)), set_name(&c.middle));
	assert_int_equal(file_read(path.data, 1 << 24, &bytes, &f->err), 0);
	bytes.data[bytes.len - 100] ^= 1;
	fixture_write(path.data, str_view(&bytes));
	fixture_reopen(f);
	assert_int_equal(restore(f, set_name(&c.last)), -1);
	assert_int_equal(f->err.kind, ERR_DAMAGED);
	assert_non_null(strstr(f->err.text, set_name(&c.middle)));
	assert_int_equal(access(fixture_path(f, "restored.db"), F_OK), -1);
}

static void a_set_of_the_same_id_but_other_bytes_does_not_fit_the_chain(void **state)
{
	struct fixture *f = *state;
	struct chain c = make_chain(f);
	CLEAN(backup_set_writer) w = NULL;
	struct hash hash;
	uint64_t bytes;

	remove_set(f, &c.middle);
	assert_int_equal(
		backup_set_create(medium_of(f), archive_keys(f->a), &c.middle.header, &w, &f->err),
		0);
	assert_int_equal(backup_set_end(w, &hash, &bytes, &f->err), 0);
	assert_int_equal(restore(f, set_name(&c.last)), -1);
	assert_int_equal(f->err.kind, ERR_DAMAGED);
	assert_non_null(strstr(f->err.text, "not the set"));
}

static void a_restore_overwrites_nothing(void **state)
{
	struct fixture *f = *state;
	struct database_report full = back_up(f, true);
	const char *path = fixture_path(f, "there");

	fixture_write(path, VIEW("precious"));
	assert_int_equal(
		database_restore(medium_of(f), archive_keys(f->a), set_name(&full), path, &f->err),
		-1);
	assert_int_equal(f->err.kind, ERR_EXISTS);
	assert_int_equal(file_bytes(path), strlen("precious"));
}

static void full_instead(struct fixture *f, const char *why)
{
	struct database_report report = back_up(f, false);

	assert_true(report.header.is_full);
	assert_non_null(strstr(report.instead, why));
	report = back_up(f, false);
	assert_false(report.header.is_full);
	assert_string_equal(report.instead, "");
}

static void without_an_earlier_backup_it_is_a_full_one(void **state)
{
	full_instead(*state, "no earlier backup");
}

static void with_a_damaged_state_it_is_a_full_one(void **state)
{
	struct fixture *f = *state;
	const char *path = fixture_path(f, "archive/backup.state");
	CLEAN_STR bytes = STR_INIT;

	back_up(f, true);
	assert_int_equal(file_read(path, 1 << 24, &bytes, &f->err), 0);
	for (size_t i = 0; i < bytes.len; i += bytes.len / 7) {
		bytes.data[i] ^= 1;
		fixture_write(path, str_view(&bytes));
		full_instead(f, "damaged");
		bytes.data[i] ^= 1;
	}
	fixture_write(path, (struct view){bytes.data, bytes.len / 2});
	full_instead(f, "damaged");
	fixture_write(path, VIEW(""));
	full_instead(f, "damaged");
}

static void when_a_link_is_gone_it_is_a_full_one(void **state)
{
	struct fixture *f = *state;
	struct chain c = make_chain(f);

	remove_set(f, &c.middle);
	full_instead(f, "cannot be had");
}

static void when_a_link_was_cut_it_is_a_full_one(void **state)
{
	struct fixture *f = *state;
	struct chain c = make_chain(f);

	assert_int_equal(medium_cut(medium_of(f), set_name(&c.full), 1000, &f->err), 0);
	full_instead(f, "1000 bytes instead");
}

static void when_another_medium_is_active_it_is_a_full_one(void **state)
{
	struct fixture *f = *state;
	const char *dir = fixture_path(f, "second");
	const struct site site = {.location = dir};
	struct medium *second;
	unsigned n;

	back_up(f, true);
	assert_int_equal(dir_make(dir, 0700, &f->err), 0);
	assert_int_equal(media_add(archive_catalog(f->a), &site, true, &n, &f->err), 0);
	assert_int_equal(medium_local_open(dir, &second, &f->err), 0);
	archive_use_medium(f->a, n, second);
	full_instead(f, "on medium 1, and medium 2 is active");
}

static void when_the_catalog_was_made_anew_it_is_a_full_one(void **state)
{
	struct fixture *f = *state;
	struct rebuild_report report;

	back_up(f, true);
	archive_free(&f->a);
	if (archive_rebuild(f->archive, NULL, 0, &report, &f->err) < 0)
		fail_msg("%s", f->err.text);
	fixture_reopen(f);
	full_instead(f, "made anew");
}

static void two_backups_at_once_are_refused(void **state)
{
	struct fixture *f = *state;
	struct database_report report;
	CLEAN_FD lock = -1;

	back_up(f, true);
	assert_int_equal(file_lock(fixture_path(f, "archive/lock/backup"), &lock, &f->err), 1);
	assert_int_equal(database_backup(f->a, true, &report, &f->err), -1);
	assert_int_equal(f->err.kind, ERR_BUSY);
}

static void old_sets_are_thinned_by_a_full_backup(void **state)
{
	static const int ages[] = {200, 99, 98, 40, 39, 20, 13, 1};
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	struct database_report report;
	struct backup_set_entry *v;
	size_t n;

	for (size_t i = 0; i < sizeof(ages) / sizeof(*ages); i++) {
		CLEAN(backup_set_writer) w = NULL;
		struct backup_set_header h = {.id = uuid_new(),
					      .is_full = true,
					      .made_ms = clock_ms() - ages[i] * 86400000LL,
					      .page_bytes = 8192};
		struct hash hash;
		uint64_t bytes;

		assert_int_equal(
			backup_set_create(medium_of(f), archive_keys(f->a), &h, &w, &f->err), 0);
		assert_int_equal(backup_set_end(w, &hash, &bytes, &f->err), 0);
	}
	report = back_up(f, true);
	assert_in_range(report.thinned, 3, 4); /* 40 and 39 may lie in two weeks */
	assert_int_equal(backup_set_list(medium_of(f), archive_keys(f->a), arena, &v, &n, &f->err),
			 0);
	assert_int_equal(n, 9 - report.thinned);
	assert_true(uuid_eq(&v[n - 1].header.id, &report.header.id));
	assert_int_equal(back_up(f, false).thinned, 0);
}

/* A share, played by a folder; there is none while FAR is NULL. */

static int connect_far(void *arg, struct medium **far_r, struct err *err)
{
	const char *const *far = arg;

	if (*far == NULL)
		return err_set(err, ERR_OFFLINE, "the host does not answer");
	return medium_local_open(*far, far_r, err);
}

/* The archive's medium is a share from now on, with no word of how it was found before. */
static struct medium *use_share(struct fixture *f, const char **far)
{
	struct medium *near, *staged;
	const char *dir = fixture_path(f, "staging");

	assert_int_equal(dir_make(dir, 0700, &f->err), 0);
	assert_int_equal(medium_local_open(dir, &near, &f->err), 0);
	staged = medium_staged_new(near, "smb", "smb://host/share", 0, connect_far, far);
	archive_use_medium(f->a, 1, staged);
	return staged;
}

static void ship(struct fixture *f, struct medium *staged, const char *far, const char *name)
{
	CLEAN(medium) to = NULL;
	uint64_t size;

	assert_int_equal(medium_local_open(far, &to, &f->err), 0);
	assert_int_equal(medium_size(staged_near(staged), name, &size, &f->err), 0);
	assert_int_equal(copy_file(staged_near(staged), to, name, size, NULL, &f->err), 0);
	assert_int_equal(medium_remove(staged_near(staged), name, &f->err), 0);
}

static void while_its_medium_is_away_a_backup_waits_in_staging(void **state)
{
	struct fixture *f = *state;
	const char *nowhere = NULL;
	struct database_report full, more;
	CLEAN(catalog) copy = NULL;

	use_share(f, &nowhere);
	note(f, 1, 300);
	full = back_up(f, true);
	note(f, 301, 10);
	more = back_up(f, false);
	assert_true(full.waits && more.waits);
	assert_false(more.header.is_full);
	copy = restored(f, set_name(&more));
	assert_int_equal(number(copy, COUNT_NOTES), 310);
}

static void what_is_on_a_medium_that_is_away_is_taken_to_be_there(void **state)
{
	struct fixture *f = *state;
	const char *nowhere = NULL, *far = fixture_path(f, "far"),
		   *empty = fixture_path(f, "empty");
	struct database_report report;
	struct medium *staged;

	assert_int_equal(dir_make(far, 0700, &f->err), 0);
	assert_int_equal(dir_make(empty, 0700, &f->err), 0);
	staged = use_share(f, &far);
	report = back_up(f, true);
	assert_false(report.waits);
	ship(f, staged, far, set_name(&report));
	report = back_up(f, false);
	assert_false(report.header.is_full || report.waits);
	use_share(f, &nowhere);
	report = back_up(f, false);
	assert_true(!report.header.is_full && report.waits);
	use_share(f, &empty);
	full_instead(f, "cannot be had");
}

/* Crashes: the medium kills the process at each of its calls in turn. */

static void back_up_and_die(const struct fixture *f, bool full, uint64_t at_call)
{
	struct medium_faulty_plan plan = {.fault = FAULT_KILL, .at_call = at_call};
	struct database_report report;
	struct medium *medium, *faulty;
	struct archive *a;
	struct err err = {0};

	if (archive_open(f->archive, &a, &err) < 0 || archive_medium(a, 1, &medium, &err) < 0 ||
	    medium_local_open(medium_location(medium), &medium, &err) < 0)
		_exit(1);
	faulty = medium_faulty_new(medium);
	medium_faulty_set(faulty, &plan);
	archive_use_medium(a, 1, faulty);
	_exit(database_backup(a, full, &report, &err) < 0 ? 1 : 0);
}

/* True if it came to its end. */
static bool survives(struct fixture *f, bool full, uint64_t at_call)
{
	int status;
	pid_t child;

	archive_free(&f->a);
	child = fork();
	if (child == 0)
		back_up_and_die(f, full, at_call);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
	fixture_reopen(f);
	return !WIFSIGNALED(status);
}

/* Whatever is on the medium under its name can be restored. */
static void every_set_is_whole(struct fixture *f)
{
	CLEAN(arena) arena = arena_new();
	struct backup_set_entry *v;
	size_t n;

	assert_int_equal(backup_set_list(medium_of(f), archive_keys(f->a), arena, &v, &n, &f->err),
			 0);
	assert_true(n > 0);
	for (size_t i = 0; i < n; i++) {
		if (restore(f, v[i].name) < 0)
			fail_msg("%s", f->err.text);
	}
}

static void remove_all_sets(struct fixture *f)
{
	CLEAN(arena) arena = arena_new();
	struct backup_set_entry *v;
	size_t n;

	assert_int_equal(backup_set_list(medium_of(f), archive_keys(f->a), arena, &v, &n, &f->err),
			 0);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(medium_remove(medium_of(f), v[i].name, &f->err), 0);
}

static int note_part(void *arg, const char *name, uint64_t size_bytes, struct err *err)
{
	(void)size_bytes, (void)err;
	*(int *)arg += strstr(name, ".part") != NULL;
	return 0;
}

static void crash_at_each_call(struct fixture *f, bool full)
{
	bool done = false;

	note(f, 1, 200);
	for (uint64_t at = 1; !done; at++) {
		int parts = 0;

		remove_all_sets(f); /* else there would be one more call each time */
		back_up(f, true);
		note(f, 1 + (int)at, 5);
		done = survives(f, full, at);
		every_set_is_whole(f);
		back_up(f, false);
		every_set_is_whole(f);
		assert_int_equal(medium_list(medium_of(f), "catalog", note_part, &parts, &f->err),
				 0);
		assert_int_equal(parts, 0);
	}
}

static void a_full_backup_killed_anywhere_leaves_whole_chains(void **state)
{
	crash_at_each_call(*state, true);
}

static void an_incremental_backup_killed_anywhere_leaves_whole_chains(void **state)
{
	crash_at_each_call(*state, false);
}

/* One backup whose medium fails at its AT_CALLth call: 1 it did, 0 it had fewer. */
static int fail_at(struct fixture *f, struct medium *faulty, enum fault fault, uint64_t at_call)
{
	struct medium_faulty_plan plan = {.fault = fault, .at_call = at_call}, none = {0};
	struct database_report report;
	bool failed;
	int rc;

	remove_all_sets(f);
	back_up(f, true);
	note(f, 1 + (int)at_call, 5);
	err_clear(&f->err);
	medium_faulty_set(faulty, &plan);
	rc = database_backup(f->a, false, &report, &f->err);
	failed = medium_faulty_calls(faulty) >= at_call;
	medium_faulty_set(faulty, &none);
	assert_true(rc == 0 || (failed && f->err.kind != ERR_NONE));
	every_set_is_whole(f);
	back_up(f, false);
	every_set_is_whole(f);
	return failed;
}

static void a_medium_that_fails_anywhere_is_told_and_the_next_backup_is_right(void **state)
{
	static const enum fault faults[] = {FAULT_IO, FAULT_NOSPACE, FAULT_OFFLINE};
	struct fixture *f = *state;
	struct medium *medium, *faulty;

	note(f, 1, 200);
	assert_int_equal(medium_local_open(medium_location(medium_of(f)), &medium, &f->err), 0);
	faulty = medium_faulty_new(medium);
	archive_use_medium(f->a, 1, faulty);
	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++)
		for (uint64_t at = 1; fail_at(f, faulty, faults[i], at); at++)
			;
}

#define IN_ARCHIVE(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_ARCHIVE(a_full_backup_comes_back_as_the_catalog),
		IN_ARCHIVE(the_header_tells_mails_and_packs),
		IN_ARCHIVE(an_incremental_one_holds_what_changed),
		IN_ARCHIVE(a_catalog_that_became_smaller_comes_back_smaller),
		IN_ARCHIVE(a_reader_at_work_hinders_no_backup),
		IN_ARCHIVE(what_is_frozen_does_not_change),
		IN_ARCHIVE(a_chain_made_while_others_write_is_one_moment_each),
		IN_ARCHIVE(a_chain_without_a_link_is_told_and_not_restored),
		IN_ARCHIVE(a_chain_with_a_damaged_link_is_told_and_not_restored),
		IN_ARCHIVE(a_set_of_the_same_id_but_other_bytes_does_not_fit_the_chain),
		IN_ARCHIVE(a_restore_overwrites_nothing),
		IN_ARCHIVE(without_an_earlier_backup_it_is_a_full_one),
		IN_ARCHIVE(with_a_damaged_state_it_is_a_full_one),
		IN_ARCHIVE(when_a_link_is_gone_it_is_a_full_one),
		IN_ARCHIVE(when_a_link_was_cut_it_is_a_full_one),
		IN_ARCHIVE(when_another_medium_is_active_it_is_a_full_one),
		IN_ARCHIVE(when_the_catalog_was_made_anew_it_is_a_full_one),
		IN_ARCHIVE(two_backups_at_once_are_refused),
		IN_ARCHIVE(old_sets_are_thinned_by_a_full_backup),
		IN_ARCHIVE(while_its_medium_is_away_a_backup_waits_in_staging),
		IN_ARCHIVE(what_is_on_a_medium_that_is_away_is_taken_to_be_there),
		IN_ARCHIVE(a_full_backup_killed_anywhere_leaves_whole_chains),
		IN_ARCHIVE(an_incremental_backup_killed_anywhere_leaves_whole_chains),
		IN_ARCHIVE(a_medium_that_fails_anywhere_is_told_and_the_next_backup_is_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
