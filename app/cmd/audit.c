/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/catalog/audit.h"

#include "app/cmd/cmd.h"
#include "base/clock.h"

#include <stdlib.h>

static int print_json(const struct audit_line *line)
{
	CLEAN_STR out = STR_INIT;

	str_addf(&out, "{\"line\": %llu, \"time\": \"", (unsigned long long)line->line);
	clock_add_utc(&out, line->time_ms / 1000);
	str_adds(&out, "\", \"who\": ");
	cmd_json_text(&out, line->who);
	str_adds(&out, ", \"what\": ");
	cmd_json_text(&out, line->what);
	str_adds(&out, ", \"subject\": ");
	cmd_json_text(&out, line->subject);
	str_adds(&out, ", \"detail\": ");
	cmd_json_text(&out, line->detail);
	str_adds(&out, ", \"hash\": \"");
	str_addhex(&out, line->hash.b, HASH_BYTES);
	str_adds(&out, "\"}\n");
	return cmd_print(&out);
}

static void add_column(struct str *out, struct view text)
{
	if (text.len == 0)
		return;
	str_adds(out, "  ");
	str_addsafe(out, text, false);
}

static int print_line(void *arg, const struct audit_line *line, struct err *err)
{
	const struct cmd *cmd = arg;
	CLEAN_STR out = STR_INIT;

	if (cmd->json)
		return print_json(line) < 0 ? err_errno(err, "standard output: %m") : 0;
	str_addf(&out, "%6llu  ", (unsigned long long)line->line);
	clock_add_utc(&out, line->time_ms / 1000);
	add_column(&out, line->who);
	add_column(&out, line->what);
	add_column(&out, line->subject);
	add_column(&out, line->detail);
	str_addc(&out, '\n');
	return cmd_print(&out) < 0 ? err_errno(err, "standard output: %m") : 0;
}

static int list(struct cmd *cmd, struct archive *a, uint64_t last)
{
	struct err err = {0};
	struct hash hash;
	uint64_t head;

	if (audit_head(archive_catalog(a), &head, &hash, &err) < 0 ||
	    audit_each(archive_catalog(a), last > 0 && last < head ? head - last : 0, print_line,
		       cmd, &err) < 0)
		return cmd_fail(cmd, &err);
	return EXIT_DONE;
}

static int verify(struct cmd *cmd, struct archive *a)
{
	struct err err = {0};
	uint64_t lines;

	if (audit_verify(archive_catalog(a), &lines, &err) < 0)
		return cmd_fail_meaning(cmd, &err,
					"The mails are not touched by it; but who read or changed "
					"what is not proved by this log any more. A backup of the "
					"catalog may have the lines as they were written.");
	if (cmd->json)
		printf("{\"lines\": %llu}\n", (unsigned long long)lines);
	else
		printf("%llu line%s, each as it was written. That none is missing at the end is "
		       "proved by \"sealpost timestamp verify --all\".\n",
		       (unsigned long long)lines, cmd_plural(lines));
	return EXIT_DONE;
}

int cmd_audit(struct cmd *cmd)
{
	uint64_t last = 0;
	const struct option_row rows[] = {{"last", OPTION_NUMBER, &last}, {0}};
	CLEAN(archive) a = NULL;

	if (cmd_options(cmd, rows) < 0)
		return EXIT_USAGE;
	if (cmd->argc != 1 ||
	    (strcmp(cmd->argv[0], "list") != 0 && strcmp(cmd->argv[0], "verify") != 0))
		return cmd_usage(cmd, "say audit list, or audit verify");
	if (cmd_open(cmd, &a) < 0)
		return EXIT_FAILED;
	return strcmp(cmd->argv[0], "list") == 0 ? list(cmd, a, last) : verify(cmd, a);
}
