/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Mailboxes on other servers. Their secrets go in, and never out. */
#include "app/catalog/accounts.h"
#include "app/catalog/audit.h"
#include "app/fetcher/job.h"
#include "ui-backend/cli.h"

enum { NAME_MAX_BYTES = 100, VALUE_MAX = 65536, TEST_MS = 120 * 1000 };

/* --- as JSON ------------------------------------------------------------------------------------ */

static struct json_object *account_json(const struct account *account)
{
	struct json_object *object = json_object_new_object();
	struct json_object *settings = json_object_new_object();
	struct json_object *secrets = json_object_new_array();

	for (enum account_setting s = 0; s < ACCOUNT_N_SETTINGS; s++)
		if (!account_setting_is_secret(s))
			json_set_text(settings, account_setting_name(s), account->value[s]);
		else if (account->set[s])
			json_object_array_add(secrets, json_of(VIEW(account_setting_name(s))));
	json_set_text(object, "name", account->name);
	json_set_flag(object, "prototype", account->is_prototype);
	if (account->parent.data != NULL)
		json_set_text(object, "inherits", account->parent);
	json_set(object, "settings", settings);
	json_set(object, "secretsSet", secrets);
	json_set_time(object, "lastRun", account->run_s);
	if (account->run_error.len > 0)
		json_set_text(object, "trouble", account->run_error);
	json_set_number(object, "archived", (int64_t)account->archived);
	json_set_number(object, "duplicates", (int64_t)account->duplicate);
	json_set_number(object, "failed", (int64_t)account->failed);
	json_set_number(object, "waiting", (int64_t)account->waiting);
	return object;
}

int api_list_fetch_accounts(struct api_request *r, struct err *err)
{
	struct json_object *body, *list;
	struct accounts accounts;

	if (accounts_list(archive_catalog(r->archive), r->arena, &accounts, err) < 0)
		return -1;
	body = json_object_new_object();
	list = json_object_new_array();
	json_set(body, "accounts", list);
	for (size_t i = 0; i < accounts.n; i++)
		json_object_array_add(list, account_json(&accounts.v[i]));
	return reply_json(r, 200, body);
}

static int reply_account(struct api_request *r, unsigned status, struct view name, struct err *err)
{
	struct account account;
	int rc = accounts_get(archive_catalog(r->archive), r->arena, name, &account, err);

	if (rc == 0)
		return err_set(err, ERR_NOTFOUND, "there is no such account");
	return rc < 0 ? -1 : reply_json(r, status, account_json(&account));
}

/* --- changing them ------------------------------------------------------------------------------ */

static int setting_by_name(const char *name, enum account_setting *setting_r)
{
	for (enum account_setting s = 0; s < ACCOUNT_N_SETTINGS; s++)
		if (strcmp(name, account_setting_name(s)) == 0) {
			*setting_r = s;
			return 0;
		}
	return -1;
}

static int read_settings(struct json_object *settings, struct account_change *change,
			 struct err *err)
{
	struct json_object_iterator at = json_object_iter_begin(settings);
	struct json_object_iterator end = json_object_iter_end(settings);

	for (; !json_object_iter_equal(&at, &end); json_object_iter_next(&at)) {
		const char *name = json_object_iter_peek_name(&at);
		enum account_setting setting;

		if (setting_by_name(name, &setting) < 0)
			return err_set(err, ERR_SYNTAX, "there is no setting of this name");
		if (json_need_text(settings, name, 0, VALUE_MAX, &change->value[setting], err) < 0)
			return -1;
	}
	return 0;
}

static int read_change(struct api_request *r, struct account_change *change, struct view *name_r,
		       bool *prototype_r, struct err *err)
{
	static const char *const known[] = {"name", "inherits", "prototype", "settings", NULL};
	struct json_object *settings;
	struct view inherits;
	int given, has;

	*change = (struct account_change){0};
	*prototype_r = false;
	if (json_only(r->body, known, err) < 0 ||
	    json_text(r->body, "name", 0, NAME_MAX_BYTES, name_r, err) < 0 ||
	    json_flag(r->body, "prototype", prototype_r, err) < 0)
		return -1;
	given = json_text(r->body, "inherits", 0, NAME_MAX_BYTES, &inherits, err);
	has = json_object_in(r->body, "settings", &settings, err);
	if (given < 0 || has < 0)
		return -1;
	if (given > 0)
		change->parent = arena_view(r->arena, inherits).data;
	return has > 0 ? read_settings(settings, change, err) : 0;
}

static int note(struct api_request *r, struct view name, const char *what, struct err *err)
{
	return audit_add(archive_catalog(r->archive), AUDIT_SETTING, VIEW("fetch account"),
			 VIEW(arena_f(r->arena, "%.*s %s", (int)name.len, name.data, what)), err);
}

int api_add_fetch_account(struct api_request *r, struct err *err)
{
	struct account_change change;
	struct view name;
	bool prototype;

	if (read_change(r, &change, &name, &prototype, err) < 0)
		return -1;
	if (name.len == 0 || name.data[0] == '-')
		return err_set(err, ERR_SYNTAX, "an account has a name, which begins with no dash");
	if (accounts_add(archive_catalog(r->archive), name, prototype, &change, job_check, err) <
		    0 ||
	    note(r, name, "added", err) < 0)
		return -1;
	return reply_account(r, 201, name, err);
}

int api_change_fetch_account(struct api_request *r, struct err *err)
{
	struct view name = arena_view(r->arena, request_param(r, "account")), other;
	struct account_change change;
	bool prototype;

	if (read_change(r, &change, &other, &prototype, err) < 0)
		return -1;
	if (other.len > 0 && !view_eq(other, name))
		return err_set(err, ERR_SYNTAX, "an account keeps its name");
	if (accounts_change(archive_catalog(r->archive), name, &change, job_check, err) < 0 ||
	    note(r, name, "changed", err) < 0)
		return -1;
	return reply_account(r, 200, name, err);
}

int api_remove_fetch_account(struct api_request *r, struct err *err)
{
	struct view name = arena_view(r->arena, request_param(r, "account")), confirm;

	if (json_need_text(r->body, "confirm", 1, 320, &confirm, err) < 0)
		return -1;
	if (!view_eq(confirm, name))
		return err_set(err, ERR_SYNTAX, "removing is confirmed by the account's name");
	if (accounts_remove(archive_catalog(r->archive), name, err) < 0 ||
	    note(r, name, "removed", err) < 0)
		return -1;
	return reply_nothing(r);
}

/* --- does it answer ----------------------------------------------------------------------------- */

static int on_good(struct api_request *r, void *arg, struct view output, struct err *err)
{
	(void)arg;
	(void)output;
	return reply_tested(r, err, "Reached and logged in; its folders were listed.");
}

static int on_bad(struct api_request *r, void *arg, struct view output, struct err *err)
{
	struct err found = *err;

	(void)arg;
	(void)output;
	return reply_tested(r, &found, "");
}

int api_test_fetch_account(struct api_request *r, struct err *err)
{
	const struct view name = arena_view(r->arena, request_param(r, "account"));
	const struct cli cli = {.args = {"fetch", "test", name.data},
				.timeout_ms = TEST_MS,
				.then = on_good,
				.failed = on_bad};
	struct account account;
	int rc = accounts_get(archive_catalog(r->archive), r->arena, name, &account, err);

	if (rc == 0)
		return err_set(err, ERR_NOTFOUND, "there is no such account");
	return rc < 0 ? -1 : cli_run(r, &cli, err);
}
