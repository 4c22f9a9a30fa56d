/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Long work: sealpost-task does it, these begin it, tell how far it is, and give out what it made. */
#include "app/search/query.h"
#include "app/task/keep.h"
#include "app/task/order.h"
#include "app/task/result.h"
#include "base/clock.h"
#include "base/log.h"
#include "ui-backend/child.h"
#include "ui-backend/sight.h"

/* A result that was fetched can be fetched again for so long, should the line have broken just before its end. */
enum { START_MS = 20 * 1000, FETCHED_S = 15 * 60 };

/* --- as JSON ------------------------------------------------------------------------------------ */

static struct json_object *result_json(const struct task_result *result)
{
	struct json_object *object = json_object_new_object();

	json_set_text(object, "name", result->name);
	json_set_number(object, "size", (int64_t)result->size);
	json_set_time(object, "until", result->until_s);
	return object;
}

static struct json_object *task_json(const struct task_row *row)
{
	struct json_object *object = json_object_new_object();
	char id[UUID_TEXT + 1];

	json_set_text(object, "id", VIEW(uuid_text(&row->task, id)));
	json_set_text(object, "kind", VIEW(task_kind_name(row->kind)));
	json_set_text(object, "state", VIEW(task_state_name(row->state)));
	json_set_number(object, "done", (int64_t)row->done);
	if (row->total > 0)
		json_set_number(object, "total", (int64_t)row->total);
	json_set_time(object, "made", row->made_s);
	json_set_time(object, "ended", row->ended_s);
	if (row->text.len > 0)
		json_set_text(object, "text", row->text);
	if (row->code.len > 0)
		json_set_text(object, "code", row->code);
	if (row->result.name.len > 0 && row->result.until_s > clock_s())
		json_set(object, "result", result_json(&row->result));
	return object;
}

/* --- which -------------------------------------------------------------------------------------- */

/* Another's does not exist. */
static int find_task(struct api_request *r, struct task_row *row_r, struct err *err)
{
	struct uuid task;
	int rc;

	if (request_param_id(r, "task", &task, err) < 0 ||
	    task_bury(r->archive, clock_s(), err) < 0)
		return -1;
	rc = tasks_get(archive_catalog(r->archive), r->arena, &task, row_r, err);
	if (rc > 0 && row_r->person == r->caller.session.person.person)
		return 0;
	return rc < 0 ? -1 : err_set(err, ERR_NOTFOUND, "there is no such task");
}

int api_list_tasks(struct api_request *r, struct err *err)
{
	struct json_object *body, *list;
	struct task_rows rows;
	uint64_t removed;

	if (task_tidy(r->archive, clock_s(), &removed, err) < 0 ||
	    tasks_list(archive_catalog(r->archive), r->arena, r->caller.session.person.person,
		       &rows, err) < 0)
		return -1;
	body = json_object_new_object();
	list = json_object_new_array();
	json_set(body, "tasks", list);
	for (size_t i = 0; i < rows.n; i++)
		json_object_array_add(list, task_json(&rows.v[i]));
	return reply_json(r, 200, body);
}

int api_read_task(struct api_request *r, struct err *err)
{
	struct task_row row;

	return find_task(r, &row, err) < 0 ? -1 : reply_json(r, 200, task_json(&row));
}

int api_drop_task(struct api_request *r, struct err *err)
{
	struct task_row row;
	int rc;

	if (find_task(r, &row, err) < 0)
		return -1;
	rc = row.state == TASK_WAITING || row.state == TASK_RUNNING
		     ? tasks_ask_to_stop(archive_catalog(r->archive), &row.task, err)
		     : task_forget(r->archive, &row.task, err);
	return rc < 0 ? -1 : reply_nothing(r);
}

/* --- a new one ---------------------------------------------------------------------------------- */

/* What is wrong with a query is told to who typed it, not to the task. */
static int check_order(struct api_request *r, struct task_order *order_r, struct err *err)
{
	static const char *const known[] = {"kind",     "mails",    "query",      "format",
					    "evidence", "category", "remove",     "reason",
					    "location", "account",  "sourceName", NULL};
	CLEAN(query) query = NULL;
	unsigned rights;

	if (json_only(r->body, known, err) < 0 ||
	    task_order_read(r->body, r->arena, order_r, err) < 0)
		return -1;
	rights = task_order_rights(order_r);
	if ((r->caller.session.rights & rights) != rights)
		return err_set(err, ERR_DENIED, "this is not among his rights");
	return order_r->all ? query_parse(order_r->query, &query, err) : 0;
}

static int fail(struct api_request *r, const struct uuid *task, struct err *err)
{
	const struct task_end end = {.state = TASK_FAILED,
				     .text = VIEW(err_sentence(ERR_IO)),
				     .code = VIEW(err_code(ERR_IO))};

	if (tasks_end(archive_catalog(r->archive), task, &end, err) < 0)
		return -1;
	return err_set(err, ERR_IO, "sealpost-task did not begin");
}

/* It is in the background, or already over. */
static int on_begun(struct api_request *r, void *arg, bool late, int status, struct view output,
		    struct err *err)
{
	const struct uuid *task = arg;
	struct task_row row;

	(void)output;
	if (late || status != 0)
		return fail(r, task, err);
	if (tasks_get(archive_catalog(r->archive), r->arena, task, &row, err) < 0)
		return -1;
	return reply_json(r, 202, task_json(&row));
}

static int begin(struct api_request *r, struct uuid *task, struct err *err)
{
	const char *const args[] = {"--archive", r->archive_dir,
				    uuid_text(task, arena_get(r->arena, UUID_TEXT + 1)), NULL};
	const struct child_call call = {.name = "task",
					.args = args,
					.max_output = 1024,
					.timeout_ms = START_MS,
					.start = START_TASK,
					.named = VIEW(args[2])};

	struct err ignored = {0};

	if (child_run(r, &call, on_begun, task, err) == 0)
		return 0;
	fail(r, task, &ignored); /* else it would be shown as one that waits */
	return -1;
}

int api_start_task(struct api_request *r, struct err *err)
{
	struct uuid *task = arena_get(r->arena, sizeof(*task));
	struct task_row row = {.person = r->caller.session.person.person,
			       .who = VIEW(r->caller.who)};
	struct task_order order;
	uint64_t removed;

	if (check_order(r, &order, err) < 0 || task_tidy(r->archive, clock_s(), &removed, err) < 0)
		return -1;
	row.kind = order.kind;
	row.ordered = VIEW(json_object_to_json_string_ext(r->body, JSON_C_TO_STRING_PLAIN));
	if (tasks_add(archive_catalog(r->archive), &row, task, err) < 0)
		return -1;
	return begin(r, task, err);
}

/* --- its result --------------------------------------------------------------------------------- */

struct fetching {
	struct api_request *r;
	struct result_reader *reader;
	struct task_row row;
	uint64_t given;
};

static ssize_t on_read(void *arg, uint64_t offset, void *out, size_t max)
{
	struct fetching *f = arg;
	struct err err = {0};
	ssize_t n = result_read(f->reader, out, max, &err);

	(void)offset;
	if (n < 0)
		log_error("a task's result cannot be given out: %s", err.text);
	else
		f->given += (uint64_t)n;
	return n;
}

static void end_fetching(void *arg)
{
	struct fetching *f = arg;
	struct err err = {0};

	if (f->reader != NULL && f->given == f->row.result.size &&
	    tasks_fetched(archive_catalog(f->r->archive), &f->row.task, clock_s() + FETCHED_S,
			  &err) < 0)
		log_warn("a task's result stays until its time is over: %s", err.text);
	result_reader_free(&f->reader);
}

static int open_result(struct fetching *f, struct err *err)
{
	struct api_request *r = f->r;
	CLEAN(secret) key = NULL;
	int rc = f->row.result.until_s > clock_s()
			 ? tasks_key(archive_catalog(r->archive), &f->row.task, &key, err)
			 : 0;

	if (rc == 0)
		return err_set(err, ERR_NOTFOUND, "it has no result, or not any more");
	return rc < 0 ? -1
		      : result_open(r->archive_dir, &f->row.task, key, f->row.result.size,
				    &f->reader, err);
}

int api_fetch_result(struct api_request *r, struct err *err)
{
	struct fetching *f = arena_get(r->arena, sizeof(*f));
	struct reply_file file = {.fallback = "result"};
	char id[UUID_TEXT + 1];

	f->r = r;
	request_at_end(r, end_fetching, f);
	if (find_task(r, &f->row, err) < 0 || open_result(f, err) < 0 ||
	    sight_audit(r, AUDIT_DOWNLOADED, VIEW(uuid_text(&f->row.task, id)),
			VIEW("result of an export"), err) < 0)
		return -1;
	file.type = f->row.result.type.data;
	file.name = f->row.result.name;
	return reply_stream(r, &file, (int64_t)f->row.result.size, on_read, f);
}
