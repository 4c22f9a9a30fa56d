/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tokens and responses of other makers, good ones and deliberately bad ones, as far as a corpus is there. */
#include "tests/unit/fixture.h"

#include "base/file.h"
#include "tsa/token.h"

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

/* false: it is not there, which is said. */
static bool read_corpus(const char *name, struct str *data)
{
	const char *dir = getenv("SEALPOST_CORPUS");
	CLEAN_STR path = STR_INIT;
	struct err err = {0};

	str_addf(&path, "%s/12-rfc3161/%s", dir != NULL && dir[0] ? dir : "../shared/corpus", name);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tokens_of_other_makers_are_proved_at_their_time),
		cmocka_unit_test(
			tokens_of_authorities_that_are_not_at_hand_are_taken_apart_and_lead_nowhere),
		cmocka_unit_test(deliberately_bad_tokens_are_refused_each_in_its_own_words),
		cmocka_unit_test(a_response_to_another_request_does_not_count),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
