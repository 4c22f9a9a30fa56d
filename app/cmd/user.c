/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/access/authenticate.h"
#include "app/access/person_password.h"
#include "app/access/rights.h"
#include "app/access/session.h"
#include "app/catalog/sessions.h"
#include "app/cmd/cmd.h"
#include "app/licence/licence.h"
#include "base/clock.h"

#include <time.h>

enum { LIST_MAX = 100000, DAYS_MAX = 3650, DAY_S = 86400 };

struct user_call {
	struct cmd *cmd;
	struct archive *a;
	struct catalog *catalog;
	struct arena *arena;
	struct person person; /* named by the call, where it names one */

	const char *role, *source, *shown, *password_file, *from, *until, *valid_until, *right;
	const struct option_list *addresses, *domains, *places;
	uint64_t days;
	bool no_bounds;
};

/* --- who is meant ------------------------------------------------------------------------------- */

/* By name; where sources have one each, by "name (source)" or --source. */
static int find_person(struct user_call *c, const char *name, struct person *person_r)
{
	struct people people;
	struct err err = {0};
	size_t n = 0;

	if (people_by_name(c->catalog, c->arena, VIEW(name), &people, &err) < 0)
		return cmd_fail(c->cmd, &err);
	for (size_t i = 0; i < people.n; i++)
		if (c->source == NULL ||
		    strcmp(c->source, person_source_name(people.v[i].source)) == 0)
			people.v[n++] = people.v[i];
	if (n == 1) {
		*person_r = people.v[0];
		return EXIT_DONE;
	}
	err_set(&err, ERR_NOTFOUND,
		n == 0 ? "there is no person %s" : "several sources have a person %s", name);
	return cmd_fail_meaning(
		c->cmd, &err,
		n == 0 ? "Nothing was changed. \"sealpost user list\" tells who there is."
		       : "Nothing was changed. Say which with --source.");
}

static void note(struct user_call *c, const char *detail)
{
	CLEAN_STR who = STR_INIT;

	person_add_who(&who, &c->person);
	cmd_audit_line(c->a, AUDIT_PERSON, who.data, detail);
}

/* --- telling ------------------------------------------------------------------------------------ */

static void add_texts(struct str *out, const struct texts *texts)
{
	for (size_t i = 0; i < texts->n; i++) {
		str_adds(out, i ? ", " : "");
		str_addsafe(out, texts->v[i], false);
	}
}

static int add_person(struct user_call *c, const struct person *person, struct str *out,
		      struct err *err)
{
	struct texts addresses;

	if (people_addresses(c->catalog, c->arena, person->person, &addresses, err) < 0)
		return -1;
	if (c->cmd->json) {
		str_adds(out, "{\"name\": ");
		cmd_json_text(out, person->name);
		str_adds(out, ", \"shown\": ");
		cmd_json_text(out, person->shown);
		str_addf(out, ", \"source\": \"%s\", \"role\": \"%s\", \"active\": %s",
			 person_source_name(person->source), person_role_name(person->role),
			 person->active ? "true" : "false");
		cmd_json_time(out, "login", person->login_s);
		str_adds(out, ", \"addresses\": ");
		cmd_json_list(out, addresses.v, addresses.n);
		str_adds(out, "}\n");
		return 0;
	}
	str_addsafe(out, person->name, false);
	str_addf(out, " (%s), %s%s", person_source_name(person->source),
		 person_role_name(person->role),
		 person->tied     ? ", tied to somebody else"
		 : person->active ? ""
				  : ", disabled");
	str_adds(out, addresses.n > 0 ? ": " : "");
	add_texts(out, &addresses);
	str_addc(out, '\n');
	return 0;
}

static int do_list(struct user_call *c)
{
	CLEAN_STR out = STR_INIT;
	struct people people;
	struct err err = {0};

	if (people_list(c->catalog, c->arena, VIEW(""), NULL, LIST_MAX, &people, &err) < 0)
		return cmd_fail(c->cmd, &err);
	for (size_t i = 0; i < people.n; i++)
		if (add_person(c, &people.v[i], &out, &err) < 0)
			return cmd_fail(c->cmd, &err);
	return cmd_print(&out) < 0 ? EXIT_FAILED : EXIT_DONE;
}

/* A day as it was given, local time. */
static void add_day(struct str *out, const char *name, int64_t time_s, int64_t none)
{
	struct tm tm;
	char day[16];

	if (time_s == none)
		return;
	localtime_r(&time_s, &tm);
	strftime(day, sizeof(day), "%Y-%m-%d", &tm);
	str_addf(out, "  %s %s\n", name, day);
}

static void add_last_day(struct str *out, const char *name, int64_t behind_s)
{
	add_day(out, name, behind_s == INT64_MAX ? INT64_MAX : behind_s - 1, INT64_MAX);
}

static int do_show(struct user_call *c)
{
	CLEAN_STR out = STR_INIT;
	struct groups groups;
	struct bounds bounds;
	struct err err = {0};

	if (add_person(c, &c->person, &out, &err) < 0 ||
	    people_groups(c->catalog, c->arena, c->person.person, &groups, &err) < 0 ||
	    people_bounds(c->catalog, c->arena, c->person.person, &bounds, &err) < 0)
		return cmd_fail(c->cmd, &err);
	for (size_t i = 0; !c->cmd->json && i < groups.n; i++) {
		str_adds(&out, "  in group ");
		str_addsafe(&out, groups.v[i].name, false);
		str_addc(&out, '\n');
	}
	if (!c->cmd->json && bounds.domains.n > 0) {
		str_adds(&out, "  domains ");
		add_texts(&out, &bounds.domains);
		str_addc(&out, '\n');
	}
	for (size_t i = 0; !c->cmd->json && i < bounds.sources.n; i++) {
		str_adds(&out, "  source ");
		str_addsafe(&out, bounds.sources.v[i].source, false);
		str_addc(&out, '/');
		str_addsafe(&out, bounds.sources.v[i].folder, false);
		str_addc(&out, '\n');
	}
	if (!c->cmd->json) {
		add_day(&out, "sent from", bounds.from_s, INT64_MIN);
		add_last_day(&out, "sent until", bounds.until_s);
		add_last_day(&out, "account valid until", bounds.valid_until_s);
	}
	return cmd_print(&out) < 0 ? EXIT_FAILED : EXIT_DONE;
}

/* --- changing ----------------------------------------------------------------------------------- */

static struct texts texts_of(struct user_call *c, const struct option_list *list)
{
	struct texts texts = {0};

	for (size_t i = 0; i < list->n; i++)
		ARENA_PUSH(c->arena, texts, VIEW(list->v[i]));
	return texts;
}

static int read_role(struct user_call *c, enum person_role *role_r)
{
	if (c->role == NULL || person_role_by_name(VIEW(c->role), role_r) > 0)
		return EXIT_DONE;
	return cmd_usage(c->cmd,
			 "a role is user, admin, auditor, revisor, dataofficer or uploader");
}

static int set_addresses(struct user_call *c)
{
	const struct texts addresses = texts_of(c, c->addresses);
	struct err err = {0};

	if (c->addresses->n > 0 &&
	    people_set_addresses(c->catalog, c->person.person, &addresses, &err) < 0)
		return cmd_fail(c->cmd, &err);
	return EXIT_DONE;
}

static int set_password(struct user_call *c)
{
	CLEAN(secret) password = NULL;
	CLEAN_STR of = STR_INIT;
	struct err err = {0};

	str_addsafe(&of, c->person.name, false);
	if (cmd_password(c->cmd, of.data, c->password_file, true, &password) < 0)
		return EXIT_FAILED;
	if (person_password_set(c->catalog, &c->person, password, NULL, &err) < 0)
		return cmd_fail_meaning(c->cmd, &err,
					"The password was not changed. Give another one.");
	return EXIT_DONE;
}

static int do_add(struct user_call *c)
{
	struct err err = {0};
	int status;

	c->person = (struct person){.source = PERSON_OWN,
				    .uid = VIEW(c->cmd->argv[1]),
				    .name = VIEW(c->cmd->argv[1]),
				    .shown = VIEW(c->shown ? c->shown : c->cmd->argv[1]),
				    .active = true};
	status = read_role(c, &c->person.role);
	if (status != EXIT_DONE)
		return status;
	if (c->person.role == PERSON_ROLE_USER && licence_permits_user(c->catalog, &err) < 0)
		return cmd_fail(c->cmd, &err);
	if (people_add(c->catalog, &c->person, &c->person.person, &err) < 0)
		return cmd_fail(c->cmd, &err);
	note(c, "added");
	status = set_addresses(c);
	if (status == EXIT_DONE && c->person.role != PERSON_ROLE_UPLOADER)
		status = set_password(c);
	if (status != EXIT_DONE) /* half a person is none */
		people_remove(c->catalog, c->person.person, &err);
	return status;
}

static int do_change(struct user_call *c)
{
	struct err err = {0};
	int status = read_role(c, &c->person.role);

	if (status != EXIT_DONE)
		return status;
	if (c->shown != NULL)
		c->person.shown = VIEW(c->shown);
	if (people_change(c->catalog, &c->person, &err) < 0)
		return cmd_fail(c->cmd, &err);
	note(c, c->role ? c->role : "changed");
	return set_addresses(c);
}

static int set_active(struct user_call *c, bool active)
{
	struct err err = {0};

	c->person.active = active;
	if (people_change(c->catalog, &c->person, &err) < 0 ||
	    (!active && sessions_end_all(c->catalog, c->person.person, NULL, &err) < 0))
		return cmd_fail(c->cmd, &err);
	note(c, active ? "enabled" : "disabled");
	return EXIT_DONE;
}

static int do_enable(struct user_call *c)
{
	return set_active(c, true);
}

static int do_disable(struct user_call *c)
{
	return set_active(c, false);
}

static int do_remove(struct user_call *c)
{
	struct err err = {0};

	if (people_remove(c->catalog, c->person.person, &err) < 0)
		return cmd_fail(c->cmd, &err);
	note(c, "removed");
	return EXIT_DONE;
}

static int do_log_out(struct user_call *c)
{
	struct err err = {0};

	if (sessions_end_all(c->catalog, c->person.person, NULL, &err) < 0)
		return cmd_fail(c->cmd, &err);
	note(c, "logged out everywhere");
	return EXIT_DONE;
}

/* The old id's name may be that of the new one: "sealpost user tie anna anna --source ldap" says of which source the old one is. */
static int do_tie(struct user_call *c)
{
	struct people people;
	struct err err = {0};

	if (people_by_name(c->catalog, c->arena, VIEW(c->cmd->argv[2]), &people, &err) < 0)
		return cmd_fail(c->cmd, &err);
	for (size_t i = 0; i < people.n; i++) {
		if (people.v[i].person == c->person.person)
			continue;
		if (people_tie(c->catalog, c->person.person, people.v[i].person, &err) < 0)
			return cmd_fail(c->cmd, &err);
		note(c, "tied to another id");
		return EXIT_DONE;
	}
	err_set(&err, ERR_NOTFOUND, "there is no other person %s", c->cmd->argv[2]);
	return cmd_fail(c->cmd, &err);
}

/* --- bounds, tokens ----------------------------------------------------------------------------- */

static int read_day(struct user_call *c, const char *text,
		    int (*read)(const char *text, int64_t *time_s_r), int64_t *time_s)
{
	if (text == NULL || read(text, time_s) == 0)
		return EXIT_DONE;
	return cmd_usage(c->cmd, "\"%s\" is no date: 2024, 2024-05 or 2024-05-17", text);
}

static int do_scope(struct user_call *c)
{
	struct bounds bounds = bounds_none();
	struct err err = {0};

	if (c->person.role != PERSON_ROLE_REVISOR)
		return cmd_usage(c->cmd, "only a revisor has bounds");
	bounds.domains = texts_of(c, c->domains);
	for (size_t i = 0; i < c->places->n; i++) {
		struct view rest = VIEW(c->places->v[i]), source = VIEW("");

		view_cut(&rest, '/', &source);
		ARENA_PUSH(c->arena, bounds.sources, ((struct bound_source){source, rest}));
	}
	if (read_day(c, c->from, cmd_date, &bounds.from_s) != EXIT_DONE ||
	    read_day(c, c->until, cmd_date_end, &bounds.until_s) != EXIT_DONE ||
	    read_day(c, c->valid_until, cmd_date_end, &bounds.valid_until_s) != EXIT_DONE)
		return EXIT_USAGE;
	if (people_set_bounds(c->catalog, c->person.person, &bounds, &err) < 0)
		return cmd_fail(c->cmd, &err);
	note(c, "bounds");
	return do_show(c);
}

static int do_token(struct user_call *c)
{
	CLEAN_STR token = STR_INIT;
	struct view rest = VIEW(c->right ? c->right : ""), name;
	const int64_t now_s = clock_s();
	unsigned scopes = 0, one;
	struct err err = {0};
	uint64_t number;

	while (rest.len > 0 && view_cut(&rest, ',', &name)) {
		if (token_scope_by_name(name, &one) == 0)
			return cmd_usage(c->cmd, "--for takes search, read, export, upload, admin, "
						 "with commas between them");
		scopes |= one;
	}
	if (scopes == 0 || c->days == 0 || c->days > DAYS_MAX)
		return cmd_usage(c->cmd, "say --for RIGHTS, and --days 1 to %d", DAYS_MAX);
	if (api_token_make(c->catalog, c->person.person, VIEW("command line"), scopes, now_s,
			   now_s + (int64_t)c->days * DAY_S, &token, &number, &err) < 0)
		return cmd_fail(c->cmd, &err);
	note(c, "API token");
	str_addc(&token, '\n');
	return cmd_print(&token) < 0 ? EXIT_FAILED : EXIT_DONE;
}

/* --- the verb ----------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	int argc;   /* with the name of the deed */
	bool named; /* the first argument is a person that there is */
	int (*fn)(struct user_call *c);
} deeds[] = {
	{"list", 1, false, do_list},         {"add", 2, false, do_add},
	{"show", 2, true, do_show},          {"change", 2, true, do_change},
	{"password", 2, true, set_password}, {"enable", 2, true, do_enable},
	{"disable", 2, true, do_disable},    {"remove", 2, true, do_remove},
	{"log-out", 2, true, do_log_out},    {"tie", 3, true, do_tie},
	{"scope", 2, true, do_scope},        {"token", 2, true, do_token},
};

static int run(struct user_call *c)
{
	for (size_t i = 0; i < sizeof(deeds) / sizeof(*deeds); i++) {
		int status = EXIT_DONE;

		if (c->cmd->argc != deeds[i].argc || strcmp(deeds[i].name, c->cmd->argv[0]) != 0)
			continue;
		if (deeds[i].named)
			status = find_person(c, c->cmd->argv[1], &c->person);
		return status == EXIT_DONE ? deeds[i].fn(c) : status;
	}
	return cmd_usage(c->cmd, "say what is to be done, and with whom");
}

int cmd_user(struct cmd *cmd)
{
	CLEAN(archive) a = NULL;
	CLEAN(arena) arena = arena_new();
	CLEAN_OPTIONS addresses = {0};
	CLEAN_OPTIONS domains = {0};
	CLEAN_OPTIONS places = {0};
	struct user_call c = {.cmd = cmd,
			      .arena = arena,
			      .addresses = &addresses,
			      .domains = &domains,
			      .places = &places};
	const struct option_row rows[] = {{"role", OPTION_TEXT, &c.role},
					  {"source", OPTION_TEXT, &c.source},
					  {"full-name", OPTION_TEXT, &c.shown},
					  {"address", OPTION_LIST, &addresses},
					  {"password-file", OPTION_TEXT, &c.password_file},
					  {"domain", OPTION_LIST, &domains},
					  {"place", OPTION_LIST, &places},
					  {"from", OPTION_TEXT, &c.from},
					  {"until", OPTION_TEXT, &c.until},
					  {"valid-until", OPTION_TEXT, &c.valid_until},
					  {"for", OPTION_TEXT, &c.right},
					  {"days", OPTION_NUMBER, &c.days},
					  {0}};

	if (cmd_options(cmd, rows) < 0)
		return EXIT_USAGE;
	if (cmd->argc == 0)
		return cmd_usage(cmd, "say what is to be done, and with whom");
	if (cmd_open(cmd, &a) < 0)
		return EXIT_FAILED;
	c.a = a;
	c.catalog = archive_catalog(a);
	return run(&c);
}
