/* SPDX-License-Identifier: GPL-3.0-or-later */
/* login.h - one question to a source of people, inside sealpost-login. The backends are ldap.c, imap.c and pam.c.
 *
 * (LO1) What is asked here has a name that is plain text of a sensible length, and for SOURCE_LOGIN a password that is not empty
 *       (main.c).
 * (LO2) Nothing frees itself early: the process answers once, and ends.
 */
#ifndef APP_ACCESS_LOGIN_LOGIN_H
#define APP_ACCESS_LOGIN_LOGIN_H

#include "app/access/source_wire.h"

struct login {
	const struct source_call *call;
	struct arena *arena;
	int64_t deadline_ms; /* clock_monotonic_ms() */
	struct source_answer answer;
};

/* 0: the answer is set. -1: it could not be found out. */
int login_ldap(struct login *login, struct err *err);
int login_imap(struct login *login, struct err *err);
int login_pam(struct login *login, struct err *err);

/* A setting as a C string, in the arena. */
char *login_value(const struct login *login, enum source_setting setting);
/* What is left until the deadline, at least 1 ms. */
int login_left_ms(const struct login *login);
/* Set the verdict, with a few words (not copied; NULL: none). 0. */
int login_say(struct login *login, enum source_verdict verdict, const char *text);
/* PEM as a file that this process can open under the path given; "" if PEM is empty. */
int login_ca_file(const struct login *login, struct view pem, char **path_r, struct err *err);

#endif
