/* SPDX-License-Identifier: GPL-3.0-or-later */
/* site_order.h - where a medium, a mirror or a backup lies, as it was ordered: MediumOrder in openapi.yaml. */
#ifndef UI_BACKEND_SITE_ORDER_H
#define UI_BACKEND_SITE_ORDER_H

#include "ui-backend/cli.h"

struct site_order {
	struct view location; /* empty: as it is */
	bool is_share;
	struct view user, domain, password; /* of a share; empty: none, or as they are */
};
int site_order_read(struct api_request *r, struct json_object *object, struct site_order *order_r,
		    struct err *err);
int site_order_check_new(const struct site_order *order,
			 struct err *err); /* has it all that a new one needs? */
/* The options of the command line for its log-in, from *N on; its password is what is handed over. */
void site_order_add_login(const struct site_order *order, struct cli *cli, size_t *n);

#endif
