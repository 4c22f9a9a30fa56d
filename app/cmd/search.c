/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/archive/catch_up.h"
#include "app/archive/find.h"
#include "app/catalog/days.h"
#include "app/cmd/cmd.h"
#include "app/mail/mail.h"
#include "base/clock.h"
#include "base/log.h"

#include <unistd.h>

struct printing {
	const struct cmd *cmd;
	struct archive *a;
	struct str line;
	uint64_t mails;
};

static void add_marks(struct str *line, unsigned marks)
{
	static const struct {
		unsigned mark;
		const char *name;
	} names[] = {
		{MARK_ATTACHMENT, "attachment"}, {MARK_SPAM, "spam"}, {MARK_FLAGGED, "flagged"}};
	const char *sep = "";

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if ((marks & names[i].mark) == 0)
			continue;
		str_addf(line, "%s\"%s\"", sep, names[i].name);
		sep = ", ";
	}
}

static int print_json(struct printing *p, const struct mail_row *row, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	struct str *line = &p->line;
	struct addresses to;

	if (recipients_in_role(archive_catalog(p->a), arena, row->mail, ROLE_TO, &to, err) < 0)
		return -1;
	str_adds(line, "{\"id\": \"");
	uuid_add(line, &row->id);
	str_adds(line, "\", \"sent\": \"");
	clock_add_utc(line, row->sent_s);
	str_adds(line, "\", \"archived\": \"");
	clock_add_utc(line, uuid_ms(&row->id) / 1000);
	str_adds(line, "\", \"from\": ");
	cmd_json_text(line, row->sender);
	str_adds(line, ", \"to\": ");
	cmd_json_list(line, to.v, to.n);
	str_adds(line, ", \"subject\": ");
	cmd_json_text(line, row->subject);
	str_addf(line, ", \"size\": %llu, \"attachments\": %u, \"marks\": [",
		 (unsigned long long)row->size, row->attachments);
	add_marks(line, row->marks);
	str_adds(line, "]}\n");
	return 0;
}

static void print_text(struct printing *p, const struct mail_row *row)
{
	struct str *line = &p->line;

	uuid_add(line, &row->id);
	str_adds(line, "  ");
	clock_add_utc(line, row->sent_s);
	line->len -= 10; /* the day is enough for a list */
	str_adds(line, "  ");
	str_addsafe(line, row->sender, false);
	str_adds(line, "  ");
	str_addsafe(line, row->subject, false);
	if (row->attachments > 0)
		str_addf(line, "  [%u]", row->attachments);
	str_addc(line, '\n');
}

static int print_mail(void *arg, const struct mail_row *row, struct err *err)
{
	struct printing *p = arg;

	p->mails++;
	str_reset(&p->line);
	if (!p->cmd->json)
		print_text(p, row);
	else if (print_json(p, row, err) < 0)
		return -1;
	return cmd_print(&p->line) == 0 ? 0 : err_errno(err, "standard output: %m");
}

/* A query may come as several words of the shell; they are one query. */
static void join_words(const struct cmd *cmd, struct str *query)
{
	for (int i = 0; i < cmd->argc; i++) {
		if (i > 0)
			str_addc(query, ' ');
		str_adds(query, cmd->argv[i]);
	}
}

static int print_count(struct cmd *cmd, struct archive *a, struct view query, struct err *err)
{
	struct scope scope = SCOPE_ALL;
	uint64_t n;

	if (find_count(a, query, &scope, &n, err) < 0)
		return -1;
	printf(cmd->json ? "{\"count\": %llu}\n" : "%llu\n", (unsigned long long)n);
	return 0;
}

/* What is not in the index yet is not found, and nobody would know. */
static void tell_of_index(struct archive *a)
{
	struct err err = {0};

	if (index_building(a, &err) > 0)
		fputs("The search index is being made anew, and not every mail is found yet. None "
		      "is "
		      "lost; \"sealpost index update\" brings in what is missing.\n",
		      stderr);
}

/* For the statistics. The answer is out by then, and no search fails for it. */
static void count_search(struct archive *a)
{
	struct err err = {0};

	fflush(stdout);
	if (days_add_search(archive_catalog(a), day_of(clock_s()), &err) < 0)
		log_info("search not counted: %s", err.text);
}

int cmd_search(struct cmd *cmd)
{
	CLEAN(archive) a = NULL;
	CLEAN_STR query = STR_INIT;
	struct scope scope = SCOPE_ALL;
	uint64_t limit = 50, offset = 0;
	bool count = false;
	const struct option_row rows[] = {{"limit", OPTION_NUMBER, &limit},
					  {"offset", OPTION_NUMBER, &offset},
					  {"count", OPTION_FLAG, &count},
					  {0}};
	struct printing p = {.cmd = cmd, .line = STR_INIT};
	struct err err = {0};
	int rc;

	if (cmd_options(cmd, rows) < 0)
		return EXIT_USAGE;
	join_words(cmd, &query);
	if (cmd_open(cmd, &a) < 0)
		return EXIT_FAILED;
	p.a = a;
	rc = count ? print_count(cmd, a, str_view(&query), &err)
		   : find_mails(a, str_view(&query), &scope, offset, limit, print_mail, &p, &err);
	str_clear(&p.line);
	if (rc < 0)
		return cmd_fail(cmd, &err);
	if (!count && p.mails == 0 && isatty(STDERR_FILENO))
		fputs("No mail matches.\n", stderr);
	tell_of_index(a);
	count_search(a);
	return EXIT_DONE;
}
