/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/licence/licence.h"

#include "app/cmd/cmd.h"
#include "app/licence/licence_file.h"
#include "base/clock.h"
#include "base/file.h"

static void add_day(struct str *out, const char *before, int64_t time_s)
{
	if (time_s == 0)
		return;
	str_adds(out, before);
	clock_add_utc(out, time_s);
	out->len -= 10; /* the day is enough */
	out->data[out->len] = '\0';
}

static void add_text(struct str *out, const struct licence *l)
{
	str_addsafe(out, l->text, false);
	str_addc(out, '\n');
	if (l->here) {
		str_adds(out, "  customer ");
		str_addsafe(out, l->customer, false);
		if (l->serial.len > 0)
			str_adds(out, ", number ");
		str_addsafe(out, l->serial, false);
		str_addf(out, "\n  %s", l->trial ? "trial" : "licence");
		add_day(out, " from ", l->from_s);
		add_day(out, " until ", l->until_s == 0 ? 0 : l->until_s - 1);
		str_adds(out, l->of_machine ? ", of this machine\n" : ", of this archive\n");
	}
	if (l->here && l->users != 0)
		str_addf(out, "  users %llu of %llu\n", (unsigned long long)l->counted,
			 (unsigned long long)l->users);
	else
		str_addf(out, "  users %llu, of any number\n", (unsigned long long)l->counted);
}

static void add_json(struct str *out, const struct licence *l)
{
	str_addf(out, "{\"state\": \"%s\", \"text\": ", licence_state_name(l->state));
	cmd_json_text(out, l->text);
	str_adds(out, ", \"feature\": ");
	cmd_json_text(out, l->feature);
	str_addf(out, ", \"counted\": %llu", (unsigned long long)l->counted);
	if (l->here) {
		str_adds(out, ", \"customer\": ");
		cmd_json_text(out, l->customer);
		str_adds(out, ", \"serial\": ");
		cmd_json_text(out, l->serial);
		str_addf(out, ", \"users\": %llu, \"trial\": %s", (unsigned long long)l->users,
			 l->trial ? "true" : "false");
		cmd_json_time(out, "from", l->from_s);
		cmd_json_time(out, "until", l->until_s);
	}
	str_adds(out, "}\n");
}

static int show(struct cmd *cmd, struct archive *a)
{
	CLEAN(arena) arena = arena_new();
	CLEAN_STR out = STR_INIT;
	struct licence l;
	struct err err = {0};

	if (licence_look(archive_catalog(a), arena, &l, &err) < 0)
		return cmd_fail(cmd, &err);
	if (cmd->json)
		add_json(&out, &l);
	else
		add_text(&out, &l);
	return cmd_print(&out) < 0 ? EXIT_FAILED : EXIT_DONE;
}

static int install(struct cmd *cmd, struct archive *a, const char *path)
{
	CLEAN_STR text = STR_INIT;
	struct err err = {0};

	if (file_read(path, LICENCE_MAX_BYTES, &text, &err) < 0 ||
	    licence_install(archive_catalog(a), str_view(&text), &err) < 0)
		return cmd_fail(cmd, &err);
	return show(cmd, a);
}

static int drop(struct cmd *cmd, struct archive *a)
{
	struct err err = {0};

	if (licence_remove(archive_catalog(a), &err) < 0)
		return cmd_fail(cmd, &err);
	return show(cmd, a);
}

int cmd_permits_settings(const struct cmd *cmd, struct archive *a)
{
	struct err err = {0};

	return licence_permits_settings(archive_catalog(a), &err) == 0 ? EXIT_DONE
								       : cmd_fail(cmd, &err);
}

int cmd_licence(struct cmd *cmd)
{
	CLEAN(archive) a = NULL;
	const struct option_row rows[] = {{0}};
	const char *what;

	if (cmd_options(cmd, rows) < 0)
		return EXIT_USAGE;
	what = cmd->argc > 0 ? cmd->argv[0] : "";
	if (cmd->argc != (strcmp(what, "install") == 0 ? 2 : 1))
		return cmd_usage(cmd, "say show, install FILE or remove");
	if (cmd_open(cmd, &a) < 0)
		return EXIT_FAILED;
	if (strcmp(what, "show") == 0)
		return show(cmd, a);
	if (strcmp(what, "install") == 0)
		return install(cmd, a, cmd->argv[1]);
	if (strcmp(what, "remove") == 0)
		return drop(cmd, a);
	return cmd_usage(cmd, "say show, install FILE or remove");
}
