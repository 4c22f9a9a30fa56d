/* SPDX-License-Identifier: GPL-3.0-or-later */
/* token.h - timestamp requests, responses and tokens (RFC 3161, updated by RFC 5816), over OpenSSL's TS and CMS.
 *
 * (TK1) A response counts only if all of this is so, looked at in this order: it is a response and nothing else (DER; the token
 *       in it may be BER, as CMS allows and some authorities send); its status is granted (or
 *       granted with modifications); there is a token; its imprint and nonce are ours; its policy is ours, where we named one; its
 *       signature is true, by a certificate whose only extended key usage is timeStamping, and critical (RFC 3161, section 2.3); that
 *       certificate leads to one of the trusted CA certificates and was valid at the token's time; the token's time is ours within
 *       the tolerance. The first that is not so is told in its own words.
 * (TK2) An archived token is held to the same, without nonce and tolerance, at a time that the caller names: now, or the time of the
 *       token that renewed it.
 * (TK3) A trusted certificate that is no root is trusted as one: the way ends there. What is told as the CA certificate is the highest trusted
 *       one below which all are in the token, so that the token and that certificate alone prove it again.
 * No revocation is asked for: it would need the network, and what counts is the certificate at the token's time.
 *
 * Error kinds: ERR_DAMAGED (not DER, signature or imprint wrong), ERR_FOREIGN (another nonce, policy, CA, key usage), ERR_DENIED (the
 * authority refused; its words are in the text), ERR_TIMEOUT never, ERR_EXPIRED (a certificate had ended at the named time),
 * ERR_UNSUPPORTED (an algorithm that is not ours; in a new response also one that is too weak: SHA-1, RSA below 2048 bits. An archived
 * token may be of former days).
 */
#ifndef TSA_TOKEN_H
#define TSA_TOKEN_H

#include "base/arena.h"
#include "base/digest.h"
#include "base/err.h"

#include <stdint.h>

struct token_request {
	enum digest_alg alg;
	struct digest imprint;
	const char *policy; /* dotted OID; NULL or "": the authority chooses */
	uint64_t nonce;     /* set by token_request_write() */
};
/* The DER of the request, appended to DER; a new random nonce, certificates wanted. ERR_SYNTAX: the policy is no OID. */
int token_request_write(struct token_request *request, struct str *der, struct err *err);

/* CA certificates that are trusted, and no others. */
struct token_trust;
/* PEM with one certificate or more, or one in DER. ERR_SYNTAX: it has none, or one that is no CA's. */
int token_trust_new(struct view certificates, struct token_trust **trust_r, struct err *err);
void token_trust_free(struct token_trust **trust);

struct token_info {
	int64_t time_ms; /* genTime */
	int64_t ends_s; /* when the first certificate on the way to the CA, itself included, ends */
	const char *policy, *authority,
		*serial; /* in the arena: OID; subject of the signer, one line; hex */
	struct view ca;  /* DER of the CA certificate it led to, in the arena */
	enum digest_alg alg;
	struct digest imprint;
};

/* TK1. OUR_TIME_S and TOLERANCE_S are seconds. *TOKEN_R is the token (ContentInfo, DER), in the arena. */
int token_of_response(struct view response, const struct token_request *request,
		      const struct token_trust *trust, int64_t our_time_s, int64_t tolerance_s,
		      struct arena *arena, struct view *token_r, struct token_info *info_r,
		      struct err *err);

/* TK2. IMPRINT NULL: only what stands in it is told, whatever it is over. TRUST NULL: it is only taken apart, and nothing is
 * proved (info_r->ca is empty, ends_s the signer's). */
int token_verify(struct view token, enum digest_alg alg, const struct digest *imprint,
		 const struct token_trust *trust, int64_t at_s, struct arena *arena,
		 struct token_info *info_r, struct err *err);

/* A response that grants the token: what `openssl ts -verify -in` reads. Appended to DER. */
int token_response_write(struct view token, struct str *der, struct err *err);
/* The certificates of the token itself, as PEM, appended: for `openssl ts -verify -untrusted`. */
int token_certificates(struct view token, struct str *pem, struct err *err);

#endif
