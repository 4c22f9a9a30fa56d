/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tsa/token.h"

#include "base/clock.h"
#include "base/crypto.h"
#include "tsa/token_priv.h"

#include <openssl/err.h>
#include <openssl/pem.h>

/* --- requests --------------------------------------------------------------------------------- */

static TS_MSG_IMPRINT *new_imprint(const struct token_request *request)
{
	struct view bytes = digest_view(request->alg, &request->imprint);
	TS_MSG_IMPRINT *imprint = TS_MSG_IMPRINT_new();
	X509_ALGOR *alg = X509_ALGOR_new();

	must(imprint != NULL && alg != NULL);
	must(X509_ALGOR_set0(alg, OBJ_nid2obj(digest_nid(request->alg)), V_ASN1_NULL, NULL) == 1);
	must(TS_MSG_IMPRINT_set_algo(imprint, alg) == 1);
	must(TS_MSG_IMPRINT_set_msg(imprint, (unsigned char *)bytes.data, (int)bytes.len) == 1);
	X509_ALGOR_free(alg);
	return imprint;
}

static void set_imprint_and_nonce(TS_REQ *req, const struct token_request *request)
{
	TS_MSG_IMPRINT *imprint = new_imprint(request);
	ASN1_INTEGER *nonce = ASN1_INTEGER_new();

	must(nonce != NULL && ASN1_INTEGER_set_uint64(nonce, request->nonce) == 1);
	must(TS_REQ_set_version(req, 1) == 1 && TS_REQ_set_msg_imprint(req, imprint) == 1 &&
	     TS_REQ_set_nonce(req, nonce) == 1 && TS_REQ_set_cert_req(req, 1) == 1);
	ASN1_INTEGER_free(nonce);
	TS_MSG_IMPRINT_free(imprint);
}

static bool is_set(const char *policy)
{
	return policy != NULL && policy[0] != '\0';
}

static int set_policy(TS_REQ *req, const char *policy, struct err *err)
{
	ASN1_OBJECT *object;

	if (!is_set(policy))
		return 0;
	object = OBJ_txt2obj(policy, 1);
	if (object == NULL) {
		ERR_clear_error();
		return err_set(err, ERR_SYNTAX,
			       "the policy is no object identifier; it reads like 1.3.6.1.4.1.311");
	}
	must(TS_REQ_set_policy_id(req, object) == 1);
	ASN1_OBJECT_free(object);
	return 0;
}

int token_request_write(struct token_request *request, struct str *der, struct err *err)
{
	TS_REQ *req = TS_REQ_new();
	unsigned char *bytes = NULL;
	int len, rc;

	must(req != NULL);
	crypto_random(&request->nonce, sizeof(request->nonce));
	set_imprint_and_nonce(req, request);
	rc = set_policy(req, request->policy, err);
	if (rc == 0) {
		len = i2d_TS_REQ(req, &bytes);
		must(len > 0);
		str_add(der, bytes, (size_t)len);
		OPENSSL_free(bytes);
	}
	TS_REQ_free(req);
	return rc;
}

/* --- responses -------------------------------------------------------------------------------- */

/* RFC 3161, section 2.4.2, in words for an administrator. */
static const struct {
	int bit;
	const char *text;
} failures[] = {
	{TS_INFO_BAD_ALG, "it does not take this hash function"},
	{TS_INFO_BAD_REQUEST, "it does not allow this request"},
	{TS_INFO_BAD_DATA_FORMAT, "it could not read the request"},
	{TS_INFO_TIME_NOT_AVAILABLE, "its clock is out of order"},
	{TS_INFO_UNACCEPTED_POLICY, "it does not have the policy that is set"},
	{TS_INFO_UNACCEPTED_EXTENSION, "it does not take an extension"},
	{TS_INFO_ADD_INFO_NOT_AVAILABLE, "it cannot give what was asked for"},
	{TS_INFO_SYSTEM_FAILURE, "it is out of order"},
};

static const char *failure_text(const TS_STATUS_INFO *status)
{
	const ASN1_BIT_STRING *bits = TS_STATUS_INFO_get0_failure_info(status);

	for (size_t i = 0; bits != NULL && i < sizeof(failures) / sizeof(*failures); i++)
		if (ASN1_BIT_STRING_get_bit(bits, failures[i].bit))
			return failures[i].text;
	return "it gives no reason that is known";
}

/* Its own words, as far as they fit. */
static int refused(const TS_STATUS_INFO *status, struct err *err)
{
	enum { WORDS_MAX = 160 };
	const STACK_OF(ASN1_UTF8STRING) *texts = TS_STATUS_INFO_get0_text(status);
	CLEAN_STR words = STR_INIT;

	if (sk_ASN1_UTF8STRING_num(texts) > 0) {
		const ASN1_UTF8STRING *first = sk_ASN1_UTF8STRING_value(texts, 0);
		size_t len = (size_t)ASN1_STRING_length(first);

		str_addsafe(&words,
			    (struct view){(const char *)ASN1_STRING_get0_data(first),
					  len < WORDS_MAX ? len : WORDS_MAX},
			    false);
	}
	return err_set(err, ERR_DENIED, "the authority grants no timestamp: %s%s%s%s",
		       failure_text(status), words.len > 0 ? " (\"" : "", words.data,
		       words.len > 0 ? "\")" : "");
}

static int judge_status(const TS_STATUS_INFO *status, struct err *err)
{
	long code = ASN1_INTEGER_get(TS_STATUS_INFO_get0_status(status));

	if (code == TS_STATUS_GRANTED || code == TS_STATUS_GRANTED_WITH_MODS)
		return 0;
	return refused(status, err);
}

static int check_status(struct view der, struct err *err)
{
	const unsigned char *p = (const unsigned char *)der.data;
	TS_STATUS_INFO *status = d2i_TS_STATUS_INFO(NULL, &p, (long)der.len);
	int rc;

	if (status == NULL) {
		ERR_clear_error();
		return err_set(err, ERR_DAMAGED, "its status is malformed");
	}
	rc = judge_status(status, err);
	TS_STATUS_INFO_free(status);
	return rc;
}

/* TimeStampResp ::= SEQUENCE { status PKIStatusInfo, timeStampToken TimeStampToken OPTIONAL } */
static int take_response_apart(struct view response, struct view *token_r, struct err *err)
{
	struct view rest = response, body, status;
	int tag;

	if (der_cut(&rest, &tag, &status, &body) < 0 || tag != V_ASN1_SEQUENCE)
		return err_set(err, ERR_DAMAGED, "it is no timestamp response, or was cut off");
	if (rest.len > 0)
		return err_set(err, ERR_DAMAGED, "something follows the response");
	if (der_cut(&body, &tag, &status, NULL) < 0 || tag != V_ASN1_SEQUENCE)
		return err_set(err, ERR_DAMAGED, "it is no timestamp response");
	if (check_status(status, err) < 0)
		return -1;
	if (body.len == 0)
		return err_set(err, ERR_DAMAGED,
			       "it says that it grants a timestamp, and has none");
	*token_r = body;
	return 0;
}

static int check_imprint(const struct token_info *info, enum digest_alg alg,
			 const struct digest *imprint, struct err *err)
{
	if (info->alg == alg && digest_eq(alg, &info->imprint, imprint))
		return 0;
	return err_set(err, ERR_DAMAGED, "its imprint is another one: it is over something else");
}

static int check_nonce(const struct token_parts *parts, uint64_t ours, struct err *err)
{
	const ASN1_INTEGER *nonce = TS_TST_INFO_get_nonce(parts->tst);
	uint64_t theirs;

	if (nonce != NULL && ASN1_INTEGER_get_uint64(&theirs, nonce) == 1 && theirs == ours)
		return 0;
	ERR_clear_error();
	return err_set(err, ERR_FOREIGN, "its nonce is not ours: it answers another request");
}

static bool is_policy(const struct token_parts *parts, const char *policy)
{
	ASN1_OBJECT *ours = OBJ_txt2obj(policy, 1);
	bool is = ours != NULL && OBJ_cmp(ours, TS_TST_INFO_get_policy_id(parts->tst)) == 0;

	ASN1_OBJECT_free(ours);
	return is;
}

static int check_answers(const struct token_parts *parts, const struct token_request *request,
			 const struct token_info *info, struct err *err)
{
	if (check_imprint(info, request->alg, &request->imprint, err) < 0 ||
	    check_nonce(parts, request->nonce, err) < 0)
		return -1;
	if (!is_set(request->policy) || is_policy(parts, request->policy))
		return 0;
	return err_set(err, ERR_FOREIGN, "its policy is %s, not the one that is set", info->policy);
}

static int check_time(int64_t time_ms, int64_t our_time_s, int64_t tolerance_s, struct err *err)
{
	int64_t off_s = time_ms / 1000 - our_time_s;
	bool is_later = off_s > 0;

	off_s = is_later ? off_s : -off_s;
	if (off_s <= tolerance_s)
		return 0;
	return err_set(err, ERR_FOREIGN,
		       "its time is %lld s %s this computer's, and %lld s are allowed; one of the "
		       "two clocks is wrong",
		       (long long)off_s, is_later ? "after" : "before", (long long)tolerance_s);
}

static int check_response(struct view response, const struct token_request *request,
			  const struct token_trust *trust, int64_t our_time_s, int64_t tolerance_s,
			  struct arena *arena, struct view *token_r, struct token_info *info_r,
			  struct err *err)
{
	CLEAN_PARTS parts = {0};
	struct view token;

	if (take_response_apart(response, &token, err) < 0 ||
	    token_parts_read(token, &parts, err) < 0 ||
	    token_parts_tell(&parts, arena, info_r, err) < 0 ||
	    check_answers(&parts, request, info_r, err) < 0 ||
	    token_prove(&parts, trust, info_r->time_ms / 1000, true, arena, info_r, err) < 0 ||
	    check_time(info_r->time_ms, our_time_s, tolerance_s, err) < 0)
		return -1;
	*token_r = arena_view(arena, token);
	return 0;
}

int token_of_response(struct view response, const struct token_request *request,
		      const struct token_trust *trust, int64_t our_time_s, int64_t tolerance_s,
		      struct arena *arena, struct view *token_r, struct token_info *info_r,
		      struct err *err)
{
	if (check_response(response, request, trust, our_time_s, tolerance_s, arena, token_r,
			   info_r, err) == 0)
		return 0;
	return err_add(err, "the authority's answer was refused, and the mails go on waiting");
}

/* --- archived tokens -------------------------------------------------------------------------- */

/* A certificate that begins after the token's time cannot have been there when it was made. */
static int check_begin(const struct token_parts *parts, const struct token_info *info,
		       struct err *err)
{
	if (token_time_s(X509_get0_notBefore(parts->signer)) <= info->time_ms / 1000)
		return 0;
	return err_set(err, ERR_EXPIRED,
		       "its signer's certificate was not valid yet at the token's time");
}

int token_verify(struct view token, enum digest_alg alg, const struct digest *imprint,
		 const struct token_trust *trust, int64_t at_s, struct arena *arena,
		 struct token_info *info_r, struct err *err)
{
	CLEAN_PARTS parts = {0};

	if (token_parts_read(token, &parts, err) < 0 ||
	    token_parts_tell(&parts, arena, info_r, err) < 0 ||
	    (imprint != NULL && check_imprint(info_r, alg, imprint, err) < 0))
		return -1;
	if (trust == NULL)
		return 0;
	if (token_prove(&parts, trust, at_s, false, arena, info_r, err) < 0)
		return -1;
	return check_begin(&parts, info_r, err);
}

/* --- giving away ------------------------------------------------------------------------------ */

int token_response_write(struct view token, struct str *der, struct err *err)
{
	static const char granted[] = {0x30, 0x03, 0x02, 0x01, 0x00};
	unsigned char head[16], *p = head;
	CLEAN_PARTS parts = {0};

	if (token.len > INT32_MAX / 2)
		return err_set(err, ERR_TOOBIG, "it is too large for a timestamp token");
	if (token_parts_read(token, &parts, err) < 0)
		return -1;
	ASN1_put_object(&p, 1, (int)(sizeof(granted) + token.len), V_ASN1_SEQUENCE,
			V_ASN1_UNIVERSAL);
	str_add(der, head, (size_t)(p - head));
	str_add(der, granted, sizeof(granted));
	str_addv(der, token);
	return 0;
}

int token_certificates(struct view token, struct str *pem, struct err *err)
{
	CLEAN_PARTS parts = {0};
	BIO *out;
	char *data;
	long len;

	if (token_parts_read(token, &parts, err) < 0)
		return -1;
	out = BIO_new(BIO_s_mem());
	must(out != NULL);
	for (int i = 0; i < sk_X509_num(parts.certificates); i++)
		must(PEM_write_bio_X509(out, sk_X509_value(parts.certificates, i)) == 1);
	len = BIO_get_mem_data(out, &data);
	str_add(pem, data, (size_t)len);
	BIO_free(out);
	return 0;
}
