/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An archive whose active medium is across a network: far/ of the test's folder, which fails as it is told. */
#include "app/archive/archive_priv.h"
#include "app/archive/erase.h"
#include "app/archive/media.h"
#include "app/archive/ship.h"
#include "app/archive/verify.h"
#include "base/file.h"
#include "base/log.h"
#include "storage/label.h"
#include "storage/medium_faulty.h"
#include "storage/staged.h"
#include "tests/unit/fixture.h"

#include <sys/stat.h>
#include <time.h>
#include <utime.h>

#define SHARE "smb://host/share"
#define MAIL(n) "Message-ID: <" #n "@example.org>\nSubject: letter " #n "\n\nDear all, " #n "\n"

enum { NUMBER = 2 };

struct rig {
	struct fixture *f;
	struct medium *m;
	struct medium_faulty_plan plan; /* of each connection */
	struct medium *far;             /* the last one */
	bool away;
	const char *moves; /* somebody moves the medium there, once it is connected */
	unsigned connects; /* tries */
};

/* ---- the share ---- */

static int connect_far(void *arg, struct medium **far_r, struct err *err)
{
	struct rig *r = arg;
	struct medium *local;

	r->connects++;
	if (r->away)
		return err_set(err, ERR_OFFLINE, "host: nobody is at home");
	if (r->moves != NULL && media_set_site(archive_catalog(r->f->a), NUMBER,
					       &(struct site){.location = r->moves}, err) < 0)
		return -1;
	if (medium_local_open(fixture_path(r->f, "far"), &local, err) < 0)
		return -1;
	r->far = medium_faulty_new(local);
	medium_faulty_set(r->far, &r->plan);
	if (archive_check_label(r->f->a, r->far, NUMBER, err) < 0) {
		medium_free(&r->far);
		return -1;
	}
	*far_r = r->far;
	return 0;
}

static void use_share(struct rig *r)
{
	struct medium *near;
	struct err err = {0};

	mkdir(fixture_path(r->f, "archive/staging"), 0700);
	mkdir(fixture_path(r->f, "archive/staging/2"), 0700);
	if (medium_local_open(fixture_path(r->f, "archive/staging/2"), &near, &err) < 0)
		fail_msg("%s", err.text);
	r->m = medium_staged_new(near, "smb", SHARE, 0, connect_far, r);
	archive_use_medium(r->f->a, NUMBER, r->m);
}

static struct medium *far_folder(struct rig *r)
{
	struct medium *m;

	if (medium_local_open(fixture_path(r->f, "far"), &m, &r->f->err) < 0)
		fail_msg("%s", r->f->err.text);
	return m;
}

static void write_label(struct rig *r, unsigned number)
{
	CLEAN(medium) far = far_folder(r);
	struct label label = {number, 0};

	unlink(fixture_path(r->f, "far/medium.json"));
	assert_int_equal(label_write(far, archive_keys(r->f->a), &label, &r->f->err), 0);
}

static struct rig rig_new(void **state)
{
	struct rig r = {.f = *state};
	const struct site site = {.location = SHARE};
	unsigned number;

	assert_int_equal(mkdir(fixture_path(r.f, "far"), 0700), 0);
	assert_int_equal(media_add(archive_catalog(r.f->a), &site, true, &number, &r.f->err), 0);
	assert_int_equal(number, NUMBER);
	write_label(&r, NUMBER);
	log_set_level(LOG_LEVEL_ERROR); /* that it is away is what we want */
	return r;
}

/* As after a restart: nothing is remembered of failures. */
static void restart(struct rig *r)
{
	err_clear(&r->f->err);
	fixture_reopen(r->f);
	use_share(r);
}

static struct ship_report ship(struct rig *r)
{
	struct ship_report report;

	if (ship_run(r->f->a, 0, 0, NULL, &report, &r->f->err) < 0)
		fail_msg("%s", r->f->err.text);
	return report;
}

static int count_name(void *arg, const char *name, uint64_t size, struct err *err)
{
	(void)name, (void)size, (void)err;
	++*(unsigned *)arg;
	return 0;
}

static unsigned count_files(struct medium *m, const char *dir)
{
	struct err err = {0};
	unsigned n = 0;

	if (medium_list(m, dir, count_name, &n, &err) < 0)
		fail_msg("%s", err.text);
	return n;
}

static unsigned far_packs(struct rig *r)
{
	CLEAN(medium) far = far_folder(r);

	return count_files(far, "packs");
}

static unsigned near_packs(struct rig *r)
{
	return count_files(staged_near(r->m), "packs");
}

static void no_finding(void *arg, const struct finding *finding)
{
	(void)arg;
	fail_msg("%s", finding->text);
}

static void verifies(struct rig *r, uint64_t mails)
{
	const struct verify_watch watch = {.finding = no_finding};
	struct verify_report report;

	restart(r);
	if (verify_all(r->f->a, &watch, &report, &r->f->err) < 0)
		fail_msg("%s", r->f->err.text);
	assert_int_equal(report.mails, mails);
}

static struct medium_row row_of(struct rig *r, struct arena *arena, unsigned medium)
{
	struct medium_row row;

	assert_int_equal(media_get(archive_catalog(r->f->a), arena, medium, &row, &r->f->err), 1);
	return row;
}

/* The way of the mail ends so when it is read. */
static void reading_is(struct rig *r, const struct uuid *id, enum err_kind kind, const char *words)
{
	CLEAN(arena) arena = arena_new();
	CLEAN(reader) reader = reader_new(r->f->a);
	struct mail_row row = fixture_row(r->f, arena, id);
	CLEAN_STR raw = STR_INIT;
	struct err err = {0};

	assert_int_equal(reader_mail(reader, &row, &raw, &err), -1);
	if (err.kind != kind || strstr(err.text, words) == NULL)
		fail_msg("%s: %s", err_code(err.kind), err.text);
}

/* ---- tests ---- */

static void a_mail_waits_in_staging_and_then_is_on_the_share(void **state)
{
	struct rig r = rig_new(state);
	struct ship_report report;
	struct taken t;

	use_share(&r);
	t = fixture_take(r.f, &(struct arrival)ARRIVAL(MAIL(1)));
	assert_int_equal(near_packs(&r), 1);
	assert_int_equal(far_packs(&r), 0);
	fixture_holds(r.f, &t.id, VIEW(MAIL(1)));
	report = ship(&r);
	assert_int_equal(report.settled, 1);
	assert_true(report.bytes > 0);
	assert_int_equal(report.packs_waiting, 0);
	assert_int_equal(near_packs(&r), 0);
	assert_int_equal(far_packs(&r), 1);
	fixture_holds(r.f, &t.id, VIEW(MAIL(1)));
	report = ship(&r);
	assert_int_equal(report.bytes + report.settled, 0);
	verifies(&r, 1);
}

static void what_is_little_and_new_is_not_shipped_yet(void **state)
{
	struct rig r = rig_new(state);
	CLEAN(taker) taker = NULL;
	struct ship_report report;
	uint64_t size;
	CLEAN(medium) far = far_folder(&r);

	use_share(&r);
	taker = taker_new(r.f->a, true);
	fixture_give(r.f, taker, &(struct arrival)ARRIVAL(MAIL(1)));
	assert_int_equal(ship_run(r.f->a, 1 << 20, 3600, NULL, &report, &r.f->err), 0);
	assert_int_equal(report.packs_waiting, 1);
	assert_int_equal(far_packs(&r), 0);
	assert_int_equal(ship_run(r.f->a, 1 << 20, 0, NULL, &report, &r.f->err),
			 0); /* old enough */
	assert_int_equal(report.packs_waiting, 0);
	assert_int_equal(medium_size(far, "packs/00/00000001.pack", &size, &r.f->err), 0);
	assert_int_equal(size, report.bytes);
	fixture_give(r.f, taker, &(struct arrival)ARRIVAL(MAIL(2)));
	assert_int_equal(ship_run(r.f->a, 1, 3600, NULL, &report, &r.f->err), 0); /* enough */
	assert_true(report.bytes > 0);
	assert_int_equal(report.settled, 0); /* the writer lives */
	assert_int_equal(near_packs(&r), 1);
	assert_int_equal(taker_finish(taker, &r.f->err), 0);
	assert_int_equal(ship(&r).settled, 1);
	verifies(&r, 2);
}

static void while_the_share_is_away_mail_waits_and_is_read(void **state)
{
	struct rig r = rig_new(state);
	CLEAN(arena) arena = arena_new();
	struct medium_row row;
	struct ship_report report;
	struct taken old, new;

	use_share(&r);
	old = fixture_take(r.f, &(struct arrival)ARRIVAL(MAIL(1)));
	ship(&r);
	r.away = true;
	restart(&r);
	new = fixture_take(r.f, &(struct arrival)ARRIVAL(MAIL(2)));
	report = ship(&r);
	assert_int_equal(report.media_away, 1);
	assert_int_equal(report.packs_waiting, 1);
	row = row_of(&r, arena, NUMBER);
	assert_int_equal(row.answers, MEDIUM_SILENT);
	assert_non_null(strstr(row.trouble, "nobody is at home"));
	assert_true(row.waiting_since_s > 0);
	fixture_holds(r.f, &new.id, VIEW(MAIL(2)));
	reading_is(&r, &old.id, ERR_OFFLINE, "nobody is at home");
	r.away = false;
	restart(&r);
	assert_int_equal(ship(&r).settled, 1);
	assert_int_equal(row_of(&r, arena, NUMBER).answers, MEDIUM_ANSWERS);
	fixture_holds(r.f, &old.id, VIEW(MAIL(1)));
	verifies(&r, 2);
}

static void a_wrong_share_is_offline_and_gets_nothing(void **state)
{
	struct rig r = rig_new(state);
	struct taken t;

	use_share(&r);
	t = fixture_take(r.f, &(struct arrival)ARRIVAL(MAIL(1)));
	ship(&r);
	fixture_take(r.f, &(struct arrival)ARRIVAL(MAIL(2)));
	/* swapped while it is connected */
	assert_int_equal(rename(fixture_path(r.f, "far"), fixture_path(r.f, "right")), 0);
	assert_int_equal(mkdir(fixture_path(r.f, "far"), 0700), 0);
	assert_int_equal(ship(&r).media_away, 1);
	assert_int_equal(far_packs(&r), 0);
	reading_is(&r, &t.id, ERR_OFFLINE, "no medium.json");
	write_label(&r, 3);
	restart(&r);
	assert_int_equal(ship(&r).media_away, 1);
	reading_is(&r, &t.id, ERR_OFFLINE, "is number 3");
	assert_int_equal(far_packs(&r), 0);
	fixture_remove(fixture_path(r.f, "far"));
	assert_int_equal(rename(fixture_path(r.f, "right"), fixture_path(r.f, "far")), 0);
	restart(&r);
	assert_int_equal(ship(&r).settled, 1);
	verifies(&r, 2);
}

static void take_another(struct rig *r)
{
	static unsigned n = 1000;
	CLEAN_STR raw = STR_INIT;

	str_addf(&raw, "Message-ID: <%u@example.org>\n\nletter %u\n", n, n);
	n++;
	fixture_take(r->f, &(struct arrival){.raw = str_view(&raw)});
}

/* Take two mails and ship them, while the share fails as the plan tells; then let it be well. True if the plan was
 * carried out. */
static bool suffer(struct rig *r, const struct medium_faulty_plan *plan)
{
	bool away;

	r->plan = *plan;
	restart(r);
	take_another(r);
	take_another(r);
	away = ship(r).media_away > 0;
	r->plan = (struct medium_faulty_plan){0};
	restart(r);
	ship(r);
	assert_int_equal(near_packs(r), 0);
	return away;
}

static void a_share_that_fails_anywhere_has_all_of_it_in_the_end(void **state)
{
	static const enum fault faults[] = {FAULT_IO, FAULT_OFFLINE, FAULT_NOSPACE, FAULT_SHORT,
					    FAULT_WRONG_BYTES};
	struct rig r = rig_new(state);
	unsigned runs = 0, away = 0;

	use_share(&r);
	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++)
		for (uint64_t at = 1; at <= 24; at++) {
			struct medium_faulty_plan plan = {.fault = faults[i],
							  .at_call = at,
							  .for_ever = at % 2 == 0,
							  .seed = at};

			away += suffer(&r, &plan);
			assert_int_equal(far_packs(&r), 2 * ++runs);
		}
	assert_true(away > runs / 2);
	verifies(&r, 2 * runs);
}

static void note_left_out(void *arg, unsigned medium, uint64_t packs, const char *why)
{
	struct str *out = arg;

	str_addf(out, "%u: %llu: %s", medium, (unsigned long long)packs, why);
}

static void verifying_leaves_out_a_share_that_is_away_and_checks_the_rest(void **state)
{
	struct rig r = rig_new(state);
	CLEAN_STR left_out = STR_INIT;
	struct verify_watch watch = {
		.arg = &left_out, .finding = no_finding, .left_out = note_left_out};
	struct verify_report report;

	use_share(&r);
	fixture_take(r.f, &(struct arrival)ARRIVAL(MAIL(1)));
	fixture_take(r.f, &(struct arrival)ARRIVAL(MAIL(2)));
	ship(&r);
	fixture_take(r.f, &(struct arrival)ARRIVAL(MAIL(3)));
	r.away = true;
	restart(&r);
	assert_int_equal(verify_all(r.f->a, &watch, &report, &r.f->err), 0);
	assert_int_equal(report.mails, 1);
	assert_int_equal(report.packs, 1);
	assert_int_equal(report.unchecked, 2);
	assert_int_equal(report.unchecked_mails, 2);
	assert_int_equal(report.findings, 0);
	assert_string_equal(left_out.data, "2: 2: medium " SHARE
					   ": packs/00/00000001.pack: host: nobody is at home");
}

static void what_is_changed_on_its_way_is_sent_again(void **state)
{
	struct rig r = rig_new(state);
	struct stat st;
	char bad[] = "bad";
	struct taken t;
	FILE *file;

	use_share(&r);
	t = fixture_take(r.f, &(struct arrival)ARRIVAL(MAIL(1)));
	assert_int_equal(mkdir(fixture_path(r.f, "far/packs"), 0700), 0);
	assert_int_equal(mkdir(fixture_path(r.f, "far/packs/00"), 0700), 0);
	file = fopen(fixture_path(r.f, "far/packs/00/00000001.pack"), "w");
	assert_int_equal(fwrite(bad, 1, 3, file), 3);
	fclose(file);
	assert_int_equal(ship(&r).settled, 1);
	assert_int_equal(stat(fixture_path(r.f, "far/packs/00/00000001.pack"), &st), 0);
	fixture_holds(r.f, &t.id, VIEW(MAIL(1)));
	verifies(&r, 1);
}

static void a_replaced_pack_goes_when_the_new_one_has_arrived(void **state)
{
	struct rig r = rig_new(state);
	CLEAN(taker) taker = NULL;
	struct erase_report erased;
	struct pack_row row;
	struct taken stays, goes;

	use_share(&r);
	taker = taker_new(r.f->a, true);
	goes = fixture_give(r.f, taker, &(struct arrival)ARRIVAL(MAIL(1)));
	stays = fixture_give(r.f, taker, &(struct arrival)ARRIVAL(MAIL(2)));
	assert_int_equal(taker_finish(taker, &r.f->err), 0);
	taker_free(&taker);
	ship(&r);
	fixture_delete(r.f, &goes.id);
	assert_int_equal(erase_index(r.f->a, &erased, &r.f->err), 0);
	assert_int_equal(erase_media(r.f->a, &erased, &r.f->err), 0);
	assert_int_equal(erased.packs, 1);
	assert_int_equal(far_packs(&r), 1); /* the old one still */
	assert_int_equal(packs_get(archive_catalog(r.f->a), 1, &row, &r.f->err), 1);
	assert_int_equal(row.state, PACK_REPLACED);
	r.away = true;
	restart(&r);
	ship(&r);
	assert_int_equal(far_packs(&r), 1);
	r.away = false;
	restart(&r);
	ship(&r);
	assert_int_equal(far_packs(&r), 1);
	assert_int_equal(access(fixture_path(r.f, "far/packs/00/00000002.pack"), F_OK), 0);
	assert_int_equal(packs_get(archive_catalog(r.f->a), 1, &row, &r.f->err), 1);
	assert_int_equal(row.state, PACK_REMOVED);
	fixture_holds(r.f, &stays.id, VIEW(MAIL(2)));
	verifies(&r, 1);
}

static void erasing_is_put_off_while_the_share_is_away(void **state)
{
	struct rig r = rig_new(state);
	struct erase_report erased;
	struct taken t;

	use_share(&r);
	t = fixture_take(r.f, &(struct arrival)ARRIVAL(MAIL(1)));
	ship(&r);
	r.away = true;
	restart(&r);
	fixture_delete(r.f, &t.id);
	assert_int_equal(erase_index(r.f->a, &erased, &r.f->err), 0);
	assert_int_equal(erase_media(r.f->a, &erased, &r.f->err), 0);
	assert_int_equal(erased.packs, 0);
	assert_int_equal(erased.put_off, 1);
	r.away = false;
	restart(&r);
	assert_int_equal(erase_media(r.f->a, &erased, &r.f->err), 0);
	assert_int_equal(erased.packs, 1);
	assert_int_equal(erased.put_off, 0);
}

static void a_deactivated_medium_keeps_its_mail_and_reads_what_is_in_staging(void **state)
{
	struct rig r = rig_new(state);
	struct catalog *catalog;
	struct taken old, new;

	use_share(&r);
	old = fixture_take(r.f, &(struct arrival)ARRIVAL(MAIL(1)));
	ship(&r);
	new = fixture_take(r.f, &(struct arrival)ARRIVAL(MAIL(2)));
	catalog = archive_catalog(r.f->a);
	assert_int_equal(media_set_active(catalog, 1, &r.f->err), 0);
	assert_int_equal(media_set_state(catalog, NUMBER, MEDIUM_DEACTIVATED, 0, &r.f->err), 0);
	reading_is(&r, &old.id, ERR_OFFLINE, "medium 2 is deactivated");
	fixture_holds(r.f, &new.id, VIEW(MAIL(2)));
	assert_int_equal(ship(&r).settled, 0);
	assert_int_equal(media_set_state(catalog, NUMBER, MEDIUM_IN_USE, 0, &r.f->err), 0);
	restart(&r);
	assert_int_equal(ship(&r).settled, 1);
	verifies(&r, 2);
}

static void a_redirected_medium_is_the_one_it_is_redirected_to(void **state)
{
	struct rig r = rig_new(state);
	struct catalog *catalog = archive_catalog(r.f->a);
	struct medium *one, *two;
	struct taken t;

	t = fixture_take(r.f, &(struct arrival)ARRIVAL(MAIL(0)));
	(void)t;
	use_share(&r);
	assert_int_equal(media_set_active(catalog, 1, &r.f->err), 0);
	assert_int_equal(media_set_state(catalog, NUMBER, MEDIUM_REDIRECTED, 1, &r.f->err), 0);
	assert_int_equal(archive_medium(r.f->a, 1, &one, &r.f->err), 0);
	assert_int_equal(archive_medium(r.f->a, NUMBER, &two, &r.f->err), 0);
	assert_ptr_equal(one, two);
	assert_int_equal(media_set_state(catalog, 1, MEDIUM_REDIRECTED, NUMBER, &r.f->err), 0);
	assert_int_equal(archive_medium(r.f->a, NUMBER, &two, &r.f->err), -1);
	assert_int_equal(r.f->err.kind, ERR_DAMAGED);
	err_clear(&r.f->err);
}

static void a_pack_missing_on_a_share_that_answers_is_damage(void **state)
{
	struct rig r = rig_new(state);
	struct taken t;

	use_share(&r);
	t = fixture_take(r.f, &(struct arrival)ARRIVAL(MAIL(1)));
	ship(&r);
	unlink(fixture_path(r.f, "far/packs/00/00000001.pack"));
	restart(&r);
	reading_is(&r, &t.id, ERR_DAMAGED, "pack 1 is missing from its medium, which answers");
}

static void what_a_crash_left_in_staging_goes_when_it_has_arrived(void **state)
{
	struct rig r = rig_new(state);

	use_share(&r);
	fixture_take(r.f, &(struct arrival)ARRIVAL(MAIL(1)));
	fixture_copy(fixture_path(r.f, "archive/staging/2/packs/00/00000001.pack"),
		     fixture_path(r.f, "kept"));
	ship(&r);
	/* it died between the catalog and the file */
	fixture_copy(fixture_path(r.f, "kept"),
		     fixture_path(r.f, "archive/staging/2/packs/00/00000001.pack"));
	restart(&r);
	ship(&r);
	assert_int_equal(near_packs(&r), 0);
	/* and again, but this time the share has lost it */
	fixture_copy(fixture_path(r.f, "kept"),
		     fixture_path(r.f, "archive/staging/2/packs/00/00000001.pack"));
	unlink(fixture_path(r.f, "far/packs/00/00000001.pack"));
	restart(&r);
	ship(&r);
	ship(&r);
	assert_int_equal(near_packs(&r), 0);
	assert_int_equal(far_packs(&r), 1);
	verifies(&r, 1);
}

static void a_pack_that_the_catalog_does_not_know_stays(void **state)
{
	struct rig r = rig_new(state);

	use_share(&r);
	fixture_take(r.f, &(struct arrival)ARRIVAL(MAIL(1)));
	ship(&r);
	fixture_copy(fixture_path(r.f, "far/packs/00/00000001.pack"),
		     fixture_path(r.f, "far/packs/00/00000077.pack"));
	restart(&r);
	ship(&r);
	assert_int_equal(far_packs(&r), 2);
}

static void a_replaced_pack_that_turns_up_again_goes(void **state)
{
	struct rig r = rig_new(state);

	use_share(&r);
	fixture_take(r.f, &(struct arrival)ARRIVAL(MAIL(1)));
	fixture_take(r.f, &(struct arrival)ARRIVAL(MAIL(2)));
	ship(&r);
	assert_int_equal(packs_replaced(archive_catalog(r.f->a), 1, 2, &r.f->err), 0);
	assert_int_equal(packs_set(archive_catalog(r.f->a), 1, PACK_REMOVED, 0, &r.f->err), 0);
	restart(&r);
	ship(&r);
	assert_int_equal(far_packs(&r), 1);
}

static void put(struct medium *m, const char *name, const char *text)
{
	struct err err = {0};
	struct medium_file *file;

	if (medium_create(m, name, &file, &err) < 0 ||
	    medium_append(file, text, strlen(text), &err) < 0 || medium_sync(file, &err) < 0)
		fail_msg("%s", err.text);
	medium_file_free(&file);
}

static void other_files_go_whole_and_parts_stay(void **state)
{
	struct rig r = rig_new(state);
	CLEAN(medium) far = far_folder(&r);
	struct utimbuf old = {1, 1};
	char text[16];
	size_t got;

	use_share(&r);
	put(r.m, "catalog/full-1", "pages");
	put(r.m, "catalog/full-2.part", "half");
	put(far, "catalog/full-1.part", "something else");
	put(far, "catalog/full-0.part", "left by a crash");
	assert_int_equal(utime(fixture_path(r.f, "far/catalog/full-0.part"), &old), 0);
	assert_int_equal(ship(&r).settled, 1);
	assert_int_equal(count_files(far, "catalog"), 1);
	assert_int_equal(medium_read(far, "catalog/full-1", 0, text, sizeof(text), &got, &r.f->err),
			 0);
	assert_true(view_eq((struct view){text, got}, VIEW("pages")));
	assert_int_equal(count_files(staged_near(r.m), "catalog"), 1);
}

static void a_pack_lost_from_staging_is_told_and_the_others_go(void **state)
{
	struct rig r = rig_new(state);
	CLEAN(arena) arena = arena_new();

	use_share(&r);
	fixture_take(r.f, &(struct arrival)ARRIVAL(MAIL(1)));
	fixture_take(r.f, &(struct arrival)ARRIVAL(MAIL(2)));
	unlink(fixture_path(r.f, "archive/staging/2/packs/00/00000001.pack"));
	assert_int_equal(ship(&r).settled, 1);
	assert_int_equal(far_packs(&r), 1);
	assert_non_null(strstr(row_of(&r, arena, NUMBER).trouble, "gone from staging"));
}

static void a_crash_with_the_share_away_is_made_good_at_once(void **state)
{
	struct rig r = rig_new(state);
	struct taker *taker;
	struct taken t;

	use_share(&r);
	taker = taker_new(r.f->a, true);
	t = fixture_give(r.f, taker, &(struct arrival)ARRIVAL(MAIL(1)));
	taker_free(&taker); /* without finishing: as a crash */
	r.away = true;
	restart(&r);
	fixture_holds(r.f, &t.id, VIEW(MAIL(1)));
	r.away = false;
	restart(&r);
	assert_int_equal(ship(&r).settled, 1);
	verifies(&r, 1);
}

/* The catalog as it is now; and back to it, with the archive opened anew. */
static void keep_catalog(struct rig *r)
{
	assert_int_equal(db_exec(catalog_db(archive_catalog(r->f->a)),
				 "PRAGMA wal_checkpoint(TRUNCATE)", &r->f->err),
			 0);
	fixture_copy(fixture_path(r->f, "archive/catalog.db"), fixture_path(r->f, "kept"));
}

static void forget_since(struct rig *r)
{
	archive_free(&r->f->a);
	fixture_copy(fixture_path(r->f, "kept"), fixture_path(r->f, "archive/catalog.db"));
	restart(r);
}

static uint64_t count_mails(struct rig *r)
{
	struct mails_totals totals;

	assert_int_equal(mails_totals(archive_catalog(r->f->a), &totals, &r->f->err), 0);
	return totals.mails;
}

static void a_silent_share_is_not_asked_to_make_a_crash_good(void **state)
{
	struct rig r = rig_new(state);
	struct taker *taker;
	struct taken t;
	CLEAN_STR first = STR_INIT;
	CLEAN_STR second = STR_INIT;

	fixture_attachment(&first, "1@example.org", 'x');
	fixture_attachment(&second, "2@example.org", 'x');
	use_share(&r);
	fixture_take(r.f, &(struct arrival){.raw = str_view(&first)});
	ship(&r);
	taker = taker_new(r.f->a, true);
	fixture_give(r.f, taker, &(struct arrival)ARRIVAL(MAIL(1)));
	keep_catalog(&r);
	t = fixture_give(r.f, taker,
			 &(struct arrival){.raw = str_view(&second)}); /* its part is far */
	taker_free(&taker);
	forget_since(&r); /* it crashed before the commit */
	r.away = true;
	ship(&r);
	r.connects = 0;
	assert_int_equal(archive_recover(r.f->a, &r.f->err), 0);
	assert_int_equal(r.connects, 0);
	assert_int_equal(count_mails(&r), 2);
	r.away = false;
	ship(&r);
	assert_int_equal(archive_recover(r.f->a, &r.f->err), 0);
	assert_int_equal(count_mails(&r), 3);
	fixture_holds(r.f, &t.id, str_view(&second));
	ship(&r);
	verifies(&r, 3);
}

static void a_full_medium_does_not_keep_the_archive_from_being_opened(void **state)
{
	const struct medium_faulty_plan full = {
		.fault = FAULT_NOSPACE, .at_call = 1, .for_ever = true};
	struct fixture *f = *state;
	struct taker *taker = taker_new(f->a, true);
	struct medium *local, *faulty;
	struct taken t;

	t = fixture_give(f, taker, &(struct arrival)ARRIVAL(MAIL(1)));
	taker_free(&taker); /* without finishing: as a crash */
	assert_int_equal(archive_medium(f->a, 1, &local, &f->err), 0);
	assert_int_equal(medium_local_open(medium_location(local), &local, &f->err), 0);
	faulty = medium_faulty_new(local);
	medium_faulty_set(faulty, &full);
	archive_use_medium(f->a, 1, faulty);
	assert_int_equal(archive_recover(f->a, &f->err), 0);
	medium_faulty_set(faulty, &(struct medium_faulty_plan){0});
	fixture_holds(f, &t.id, VIEW(MAIL(1)));
}

static void erase_mail(struct rig *r, const struct uuid *id)
{
	struct erase_report erased;

	fixture_delete(r->f, id);
	assert_int_equal(erase_index(r->f->a, &erased, &r->f->err), 0);
}

static void a_missing_pack_does_not_keep_others_from_being_erased(void **state)
{
	struct rig r = rig_new(state);
	struct erase_report erased;
	struct taken one, two;

	use_share(&r);
	one = fixture_take(r.f, &(struct arrival)ARRIVAL(MAIL(1)));
	two = fixture_take(r.f, &(struct arrival)ARRIVAL(MAIL(2)));
	ship(&r);
	erase_mail(&r, &one.id);
	erase_mail(&r, &two.id);
	unlink(fixture_path(r.f, "far/packs/00/00000001.pack"));
	assert_int_equal(erase_media(r.f->a, &erased, &r.f->err), 0);
	assert_int_equal(erased.refused, 1);
	assert_int_equal(erased.packs, 1);
}

static void what_arrives_where_the_medium_was_before_stays_in_staging(void **state)
{
	struct rig r = rig_new(state);
	struct taken t;

	use_share(&r);
	t = fixture_take(r.f, &(struct arrival)ARRIVAL(MAIL(1)));
	put(r.m, "catalog/full-1", "pages");
	r.moves = "smb://host/moved";
	assert_int_equal(ship(&r).media_away, 1);
	assert_int_equal(near_packs(&r), 1);
	assert_int_equal(count_files(staged_near(r.m), "catalog"), 1);
	r.moves = NULL;
	restart(&r);
	assert_int_equal(ship(&r).settled, 2);
	fixture_holds(r.f, &t.id, VIEW(MAIL(1)));
	verifies(&r, 1);
}

static void copy_tree(struct medium *from, struct medium *to, unsigned packs)
{
	struct err err = {0};

	for (unsigned i = 0; i <= packs; i++) {
		char name[64] = "medium.json";
		uint64_t size;

		if (i > 0)
			pack_name(i, name);
		if (medium_size(from, name, &size, &err) < 0 ||
		    copy_file(from, to, name, size, NULL, &err) < 0)
			fail_msg("%s", err.text);
	}
}

/* The folder of the archive in DIR/elsewhere. */
static struct medium *elsewhere(struct fixture *f)
{
	CLEAN_STR root = STR_INIT;
	struct medium *m = NULL;

	archive_medium_root(f->a, fixture_path(f, "elsewhere"), &root);
	if (dir_make_all(root.data, 0700, &f->err) < 0 ||
	    medium_local_open(root.data, &m, &f->err) < 0)
		fail_msg("%s", f->err.text);
	return m;
}

static void a_medium_that_another_process_moves_is_followed(void **state)
{
	struct fixture *f = *state;
	const struct site site = {.location = fixture_path(f, "elsewhere")};
	CLEAN(archive) other = NULL;
	CLEAN(taker) taker = taker_new(f->a, true);
	CLEAN(medium) there = elsewhere(f);
	struct taken first, second;
	struct medium *own;
	uint64_t size;

	first = fixture_give(f, taker, &(struct arrival)ARRIVAL(MAIL(1)));
	assert_int_equal(archive_open(f->archive, &other, &f->err), 0);
	assert_int_equal(archive_medium(other, 1, &own, &f->err), 0);
	copy_tree(own, there, 1);
	assert_int_equal(media_move(other, 1, &site, &size, &f->err), -1);
	assert_int_equal(f->err.kind, ERR_BUSY);
	assert_non_null(strstr(f->err.text, "stop the archiver"));
	err_clear(&f->err);
	assert_int_equal(taker_finish(taker, &f->err), 0);
	assert_int_equal(medium_remove(there, "packs/00/00000001.pack", &f->err), 0);
	assert_int_equal(medium_remove(there, "medium.json", &f->err), 0);
	copy_tree(own, there, 1);
	assert_int_equal(media_move(other, 1, &site, &size, &f->err), 0);
	second = fixture_give(f, taker, &(struct arrival)ARRIVAL(MAIL(2)));
	assert_int_equal(medium_size(there, "packs/00/00000002.pack", &size, &f->err), 0);
	fixture_holds(f, &first.id, VIEW(MAIL(1)));
	fixture_holds(f, &second.id, VIEW(MAIL(2)));
}

/* Medium 1 has pack 1; it is copied to the share, which stands for medium 1 from then on. */
static struct taken redirect_to_share(struct rig *r)
{
	struct catalog *catalog = archive_catalog(r->f->a);
	CLEAN(medium) far = far_folder(r);
	struct medium *local;
	struct taken t;
	uint64_t size;

	assert_int_equal(media_set_active(catalog, 1, &r->f->err), 0);
	t = fixture_take(r->f, &(struct arrival)ARRIVAL(MAIL(1)));
	assert_int_equal(archive_medium(r->f->a, 1, &local, &r->f->err), 0);
	assert_int_equal(medium_size(local, "packs/00/00000001.pack", &size, &r->f->err), 0);
	assert_int_equal(copy_file(local, far, "packs/00/00000001.pack", size, NULL, &r->f->err),
			 0);
	assert_int_equal(media_set_active(catalog, NUMBER, &r->f->err), 0);
	assert_int_equal(media_set_state(catalog, 1, MEDIUM_REDIRECTED, NUMBER, &r->f->err), 0);
	use_share(r);
	return t;
}

static void a_replaced_pack_of_a_redirected_medium_goes_too(void **state)
{
	struct rig r = rig_new(state);
	struct taken t = redirect_to_share(&r);
	struct erase_report erased;

	erase_mail(&r, &t.id);
	assert_int_equal(erase_media(r.f->a, &erased, &r.f->err), 0);
	assert_int_equal(erased.packs, 1);
	ship(&r);
	assert_int_equal(access(fixture_path(r.f, "far/packs/00/00000001.pack"), F_OK), -1);
	assert_int_equal(far_packs(&r), 1);
}

static void a_pack_of_a_redirected_medium_that_is_staged_again_is_shipped(void **state)
{
	struct rig r = rig_new(state);
	struct taken t = redirect_to_share(&r);
	CLEAN(medium) far = far_folder(&r);
	uint64_t size;

	assert_int_equal(medium_size(far, "packs/00/00000001.pack", &size, &r.f->err), 0);
	assert_int_equal(
		copy_file(far, staged_near(r.m), "packs/00/00000001.pack", size, NULL, &r.f->err),
		0);
	assert_int_equal(packs_set_staged(archive_catalog(r.f->a), 1, true, &r.f->err), 0);
	unlink(fixture_path(r.f, "far/packs/00/00000001.pack"));
	assert_int_equal(ship(&r).settled, 1);
	assert_int_equal(far_packs(&r), 1);
	fixture_holds(r.f, &t.id, VIEW(MAIL(1)));
}

static void flip(const char *path, long at)
{
	FILE *file = fopen(path, "r+");
	int c;

	assert_non_null(file);
	assert_int_equal(fseek(file, at, SEEK_SET), 0);
	c = fgetc(file);
	assert_int_equal(fseek(file, at, SEEK_SET), 0);
	fputc(c ^ 1, file);
	fclose(file);
}

static void what_is_damaged_in_staging_takes_nothing_from_the_share(void **state)
{
	struct rig r = rig_new(state);
	CLEAN(arena) arena = arena_new();
	struct stat before, after;

	use_share(&r);
	fixture_take(r.f, &(struct arrival)ARRIVAL(MAIL(1)));
	fixture_copy(fixture_path(r.f, "archive/staging/2/packs/00/00000001.pack"),
		     fixture_path(r.f, "kept"));
	ship(&r);
	assert_int_equal(stat(fixture_path(r.f, "far/packs/00/00000001.pack"), &before), 0);
	/* each is damaged, but not in the same place */
	fixture_copy(fixture_path(r.f, "kept"),
		     fixture_path(r.f, "archive/staging/2/packs/00/00000001.pack"));
	flip(fixture_path(r.f, "archive/staging/2/packs/00/00000001.pack"), 100);
	flip(fixture_path(r.f, "far/packs/00/00000001.pack"), 200);
	assert_int_equal(packs_set_staged(archive_catalog(r.f->a), 1, true, &r.f->err), 0);
	assert_int_equal(ship(&r).settled, 0);
	assert_int_equal(stat(fixture_path(r.f, "far/packs/00/00000001.pack"), &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	assert_non_null(strstr(row_of(&r, arena, NUMBER).trouble, "staging/2"));
}

static void a_clock_that_was_set_back_keeps_nothing_from_being_shipped(void **state)
{
	struct rig r = rig_new(state);
	CLEAN(taker) taker = NULL;
	struct ship_report report;

	use_share(&r);
	taker = taker_new(r.f->a, true);
	fixture_give(r.f, taker, &(struct arrival)ARRIVAL(MAIL(1)));
	assert_int_equal(db_exec(catalog_db(archive_catalog(r.f->a)),
				 "UPDATE packs SET waits_s = waits_s + 100000", &r.f->err),
			 0);
	assert_int_equal(ship_run(r.f->a, 1 << 20, 30, NULL, &report, &r.f->err), 0);
	assert_int_equal(report.packs_waiting, 0);
	assert_int_equal(taker_finish(taker, &r.f->err), 0);
}

static void write_to_it(void *arg, uint64_t packs, uint64_t total)
{
	struct fixture *f = arg;
	static bool done;

	(void)packs, (void)total;
	if (done)
		return;
	done = true;
	assert_int_equal(media_set_active(archive_catalog(f->a), 1, &f->err), 0);
	fixture_take(f, &(struct arrival)ARRIVAL(MAIL(7)));
	assert_int_equal(media_set_active(archive_catalog(f->a), NUMBER, &f->err), 0);
}

static void a_medium_that_is_written_to_during_the_check_is_not_redirected(void **state)
{
	struct fixture *f = *state;
	const struct site site = {.location = fixture_path(f, "second")};
	struct medium *one, *two;
	enum medium_state medium_state;
	unsigned number, redirect;
	uint64_t size;

	log_set_level(LOG_LEVEL_ERROR);
	fixture_take(f, &(struct arrival)ARRIVAL(MAIL(1)));
	assert_int_equal(mkdir(site.location, 0700), 0);
	assert_int_equal(media_add_site(f->a, &site, true, &number, &f->err), 0);
	assert_int_equal(archive_medium(f->a, 1, &one, &f->err), 0);
	assert_int_equal(archive_medium(f->a, number, &two, &f->err), 0);
	assert_int_equal(medium_size(one, "packs/00/00000001.pack", &size, &f->err), 0);
	assert_int_equal(copy_file(one, two, "packs/00/00000001.pack", size, NULL, &f->err), 0);
	assert_int_equal(media_redirect(f->a, 1, number, write_to_it, f, &f->err), -1);
	assert_int_equal(f->err.kind, ERR_BUSY);
	err_clear(&f->err);
	assert_int_equal(media_state(archive_catalog(f->a), 1, &medium_state, &redirect, &f->err),
			 1);
	assert_int_equal(medium_state, MEDIUM_IN_USE);
}

static bool stop_at_once(void *arg)
{
	(void)arg;
	return true;
}

static void shipping_stops_when_it_is_asked_to(void **state)
{
	struct rig r = rig_new(state);
	struct copy_pace pace = {.stop = stop_at_once};
	struct ship_report report;

	use_share(&r);
	fixture_take(r.f, &(struct arrival)ARRIVAL(MAIL(1)));
	assert_int_equal(ship_run(r.f->a, 0, 0, &pace, &report, &r.f->err), -1);
	assert_int_equal(r.f->err.kind, ERR_STOPPED);
	err_clear(&r.f->err);
	assert_int_equal(ship(&r).settled, 1);
	verifies(&r, 1);
}

static void only_one_process_ships_for_a_medium(void **state)
{
	struct rig r = rig_new(state);
	CLEAN_FD lock = -1;

	use_share(&r);
	fixture_take(r.f, &(struct arrival)ARRIVAL(MAIL(1)));
	assert_int_equal(file_lock(fixture_path(r.f, "archive/lock/ship-2"), &lock, &r.f->err), 1);
	assert_int_equal(ship(&r).bytes, 0);
	fd_cleanup(&lock);
	assert_int_equal(ship(&r).settled, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_mail_waits_in_staging_and_then_is_on_the_share),
		TEST(what_is_little_and_new_is_not_shipped_yet),
		TEST(while_the_share_is_away_mail_waits_and_is_read),
		TEST(a_wrong_share_is_offline_and_gets_nothing),
		TEST(a_share_that_fails_anywhere_has_all_of_it_in_the_end),
		TEST(verifying_leaves_out_a_share_that_is_away_and_checks_the_rest),
		TEST(what_is_changed_on_its_way_is_sent_again),
		TEST(a_replaced_pack_goes_when_the_new_one_has_arrived),
		TEST(erasing_is_put_off_while_the_share_is_away),
		TEST(a_deactivated_medium_keeps_its_mail_and_reads_what_is_in_staging),
		TEST(a_redirected_medium_is_the_one_it_is_redirected_to),
		TEST(a_pack_missing_on_a_share_that_answers_is_damage),
		TEST(what_a_crash_left_in_staging_goes_when_it_has_arrived),
		TEST(a_pack_that_the_catalog_does_not_know_stays),
		TEST(a_replaced_pack_that_turns_up_again_goes),
		TEST(other_files_go_whole_and_parts_stay),
		TEST(a_pack_lost_from_staging_is_told_and_the_others_go),
		TEST(a_crash_with_the_share_away_is_made_good_at_once),
		TEST(a_silent_share_is_not_asked_to_make_a_crash_good),
		TEST(a_full_medium_does_not_keep_the_archive_from_being_opened),
		TEST(a_missing_pack_does_not_keep_others_from_being_erased),
		TEST(what_arrives_where_the_medium_was_before_stays_in_staging),
		TEST(a_medium_that_another_process_moves_is_followed),
		TEST(a_replaced_pack_of_a_redirected_medium_goes_too),
		TEST(a_pack_of_a_redirected_medium_that_is_staged_again_is_shipped),
		TEST(what_is_damaged_in_staging_takes_nothing_from_the_share),
		TEST(a_clock_that_was_set_back_keeps_nothing_from_being_shipped),
		TEST(a_medium_that_is_written_to_during_the_check_is_not_redirected),
		TEST(shipping_stops_when_it_is_asked_to),
		TEST(only_one_process_ships_for_a_medium),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
