/* SPDX-License-Identifier: GPL-3.0-or-later */
/* keytext.h - the archive key on paper (K2, K3): a text made to be printed, kept in a safe, and typed in again.
 *
 * Payload: the archive key, encrypted with AES-256-GCM under scrypt(password, salt, N = 2^17, r = 8,
 * p = 1). It is written in Crockford's base32 in groups of four, in numbered lines, each with a check
 * that names the mistyped line; around it stand archive name, UUID, date, fingerprint, and how to
 * restore, in German and English. The whole fits one A4 page. docs/FORMAT.md has the bytes.
 */
#ifndef STORAGE_KEYTEXT_H
#define STORAGE_KEYTEXT_H

#include "storage/keyring.h"

struct keytext_about {
	const char *name; /* of the archive, for human eyes */
	int64_t made_s;   /* when this backup is made */
};

/* The text, ASCII and UTF-8, lines of at most 78 columns, at most 60 lines. */
void keytext_write(struct str *out, const struct keyring *keyring,
		   const struct keytext_about *about, const struct secret *password);

/* The same as one HTML page (A4, nothing remote) with a QR code of the coded lines (libqrencode). */
void keytext_write_html(struct str *out, const struct keyring *keyring,
			const struct keytext_about *about, const struct secret *password);

/* Read it back: the whole text, or only its coded lines, or what a QR scanner gives. Case, spaces,
 * dashes, O for 0, I and L for 1 are taken as meant. Kinds: ERR_SYNTAX names the mistyped, missing,
 * doubled or misplaced line by its number; ERR_WRONGKEY is a wrong password; ERR_DAMAGED a text whose
 * lines are each right and which still does not hold together; ERR_VERSION a newer format. */
int keytext_read(struct view text, const struct secret *password, struct keyring **keyring_r,
		 struct err *err);

#endif
