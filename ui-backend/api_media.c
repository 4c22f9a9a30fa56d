/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The numbered media. What reaches for one takes its time, and is done by the command line's verb. */
#include "app/archive/media.h"
#include "app/catalog/audit.h"
#include "ui-backend/cli.h"
#include "ui-backend/site_order.h"

enum { QUICK_MS = 60 * 1000, SLOW_MS = 3600 * 1000 };

/* --- as JSON ------------------------------------------------------------------------------------ */

static const char *state_text(enum medium_state state)
{
	switch (state) {
	case MEDIUM_DEACTIVATED:
		return "deactivated";
	case MEDIUM_REMOVED:
		return "removed";
	case MEDIUM_REDIRECTED:
		return "redirected";
	default:
		return "inUse";
	}
}

static void set_answer(struct json_object *object, const struct medium_row *row)
{
	if (row->answers == MEDIUM_NOT_ASKED)
		return;
	json_set_flag(object, "answers", row->answers == MEDIUM_ANSWERS);
	json_set_time(object, "since", row->since_s);
	if (row->answers == MEDIUM_SILENT)
		json_set_text(object, "trouble", VIEW(row->trouble));
	if (row->total_bytes == 0)
		return;
	json_set_number(object, "freeBytes", (int64_t)row->free_bytes);
	json_set_number(object, "totalBytes", (int64_t)row->total_bytes);
}

static struct json_object *medium_json(const struct medium_row *row)
{
	struct json_object *object = json_object_new_object();
	const bool is_local = strcmp(row->type, "local") == 0;

	json_set_number(object, "medium", row->medium);
	json_set_text(object, "type", VIEW(row->type));
	json_set_text(object, "location", VIEW(row->location));
	if (!is_local) {
		json_set_text(object, "user", VIEW(row->user));
		json_set_text(object, "domain", VIEW(row->domain));
	}
	json_set_text(object, "state", VIEW(state_text(row->state)));
	if (row->redirect != 0)
		json_set_number(object, "redirectedTo", row->redirect);
	json_set_flag(object, "active", row->active);
	json_set_flag(object, "forTrials", is_local);
	json_set_number(object, "packs", (int64_t)row->packs);
	json_set_number(object, "storedBytes", (int64_t)row->pack_bytes);
	json_set_number(object, "waitingPacks", (int64_t)row->waiting_packs);
	json_set_flag(object, "mayRemove", row->packs == 0 && !row->active);
	set_answer(object, row);
	return object;
}

int api_list_media(struct api_request *r, struct err *err)
{
	struct json_object *body, *list;
	struct medium_row *rows;
	size_t n;

	if (media_overview(r->archive, r->arena, &rows, &n, err) < 0)
		return -1;
	body = json_object_new_object();
	list = json_object_new_array();
	json_set(body, "media", list);
	for (size_t i = 0; i < n; i++)
		json_object_array_add(list, medium_json(&rows[i]));
	return reply_json(r, 200, body);
}

static int reply_medium(struct api_request *r, unsigned status, uint64_t number, struct err *err)
{
	struct medium_row row;
	int rc = media_get(archive_catalog(r->archive), r->arena, (unsigned)number, &row, err);

	if (rc == 0)
		return err_set(err, ERR_NOTFOUND, "there is no such medium");
	return rc < 0 ? -1 : reply_json(r, status, medium_json(&row));
}

static int find_medium(struct api_request *r, uint64_t *number_r, struct err *err)
{
	if (request_param_number(r, "medium", number_r, err) < 0)
		return -1;
	return *number_r <= UINT16_MAX ? 0 : err_set(err, ERR_NOTFOUND, "there is no such medium");
}

static int note(struct api_request *r, const char *number, const char *what, struct err *err)
{
	return audit_add(archive_catalog(r->archive), AUDIT_MEDIUM, VIEW(number), VIEW(what), err);
}

/* --- a new one ---------------------------------------------------------------------------------- */

static int on_added(struct api_request *r, void *arg, struct view output, struct err *err)
{
	struct json_object *object = json_tokener_parse(arena_view(r->arena, output).data);
	int64_t number = 0;

	(void)arg;
	if (json_object_is_type(object, json_type_object))
		json_number(object, "medium", 1, UINT16_MAX, &number, err);
	json_object_put(object);
	if (number == 0)
		return err_set(err, ERR_IO, "it is not known which number it got");
	return note(r, arena_f(r->arena, "%lld", (long long)number), "added", err) < 0
		       ? -1
		       : reply_medium(r, 201, (uint64_t)number, err);
}

static int read_order(struct api_request *r, struct site_order *order_r, bool *activate_r,
		      struct err *err)
{
	static const char *const known[] = {"location", "user",     "domain",
					    "password", "activate", NULL};

	*activate_r = false;
	if (json_only(r->body, known, err) < 0 ||
	    json_flag(r->body, "activate", activate_r, err) < 0)
		return -1;
	return site_order_read(r, r->body, order_r, err);
}

/* What the body orders, as the arguments behind those of CLI. */
static int read_new(struct api_request *r, struct cli *cli, bool *activate_r, size_t *n_r,
		    struct err *err)
{
	struct site_order order;

	*n_r = 2;
	if (read_order(r, &order, activate_r, err) < 0 || site_order_check_new(&order, err) < 0)
		return -1;
	cli->args[(*n_r)++] = order.location.data;
	site_order_add_login(&order, cli, n_r);
	return 0;
}

int api_add_medium(struct api_request *r, struct err *err)
{
	struct cli cli = {.args = {"medium", "add"}, .timeout_ms = QUICK_MS, .then = on_added};
	bool activate;
	size_t n;

	if (read_new(r, &cli, &activate, &n, err) < 0)
		return -1;
	if (activate)
		cli.args[n++] = "--active";
	return cli_run(r, &cli, err);
}

static int on_good(struct api_request *r, void *arg, struct view output, struct err *err)
{
	(void)arg;
	(void)output;
	return reply_tested(r, err, "Reached, written, read back and removed: it can be used.");
}

static int on_bad(struct api_request *r, void *arg, struct view output, struct err *err)
{
	struct err found = *err;

	(void)arg;
	(void)output;
	return reply_tested(r, &found, "");
}

int api_test_medium(struct api_request *r, struct err *err)
{
	struct cli cli = {.args = {"medium", "test"},
			  .timeout_ms = QUICK_MS,
			  .then = on_good,
			  .failed = on_bad};
	bool activate;
	size_t n;

	return read_new(r, &cli, &activate, &n, err) < 0 ? -1 : cli_run(r, &cli, err);
}

/* --- one that is there -------------------------------------------------------------------------- */

struct acting {
	uint64_t number;
	const char *act;
	bool removed;
};

static int on_acted(struct api_request *r, void *arg, struct view output, struct err *err)
{
	const struct acting *a = arg;

	(void)output;
	if (note(r, arena_f(r->arena, "%llu", (unsigned long long)a->number), a->act, err) < 0)
		return -1;
	return a->removed ? reply_nothing(r) : reply_medium(r, 200, a->number, err);
}

/* Of a check, what is wrong stands in the row. */
static int on_checked(struct api_request *r, void *arg, struct view output, struct err *err)
{
	const struct acting *a = arg;

	(void)output;
	err_clear(err);
	return reply_medium(r, 200, a->number, err);
}

static int act(struct api_request *r, uint64_t number, const char *what, struct cli *cli, size_t n,
	       struct err *err)
{
	struct acting *a = arena_get(r->arena, sizeof(*a));

	*a = (struct acting){.number = number, .act = what, .removed = strcmp(what, "remove") == 0};
	cli->args[n] = NULL;
	cli->then = on_acted;
	cli->arg = a;
	if (strcmp(what, "check") == 0) {
		cli->then = on_checked;
		cli->failed = on_checked;
	}
	return cli_run(r, cli, err);
}

int api_change_medium(struct api_request *r, struct err *err)
{
	struct cli cli = {.args = {"medium", "set"}, .timeout_ms = QUICK_MS};
	struct site_order order;
	uint64_t number;
	bool activate;
	size_t n = 2;

	if (find_medium(r, &number, err) < 0 || read_order(r, &order, &activate, err) < 0)
		return -1;
	cli.args[n++] = arena_f(r->arena, "%llu", (unsigned long long)number);
	if (order.location.len > 0) {
		cli.args[n++] = "--location";
		cli.args[n++] = order.location.data;
	}
	site_order_add_login(&order, &cli, &n);
	return act(r, number, "set", &cli, n, err);
}

int api_act_on_medium(struct api_request *r, struct err *err)
{
	static const char *const known[] = {"act", "to", "confirm", NULL};
	static const char *const acts[] = {"activate", "deactivate", "reactivate",
					   "check",    "redirect",   NULL};
	struct cli cli = {.timeout_ms = QUICK_MS};
	struct view confirm;
	uint64_t number;
	int64_t to = 0;
	size_t chosen, n = 0;

	if (find_medium(r, &number, err) < 0 || json_only(r->body, known, err) < 0 ||
	    json_text(r->body, "confirm", 0, 100, &confirm, err) < 0 ||
	    json_number(r->body, "to", 1, UINT16_MAX, &to, err) < 0)
		return -1;
	if (json_word(r->body, "act", acts, &chosen, err) <= 0)
		return err_set(err, ERR_SYNTAX, "there is no such act");
	cli.args[n++] = "medium";
	cli.args[n++] = acts[chosen];
	cli.args[n++] = arena_f(r->arena, "%llu", (unsigned long long)number);
	if (strcmp(acts[chosen], "redirect") == 0) {
		cli.timeout_ms = SLOW_MS;
		cli.args[n++] = "--to";
		cli.args[n++] = arena_f(r->arena, "%lld", (long long)to);
	}
	return act(r, number, acts[chosen], &cli, n, err);
}

int api_remove_medium(struct api_request *r, struct err *err)
{
	struct cli cli = {.args = {"medium", "remove"}, .timeout_ms = QUICK_MS};
	struct view confirm;
	uint64_t number;

	if (find_medium(r, &number, err) < 0 ||
	    json_need_text(r->body, "confirm", 1, 320, &confirm, err) < 0)
		return -1;
	if (!view_eq(confirm, VIEW("remove")))
		return err_set(err, ERR_SYNTAX, "removing is confirmed by the word \"remove\"");
	cli.args[2] = arena_f(r->arena, "%llu", (unsigned long long)number);
	return act(r, number, "remove", &cli, 3, err);
}
