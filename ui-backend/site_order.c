/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui-backend/site_order.h"

#include "storage/site.h"

int site_order_read(struct api_request *r, struct json_object *object, struct site_order *order_r,
		    struct err *err)
{
	struct view location, user, domain, password;

	if (json_text(object, "location", 0, 1024, &location, err) < 0 ||
	    json_text(object, "user", 0, 256, &user, err) < 0 ||
	    json_text(object, "domain", 0, 256, &domain, err) < 0 ||
	    json_text(object, "password", 0, 1024, &password, err) < 0)
		return -1;
	*order_r = (struct site_order){.location = arena_view(r->arena, location),
				       .user = arena_view(r->arena, user),
				       .domain = arena_view(r->arena, domain),
				       .password = password};
	if (memchr(password.data, '\n', password.len) != NULL)
		return err_set(err, ERR_SYNTAX, "a password is one line");
	if (location.len == 0)
		return 0;
	order_r->is_share = site_is_share(order_r->location.data);
	if (!order_r->is_share && order_r->location.data[0] != '/')
		return err_set(err, ERR_SYNTAX,
			       "a location reads smb://HOST/SHARE/FOLDER, or is a path that begins "
			       "with /");
	return site_check(order_r->location.data, err);
}

int site_order_check_new(const struct site_order *order, struct err *err)
{
	if (order->location.len == 0)
		return err_set(err, ERR_SYNTAX, "location is missing");
	if (order->is_share && (order->user.len == 0 || order->password.len == 0))
		return err_set(err, ERR_SYNTAX, "a share needs a user and a password");
	if (!order->is_share && (order->user.len > 0 || order->password.len > 0))
		return err_set(err, ERR_SYNTAX, "only a share has a log-in");
	return 0;
}

void site_order_add_login(const struct site_order *order, struct cli *cli, size_t *n)
{
	if (order->user.len > 0) {
		cli->args[(*n)++] = "--user";
		cli->args[(*n)++] = order->user.data;
	}
	if (order->domain.len > 0) {
		cli->args[(*n)++] = "--domain";
		cli->args[(*n)++] = order->domain.data;
	}
	if (order->password.len > 0) {
		cli->args[(*n)++] = "--password-file";
		cli->args[(*n)++] = CLI_HANDED;
		cli->handed = order->password;
	}
}
