/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The numbered media: added, moved, put out of use and into it, redirected, removed; and each refusal. */
#include "app/archive/media.h"

#include "app/archive/archive_priv.h"
#include "app/catalog/stamps.h"
#include "storage/copy.h"
#include "storage/label.h"
#include "storage/medium_faulty.h"
#include "tests/unit/fixture.h"

#define SHARE "smb://host/share"
#define MAIL(n) "Message-ID: <" #n "@example.org>\nSubject: letter " #n "\n\nDear all, " #n "\n"

/* ---- what the tests share ---- */

/* Refused, with this kind and these words; F->err is clear afterwards. */
static void refused(struct fixture *f, int rc, enum err_kind kind, const char *words)
{
	assert_int_equal(rc, -1);
	if (f->err.kind != kind || strstr(f->err.text, words) == NULL)
		fail_msg("%s: %s", err_code(f->err.kind), f->err.text);
	err_clear(&f->err);
}

static void works(struct fixture *f, int rc)
{
	if (rc < 0)
		fail_msg("%s", f->err.text);
}

static int try_add(struct fixture *f, const char *name, bool activate, unsigned *number_r)
{
	const struct site site = {.location = fixture_path(f, name)};

	return media_add_site(f->a, &site, activate, number_r, &f->err);
}

static unsigned add(struct fixture *f, const char *name, bool activate)
{
	unsigned number = 0;

	works(f, try_add(f, name, activate, &number));
	return number;
}

static int move(struct fixture *f, unsigned medium, const char *name, uint64_t *missing_r)
{
	const struct site site = {.location = fixture_path(f, name)};

	return media_move(f->a, medium, &site, missing_r, &f->err);
}

static struct medium_row row_of(struct fixture *f, struct arena *arena, unsigned medium)
{
	struct medium_row row;

	assert_int_equal(media_get(archive_catalog(f->a), arena, medium, &row, &f->err), 1);
	return row;
}

static size_t count_media(struct fixture *f)
{
	CLEAN(arena) arena = arena_new();
	struct medium_row *rows;
	size_t n;

	works(f, media_overview(f->a, arena, &rows, &n, &f->err));
	return n;
}

/* The archive's folder below the place DIR/NAME, made if it is not there. */
static struct medium *folder_of(struct fixture *f, const char *name)
{
	const struct site site = {.location = fixture_path(f, name)};
	CLEAN_STR folder = STR_INIT;
	struct medium *m = NULL;

	archive_folder(f->a, &folder);
	works(f, site_open(&site, folder.data, true, &m, &f->err));
	return m;
}

static unsigned label_of(struct fixture *f, const char *name)
{
	CLEAN(medium) m = folder_of(f, name);
	struct label label;

	works(f, label_read(m, archive_keys(f->a), &label, &f->err));
	return label.medium;
}

/* As an adding leaves it that is killed before its commit. */
static void leave_label(struct fixture *f, const char *name, unsigned number)
{
	CLEAN(medium) m = folder_of(f, name);
	struct label label = {.medium = number, .made_s = 1000};

	works(f, label_write(m, archive_keys(f->a), &label, &f->err));
}

static void put(struct fixture *f, const char *place, const char *name, struct view content)
{
	CLEAN(medium) m = folder_of(f, place);
	CLEAN(medium_file) file = NULL;

	works(f, medium_create(m, name, &file, &f->err));
	works(f, medium_append(file, content.data, content.len, &f->err));
	works(f, medium_sync(file, &f->err));
}

static void drop(struct fixture *f, const char *place, const char *name)
{
	CLEAN(medium) m = folder_of(f, place);

	works(f, medium_remove(m, name, &f->err));
}

struct copying {
	struct medium *from, *to;
};

static int copy_one(void *arg, const char *name, uint64_t size, struct err *err)
{
	struct copying *c = arg;

	return copy_file(c->from, c->to, name, size, NULL, err);
}

/* Packs alone, or all that is there. */
static void copy(struct fixture *f, const char *from, const char *to, const char *what)
{
	CLEAN(medium) source = folder_of(f, from);
	CLEAN(medium) target = folder_of(f, to);
	struct copying c = {source, target};

	works(f, medium_list(source, what, copy_one, &c, &f->err));
}

static const char *pack_file(uint64_t pack)
{
	static char name[64];

	return pack_name(pack, name);
}

/* One pack, sealed, on the active medium. */
static struct uuid take(struct fixture *f, const char *raw)
{
	const struct arrival arrival = {.raw = VIEW(raw)};

	return fixture_take(f, &arrival).id;
}

static void forget_hashes(struct fixture *f)
{
	works(f, db_run(catalog_db(archive_catalog(f->a)), &f->err,
			"UPDATE packs SET hash = NULL WHERE ?1", BIND_INT(1)));
}

/* ---- adding ---- */

static void a_place_is_added_with_the_next_number_and_its_label(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	struct medium_row row;

	assert_int_equal(add(f, "two", false), 2);
	row = row_of(f, arena, 2);
	assert_int_equal(row.state, MEDIUM_IN_USE);
	assert_int_equal(row.answers, MEDIUM_ANSWERS);
	assert_true(row.total_bytes > 0 && !row.active);
	assert_int_equal(label_of(f, "two"), 2);
	assert_int_equal(add(f, "three", true), 3);
	assert_true(row_of(f, arena, 3).active);
	assert_false(row_of(f, arena, 1).active);
	take(f, MAIL(1));
	take(f, MAIL(2));
	assert_int_equal(row_of(f, arena, 3).packs, 2);
}

static void a_place_that_cannot_be_used_is_not_added(void **state)
{
	struct fixture *f = *state;
	const struct site none = {.location = "/proc/none"};
	unsigned number;

	refused(f, media_add_site(f->a, &none, true, &number, &f->err), ERR_NOTFOUND, "/proc/none");
	fixture_write(fixture_path(f, "file"), VIEW("x"));
	assert_int_equal(try_add(f, "file/below", true, &number), -1);
	err_clear(&f->err);
	assert_int_equal(count_media(f), 1);
}

static void a_number_is_never_given_twice(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(add(f, "two", false), 2);
	works(f, media_remove(f->a, 2, &f->err));
	assert_int_equal(count_media(f), 1);
	assert_int_equal(add(f, "two", false), 3);
	assert_int_equal(label_of(f, "two"), 3);
}

static void the_number_after_the_last_is_refused_in_words(void **state)
{
	struct fixture *f = *state;
	const struct site site = {.location = "/nowhere"};
	CLEAN(arena) arena = arena_new();
	struct medium_row row;
	unsigned number;

	for (unsigned n = 2; n <= MEDIA_MAX; n++) {
		works(f, media_add(archive_catalog(f->a), &site, false, &number, &f->err));
		works(f, media_remove(f->a, number, &f->err));
	}
	refused(f, try_add(f, "more", true, &number), ERR_DENIED, "256 media at most");
	assert_int_equal(media_get(archive_catalog(f->a), arena, MEDIA_MAX + 1, &row, &f->err), 0);
	assert_int_equal(count_media(f), 1);
}

/* ---- what an interrupted adding leaves (N4) ---- */

static void a_label_whose_number_was_never_committed_makes_room(void **state)
{
	struct fixture *f = *state;

	leave_label(f, "two", 2);
	assert_int_equal(add(f, "two", false), 2);
	leave_label(f, "three", 200);
	assert_int_equal(add(f, "three", false), 3);
	assert_int_equal(label_of(f, "three"), 3);
}

static void half_a_label_makes_room(void **state)
{
	struct fixture *f = *state;

	put(f, "two", "medium.json", VIEW("{\"sealpost\": \"med"));
	assert_int_equal(add(f, "two", false), 2);
	put(f, "three", "medium.json", VIEW(""));
	assert_int_equal(add(f, "three", false), 3);
	assert_int_equal(label_of(f, "three"), 3);
}

static void no_label_is_removed_where_packs_lie(void **state)
{
	struct fixture *f = *state;
	unsigned number;

	leave_label(f, "two", 200);
	put(f, "two", pack_file(7), VIEW("x"));
	refused(f, try_add(f, "two", true, &number), ERR_EXISTS, "sealpost rebuild");
	assert_int_equal(label_of(f, "two"), 200);
	put(f, "three", "medium.json", VIEW("{"));
	put(f, "three", pack_file(7), VIEW("x"));
	refused(f, try_add(f, "three", true, &number), ERR_DAMAGED, "its number cannot be told");
	assert_int_equal(count_media(f), 1);
}

static void a_label_whose_number_went_elsewhere_since_makes_room(void **state)
{
	struct fixture *f = *state;
	unsigned number;

	leave_label(f, "left", 2);
	assert_int_equal(add(f, "two", false), 2);
	assert_int_equal(add(f, "left", false), 3);
	assert_int_equal(label_of(f, "left"), 3);
	/* not while nobody can tell which of the two it is */
	leave_label(f, "doubt", 2);
	assert_int_equal(rename(fixture_path(f, "two"), fixture_path(f, "away")), 0);
	refused(f, try_add(f, "doubt", false, &number), ERR_EXISTS, "is medium 2");
	assert_int_equal(label_of(f, "doubt"), 2);
}

static void a_medium_is_not_added_twice_by_another_name(void **state)
{
	struct fixture *f = *state;
	unsigned number;

	assert_int_equal(add(f, "two", false), 2);
	refused(f, try_add(f, "two", false, &number), ERR_EXISTS, "medium 2 of this archive");
	assert_int_equal(symlink(fixture_path(f, "two"), fixture_path(f, "link")), 0);
	refused(f, try_add(f, "link", false, &number), ERR_EXISTS, "medium set 2 --location");
	copy(f, "two", "copy", "");
	refused(f, try_add(f, "copy", false, &number), ERR_EXISTS, "is medium 2");
	assert_int_equal(label_of(f, "two"), 2);
	assert_int_equal(count_media(f), 2);
}

static void an_archives_own_folder_is_no_place_for_another(void **state)
{
	struct fixture *f = *state;
	CLEAN(medium) m = NULL;
	unsigned number;

	assert_int_equal(add(f, "two", false), 2);
	m = folder_of(f, "two");
	refused(f,
		media_add_site(f->a, &(struct site){.location = medium_location(m)}, false, &number,
			       &f->err),
		ERR_FOREIGN, "itself the folder of an archive");
}

/* The label of another archive, in the folder of this one. */
static void put_foreign_label(struct fixture *f, const char *place)
{
	CLEAN(archive) other = NULL;
	CLEAN(medium) m = folder_of(f, place);
	struct label label = {.medium = 2};

	if (access(fixture_path(f, "other"), F_OK) != 0)
		works(f, archive_init(fixture_path(f, "other"), "Other", NULL, &f->err));
	works(f, archive_open(fixture_path(f, "other"), &other, &f->err));
	works(f, label_write(m, archive_keys(other), &label, &f->err));
}

static void another_archives_label_is_left_alone(void **state)
{
	struct fixture *f = *state;
	CLEAN(medium) m = NULL;
	unsigned number;
	uint64_t size;

	put_foreign_label(f, "two");
	refused(f, try_add(f, "two", true, &number), ERR_FOREIGN, "another archive's");
	m = folder_of(f, "two");
	works(f, medium_size(m, "medium.json", &size, &f->err));
	assert_int_equal(count_media(f), 1);
}

/* ---- moving ---- */

static void a_medium_moves_to_where_its_label_and_its_packs_are(void **state)
{
	struct fixture *f = *state;
	struct uuid id = take(f, MAIL(1));
	CLEAN(arena) arena = arena_new();
	uint64_t missing;

	copy(f, "archive/media/1", "new", "");
	works(f, move(f, 1, "new", &missing));
	assert_int_equal(missing, 0);
	assert_string_equal(row_of(f, arena, 1).location, fixture_path(f, "new"));
	fixture_remove(fixture_path(f, "archive/media"));
	fixture_holds(f, &id, VIEW(MAIL(1)));
}

static void a_medium_moves_nowhere_without_its_label(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	uint64_t missing;

	assert_int_equal(add(f, "two", false), 2);
	refused(f, move(f, 1, "two", &missing), ERR_OFFLINE, "number 2 of this archive");
	refused(f, move(f, 1, "none", &missing), ERR_OFFLINE, "No such file");
	medium_free(&(struct medium *){folder_of(f, "empty")});
	refused(f, move(f, 1, "empty", &missing), ERR_OFFLINE, "is empty");
	put_foreign_label(f, "foreign");
	refused(f, move(f, 1, "foreign", &missing), ERR_OFFLINE, "not this archive's");
	put(f, "torn", "medium.json", VIEW("{"));
	refused(f, move(f, 1, "torn", &missing), ERR_OFFLINE, "is damaged");
	refused(f, move(f, 9, "two", &missing), ERR_NOTFOUND, "there is no medium 9");
	assert_string_equal(row_of(f, arena, 1).location, "media/1");
}

static void a_copy_that_was_made_too_early_is_refused_while_the_medium_answers(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	uint64_t missing;

	take(f, MAIL(1));
	copy(f, "archive/media/1", "new", "");
	take(f, MAIL(2));
	refused(f, move(f, 1, "new", &missing), ERR_DENIED, "1 of its packs are not there");
	assert_string_equal(row_of(f, arena, 1).location, "media/1");
	/* a medium that is lost: what its copy has is better than nothing */
	fixture_remove(fixture_path(f, "archive/media"));
	works(f, move(f, 1, "new", &missing));
	assert_int_equal(missing, 1);
}

static void a_medium_does_not_move_from_under_its_writer(void **state)
{
	struct fixture *f = *state;
	const struct arrival arrival = ARRIVAL(MAIL(1));
	CLEAN(taker) taker = taker_new(f->a, true);
	struct archive *mine = f->a;
	CLEAN(archive) other = NULL;
	uint64_t missing;

	fixture_give(f, taker, &arrival);
	copy(f, "archive/media/1", "new", "");
	works(f, archive_open(f->archive, &other, &f->err));
	f->a = other;
	refused(f, move(f, 1, "new", &missing), ERR_BUSY, "being written to medium 1");
	f->a = mine;
	works(f, taker_finish(taker, &f->err));
	refused(f, move(f, 1, "new", &missing), ERR_DENIED, "not whole");
}

static void whoever_has_the_archive_open_notices_the_move(void **state)
{
	struct fixture *f = *state;
	struct uuid first = take(f, MAIL(1)), second;
	struct archive *mine = f->a;
	CLEAN(archive) other = NULL;
	uint64_t missing;

	fixture_holds(f, &first, VIEW(MAIL(1)));
	assert_int_equal(rename(fixture_path(f, "archive/media/1"), fixture_path(f, "new")), 0);
	works(f, archive_open(f->archive, &other, &f->err));
	f->a = other;
	works(f, move(f, 1, "new", &missing));
	f->a = mine;
	fixture_holds(f, &first, VIEW(MAIL(1)));
	second = take(f, MAIL(2));
	fixture_holds(f, &second, VIEW(MAIL(2)));
	assert_int_not_equal(access(fixture_path(f, "archive/media/1"), F_OK), 0);
}

static unsigned add_share(struct fixture *f)
{
	CLEAN(secret) password = secret_copy("secret", 6);
	const struct site share = {.location = SHARE, .user = "anna", .password = password};
	unsigned number;

	works(f, media_add(archive_catalog(f->a), &share, false, &number, &f->err));
	return number;
}

static void a_share_becomes_no_folder_while_packs_wait_for_it(void **state)
{
	struct fixture *f = *state;
	unsigned number = add_share(f);
	uint64_t pack, missing;

	leave_label(f, "two", number);
	works(f, packs_new(archive_catalog(f->a), number, true, &pack, &f->err));
	refused(f, move(f, number, "two", &missing), ERR_DENIED, "waits in staging");
	works(f, packs_set_staged(archive_catalog(f->a), pack, false, &f->err));
	works(f, packs_set(archive_catalog(f->a), pack, PACK_VOID, 0, &f->err));
	works(f, move(f, number, "two", &missing));
}

/* ---- states ---- */

static void an_active_medium_is_neither_deactivated_nor_removed(void **state)
{
	struct fixture *f = *state;

	refused(f, media_deactivate(f->a, 1, &f->err), ERR_DENIED, "is the active one");
	refused(f, media_remove(f->a, 1, &f->err), ERR_DENIED, "is the active one");
	refused(f, media_redirect(f->a, 1, add(f, "two", false), NULL, NULL, &f->err), ERR_DENIED,
		"is the active one");
}

static void a_writer_goes_on_on_the_medium_that_becomes_active(void **state)
{
	struct fixture *f = *state;
	const struct arrival first = ARRIVAL(MAIL(1)), second = ARRIVAL(MAIL(2));
	CLEAN(taker) taker = taker_new(f->a, true);
	CLEAN(arena) arena = arena_new();

	fixture_give(f, taker, &first);
	assert_int_equal(add(f, "two", true), 2);
	works(f, media_deactivate(f->a, 1, &f->err));
	fixture_give(f, taker, &second);
	assert_int_equal(row_of(f, arena, 1).packs, 1);
	assert_int_equal(row_of(f, arena, 2).packs, 1);
	works(f, taker_finish(taker, &f->err));
}

static void what_is_deactivated_is_offline_and_never_active(void **state)
{
	struct fixture *f = *state;
	struct uuid id = take(f, MAIL(1));
	CLEAN(arena) arena = arena_new();
	struct medium *m;

	assert_int_equal(add(f, "two", true), 2);
	works(f, media_deactivate(f->a, 1, &f->err));
	refused(f, archive_medium(f->a, 1, &m, &f->err), ERR_OFFLINE, "reactivate 1");
	refused(f, media_activate(f->a, 1, &f->err), ERR_DENIED, "is deactivated");
	works(f, media_reactivate(f->a, 1, &f->err));
	fixture_holds(f, &id, VIEW(MAIL(1)));
	assert_false(row_of(f, arena, 1).active);
	works(f, media_activate(f->a, 1, &f->err));
	assert_true(row_of(f, arena, 1).active);
	assert_false(row_of(f, arena, 2).active);
}

static void a_medium_that_does_not_answer_is_not_activated(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();

	assert_int_equal(add(f, "two", false), 2);
	assert_int_equal(rename(fixture_path(f, "two"), fixture_path(f, "away")), 0);
	refused(f, media_activate(f->a, 2, &f->err), ERR_OFFLINE, "No such file");
	assert_false(row_of(f, arena, 2).active);
	assert_true(row_of(f, arena, 1).active);
}

static void what_holds_mail_or_has_a_higher_one_that_does_is_never_removed(void **state)
{
	struct fixture *f = *state;

	take(f, MAIL(1));
	assert_int_equal(add(f, "two", false), 2);
	assert_int_equal(add(f, "three", true), 3);
	assert_int_equal(add(f, "four", false), 4);
	refused(f, media_remove(f->a, 1, &f->err), ERR_DENIED, "holds mail (1 pack)");
	take(f, MAIL(2));
	refused(f, media_remove(f->a, 2, &f->err), ERR_DENIED,
		"higher-numbered one that holds mail (medium 3)");
	works(f, media_remove(f->a, 4, &f->err));
	refused(f, media_remove(f->a, 4, &f->err), ERR_NOTFOUND, "there is no medium 4");
	refused(f, media_activate(f->a, 4, &f->err), ERR_NOTFOUND, "there is no medium 4");
}

static void a_replaced_pack_keeps_its_medium_until_it_is_gone(void **state)
{
	struct fixture *f = *state;
	struct catalog *c = archive_catalog(f->a);
	uint64_t old, by;

	assert_int_equal(add(f, "two", true), 2);
	take(f, MAIL(1));
	works(f, packs_highest(c, &old, &f->err));
	works(f, media_activate(f->a, 1, &f->err));
	take(f, MAIL(2));
	works(f, packs_highest(c, &by, &f->err));
	works(f, packs_replaced(c, old, by, &f->err));
	refused(f, media_remove(f->a, 2, &f->err), ERR_DENIED, "wait for their removal");
	works(f, packs_set(c, old, PACK_REMOVED, 1, &f->err));
	works(f, media_remove(f->a, 2, &f->err));
}

static void what_stands_for_another_is_never_removed(void **state)
{
	struct fixture *f = *state;
	struct uuid id = take(f, MAIL(1));

	assert_int_equal(add(f, "two", false), 2);
	assert_int_equal(add(f, "three", true), 3);
	copy(f, "archive/media/1", "two", "packs");
	works(f, media_redirect(f->a, 1, 2, NULL, NULL, &f->err));
	refused(f, media_remove(f->a, 2, &f->err), ERR_DENIED, "stands for medium 1");
	fixture_holds(f, &id, VIEW(MAIL(1)));
}

static void of_a_removed_share_the_log_in_is_forgotten(void **state)
{
	struct fixture *f = *state;
	unsigned number = add_share(f);
	CLEAN(arena) arena = arena_new();
	CLEAN(secret) password = NULL;
	struct site site;

	works(f, media_remove(f->a, number, &f->err));
	assert_int_equal(
		media_site(archive_catalog(f->a), arena, number, &site, &password, &f->err), 1);
	assert_string_equal(site.user, "");
	assert_null(password);
}

/* ---- redirecting ---- */

/* Two packs on medium 1, a copy of them on 2, and 3 is active. */
static void copy_to_two(struct fixture *f, struct uuid ids[2])
{
	ids[0] = take(f, MAIL(1));
	ids[1] = take(f, MAIL(2));
	assert_int_equal(add(f, "two", false), 2);
	assert_int_equal(add(f, "three", true), 3);
	copy(f, "archive/media/1", "two", "packs");
}

static int redirect(struct fixture *f, unsigned old, unsigned new)
{
	return media_redirect(f->a, old, new, NULL, NULL, &f->err);
}

static void is_redirected(struct fixture *f, const struct uuid ids[2])
{
	CLEAN(arena) arena = arena_new();

	assert_int_equal(row_of(f, arena, 1).state, MEDIUM_REDIRECTED);
	fixture_remove(fixture_path(f, "archive/media"));
	fixture_reopen(f);
	fixture_holds(f, &ids[0], VIEW(MAIL(1)));
	fixture_holds(f, &ids[1], VIEW(MAIL(2)));
}

static void is_as_it_was(struct fixture *f)
{
	CLEAN(arena) arena = arena_new();

	assert_int_equal(row_of(f, arena, 1).state, MEDIUM_IN_USE);
	assert_int_equal(row_of(f, arena, 1).redirect, 0);
	assert_int_equal(row_of(f, arena, 1).packs, 2);
}

static void count_progress(void *arg, uint64_t packs, uint64_t total)
{
	assert_true(packs < total);
	++*(unsigned *)arg;
}

static void a_medium_all_of_whose_packs_were_copied_is_redirected(void **state)
{
	struct fixture *f = *state;
	struct uuid ids[2];
	unsigned seen = 0;

	copy_to_two(f, ids);
	works(f, media_redirect(f->a, 1, 2, count_progress, &seen, &f->err));
	assert_int_equal(seen, 2);
	is_redirected(f, ids);
	refused(f, media_activate(f->a, 1, &f->err), ERR_DENIED, "is redirected to medium 2");
	refused(f, media_reactivate(f->a, 1, &f->err), ERR_DENIED, "is redirected to medium 2");
	refused(f, media_deactivate(f->a, 1, &f->err), ERR_DENIED, "is redirected to medium 2");
	refused(f, redirect(f, 1, 3), ERR_DENIED, "is redirected to medium 2 already");
	refused(f, redirect(f, 2, 1), ERR_DENIED, "medium 1 is not in use");
}

static void evidence_on_the_old_medium_alone_must_be_copied_too(void **state)
{
	static const struct stamp_row stamp = {.stamp = 1, .digest = DIGEST_SHA256, .leaves = 1};
	struct fixture *f = *state;
	struct uuid ids[2];

	copy_to_two(f, ids);
	works(f, stamps_add(archive_catalog(f->a), &stamp, &f->err));
	put(f, "archive/media/1", "evidence/00000001.evidence", VIEW("sealed"));
	refused(f, redirect(f, 1, 2), ERR_DAMAGED, "copy its folder evidence, too");
	is_as_it_was(f);
	copy(f, "archive/media/1", "two", "evidence");
	works(f, redirect(f, 1, 2));
	is_redirected(f, ids);
}

static void an_unknown_hash_is_computed_of_the_old_medium(void **state)
{
	struct fixture *f = *state;
	struct uuid ids[2];

	copy_to_two(f, ids);
	forget_hashes(f);
	works(f, redirect(f, 1, 2));
	is_redirected(f, ids);
}

static void a_pack_that_nobody_can_compare_proves_itself_by_the_key(void **state)
{
	struct fixture *f = *state;
	struct uuid ids[2];

	copy_to_two(f, ids);
	forget_hashes(f);
	drop(f, "archive/media/1", pack_file(1)); /* that it loses packs is why it is given up */
	works(f, redirect(f, 1, 2));
	is_redirected(f, ids);
}

static void the_old_medium_need_not_be_there(void **state)
{
	struct fixture *f = *state;
	struct uuid ids[2];

	copy_to_two(f, ids);
	forget_hashes(f);
	fixture_remove(fixture_path(f, "archive/media"));
	works(f, redirect(f, 1, 2));
	is_redirected(f, ids);
}

static void nothing_is_redirected_while_a_pack_is_missing(void **state)
{
	struct fixture *f = *state;
	struct uuid ids[2];

	copy_to_two(f, ids);
	drop(f, "two", pack_file(2));
	refused(f, redirect(f, 1, 2), ERR_DAMAGED, "1 pack of medium 1 is not there");
	drop(f, "two", pack_file(1));
	refused(f, redirect(f, 1, 2), ERR_DAMAGED, "2 packs of medium 1 are not there");
	is_as_it_was(f);
	copy(f, "archive/media/1", "two", "packs");
	works(f, redirect(f, 1, 2));
}

/* Another byte at OFFSET of pack 1, on medium 2. */
static void spoil(struct fixture *f, uint64_t offset)
{
	CLEAN(medium) m = folder_of(f, "two");
	CLEAN_STR bytes = STR_INIT;
	uint64_t size;
	size_t got;

	works(f, medium_size(m, pack_file(1), &size, &f->err));
	str_reserve(&bytes, size);
	works(f, medium_read(m, pack_file(1), 0, bytes.data, size, &got, &f->err));
	bytes.data[offset < size ? offset : size - 1] ^= 1;
	works(f, medium_remove(m, pack_file(1), &f->err));
	put(f, "two", pack_file(1), (struct view){bytes.data, size});
}

static void nothing_is_redirected_while_a_pack_differs(void **state)
{
	struct fixture *f = *state;
	struct uuid ids[2];

	copy_to_two(f, ids);
	spoil(f, UINT64_MAX);
	refused(f, redirect(f, 1, 2), ERR_DAMAGED, "nothing was changed");
	forget_hashes(f);
	refused(f, redirect(f, 1, 2), ERR_DAMAGED, "nothing was changed");
	fixture_remove(fixture_path(f, "archive/media"));
	fixture_reopen(f);
	refused(f, redirect(f, 1, 2), ERR_DAMAGED, "nothing was changed");
	spoil(f, UINT64_MAX); /* the same bit once more: it is right again */
	spoil(f, 300);
	refused(f, redirect(f, 1, 2), ERR_DAMAGED, "nothing was changed");
	is_as_it_was(f);
	spoil(f, 300);
	works(f, redirect(f, 1, 2));
	is_redirected(f, ids);
}

static void nothing_is_redirected_to_where_it_cannot_be(void **state)
{
	struct fixture *f = *state;
	struct uuid ids[2];

	copy_to_two(f, ids);
	refused(f, redirect(f, 1, 1), ERR_DENIED, "cannot stand for itself");
	refused(f, redirect(f, 1, 9), ERR_NOTFOUND, "there is no medium 9");
	refused(f, redirect(f, 9, 1), ERR_NOTFOUND, "there is no medium 9");
	works(f, media_deactivate(f->a, 2, &f->err));
	refused(f, redirect(f, 1, 2), ERR_DENIED, "medium 2 is not in use");
	works(f, media_reactivate(f->a, 2, &f->err));
	assert_int_equal(rename(fixture_path(f, "two"), fixture_path(f, "away")), 0);
	refused(f, redirect(f, 1, 2), ERR_OFFLINE, "medium 2");
	is_as_it_was(f);
}

static void nothing_is_redirected_that_is_still_being_written(void **state)
{
	struct fixture *f = *state;
	const struct arrival arrival = ARRIVAL(MAIL(3));
	CLEAN(taker) taker = taker_new(f->a, true);

	assert_int_equal(add(f, "two", false), 2);
	fixture_give(f, taker, &arrival);
	works(f, media_activate(f->a, 2, &f->err));
	refused(f, redirect(f, 1, 2), ERR_DENIED, "is being written");
	works(f, taker_finish(taker, &f->err));
}

static void a_chain_of_redirects_leads_to_its_end(void **state)
{
	struct fixture *f = *state;
	struct uuid ids[2];
	CLEAN(arena) arena = arena_new();

	copy_to_two(f, ids);
	works(f, redirect(f, 1, 2));
	assert_int_equal(add(f, "four", false), 4);
	refused(f, redirect(f, 2, 4), ERR_DAMAGED, "2 packs of medium 2");
	copy(f, "two", "four", "packs");
	works(f, redirect(f, 2, 4));
	fixture_remove(fixture_path(f, "two"));
	is_redirected(f, ids);
	refused(f, media_remove(f->a, 2, &f->err), ERR_DENIED, "stands for medium 1");
	assert_int_equal(row_of(f, arena, 2).redirect, 4);
}

static void a_medium_that_fails_while_it_is_compared_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct uuid ids[2];
	struct medium *m;

	copy_to_two(f, ids);
	m = medium_faulty_new(folder_of(f, "two"));
	archive_use_medium(f->a, 2, m);
	for (uint64_t call = 1;; call++) {
		medium_faulty_set(
			m, &(struct medium_faulty_plan){.fault = FAULT_OFFLINE, .at_call = call});
		if (redirect(f, 1, 2) == 0) {
			assert_true(call > 2 && medium_faulty_calls(m) < call);
			break;
		}
		refused(f, -1, ERR_OFFLINE, "made to be away");
		is_as_it_was(f);
	}
	is_redirected(f, ids);
}

static void wrong_bytes_are_no_redirect(void **state)
{
	struct fixture *f = *state;
	struct uuid ids[2];
	struct medium *m;

	copy_to_two(f, ids);
	m = medium_faulty_new(folder_of(f, "two"));
	archive_use_medium(f->a, 2, m);
	medium_faulty_set(m, &(struct medium_faulty_plan){
				     .fault = FAULT_WRONG_BYTES, .at_call = 1, .for_ever = true});
	refused(f, redirect(f, 1, 2), ERR_DAMAGED, "2 packs of medium 1 are not there");
	is_as_it_was(f);
}

/* ---- asking ---- */

static void how_a_medium_is_found_is_kept(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	struct medium_row was, now;
	struct err why = {0};

	assert_int_equal(add(f, "two", false), 2);
	was = row_of(f, arena, 2);
	works(f, media_ask(f->a, 2, true, &why, &f->err));
	assert_int_equal(why.kind, ERR_NONE);
	now = row_of(f, arena, 2);
	assert_true(now.since_s == was.since_s && now.asked_s >= was.asked_s);
	assert_int_equal(rename(fixture_path(f, "two"), fixture_path(f, "away")), 0);
	works(f, media_ask(f->a, 2, false, &why, &f->err));
	assert_int_equal(why.kind, ERR_OFFLINE);
	now = row_of(f, arena, 2);
	assert_int_equal(now.answers, MEDIUM_SILENT);
	assert_string_equal(now.trouble, why.text);
	assert_true(now.total_bytes == was.total_bytes); /* as it was when it last answered */
	assert_int_equal(rename(fixture_path(f, "away"), fixture_path(f, "two")), 0);
	works(f, media_ask(f->a, 2, false, &why, &f->err));
	now = row_of(f, arena, 2);
	assert_int_equal(now.answers, MEDIUM_ANSWERS);
	assert_string_equal(now.trouble, "");
	refused(f, media_ask(f->a, 9, true, &why, &f->err), ERR_NOTFOUND, "there is no medium 9");
}

static void the_overview_asks_local_media_and_leaves_out_removed_ones(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	struct medium_row *rows;
	size_t n;

	assert_int_equal(add(f, "two", false), 2);
	assert_int_equal(add(f, "three", false), 3);
	works(f, media_remove(f->a, 2, &f->err));
	assert_int_equal(add_share(f), 4);
	assert_int_equal(rename(fixture_path(f, "three"), fixture_path(f, "away")), 0);
	works(f, media_overview(f->a, arena, &rows, &n, &f->err));
	assert_int_equal(n, 3);
	assert_int_equal(rows[0].answers, MEDIUM_ANSWERS);
	assert_int_equal(rows[1].medium, 3);
	assert_int_equal(rows[1].answers, MEDIUM_SILENT);
	assert_non_null(strstr(rows[1].trouble, "may not be mounted"));
	assert_int_equal(rows[2].answers, MEDIUM_NOT_ASKED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_place_is_added_with_the_next_number_and_its_label),
		TEST(a_place_that_cannot_be_used_is_not_added),
		TEST(a_number_is_never_given_twice),
		TEST(the_number_after_the_last_is_refused_in_words),
		TEST(a_label_whose_number_was_never_committed_makes_room),
		TEST(half_a_label_makes_room),
		TEST(no_label_is_removed_where_packs_lie),
		TEST(a_label_whose_number_went_elsewhere_since_makes_room),
		TEST(a_medium_is_not_added_twice_by_another_name),
		TEST(an_archives_own_folder_is_no_place_for_another),
		TEST(another_archives_label_is_left_alone),
		TEST(a_medium_moves_to_where_its_label_and_its_packs_are),
		TEST(a_medium_moves_nowhere_without_its_label),
		TEST(a_copy_that_was_made_too_early_is_refused_while_the_medium_answers),
		TEST(a_medium_does_not_move_from_under_its_writer),
		TEST(whoever_has_the_archive_open_notices_the_move),
		TEST(a_share_becomes_no_folder_while_packs_wait_for_it),
		TEST(an_active_medium_is_neither_deactivated_nor_removed),
		TEST(a_writer_goes_on_on_the_medium_that_becomes_active),
		TEST(what_is_deactivated_is_offline_and_never_active),
		TEST(a_medium_that_does_not_answer_is_not_activated),
		TEST(what_holds_mail_or_has_a_higher_one_that_does_is_never_removed),
		TEST(a_replaced_pack_keeps_its_medium_until_it_is_gone),
		TEST(what_stands_for_another_is_never_removed),
		TEST(of_a_removed_share_the_log_in_is_forgotten),
		TEST(a_medium_all_of_whose_packs_were_copied_is_redirected),
		TEST(evidence_on_the_old_medium_alone_must_be_copied_too),
		TEST(an_unknown_hash_is_computed_of_the_old_medium),
		TEST(a_pack_that_nobody_can_compare_proves_itself_by_the_key),
		TEST(the_old_medium_need_not_be_there),
		TEST(nothing_is_redirected_while_a_pack_is_missing),
		TEST(nothing_is_redirected_while_a_pack_differs),
		TEST(nothing_is_redirected_to_where_it_cannot_be),
		TEST(nothing_is_redirected_that_is_still_being_written),
		TEST(a_chain_of_redirects_leads_to_its_end),
		TEST(a_medium_that_fails_while_it_is_compared_changes_nothing),
		TEST(wrong_bytes_are_no_redirect),
		TEST(how_a_medium_is_found_is_kept),
		TEST(the_overview_asks_local_media_and_leaves_out_removed_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
