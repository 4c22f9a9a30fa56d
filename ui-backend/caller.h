/* SPDX-License-Identifier: GPL-3.0-or-later */
/* caller.h - who sent a request, and what he may do: a session's cookie, or an API token.
 *
 * (CA1) What is sent by cookie and changes anything carries the session's own token in X-Sealpost-Token, which no foreign page
 *       can know. A request with an API token needs none: no browser sends that by itself.
 */
#ifndef UI_BACKEND_CALLER_H
#define UI_BACKEND_CALLER_H

#include "base/arena.h"
#include "base/err.h"
#include "ui-backend/route.h"

struct caller {
	bool known;      /* else nobody is logged in, and the rest is empty */
	bool by_token;   /* an API token's, no session */
	uint64_t person; /* app/access/people.h */
	unsigned rights; /* 1 << enum route_needs */
	struct view name;
	const char *who; /* for the audit log: "anna (own)" */
};

/* The cookie of a session, as it is sent back. */
#define CALLER_COOKIE "sealpost"

/* Who sent R, into its caller: 0; -1 ERR_NOSESSION (a cookie or token that is none, any more), ERR_FORGED (CA1). */
int caller_find(struct api_request *r, struct err *err);
/* May he do what the route does? ERR_NOSESSION: he has to log in first; ERR_DENIED. */
int caller_may(const struct api_request *r, struct err *err);

#endif
