/* SPDX-License-Identifier: GPL-3.0-or-later */
/* person_password.h - a new password for a person whose password is kept here. */
#ifndef APP_ACCESS_PERSON_PASSWORD_H
#define APP_ACCESS_PERSON_PASSWORD_H

#include "app/catalog/people.h"
#include "base/crypto.h"
#include "base/secret.h"

/* He is logged out everywhere, but in the session of KEEP (NULL: none is kept). ERR_SYNTAX: not good enough, in words; ERR_USAGE: his
 * source has his password. With a line in the audit log, in one transaction. */
int person_password_set(struct catalog *catalog, const struct person *person,
			const struct secret *password, const struct hash *keep, struct err *err);

#endif
