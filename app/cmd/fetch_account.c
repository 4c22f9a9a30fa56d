/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fetch add|set|list|remove. */
#include "app/cmd/fetch_priv.h"

#include "app/fetcher/fetcher.h"
#include "app/fetcher/job.h"
#include "app/licence/licence.h"
#include "base/clock.h"

enum { NAME_MAX_BYTES = 100 };

/* As they stand on the command line. */
struct given {
	const char *imap, *pop3, *user, *password_file, *oauth, *grant, *device_url, *scope,
		*client_id, *client_secret_file, *refresh_token_file, *mechanism, *tls, *ca,
		*archived, *duplicate, *failed, *like;
	struct option_list folders;
	bool password_prompt, verify, no_verify, journal, no_journal, enable, disable, prototype;
};

static int take_options(struct cmd *cmd, struct given *g)
{
	const struct option_row rows[] = {
		{"imap", OPTION_TEXT, &g->imap},
		{"pop3", OPTION_TEXT, &g->pop3},
		{"user", OPTION_TEXT, &g->user},
		{"password-file", OPTION_TEXT, &g->password_file},
		{"password-prompt", OPTION_FLAG, &g->password_prompt},
		{"oauth", OPTION_TEXT, &g->oauth},
		{"grant", OPTION_TEXT, &g->grant},
		{"device-url", OPTION_TEXT, &g->device_url},
		{"scope", OPTION_TEXT, &g->scope},
		{"client-id", OPTION_TEXT, &g->client_id},
		{"client-secret-file", OPTION_TEXT, &g->client_secret_file},
		{"refresh-token-file", OPTION_TEXT, &g->refresh_token_file},
		{"mechanism", OPTION_TEXT, &g->mechanism},
		{"tls", OPTION_TEXT, &g->tls},
		{"ca", OPTION_TEXT, &g->ca},
		{"verify", OPTION_FLAG, &g->verify},
		{"no-verify", OPTION_FLAG, &g->no_verify},
		{"folders", OPTION_LIST, &g->folders},
		{"archived", OPTION_TEXT, &g->archived},
		{"duplicate", OPTION_TEXT, &g->duplicate},
		{"failed", OPTION_TEXT, &g->failed},
		{"like", OPTION_TEXT, &g->like},
		{"prototype", OPTION_FLAG, &g->prototype},
		{"journal", OPTION_FLAG, &g->journal},
		{"no-journal", OPTION_FLAG, &g->no_journal},
		{"enable", OPTION_FLAG, &g->enable},
		{"disable", OPTION_FLAG, &g->disable},
		{0}};

	if (cmd_options(cmd, rows) < 0)
		return -1;
	if (cmd->argc != 2 || cmd->argv[1][0] == '\0' || strlen(cmd->argv[1]) > NAME_MAX_BYTES) {
		cmd_usage(cmd, "give the account one name, of up to %d bytes", NAME_MAX_BYTES);
		return -1;
	}
	if ((g->imap && g->pop3) || (g->verify && g->no_verify) || (g->journal && g->no_journal) ||
	    (g->enable && g->disable) || (g->password_file && g->password_prompt)) {
		cmd_usage(cmd, "two of these options contradict each other");
		return -1;
	}
	return 0;
}

/* What is to be changed, and what that lies in. */
struct change {
	struct account_change set;
	struct secret *password, *client_secret, *refresh_token;
	struct str folders;
	struct arena *arena;
};

static void change_clear(struct change *c)
{
	secret_free(&c->password);
	secret_free(&c->client_secret);
	secret_free(&c->refresh_token);
	str_clear(&c->folders);
	arena_free(&c->arena);
}

static void set_text(struct change *c, enum account_setting setting, const char *text)
{
	if (text != NULL)
		c->set.value[setting] = VIEW(text);
}

static void set_switch(struct change *c, enum account_setting setting, bool on, bool off)
{
	if (on || off)
		c->set.value[setting] = VIEW(on ? "yes" : "no");
}

/* HOST, HOST:PORT, [ADDRESS]:PORT or a bare IPv6 address. */
static void set_server(struct change *c, const char *protocol, const char *text)
{
	struct view host = VIEW(text), port = VIEW("");
	const char *colon = strrchr(text, ':');

	if (text[0] == '[' && strchr(text, ']') != NULL) {
		const char *close = strchr(text, ']');

		host = (struct view){text + 1, (size_t)(close - text - 1)};
		if (close[1] == ':')
			port = VIEW(close + 2);
	} else if (colon != NULL && strchr(text, ':') == colon) {
		host.len = (size_t)(colon - text);
		port = VIEW(colon + 1);
	}
	c->set.value[ACCOUNT_PROTOCOL] = VIEW(protocol);
	c->set.value[ACCOUNT_HOST] = host;
	c->set.value[ACCOUNT_PORT] = port;
}

/* A preset by its name, anything else is the URL that gives tokens. */
static void set_oauth(struct change *c, const struct given *g)
{
	if (g->oauth != NULL) {
		bool is_url = strchr(g->oauth, '/') != NULL;

		set_text(c, is_url ? ACCOUNT_TOKEN_URL : ACCOUNT_PRESET, g->oauth);
		set_text(c, is_url ? ACCOUNT_PRESET : ACCOUNT_TOKEN_URL, "");
		set_text(c, ACCOUNT_GRANT, "device-code");
	}
	set_text(c, ACCOUNT_GRANT, g->grant);
	set_text(c, ACCOUNT_DEVICE_URL, g->device_url);
	set_text(c, ACCOUNT_SCOPE, g->scope);
	set_text(c, ACCOUNT_CLIENT_ID, g->client_id);
	set_text(c, ACCOUNT_MECHANISM, g->mechanism);
}

/* Rules of a pattern stand one a line. */
static void set_folders(struct change *c, const struct option_list *rules)
{
	for (size_t i = 0; i < rules->n; i++)
		str_addf(&c->folders, "%s%s", i > 0 ? "\n" : "", rules->v[i]);
	if (rules->n > 0)
		c->set.value[ACCOUNT_FOLDERS] = str_view(&c->folders);
}

static void set_plain(struct change *c, const struct given *g)
{
	if (g->imap != NULL)
		set_server(c, "imap", g->imap);
	if (g->pop3 != NULL)
		set_server(c, "pop3", g->pop3);
	set_text(c, ACCOUNT_USER, g->user);
	set_oauth(c, g);
	set_text(c, ACCOUNT_TLS, g->tls);
	set_text(c, ACCOUNT_CA, g->ca);
	set_switch(c, ACCOUNT_VERIFY, g->verify, g->no_verify);
	set_folders(c, &g->folders);
	set_text(c, ACCOUNT_ARCHIVED, g->archived);
	set_text(c, ACCOUNT_DUPLICATE, g->duplicate);
	set_text(c, ACCOUNT_FAILED, g->failed);
	set_switch(c, ACCOUNT_JOURNAL, g->journal, g->no_journal);
	set_switch(c, ACCOUNT_ENABLED, g->enable, g->disable);
	c->set.parent = g->like;
}

static int read_secret(struct change *c, enum account_setting setting, const char *file,
		       struct secret **secret, struct err *err)
{
	if (file == NULL)
		return 0;
	if (secret_read_line_file(file, secret, err) < 0)
		return -1;
	c->set.value[setting] = (struct view){(const char *)secret_data(*secret),
					      secret_len(*secret)};
	return 0;
}

static int ask_password(struct change *c, struct err *err)
{
	if (secret_prompt("Password of the mailbox: ", &c->password, err) < 0)
		return -1;
	c->set.value[ACCOUNT_PASSWORD] = (struct view){(const char *)secret_data(c->password),
						       secret_len(c->password)};
	return 0;
}

static int set_secrets(struct change *c, const struct given *g, struct err *err)
{
	if (read_secret(c, ACCOUNT_PASSWORD, g->password_file, &c->password, err) < 0 ||
	    read_secret(c, ACCOUNT_CLIENT_SECRET, g->client_secret_file, &c->client_secret, err) <
		    0 ||
	    read_secret(c, ACCOUNT_REFRESH_TOKEN, g->refresh_token_file, &c->refresh_token, err) <
		    0)
		return -1;
	return g->password_prompt ? ask_password(c, err) : 0;
}

/* Does a new account log in with a password that it has not got yet? */
static int lacks_password(struct catalog *catalog, const struct given *g, struct change *c,
			  struct err *err)
{
	struct account like;
	int rc = 0;

	if (g->prototype || g->password_file != NULL || g->password_prompt || g->oauth != NULL ||
	    g->grant != NULL)
		return 0;
	if (g->like != NULL)
		rc = accounts_get(catalog, c->arena, VIEW(g->like), &like, err);
	if (rc <= 0)
		return rc < 0 ? -1 : g->like == NULL;
	return !like.set[ACCOUNT_PASSWORD] && view_eq(like.value[ACCOUNT_GRANT], VIEW("password"));
}

static int prepare(struct catalog *catalog, const struct given *g, bool is_new, struct change *c,
		   struct err *err)
{
	int rc;

	set_plain(c, g);
	if (set_secrets(c, g, err) < 0)
		return -1;
	rc = is_new ? lacks_password(catalog, g, c, err) : 0;
	return rc > 0 ? ask_password(c, err) : rc;
}

static int save(struct cmd *cmd, const struct given *g, bool is_new)
{
	CLEAN(archive) a = NULL;
	struct change c = {.folders = STR_INIT, .arena = arena_new()};
	struct view name = VIEW(cmd->argv[1]);
	struct err err = {0};
	int rc = cmd_open(cmd, &a);

	if (rc == 0) {
		struct catalog *catalog = archive_catalog(a);

		rc = is_new ? licence_permits_settings(catalog, &err) : 0;
		if (rc == 0)
			rc = prepare(catalog, g, is_new, &c, &err);
		if (rc == 0 && is_new)
			rc = accounts_add(catalog, name, g->prototype, &c.set, job_check, &err);
		else if (rc == 0)
			rc = accounts_change(catalog, name, &c.set, job_check, &err);
		if (rc < 0)
			cmd_fail(cmd, &err);
	}
	change_clear(&c);
	return rc < 0 ? EXIT_FAILED : EXIT_DONE;
}

int fetch_add(struct cmd *cmd)
{
	struct given g = {0};
	int status = EXIT_USAGE;

	if (take_options(cmd, &g) == 0)
		status = save(cmd, &g, true);
	free(g.folders.v);
	return status;
}

int fetch_set(struct cmd *cmd)
{
	struct given g = {0};
	int status = EXIT_USAGE;

	if (take_options(cmd, &g) == 0)
		status = g.prototype ? cmd_usage(cmd, "--prototype is for add only")
				     : save(cmd, &g, false);
	free(g.folders.v);
	return status;
}

/* --- telling ---------------------------------------------------------------------------------- */

static void add_setting_json(struct str *line, const struct account *a, int i)
{
	str_addf(line, ", \"%s\": ", account_setting_name((enum account_setting)i));
	if (account_setting_is_secret((enum account_setting)i))
		str_adds(line, a->set[i] ? "true" : "false");
	else
		cmd_json_text(line, a->value[i]);
}

static void print_json(const struct account *a)
{
	CLEAN_STR line = STR_INIT;

	str_adds(&line, "{\"name\": ");
	cmd_json_text(&line, a->name);
	str_addf(&line, ", \"prototype\": %s, \"like\": ", a->is_prototype ? "true" : "false");
	cmd_json_text(&line, a->parent.data != NULL ? a->parent : VIEW(""));
	for (int i = 0; i < ACCOUNT_N_SETTINGS; i++)
		add_setting_json(&line, a, i);
	str_adds(&line, ", \"last_run\": \"");
	if (a->run_s > 0)
		clock_add_utc(&line, a->run_s);
	str_adds(&line, "\", \"last_error\": ");
	cmd_json_text(&line, a->run_error);
	str_addf(&line,
		 ", \"total\": {\"archived\": %llu, \"duplicate\": %llu, \"failed\": %llu}, "
		 "\"waiting\": %llu}\n",
		 (unsigned long long)a->archived, (unsigned long long)a->duplicate,
		 (unsigned long long)a->failed, (unsigned long long)a->waiting);
	cmd_print(&line);
}

static void add_last_run(struct str *line, const struct account *a)
{
	if (a->run_s == 0) {
		str_adds(line, "not fetched yet");
		return;
	}
	str_adds(line, "last run ");
	clock_add_utc(line, a->run_s);
	if (a->run_error.len > 0) {
		str_adds(line, " broke off (");
		str_addsafe(line, a->run_error, false);
		str_addc(line, ')');
	}
	str_addf(line, "; so far %llu archived, %llu duplicate, %llu failed",
		 (unsigned long long)a->archived, (unsigned long long)a->duplicate,
		 (unsigned long long)a->failed);
	if (a->waiting > 0)
		str_addf(line, ", %llu waiting", (unsigned long long)a->waiting);
}

static void print_account(const struct account *a)
{
	CLEAN_STR line = STR_INIT;

	str_addsafe(&line, a->name, false);
	while (line.len < 20)
		str_addc(&line, ' ');
	str_adds(&line, "  ");
	if (a->is_prototype) {
		str_adds(&line, "prototype");
	} else {
		str_addsafe(&line, a->value[ACCOUNT_PROTOCOL], false);
		str_addc(&line, ' ');
		str_addsafe(&line, a->value[ACCOUNT_HOST], false);
		str_adds(&line,
			 view_eq(a->value[ACCOUNT_ENABLED], VIEW("yes")) ? "  " : "  (off)  ");
		add_last_run(&line, a);
	}
	str_addc(&line, '\n');
	cmd_print(&line);
}

int fetch_list(struct cmd *cmd)
{
	const struct option_row rows[] = {{0}};
	CLEAN(archive) a = NULL;
	CLEAN(arena) arena = arena_new();
	struct accounts accounts;
	struct err err = {0};

	if (cmd_options(cmd, rows) < 0)
		return EXIT_USAGE;
	if (cmd->argc != 1)
		return cmd_usage(cmd, "list takes no name");
	if (cmd_open(cmd, &a) < 0)
		return EXIT_FAILED;
	if (accounts_list(archive_catalog(a), arena, &accounts, &err) < 0)
		return cmd_fail(cmd, &err);
	for (size_t i = 0; i < accounts.n; i++) {
		if (cmd->json)
			print_json(&accounts.v[i]);
		else
			print_account(&accounts.v[i]);
	}
	return EXIT_DONE;
}

int fetch_remove(struct cmd *cmd)
{
	const struct option_row rows[] = {{0}};
	CLEAN(archive) a = NULL;
	CLEAN(arena) arena = arena_new();
	struct account account;
	struct err err = {0};
	int rc;

	if (cmd_options(cmd, rows) < 0)
		return EXIT_USAGE;
	if (cmd->argc != 2)
		return cmd_usage(cmd, "name one account");
	if (cmd_open(cmd, &a) < 0)
		return EXIT_FAILED;
	rc = accounts_get(archive_catalog(a), arena, VIEW(cmd->argv[1]), &account, &err);
	if (rc == 0)
		rc = err_set(&err, ERR_NOTFOUND, "there is no account \"%s\"", cmd->argv[1]);
	if (rc < 0 || fetcher_remove(a, &account, &err) < 0)
		return cmd_fail(cmd, &err);
	if (!cmd->json && !account.is_prototype)
		printf("The account is gone, with its password and the note of what was fetched. "
		       "The %llu mail%s it archived stay%s in the archive.\n",
		       (unsigned long long)account.archived, cmd_plural(account.archived),
		       account.archived == 1 ? "s" : "");
	return EXIT_DONE;
}
