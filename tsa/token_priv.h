/* SPDX-License-Identifier: GPL-3.0-or-later */
/* token_priv.h - a token taken apart, and what it rests on. */
#ifndef TSA_TOKEN_PRIV_H
#define TSA_TOKEN_PRIV_H

#include "tsa/token.h"

#include <openssl/cms.h>
#include <openssl/ts.h>
#include <openssl/x509.h>

/* The tag, the length and the end of the first DER element of *REST, which it is cut off; -1: there is none, or its length is not
 * given (BER). BODY_R may be NULL. */
int der_cut(struct view *rest, int *tag_r, struct view *whole_r, struct view *body_r);

/* OpenSSL's number of a hash function of ours, and back: 0, -1 none of ours. */
int digest_nid(enum digest_alg alg);
int digest_by_nid(int nid, enum digest_alg *alg_r);

struct token_parts {
	CMS_ContentInfo *cms;
	TS_TST_INFO *tst;
	STACK_OF(X509) * certificates; /* that are in it; NULL: none */
	CMS_SignerInfo *signer_info;   /* of cms */
	X509 *signer;                  /* of certificates; NULL: it is not in the token */
};
/* ERR_DAMAGED: it is no token. It may be zeroed memory that is cleared. */
int token_parts_read(struct view der, struct token_parts *parts_r, struct err *err);
void token_parts_clear(struct token_parts *parts);
#define CLEAN_PARTS __attribute__((cleanup(token_parts_clear))) struct token_parts

/* What stands in it, nothing of it proved. */
int token_parts_tell(const struct token_parts *parts, struct arena *arena,
		     struct token_info *info_r, struct err *err);

/* The signature, the signer's key usage, and the way to a trusted certificate at AT_S; info->ca and ends_s. IS_NEW: nothing weak is
 * taken; else SHA-1 and short keys of former days are. */
int token_prove(const struct token_parts *parts, const struct token_trust *trust, int64_t at_s,
		bool is_new, struct arena *arena, struct token_info *info, struct err *err);

int64_t token_time_s(const ASN1_TIME *time); /* 0: it is malformed */

#endif
