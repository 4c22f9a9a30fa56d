/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/fixture.h"

#include "base/file.h"
#include "tests/unit/timestamper.h"
#include "tsa/evidence_record.h"

#include <openssl/evp.h>
#include <stdlib.h>

enum { FILE_MAX = 16 << 20, DAY_S = 24 * 3600 };
static const int64_t begun_s = 1767225600; /* 2026-01-01 */

/* A CA, its signer, and what the tests put together with them. */
struct bench {
	struct arena *arena;
	struct party *ca, *signer;
	struct token_trust *trust;
	struct err err;
};

static int setup(void **state)
{
	struct bench *b = mem_new(sizeof(*b));

	b->arena = arena_new();
	b->ca = party_new("CA", &(struct party_wishes){.begins_s = begun_s - DAY_S,
						       .ends_s = begun_s + 4000LL * DAY_S});
	b->signer = party_new("Signer", &(struct party_wishes){.issuer = b->ca,
							       .usages = "critical,timeStamping",
							       .begins_s = begun_s - DAY_S,
							       .ends_s = begun_s + 1000LL * DAY_S});
	b->trust = trust_in(b->ca, NULL);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	party_free(&b->ca);
	party_free(&b->signer);
	token_trust_free(&b->trust);
	arena_free(&b->arena);
	free(b);
	return 0;
}

/* A token over IMPRINT, DAYS after the beginning. */
static struct view token(struct bench *b, enum digest_alg alg, const struct digest *imprint,
			 int days)
{
	const struct token_request request = {.alg = alg, .imprint = *imprint};
	CLEAN_STR der = STR_INIT;

	make_token(&request,
		   &(struct recipe){.signer = b->signer,
				    .time_ms = (begun_s + (int64_t)days * DAY_S) * 1000},
		   &der);
	return arena_view(b->arena, str_view(&der));
}

/* One more timestamp over GROUP, with one sibling on the way. Returns its token. */
static struct view stamp(struct bench *b, struct evidence_record *record, enum digest_alg alg,
			 struct digest *group, size_t n, int days)
{
	struct digest sibling = digest_of(alg, VIEW("something else"));
	struct digest pair[2], *first = arena_get(b->arena, (n + 2) * sizeof(*first));
	struct digest_list lists[2] = {{first, n}, {&sibling, 1}};
	struct digest imprint;
	struct view der;

	memcpy(first, group, n * sizeof(*first));
	if (n == 1)
		first[lists[0].n++] = sibling;
	pair[0] = n == 1 ? group[0] : digest_node(alg, group, n);
	pair[1] = sibling;
	imprint = digest_node(alg, pair, 2);
	der = token(b, alg, &imprint, days);
	if (evidence_record_add_timestamp(record, lists, n == 1 ? 1 : 2, der, &b->err) < 0)
		fail_msg("%s", b->err.text);
	return der;
}

static const struct view objects[] = {{"a mail", 6}, {"how it came", 11}};

static struct evidence_record *simple_record(struct bench *b)
{
	struct evidence_record *record = evidence_record_new();
	struct digest group[2] = {digest_of(DIGEST_SHA256, objects[0]),
				  digest_of(DIGEST_SHA256, objects[1])};

	evidence_record_add_chain(record, DIGEST_SHA256);
	stamp(b, record, DIGEST_SHA256, group, 2, 0);
	return record;
}

/* The timestamp renewed, then the hash function, then its timestamp. */
static struct evidence_record *renewed_record(struct bench *b)
{
	struct evidence_record *record = evidence_record_new();
	struct digest group[2] = {digest_of(DIGEST_SHA256, objects[0]),
				  digest_of(DIGEST_SHA256, objects[1])};
	CLEAN_STR chains = STR_INIT;
	struct digest before, d;
	struct view der;

	evidence_record_add_chain(record, DIGEST_SHA256);
	der = stamp(b, record, DIGEST_SHA256, group, 2, 0);
	d = digest_of(DIGEST_SHA256, der);
	stamp(b, record, DIGEST_SHA256, &d, 1, 100);
	evidence_record_write_chains(record, &chains);
	before = digest_of(DIGEST_SHA512, str_view(&chains));
	for (size_t i = 0; i < 2; i++) {
		char both[2 * DIGEST_MAX];

		group[i] = digest_of(DIGEST_SHA512, objects[i]);
		memcpy(both, group[i].b, DIGEST_MAX);
		memcpy(both + DIGEST_MAX, before.b, DIGEST_MAX);
		group[i] = digest_of(DIGEST_SHA512, (struct view){both, sizeof(both)});
	}
	evidence_record_add_chain(record, DIGEST_SHA512);
	der = stamp(b, record, DIGEST_SHA512, group, 2, 200);
	d = digest_of(DIGEST_SHA512, der);
	stamp(b, record, DIGEST_SHA512, &d, 1, 300);
	return record;
}

static int verify(struct bench *b, const struct str *der, size_t n, int days,
		  struct evidence_report *report)
{
	err_clear(&b->err);
	return evidence_record_verify(str_view(der), objects, n, b->trust,
				      begun_s + (int64_t)days * DAY_S, b->arena, report, &b->err);
}

static void a_record_proves_its_data_group(void **state)
{
	struct bench *b = *state;
	CLEAN(evidence_record) record = simple_record(b);
	CLEAN_STR der = STR_INIT;
	struct evidence_report report;

	evidence_record_write(record, &der);
	if (verify(b, &der, 2, 10, &report) < 0)
		fail_msg("%s", b->err.text);
	assert_int_equal(report.chains, 1);
	assert_int_equal(report.timestamps, 1);
	assert_int_equal(report.first_ms, begun_s * 1000);
	assert_non_null(strstr(report.authority, "Signer"));
	assert_true(report.ca.len > 0);
}

static void a_group_that_lacks_an_object_is_refused(void **state)
{
	struct bench *b = *state;
	CLEAN(evidence_record) record = simple_record(b);
	const struct view other[] = {objects[0], {"how it came.", 12}, {"more", 4}};
	CLEAN_STR der = STR_INIT;
	struct evidence_report report;

	evidence_record_write(record, &der);
	assert_int_equal(evidence_record_verify(str_view(&der), other, 2, b->trust, begun_s,
						b->arena, &report, &b->err),
			 -1);
	assert_int_equal(b->err.kind, ERR_DAMAGED);
	err_clear(&b->err);
	assert_int_equal(evidence_record_verify(str_view(&der), other, 3, b->trust, begun_s,
						b->arena, &report, &b->err),
			 -1);
}

static void renewals_are_proved_link_by_link(void **state)
{
	struct bench *b = *state;
	CLEAN(evidence_record) record = renewed_record(b);
	CLEAN_STR der = STR_INIT;
	struct evidence_report report;

	evidence_record_write(record, &der);
	if (verify(b, &der, 2, 400, &report) < 0)
		fail_msg("%s", b->err.text);
	assert_int_equal(report.chains, 2);
	assert_int_equal(report.timestamps, 4);
	assert_int_equal(report.last_ms, (begun_s + 300LL * DAY_S) * 1000);
}

static void a_certificate_that_ended_after_the_renewal_does_no_harm(void **state)
{
	struct bench *b = *state;
	struct party *later, *first = b->signer;
	CLEAN(evidence_record) record = evidence_record_new();
	struct digest d = digest_of(DIGEST_SHA256, objects[0]);
	CLEAN_STR der = STR_INIT;
	struct evidence_report report;
	struct view old;

	later = party_new("Later", &(struct party_wishes){.issuer = b->ca,
							  .usages = "critical,timeStamping",
							  .begins_s = begun_s,
							  .ends_s = begun_s + 3000LL * DAY_S});
	evidence_record_add_chain(record, DIGEST_SHA256);
	old = stamp(b, record, DIGEST_SHA256, &d, 1, 0);
	evidence_record_write(record, &der);
	assert_int_equal(verify(b, &der, 1, 1500, &report), -1);
	assert_int_equal(b->err.kind, ERR_EXPIRED);
	b->signer = later;
	d = digest_of(DIGEST_SHA256, old);
	stamp(b, record, DIGEST_SHA256, &d, 1, 900);
	b->signer = first;
	str_reset(&der);
	evidence_record_write(record, &der);
	if (verify(b, &der, 1, 1500, &report) < 0)
		fail_msg("%s", b->err.text);
	party_free(&later);
}

/* No byte of a record can be changed so that another thing is proved. What may differ is what nothing rests on: unsigned attributes, and
 * an algorithm that is named a second time, and the same value in another encoding. */
static void a_changed_byte_never_moves_the_time_or_the_data(void **state)
{
	struct bench *b = *state;
	CLEAN(evidence_record) record = simple_record(b);
	CLEAN_STR der = STR_INIT;
	size_t passed = 0;

	evidence_record_write(record, &der);
	for (size_t i = 0; i < der.len; i++) {
		CLEAN(arena) arena = arena_new();
		struct evidence_report report;
		struct err err = {0};
		char was = der.data[i];

		der.data[i] = (char)(was ^ 0x20);
		if (evidence_record_verify(str_view(&der), objects, 2, b->trust, begun_s, arena,
					   &report, &err) == 0) {
			assert_int_equal(report.first_ms, begun_s * 1000);
			passed++;
		} else {
			assert_true(err.text[0] != '\0');
		}
		der.data[i] = was;
	}
	print_message("%zu of %zu bytes are of no account\n", passed, der.len);
	assert_true(passed * 20 < der.len);
}

static void a_cut_or_prolonged_record_is_none(void **state)
{
	struct bench *b = *state;
	CLEAN(evidence_record) record = simple_record(b);
	CLEAN_STR der = STR_INIT;
	struct evidence_report report;

	evidence_record_write(record, &der);
	for (size_t len = 0; len < der.len; len += 7) {
		struct err err = {0};

		assert_int_equal(evidence_record_verify((struct view){der.data, len}, objects, 2,
							b->trust, begun_s, b->arena, &report, &err),
				 -1);
		assert_int_equal(err.kind, ERR_DAMAGED);
	}
	str_addc(&der, '\0');
	assert_int_equal(verify(b, &der, 2, 0, &report), -1);
	assert_int_equal(b->err.kind, ERR_DAMAGED);
}

/* ---- evidence records of other makers ---- */

static bool read_corpus(const char *name, struct str *data)
{
	const char *dir = getenv("SEALPOST_CORPUS");
	CLEAN_STR path = STR_INIT;
	CLEAN_STR text = STR_INIT;
	struct err err = {0};
	const size_t len = strlen(name);
	int decoded, tail = 0;
	EVP_ENCODE_CTX *ctx;

	str_addf(&path, "%s/13-rfc4998/%s", dir != NULL && dir[0] ? dir : "../shared/corpus", name);
	if (file_read(path.data, FILE_MAX, &text, &err) < 0) {
		print_message("left out, there is no %s\n", path.data);
		return false;
	}
	if (strcmp(name + len - 4, ".b64") != 0) {
		str_addv(data, str_view(&text));
		return true;
	}
	ctx = EVP_ENCODE_CTX_new();
	EVP_DecodeInit(ctx);
	str_reserve(data, text.len + 64);
	assert_true(EVP_DecodeUpdate(ctx, (unsigned char *)data->data, &decoded,
				     (const unsigned char *)text.data, (int)text.len) >= 0);
	EVP_DecodeFinal(ctx, (unsigned char *)data->data + decoded, &tail);
	data->len = (size_t)(decoded + tail);
	EVP_ENCODE_CTX_free(ctx);
	return true;
}

/* Trees and imprints of each are proved. Their authorities' certificates are not there. */
static const struct foreign {
	const char *record, *data;
	size_t chains, timestamps; /* 0: it is refused, */
	const char *words;         /* saying this */
} foreign[] = {
	{"bc-test-data/BSI_TR-ESOR_C.2_TestData-ER_OK_INIT.ers",
	 "dss-asn1/resources-ER-2Chains3ATS2.bin", 1, 1, ""},
	{"bc-test-data/BSI_TR-ESOR_C.2_TestData-ER_OK_SEQ.ers",
	 "dss-asn1/resources-ER-2Chains3ATS2.bin", 2, 3, ""},
	{"bc-test-data/BSI_TR-ESOR_C.2_TestData-ER_NOK_SEQ.ers",
	 "dss-asn1/resources-ER-2Chains3ATS2.bin", 0, 0,
	 "not over these data and the chains before it"},
	{"dss-asn1/resources-ER-2Chains3ATS.ers", "dss-asn1/resources-ER-2Chains3ATS2.bin", 2, 3,
	 ""},
	{"dss-asn1/resources-BIN-2_ER.ers", "dss-asn1/resources-BIN-2.bin", 1, 2, ""},
	{"dss-asn1/resources-BIN-2_ER.ers", "dss-asn1/resources-ER-2Chains3ATS2.bin", 0, 0,
	 "not over these data"},
	{"dss-asn1/resources-bsi_gov_vte-lza_002.ers",
	 "bsi-c2-testbed/ERVT-UPLOADs-ERVT_TXT_DATA_102.txt", 1, 1, ""},
	{"dss-asn1/resources-er-asn1-tst-renewal.ers", "dss-asn1/resources-ER-2Chains3ATS2.bin", 1,
	 2, ""},
	{"dss-asn1/resources-er-asn1-tst-renewal-invalid.ers",
	 "dss-asn1/resources-ER-2Chains3ATS2.bin", 0, 0, "not over the timestamp before it"},
	{"dss-asn1/resources-er-asn1-simple-invalid.ers", "dss-asn1/resources-ER-2Chains3ATS2.bin",
	 0, 0, "not over these data"},
	{"dss-asn1/resources-1_1_Renew_Unsorted.er", "dss-asn1/resources-BIN-1.bin", 0, 0,
	 "SHA-256"},
	{"bsi-ervt/bin-example.ers.b64", "bsi-ervt/bin-example.tif.b64", 1, 1, ""},
	{"bsi-ervt/xaip-xaip_ok.ers", "bsi-ervt/bin-example.tif.b64", 1, 1, ""},
	{"bsi-ervt/xaip-xaip_ok_ers_resigned.b64", "bsi-ervt/bin-example.tif.b64", 2, 3, ""},
	{"bsi-ervt/xaip-xaip_nok.ers.b64", "bsi-ervt/bin-example.tif.b64", 0, 0,
	 "not over these data"},
	{"bsi-ervt/bin-ER_DOUBLE_HASHED_FOR_TXT_DATA.ers",
	 "bsi-c2-testbed/ERVT-UPLOADs-ERVT_TXT_DATA_102.txt", 1, 1, ""},
};

static void records_of_other_makers_are_judged_as_they_meant(void **state)
{
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(foreign) / sizeof(*foreign); i++) {
		const struct foreign *f = &foreign[i];
		CLEAN_STR record = STR_INIT;
		CLEAN_STR data = STR_INIT;
		struct evidence_report report;
		struct err err = {0};
		struct view object;
		int rc;

		if (!read_corpus(f->record, &record) || !read_corpus(f->data, &data))
			return;
		object = str_view(&data);
		rc = evidence_record_verify(str_view(&record), &object, 1, NULL, begun_s, b->arena,
					    &report, &err);
		if (rc != (f->chains > 0 ? 0 : -1))
			fail_msg("%s: %s", f->record, err.text);
		if (rc == 0 && (report.chains != f->chains || report.timestamps != f->timestamps))
			fail_msg("%s: %zu chains, %zu timestamps", f->record, report.chains,
				 report.timestamps);
		if (rc < 0 && strstr(err.text, f->words) == NULL)
			fail_msg("%s: %s", f->record, err.text);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_record_proves_its_data_group),
		TEST(a_group_that_lacks_an_object_is_refused),
		TEST(renewals_are_proved_link_by_link),
		TEST(a_certificate_that_ended_after_the_renewal_does_no_harm),
		TEST(a_changed_byte_never_moves_the_time_or_the_data),
		TEST(a_cut_or_prolonged_record_is_none),
		TEST(records_of_other_makers_are_judged_as_they_meant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
