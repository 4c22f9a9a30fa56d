/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The mirror while the medium fails at every call, or the process dies there; and what must never be taken from a mirror:
 * the last good copy of a mail. */
#include "app/archive/archive_priv.h"
#include "app/archive/media.h"
#include "app/catalog/mirror.h"
#include "base/log.h"
#include "storage/medium_faulty.h"
#include "tests/unit/mirroring.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { MEDIUM = 1, MAILS = 3, CALLS_MAX = 400, FILES = 5 };

#define MAIL(n) "Message-ID: <" #n "@example.org>\nSubject: letter " #n "\n\nDear all, " #n "\n"
#define PACK "packs/00/00000001.pack"

/* ---- comparing ---- */

struct comparison {
	struct medium *a, *b;
	bool whole;
	unsigned files;
};

static void read_start(struct medium *m, const char *name, uint64_t size, struct str *out)
{
	struct err err = {0};
	size_t got;

	str_reserve(out, size);
	if (medium_read(m, name, 0, out->data, size, &got, &err) < 0)
		fail_msg("%s", err.text);
	out->len = got;
}

static bool is_left_out(const char *name)
{
	size_t len = strlen(name);

	return strcmp(name, "medium.json") == 0 || strcmp(name + len - 5, ".part") == 0;
}

static int compare_one(void *arg, const char *name, uint64_t size, struct err *err)
{
	struct comparison *c = arg;
	CLEAN_STR one = STR_INIT;
	CLEAN_STR other = STR_INIT;
	uint64_t other_size;

	if (is_left_out(name))
		return 0;
	c->files++;
	if (medium_size(c->b, name, &other_size, err) < 0)
		fail_msg("%s", err->text);
	if (c->whole && size != other_size)
		fail_msg("%s: has another length", name);
	read_start(c->a, name, size, &one);
	read_start(c->b, name, size, &other);
	if (!view_eq(str_view(&one), str_view(&other)))
		fail_msg("%s: has other bytes", name);
	return 0;
}

/* Each file of A is in B: with the same bytes, as far as A has them, or WHOLE. How many. */
static unsigned compare(struct medium *a, struct medium *b, bool whole)
{
	struct comparison c = {a, b, whole, 0};
	struct err err = {0};

	if (medium_list(a, "", compare_one, &c, &err) < 0)
		fail_msg("%s", err.text);
	return c.files;
}

/* What the catalog says to be there is, and so is the start of pack 1 if there was one. */
static void nothing_good_was_lost(struct fixture *f, bool began_at_early)
{
	CLEAN(arena) arena = arena_new();
	CLEAN(medium) early = mirror_of(f, "early", MEDIUM);
	CLEAN(medium) there = mirror_of(f, "now", MEDIUM);
	CLEAN(medium) own = own_medium(f);
	struct comparison c = {.a = there, .b = own, .whole = true};
	struct mirror_file *files;
	size_t n;

	assert_int_equal(mirror_files_list(archive_catalog(f->a), arena, &files, &n, &f->err), 0);
	for (size_t i = 0; i < n; i++)
		if (files[i].has_hash)
			compare_one(&c, files[i].name, files[i].size, &f->err);
	if (began_at_early)
		assert_int_equal(compare(early, there, false), 1);
}

static void the_mirror_has_all(struct fixture *f, const char *place)
{
	CLEAN(medium) there = mirror_of(f, place, MEDIUM);
	CLEAN(medium) own = own_medium(f);

	assert_int_equal(compare(own, there, true), FILES);
	assert_int_equal(compare(there, own, true), FILES);
}

/* ---- an archive with something of each kind ---- */

/* So large that no two flipped bits are likely to be the same: its hash is known from its medium alone. */
static void write_others(struct fixture *f)
{
	CLEAN(medium) own = own_medium(f);
	CLEAN_STR text = STR_INIT;

	for (unsigned i = 0; i < 10000; i++)
		str_addf(&text, "%u", i);
	put_file(own, "catalog/full-1.set", str_view(&text));
	put_file(own, "evidence/one", str_view(&text));
}

/* Pack 1 was mirrored to "early" while it was being written; packs 2 and 3 came after it. */
static struct uuid fill(struct fixture *f)
{
	CLEAN(taker) taker = taker_new(f->a, true);
	CLEAN_STR large = STR_INIT;
	struct taken first;

	log_set_level(LOG_LEVEL_ERROR);
	first = fixture_give(f, taker, &(struct arrival)ARRIVAL(MAIL(1)));
	set_place(f, "early");
	assert_int_equal(mirror_now(f).files, 1);
	fixture_give(f, taker, &(struct arrival)ARRIVAL(MAIL(2)));
	assert_int_equal(taker_finish(taker, &f->err), 0);
	fixture_take(f, &(struct arrival)ARRIVAL(MAIL(3)));
	fixture_attachment(&large, "4@example.org", 'x');
	fixture_take(f, &(struct arrival){.raw = str_view(&large)});
	write_others(f);
	return first.id;
}

/* The mirror's place is DIR/now, with a copy of what "early" has. */
static void begin_at_early(struct fixture *f)
{
	CLEAN(medium) early = mirror_of(f, "early", MEDIUM);
	CLEAN(medium) now = NULL;

	fixture_remove(fixture_path(f, "now"));
	set_place(f, "now");
	now = mirror_of(f, "now", MEDIUM);
	for (size_t i = 0; i < 2; i++) {
		const char *name = i == 0 ? "medium.json" : PACK;
		uint64_t size;

		if (medium_size(early, name, &size, &f->err) < 0 ||
		    copy_file(early, now, name, size, NULL, &f->err) < 0)
			fail_msg("%s", f->err.text);
	}
}

static void begin_with_nothing(struct fixture *f)
{
	fixture_remove(fixture_path(f, "now"));
	set_place(f, "now");
}

static struct medium *use_faulty(struct fixture *f, const struct medium_faulty_plan *plan)
{
	struct medium *faulty = medium_faulty_new(own_medium(f));

	medium_faulty_set(faulty, plan);
	archive_use_medium(f->a, MEDIUM, faulty);
	return faulty;
}

static void use_healthy(struct fixture *f)
{
	archive_use_medium(f->a, MEDIUM, own_medium(f));
}

/* ---- it fails, or dies, at every call ---- */

/* True if it was killed. */
static bool die_at(struct fixture *f, uint64_t call)
{
	const struct medium_faulty_plan plan = {.fault = FAULT_KILL, .at_call = call};
	int status;
	pid_t pid;

	archive_free(&f->a);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		fixture_reopen(f);
		use_faulty(f, &plan);
		mirror_now(f);
		_exit(0);
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

static uint64_t die_everywhere(struct fixture *f, void (*begin)(struct fixture *f))
{
	uint64_t call = 0;
	bool killed;

	do {
		begin(f);
		killed = die_at(f, ++call);
		nothing_good_was_lost(f, begin == begin_at_early);
		mirror_now(f);
		the_mirror_has_all(f, "now");
	} while (killed && call < CALLS_MAX);
	assert_false(killed);
	return call;
}

static void a_run_that_is_killed_anywhere_is_gone_on_from(void **state)
{
	struct fixture *f = *state;

	fill(f);
	assert_true(die_everywhere(f, begin_with_nothing) > 10);
	assert_true(die_everywhere(f, begin_at_early) > 10);
}

/* False if there was no such call. */
static bool fail_at(struct fixture *f, const struct medium_faulty_plan *plan)
{
	const struct mirror_options options = {.scrub_all = true, .any_hour = true};
	struct medium *faulty = use_faulty(f, plan);
	struct mirror_report report;
	struct err err = {0};
	bool hit;

	mirror_run(f->a, &options, &report, &err);
	hit = medium_faulty_calls(faulty) >= plan->at_call;
	use_healthy(f);
	return hit;
}

static void fail_everywhere(struct fixture *f, enum fault fault, void (*begin)(struct fixture *f))
{
	struct medium_faulty_plan plan = {.fault = fault};
	bool hit = true;

	while (hit && plan.at_call < CALLS_MAX) {
		plan.at_call++;
		plan.for_ever = plan.at_call % 2 == 0;
		plan.seed = plan.at_call;
		begin(f);
		hit = fail_at(f, &plan);
		nothing_good_was_lost(f, begin == begin_at_early);
		mirror_now(f);
		the_mirror_has_all(f, "now");
	}
	assert_false(hit);
}

static void a_medium_that_fails_anywhere_puts_nothing_bad_into_the_mirror(void **state)
{
	static const enum fault faults[] = {FAULT_IO, FAULT_OFFLINE, FAULT_SHORT,
					    FAULT_WRONG_BYTES};
	struct fixture *f = *state;

	fill(f);
	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
		fail_everywhere(f, faults[i], begin_with_nothing);
		fail_everywhere(f, faults[i], begin_at_early);
	}
}

/* ---- the last copy ---- */

static void what_is_damaged_in_the_mirror_stays_if_its_medium_has_it_no_more(void **state)
{
	struct fixture *f = *state;
	struct mirror_report report;
	CLEAN(medium) there = NULL;
	CLEAN(medium) own = own_medium(f);

	fill(f);
	begin_with_nothing(f);
	mirror_now(f);
	there = mirror_of(f, "now", MEDIUM);
	flip_bit(there, PACK, 300);
	assert_int_equal(medium_replace(own, PACK, "packs/00/kept.part", &f->err), 0);
	let_time_pass(f);
	report = mirror_now(f);
	assert_int_equal(report.damaged, 1);
	assert_int_equal(report.repaired, 0);
	assert_true(report.missing > 0);
	assert_true(has_file(there, PACK));
	/* it is there again, but damaged, too */
	assert_int_equal(medium_replace(own, "packs/00/kept.part", PACK, &f->err), 0);
	flip_bit(own, PACK, 200);
	assert_true(mirror_now(f).missing > 0);
	assert_true(has_file(there, PACK));
	flip_bit(own, PACK, 200);
	mirror_now(f);
	the_mirror_has_all(f, "now");
}

static void what_is_damaged_in_the_mirror_waits_for_a_medium_that_is_away(void **state)
{
	struct fixture *f = *state;
	CLEAN(medium) there = NULL;
	CLEAN_STR root = STR_INIT;
	CLEAN_STR aside = STR_INIT;

	fill(f);
	begin_with_nothing(f);
	mirror_now(f);
	there = mirror_of(f, "now", MEDIUM);
	flip_bit(there, PACK, 300);
	let_time_pass(f);
	archive_medium_root(f->a, "media/1", &root);
	str_addf(&aside, "%s-aside", root.data);
	assert_int_equal(rename(root.data, aside.data), 0);
	archive_use_medium(f->a, MEDIUM, NULL);
	assert_int_equal(mirror_now(f).damaged, 1);
	assert_true(has_file(there, PACK));
	assert_int_equal(rename(aside.data, root.data), 0);
	mirror_now(f);
	the_mirror_has_all(f, "now");
}

/* Pack 1 was mirrored whole up to its first mail; then its medium lost that mail, and the next. */
static void a_start_of_a_pack_outlives_damage_on_the_medium(void **state)
{
	struct fixture *f = *state;
	CLEAN(medium) own = own_medium(f);
	CLEAN(medium) early = NULL;
	CLEAN(medium) now = NULL;
	CLEAN_STR before = STR_INIT;
	CLEAN_STR after = STR_INIT;
	uint64_t size;

	fill(f);
	begin_at_early(f);
	early = mirror_of(f, "early", MEDIUM);
	now = mirror_of(f, "now", MEDIUM);
	assert_int_equal(medium_size(early, PACK, &size, &f->err), 0);
	flip_bit(own, PACK, size - 20);
	flip_bit(own, PACK, size + 20);
	assert_int_equal(mirror_now(f).missing, 1);
	read_start(early, PACK, size, &before);
	read_start(now, PACK, size, &after);
	assert_true(view_eq(str_view(&before), str_view(&after)));
}

static void a_medium_that_has_no_backups_any_more_takes_none_from_the_mirror(void **state)
{
	struct fixture *f = *state;
	CLEAN(medium) there = NULL;
	struct mirror_report report;

	fill(f);
	begin_with_nothing(f);
	mirror_now(f);
	there = mirror_of(f, "now", MEDIUM);
	archive_use_medium(f->a, MEDIUM, local_medium(fixture_path(f, "empty")));
	report = mirror_now(f);
	assert_int_equal(report.removed, 0);
	assert_true(has_file(there, "catalog/full-1.set"));
	assert_true(has_file(there, "evidence/one"));
}

static void a_backup_that_was_thinned_leaves_the_mirror(void **state)
{
	struct fixture *f = *state;
	CLEAN(medium) there = NULL;
	CLEAN(medium) own = own_medium(f);

	fill(f);
	begin_with_nothing(f);
	put_file(own, "catalog/full-2.set", VIEW("other pages"));
	mirror_now(f);
	there = mirror_of(f, "now", MEDIUM);
	assert_true(has_file(there, "catalog/full-1.set"));
	assert_int_equal(medium_remove(own, "catalog/full-1.set", &f->err), 0);
	assert_int_equal(mirror_now(f).removed, 1);
	assert_false(has_file(there, "catalog/full-1.set"));
	assert_true(has_file(there, "catalog/full-2.set"));
}

/* ---- where it is ---- */

static void a_place_that_was_emptied_is_not_taken_for_a_full_mirror(void **state)
{
	const struct mirror_options options = {.any_hour = true};
	struct fixture *f = *state;
	struct mirror_report report;

	fill(f);
	begin_with_nothing(f);
	mirror_now(f);
	assert_int_equal(rename(fixture_path(f, "now"), fixture_path(f, "elsewhere")), 0);
	assert_int_equal(mkdir(fixture_path(f, "now"), 0700), 0); /* its disk is not mounted */
	assert_int_equal(mirror_run(f->a, &options, &report, &f->err), -1);
	assert_int_equal(f->err.kind, ERR_OFFLINE);
	assert_non_null(strstr(f->err.text, "is empty, or another place than it was"));
	err_clear(&f->err);
	set_place(f, "now"); /* said by a person */
	mirror_now(f);
	the_mirror_has_all(f, "now");
}

static void what_is_redirected_leaves_its_old_place_in_the_mirror(void **state)
{
	struct fixture *f = *state;
	const struct site site = {.location = fixture_path(f, "second")};
	CLEAN(medium) own = own_medium(f);
	CLEAN(medium) first_there = NULL;
	CLEAN(medium) second_there = NULL;
	struct medium *m;
	unsigned number;

	fill(f);
	begin_with_nothing(f);
	mirror_now(f);
	assert_int_equal(mkdir(site.location, 0700), 0);
	assert_int_equal(media_add_site(f->a, &site, true, &number, &f->err), 0);
	assert_int_equal(archive_medium(f->a, number, &m, &f->err), 0);
	for (unsigned i = 1; i <= MAILS; i++) {
		char name[64];
		uint64_t size;

		assert_int_equal(medium_size(own, pack_name(i, name), &size, &f->err), 0);
		assert_int_equal(copy_file(own, m, name, size, NULL, &f->err), 0);
	}
	assert_int_equal(media_redirect(f->a, MEDIUM, number, NULL, NULL, &f->err), 0);
	mirror_now(f);
	first_there = mirror_of(f, "now", MEDIUM);
	second_there = mirror_of(f, "now", number);
	assert_false(has_file(first_there, PACK));
	assert_true(has_file(second_there, PACK));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_run_that_is_killed_anywhere_is_gone_on_from),
		TEST(a_medium_that_fails_anywhere_puts_nothing_bad_into_the_mirror),
		TEST(what_is_damaged_in_the_mirror_stays_if_its_medium_has_it_no_more),
		TEST(what_is_damaged_in_the_mirror_waits_for_a_medium_that_is_away),
		TEST(a_start_of_a_pack_outlives_damage_on_the_medium),
		TEST(a_medium_that_has_no_backups_any_more_takes_none_from_the_mirror),
		TEST(a_backup_that_was_thinned_leaves_the_mirror),
		TEST(a_place_that_was_emptied_is_not_taken_for_a_full_mirror),
		TEST(what_is_redirected_leaves_its_old_place_in_the_mirror),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
