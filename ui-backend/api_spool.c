/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Incoming mail that waits or is stuck, by its numbers: of whom it is, and about what, is not for the administrator. */
#include "app/catalog/audit.h"
#include "app/intake/spool.h"
#include "ui-backend/reply.h"

enum { LIST_MAX = 1000, IDS_MAX = 1000 };

static struct json_object *item_json(enum spool_state state, const struct spool_item *item)
{
	struct json_object *object = json_object_new_object();
	char id[UUID_TEXT + 1];

	json_set_text(object, "id", VIEW(uuid_text(&item->id, id)));
	json_set_text(object, "state", VIEW(spool_state_text(state)));
	json_set_number(object, "size", (int64_t)item->size_bytes);
	json_set_time(object, "since", uuid_ms(&item->id) / 1000);
	if (item->why.len > 0)
		json_set_text(object, "reason", item->why);
	return object;
}

static int add_state(struct api_request *r, struct spool *spool, enum spool_state state,
		     struct json_object *list, struct err *err)
{
	struct uuid *ids;
	size_t n;

	if (spool_list(spool, state, LIST_MAX, r->arena, &ids, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct spool_item item;
		int rc = spool_look(spool, state, &ids[i], r->arena, &item, err);

		if (rc < 0)
			return -1;
		if (rc > 0) /* 0: it has left meanwhile */
			json_object_array_add(list, item_json(state, &item));
	}
	return 0;
}

int api_list_spool(struct api_request *r, struct err *err)
{
	struct json_object *body = json_object_new_object();
	struct json_object *list = json_object_new_array();
	CLEAN(spool) spool = NULL;

	json_set(body, "entries", list);
	if (spool_open(r->archive_dir, &spool, err) == 0 &&
	    add_state(r, spool, SPOOL_STUCK, list, err) == 0 &&
	    add_state(r, spool, SPOOL_READY, list, err) == 0 &&
	    add_state(r, spool, SPOOL_PENDING, list, err) == 0)
		return reply_json(r, 200, body);
	json_object_put(body);
	return -1;
}

/* --- acts --------------------------------------------------------------------------------------- */

/* 1 it is done, 0 there is no such entry, or it is not stuck. */
static int act_on(struct spool *spool, const struct uuid *id, bool drop, struct err *err)
{
	int rc = drop ? spool_drop(spool, SPOOL_STUCK, id, err) : spool_retry(spool, id, err);

	if (rc == 0)
		return 1;
	if (err->kind != ERR_NOTFOUND)
		return -1;
	err_clear(err);
	return 0;
}

static int act_on_all(struct api_request *r, struct json_object *list, bool drop, uint64_t *done_r,
		      struct err *err)
{
	CLEAN(spool) spool = NULL;

	*done_r = 0;
	if (spool_open(r->archive_dir, &spool, err) < 0)
		return -1;
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct view text;
		struct uuid id;
		int rc;

		if (json_item_text(list, i, UUID_TEXT, UUID_TEXT, &text, err) < 0)
			return -1;
		if (uuid_read(text, &id) < 0)
			return err_set(err, ERR_SYNTAX, "ids has one that is none");
		rc = act_on(spool, &id, drop, err);
		if (rc < 0)
			return -1;
		*done_r += (uint64_t)rc;
	}
	return 0;
}

int api_act_on_spool(struct api_request *r, struct err *err)
{
	static const char *const known[] = {"act", "ids", "confirm", NULL};
	static const char *const acts[] = {"retry", "drop", NULL};
	struct json_object *list, *body;
	struct view confirm;
	uint64_t done;
	size_t act;

	if (json_only(r->body, known, err) < 0 ||
	    json_text(r->body, "confirm", 0, 100, &confirm, err) < 0)
		return -1;
	if (json_word(r->body, "act", acts, &act, err) <= 0 ||
	    json_list(r->body, "ids", IDS_MAX, &list, err) <= 0)
		return err->kind ? -1
				 : err_set(err, ERR_SYNTAX, "act is retry or drop, ids is a list");
	if (act == 1 && !view_eq(confirm, VIEW("drop")))
		return err_set(err, ERR_SYNTAX, "dropping mail is confirmed by the word \"drop\"");
	if (act_on_all(r, list, act == 1, &done, err) < 0 ||
	    audit_add(archive_catalog(r->archive), AUDIT_SETTING, VIEW("spool"), VIEW(acts[act]),
		      err) < 0)
		return -1;
	body = json_object_new_object();
	json_set_number(body, "done", (int64_t)done);
	return reply_json(r, 200, body);
}
