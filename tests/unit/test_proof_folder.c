/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Folders as somebody might send them. The bytes that tokens protect are test_evidence_record's; here it is what a folder adds: names,
 * files and proof.json. */
#include "tests/unit/fixture.h"

#include "base/file.h"
#include "tests/unit/timestamper.h"
#include "tsa/proof_folder.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DAY_S = 24 * 3600 };
static const int64_t begun_s = 1767225600; /* 2026-01-01 */

#define HEAD                                                                                       \
	"{\"sealpost\": \"proof\", \"format\": 1, "                                                \
	"\"mail\": \"0198d3a0-0000-7000-8000-000000000001\", "
#define TAIL ", \"tokens\": 0, \"certificates\": 1, \"chains\": 0}"
#define RECORD "{\"record\": \"evidence.ers\", \"over\": [\"mail.eml\", \"provenance-1.txt\"]}"
#define GOOD HEAD "\"records\": [" RECORD "]" TAIL

struct folder {
	struct fixture *f;
	struct arena *arena;
	struct party *ca, *signer;
	struct proof_folder_report report;
	struct err err;
};

static const char *in_folder(struct folder *t, const char *name)
{
	return fixture_path(t->f, arena_f(t->arena, "proof/%s", name));
}

static void put(struct folder *t, const char *name, struct view content)
{
	fixture_write(in_folder(t, name), content);
}

static void put_token(struct folder *t, int n, struct view token)
{
	CLEAN_STR response = STR_INIT;
	CLEAN_STR pem = STR_INIT;

	if (token_response_write(token, &response, &t->err) < 0 ||
	    token_certificates(token, &pem, &t->err) < 0)
		fail_msg("%s", t->err.text);
	put(t, arena_f(t->arena, "token-%d.tsr", n), str_view(&response));
	put(t, arena_f(t->arena, "token-%d.pem", n), str_view(&pem));
}

/* Over MAIL and its provenance; with COPIES of its token for README.txt. */
static void put_record(struct folder *t, struct view mail, int copies)
{
	struct token_request request = {.alg = DIGEST_SHA256};
	struct digest group[2] = {digest_of(DIGEST_SHA256, mail),
				  digest_of(DIGEST_SHA256, VIEW("how it came"))};
	const struct digest_list list = {group, 2};
	CLEAN(evidence_record) record = evidence_record_new();
	CLEAN_STR token = STR_INIT;
	CLEAN_STR der = STR_INIT;

	request.imprint = digest_node(request.alg, group, 2);
	make_token(&request, &(struct recipe){.signer = t->signer, .time_ms = begun_s * 1000},
		   &token);
	evidence_record_add_chain(record, request.alg);
	if (evidence_record_add_timestamp(record, &list, 1, str_view(&token), &t->err) < 0)
		fail_msg("%s", t->err.text);
	evidence_record_write(record, &der);
	put(t, "mail.eml", mail);
	put(t, "provenance-1.txt", VIEW("how it came"));
	put(t, "evidence.ers", str_view(&der));
	for (int i = 1; i <= copies; i++)
		put_token(t, i, str_view(&token));
}

static int setup(void **state)
{
	struct folder *t = mem_new(sizeof(*t));
	CLEAN_STR pem = STR_INIT;

	assert_int_equal(fixture_folder((void **)&t->f), 0);
	t->arena = arena_new();
	t->ca = party_new("CA", &(struct party_wishes){.begins_s = begun_s - DAY_S,
						       .ends_s = begun_s + 4000LL * DAY_S});
	t->signer = party_new("Signer", &(struct party_wishes){.issuer = t->ca,
							       .usages = "critical,timeStamping",
							       .begins_s = begun_s - DAY_S,
							       .ends_s = begun_s + 1000LL * DAY_S});
	assert_int_equal(mkdir(fixture_path(t->f, "proof"), 0700), 0);
	party_pem(t->ca, &pem);
	put(t, "ca-1.pem", str_view(&pem));
	put(t, "README.txt", VIEW("how to check it"));
	put(t, "proof.json", VIEW(GOOD));
	put_record(t, VIEW("a mail"), 1);
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	struct folder *t = *state;

	party_free(&t->signer);
	party_free(&t->ca);
	fixture_teardown((void **)&t->f);
	arena_free(&t->arena);
	free(t);
	return 0;
}

static int check(struct folder *t)
{
	err_clear(&t->err);
	return proof_folder_check(fixture_path(t->f, "proof"), NULL, begun_s + DAY_S, t->arena,
				  &t->report, &t->err);
}

static void is_refused(struct folder *t, const char *words)
{
	assert_int_equal(check(t), -1);
	if (strstr(t->err.text, words) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", t->err.text, words);
}

static void a_folder_proves_its_mail(void **state)
{
	struct folder *t = *state;

	if (check(t) < 0)
		fail_msg("%s", t->err.text);
	assert_int_equal(t->report.records, 1);
	assert_int_equal(t->report.evidence.first_ms, begun_s * 1000);
	assert_string_equal(t->report.mail, "0198d3a0-0000-7000-8000-000000000001");
	assert_int_equal(strlen(t->report.ca), 64);
}

static void a_folder_that_cannot_be_written_is_checked_as_well(void **state)
{
	struct folder *t = *state;

	assert_int_equal(chmod(fixture_path(t->f, "proof"), 0500), 0);
	assert_int_equal(check(t), 0);
	assert_int_equal(chmod(fixture_path(t->f, "proof"), 0700), 0);
}

static void a_changed_file_is_refused(void **state)
{
	struct folder *t = *state;

	put(t, "mail.eml", VIEW("a mayl"));
	is_refused(t, "not over these data");
	put(t, "mail.eml", VIEW("a mail"));
	put(t, "provenance-1.txt", VIEW("how it came."));
	is_refused(t, "not over these data");
}

static void a_proof_json_that_is_none_is_refused_in_words(void **state)
{
	struct folder *t = *state;
	static const char *const bad[] = {
		"",
		"[]",
		"null",
		"{\"sealpost\": \"proof\"",
		"{\"sealpost\": null}",
		"{\"sealpost\": [\"proof\"], \"format\": 1}",
		HEAD "\"records\": null" TAIL,
		HEAD "\"records\": []" TAIL,
		HEAD "\"records\": [null]" TAIL,
		HEAD "\"records\": [[]]" TAIL,
		HEAD "\"records\": [{\"record\": null, \"over\": null}]" TAIL,
		HEAD "\"records\": [{\"record\": \"evidence.ers\", \"over\": []}]" TAIL,
		HEAD "\"records\": [{\"record\": \"evidence.ers\", \"over\": [null]}]" TAIL,
		HEAD "\"records\": [" RECORD
		     "], \"tokens\": 0, \"certificates\": -1, \"chains\": 0}",
		HEAD "\"records\": [" RECORD
		     "], \"tokens\": 0, \"certificates\": \"1\", \"chains\": 0}",
		HEAD "\"records\": [" RECORD "]}",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		put(t, "proof.json", VIEW(bad[i]));
		is_refused(t, "proof.json is none that Sealpost writes");
	}
}

static void a_name_that_leads_elsewhere_is_refused(void **state)
{
	struct folder *t = *state;
	static const char *const names[] = {
		"../evidence.ers",
		"/etc/passwd",
		"./evidence.ers",
		"evidence.ers\\u0000",
		"",
		".",
		"-rf",
		"\\u001b[31m",
		"an-evidence-record-with-a-name-that-nobody-gave.ers",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		put(t, "proof.json",
		    VIEW(arena_f(t->arena,
				 HEAD "\"records\": [{\"record\": \"%s\", \"over\": "
				      "[\"mail.eml\", \"provenance-1.txt\"]}]" TAIL,
				 names[i])));
		is_refused(t, "proof.json is none that Sealpost writes");
	}
}

static void a_record_over_other_data_than_the_mail_is_refused(void **state)
{
	struct folder *t = *state;

	put(t, "other.eml", VIEW("a mail"));
	put(t, "proof.json",
	    VIEW(HEAD "\"records\": [{\"record\": \"evidence.ers\", \"over\": "
		      "[\"other.eml\", \"provenance-1.txt\"]}]" TAIL));
	is_refused(t, "proof.json is none that Sealpost writes");
}

static void an_object_that_is_named_twice_is_refused(void **state)
{
	struct folder *t = *state;

	put(t, "proof.json",
	    VIEW(HEAD "\"records\": [{\"record\": \"evidence.ers\", \"over\": "
		      "[\"mail.eml\", \"provenance-1.txt\", \"mail.eml\"]}]" TAIL));
	is_refused(t, "proof.json is none that Sealpost writes");
}

/* One file of a gigabyte, named by a thousand records, would need a terabyte. */
static void a_file_is_held_once_however_often_it_is_named(void **state)
{
	struct folder *t = *state;
	CLEAN_STR json = STR_INIT;
	CLEAN_STR large = STR_INIT;
	size_t before;

	for (size_t i = 0; i < 1 << 20; i++)
		str_addc(&large, 'm');
	put_record(t, str_view(&large), 50);
	str_adds(&json, HEAD "\"records\": [");
	for (int i = 0; i < 50; i++)
		str_addf(&json, "%s" RECORD, i > 0 ? ", " : "");
	str_adds(&json, "]" TAIL);
	put(t, "proof.json", str_view(&json));
	before = arena_used(t->arena);
	if (check(t) < 0)
		fail_msg("%s", t->err.text);
	assert_int_equal(t->report.records, 50);
	assert_true(arena_used(t->arena) - before < 8 << 20);
}

static void links_and_what_is_no_file_are_refused(void **state)
{
	struct folder *t = *state;

	assert_int_equal(rename(in_folder(t, "mail.eml"), fixture_path(t->f, "mail.eml")), 0);
	is_refused(t, "mail.eml is missing");
	assert_int_equal(symlink("../mail.eml", in_folder(t, "mail.eml")), 0);
	is_refused(t, "mail.eml is a link");
	assert_int_equal(unlink(in_folder(t, "mail.eml")), 0);
	assert_int_equal(mkfifo(in_folder(t, "mail.eml"), 0600), 0);
	is_refused(t, "mail.eml is no file");
	assert_int_equal(unlink(in_folder(t, "mail.eml")), 0);
	assert_int_equal(mkdir(in_folder(t, "mail.eml"), 0700), 0);
	is_refused(t, "mail.eml is no file");
}

static void a_file_that_nothing_proves_is_told(void **state)
{
	struct folder *t = *state;

	put(t, "provenance-2.txt", VIEW("how it came, too"));
	is_refused(t, "provenance-2.txt");
	assert_int_equal(unlink(in_folder(t, "provenance-2.txt")), 0);
	put(t, "\x1b[2Jmail", VIEW("x"));
	is_refused(t, "(a strange name)");
	assert_int_equal(unlink(in_folder(t, "\x1b[2Jmail")), 0);
	put(t, "token-2.tsr", VIEW("no token of this proof"));
	is_refused(t, "token-2.tsr");
}

static void what_the_commands_use_is_what_the_record_has(void **state)
{
	struct folder *t = *state;

	put(t, "token-1.tsr", VIEW("another token"));
	is_refused(t, "token-1.tsr is not the one of the evidence record");
	put_record(t, VIEW("a mail"), 1);
	put(t, "token-1.pem", VIEW("another certificate"));
	is_refused(t, "token-1.pem is not the one of the evidence record");
	assert_int_equal(unlink(in_folder(t, "token-1.pem")), 0);
	is_refused(t, "token-1.pem is missing");
}

static void another_authority_than_the_trusted_one_proves_nothing(void **state)
{
	struct folder *t = *state;
	struct party *other = party_new("CA",
					&(struct party_wishes){.begins_s = begun_s - DAY_S,
							       .ends_s = begun_s + 4000LL * DAY_S});
	CLEAN(token_trust) trust = trust_in(other, NULL);

	assert_int_equal(proof_folder_check(fixture_path(t->f, "proof"), trust, begun_s + DAY_S,
					    t->arena, &t->report, &t->err),
			 -1);
	party_free(&other);
}

static void a_folder_is_as_good_as_its_certificates_at_the_time_asked(void **state)
{
	struct folder *t = *state;

	assert_int_equal(proof_folder_check(fixture_path(t->f, "proof"), NULL,
					    begun_s + 1001LL * DAY_S, t->arena, &t->report,
					    &t->err),
			 -1);
	assert_int_equal(t->err.kind, ERR_EXPIRED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_folder_proves_its_mail),
		TEST(a_folder_that_cannot_be_written_is_checked_as_well),
		TEST(a_changed_file_is_refused),
		TEST(a_proof_json_that_is_none_is_refused_in_words),
		TEST(a_name_that_leads_elsewhere_is_refused),
		TEST(a_record_over_other_data_than_the_mail_is_refused),
		TEST(an_object_that_is_named_twice_is_refused),
		TEST(a_file_is_held_once_however_often_it_is_named),
		TEST(links_and_what_is_no_file_are_refused),
		TEST(a_file_that_nothing_proves_is_told),
		TEST(what_the_commands_use_is_what_the_record_has),
		TEST(another_authority_than_the_trusted_one_proves_nothing),
		TEST(a_folder_is_as_good_as_its_certificates_at_the_time_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
