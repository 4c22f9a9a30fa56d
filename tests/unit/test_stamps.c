/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What waits for a timestamp, the timestamps, and which leaf is whose: in a catalog without an archive. */
#include "tests/unit/fixture.h"

#include "app/catalog/stamps.h"

#define WORKS(f, call)                                                                             \
	do {                                                                                       \
		if ((call) < 0)                                                                    \
			fail_msg("%s", (f)->err.text);                                             \
	} while (0)

static struct hash hash_of(uint64_t n)
{
	return crypto_sha256(&n, sizeof(n));
}

/* The mail's number. */
static uint64_t add_mail(struct fixture *f, struct catalog *c)
{
	struct mail_row row = {.id = uuid_new(),
			       .record = {1, 1, 1},
			       .way = WAY_IMPORT,
			       .place = VIEW(""),
			       .flags = VIEW(""),
			       .subject = VIEW(""),
			       .sender = VIEW("")};

	row.exact = crypto_sha256(row.id.b, UUID_BYTES);
	row.content = row.exact;
	WORKS(f, source_id(c, VIEW("test"), true, &row.source, &f->err));
	WORKS(f, mails_add(c, &row, &f->err));
	return row.mail;
}

static struct uuid add_sighting(struct fixture *f, struct catalog *c, uint64_t mail)
{
	struct sighting_row row = {.id = uuid_new(),
				   .mail = mail,
				   .exact = hash_of(mail),
				   .record = {1, 2, 1},
				   .way = WAY_SMTP,
				   .place = VIEW(""),
				   .flags = VIEW("")};

	WORKS(f, source_id(c, VIEW("test"), true, &row.source, &f->err));
	WORKS(f, sightings_add(c, &row, &f->err));
	return row.id;
}

static void wait_for(struct fixture *f, struct catalog *c, uint64_t mail,
		     const struct uuid *sighting)
{
	struct hash digest = hash_of(mail);

	WORKS(f, to_stamp_add(c, mail, sighting, &digest, &f->err));
}

static int64_t ms_of(struct fixture *f, struct catalog *c, uint64_t mail)
{
	CLEAN(arena) arena = arena_new();
	struct mail_row row;

	assert_int_equal(mails_get(c, arena, mail, &row, &f->err), 1);
	return uuid_ms(&row.id);
}

/* ---- what waits ---- */

/* "1 2+ 2+": mails in the order in which they are given out, + for a sighting. */
static int tell_row(void *arg, const struct to_stamp *row, struct err *err)
{
	struct str *out = arg;

	(void)err;
	str_addf(out, "%s%llu%s", out->len > 0 ? " " : "", (unsigned long long)row->mail,
		 row->is_sighting ? "+" : "");
	return 0;
}

static void gives(struct fixture *f, struct catalog *c, uint64_t after, uint64_t max_mails,
		  const char *wanted)
{
	CLEAN_STR out = STR_INIT;

	str_adds(&out, "");
	WORKS(f, to_stamp_each(c, after, max_mails, tell_row, &out, &f->err));
	assert_string_equal(out.data, wanted);
}

static void rows_of_one_mail_stand_together_its_own_first(void **state)
{
	struct fixture *f = *state;
	CLEAN(catalog) c = fixture_catalog(f);
	uint64_t one = add_mail(f, c), two = add_mail(f, c), three = add_mail(f, c);
	struct uuid again = add_sighting(f, c, one), other = add_sighting(f, c, two);

	wait_for(f, c, two, &other);
	wait_for(f, c, one, NULL);
	wait_for(f, c, two, NULL);
	wait_for(f, c, three, NULL);
	wait_for(f, c, one, &again);
	gives(f, c, 0, 10, "1 1+ 2 2+ 3");
	gives(f, c, 0, 2, "1 1+ 2 2+");
	gives(f, c, 0, 1, "1 1+");
	gives(f, c, one, 1, "2 2+");
	gives(f, c, two, 5, "3");
	gives(f, c, three, 5, "");
}

static int check_row(void *arg, const struct to_stamp *row, struct err *err)
{
	struct hash digest = hash_of(row->mail);
	const struct mail_row *mail = arg;

	(void)err;
	assert_true(uuid_eq(&row->id, &mail->id));
	assert_true(hash_eq(&row->exact, &mail->exact));
	assert_int_equal(row->has_digest, row->mail == 1);
	assert_true(!row->has_digest || hash_eq(&row->digest, &digest));
	return 0;
}

static void a_row_tells_its_mail_and_its_digest_where_it_is_known(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	CLEAN(catalog) c = fixture_catalog(f);
	uint64_t mail = add_mail(f, c);
	struct mail_row row;

	assert_int_equal(mails_get(c, arena, mail, &row, &f->err), 1);
	wait_for(f, c, mail, NULL);
	WORKS(f, to_stamp_each(c, 0, 10, check_row, &row, &f->err));
	WORKS(f, to_stamp_done(c, mail, NULL, 1, &f->err));
	mail = add_mail(f, c);
	assert_int_equal(mails_get(c, arena, mail, &row, &f->err), 1);
	WORKS(f, to_stamp_add(c, mail, NULL, NULL, &f->err));
	WORKS(f, to_stamp_each(c, 0, 10, check_row, &row, &f->err));
}

static void a_deleted_mail_waits_and_an_erased_one_does_not(void **state)
{
	struct fixture *f = *state;
	CLEAN(catalog) c = fixture_catalog(f);
	uint64_t one = add_mail(f, c), two = add_mail(f, c);
	struct to_stamp_totals totals;

	wait_for(f, c, one, NULL);
	wait_for(f, c, two, NULL);
	WORKS(f, mails_set_state(c, one, MAIL_DELETED, &f->err));
	gives(f, c, 0, 10, "1 2");
	WORKS(f, mails_erase(c, one, 1, 0, &f->err));
	gives(f, c, 0, 10, "2");
	WORKS(f, to_stamp_totals(c, &totals, &f->err));
	assert_int_equal(totals.mails, 1);
	assert_int_equal(totals.oldest_ms, ms_of(f, c, two));
}

static void what_a_stamp_has_waits_no_more_and_a_sighting_knows_the_stamp(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	CLEAN(catalog) c = fixture_catalog(f);
	uint64_t mail = add_mail(f, c);
	struct uuid again = add_sighting(f, c, mail);
	struct sighting_row sighting;
	struct to_stamp_totals totals;
	int64_t since_ms;

	wait_for(f, c, mail, NULL);
	wait_for(f, c, mail, &again);
	WORKS(f, to_stamp_totals(c, &totals, &f->err));
	assert_true(totals.mails == 1 && totals.sightings == 1);
	assert_int_equal(to_stamp_since(c, mail, &since_ms, &f->err), 1);
	assert_int_equal(since_ms, ms_of(f, c, mail));

	WORKS(f, to_stamp_done(c, mail, NULL, 7, &f->err));
	gives(f, c, 0, 10, "1+");
	assert_int_equal(to_stamp_since(c, mail, &since_ms, &f->err), 1);
	assert_int_equal(since_ms, uuid_ms(&again));

	WORKS(f, to_stamp_done(c, mail, &again, 7, &f->err));
	assert_int_equal(to_stamp_since(c, mail, &since_ms, &f->err), 0);
	assert_int_equal(sightings_get(c, arena, &again, &sighting, &f->err), 1);
	assert_int_equal(sighting.stamp, 7);
	WORKS(f, to_stamp_totals(c, &totals, &f->err));
	assert_true(totals.mails == 0 && totals.sightings == 0 && totals.oldest_ms == 0);
}

/* ---- stamps ---- */

static void add_stamp(struct fixture *f, struct catalog *c, uint64_t stamp, enum digest_alg digest,
		      int64_t ends_s)
{
	const struct stamp_row row = {.stamp = stamp,
				      .digest = digest,
				      .statement = VIEW("a statement"),
				      .token = {"a\0token", 7},
				      .ca = VIEW("a certificate"),
				      .time_ms = 1767225600123,
				      .ends_s = ends_s,
				      .mails = stamp,
				      .leaves = 3,
				      .tokens = 1};

	WORKS(f, stamps_add(c, &row, &f->err));
}

static void add_leaf(struct fixture *f, struct catalog *c, int64_t mail, uint64_t stamp,
		     uint64_t at, uint64_t origin)
{
	WORKS(f, stamp_leaves_add(c, &(struct stamp_leaf){mail, stamp, at, origin}, &f->err));
}

static int64_t number(struct fixture *f, struct catalog *c, const char *sql)
{
	CLEAN_STMT q = NULL;

	WORKS(f, db_query_text(catalog_db(c), sql, &q, &f->err));
	WORKS(f, stmt_step(q, &f->err));
	return stmt_int(q, 0);
}

static void a_stamp_is_given_back_as_it_was_put(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	CLEAN(catalog) c = fixture_catalog(f);
	struct stamp_row row;
	uint64_t last;

	WORKS(f, stamps_last(c, &last, &f->err));
	assert_int_equal(last, 0);
	add_stamp(f, c, 1, DIGEST_SHA384, 1800000000);
	add_stamp(f, c, 2, DIGEST_SHA384, 1800000000);
	WORKS(f, stamps_last(c, &last, &f->err));
	assert_int_equal(last, 2);
	assert_int_equal(stamps_get(c, arena, 3, &row, &f->err), 0);
	assert_int_equal(stamps_get(c, arena, 1, &row, &f->err), 1);
	assert_int_equal(row.digest, DIGEST_SHA384);
	assert_true(view_eq(row.statement, VIEW("a statement")));
	assert_true(view_eq(row.token, (struct view){"a\0token", 7}));
	assert_true(view_eq(row.ca, VIEW("a certificate")));
	assert_int_equal(row.time_ms, 1767225600123);
	assert_int_equal(row.ends_s, 1800000000);
	assert_true(row.mails == 1 && row.leaves == 3 && row.tokens == 1);
	assert_true(row.covered_by == 0 && !row.retired);
	assert_int_equal(number(f, c, "SELECT count(*) FROM stamp_certificates"), 1);
}

static void a_row_that_is_not_sound_is_told(void **state)
{
	static const char *const changes[] = {"UPDATE stamps SET digest = 4",
					      "UPDATE stamps SET digest = 1, leaves = 0",
					      "UPDATE stamps SET leaves = 3, tokens = 4"};
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	CLEAN(catalog) c = fixture_catalog(f);
	struct stamp_row row;

	add_stamp(f, c, 1, DIGEST_SHA256, 1);
	for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
		WORKS(f, db_exec(catalog_db(c), changes[i], &f->err));
		assert_int_equal(stamps_get(c, arena, 1, &row, &f->err), -1);
		assert_int_equal(f->err.kind, ERR_DAMAGED);
		err_clear(&f->err);
	}
}

static void only_tokens_that_count_are_to_be_renewed(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	CLEAN(catalog) c = fixture_catalog(f);
	struct stamp_row row;
	uint64_t *v;
	int64_t ends_s;
	size_t n;

	assert_int_equal(stamps_first_end(c, &ends_s, &f->err), 0);
	add_stamp(f, c, 1, DIGEST_SHA256, 100);
	add_stamp(f, c, 2, DIGEST_SHA256, 200);
	add_stamp(f, c, 3, DIGEST_SHA256, 300);
	WORKS(f, stamps_to_renew(c, arena, 201, &v, &n, &f->err));
	assert_true(n == 2 && v[0] == 1 && v[1] == 2);
	assert_int_equal(stamps_first_end(c, &ends_s, &f->err), 1);
	assert_int_equal(ends_s, 100);

	WORKS(f, stamps_set_covered(c, 1, 3, 0, &f->err));
	assert_int_equal(stamps_get(c, arena, 1, &row, &f->err), 1);
	assert_true(row.covered_by == 3 && row.covered_at == 0);
	WORKS(f, stamps_to_renew(c, arena, 201, &v, &n, &f->err));
	assert_true(n == 1 && v[0] == 2);
	assert_int_equal(stamps_first_end(c, &ends_s, &f->err), 1);
	assert_int_equal(ends_s, 200);
	WORKS(f, stamps_to_renew(c, arena, 200, &v, &n, &f->err));
	assert_int_equal(n, 0);
}

static bool is_retired(struct fixture *f, struct catalog *c, uint64_t stamp)
{
	CLEAN(arena) arena = arena_new();
	struct stamp_row row;

	WORKS(f, stamps_retire(c, &f->err));
	assert_int_equal(stamps_get(c, arena, stamp, &row, &f->err), 1);
	return row.retired;
}

static uint64_t count_retired(struct fixture *f, struct catalog *c, enum digest_alg alg)
{
	uint64_t n;

	WORKS(f, stamps_count_retired(c, alg, &n, &f->err));
	return n;
}

static void a_stamp_retires_when_all_its_mails_have_a_leaf_of_another_algorithm(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	CLEAN(catalog) c = fixture_catalog(f);
	uint64_t one = add_mail(f, c), two = add_mail(f, c);
	const struct stamp_leaf first = {0};
	struct stamp_leaf *leaves;
	size_t n;

	add_stamp(f, c, 1, DIGEST_SHA256, 1);
	add_leaf(f, c, (int64_t)one, 1, 1, 1);
	add_leaf(f, c, (int64_t)two, 1, 2, 1);
	assert_int_equal(count_retired(f, c, DIGEST_SHA256), 0);
	assert_int_equal(count_retired(f, c, DIGEST_SHA512), 2);
	assert_false(is_retired(f, c, 1));

	add_stamp(f, c, 2, DIGEST_SHA512, 2);
	add_leaf(f, c, (int64_t)two, 2, 1, 1);
	assert_false(is_retired(f, c, 1));
	WORKS(f, stamps_list_retired(c, arena, DIGEST_SHA512, &first, 10, &leaves, &n, &f->err));
	assert_true(n == 1 && leaves[0].mail == (int64_t)one && leaves[0].at == 1);

	WORKS(f, mails_erase(c, one, 1, 0, &f->err)); /* its leaf needs no renewal */
	assert_int_equal(count_retired(f, c, DIGEST_SHA512), 0);
	assert_true(is_retired(f, c, 1));
	assert_false(is_retired(f, c, 2));
}

static void a_stamp_that_renews_a_token_stays_as_long_as_that_one_counts(void **state)
{
	struct fixture *f = *state;
	CLEAN(catalog) c = fixture_catalog(f);
	uint64_t mail = add_mail(f, c);

	add_stamp(f, c, 1, DIGEST_SHA256, 1);
	add_leaf(f, c, (int64_t)mail, 1, 1, 1);
	add_stamp(f, c, 2, DIGEST_SHA256, 2);
	WORKS(f, stamps_set_covered(c, 1, 2, 0, &f->err));
	add_stamp(f, c, 3, DIGEST_SHA512, 3);
	assert_false(is_retired(f, c, 2));
	add_leaf(f, c, (int64_t)mail, 3, 0, 1);
	assert_true(is_retired(f, c, 2));
	assert_true(is_retired(f, c, 1));
}

/* ---- trees and leaves ---- */

static void nodes_are_given_back_and_a_missing_chunk_is_damage(void **state)
{
	struct fixture *f = *state;
	CLEAN(catalog) c = fixture_catalog(f);
	struct stamp_nodes nodes = {c, 1, STR_INIT};
	struct view v;

	WORKS(f, stamp_nodes_put(c, 1, 0, 2, (struct view){"a\0b", 3}, &f->err));
	WORKS(f, stamp_nodes_fetch(&nodes, 0, 2, &v, &f->err));
	assert_true(view_eq(v, (struct view){"a\0b", 3}));
	assert_int_equal(stamp_nodes_fetch(&nodes, 1, 2, &v, &f->err), -1);
	assert_int_equal(f->err.kind, ERR_DAMAGED);
	str_clear(&nodes.buf);
}

static int tell_leaf(void *arg, const struct stamp_leaf *leaf, struct err *err)
{
	struct str *out = arg;

	(void)err;
	str_addf(out, "%s%lld:%llu/%llu", out->len > 0 ? " " : "", (long long)leaf->mail,
		 (unsigned long long)leaf->origin, (unsigned long long)leaf->stamp);
	return 0;
}

static void leaves_come_by_origin_and_of_each_origin_by_stamp(void **state)
{
	struct fixture *f = *state;
	CLEAN(catalog) c = fixture_catalog(f);
	CLEAN_STR out = STR_INIT;

	add_leaf(f, c, 5, 4, 0, 1);
	add_leaf(f, c, 5, 2, 0, 2);
	add_leaf(f, c, 5, 1, 9, 1);
	add_leaf(f, c, 6, 1, 8, 1);
	WORKS(f, stamp_leaves_each(c, 5, tell_leaf, &out, &f->err));
	assert_string_equal(out.data, "5:1/1 5:1/4 5:2/2");
}

static void each_mail_counts_for_the_first_stamp_that_has_it(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	CLEAN(catalog) c = fixture_catalog(f);
	uint64_t *mails, n;

	add_stamp(f, c, 1, DIGEST_SHA256, 1);
	add_stamp(f, c, 2, DIGEST_SHA256, 1);
	add_leaf(f, c, 5, 1, 1, 1);
	add_leaf(f, c, 5, 2, 1, 2);
	add_leaf(f, c, 6, 2, 2, 2);
	add_leaf(f, c, -1, 2, 0, 2);
	WORKS(f, stamp_leaves_first(c, arena, &mails, &n, &f->err));
	assert_int_equal(n, 2);
	assert_int_equal(mails[1], 1);
	assert_int_equal(mails[2], 2);
}

static void a_leaf_is_lost_if_its_mail_is_neither_there_nor_erased(void **state)
{
	struct fixture *f = *state;
	CLEAN(catalog) c = fixture_catalog(f);
	uint64_t there = add_mail(f, c), erased = add_mail(f, c);
	struct uuid long_gone = uuid_new();
	CLEAN_STR out = STR_INIT;

	WORKS(f, mails_erase(c, erased, 1, 0, &f->err));
	WORKS(f, mails_add_erased(c, &long_gone, 1, 0, &f->err));
	WORKS(f, mails_set_erased_number(c, &long_gone, -1, &f->err));
	add_leaf(f, c, (int64_t)there, 1, 0, 1);
	add_leaf(f, c, (int64_t)erased, 1, 1, 1);
	add_leaf(f, c, -1, 1, 2, 1);
	add_leaf(f, c, -2, 1, 3, 1);
	WORKS(f, stamp_leaves_lost(c, tell_leaf, &out, &f->err));
	assert_string_equal(out.data, "-2:1/1");
}

/* ---- answers that were refused ---- */

static int check_refused(void *arg, const struct stamp_refused *row, struct err *err)
{
	uint64_t *next = arg;

	(void)err;
	assert_int_equal(row->time_s, *next);
	assert_true(view_eq(row->reason, VIEW("a reason")));
	assert_true(view_eq(row->response, (struct view){"\x30\0", 2}));
	++*next;
	return 0;
}

static void of_refused_answers_the_last_are_kept(void **state)
{
	struct fixture *f = *state;
	CLEAN(catalog) c = fixture_catalog(f);
	uint64_t next = 6, n;

	for (int i = 1; i <= STAMP_REFUSED_KEPT + 5; i++)
		WORKS(f, stamp_refused_add(c, i, VIEW("a reason"), (struct view){"\x30\0", 2},
					   &f->err));
	WORKS(f, stamp_refused_count(c, &n, &f->err));
	assert_int_equal(n, STAMP_REFUSED_KEPT);
	WORKS(f, stamp_refused_each(c, check_refused, &next, &f->err));
	assert_int_equal(next, STAMP_REFUSED_KEPT + 6);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_folder, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(rows_of_one_mail_stand_together_its_own_first),
		TEST(a_row_tells_its_mail_and_its_digest_where_it_is_known),
		TEST(a_deleted_mail_waits_and_an_erased_one_does_not),
		TEST(what_a_stamp_has_waits_no_more_and_a_sighting_knows_the_stamp),
		TEST(a_stamp_is_given_back_as_it_was_put),
		TEST(a_row_that_is_not_sound_is_told),
		TEST(only_tokens_that_count_are_to_be_renewed),
		TEST(a_stamp_retires_when_all_its_mails_have_a_leaf_of_another_algorithm),
		TEST(a_stamp_that_renews_a_token_stays_as_long_as_that_one_counts),
		TEST(nodes_are_given_back_and_a_missing_chunk_is_damage),
		TEST(leaves_come_by_origin_and_of_each_origin_by_stamp),
		TEST(each_mail_counts_for_the_first_stamp_that_has_it),
		TEST(a_leaf_is_lost_if_its_mail_is_neither_there_nor_erased),
		TEST(of_refused_answers_the_last_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
