/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a run of the mirror carries, drops and reads again; and a mirror that fails, or a process that dies, at every call
 * there. */
#include "app/archive/archive_priv.h"
#include "app/archive/erase.h"
#include "app/archive/media.h"
#include "app/catalog/mirror.h"
#include "base/file.h"
#include "base/log.h"
#include "storage/label.h"
#include "storage/medium_faulty.h"
#include "storage/staged.h"
#include "tests/unit/mirroring.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { CALLS_MAX = 400 };

#define MAIL(n) "Message-ID: <" #n "@example.org>\nSubject: letter " #n "\n\nDear all, " #n "\n"
#define PACK(n) "packs/00/0000000" #n ".pack"
#define SET "catalog/0191e2c4-0000-7000-8000-000000000001-full.set"

static int setup(void **state)
{
	int rc = fixture_setup(state);

	log_set_level(LOG_LEVEL_ERROR);
	return rc;
}

static struct uuid take(struct fixture *f, const char *text)
{
	return fixture_take(f, &(struct arrival){.raw = VIEW(text)}).id;
}

/* Two packs and a backup on medium 1, all of it mirrored to DIR/mirror. */
static void mirrored(struct fixture *f)
{
	CLEAN(medium) own = own_medium(f);

	take(f, MAIL(1));
	take(f, MAIL(2));
	put_file(own, SET, VIEW("all pages"));
	set_place(f, "mirror");
	assert_int_equal(mirror_now(f).files, 3);
}

static void is_equal(struct fixture *f, unsigned files)
{
	CLEAN(medium) own = own_medium(f);
	CLEAN(medium) there = mirror_of(f, "mirror", 1);

	assert_int_equal(same_files(own, there), files);
	assert_int_equal(same_files(there, own), files);
}

static void run_fails(struct fixture *f, enum err_kind kind, const char *words)
{
	const struct mirror_options options = {.any_hour = true};
	struct mirror_report report;

	err_clear(&f->err);
	assert_int_equal(mirror_run(f->a, &options, &report, &f->err), -1);
	assert_string_equal(err_code(f->err.kind), err_code(kind));
	if (strstr(f->err.text, words) == NULL)
		fail_msg("%s", f->err.text);
	err_clear(&f->err);
}

static void erase(struct fixture *f, const struct uuid *id)
{
	struct erase_report report;

	fixture_delete(f, id);
	if (erase_index(f->a, &report, &f->err) < 0 || erase_media(f->a, &report, &f->err) < 0)
		fail_msg("%s", f->err.text);
}

/* ---- what travels ---- */

static void what_is_there_does_not_travel_again(void **state)
{
	struct fixture *f = *state;
	struct mirror_report report;

	mirrored(f);
	is_equal(f, 3);
	report = mirror_now(f);
	assert_int_equal(report.files + report.bytes + report.missing + report.media_away, 0);
	assert_int_equal(report.total_files, 3);
	take(f, MAIL(3));
	assert_int_equal(mirror_now(f).files, 1);
	is_equal(f, 4);
}

static void an_open_pack_grows_and_is_read_back_when_it_is_sealed(void **state)
{
	struct fixture *f = *state;
	CLEAN(taker) taker = taker_new(f->a, true);
	struct mirror_file file;

	set_place(f, "mirror");
	for (int i = 0; i < 3; i++) {
		CLEAN_STR raw = STR_INIT;

		str_addf(&raw, "Message-ID: <%d@x>\nSubject: %d\n\nword\n", i, i);
		fixture_give(f, taker, &(struct arrival){.raw = str_view(&raw)});
		assert_int_equal(mirror_now(f).files, 1);
		assert_int_equal(mirror_now(f).files, 0);
	}
	assert_int_equal(mirror_file_get(archive_catalog(f->a), 1, PACK(1), &file, &f->err), 1);
	assert_false(file.has_hash);
	assert_int_equal(taker_finish(taker, &f->err), 0);
	assert_int_equal(mirror_now(f).files, 1);
	assert_int_equal(mirror_file_get(archive_catalog(f->a), 1, PACK(1), &file, &f->err), 1);
	assert_true(file.has_hash);
	is_equal(f, 1);
}

static void what_was_lost_in_the_mirror_comes_again(void **state)
{
	struct fixture *f = *state;
	CLEAN(medium) there = NULL;
	struct mirror_report report;

	mirrored(f);
	there = mirror_of(f, "mirror", 1);
	assert_int_equal(medium_remove(there, PACK(1), &f->err), 0);
	assert_int_equal(medium_cut(there, PACK(2), 100, &f->err), 0);
	assert_int_equal(medium_remove(there, SET, &f->err), 0);
	report = mirror_now(f);
	assert_int_equal(report.damaged, 3);
	assert_int_equal(report.repaired, 3);
	is_equal(f, 3);
}

static void a_backup_that_shrank_on_its_medium_does_not_replace_the_mirrors(void **state)
{
	struct fixture *f = *state;
	CLEAN(medium) own = own_medium(f);
	CLEAN(medium) there = NULL;
	uint64_t size;

	mirrored(f);
	there = mirror_of(f, "mirror", 1);
	assert_int_equal(medium_cut(own, SET, 4, &f->err), 0);
	assert_int_equal(mirror_now(f).missing, 1);
	assert_int_equal(medium_size(there, SET, &size, &f->err), 0);
	assert_int_equal(size, strlen("all pages"));
}

/* ---- what goes ---- */

static void a_replaced_pack_stays_until_what_replaces_it_has_arrived(void **state)
{
	struct fixture *f = *state;
	CLEAN(medium) own = own_medium(f);
	CLEAN(medium) there = NULL;
	CLEAN(taker) taker = taker_new(f->a, true);
	struct uuid id = fixture_give(f, taker, &(struct arrival)ARRIVAL(MAIL(1))).id;
	struct mirror_report report;

	fixture_give(f, taker, &(struct arrival)ARRIVAL(MAIL(2)));
	assert_int_equal(taker_finish(taker, &f->err), 0);
	set_place(f, "mirror");
	mirror_now(f);
	there = mirror_of(f, "mirror", 1);
	erase(f, &id);
	flip_bit(own, PACK(2), 100);
	report = mirror_now(f);
	assert_int_equal(report.missing, 1);
	assert_int_equal(report.removed, 0);
	assert_true(has_file(there, PACK(1)));
	assert_false(has_file(there, PACK(2)));
	flip_bit(own, PACK(2), 100);
	report = mirror_now(f);
	assert_int_equal(report.removed, 1);
	is_equal(f, 1);
}

static bool stop_now(void *arg)
{
	return *(uint64_t *)arg > 0;
}

static void count_bytes(void *arg, uint64_t bytes)
{
	*(uint64_t *)arg += bytes;
}

static void a_pack_that_came_in_part_and_was_erased_meanwhile_goes(void **state)
{
	struct fixture *f = *state;
	uint64_t bytes = 0;
	const struct mirror_options options = {
		.any_hour = true, .stop = stop_now, .progress = count_bytes, .arg = &bytes};
	struct uuid id = take(f, MAIL(1));
	CLEAN(medium) there = NULL;
	struct mirror_report report;

	set_place(f, "mirror");
	assert_int_equal(mirror_run(f->a, &options, &report, &f->err), -1);
	assert_int_equal(f->err.kind, ERR_STOPPED);
	err_clear(&f->err);
	there = mirror_of(f, "mirror", 1);
	assert_true(has_file(there, PACK(1)));
	erase(f, &id);
	assert_int_equal(mirror_now(f).removed, 1);
	assert_false(has_file(there, PACK(1)));
}

static void what_the_catalog_does_not_know_is_left_alone(void **state)
{
	struct fixture *f = *state;
	CLEAN(medium) there = NULL;

	mirrored(f);
	there = mirror_of(f, "mirror", 1);
	put_file(there, "packs/00/00000077.pack", VIEW("of an older catalog"));
	put_file(there, "readme", VIEW("of a person"));
	put_file(there, "catalog/left.set.part", VIEW("half"));
	assert_int_equal(mirror_now(f).removed, 1);
	assert_true(has_file(there, "packs/00/00000077.pack"));
	assert_true(has_file(there, "readme"));
	assert_false(has_file(there, "catalog/left.set.part"));
}

struct eraser {
	struct fixture *f;
	struct uuid id;
	bool done;
};

static void erase_once(void *arg, uint64_t bytes)
{
	struct eraser *e = arg;

	(void)bytes;
	if (!e->done)
		erase(e->f, &e->id);
	e->done = true;
}

static void what_is_erased_while_a_run_goes_on_is_not_missing(void **state)
{
	struct fixture *f = *state;
	struct eraser e = {.f = f};
	const struct mirror_options options = {.any_hour = true, .progress = erase_once, .arg = &e};
	struct mirror_report report;

	take(f, MAIL(1));
	e.id = take(f, MAIL(2));
	set_place(f, "mirror");
	assert_int_equal(mirror_run(f->a, &options, &report, &f->err), 0);
	assert_int_equal(report.missing, 0);
	assert_int_equal(report.files, 1);
	mirror_now(f);
	is_equal(f, 2);
}

/* ---- media that are not asked ---- */

static void add_second(struct fixture *f)
{
	const struct site site = {.location = fixture_path(f, "second")};
	unsigned number;

	assert_int_equal(mkdir(site.location, 0700), 0);
	assert_int_equal(media_add_site(f->a, &site, true, &number, &f->err), 0);
	assert_int_equal(number, 2);
}

static void of_a_deactivated_medium_only_what_the_mirror_lacks_is_missing(void **state)
{
	struct fixture *f = *state;
	struct mirror_report report;

	mirrored(f);
	take(f, MAIL(3));
	add_second(f);
	take(f, MAIL(4));
	assert_int_equal(media_deactivate(f->a, 1, &f->err), 0);
	fixture_reopen(f);
	report = mirror_now(f);
	assert_int_equal(report.missing, 1);
	assert_int_equal(report.media_away, 0);
	assert_int_equal(report.files, 1);
	assert_int_equal(media_reactivate(f->a, 1, &f->err), 0);
	assert_int_equal(mirror_now(f).missing, 0);
	is_equal(f, 4);
}

static int connect_nobody(void *arg, struct medium **far_r, struct err *err)
{
	(void)arg, (void)far_r;
	return err_set(err, ERR_OFFLINE, "host: nobody is at home");
}

static void what_waits_in_staging_is_mirrored_while_the_share_is_away(void **state)
{
	struct fixture *f = *state;
	const struct site site = {.location = "smb://host/share"};
	CLEAN(medium) there = NULL;
	struct mirror_report report;
	struct medium *m;
	unsigned number;

	set_place(f, "mirror");
	assert_int_equal(media_add(archive_catalog(f->a), &site, true, &number, &f->err), 0);
	m = medium_staged_new(local_medium(fixture_path(f, "archive/staging/2")), "smb",
			      site.location, 0, connect_nobody, NULL);
	archive_use_medium(f->a, number, m);
	take(f, MAIL(1));
	put_file(m, SET, VIEW("all pages"));
	report = mirror_now(f);
	assert_int_equal(report.files, 2);
	assert_int_equal(report.missing, 0);
	assert_int_equal(report.media_away, 1);
	there = mirror_of(f, "mirror", 2);
	assert_int_equal(same_files(staged_near(m), there), 2);
}

/* ---- reading again ---- */

static uint64_t checked(struct fixture *f, unsigned medium)
{
	CLEAN(arena) arena = arena_new();
	struct mirror_file *files;
	uint64_t sum = 0;
	size_t n;

	assert_int_equal(mirror_files_list(archive_catalog(f->a), arena, &files, &n, &f->err), 0);
	for (size_t i = 0; i < n; i++)
		sum += files[i].medium == medium && files[i].checked_s > 1;
	return sum;
}

static void run_after_run_all_media_are_read_again(void **state)
{
	const struct mirror_options options = {.any_hour = true};
	struct fixture *f = *state;
	struct mirror_report report;

	mirrored(f);
	add_second(f);
	take(f, MAIL(3));
	mirror_now(f);
	let_time_pass(f);
	fixture_write(fixture_path(f, "archive/sealpost.conf"), VIEW("mirror_scrub_bytes = 1\n"));
	fixture_reopen(f);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(mirror_run(f->a, &options, &report, &f->err), 0);
		assert_int_equal(report.checked, 1);
	}
	assert_int_equal(checked(f, 1), 3);
	assert_int_equal(checked(f, 2), 1);
}

static void damage_is_found_and_made_good(void **state)
{
	struct fixture *f = *state;
	CLEAN(medium) there = NULL;
	struct mirror_report report;

	mirrored(f);
	there = mirror_of(f, "mirror", 1);
	flip_bit(there, PACK(1), 50);
	flip_bit(there, SET, 3);
	let_time_pass(f);
	report = mirror_now(f);
	assert_int_equal(report.checked, 3);
	assert_int_equal(report.damaged, 2);
	assert_int_equal(report.repaired, 2);
	is_equal(f, 3);
}

/* ---- refusals ---- */

static void a_place_with_another_label_is_refused(void **state)
{
	struct fixture *f = *state;
	const struct label other = {.medium = 7};
	struct uuid stranger = uuid_new();
	CLEAN(keyring) foreign = keyring_new(&stranger);
	CLEAN(medium) there = NULL;

	take(f, MAIL(1));
	set_place(f, "mirror");
	there = mirror_of(f, "mirror", 1);
	assert_int_equal(label_write(there, archive_keys(f->a), &other, &f->err), 0);
	run_fails(f, ERR_FOREIGN, "is number 7 of this archive");
	assert_int_equal(medium_remove(there, "medium.json", &f->err), 0);
	assert_int_equal(label_write(there, foreign, &other, &f->err), 0);
	run_fails(f, ERR_WRONGKEY, "medium.json");
	assert_false(has_file(there, PACK(1)));
}

static void one_process_mirrors_at_a_time(void **state)
{
	struct fixture *f = *state;
	CLEAN_FD fd = -1;

	run_fails(f, ERR_NOTFOUND, "no mirror is set up");
	mirrored(f);
	assert_int_equal(file_lock(fixture_path(f, "archive/lock/mirror"), &fd, &f->err), 1);
	run_fails(f, ERR_BUSY, "another process");
}

static void a_medium_is_not_its_own_mirror(void **state)
{
	struct fixture *f = *state;
	const struct site site = {.location = fixture_path(f, "mirror/medium-1")};
	uint64_t missing;

	mirrored(f);
	assert_int_equal(media_move(f->a, 1, &site, &missing, &f->err), 0);
	run_fails(f, ERR_DENIED, "its own mirror");
}

/* ---- a mirror that fails ---- */

static struct medium_faulty_plan plan;
static struct medium *faulty;

static struct medium *make_faulty(struct medium *folder)
{
	faulty = medium_faulty_new(folder);
	medium_faulty_set(faulty, &plan);
	return faulty;
}

static const struct mirror_options with_faults = {
	.scrub_all = true, .any_hour = true, .wrap = make_faulty};

/* Something of all kinds is to be done: a pack that is new, one that grew, one that was replaced, one that is damaged in
 * the mirror, a backup. */
static void give_work(struct fixture *f)
{
	CLEAN(medium) own = own_medium(f);
	CLEAN(medium) there = NULL;
	CLEAN(taker) taker = taker_new(f->a, true);
	struct uuid id = take(f, MAIL(1));

	take(f, MAIL(2));
	fixture_give(f, taker, &(struct arrival)ARRIVAL(MAIL(3)));
	set_place(f, "mirror");
	mirror_now(f);
	let_time_pass(f);
	fixture_give(f, taker, &(struct arrival)ARRIVAL(MAIL(4)));
	assert_int_equal(taker_finish(taker, &f->err), 0);
	erase(f, &id);
	there = mirror_of(f, "mirror", 1);
	flip_bit(there, PACK(2), 60);
	put_file(own, SET, VIEW("all pages"));
}

/* Each round begins with the mirror as give_work() left it. */
static void keep(struct fixture *f)
{
	fixture_copy(fixture_path(f, "archive/catalog.db"), fixture_path(f, "kept.db"));
	assert_int_equal(rename(fixture_path(f, "mirror"), fixture_path(f, "kept")), 0);
}

static void begin_again(struct fixture *f)
{
	static const char *const names[] = {"medium.json", PACK(1), PACK(2), PACK(3)};
	CLEAN(medium) kept = mirror_of(f, "kept", 1);
	CLEAN(medium) there = NULL;
	uint64_t size;

	archive_free(&f->a);
	unlink(fixture_path(f, "archive/catalog.db-wal"));
	unlink(fixture_path(f, "archive/catalog.db-shm"));
	fixture_copy(fixture_path(f, "kept.db"), fixture_path(f, "archive/catalog.db"));
	fixture_remove(fixture_path(f, "mirror"));
	fixture_reopen(f);
	there = mirror_of(f, "mirror", 1);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (medium_size(kept, names[i], &size, &f->err) < 0 ||
		    copy_file(kept, there, names[i], size, NULL, &f->err) < 0)
			fail_msg("%s", f->err.text);
}

/* Whatever happened: a healthy run makes it good. */
static void is_made_good(struct fixture *f)
{
	struct mirror_report report = mirror_now(f);

	assert_int_equal(report.missing, 0);
	assert_int_equal(report.damaged, report.repaired);
	is_equal(f, 4);
}

/* True if it was killed. */
static bool die_at(struct fixture *f, uint64_t call)
{
	struct mirror_report report;
	struct err err = {0};
	int status;
	pid_t pid;

	archive_free(&f->a);
	plan = (struct medium_faulty_plan){.fault = FAULT_KILL, .at_call = call};
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		fixture_reopen(f);
		_exit(mirror_run(f->a, &with_faults, &report, &err) < 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	fixture_reopen(f);
	if (WIFSIGNALED(status)) {
		assert_int_equal(WTERMSIG(status), SIGKILL);
		return true;
	}
	assert_int_equal(status, 0);
	return false;
}

static void a_run_that_dies_at_any_call_to_the_mirror_is_gone_on_from(void **state)
{
	struct fixture *f = *state;
	uint64_t call = 0;
	bool killed;

	give_work(f);
	archive_free(&f->a);
	keep(f);
	fixture_reopen(f);
	do {
		begin_again(f);
		killed = die_at(f, ++call);
		is_made_good(f);
	} while (killed && call < CALLS_MAX);
	assert_false(killed);
	assert_true(call > 30);
}

/* The medium is well: nothing of it may be called missing. */
static void fail_at(struct fixture *f, enum fault fault, uint64_t call)
{
	struct mirror_report report;
	struct err err = {0};

	plan = (struct medium_faulty_plan){
		.fault = fault, .at_call = call, .for_ever = call % 3 == 0, .seed = call};
	mirror_run(f->a, &with_faults, &report, &err);
	assert_int_equal(report.missing + report.media_away, 0);
}

static void a_mirror_that_fails_at_any_call_is_never_the_mediums_fault(void **state)
{
	static const enum fault faults[] = {FAULT_IO, FAULT_OFFLINE, FAULT_NOSPACE, FAULT_SHORT,
					    FAULT_WRONG_BYTES};
	struct fixture *f = *state;

	give_work(f);
	archive_free(&f->a);
	keep(f);
	fixture_reopen(f);
	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++)
		for (uint64_t call = 1; call <= 60; call++) {
			begin_again(f);
			fail_at(f, faults[i], call);
			is_made_good(f);
		}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(what_is_there_does_not_travel_again),
		TEST(an_open_pack_grows_and_is_read_back_when_it_is_sealed),
		TEST(what_was_lost_in_the_mirror_comes_again),
		TEST(a_backup_that_shrank_on_its_medium_does_not_replace_the_mirrors),
		TEST(a_replaced_pack_stays_until_what_replaces_it_has_arrived),
		TEST(a_pack_that_came_in_part_and_was_erased_meanwhile_goes),
		TEST(what_the_catalog_does_not_know_is_left_alone),
		TEST(what_is_erased_while_a_run_goes_on_is_not_missing),
		TEST(of_a_deactivated_medium_only_what_the_mirror_lacks_is_missing),
		TEST(what_waits_in_staging_is_mirrored_while_the_share_is_away),
		TEST(run_after_run_all_media_are_read_again),
		TEST(damage_is_found_and_made_good),
		TEST(a_place_with_another_label_is_refused),
		TEST(one_process_mirrors_at_a_time),
		TEST(a_medium_is_not_its_own_mirror),
		TEST(a_run_that_dies_at_any_call_to_the_mirror_is_gone_on_from),
		TEST(a_mirror_that_fails_at_any_call_is_never_the_mediums_fault),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
