/* SPDX-License-Identifier: GPL-3.0-or-later */
/* People, for the administrator. */
#include "app/access/authenticate.h"
#include "app/access/person_password.h"
#include "app/access/rights.h"
#include "app/access/session.h"
#include "app/access/totp.h"
#include "app/catalog/audit.h"
#include "app/catalog/sessions.h"
#include "app/licence/licence.h"
#include "base/clock.h"
#include "ui-backend/people_json.h"

#include <time.h>

enum {
	NAME_MAX_BYTES = 320,
	SHOWN_MAX = 200,
	PASSWORD_MAX = 1024,
	ADDRESSES_MAX = 1000,
	FIND_MAX = 100,
	PAGE = 50,
	PAGE_MAX = 200,
	DAY_S = 86400,
	DAYS_MAX = 3650
};

/* --- a person as JSON --------------------------------------------------------------------------- */

static struct json_object *group_names(const struct groups *groups)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < groups->n; i++)
		json_object_array_add(list, json_of(groups->v[i].name));
	return list;
}

static int person_json(struct api_request *r, const struct person *person,
		       struct json_object **object_r, struct err *err)
{
	struct catalog *catalog = archive_catalog(r->archive);
	struct json_object *object;
	struct session_rows sessions;
	struct texts addresses;
	struct groups groups;
	struct bounds bounds;
	enum totp_state totp;

	if (people_addresses(catalog, r->arena, person->person, &addresses, err) < 0 ||
	    people_groups(catalog, r->arena, person->person, &groups, err) < 0 ||
	    people_bounds(catalog, r->arena, person->person, &bounds, err) < 0 ||
	    sessions_list(catalog, r->arena, person->person, &sessions, err) < 0 ||
	    totp_state(catalog, person->person, &totp, err) < 0)
		return -1;
	object = json_object_new_object();
	json_set_number(object, "person", (int64_t)person->person);
	json_set_text(object, "source", VIEW(person_source_name(person->source)));
	json_set_text(object, "name", person->name);
	json_set_text(object, "shown", person->shown);
	json_set_text(object, "role", VIEW(person_role_name(person->role)));
	json_set_flag(object, "active", person->active);
	json_set_flag(object, "hasPassword", person->has_password);
	json_set(object, "addresses", texts_json(&addresses));
	json_set(object, "groups", group_names(&groups));
	json_set_flag(object, "totp", totp == TOTP_ON);
	json_set_time(object, "lastLogin", person->login_s);
	json_set_number(object, "sessions", (int64_t)sessions.n);
	json_set(object, "bounds", bounds_json(&bounds));
	if (person->tied != 0)
		json_set_number(object, "tiedTo", (int64_t)person->tied);
	*object_r = object;
	return 0;
}

static int reply_person(struct api_request *r, unsigned status, uint64_t number, struct err *err)
{
	struct json_object *object;
	struct person person;

	if (people_get(archive_catalog(r->archive), r->arena, number, &person, err) < 0 ||
	    person_json(r, &person, &object, err) < 0)
		return -1;
	return reply_json(r, status, object);
}

static int find_person(struct api_request *r, struct person *person_r, struct err *err)
{
	uint64_t number;
	int rc;

	if (request_param_number(r, "person", &number, err) < 0)
		return -1;
	rc = people_get(archive_catalog(r->archive), r->arena, number, person_r, err);
	if (rc > 0)
		return 0;
	return rc < 0 ? -1 : err_set(err, ERR_NOTFOUND, "there is no such person");
}

int api_read_person(struct api_request *r, struct err *err)
{
	struct person person;

	if (find_person(r, &person, err) < 0)
		return -1;
	return reply_person(r, 200, person.person, err);
}

static int add_people(struct api_request *r, const struct people *people, size_t limit,
		      struct json_object *list, struct err *err)
{
	for (size_t i = 0; i < people->n && i < limit; i++) {
		struct json_object *object;

		if (person_json(r, &people->v[i], &object, err) < 0)
			return -1;
		json_object_array_add(list, object);
	}
	return 0;
}

/* The last of the page before, by its number; 0: from the first. */
static int read_cursor(struct api_request *r, struct person *after_r, const struct person **from_r,
		       struct err *err)
{
	uint64_t number;
	int rc;

	*from_r = NULL;
	if (request_query_number(r, "cursor", 0, INT64_MAX, 0, &number, err) < 0)
		return -1;
	if (number == 0)
		return 0;
	rc = people_get(archive_catalog(r->archive), r->arena, number, after_r, err);
	if (rc == 0)
		return err_set(err, ERR_SYNTAX, "the list is not there any more; ask for it anew");
	*from_r = after_r;
	return rc < 0 ? -1 : 0;
}

int api_list_people(struct api_request *r, struct err *err)
{
	static const char *const known[] = {"find", "cursor", "limit", NULL};
	const struct person *from;
	struct json_object *body, *list;
	struct person after;
	struct people people;
	struct view find;
	uint64_t limit;

	if (request_query_only(r, known, err) < 0 ||
	    request_query_number(r, "limit", 1, PAGE_MAX, PAGE, &limit, err) < 0 ||
	    read_cursor(r, &after, &from, err) < 0)
		return -1;
	request_query(r, "find", &find);
	if (find.len > FIND_MAX)
		return err_set(err, ERR_SYNTAX, "that is too long");
	if (people_list(archive_catalog(r->archive), r->arena, find, from, limit + 1, &people,
			err) < 0)
		return -1;
	body = json_object_new_object();
	list = json_object_new_array();
	json_set(body, "people", list);
	if (add_people(r, &people, limit, list, err) < 0) {
		json_object_put(body);
		return -1;
	}
	if (people.n > limit)
		json_set_text(body, "next",
			      VIEW(arena_f(r->arena, "%llu",
					   (unsigned long long)people.v[limit - 1].person)));
	return reply_json(r, 200, body);
}

/* --- what is ordered ---------------------------------------------------------------------------- */

struct order {
	struct api_request *r;
	struct person person; /* changed by the body */
	bool has_addresses, has_bounds;
	struct texts addresses;
	struct bounds bounds;
	struct secret *password; /* NULL: none is given */
};

static void end_order(void *arg)
{
	struct order *order = arg;

	secret_free(&order->password);
}

/* A local day: its first second, or, of the LAST day, the first one behind it. */
static int read_day(struct json_object *object, const char *name, bool last, int64_t *time_s,
		    struct err *err)
{
	struct tm tm = {.tm_isdst = -1};
	const char *end;
	struct view text;
	int rc = json_text(object, name, 10, 10, &text, err);

	if (rc <= 0)
		return rc;
	end = strptime(text.data, "%Y-%m-%d", &tm);
	if (end == NULL || *end != '\0')
		return err_set(err, ERR_SYNTAX, "%s is to be a date such as 2024-05-17", name);
	tm.tm_mday += last;
	tm.tm_isdst = -1;
	*time_s = mktime(&tm);
	return 1;
}

static int read_places(struct api_request *r, struct json_object *object, struct bounds *bounds,
		       struct err *err)
{
	static const char *const known[] = {"source", "folder", NULL};
	struct json_object *list;
	int rc = json_list(object, "sources", ADDRESSES_MAX, &list, err);

	for (size_t i = 0; rc > 0 && i < json_object_array_length(list); i++) {
		struct json_object *item = json_object_array_get_idx(list, i);
		struct bound_source place = {.folder = VIEW("")};

		if (!json_object_is_type(item, json_type_object))
			return err_set(err, ERR_SYNTAX, "sources is to be a list of objects");
		if (json_only(item, known, err) < 0 ||
		    json_need_text(item, "source", 1, 200, &place.source, err) < 0 ||
		    json_text(item, "folder", 0, 400, &place.folder, err) < 0)
			return -1;
		ARENA_PUSH(r->arena, bounds->sources, place);
	}
	return rc < 0 ? -1 : 0;
}

static int read_bounds(struct order *o, struct err *err)
{
	static const char *const known[] = {"domains", "sources",    "from",
					    "until",   "validUntil", NULL};
	struct json_object *object;
	int rc = json_object_in(o->r->body, "bounds", &object, err);

	if (rc <= 0)
		return rc;
	o->has_bounds = true;
	o->bounds = bounds_none();
	if (json_only(object, known, err) < 0 ||
	    texts_read(o->r, object, "domains", ADDRESSES_MAX, 255, &o->bounds.domains, err) < 0 ||
	    read_places(o->r, object, &o->bounds, err) < 0 ||
	    read_day(object, "from", false, &o->bounds.from_s, err) < 0 ||
	    read_day(object, "until", true, &o->bounds.until_s, err) < 0 ||
	    read_day(object, "validUntil", true, &o->bounds.valid_until_s, err) < 0)
		return -1;
	return 0;
}

static int read_role(struct order *o, struct err *err)
{
	static const char *const roles[] = {"user",        "admin",    "auditor", "revisor",
					    "dataofficer", "uploader", NULL};
	size_t chosen;
	int rc = json_word(o->r->body, "role", roles, &chosen, err);

	if (rc > 0)
		person_role_by_name(VIEW(roles[chosen]), &o->person.role);
	return rc < 0 ? -1 : 0;
}

/* What is not given stays. */
static int keep_text(struct api_request *r, const char *name, size_t min, size_t max,
		     struct view *text, struct err *err)
{
	struct view given;
	int rc = json_text(r->body, name, min, max, &given, err);

	if (rc > 0)
		*text = given;
	return rc < 0 ? -1 : 0;
}

static int keep_flag(struct api_request *r, const char *name, bool *flag, struct err *err)
{
	bool given;
	int rc = json_flag(r->body, name, &given, err);

	if (rc > 0)
		*flag = given;
	return rc < 0 ? -1 : 0;
}

static int read_order(struct order *o, struct err *err)
{
	static const char *const known[] = {"name",      "shown",  "role",   "password",
					    "addresses", "active", "bounds", NULL};
	struct json_object *body = o->r->body;
	int rc;

	request_at_end(o->r, end_order, o);
	if (json_only(body, known, err) < 0 ||
	    json_secret(body, "password", PASSWORD_MAX, &o->password, err) < 0 ||
	    keep_text(o->r, "name", 1, NAME_MAX_BYTES, &o->person.name, err) < 0 ||
	    keep_text(o->r, "shown", 0, SHOWN_MAX, &o->person.shown, err) < 0 ||
	    keep_flag(o->r, "active", &o->person.active, err) < 0 || read_role(o, err) < 0)
		return -1;
	rc = texts_read(o->r, body, "addresses", ADDRESSES_MAX, NAME_MAX_BYTES, &o->addresses, err);
	o->has_addresses = rc > 0;
	return rc < 0 ? -1 : read_bounds(o, err);
}

static int note(const struct order *o, const char *what, struct err *err)
{
	CLEAN_STR who = STR_INIT;

	person_add_who(&who, &o->person);
	return audit_add(archive_catalog(o->r->archive), AUDIT_PERSON, str_view(&who), VIEW(what),
			 err);
}

static int put_rest(struct order *o, const char *what, struct err *err)
{
	struct catalog *catalog = archive_catalog(o->r->archive);

	if ((o->has_addresses &&
	     people_set_addresses(catalog, o->person.person, &o->addresses, err) < 0) ||
	    (o->has_bounds && people_set_bounds(catalog, o->person.person, &o->bounds, err) < 0))
		return -1;
	return note(o, what, err);
}

static int add_rows(struct order *o, struct err *err)
{
	if (o->person.role == PERSON_ROLE_USER &&
	    licence_permits_user(archive_catalog(o->r->archive), err) < 0)
		return -1;
	if (people_add(archive_catalog(o->r->archive), &o->person, &o->person.person, err) < 0)
		return -1;
	return put_rest(o, "added", err);
}

static int change_rows(struct order *o, struct err *err)
{
	struct catalog *catalog = archive_catalog(o->r->archive);

	if (people_change(catalog, &o->person, err) < 0 ||
	    (!o->person.active && sessions_end_all(catalog, o->person.person, NULL, err) < 0))
		return -1;
	return put_rest(o, person_role_name(o->person.role), err);
}

static int transact(struct order *o, int (*fn)(struct order *o, struct err *err), struct err *err)
{
	struct catalog *catalog = archive_catalog(o->r->archive);

	if (catalog_begin(catalog, err) < 0)
		return -1;
	if (fn(o, err) == 0 && catalog_commit(catalog, err) == 0)
		return 0;
	catalog_rollback(catalog);
	return -1;
}

static int set_password(const struct order *o, struct err *err)
{
	if (o->password == NULL)
		return 0;
	return person_password_set(archive_catalog(o->r->archive), &o->person, o->password, NULL,
				   err);
}

int api_add_person(struct api_request *r, struct err *err)
{
	struct order *o = arena_get(r->arena, sizeof(*o));
	struct err ignored = {0};

	o->r = r;
	o->person = (struct person){.source = PERSON_OWN, .active = true};
	if (read_order(o, err) < 0)
		return -1;
	if (o->person.name.len == 0)
		return err_set(err, ERR_SYNTAX, "the name is missing");
	o->person.uid = o->person.name;
	if (o->person.shown.len == 0)
		o->person.shown = o->person.name;
	if (transact(o, add_rows, err) < 0)
		return -1;
	if (set_password(o, err) < 0) { /* half a person is none */
		people_remove(archive_catalog(r->archive), o->person.person, &ignored);
		return -1;
	}
	return reply_person(r, 201, o->person.person, err);
}

int api_change_person(struct api_request *r, struct err *err)
{
	struct order *o = arena_get(r->arena, sizeof(*o));

	o->r = r;
	if (find_person(r, &o->person, err) < 0 || read_order(o, err) < 0 ||
	    set_password(o, err) < 0 || transact(o, change_rows, err) < 0)
		return -1;
	return reply_person(r, 200, o->person.person, err);
}

/* What cannot be undone says whom it is about. */
static int check_confirmed(struct api_request *r, const struct person *person, struct err *err)
{
	struct view confirm;

	if (json_need_text(r->body, "confirm", 1, NAME_MAX_BYTES, &confirm, err) < 0)
		return -1;
	if (!view_eq_nocase(confirm, person->name))
		return err_set(err, ERR_SYNTAX, "confirm is not the person's name");
	return 0;
}

int api_remove_person(struct api_request *r, struct err *err)
{
	static const char *const known[] = {"confirm", NULL};
	struct order o = {.r = r};

	if (json_only(r->body, known, err) < 0 || find_person(r, &o.person, err) < 0 ||
	    check_confirmed(r, &o.person, err) < 0 ||
	    people_remove(archive_catalog(r->archive), o.person.person, err) < 0 ||
	    note(&o, "removed", err) < 0)
		return -1;
	return reply_nothing(r);
}

/* --- acts --------------------------------------------------------------------------------------- */

static int act_drop_totp(struct order *o, struct json_object *body, struct err *err)
{
	(void)body;
	return totp_remove(archive_catalog(o->r->archive), o->person.person, err) < 0
		       ? -1
		       : note(o, "one-time codes taken away", err);
}

static int act_log_out(struct order *o, struct json_object *body, struct err *err)
{
	(void)body;
	return sessions_end_all(archive_catalog(o->r->archive), o->person.person, NULL, err) < 0
		       ? -1
		       : note(o, "logged out everywhere", err);
}

static int act_tie(struct order *o, struct json_object *body, struct err *err)
{
	int64_t to;

	(void)body;
	if (check_confirmed(o->r, &o->person, err) < 0)
		return -1;
	if (json_number(o->r->body, "to", 1, INT64_MAX, &to, err) <= 0)
		return err_set(err, ERR_SYNTAX, "to is to be the number of a person");
	return people_tie(archive_catalog(o->r->archive), o->person.person, (uint64_t)to, err) < 0
		       ? -1
		       : note(o, "tied to another id", err);
}

/* Other people make their tokens themselves. */
static int act_make_token(struct order *o, struct json_object *body, struct err *err)
{
	const int64_t now_s = clock_s();
	struct view name = VIEW("upload");
	CLEAN_STR token = STR_INIT;
	int64_t days = 365;
	uint64_t number;

	if (o->person.role != PERSON_ROLE_UPLOADER)
		return err_set(err, ERR_USAGE, "only an uploader is given a token by others");
	if (keep_text(o->r, "name", 1, 100, &name, err) < 0 ||
	    json_number(o->r->body, "days", 1, DAYS_MAX, &days, err) < 0 ||
	    api_token_make(archive_catalog(o->r->archive), o->person.person, name, TOKEN_UPLOAD,
			   now_s, now_s + days * DAY_S, &token, &number, err) < 0)
		return -1;
	json_set_text(body, "token", str_view(&token));
	return note(o, "API token", err);
}

int api_act_on_person(struct api_request *r, struct err *err)
{
	static const char *const known[] = {"act", "to", "name", "days", "confirm", NULL};
	static const char *const acts[] = {"dropTotp", "logOut", "tie", "makeToken", NULL};
	static int (*const fns[])(struct order * o, struct json_object * body, struct err * err) = {
		act_drop_totp, act_log_out, act_tie, act_make_token};
	struct json_object *body;
	struct order o = {.r = r};
	size_t act;

	if (json_only(r->body, known, err) < 0)
		return -1;
	if (json_word(r->body, "act", acts, &act, err) <= 0)
		return err_set(err, ERR_SYNTAX, "act is dropTotp, logOut, tie or makeToken");
	if (find_person(r, &o.person, err) < 0)
		return -1;
	body = json_object_new_object();
	if (fns[act](&o, body, err) < 0) {
		json_object_put(body);
		return -1;
	}
	return reply_json(r, 200, body);
}
