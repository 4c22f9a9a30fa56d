/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/intake/smtpd/session_priv.h"

#include "base/log.h"

#include <time.h>

/* A base64 line as RFC 4954, section 4 allows it; more failures than this end the session. */
enum { LINE_MAX_BYTES = 12288, FAILED_MAX = 3 };

/* Decoded answers: wiped when they go. */
struct answer {
	char text[LINE_MAX_BYTES];
	size_t len;
};

static void wipe(struct answer *answer)
{
	explicit_bzero(answer, sizeof(*answer));
}

static int sextet(char c)
{
	static const char all[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(all, c) : NULL;

	return at ? (int)(at - all) : -1;
}

/* RFC 4648, section 4, with nothing in between. There is room behind the text for a NUL. */
static int decode(struct view in, struct answer *out)
{
	unsigned bits = 0, n = 0;

	out->len = 0;
	if (in.len % 4 != 0 || in.len > LINE_MAX_BYTES)
		return -1;
	for (unsigned pads = 0; pads < 2 && in.len > 0 && in.data[in.len - 1] == '='; pads++)
		in.len--;
	for (size_t i = 0; i < in.len; i++) {
		int value = sextet(in.data[i]);

		if (value < 0)
			return -1;
		bits = (bits << 6 | (unsigned)value) & 0xffffff;
		n += 6;
		if (n >= 8) {
			n -= 8;
			out->text[out->len++] = (char)(bits >> n);
		}
	}
	out->text[out->len] = '\0';
	return 0;
}

/* 1: TEXT has the client's answer; 0: refused, and that was replied; -1. INITIAL: what came with the command
 * itself, "=" for nothing (RFC 4954, section 4). */
static int get_answer(struct session *s, struct view initial, const char *prompt,
		      struct answer *answer)
{
	struct view line = initial;
	int rc;

	if (initial.len == 0) {
		if (session_reply(s, 334, "", "%s", prompt) < 0)
			return -1;
		rc = session_line(s, LINE_MAX_BYTES, &line);
		if (rc <= 0)
			return rc;
		if (view_eq(line, VIEW("*")))
			return session_reply(s, 501, "5.7.0", "no log-in, as you wish");
	} else if (view_eq(initial, VIEW("="))) {
		line.len = 0;
	}
	if (decode(line, answer) < 0)
		return session_reply(s, 501, "5.5.2", "this is no base64");
	return 1;
}

static int fail_login(struct session *s)
{
	struct timespec pause = {.tv_sec = (time_t)1 << s->failed_logins};

	s->failed_logins++;
	log_warn("log-in failed client=%s", conn_peer_addr(s->conn));
	nanosleep(&pause, NULL);
	if (s->failed_logins < FAILED_MAX)
		return session_reply(s, 535, "5.7.8", "name or password is wrong");
	s->over = true;
	return session_reply(s, 421, "4.7.0", "name or password is wrong, too often");
}

static int log_in(struct session *s, struct view name, const char *password)
{
	if (!users_check(s->smtpd->users, name, password))
		return fail_login(s);
	str_reset(&s->login);
	str_addv(&s->login, name);
	return session_reply(s, 235, "2.7.0", "welcome");
}

/* RFC 4616: whom to act for (nobody else than oneself), NUL, name, NUL, password. */
static int auth_plain(struct session *s, struct view initial)
{
	__attribute__((cleanup(wipe))) struct answer answer = {0};
	struct view rest, act_for, name;
	int rc = get_answer(s, initial, "", &answer);

	if (rc <= 0)
		return rc;
	rest = (struct view){answer.text, answer.len};
	view_cut(&rest, '\0', &act_for);
	if (!view_cut(&rest, '\0', &name) || rest.data == NULL ||
	    memchr(rest.data, '\0', rest.len) != NULL)
		return session_reply(s, 501, "5.5.2", "this is no answer to PLAIN");
	if (act_for.len > 0 && !view_eq(act_for, name))
		return fail_login(s);
	return log_in(s, name, rest.data);
}

/* Name and password, asked for one by one: "Username:", "Password:". */
static int auth_login(struct session *s, struct view initial)
{
	__attribute__((cleanup(wipe))) struct answer name = {0};
	__attribute__((cleanup(wipe))) struct answer password = {0};
	int rc = get_answer(s, initial, "VXNlcm5hbWU6", &name);

	if (rc > 0)
		rc = get_answer(s, VIEW(""), "UGFzc3dvcmQ6", &password);
	if (rc <= 0)
		return rc;
	if (memchr(password.text, '\0', password.len) != NULL)
		return fail_login(s);
	return log_in(s, (struct view){name.text, name.len}, password.text);
}

int auth_run(struct session *s, struct view args)
{
	struct view mechanism;

	if (s->smtpd->users == NULL)
		return session_reply(s, 502, "5.5.1", "nobody can log in here");
	if (*conn_tls_text(s->conn) == '\0')
		return session_reply(s, 538, "5.7.11", "start TLS first");
	if (s->helo.len == 0 || s->t.open || s->login.len > 0)
		return session_reply(s, 503, "5.5.1", "this is not the moment to log in");
	view_cut(&args, ' ', &mechanism);
	args = args.data ? view_trim(args) : VIEW("");
	if (view_eq_nocase(mechanism, VIEW("PLAIN")))
		return auth_plain(s, args);
	if (view_eq_nocase(mechanism, VIEW("LOGIN")))
		return auth_login(s, args);
	return session_reply(s, 504, "5.5.4", "only PLAIN and LOGIN are known here");
}
