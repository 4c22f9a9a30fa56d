/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who is there: logging in and out. */
#include "ui-backend/reply.h"

static struct json_object *appearance(struct api_request *r)
{
	struct json_object *object = json_object_new_object();

	(void)r;
	json_set_text(object, "name", VIEW("Sealpost"));
	json_set_text(object, "colour", VIEW(""));
	json_set_flag(object, "hasLogo", false);
	return object;
}

int api_get_session(struct api_request *r, struct err *err)
{
	struct json_object *body = json_object_new_object();

	(void)err;
	json_set(body, "person", NULL);
	json_set(body, "appearance", appearance(r));
	json_set_flag(body, "setup", r->archive == NULL);
	return reply_json(r, 200, body);
}

int api_log_out(struct api_request *r, struct err *err)
{
	(void)err;
	reply_cookie(r, "", 0);
	return reply_nothing(r);
}
