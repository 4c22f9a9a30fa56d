/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/archive/catch_up.h"
#include "app/cmd/cmd.h"

static int write_note(struct archive *a, uint64_t mail, struct view tags, struct view note,
		      struct err *err)
{
	struct catalog *catalog = archive_catalog(a);

	if (catalog_begin(catalog, err) < 0)
		return -1;
	if (notes_set(catalog, mail, tags, note, err) < 0 || todo_add(catalog, mail, err) < 0 ||
	    catalog_commit(catalog, err) < 0) {
		catalog_rollback(catalog);
		return -1;
	}
	return index_catch_up(a, NULL, err) < 0 ? -1 : 0;
}

int cmd_note(struct cmd *cmd)
{
	CLEAN(archive) a = NULL;
	CLEAN(arena) arena = arena_new();
	const char *tags = NULL, *text = NULL;
	const struct option_row rows[] = {
		{"tags", OPTION_TEXT, &tags}, {"text", OPTION_TEXT, &text}, {0}};
	struct view old_tags, old_note;
	struct mail_row row;
	struct err err = {0};

	if (cmd_options(cmd, rows) < 0)
		return EXIT_USAGE;
	if (cmd->argc != 1)
		return cmd_usage(cmd, "give one id");
	if (cmd_open(cmd, &a) < 0 || cmd_find_mail(cmd, a, arena, cmd->argv[0], &row) < 0)
		return EXIT_FAILED;
	if (notes_get(archive_catalog(a), arena, row.mail, &old_tags, &old_note, &err) < 0)
		return cmd_fail(cmd, &err);
	if (tags != NULL)
		old_tags = VIEW(tags);
	if (text != NULL)
		old_note = VIEW(text);
	if ((tags != NULL || text != NULL) && write_note(a, row.mail, old_tags, old_note, &err) < 0)
		return cmd_fail(cmd, &err);
	printf("tags: %.*s\nnote: %.*s\n", (int)old_tags.len, old_tags.data, (int)old_note.len,
	       old_note.data);
	return EXIT_DONE;
}
