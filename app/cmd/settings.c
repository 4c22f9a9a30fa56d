/* SPDX-License-Identifier: GPL-3.0-or-later */
/* settings - the tables of settings, as docs/INTAKE.md and docs/ADMIN.md have them. */
#include "app/cmd/cmd.h"
#include "app/intake/milter/settings.h"
#include "app/intake/smtpd/settings.h"
#include "app/watch/alarms.h"
#include "base/log_settings.h"
#include "scheduler/timetable.h"
#include "ui-backend/settings.h"

int cmd_settings(struct cmd *cmd)
{
	static const struct {
		const char *file;
		void (*table)(struct str *out);
	} files[] = {
		{"sealpost.conf", archive_settings_table},
		{"smtpd.conf", smtpd_settings_table},
		{"milter.conf", milter_settings_table},
		{"timetable.conf", timetable_settings_table},
		{"alarms.conf", alarm_settings_table},
		{"log.conf", log_settings_table},
		{"api.conf", api_settings_table},
	};
	const struct option_row rows[] = {{0}};
	CLEAN_STR out = STR_INIT;

	if (cmd_options(cmd, rows) < 0)
		return EXIT_USAGE;
	if (cmd->argc != 0)
		return cmd_usage(cmd, "it takes no arguments");
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		str_addf(&out, "%s%s\n\n", i > 0 ? "\n" : "", files[i].file);
		files[i].table(&out);
	}
	return cmd_print(&out) == 0 ? EXIT_DONE : EXIT_FAILED;
}
