/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/catalog/people.h"
#include "app/cmd/cmd.h"

struct group_call {
	struct cmd *cmd;
	struct archive *a;
	struct catalog *catalog;
	struct arena *arena;
	const struct option_list *members, *addresses;
};

static void add_texts(struct str *out, const struct texts *texts)
{
	for (size_t i = 0; i < texts->n; i++) {
		str_adds(out, i ? ", " : "");
		str_addsafe(out, texts->v[i], false);
	}
}

static void add_group(struct str *out, const struct group *group, bool json)
{
	if (json) {
		str_adds(out, "{\"name\": ");
		cmd_json_text(out, group->name);
		str_addf(out,
			 ", \"source\": \"%s\", \"members\": ", person_source_name(group->source));
		cmd_json_list(out, group->members.v, group->members.n);
		str_adds(out, ", \"addresses\": ");
		cmd_json_list(out, group->addresses.v, group->addresses.n);
		str_adds(out, "}\n");
		return;
	}
	str_addsafe(out, group->name, false);
	str_addf(out, " (%s), mailed as ", person_source_name(group->source));
	add_texts(out, &group->addresses);
	str_adds(out, "\n  members: ");
	add_texts(out, &group->members);
	str_addc(out, '\n');
}

static int list(struct group_call *c)
{
	CLEAN_STR out = STR_INIT;
	struct groups groups;
	struct err err = {0};

	if (groups_list(c->catalog, c->arena, &groups, &err) < 0)
		return cmd_fail(c->cmd, &err);
	for (size_t i = 0; i < groups.n; i++)
		add_group(&out, &groups.v[i], c->cmd->json);
	if (groups.n == 0 && !c->cmd->json)
		str_adds(&out, "There is no group.\n");
	return cmd_print(&out) < 0 ? EXIT_FAILED : EXIT_DONE;
}

/* One of the archive's own, by name: 1, 0. */
static int find(struct group_call *c, struct view name, struct group *group_r, struct err *err)
{
	struct groups groups;

	if (groups_list(c->catalog, c->arena, &groups, err) < 0)
		return -1;
	for (size_t i = 0; i < groups.n; i++)
		if (groups.v[i].source == PERSON_OWN && view_eq(groups.v[i].name, name)) {
			*group_r = groups.v[i];
			return 1;
		}
	return 0;
}

static struct texts texts_of(struct group_call *c, const struct option_list *list)
{
	struct texts texts = {0};

	for (size_t i = 0; i < list->n; i++)
		ARENA_PUSH(c->arena, texts, VIEW(list->v[i]));
	return texts;
}

/* Made, or changed: what is not given stays. */
static int put(struct group_call *c)
{
	const struct view name = VIEW(c->cmd->argv[1]);
	struct group group = {.source = PERSON_OWN, .uid = name, .name = name};
	struct err err = {0};

	if (find(c, name, &group, &err) < 0)
		return cmd_fail(c->cmd, &err);
	if (c->members->n > 0)
		group.members = texts_of(c, c->members);
	if (c->addresses->n > 0)
		group.addresses = texts_of(c, c->addresses);
	if (groups_put(c->catalog, &group, &err) < 0)
		return cmd_fail(c->cmd, &err);
	cmd_audit_line(c->a, AUDIT_PERSON, c->cmd->argv[1], "group");
	return EXIT_DONE;
}

static int drop(struct group_call *c)
{
	struct group group;
	struct err err = {0};
	int rc = find(c, VIEW(c->cmd->argv[1]), &group, &err);

	if (rc == 0)
		err_set(&err, ERR_NOTFOUND, "there is no group %s of the archive's own",
			c->cmd->argv[1]);
	if (rc <= 0 || groups_remove(c->catalog, group.group, &err) < 0)
		return cmd_fail(c->cmd, &err);
	cmd_audit_line(c->a, AUDIT_PERSON, c->cmd->argv[1], "group removed");
	return EXIT_DONE;
}

int cmd_group(struct cmd *cmd)
{
	CLEAN(archive) a = NULL;
	CLEAN(arena) arena = arena_new();
	CLEAN_OPTIONS members = {0};
	CLEAN_OPTIONS addresses = {0};
	struct group_call c = {
		.cmd = cmd, .arena = arena, .members = &members, .addresses = &addresses};
	const struct option_row rows[] = {
		{"member", OPTION_LIST, &members}, {"address", OPTION_LIST, &addresses}, {0}};
	const char *what;

	if (cmd_options(cmd, rows) < 0)
		return EXIT_USAGE;
	what = cmd->argc > 0 ? cmd->argv[0] : "";
	if (cmd_open(cmd, &a) < 0)
		return EXIT_FAILED;
	c.a = a;
	c.catalog = archive_catalog(a);
	if (strcmp(what, "list") == 0 && cmd->argc == 1)
		return list(&c);
	if (strcmp(what, "set") == 0 && cmd->argc == 2)
		return cmd_permits_settings(cmd, a) == EXIT_DONE ? put(&c) : EXIT_FAILED;
	if (strcmp(what, "remove") == 0 && cmd->argc == 2)
		return drop(&c);
	return cmd_usage(cmd, "say list, set NAME or remove NAME");
}
