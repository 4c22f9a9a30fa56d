/* SPDX-License-Identifier: GPL-3.0-or-later */
/* order.h - what exactly a task is to do: TaskOrder of openapi.yaml, as it was ordered and as it is kept in the task's row. */
#ifndef APP_TASK_ORDER_H
#define APP_TASK_ORDER_H

#include "app/access/rights.h"
#include "app/archive/export.h"
#include "app/catalog/tasks.h"

#include <json-c/json.h>

enum { TASK_MAILS_MAX = 1000, TASK_SEND_MAX = 200 };

struct task_order {
	enum task_kind kind;
	/* Which mails: these, or all that a query finds. */
	struct {
		struct uuid *v;
		size_t n, cap;
	} mails;
	bool all;
	struct view query;

	enum export_format format;
	bool evidence;
	struct view category;
	bool remove; /* take the category off */
	struct view reason;
	struct view location, account, source_name; /* of an import */
};

/* Texts are in the arena. ERR_SYNTAX: the order is none; ERR_UNSUPPORTED. */
int task_order_read(struct json_object *object, struct arena *arena, struct task_order *order_r,
		    struct err *err);
int task_order_of(const struct task_row *row, struct arena *arena, struct task_order *order_r,
		  struct err *err);
unsigned task_order_rights(const struct task_order *order); /* that it takes, or-ed */

#endif
