/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The log of who did what. Who reads no mail is not told what was searched, read or exported, only that it was. */
#include "app/catalog/audit.h"
#include "ui-backend/cli.h"
#include "ui-backend/sight.h"

enum { VERIFY_MS = 300 * 1000, PAGE = 50, PAGE_MAX = 200 };

static bool is_of_mail(struct view what)
{
	static const enum audit_event events[] = {AUDIT_READ,    AUDIT_EXPORTED,   AUDIT_SEARCHED,
						  AUDIT_DELETED, AUDIT_NOTED,      AUDIT_PROVED,
						  AUDIT_HELD,    AUDIT_DOWNLOADED, AUDIT_DECIDED};

	for (size_t i = 0; i < sizeof(events) / sizeof(*events); i++)
		if (view_eq(what, VIEW(audit_event_text(events[i]))))
			return true;
	return false;
}

static struct json_object *line_json(const struct api_request *r, const struct audit_line *line)
{
	const bool told = caller_has(r, RIGHT_READ) || !is_of_mail(line->what);
	struct json_object *object = json_object_new_object();

	json_set_number(object, "line", (int64_t)line->line);
	json_set_time(object, "time", line->time_ms / 1000);
	json_set_text(object, "who", line->who);
	json_set_text(object, "what", line->what);
	json_set_text(object, "subject", told ? line->subject : VIEW(""));
	json_set_text(object, "detail", told ? line->detail : VIEW(""));
	return object;
}

struct listing {
	struct api_request *r;
	struct json_object *list;
	uint64_t limit, n, last;
};

static int on_line(void *arg, const struct audit_line *line, struct err *err)
{
	struct listing *l = arg;

	(void)err;
	if (l->n++ < l->limit) {
		l->last = line->line;
		json_object_array_add(l->list, line_json(l->r, line));
	}
	return 0;
}

int api_list_audit(struct api_request *r, struct err *err)
{
	static const char *const known[] = {"who", "what", "cursor", "limit", NULL};
	struct listing l = {.r = r};
	struct json_object *body;
	struct view who = VIEW(""), what = VIEW("");
	uint64_t before;

	if (request_query_only(r, known, err) < 0 ||
	    request_query_number(r, "cursor", 1, INT64_MAX, INT64_MAX, &before, err) < 0 ||
	    request_query_number(r, "limit", 1, PAGE_MAX, PAGE, &l.limit, err) < 0)
		return -1;
	request_query(r, "who", &who);
	request_query(r, "what", &what);
	body = json_object_new_object();
	l.list = json_object_new_array();
	json_set(body, "lines", l.list);
	if (audit_find(archive_catalog(r->archive), who, what, before, l.limit + 1, on_line, &l,
		       err) < 0) {
		json_object_put(body);
		return -1;
	}
	if (l.n > l.limit)
		json_set_text(body, "next",
			      VIEW(arena_f(r->arena, "%llu", (unsigned long long)l.last)));
	return reply_json(r, 200, body);
}

/* --- is it as it was written -------------------------------------------------------------------- */

static int on_good(struct api_request *r, void *arg, struct view output, struct err *err)
{
	(void)arg;
	(void)output;
	return reply_tested(r, err,
			    "Each line is as it was written, and none is missing in between.");
}

static int on_bad(struct api_request *r, void *arg, struct view output, struct err *err)
{
	struct err found = *err;

	(void)arg;
	(void)output;
	return reply_tested(r, &found, "");
}

int api_verify_audit(struct api_request *r, struct err *err)
{
	const struct cli cli = {.args = {"audit", "verify"},
				.timeout_ms = VERIFY_MS,
				.then = on_good,
				.failed = on_bad};

	return cli_run(r, &cli, err);
}
