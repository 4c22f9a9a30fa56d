/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/archive/noting.h"
#include "app/cmd/cmd.h"

static int print_note(const struct cmd *cmd, struct arena *arena, const struct note *note)
{
	const struct view tags = tags_shown(arena, note->tags);
	CLEAN_STR out = STR_INIT;

	if (cmd->json) {
		str_adds(&out, "{\"tags\": ");
		cmd_json_text(&out, tags);
		str_adds(&out, ", \"note\": ");
		cmd_json_text(&out, note->text);
		str_addc(&out, '}');
	} else {
		str_adds(&out, "tags: ");
		str_addsafe(&out, tags, false);
		str_adds(&out, "\nnote: ");
		str_addsafe(&out, note->text, true);
	}
	str_addc(&out, '\n');
	return cmd_print(&out);
}

int cmd_note(struct cmd *cmd)
{
	CLEAN(archive) a = NULL;
	CLEAN(arena) arena = arena_new();
	const char *tags = NULL, *text = NULL;
	const struct option_row rows[] = {
		{"tags", OPTION_TEXT, &tags}, {"text", OPTION_TEXT, &text}, {0}};
	struct note note;
	struct mail_row row;
	struct err err = {0};

	if (cmd_options(cmd, rows) < 0)
		return EXIT_USAGE;
	if (cmd->argc != 1)
		return cmd_usage(cmd, "give one id");
	if (cmd_open(cmd, &a) < 0 || cmd_find_mail(cmd, a, arena, cmd->argv[0], &row) < 0)
		return EXIT_FAILED;
	if (notes_get(archive_catalog(a), arena, 0, row.mail, &note, &err) < 0)
		return cmd_fail(cmd, &err);
	if (tags != NULL)
		note.tags = tags_read(arena, VIEW(tags), ',');
	if (text != NULL)
		note.text = VIEW(text);
	if (tags != NULL || text != NULL) {
		if (note_mail(a, &note, &err) < 0)
			return cmd_fail(cmd, &err);
		cmd_audit_line(a, AUDIT_NOTED, cmd->argv[0], "");
	}
	return print_note(cmd, arena, &note) < 0 ? EXIT_FAILED : EXIT_DONE;
}
