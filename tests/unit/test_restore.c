/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The server is lost. What comes back from the media, or from a mirror of them, with and without a backup of the
 * catalog; what is told of the rest; and that a drill does no harm. */
#include "backup/restore.h"

#include "app/archive/erase.h"
#include "app/archive/verify.h"
#include "app/catalog/notes.h"
#include "backup/database.h"
#include "base/file.h"
#include "storage/label.h"
#include "tests/unit/fixture.h"

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>

/* ---- an archive with a medium of its own ---- */

static const char *medium(struct fixture *f)
{
	return fixture_path(f, "medium");
}

static int setup(void **state)
{
	struct fixture *f;

	mail_init();
	if (fixture_folder(state) < 0)
		return -1;
	f = *state;
	if (archive_init(f->archive, "Test", medium(f), &f->err) < 0 ||
	    archive_open(f->archive, &f->a, &f->err) < 0)
		fail_msg("%s", f->err.text);
	return 0;
}

static void number_mail(struct str *raw, int i)
{
	str_reset(raw);
	str_addf(raw,
		 "From: anna@example.org\nTo: bert@example.org\nSubject: number %d\n"
		 "Message-ID: <%d@x>\nDate: Mon, 2 Jan 2023 10:00:00 +0000\n\nword%d\n",
		 i, i, i);
}

static struct uuid take(struct fixture *f, int i)
{
	CLEAN_STR raw = STR_INIT;

	number_mail(&raw, i);
	return fixture_take(f, &(struct arrival){.raw = str_view(&raw)}).id;
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

static void backup(struct fixture *f, bool full)
{
	struct database_report report;

	if (database_backup(f->a, full, &report, &f->err) < 0)
		fail_msg("%s", f->err.text);
	assert_int_equal(report.header.is_full, full);
}

static void note(struct fixture *f, const struct uuid *id, const char *tags, const char *text)
{
	CLEAN(arena) arena = arena_new();

	if (notes_set(archive_catalog(f->a),
		      &(struct note){0, fixture_row(f, arena, id).mail, VIEW(tags), VIEW(text)},
		      &f->err) < 0)
		fail_msg("%s", f->err.text);
}

static void has_note(struct fixture *f, const struct uuid *id, const char *tags, const char *text)
{
	CLEAN(arena) arena = arena_new();
	struct note got;

	assert_int_equal(notes_get(archive_catalog(f->a), arena, 0, fixture_row(f, arena, id).mail,
				   &got, &f->err),
			 1);
	assert_true(view_eq(got.tags, VIEW(tags)));
	assert_true(view_eq(got.text, VIEW(text)));
}

static struct keyring *load_key(struct fixture *f)
{
	struct keyring *keys = NULL;

	if (keyring_load(fixture_path(f, "archive/archive.key"), &keys, &f->err) < 0)
		fail_msg("%s", f->err.text);
	return keys;
}

/* The machine is gone, the key is on paper. */
static struct keyring *lose(struct fixture *f)
{
	struct keyring *keys = load_key(f);

	archive_free(&f->a);
	fixture_remove(f->archive);
	return keys;
}

static void restore_from(struct fixture *f, const struct keyring *keys, struct arena *arena,
			 const struct site *from, size_t n, struct restore_report *r)
{
	*r = (struct restore_report){.arena = arena};
	if (restore_archive(f->archive, keys, from, n, r, &f->err) < 0)
		fail_msg("%s", f->err.text);
	if (archive_open(f->archive, &f->a, &f->err) < 0)
		fail_msg("%s", f->err.text);
}

static void restore(struct fixture *f, const struct keyring *keys, struct arena *arena,
		    struct restore_report *r)
{
	const struct site from = {.location = medium(f)};

	restore_from(f, keys, arena, &from, 1, r);
}

static void refused(struct fixture *f, const struct keyring *keys, const char *dir,
		    const char *from, enum err_kind kind, const char *says)
{
	CLEAN(arena) arena = arena_new();
	struct restore_report r = {.arena = arena};
	const struct site site = {.location = from};

	err_clear(&f->err);
	assert_int_equal(restore_archive(dir, keys, &site, 1, &r, &f->err), -1);
	assert_string_equal(err_code(f->err.kind), err_code(kind));
	if (strstr(f->err.text, says) == NULL)
		fail_msg("%s", f->err.text);
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

static void lost_nothing(const struct restore_report *r)
{
	if (r->lost.n > 0)
		fail_msg("%s", r->lost.v[0]);
	assert_int_equal(r->mails_lost, 0);
}

/* ---- files of a medium ---- */

static struct {
	const char *from, *to;
	size_t len;
} copying;

static int copy_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	CLEAN_STR to = STR_INIT;

	(void)st, (void)ftw;
	str_addf(&to, "%s%s", copying.to, path + copying.len);
	if (type == FTW_D)
		return mkdir(to.data, 0700) < 0 ? -1 : 0;
	fixture_copy(path, to.data);
	return 0;
}

/* FROM with all below, as TO, which is not there. */
static void copy_tree(const char *from, const char *to)
{
	copying.from = from;
	copying.to = to;
	copying.len = strlen(from);
	assert_int_equal(nftw(from, copy_entry, 16, FTW_PHYS), 0);
}

/* The mirror's place, in which medium 1 is as it is now. */
static void mirror(struct fixture *f)
{
	struct err err = {0};

	assert_int_equal(dir_make(fixture_path(f, "mirror"), 0700, &err), 0);
	copy_tree(medium(f), fixture_path(f, "mirror/medium-1"));
}

static struct sha256 *summing;
static uint64_t summed;

static int sum_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	CLEAN_STR content = STR_INIT;
	struct err err = {0};

	(void)ftw;
	sha256_add(summing, path, strlen(path));
	sha256_add(summing, &st->st_mtim, sizeof(st->st_mtim));
	if (type == FTW_F) {
		assert_int_equal(file_read(path, 1 << 30, &content, &err), 0);
		sha256_add(summing, content.data, content.len);
	}
	summed++;
	return 0;
}

/* Names, times and bytes of all that is there. */
static struct hash sum_tree(const char *dir)
{
	struct hash hash;

	summing = sha256_new();
	summed = 0;
	assert_int_equal(nftw(dir, sum_entry, 16, FTW_PHYS), 0);
	hash = sha256_end(summing);
	sha256_free(&summing);
	return hash;
}

/* The path of NAME ("packs/00/00000001.pack") below PLACE. */
static char *path_on(const char *place, const struct keyring *keys, const char *name,
		     struct arena *arena)
{
	char uuid[UUID_TEXT + 1];

	return arena_f(arena, "%s/sealpost-%s/%s", place, uuid_text(keyring_archive(keys), uuid),
		       name);
}

static char *pack_on(const char *place, const struct keyring *keys, uint64_t pack,
		     struct arena *arena)
{
	char name[64];

	return path_on(place, keys, pack_name(pack, name), arena);
}

static uint64_t pack_of(struct fixture *f, const struct uuid *id)
{
	CLEAN(arena) arena = arena_new();

	return fixture_row(f, arena, id).record.pack;
}

/* One bit; in the middle with -1. */
static void flip(const char *path, long offset)
{
	int fd = open(path, O_RDWR);
	struct stat st;
	unsigned char c;

	assert_int_equal(fstat(fd, &st), 0);
	offset = offset < 0 ? st.st_size / 2 : offset;
	assert_int_equal(pread(fd, &c, 1, offset), 1);
	c ^= 1;
	assert_int_equal(pwrite(fd, &c, 1, offset), 1);
	close(fd);
}

static char newest[64];

static int newer_set(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	const char *name = path + ftw->base;

	(void)st;
	if (type == FTW_F && strstr(name, ".set") && strcmp(name, newest) > 0)
		snprintf(newest, sizeof(newest), "%s", name);
	return 0;
}

static char *newest_set(const char *place, const struct keyring *keys, struct arena *arena)
{
	newest[0] = '\0';
	assert_int_equal(nftw(path_on(place, keys, "catalog", arena), newer_set, 16, FTW_PHYS), 0);
	return path_on(place, keys, arena_f(arena, "catalog/%s", newest), arena);
}

static void reads_as_damaged(struct fixture *f, const struct uuid *id)
{
	CLEAN(arena) arena = arena_new();
	CLEAN(reader) reader = reader_new(f->a);
	struct mail_row row = fixture_row(f, arena, id);
	CLEAN_STR raw = STR_INIT;

	err_clear(&f->err);
	assert_int_equal(reader_mail(reader, &row, &raw, &f->err), -1);
	assert_string_equal(err_code(f->err.kind), "damaged");
}

/* ---- from a backup ---- */

static void a_full_backup_and_what_came_after_it_come_back(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	CLEAN(keyring) keys = NULL;
	struct restore_report r;
	struct uuid a = take(f, 1), b = take(f, 2), c, d;

	note(f, &a, "Steuer 2023", "asked on the phone");
	backup(f, true);
	c = take(f, 3);
	keys = lose(f);
	restore(f, keys, arena, &r);
	lost_nothing(&r);
	assert_non_null(r.backup);
	assert_int_equal(r.media, 1);
	assert_int_equal(r.mails, 3);
	assert_int_equal(r.mails_from_packs, 1);
	assert_int_equal(r.sets_passed_over, 0);
	has_note(f, &a, "Steuer 2023", "asked on the phone");
	holds(f, &a, 1);
	holds(f, &b, 2);
	holds(f, &c, 3);
	d = take(f, 4);
	holds(f, &d, 4);
	is_sound(f, 4);
}

static void a_full_backup_and_24_incremental_ones_come_back(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	CLEAN(keyring) keys = NULL;
	struct restore_report r;
	struct uuid ids[26];

	ids[0] = take(f, 0);
	backup(f, true);
	for (int i = 1; i <= 24; i++) {
		ids[i] = take(f, i);
		note(f, &ids[i], "hourly", "of this hour");
		backup(f, false);
	}
	keys = lose(f);
	restore(f, keys, arena, &r);
	lost_nothing(&r);
	assert_int_equal(r.mails, 25);
	assert_int_equal(r.mails_from_packs, 0);
	for (int i = 1; i <= 24; i++) {
		holds(f, &ids[i], i);
		has_note(f, &ids[i], "hourly", "of this hour");
	}
	is_sound(f, 25);
}

static void a_damaged_link_is_passed_over_for_the_one_before(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	CLEAN(keyring) keys = load_key(f);
	struct restore_report r;
	struct uuid a = take(f, 1), b, c;
	const char *damaged;

	note(f, &a, "early", "");
	backup(f, true);
	b = take(f, 2);
	note(f, &b, "late", "");
	backup(f, false);
	damaged = newest_set(medium(f), keys, arena);
	flip(damaged, -1);
	c = take(f, 3);
	keyring_free(&keys);
	keys = lose(f);
	restore(f, keys, arena, &r);
	lost_nothing(&r);
	assert_int_equal(r.sets_passed_over, 1);
	assert_non_null(strstr(r.passed_over_why, strrchr(damaged, '/') + 1));
	assert_non_null(strstr(r.backup, "full"));
	assert_int_equal(r.mails_from_packs, 2);
	has_note(f, &a, "early", "");
	holds(f, &b, 2);
	holds(f, &c, 3);
	is_sound(f, 3);
}

static void without_any_backup_all_mails_come_back(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	CLEAN(keyring) keys = NULL;
	struct restore_report r;
	struct uuid a = take(f, 1), b = take(f, 2);

	keys = lose(f);
	restore(f, keys, arena, &r);
	lost_nothing(&r);
	assert_null(r.backup);
	assert_int_equal(r.mails_from_packs, 2);
	holds(f, &a, 1);
	holds(f, &b, 2);
	is_sound(f, 2);
	take(f, 3);
	is_sound(f, 3);
}

static void what_was_erased_after_the_backup_stays_erased(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	CLEAN(keyring) keys = NULL;
	CLEAN(taker) taker = taker_new(f->a, true);
	CLEAN_STR raw = STR_INIT;
	CLEAN_STR attached = STR_INIT;
	struct erase_report erased;
	struct restore_report r;
	struct uuid a, b, c;

	number_mail(&raw, 1);
	a = fixture_give(f, taker, &(struct arrival){.raw = str_view(&raw)}).id;
	number_mail(&raw, 2);
	b = fixture_give(f, taker, &(struct arrival){.raw = str_view(&raw)}).id;
	fixture_attachment(&attached, "c@x", 3);
	c = fixture_give(f, taker, &(struct arrival){.raw = str_view(&attached)}).id;
	assert_int_equal(taker_finish(taker, &f->err), 0);
	taker_free(&taker);
	note(f, &b, "kept", "");
	backup(f, true);
	fixture_delete(f, &a);
	if (erase_index(f->a, &erased, &f->err) < 0 || erase_media(f->a, &erased, &f->err) < 0)
		fail_msg("%s", f->err.text);
	assert_int_equal(erased.packs, 1);
	keys = lose(f);
	restore(f, keys, arena, &r);
	lost_nothing(&r);
	assert_int_equal(r.mails, 2);
	assert_int_equal(mail_find(f->a, arena, &a, &(struct mail_row){0}, &f->err), 0);
	assert_string_equal(err_code(f->err.kind), "erased");
	holds(f, &b, 2);
	has_note(f, &b, "kept", "");
	fixture_holds(f, &c, str_view(&attached));
	assert_int_equal(fixture_count(f, "word1"), 0);
	is_sound(f, 2);
}

/* ---- from a mirror ---- */

static void a_mirror_becomes_the_medium(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	CLEAN(keyring) keys = NULL;
	const struct site from = {.location = arena_str(arena, fixture_path(f, "mirror"))};
	struct medium_row row;
	struct restore_report r;
	struct uuid a = take(f, 1), b;

	if (mirror_set_site(archive_catalog(f->a), &from, &f->err) < 0)
		fail_msg("%s", f->err.text);
	backup(f, true);
	mirror(f);
	keys = lose(f);
	fixture_remove(medium(f));
	restore_from(f, keys, arena, &from, 1, &r);
	lost_nothing(&r);
	assert_true(r.mirror_is_medium);
	assert_int_equal(media_get(archive_catalog(f->a), arena, 1, &row, &f->err), 1);
	assert_string_equal(row.location, fixture_path(f, "mirror/medium-1"));
	assert_true(row.active);
	holds(f, &a, 1);
	b = take(f, 2);
	holds(f, &b, 2);
	is_sound(f, 2);
}

/* The backups of now lie in the mirror, beside the packs of then. */
static void mirror_backups(struct fixture *f, const struct keyring *keys, struct arena *arena)
{
	const char *there = path_on(fixture_path(f, "mirror/medium-1"), keys, "catalog", arena);

	fixture_remove(there);
	copy_tree(path_on(medium(f), keys, "catalog", arena), there);
}

static void a_mirror_made_while_mail_was_archived_gives_all_that_it_has(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	CLEAN(keyring) keys = load_key(f);
	CLEAN(taker) taker = NULL;
	CLEAN_STR raw = STR_INIT;
	const struct site from = {.location = arena_str(arena, fixture_path(f, "mirror"))};
	struct restore_report r;
	struct uuid a = take(f, 1), b, c, d;

	taker = taker_new(f->a, true);
	number_mail(&raw, 2);
	b = fixture_give(f, taker, &(struct arrival){.raw = str_view(&raw)}).id;
	mirror(f);
	number_mail(&raw, 3);
	c = fixture_give(f, taker, &(struct arrival){.raw = str_view(&raw)}).id;
	backup(f, true);
	taker_free(&taker);
	mirror_backups(f, keys, arena);
	keyring_free(&keys);
	keys = lose(f);
	fixture_remove(medium(f));
	restore_from(f, keys, arena, &from, 1, &r);
	assert_int_equal(r.mails_lost, 1);
	assert_int_equal(r.lost.n, 1);
	assert_non_null(strstr(r.lost.v[0], "in part only: 1 mail "));
	holds(f, &a, 1);
	holds(f, &b, 2);
	reads_as_damaged(f, &c);
	d = take(f, 4);
	holds(f, &d, 4);
}

static void a_missing_pack_costs_its_own_mails_and_no_others(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	CLEAN(keyring) keys = NULL;
	const struct site from = {.location = arena_str(arena, fixture_path(f, "mirror"))};
	struct restore_report r;
	struct uuid a = take(f, 1), b = take(f, 2), c = take(f, 3), d;
	uint64_t pack = pack_of(f, &b);

	backup(f, true);
	d = take(f, 4);
	mirror(f);
	keys = lose(f);
	unlink(pack_on(fixture_path(f, "mirror/medium-1"), keys, pack, arena));
	restore_from(f, keys, arena, &from, 1, &r);
	assert_int_equal(r.mails_lost, 1);
	assert_int_equal(r.lost.n, 1);
	assert_non_null(strstr(r.lost.v[0], "is missing: 1 mail "));
	assert_int_equal(r.mails, 4);
	holds(f, &a, 1);
	reads_as_damaged(f, &b);
	holds(f, &c, 3);
	holds(f, &d, 4);
}

/* It has the catalog of after the erasing and the packs of before. */
static void a_mirror_that_was_interrupted_after_an_erasing_gives_the_old_pack(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	CLEAN(keyring) keys = load_key(f);
	CLEAN(taker) taker = taker_new(f->a, true);
	CLEAN_STR raw = STR_INIT;
	const struct site from = {.location = arena_str(arena, fixture_path(f, "mirror"))};
	struct erase_report erased;
	struct restore_report r;
	struct uuid a, b;

	number_mail(&raw, 1);
	a = fixture_give(f, taker, &(struct arrival){.raw = str_view(&raw)}).id;
	number_mail(&raw, 2);
	b = fixture_give(f, taker, &(struct arrival){.raw = str_view(&raw)}).id;
	assert_int_equal(taker_finish(taker, &f->err), 0);
	taker_free(&taker);
	mirror(f);
	fixture_delete(f, &a);
	if (erase_index(f->a, &erased, &f->err) < 0 || erase_media(f->a, &erased, &f->err) < 0)
		fail_msg("%s", f->err.text);
	backup(f, true);
	assert_int_equal(
		dir_make(path_on(fixture_path(f, "mirror/medium-1"), keys, "catalog", arena), 0700,
			 &f->err),
		0);
	mirror_backups(f, keys, arena);
	keyring_free(&keys);
	keys = lose(f);
	fixture_remove(medium(f));
	restore_from(f, keys, arena, &from, 1, &r);
	assert_int_equal(r.mails_lost, 0);
	assert_int_equal(mail_find(f->a, arena, &a, &(struct mail_row){0}, &f->err), 0);
	assert_string_equal(err_code(f->err.kind), "erased");
	holds(f, &b, 2);
}

/* ---- several media ---- */

/* Another medium, which is the active one from now on. */
static void add_medium(struct fixture *f, const char *place)
{
	CLEAN(arena) arena = arena_new();
	CLEAN(keyring) keys = load_key(f);
	CLEAN(medium) m = NULL;
	const struct site site = {.location = place};
	struct label label = {.made_s = 1};
	const char *root = path_on(place, keys, "", arena);

	if (media_add(archive_catalog(f->a), &site, true, &label.medium, &f->err) < 0 ||
	    dir_make_all(root, 0700, &f->err) < 0 || medium_local_open(root, &m, &f->err) < 0 ||
	    label_write(m, keys, &label, &f->err) < 0)
		fail_msg("%s", f->err.text);
}

static void media_keep_their_numbers_and_one_that_is_away_its_place(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	CLEAN(keyring) keys = NULL;
	const struct site from = {.location = arena_str(arena, fixture_path(f, "moved"))};
	struct medium_row row;
	struct restore_report r;
	struct uuid a = take(f, 1), b;

	add_medium(f, fixture_path(f, "second"));
	b = take(f, 2);
	backup(f, true);
	keys = lose(f);
	assert_int_equal(rename(fixture_path(f, "second"), from.location), 0);
	assert_int_equal(rename(medium(f), fixture_path(f, "away")), 0);
	restore_from(f, keys, arena, &from, 1, &r);
	assert_int_equal(r.lost.n, 1);
	assert_int_equal(r.mails_lost, 0);
	assert_non_null(strstr(r.lost.v[0], "medium 1 was not found: 1 mail"));
	holds(f, &b, 2);
	assert_int_equal(media_get(archive_catalog(f->a), arena, 1, &row, &f->err), 1);
	assert_string_equal(row.location, medium(f));
	assert_false(row.active);
	assert_int_equal(media_get(archive_catalog(f->a), arena, 2, &row, &f->err), 1);
	assert_string_equal(row.location, from.location);
	assert_true(row.active);
	assert_int_equal(rename(fixture_path(f, "away"), medium(f)), 0);
	fixture_reopen(f);
	holds(f, &a, 1);
	is_sound(f, 2);
}

static void a_medium_that_the_backup_does_not_know_is_taken_in_and_is_the_active_one(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	CLEAN(keyring) keys = NULL;
	struct site from[2];
	struct restore_report r;
	struct uuid a = take(f, 1), b, c;
	unsigned active;

	backup(f, true);
	add_medium(f, fixture_path(f, "second"));
	b = take(f, 2);
	keys = lose(f);
	from[0] = (struct site){.location = medium(f)};
	from[1] = (struct site){.location = fixture_path(f, "second")};
	restore_from(f, keys, arena, from, 2, &r);
	lost_nothing(&r);
	assert_int_equal(r.media, 2);
	assert_int_equal(media_active(archive_catalog(f->a), &active, &f->err), 1);
	assert_int_equal(active, 2);
	holds(f, &a, 1);
	holds(f, &b, 2);
	c = take(f, 3);
	holds(f, &c, 3);
	is_sound(f, 3);
}

static void a_medium_that_another_stands_for_and_one_that_is_deactivated_stay_so(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	CLEAN(keyring) keys = load_key(f);
	struct site from[2];
	struct medium_row row;
	struct restore_report r;
	struct uuid a = take(f, 1), b, c;
	const char *second, *third;

	second = arena_str(arena, fixture_path(f, "second"));
	third = arena_str(arena, fixture_path(f, "third"));
	add_medium(f, second);
	b = take(f, 2);
	add_medium(f, third);
	c = take(f, 3);
	assert_int_equal(dir_make_all(path_on(third, keys, "packs/00", arena), 0700, &f->err), 0);
	fixture_copy(pack_on(medium(f), keys, pack_of(f, &a), arena),
		     pack_on(third, keys, pack_of(f, &a), arena));
	if (media_set_state(archive_catalog(f->a), 1, MEDIUM_REDIRECTED, 3, &f->err) < 0 ||
	    media_set_state(archive_catalog(f->a), 2, MEDIUM_DEACTIVATED, 0, &f->err) < 0)
		fail_msg("%s", f->err.text);
	backup(f, true);
	keyring_free(&keys);
	keys = lose(f);
	from[0] = (struct site){.location = second};
	from[1] = (struct site){.location = third};
	restore_from(f, keys, arena, from, 2, &r);
	lost_nothing(&r);
	assert_int_equal(media_get(archive_catalog(f->a), arena, 1, &row, &f->err), 1);
	assert_int_equal(row.state, MEDIUM_REDIRECTED);
	assert_int_equal(row.redirect, 3);
	assert_int_equal(media_get(archive_catalog(f->a), arena, 2, &row, &f->err), 1);
	assert_int_equal(row.state, MEDIUM_DEACTIVATED);
	holds(f, &a, 1);
	holds(f, &c, 3);
	if (media_set_state(archive_catalog(f->a), 2, MEDIUM_IN_USE, 0, &f->err) < 0)
		fail_msg("%s", f->err.text);
	holds(f, &b, 2);
	is_sound(f, 3);
}

/* ---- what is refused ---- */

static void another_archives_key_is_refused_and_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	struct uuid other = uuid_new();
	CLEAN(keyring) wrong = keyring_new(&other);
	CLEAN(arena) arena = arena_new();
	const char *dir = arena_str(arena, fixture_path(f, "new"));

	take(f, 1);
	refused(f, wrong, dir, medium(f), ERR_FOREIGN, "another archive's media");
	assert_int_equal(access(dir, F_OK), -1);
	fixture_remove(fixture_path(f, "empty"));
	assert_int_equal(dir_make(fixture_path(f, "empty"), 0700, &f->err), 0);
	refused(f, wrong, dir, fixture_path(f, "empty"), ERR_NOTFOUND, "holds no medium");
	refused(f, wrong, dir, fixture_path(f, "nowhere"), ERR_OFFLINE, "nowhere");
	assert_int_equal(access(dir, F_OK), -1);
}

static void a_directory_that_is_in_use_is_refused_and_stays_as_it_is(void **state)
{
	struct fixture *f = *state;
	CLEAN(keyring) keys = load_key(f);
	struct uuid a = take(f, 1);
	struct hash before;

	archive_free(&f->a);
	before = sum_tree(f->archive);
	refused(f, keys, f->archive, medium(f), ERR_EXISTS, "holds an archive already");
	assert_memory_equal(&before, (struct hash[]){sum_tree(f->archive)}, sizeof(before));
	assert_int_equal(dir_make(fixture_path(f, "full"), 0700, &f->err), 0);
	fixture_write(fixture_path(f, "full/letter.txt"), VIEW("dear"));
	refused(f, keys, fixture_path(f, "full"), medium(f), ERR_EXISTS, "letter.txt");
	fixture_reopen(f);
	holds(f, &a, 1);
}

static void a_restore_that_failed_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	CLEAN(keyring) keys = load_key(f);
	const char *dir = arena_str(arena, fixture_path(f, "new"));
	struct uuid a = take(f, 1);
	const char *pack = pack_on(medium(f), keys, pack_of(f, &a), arena);

	flip(pack, 9); /* format 257 */
	refused(f, keys, dir, medium(f), ERR_VERSION, "");
	assert_int_equal(access(dir, F_OK), -1);
}

static void one_that_was_interrupted_is_begun_again(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	CLEAN(keyring) keys = NULL;
	const char *const left[] = {
		"archive/catalog.new",      "archive/catalog.new-wal",     "archive/index.db",
		"archive/index.db-journal", "archive/catalog.new-journal", "archive/index.lock"};
	struct restore_report r;
	struct uuid a = take(f, 1);

	backup(f, true);
	keys = lose(f);
	assert_int_equal(dir_make(f->archive, 0700, &f->err), 0);
	assert_int_equal(keyring_save(keys, fixture_path(f, "archive/archive.key"), &f->err), 0);
	for (size_t i = 0; i < sizeof(left) / sizeof(*left); i++)
		fixture_write(fixture_path(f, left[i]), VIEW("half of a page"));
	assert_int_equal(archive_open(f->archive, &f->a, &f->err), -1);
	restore(f, keys, arena, &r);
	lost_nothing(&r);
	holds(f, &a, 1);
	is_sound(f, 1);
}

/* ---- drills ---- */

static void count_in(const char *dir, uint64_t n)
{
	sum_tree(dir);
	assert_int_equal(summed, n);
}

static void a_drill_opens_mails_and_changes_and_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	CLEAN(keyring) keys = load_key(f);
	CLEAN(taker) taker = NULL;
	CLEAN_STR raw = STR_INIT;
	const struct site from = {.location = arena_str(arena, medium(f))};
	struct restore_report r = {.arena = arena};
	struct hash media, archive;
	const char *parent = arena_str(arena, fixture_path(f, "tmp"));
	uint64_t opened;

	for (int i = 0; i < 9; i++)
		take(f, i);
	backup(f, true);
	taker = taker_new(f->a, true);
	number_mail(&raw, 9);
	fixture_give(f, taker, &(struct arrival){.raw = str_view(&raw)});
	taker_free(&taker); /* a torn pack, which recovery would seal */
	archive_free(&f->a);
	media = sum_tree(medium(f));
	archive = sum_tree(f->archive);
	assert_int_equal(dir_make(parent, 0700, &f->err), 0);
	if (restore_drill(parent, keys, &from, 1, 5, &opened, &r, &f->err) < 0)
		fail_msg("%s", f->err.text);
	lost_nothing(&r);
	assert_int_equal(opened, 5);
	assert_int_equal(r.mails, 10);
	assert_int_equal(r.mails_from_packs, 1);
	if (restore_drill(parent, keys, &from, 1, 1000, &opened, &r, &f->err) < 0)
		fail_msg("%s", f->err.text);
	assert_int_equal(opened, 10);
	assert_memory_equal(&media, (struct hash[]){sum_tree(medium(f))}, sizeof(media));
	assert_memory_equal(&archive, (struct hash[]){sum_tree(f->archive)}, sizeof(archive));
	count_in(parent, 1);
}

static void a_drill_tells_what_a_restore_would_lack(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	CLEAN(keyring) keys = load_key(f);
	const struct site from[] = {{.location = arena_str(arena, fixture_path(f, "nowhere"))},
				    {.location = arena_str(arena, medium(f))}};
	struct restore_report r = {.arena = arena};
	struct uuid a = take(f, 1), b = take(f, 2);
	uint64_t opened;

	(void)a;
	backup(f, true);
	flip(pack_on(medium(f), keys, pack_of(f, &b), arena), 300);
	assert_int_equal(dir_make(fixture_path(f, "tmp"), 0700, &f->err), 0);
	if (restore_drill(fixture_path(f, "tmp"), keys, from, 2, 10, &opened, &r, &f->err) < 0)
		fail_msg("%s", f->err.text);
	assert_int_equal(opened, 1);
	assert_int_equal(r.lost.n, 2);
	assert_non_null(strstr(r.lost.v[0], "nowhere"));
	assert_non_null(strstr(r.lost.v[1], "cannot be read"));
	count_in(fixture_path(f, "tmp"), 1);
}

static void a_drill_that_fails_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	struct uuid other = uuid_new();
	CLEAN(keyring) wrong = keyring_new(&other);
	const struct site from = {.location = arena_str(arena, medium(f))};
	struct restore_report r = {.arena = arena};
	uint64_t opened;

	take(f, 1);
	assert_int_equal(dir_make(fixture_path(f, "tmp"), 0700, &f->err), 0);
	assert_int_equal(
		restore_drill(fixture_path(f, "tmp"), wrong, &from, 1, 10, &opened, &r, &f->err),
		-1);
	assert_string_equal(err_code(f->err.kind), "foreign");
	count_in(fixture_path(f, "tmp"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(test) cmocka_unit_test_setup_teardown(test, setup, fixture_teardown)
		T(a_full_backup_and_what_came_after_it_come_back),
		T(a_full_backup_and_24_incremental_ones_come_back),
		T(a_damaged_link_is_passed_over_for_the_one_before),
		T(without_any_backup_all_mails_come_back),
		T(what_was_erased_after_the_backup_stays_erased),
		T(a_mirror_becomes_the_medium),
		T(a_mirror_made_while_mail_was_archived_gives_all_that_it_has),
		T(a_missing_pack_costs_its_own_mails_and_no_others),
		T(a_mirror_that_was_interrupted_after_an_erasing_gives_the_old_pack),
		T(media_keep_their_numbers_and_one_that_is_away_its_place),
		T(a_medium_that_the_backup_does_not_know_is_taken_in_and_is_the_active_one),
		T(a_medium_that_another_stands_for_and_one_that_is_deactivated_stay_so),
		T(another_archives_key_is_refused_and_leaves_nothing),
		T(a_directory_that_is_in_use_is_refused_and_stays_as_it_is),
		T(a_restore_that_failed_leaves_nothing),
		T(one_that_was_interrupted_is_begun_again),
		T(a_drill_opens_mails_and_changes_and_leaves_nothing),
		T(a_drill_tells_what_a_restore_would_lack),
		T(a_drill_that_fails_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
