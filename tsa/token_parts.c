/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tsa/token_priv.h"

#include "base/clock.h"

#include <ctype.h>
#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/objects.h>

static const int nids[] = {
	[DIGEST_SHA256] = NID_sha256,
	[DIGEST_SHA384] = NID_sha384,
	[DIGEST_SHA512] = NID_sha512,
};
enum { N_NIDS = sizeof(nids) / sizeof(*nids) };

int digest_nid(enum digest_alg alg)
{
	must(digest_known(alg));
	return nids[alg];
}

int digest_by_nid(int nid, enum digest_alg *alg_r)
{
	for (size_t i = DIGEST_SHA256; i < N_NIDS; i++) {
		if (nids[i] != nid)
			continue;
		*alg_r = (enum digest_alg)i;
		return 0;
	}
	return -1;
}

/* ASN1_get_object() tells trouble by this bit, and a length that is left open by this one. */
enum { ASN1_TROUBLE = 0x80, ASN1_OPEN_LENGTH = 0x01 };

int der_cut(struct view *rest, int *tag_r, struct view *whole_r, struct view *body_r)
{
	const unsigned char *p = (const unsigned char *)rest->data;
	struct view body;
	int class, how;
	long len;

	if (rest->len == 0 || rest->len > LONG_MAX)
		return -1;
	how = ASN1_get_object(&p, &len, tag_r, &class, (long)rest->len);
	if ((how & (ASN1_TROUBLE | ASN1_OPEN_LENGTH)) != 0) {
		ERR_clear_error();
		return -1;
	}
	if (class != V_ASN1_UNIVERSAL)
		*tag_r = -1;
	body = (struct view){(const char *)p, (size_t)len};
	*whole_r = (struct view){rest->data, (size_t)(body.data - rest->data) + body.len};
	if (body_r != NULL)
		*body_r = body;
	return view_bytes(rest, whole_r->len, whole_r);
}

/* --- reading ---------------------------------------------------------------------------------- */

static int no_token(struct err *err, const char *why)
{
	ERR_clear_error();
	return err_set(err, ERR_DAMAGED, "it is no timestamp token: %s", why);
}

static int read_content(struct token_parts *parts, struct err *err)
{
	ASN1_OCTET_STRING **content = CMS_get0_content(parts->cms);
	const unsigned char *p, *end;

	if (OBJ_obj2nid(CMS_get0_eContentType(parts->cms)) != NID_id_smime_ct_TSTInfo)
		return no_token(err, "it signs something else");
	if (content == NULL || *content == NULL)
		return no_token(err, "what it signs is not in it");
	p = ASN1_STRING_get0_data(*content);
	end = p + ASN1_STRING_length(*content);
	parts->tst = d2i_TS_TST_INFO(NULL, &p, ASN1_STRING_length(*content));
	if (parts->tst == NULL || p != end)
		return no_token(err, "what it signs is malformed");
	if (TS_TST_INFO_get_version(parts->tst) != 1)
		return no_token(err, "its version is not known");
	return 0;
}

static int find_signer(struct token_parts *parts, struct err *err)
{
	STACK_OF(CMS_SignerInfo) *infos = CMS_get0_SignerInfos(parts->cms);

	if (sk_CMS_SignerInfo_num(infos) != 1)
		return no_token(err, "it does not have exactly one signer");
	parts->signer_info = sk_CMS_SignerInfo_value(infos, 0);
	parts->certificates = CMS_get1_certs(parts->cms);
	for (int i = 0; i < sk_X509_num(parts->certificates); i++) {
		X509 *one = sk_X509_value(parts->certificates, i);

		if (CMS_SignerInfo_cert_cmp(parts->signer_info, one) == 0)
			parts->signer = one;
	}
	return 0;
}

int token_parts_read(struct view der, struct token_parts *parts_r, struct err *err)
{
	const unsigned char *p = (const unsigned char *)der.data;

	*parts_r = (struct token_parts){0};
	if (der.len <= LONG_MAX)
		parts_r->cms = d2i_CMS_ContentInfo(NULL, &p, (long)der.len);
	if (parts_r->cms == NULL || p != (const unsigned char *)der.data + der.len)
		return no_token(err, "it is malformed, or cut off, or something follows it");
	if (OBJ_obj2nid(CMS_get0_type(parts_r->cms)) != NID_pkcs7_signed)
		return no_token(err, "it is not signed");
	return read_content(parts_r, err) < 0 ? -1 : find_signer(parts_r, err);
}

void token_parts_clear(struct token_parts *parts)
{
	sk_X509_pop_free(parts->certificates, X509_free);
	TS_TST_INFO_free(parts->tst);
	CMS_ContentInfo_free(parts->cms);
	*parts = (struct token_parts){0};
}

/* --- telling ---------------------------------------------------------------------------------- */

int64_t token_time_s(const ASN1_TIME *time)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(time, &tm) != 1)
		return 0;
	return clock_of_utc(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
			    tm.tm_sec);
}

/* RFC 3161, section 2.4.2: YYYYMMDDhhmmss[.s...]Z, of which the first three digits count. */
static int read_time(const TS_TST_INFO *tst, int64_t *time_ms_r, struct err *err)
{
	enum { SECONDS_END = 14 };
	const ASN1_GENERALIZEDTIME *time = TS_TST_INFO_get_time(tst);
	struct view text = {(const char *)ASN1_STRING_get0_data(time),
			    (size_t)ASN1_STRING_length(time)};
	int64_t time_s = token_time_s(time), ms = 0;

	if (time_s <= 0 || text.len <= SECONDS_END || text.data[text.len - 1] != 'Z')
		return no_token(err, "its time is malformed");
	for (size_t i = 1, unit = 100; i <= 3; i++, unit /= 10) {
		if (SECONDS_END + i >= text.len - 1)
			break;
		ms += (text.data[SECONDS_END + i] - '0') * (int64_t)unit;
	}
	*time_ms_r = time_s * 1000 + ms;
	return 0;
}

static int read_imprint(TS_TST_INFO *tst, struct token_info *info, struct err *err)
{
	TS_MSG_IMPRINT *imprint = TS_TST_INFO_get_msg_imprint(tst);
	const ASN1_OCTET_STRING *msg = TS_MSG_IMPRINT_get_msg(imprint);
	struct view bytes = {(const char *)ASN1_STRING_get0_data(msg),
			     (size_t)ASN1_STRING_length(msg)};
	const ASN1_OBJECT *alg;

	X509_ALGOR_get0(&alg, NULL, NULL, TS_MSG_IMPRINT_get_algo(imprint));
	if (digest_by_nid(OBJ_obj2nid(alg), &info->alg) < 0)
		return err_set(err, ERR_UNSUPPORTED,
			       "the timestamp is over a digest that is not SHA-256, SHA-384 or "
			       "SHA-512, and proves nothing here");
	if (digest_read(info->alg, bytes, &info->imprint) < 0)
		return no_token(err, "its digest has the wrong length");
	return 0;
}

static const char *oid_text(const ASN1_OBJECT *object, struct arena *arena)
{
	char text[256];
	int len = OBJ_obj2txt(text, sizeof(text), object, 1);

	return len <= 0 || len >= (int)sizeof(text) ? "" : arena_str(arena, text);
}

static const char *name_text(const X509_NAME *name, struct arena *arena)
{
	BIO *out = BIO_new(BIO_s_mem());
	CLEAN_STR text = STR_INIT;
	char *data;
	long len;

	must(out != NULL);
	X509_NAME_print_ex(out, name, 0, XN_FLAG_ONELINE & ~ASN1_STRFLGS_ESC_MSB);
	len = BIO_get_mem_data(out, &data);
	str_addsafe(&text, (struct view){data, len > 0 ? (size_t)len : 0}, false);
	BIO_free(out);
	return arena_strn(arena, text.data, text.len);
}

static const char *hex_text(const ASN1_INTEGER *number, struct arena *arena)
{
	CLEAN_STR hex = STR_INIT;

	str_addhex(&hex, ASN1_STRING_get0_data(number), (size_t)ASN1_STRING_length(number));
	return arena_strn(arena, hex.data, hex.len);
}

int token_parts_tell(const struct token_parts *parts, struct arena *arena,
		     struct token_info *info_r, struct err *err)
{
	*info_r = (struct token_info){.authority = ""};
	if (read_imprint(parts->tst, info_r, err) < 0 ||
	    read_time(parts->tst, &info_r->time_ms, err) < 0)
		return -1;
	if (TS_TST_INFO_get_ext_by_critical(parts->tst, 1, -1) >= 0)
		return err_set(
			err, ERR_UNSUPPORTED,
			"the timestamp has an extension that must be understood, and is not");
	info_r->policy = oid_text(TS_TST_INFO_get_policy_id(parts->tst), arena);
	info_r->serial = hex_text(TS_TST_INFO_get_serial(parts->tst), arena);
	if (parts->signer != NULL) {
		info_r->authority = name_text(X509_get_subject_name(parts->signer), arena);
		info_r->ends_s = token_time_s(X509_get0_notAfter(parts->signer));
	}
	return 0;
}
