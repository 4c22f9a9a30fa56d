/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whoever can log in at an IMAP server. */
#include "app/intake/fetch/imap.h"

#include "app/access/login/login.h"
#include "base/conf.h"

enum { PORT_IMAP = 143, PORT_IMAPS = 993 };

/* --- who that is ------------------------------------------------------------------------------ */

/* (Not a name's business alone: a server that drops the domain would let anna in as anna@ any domain.) */
static bool is_domain_of_ours(const struct login *login, struct view domain)
{
	struct view rest = login->call->value[SOURCE_IMAP_DOMAINS], ours;

	if (view_eq(rest, VIEW("*")))
		return true;
	while (view_cut(&rest, ' ', &ours))
		if (view_eq_nocase(ours, domain))
			return true;
	return false;
}

/* The address that a name stands for; NULL: it is nobody's here. */
static char *address_of(const struct login *login)
{
	struct view name = login->call->name, rest = login->call->value[SOURCE_IMAP_DOMAINS], first;
	const char *at = memrchr(name.data, '@', name.len);

	if (at != NULL) {
		struct view domain = {at + 1, (size_t)(name.data + name.len - at - 1)};

		return is_domain_of_ours(login, domain) ? identity_address(login->arena, name)
							: NULL;
	}
	if (!view_cut(&rest, ' ', &first) || view_eq(first, VIEW("*")))
		return NULL;
	return identity_address(login->arena, VIEW(arena_f(login->arena, "%.*s@%.*s", (int)name.len,
							   name.data, (int)first.len, first.data)));
}

/* --- asking ----------------------------------------------------------------------------------- */

static int fill_job(const struct login *login, struct fetch_job *job, struct err *err)
{
	const struct source_call *call = login->call;
	struct view tls = call->value[SOURCE_IMAP_TLS];
	char *ca;

	job->protocol = FETCH_IMAP;
	job->tls = view_eq(tls, VIEW("implicit"))   ? FETCH_TLS_IMPLICIT
		   : view_eq(tls, VIEW("starttls")) ? FETCH_TLS_STARTTLS
						    : FETCH_TLS_NONE;
	job->host = call->value[SOURCE_IMAP_HOST];
	job->port = job->tls == FETCH_TLS_IMPLICIT ? PORT_IMAPS : PORT_IMAP;
	if (call->value[SOURCE_IMAP_PORT].len > 0 &&
	    conf_number(login_value(login, SOURCE_IMAP_PORT), &job->port) < 0)
		return err_set(err, ERR_SYNTAX, "the port is no number");
	if (login_ca_file(login, call->value[SOURCE_IMAP_CA], &ca, err) < 0)
		return -1;
	job->ca_file = VIEW(ca);
	job->verify = true;
	job->user = call->name;
	job->password = call->password;
	job->grant = FETCH_PASSWORD;
	job->idle_ms = (uint64_t)login_left_ms(login);
	return 0;
}

static int connect_to(const struct fetch_job *job, struct imap **imap_r, struct err *err)
{
	if (imap_connect(job, -1, imap_r, err) == 0)
		return 0;
	if (err->kind == ERR_DENIED) /* nothing but the certificate was looked at yet */
		err->kind = ERR_FOREIGN;
	return -1;
}

static int say_right(struct login *login, char *address)
{
	struct identity identity = {.uid = address, .name = address, .shown = address};

	identity_add(login->arena, &identity.addresses, address);
	ARENA_PUSH(login->arena, login->answer.people, identity);
	return login_say(login, SOURCE_RIGHT, NULL);
}

static int log_in(struct login *login, struct err *err)
{
	CLEAN(imap) imap = NULL;
	struct fetch_job job = {0};
	char *address = address_of(login);
	struct err why = {0};

	if (address == NULL)
		return login_say(login, SOURCE_UNKNOWN, "the name is of no domain that is set");
	if (fill_job(login, &job, err) < 0 || connect_to(&job, &imap, err) < 0)
		return -1;
	if (imap_login(imap, &job, VIEW(""), &why) == 0) {
		imap_logout(imap);
		return say_right(login, address);
	}
	if (why.kind != ERR_DENIED)
		return err_set(err, why.kind, "%s", why.text);
	imap_logout(imap);
	return login_say(login, SOURCE_WRONG, why.text);
}

static int test(struct login *login, struct err *err)
{
	CLEAN(imap) imap = NULL;
	struct fetch_job job = {0};

	if (fill_job(login, &job, err) < 0 || connect_to(&job, &imap, err) < 0)
		return -1;
	if (imap_can(imap, IMAP_CAN_LOGIN_DISABLED) && !imap_can(imap, IMAP_CAN_PLAIN))
		return err_set(err, ERR_UNSUPPORTED, "the server takes no passwords");
	imap_logout(imap);
	return login_say(login, SOURCE_RIGHT,
			 "the server answers, and its certificate is trusted; who can log in shows "
			 "with a name and a password only");
}

int login_imap(struct login *login, struct err *err)
{
	switch (login->call->what) {
	case SOURCE_LOGIN:
		return log_in(login, err);
	case SOURCE_TEST:
		return test(login, err);
	default:
		return err_set(err, ERR_UNSUPPORTED,
			       "an IMAP server does not tell who has an account there");
	}
}
