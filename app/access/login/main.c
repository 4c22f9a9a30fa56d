/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sealpost-login - asks one source of people one question, for the program that started it (app/access/source.h); never by hand.
 *
 * It reads a question from descriptor 3 (app/access/source_wire.h), asks the directory, the IMAP server or PAM, answers, and ends. What it
 * cannot do in time, its starter ends by kill -9; should that have gone, a timer does.
 *
 * Jail: no new privileges, no core dumps, few open files, an empty environment; it ends with its parent. It holds the password that
 * somebody typed and the one of the account that searches the directory, no key and no database. It stays the user who started it:
 * PAM's modules have to read what they compare with.
 *
 * SECURITY: libldap and the PAM modules of this system see what the network and people send. Neither ldap.conf, ~/.ldaprc nor the
 * environment changes what libldap does. Referrals are not followed.
 */
#include "app/access/login/login.h"
#include "base/clock.h"
#include "base/ipc.h"
#include "base/jail.h"
#include "base/log.h"
#include "base/program.h"
#include "base/secret.h"

#include <signal.h>
#include <stdio.h>
#include <sys/time.h>
#include <unistd.h>

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };
enum { FILES = 64, QUESTION_MS = 10 * 1000, GRACE_MS = 1000, NAME_MAX_BYTES = 256 };

/* --- asking ----------------------------------------------------------------------------------- */

/* A name that somebody can have: text without control characters, and no blanks around it. */
static bool is_name(struct view name)
{
	CLEAN_STR safe = STR_INIT;

	if (name.len == 0 || name.len > NAME_MAX_BYTES || view_trim(name).len != name.len)
		return false;
	str_addsafe(&safe, name, false);
	return view_eq(name, str_view(&safe));
}

static int ask_backend(struct login *login, struct err *err)
{
	switch (login->call->source) {
	case PERSON_APPLIANCE:
		return login_pam(login, err);
	case PERSON_LDAP:
		return login_ldap(login, err);
	case PERSON_IMAP:
		return login_imap(login, err);
	default:
		return err_set(err, ERR_UNSUPPORTED, "this version cannot ask that source");
	}
}

/* (LO1) */
static int ask(struct login *login, struct err *err)
{
	const struct source_call *call = login->call;
	bool of_one = call->what == SOURCE_LOGIN || call->what == SOURCE_LOOK;

	if (of_one && !is_name(call->name))
		return login_say(login, SOURCE_UNKNOWN, "nobody can have such a name");
	if (call->what == SOURCE_LOGIN && call->password.len == 0)
		return login_say(login, SOURCE_WRONG, "the password is empty");
	return ask_backend(login, err);
}

/* --- question and answer ---------------------------------------------------------------------- */

static int take_call(struct str *body, struct source_call *call_r, struct err *err)
{
	uint32_t type;
	int rc = ipc_receive(PROGRAM_FD, QUESTION_MS, &type, body, err);

	if (rc < 0)
		return -1;
	if (rc == 0 || type != SOURCE_QUESTION)
		return err_set(err, ERR_DAMAGED, "there is no question");
	return source_call_read(str_view(body), call_r, err);
}

/* The last resort, for a library that waits for ever: SIGALRM ends the process. */
static void end_after(int ms)
{
	struct itimerval timer = {.it_value = {ms / 1000, ms % 1000 * 1000}};

	must(setitimer(ITIMER_REAL, &timer, NULL) == 0);
}

static int answer(const struct source_call *call, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	CLEAN_STR body = STR_INIT;
	struct login login = {call, arena, clock_monotonic_ms() + call->timeout_ms, {0}};
	struct err why = {0};

	end_after(call->timeout_ms + GRACE_MS);
	if (ask(&login, &why) == 0) {
		source_answer_write(&login.answer, &body);
		return ipc_send(PROGRAM_FD, SOURCE_ANSWER, str_view(&body), err);
	}
	source_failure_write(&why, &body);
	return ipc_send(PROGRAM_FD, SOURCE_FAILED, str_view(&body), err);
}

static int serve(struct err *err)
{
	struct source_call call;
	CLEAN_STR body = STR_INIT;
	int rc;

	if (jail_enter("", FILES, err) < 0)
		return -1;
	rc = take_call(&body, &call, err);
	if (rc == 0)
		rc = answer(&call, err);
	explicit_bzero(body.data, body.cap); /* it holds passwords */
	return rc;
}

int main(int argc, char **argv)
{
	struct err err = {0};

	(void)argv;
	secret_harden_process();
	if (!program_was_handed_a_socket(argc)) {
		fputs("sealpost-login is started by sealpost and by sealpost-api\n", stderr);
		return EXIT_USAGE;
	}
	signal(SIGPIPE, SIG_IGN);
	setpgid(0, 0); /* its starter ends all of the group */
	if (jail_follow_starter(&err) == 0) {
		clearenv();
		setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
		setenv("LDAPNOINIT", "1", 1);
		if (serve(&err) == 0)
			return EXIT_DONE;
	}
	log_error("sealpost-login: %s", err.text);
	return EXIT_FAILED;
}
