/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/archive/erase.h"
#include "app/catalog/audit.h"
#include "app/catalog/requests.h"
#include "app/cmd/cmd.h"

static void print_deleted(const struct cmd *cmd, const struct mail_row *row, uint64_t request)
{
	char id[UUID_TEXT + 1];

	if (cmd->json)
		printf("{\"deleted\": \"%s\", \"request\": %llu}\n", uuid_text(&row->id, id),
		       (unsigned long long)request);
	else
		printf("%s is deleted, by request %llu: nobody finds or reads it any more. "
		       "\"sealpost erase index\" and \"erase media\" erase it for good.\n",
		       uuid_text(&row->id, id), (unsigned long long)request);
}

/* One request for all mails of the call; it is made when the first of them is there. */
static int delete_one(struct archive *a, const struct mail_row *row, const char *reason,
		      uint64_t *request, struct err *err)
{
	CLEAN_STR who = STR_INIT;

	audit_add_who(&who);
	if (*request == 0 &&
	    requests_add(archive_catalog(a), str_view(&who), VIEW(reason), request, err) < 0)
		return -1;
	return delete_mail(a, row, *request, err);
}

int cmd_delete(struct cmd *cmd)
{
	const char *reason = "";
	const struct option_row rows[] = {{"reason", OPTION_TEXT, &reason}, {0}};
	CLEAN(archive) a = NULL;
	CLEAN(arena) arena = arena_new();
	uint64_t request = 0;
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

		if (cmd_find_mail(cmd, a, arena, cmd->argv[i], &row) < 0)
			status = EXIT_REFUSED;
		else if (delete_one(a, &row, reason, &request, &err) < 0)
			return cmd_fail(cmd, &err);
		else
			print_deleted(cmd, &row, request);
	}
	return status;
}
