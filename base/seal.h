/* SPDX-License-Identifier: GPL-3.0-or-later */
/* seal.h - bytes sealed to a public key: whoever has it can seal, only the private key opens.
 *
 * A sealed message is
 *     8   "SPSEAL1\n"
 *     8   first bytes of the SHA-256 of the receiver's public key, so that a wrong key is told apart
 *     32  public key of a key pair that was made for this message and forgotten
 * and then chunks: 64 KiB of content (the last one may have less, and none if there is no content at
 * all), sealed with AES-256-GCM, each with its tag behind it. The key is HKDF-SHA256 of the X25519 secret of the two,
 * salted with both public keys and CONTEXT; the nonce is the chunk's number (8 bytes, little-endian),
 * a 1 for the last chunk or a 0, and three zeros. So nothing can be changed, cut off, put elsewhere or
 * read under another context unnoticed. Who sealed it is not proven.
 */
#ifndef BASE_SEAL_H
#define BASE_SEAL_H

#include "base/crypto.h"

enum {
	SEAL_HEAD_BYTES = 8 + 8 + KEY_BYTES,
	SEAL_CHUNK_BYTES = 64 * 1024,                          /* of content */
	SEAL_SEALED_CHUNK_BYTES = SEAL_CHUNK_BYTES + TAG_BYTES /* and what becomes of it */
};

struct public_key {
	unsigned char b[KEY_BYTES];
};

/* A public key's file: a line that says what it is, and one of hex digits. Anything else, and a key
 * that nobody can have the private one of, is ERR_SYNTAX. */
int public_key_save(const struct public_key *key, const char *path, struct err *err);
int public_key_load(const char *path, struct public_key *key_r, struct err *err);
struct public_key public_key_of(const struct x25519 *pair);

/* Seal piece by piece: what is finished is appended to OUT, the head by sealer_new(). */
struct sealer;
struct sealer *sealer_new(const struct public_key *to, struct view context, struct str *out);
void sealer_add(struct sealer *s, const void *data, size_t len, struct str *out);
void sealer_end(struct sealer *s, struct str *out);
/* After the end: another message to the same receiver, with the same key pair, which saves half the cost of a
 * short one. CONTEXT is one that this sealer did not have yet: the keys differ by nothing else. */
void sealer_next(struct sealer *s, struct view context, struct str *out);
void sealer_free(struct sealer **sealer);
/* In one go. */
void seal(const struct public_key *to, struct view context, struct view plain, struct str *out);
uint64_t seal_size(uint64_t plain_bytes); /* of a message with so much content */

/* Open chunk by chunk. ERR_WRONGKEY: sealed to another key. ERR_DAMAGED: the message or its context is not
 * as it was sealed; of the chunk nothing is given out, but earlier ones were: the caller uses them
 * only when the last one came out, too. */
struct unsealer;
int unsealer_new(const struct x25519 *pair, struct view context, struct view head,
		 struct unsealer **unsealer_r, struct err *err);
int unsealer_chunk(struct unsealer *u, struct view chunk, bool last, struct str *out,
		   struct err *err);
/* Go on with another message, likewise. */
int unsealer_next(struct unsealer *u, struct view context, struct view head, struct err *err);
void unsealer_free(struct unsealer **unsealer);
/* In one go; OUT is as before if it fails. */
int unseal(const struct x25519 *pair, struct view context, struct view sealed, struct str *out,
	   struct err *err);

#endif
