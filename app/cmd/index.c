/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/archive/catch_up.h"
#include "app/archive/status.h"
#include "app/cmd/cmd.h"

/* What is known anew of mails that the index has. */
static int update_notes(struct cmd *cmd)
{
	CLEAN(archive) a = NULL;
	struct err err = {0};
	uint64_t done;

	if (cmd_open(cmd, &a) < 0)
		return EXIT_FAILED;
	if (index_catch_up_known(a, &done, &err) < 0)
		return cmd_fail(cmd, &err);
	printf(cmd->json ? "{\"updated\": %llu}\n" : "Index entries written anew: %llu\n",
	       (unsigned long long)done);
	return EXIT_DONE;
}

int cmd_index(struct cmd *cmd)
{
	const struct option_row rows[] = {{0}};
	CLEAN(archive) a = NULL;
	struct err err = {0};
	CLEAN(arena) arena = arena_new();
	struct archive_status status;
	bool anew;
	int rc;

	if (cmd_options(cmd, rows) < 0)
		return EXIT_USAGE;
	anew = cmd->argc == 1 && strcmp(cmd->argv[0], "rebuild") == 0;
	if (cmd->argc == 1 && strcmp(cmd->argv[0], "notes") == 0)
		return update_notes(cmd);
	if (!anew && (cmd->argc != 1 || strcmp(cmd->argv[0], "update") != 0))
		return cmd_usage(cmd, "say index update, index notes or index rebuild");
	/* first it is opened: a newer archive keeps its index */
	if (cmd_open(cmd, &a) < 0)
		return EXIT_FAILED;
	if (anew && archive_remove_index(cmd->archive_dir, &err) < 0)
		return cmd_fail(cmd, &err);
	rc = index_catch_up(a, NULL, &err);
	if (rc < 0 || archive_status(a, arena, &status, &err) < 0)
		return cmd_fail(cmd, &err);
	printf(cmd->json ? "{\"indexed\": %llu}\n" : "Mails in the index: %llu\n",
	       (unsigned long long)status.indexed);
	return EXIT_DONE;
}
