/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/archive/deletion.h"
#include "app/catalog/people.h"
#include "app/cmd/cmd.h"

/* The command line is nobody's: it may decide whatever a person asked for, and what it asked for itself waits for a person. */
enum { NOBODY = 0, LIST_MAX = 1000 };

static const char *state_text(const struct request_row *row)
{
	static const char *const texts[] = {"open", "rejected", "approved"};

	return row->carried_out ? "carried out" : texts[row->state];
}

static void add_row(struct str *out, const struct request_row *row, bool json)
{
	if (json) {
		str_addf(out, "{\"request\": %llu, \"state\": \"%s\"",
			 (unsigned long long)row->request, state_text(row));
		cmd_json_time(out, "made", row->made_s);
		cmd_json_time(out, "decided", row->decided_s);
		str_adds(out, ", \"by\": ");
		cmd_json_text(out, VIEW(row->who));
		str_addf(out, ", \"mails\": %llu, \"reason\": ", (unsigned long long)row->mails);
		cmd_json_text(out, VIEW(row->reason));
		str_adds(out, ", \"decidedBy\": ");
		cmd_json_text(out, VIEW(row->decider));
		str_adds(out, ", \"decision\": ");
		cmd_json_text(out, VIEW(row->decision));
		str_adds(out, "}\n");
		return;
	}
	str_addf(out, "%llu  %s  %llu mails, asked for by ", (unsigned long long)row->request,
		 state_text(row), (unsigned long long)row->mails);
	str_addsafe(out, VIEW(row->who), false);
	cmd_add_when(out, row->made_s);
	str_addsafe(out, VIEW(row->reason), false);
	if (row->decided_s != 0) {
		str_adds(out, "\n    decided by ");
		str_addsafe(out, VIEW(row->decider), false);
		cmd_add_when(out, row->decided_s);
		str_addsafe(out, VIEW(row->decision), false);
	}
	str_addc(out, '\n');
}

static int list(struct cmd *cmd, struct archive *a, bool all)
{
	CLEAN(arena) arena = arena_new();
	CLEAN_STR out = STR_INIT;
	struct request_rows rows;
	struct err err = {0};

	if (requests_list(archive_catalog(a), arena, PERSON_ANY, !all, 0, LIST_MAX, &rows, &err) <
	    0)
		return cmd_fail(cmd, &err);
	for (size_t i = 0; i < rows.n; i++)
		add_row(&out, &rows.v[i], cmd->json);
	if (rows.n == 0 && !cmd->json)
		str_adds(&out, all ? "Nobody ever asked for mail to be deleted.\n"
				   : "No request waits for a decision.\n");
	return cmd_print(&out) < 0 ? EXIT_FAILED : EXIT_DONE;
}

static int decide(struct cmd *cmd, struct archive *a, bool grant, const char *reason)
{
	struct err err = {0};
	uint64_t request;

	if (cmd_number(cmd, cmd->argv[1], "request", &request) < 0)
		return EXIT_USAGE;
	if (deletion_decide(a, PERSON_ANY, request, grant, VIEW(reason), &err) < 0)
		return cmd_fail(cmd, &err);
	printf(grant ? "Request %llu is approved: its mails are gone for everybody, and are erased "
		       "in "
		       "the coming night.\n"
		     : "Request %llu is rejected: its mails stay.\n",
	       (unsigned long long)request);
	return EXIT_DONE;
}

static int add(struct cmd *cmd, struct archive *a, const char *reason)
{
	CLEAN(arena) arena = arena_new();
	struct numbers mails = {0};
	struct err err = {0};
	uint64_t request;

	for (int i = 1; i < cmd->argc; i++) {
		struct mail_row row;

		if (cmd_find_mail(cmd, a, arena, cmd->argv[i], &row) < 0)
			return EXIT_FAILED;
		ARENA_PUSH(arena, mails, row.mail);
	}
	if (deletion_request(a, NOBODY, &mails, VIEW(reason), &request, &err) < 0)
		return cmd_fail(cmd, &err);
	printf("Request %llu is made.\n", (unsigned long long)request);
	return EXIT_DONE;
}

static int mode(struct cmd *cmd, struct archive *a)
{
	enum deletion_mode mode;
	struct err err = {0};

	if (cmd->argc == 2 && deletion_mode_by_name(VIEW(cmd->argv[1]), &mode) < 0)
		return cmd_usage(cmd, "say off, on or approval");
	if (cmd->argc == 2 && cmd_permits_settings(cmd, a) != EXIT_DONE)
		return EXIT_FAILED;
	if (cmd->argc == 2 && deletion_mode_set(archive_catalog(a), mode, &err) < 0)
		return cmd_fail(cmd, &err);
	if (deletion_mode_get(archive_catalog(a), &mode, &err) < 0)
		return cmd_fail(cmd, &err);
	puts(deletion_mode_name(mode));
	return EXIT_DONE;
}

int cmd_request(struct cmd *cmd)
{
	CLEAN(archive) a = NULL;
	const char *reason = "";
	bool all = false;
	const struct option_row rows[] = {
		{"reason", OPTION_TEXT, &reason}, {"all", OPTION_FLAG, &all}, {0}};
	const char *what;

	if (cmd_options(cmd, rows) < 0)
		return EXIT_USAGE;
	what = cmd->argc > 0 ? cmd->argv[0] : "";
	if (cmd_open(cmd, &a) < 0)
		return EXIT_FAILED;
	if (strcmp(what, "list") == 0 && cmd->argc == 1)
		return list(cmd, a, all);
	if (strcmp(what, "add") == 0 && cmd->argc > 1)
		return add(cmd, a, reason);
	if (strcmp(what, "mode") == 0 && cmd->argc <= 2)
		return mode(cmd, a);
	if ((strcmp(what, "approve") == 0 || strcmp(what, "reject") == 0) && cmd->argc == 2)
		return decide(cmd, a, what[0] == 'a', reason);
	return cmd_usage(cmd, "say list, add ID..., approve N, reject N or mode");
}
