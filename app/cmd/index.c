/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/archive/catch_up.h"
#include "app/cmd/cmd.h"

int cmd_index(struct cmd *cmd)
{
	const struct option_row rows[] = {{0}};
	CLEAN(archive) a = NULL;
	struct err err = {0};
	uint64_t mails = 0;
	bool anew;
	int rc;

	if (cmd_options(cmd, rows) < 0)
		return EXIT_USAGE;
	anew = cmd->argc == 1 && strcmp(cmd->argv[0], "rebuild") == 0;
	if (!anew && (cmd->argc != 1 || strcmp(cmd->argv[0], "update") != 0))
		return cmd_usage(cmd, "say index update or index rebuild");
	if (anew && archive_remove_index(cmd->archive_dir, &err) < 0)
		return cmd_fail(cmd, &err);
	if (cmd_open(cmd, &a) < 0)
		return EXIT_FAILED;
	rc = index_catch_up(a, NULL, &err);
	if (rc < 0 || index_count(archive_index(a), &mails, &err) < 0)
		return cmd_fail(cmd, &err);
	printf(cmd->json ? "{\"indexed\": %llu}\n" : "Mails in the index: %llu\n",
	       (unsigned long long)mails);
	return EXIT_DONE;
}
