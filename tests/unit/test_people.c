/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/fixture.h"

#include "app/catalog/people.h"
#include "app/catalog/sessions.h"

static uint64_t add(struct fixture *f, enum person_source source, const char *name)
{
	struct person person = {.source = source,
				.uid = VIEW(name),
				.name = VIEW(name),
				.shown = VIEW(name),
				.active = true};

	if (people_add(archive_catalog(f->a), &person, &person.person, &f->err) < 0)
		fail_msg("%s", f->err.text);
	return person.person;
}

static struct texts texts_of(struct arena *arena, const char *words)
{
	struct view rest = VIEW(words), word;
	struct texts texts = {0};

	while (view_cut(&rest, ' ', &word))
		ARENA_PUSH(arena, texts, word);
	return texts;
}

static void set_addresses(struct fixture *f, uint64_t person, const char *words)
{
	CLEAN(arena) arena = arena_new();
	struct texts texts = texts_of(arena, words);

	assert_int_equal(people_set_addresses(archive_catalog(f->a), person, &texts, &f->err), 0);
}

static uint64_t put_group(struct fixture *f, const char *name, const char *members,
			  const char *addresses)
{
	CLEAN(arena) arena = arena_new();
	struct group group = {.source = PERSON_OWN,
			      .uid = VIEW(name),
			      .name = VIEW(name),
			      .members = texts_of(arena, members),
			      .addresses = texts_of(arena, addresses)};

	if (groups_put(archive_catalog(f->a), &group, &f->err) < 0)
		fail_msg("%s", f->err.text);
	return group.group;
}

/* The names of his groups, one after the other. */
static void assert_groups(struct fixture *f, uint64_t person, const char *expected)
{
	CLEAN(arena) arena = arena_new();
	CLEAN_STR names = STR_INIT;
	struct groups groups;

	assert_int_equal(people_groups(archive_catalog(f->a), arena, person, &groups, &f->err), 0);
	for (size_t i = 0; i < groups.n; i++) {
		str_adds(&names, i ? " " : "");
		str_addv(&names, groups.v[i].name);
	}
	assert_string_equal(names.data, expected);
}

static void the_fixed_people_are_there_and_keep_name_and_role(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	struct people found;
	struct person admin;

	assert_int_equal(
		people_by_name(archive_catalog(f->a), arena, VIEW("ADMIN"), &found, &f->err), 0);
	assert_int_equal(found.n, 1);
	admin = found.v[0];
	assert_int_equal(admin.role, PERSON_ROLE_ADMIN);
	assert_false(admin.has_password);
	admin.role = PERSON_ROLE_AUDITOR;
	assert_int_equal(people_change(archive_catalog(f->a), &admin, &f->err), -1);
	assert_int_equal(f->err.kind, ERR_USAGE);
	assert_int_equal(people_remove(archive_catalog(f->a), admin.person, &f->err), -1);
	assert_int_equal(f->err.kind, ERR_USAGE);
	admin.role = PERSON_ROLE_ADMIN;
	admin.active = false;
	assert_int_equal(people_change(archive_catalog(f->a), &admin, &f->err), 0);
}

static void the_same_name_in_two_sources_is_two_people_and_no_number_comes_twice(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	const uint64_t own = add(f, PERSON_OWN, "anna"), ldap = add(f, PERSON_LDAP, "anna");
	struct person again = {.source = PERSON_OWN, .uid = VIEW("anna"), .name = VIEW("anna")};
	struct people found;
	uint64_t next;

	assert_int_not_equal(own, ldap);
	assert_int_equal(people_add(archive_catalog(f->a), &again, &next, &f->err), -1);
	assert_int_equal(f->err.kind, ERR_EXISTS);
	assert_int_equal(
		people_by_name(archive_catalog(f->a), arena, VIEW("Anna"), &found, &f->err), 0);
	assert_int_equal(found.n, 2);
	assert_int_equal(people_remove(archive_catalog(f->a), ldap, &f->err), 0);
	assert_true(add(f, PERSON_LDAP, "berta") > ldap);
}

static void nobody_takes_the_name_of_a_fixed_person(void **state)
{
	struct fixture *f = *state;
	struct person p = {.source = PERSON_OWN, .uid = VIEW("x"), .name = VIEW("Auditor")};
	uint64_t number;

	assert_int_equal(people_add(archive_catalog(f->a), &p, &number, &f->err), -1);
	assert_int_equal(f->err.kind, ERR_EXISTS);
	p.name = VIEW("two words");
	assert_int_equal(people_add(archive_catalog(f->a), &p, &number, &f->err), -1);
	assert_int_equal(f->err.kind, ERR_SYNTAX);
	p.source =
		PERSON_LDAP; /* a directory's own names are as they are; fixed people are asked first (LO1) */
	err_clear(&f->err);
	assert_int_equal(people_add(archive_catalog(f->a), &p, &number, &f->err), 0);
}

static void a_list_goes_on_behind_its_last_and_finds_by_address(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	struct people found, revisor;

	set_addresses(f, add(f, PERSON_OWN, "anna"), "chefin@example.org");
	add(f, PERSON_OWN, "zoe");
	assert_int_equal(people_list(archive_catalog(f->a), arena, VIEW("CHEFIN@"), NULL, 10,
				     &found, &f->err),
			 0);
	assert_int_equal(found.n, 1);
	assert_true(view_eq(found.v[0].name, VIEW("anna")));
	assert_int_equal(
		people_by_name(archive_catalog(f->a), arena, VIEW("revisor"), &revisor, &f->err),
		0);
	assert_int_equal(
		people_list(archive_catalog(f->a), arena, VIEW(""), revisor.v, 10, &found, &f->err),
		0);
	assert_int_equal(found.n, 1);
	assert_true(view_eq(found.v[0].name, VIEW("zoe")));
}

static void what_is_no_address_is_named_and_the_old_ones_stay(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	const uint64_t anna = add(f, PERSON_OWN, "anna");
	struct texts bad = texts_of(arena, "a@example.org nobody"), found;

	set_addresses(f, anna, "Anna@Example.ORG");
	assert_int_equal(people_set_addresses(archive_catalog(f->a), anna, &bad, &f->err), -1);
	assert_int_equal(f->err.kind, ERR_SYNTAX);
	assert_non_null(strstr(f->err.text, "nobody"));
	assert_int_equal(people_addresses(archive_catalog(f->a), arena, anna, &found, &f->err), 0);
	assert_int_equal(found.n, 1);
	assert_true(view_eq(found.v[0], VIEW("anna@example.org")));
}

static void a_member_is_one_under_each_domain_that_counts_alike(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	const uint64_t anna = add(f, PERSON_OWN, "anna"), otto = add(f, PERSON_OWN, "otto");
	struct texts domains = texts_of(arena, "example.com Example.net");

	set_addresses(f, anna, "anna@example.com");
	set_addresses(f, otto, "otto@elsewhere.org");
	put_group(f, "sales", "anna@example.net otto@example.net", "sales@example.com");
	put_group(f, "board", "otto@elsewhere.org", "board@example.com");
	assert_groups(f, anna, "");
	assert_groups(f, otto, "board");
	assert_int_equal(domains_set(archive_catalog(f->a), &domains, VIEW("example.com"), &f->err),
			 0);
	assert_groups(f, anna, "sales");
	assert_groups(f, otto, "board");
}

static void a_main_domain_is_one_of_the_domains(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	struct texts domains = texts_of(arena, "a.example b.example"), found;
	struct view main;

	assert_int_equal(domains_set(archive_catalog(f->a), &domains, VIEW("c.example"), &f->err),
			 -1);
	assert_int_equal(f->err.kind, ERR_SYNTAX);
	assert_int_equal(domains_get(archive_catalog(f->a), arena, &found, &main, &f->err), 0);
	assert_int_equal(found.n, 0);
	assert_int_equal(domains_set(archive_catalog(f->a), &domains, VIEW("b.example"), &f->err),
			 0);
	assert_int_equal(domains_get(archive_catalog(f->a), arena, &found, &main, &f->err), 0);
	assert_int_equal(found.n, 2);
	assert_true(view_eq(main, VIEW("b.example")));
}

static void what_a_source_says_of_groups_replaces_what_it_said_before(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	const uint64_t anna = add(f, PERSON_LDAP, "anna");
	struct groups told = {0}, none = {0};
	const struct group sales = {.uid = VIEW("cn=sales"), .name = VIEW("sales")};

	set_addresses(f, anna, "anna@example.com");
	put_group(f, "board", "anna@example.com", "board@example.com");
	ARENA_PUSH(arena, told, sales);
	assert_int_equal(groups_of_source(archive_catalog(f->a), anna, PERSON_LDAP, &told, &f->err),
			 0);
	assert_groups(f, anna, "board sales");
	assert_int_equal(groups_of_source(archive_catalog(f->a), anna, PERSON_LDAP, &none, &f->err),
			 0);
	assert_groups(f, anna, "board");
}

static void who_is_tied_hands_his_searches_on_and_stays_out(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	const uint64_t old = add(f, PERSON_OWN, "anna"), new = add(f, PERSON_LDAP, "anna.b");
	struct saved_searches found;
	struct person row;
	uint64_t search;

	assert_int_equal(searches_add(archive_catalog(f->a), old, VIEW("taxes"), VIEW("steuer"),
				      &search, &f->err),
			 0);
	assert_int_equal(people_tie(archive_catalog(f->a), old, new, &f->err), 0);
	assert_int_equal(searches_list(archive_catalog(f->a), arena, new, &found, &f->err), 0);
	assert_int_equal(found.n, 1);
	assert_int_equal(people_get(archive_catalog(f->a), arena, old, &row, &f->err), 1);
	assert_false(row.active);
	assert_int_equal(row.tied, new);
	assert_int_equal(people_tie(archive_catalog(f->a), new, old, &f->err), -1);
	assert_int_equal(f->err.kind, ERR_USAGE);
	assert_int_equal(searches_remove(archive_catalog(f->a), old, search, &f->err), -1);
	assert_int_equal(f->err.kind, ERR_NOTFOUND);
}

static void bounds_come_back_as_they_were_set(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	const uint64_t anna = add(f, PERSON_OWN, "anna");
	struct bounds bounds = bounds_none(), found;
	const struct bound_source source = {VIEW("import"), VIEW("2023/Tax")};

	assert_int_equal(people_bounds(archive_catalog(f->a), arena, anna, &found, &f->err), 0);
	assert_true(found.domains.n == 0 && found.sources.n == 0 && found.until_s == INT64_MAX);
	bounds.domains = texts_of(arena, "Kunde.example");
	ARENA_PUSH(arena, bounds.sources, source);
	bounds.from_s = 1000;
	assert_int_equal(people_set_bounds(archive_catalog(f->a), anna, &bounds, &f->err), 0);
	assert_int_equal(people_bounds(archive_catalog(f->a), arena, anna, &found, &f->err), 0);
	assert_true(view_eq(found.domains.v[0], VIEW("kunde.example")));
	assert_true(view_eq(found.sources.v[0].folder, VIEW("2023/Tax")));
	assert_true(found.from_s == 1000 && found.until_s == INT64_MAX);
}

static void who_is_removed_leaves_nothing_of_his(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	const uint64_t anna = add(f, PERSON_OWN, "anna");
	struct session_row session = {.person = anna, .begun_s = 1, .used_s = 1, .peer = VIEW("")};
	struct session_rows left;
	uint64_t search;

	set_addresses(f, anna, "anna@example.org");
	assert_int_equal(sessions_add(archive_catalog(f->a), &session, &f->err), 0);
	assert_int_equal(
		searches_add(archive_catalog(f->a), anna, VIEW("x"), VIEW("y"), &search, &f->err),
		0);
	assert_int_equal(people_remove(archive_catalog(f->a), anna, &f->err), 0);
	assert_int_equal(sessions_list(archive_catalog(f->a), arena, anna, &left, &f->err), 0);
	assert_int_equal(left.n, 0);
	assert_int_equal(people_remove(archive_catalog(f->a), anna, &f->err), -1);
	assert_int_equal(f->err.kind, ERR_NOTFOUND);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_fixed_people_are_there_and_keep_name_and_role),
		TEST(the_same_name_in_two_sources_is_two_people_and_no_number_comes_twice),
		TEST(nobody_takes_the_name_of_a_fixed_person),
		TEST(a_list_goes_on_behind_its_last_and_finds_by_address),
		TEST(what_is_no_address_is_named_and_the_old_ones_stay),
		TEST(a_member_is_one_under_each_domain_that_counts_alike),
		TEST(a_main_domain_is_one_of_the_domains),
		TEST(what_a_source_says_of_groups_replaces_what_it_said_before),
		TEST(who_is_tied_hands_his_searches_on_and_stays_out),
		TEST(bounds_come_back_as_they_were_set),
		TEST(who_is_removed_leaves_nothing_of_his),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
