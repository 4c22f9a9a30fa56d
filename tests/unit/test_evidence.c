/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/fixture.h"

#include "app/archive/evidence.h"
#include "app/archive/provenance.h"
#include "app/archive/rebuild.h"
#include "base/file.h"

enum { FILE_MAX = 1 << 20 };

/* Evidence over what waits, as stamping would make it, but for token and statement, which are any bytes. */
struct making {
	struct arena *arena;
	struct evidence e;
	struct evidence_leaf leaves[16];
	size_t n;
};

static int add_waiting(void *arg, const struct to_stamp *row, struct err *err)
{
	struct making *m = arg;
	struct evidence_leaf *leaf = &m->leaves[m->n];
	struct uuid *sighting = arena_get(m->arena, sizeof(*sighting));

	(void)err;
	assert_true(m->n < 16 && row->has_digest);
	leaf->mail = row->id;
	leaf->number = (int64_t)row->mail;
	leaf->origin = m->e.stamp.stamp;
	leaf->digest = digest_of(DIGEST_SHA256,
				 (struct view){(const char *)row->digest.b, HASH_BYTES});
	leaf->has_own = !row->is_sighting;
	*sighting = row->sighting;
	leaf->sightings = sighting;
	leaf->n_sightings = row->is_sighting;
	m->n++;
	return 0;
}

static struct evidence *evidence_of(struct fixture *f, struct making *m)
{
	uint64_t last;

	if (stamps_last(archive_catalog(f->a), &last, &f->err) < 0)
		fail_msg("%s", f->err.text);
	m->e.stamp = (struct stamp_row){.stamp = last + 1,
					.digest = DIGEST_SHA256,
					.statement = VIEW("a statement"),
					.token = VIEW("a token"),
					.ca = VIEW("a certificate"),
					.time_ms = 1767225600123,
					.ends_s = 1800000000};
	if (to_stamp_each(archive_catalog(f->a), 0, 16, add_waiting, m, &f->err) < 0)
		fail_msg("%s", f->err.text);
	m->e.leaves = m->leaves;
	m->e.stamp.leaves = m->n;
	m->e.stamp.mails = m->n;
	return &m->e;
}

static void note(struct fixture *f, const struct evidence *e)
{
	if (catalog_begin(archive_catalog(f->a), &f->err) < 0 ||
	    evidence_note(f->a, e, &f->err) < 0 ||
	    catalog_commit(archive_catalog(f->a), &f->err) < 0)
		fail_msg("%s", f->err.text);
}

static struct taken take(struct fixture *f, int i)
{
	CLEAN_STR raw = STR_INIT;

	str_addf(&raw, "Message-ID: <%d@x>\nSubject: s\n\nword%d\n", i, i);
	return fixture_take(f, &(struct arrival){.raw = str_view(&raw)});
}

static uint64_t waiting(struct fixture *f)
{
	struct to_stamp_totals totals;

	if (to_stamp_totals(archive_catalog(f->a), &totals, &f->err) < 0)
		fail_msg("%s", f->err.text);
	return totals.mails + totals.sightings;
}

/* The rows of a table as one text. */
static void dump(struct fixture *f, const char *sql, struct str *out)
{
	CLEAN_STMT q = NULL;

	if (db_query_text(catalog_db(archive_catalog(f->a)), sql, &q, &f->err) < 0)
		fail_msg("%s", f->err.text);
	while (stmt_step(q, &f->err) > 0) {
		str_addhex(out, stmt_blob(q, 0).data, stmt_blob(q, 0).len);
		str_addc(out, '\n');
	}
}

static const char all_of_it[] =
	"SELECT CAST(stamp || ' ' || digest || ' ' || time_ms || ' ' || ends_s || ' ' || mails || "
	"' ' "
	"|| leaves || ' ' || hex(statement) || hex(token) AS BLOB) FROM stamps UNION ALL "
	"SELECT CAST(level || ' ' || chunk || ' ' || hex(nodes) AS BLOB) FROM stamp_nodes UNION "
	"ALL "
	"SELECT CAST(hex(m.id) || ' ' || l.stamp || ' ' || l.at || ' ' || l.origin AS BLOB) "
	"FROM stamp_leaves l JOIN mails m USING (mail) UNION ALL "
	"SELECT CAST(hex(id) || ' ' || coalesce(stamp, 0) AS BLOB) FROM sightings ORDER BY 1";

static void what_is_written_is_read_back_and_notes_all_rows(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	struct making m = {.arena = arena};
	struct evidence *e, back;

	take(f, 1);
	take(f, 2);
	assert_int_equal(waiting(f), 2);
	e = evidence_of(f, &m);
	assert_int_equal(evidence_write(f->a, e, &f->err), 0);
	assert_int_equal(evidence_write(f->a, e, &f->err), -1);
	assert_int_equal(f->err.kind, ERR_EXISTS);
	err_clear(&f->err);
	if (evidence_read(f->a, 1, arena, &back, &f->err) < 0)
		fail_msg("%s", f->err.text);
	assert_int_equal(back.stamp.leaves, 2);
	assert_true(view_eq(back.stamp.statement, e->stamp.statement));
	assert_true(uuid_eq(&back.leaves[1].mail, &e->leaves[1].mail));
	assert_true(digest_eq(DIGEST_SHA256, &back.leaves[1].digest, &e->leaves[1].digest));
	note(f, e);
	assert_int_equal(waiting(f), 0);
	assert_int_equal(evidence_read(f->a, 2, arena, &back, &f->err), -1);
	assert_int_equal(f->err.kind, ERR_NOTFOUND);
}

static const char *file_of(struct fixture *f, uint64_t stamp)
{
	static char path[256];
	char uuid[UUID_TEXT + 1];

	snprintf(path, sizeof(path), "%s/media/1/sealpost-%s/evidence/%08llu.evidence", f->archive,
		 uuid_text(keyring_archive(archive_keys(f->a)), uuid), (unsigned long long)stamp);
	return path;
}

static void a_changed_cut_or_exchanged_file_is_told(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	CLEAN_STR bytes = STR_INIT;
	struct making m = {.arena = arena};
	struct evidence back;
	char *path;

	take(f, 1);
	assert_int_equal(evidence_write(f->a, evidence_of(f, &m), &f->err), 0);
	path = arena_str(arena, file_of(f, 1));
	assert_int_equal(file_read(path, FILE_MAX, &bytes, &f->err), 0);
	for (size_t i = 0; i < bytes.len; i++) {
		struct err err = {0};

		bytes.data[i] ^= 0x10;
		fixture_write(path, str_view(&bytes));
		assert_int_equal(evidence_read(f->a, 1, arena, &back, &err), -1);
		assert_true(err.kind == ERR_DAMAGED || err.kind == ERR_VERSION ||
			    err.kind == ERR_FOREIGN || err.kind == ERR_WRONGKEY);
		bytes.data[i] ^= 0x10;
	}
	for (size_t len = 0; len < bytes.len; len += 13) {
		struct err err = {0};

		fixture_write(path, (struct view){bytes.data, len});
		assert_int_equal(evidence_read(f->a, 1, arena, &back, &err), -1);
		assert_int_equal(err.kind, ERR_DAMAGED);
	}
	fixture_write(file_of(f, 2), str_view(&bytes));
	assert_int_equal(evidence_read(f->a, 2, arena, &back, &f->err), -1);
	assert_non_null(strstr(f->err.text, "file of timestamp 1"));
}

static void a_crash_between_file_and_catalog_is_made_good(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	struct making m = {.arena = arena};
	struct evidence_regained regained;
	uint64_t last;

	take(f, 1);
	assert_int_equal(evidence_write(f->a, evidence_of(f, &m), &f->err), 0);
	assert_int_equal(evidence_take_in(f->a, &regained, &f->err), 0);
	assert_true(regained.stamps == 1 && regained.missing == 0 && regained.damaged == 0);
	assert_int_equal(waiting(f), 0);
	assert_int_equal(evidence_take_in(f->a, &regained, &f->err), 0);
	assert_int_equal(regained.stamps, 0);
	assert_int_equal(stamps_last(archive_catalog(f->a), &last, &f->err), 0);
	assert_int_equal(last, 1);
}

static void a_damaged_file_that_the_catalog_does_not_know_gives_way(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	CLEAN_STR bytes = STR_INIT;
	struct making m = {.arena = arena};
	struct evidence_regained regained;
	struct evidence *e, back;

	take(f, 1);
	e = evidence_of(f, &m);
	assert_int_equal(evidence_write(f->a, e, &f->err), 0);
	assert_int_equal(file_read(file_of(f, 1), FILE_MAX, &bytes, &f->err), 0);
	bytes.data[bytes.len / 2] ^= 1;
	fixture_write(file_of(f, 1), str_view(&bytes));
	assert_int_equal(evidence_take_in(f->a, &regained, &f->err), 0);
	assert_int_equal(regained.damaged, 1);
	if (evidence_write(f->a, e, &f->err) < 0 ||
	    evidence_read(f->a, 1, arena, &back, &f->err) < 0)
		fail_msg("%s", f->err.text);
}

static void what_lies_on_one_medium_alone_is_counted(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	struct making m = {.arena = arena};
	struct evidence *e;
	uint64_t n;

	assert_int_equal(evidence_only_on(f->a, 1, &n, &f->err), 0);
	assert_int_equal(n, 0);
	take(f, 1);
	e = evidence_of(f, &m);
	assert_int_equal(evidence_write(f->a, e, &f->err), 0);
	note(f, e);
	assert_int_equal(evidence_only_on(f->a, 1, &n, &f->err), 0);
	assert_int_equal(n, 1);
	assert_int_equal(evidence_only_on(f->a, 2, &n, &f->err), 0);
	assert_int_equal(n, 0);
}

static void rebuild(struct fixture *f)
{
	struct rebuild_report report;

	archive_free(&f->a);
	fixture_remove(fixture_path(f, "archive/catalog.db"));
	fixture_remove(fixture_path(f, "archive/catalog.db-wal"));
	fixture_remove(fixture_path(f, "archive/catalog.db-shm"));
	if (archive_rebuild(f->archive, NULL, 0, &report, &f->err) < 0 ||
	    archive_open(f->archive, &f->a, &f->err) < 0)
		fail_msg("%s", f->err.text);
}

static void a_rebuild_from_media_and_key_brings_every_row_back(void **state)
{
	struct fixture *f = *state;
	static const struct arrival again = ARRIVAL("Message-ID: <1@x>\nSubject: s\n\nword1\n",
						    .source = "elsewhere");
	CLEAN(arena) arena = arena_new();
	struct making first = {.arena = arena}, second = {.arena = arena};
	CLEAN_STR before = STR_INIT;
	CLEAN_STR after = STR_INIT;
	struct evidence *e;

	take(f, 1);
	take(f, 2);
	e = evidence_of(f, &first);
	assert_int_equal(evidence_write(f->a, e, &f->err), 0);
	note(f, e);
	assert_int_equal(fixture_take(f, &again).outcome, OUTCOME_DUPLICATE);
	take(f, 3);
	e = evidence_of(f, &second);
	assert_int_equal(e->stamp.leaves, 2);
	assert_int_equal(evidence_write(f->a, e, &f->err), 0);
	note(f, e);
	take(f, 4);
	assert_int_equal(waiting(f), 1);
	dump(f, all_of_it, &before);
	rebuild(f);
	dump(f, all_of_it, &after);
	assert_string_equal(before.data, after.data);
	assert_int_equal(waiting(f), 1);
}

/* A medium was away during a rebuild, and is back: its timestamp's token was renewed by a later one that is known already. */
static void a_timestamp_that_comes_back_late_is_known_as_renewed(void **state)
{
	struct fixture *f = *state;
	CLEAN(arena) arena = arena_new();
	struct making first = {.arena = arena}, second = {.arena = arena};
	const char *aside = fixture_path(f, "aside");
	struct evidence_regained regained;
	struct digest token_leaf = digest_of(DIGEST_SHA256, VIEW("a token"));
	uint64_t renewed = 1;
	struct stamp_row row;
	struct evidence *e;

	take(f, 1);
	e = evidence_of(f, &first);
	assert_int_equal(evidence_write(f->a, e, &f->err), 0);
	note(f, e);
	take(f, 2);
	e = evidence_of(f, &second);
	e->renewed = &renewed;
	e->token_leaves = &token_leaf;
	e->stamp.tokens = 1;
	e->stamp.leaves++;
	assert_int_equal(evidence_write(f->a, e, &f->err), 0);
	note(f, e);

	fixture_copy(file_of(f, 1), aside);
	fixture_remove(file_of(f, 1));
	rebuild(f);
	assert_int_equal(stamps_get(archive_catalog(f->a), arena, 1, &row, &f->err), 0);
	fixture_copy(aside, file_of(f, 1));
	assert_int_equal(evidence_take_in(f->a, &regained, &f->err), 0);
	assert_true(regained.stamps == 1 && regained.missing == 0);
	assert_int_equal(stamps_get(archive_catalog(f->a), arena, 1, &row, &f->err), 1);
	assert_int_equal(row.covered_by, 2);
	assert_int_equal(row.covered_at, 0);
}

/* The digest that waits is that of the text, whether it was made when the mail came or is made from its record. */
static int compare_waiting(void *arg, const struct to_stamp *row, struct err *err)
{
	struct fixture *f = arg;
	CLEAN(reader) reader = reader_new(f->a);
	CLEAN(arena) arena = arena_new();
	CLEAN_STR text = STR_INIT;
	struct mail_row mail;
	struct sighting_row sighting;
	struct hash hash;

	assert_int_equal(mails_get(archive_catalog(f->a), arena, row->mail, &mail, err), 1);
	if (row->is_sighting)
		assert_int_equal(
			sightings_get(archive_catalog(f->a), arena, &row->sighting, &sighting, err),
			1);
	if (provenance_read(f->a, reader, &mail, row->is_sighting ? &sighting : NULL, &text, err) <
	    0)
		fail_msg("%s", err->text);
	hash = crypto_sha256(text.data, text.len);
	assert_true(hash_eq(&hash, &row->digest));
	assert_non_null(strstr(text.data, "recipient: a%C3%A4@x\n"));
	return 0;
}

static void the_digest_that_waits_is_that_of_the_records_text(void **state)
{
	struct fixture *f = *state;
	static const struct arrival one = ARRIVAL("Message-ID: <1@x>\nSubject: s\n\nword1\n",
						  .source = "here", .recipient = "a\xc3\xa4@x",
						  .way = WAY_SMTP),
				    other = ARRIVAL(
					    "Message-ID: <1@x>\nSubject: s\nX-More: 1\n\nword1\n",
					    .source = "there", .recipient = "a\xc3\xa4@x",
					    .way = WAY_MILTER);

	fixture_take(f, &one);
	assert_int_equal(fixture_take(f, &other).outcome, OUTCOME_DUPLICATE);
	assert_int_equal(waiting(f), 2);
	assert_int_equal(to_stamp_each(archive_catalog(f->a), 0, 10, compare_waiting, f, &f->err),
			 0);
}

static int remember(void *arg, const struct to_stamp *row, struct err *err)
{
	(void)err;
	*(uint64_t *)arg = row->mail;
	return 0;
}

/* What cannot be read now stays in front: a run must come past it. */
static void what_waits_is_given_from_behind_a_mail_on(void **state)
{
	struct fixture *f = *state;
	struct catalog *catalog = archive_catalog(f->a);
	uint64_t first = 0, second = 0, none = 0;

	take(f, 1);
	take(f, 2);
	assert_int_equal(to_stamp_each(catalog, 0, 1, remember, &first, &f->err), 0);
	assert_int_equal(to_stamp_each(catalog, first, 1, remember, &second, &f->err), 0);
	assert_true(first > 0 && second > first);
	assert_int_equal(to_stamp_each(catalog, second, 1, remember, &none, &f->err), 0);
	assert_int_equal(none, 0);
}

/* The same of what another algorithm does not prove yet. */
static void leaves_to_rehash_are_given_from_behind_one_on(void **state)
{
	struct fixture *f = *state;
	struct catalog *catalog = archive_catalog(f->a);
	CLEAN(arena) arena = arena_new();
	struct making m = {.arena = arena};
	struct stamp_leaf nothing = {0}, *all, *rest;
	size_t n, n_rest;

	take(f, 1);
	take(f, 2);
	note(f, evidence_of(f, &m));
	assert_int_equal(
		stamps_list_retired(catalog, arena, DIGEST_SHA512, &nothing, 10, &all, &n, &f->err),
		0);
	assert_int_equal(n, 2);
	assert_int_equal(stamps_list_retired(catalog, arena, DIGEST_SHA512, &all[0], 10, &rest,
					     &n_rest, &f->err),
			 0);
	assert_int_equal(n_rest, 1);
	assert_int_equal(rest[0].mail, all[1].mail);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_written_is_read_back_and_notes_all_rows),
		TEST(a_changed_cut_or_exchanged_file_is_told),
		TEST(a_crash_between_file_and_catalog_is_made_good),
		TEST(a_damaged_file_that_the_catalog_does_not_know_gives_way),
		TEST(what_lies_on_one_medium_alone_is_counted),
		TEST(a_rebuild_from_media_and_key_brings_every_row_back),
		TEST(a_timestamp_that_comes_back_late_is_known_as_renewed),
		TEST(the_digest_that_waits_is_that_of_the_records_text),
		TEST(what_waits_is_given_from_behind_a_mail_on),
		TEST(leaves_to_rehash_are_given_from_behind_one_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
