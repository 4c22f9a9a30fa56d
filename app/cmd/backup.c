/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/cmd/backup.h"
#include "backup/chain.h"
#include "backup/database.h"
#include "base/clock.h"

#include <inttypes.h>

static const char *kind_text(bool is_full)
{
	return is_full ? "full" : "incremental";
}

static void print_report_json(const struct database_report *r)
{
	CLEAN_STR line = STR_INIT;
	char name[BACKUP_SET_NAME], id[UUID_TEXT + 1];

	str_addf(&line,
		 "{\"id\": \"%s\", \"kind\": \"%s\", \"medium\": %u, \"name\": \"%s\", "
		 "\"bytes\": %" PRIu64 ", \"pages\": %" PRIu64 ", \"mails\": %" PRIu64
		 ", \"waits\": %s, \"removed\": %" PRIu64 ", \"held_ms\": %" PRId64
		 ", \"instead\": ",
		 uuid_text(&r->header.id, id), kind_text(r->header.is_full), r->medium,
		 backup_set_name(&r->header.id, r->header.is_full, name), r->bytes, r->pages,
		 r->header.mails, r->waits ? "true" : "false", r->thinned, r->held_ms);
	cmd_json_text(&line, VIEW(r->instead));
	str_adds(&line, "}\n");
	cmd_print(&line);
}

static void print_report(const struct database_report *r)
{
	char name[BACKUP_SET_NAME], bytes[32];

	if (r->instead[0] != '\0')
		printf("A full backup was made instead of an incremental one: %s.\n", r->instead);
	printf("The catalog of %" PRIu64 " mail%s is backed up: %s, %s, medium %u, %s\n",
	       r->header.mails, cmd_plural(r->header.mails), kind_text(r->header.is_full),
	       cmd_bytes(r->bytes, bytes), r->medium,
	       backup_set_name(&r->header.id, r->header.is_full, name));
	if (r->waits)
		printf("Medium %u does not answer now. The backup waits on the local disk, and is "
		       "carried there by itself when it does.\n",
		       r->medium);
	if (r->thinned > 0)
		printf("%" PRIu64 " old backup%s removed.\n", r->thinned, cmd_plural(r->thinned));
}

static int make_backup(struct cmd *cmd, struct archive *a, bool full)
{
	struct database_report report;
	struct err err = {0};

	if (database_backup(a, full, &report, &err) < 0)
		return cmd_fail(cmd, &err);
	if (cmd->json)
		print_report_json(&report);
	else
		print_report(&report);
	return EXIT_DONE;
}

/* The list. */

static void print_set_json(unsigned medium, const struct backup_set_entry *e, const struct err *why)
{
	CLEAN_STR line = STR_INIT;
	char id[UUID_TEXT + 1];

	str_addf(&line, "{\"medium\": %u, \"id\": \"%s\", \"kind\": \"%s\", \"name\": \"%s\", ",
		 medium, uuid_text(&e->header.id, id), kind_text(e->header.is_full), e->name);
	if (e->err.kind == ERR_NONE) {
		str_adds(&line, "\"made\": \"");
		clock_add_utc(&line, e->header.made_ms / 1000);
		str_addf(&line, "\", \"mails\": %" PRIu64 ", ", e->header.mails);
	}
	str_addf(&line, "\"bytes\": %" PRIu64 ", \"usable\": %s, \"why\": ", e->bytes,
		 why->kind == ERR_NONE ? "true" : "false");
	cmd_json_text(&line, VIEW(why->text));
	str_adds(&line, "}\n");
	cmd_print(&line);
}

static void print_set(const struct backup_set_entry *e, const struct err *why)
{
	CLEAN_STR line = STR_INIT;
	char id[UUID_TEXT + 1], bytes[32];

	str_addf(&line, "  %s  %-11s  ", uuid_text(&e->header.id, id),
		 kind_text(e->header.is_full));
	if (e->err.kind == ERR_NONE) {
		clock_add_utc(&line, e->header.made_ms / 1000);
		str_addf(&line, "  %" PRIu64 " mail%s  ", e->header.mails,
			 cmd_plural(e->header.mails));
	}
	str_adds(&line, cmd_bytes(e->bytes, bytes));
	if (why->kind != ERR_NONE)
		str_addf(&line, "\n    cannot be restored: %s", why->text);
	str_addc(&line, '\n');
	cmd_print(&line);
}

/* Read all of it: 0 it is as it was written. */
static int read_whole(struct medium *medium, const struct keyring *keys, const char *name,
		      struct err *err)
{
	CLEAN(backup_set_reader) r = NULL;
	struct backup_set_header header;
	const void *data;
	uint64_t page;
	int rc;

	if (backup_set_open(medium, keys, name, &header, &r, err) < 0)
		return -1;
	do
		rc = backup_set_next(r, &page, &data, err);
	while (rc > 0);
	return rc;
}

struct listing {
	const struct cmd *cmd;
	struct archive *a;
	bool check;
	uint64_t unusable;
};

static int list_medium(struct listing *l, unsigned number, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	const struct keyring *keys = archive_keys(l->a);
	struct backup_set_entry *v;
	struct medium *medium;
	size_t n;

	if (archive_medium(l->a, number, &medium, err) < 0 ||
	    backup_set_list(medium, keys, arena, &v, &n, err) < 0)
		return -1;
	if (!l->cmd->json)
		printf("medium %u, %s: %zu backup%s\n", number, medium_location(medium), n,
		       cmd_plural(n));
	for (size_t i = 0; i < n; i++) {
		struct err why = {0};

		/* a set that does not read makes all that rest on it unusable */
		if (l->check && v[i].err.kind == ERR_NONE)
			read_whole(medium, keys, v[i].name, &v[i].err);
		chain_root(v, n, i, &why);
		l->unusable += why.kind != ERR_NONE;
		if (l->cmd->json)
			print_set_json(number, &v[i], &why);
		else
			print_set(&v[i], &why);
	}
	return 0;
}

static void tell_away(const struct cmd *cmd, unsigned number, const struct err *err)
{
	CLEAN_STR line = STR_INIT;

	if (cmd->json) {
		str_addf(&line, "{\"medium\": %u, \"error\": \"%s\", \"text\": ", number,
			 err_code(err->kind));
		cmd_json_text(&line, VIEW(err->text));
		str_adds(&line, "}\n");
	} else {
		str_addf(&line, "medium %u: its backups cannot be listed: %s\n", number, err->text);
	}
	cmd_print(&line);
}

/* Media that are away are told and passed over; status 3 if there are such, or unusable sets. */
static int list(struct cmd *cmd, struct archive *a, bool check)
{
	CLEAN(arena) arena = arena_new();
	struct listing l = {.cmd = cmd, .a = a, .check = check};
	struct medium_row *media;
	struct err err = {0};
	size_t n;

	if (media_list(archive_catalog(a), arena, &media, &n, &err) < 0)
		return cmd_fail(cmd, &err);
	for (size_t i = 0; i < n; i++) {
		if (media[i].state != MEDIUM_IN_USE)
			continue;
		err_clear(&err);
		if (list_medium(&l, media[i].medium, &err) == 0)
			continue;
		tell_away(cmd, media[i].medium, &err);
		l.unusable++;
	}
	return l.unusable > 0 ? EXIT_REFUSED : EXIT_DONE;
}

int cmd_backup(struct cmd *cmd)
{
	CLEAN(archive) a = NULL;
	bool check = false;
	const struct option_row rows[] = {{"check", OPTION_FLAG, &check}, {0}};
	const char *what;

	if (cmd->argc > 0 && strcmp(cmd->argv[0], "mirror") == 0)
		return cmd_backup_mirror(cmd);
	if (cmd_options(cmd, rows) < 0)
		return EXIT_USAGE;
	what = cmd->argc == 1 ? cmd->argv[0] : "";
	if (strcmp(what, "full") != 0 && strcmp(what, "incremental") != 0 &&
	    strcmp(what, "list") != 0)
		return cmd_usage(cmd, "say backup full, incremental, list or mirror");
	if (check && strcmp(what, "list") != 0)
		return cmd_usage(cmd, "--check goes with backup list");
	if (cmd_open(cmd, &a) < 0)
		return EXIT_FAILED;
	if (strcmp(what, "list") == 0)
		return list(cmd, a, check);
	return make_backup(cmd, a, strcmp(what, "full") == 0);
}
