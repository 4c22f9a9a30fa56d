/* SPDX-License-Identifier: GPL-3.0-or-later */
/* caller.h - who sent a request, and what he may do: a session's cookie, or an API token.
 *
 * (CA1) What is sent by cookie and changes anything carries the session's own token in X-Sealpost-Token, which no foreign page
 *       can know. A request with an API token needs none: no browser sends that by itself.
 * (CA2) Who has yet to set up his one-time codes may do that, and nothing else.
 */
#ifndef UI_BACKEND_CALLER_H
#define UI_BACKEND_CALLER_H

#include "app/access/session.h"
#include "app/search/scope.h"
#include "base/arena.h"
#include "ui-backend/route.h"

struct caller {
	bool known; /* else nobody is logged in, and the rest is empty */
	struct session session;
	struct scope scope; /* what mail he may see; the one permission function decides with it */
	const char *who;    /* for the audit log: "anna (own)" */
};

/* The cookie of a session, as it is sent back. */
#define CALLER_COOKIE "sealpost"

/* Who sent R, into its caller: 0, also if nobody is logged in; -1 ERR_NOSESSION (an API token that is none, any more), ERR_FORGED (CA1). */
int caller_find(struct api_request *r, struct err *err);
/* May he do what the route does? ERR_NOSESSION: he has to log in first; ERR_DENIED. */
int caller_may(const struct api_request *r, struct err *err);
bool caller_has(const struct api_request *r, enum right right);

#endif
