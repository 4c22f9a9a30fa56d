/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/archive/export.h"

#include "app/cmd/cmd.h"
#include "base/clock.h"

#include <unistd.h>

struct printing {
	bool bar;
	int64_t drawn_ms;
};

static void print_failed(void *arg, const struct uuid *id, const struct err *err)
{
	char text[UUID_TEXT + 1];

	(void)arg;
	fprintf(stderr, "not exported: %s: %s\n", uuid_text(id, text), err->text);
}

static void print_progress(void *arg, const struct export_report *report)
{
	struct printing *p = arg;
	int64_t now_ms = clock_monotonic_ms();

	if (!p->bar || now_ms - p->drawn_ms < 200)
		return;
	p->drawn_ms = now_ms;
	fprintf(stderr, "\r\033[K%llu mails", (unsigned long long)report->mails);
}

static int parse_format(const char *text, enum export_format *format_r)
{
	static const char *const names[] = {"eml", "mbox", "zip"};

	for (size_t i = 0; i < 3; i++)
		if (text != NULL && strcmp(text, names[i]) == 0) {
			*format_r = (enum export_format)i;
			return 0;
		}
	return -1;
}

static void note_export(struct archive *a, uint64_t mails, const char *query)
{
	char count[32];

	snprintf(count, sizeof(count), "%llu", (unsigned long long)mails);
	cmd_audit_line(a, AUDIT_EXPORTED, query, count);
}

int cmd_export(struct cmd *cmd)
{
	CLEAN(archive) a = NULL;
	CLEAN_STR query = STR_INIT;
	const char *format_name = "eml", *to = NULL;
	bool all = false;
	const struct option_row rows[] = {{"format", OPTION_TEXT, &format_name},
					  {"to", OPTION_TEXT, &to},
					  {"all", OPTION_FLAG, &all},
					  {0}};
	struct printing p = {.bar = isatty(STDERR_FILENO) && !cmd->json};
	struct export_watch watch = {&p, print_failed, print_progress};
	struct export_report report = {0};
	struct scope scope = SCOPE_ALL;
	enum export_format format;
	struct err err = {0};
	char bytes[32];
	int rc;

	if (cmd_options(cmd, rows) < 0)
		return EXIT_USAGE;
	if (to == NULL || parse_format(format_name, &format) < 0 || all != (cmd->argc == 0))
		return cmd_usage(cmd, "give a query or --all, a format, and where --to");
	for (int i = 0; i < cmd->argc; i++)
		str_addf(&query, "%s%s", i ? " " : "", cmd->argv[i]);
	if (cmd_open(cmd, &a) < 0)
		return EXIT_FAILED;
	rc = export_mails(a, all ? (struct view){NULL, 0} : str_view(&query), &scope, format, to,
			  &watch, &report, &err);
	if (p.bar)
		fputs("\r\033[K", stderr);
	if (rc < 0)
		return cmd_fail(cmd, &err);
	note_export(a, report.mails, all ? "all mails" : query.data);
	if (cmd->json)
		printf("{\"mails\": %llu, \"bytes\": %llu, \"failed\": %llu}\n",
		       (unsigned long long)report.mails, (unsigned long long)report.bytes,
		       (unsigned long long)report.failed);
	else
		printf("%llu mail%s (%s) exported to %s; check there with: "
		       "sha256sum -c SHA256SUMS\n",
		       (unsigned long long)report.mails, cmd_plural(report.mails),
		       cmd_bytes(report.bytes, bytes), to);
	return report.failed > 0 ? EXIT_REFUSED : EXIT_DONE;
}
