/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The licence, where a vendor asks for one. */
#include "app/licence/licence.h"
#include "app/licence/licence_file.h"
#include "ui-backend/reply.h"

static int answer(struct api_request *r, struct err *err)
{
	struct json_object *body;
	struct licence l;

	if (licence_look(archive_catalog(r->archive), r->arena, &l, err) < 0)
		return -1;
	body = json_object_new_object();
	json_set_text(body, "state", VIEW(licence_state_name(l.state)));
	json_set_flag(body, "fine", licence_is_fine(l.state));
	json_set_text(body, "text", l.text);
	json_set_number(body, "counted", (int64_t)l.counted);
	if (l.here) {
		json_set_text(body, "customer", l.customer);
		json_set_text(body, "serial", l.serial);
		json_set_number(body, "users", (int64_t)l.users);
		json_set_flag(body, "trial", l.trial);
		json_set_flag(body, "ofMachine", l.of_machine);
		json_set_time(body, "from", l.from_s);
		json_set_time(body, "until", l.until_s);
	}
	return reply_json(r, 200, body);
}

int api_get_licence(struct api_request *r, struct err *err)
{
	return answer(r, err);
}

int api_install_licence(struct api_request *r, struct err *err)
{
	static const char *const known[] = {"licence", NULL};
	struct view text;

	if (json_only(r->body, known, err) < 0)
		return -1;
	switch (json_text(r->body, "licence", 1, LICENCE_MAX_BYTES, &text, err)) {
	case 0:
		return err_set(err, ERR_USAGE, "licence is missing");
	case 1:
		break;
	default:
		return -1;
	}
	if (licence_install(archive_catalog(r->archive), text, err) < 0)
		return -1;
	return answer(r, err);
}

int api_remove_licence(struct api_request *r, struct err *err)
{
	return licence_remove(archive_catalog(r->archive), err) < 0 ? -1 : answer(r, err);
}
