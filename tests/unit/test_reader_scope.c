/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a person may see, held against a model that knows nothing of tokens and tables: worlds of random people, groups, domains that count
 * alike, and mails with blind copies. Each pair of a person and a mail is a case; each is asked by list, by count and by id. */
#include "tests/unit/fixture.h"

#include "app/access/reader_scope.h"
#include "app/archive/find.h"
#include "app/archive/may_see.h"

enum { WORLDS = 40, PEOPLE = 50, MAILS = 50, GROUPS = 6, NAMES = 12, DOMAINS = 4 };

static const char *const names[NAMES] = {"anna", "bert",  "carla", "dirk", "eva",  "frank",
					 "gerd", "heike", "ina",   "jan",  "kurt", "lena"};
static const char *const domains[DOMAINS] = {"a.example", "b.example", "c.example", "d.example"};
enum { ALIKE = 2 }; /* the first so many domains count alike */

struct addr {
	int name, domain;
};
struct set {
	struct addr v[8];
	int n;
};
struct world {
	struct set people[PEOPLE], members[GROUPS], mailed[GROUPS];
	struct set mails[MAILS]; /* everybody: From, To, Cc, Bcc, envelope */
	uint64_t numbers[PEOPLE];
	struct uuid ids[MAILS];
	uint64_t mail_numbers[MAILS];
};

static int below(int n)
{
	return rand() % n;
}

static void fill(struct set *set, int most)
{
	set->n = below(most + 1);
	for (int i = 0; i < set->n; i++)
		set->v[i] = (struct addr){below(NAMES), below(DOMAINS)};
}

/* --- the model ---------------------------------------------------------------------------------- */

static bool alike(struct addr a, struct addr b)
{
	if (a.name != b.name)
		return false;
	return a.domain == b.domain || (a.domain < ALIKE && b.domain < ALIKE);
}

static bool meet(const struct set *a, const struct set *b)
{
	for (int i = 0; i < a->n; i++)
		for (int k = 0; k < b->n; k++)
			if (alike(a->v[i], b->v[k]))
				return true;
	return false;
}

static bool sees(const struct world *w, int person, int mail)
{
	if (meet(&w->people[person], &w->mails[mail]))
		return true;
	for (int g = 0; g < GROUPS; g++)
		if (meet(&w->people[person], &w->members[g]) &&
		    meet(&w->mailed[g], &w->mails[mail]))
			return true;
	return false;
}

/* --- the same in an archive --------------------------------------------------------------------- */

static struct texts texts_of(struct arena *arena, const struct set *set)
{
	struct texts texts = {0};

	for (int i = 0; i < set->n; i++)
		ARENA_PUSH(arena, texts,
			   VIEW(arena_f(arena, "%s@%s", names[set->v[i].name],
					domains[set->v[i].domain])));
	return texts;
}

static void make_people(struct fixture *f, struct arena *arena, struct world *w)
{
	struct catalog *catalog = archive_catalog(f->a);
	struct texts all = {0};

	for (int i = 0; i < ALIKE; i++)
		ARENA_PUSH(arena, all, VIEW(domains[i]));
	assert_int_equal(domains_set(catalog, &all, all.v[0], &f->err), 0);
	for (int i = 0; i < PEOPLE; i++) {
		const char *name = arena_f(arena, "person%d", i);
		struct person person = {.source = PERSON_OWN,
					.uid = VIEW(name),
					.name = VIEW(name),
					.shown = VIEW(name),
					.active = true};
		struct texts own = texts_of(arena, &w->people[i]);

		assert_int_equal(people_add(catalog, &person, &w->numbers[i], &f->err), 0);
		assert_int_equal(people_set_addresses(catalog, w->numbers[i], &own, &f->err), 0);
	}
	for (int g = 0; g < GROUPS; g++) {
		const char *name = arena_f(arena, "group%d", g);
		struct group group = {.source = PERSON_OWN,
				      .uid = VIEW(name),
				      .name = VIEW(name),
				      .members = texts_of(arena, &w->members[g]),
				      .addresses = texts_of(arena, &w->mailed[g])};

		assert_int_equal(groups_put(catalog, &group, &f->err), 0);
	}
}

static const char *text_of(struct arena *arena, struct addr addr)
{
	return arena_f(arena, "%s@%s", names[addr.name], domains[addr.domain]);
}

/* The addresses of the set, dealt out to the fields of a mail and its envelope. */
static void make_mail(struct fixture *f, struct arena *arena, struct taker *taker, struct world *w,
		      int i)
{
	static const char *const fields[] = {"From", "To", "Cc", "Bcc"};
	struct set *set = &w->mails[i];
	struct arrival arrival = {.way = WAY_SMTP};
	CLEAN_STR raw = STR_INIT;

	str_addf(&raw, "Message-ID: <%d@x>\nSubject: world\nReply-To: %s@%s\n", i,
		 names[below(NAMES)], domains[below(DOMAINS)]);
	for (int k = 0; k < set->n; k++) {
		const int field = below(5);

		if (field == 4 && arrival.recipient == NULL)
			arrival.recipient = text_of(arena, set->v[k]);
		else
			str_addf(&raw, "%s: %s\n", fields[field % 4], text_of(arena, set->v[k]));
	}
	str_addf(&raw, "\nanna bert %d\n", i);
	arrival.raw = str_view(&raw);
	w->ids[i] = fixture_give(f, taker, &arrival).id;
}

static void make_mails(struct fixture *f, struct arena *arena, struct world *w)
{
	CLEAN(taker) taker = taker_new(f->a, true);

	for (int i = 0; i < MAILS; i++)
		make_mail(f, arena, taker, w, i);
	assert_int_equal(taker_finish(taker, &f->err), 0);
	for (int i = 0; i < MAILS; i++)
		w->mail_numbers[i] = fixture_row(f, arena, &w->ids[i]).mail;
}

/* --- one against the other ---------------------------------------------------------------------- */

struct listed {
	const struct world *world;
	bool mails[MAILS];
	uint64_t n;
};

static int list_one(void *arg, const struct mail_row *row, struct err *err)
{
	struct listed *listed = arg;

	(void)err;
	for (int i = 0; i < MAILS; i++)
		if (listed->world->mail_numbers[i] == row->mail)
			listed->mails[i] = true;
	listed->n++;
	return 0;
}

static void compare(struct fixture *f, const struct world *w, int i)
{
	CLEAN(arena) arena = arena_new();
	struct listed listed = {.world = w};
	uint64_t count, expected = 0;
	struct person person;
	struct scope scope;

	assert_int_equal(people_get(archive_catalog(f->a), arena, w->numbers[i], &person, &f->err),
			 1);
	assert_int_equal(reader_scope(archive_catalog(f->a), arena, &person, 1000, &scope, &f->err),
			 0);
	assert_int_equal(
		find_mails(f->a, VIEW("world"), &scope, 0, MAILS, list_one, &listed, &f->err), 0);
	assert_int_equal(find_count(f->a, VIEW("world"), &scope, &count, &f->err), 0);
	for (int m = 0; m < MAILS; m++) {
		const bool seen = sees(w, i, m);
		struct mail_row row;

		expected += seen;
		if (listed.mails[m] != seen)
			fail_msg("person %d, mail %d: %d", i, m, seen);
		err_clear(&f->err);
		assert_int_equal(mail_find_in(f->a, arena, &scope, &w->ids[m], &row, &f->err),
				 seen);
	}
	assert_int_equal(count, expected);
	assert_int_equal(listed.n, expected);
}

static void a_person_sees_exactly_what_a_plain_model_says(void **state)
{
	static struct world world;

	srand(20261123);
	for (int i = 0; i < WORLDS; i++) {
		CLEAN(arena) arena = arena_new();

		for (int k = 0; k < PEOPLE; k++)
			fill(&world.people[k], 2);
		for (int k = 0; k < GROUPS; k++) {
			fill(&world.members[k], 3);
			fill(&world.mailed[k], 2);
		}
		for (int k = 0; k < MAILS; k++)
			fill(&world.mails[k], 5);
		assert_int_equal(fixture_setup(state), 0);
		make_people(*state, arena, &world);
		make_mails(*state, arena, &world);
		for (int k = 0; k < PEOPLE; k++)
			compare(*state, &world, k);
		fixture_teardown(state);
	}
}

/* --- roles -------------------------------------------------------------------------------------- */

static struct scope scope_of(struct fixture *f, struct arena *arena, enum person_role role,
			     int64_t now_s)
{
	const struct person person = {.person = 3, .role = role, .active = true};
	struct scope scope;

	assert_int_equal(
		reader_scope(archive_catalog(f->a), arena, &person, now_s, &scope, &f->err), 0);
	return scope;
}

static void roles_that_read_no_mail_see_none_and_the_auditor_all(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	struct scope scope = scope_of(f, arena, PERSON_ROLE_AUDITOR, 0);

	assert_true(scope.all && !scope_is_bounded(&scope));
	scope = scope_of(f, arena, PERSON_ROLE_ADMIN, 0);
	assert_true(scope_is_empty(&scope));
	scope = scope_of(f, arena, PERSON_ROLE_UPLOADER, 0);
	assert_true(scope_is_empty(&scope));
	scope = scope_of(f, arena, PERSON_ROLE_DATAOFFICER, 0);
	assert_true(scope_is_empty(&scope));
}

static void a_revisor_has_his_bounds_until_his_account_ends(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	struct bounds bounds = bounds_none();
	struct scope scope = scope_of(f, arena, PERSON_ROLE_REVISOR, 0);
	struct texts alike = {0};

	assert_true(scope.all && !scope_is_bounded(&scope));
	ARENA_PUSH(arena, alike, VIEW("a.example"));
	ARENA_PUSH(arena, alike, VIEW("b.example"));
	assert_int_equal(domains_set(archive_catalog(f->a), &alike, alike.v[0], &f->err), 0);
	ARENA_PUSH(arena, bounds.domains, VIEW("b.example"));
	ARENA_PUSH(arena, bounds.domains, VIEW("x.example"));
	ARENA_PUSH(arena, bounds.sources, ((struct bound_source){VIEW("nowhere"), VIEW("a")}));
	bounds.from_s = 0;
	bounds.until_s = 5000;
	bounds.valid_until_s = 9000;
	assert_int_equal(people_set_bounds(archive_catalog(f->a), 3, &bounds, &f->err), 0);
	scope = scope_of(f, arena, PERSON_ROLE_REVISOR, 8999);
	assert_true(scope.all);
	assert_int_equal(scope.n_domains, 3); /* x, and both that count alike */
	assert_int_equal(scope.n_places, 1);
	assert_int_equal(scope.places[0].source, 0);
	assert_int_equal(scope.from_s, -1);
	assert_int_equal(scope.until_s, 5000);
	scope = scope_of(f, arena, PERSON_ROLE_REVISOR, 9000);
	assert_true(scope_is_empty(&scope));
}

static void who_may_not_log_in_sees_nothing(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	struct person person = {.person = 2, .role = PERSON_ROLE_AUDITOR};
	struct scope scope;

	reader_scope(archive_catalog(f->a), arena, &person, 0, &scope, &f->err);
	assert_true(scope_is_empty(&scope));
	person.active = true;
	person.tied = 9;
	reader_scope(archive_catalog(f->a), arena, &person, 0, &scope, &f->err);
	assert_true(scope_is_empty(&scope));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_person_sees_exactly_what_a_plain_model_says),
		TEST(roles_that_read_no_mail_see_none_and_the_auditor_all),
		TEST(a_revisor_has_his_bounds_until_his_account_ends),
		TEST(who_may_not_log_in_sees_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
