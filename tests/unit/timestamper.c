/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/timestamper.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ts.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

struct party {
	X509 *certificate;
	EVP_PKEY *key;
};

static const EVP_MD *md_of(const char *name)
{
	const EVP_MD *md = EVP_get_digestbyname(name != NULL ? name : "sha256");

	assert_non_null(md);
	return md;
}

/* --- certificates ----------------------------------------------------------------------------- */

static EVP_PKEY *new_key(const struct party_wishes *wishes)
{
	EVP_PKEY *key;

	if (wishes->as != NULL) {
		EVP_PKEY_up_ref(wishes->as->key);
		return wishes->as->key;
	}
	key = wishes->rsa_bits > 0 ? EVP_RSA_gen((unsigned)wishes->rsa_bits) : EVP_EC_gen("P-256");
	assert_non_null(key);
	return key;
}

static void add_extension(X509 *x, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *extension;

	X509V3_set_ctx(&ctx, NULL, x, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	assert_non_null(extension);
	assert_int_equal(X509_add_ext(x, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

static void add_extensions(X509 *x, const char *usages)
{
	add_extension(x, NID_basic_constraints,
		      usages == NULL ? "critical,CA:TRUE" : "critical,CA:FALSE");
	add_extension(x, NID_key_usage,
		      usages == NULL ? "critical,keyCertSign,cRLSign"
				     : "critical,digitalSignature");
	if (usages != NULL && usages[0] != '\0')
		add_extension(x, NID_ext_key_usage, usages);
}

static void set_names(X509 *x, const char *name, const struct party_wishes *wishes)
{
	static long serial = 1000;
	const X509 *as = wishes->as != NULL ? wishes->as->certificate : NULL;
	X509_NAME *subject = X509_get_subject_name(x);

	assert_int_equal(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
						    (const unsigned char *)name, -1, -1, 0),
			 1);
	if (as != NULL)
		X509_set_serialNumber(x, (ASN1_INTEGER *)X509_get0_serialNumber(as));
	else
		ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial);
	X509_set_issuer_name(x, wishes->issuer != NULL
					? X509_get_subject_name(wishes->issuer->certificate)
					: subject);
}

struct party *party_new(const char *name, const struct party_wishes *wishes)
{
	struct party *party = mem_new(sizeof(*party));
	X509 *x = X509_new();

	party->certificate = x;
	party->key = new_key(wishes);
	X509_set_version(x, X509_VERSION_3);
	set_names(x, name, wishes);
	ASN1_TIME_set(X509_getm_notBefore(x), (time_t)wishes->begins_s);
	ASN1_TIME_set(X509_getm_notAfter(x), (time_t)wishes->ends_s);
	X509_set_pubkey(x, party->key);
	add_extensions(x, wishes->usages);
	assert_true(X509_sign(x, wishes->issuer != NULL ? wishes->issuer->key : party->key,
			      md_of(wishes->signed_digest)) > 0);
	return party;
}

void party_free(struct party **party)
{
	if (*party == NULL)
		return;
	X509_free((*party)->certificate);
	EVP_PKEY_free((*party)->key);
	free(*party);
	*party = NULL;
}

static void take_bio(BIO *bio, struct str *out)
{
	char *data;
	long len = BIO_get_mem_data(bio, &data);

	str_add(out, data, (size_t)len);
	BIO_free(bio);
}

void party_pem(const struct party *party, struct str *pem)
{
	BIO *bio = BIO_new(BIO_s_mem());

	assert_int_equal(PEM_write_bio_X509(bio, party->certificate), 1);
	take_bio(bio, pem);
}

void party_key_pem(const struct party *party, struct str *pem)
{
	BIO *bio = BIO_new(BIO_s_mem());

	assert_int_equal(PEM_write_bio_PrivateKey(bio, party->key, NULL, NULL, 0, NULL, NULL), 1);
	take_bio(bio, pem);
}

void party_der(const struct party *party, struct str *der)
{
	BIO *bio = BIO_new(BIO_s_mem());

	assert_int_equal(i2d_X509_bio(bio, party->certificate), 1);
	take_bio(bio, der);
}

struct token_trust *trust_in(const struct party *one, const struct party *other)
{
	struct token_trust *trust = NULL;
	CLEAN_STR pem = STR_INIT;
	struct err err = {0};

	party_pem(one, &pem);
	if (other != NULL)
		party_pem(other, &pem);
	if (token_trust_new(str_view(&pem), &trust, &err) < 0)
		fail_msg("%s", err.text);
	return trust;
}

/* --- tokens ----------------------------------------------------------------------------------- */

static int nid_of(enum digest_alg alg)
{
	return OBJ_ln2nid(digest_name(alg));
}

static void set_imprint(TS_TST_INFO *tst, const struct token_request *request, int nid)
{
	struct view bytes = digest_view(request->alg, &request->imprint);
	TS_MSG_IMPRINT *imprint = TS_MSG_IMPRINT_new();
	X509_ALGOR *alg = X509_ALGOR_new();

	X509_ALGOR_set0(alg, OBJ_nid2obj(nid != 0 ? nid : nid_of(request->alg)), V_ASN1_NULL, NULL);
	TS_MSG_IMPRINT_set_algo(imprint, alg);
	TS_MSG_IMPRINT_set_msg(imprint, (unsigned char *)bytes.data, (int)bytes.len);
	TS_TST_INFO_set_msg_imprint(tst, imprint);
	TS_MSG_IMPRINT_free(imprint);
	X509_ALGOR_free(alg);
}

static void set_time(TS_TST_INFO *tst, int64_t time_ms)
{
	ASN1_GENERALIZEDTIME *time = ASN1_GENERALIZEDTIME_new();
	time_t time_s = (time_t)(time_ms / 1000);
	char text[40];
	struct tm tm;
	size_t len;

	gmtime_r(&time_s, &tm);
	len = strftime(text, sizeof(text), "%Y%m%d%H%M%S", &tm);
	if (time_ms % 1000 != 0)
		snprintf(text + len, sizeof(text) - len, ".%03dZ", (int)(time_ms % 1000));
	else
		snprintf(text + len, sizeof(text) - len, "Z");
	assert_int_equal(ASN1_STRING_set(time, text, -1), 1);
	TS_TST_INFO_set_time(tst, time);
	ASN1_GENERALIZEDTIME_free(time);
}

static void set_numbers(TS_TST_INFO *tst, const struct token_request *request, bool without_nonce)
{
	static uint64_t serial = 0x1000;
	ASN1_INTEGER *number = ASN1_INTEGER_new();

	ASN1_INTEGER_set_uint64(number, ++serial);
	TS_TST_INFO_set_serial(tst, number);
	ASN1_INTEGER_set_uint64(number, request->nonce);
	if (!without_nonce)
		TS_TST_INFO_set_nonce(tst, number);
	ASN1_INTEGER_free(number);
}

/* What is signed. */
static BIO *tst_info(const struct token_request *request, const struct recipe *recipe)
{
	const char *policy = recipe->policy != NULL    ? recipe->policy
			     : request->policy != NULL ? request->policy
						       : TRIAL_POLICY;
	ASN1_OBJECT *object = OBJ_txt2obj(policy, 1);
	TS_TST_INFO *tst = TS_TST_INFO_new();
	BIO *bio = BIO_new(BIO_s_mem());

	TS_TST_INFO_set_version(tst, 1);
	TS_TST_INFO_set_policy_id(tst, object);
	set_imprint(tst, request, recipe->imprint_nid);
	set_time(tst, recipe->time_ms);
	set_numbers(tst, request, recipe->without_nonce);
	assert_int_equal(i2d_TS_TST_INFO_bio(bio, tst), 1);
	TS_TST_INFO_free(tst);
	ASN1_OBJECT_free(object);
	return bio;
}

void make_token(const struct token_request *request, const struct recipe *recipe, struct str *der)
{
	const unsigned flags = CMS_BINARY | CMS_NOSMIMECAP | CMS_PARTIAL | CMS_NOCERTS;
	const struct party *shown = recipe->shown != NULL ? recipe->shown : recipe->signer;
	BIO *content = tst_info(request, recipe), *out = BIO_new(BIO_s_mem());
	CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, NULL, flags);

	assert_non_null(cms);
	CMS_set1_eContentType(cms, OBJ_nid2obj(NID_id_smime_ct_TSTInfo));
	assert_non_null(CMS_add1_signer(cms, recipe->signer->certificate, recipe->signer->key,
					md_of(recipe->signed_digest),
					flags | (recipe->without_named_signer ? 0 : CMS_CADES)));
	if (!recipe->without_certificates)
		CMS_add1_cert(cms, shown->certificate);
	if (recipe->also != NULL)
		CMS_add1_cert(cms, recipe->also->certificate);
	assert_int_equal(CMS_final(cms, content, NULL, CMS_BINARY), 1);
	assert_int_equal(i2d_CMS_bio(out, cms), 1);
	CMS_ContentInfo_free(cms);
	BIO_free(content);
	take_bio(out, der);
}

/* --- responses -------------------------------------------------------------------------------- */

void make_response(const struct token_request *request, const struct recipe *recipe,
		   struct str *der)
{
	CLEAN_STR token = STR_INIT;
	struct err err = {0};

	make_token(request, recipe, &token);
	if (token_response_write(str_view(&token), der, &err) < 0)
		fail_msg("%s", err.text);
}

static TS_RESP_CTX *responder(const struct party *signer, const char *named_by)
{
	ASN1_OBJECT *policy = OBJ_txt2obj(TRIAL_POLICY, 1);
	TS_RESP_CTX *ctx = TS_RESP_CTX_new();

	assert_int_equal(TS_RESP_CTX_set_signer_cert(ctx, signer->certificate), 1);
	assert_int_equal(TS_RESP_CTX_set_signer_key(ctx, signer->key), 1);
	assert_int_equal(TS_RESP_CTX_set_signer_digest(ctx, EVP_sha256()), 1);
	assert_int_equal(TS_RESP_CTX_set_ess_cert_id_digest(ctx, md_of(named_by)), 1);
	assert_int_equal(TS_RESP_CTX_set_def_policy(ctx, policy), 1);
	assert_int_equal(TS_RESP_CTX_add_md(ctx, EVP_sha256()), 1);
	assert_int_equal(TS_RESP_CTX_add_md(ctx, EVP_sha512()), 1);
	ASN1_OBJECT_free(policy);
	return ctx;
}

void make_response_by_openssl(struct view request_der, const struct party *signer,
			      const char *named_by, struct str *der)
{
	BIO *in = BIO_new_mem_buf(request_der.data, (int)request_der.len);
	BIO *out = BIO_new(BIO_s_mem());
	TS_RESP_CTX *ctx = responder(signer, named_by);
	TS_RESP *response = TS_RESP_create_response(ctx, in);

	assert_non_null(response);
	assert_int_equal(i2d_TS_RESP_bio(out, response), 1);
	TS_RESP_free(response);
	TS_RESP_CTX_free(ctx);
	BIO_free(in);
	take_bio(out, der);
}

static void add_tlv(struct str *out, int tag, struct view body)
{
	unsigned char head[16], *p = head;

	ASN1_put_object(&p, tag == V_ASN1_SEQUENCE, (int)body.len, tag, V_ASN1_UNIVERSAL);
	str_add(out, head, (size_t)(p - head));
	str_addv(out, body);
}

/* BIT STRING in DER: how many bits of the last byte do not count, and the bytes. */
static void add_bit(struct str *out, int bit)
{
	char body[8] = {(char)(7 - bit % 8)};

	assert_true(bit < 56);
	body[1 + bit / 8] = (char)(0x80 >> bit % 8);
	add_tlv(out, V_ASN1_BIT_STRING, (struct view){body, (size_t)(2 + bit / 8)});
}

void make_status(int status, int failure, const char *words, struct view token, struct str *der)
{
	const char number = (char)status;
	CLEAN_STR info = STR_INIT;
	CLEAN_STR text = STR_INIT;
	CLEAN_STR body = STR_INIT;

	add_tlv(&info, V_ASN1_INTEGER, (struct view){&number, 1});
	if (words != NULL) {
		add_tlv(&text, V_ASN1_UTF8STRING, VIEW(words));
		add_tlv(&info, V_ASN1_SEQUENCE, str_view(&text));
	}
	if (failure >= 0)
		add_bit(&info, failure);
	add_tlv(&body, V_ASN1_SEQUENCE, str_view(&info));
	str_addv(&body, token);
	add_tlv(der, V_ASN1_SEQUENCE, str_view(&body));
}
