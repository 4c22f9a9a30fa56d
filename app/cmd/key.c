/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/archive/status.h"
#include "app/cmd/cmd.h"
#include "base/clock.h"
#include "base/file.h"
#include "storage/keytext.h"

#include <unistd.h>

enum { BACKUP_MAX_BYTES = 1024 * 1024 };

struct key_options {
	const char *password_file;
	bool prompt, html;
	bool for_page; /* text, form feed, HTML; it counts as kept when the page says so */
};

static int key_export(struct cmd *cmd, const struct key_options *o)
{
	CLEAN(archive) a = NULL;
	CLEAN(secret) password = NULL;
	CLEAN_STR out = STR_INIT;
	CLEAN_STR name = STR_INIT;
	struct keytext_about about = {.made_s = clock_s()};
	struct err err = {0};

	if (cmd_password(cmd, "the key backup", o->password_file, true, &password) < 0 ||
	    cmd_open(cmd, &a) < 0)
		return EXIT_FAILED;
	if (setting_get(archive_catalog(a), "name", &name, &err) < 0)
		return cmd_fail(cmd, &err);
	about.name = name.data;
	(o->html ? keytext_write_html : keytext_write)(&out, archive_keys(a), &about, password);
	if (o->for_page) {
		str_addc(&out, '\f');
		keytext_write_html(&out, archive_keys(a), &about, password);
	}
	if (cmd_print(&out) < 0 || fflush(stdout) != 0) {
		err_errno(&err, "standard output: %m");
		return cmd_fail(cmd, &err);
	}
	cmd_audit_line(a, AUDIT_KEY, o->html ? "page" : "text", "");
	if (!o->for_page && key_backup_note(cmd->archive_dir, &err) < 0)
		return cmd_fail(cmd, &err);
	return EXIT_DONE;
}

static int read_text(const char *path, struct str *text, struct err *err)
{
	return file_read(path ? path : "/dev/stdin", BACKUP_MAX_BYTES, text, err);
}

static int key_import(struct cmd *cmd, const struct key_options *o)
{
	CLEAN(keyring) keys = NULL;
	CLEAN(secret) password = NULL;
	CLEAN_STR text = STR_INIT;
	CLEAN_STR path = STR_INIT;
	CLEAN_STR fingerprint = STR_INIT;
	struct err err = {0};

	if (cmd->argc > 2)
		return cmd_usage(cmd, "import takes one file, or reads standard input");
	if (cmd_password(cmd, "the key backup", o->password_file, false, &password) < 0)
		return EXIT_FAILED;
	str_addf(&path, "%s/archive.key", cmd->archive_dir);
	if (read_text(cmd->argc == 2 ? cmd->argv[1] : NULL, &text, &err) < 0 ||
	    keytext_read(str_view(&text), password, &keys, &err) < 0 ||
	    dir_make_all(cmd->archive_dir, 0700, &err) < 0 ||
	    keyring_save(keys, path.data, &err) < 0 || key_backup_note(cmd->archive_dir, &err) < 0)
		return cmd_fail(cmd, &err);
	keyring_add_fingerprint(&fingerprint, keys);
	if (cmd->json)
		printf("{\"fingerprint\": \"%s\"}\n", fingerprint.data);
	else
		printf("The archive key %s is in %s.\n"
		       "If the catalog is lost as well: sealpost --archive %s rebuild --medium "
		       "DIR\n",
		       fingerprint.data, path.data, cmd->archive_dir);
	return EXIT_DONE;
}

static int key_show(struct cmd *cmd)
{
	CLEAN(archive) a = NULL;
	CLEAN_STR text = STR_INIT;
	char uuid[UUID_TEXT + 1];

	if (cmd_open(cmd, &a) < 0)
		return EXIT_FAILED;
	keyring_add_fingerprint(&text, archive_keys(a));
	uuid_text(keyring_archive(archive_keys(a)), uuid);
	printf(cmd->json ? "{\"archive\": \"%s\", \"fingerprint\": \"%s\"}\n"
			 : "archive %s, key fingerprint %s\n",
	       uuid, text.data);
	return EXIT_DONE;
}

int cmd_key(struct cmd *cmd)
{
	struct key_options o = {0};
	const struct option_row rows[] = {{"password-file", OPTION_TEXT, &o.password_file},
					  {"password-prompt", OPTION_FLAG, &o.prompt},
					  {"html", OPTION_FLAG, &o.html},
					  {"for-page", OPTION_FLAG, &o.for_page},
					  {0}};
	bool import;

	if (cmd_options(cmd, rows) < 0)
		return EXIT_USAGE;
	if (cmd->argc == 1 && strcmp(cmd->argv[0], "show") == 0)
		return key_show(cmd);
	import = cmd->argc >= 1 && strcmp(cmd->argv[0], "import") == 0;
	if (!import && (cmd->argc != 1 || strcmp(cmd->argv[0], "export") != 0))
		return cmd_usage(cmd, "say export, import or show");
	if ((o.password_file != NULL) == o.prompt)
		return cmd_usage(cmd, "give either --password-file F or --password-prompt");
	return import ? key_import(cmd, &o) : key_export(cmd, &o);
}
