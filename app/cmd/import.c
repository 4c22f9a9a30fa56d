/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/intake/import/import.h"

#include "app/cmd/cmd.h"
#include "app/cmd/ship.h"
#include "base/clock.h"

#include <unistd.h>

struct printing {
	const struct cmd *cmd;
	bool bar; /* a progress bar on the terminal */
	int64_t begun_ms, drawn_ms;
};

static void print_json_item(const struct import_item *item)
{
	CLEAN_STR line = STR_INIT;
	char id[UUID_TEXT + 1];

	str_addf(&line, "{\"outcome\": \"%s\", \"place\": ", outcome_text(item->outcome));
	cmd_json_text(&line, VIEW(item->place));
	if (item->id != NULL)
		str_addf(&line, ", \"id\": \"%s\"", uuid_text(item->id, id));
	if (item->outcome == OUTCOME_FAILED)
		str_addf(&line, ", \"error\": \"%s\"", err_code(item->kind));
	if (item->outcome == OUTCOME_FAILED || item->outcome == OUTCOME_IGNORED) {
		str_adds(&line, ", \"reason\": ");
		cmd_json_text(&line, VIEW(item->reason));
	}
	str_adds(&line, "}\n");
	cmd_print(&line);
}

static void print_item(void *arg, const struct import_item *item)
{
	struct printing *p = arg;
	CLEAN_STR text = STR_INIT;

	if (p->cmd->json) {
		print_json_item(item);
		return;
	}
	if (item->outcome != OUTCOME_FAILED)
		return;
	str_addsafe(&text, VIEW(item->place), false);
	str_adds(&text, ": ");
	str_addsafe(&text, VIEW(item->reason), false);
	fprintf(stderr, "%snot taken in: %s\n", p->bar ? "\r\033[K" : "", text.data);
}

static void print_progress(void *arg, const struct import_report *report, uint64_t done,
			   uint64_t total)
{
	struct printing *p = arg;
	int64_t now_ms = clock_monotonic_ms();
	double s = (double)(now_ms - p->begun_ms) / 1000;
	double share = total ? (double)done / (double)total : 1;

	if (!p->bar || now_ms - p->drawn_ms < 100)
		return;
	p->drawn_ms = now_ms;
	fprintf(stderr, "\r\033[K%llu mails, %.0f a second, %.0f %% done",
		(unsigned long long)report->read, s > 0 ? (double)report->read / s : 0,
		100 * (share > 1 ? 1 : share));
	if (share > 0.01 && s > 1)
		fprintf(stderr, ", %.0f s left", s / share - s);
}

static void print_report(const struct printing *p, const struct import_report *r, bool dry_run)
{
	char bytes[32];

	if (p->cmd->json) {
		printf("{\"read\": %llu, \"archived\": %llu, \"duplicate\": %llu, \"ignored\": "
		       "%llu, "
		       "\"failed\": %llu}\n",
		       (unsigned long long)r->read, (unsigned long long)r->archived,
		       (unsigned long long)r->duplicate, (unsigned long long)r->ignored,
		       (unsigned long long)r->failed);
		return;
	}
	printf("%llu read: %llu %s (%s), %llu duplicate, %llu ignored, %llu failed\n",
	       (unsigned long long)r->read, (unsigned long long)r->archived,
	       dry_run ? "would be archived" : "archived", cmd_bytes(r->bytes, bytes),
	       (unsigned long long)r->duplicate, (unsigned long long)r->ignored,
	       (unsigned long long)r->failed);
}

static int parse(struct cmd *cmd, struct import_options *o)
{
	const char *since = NULL, *until = NULL;
	uint64_t jobs = 0;
	const struct option_row rows[] = {
		{"source", OPTION_TEXT, &o->source}, {"dry-run", OPTION_FLAG, &o->dry_run},
		{"since", OPTION_TEXT, &since},      {"until", OPTION_TEXT, &until},
		{"jobs", OPTION_NUMBER, &jobs},      {0}};

	if (cmd_options(cmd, rows) < 0)
		return -1;
	o->has_since = since != NULL;
	o->has_until = until != NULL;
	o->jobs = jobs > 64 ? 64 : (unsigned)jobs;
	if ((since != NULL && cmd_date(since, &o->since_s) < 0) ||
	    (until != NULL && cmd_date(until, &o->until_s) < 0)) {
		cmd_usage(cmd, "a date reads 2024, 2024-05 or 2024-05-17");
		return -1;
	}
	if (cmd->argc == 0) {
		cmd_usage(cmd, "name at least one file or folder");
		return -1;
	}
	return 0;
}

int cmd_import(struct cmd *cmd)
{
	CLEAN(archive) a = NULL;
	struct import_options options = {0};
	struct printing p = {.cmd = cmd, .begun_ms = clock_monotonic_ms()};
	struct import_watch watch = {&p, print_item, NULL, cmd_stop};
	struct import_report report = {0};
	struct err err = {0};
	pid_t shipper = 0;
	int rc;

	if (parse(cmd, &options) < 0)
		return EXIT_USAGE;
	if (cmd_open(cmd, &a) < 0)
		return EXIT_FAILED;
	p.bar = !cmd->json && isatty(STDERR_FILENO);
	if (p.bar)
		watch.progress = print_progress;
	cmd_catch_stop();
	if (!options.dry_run)
		shipper = ship_beside(cmd, a);
	rc = import_run(a, (const char *const *)cmd->argv, (size_t)cmd->argc, &options, &watch,
			&report, &err);
	if (p.bar)
		fputs("\r\033[K", stderr);
	if (rc < 0)
		cmd_fail(cmd, &err);
	print_report(&p, &report, options.dry_run);
	fflush(stdout);
	ship_beside_end(&shipper);
	if (!options.dry_run)
		ship_now(cmd, a, cmd_stop, NULL);
	if (rc < 0)
		return EXIT_FAILED;
	return report.failed > 0 ? EXIT_REFUSED : EXIT_DONE;
}
