/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The catalog's tables, row by row. */
#include "tests/unit/fixture.h"
#include "app/catalog/notes.h"

static struct mail_row mail_of(int i)
{
	struct mail_row row = {.id = uuid_new(),
			       .exact = crypto_sha256(&i, sizeof(i)),
			       .msgid = mails_msgid_hash(VIEW("same@x")),
			       .record = {1, (uint64_t)i * 100, 100},
			       .size = 1000,
			       .sent_s = 1000 + i,
			       .way = WAY_IMPORT,
			       .source = 1,
			       .seen_ms = 5,
			       .place = VIEW("inbox#1"),
			       .flags = VIEW("S"),
			       .subject = VIEW("subject"),
			       .sender = VIEW("Anna <anna@example.org>")};

	row.content = crypto_sha256(row.exact.b, HASH_BYTES);
	return row;
}

static struct mail_row add_mail(struct catalog *c, int i, struct err *err)
{
	struct mail_row row = mail_of(i);

	assert_int_equal(mails_add(c, &row, err), 0);
	return row;
}

/* ---- settings and names ---- */

static void settings_are_kept_and_replaced(void **state)
{
	struct fixture *f = *state;
	CLEAN(catalog) c = fixture_catalog(f);
	CLEAN_STR value = STR_INIT;

	assert_int_equal(setting_get(c, "name", &value, &f->err), 0);
	assert_int_equal(setting_set(c, "name", VIEW("first"), &f->err), 0);
	assert_int_equal(setting_set(c, "name", (struct view){"a\0b", 3}, &f->err), 0);
	catalog_free(&c);
	c = fixture_catalog(f);
	assert_int_equal(setting_get(c, "name", &value, &f->err), 1);
	assert_true(view_eq(str_view(&value), (struct view){"a\0b", 3}));
}

static void a_name_has_one_id_and_none_before_it_is_made(void **state)
{
	struct fixture *f = *state;
	CLEAN(catalog) c = fixture_catalog(f);
	CLEAN_STR name = STR_INIT;
	uint64_t a, b, again;

	assert_int_equal(address_id(c, VIEW("a@x"), false, &a, &f->err), 0);
	assert_int_equal(address_id(c, VIEW("a@x"), true, &a, &f->err), 1);
	assert_int_equal(address_id(c, VIEW("b@x"), true, &b, &f->err), 1);
	assert_int_equal(address_id(c, VIEW("a@x"), false, &again, &f->err), 1);
	assert_true(a == again && a != b);
	assert_int_equal(source_id(c, VIEW("gate"), true, &a, &f->err), 1);
	assert_int_equal(source_name(c, a, &name, &f->err), 1);
	assert_string_equal(name.data, "gate");
	assert_int_equal(source_name(c, 99, &name, &f->err), 0);
}

static void an_id_that_was_rolled_back_is_forgotten(void **state)
{
	struct fixture *f = *state;
	CLEAN(catalog) c = fixture_catalog(f);
	uint64_t id;

	assert_int_equal(catalog_begin(c, &f->err), 0);
	assert_int_equal(address_id(c, VIEW("a@x"), true, &id, &f->err), 1);
	catalog_rollback(c);
	assert_int_equal(address_id(c, VIEW("a@x"), false, &id, &f->err), 0);
}

static void the_version_changes_by_others_commits_alone(void **state)
{
	struct fixture *f = *state;
	CLEAN(catalog) one = fixture_catalog(f);
	CLEAN(catalog) two = fixture_catalog(f);
	int64_t before, after;

	assert_int_equal(catalog_version(one, &before, &f->err), 0);
	assert_int_equal(setting_set(one, "x", VIEW("1"), &f->err), 0);
	assert_int_equal(catalog_version(one, &after, &f->err), 0);
	assert_true(before == after);
	assert_int_equal(setting_set(two, "x", VIEW("2"), &f->err), 0);
	assert_int_equal(catalog_version(one, &after, &f->err), 0);
	assert_true(before != after);
}

/* ---- mails ---- */

static void a_mail_is_found_by_all_its_names(void **state)
{
	struct fixture *f = *state;
	CLEAN(catalog) c = fixture_catalog(f);
	CLEAN(arena) arena = arena_new();
	struct mail_row a = add_mail(c, 1, &f->err);
	struct mail_row b = add_mail(c, 2, &f->err);
	struct mail_row got;
	uint64_t n, both[2];

	assert_true(a.mail != 0 && b.mail == a.mail + 1);
	assert_true(mails_by_id(c, &b.id, &n, &f->err) == 1 && n == b.mail);
	assert_true(mails_by_exact(c, &a.exact, &n, &f->err) == 1 && n == a.mail);
	assert_true(mails_by_content(c, &b.content, &n, &f->err) == 1 && n == b.mail);
	assert_int_equal(mails_by_exact(c, &a.content, &n, &f->err), 0);
	assert_int_equal(mails_by_msgid(c, a.msgid, both, 1, &f->err), 2);
	assert_int_equal(mails_get(c, arena, b.mail, &got, &f->err), 1);
	assert_true(uuid_eq(&got.id, &b.id) && hash_eq(&got.exact, &b.exact));
	assert_true(hash_eq(&got.content, &b.content) && got.msgid == b.msgid);
	assert_int_equal(got.record.offset, 200);
	assert_true(view_eq(got.subject, b.subject) && view_eq(got.sender, b.sender));
	assert_true(view_eq(got.place, b.place) && view_eq(got.flags, b.flags));
	assert_int_equal(mails_get(c, arena, 99, &got, &f->err), 0);
}

static void hashes_that_begin_alike_are_told_apart(void **state)
{
	struct fixture *f = *state;
	CLEAN(catalog) c = fixture_catalog(f);
	struct mail_row a = add_mail(c, 1, &f->err);
	struct hash near = a.exact;
	uint64_t n;

	near.b[HASH_BYTES - 1] ^= 1;
	assert_int_equal(mails_by_exact(c, &near, &n, &f->err), 0);
	near = a.content;
	near.b[8] ^= 1;
	assert_int_equal(mails_by_content(c, &near, &n, &f->err), 0);
}

static void an_empty_message_id_is_none(void **state)
{
	(void)state;
	assert_true(mails_msgid_hash(VIEW("")) == 0);
	assert_true(mails_msgid_hash(VIEW("a")) != mails_msgid_hash(VIEW("b")));
}

static int no_recipient(void *arg, unsigned role, uint64_t address, struct view addr,
			struct err *err)
{
	(void)arg, (void)role, (void)address;
	return err_set(err, ERR_EXISTS, "%.*s", (int)addr.len, addr.data);
}

static void an_erased_mail_leaves_its_tombstone_alone(void **state)
{
	struct fixture *f = *state;
	CLEAN(catalog) c = fixture_catalog(f);
	CLEAN(arena) arena = arena_new();
	struct mail_row a = add_mail(c, 1, &f->err);
	struct mail_row b, got;
	uint64_t address, n;
	struct note note;
	struct tombstone tombstone;

	assert_int_equal(address_id(c, VIEW("a@x"), true, &address, &f->err), 1);
	assert_int_equal(recipients_add(c, a.mail, 1, address, &f->err), 1);
	assert_int_equal(recipients_add(c, a.mail, 1, address, &f->err), 0);
	assert_int_equal(recipients_known(c, a.mail, address, &f->err), 1);
	assert_int_equal(recipients_known(c, a.mail + 1, address, &f->err), 0);
	assert_int_equal(notes_set(c, &(struct note){0, a.mail, VIEW("t"), VIEW("n")}, &f->err), 0);
	assert_int_equal(mails_any_deleted(c, &f->err), 0);
	assert_int_equal(mails_set_state(c, a.mail, MAIL_DELETED, &f->err), 0);
	assert_int_equal(mails_any_deleted(c, &f->err), 1);
	assert_int_equal(mails_erase(c, a.mail, 77, 0, &f->err), 0);
	assert_int_equal(mails_get(c, arena, a.mail, &got, &f->err), 0);
	assert_int_equal(mails_by_exact(c, &a.exact, &n, &f->err), 0);
	assert_int_equal(recipients_each(c, a.mail, no_recipient, NULL, &f->err), 0);
	assert_int_equal(notes_get(c, arena, 0, a.mail, &note, &f->err), 0);
	assert_int_equal(mails_erased(c, &a.id, &tombstone, &f->err), 1);
	assert_int_equal(tombstone.when_s, 77);
	assert_int_equal(tombstone.mail, a.mail);
	b = add_mail(c, 2, &f->err); /* its number is never used again */
	assert_true(b.mail > a.mail);
}

static int add_number(void *arg, const struct mail_row *row, struct err *err)
{
	uint64_t *sum = arg;

	(void)err;
	*sum = *sum * 10 + row->mail;
	return 0;
}

static void mails_are_walked_in_their_order(void **state)
{
	struct fixture *f = *state;
	CLEAN(catalog) c = fixture_catalog(f);
	uint64_t walked = 0;

	for (int i = 1; i <= 4; i++)
		add_mail(c, i, &f->err);
	assert_int_equal(mails_each(c, 1, add_number, &walked, &f->err), 0);
	assert_int_equal(walked, 234);
	assert_int_equal(todo_add(c, 3, &f->err), 0);
	assert_int_equal(todo_add(c, 1, &f->err), 0);
	assert_int_equal(todo_add(c, 3, &f->err), 0);
	walked = 0;
	assert_int_equal(todo_each(c, add_number, &walked, &f->err), 0);
	assert_int_equal(walked, 13);
	assert_int_equal(todo_clear(c, &f->err), 0);
	assert_int_equal(todo_each(c, add_number, &walked, &f->err), 0);
	assert_int_equal(walked, 13);
}

static void a_sighting_is_known_by_way_source_and_bytes(void **state)
{
	struct fixture *f = *state;
	CLEAN(catalog) c = fixture_catalog(f);
	struct mail_row a = add_mail(c, 1, &f->err);
	struct sighting_row s = {.id = uuid_new(),
				 .mail = a.mail,
				 .exact = a.content,
				 .way = WAY_LMTP,
				 .source = 2,
				 .place = VIEW(""),
				 .flags = VIEW("")};
	uint64_t n;

	assert_int_equal(sightings_known(c, a.mail, &a.exact, WAY_IMPORT, 1, NULL, &f->err), 1);
	assert_int_equal(sightings_known(c, a.mail, &a.exact, WAY_LMTP, 1, NULL, &f->err), 0);
	assert_int_equal(sightings_known(c, a.mail, &a.exact, WAY_IMPORT, 2, NULL, &f->err), 0);
	for (int i = 0; i < 2; i++) /* recovery meets it again */
		assert_int_equal(sightings_add(c, &s, &f->err), 0);
	assert_int_equal(sightings_known(c, a.mail, &s.exact, WAY_LMTP, 2, NULL, &f->err), 1);
	assert_int_equal(sightings_find(c, &s.id, &f->err), 1);
	assert_true(mails_by_exact(c, &s.exact, &n, &f->err) == 1 && n == a.mail);
}

/* ---- media, packs, parts ---- */

static void pack_numbers_are_never_used_again(void **state)
{
	struct fixture *f = *state;
	CLEAN(catalog) c = fixture_catalog(f);
	CLEAN(arena) arena = arena_new();
	struct pack_row row, *rows;
	uint64_t one, two;
	unsigned medium;
	size_t n;

	assert_int_equal(media_active(c, &medium, &f->err), 0);
	assert_int_equal(
		media_add(c, &(struct site){.location = "media/1"}, true, &medium, &f->err), 0);
	assert_int_equal(packs_new(c, medium, false, &one, &f->err), 0);
	assert_int_equal(packs_set(c, one, PACK_VOID, 0, &f->err), 0);
	assert_int_equal(packs_new(c, medium, false, &two, &f->err), 0);
	assert_int_equal(two, one + 1);
	assert_int_equal(packs_set(c, two, PACK_SEALED, 500, &f->err), 0);
	assert_int_equal(packs_get(c, two, &row, &f->err), 1);
	assert_true(row.state == PACK_SEALED && row.length == 500 && row.medium == medium);
	assert_int_equal(packs_list(c, arena, PACK_SEALED, &rows, &n, &f->err), 0);
	assert_true(n == 1 && rows[0].pack == two);
	assert_int_equal(packs_list(c, arena, 0, &rows, &n, &f->err), 0);
	assert_int_equal(n, 2);
	assert_int_equal(packs_get(c, 99, &row, &f->err), 0);
}

static void packs_go_to_the_active_medium(void **state)
{
	struct fixture *f = *state;
	CLEAN(catalog) c = fixture_catalog(f);
	CLEAN(arena) arena = arena_new();
	struct medium_row *rows;
	unsigned one, two, active;
	size_t n;

	assert_int_equal(media_add(c, &(struct site){.location = "/one"}, false, &one, &f->err), 0);
	assert_int_equal(media_active(c, &active, &f->err), 0);
	assert_int_equal(media_add(c, &(struct site){.location = "/two"}, true, &two, &f->err), 0);
	assert_int_equal(media_active(c, &active, &f->err), 1);
	assert_int_equal(active, two);
	assert_int_equal(media_list(c, arena, &rows, &n, &f->err), 0);
	assert_int_equal(n, 2);
	assert_string_equal(rows[0].location, "/one");
	assert_true(!rows[0].active && rows[1].active);
}

static void a_part_is_dropped_with_its_last_user(void **state)
{
	struct fixture *f = *state;
	CLEAN(catalog) c = fixture_catalog(f);
	struct part_row part = {
		.hash = crypto_sha256("p", 1), .offset = 9, .length = 40, .size = 30};
	struct part_row got;
	struct pack_row pack;
	struct mail_row a, b;
	unsigned medium;

	assert_int_equal(media_add(c, &(struct site){.location = "/one"}, true, &medium, &f->err),
			 0);
	assert_int_equal(packs_new(c, medium, false, &part.pack, &f->err), 0);
	a = add_mail(c, 1, &f->err);
	b = add_mail(c, 2, &f->err);
	assert_int_equal(parts_add(c, &part, &f->err), 0);
	assert_int_equal(parts_use(c, a.mail, part.part, &f->err), 0);
	assert_int_equal(parts_use(c, b.mail, part.part, &f->err), 0);
	assert_int_equal(mails_erase(c, a.mail, 0, 0, &f->err), 0);
	assert_int_equal(parts_drop_unused(c, &f->err), 0);
	assert_int_equal(parts_find(c, &part.hash, &got, &f->err), 1);
	assert_true(got.part == part.part && got.offset == 9 && got.size == 30);
	assert_int_equal(mails_erase(c, b.mail, 0, 0, &f->err), 0);
	assert_int_equal(parts_drop_unused(c, &f->err), 0);
	assert_int_equal(parts_find(c, &part.hash, &got, &f->err), 0);
	assert_int_equal(packs_get(c, part.pack, &pack, &f->err), 1);
	assert_int_equal(pack.erased, 100 + 100 + 40);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, fixture_folder, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(settings_are_kept_and_replaced),
		IN_FOLDER(a_name_has_one_id_and_none_before_it_is_made),
		IN_FOLDER(an_id_that_was_rolled_back_is_forgotten),
		IN_FOLDER(the_version_changes_by_others_commits_alone),
		IN_FOLDER(a_mail_is_found_by_all_its_names),
		IN_FOLDER(hashes_that_begin_alike_are_told_apart),
		cmocka_unit_test(an_empty_message_id_is_none),
		IN_FOLDER(an_erased_mail_leaves_its_tombstone_alone),
		IN_FOLDER(mails_are_walked_in_their_order),
		IN_FOLDER(a_sighting_is_known_by_way_source_and_bytes),
		IN_FOLDER(pack_numbers_are_never_used_again),
		IN_FOLDER(packs_go_to_the_active_medium),
		IN_FOLDER(a_part_is_dropped_with_its_last_user),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
