/* SPDX-License-Identifier: GPL-3.0-or-later */
/* totp.h - one-time codes as a second factor (RFC 6238: SHA-1, 6 digits, 30 seconds, as every authenticator app has them), by liboath.
 *
 * (TO1) A code is good in its 30 seconds and in those before and behind, once: also of the codes in reach only later ones are good after it.
 * (TO2) A new secret is in force once a code of it was given: who cannot make codes is not locked out.
 * (TO3) Recovery codes stand in for a code, each once. They are kept as hashes, and shown when they are made.
 */
#ifndef APP_ACCESS_TOTP_H
#define APP_ACCESS_TOTP_H

#include "app/catalog/catalog.h"
#include "base/arena.h"

enum { RECOVERY_CODES = 10 };

struct totp_offer {
	struct view secret; /* base32 */
	struct view url;    /* otpauth://, for an app */
	struct view qr;     /* the same as SVG */
};
/* A new secret for PERSON, not in force yet; what was set up before stays in force until it is (TO2) only if it was confirmed: ERR_EXISTS then. Texts
 * in the arena, which the caller wipes by ending the request. */
int totp_begin(struct catalog *catalog, struct arena *arena, uint64_t person, struct view name,
	       struct view archive, struct totp_offer *offer_r, struct err *err);
/* The first code: 1, and from now on codes are asked for; 0 it is wrong. RECOVERY_R are new ones, in the arena. ERR_NOTFOUND: nothing was begun. */
int totp_confirm(struct catalog *catalog, struct arena *arena, uint64_t person, struct view code,
		 int64_t now_s, struct view recovery_r[RECOVERY_CODES], struct err *err);

enum totp_state { TOTP_OFF, TOTP_BEGUN, TOTP_ON };
int totp_state(struct catalog *catalog, uint64_t person, enum totp_state *state_r, struct err *err);
/* A code, or a recovery code: 1 right, 0 wrong. */
int totp_check(struct catalog *catalog, uint64_t person, struct view code, int64_t now_s,
	       struct err *err);

#endif
