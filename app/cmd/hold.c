/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/archive/deletion.h"
#include "app/archive/find.h"
#include "app/cmd/cmd.h"

static void add_row(struct str *out, const struct hold_row *row, bool json)
{
	if (json) {
		str_addf(out, "{\"hold\": %llu, \"mails\": %llu", (unsigned long long)row->hold,
			 (unsigned long long)row->mails);
		cmd_json_time(out, "made", row->made_s);
		cmd_json_time(out, "lifted", row->lifted_s);
		str_adds(out, ", \"by\": ");
		cmd_json_text(out, VIEW(row->who));
		str_adds(out, ", \"reason\": ");
		cmd_json_text(out, VIEW(row->reason));
		str_adds(out, "}\n");
		return;
	}
	str_addf(out, "%llu  %llu mails, set by ", (unsigned long long)row->hold,
		 (unsigned long long)row->mails);
	str_addsafe(out, VIEW(row->who), false);
	cmd_add_when(out, row->made_s);
	str_addsafe(out, VIEW(row->reason), false);
	if (row->lifted_s != 0) {
		str_adds(out, "\n    lifted by ");
		str_addsafe(out, VIEW(row->lifter), false);
		cmd_add_when(out, row->lifted_s);
		str_addsafe(out, VIEW(row->why), false);
	}
	str_addc(out, '\n');
}

static int list(struct cmd *cmd, struct archive *a)
{
	CLEAN(arena) arena = arena_new();
	CLEAN_STR out = STR_INIT;
	struct hold_rows rows;
	struct err err = {0};

	if (holds_list(archive_catalog(a), arena, &rows, &err) < 0)
		return cmd_fail(cmd, &err);
	for (size_t i = 0; i < rows.n; i++)
		add_row(&out, &rows.v[i], cmd->json);
	if (rows.n == 0 && !cmd->json)
		str_adds(&out, "There is no hold.\n");
	return cmd_print(&out) < 0 ? EXIT_FAILED : EXIT_DONE;
}

struct found {
	struct arena *arena;
	struct numbers mails;
};

static int add_mail(void *arg, const struct mail_row *row, struct err *err)
{
	struct found *found = arg;

	(void)err;
	ARENA_PUSH(found->arena, found->mails, row->mail);
	return 0;
}

static int set(struct cmd *cmd, struct archive *a, const char *reason)
{
	CLEAN(arena) arena = arena_new();
	struct found found = {.arena = arena};
	const struct scope all = SCOPE_ALL;
	struct err err = {0};
	uint64_t hold;

	if (find_mails(a, VIEW(cmd->argv[1]), &all, 0, UINT64_MAX / 2, add_mail, &found, &err) <
		    0 ||
	    hold_set(a, &found.mails, VIEW(reason), &hold, &err) < 0)
		return cmd_fail(cmd, &err);
	printf("Hold %llu keeps %zu mails: nobody can delete them until it is lifted.\n",
	       (unsigned long long)hold, found.mails.n);
	return EXIT_DONE;
}

static int lift(struct cmd *cmd, struct archive *a, const char *reason)
{
	struct err err = {0};
	uint64_t hold;

	if (cmd_number(cmd, cmd->argv[1], "hold", &hold) < 0)
		return EXIT_USAGE;
	if (hold_lift(a, hold, VIEW(reason), &err) < 0)
		return cmd_fail(cmd, &err);
	printf("Hold %llu is lifted.\n", (unsigned long long)hold);
	return EXIT_DONE;
}

int cmd_hold(struct cmd *cmd)
{
	CLEAN(archive) a = NULL;
	const char *reason = "";
	const struct option_row rows[] = {{"reason", OPTION_TEXT, &reason}, {0}};
	const char *what;

	if (cmd_options(cmd, rows) < 0)
		return EXIT_USAGE;
	what = cmd->argc > 0 ? cmd->argv[0] : "";
	if (cmd_open(cmd, &a) < 0)
		return EXIT_FAILED;
	if (strcmp(what, "list") == 0 && cmd->argc == 1)
		return list(cmd, a);
	if (strcmp(what, "set") == 0 && cmd->argc == 2)
		return set(cmd, a, reason);
	if (strcmp(what, "lift") == 0 && cmd->argc == 2)
		return lift(cmd, a, reason);
	return cmd_usage(cmd, "say list, set QUERY or lift N");
}
