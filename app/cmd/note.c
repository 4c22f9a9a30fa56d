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

static int print_note(const struct cmd *cmd, struct view tags, struct view note)
{
	CLEAN_STR out = STR_INIT;

	if (cmd->json) {
		str_adds(&out, "{\"tags\": ");
		cmd_json_text(&out, tags);
		str_adds(&out, ", \"note\": ");
		cmd_json_text(&out, note);
		str_addc(&out, '}');
	} else {
		str_adds(&out, "tags: ");
		str_addsafe(&out, tags, false);
		str_adds(&out, "\nnote: ");
		str_addsafe(&out, note, true);
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
	if (tags != NULL || text != NULL) {
		if (write_note(a, row.mail, old_tags, old_note, &err) < 0)
			return cmd_fail(cmd, &err);
		cmd_audit_line(a, AUDIT_NOTED, cmd->argv[0], "");
	}
	return print_note(cmd, old_tags, old_note) < 0 ? EXIT_FAILED : EXIT_DONE;
}
