/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/archive/upgrade.h"

#include "app/cmd/cmd.h"

static void tell_step(void *arg, int step, int last)
{
	const struct cmd *cmd = arg;

	if (cmd->json)
		return;
	printf("Step %d of %d is done.\n", step, last);
	fflush(stdout);
}

static void tell_index(const struct upgrade_report *r)
{
	if (r->index_anew)
		puts("The search index is made anew, by the archive's timetable or by \"sealpost "
		     "index "
		     "update\"; until then searches find a part of the mail, and say so.");
}

static void tell(const struct upgrade_report *r, bool check)
{
	CLEAN_STR copy = STR_INIT;

	upgrade_copy_name(r, &copy);
	if (r->from == r->to) {
		printf("The archive is of this version (catalog %d); nothing is to be done.\n",
		       r->to);
	} else if (check) {
		printf("The catalog is to be brought from %d to %d.\n", r->from, r->to);
	} else {
		printf("The catalog was brought from %d to %d. As it was, it lies in %s beside "
		       "it.\n",
		       r->from, r->to, copy.data);
		tell_index(r);
	}
}

int cmd_upgrade(struct cmd *cmd)
{
	struct upgrade_report r;
	struct err err = {0};
	bool check = false;
	const struct option_row rows[] = {{"check", OPTION_FLAG, &check}, {0}};
	int rc;

	if (cmd_options(cmd, rows) < 0)
		return EXIT_USAGE;
	if (cmd->argc != 0)
		return cmd_usage(cmd, "upgrade takes no arguments");
	rc = check ? archive_upgrade_check(cmd->archive_dir, &r, &err)
		   : archive_upgrade(cmd->archive_dir, tell_step, cmd, &r, &err);
	if (rc < 0)
		return cmd_fail(cmd, &err);
	if (cmd->json)
		printf("{\"from\": %d, \"to\": %d, \"index_anew\": %s}\n", r.from, r.to,
		       r.index_anew ? "true" : "false");
	else
		tell(&r, check);
	return EXIT_DONE;
}
