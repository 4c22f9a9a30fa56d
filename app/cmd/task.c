/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/catalog/tasks.h"

#include "app/cmd/cmd.h"
#include "app/task/keep.h"
#include "base/clock.h"

static void add_json(struct str *out, const struct task_row *row)
{
	str_adds(out, "{\"task\": \"");
	uuid_add(out, &row->task);
	str_addf(out, "\", \"kind\": \"%s\", \"state\": \"%s\", \"done\": %llu, \"total\": %llu",
		 task_kind_name(row->kind), task_state_name(row->state),
		 (unsigned long long)row->done, (unsigned long long)row->total);
	cmd_json_time(out, "made", row->made_s);
	str_adds(out, ", \"who\": ");
	cmd_json_text(out, row->who);
	str_adds(out, "}\n");
}

static void add_text(struct str *out, const struct task_row *row)
{
	clock_add_utc(out, row->made_s);
	str_addf(out, "  %-16s %-8s %llu", task_kind_name(row->kind), task_state_name(row->state),
		 (unsigned long long)row->done);
	if (row->total > 0)
		str_addf(out, " of %llu", (unsigned long long)row->total);
	str_adds(out, "  ");
	str_addsafe(out, row->who, false);
	str_addc(out, '\n');
}

static int list(struct cmd *cmd, struct archive *a, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	CLEAN_STR out = STR_INIT;
	struct task_rows rows;

	if (task_bury(a, clock_s(), err) < 0 ||
	    tasks_list_live(archive_catalog(a), arena, &rows, err) < 0)
		return cmd_fail(cmd, err);
	for (size_t i = 0; i < rows.n; i++)
		(cmd->json ? add_json : add_text)(&out, &rows.v[i]);
	return cmd_print(&out) < 0 ? EXIT_FAILED : EXIT_DONE;
}

static int tidy(struct cmd *cmd, struct archive *a, struct err *err)
{
	uint64_t removed;

	if (task_tidy(a, clock_s(), &removed, err) < 0)
		return cmd_fail(cmd, err);
	printf(cmd->json ? "{\"removed\": %llu}\n" : "%llu results of tasks removed\n",
	       (unsigned long long)removed);
	return EXIT_DONE;
}

int cmd_task(struct cmd *cmd)
{
	CLEAN(archive) a = NULL;
	struct err err = {0};

	if (cmd_options(cmd, (const struct option_row[]){{0}}) < 0)
		return EXIT_USAGE;
	if (cmd->argc != 1 ||
	    (strcmp(cmd->argv[0], "list") != 0 && strcmp(cmd->argv[0], "tidy") != 0))
		return cmd_usage(cmd, "say list or tidy");
	if (cmd_open(cmd, &a) < 0)
		return EXIT_FAILED;
	return (strcmp(cmd->argv[0], "list") == 0 ? list : tidy)(cmd, a, &err);
}
