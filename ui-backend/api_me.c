/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A person's own account. */
#include "app/access/password.h"
#include "app/access/person_password.h"
#include "app/access/policy.h"
#include "app/access/throttle.h"
#include "app/access/totp.h"
#include "app/catalog/audit.h"
#include "base/clock.h"
#include "ui-backend/appearance.h"
#include "ui-backend/people_json.h"

enum { PASSWORD_MAX = 1024, CODE_MAX = 64, DAY_S = 24 * 3600, TOKENS_MAX = 100 };

static struct catalog *catalog_of(const struct api_request *r)
{
	return archive_catalog(r->archive);
}

static uint64_t me(const struct api_request *r)
{
	return r->caller.session.person.person;
}

static int audit(struct api_request *r, enum audit_event event, const char *what, struct err *err)
{
	return audit_add(catalog_of(r), event, VIEW(r->caller.who), VIEW(what), err);
}

/* --- the account -------------------------------------------------------------------------------- */

static int add_second_factor(struct api_request *r, struct json_object *body, struct err *err)
{
	enum totp_state state;
	struct policy policy;
	uint64_t left;

	if (totp_state(catalog_of(r), me(r), &state, err) < 0 ||
	    policy_load(catalog_of(r), &policy, err) < 0 ||
	    recovery_codes_left(catalog_of(r), me(r), &left, err) < 0)
		return -1;
	json_set_text(body, "totp", VIEW(state == TOTP_ON ? "on" : "off"));
	json_set_flag(body, "totpDemanded",
		      (policy.totp_demanded & 1U << r->caller.session.person.role) != 0);
	json_set_number(body, "recoveryCodesLeft", (int64_t)left);
	return 0;
}

static int add_addresses(struct api_request *r, struct json_object *body, struct err *err)
{
	struct json_object *names = json_object_new_array();
	struct texts addresses;
	struct groups groups;

	json_set(body, "groups", names);
	if (people_addresses(catalog_of(r), r->arena, me(r), &addresses, err) < 0 ||
	    people_groups(catalog_of(r), r->arena, me(r), &groups, err) < 0)
		return -1;
	json_set(body, "addresses", texts_json(&addresses));
	for (size_t i = 0; i < groups.n; i++)
		json_object_array_add(names, json_of(groups.v[i].name));
	return 0;
}

static int add_bounds(struct api_request *r, struct json_object *body, struct err *err)
{
	struct bounds bounds;

	if (r->caller.session.person.role != PERSON_ROLE_REVISOR)
		return 0;
	if (people_bounds(catalog_of(r), r->arena, me(r), &bounds, err) < 0)
		return -1;
	json_set(body, "bounds", bounds_json(&bounds));
	return 0;
}

int api_get_me(struct api_request *r, struct err *err)
{
	const struct person *person = &r->caller.session.person;
	struct json_object *body = json_object_new_object();

	json_set_text(body, "name", person->name);
	json_set_text(body, "shown", person->shown);
	json_set_text(body, "role", VIEW(person_role_name(person->role)));
	json_set_text(body, "source", VIEW(person_source_name(person->source)));
	json_set_text(body, "language", person->language);
	json_set_text(body, "theme", person->theme);
	json_set_flag(body, "canChangePassword", person->has_password);
	if (add_second_factor(r, body, err) < 0 || add_addresses(r, body, err) < 0 ||
	    add_bounds(r, body, err) < 0) {
		json_object_put(body);
		return -1;
	}
	return reply_json(r, 200, body);
}

int api_change_me(struct api_request *r, struct err *err)
{
	static const char *const known[] = {"language", "theme", NULL};
	static const char *const languages[] = {"", "de", "en", NULL};
	static const char *const themes[] = {"", "light", "dark", NULL};
	struct person person = r->caller.session.person;
	size_t language, theme;
	int has_language, has_theme;

	if (json_only(r->body, known, err) < 0)
		return -1;
	has_language = json_word(r->body, "language", languages, &language, err);
	has_theme = has_language < 0 ? -1 : json_word(r->body, "theme", themes, &theme, err);
	if (has_theme < 0)
		return -1;
	if (has_language > 0)
		person.language = VIEW(languages[language]);
	if (has_theme > 0)
		person.theme = VIEW(themes[theme]);
	return people_change(catalog_of(r), &person, err) < 0 ? -1 : reply_nothing(r);
}

/* --- the password ------------------------------------------------------------------------------- */

/* Trying out the old one in a session that was left open is slowed down as logging in is. */
static int check_old(struct api_request *r, const struct secret *old, struct err *err)
{
	const struct person *person = &r->caller.session.person;
	CLEAN_STR hash = STR_INIT;
	int64_t wait_s;
	int rc = throttle_ask(catalog_of(r), person->name, r->client, clock_s(), &wait_s, err);

	if (rc == 0)
		return err_set(err, ERR_THROTTLED, "too many wrong passwords");
	if (rc < 0 || people_password(catalog_of(r), person->person, &hash, err) < 0)
		return -1;
	if (password_matches(old, hash.data))
		return throttle_right(catalog_of(r), person->name, err);
	if (throttle_failed(catalog_of(r), person->name, r->client, clock_s(), err) < 0)
		return -1;
	return err_set(err, ERR_WRONGKEY, "the old password is not right");
}

int api_change_my_password(struct api_request *r, struct err *err)
{
	static const char *const known[] = {"old", "new", NULL};
	CLEAN(secret) old = NULL;
	CLEAN(secret) new = NULL;

	if (json_only(r->body, known, err) < 0 ||
	    json_secret(r->body, "old", PASSWORD_MAX, &old, err) < 0 ||
	    json_secret(r->body, "new", PASSWORD_MAX, &new, err) < 0)
		return -1;
	if (!r->caller.session.person.has_password)
		return err_set(err, ERR_USAGE,
			       "the password is not kept here; change it where it is");
	if (old == NULL || new == NULL)
		return err_set(err, ERR_SYNTAX, "a password is missing");
	return check_old(r, old, err) < 0 ||
			       person_password_set(catalog_of(r), &r->caller.session.person, new,
						   &r->caller.session.hash, err) < 0
		       ? -1
		       : reply_nothing(r);
}

/* --- one-time codes ----------------------------------------------------------------------------- */

int api_begin_totp(struct api_request *r, struct err *err)
{
	struct json_object *body;
	struct totp_offer offer;
	CLEAN_STR name = STR_INIT;

	if (setting_get(catalog_of(r), APPEARANCE_NAME, &name, err) < 0 ||
	    totp_begin(catalog_of(r), r->arena, me(r), r->caller.session.person.name,
		       name.len > 0 ? str_view(&name) : VIEW("Sealpost"), &offer, err) < 0)
		return -1;
	body = json_object_new_object();
	json_set_text(body, "secret", offer.secret);
	json_set_text(body, "url", offer.url);
	json_set_text(body, "qr", offer.qr);
	return reply_json(r, 200, body);
}

static int code_of(struct api_request *r, struct view *code_r, struct err *err)
{
	static const char *const known[] = {"code", NULL};

	return json_only(r->body, known, err) < 0 ||
			       json_need_text(r->body, "code", 1, CODE_MAX, code_r, err) < 0
		       ? -1
		       : 0;
}

int api_confirm_totp(struct api_request *r, struct err *err)
{
	struct view code, recovery[RECOVERY_CODES];
	struct json_object *body, *list;
	int rc;

	if (code_of(r, &code, err) < 0)
		return -1;
	rc = totp_confirm(catalog_of(r), r->arena, me(r), code, clock_s(), recovery, err);
	if (rc == 0)
		return err_set(err, ERR_SECOND, "the code is not right");
	if (rc < 0 || sessions_second_done(catalog_of(r), &r->caller.session.hash, err) < 0 ||
	    audit(r, AUDIT_PERSON, "one-time codes on", err) < 0)
		return -1;
	body = json_object_new_object();
	list = json_object_new_array();
	json_set(body, "recoveryCodes", list);
	for (size_t i = 0; i < RECOVERY_CODES; i++)
		json_object_array_add(list, json_of(recovery[i]));
	return reply_json(r, 200, body);
}

/* As often as one can log in. */
static int check_code(struct api_request *r, struct view code, struct err *err)
{
	const struct view name = r->caller.session.person.name;
	int64_t wait_s;
	int rc = throttle_ask(catalog_of(r), name, r->client, clock_s(), &wait_s, err);

	if (rc == 0)
		return err_set(err, ERR_THROTTLED, "too many wrong codes");
	rc = rc < 0 ? -1 : totp_check(catalog_of(r), me(r), code, clock_s(), err);
	if (rc > 0)
		return throttle_right(catalog_of(r), name, err);
	if (rc < 0 || throttle_failed(catalog_of(r), name, r->client, clock_s(), err) < 0)
		return -1;
	return err_set(err, ERR_SECOND, "the code is not right");
}

int api_drop_totp(struct api_request *r, struct err *err)
{
	struct policy policy;
	struct view code;

	if (code_of(r, &code, err) < 0 || policy_load(catalog_of(r), &policy, err) < 0)
		return -1;
	if (policy.totp_demanded & 1U << r->caller.session.person.role)
		return err_set(err, ERR_DENIED, "one-time codes are demanded of this role");
	if (check_code(r, code, err) < 0 || totp_remove(catalog_of(r), me(r), err) < 0 ||
	    audit(r, AUDIT_PERSON, "one-time codes off", err) < 0)
		return -1;
	return reply_nothing(r);
}

/* --- API tokens --------------------------------------------------------------------------------- */

static void add_scope(void *list, const char *name)
{
	json_object_array_add(list, json_of(VIEW(name)));
}

static struct json_object *token_json(const struct api_token_row *row)
{
	struct json_object *object = json_object_new_object(), *scopes = json_object_new_array();

	token_scopes_each(row->scopes, add_scope, scopes);
	json_set_number(object, "token", (int64_t)row->token);
	json_set_text(object, "name", row->name);
	json_set(object, "scopes", scopes);
	json_set_time(object, "made", row->made_s);
	json_set_time(object, "ends", row->ends_s);
	json_set_time(object, "used", row->used_s);
	return object;
}

int api_list_tokens(struct api_request *r, struct err *err)
{
	struct json_object *body, *list;
	struct api_token_rows rows;

	if (api_tokens_list(catalog_of(r), r->arena, me(r), &rows, err) < 0)
		return -1;
	body = json_object_new_object();
	list = json_object_new_array();
	json_set(body, "tokens", list);
	for (size_t i = 0; i < rows.n; i++)
		json_object_array_add(list, token_json(&rows.v[i]));
	return reply_json(r, 200, body);
}

static int scopes_of(struct api_request *r, unsigned *scopes_r, struct err *err)
{
	enum { SCOPES_MAX = 8 };
	struct json_object *list;
	int rc = json_list(r->body, "scopes", SCOPES_MAX, &list, err);

	*scopes_r = 0;
	for (size_t i = 0; rc > 0 && i < json_object_array_length(list); i++) {
		struct view name;
		unsigned scope;

		if (json_item_text(list, i, 1, 32, &name, err) < 0)
			return -1;
		if (!token_scope_by_name(name, &scope))
			return err_set(err, ERR_SYNTAX, "there is no such scope");
		*scopes_r |= scope;
	}
	if (rc < 0)
		return -1;
	return *scopes_r == 0 ? err_set(err, ERR_SYNTAX, "scopes are missing") : 0;
}

static int count_tokens(struct api_request *r, struct err *err)
{
	struct api_token_rows rows;

	if (api_tokens_list(catalog_of(r), r->arena, me(r), &rows, err) < 0)
		return -1;
	return rows.n < TOKENS_MAX
		       ? 0
		       : err_set(err, ERR_TOOBIG, "nobody needs more than %d tokens", TOKENS_MAX);
}

int api_make_token(struct api_request *r, struct err *err)
{
	static const char *const known[] = {"name", "scopes", "days", NULL};
	struct api_token_row row = {.person = me(r), .made_s = clock_s()};
	CLEAN_STR token = STR_INIT;
	struct json_object *body;
	int64_t days = 0;

	if (json_only(r->body, known, err) < 0 ||
	    json_need_text(r->body, "name", 1, 100, &row.name, err) < 0 ||
	    scopes_of(r, &row.scopes, err) < 0 ||
	    json_number(r->body, "days", 1, 3650, &days, err) < 0)
		return -1;
	if (days == 0)
		return err_set(err, ERR_SYNTAX, "days is missing");
	row.ends_s = row.made_s + days * DAY_S;
	if (count_tokens(r, err) < 0 ||
	    api_token_make(catalog_of(r), row.person, row.name, row.scopes, row.made_s, row.ends_s,
			   &token, &row.token, err) < 0 ||
	    audit(r, AUDIT_TOKEN, "made", err) < 0)
		return -1;
	body = json_object_new_object();
	json_set_text(body, "token", str_view(&token));
	json_set(body, "row", token_json(&row));
	return reply_json(r, 201, body);
}

int api_revoke_token(struct api_request *r, struct err *err)
{
	uint64_t token;

	if (request_param_number(r, "token", &token, err) < 0 ||
	    api_tokens_remove(catalog_of(r), me(r), token, err) < 0 ||
	    audit(r, AUDIT_TOKEN, "revoked", err) < 0)
		return -1;
	return reply_nothing(r);
}

/* --- saved searches ----------------------------------------------------------------------------- */

static struct json_object *search_json(uint64_t search, struct view name, struct view query)
{
	struct json_object *object = json_object_new_object();

	json_set_number(object, "search", (int64_t)search);
	json_set_text(object, "name", name);
	json_set_text(object, "query", query);
	return object;
}

int api_list_saved_searches(struct api_request *r, struct err *err)
{
	struct saved_searches searches;
	struct json_object *body, *list;

	if (searches_list(catalog_of(r), r->arena, me(r), &searches, err) < 0)
		return -1;
	body = json_object_new_object();
	list = json_object_new_array();
	json_set(body, "searches", list);
	for (size_t i = 0; i < searches.n; i++)
		json_object_array_add(list, search_json(searches.v[i].search, searches.v[i].name,
							searches.v[i].query));
	return reply_json(r, 200, body);
}

int api_save_search(struct api_request *r, struct err *err)
{
	static const char *const known[] = {"name", "query", NULL};
	struct view name, query;
	uint64_t search;

	if (json_only(r->body, known, err) < 0 ||
	    json_need_text(r->body, "name", 1, 100, &name, err) < 0 ||
	    json_need_text(r->body, "query", 0, 4096, &query, err) < 0 ||
	    searches_add(catalog_of(r), me(r), name, query, &search, err) < 0)
		return -1;
	return reply_json(r, 201, search_json(search, name, query));
}

int api_drop_saved_search(struct api_request *r, struct err *err)
{
	uint64_t search;

	if (request_param_number(r, "search", &search, err) < 0 ||
	    searches_remove(catalog_of(r), me(r), search, err) < 0)
		return -1;
	return reply_nothing(r);
}
