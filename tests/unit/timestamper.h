/* SPDX-License-Identifier: GPL-3.0-or-later */
/* timestamper.h - a timestamping authority within a test: certificates and tokens at any time, true or with any flaw, without a network.
 * Whatever a function here cannot do fails the test that called it. */
#ifndef TESTS_UNIT_TIMESTAMPER_H
#define TESTS_UNIT_TIMESTAMPER_H

#include "tsa/token.h"

/* Whoever has a certificate and its key. */
struct party;
struct party_wishes {
	const struct party *issuer; /* NULL: itself */
	const char *
		usages; /* extendedKeyUsage as openssl.cnf has it; "": none. NULL: it is a certificate authority */
	int64_t begins_s, ends_s;
	int rsa_bits;              /* 0: P-256 */
	const struct party *as;    /* the same name, key and serial number */
	const char *signed_digest; /* by its issuer; NULL: sha256 */
};
struct party *party_new(const char *name, const struct party_wishes *wishes);
void party_free(struct party **party);
void party_pem(const struct party *party, struct str *pem); /* appended */
void party_der(const struct party *party, struct str *der);
void party_key_pem(const struct party *party, struct str *pem);
struct token_trust *trust_in(const struct party *one,
			     const struct party *other); /* OTHER may be NULL */

#define TRIAL_POLICY "1.2.3.4.1"

/* What a token is to be like. Zeroes: as the request wants it, without flaw. */
struct recipe {
	const struct party *signer;
	const struct party *also;  /* put into it, too */
	const struct party *shown; /* put into it in place of the signer */
	int64_t time_ms;
	const char *policy;        /* NULL: the request's, else TRIAL_POLICY */
	const char *signed_digest; /* NULL: sha256 */
	int imprint_nid;           /* with the request's bytes; 0: the request's */
	bool without_certificates, without_nonce, without_named_signer;
};
/* Appended to DER: the token, and the response that grants it. */
void make_token(const struct token_request *request, const struct recipe *recipe, struct str *der);
void make_response(const struct token_request *request, const struct recipe *recipe,
		   struct str *der);
/* The same by OpenSSL's own responder, at the present time; it names its signer by a digest NAMED_BY (sha1: ESSCertID of RFC 2634). */
void make_response_by_openssl(struct view request_der, const struct party *signer,
			      const char *named_by, struct str *der);
/* One of any status (RFC 3161, section 2.4.2): a failure's bit (-1: none), words (NULL: none), a token (empty: none). */
void make_status(int status, int failure, const char *words, struct view token, struct str *der);

#endif
