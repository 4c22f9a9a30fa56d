/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/search/index.h"

#include "app/search/tokenizer_priv.h"
#include "base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[64];
static char path[96];
static struct secret *key;
static struct index *index_;
static const struct scope everyone = SCOPE_ALL;

static void succeeded(int rc, const struct err *err)
{
	if (rc < 0)
		fail_msg("%s", err->text);
}

#define MUST_WORK(call)                                                                            \
	do {                                                                                       \
		struct err err = {0};                                                              \
		succeeded(call, &err);                                                             \
	} while (0)

static int set_up(void **state)
{
	struct err err = {0};

	(void)state;
	strcpy(dir, "/tmp/sealpost-index-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/index.db", dir);
	key = secret_new(KEY_BYTES);
	secret_bytes(key)[0] = 7;
	succeeded(index_open(path, key, true, &index_, &err), &err);
	return 0;
}

static int tear_down(void **state)
{
	char name[128];

	(void)state;
	index_free(&index_);
	secret_free(&key);
	snprintf(name, sizeof(name), "%s-wal", path);
	unlink(name);
	snprintf(name, sizeof(name), "%s-shm", path);
	unlink(name);
	unlink(path);
	assert_int_equal(rmdir(dir), 0);
	return 0;
}

/* What a catalog would know. */

static int address_of(void *arg, struct view addr, uint64_t *ids, size_t max, struct err *err)
{
	(void)arg;
	(void)max;
	(void)err;
	ids[0] = 1;
	return view_eq_nocase(addr, VIEW("anna@example.org"));
}

static int source_of(void *arg, struct view name, uint64_t *ids, size_t max, struct err *err)
{
	(void)arg;
	(void)max;
	(void)err;
	if (name.len != 2 || name.data[0] != 's')
		return 0;
	ids[0] = (uint64_t)(name.data[1] - '0');
	return 1;
}

static int mail_of_id(void *arg, const struct uuid *id, uint64_t *mails, size_t max,
		      struct err *err)
{
	(void)arg;
	(void)max;
	(void)err;
	mails[0] = id->b[15];
	return id->b[15] != 0;
}

/* "m5" is of mails 5 and 6. */
static int mail_of_msgid(void *arg, struct view msgid, uint64_t *mails, size_t max, struct err *err)
{
	CLEAN_STR text = STR_INIT;

	(void)arg;
	(void)max;
	(void)err;
	str_addv(&text, msgid);
	mails[0] = strtoull(text.len > 0 ? text.data + 1 : "", NULL, 10);
	mails[1] = mails[0] + 1;
	return mails[0] > 0 ? 2 : 0;
}

static const struct query_names names = {NULL, address_of, source_of, mail_of_id, mail_of_msgid};

static struct index_doc doc(uint64_t mail, const char *subject, const char *body)
{
	return (struct index_doc){.mail = mail,
				  .sent_s = 1700000000 + (int64_t)mail,
				  .size = 1000,
				  .medium = 1,
				  .subject = VIEW(subject),
				  .body = VIEW(body)};
}

static void put(struct index_doc d)
{
	MUST_WORK(index_begin(index_, &err));
	MUST_WORK(index_put(index_, &d, &err));
	MUST_WORK(index_commit(index_, d.mail, &err));
}

/* What PERSON notes on a mail. */
static void put_note(uint64_t person, uint64_t mail, const char *tags, const char *note)
{
	MUST_WORK(index_begin(index_, &err));
	MUST_WORK(index_put_note(index_, person, mail, VIEW(tags), VIEW(note), &err));
	MUST_WORK(index_commit(index_, mail, &err));
}

static void put_text(uint64_t mail, const char *subject, const char *body)
{
	put(doc(mail, subject, body));
}

static void remove_mail(uint64_t mail)
{
	MUST_WORK(index_begin(index_, &err));
	MUST_WORK(index_remove(index_, mail, &err));
	MUST_WORK(index_commit(index_, mail, &err));
}

/* The mails found, newest first, as "3 2 1". */
static void finds_in(const struct scope *scope, const char *text, const char *expected)
{
	CLEAN(query) query = NULL;
	CLEAN_STR found = STR_INIT;
	uint64_t mails[100], count;
	struct err err = {0};
	size_t n;

	succeeded(query_parse(VIEW(text), &query, &err), &err);
	succeeded(index_search(index_, query, scope, &names, 0, 100, mails, &n, &err), &err);
	succeeded(index_search_count(index_, query, scope, &names, &count, &err), &err);
	for (size_t i = 0; i < n; i++)
		str_addf(&found, i ? " %llu" : "%llu", (unsigned long long)mails[i]);
	if (strcmp(found.data, expected) != 0)
		fail_msg("%s finds %s, not %s", text, found.data, expected);
	assert_int_equal(count, n);
}

static void finds(const char *text, const char *expected)
{
	finds_in(&everyone, text, expected);
}

static void umlauts_are_found_in_every_spelling(void **state)
{
	(void)state;
	put_text(1, "", "M\xc3\xbcller");
	put_text(2, "", "Mueller");
	put_text(3, "", "Muller");
	put_text(4, "", "MU\xcc\x88LLER");
	put_text(5, "",
		 "Steuer stra\xc3\x9f"
		 "e");
	put_text(6, "",
		 "STRASSE \xc3\x9c"
		 "berpr\xc3\xbc"
		 "fung");
	put_text(7, "",
		 "Stra\xe1\xba\x9e"
		 "enbahn der M\xc3\xbcller");
	finds("m\xc3\xbcller", "7 4 3 2 1");
	finds("mu\xcc\x88ller", "7 4 3 2 1");
	finds("MULLER", "7 4 3 1");
	finds("Mueller", "7 4 2 1");
	finds("stur", "");
	finds("strasse", "6 5");
	finds("STRA\xc3\x9f"
	      "E",
	      "6 5");
	finds("stra\xc3\x9f*", "7 6 5");
	finds("m\xc3\xbcl*", "7 4 3 2 1");
	finds("muel*", "7 4 2 1");
	finds("\"der m\xc3\xbcller\"", "7");
	finds("\"der mueller\"", "7");
	finds("\"strasse uberprufung\"", "6");
	finds("ueberpruef*", "6");
}

static void addresses_are_found_whole_and_in_part(void **state)
{
	const uint64_t anna = 1, other = 2;
	struct index_doc d = doc(1, "", "");

	(void)state;
	d.from = VIEW("Anna M\xc3\xbcller <anna@example.org>");
	d.to = VIEW("bob@lists.example.com");
	d.addresses = &anna;
	d.n_addresses = 1;
	put(d);
	d = doc(2, "", "write to anna@example.org");
	d.from = VIEW("x.anna@example.org.example.net");
	d.cc = VIEW("Anna <anna@example.org>");
	d.bcc = VIEW("carl@example.org");
	d.addresses = &other;
	d.n_addresses = 1;
	put(d);
	finds("from:anna", "2 1");
	finds("from:mueller", "1");
	finds("from:example.org", "2 1");
	finds("from:anna@example.org", "1");
	finds("from:ANNA@example.org", "1");
	finds("from:anna@example.o*", "2 1");
	finds("from:anna@example", "2 1");
	finds("-from:anna@example.org", "2");
	finds("to:lists.example", "1");
	finds("cc:anna@example", "2");
	finds("bcc:carl", "2");
	finds("any:carl", "2");
	finds("any:bob", "1");
	finds("any:write", "");
	finds("anna@example.org", "2 1");
	finds("from:nobody@example.org", "");
}

static void blind_copies_are_not_searched_by_those_who_merely_got_the_mail(void **state)
{
	const uint64_t anna = 7;
	const struct scope of_anna = {.addresses = &anna, .n_addresses = 1};
	struct index_doc d = doc(1, "angebot", "hallo");

	(void)state;
	d.bcc = VIEW("carl@example.org");
	d.addresses = &anna;
	d.n_addresses = 1;
	put(d);
	finds("bcc:carl", "1");
	finds_in(&of_anna, "angebot", "1");
	finds_in(&of_anna, "carl", "");
	finds_in(&of_anna, "bcc:carl", "");
	finds_in(&of_anna, "any:carl", "");
	finds_in(&of_anna, "-bcc:carl", "1");
	finds_in(&of_anna, "-any:carl", "1");
}

static void fields_look_in_their_columns(void **state)
{
	const struct scope_place places[] = {{1, VIEW("a")}, {2, VIEW("")}};
	struct index_doc d = doc(1, "angebot", "rechnung");

	(void)state;
	d.files = VIEW("bild.jpg\nvertrag.pdf");
	d.marks = MARK_ATTACHMENT | MARK_FLAGGED;
	d.places = places;
	d.n_places = 2;
	d.medium = 2;
	d.size = 10241;
	put(d);
	put_note(0, 1, "steuer", "anwalt");
	d = doc(2, "rechnung", "angebot");
	d.marks = MARK_SPAM;
	d.sent_s = 1600000000;
	put(d);
	finds("angebot", "1 2");
	finds("subject:angebot", "1");
	finds("body:angebot", "2");
	finds("subject:(angebot OR rechnung) -body:angebot", "1");
	finds("file:vertrag.pdf", "1");
	finds("file:pdf", "1");
	finds("tag:steuer", "1");
	finds("note:anwalt", "1");
	finds("has:attachment", "1");
	finds("is:spam", "2");
	finds("is:flagged", "1");
	finds("-is:spam", "1");
	finds("source:s1", "1");
	finds("source:s2", "1");
	finds("source:s3", "");
	finds("source:unknown", "");
	finds("-source:unknown", "1 2");
	finds("medium:2", "1");
	finds("medium:9", "");
	finds("larger:10k", "1");
	finds("larger:11k", "");
	finds("smaller:1001", "2");
	finds("smaller:1000", "");
	finds("on:2020", "2");
	finds("on:2020-09-13 angebot", "2");
	finds("after:2021", "1");
	finds("before:1970", "");
	finds("after:2023 before:2021", "");
	finds("before:2021 OR is:flagged", "1 2");
	finds("id:0192f0a0-7c1e-7000-8000-000000000002", "2");
	finds("id:0192f0a0-7c1e-7000-8000-000000000000", "");
	finds("msgid:m1", "1 2");
	finds("msgid:m2 OR larger:10k", "1 2");
	finds("-msgid:m2", "1");
	finds("---", "1 2");
	finds("subject:\xe2\x80\xa6", "");
	finds("\xe2\x80\xa6 is:spam", "2");
}

static void a_reader_sees_only_mail_of_his_addresses(void **state)
{
	const uint64_t anna[] = {1}, both[] = {1, 2};
	const struct scope of_anna = {.addresses = anna, .n_addresses = 1};
	const struct scope of_both = {.addresses = both, .n_addresses = 2};
	const struct scope of_nobody = {0};
	static const char *const queries[] = {
		"",
		"-none",
		"angebot OR larger:1",
		"larger:1",
		"msgid:m1",
		"medium:1",
		"on:2023",
		"-is:spam",
		"---",
		"id:0192f0a0-7c1e-7000-8000-000000000001 OR msgid:m2"};
	struct index_doc d;

	(void)state;
	for (uint64_t i = 0; i < 3; i++) {
		d = doc(i + 1, "angebot", "");
		d.addresses = &both[i];
		d.n_addresses = i < 2;
		put(d);
	}
	for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
		finds_in(&of_anna, queries[i], "1");
		finds_in(&of_nobody, queries[i], "");
	}
	finds_in(&of_both, "", "2 1");
	finds("", "3 2 1");
}

static void a_scope_may_have_thousands_of_addresses(void **state)
{
	uint64_t addresses[5000];
	const struct scope scope = {.addresses = addresses, .n_addresses = 5000};
	struct index_doc d = doc(1, "a", "");

	(void)state;
	for (uint64_t i = 0; i < 5000; i++)
		addresses[i] = i + 1;
	d.addresses = &addresses[4321];
	d.n_addresses = 1;
	put(d);
	put_text(2, "a", "");
	finds_in(&scope, "", "1");
	finds_in(&scope, "a OR larger:1", "1");
}

static void nobody_can_write_or_ask_for_a_machine_token(void **state)
{
	const uint64_t one = 1;
	const struct scope scope = {.addresses = &one, .n_addresses = 1};

	(void)state;
	put_text(1, "\001a0 \001r1", "\001m2");
	finds("\001a0", "1"); /* the plain word */
	finds("is:spam", "");
	finds_in(&scope, "", "");
	put_text(2, "x", "");
	finds("\001a0", "1");
	finds("x\001*", "2");
}

static void strange_input_is_only_words(void **state)
{
	static const char *const queries[] = {
		"'; DROP TABLE docs; --",
		"a\\\"b",
		"NEAR(a b)",
		"^a",
		"{subject body}: a",
		"a + b",
		"rowid:1",
		"fts MATCH 'a'",
		"a NEAR/2 b",
		"?1",
		":a @b $c",
		"* OR a",
		"-subject : a",
		"a\xff\xfe\"",
		"\xf0\x9f\x98\x80",
		"%s%n",
		"a:b:c",
		"rights:r1",
		"marks:a0",
		"fts:a",
		"- col : x",
		"\xe2\x80\x9cquoted\xe2\x80\x9d",
		"a;b",
		"/*a*/",
		"a--b",
		"x'00'",
	};
	const char with_nul[] = "a\0b";
	CLEAN(query) query = NULL;
	uint64_t count;

	(void)state;
	put_text(1, "angebot", "");
	for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
		CLEAN(query) q = NULL;
		struct err err = {0};

		if (query_parse(VIEW(queries[i]), &q, &err) < 0)
			assert_int_equal(err.kind, ERR_SYNTAX);
		else
			MUST_WORK(index_search_count(index_, q, &everyone, &names, &count, &err));
	}
	MUST_WORK(query_parse((struct view){with_nul, 3}, &query, &err));
	MUST_WORK(index_search_count(index_, query, &everyone, &names, &count, &err));
	finds("angebot", "1");
}

static void the_deepest_and_longest_queries_work(void **state)
{
	static const char *const openings[] = {"(a OR -(b ", "-(a -(b OR ", "(larger:1 (a OR ",
					       "(a b OR (on:2024 "};
	CLEAN_STR many = STR_INIT;
	uint64_t count;

	(void)state;
	put_text(1, "a", "b");
	for (size_t i = 0; i < sizeof(openings) / sizeof(openings[0]); i++) {
		CLEAN(query) query = NULL;
		CLEAN_STR text = STR_INIT;

		for (int level = 0; level < 25; level++)
			str_adds(&text, openings[i]);
		str_adds(&text, "z");
		for (int level = 0; level < 50; level++)
			str_adds(&text, " c)");
		MUST_WORK(query_parse(str_view(&text), &query, &err));
		MUST_WORK(index_search_count(index_, query, &everyone, &names, &count, &err));
	}
	for (int i = 0; i < 132; i++)
		str_addf(&many, "%sw%d ", i % 2 ? "-" : "OR a ", i);
	many.data[0] = many.data[1] = ' ';
	finds(many.data, "");
	str_reset(&many);
	for (int i = 0; i < 199; i++)
		str_addf(&many, "w%d OR ", i);
	str_adds(&many, "a");
	finds(many.data, "1");
}

static void a_put_replaces_and_a_removal_takes_away(void **state)
{
	uint64_t n;

	(void)state;
	put_text(1, "alt", "");
	put_text(2, "bleibt", "");
	put_text(1, "neu", "");
	finds("alt", "");
	finds("neu", "1");
	remove_mail(1);
	remove_mail(77);
	finds("neu", "");
	finds("", "2");
	MUST_WORK(index_begin(index_, &err));
	for (int i = 0; i < 3; i++) {
		struct index_doc d = doc(3, i < 2 ? "falsch" : "richtig", "");

		MUST_WORK(index_put(index_, &d, &err));
		MUST_WORK(index_remove(index_, 2, &err));
	}
	MUST_WORK(index_commit(index_, 3, &err));
	finds("falsch", "");
	finds("richtig", "3");
	finds("", "3");
	MUST_WORK(index_count(index_, &n, &err));
	assert_int_equal(n, 1);
}

static void how_far_it_is_complete_is_kept_with_the_documents(void **state)
{
	struct index_doc d = doc(9, "neun", "");
	uint64_t mail;

	(void)state;
	MUST_WORK(index_complete_to(index_, &mail, &err));
	assert_int_equal(mail, 0);
	put_text(5, "a", "");
	MUST_WORK(index_begin(index_, &err));
	MUST_WORK(index_put(index_, &d, &err));
	index_rollback(index_);
	MUST_WORK(index_complete_to(index_, &mail, &err));
	assert_int_equal(mail, 5);
	finds("neun", "");
	index_free(&index_);
	MUST_WORK(index_open(path, key, false, &index_, &err));
	MUST_WORK(index_complete_to(index_, &mail, &err));
	assert_int_equal(mail, 5);
	finds("a", "5");
}

static void many_mails_of_one_second_all_have_a_place(void **state)
{
	CLEAN(query) query = NULL;
	struct err err = {0};
	uint64_t mails[200], count;
	size_t n;

	(void)state;
	for (int round = 0; round < 3; round++) {
		succeeded(index_begin(index_, &err), &err);
		for (uint64_t i = 0; i < 60; i++) {
			struct index_doc d = doc((uint64_t)round * 60 + i + 1, "x", "");

			d.sent_s = 1700000000 + (int64_t)(i % 2);
			succeeded(index_put(index_, &d, &err), &err);
		}
		succeeded(index_commit(index_, 1, &err), &err);
	}
	put_text(1000, "y", "");
	succeeded(query_parse(VIEW("x on:2023-11-14"), &query, &err), &err);
	succeeded(index_search(index_, query, &everyone, NULL, 0, 200, mails, &n, &err), &err);
	assert_int_equal(n, 180);
	succeeded(index_search_count(index_, query, &everyone, NULL, &count, &err), &err);
	assert_int_equal(count, 180);
	finds("y", "1000");
}

static void dates_outside_the_range_are_clamped(void **state)
{
	struct index_doc d = doc(1, "frueh", "");

	(void)state;
	d.sent_s = INT64_MIN;
	put(d);
	d = doc(2, "spaet", "");
	d.sent_s = INT64_MAX;
	put(d);
	finds("before:1971", "1");
	finds("after:4000", "2");
	finds("", "2 1");
}

/* Is WORD anywhere in what FTS5 keeps? */
static bool is_stored(const char *word)
{
	const struct db_options options = {.name = "index", .page_bytes = 8192, .cache_kib = 1024};
	CLEAN(db) db = NULL;
	CLEAN_STMT q = NULL;

	MUST_WORK(db_open(path, key, &options, &db, &err));
	MUST_WORK(db_query_text(db, "SELECT count(*) FROM fts_data WHERE instr(block, ?1) > 0", &q,
				&err));
	stmt_bind_blob(q, 1, word, strlen(word));
	MUST_WORK(stmt_step(q, &err));
	return stmt_int(q, 0) > 0;
}

static void after_compacting_removed_words_are_gone(void **state)
{
	(void)state;
	put_text(1, "geheimwort", "");
	put_text(2, "bleibt", "");
	remove_mail(1);
	assert_true(is_stored("geheimwort"));
	MUST_WORK(index_compact(index_, &err));
	assert_false(is_stored("geheimwort"));
	assert_true(is_stored("bleibt"));
	finds("", "2");
	put_text(2, "auch", "");
	MUST_WORK(index_compact(index_, &err));
	assert_false(is_stored("bleibt"));
	MUST_WORK(index_compact(index_, &err));
	finds("auch", "2");
}

static void count_finding(void *arg, const char *finding)
{
	(void)finding;
	++*(int *)arg;
}

static void tamper(const char *sql)
{
	const struct db_options options = {.name = "index", .page_bytes = 8192, .cache_kib = 1024};
	CLEAN(db) db = NULL;

	MUST_WORK(db_open(path, key, &options, &db, &err));
	MUST_WORK(db_exec(db, sql, &err));
}

static void a_check_notices_what_does_not_fit(void **state)
{
	int findings = 0;

	(void)state;
	for (uint64_t i = 1; i < 50; i++)
		put_text(i, "wort", "text");
	MUST_WORK(index_check(index_, count_finding, &findings, &err));
	assert_int_equal(findings, 0);
	tamper("DELETE FROM docs WHERE mail = 3");
	MUST_WORK(index_check(index_, count_finding, &findings, &err));
	assert_int_equal(findings, 1);
}

static void a_foreign_key_or_a_newer_schema_is_refused(void **state)
{
	CLEAN(secret) other = secret_new(KEY_BYTES);
	CLEAN(index) second = NULL;
	struct err err = {0};

	(void)state;
	index_free(&index_);
	assert_int_equal(index_open(path, other, false, &second, &err), -1);
	assert_int_equal(err.kind, ERR_WRONGKEY);
	tamper("PRAGMA user_version = 1000");
	assert_int_equal(index_open(path, key, false, &second, &err), -1);
	assert_int_equal(err.kind, ERR_VERSION);
}

/* The tokenizer by itself. */

static int write_token(void *arg, struct view token, bool colocated)
{
	str_addf(arg, "%s%.*s", colocated ? "|" : " ", (int)token.len, token.data);
	return 0;
}

static void tokens_are(struct tokenizer *t, struct view text, const char *expected)
{
	CLEAN_STR s = STR_INIT;

	tokenizer_run(t, text, write_token, &s);
	assert_string_equal(s.data, expected);
}

/* An empty one, in the place of the index. */
static struct db *empty_db(void)
{
	const struct db_options options = {
		.name = "test", .page_bytes = 4096, .cache_kib = 1024, .create = true};
	CLEAN(db) db = NULL;

	index_free(&index_);
	assert_int_equal(unlink(path), 0);
	MUST_WORK(db_open(path, key, &options, &db, &err));
	return TAKE(db);
}

static void words_become_tokens(void **state)
{
	CLEAN(db) db = empty_db();
	CLEAN(tokenizer) t = NULL;
	char longest[65] = {0};
	CLEAN_STR text = STR_INIT, token = STR_INIT;

	(void)state;
	MUST_WORK(tokenizer_new(db, &t, &err));
	tokens_are(t, VIEW("Hello, World-2! a_b"), " hello world 2 a b");
	tokens_are(t, VIEW("M\xc3\xbcller's \xc3\x9c"), " muller|mueller s u|ue");
	tokens_are(t,
		   VIEW("Gr\xc3\xb6\xc3\x9f"
			"e Caf\xc3\xa9"),
		   " grosse|groesse cafe");
	tokens_are(t,
		   VIEW("Stra\xc3\x9f"
			"e steuer"),
		   " strasse steuer");
	tokens_are(t, VIEW("\xd0\x9c\xd0\xb8\xd1\x80 \xe2\x80\x93 \xe6\x97\xa5"),
		   " \xd0\xbc\xd0\xb8\xd1\x80 \xe6\x97\xa5");
	tokens_are(t, VIEW("\001a0\001r1z x\001m4"), " \001a0 \001r1z x \001m4");
	tokens_are(t, VIEW(""), "");
	memset(longest, 'x', 64);
	str_addf(&text, "%sYZ", longest);
	str_addf(&token, " %s", longest);
	tokens_are(t, str_view(&text), token.data);
	str_reset(&text);
	str_addf(&text, "%.63s\xd0\xb8", longest);
	str_reset(&token);
	str_addf(&token, " %.63s", longest);
	tokens_are(t, str_view(&text), token.data);
}

/* A combining accent at the end of each word changes no token, but takes the way over unicode61. */
static void plain_words_are_those_of_unicode61(void **state)
{
	CLEAN(db) db = empty_db();
	CLEAN(tokenizer) t = NULL;

	(void)state;
	MUST_WORK(tokenizer_new(db, &t, &err));
	srand(1);
	for (int round = 0; round < 2000; round++) {
		CLEAN_STR plain = STR_INIT, accented = STR_INIT;
		CLEAN_STR a = STR_INIT, b = STR_INIT;

		for (int i = 0; i < 60; i++) {
			char c = (char)(rand() % 3 ? 'A' + rand() % 60 : rand() % 128);

			c = c == TOKEN_MARK ? ' ' : c;
			str_addc(&plain, c);
			str_addc(&accented, c);
			if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			    (c >= '0' && c <= '9'))
				str_adds(&accented, "\xcc\x81");
		}
		tokenizer_run(t, str_view(&plain), write_token, &a);
		tokenizer_run(t, str_view(&accented), write_token, &b);
		assert_string_equal(a.data, b.data);
	}
}

/* Random documents and queries against an evaluator that knows nothing of FTS5. A set of documents
 * is the bits of a number. */

enum { DOCS = 64, COLUMNS = 9, COLUMN_WORDS = 5, QUERIES = 4000 };

static const struct {
	const char *text;
	const char *token, *second;
} vocabulary[] = {
	{"M\xc3\xbcller", "muller", "mueller"},
	{"Mueller", "mueller", NULL},
	{"muller", "muller", NULL},
	{"Stra\xc3\x9f"
	 "e",
	 "strasse", NULL},
	{"STRASSE", "strasse", NULL},
	{"haus", "haus", NULL},
	{"Hausboot", "hausboot", NULL},
	{"M\xc3\xbcl", "mul", "muel"},
	{"mue", "mue", NULL},
	{"o\xcc\x88l", "ol", "oel"},
	{"OEL", "oel", NULL},
	{"r1", "r1", NULL},
	{"OR7", "or7", NULL},
	{"str", "str", NULL},
};
enum { VOCABULARY = sizeof(vocabulary) / sizeof(vocabulary[0]) };

static const struct {
	const char *field;
	unsigned columns;
} places[] = {{"", 0x1ff},     {"", 0x1ff},    {"subject:", 1},  {"from:", 2},
	      {"to:", 4},      {"cc:", 8},     {"bcc:", 0x10},   {"body:", 0x20},
	      {"file:", 0x40}, {"tag:", 0x80}, {"note:", 0x100}, {"any:", 0x1e}};

struct model {
	struct index_doc doc;
	int words[COLUMNS][COLUMN_WORDS];
	int n_words[COLUMNS];
	uint64_t addresses[3];
	struct view domains[2];
	struct scope_place places[2];
	struct view tags, note;
	uint64_t noted_by;
};
static struct model models[DOCS];

enum { FOLDERS = 4, DOMAINS = 4, NOTE_COLUMNS = 0x180 };
static const char *const folders[FOLDERS] = {"", "a/1", "a/b/2", "ab/3"};
static const char *const domains[DOMAINS] = {"a.example", "b.example", "a.example.net", "x"};

static struct view one_of(const char *const *texts, int n)
{
	const char *text = texts[rand() % n];

	return VIEW(text);
}

/* Of the reader whose search is being made: blind copies are for those who see all mail, notes for who made them. */
static unsigned visible_columns = 0x1ff;
static uint64_t reader;

static unsigned columns_of(const struct model *m)
{
	return m->noted_by == reader ? visible_columns : visible_columns & ~(unsigned)NOTE_COLUMNS;
}

static int below(int n)
{
	return rand() % n;
}

static bool token_fits(const char *sought, const char *there, bool prefix)
{
	if (sought == NULL || there == NULL)
		return false;
	return prefix ? strncmp(sought, there, strlen(sought)) == 0 : strcmp(sought, there) == 0;
}

static bool word_fits(int sought, int there, bool prefix)
{
	const char *s[] = {vocabulary[sought].token, vocabulary[sought].second};
	const char *t[] = {vocabulary[there].token, vocabulary[there].second};

	return token_fits(s[0], t[0], prefix) || token_fits(s[0], t[1], prefix) ||
	       token_fits(s[1], t[0], prefix) || token_fits(s[1], t[1], prefix);
}

static bool phrase_in_column(const struct model *m, int column, const int *phrase, int n,
			     bool prefix)
{
	for (int at = 0; at + n <= m->n_words[column]; at++) {
		int i = 0;

		while (i < n &&
		       word_fits(phrase[i], m->words[column][at + i], prefix && i == n - 1))
			i++;
		if (i == n)
			return true;
	}
	return false;
}

static uint64_t add_random_words(struct str *s)
{
	const int place = below((int)(sizeof(places) / sizeof(places[0])));
	const int n = below(3) ? 1 : 2;
	const bool prefix = below(4) == 0;
	int phrase[2];
	uint64_t found = 0;

	str_adds(s, places[place].field);
	str_adds(s, n > 1 ? "\"" : "");
	for (int i = 0; i < n; i++) {
		phrase[i] = below(VOCABULARY);
		str_addf(s, i ? " %s" : "%s", vocabulary[phrase[i]].text);
	}
	str_adds(s, n > 1 ? "\"" : "");
	str_adds(s, prefix ? "*" : "");
	for (int d = 0; d < DOCS; d++)
		for (int column = 0; column < COLUMNS; column++)
			if ((places[place].columns & columns_of(&models[d])) >> column & 1 &&
			    phrase_in_column(&models[d], column, phrase, n, prefix))
				found |= UINT64_C(1) << d;
	return found;
}

typedef bool holds_fn(const struct model *m, int64_t value);

static bool sent_before(const struct model *m, int64_t v)
{
	return m->doc.sent_s < v;
}

static bool is_larger(const struct model *m, int64_t v)
{
	return (int64_t)m->doc.size > v;
}

static bool has_mark(const struct model *m, int64_t v)
{
	return m->doc.marks & (unsigned)v;
}

static bool on_medium(const struct model *m, int64_t v)
{
	return m->doc.medium == (unsigned)v;
}

static bool has_number(const struct model *m, int64_t v)
{
	return (int64_t)m->doc.mail == v;
}

static bool has_msgid(const struct model *m, int64_t v)
{
	return has_number(m, v) || has_number(m, v + 1);
}

static bool has_source(const struct model *m, int64_t v)
{
	for (size_t i = 0; i < m->doc.n_places; i++)
		if (m->places[i].source == (uint64_t)v)
			return true;
	return false;
}

static uint64_t all_that(holds_fn *holds, int64_t value)
{
	uint64_t found = 0;

	for (int d = 0; d < DOCS; d++)
		if (holds(&models[d], value))
			found |= UINT64_C(1) << d;
	return found;
}

static uint64_t add_random_term(struct str *s)
{
	const int n = 1 + below(4);
	const int day = 1 + below(12);
	const int64_t midnight = 1704067200 + (day - 1) * 86400; /* 2024-01-01 and on, UTC */

	switch (below(16)) {
	case 0:
		str_addf(s, "before:2024-01-%02d", day);
		return all_that(sent_before, midnight);
	case 1:
		str_addf(s, "after:2024-01-%d", day);
		return ~all_that(sent_before, midnight);
	case 2:
		str_addf(s, "on:2024-01-%02d", day);
		return all_that(sent_before, midnight + 86400) & ~all_that(sent_before, midnight);
	case 3:
		str_addf(s, "larger:%d", n * 100);
		return all_that(is_larger, n * 100);
	case 4:
		str_addf(s, "smaller:%d", n * 100);
		return ~all_that(is_larger, n * 100 - 1);
	case 5:
		str_adds(s, n == 1 ? "has:attachment" : n == 2 ? "is:spam" : "is:flagged");
		return all_that(has_mark, n > 2 ? MARK_FLAGGED : n);
	case 6:
		str_addf(s, "medium:%d", n);
		return all_that(on_medium, n);
	case 7:
		str_addf(s, "source:s%d", n);
		return all_that(has_source, n);
	case 8:
		str_addf(s, "id:0192f0a07c1e700080000000000000%02x", day);
		return all_that(has_number, day);
	case 9:
		str_addf(s, "msgid:m%d", day);
		return all_that(has_msgid, day);
	default:
		return add_random_words(s);
	}
}

static uint64_t add_random_query(struct str *s, int depth)
{
	const int kind = depth > 0 ? below(4) : 0;
	uint64_t found;

	if (kind == 0)
		return add_random_term(s);
	if (kind == 1) {
		str_adds(s, below(2) ? "-(" : "NOT (");
		found = ~add_random_query(s, depth - 1);
		str_addc(s, ')');
		return found;
	}
	str_addc(s, '(');
	found = add_random_query(s, depth - 1);
	for (int more = 1 + below(2); more > 0; more--) {
		str_adds(s, kind == 2 ? " " : " OR ");
		if (kind == 2)
			found &= add_random_query(s, depth - 1);
		else
			found |= add_random_query(s, depth - 1);
	}
	str_addc(s, ')');
	return found;
}

static void make_model(struct arena *arena, struct model *m, uint64_t mail)
{
	struct view texts[COLUMNS];

	memset(m, 0, sizeof(*m));
	for (int column = 0; column < COLUMNS; column++) {
		CLEAN_STR s = STR_INIT;

		m->n_words[column] = below(COLUMN_WORDS + 1);
		for (int i = 0; i < m->n_words[column]; i++) {
			m->words[column][i] = below(VOCABULARY);
			str_addf(&s, "%s%s", vocabulary[m->words[column][i]].text,
				 below(2) ? " " : ", ");
		}
		texts[column] = arena_view(arena, str_view(&s));
	}
	m->doc = (struct index_doc){.mail = mail,
				    .sent_s = 1704067200 + below(12 * 24) * 3600,
				    .size = 50 + (uint64_t)below(9) * 50,
				    .medium = 1 + (unsigned)below(3),
				    .marks = (unsigned)below(8),
				    .subject = texts[0],
				    .from = texts[1],
				    .to = texts[2],
				    .cc = texts[3],
				    .bcc = texts[4],
				    .body = texts[5],
				    .files = texts[6],
				    .addresses = m->addresses,
				    .n_addresses = (size_t)below(4),
				    .domains = m->domains,
				    .n_domains = (size_t)below(3),
				    .places = m->places,
				    .n_places = (size_t)below(3)};
	m->tags = texts[7];
	m->note = texts[8];
	m->noted_by = (uint64_t)below(2);
	for (int i = 0; i < 3; i++)
		m->addresses[i] = 1 + (uint64_t)below(5);
	for (int i = 0; i < 2; i++)
		m->places[i] = (struct scope_place){1 + (uint64_t)below(4),
						    one_of(folders, FOLDERS)};
	for (int i = 0; i < 2; i++)
		m->domains[i] = one_of(domains, DOMAINS);
}

/* Batches that replace and remove on their way to the final state. */
static void fill_index(struct arena *arena)
{
	for (int round = 0; round < 4; round++) {
		MUST_WORK(index_begin(index_, &err));
		for (int i = 0; i < DOCS; i++) {
			const int d = (i * 37 + round) % DOCS;

			if (round < 3 && below(3) == 0)
				MUST_WORK(index_remove(index_, (uint64_t)below(DOCS) + 1, &err));
			make_model(arena, &models[d], (uint64_t)d + 1);
			MUST_WORK(index_put(index_, &models[d].doc, &err));
			MUST_WORK(index_remove_notes(index_, (uint64_t)d + 1, &err));
			MUST_WORK(index_put_note(index_, models[d].noted_by, (uint64_t)d + 1,
						 models[d].tags, models[d].note, &err));
		}
		MUST_WORK(index_commit(index_, DOCS, &err));
	}
}

static bool sees(const struct scope *scope, const struct model *m)
{
	const struct scope_mail mail = {m->doc.mail,        m->doc.sent_s,  m->addresses,
					m->doc.n_addresses, m->domains,     m->doc.n_domains,
					m->places,          m->doc.n_places};

	return scope_sees(scope, &mail);
}

static uint64_t seen_by(const struct scope *scope)
{
	uint64_t seen = 0;

	for (int d = 0; d < DOCS; d++)
		if (sees(scope, &models[d]))
			seen |= UINT64_C(1) << d;
	return seen;
}

/* In pages of PAGE; newest first. */
static uint64_t search_all(const struct query *query, const struct scope *scope, size_t page)
{
	uint64_t found = 0, mails[DOCS];
	int64_t newest = INT64_MAX;
	size_t offset = 0, n;

	do {
		MUST_WORK(
			index_search(index_, query, scope, &names, offset, page, mails, &n, &err));
		for (size_t i = 0; i < n; i++) {
			assert_true(mails[i] >= 1 && mails[i] <= DOCS);
			assert_false(found >> (mails[i] - 1) & 1);
			found |= UINT64_C(1) << (mails[i] - 1);
			assert_true(models[mails[i] - 1].doc.sent_s <= newest);
			newest = models[mails[i] - 1].doc.sent_s;
		}
		offset += n;
	} while (n == page);
	return found;
}

/* A reader: of all mail, of addresses, of single mails; with bounds of every kind, or none. */
struct random_scope {
	struct scope scope;
	uint64_t addresses[70], mails[4];
	struct view domains[2];
	struct scope_place places[2];
};

static void make_scope(struct random_scope *r)
{
	static const char *const bounds[] = {"", "a", "a/b"};
	struct scope *s = &r->scope;
	const int kind = below(4);

	memset(r, 0, sizeof(*r));
	for (int i = 0; i < 70; i++)
		r->addresses[i] = i < 2 ? 1 + (uint64_t)below(5) : 98 + (uint64_t)i;
	for (int i = 0; i < 4; i++)
		r->mails[i] = 1 + (uint64_t)below(DOCS);
	for (int i = 0; i < 2; i++) {
		r->domains[i] = one_of(domains, DOMAINS);
		r->places[i] = (struct scope_place){1 + (uint64_t)below(4), one_of(bounds, 3)};
	}
	s->person = (uint64_t)below(2);
	s->all = kind == 0;
	s->addresses = r->addresses;
	s->n_addresses = kind == 1 ? (below(2) ? 2 : 70) : 0;
	s->mails = r->mails;
	s->n_mails = kind == 2 ? 1 + (size_t)below(4) : 0;
	s->domains = r->domains;
	s->n_domains = (size_t)below(3);
	s->places = r->places;
	s->n_places = (size_t)below(3);
}

static void random_queries_find_what_a_plain_evaluator_finds(void **state)
{
	CLEAN(arena) arena = arena_new();

	(void)state;
	srand(20240517);
	fill_index(arena);
	for (int i = 0; i < QUERIES; i++) {
		struct random_scope random = {.scope = SCOPE_ALL};
		const struct scope *scope = &random.scope;
		CLEAN_STR text = STR_INIT;
		CLEAN(query) query = NULL;
		uint64_t count, found, expected;

		if (i % 4 == 3)
			make_scope(&random);
		visible_columns = scope->all ? 0x1ff : 0x1ff & ~0x10U;
		reader = scope->person;
		expected = add_random_query(&text, 1 + below(3)) & seen_by(scope);
		MUST_WORK(query_parse(str_view(&text), &query, &err));
		found = search_all(query, scope, i % 2 ? DOCS : 7);
		if (found != expected)
			fail_msg("%s: %llx, not %llx", text.data, (unsigned long long)found,
				 (unsigned long long)expected);
		MUST_WORK(index_search_count(index_, query, scope, &names, &count, &err));
		assert_int_equal(count, __builtin_popcountll(expected));
	}
}

static void a_person_finds_his_own_notes_and_nobody_else_s(void **state)
{
	const struct scope anna = {.all = true, .person = 1}, bert = {.all = true, .person = 2};

	(void)state;
	put_text(1, "angebot", "hallo");
	put_text(2, "rechnung", "hallo");
	put_note(1, 1, "steuer\nwichtig", "zum anwalt");
	put_note(2, 2, "steuer", "");
	finds_in(&anna, "tag:steuer", "1");
	finds_in(&bert, "tag:steuer", "2");
	finds_in(&anna, "anwalt", "1");
	finds_in(&bert, "anwalt", "");
	finds_in(&anna, "anwalt OR rechnung", "2 1");
	finds_in(&anna, "-steuer", "2");
	finds_in(&bert, "-note:anwalt", "2 1");
	finds_in(&anna, "anwalt angebot", "1");
	put_note(1, 1, "", "");
	finds_in(&anna, "steuer", "");
	remove_mail(2);
	put_text(2, "rechnung", "hallo");
	finds_in(&bert, "steuer", "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(words_become_tokens),
		TEST(plain_words_are_those_of_unicode61),
		TEST(umlauts_are_found_in_every_spelling),
		TEST(addresses_are_found_whole_and_in_part),
		TEST(fields_look_in_their_columns),
		TEST(a_reader_sees_only_mail_of_his_addresses),
		TEST(a_scope_may_have_thousands_of_addresses),
		TEST(blind_copies_are_not_searched_by_those_who_merely_got_the_mail),
		TEST(nobody_can_write_or_ask_for_a_machine_token),
		TEST(strange_input_is_only_words),
		TEST(the_deepest_and_longest_queries_work),
		TEST(a_put_replaces_and_a_removal_takes_away),
		TEST(how_far_it_is_complete_is_kept_with_the_documents),
		TEST(many_mails_of_one_second_all_have_a_place),
		TEST(dates_outside_the_range_are_clamped),
		TEST(after_compacting_removed_words_are_gone),
		TEST(a_check_notices_what_does_not_fit),
		TEST(a_foreign_key_or_a_newer_schema_is_refused),
		TEST(a_person_finds_his_own_notes_and_nobody_else_s),
		TEST(random_queries_find_what_a_plain_evaluator_finds),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
