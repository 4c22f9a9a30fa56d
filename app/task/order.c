/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/task/order.h"

enum { QUERY_MAX = 4096, REASON_MAX = 2000, CATEGORY_MAX = 100, TEXT_MAX = 1024 };

struct reading {
	struct json_object *object;
	struct arena *arena;
	struct task_order *order;
	struct err *err;
};

/* ---- fields: 1 it is there, 0 not ---- */

static int find(struct reading *r, const char *name, enum json_type type,
		struct json_object **value_r)
{
	if (!json_object_object_get_ex(r->object, name, value_r) || *value_r == NULL)
		return 0;
	if (!json_object_is_type(*value_r, type))
		return err_set(r->err, ERR_SYNTAX, "%s is of the wrong kind", name);
	return 1;
}

static int text(struct reading *r, const char *name, size_t max, struct view *text_r)
{
	struct json_object *value;
	int rc = find(r, name, json_type_string, &value);
	struct view v;

	*text_r = VIEW("");
	if (rc <= 0)
		return rc;
	v = (struct view){json_object_get_string(value), (size_t)json_object_get_string_len(value)};
	if (v.len > max || memchr(v.data, '\0', v.len) != NULL)
		return err_set(r->err, ERR_SYNTAX, "%s is to have %zu characters at most", name,
			       max);
	*text_r = arena_view(r->arena, v);
	return 1;
}

static int flag(struct reading *r, const char *name, bool *flag_r)
{
	struct json_object *value;
	int rc = find(r, name, json_type_boolean, &value);

	*flag_r = rc > 0 && json_object_get_boolean(value);
	return rc;
}

static int need_text(struct reading *r, const char *name, size_t max, struct view *text_r)
{
	int rc = text(r, name, max, text_r);

	return rc < 0                        ? -1
	       : rc == 0 || text_r->len == 0 ? err_set(r->err, ERR_SYNTAX, "%s is missing", name)
					     : 0;
}

/* ---- what each kind takes ---- */

static int add_mails(struct reading *r, struct json_object *list)
{
	size_t n = json_object_array_length(list);

	if (n == 0 || n > TASK_MAILS_MAX)
		return err_set(r->err, ERR_SYNTAX, "mails is to have 1 to %d ids", TASK_MAILS_MAX);
	for (size_t i = 0; i < n; i++) {
		struct json_object *item = json_object_array_get_idx(list, i);
		struct uuid id;

		if (!json_object_is_type(item, json_type_string) ||
		    uuid_read(VIEW(json_object_get_string(item)), &id) < 0)
			return err_set(r->err, ERR_SYNTAX, "mails has an id that is none");
		ARENA_PUSH(r->arena, r->order->mails, id);
	}
	return 0;
}

static int read_mails(struct reading *r)
{
	struct json_object *list;
	int given = find(r, "mails", json_type_array, &list);
	int all = text(r, "query", QUERY_MAX, &r->order->query);

	if (given < 0 || all < 0)
		return -1;
	if (given == all)
		return err_set(r->err, ERR_SYNTAX, "give mails, or a query for all that it finds");
	r->order->all = all > 0;
	return given > 0 ? add_mails(r, list) : 0;
}

static int read_export(struct reading *r)
{
	struct view format;

	if (text(r, "format", 10, &format) < 0 || flag(r, "evidence", &r->order->evidence) < 0)
		return -1;
	r->order->format = view_eq(format, VIEW("mbox")) ? EXPORT_MBOX : EXPORT_ZIP;
	if (format.len > 0 && !view_eq(format, VIEW("mbox")) && !view_eq(format, VIEW("zip")))
		return err_set(r->err, ERR_SYNTAX, "format is zip or mbox");
	if (r->order->evidence && r->order->format != EXPORT_ZIP)
		return err_set(r->err, ERR_SYNTAX, "evidence goes into a zip only");
	return read_mails(r);
}

static int read_send(struct reading *r)
{
	if (read_mails(r) < 0)
		return -1;
	if (r->order->mails.n > TASK_SEND_MAX)
		return err_set(r->err, ERR_SYNTAX, "%d mails at most are sent at once",
			       TASK_SEND_MAX);
	return 0;
}

static int read_category(struct reading *r)
{
	if (need_text(r, "category", CATEGORY_MAX, &r->order->category) < 0 ||
	    flag(r, "remove", &r->order->remove) < 0)
		return -1;
	return read_mails(r);
}

static int read_deletion(struct reading *r)
{
	if (need_text(r, "reason", REASON_MAX, &r->order->reason) < 0)
		return -1;
	return read_mails(r);
}

/* What begins with a dash would be an option. */
static bool is_argument(struct view text)
{
	return text.len == 0 || text.data[0] != '-';
}

static int read_import(struct reading *r)
{
	struct task_order *o = r->order;

	if (text(r, "location", TEXT_MAX, &o->location) < 0 ||
	    text(r, "account", TEXT_MAX, &o->account) < 0 ||
	    text(r, "sourceName", TEXT_MAX, &o->source_name) < 0)
		return -1;
	if ((o->location.len == 0) == (o->account.len == 0))
		return err_set(r->err, ERR_SYNTAX, "give a location, or a fetch account");
	if (view_starts_nocase(o->location, "smb:"))
		return err_set(r->err, ERR_UNSUPPORTED,
			       "mail is imported from a folder of this machine; mount the share "
			       "there first");
	if (o->location.len > 0 && o->location.data[0] != '/')
		return err_set(r->err, ERR_SYNTAX, "location is a path that begins with /");
	if (!is_argument(o->account) || !is_argument(o->source_name))
		return err_set(r->err, ERR_SYNTAX, "a name does not begin with a dash");
	return 0;
}

static const struct {
	unsigned rights;
	int (*read)(struct reading *r);
} kinds[] = {
	[TASK_EXPORT] = {RIGHT_EXPORT, read_export},
	[TASK_SEND] = {RIGHT_SEND, read_send},
	[TASK_CATEGORISE] = {RIGHT_NOTE, read_category},
	[TASK_REQUEST_DELETION] = {RIGHT_REQUEST, read_deletion},
	[TASK_IMPORT] = {RIGHT_CONFIGURE, read_import},
	[TASK_UPDATE_INDEX] = {RIGHT_CONFIGURE, NULL},
	[TASK_VERIFY] = {RIGHT_CONFIGURE, NULL},
	[TASK_DRILL] = {RIGHT_CONFIGURE, NULL},
	[TASK_MIRROR] = {RIGHT_CONFIGURE, NULL},
	[TASK_BACKUP] = {RIGHT_CONFIGURE, NULL},
};

/* ---- the whole ---- */

int task_order_read(struct json_object *object, struct arena *arena, struct task_order *order_r,
		    struct err *err)
{
	struct reading r = {object, arena, order_r, err};
	struct view kind;

	*order_r = (struct task_order){0};
	if (need_text(&r, "kind", 40, &kind) < 0)
		return -1;
	if (task_kind_by_name(kind, &order_r->kind) < 0)
		return err_set(err, ERR_SYNTAX, "there is no task of this kind");
	return kinds[order_r->kind].read != NULL ? kinds[order_r->kind].read(&r) : 0;
}

int task_order_of(const struct task_row *row, struct arena *arena, struct task_order *order_r,
		  struct err *err)
{
	struct json_object *object = json_tokener_parse(arena_view(arena, row->ordered).data);
	int rc = json_object_is_type(object, json_type_object)
			 ? task_order_read(object, arena, order_r, err)
			 : err_set(err, ERR_DAMAGED, "a task's order");

	json_object_put(object);
	return rc;
}

unsigned task_order_rights(const struct task_order *order)
{
	return kinds[order->kind].rights | (order->evidence ? (unsigned)RIGHT_EVIDENCE : 0);
}
