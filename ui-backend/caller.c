/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui-backend/caller.h"

#include "app/access/authenticate.h"
#include "app/access/reader_scope.h"
#include "app/licence/licence.h"
#include "base/clock.h"
#include "ui-backend/request.h"

static const char bearer[] = "Bearer ";

/* --- who he is ---------------------------------------------------------------------------------- */

static int take(struct api_request *r, struct err *err)
{
	CLEAN_STR who = STR_INIT;

	r->caller.known = true;
	person_add_who(&who, &r->caller.session.person);
	r->caller.who = arena_str(r->arena, who.data);
	return reader_scope(archive_catalog(r->archive), r->arena, &r->caller.session.person,
			    clock_s(), &r->caller.scope, err);
}

static int find_by_token(struct api_request *r, struct view token, struct err *err)
{
	int rc = api_token_find(archive_catalog(r->archive), r->arena, view_trim(token), clock_s(),
				&r->caller.session, err);

	if (rc == 0)
		return err_set(err, ERR_NOSESSION, "there is no such API token");
	return rc < 0 ? -1 : take(r, err);
}

static bool changes(const struct api_request *r)
{
	return r->route->method != METHOD_GET && r->route->needs != NEEDS_none;
}

static int find_by_cookie(struct api_request *r, struct view cookie, struct err *err)
{
	int rc = session_find(archive_catalog(r->archive), r->arena, cookie, clock_s(),
			      &r->caller.session, err);

	if (rc <= 0)
		return rc;
	if (changes(r) &&
	    !session_csrf_is(&r->caller.session, request_header(r, "X-Sealpost-Token")))
		return err_set(err, ERR_FORGED, "X-Sealpost-Token is not the session's");
	return take(r, err);
}

int caller_find(struct api_request *r, struct err *err)
{
	struct view field = request_header(r, "Authorization"), cookie;

	if (view_starts_nocase(field, bearer))
		return find_by_token(
			r, (struct view){field.data + strlen(bearer), field.len - strlen(bearer)},
			err);
	if (cookie_find(request_header(r, "Cookie"), CALLER_COOKIE, &cookie))
		return find_by_cookie(r, cookie, err);
	return 0;
}

/* --- what he may do ----------------------------------------------------------------------------- */

static unsigned right_of(enum route_needs needs)
{
	static const unsigned rights[] = {
#define X(right, ...) [NEEDS_##right] = RIGHT_##right,
		RIGHTS(X)
#undef X
	};

	return rights[needs];
}

bool caller_has(const struct api_request *r, enum right right)
{
	return r->caller.known && (r->caller.session.rights & (unsigned)right) != 0;
}

int caller_may(const struct api_request *r, struct err *err)
{
	const struct session *session = &r->caller.session;

	if (r->route->needs == NEEDS_none)
		return 0;
	if (!r->caller.known)
		return err_set(err, ERR_NOSESSION, "nobody is logged in");
	if (session->second && !(r->route->flags & ROUTE_PASSING))
		return err_set(err, ERR_DENIED, "one-time codes have to be set up first");
	if (session->token != 0 && (r->route->flags & ROUTE_COOKIE))
		return err_set(err, ERR_DENIED, "this is not for API tokens");
	if (r->route->needs != NEEDS_SESSION && !(session->rights & right_of(r->route->needs)))
		return err_set(err, ERR_DENIED, "this is not among his rights");
	return r->route->flags & ROUTE_LICENSED
		       ? licence_permits_settings(archive_catalog(r->archive), err)
		       : 0;
}
