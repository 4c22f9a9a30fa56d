/* SPDX-License-Identifier: GPL-3.0-or-later */
/* keytext_priv.h - the two halves of a key text: the sealed key, and the lines that spell it.
 *
 * (T1) Each coded line is known by its number, and its check finds every one or two wrong
 *      characters and every exchange of two, the number included.
 * (T2) The lines alone are enough: nothing of the text around them is needed for restoring.
 * (T3) When all checks are right, only the password can still be wrong.
 * (T4) Every later version keeps the form of a line, and the version in the first byte of line 1.
 */
#ifndef STORAGE_KEYTEXT_PRIV_H
#define STORAGE_KEYTEXT_PRIV_H

#include "storage/keytext.h"

enum {
	KEYTEXT_VERSION = 1,
	KEYTEXT_SALT_BYTES = 16,
	KEYTEXT_SUM_BYTES = 4,

	KEYTEXT_LINES = 5,
	KEYTEXT_LINE_BYTES = 20,
	KEYTEXT_LINE_SYMBOLS = KEYTEXT_LINE_BYTES * 8 / 5,
	KEYTEXT_CHECK_SYMBOLS = 4,

	KEYTEXT_LOG2_N = 17, /* 128 MiB, about a third of a second */
	KEYTEXT_R = 8,
	KEYTEXT_P = 1,
};

/* What the lines spell, byte for byte. What stands before `nonce` is authenticated by `sealed`. */
struct keytext_payload {
	unsigned char version;
	unsigned char log2_n, r, p; /* scrypt's costs */
	struct uuid archive;
	unsigned char salt[KEYTEXT_SALT_BYTES];
	unsigned char nonce[NONCE_BYTES];
	unsigned char sealed[KEY_BYTES + TAG_BYTES];
	unsigned char sum[KEYTEXT_SUM_BYTES]; /* of SHA-256 over all before it */
};
_Static_assert(sizeof(struct keytext_payload) == KEYTEXT_LINES * KEYTEXT_LINE_BYTES,
	       "the payload fills the lines, without padding");

/* Seal with scrypt's N = 2^LOG2_N (tests take less than KEYTEXT_LOG2_N). encode sets the sum. */
void keytext_seal(struct keytext_payload *payload_r, const struct keyring *keyring,
		  const struct secret *password, unsigned char log2_n);
int keytext_open(const struct keytext_payload *payload, const struct secret *password,
		 struct keyring **keyring_r, struct err *err); /* ERR_WRONGKEY, nothing else */

/* KEYTEXT_LINES lines "1: ABCD ...", each ended by LF; without the spaces for machines. */
enum keytext_spacing { KEYTEXT_GROUPED, KEYTEXT_DENSE };
void keytext_encode(struct str *out, const struct keytext_payload *payload,
		    enum keytext_spacing spacing);
/* All kinds of keytext_read() except ERR_WRONGKEY. What is accepted is safe for keytext_open(). */
int keytext_decode(struct view text, struct keytext_payload *payload_r, struct err *err);

#endif
