/* SPDX-License-Identifier: GPL-3.0-or-later */
/* log - how much each daemon logs, while it runs. */
#include "app/cmd/cmd.h"
#include "base/log.h"

static int list(const struct cmd *cmd, const struct log_settings *settings)
{
	CLEAN_STR out = STR_INIT;

	for (enum log_who who = 0; who < LOG_WHO_COUNT; who++) {
		const char *name = log_who_text(who), *level = log_level_text(settings->level[who]);

		if (cmd->json)
			str_addf(&out, "{\"daemon\": \"%s\", \"level\": \"%s\"}\n", name, level);
		else
			str_addf(&out, "%-10s %s\n", name, level);
	}
	return cmd_print(&out) < 0 ? EXIT_FAILED : EXIT_DONE;
}

static int set(const struct cmd *cmd, const char *path, const char *name, const char *word)
{
	bool all = strcmp(name, "all") == 0;
	struct log_settings settings;
	struct err err = {0};
	enum log_who who;
	int level = log_level_read(word);

	if (level < 0)
		return cmd_usage(cmd, "a level is started, error, warning, info or debug");
	if (!all && log_who_read(name, &who) < 0)
		return cmd_usage(cmd, "there is no \"%s\"; \"log list\" names them all", name);
	if (log_settings_read(path, &settings, &err) < 0)
		return cmd_fail(cmd, &err);
	for (enum log_who i = 0; i < LOG_WHO_COUNT; i++)
		if (all || i == who)
			settings.level[i] = level;
	if (log_settings_write(path, &settings, &err) < 0)
		return cmd_fail(cmd, &err);
	return EXIT_DONE;
}

int cmd_log(struct cmd *cmd)
{
	const struct option_row rows[] = {{0}};
	struct log_settings settings;
	CLEAN_STR path = STR_INIT;
	struct err err = {0};

	if (cmd_options(cmd, rows) < 0)
		return EXIT_USAGE;
	log_settings_path(cmd->archive_dir, &path);
	if (cmd->argc == 3 && strcmp(cmd->argv[0], "level") == 0)
		return set(cmd, path.data, cmd->argv[1], cmd->argv[2]);
	if (cmd->argc != 1 || strcmp(cmd->argv[0], "list") != 0)
		return cmd_usage(cmd, "say what to do");
	if (log_settings_read(path.data, &settings, &err) < 0)
		return cmd_fail(cmd, &err);
	return list(cmd, &settings);
}
