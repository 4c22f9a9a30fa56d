/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Mending a pack on its medium from the mirror: only what is damaged, only with what is proven. */
#include "app/archive/archive_priv.h"
#include "app/archive/ship.h"
#include "app/archive/verify.h"
#include "base/log.h"
#include "storage/label.h"
#include "storage/staged.h"
#include "tests/unit/mirroring.h"

#define MAIL(n) "Message-ID: <" #n "@example.org>\nSubject: letter " #n "\n\nDear all, " #n "\n"
#define PACK(n) "packs/00/0000000" #n ".pack"
#define SHARE "smb://host/share"

static int setup(void **state)
{
	int rc = fixture_setup(state);

	log_set_level(LOG_LEVEL_ERROR);
	return rc;
}

/* Two packs, both mirrored. */
static void mirrored(struct fixture *f)
{
	fixture_take(f, &(struct arrival)ARRIVAL(MAIL(1)));
	fixture_take(f, &(struct arrival)ARRIVAL(MAIL(2)));
	set_place(f, "mirror");
	assert_int_equal(mirror_now(f).files, 2);
}

static void no_finding(void *arg, const struct finding *finding)
{
	(void)arg;
	fail_msg("%s", finding->text);
}

static void is_sound(struct fixture *f)
{
	const struct verify_watch watch = {.finding = no_finding};
	struct verify_report report;

	if (verify_all(f->a, &watch, &report, &f->err) < 0)
		fail_msg("%s", f->err.text);
	assert_int_equal(report.mails, 2);
	assert_int_equal(report.unchecked, 0);
}

static void mends(struct fixture *f, uint64_t pack)
{
	struct err why;

	if (mirror_repair(f->a, pack, &why, &f->err) != 1)
		fail_msg("%s%s", why.text, f->err.text);
}

static void does_not_mend(struct fixture *f, uint64_t pack, const char *words)
{
	struct err why;

	if (mirror_repair(f->a, pack, &why, &f->err) != 0)
		fail_msg("%s", f->err.text);
	if (strstr(why.text, words) == NULL)
		fail_msg("%s", why.text);
}

/* ---- what is mended ---- */

static void a_pack_that_is_damaged_or_gone_is_mended(void **state)
{
	struct fixture *f = *state;
	CLEAN(medium) own = own_medium(f);
	CLEAN(medium) there = NULL;

	mirrored(f);
	flip_bit(own, PACK(1), 90);
	assert_int_equal(medium_remove(own, PACK(2), &f->err), 0);
	mends(f, 1);
	mends(f, 2);
	is_sound(f);
	there = mirror_of(f, "mirror", 1);
	assert_int_equal(same_files(own, there), 2);
}

static void a_mending_that_was_interrupted_is_begun_again(void **state)
{
	struct fixture *f = *state;
	CLEAN(medium) own = own_medium(f);

	mirrored(f);
	flip_bit(own, PACK(1), 90);
	put_file(own, PACK(1) ".part", VIEW("half of something"));
	mends(f, 1);
	is_sound(f);
	assert_false(has_file(own, PACK(1) ".part"));
}

static void bytes_behind_the_seal_are_damage_too(void **state)
{
	struct fixture *f = *state;
	CLEAN(medium) own = own_medium(f);
	CLEAN(medium_file) file = NULL;

	mirrored(f);
	assert_int_equal(medium_reopen(own, PACK(1), &file, &f->err), 0);
	assert_int_equal(medium_append(file, "more", 4, &f->err), 0);
	assert_int_equal(medium_sync(file, &f->err), 0);
	mends(f, 1);
	is_sound(f);
}

/* ---- what is not ---- */

static void what_is_whole_or_unknown_is_left_alone(void **state)
{
	struct fixture *f = *state;
	CLEAN(taker) taker = taker_new(f->a, true);

	mirrored(f);
	fixture_give(f, taker, &(struct arrival)ARRIVAL(MAIL(3)));
	does_not_mend(f, 1, "is whole");
	does_not_mend(f, 3, "is being written");
	does_not_mend(f, 77, "does not know");
}

static void without_a_mirror_it_says_so(void **state)
{
	struct fixture *f = *state;
	CLEAN(medium) own = own_medium(f);

	fixture_take(f, &(struct arrival)ARRIVAL(MAIL(1)));
	flip_bit(own, PACK(1), 90);
	does_not_mend(f, 1, "no mirror is set up");
	set_place(f, "mirror");
	does_not_mend(f, 1, "the mirror: ");
}

static void a_mirror_that_is_damaged_or_lacks_it_mends_nothing(void **state)
{
	struct fixture *f = *state;
	CLEAN(medium) own = own_medium(f);
	CLEAN(medium) there = NULL;
	struct hash before, after;
	uint64_t size;

	mirrored(f);
	there = mirror_of(f, "mirror", 1);
	flip_bit(own, PACK(1), 90);
	flip_bit(there, PACK(1), 120);
	assert_int_equal(medium_size(own, PACK(1), &size, &f->err), 0);
	assert_int_equal(copy_hash(own, PACK(1), size, NULL, &before, &f->err), 0);
	does_not_mend(f, 1, "the mirror: ");
	assert_int_equal(medium_remove(there, PACK(1), &f->err), 0);
	does_not_mend(f, 1, "the mirror: ");
	assert_int_equal(copy_hash(own, PACK(1), size, NULL, &after, &f->err), 0);
	assert_true(hash_eq(&before, &after));
}

static void another_pack_of_the_same_number_is_not_taken(void **state)
{
	struct fixture *f = *state;
	CLEAN(medium) own = own_medium(f);
	const struct hash other = {{1, 2, 3}};

	mirrored(f);
	flip_bit(own, PACK(1), 90);
	assert_int_equal(packs_set_hash(archive_catalog(f->a), 1, &other, &f->err), 0);
	does_not_mend(f, 1, "another pack of this number");
}

static void a_medium_that_is_away_is_not_mended(void **state)
{
	struct fixture *f = *state;
	CLEAN(medium) own = own_medium(f);
	CLEAN_STR aside = STR_INIT;

	mirrored(f);
	str_addf(&aside, "%s-aside", medium_location(own));
	assert_int_equal(rename(medium_location(own), aside.data), 0);
	does_not_mend(f, 1, "the directory is not there");
	fixture_reopen(f);
	does_not_mend(f, 1, "No such file or directory");
}

/* ---- a share ---- */

struct share {
	struct fixture *f;
	bool away;
};

static int connect_far(void *arg, struct medium **far_r, struct err *err)
{
	struct share *s = arg;

	if (s->away)
		return err_set(err, ERR_OFFLINE, "host: nobody is at home");
	*far_r = local_medium(fixture_path(s->f, "far"));
	return 0;
}

/* Medium 2, active, is a share: DIR/far. */
static struct medium *use_share(struct share *s)
{
	CLEAN(medium) far = local_medium(fixture_path(s->f, "far"));
	const struct label label = {.medium = 2};
	const struct site site = {.location = SHARE};
	struct medium *near = local_medium(fixture_path(s->f, "archive/staging/2"));
	struct medium *m = medium_staged_new(near, "smb", SHARE, 0, connect_far, s);
	unsigned number;

	assert_int_equal(label_write(far, archive_keys(s->f->a), &label, &s->f->err), 0);
	assert_int_equal(media_add(archive_catalog(s->f->a), &site, true, &number, &s->f->err), 0);
	archive_use_medium(s->f->a, number, m);
	return m;
}

static void ship(struct fixture *f)
{
	struct ship_report report;

	if (ship_run(f->a, 0, 0, NULL, &report, &f->err) < 0)
		fail_msg("%s", f->err.text);
	assert_int_equal(report.packs_waiting, 0);
}

static void a_share_is_mended_through_staging(void **state)
{
	struct fixture *f = *state;
	struct share s = {.f = f};
	struct medium *m = use_share(&s);
	CLEAN(medium) far = local_medium(fixture_path(f, "far"));
	CLEAN(medium) there = NULL;

	fixture_take(f, &(struct arrival)ARRIVAL(MAIL(1)));
	fixture_take(f, &(struct arrival)ARRIVAL(MAIL(2)));
	ship(f);
	set_place(f, "mirror");
	mirror_now(f);
	flip_bit(far, PACK(1), 90);
	assert_int_equal(medium_remove(far, PACK(2), &f->err), 0);
	mends(f, 1);
	mends(f, 2);
	assert_true(has_file(staged_near(m), PACK(1)));
	is_sound(f);
	ship(f);
	assert_false(has_file(staged_near(m), PACK(1)));
	there = mirror_of(f, "mirror", 2);
	assert_int_equal(same_files(far, there), 2);
	is_sound(f);
}

static void what_is_damaged_in_staging_is_mended_there(void **state)
{
	struct fixture *f = *state;
	struct share s = {.f = f, .away = true};
	struct medium *m = use_share(&s);
	CLEAN(medium) far = local_medium(fixture_path(f, "far"));
	CLEAN(medium) there = NULL;

	fixture_take(f, &(struct arrival)ARRIVAL(MAIL(1)));
	fixture_take(f, &(struct arrival)ARRIVAL(MAIL(2)));
	set_place(f, "mirror");
	mirror_now(f);
	flip_bit(staged_near(m), PACK(1), 90);
	mends(f, 1);
	s.away = false;
	staged_ask_again(m);
	ship(f);
	there = mirror_of(f, "mirror", 2);
	assert_int_equal(same_files(far, there), 2);
	is_sound(f);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_pack_that_is_damaged_or_gone_is_mended),
		TEST(a_mending_that_was_interrupted_is_begun_again),
		TEST(bytes_behind_the_seal_are_damage_too),
		TEST(what_is_whole_or_unknown_is_left_alone),
		TEST(without_a_mirror_it_says_so),
		TEST(a_mirror_that_is_damaged_or_lacks_it_mends_nothing),
		TEST(another_pack_of_the_same_number_is_not_taken),
		TEST(a_medium_that_is_away_is_not_mended),
		TEST(a_share_is_mended_through_staging),
		TEST(what_is_damaged_in_staging_is_mended_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
