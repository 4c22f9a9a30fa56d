/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tokens and responses of other makers, good ones and deliberately bad ones, as far as a corpus is there. */
#include "tests/unit/fixture.h"

#include "base/file.h"
#include "tsa/token.h"

#include <minizip/unzip.h>
#include <stdlib.h>

enum { FILE_MAX = 1 << 20 };

static struct arena *arena;

static int start(void **state)
{
	(void)state;
	arena = arena_new();
	return 0;
}

static int stop(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

static void add_path(struct str *path, const char *name)
{
	const char *dir = getenv("SEALPOST_CORPUS");

	str_addf(path, "%s/12-rfc3161/%s", dir != NULL && dir[0] ? dir : "../shared/corpus", name);
}

/* false: it is not there, which is said. */
static bool read_corpus(const char *name, struct str *data)
{
	CLEAN_STR path = STR_INIT;
	struct err err = {0};

	add_path(&path, name);
	if (file_read(path.data, FILE_MAX, data, &err) == 0)
		return true;
	print_message("left out, there is no %s\n", path.data);
	return false;
}

/* The certificates of authorities among those of PEM. */
static struct token_trust *authorities_of(const struct str *pem)
{
	static const char begin[] = "-----BEGIN CERTIFICATE-----";
	struct token_trust *trust = NULL;
	CLEAN_STR kept = STR_INIT;
	struct err err = {0};
	const char *at = strstr(pem->data, begin);

	while (at != NULL) {
		const char *next = strstr(at + 1, begin);
		struct view one = {at, next != NULL ? (size_t)(next - at) : strlen(at)};
		CLEAN(token_trust) probe = NULL;

		if (token_trust_new(one, &probe, &err) == 0)
			str_addv(&kept, one);
		at = next;
	}
	if (kept.len == 0 || token_trust_new(str_view(&kept), &trust, &err) < 0)
		return NULL;
	return trust;
}

/* A file, and what comes of it. Trusted are the certificates of authorities in it, or those in the file beside it. */
struct row {
	const char *name, *authorities;
	enum err_kind apart; /* taken apart; ERR_NONE: it is well */
	enum err_kind proved;
	const char *says; /* of the one that fails */
	int64_t time_s;
};

/* The token within a response that grants it in the usual way. */
static struct view token_in(const char *name, const struct str *data)
{
	enum { HEAD_BYTES = 4, STATUS_BYTES = 5 };
	struct view token = str_view(data), skipped;

	if (strstr(name, ".tsr") != NULL)
		assert_int_equal(view_bytes(&token, HEAD_BYTES + STATUS_BYTES, &skipped), 0);
	return token;
}

static void assert_result(const struct row *row, int rc, enum err_kind expected,
			  const struct err *err)
{
	if (expected == ERR_NONE && rc < 0)
		fail_msg("%s: %s", row->name, err->text);
	if (expected != ERR_NONE &&
	    (rc == 0 || err->kind != expected || strstr(err->text, row->says) == NULL))
		fail_msg("%s: %s: %s", row->name, rc < 0 ? err_code(err->kind) : "taken",
			 err->text);
}

static void check_proof(const struct row *row, struct view token, int64_t time_s)
{
	CLEAN_STR pem = STR_INIT;
	CLEAN(token_trust) trust = NULL;
	struct token_info info;
	struct err err = {0};
	int rc;

	if (row->authorities != NULL && !read_corpus(row->authorities, &pem))
		return;
	if (row->authorities == NULL && token_certificates(token, &pem, &err) < 0)
		fail_msg("%s: %s", row->name, err.text);
	trust = authorities_of(&pem);
	if (trust == NULL)
		fail_msg("%s: no authority in it", row->name);
	rc = token_verify(token, DIGEST_SHA256, NULL, trust, time_s, arena, &info, &err);
	assert_result(row, rc, row->proved, &err);
}

static void check(const struct row *row)
{
	CLEAN_STR data = STR_INIT;
	struct token_info info;
	struct err err = {0};
	struct view token;
	int rc;

	if (!read_corpus(row->name, &data))
		return;
	token = token_in(row->name, &data);
	rc = token_verify(token, DIGEST_SHA256, NULL, NULL, 0, arena, &info, &err);
	assert_result(row, rc, row->apart, &err);
	if (rc < 0)
		return;
	assert_int_equal(info.time_ms / 1000, row->time_s);
	check_proof(row, token, row->time_s);
}

#define GO "tspclient-go/testdata-TimeStampToken"
#define CLIENT "rfc3161-client/"

static void tokens_of_other_makers_are_proved_at_their_time(void **state)
{
	static const struct row rows[] = {
		{GO "NoRoot.p7s", .time_s = 1718953925},
		{GO "WithSigningCertificateV1.p7s", .time_s = 1712640579},
		{"dss-timestamps/resources-tst_with_broken_ocsp.tst", .time_s = 1482863102},
		{CLIENT "sigstage-response-sha384.tsr", CLIENT "sigstage-ts_chain.pem",
		 .time_s = 1746791935},
		{CLIENT "sigstage-response-sha512.tsr", CLIENT "sigstage-ts_chain.pem",
		 .time_s = 1746791936},
		{CLIENT "test_tsa-response.tsr", CLIENT "test_tsa-ts_chain.pem",
		 .time_s = 1728402032},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		check(&rows[i]);
}

static void tokens_of_authorities_that_are_not_at_hand_are_taken_apart_and_lead_nowhere(
	void **state)
{
	static const struct row rows[] = {
		{"dss-timestamps/resources-disig.tst", CLIENT "sigstage-ts_chain.pem",
		 .proved = ERR_FOREIGN, .says = "does not lead", .time_s = 1555059632},
		{"digidoc4j/tst-timestamp.tst", CLIENT "sigstage-ts_chain.pem",
		 .proved = ERR_FOREIGN, .says = "does not lead", .time_s = 1511436354},
		{CLIENT "test_tsa-response.tsr", CLIENT "sigstore.mock-ts_chain.pem",
		 .proved = ERR_FOREIGN, .says = "does not lead", .time_s = 1728402032},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		check(&rows[i]);
}

static void deliberately_bad_tokens_are_refused_each_in_its_own_words(void **state)
{
	static const int64_t globalsign_s = 1631887750;
	static const char *const globalsign = "tspclient-go/testdata-GlobalSignRootCA.crt";
	const struct row rows[] = {
		{"bc-java-p7/test-FileDaFirmare.txt.tsd.der", .apart = ERR_DAMAGED,
		 .says = "it is not signed"},
		{"tspclient-go/testdata-Sha1SignedData.p7s", .apart = ERR_DAMAGED,
		 .says = "signs something else"},
		{"tspclient-go/testdata-SignedDataWithoutSignedAttributes.p7s",
		 .apart = ERR_DAMAGED, .says = "signs something else"},
		{GO "WithInvalidContentType.p7s", .apart = ERR_DAMAGED,
		 .says = "signs something else"},
		{GO "WithInvalidTSTInfo.p7s", .apart = ERR_DAMAGED, .says = "is malformed"},
		{GO "WithInvalidSigningTime.p7s", .apart = ERR_DAMAGED, .says = "malformed"},
		{GO "WithAnInvalidAndAValidSignerInfo.p7s", .apart = ERR_DAMAGED,
		 .says = "exactly one signer"},
		{GO "InvalidSignedAttributeContentType.p7s", NULL, .proved = ERR_DAMAGED,
		 .says = "signature is not true", .time_s = globalsign_s},
		{GO "WithoutSignedAttributeDigest.p7s", NULL, .proved = ERR_DAMAGED,
		 .says = "signature is not true", .time_s = globalsign_s},
		{GO "WithInvalidSigningCertificateV1.p7s", NULL, .proved = ERR_DAMAGED,
		 .says = "signature is not true", .time_s = 1712640579},
		{GO "WithSigningCertificateV2NoCert.p7s", NULL, .proved = ERR_DAMAGED,
		 .says = "signature is not true", .time_s = globalsign_s},
		{GO "WithWrongSigningCertificateV2IssuerChoiceTag.p7s", NULL, .proved = ERR_DAMAGED,
		 .says = "signature is not true", .time_s = globalsign_s},
		{GO "WithoutCertificate.p7s", globalsign, .proved = ERR_DAMAGED,
		 .says = "certificate is not in it", .time_s = globalsign_s},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		check(&rows[i]);
}

static void a_response_to_another_request_does_not_count(void **state)
{
	CLEAN_STR response = STR_INIT;
	CLEAN_STR pem = STR_INIT;
	CLEAN(token_trust) trust = NULL;
	struct token_request request = {.alg = DIGEST_SHA512};
	struct token_info info;
	struct view token;
	struct err err = {0};

	(void)state;
	if (!read_corpus(CLIENT "test_tsa-response.tsr", &response) ||
	    !read_corpus(CLIENT "test_tsa-ts_chain.pem", &pem))
		return;
	trust = authorities_of(&pem);
	assert_int_equal(token_of_response(str_view(&response), &request, trust, 1728402032, 300,
					   arena, &token, &info, &err),
			 -1);
	assert_non_null(strstr(err.text, "its imprint is another one"));
	request.imprint = info.imprint;
	assert_int_equal(token_of_response(str_view(&response), &request, trust, 1728402032, 300,
					   arena, &token, &info, &err),
			 -1);
	assert_non_null(strstr(err.text, "its nonce is not ours"));
}

/* --- containers: a file, and a token over it -------------------------------------------------- */

static void read_member(unzFile zip, struct str *data)
{
	char buf[4096];
	int n;

	assert_int_equal(unzOpenCurrentFile(zip), UNZ_OK);
	while ((n = unzReadCurrentFile(zip, buf, sizeof(buf))) > 0)
		str_add(data, buf, (size_t)n);
	unzCloseCurrentFile(zip);
}

/* The first token, and the one file that is neither the type's name nor part of a proof. */
static bool read_container(const char *name, struct str *token, struct str *content)
{
	CLEAN_STR path = STR_INIT;
	unz_file_info info;
	char member[256];
	unzFile zip;

	add_path(&path, name);
	zip = unzOpen(path.data);
	if (zip == NULL) {
		print_message("left out, there is no %s\n", path.data);
		return false;
	}
	for (int rc = unzGoToFirstFile(zip); rc == UNZ_OK; rc = unzGoToNextFile(zip)) {
		unzGetCurrentFileInfo(zip, &info, member, sizeof(member), NULL, 0, NULL, 0);
		if (strcmp(member, "META-INF/timestamp.tst") == 0)
			read_member(zip, token);
		else if (strncmp(member, "META-INF/", 9) != 0 && strcmp(member, "mimetype") != 0)
			read_member(zip, content);
	}
	unzClose(zip);
	return true;
}

/* Its authority is not at hand: a true signature leads nowhere, a false one is told before that. */
static void check_container(const char *name)
{
	CLEAN_STR token = STR_INIT;
	CLEAN_STR content = STR_INIT;
	CLEAN_STR pem = STR_INIT;
	CLEAN(token_trust) stranger = NULL;
	struct token_info info;
	struct err err = {0};
	struct digest imprint;

	if (!read_container(name, &token, &content) ||
	    !read_corpus(CLIENT "sigstage-ts_chain.pem", &pem))
		return;
	if (token_verify(str_view(&token), DIGEST_SHA256, NULL, NULL, 0, arena, &info, &err) < 0)
		fail_msg("%s: %s", name, err.text);
	imprint = digest_of(info.alg, str_view(&content));
	stranger = authorities_of(&pem);
	assert_int_equal(token_verify(str_view(&token), info.alg, &imprint, stranger,
				      info.time_ms / 1000, arena, &info, &err),
			 -1);
	if (err.kind != ERR_FOREIGN || strstr(err.text, "does not lead") == NULL)
		fail_msg("%s: %s", name, err.text);
	imprint.b[0] ^= 1;
	token_verify(str_view(&token), info.alg, &imprint, stranger, 0, arena, &info, &err);
	assert_int_equal(err.kind, ERR_DAMAGED);
}

#define VALID "digidoc4j/valid-containers-"

static void tokens_in_containers_are_over_the_file_beside_them(void **state)
{
	static const char *const names[] = {
		VALID "1xTST-image-no-manifest.asics",
		VALID "1xTST-recursive-asics-datafile.asics",
		VALID "1xTST-text-data-file.asics",
		VALID "2xTST-datafile-with-_-unencoded-in-archive-manifest.asics",
		VALID "2xTST-text-data-file-expired-tst-and-valid-tst.asics",
		VALID "2xTST-text-data-file.asics",
		VALID "3xTST-valid-ddoc-data-file.asics",
		VALID "testtimestamp.asics",
		VALID "timestamptoken-ddoc.asics",
		VALID "valid-asice-in-asics.asics",
		VALID "valid-asics-in-asics.asics",
		VALID "valid-bdoc-tm-in-asics.asics",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		check_container(names[i]);
}

/* --- broken pieces ---------------------------------------------------------------------------- */

static void read_piece(struct view piece)
{
	CLEAN_STR pem = STR_INIT;
	CLEAN_STR der = STR_INIT;
	struct token_info info;
	struct err err = {0};

	token_verify(piece, DIGEST_SHA256, NULL, NULL, 0, arena, &info, &err);
	if (token_certificates(piece, &pem, &err) == 0) {
		CLEAN(token_trust) trust = authorities_of(&pem);

		if (trust != NULL)
			token_verify(piece, DIGEST_SHA256, NULL, trust, 1700000000, arena, &info,
				     &err);
		assert_int_equal(token_response_write(piece, &der, &err), 0);
	}
	arena_reset(arena);
}

static void tokens_cut_short_or_with_bytes_changed_do_no_harm(void **state)
{
	enum { STEP = 41 };
	static const char *const names[] = {GO "NoRoot.p7s", GO "WithSigningCertificateV1.p7s",
					    "dss-timestamps/resources-tst_with_broken_ocsp.tst",
					    "digidoc4j/tst-timestamp.tst"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		CLEAN_STR data = STR_INIT;

		if (!read_corpus(names[i], &data))
			continue;
		for (size_t at = 0; at < data.len; at += STEP) {
			/* a buffer of its own, so that reading too far is seen */
			CLEAN_STR cut = STR_INIT;
			char was = data.data[at];

			str_add(&cut, data.data, at);
			read_piece(str_view(&cut));
			data.data[at] ^= (char)(1 << at % 8);
			read_piece(str_view(&data));
			data.data[at] = was;
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tokens_of_other_makers_are_proved_at_their_time),
		cmocka_unit_test(
			tokens_of_authorities_that_are_not_at_hand_are_taken_apart_and_lead_nowhere),
		cmocka_unit_test(deliberately_bad_tokens_are_refused_each_in_its_own_words),
		cmocka_unit_test(a_response_to_another_request_does_not_count),
		cmocka_unit_test(tokens_in_containers_are_over_the_file_beside_them),
		cmocka_unit_test(tokens_cut_short_or_with_bytes_changed_do_no_harm),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
