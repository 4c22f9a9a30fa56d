/* SPDX-License-Identifier: GPL-3.0-or-later */
/* authenticate.h - a log-in, from name and password to a session, in steps that never wait: a foreign source may take seconds, and who
 * drives this has others to serve.
 *
 *     login_begin() .. login_step() whenever login_fd() is readable or login_deadline_ms() has come, until it says 1 .. login_end()
 *
 * (LO1) The fixed people are asked first, then the sources that are on, in their order; the first success wins. A name that the archive itself
 *       has (fixed, or own when it comes to that source) is asked nowhere else. The password of admin is the appliance's (PAM) as long as none is kept here.
 * (LO2) Whoever a foreign source lets in is made, or refreshed: name, addresses, groups.
 * (LO3) Unknown name, wrong password, disabled, bounds that are over: one answer, and one time, since failures come out at whole
 *       seconds only and none without the work of a password's hash.
 * (LO4) What failed is counted (throttle.h), and is a line in the audit log; a name that nobody has is not written there: it may be a password
 *       in the wrong field.
 */
#ifndef APP_ACCESS_AUTHENTICATE_H
#define APP_ACCESS_AUTHENTICATE_H

#include "app/access/session.h"
#include "base/secret.h"

struct login_question {
	struct view name;
	const struct secret *password; /* NULL: empty */
	struct view code;              /* one-time or recovery code; may be empty */
	struct view client, agent;     /* address and program; may be empty */
};

struct login_result {
	struct session session;
	struct view cookie; /* in the arena */
};

struct login;

/* What QUESTION points to is copied. -1 only when the archive itself cannot be asked. */
int login_begin(struct catalog *catalog, const struct login_question *question, int64_t now_s,
		struct login **login_r, struct err *err);
void login_free(struct login **login);

int login_fd(const struct login *login);
int64_t login_deadline_ms(const struct login *login); /* clock_monotonic_ms() */
/* 1 it is decided; 0 wait (again), maybe for another descriptor. May be called at any time. */
int login_step(struct login *login, struct err *err);

/* ERR_LOGIN (LO3); ERR_SECOND: the password is right, a code is needed, or the one given is wrong; ERR_THROTTLED: see login_wait_s();
 * ERR_OFFLINE: a source that might know him could not be asked. */
int login_end(struct login *login, struct arena *arena, struct login_result *result_r,
	      struct err *err);
int64_t login_wait_s(const struct login *login);

/* Who, as the audit log names him: "anna (own)", "auditor". */
void person_add_who(struct str *out, const struct person *person);

#endif
