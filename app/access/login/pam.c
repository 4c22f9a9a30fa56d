/* SPDX-License-Identifier: GPL-3.0-or-later */
/* This system's own accounts: PAM for the password, the group for who may log in.
 *
 * Membership is looked at first, so that nobody can try the passwords of other accounts, root's for one, through the archive.
 */
#include "app/access/login/login.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <security/pam_appl.h>
#include <unistd.h>

enum { MEMBERS_MAX = 10 * 1000 };

/* --- the conversation ------------------------------------------------------------------------- */

/* What PAM's modules ask gets the name, and the password once: a second question without echo is for something else. */
struct talk {
	const char *name;
	char *password; /* NULL: there is none, or it was given */
};

static char *reply_to(int style, struct talk *talk)
{
	char *reply = NULL;

	if (style == PAM_PROMPT_ECHO_ON)
		reply = mem_strdup(talk->name);
	if (style == PAM_PROMPT_ECHO_OFF && talk->password != NULL) {
		reply = mem_strdup(talk->password);
		talk->password = NULL;
	}
	return reply;
}

static int converse(int n, const struct pam_message **messages, struct pam_response **responses_r,
		    void *arg)
{
	struct pam_response *responses;

	if (n <= 0 || n > PAM_MAX_NUM_MSG)
		return PAM_CONV_ERR;
	responses = mem_new((size_t)n * sizeof(*responses));
	for (int i = 0; i < n; i++) {
		int style = messages[i]->msg_style;

		responses[i].resp = reply_to(style, arg);
		if (responses[i].resp == NULL && style != PAM_TEXT_INFO && style != PAM_ERROR_MSG) {
			for (int k = 0; k < i; k++)
				free(responses[k].resp);
			free(responses);
			return PAM_CONV_ERR;
		}
	}
	*responses_r = responses;
	return PAM_SUCCESS;
}

/* Slowing down who guesses is the archive's own business: waiting here would only keep others waiting. */
static void no_delay(int status, unsigned usec, void *arg)
{
	(void)status;
	(void)usec;
	(void)arg;
}

/* --- asking PAM ------------------------------------------------------------------------------- */

static int start(const char *service, const struct pam_conv *conv, const char *name,
		 pam_handle_t **pam_r, struct arena *arena)
{
	const char *slash = strrchr(service, '/');

	if (slash == NULL)
		return pam_start(service, name, conv, pam_r);
	return pam_start_confdir(slash + 1, name, conv,
				 arena_strn(arena, service, (size_t)(slash - service)), pam_r);
}

static int judge(struct login *login, pam_handle_t *pam, int status, struct err *err)
{
	const char *text = pam_strerror(pam, status);

	switch (status) {
	case PAM_SUCCESS:
		return login_say(login, SOURCE_RIGHT, NULL);
	case PAM_AUTH_ERR:
	case PAM_CRED_INSUFFICIENT:
		return login_say(login, SOURCE_WRONG, text);
	case PAM_USER_UNKNOWN:
		return login_say(login, SOURCE_UNKNOWN, text);
	case PAM_MAXTRIES:
	case PAM_ACCT_EXPIRED:
	case PAM_NEW_AUTHTOK_REQD:
	case PAM_PERM_DENIED:
	case PAM_CRED_EXPIRED:
		return login_say(login, SOURCE_DISABLED, text);
	case PAM_AUTHINFO_UNAVAIL:
		return err_set(err, ERR_OFFLINE, "PAM cannot check it now: %s", text);
	default:
		return err_set(err, ERR_IO, "PAM: %s", text);
	}
}

static int ask_pam(struct login *login, const char *name, struct err *err)
{
	const struct source_call *call = login->call;
	bool logs_in = call->what == SOURCE_LOGIN;
	struct talk talk = {name,
			    arena_strn(login->arena, call->password.data, call->password.len)};
	const struct pam_conv conv = {converse, &talk};
	pam_handle_t *pam = NULL;
	int status, rc;

	if (memchr(call->password.data, '\0', call->password.len) != NULL)
		return login_say(login, SOURCE_WRONG, "no password has a NUL in it");
	status = start(login_value(login, SOURCE_APPLIANCE_SERVICE), &conv, name, &pam,
		       login->arena);
	if (status != PAM_SUCCESS)
		return err_set(err, ERR_IO, "PAM does not start: %s", pam_strerror(pam, status));
	pam_set_item(pam, PAM_FAIL_DELAY, (const void *)no_delay);
	if (logs_in)
		status = pam_authenticate(pam, PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK);
	if (status == PAM_SUCCESS)
		status = pam_acct_mgmt(pam, PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK);
	rc = judge(login, pam, status, err);
	pam_end(pam, status);
	return rc;
}

/* --- accounts --------------------------------------------------------------------------------- */

/* The name is what mail is addressed by, so it is also what says who somebody is: a system gives the number of an account that was
 * removed to the next one. */
static struct identity identity_of(const struct login *login, const struct passwd *account)
{
	struct view rest = login->call->value[SOURCE_APPLIANCE_DOMAINS], domain;
	struct view shown = {account->pw_gecos, strcspn(account->pw_gecos, ",")};
	CLEAN_STR safe = STR_INIT;
	struct arena *arena = login->arena;
	struct identity identity = {
		.uid = arena_str(arena, account->pw_name),
		.name = arena_str(arena, account->pw_name),
	};

	str_addsafe(&safe, view_trim(shown), false);
	identity.shown = safe.len > 0 ? arena_str(arena, safe.data) : identity.name;
	while (view_cut(&rest, ' ', &domain)) {
		const char *address = arena_f(arena, "%s@%.*s", identity.name, (int)domain.len,
					      domain.data);

		identity_add(arena, &identity.addresses, identity_address(arena, VIEW(address)));
	}
	return identity;
}

/* 1, 0 no member, -1. */
static int is_member(const struct passwd *account, const char *group_name, struct err *err)
{
	const struct group *group;

	if (group_name[0] == '\0')
		return 1;
	errno = 0;
	group = getgrnam(group_name);
	if (group == NULL)
		return err_set(err, ERR_SYNTAX,
			       "there is no group %s on this system; make it, and put those into "
			       "it who may log in",
			       group_name);
	if (account->pw_gid == group->gr_gid)
		return 1;
	for (char **member = group->gr_mem; *member != NULL; member++)
		if (strcmp(*member, account->pw_name) == 0)
			return 1;
	return 0;
}

static int of_one(struct login *login, struct err *err)
{
	const struct source_call *call = login->call;
	const struct passwd *account = getpwnam(
		arena_strn(login->arena, call->name.data, call->name.len));
	struct identity identity;
	int rc;

	if (account == NULL)
		return login_say(login, SOURCE_UNKNOWN, NULL);
	identity = identity_of(login, account);
	rc = call->any_group ? 1
			     : is_member(account, login_value(login, SOURCE_APPLIANCE_GROUP), err);
	if (rc <= 0)
		return rc < 0 ? -1 : login_say(login, SOURCE_NOT_ALLOWED, NULL);
	if (ask_pam(login, identity.name, err) < 0)
		return -1;
	if (login->answer.verdict == SOURCE_RIGHT)
		ARENA_PUSH(login->arena, login->answer.people, identity);
	return 0;
}

/* Members by name, and those whose first group it is. */
static int list(struct login *login, struct err *err)
{
	const char *group = login_value(login, SOURCE_APPLIANCE_GROUP);
	const struct passwd *account;
	int rc = 0;

	setpwent();
	while (rc >= 0 && login->answer.people.n < MEMBERS_MAX && (account = getpwent()) != NULL) {
		rc = is_member(account, group, err);
		if (rc > 0)
			ARENA_PUSH(login->arena, login->answer.people, identity_of(login, account));
	}
	endpwent();
	return rc < 0 ? -1 : login_say(login, SOURCE_RIGHT, NULL);
}

/* PAM itself takes the service "other" for one that it does not know. */
static bool has_service(const struct login *login, const char *service)
{
	static const char *const places[] = {"/etc/pam.d", "/usr/lib/pam.d"};

	if (service[0] == '/')
		return access(service, R_OK) == 0;
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++)
		if (access(arena_f(login->arena, "%s/%s", places[i], service), R_OK) == 0)
			return true;
	return false;
}

/* A password cannot be tried without one; that the service can be started, and the group is there, can be seen. */
static int test(struct login *login, struct err *err)
{
	struct talk nobody = {"nobody", NULL};
	const struct pam_conv conv = {converse, &nobody};
	const char *service = login_value(login, SOURCE_APPLIANCE_SERVICE);
	pam_handle_t *pam = NULL;
	int status;

	if (!has_service(login, service))
		return err_set(err, ERR_SYNTAX, "there is no PAM service %s; its file is missing",
			       service);
	status = start(service, &conv, "nobody", &pam, login->arena);
	if (pam != NULL)
		pam_end(pam, status);
	if (status != PAM_SUCCESS)
		return err_set(err, ERR_SYNTAX,
			       "PAM cannot start the service %s: its file is "
			       "malformed",
			       service);
	if (list(login, err) < 0)
		return -1;
	return login_say(login, SOURCE_RIGHT,
			 arena_f(login->arena,
				 "PAM answers; %zu account%s of this system may log in",
				 login->answer.people.n, login->answer.people.n == 1 ? "" : "s"));
}

int login_pam(struct login *login, struct err *err)
{
	int rc;

	switch (login->call->what) {
	case SOURCE_LIST:
		return list(login, err);
	case SOURCE_TEST:
		rc = test(login, err);
		login->answer.people.n = 0;
		return rc;
	default:
		return of_one(login, err);
	}
}
