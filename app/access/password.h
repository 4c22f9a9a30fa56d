/* SPDX-License-Identifier: GPL-3.0-or-later */
/* password.h - passwords that the archive itself keeps: yescrypt, by libcrypt's crypt(3). */
#ifndef APP_ACCESS_PASSWORD_H
#define APP_ACCESS_PASSWORD_H

#include "base/err.h"
#include "base/secret.h"
#include "base/str.h"

/* Is it good enough for NAME? ERR_SYNTAX in words: too short (fewer than MIN characters), the name itself, one character over and over, or no
 * text. */
int password_check(const struct secret *password, struct view name, size_t min, struct err *err);
/* Its hash with a salt of its own, appended. */
int password_hash(const struct secret *password, struct str *out, struct err *err);
/* Is it the one of HASH? With a hash that is "" as much work is done, and the answer is no: so nobody learns by time whether a name
 * exists. */
bool password_matches(const struct secret *password, const char *hash);
/* For tests: how often crypt(3) was asked in this process. */
unsigned password_work(void);

#endif
