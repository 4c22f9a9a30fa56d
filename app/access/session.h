/* SPDX-License-Identifier: GPL-3.0-or-later */
/* session.h - being logged in: from a cookie to a person.
 *
 * (SE1) A session ends when it is not used for policy.idle_s, when it is policy.absolute_s old, when its person is disabled or his account's
 *       time is over, at a log-out, and with all others of its person when his password or role changes.
 * (SE2) The cookie is 256 random bits; only its SHA-256 is kept, and so of the token that goes with changes nothing can be known to
 *       another page.
 */
#ifndef APP_ACCESS_SESSION_H
#define APP_ACCESS_SESSION_H

#include "app/access/rights.h"
#include "app/catalog/sessions.h"

/* A session's or an API token's person. */
struct session {
	struct person person;
	unsigned rights; /* enum right, or-ed */
	/* Of a session: */
	struct hash hash, csrf;
	int64_t begun_s;
	bool second; /* one-time codes are demanded, and yet to be set up: nothing else may be done */
	/* Of an API token: */
	uint64_t token; /* 0: it is a session */
};

enum { SESSION_COOKIE_TEXT = 64, SESSION_CSRF_TEXT = 64 };

/* PEER: address and program. COOKIE is appended to. */
int session_begin(struct catalog *catalog, uint64_t person, struct view peer, bool second,
		  int64_t now_s, struct str *cookie, struct err *err);
/* 1; 0 it is none, or has ended. Notes its use, once a minute at most. */
int session_find(struct catalog *catalog, struct arena *arena, struct view cookie, int64_t now_s,
		 struct session *session_r, struct err *err);
bool session_csrf_is(const struct session *session, struct view token); /* constant time */
void session_add_csrf(const struct session *session, struct str *out);
/* Forget all that have ended; once in a while. */
int session_tidy(struct catalog *catalog, int64_t now_s, struct err *err);

/* ---- API tokens: "spt_" and 64 hex digits, shown once ---- */

int api_token_make(struct catalog *catalog, uint64_t person, struct view name, unsigned scopes,
		   int64_t now_s, int64_t ends_s, struct str *token, uint64_t *number_r,
		   struct err *err);
int api_token_find(struct catalog *catalog, struct arena *arena, struct view token, int64_t now_s,
		   struct session *session_r, struct err *err); /* 1, 0 */

#endif
