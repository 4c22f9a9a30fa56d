/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/catalog/days.h"
#include "app/cmd/cmd.h"
#include "app/watch/statistics.h"
#include "base/clock.h"

enum { SHOW_DAYS = 14, DAYS_MAX = 36600 };

static int update(const struct cmd *cmd, struct archive *a, struct err *err)
{
	struct statistics_report r;
	char bytes[32];

	if (statistics_update(a, clock_s(), &r, err) < 0)
		return -1;
	if (cmd->json)
		printf("{\"days\": %llu, \"mails\": %llu, \"bytes\": %llu}\n",
		       (unsigned long long)r.days, (unsigned long long)r.mails,
		       (unsigned long long)r.bytes);
	else
		printf("%llu day%s counted; yesterday %llu mail%s, %s\n",
		       (unsigned long long)r.days, cmd_plural(r.days), (unsigned long long)r.mails,
		       cmd_plural(r.mails), cmd_bytes(r.bytes, bytes));
	return 0;
}

/* Rows and totals, both in order of days, side by side. */
struct showing {
	const struct cmd *cmd;
	const struct day_total *totals;
	size_t n_totals, at;
	struct str out;
};

static void add_date(struct str *out, int64_t day)
{
	clock_add_utc(out, day * 86400);
	out->len -= sizeof("T00:00:00Z") - 1;
	out->data[out->len] = '\0';
}

static struct day_total total_of(struct showing *s, int64_t day)
{
	while (s->at < s->n_totals && s->totals[s->at].day < day)
		s->at++;
	if (s->at < s->n_totals && s->totals[s->at].day == day)
		return s->totals[s->at];
	return (struct day_total){.day = day};
}

static void row_json(struct showing *s, const struct day_row *row, struct view source_name)
{
	const struct day_total total = total_of(s, row->day);

	str_adds(&s->out, "{\"day\": \"");
	add_date(&s->out, row->day);
	str_adds(&s->out, "\", \"source\": ");
	if (row->source == 0)
		str_adds(&s->out, "null");
	else
		cmd_json_text(&s->out, source_name);
	str_addf(&s->out,
		 ", \"mails\": %llu, \"bytes\": %llu, \"duplicates\": %llu, \"spam\": %llu",
		 (unsigned long long)row->mails, (unsigned long long)row->bytes,
		 (unsigned long long)row->duplicates, (unsigned long long)row->spam);
	if (row->source == 0)
		str_addf(&s->out, ", \"stored_bytes\": %llu, \"searches\": %llu",
			 (unsigned long long)total.stored_bytes,
			 (unsigned long long)total.searches);
	str_adds(&s->out, "}\n");
}

static void row_text(struct showing *s, const struct day_row *row, struct view source_name)
{
	const struct day_total total = total_of(s, row->day);
	char bytes[32], stored[32] = "";

	if (row->source == 0)
		add_date(&s->out, row->day);
	else
		str_adds(&s->out, "          ");
	str_addf(&s->out, "  %8llu  %10s  %10llu  %8llu", (unsigned long long)row->mails,
		 cmd_bytes(row->bytes, bytes), (unsigned long long)row->duplicates,
		 (unsigned long long)row->spam);
	if (row->source != 0) {
		str_adds(&s->out, "                        ");
		str_addsafe(&s->out, source_name, false);
	} else {
		if (total.stored_bytes > 0)
			cmd_bytes(total.stored_bytes, stored);
		str_addf(&s->out, "  %10s  %8llu", stored, (unsigned long long)total.searches);
	}
	str_addc(&s->out, '\n');
}

static int show_row(void *arg, const struct day_row *row, struct view source_name, struct err *err)
{
	struct showing *s = arg;

	(void)err;
	(s->cmd->json ? row_json : row_text)(s, row, source_name);
	return 0;
}

static int show(const struct cmd *cmd, struct archive *a, uint64_t days, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	struct catalog *catalog = archive_catalog(a);
	const int64_t today = day_of(clock_s()), from = today - (int64_t)days + 1;
	struct showing s = {.cmd = cmd, .out = STR_INIT};
	struct day_total *totals;
	int rc;

	if (days_totals(catalog, arena, from, today, &totals, &s.n_totals, err) < 0)
		return -1;
	s.totals = totals;
	if (!cmd->json)
		str_adds(&s.out, "day            mails       bytes  duplicates      spam      "
				 "stored  searches  source\n");
	rc = days_each(catalog, from, today, show_row, &s, err);
	if (rc == 0 && cmd_print(&s.out) < 0)
		rc = err_errno(err, "standard output: %m");
	str_clear(&s.out);
	return rc;
}

int cmd_statistics(struct cmd *cmd)
{
	CLEAN(archive) a = NULL;
	uint64_t days = SHOW_DAYS;
	const struct option_row rows[] = {{"days", OPTION_NUMBER, &days}, {0}};
	struct err err = {0};
	bool updates;
	int rc;

	if (cmd_options(cmd, rows) < 0)
		return EXIT_USAGE;
	if (cmd->argc != 1 ||
	    (strcmp(cmd->argv[0], "update") != 0 && strcmp(cmd->argv[0], "show") != 0))
		return cmd_usage(cmd, "say update or show");
	if (days == 0 || days > DAYS_MAX)
		return cmd_usage(cmd, "--days takes 1 to %d", DAYS_MAX);
	updates = strcmp(cmd->argv[0], "update") == 0;
	if (cmd_open(cmd, &a) < 0)
		return EXIT_FAILED;
	rc = updates ? update(cmd, a, &err) : show(cmd, a, days, &err);
	return rc < 0 ? cmd_fail(cmd, &err) : EXIT_DONE;
}
