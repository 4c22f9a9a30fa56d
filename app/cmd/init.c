/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/cmd/cmd.h"

static int print_json(const struct cmd *cmd)
{
	CLEAN_STR line = STR_INIT;

	str_adds(&line, "{\"archive_dir\": ");
	cmd_json_text(&line, VIEW(cmd->archive_dir));
	str_adds(&line, "}\n");
	return cmd_print(&line) == 0 ? EXIT_DONE : EXIT_FAILED;
}

static int open_wizard(const struct cmd *cmd, struct err *err)
{
	CLEAN(archive) a = NULL;

	if (archive_open(cmd->archive_dir, &a, err) < 0)
		return -1;
	return setting_set(archive_catalog(a), "setup_open", VIEW("yes"), err);
}

int cmd_init(struct cmd *cmd)
{
	const char *medium = NULL, *name = "Sealpost archive";
	bool wizard = false; /* it goes on in the browser */
	const struct option_row rows[] = {{"medium", OPTION_TEXT, &medium},
					  {"name", OPTION_TEXT, &name},
					  {"wizard", OPTION_FLAG, &wizard},
					  {0}};
	struct err err = {0};

	if (cmd_options(cmd, rows) < 0)
		return EXIT_USAGE;
	if (cmd->argc != 0)
		return cmd_usage(cmd, "init takes no arguments");
	if (archive_init(cmd->archive_dir, name, medium, &err) < 0)
		return cmd_fail(cmd, &err);
	if (wizard && open_wizard(cmd, &err) < 0)
		return cmd_fail(cmd, &err);
	if (cmd->json)
		return print_json(cmd);
	printf("The archive %s is ready.\n"
	       "Back up its key now: without key and backup all its mail is lost for ever.\n"
	       "  sealpost --archive %s key export --password-prompt > key.txt\n"
	       "Medium 1 is on a local disk, which is for trials only.\n",
	       cmd->archive_dir, cmd->archive_dir);
	return EXIT_DONE;
}
