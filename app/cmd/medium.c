/* SPDX-License-Identifier: GPL-3.0-or-later */
/* medium - the numbered media (M1 to M5). */
#include "app/cmd/medium_row.h"
#include "app/archive/media.h"
#include "base/file.h"

#include <unistd.h>

struct medium_options {
	const char *location, *user, *domain, *password_file;
	uint64_t to;
	bool active;
};

/* --- places ----------------------------------------------------------------------------------- */

static int load_directory(const struct cmd *cmd, const struct medium_options *o, struct site *site,
			  struct str *absolute)
{
	struct err err = {0};

	if (o->user != NULL || o->domain != NULL || o->password_file != NULL)
		return cmd_usage(cmd, "only a share (smb://...) has a log-in");
	if (path_absolute(site->location, absolute, &err) < 0)
		return cmd_fail(cmd, &err);
	*site = (struct site){.location = absolute->data};
	return EXIT_DONE;
}

/* A share needs a user; the password is asked for if no file has it. */
static int load_site(const struct cmd *cmd, const struct medium_options *o, struct site *site,
		     struct secret **password_r, struct str *absolute)
{
	struct err err = {0};

	if (site_check(site->location, &err) < 0)
		return cmd_fail(cmd, &err);
	if (!site_is_share(site->location))
		return load_directory(cmd, o, site, absolute);
	if (o->user != NULL)
		site->user = o->user;
	if (o->domain != NULL)
		site->domain = o->domain;
	if (site->user == NULL || site->user[0] == '\0')
		return cmd_usage(cmd, "a share needs --user U and --password-file F");
	if (o->password_file == NULL && *password_r != NULL)
		return EXIT_DONE;
	secret_free(password_r);
	if (o->password_file == NULL &&
	    secret_prompt("Password of the share's user: ", password_r, &err) < 0)
		return cmd_fail(cmd, &err);
	if (o->password_file != NULL &&
	    cmd_password(cmd, "the share's user", o->password_file, false, password_r) < 0)
		return EXIT_FAILED;
	site->password = *password_r;
	return EXIT_DONE;
}

/* --- verbs ------------------------------------------------------------------------------------ */

static int add(struct cmd *cmd, struct archive *a, const struct medium_options *o)
{
	CLEAN(secret) password = NULL;
	CLEAN_STR absolute = STR_INIT;
	struct site site = {.location = cmd->argv[1]};
	struct err err = {0};
	unsigned medium;
	int status = load_site(cmd, o, &site, &password, &absolute);

	if (status != EXIT_DONE)
		return status;
	if (media_add_site(a, &site, o->active, &medium, &err) < 0)
		return cmd_fail_meaning(cmd, &err,
					"The medium was not added, and nothing changed for your "
					"mail. Mend what is said above, and add it again.");
	if (cmd->json)
		printf("{\"medium\": %u}\n", medium);
	else if (o->active)
		printf("Medium %u passed its test and is active: new mail goes there.\n", medium);
	else
		printf("Medium %u passed its test. New mail goes there once you say: sealpost "
		       "--archive %s medium activate %u\n",
		       medium, cmd->archive_dir, medium);
	return EXIT_DONE;
}

/* Is it a place that could be added? Nothing is kept. */
static int test(struct cmd *cmd, const struct medium_options *o)
{
	CLEAN(secret) password = NULL;
	CLEAN(medium) medium = NULL;
	CLEAN_STR absolute = STR_INIT;
	struct site site = {.location = cmd->argv[1]};
	struct site_space space;
	struct err err = {0};
	char left[32], total[32];
	int status = load_site(cmd, o, &site, &password, &absolute);

	if (status != EXIT_DONE)
		return status;
	if (site_open(&site, "", false, &medium, &err) < 0 || site_test(medium, &space, &err) < 0)
		return cmd_fail_meaning(cmd, &err, "Nothing was kept there, and nothing changed.");
	if (cmd->json)
		printf("{\"free\": %llu, \"total\": %llu}\n", (unsigned long long)space.free_bytes,
		       (unsigned long long)space.total_bytes);
	else
		printf("Reached, written, read back and removed; %s of %s free.\n",
		       cmd_bytes(space.free_bytes, left), cmd_bytes(space.total_bytes, total));
	return EXIT_DONE;
}

static int list(struct cmd *cmd, struct archive *a)
{
	CLEAN(arena) arena = arena_new();
	struct medium_row *rows;
	struct err err = {0};
	size_t n;

	if (media_overview(a, arena, &rows, &n, &err) < 0)
		return cmd_fail(cmd, &err);
	for (size_t i = 0; i < n; i++) {
		CLEAN_STR out = STR_INIT;

		if (cmd->json) {
			medium_row_json(&out, &rows[i]);
			str_addc(&out, '\n');
		} else {
			medium_row_text(&out, &rows[i]);
		}
		if (cmd_print(&out) < 0)
			return EXIT_FAILED;
	}
	return EXIT_DONE;
}

static int set(struct cmd *cmd, struct archive *a, unsigned number, const struct medium_options *o)
{
	CLEAN(arena) arena = arena_new();
	CLEAN(secret) password = NULL;
	CLEAN_STR absolute = STR_INIT;
	struct site site;
	struct err err = {0};
	uint64_t missing;
	int status, rc = media_site(archive_catalog(a), arena, number, &site, &password, &err);

	if (o->location == NULL && o->user == NULL && o->domain == NULL && o->password_file == NULL)
		return cmd_usage(cmd, "say what to set: --location, --user, --domain or "
				      "--password-file");
	if (rc == 0)
		err_set(&err, ERR_NOTFOUND, "there is no medium %u", number);
	if (rc <= 0)
		return cmd_fail(cmd, &err);
	if (o->location != NULL)
		site.location = o->location;
	status = load_site(cmd, o, &site, &password, &absolute);
	if (status != EXIT_DONE)
		return status;
	if (media_move(a, number, &site, &missing, &err) < 0)
		return cmd_fail_meaning(cmd, &err,
					"The medium is kept as it was, and no mail is lost. Mend "
					"what is said above, and say it again.");
	printf("Medium %u is at %s.\n", number, site.location);
	if (missing > 0)
		printf("WARNING: %llu of its packs are not there, or not whole. The mails in them "
		       "cannot be read until they are copied there, too; which ones these are "
		       "says: "
		       "sealpost --archive %s verify --all\n",
		       (unsigned long long)missing, cmd->archive_dir);
	return EXIT_DONE;
}

/* Of one in use, what is wrong is in its own lines already. */
static void add_result(struct str *out, const struct medium_row *row, bool ok)
{
	if (ok) {
		str_adds(out, "  reached, logged in, written, read back, removed: all is well, and "
			      "it is the right medium\n");
	} else if (row->state != MEDIUM_IN_USE) {
		str_adds(out, "  DOES NOT ANSWER: ");
		str_addsafe(out, VIEW(row->trouble), false);
		str_addc(out, '\n');
	}
}

static int check_one(struct cmd *cmd, struct archive *a, unsigned number, bool *ok_r)
{
	CLEAN(arena) arena = arena_new();
	CLEAN_STR out = STR_INIT;
	struct medium_row row;
	struct err why = {0}, err = {0};

	if (media_ask(a, number, true, &why, &err) < 0 ||
	    media_get(archive_catalog(a), arena, number, &row, &err) < 0)
		return cmd_fail(cmd, &err);
	*ok_r = why.kind == ERR_NONE;
	if (cmd->json) {
		medium_row_json(&out, &row);
		str_addc(&out, '\n');
	} else {
		medium_row_text(&out, &row);
		add_result(&out, &row, *ok_r);
	}
	return cmd_print(&out) < 0 ? EXIT_FAILED : EXIT_DONE;
}

/* NUMBER 0: all that are in use. */
static int check(struct cmd *cmd, struct archive *a, unsigned number)
{
	CLEAN(arena) arena = arena_new();
	struct medium_row *rows;
	struct err err = {0};
	size_t n, asked = 0, failed = 0;

	if (media_list(archive_catalog(a), arena, &rows, &n, &err) < 0)
		return cmd_fail(cmd, &err);
	for (size_t i = 0; i < n; i++) {
		bool ok = false, named = rows[i].medium == number;
		int status;

		if (number != 0 ? !named || rows[i].state == MEDIUM_REMOVED
				: rows[i].state != MEDIUM_IN_USE)
			continue;
		status = check_one(cmd, a, rows[i].medium, &ok);
		if (status != EXIT_DONE)
			return status;
		asked++;
		failed += !ok;
	}
	if (asked == 0 && number != 0) {
		err_set(&err, ERR_NOTFOUND, "there is no medium %u", number);
		return cmd_fail(cmd, &err);
	}
	return failed == 0 ? EXIT_DONE : failed == asked ? EXIT_FAILED : EXIT_REFUSED;
}

static void show_progress(void *arg, uint64_t packs, uint64_t total)
{
	(void)arg;
	fprintf(stderr, "\rcompared %llu of %llu packs", (unsigned long long)packs,
		(unsigned long long)total);
}

static int redirect(struct cmd *cmd, struct archive *a, unsigned number,
		    const struct medium_options *o)
{
	bool terminal = isatty(STDERR_FILENO);
	struct err err = {0};
	int rc;

	if (o->to == 0 || o->to > UINT16_MAX)
		return cmd_usage(cmd, "redirect N --to M");
	rc = media_redirect(a, number, (unsigned)o->to, terminal ? show_progress : NULL, NULL,
			    &err);
	if (terminal)
		fputs("\r\033[K", stderr);
	if (rc < 0)
		return cmd_fail_meaning(cmd, &err,
					"Medium and mails are as they were. Copy what is missing, "
					"and say it again.");
	printf("Every pack of medium %u is on medium %u, which stands for it from now on. What "
	       "lies "
	       "at the old place is not used any more: delete it there, or mails that are erased "
	       "later stay in it.\n",
	       number, (unsigned)o->to);
	return EXIT_DONE;
}

typedef int state_fn(struct archive *a, unsigned medium, struct err *err);

static const struct {
	const char *verb;
	state_fn *run;
	const char *done;
} changes[] = {
	{"activate", media_activate, "Medium %u is active: new mail and backups go there.\n"},
	{"deactivate", media_deactivate,
	 "Medium %u is deactivated: it is neither written nor asked. Its mails cannot be read "
	 "until "
	 "it is reactivated.\n"},
	{"reactivate", media_reactivate, "Medium %u is in use again.\n"},
	{"remove", media_remove, "Medium %u is removed. Its number is not given again.\n"},
};

/* -1: VERB is none of them. */
static int change(struct cmd *cmd, struct archive *a, unsigned number)
{
	struct err err = {0};

	for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
		if (strcmp(cmd->argv[0], changes[i].verb) != 0)
			continue;
		if (changes[i].run(a, number, &err) < 0)
			return cmd_fail_meaning(cmd, &err,
						"Nothing was changed, and no mail is lost.");
		printf(changes[i].done, number);
		return EXIT_DONE;
	}
	return -1;
}

/* --- which one -------------------------------------------------------------------------------- */

static unsigned number_of(const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	return *end == '\0' && text[0] >= '0' && text[0] <= '9' && n <= UINT16_MAX ? (unsigned)n
										   : 0;
}

static int run_numbered(struct cmd *cmd, struct archive *a, const struct medium_options *o)
{
	unsigned number = number_of(cmd->argv[1]);
	int status;

	if (number == 0)
		return cmd_usage(cmd, "\"%s\" is no number of a medium", cmd->argv[1]);
	if (strcmp(cmd->argv[0], "set") == 0)
		return set(cmd, a, number, o);
	if (strcmp(cmd->argv[0], "check") == 0)
		return check(cmd, a, number);
	if (strcmp(cmd->argv[0], "redirect") == 0)
		return redirect(cmd, a, number, o);
	status = change(cmd, a, number);
	return status >= 0 ? status : cmd_usage(cmd, "what is \"%s\"?", cmd->argv[0]);
}

/* All but looking. */
static int noted(struct archive *a, const struct cmd *cmd, int status)
{
	if (status == EXIT_DONE && strcmp(cmd->argv[0], "check") != 0)
		cmd_audit_line(a, AUDIT_MEDIUM, cmd->argv[1], cmd->argv[0]);
	return status;
}

int cmd_medium(struct cmd *cmd)
{
	struct medium_options o = {0};
	const struct option_row rows[] = {{"location", OPTION_TEXT, &o.location},
					  {"user", OPTION_TEXT, &o.user},
					  {"domain", OPTION_TEXT, &o.domain},
					  {"password-file", OPTION_TEXT, &o.password_file},
					  {"to", OPTION_NUMBER, &o.to},
					  {"active", OPTION_FLAG, &o.active},
					  {0}};
	CLEAN(archive) a = NULL;

	if (cmd_options(cmd, rows) < 0)
		return EXIT_USAGE;
	if (cmd->argc < 1 || cmd->argc > 2)
		return cmd_usage(cmd, "say what to do, and with which medium");
	if (cmd_open(cmd, &a) < 0)
		return EXIT_FAILED;
	if (cmd->argc == 1 && strcmp(cmd->argv[0], "list") == 0)
		return list(cmd, a);
	if (cmd->argc == 1 && strcmp(cmd->argv[0], "check") == 0)
		return check(cmd, a, 0);
	if (cmd->argc == 1)
		return cmd_usage(cmd, "say with which medium");
	if (strcmp(cmd->argv[0], "test") == 0)
		return test(cmd, &o);
	if (strcmp(cmd->argv[0], "add") == 0)
		return noted(a, cmd, add(cmd, a, &o));
	return noted(a, cmd, run_numbered(cmd, a, &o));
}
