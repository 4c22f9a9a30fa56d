/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui-backend/caller.h"

#include "ui-backend/request.h"

int caller_find(struct api_request *r, struct err *err)
{
	(void)r;
	(void)err;
	return 0;
}

int caller_may(const struct api_request *r, struct err *err)
{
	if (r->route->needs == NEEDS_none)
		return 0;
	if (!r->caller.known)
		return err_set(err, ERR_NOSESSION, "nobody is logged in");
	if (r->route->needs != NEEDS_SESSION && !(r->caller.rights & 1U << r->route->needs))
		return err_set(err, ERR_DENIED, "this is not among his rights");
	return 0;
}
