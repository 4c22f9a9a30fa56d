/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An archive through its life: made, opened, filled by one or two writers, left by a dying one,
 * deleted from, rebuilt; and what it says when something of it is missing or foreign. */
#include "tests/unit/fixture.h"

#include "app/archive/catch_up.h"
#include "app/archive/erase.h"
#include "app/archive/find.h"
#include "app/archive/rebuild.h"
#include "app/archive/verify.h"
#include "app/catalog/notes.h"
#include "base/file.h"
#include "storage/label.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* ---- what the tests share ---- */

static void number_mail(struct str *raw, int i)
{
	str_reset(raw);
	str_addf(raw,
		 "From: anna@example.org\nTo: bert@example.org\nSubject: number %d\n"
		 "Message-ID: <%d@x>\nDate: Mon, 2 Jan 2023 10:00:00 +0000\n\nword%d\n",
		 i, i, i);
}

static struct taken give(struct fixture *f, struct taker *taker, int i)
{
	CLEAN_STR raw = STR_INIT;

	number_mail(&raw, i);
	return fixture_give(f, taker, &(struct arrival){.raw = str_view(&raw)});
}

static struct taken take(struct fixture *f, int i)
{
	CLEAN_STR raw = STR_INIT;

	number_mail(&raw, i);
	return fixture_take(f, &(struct arrival){.raw = str_view(&raw)});
}

static void holds(struct fixture *f, const struct uuid *id, int i)
{
	CLEAN_STR raw = STR_INIT;
	char query[32];

	number_mail(&raw, i);
	fixture_holds(f, id, str_view(&raw));
	snprintf(query, sizeof(query), "word%d", i);
	assert_int_equal(fixture_count(f, query), 1);
}

static void tell(void *arg, const struct finding *finding)
{
	(void)arg;
	fail_msg("pack %llu offset %llu: %s", (unsigned long long)finding->pack,
		 (unsigned long long)finding->offset, finding->text);
}

static void is_sound(struct fixture *f, uint64_t mails)
{
	const struct verify_watch watch = {.finding = tell};
	struct verify_report report;

	if (verify_all(f->a, &watch, &report, &f->err) < 0)
		fail_msg("%s", f->err.text);
	assert_int_equal(report.mails, mails);
	assert_int_equal(fixture_count(f, ""), mails);
}

static uint64_t number_of(struct fixture *f, const struct uuid *id)
{
	CLEAN(arena) arena = arena_new();

	return fixture_row(f, arena, id).mail;
}

static void rebuild(struct fixture *f)
{
	struct rebuild_report report;

	archive_free(&f->a);
	if (archive_rebuild(f->archive, NULL, 0, &report, &f->err) < 0)
		fail_msg("%s", f->err.text);
	fixture_reopen(f);
}

/* ---- made and opened ---- */

static void a_new_archive_is_empty_and_sound(void **state)
{
	struct fixture *f = *state;
	CLEAN_STR name = STR_INIT;

	assert_int_equal(setting_get(archive_catalog(f->a), "name", &name, &f->err), 1);
	assert_string_equal(name.data, "Test");
	assert_string_equal(archive_dir(f->a), f->archive);
	is_sound(f, 0);
}

static void an_archive_is_not_made_over_another_or_among_files(void **state)
{
	struct fixture *f = *state;
	struct taken t = take(f, 1);

	assert_int_equal(archive_init(f->archive, "New", NULL, &f->err), -1);
	assert_int_equal(f->err.kind, ERR_EXISTS);
	fixture_reopen(f);
	holds(f, &t.id, 1);
	assert_int_equal(dir_make(fixture_path(f, "full"), 0700, &f->err), 0);
	fixture_write(fixture_path(f, "full/file"), VIEW(""));
	assert_int_equal(archive_init(fixture_path(f, "full"), "New", NULL, &f->err), -1);
	assert_int_equal(f->err.kind, ERR_EXISTS);
}

static void settings_in_the_file_are_taken(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(archive_settings(f->a)->pack_bytes, PACK_SEAL_BYTES);
	fixture_write(fixture_path(f, "archive/sealpost.conf"), VIEW("pack_bytes = 2M\n"));
	fixture_reopen(f);
	assert_int_equal(archive_settings(f->a)->pack_bytes, 2 * 1024 * 1024);
	archive_free(&f->a);
	fixture_write(fixture_path(f, "archive/sealpost.conf"), VIEW("pack_bites = 2M\n"));
	assert_int_equal(archive_open(f->archive, &f->a, &f->err), -1);
	assert_int_equal(f->err.kind, ERR_SYNTAX);
	assert_non_null(strstr(f->err.text, "sealpost.conf line 1"));
}

static void an_archive_may_be_moved(void **state)
{
	struct fixture *f = *state;
	struct taken t = take(f, 1);

	archive_free(&f->a);
	assert_int_equal(rename(f->archive, fixture_path(f, "moved")), 0);
	snprintf(f->archive, sizeof(f->archive), "%s/moved", f->dir);
	fixture_reopen(f);
	holds(f, &t.id, 1);
	is_sound(f, 1);
}

static void what_was_taken_is_there_after_reopening(void **state)
{
	struct fixture *f = *state;
	CLEAN_STR raw = STR_INIT;
	struct taken t;

	fixture_attachment(&raw, "a@x", 'a');
	t = fixture_take(f, &(struct arrival){.raw = str_view(&raw)});
	assert_int_equal(t.outcome, OUTCOME_ARCHIVED);
	fixture_reopen(f);
	fixture_holds(f, &t.id, str_view(&raw));
	is_sound(f, 1);
}

static void a_full_pack_is_sealed_and_the_next_begun(void **state)
{
	struct fixture *f = *state;
	CLEAN(taker) taker = NULL;
	CLEAN(arena) arena = arena_new();
	struct pack_row *rows;
	size_t n;

	fixture_write(fixture_path(f, "archive/sealpost.conf"), VIEW("pack_bytes = 1M\n"));
	fixture_reopen(f);
	taker = taker_new(f->a, true);
	for (int i = 0; i < 3; i++) {
		CLEAN_STR raw = STR_INIT;

		number_mail(&raw, i);
		str_reserve(&raw, 1100000);
		crypto_random(raw.data + raw.len, 1100000);
		raw.len += 1100000;
		fixture_give(f, taker, &(struct arrival){.raw = str_view(&raw)});
	}
	assert_int_equal(taker_finish(taker, &f->err), 0);
	assert_int_equal(packs_list(archive_catalog(f->a), arena, PACK_SEALED, &rows, &n, &f->err),
			 0);
	assert_int_equal(n, 3);
	is_sound(f, 3);
}

/* ---- deleted and erased ---- */

static void cannot_be_found(struct fixture *f, const struct uuid *id, enum err_kind why)
{
	CLEAN(arena) arena = arena_new();
	struct mail_row row;

	err_clear(&f->err);
	assert_int_equal(mail_find(f->a, arena, id, &row, &f->err), 0);
	assert_int_equal(f->err.kind, why);
}

static void a_deleted_mail_is_hidden_and_then_erased(void **state)
{
	struct fixture *f = *state;
	CLEAN_STR one = STR_INIT;
	CLEAN_STR two = STR_INIT;
	struct erase_report report;
	struct taken a, b, c;

	fixture_attachment(&one, "a@x", 'a');
	fixture_attachment(&two, "b@x", 'a');
	a = fixture_take(f, &(struct arrival){.raw = str_view(&one)});
	b = fixture_take(f, &(struct arrival){.raw = str_view(&two)});
	c = take(f, 1);
	fixture_delete(f, &a.id);
	fixture_delete(f, &c.id);
	cannot_be_found(f, &a.id, ERR_NOTFOUND);
	assert_int_equal(fixture_count(f, ""), 1);
	assert_int_equal(erase_index(f->a, &report, &f->err), 0);
	assert_int_equal(report.mails, 2);
	assert_int_equal(erase_media(f->a, &report, &f->err), 0);
	assert_int_equal(report.mails, 2);
	assert_true(report.packs > 0 && report.refused == 0);
	for (int rebuilt = 0; rebuilt < 2; rebuilt++) {
		cannot_be_found(f, &a.id, ERR_ERASED);
		cannot_be_found(f, &c.id, ERR_ERASED);
		assert_int_equal(fixture_count(f, "word1"), 0);
		fixture_holds(f, &b.id, str_view(&two)); /* with the part that was first a's */
		is_sound(f, 1);
		rebuild(f);
	}
}

/* ---- the index ---- */

static void an_index_that_was_lost_is_filled_again(void **state)
{
	struct fixture *f = *state;
	struct taken t = {0};

	for (int i = 0; i < 5; i++)
		t = take(f, i);
	archive_free(&f->a);
	assert_int_equal(archive_remove_index(f->archive, &f->err), 0);
	fixture_reopen(f);
	assert_int_equal(index_catch_up(f->a, NULL, &f->err), 0);
	holds(f, &t.id, 4);
	is_sound(f, 5);
}

static void an_index_that_lags_catches_up(void **state)
{
	struct fixture *f = *state;
	CLEAN(taker) taker = taker_new(f->a, false);
	uint64_t done;

	assert_int_equal(fixture_count(f, ""),
			 0); /* it is open, and so does not catch up by itself */
	give(f, taker, 1);
	give(f, taker, 2);
	assert_int_equal(fixture_count(f, "word1"), 0);
	assert_int_equal(index_catch_up(f->a, &done, &f->err), 0);
	assert_int_equal(done, 2);
	assert_int_equal(fixture_count(f, "word1"), 1);
	assert_int_equal(index_catch_up(f->a, &done, &f->err), 0);
	assert_int_equal(done, 0);
	assert_int_equal(taker_finish(taker, &f->err), 0);
	is_sound(f, 2);
}

static void mail_is_taken_while_another_writes_the_index(void **state)
{
	struct fixture *f = *state;
	const char *path = fixture_path(f, "archive/index.lock");
	struct erase_report report;
	CLEAN_FD lock = -1;
	struct taken t;

	assert_int_equal(file_lock(path, &lock, &f->err), 1);
	t = take(f, 1);
	assert_int_equal(t.outcome, OUTCOME_ARCHIVED);
	assert_int_equal(fixture_count(f, "word1"), 0);
	assert_int_equal(erase_index(f->a, &report, &f->err), -1);
	assert_int_equal(f->err.kind, ERR_BUSY);
	fd_cleanup(&lock);
	take(f, 2); /* whoever has the lock next makes it good */
	holds(f, &t.id, 1);
	is_sound(f, 2);
}

static const struct arrival again = ARRIVAL(
	"Received: x\nFrom: anna@example.org\nTo: bert@example.org\nSubject: number 1\n"
	"Message-ID: <1@x>\nDate: Mon, 2 Jan 2023 10:00:00 +0000\n\nword1\n",
	.way = WAY_LMTP, .source = "gate", .recipient = "late@example.org");

/* Does the envelope's recipient see mail 1? */
static bool late_sees_it(struct fixture *f)
{
	struct scope scope = {.n_addresses = 1};
	uint64_t id, n;

	if (address_id(archive_catalog(f->a), VIEW("late@example.org"), false, &id, &f->err) <= 0)
		return false;
	scope.addresses = &id;
	assert_int_equal(find_count(f->a, VIEW("word1"), &scope, &n, &f->err), 0);
	return n == 1;
}

/* Before each statement of the catalog; at the first BEGIN, another writer comes between. */
static int come_between(unsigned what, void *arg, void *stmt, void *sql)
{
	struct fixture *f = arg;
	struct fixture other = *f;
	CLEAN(taker) taker = NULL;

	(void)what, (void)stmt;
	if (strncmp(sql, "BEGIN", 5) != 0)
		return 0;
	sqlite3_trace_v2(db_sqlite(catalog_db(archive_catalog(f->a))), 0, NULL, NULL);
	assert_int_equal(archive_open(f->archive, &other.a, &other.err), 0);
	taker = taker_new(other.a, true);
	assert_int_equal(fixture_give(&other, taker, &again).outcome, OUTCOME_DUPLICATE);
	assert_int_equal(taker_finish(taker, &other.err), 0);
	taker_free(&taker);
	archive_free(&other.a);
	return 0;
}

static void a_sighting_taken_while_the_index_catches_up_is_not_lost(void **state)
{
	struct fixture *f = *state;
	struct taken t = take(f, 1);

	assert_int_equal(todo_add(archive_catalog(f->a), number_of(f, &t.id), &f->err), 0);
	sqlite3_trace_v2(db_sqlite(catalog_db(archive_catalog(f->a))), SQLITE_TRACE_STMT,
			 come_between, f);
	assert_int_equal(index_catch_up(f->a, NULL, &f->err), 0);
	assert_true(late_sees_it(f));
}

/* ---- writers that die ---- */

static void a_writer_that_died_between_batches_loses_nothing(void **state)
{
	struct fixture *f = *state;
	CLEAN(taker) taker = taker_new(f->a, true);
	struct taken t[3];

	for (int i = 0; i < 3; i++)
		t[i] = give(f, taker, i);
	taker_free(&taker);
	fixture_reopen(f);
	for (int i = 0; i < 3; i++)
		holds(f, &t[i].id, i);
	is_sound(f, 3);
	assert_int_equal(take(f, 1).outcome, OUTCOME_DUPLICATE);
}

static void a_torn_tail_is_cut(void **state)
{
	struct fixture *f = *state;
	CLEAN(taker) taker = taker_new(f->a, true);
	struct taken t = give(f, taker, 1);
	struct medium *medium;
	struct medium_file *file;
	char name[64];

	assert_int_equal(archive_medium(f->a, 1, &medium, &f->err), 0);
	taker_free(&taker);
	assert_int_equal(medium_reopen(medium, pack_name(1, name), &file, &f->err), 0);
	assert_int_equal(medium_append(file, "\xd3SR\x1a torn", 9, &f->err), 0);
	medium_file_free(&file);
	fixture_reopen(f);
	holds(f, &t.id, 1);
	is_sound(f, 1);
}

static void put_back(struct fixture *f, const char *name)
{
	char from[64], to[64];

	snprintf(from, sizeof(from), "archive/%s", name);
	snprintf(to, sizeof(to), "%s.before", name);
	fixture_copy(fixture_path(f, to), fixture_path(f, from));
}

/* (T2) The records were durable, and the power failed before the catalog's commit was. */
static void records_behind_the_catalogs_back_are_taken_in(void **state)
{
	struct fixture *f = *state;
	CLEAN(taker) taker = taker_new(f->a, false);
	CLEAN_STR raw = STR_INIT;
	struct taken t[3];

	t[0] = give(f, taker, 1);
	fixture_copy(fixture_path(f, "archive/catalog.db"), fixture_path(f, "catalog.db.before"));
	fixture_copy(fixture_path(f, "archive/catalog.db-wal"),
		     fixture_path(f, "catalog.db-wal.before"));
	fixture_attachment(&raw, "a@x", 'a');
	t[1] = fixture_give(f, taker, &(struct arrival){.raw = str_view(&raw)});
	t[2] = fixture_give(f, taker, &again);
	assert_int_equal(t[2].outcome, OUTCOME_DUPLICATE);
	taker_free(&taker);
	archive_free(&f->a);
	unlink(fixture_path(f, "archive/catalog.db-shm"));
	put_back(f, "catalog.db");
	put_back(f, "catalog.db-wal");
	fixture_reopen(f);
	holds(f, &t[0].id, 1);
	fixture_holds(f, &t[1].id, str_view(&raw));
	is_sound(f, 2);
	assert_true(late_sees_it(f));
}

static void opening_leaves_a_living_writers_pack_alone(void **state)
{
	struct fixture *f = *state;
	CLEAN(taker) taker = taker_new(f->a, true);
	CLEAN(archive) other = NULL;
	struct pack_row row;
	struct taken t;

	give(f, taker, 1);
	assert_int_equal(archive_open(f->archive, &other, &f->err), 0);
	assert_int_equal(packs_get(archive_catalog(other), 1, &row, &f->err), 1);
	assert_int_equal(row.state, PACK_OPEN);
	t = give(f, taker, 2);
	assert_int_equal(taker_finish(taker, &f->err), 0);
	holds(f, &t.id, 2);
	is_sound(f, 2);
}

/* ---- two writers ---- */

static void two_takers_at_once_archive_each_mail_once(void **state)
{
	struct fixture *f = *state;
	struct fixture other = *f;
	CLEAN(taker) one = taker_new(f->a, true);
	CLEAN(taker) two = NULL;
	int archived = 0;

	assert_int_equal(archive_open(f->archive, &other.a, &f->err), 0);
	two = taker_new(other.a, true);
	for (int i = 0; i < 12; i++) { /* each meets every second mail of the other */
		archived += give(f, one, i).outcome == OUTCOME_ARCHIVED;
		archived += give(&other, two, i % 2 ? i : i + 100).outcome == OUTCOME_ARCHIVED;
	}
	assert_int_equal(archived, 18);
	assert_int_equal(taker_finish(two, &f->err), 0);
	assert_int_equal(taker_finish(one, &f->err), 0);
	is_sound(f, 18);
	taker_free(&two);
	archive_free(&other.a);
	for (int i = 0; i < 12; i++) {
		char query[32];

		snprintf(query, sizeof(query), "word%d", i);
		assert_int_equal(fixture_count(f, query), 1);
	}
}

/* In a process of its own, which opens the archive itself. */
static pid_t start_writer(struct fixture *f, int from, int to)
{
	pid_t child = fork();

	if (child != 0)
		return child;
	if (archive_open(f->archive, &f->a, &f->err) == 0) {
		CLEAN(taker) taker = taker_new(f->a, true);

		for (int i = from; i < to; i++)
			give(f, taker, i);
		if (taker_finish(taker, &f->err) == 0)
			_exit(0);
	}
	fprintf(stderr, "%s\n", f->err.text);
	_exit(1);
}

static void two_processes_at_once_archive_each_mail_once(void **state)
{
	struct fixture *f = *state;
	pid_t children[2];
	int status;

	archive_free(&f->a);
	children[0] = start_writer(f, 0, 20);
	children[1] = start_writer(f, 10, 30);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
	}
	fixture_reopen(f);
	assert_int_equal(index_catch_up(f->a, NULL, &f->err), 0);
	is_sound(f, 30);
}

/* ---- rebuilt ---- */

static void a_rebuilt_catalog_says_the_same(void **state)
{
	struct fixture *f = *state;
	struct taken t[4];

	for (int i = 0; i < 4; i++)
		t[i] = take(f, i);
	archive_free(&f->a);
	unlink(fixture_path(f, "archive/catalog.db"));
	unlink(fixture_path(f, "archive/index.db"));
	rebuild(f);
	for (int i = 0; i < 4; i++)
		holds(f, &t[i].id, i);
	is_sound(f, 4);
	assert_int_equal(take(f, 2).outcome, OUTCOME_DUPLICATE);
}

static void rebuilding_carries_notes_over(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	struct taken t = take(f, 1);
	struct note note = {0, number_of(f, &t.id), VIEW("red"), VIEW("see file")};

	assert_int_equal(notes_set(archive_catalog(f->a), &note, &f->err), 0);
	rebuild(f);
	assert_int_equal(
		notes_get(archive_catalog(f->a), arena, 0, number_of(f, &t.id), &note, &f->err), 1);
	assert_true(view_eq(note.tags, VIEW("red")) && view_eq(note.text, VIEW("see file")));
	assert_int_equal(fixture_count(f, "tag:red"), 1);
}

static void a_mail_that_came_in_again_after_its_deletion_survives_a_rebuild(void **state)
{
	struct fixture *f = *state;
	struct erase_report report;
	struct taken first = take(f, 1);
	struct taken again;

	fixture_delete(f, &first.id);
	again = take(f, 1);
	assert_int_equal(again.outcome, OUTCOME_ARCHIVED);
	assert_false(uuid_eq(&first.id, &again.id));
	rebuild(f);
	cannot_be_found(f, &first.id, ERR_NOTFOUND);
	holds(f, &again.id, 1);
	assert_int_equal(erase_index(f->a, &report, &f->err), 0);
	assert_int_equal(erase_media(f->a, &report, &f->err), 0);
	cannot_be_found(f, &first.id, ERR_ERASED);
	holds(f, &again.id, 1);
	assert_int_equal(fixture_count(f, "word1"), 1);
	is_sound(f, 1);
}

static void a_deleted_mail_stays_deleted_when_rebuilt(void **state)
{
	struct fixture *f = *state;
	struct erase_report report;
	struct taken a = take(f, 1);
	struct taken b = take(f, 2);

	fixture_delete(f, &a.id);
	rebuild(f);
	cannot_be_found(f, &a.id, ERR_NOTFOUND);
	assert_int_equal(fixture_count(f, "word1"), 0);
	assert_int_equal(erase_index(f->a, &report, &f->err), 0);
	assert_int_equal(erase_media(f->a, &report, &f->err), 0);
	cannot_be_found(f, &a.id, ERR_ERASED);
	holds(f, &b.id, 2);
}

/* ---- what is missing or foreign ---- */

/* It does not open, for this reason, and says these words. */
static void refused(struct fixture *f, enum err_kind kind, const char *words)
{
	archive_free(&f->a);
	err_clear(&f->err);
	assert_int_equal(archive_open(f->archive, &f->a, &f->err), -1);
	if (f->err.kind != kind || strstr(f->err.text, words) == NULL)
		fail_msg("%s: %s", err_code(f->err.kind), f->err.text);
}

static void put_key(struct fixture *f, const struct keyring *keys)
{
	const char *path = fixture_path(f, "archive/archive.key");

	unlink(path);
	assert_int_equal(keyring_save(keys, path, &f->err), 0);
}

static void a_missing_key_is_told(void **state)
{
	struct fixture *f = *state;

	unlink(fixture_path(f, "archive/archive.key"));
	refused(f, ERR_NOTFOUND, "sealpost key import");
}

static void a_key_that_others_may_read_is_refused(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(chmod(fixture_path(f, "archive/archive.key"), 0440), 0);
	refused(f, ERR_DENIED, "archive.key");
}

static void a_missing_catalog_is_told(void **state)
{
	struct fixture *f = *state;

	archive_free(&f->a);
	unlink(fixture_path(f, "archive/catalog.db"));
	refused(f, ERR_NOTFOUND, "sealpost rebuild");
	assert_int_equal(access(fixture_path(f, "archive/catalog.db"), F_OK), -1);
}

static void a_wrong_key_is_told(void **state)
{
	struct fixture *f = *state;
	CLEAN(keyring) other = keyring_new(keyring_archive(archive_keys(f->a)));

	archive_free(&f->a);
	put_key(f, other);
	refused(f, ERR_WRONGKEY, "catalog");
}

static void the_catalog_of_another_archive_is_told(void **state)
{
	struct fixture *f = *state;
	struct uuid uuid = uuid_new();
	CLEAN(keyring) other = keyring_of(&uuid, keyring_key(archive_keys(f->a)));

	archive_free(&f->a);
	put_key(f, other);
	refused(f, ERR_FOREIGN, "another archive");
}

static void a_schema_of_the_future_is_told(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(
		db_exec(catalog_db(archive_catalog(f->a)), "PRAGMA user_version=99", &f->err), 0);
	refused(f, ERR_VERSION, "schema has number 99");
}

/* The path of NAME on medium 1. */
static const char *on_medium(struct fixture *f, const char *name)
{
	struct medium *medium;
	char path[256];

	assert_int_equal(archive_medium(f->a, 1, &medium, &f->err), 0);
	snprintf(path, sizeof(path), "%s/%s", medium_location(medium) + strlen(f->dir) + 1, name);
	return fixture_path(f, path);
}

static void nothing_is_taken(struct fixture *f, enum err_kind kind, const char *words)
{
	CLEAN(taker) taker = NULL;
	CLEAN(prepared) m = NULL;
	struct taken taken;

	fixture_reopen(f);
	taker = taker_new(f->a, true);
	m = fixture_prepare(f->a, &(struct arrival)ARRIVAL("Subject: x\n\n"));
	assert_int_equal(taker_batch(taker, &m, 1, &taken, &f->err), -1);
	if (f->err.kind != kind || strstr(f->err.text, words) == NULL)
		fail_msg("%s: %s", err_code(f->err.kind), f->err.text);
}

static void write_label(struct fixture *f, const struct keyring *keys, unsigned number)
{
	CLEAN(medium) m = NULL;
	struct label label = {number, 0};
	struct medium *medium;

	assert_int_equal(archive_medium(f->a, 1, &medium, &f->err), 0);
	unlink(on_medium(f, "medium.json"));
	assert_int_equal(medium_local_open(medium_location(medium), &m, &f->err), 0);
	assert_int_equal(label_write(m, keys, &label, &f->err), 0);
}

static void the_medium_of_another_archive_is_told(void **state)
{
	struct fixture *f = *state;
	CLEAN(keyring) other = keyring_new(keyring_archive(archive_keys(f->a)));

	write_label(f, other, 1);
	nothing_is_taken(f, ERR_OFFLINE, "medium 1");
}

static void a_medium_with_another_number_is_told(void **state)
{
	struct fixture *f = *state;

	write_label(f, archive_keys(f->a), 2);
	nothing_is_taken(f, ERR_OFFLINE, "is number 2");
}

static void a_medium_that_is_not_there_is_told(void **state)
{
	struct fixture *f = *state;

	fixture_remove(fixture_path(f, "archive/media"));
	nothing_is_taken(f, ERR_OFFLINE, "medium 1");
}

static void a_pack_format_of_the_future_is_told(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	CLEAN(reader) reader = NULL;
	CLEAN_STR raw = STR_INIT;
	struct taken t = take(f, 1);
	struct mail_row row;
	CLEAN_FD fd = -1;
	char name[64];

	fd = open(on_medium(f, pack_name(1, name)), O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "\x02", 1, 8), 1); /* behind the magic */
	fixture_reopen(f);
	row = fixture_row(f, arena, &t.id);
	reader = reader_new(f->a);
	assert_int_equal(reader_mail(reader, &row, &raw, &f->err), -1);
	assert_int_equal(f->err.kind, ERR_VERSION);
	assert_non_null(strstr(f->err.text, "format 2"));
	assert_int_equal(raw.len, 0);
}

#define IN_ARCHIVE(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_ARCHIVE(a_new_archive_is_empty_and_sound),
		IN_ARCHIVE(an_archive_is_not_made_over_another_or_among_files),
		IN_ARCHIVE(settings_in_the_file_are_taken),
		IN_ARCHIVE(an_archive_may_be_moved),
		IN_ARCHIVE(what_was_taken_is_there_after_reopening),
		IN_ARCHIVE(a_full_pack_is_sealed_and_the_next_begun),
		IN_ARCHIVE(a_deleted_mail_is_hidden_and_then_erased),
		IN_ARCHIVE(an_index_that_was_lost_is_filled_again),
		IN_ARCHIVE(an_index_that_lags_catches_up),
		IN_ARCHIVE(mail_is_taken_while_another_writes_the_index),
		IN_ARCHIVE(a_sighting_taken_while_the_index_catches_up_is_not_lost),
		IN_ARCHIVE(a_writer_that_died_between_batches_loses_nothing),
		IN_ARCHIVE(a_torn_tail_is_cut),
		IN_ARCHIVE(records_behind_the_catalogs_back_are_taken_in),
		IN_ARCHIVE(opening_leaves_a_living_writers_pack_alone),
		IN_ARCHIVE(two_takers_at_once_archive_each_mail_once),
		IN_ARCHIVE(two_processes_at_once_archive_each_mail_once),
		IN_ARCHIVE(a_rebuilt_catalog_says_the_same),
		IN_ARCHIVE(rebuilding_carries_notes_over),
		IN_ARCHIVE(a_deleted_mail_stays_deleted_when_rebuilt),
		IN_ARCHIVE(a_mail_that_came_in_again_after_its_deletion_survives_a_rebuild),
		IN_ARCHIVE(a_missing_key_is_told),
		IN_ARCHIVE(a_key_that_others_may_read_is_refused),
		IN_ARCHIVE(a_missing_catalog_is_told),
		IN_ARCHIVE(a_wrong_key_is_told),
		IN_ARCHIVE(the_catalog_of_another_archive_is_told),
		IN_ARCHIVE(a_schema_of_the_future_is_told),
		IN_ARCHIVE(the_medium_of_another_archive_is_told),
		IN_ARCHIVE(a_medium_with_another_number_is_told),
		IN_ARCHIVE(a_medium_that_is_not_there_is_told),
		IN_ARCHIVE(a_pack_format_of_the_future_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
