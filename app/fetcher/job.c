/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/fetcher/job.h"

#include "app/intake/fetch/pattern.h"
#include "base/conf.h"
#include "base/ipc.h"

struct word {
	const char *text;
	unsigned value;
};

static const struct word protocols[] = {{"imap", FETCH_IMAP}, {"pop3", FETCH_POP3}, {0}};
static const struct word tls_modes[] = {{"implicit", FETCH_TLS_IMPLICIT},
					{"starttls", FETCH_TLS_STARTTLS},
					{"none", FETCH_TLS_NONE},
					{0}};
static const struct word grants[] = {{"password", FETCH_PASSWORD},
				     {"refresh-token", FETCH_REFRESH_TOKEN},
				     {"client-credentials", FETCH_CLIENT_CREDENTIALS},
				     {"device-code", FETCH_DEVICE_CODE},
				     {0}};
static const struct word mechanisms[] = {{"", FETCH_ANY_MECHANISM},
					 {"xoauth2", FETCH_XOAUTH2},
					 {"oauthbearer", FETCH_OAUTHBEARER},
					 {0}};
static const struct word switches[] = {{"no", false}, {"yes", true}, {0}};
static const struct word presets[] = {{"", 0}, {"microsoft365", 1}, {"google", 2}, {0}};

static int refuse(enum account_setting setting, const char *why, struct err *err)
{
	return err_set(err, ERR_SYNTAX, "%s: %s", account_setting_name(setting), why);
}

/* The value of SETTING, which must be one of WORDS. */
static int choose(const struct account *a, enum account_setting setting, const struct word *words,
		  unsigned *value_r, struct err *err)
{
	CLEAN_STR known = STR_INIT;

	for (const struct word *w = words; w->text != NULL; w++) {
		if (view_eq(a->value[setting], VIEW(w->text))) {
			*value_r = w->value;
			return 0;
		}
		if (w->text[0] != '\0')
			str_addf(&known, "%s%s", known.len > 0 ? ", " : "", w->text);
	}
	str_adds(&known, " is what it can be");
	return refuse(setting, known.data, err);
}

static int choose_switch(const struct account *a, enum account_setting setting, bool *value_r,
			 struct err *err)
{
	unsigned value;

	if (choose(a, setting, switches, &value, err) < 0)
		return -1;
	*value_r = value != 0;
	return 0;
}

static uint64_t default_port(const struct fetch_job *job)
{
	bool implicit = job->tls == FETCH_TLS_IMPLICIT;

	if (job->protocol == FETCH_IMAP)
		return implicit ? 993 : 143;
	return implicit ? 995 : 110;
}

static int read_port(const struct account *a, struct fetch_job *job, struct err *err)
{
	struct view port = a->value[ACCOUNT_PORT];
	char text[8] = "";

	job->port = default_port(job);
	if (port.len == 0)
		return 0;
	if (port.len < sizeof(text))
		memcpy(text, port.data, port.len);
	if (conf_number(text, &job->port) < 0 || job->port < 1 || job->port > 65535)
		return refuse(ACCOUNT_PORT, "a number from 1 to 65535", err);
	return 0;
}

/* A flag keyword is an atom (RFC 9051, section 9). */
static bool is_keyword(struct view name)
{
	for (size_t i = 0; i < name.len; i++)
		if (name.data[i] <= ' ' || name.data[i] > '~' ||
		    strchr("(){%*\"\\]", name.data[i]) != NULL)
			return false;
	return name.len > 0;
}

/* Neither empty nor with control characters, which end commands in protocols, nor any of BAD. */
static bool is_clean(struct view text, const char *bad)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.data[i] < ' ' || text.data[i] == 0x7f ||
		    strchr(bad, text.data[i]) != NULL)
			return false;
	return text.len > 0;
}

/* Mails of INBOX would go to INBOX/INBOX, and what is in a target or below is never fetched: nothing would be. */
static bool is_target(struct view name)
{
	return is_clean(name, "") && name.data[0] != '/' && name.data[name.len - 1] != '/' &&
	       !view_eq_nocase(name, VIEW("INBOX"));
}

static int read_action(const struct account *a, enum account_setting setting,
		       struct fetch_action *action, struct err *err)
{
	struct view rest = a->value[setting];
	struct view word;

	view_cut(&rest, '=', &word);
	if (view_eq(word, VIEW("leave")) && rest.data == NULL)
		action->act = FETCH_LEAVE;
	else if (view_eq(word, VIEW("delete")) && rest.data == NULL)
		action->act = FETCH_DELETE;
	else if (view_eq(word, VIEW("tag")) && rest.data != NULL && is_keyword(rest))
		action->act = FETCH_TAG;
	else if (view_eq(word, VIEW("move")) && rest.data != NULL && is_target(rest))
		action->act = FETCH_MOVE;
	else
		return refuse(setting,
			      "leave, tag=KEYWORD (one word of ASCII), move=FOLDER (not INBOX, "
			      "no / at its ends) or delete",
			      err);
	action->name = rest.data != NULL ? rest : VIEW("");
	return 0;
}

static int read_actions(const struct account *a, struct fetch_job *job, struct err *err)
{
	static const enum account_setting of[FETCH_OUTCOMES] = {
		[FETCH_ARCHIVED] = ACCOUNT_ARCHIVED,
		[FETCH_DUPLICATE] = ACCOUNT_DUPLICATE,
		[FETCH_FAILURE] = ACCOUNT_FAILED};

	for (int i = 0; i < FETCH_OUTCOMES; i++) {
		struct fetch_action *action = &job->actions[i];

		if (read_action(a, of[i], action, err) < 0)
			return -1;
		if (job->protocol == FETCH_POP3 &&
		    (action->act == FETCH_TAG || action->act == FETCH_MOVE))
			return refuse(of[i], "POP3 has no folders and no tags: leave or delete",
				      err);
	}
	if (job->actions[FETCH_FAILURE].act == FETCH_DELETE)
		return refuse(ACCOUNT_FAILED, "a mail that is not archived is never deleted", err);
	return 0;
}

static int read_oauth(const struct account *a, struct fetch_job *job, struct err *err)
{
	unsigned grant, mechanism, preset;

	if (choose(a, ACCOUNT_GRANT, grants, &grant, err) < 0 ||
	    choose(a, ACCOUNT_MECHANISM, mechanisms, &mechanism, err) < 0 ||
	    choose(a, ACCOUNT_PRESET, presets, &preset, err) < 0)
		return -1;
	job->grant = (enum fetch_grant)grant;
	job->mechanism = (enum fetch_mechanism)mechanism;
	job->preset = a->value[ACCOUNT_PRESET];
	job->token_url = a->value[ACCOUNT_TOKEN_URL];
	job->device_url = a->value[ACCOUNT_DEVICE_URL];
	job->scope = a->value[ACCOUNT_SCOPE];
	job->client_id = a->value[ACCOUNT_CLIENT_ID];
	return 0;
}

static int read_folders(const struct account *a, struct fetch_job *job, struct err *err)
{
	job->folders = a->value[ACCOUNT_FOLDERS];
	if (job->folders.len == 0)
		return 0;
	if (job->protocol == FETCH_POP3)
		return refuse(ACCOUNT_FOLDERS, "POP3 has no folders", err);
	if (pattern_check(job->folders, err) < 0)
		return err_add(err, "%s", account_setting_name(ACCOUNT_FOLDERS));
	return 0;
}

int job_of(const struct account *account, struct fetch_job *job_r, struct err *err)
{
	const struct view *value = account->value;
	unsigned protocol, tls;
	bool enabled;

	*job_r = (struct fetch_job){.account = account->name,
				    .host = value[ACCOUNT_HOST],
				    .ca_file = value[ACCOUNT_CA],
				    .user = value[ACCOUNT_USER]};
	if (choose(account, ACCOUNT_PROTOCOL, protocols, &protocol, err) < 0 ||
	    choose(account, ACCOUNT_TLS, tls_modes, &tls, err) < 0 ||
	    choose_switch(account, ACCOUNT_VERIFY, &job_r->verify, err) < 0 ||
	    choose_switch(account, ACCOUNT_JOURNAL, &job_r->unwrap, err) < 0 ||
	    choose_switch(account, ACCOUNT_ENABLED, &enabled, err) < 0)
		return -1;
	job_r->protocol = (enum fetch_protocol)protocol;
	job_r->tls = (enum fetch_tls)tls;
	if (read_port(account, job_r, err) < 0 || read_oauth(account, job_r, err) < 0 ||
	    read_folders(account, job_r, err) < 0)
		return -1;
	return read_actions(account, job_r, err);
}

/* What a login needs besides the user. */
static int check_login(const struct account *a, const struct fetch_job *job, struct err *err)
{
	if (job->grant == FETCH_PASSWORD)
		return a->set[ACCOUNT_PASSWORD] ? 0 : refuse(ACCOUNT_PASSWORD, "is missing", err);
	if (job->client_id.len == 0)
		return refuse(ACCOUNT_CLIENT_ID, "is missing: what the provider calls this program",
			      err);
	if (job->preset.len == 0 && job->token_url.len == 0)
		return refuse(ACCOUNT_TOKEN_URL, "is missing: where the provider gives tokens",
			      err);
	if (job->grant == FETCH_DEVICE_CODE && job->preset.len == 0 && job->device_url.len == 0)
		return refuse(ACCOUNT_DEVICE_URL, "is missing: where the provider gives codes",
			      err);
	if (job->grant == FETCH_CLIENT_CREDENTIALS && !a->set[ACCOUNT_CLIENT_SECRET])
		return refuse(ACCOUNT_CLIENT_SECRET, "is missing", err);
	if (job->grant == FETCH_REFRESH_TOKEN && !a->set[ACCOUNT_REFRESH_TOKEN])
		return refuse(ACCOUNT_REFRESH_TOKEN, "is missing", err);
	return 0;
}

int job_check(const struct account *account, struct err *err)
{
	struct fetch_job job;

	if (job_of(account, &job, err) < 0)
		return -1;
	if (account->is_prototype)
		return 0;
	if (job.host.len == 0)
		return refuse(ACCOUNT_HOST, "is missing", err);
	if (!is_clean(job.host, " /@?#%[]"))
		return refuse(ACCOUNT_HOST, "the name or address of a server, and nothing else",
			      err);
	if (job.user.len == 0)
		return refuse(ACCOUNT_USER, "is missing", err);
	if (!is_clean(job.user, ""))
		return refuse(ACCOUNT_USER, "it has control characters", err);
	return check_login(account, &job, err);
}

struct secrets {
	struct secret *password, *client_secret, *refresh_token;
};

static struct view secret_view(const struct secret *s)
{
	return s == NULL ? VIEW("") : (struct view){(const char *)secret_data(s), secret_len(s)};
}

static int send_with(int fd, const struct fetch_job *job, const struct secrets *s, struct err *err)
{
	struct fetch_job whole = *job;
	CLEAN_STR body = STR_INIT;
	int rc;

	whole.password = secret_view(s->password);
	whole.client_secret = secret_view(s->client_secret);
	whole.refresh_token = secret_view(s->refresh_token);
	/* in one piece, so that growing leaves no copies behind */
	str_reserve(&body, 64 * 1024 + whole.password.len + whole.client_secret.len +
				   whole.refresh_token.len + whole.folders.len);
	fetch_job_write(&body, &whole);
	rc = ipc_send(fd, FETCH_JOB, str_view(&body), err);
	explicit_bzero(body.data, body.len);
	return rc;
}

int job_send(int fd, struct catalog *catalog, const struct account *account,
	     const struct fetch_job *job, struct err *err)
{
	struct secrets s = {.password = NULL};
	int rc = -1;

	if (accounts_secret(catalog, account->account, ACCOUNT_PASSWORD, &s.password, err) >= 0 &&
	    accounts_secret(catalog, account->account, ACCOUNT_CLIENT_SECRET, &s.client_secret,
			    err) >= 0 &&
	    accounts_secret(catalog, account->account, ACCOUNT_REFRESH_TOKEN, &s.refresh_token,
			    err) >= 0)
		rc = send_with(fd, job, &s, err);
	secret_free(&s.password);
	secret_free(&s.client_secret);
	secret_free(&s.refresh_token);
	return rc;
}
