/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/archive/erase.h"
#include "app/cmd/cmd.h"

int cmd_delete(struct cmd *cmd)
{
	const struct option_row rows[] = {{0}};
	CLEAN(archive) a = NULL;
	CLEAN(arena) arena = arena_new();
	int status = EXIT_DONE;

	if (cmd_options(cmd, rows) < 0)
		return EXIT_USAGE;
	if (cmd->argc == 0)
		return cmd_usage(cmd, "give the ids of the mails to delete");
	if (cmd_open(cmd, &a) < 0)
		return EXIT_FAILED;
	for (int i = 0; i < cmd->argc; i++) {
		struct mail_row row;
		struct err err = {0};
		char id[UUID_TEXT + 1];

		if (cmd_find_mail(cmd, a, arena, cmd->argv[i], &row) < 0) {
			status = EXIT_REFUSED;
		} else if (delete_mail(a, row.mail, &err) < 0) {
			return cmd_fail(cmd, &err);
		} else if (cmd->json) {
			printf("{\"deleted\": \"%s\"}\n", uuid_text(&row.id, id));
		} else {
			printf("%s is deleted: nobody finds or reads it any more. \"sealpost erase "
			       "index\" and \"erase media\" erase it for good.\n",
			       uuid_text(&row.id, id));
		}
	}
	return status;
}
