/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Asking a source, through sealpost-login: where systemd runs the archive, by its units' sockets, as it needs other rights there than who asks;
 * else as a child. */
#include "app/access/source.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/file.h"
#include "base/ipc.h"
#include "base/program.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* SEND_MS: for a question that fits into the socket's buffer. READ_MS: for an answer of which the beginning is there. LIST_FACTOR: all
 * people take longer than one. */
enum { SEND_MS = 2000, READ_MS = 2000, END_MS = 1000, LIST_FACTOR = 12 };

struct source_talk {
	int fd;
	pid_t pid; /* 0: it is no child, or has ended, and was waited for */
	bool open; /* the answer was not taken yet */
	int64_t deadline_ms;
	int timeout_ms;
	enum person_source source;
	enum source_what what;
};

const char *source_verdict_text(enum source_verdict verdict)
{
	switch (verdict) {
	case SOURCE_RIGHT:
		return "name and password are right";
	case SOURCE_WRONG:
		return "the password is wrong";
	case SOURCE_DISABLED:
		return "the account is disabled, locked or expired";
	case SOURCE_UNKNOWN:
		return "nobody there has this name";
	case SOURCE_NOT_ALLOWED:
		return "this account is not in the group that may log in";
	}
	return "";
}

/* --- starting --------------------------------------------------------------------------------- */

static struct view secret_of(const struct secret *secret)
{
	if (secret == NULL)
		return VIEW("");
	return (struct view){(const char *)secret_data(secret), secret_len(secret)};
}

static int timeout_of(const struct source *source)
{
	static const enum source_setting settings[PERSON_N_SOURCES] = {
		[PERSON_APPLIANCE] = SOURCE_APPLIANCE_TIMEOUT,
		[PERSON_LDAP] = SOURCE_LDAP_TIMEOUT,
		[PERSON_IMAP] = SOURCE_IMAP_TIMEOUT,
	};
	uint64_t ms;
	int rc = conf_number(source->value[settings[source->source]], &ms);

	must(rc == 0 && ms > 0 && ms < INT32_MAX / LIST_FACTOR); /* source_check() */
	return (int)ms;
}

static void write_call(const struct source *source, const struct source_question *question,
		       int timeout_ms, struct str *body)
{
	struct source_call call = {
		.what = question->what,
		.source = source->source,
		.timeout_ms = timeout_ms,
		.any_group = question->any_group,
		.name = VIEW(question->name != NULL ? question->name : ""),
		.password = secret_of(question->password),
	};
	size_t len = 1024 + call.name.len + call.password.len;

	for (size_t i = 0; i < SOURCE_N_SETTINGS; i++) {
		if (source_setting_form((enum source_setting)i) == SOURCE_SECRET)
			call.value[i] = secret_of(source->password);
		else
			call.value[i] = VIEW(source->value[i] != NULL ? source->value[i] : "");
		len += call.value[i].len + 16;
	}
	str_reserve(body, len); /* once, so that no copy of a secret is left where it grew from */
	source_call_write(&call, body);
}

/* 1, 0 there is no such unit. Passwords of this system's accounts are a unit's of their own, which may read what they are compared with. */
static int connect_unit(struct source_talk *talk, struct err *err)
{
	return program_connect_unit(talk->source == PERSON_APPLIANCE ? "pam" : "login", &talk->fd,
				    err);
}

static int start_child(struct source_talk *talk, struct err *err)
{
	static const char *const no_args[] = {NULL};
	int fds[2], rc;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return err_errno(err, "socketpair: %m");
	rc = program_start("login", no_args, fds[1], &talk->pid, err);
	close(fds[1]);
	if (rc < 0) {
		close(fds[0]);
		talk->pid = 0;
		if (err->kind == ERR_NOTFOUND) /* the program, which says nothing of the person */
			err->kind = ERR_UNSUPPORTED;
		return -1;
	}
	talk->fd = fds[0];
	return 0;
}

static int start_program(struct source_talk *talk, struct err *err)
{
	int rc = connect_unit(talk, err);

	talk->open = true;
	return rc > 0 ? 0 : rc < 0 ? -1 : start_child(talk, err);
}

static int send_question(struct source_talk *talk, const struct source *source,
			 const struct source_question *question, struct err *err)
{
	CLEAN_STR body = STR_INIT;
	int rc;

	write_call(source, question, talk->timeout_ms, &body);
	rc = ipc_send_within(talk->fd, SEND_MS, SOURCE_QUESTION, str_view(&body), err);
	explicit_bzero(body.data, body.cap);
	return rc < 0 ? err_add(err, "sealpost-login") : 0;
}

int source_start(const struct source *source, const struct source_question *question,
		 struct source_talk **talk_r, struct err *err)
{
	CLEAN(source_talk) talk = NULL;

	if (source_check(source, err) < 0)
		return err_add(err, "the source %s is not set up",
			       person_source_name(source->source));
	talk = mem_new(sizeof(*talk));
	talk->fd = -1;
	talk->source = source->source;
	talk->what = question->what;
	talk->timeout_ms = timeout_of(source) * (question->what == SOURCE_LIST ? LIST_FACTOR : 1);
	if (start_program(talk, err) < 0 || send_question(talk, source, question, err) < 0)
		return -1;
	talk->deadline_ms = clock_monotonic_ms() + talk->timeout_ms;
	*talk_r = TAKE(talk);
	return 0;
}

int source_talk_fd(const struct source_talk *talk)
{
	return talk->fd;
}

int64_t source_talk_deadline_ms(const struct source_talk *talk)
{
	return talk->deadline_ms;
}

/* --- ending ----------------------------------------------------------------------------------- */

/* How it ended is of no interest: the answer is there, or not. A unit's ends by itself: it has a timer. */
static void end(struct source_talk *talk, bool by_itself)
{
	struct err ignored = {0};

	talk->open = false;
	if (talk->pid == 0)
		return;
	if (!by_itself || (program_wait(talk->pid, "login", END_MS, &ignored) < 0 &&
			   ignored.kind == ERR_TIMEOUT)) {
		kill(-talk->pid, SIGKILL); /* with what a PAM module started */
		kill(talk->pid, SIGKILL);  /* it may be no group yet */
		while (waitpid(talk->pid, NULL, 0) < 0 && errno == EINTR)
			continue;
	}
	talk->pid = 0;
}

void source_talk_free(struct source_talk **talk)
{
	struct source_talk *t = *talk;

	if (t == NULL)
		return;
	end(t, false);
	fd_cleanup(&t->fd);
	free(t);
	*talk = NULL;
}

/* --- the answer ------------------------------------------------------------------------------- */

static bool is_readable(int fd, int timeout_ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int n;

	do
		n = poll(&p, 1, timeout_ms);
	while (n < 0 && errno == EINTR);
	return n > 0;
}

static int silent(const struct source_talk *talk, struct err *err)
{
	return err_set(err, ERR_TIMEOUT, "it has not answered within %d ms", talk->timeout_ms);
}

static int read_answer(const struct source_talk *talk, struct view body, struct arena *arena,
		       struct source_answer *answer_r, struct err *err)
{
	bool of_one = talk->what == SOURCE_LOGIN || talk->what == SOURCE_LOOK;

	if (source_answer_read(body, arena, answer_r, err) < 0)
		return -1;
	if (of_one && answer_r->people.n != (answer_r->verdict == SOURCE_RIGHT))
		return err_set(err, ERR_DAMAGED, "sealpost-login told of %zu people",
			       answer_r->people.n);
	return 0;
}

static int take(struct source_talk *talk, struct arena *arena, struct source_answer *answer_r,
		struct err *err)
{
	CLEAN_STR body = STR_INIT;
	uint32_t type;
	int rc;

	if (!is_readable(talk->fd, 0))
		return silent(talk, err);
	rc = ipc_receive(talk->fd, READ_MS, &type, &body, err);
	end(talk, rc > 0);
	if (rc < 0)
		return -1;
	if (rc == 0)
		return clock_monotonic_ms() < talk->deadline_ms
			       ? err_set(err, ERR_IO, "sealpost-login ended without an answer")
			       : silent(talk, err);
	return type == SOURCE_ANSWER ? read_answer(talk, str_view(&body), arena, answer_r, err)
				     : source_failure_read(str_view(&body), err);
}

int source_finish(struct source_talk *talk, struct arena *arena, struct source_answer *answer_r,
		  struct err *err)
{
	must(talk->open);
	if (take(talk, arena, answer_r, err) == 0)
		return 0;
	end(talk, false);
	return err_add(err, "the source %s", person_source_name(talk->source));
}

int source_ask(const struct source *source, const struct source_question *question,
	       struct arena *arena, struct source_answer *answer_r, struct err *err)
{
	CLEAN(source_talk) talk = NULL;
	int64_t left_ms;

	if (source_start(source, question, &talk, err) < 0)
		return -1;
	left_ms = talk->deadline_ms - clock_monotonic_ms();
	is_readable(talk->fd, left_ms > 0 ? (int)left_ms : 0);
	return source_finish(talk, arena, answer_r, err);
}
