/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/fixture.h"

#include "app/archive/erase.h"
#include "app/archive/find.h"
#include "app/archive/may_see.h"

enum { MAILS = 30 };

struct results {
	uint64_t v[2 * MAILS];
	size_t n;
	int64_t last_sent_s;
};

/* Mail i is from anna to bert (i even) or carla (odd), a minute after mail i - 1. */
static int fill(void **state)
{
	struct fixture *f;
	int rc = fixture_setup(state);
	CLEAN(taker) taker = NULL;

	f = *state;
	taker = taker_new(f->a, true);
	for (int i = 0; i < MAILS; i++) {
		CLEAN_STR raw = STR_INIT;

		str_addf(&raw,
			 "From: anna@example.org\nTo: %s@example.org\nSubject: mail %d\n"
			 "Message-ID: <%d@x>\nDate: Mon, 2 Jan 2023 10:%02d:00 +0000\n\nwords\n",
			 i % 2 ? "carla" : "bert", i, i, i);
		fixture_give(f, taker, &(struct arrival){.raw = str_view(&raw)});
	}
	return rc < 0 ? -1 : taker_finish(taker, &f->err);
}

static int add_result(void *arg, const struct mail_row *row, struct err *err)
{
	struct results *r = arg;

	(void)err;
	assert_int_equal(row->state, MAIL_LIVE);
	assert_true(r->n == 0 || row->sent_s <= r->last_sent_s);
	r->last_sent_s = row->sent_s;
	r->v[r->n++] = row->mail;
	return 0;
}

static struct results page(struct fixture *f, const char *query, const struct scope *scope,
			   uint64_t offset, uint64_t limit)
{
	struct results r = {0};

	assert_int_equal(
		find_mails(f->a, VIEW(query), scope, offset, limit, add_result, &r, &f->err), 0);
	return r;
}

static uint64_t count(struct fixture *f, const char *query, const struct scope *scope)
{
	uint64_t n;

	assert_int_equal(find_count(f->a, VIEW(query), scope, &n, &f->err), 0);
	return n;
}

/* All of a query, and every page of it, agree. */
static void pages_agree(struct fixture *f, const char *query, const struct scope *scope, size_t n)
{
	struct results all = page(f, query, scope, 0, 2 * MAILS);

	assert_int_equal(all.n, n);
	assert_int_equal(count(f, query, scope), n);
	for (uint64_t offset = 0; offset <= n + 1; offset++)
		for (uint64_t limit = 0; limit <= 7; limit += 7) {
			struct results r = page(f, query, scope, offset, limit);
			size_t left = offset < n ? n - offset : 0;

			assert_int_equal(r.n, left < limit ? left : limit);
			assert_memory_equal(r.v, all.v + offset, r.n * sizeof(*r.v));
		}
}

static uint64_t id_of(struct fixture *f, const char *addr)
{
	uint64_t id;

	assert_int_equal(address_id(archive_catalog(f->a), VIEW(addr), true, &id, &f->err), 1);
	return id;
}

static void nothing_outside_the_scope_is_given_or_counted(void **state)
{
	static const char *const queries[] = {
		"", "words", "from:anna@example.org", "subject:mail", "-nothing", "words OR mail"};
	struct fixture *f = *state;
	struct scope all = SCOPE_ALL, none = {0};
	uint64_t ids[] = {id_of(f, "bert@example.org"), id_of(f, "stranger@example.org")};
	struct scope bert = {.addresses = ids, .n_addresses = 2};
	struct scope stranger = {.addresses = ids + 1, .n_addresses = 1};

	for (size_t i = 0; i < sizeof(queries) / sizeof(*queries); i++) {
		assert_int_equal(count(f, queries[i], &all), MAILS);
		assert_int_equal(count(f, queries[i], &bert), MAILS / 2);
		assert_int_equal(page(f, queries[i], &bert, 0, MAILS).n, MAILS / 2);
		assert_int_equal(count(f, queries[i], &stranger), 0);
		assert_int_equal(count(f, queries[i], &none), 0);
		assert_int_equal(page(f, queries[i], &none, 0, MAILS).n, 0);
	}
	assert_int_equal(count(f, "to:carla@example.org", &bert), 0);
	assert_int_equal(count(f, "bert OR carla", &bert), MAILS / 2);
}

static void an_id_is_no_way_around_the_scope(void **state)
{
	struct fixture *f = *state;
	struct scope all = SCOPE_ALL;
	struct results carlas = page(f, "to:carla@example.org", &all, 0, 1);
	uint64_t id = id_of(f, "bert@example.org");
	struct scope bert = {.addresses = &id, .n_addresses = 1};
	CLEAN(arena) arena = arena_new();
	char text[UUID_TEXT + 1], query[64];
	struct mail_row row;

	assert_int_equal(mails_get(archive_catalog(f->a), arena, carlas.v[0], &row, &f->err), 1);
	snprintf(query, sizeof(query), "id:%s", uuid_text(&row.id, text));
	assert_int_equal(count(f, query, &all), 1);
	assert_int_equal(count(f, query, &bert), 0);
	assert_int_equal(count(f, "msgid:1@x", &all), 1);
	assert_int_equal(count(f, "msgid:1@x", &bert), 0);
}

static void pages_follow_each_other(void **state)
{
	struct fixture *f = *state;
	struct scope all = SCOPE_ALL;
	uint64_t id = id_of(f, "bert@example.org");
	struct scope bert = {.addresses = &id, .n_addresses = 1};

	pages_agree(f, "words", &all, MAILS);
	pages_agree(f, "", &bert, MAILS / 2);
}

static void delete_number(struct fixture *f, uint64_t mail)
{
	CLEAN(arena) arena = arena_new();
	struct mail_row row;

	assert_int_equal(mails_get(archive_catalog(f->a), arena, mail, &row, &f->err), 1);
	fixture_delete(f, &row.id);
}

static void deleted_mails_in_the_index_count_for_nothing(void **state)
{
	struct fixture *f = *state;
	struct scope all = SCOPE_ALL;
	uint64_t id = id_of(f, "bert@example.org");
	struct scope bert = {.addresses = &id, .n_addresses = 1};
	struct results r = page(f, "", &bert, 0, MAILS);
	struct erase_report report;

	for (size_t i = 0; i < 5; i++)
		delete_number(f, r.v[2 * i]);
	for (int night = 0; night < 2; night++) { /* the second time they are out of the index */
		pages_agree(f, "words", &all, MAILS - 5);
		pages_agree(f, "", &bert, MAILS / 2 - 5);
		assert_int_equal(erase_index(f->a, &report, &f->err), 0);
	}
}

static int stop(void *arg, const struct mail_row *row, struct err *err)
{
	(void)row;
	++*(int *)arg;
	return err_set(err, ERR_STOPPED, "enough");
}

static void the_caller_may_stop(void **state)
{
	struct fixture *f = *state;
	struct scope all = SCOPE_ALL;
	int calls = 0;

	assert_int_equal(find_mails(f->a, VIEW(""), &all, 0, 9, stop, &calls, &f->err), -1);
	assert_int_equal(f->err.kind, ERR_STOPPED);
	assert_int_equal(calls, 1);
}

static void a_mistake_in_the_query_is_told(void **state)
{
	struct fixture *f = *state;
	struct scope all = SCOPE_ALL;
	uint64_t n;

	assert_int_equal(find_count(f->a, VIEW("before:never"), &all, &n, &f->err), -1);
	assert_int_equal(f->err.kind, ERR_SYNTAX);
	assert_int_equal(n, 0);
}

/* --- by place ----------------------------------------------------------------------------------- */

static void places_lead_through_the_whole_list_once(void **state)
{
	struct fixture *f = *state;
	struct scope all = SCOPE_ALL;
	uint64_t id = id_of(f, "bert@example.org");
	struct scope bert = {.addresses = &id, .n_addresses = 1};
	const struct scope *scopes[] = {&all, &bert};

	for (size_t i = 0; i < 2; i++)
		for (size_t limit = 1; limit <= MAILS + 1; limit += 4) {
			struct results r = {0}, expected;
			int64_t from = 0;

			expected = page(f, "words", scopes[i], 0, MAILS);
			do
				assert_int_equal(find_page(f->a, VIEW("words"), scopes[i], from,
							   limit, add_result, &r, &from, &f->err),
						 0);
			while (from != 0);
			assert_int_equal(r.n, expected.n);
			assert_memory_equal(r.v, expected.v, r.n * sizeof(*r.v));
		}
}

static void each_mail_knows_its_neighbours_in_the_scope(void **state)
{
	struct fixture *f = *state;
	uint64_t id = id_of(f, "bert@example.org");
	struct scope bert = {.addresses = &id, .n_addresses = 1};
	struct results r = page(f, "words", &bert, 0, MAILS);
	CLEAN(arena) arena = arena_new();

	for (size_t i = 0; i < r.n; i++) {
		struct find_neighbours found;
		struct mail_row row, other;

		mails_get(archive_catalog(f->a), arena, r.v[i], &row, &f->err);
		assert_int_equal(find_neighbours(f->a, VIEW("words"), &bert, &row, &found, &f->err),
				 0);
		assert_int_equal(found.has_newer, i > 0);
		assert_int_equal(found.has_older, i + 1 < r.n);
		if (i > 0) {
			mails_get(archive_catalog(f->a), arena, r.v[i - 1], &other, &f->err);
			assert_memory_equal(other.id.b, found.newer.b, UUID_BYTES);
		}
		if (i + 1 < r.n) {
			mails_get(archive_catalog(f->a), arena, r.v[i + 1], &other, &f->err);
			assert_memory_equal(other.id.b, found.older.b, UUID_BYTES);
		}
	}
}

/* --- one mail ----------------------------------------------------------------------------------- */

static void a_mail_of_others_is_answered_like_one_that_does_not_exist(void **state)
{
	struct fixture *f = *state;
	struct scope all = SCOPE_ALL;
	uint64_t id = id_of(f, "bert@example.org");
	struct scope bert = {.addresses = &id, .n_addresses = 1};
	struct results carlas = page(f, "to:carla@example.org", &all, 0, 1);
	struct results berts = page(f, "to:bert@example.org", &all, 0, 1);
	CLEAN(arena) arena = arena_new();
	struct err foreign = {0}, missing = {0};
	const struct uuid none = {{7}};
	struct mail_row row, got;

	mails_get(archive_catalog(f->a), arena, berts.v[0], &row, &f->err);
	assert_int_equal(mail_find_in(f->a, arena, &bert, &row.id, &got, &f->err), 1);
	assert_int_equal(got.mail, row.mail);
	mails_get(archive_catalog(f->a), arena, carlas.v[0], &row, &f->err);
	assert_int_equal(mail_find_in(f->a, arena, &bert, &row.id, &got, &foreign), 0);
	assert_int_equal(mail_find_in(f->a, arena, &bert, &none, &got, &missing), 0);
	assert_int_equal(foreign.kind, ERR_NOTFOUND);
	assert_int_equal(missing.kind, ERR_NOTFOUND);
	assert_string_equal(foreign.text, missing.text);
	fixture_delete(f, &row.id);
	err_clear(&foreign);
	assert_int_equal(mail_find_in(f->a, arena, &bert, &row.id, &got, &foreign), 0);
	assert_string_equal(foreign.text, missing.text);
}

/* --- conversations ------------------------------------------------------------------------------ */

static void give_answer(struct fixture *f, const char *to, const char *msgid, const char *fields)
{
	CLEAN_STR raw = STR_INIT;

	str_addf(&raw,
		 "From: anna@example.org\nTo: %s@example.org\nSubject: %s\nMessage-ID: <%s>\n%s"
		 "Date: Tue, 3 Jan 2023 10:%s:00 +0000\n\ntalk\n",
		 to, msgid, msgid, fields, msgid);
	fixture_take(f, &(struct arrival){.raw = str_view(&raw)});
}

static int add_subject(void *arg, const struct mail_row *row, struct err *err)
{
	struct str *subjects = arg;

	(void)err;
	str_adds(subjects, subjects->len > 0 ? " " : "");
	str_addv(subjects, row->subject);
	return 0;
}

static void talk_is(struct fixture *f, const struct scope *scope, const char *of,
		    const char *expected)
{
	CLEAN(arena) arena = arena_new();
	CLEAN_STR subjects = STR_INIT;
	struct results r = page(f, of, scope, 0, 1);
	struct mail_row row;

	assert_int_equal(r.n, 1);
	mails_get(archive_catalog(f->a), arena, r.v[0], &row, &f->err);
	assert_int_equal(find_conversation(f->a, scope, &row, add_subject, &subjects, &f->err), 0);
	assert_string_equal(subjects.data, expected);
}

static void a_conversation_is_told_from_any_of_its_mails_and_within_the_scope(void **state)
{
	struct fixture *f = *state;
	struct scope all = SCOPE_ALL;
	uint64_t id = id_of(f, "bert@example.org");
	struct scope bert = {.addresses = &id, .n_addresses = 1};

	give_answer(f, "bert", "10", "");
	give_answer(f, "bert", "11", "References: <10>\nIn-Reply-To: <10>\n");
	give_answer(f, "carla", "12", "References: <10> <11>\nIn-Reply-To: <11>\n");
	give_answer(f, "bert", "13", "In-Reply-To: <12>\n");
	give_answer(f, "bert", "20", "References: <lost>\n");
	give_answer(f, "bert", "21", "References: <lost> <20>\n");
	talk_is(f, &all, "msgid:10", "10 11 12 13");
	talk_is(f, &all, "msgid:13", "10 11 12 13");
	talk_is(f, &all, "msgid:12", "10 11 12 13");
	talk_is(f, &all, "msgid:20", "20 21");
	talk_is(f, &bert, "msgid:10", "10 11");
	talk_is(f, &bert, "msgid:13", "13");
	talk_is(f, &all, "msgid:1@x", "mail 1");
}

#define IN_FILLED(test) cmocka_unit_test_setup_teardown(test, fill, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FILLED(nothing_outside_the_scope_is_given_or_counted),
		IN_FILLED(an_id_is_no_way_around_the_scope),
		IN_FILLED(pages_follow_each_other),
		IN_FILLED(deleted_mails_in_the_index_count_for_nothing),
		IN_FILLED(the_caller_may_stop),
		IN_FILLED(places_lead_through_the_whole_list_once),
		IN_FILLED(each_mail_knows_its_neighbours_in_the_scope),
		IN_FILLED(a_mail_of_others_is_answered_like_one_that_does_not_exist),
		IN_FILLED(a_conversation_is_told_from_any_of_its_mails_and_within_the_scope),
		IN_FILLED(a_mistake_in_the_query_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
