/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a token rests on: its signature, the signer's certificate, and the way from there to a trusted one. CMS is used rather than
 * OpenSSL's own TS_RESP_verify_token(), which knows PKCS #7 alone and tells all that is wrong with a certificate as one thing. */
#include "tsa/token_priv.h"

#include "base/clock.h"

#include <openssl/err.h>
#include <openssl/ess.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

/* 112 bits (NIST SP 800-57): no SHA-1, no RSA below 2048. */
enum { LEVEL_NEW = 2, LEVEL_ARCHIVED = 0 };

struct token_trust {
	STACK_OF(X509) * certificates;
};

/* --- what is trusted -------------------------------------------------------------------------- */

static int add_trusted(struct token_trust *trust, X509 *certificate, struct err *err)
{
	must(sk_X509_push(trust->certificates, certificate) > 0);
	if (X509_check_ca(certificate) != 0)
		return 0;
	return err_set(
		err, ERR_SYNTAX,
		"one of the certificates is not a certificate authority's; choose the one "
		"that the timestamping authority's own was issued with, not that one itself");
}

static int read_pem(struct token_trust *trust, BIO *in, struct err *err)
{
	X509 *certificate;

	while ((certificate = PEM_read_bio_X509(in, NULL, NULL, NULL)) != NULL)
		if (add_trusted(trust, certificate, err) < 0)
			return -1;
	if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		return err_set(err, ERR_SYNTAX, "one of the certificates is malformed");
	if (sk_X509_num(trust->certificates) == 0)
		return err_set(err, ERR_SYNTAX, "there is no certificate in it, in PEM or in DER");
	return 0;
}

static int read_certificates(struct token_trust *trust, struct view bytes, struct err *err)
{
	const unsigned char *p = (const unsigned char *)bytes.data;
	X509 *certificate = d2i_X509(NULL, &p, (long)bytes.len);
	BIO *in;
	int rc;

	if (certificate != NULL && p == (const unsigned char *)bytes.data + bytes.len)
		return add_trusted(trust, certificate, err);
	X509_free(certificate);
	in = BIO_new_mem_buf(bytes.data, (int)bytes.len);
	must(in != NULL);
	ERR_clear_error();
	rc = read_pem(trust, in, err);
	BIO_free(in);
	return rc;
}

int token_trust_new(struct view certificates, struct token_trust **trust_r, struct err *err)
{
	CLEAN(token_trust) trust = mem_new(sizeof(*trust));
	int rc;

	trust->certificates = sk_X509_new_null();
	must(trust->certificates != NULL);
	if (certificates.len > INT32_MAX)
		return err_set(err, ERR_SYNTAX, "it is too large for certificates");
	rc = read_certificates(trust, certificates, err);
	ERR_clear_error();
	if (rc == 0)
		*trust_r = TAKE(trust);
	return rc;
}

void token_trust_free(struct token_trust **trust)
{
	if (*trust == NULL)
		return;
	sk_X509_pop_free((*trust)->certificates, X509_free);
	free(*trust);
	*trust = NULL;
}

static bool has(const STACK_OF(X509) * certificates, const X509 *one)
{
	for (int i = 0; i < sk_X509_num(certificates); i++)
		if (X509_cmp(sk_X509_value(certificates, i), one) == 0)
			return true;
	return false;
}

/* --- the signature ---------------------------------------------------------------------------- */

static bool is_strong(int nid, bool is_new)
{
	static const int strong[] = {NID_sha256,   NID_sha384,   NID_sha512,   NID_sha224,
				     NID_sha3_224, NID_sha3_256, NID_sha3_384, NID_sha3_512};

	for (size_t i = 0; i < sizeof(strong) / sizeof(*strong); i++)
		if (nid == strong[i])
			return true;
	return !is_new && nid == NID_sha1;
}

static int check_strength(const struct token_parts *parts, bool is_new, struct err *err)
{
	X509_ALGOR *digest_alg, *signature_alg;
	const ASN1_OBJECT *digest, *signature;
	int md = NID_undef;

	CMS_SignerInfo_get0_algs(parts->signer_info, NULL, NULL, &digest_alg, &signature_alg);
	X509_ALGOR_get0(&digest, NULL, NULL, digest_alg);
	X509_ALGOR_get0(&signature, NULL, NULL, signature_alg);
	/* one that names no hash function uses the signer's, which is looked at anyway */
	if (OBJ_find_sigid_algs(OBJ_obj2nid(signature), &md, NULL) != 1 || md == NID_undef)
		md = OBJ_obj2nid(digest);
	if (is_strong(OBJ_obj2nid(digest), is_new) && is_strong(md, is_new))
		return 0;
	return err_set(err, ERR_UNSUPPORTED,
		       "it is signed with a hash function that is too weak, or not known");
}

static bool says_what_it_signs(const CMS_SignerInfo *si)
{
	const ASN1_OBJECT *type = CMS_signed_get0_data_by_OBJ(
		si, OBJ_nid2obj(NID_pkcs9_contentType), -3, V_ASN1_OBJECT);

	return type != NULL && OBJ_obj2nid(type) == NID_id_smime_ct_TSTInfo;
}

static int check_signature(const struct token_parts *parts, struct err *err)
{
	const unsigned flags = CMS_BINARY | CMS_NO_SIGNER_CERT_VERIFY;

	if (says_what_it_signs(parts->signer_info) &&
	    CMS_verify(parts->cms, NULL, NULL, NULL, NULL, flags) == 1)
		return 0;
	return err_set(err, ERR_DAMAGED,
		       "its signature is not true: the token was changed, or is broken");
}

static bool is_for(const EXTENDED_KEY_USAGE *usages, int nid)
{
	for (int i = 0; i < sk_ASN1_OBJECT_num(usages); i++)
		if (OBJ_obj2nid(sk_ASN1_OBJECT_value(usages, i)) == nid)
			return true;
	return false;
}

/* RFC 3161, section 2.3. OpenSSL's check of this purpose overlooks usages that it has no number for. */
static int check_usage(X509 *signer, struct err *err)
{
	int critical = -1;
	EXTENDED_KEY_USAGE *usages = X509_get_ext_d2i(signer, NID_ext_key_usage, &critical, NULL);
	bool stamps = is_for(usages, NID_time_stamp);
	bool is_alone = sk_ASN1_OBJECT_num(usages) == 1;

	sk_ASN1_OBJECT_pop_free(usages, ASN1_OBJECT_free);
	if (stamps && is_alone && critical == 1)
		return 0;
	return err_set(err, ERR_FOREIGN,
		       "its signer's certificate is not for timestamps%s (RFC 3161, section 2.3)",
		       !stamps     ? ""
		       : !is_alone ? " alone"
				   : ", as that usage is not marked critical");
}

static struct view signed_sequence(const CMS_SignerInfo *si, int nid)
{
	const ASN1_STRING *s = CMS_signed_get0_data_by_OBJ(si, OBJ_nid2obj(nid), -3,
							   V_ASN1_SEQUENCE);

	if (s == NULL)
		return (struct view){NULL, 0};
	return (struct view){(const char *)ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s)};
}

/* The token names its signer's certificate in what it signs, so that no other can be put in its place (RFC 5035, RFC 5816). */
static int check_named_signer(const struct token_parts *parts, const STACK_OF(X509) * chain,
			      struct err *err)
{
	struct view one = signed_sequence(parts->signer_info, NID_id_smime_aa_signingCertificate);
	struct view two = signed_sequence(parts->signer_info, NID_id_smime_aa_signingCertificateV2);
	const unsigned char *p1 = (const unsigned char *)one.data;
	const unsigned char *p2 = (const unsigned char *)two.data;
	ESS_SIGNING_CERT *v1 = p1 ? d2i_ESS_SIGNING_CERT(NULL, &p1, (long)one.len) : NULL;
	ESS_SIGNING_CERT_V2 *v2 = p2 ? d2i_ESS_SIGNING_CERT_V2(NULL, &p2, (long)two.len) : NULL;
	bool is_read = (one.data == NULL || v1 != NULL) && (two.data == NULL || v2 != NULL);
	bool is_named = is_read && OSSL_ESS_check_signing_certs(v1, v2, chain, 1) == 1;

	ESS_SIGNING_CERT_free(v1);
	ESS_SIGNING_CERT_V2_free(v2);
	return is_named ? 0
			: err_set(err, ERR_DAMAGED,
				  "it does not name its signer's certificate, or another one");
}

/* --- the way to a trusted certificate --------------------------------------------------------- */

static int judge_way(int code, const char *authority, struct err *err)
{
	switch (code) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return err_set(err, ERR_EXPIRED,
			       "a certificate on the way from its signer (%s) to the trusted "
			       "authority had ended",
			       authority);
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return err_set(err, ERR_EXPIRED,
			       "a certificate on the way from its signer (%s) to the trusted "
			       "authority was not valid yet",
			       authority);
	case X509_V_ERR_CERT_SIGNATURE_FAILURE:
		return err_set(err, ERR_DAMAGED,
			       "the signature of a certificate in it is not true");
	case X509_V_ERR_EE_KEY_TOO_SMALL:
	case X509_V_ERR_CA_KEY_TOO_SMALL:
	case X509_V_ERR_CA_MD_TOO_WEAK:
		return err_set(err, ERR_UNSUPPORTED,
			       "a certificate on the way from its signer (%s) has a key or a "
			       "signature that is too weak",
			       authority);
	default:
		return err_set(err, ERR_FOREIGN,
			       "its signer (%s) does not lead to the trusted certificate "
			       "authority: %s",
			       authority, X509_verify_cert_error_string(code));
	}
}

static bool is_cut_off(int code)
{
	return code == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
	       code == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT ||
	       code == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE;
}

static void set_demands(X509_STORE_CTX *ctx, int64_t at_s, bool is_new)
{
	X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);

	X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_TIMESTAMP_SIGN);
	X509_VERIFY_PARAM_set_time(param, (time_t)at_s);
	X509_VERIFY_PARAM_set_auth_level(param, is_new ? LEVEL_NEW : LEVEL_ARCHIVED);
}

/* A root is looked for first, so that the token's own certificates are used where they lead there; then whatever is trusted. */
static int find_way(X509_STORE *store, const struct token_parts *parts, int64_t at_s, bool is_new,
		    STACK_OF(X509) * *chain_r)
{
	static const unsigned long tries[] = {0, X509_V_FLAG_PARTIAL_CHAIN};
	int code = X509_V_ERR_UNSPECIFIED;

	*chain_r = NULL;
	for (size_t i = 0; i < sizeof(tries) / sizeof(*tries); i++) {
		X509_STORE_CTX *ctx = X509_STORE_CTX_new();

		must(ctx != NULL &&
		     X509_STORE_CTX_init(ctx, store, parts->signer, parts->certificates) == 1);
		set_demands(ctx, at_s, is_new);
		X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(ctx), tries[i]);
		code = X509_verify_cert(ctx) == 1 ? X509_V_OK : X509_STORE_CTX_get_error(ctx);
		if (code == X509_V_OK)
			*chain_r = X509_STORE_CTX_get1_chain(ctx);
		X509_STORE_CTX_free(ctx);
		if (!is_cut_off(code))
			break;
	}
	return code;
}

static X509_STORE *store_of(const struct token_trust *trust)
{
	X509_STORE *store = X509_STORE_new();

	must(store != NULL);
	for (int i = 0; i < sk_X509_num(trust->certificates); i++)
		must(X509_STORE_add_cert(store, sk_X509_value(trust->certificates, i)) == 1);
	return store;
}

/* The token and this one certificate are enough to go the same way again: the highest trusted one below which all are in the
 * token. */
static int anchor_of(const struct token_trust *trust, const struct token_parts *parts,
		     const STACK_OF(X509) * chain)
{
	int anchor = 0;

	for (int i = 0; i < sk_X509_num(chain); i++) {
		if (has(trust->certificates, sk_X509_value(chain, i)))
			anchor = i;
		if (!has(parts->certificates, sk_X509_value(chain, i)))
			break;
	}
	return anchor;
}

static void tell_way(const STACK_OF(X509) * chain, int anchor, struct arena *arena,
		     struct token_info *info)
{
	X509 *ca = sk_X509_value(chain, anchor);
	unsigned char *der = NULL;
	int len = i2d_X509(ca, &der);

	must(len > 0);
	info->ca = arena_view(arena, (struct view){(const char *)der, (size_t)len});
	OPENSSL_free(der);
	for (int i = 0; i <= anchor; i++) {
		int64_t ends_s = token_time_s(X509_get0_notAfter(sk_X509_value(chain, i)));

		info->ends_s = ends_s < info->ends_s ? ends_s : info->ends_s;
	}
}

static int check_way(const struct token_parts *parts, const struct token_trust *trust, int64_t at_s,
		     bool is_new, struct arena *arena, struct token_info *info, struct err *err)
{
	X509_STORE *store = store_of(trust);
	STACK_OF(X509) * chain;
	int code = find_way(store, parts, at_s, is_new, &chain);
	int rc = code == X509_V_OK ? check_named_signer(parts, chain, err)
				   : judge_way(code, info->authority, err);

	if (rc == 0)
		tell_way(chain, anchor_of(trust, parts, chain), arena, info);
	sk_X509_pop_free(chain, X509_free);
	X509_STORE_free(store);
	return rc;
}

int token_prove(const struct token_parts *parts, const struct token_trust *trust, int64_t at_s,
		bool is_new, struct arena *arena, struct token_info *info, struct err *err)
{
	int rc = -1;

	if (parts->signer == NULL)
		return err_set(err, ERR_DAMAGED, "its signer's certificate is not in it");
	if (check_strength(parts, is_new, err) == 0 && check_signature(parts, err) == 0 &&
	    check_usage(parts->signer, err) == 0)
		rc = check_way(parts, trust, at_s, is_new, arena, info, err);
	ERR_clear_error();
	return rc;
}
