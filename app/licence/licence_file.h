/* SPDX-License-Identifier: GPL-3.0-or-later */
/* licence_file.h - a licence as a text, and what app.json says of licences.
 *
 *     sealpost licence v1
 *     customer: Muster GmbH
 *     features: mail-archive
 *     users: 50
 *     until: 2027-12-31
 *     signature: BASE64
 *
 * Lines end in LF or CRLF. customer, features and users must be there; users may be "unlimited". from and until are days (UTC), both included; trial: yes; serial: any
 * text; archive: the UUID of the only archive it is for. Lines of other names are passed over. The signature is Ed25519 (RFC 8032) over
 * all bytes before its line.
 */
#ifndef APP_LICENCE_LICENCE_FILE_H
#define APP_LICENCE_LICENCE_FILE_H

#include "base/arena.h"
#include "base/crypto.h"

enum { LICENCE_MAX_BYTES = 16 * 1024 };

/* What app.json says. */
struct licence_terms {
	bool enforced, has_key;
	unsigned char key[ED25519_KEY_BYTES]; /* the vendor's */
	struct view feature;                  /* in the arena */
};
/* Of /etc/sealpost/app.json, else /usr/share/sealpost/app.json. None, or one that cannot be read, asks for nothing (and the log says so). */
void licence_terms_load(struct arena *arena, struct licence_terms *terms_r);

struct licence_text {
	struct view customer, features, serial, archive; /* parts of the text */
	uint64_t users;                                  /* 0: any number */
	int64_t from_s, until_s;
	bool trial;
};
/* ERR_LICENCE in words: malformed, or not signed by that key. ERR_VERSION: a newer format. */
int licence_text_read(struct view text, const struct licence_terms *terms,
		      struct licence_text *licence_r, struct err *err);
bool licence_has_feature(const struct licence_text *licence, struct view feature);

/* "/etc/sealpost/NAME"; $SEALPOST_SETTINGS names another folder, for tests. */
void licence_machine_path(const char *name, struct str *out);

#endif
