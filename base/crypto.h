/* SPDX-License-Identifier: GPL-3.0-or-later */
/* crypto.h - the few primitives Sealpost uses, each a thin shell around OpenSSL's EVP.
 *
 * HKDF-SHA256 (RFC 5869), AES-256-GCM (NIST SP 800-38D), SHA-256 (FIPS 180-4), HMAC-SHA256
 * (RFC 2104), scrypt (RFC 7914), X25519 (RFC 7748), Ed25519 (RFC 8032). A failure inside OpenSSL that is not a failed authentication is
 * a bug or a broken installation, and aborts.
 */
#ifndef BASE_CRYPTO_H
#define BASE_CRYPTO_H

#include "base/err.h"
#include "base/secret.h"
#include "base/str.h"

enum { KEY_BYTES = 32, HASH_BYTES = 32, NONCE_BYTES = 12, TAG_BYTES = 16 };

struct hash {
	unsigned char b[HASH_BYTES];
};

bool hash_eq(const struct hash *a, const struct hash *b); /* constant time */

void crypto_random(void *out, size_t len); /* the system's CSPRNG */

/* A key of KEY_BYTES derived from KEY; LABEL is the info string, SALT may be empty. */
struct secret *crypto_hkdf(const struct secret *key, struct view salt, const char *label);

/* SHA-256, in one go or piece by piece. */
struct hash crypto_sha256(const void *data, size_t len);
struct sha256;
struct sha256 *sha256_new(void);
void sha256_free(struct sha256 **sha);
void sha256_add(struct sha256 *sha, const void *data, size_t len);
struct hash sha256_end(struct sha256 *sha); /* and start again */

/* HMAC-SHA256 under one key, many messages. Not to be shared between threads. */
struct hmac;
struct hmac *hmac_new(const struct secret *key);
void hmac_free(struct hmac **hmac);
void hmac_add(struct hmac *hmac, const void *data, size_t len);
struct hash hmac_end(struct hmac *hmac); /* and start again */
struct hash hmac_once(struct hmac *hmac, const void *data, size_t len);

/* AES-256-GCM under one key, many messages. Not to be shared between threads. */
struct aead;
struct aead *aead_new(const struct secret *key);
void aead_free(struct aead **aead);
/* Write LEN bytes of ciphertext and then TAG_BYTES to OUT. The caller never repeats NONCE. */
void aead_seal(struct aead *aead, const unsigned char nonce[NONCE_BYTES], struct view clear,
	       struct view plain, void *out);
/* The same piece by piece, for what should not be in memory twice: begin, then each piece to the
 * room of its own length, then the tag. Nothing else may be sealed in between. */
void aead_seal_begin(struct aead *aead, const unsigned char nonce[NONCE_BYTES], struct view clear);
void aead_seal_piece(struct aead *aead, struct view plain, void *out);
void aead_seal_end(struct aead *aead, unsigned char tag[TAG_BYTES]);
/* Open SEALED (ciphertext and tag) into OUT, which has room for SEALED.len - TAG_BYTES bytes.
 * False if key, nonce, clear or sealed are not those of the sealing; OUT is then wiped. */
bool aead_open(struct aead *aead, const unsigned char nonce[NONCE_BYTES], struct view clear,
	       struct view sealed, void *out);

/* X25519: a key pair of an existing private key, or (NULL) of a new random one. */
struct x25519;
struct x25519 *x25519_new(const struct secret *private);
void x25519_free(struct x25519 **pair);
const unsigned char *x25519_public(const struct x25519 *pair); /* KEY_BYTES */
/* What only the two owners can compute. NULL: PEER is no point that a true key pair has (section 6.1). */
struct secret *x25519_shared(const struct x25519 *pair, const unsigned char peer[KEY_BYTES]);

enum { ED25519_KEY_BYTES = 32, ED25519_SIGNATURE_BYTES = 64 };
/* Is SIGNATURE one of MESSAGE by the owner of KEY? */
bool crypto_ed25519_verify(const unsigned char key[ED25519_KEY_BYTES],
			   const unsigned char signature[ED25519_SIGNATURE_BYTES],
			   struct view message);

/* scrypt; LOG2_N up to 20. */
struct secret *crypto_scrypt(const struct secret *password, struct view salt, unsigned log2_n,
			     unsigned r, unsigned p);

#endif
