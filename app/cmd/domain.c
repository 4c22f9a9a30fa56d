/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/catalog/people.h"
#include "app/cmd/cmd.h"

static int list(struct cmd *cmd, struct archive *a)
{
	CLEAN(arena) arena = arena_new();
	CLEAN_STR out = STR_INIT;
	struct texts domains;
	struct view main_domain;
	struct err err = {0};

	if (domains_get(archive_catalog(a), arena, &domains, &main_domain, &err) < 0)
		return cmd_fail(cmd, &err);
	for (size_t i = 0; i < domains.n; i++) {
		str_addsafe(&out, domains.v[i], false);
		str_adds(&out, view_eq(domains.v[i], main_domain) ? " (main)\n" : "\n");
	}
	if (domains.n == 0)
		str_adds(&out, "No domains count alike.\n");
	return cmd_print(&out) < 0 ? EXIT_FAILED : EXIT_DONE;
}

/* The first is the main one. */
static int set(struct cmd *cmd, struct archive *a)
{
	CLEAN(arena) arena = arena_new();
	struct texts domains = {0};
	struct err err = {0};

	if (cmd_permits_settings(cmd, a) != EXIT_DONE)
		return EXIT_FAILED;
	for (int i = 1; i < cmd->argc; i++)
		ARENA_PUSH(arena, domains, VIEW(cmd->argv[i]));
	if (domains_set(archive_catalog(a), &domains, domains.n > 0 ? domains.v[0] : VIEW(""),
			&err) < 0)
		return cmd_fail(cmd, &err);
	cmd_audit_line(a, AUDIT_SETTING, "domains", cmd->argc > 1 ? cmd->argv[1] : "none");
	return list(cmd, a);
}

int cmd_domain(struct cmd *cmd)
{
	CLEAN(archive) a = NULL;
	const struct option_row rows[] = {{0}};
	const char *what;

	if (cmd_options(cmd, rows) < 0)
		return EXIT_USAGE;
	what = cmd->argc > 0 ? cmd->argv[0] : "";
	if (cmd_open(cmd, &a) < 0)
		return EXIT_FAILED;
	if (strcmp(what, "list") == 0 && cmd->argc == 1)
		return list(cmd, a);
	if (strcmp(what, "set") == 0)
		return set(cmd, a);
	return cmd_usage(cmd, "say list, or set MAIN [ALIAS...]");
}
