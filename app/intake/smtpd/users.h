/* SPDX-License-Identifier: GPL-3.0-or-later */
/* users.h - who may log in at the SMTP door: a file of lines "NAME:HASH", HASH as of crypt(3), best
 * yescrypt ("mkpasswd -m yescrypt"). Blank lines and # comments are passed over.
 */
#ifndef APP_INTAKE_SMTPD_USERS_H
#define APP_INTAKE_SMTPD_USERS_H

#include "base/err.h"
#include "base/str.h"

struct users;

/* ERR_SYNTAX: a line is none, a name comes twice, the hash is none or a weak one, or nobody is there. */
int users_read(const char *path, struct users **users_r, struct err *err);
void users_free(struct users **users);

/* A name that is not there takes as long as a wrong password, so that nobody learns names by time; as long
 * as all hashes are of one kind. */
bool users_check(const struct users *users, struct view name, const char *password);

#endif
