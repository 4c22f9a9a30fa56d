/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/cmd/cmd.h"

static void print_row(const struct cmd *cmd, struct archive *a, const struct medium_row *row)
{
	CLEAN_STR line = STR_INIT;
	struct medium *medium;
	uint64_t free_bytes = 0, total = 0;
	struct err err = {0};
	char used[32], left[32];
	bool there = archive_medium(a, row->medium, &medium, &err) == 0 &&
		     medium_space(medium, &free_bytes, &total, &err) == 0;

	if (cmd->json) {
		str_addf(&line, "{\"medium\": %u, \"type\": \"%s\", \"active\": %s, \"location\": ",
			 row->medium, row->type, row->active ? "true" : "false");
		cmd_json_text(&line, VIEW(row->location));
		str_addf(&line,
			 ", \"packs\": %llu, \"bytes\": %llu, \"reachable\": %s, "
			 "\"free\": %llu}\n",
			 (unsigned long long)row->packs, (unsigned long long)row->pack_bytes,
			 there ? "true" : "false", (unsigned long long)free_bytes);
	} else {
		str_addf(&line, "medium %u (%s%s) %s: %llu packs, %s, ", row->medium, row->type,
			 row->active ? ", active" : "", row->location,
			 (unsigned long long)row->packs, cmd_bytes(row->pack_bytes, used));
		if (there)
			str_addf(&line, "%s free\n", cmd_bytes(free_bytes, left));
		else
			str_addf(&line, "does not answer: %s\n", err.text);
	}
	cmd_print(&line);
}

int cmd_medium(struct cmd *cmd)
{
	const struct option_row rows[] = {{0}};
	CLEAN(archive) a = NULL;
	CLEAN(arena) arena = arena_new();
	struct medium_row *media;
	struct err err = {0};
	size_t n;

	if (cmd_options(cmd, rows) < 0)
		return EXIT_USAGE;
	if (cmd->argc != 1 || strcmp(cmd->argv[0], "list") != 0)
		return cmd_usage(cmd, "say medium list");
	if (cmd_open(cmd, &a) < 0)
		return EXIT_FAILED;
	if (media_list(archive_catalog(a), arena, &media, &n, &err) < 0)
		return cmd_fail(cmd, &err);
	for (size_t i = 0; i < n; i++)
		print_row(cmd, a, &media[i]);
	return EXIT_DONE;
}
