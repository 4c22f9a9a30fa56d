/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Requests for deletion, and holds. */
#include "app/archive/deletion.h"
#include "ui-backend/sight.h"

enum { MAILS_MAX = 1000, REASON_MAX = 2000, QUERY_MAX = 4096, PAGE = 50, PAGE_MAX = 200 };

/* --- the mails that are meant ------------------------------------------------------------------- */

static int add_listed(struct api_request *r, struct json_object *list, struct numbers *mails,
		      struct err *err)
{
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct mail_row row;
		struct view text;
		struct uuid id;

		if (json_item_text(list, i, UUID_TEXT, UUID_TEXT, &text, err) < 0)
			return -1;
		if (uuid_read(text, &id) < 0)
			return err_set(err, ERR_NOTFOUND, "there is no such mail");
		if (sight_mail_of(r, &id, &row, err) < 0)
			return -1;
		ARENA_PUSH(r->arena, *mails, row.mail);
	}
	return 0;
}

struct found {
	struct arena *arena;
	struct numbers *mails;
};

static int add_found(void *arg, const struct mail_row *row, struct err *err)
{
	struct found *found = arg;

	(void)err;
	ARENA_PUSH(found->arena, *found->mails, row->mail);
	return 0;
}

/* --- requests ----------------------------------------------------------------------------------- */

static bool sees_all_requests(const struct api_request *r)
{
	return caller_has(r, RIGHT_DECIDE) || caller_has(r, RIGHT_HOLD) ||
	       caller_has(r, RIGHT_CONFIGURE);
}

static bool is_own(const struct api_request *r, const struct request_row *row)
{
	return row->person == r->caller.scope.person;
}

static struct json_object *request_json(const struct api_request *r, const struct request_row *row)
{
	static const char *const states[] = {"open", "rejected", "approved"};
	struct json_object *object = json_object_new_object();

	json_set_number(object, "request", (int64_t)row->request);
	json_set_text(object, "state", VIEW(row->carried_out ? "carriedOut" : states[row->state]));
	json_set_time(object, "made", row->made_s);
	json_set_text(object, "by", VIEW(row->who));
	json_set_text(object, "reason", VIEW(row->reason));
	json_set_number(object, "mailCount", (int64_t)row->mails);
	json_set_flag(object, "own", is_own(r, row));
	if (row->decided_s == 0)
		return object;
	json_set_time(object, "decided", row->decided_s);
	json_set_text(object, "decidedBy", VIEW(row->decider));
	json_set_text(object, "decision", VIEW(row->decision));
	return object;
}

/* What others asked for does not exist for who asked for none of it. */
static int find_request(struct api_request *r, struct request_row *row_r, struct err *err)
{
	uint64_t request;
	int rc;

	if (request_param_number(r, "request", &request, err) < 0)
		return -1;
	rc = requests_get(archive_catalog(r->archive), r->arena, request, row_r, err);
	if (rc > 0 && (sees_all_requests(r) || is_own(r, row_r)))
		return 0;
	return rc < 0 ? -1 : err_set(err, ERR_NOTFOUND, "there is no such request");
}

int api_list_deletion_requests(struct api_request *r, struct err *err)
{
	static const char *const known[] = {"state", "cursor", "limit", NULL};
	uint64_t person = sees_all_requests(r) ? PERSON_ANY : r->caller.scope.person;
	struct json_object *body, *list;
	struct request_rows rows;
	uint64_t before, limit;
	struct view state;

	if (request_query_only(r, known, err) < 0 ||
	    request_query_number(r, "cursor", 0, INT64_MAX, 0, &before, err) < 0 ||
	    request_query_number(r, "limit", 1, PAGE_MAX, PAGE, &limit, err) < 0)
		return -1;
	request_query(r, "state", &state);
	if (requests_list(archive_catalog(r->archive), r->arena, person,
			  view_eq(state, VIEW("open")), before, limit + 1, &rows, err) < 0)
		return -1;
	body = json_object_new_object();
	list = json_object_new_array();
	json_set(body, "requests", list);
	for (size_t i = 0; i < rows.n && i < limit; i++)
		if (!view_eq(state, VIEW("decided")) || rows.v[i].state != REQUEST_OPEN)
			json_object_array_add(list, request_json(r, &rows.v[i]));
	if (rows.n > limit)
		json_set_text(body, "next",
			      VIEW(arena_f(r->arena, "%llu",
					   (unsigned long long)rows.v[limit - 1].request)));
	return reply_json(r, 200, body);
}

static int reply_request(struct api_request *r, unsigned status, uint64_t request, struct err *err)
{
	struct request_row row;

	if (requests_get(archive_catalog(r->archive), r->arena, request, &row, err) < 0)
		return -1;
	return reply_json(r, status, request_json(r, &row));
}

int api_request_deletion(struct api_request *r, struct err *err)
{
	static const char *const known[] = {"mails", "reason", NULL};
	struct numbers mails = {0};
	struct json_object *list;
	struct view reason;
	uint64_t request;

	if (json_only(r->body, known, err) < 0 ||
	    json_need_text(r->body, "reason", 1, REASON_MAX, &reason, err) < 0 ||
	    json_list(r->body, "mails", MAILS_MAX, &list, err) < 0)
		return -1;
	if (list == NULL || json_object_array_length(list) == 0)
		return err_set(err, ERR_SYNTAX, "mails is to name at least one mail");
	if (add_listed(r, list, &mails, err) < 0 ||
	    deletion_request(r->archive, r->caller.scope.person, &mails, reason, &request, err) < 0)
		return -1;
	return reply_request(r, 201, request, err);
}

/* The mails of a request, as far as the reader's scope goes. */
static int add_mails(struct api_request *r, uint64_t request, struct json_object *list,
		     struct err *err)
{
	struct catalog *catalog = archive_catalog(r->archive);
	struct numbers mails;

	if (request_mails(catalog, r->arena, request, &mails, err) < 0)
		return -1;
	for (size_t i = 0; i < mails.n && i < MAILS_MAX; i++) {
		struct json_object *object;
		struct mail_row row;
		int rc = mails_get(catalog, r->arena, mails.v[i], &row, err);

		if (rc > 0 && row.state == MAIL_LIVE)
			rc = may_see(catalog, &r->caller.scope, &row, err);
		else if (rc > 0)
			rc = 0;
		if (rc < 0 || (rc > 0 && sight_row_json(r, &row, &object, err) < 0))
			return -1;
		if (rc > 0)
			json_object_array_add(list, object);
	}
	return 0;
}

int api_read_deletion_request(struct api_request *r, struct err *err)
{
	struct json_object *body, *list;
	struct request_row row;

	if (find_request(r, &row, err) < 0)
		return -1;
	body = request_json(r, &row);
	list = json_object_new_array();
	json_set(body, "mails", list);
	if (add_mails(r, row.request, list, err) < 0) {
		json_object_put(body);
		return -1;
	}
	return reply_json(r, 200, body);
}

int api_decide_deletion_request(struct api_request *r, struct err *err)
{
	static const char *const known[] = {"approve", "reason", NULL};
	struct view reason = VIEW("");
	uint64_t request;
	bool approve;

	if (json_only(r->body, known, err) < 0 ||
	    request_param_number(r, "request", &request, err) < 0 ||
	    json_text(r->body, "reason", 0, REASON_MAX, &reason, err) < 0)
		return -1;
	if (json_flag(r->body, "approve", &approve, err) <= 0)
		return err_set(err, ERR_SYNTAX, "approve is to be true or false");
	if (deletion_decide(r->archive, r->caller.scope.person, request, approve, reason, err) < 0)
		return -1;
	return reply_request(r, 200, request, err);
}

/* --- holds -------------------------------------------------------------------------------------- */

static struct json_object *hold_json(const struct hold_row *row)
{
	struct json_object *object = json_object_new_object();

	json_set_number(object, "hold", (int64_t)row->hold);
	json_set_time(object, "made", row->made_s);
	json_set_text(object, "by", VIEW(row->who));
	json_set_text(object, "reason", VIEW(row->reason));
	json_set_number(object, "mailCount", (int64_t)row->mails);
	if (row->lifted_s == 0)
		return object;
	json_set_time(object, "lifted", row->lifted_s);
	json_set_text(object, "liftedBy", VIEW(row->lifter));
	return object;
}

int api_list_holds(struct api_request *r, struct err *err)
{
	struct json_object *body, *list;
	struct hold_rows rows;

	if (holds_list(archive_catalog(r->archive), r->arena, &rows, err) < 0)
		return -1;
	body = json_object_new_object();
	list = json_object_new_array();
	json_set(body, "holds", list);
	for (size_t i = 0; i < rows.n; i++)
		json_object_array_add(list, hold_json(&rows.v[i]));
	return reply_json(r, 200, body);
}

static int mails_to_hold(struct api_request *r, struct numbers *mails, struct err *err)
{
	struct found found = {r->arena, mails};
	struct json_object *list = NULL;
	struct view query;
	int rc = json_text(r->body, "query", 0, QUERY_MAX, &query, err);

	if (rc < 0 || json_list(r->body, "mails", MAILS_MAX, &list, err) < 0)
		return -1;
	if ((rc > 0) == (list != NULL))
		return err_set(err, ERR_SYNTAX, "either mails or a query is to be given");
	if (list != NULL)
		return add_listed(r, list, mails, err);
	return find_mails(r->archive, query, &r->caller.scope, 0, INT64_MAX, add_found, &found,
			  err);
}

int api_set_hold(struct api_request *r, struct err *err)
{
	static const char *const known[] = {"mails", "query", "reason", NULL};
	struct numbers mails = {0};
	struct hold_rows rows;
	struct view reason;
	uint64_t hold;

	if (json_only(r->body, known, err) < 0 ||
	    json_need_text(r->body, "reason", 1, REASON_MAX, &reason, err) < 0 ||
	    mails_to_hold(r, &mails, err) < 0)
		return -1;
	if (mails.n == 0)
		return err_set(err, ERR_SYNTAX, "no mail is meant");
	if (hold_set(r->archive, &mails, reason, &hold, err) < 0 ||
	    holds_list(archive_catalog(r->archive), r->arena, &rows, err) < 0)
		return -1;
	return reply_json(r, 201, hold_json(&rows.v[0]));
}

int api_lift_hold(struct api_request *r, struct err *err)
{
	static const char *const known[] = {"reason", NULL};
	struct view reason;
	uint64_t hold;

	if (json_only(r->body, known, err) < 0 || request_param_number(r, "hold", &hold, err) < 0 ||
	    json_need_text(r->body, "reason", 1, REASON_MAX, &reason, err) < 0 ||
	    hold_lift(r->archive, hold, reason, err) < 0)
		return -1;
	return reply_nothing(r);
}
