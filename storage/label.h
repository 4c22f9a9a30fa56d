/* SPDX-License-Identifier: GPL-3.0-or-later */
/* label.h - medium.json, by which a wrong or foreign medium is noticed before a byte is written.
 *
 * {"sealpost": "medium", "format": 1, "nonce": HEX, "sealed": HEX}; sealed is, under KEY_USE_MEDIUM with
 * AES-256-GCM, {"archive": UUID, "medium": NUMBER, "made": SECONDS}.
 */
#ifndef STORAGE_LABEL_H
#define STORAGE_LABEL_H

#include "storage/keyring.h"
#include "storage/medium.h"

struct label {
	unsigned medium;
	int64_t made_s;
};

/* It is there whole or not at all. ERR_EXISTS: there is one. */
int label_write(struct medium *medium, const struct keyring *keyring, const struct label *label,
		struct err *err);
/* ERR_NOTFOUND: no label there; ERR_WRONGKEY: of another archive or key; ERR_DAMAGED; ERR_VERSION. */
int label_read(struct medium *medium, const struct keyring *keyring, struct label *label_r,
	       struct err *err);
/* Read it and compare the number: another one is ERR_FOREIGN. */
int label_check(struct medium *medium, const struct keyring *keyring, unsigned number,
		struct err *err);

#endif
