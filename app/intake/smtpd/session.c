/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/intake/smtpd/session_priv.h"

#include "base/clock.h"
#include "base/log.h"

/* Far more than RFC 5321 (section 4.5.3.1.4) and its extensions ask for: room for an address of the 2,000
 * bytes that Postfix takes, and for the same once more in ORCPT, as xtext. */
enum { COMMAND_MAX = 12 * 1024 };

/* --- replies ---------------------------------------------------------------------------------- */

static void add_code(const struct session *s, int code, const char *status, struct str *out)
{
	bool soften = s->protocol == PROTOCOL_LMTP && code >= 500;

	str_addf(out, "%d ", soften ? 451 : code);
	if (*status != '\0')
		str_addf(out, "%c%s ", soften ? '4' : status[0], status + 1);
}

int session_reply(struct session *s, int code, const char *status, const char *fmt, ...)
{
	CLEAN_STR line = STR_INIT;
	va_list ap;

	add_code(s, code, status, &line);
	va_start(ap, fmt);
	str_addfv(&line, fmt, ap);
	va_end(ap);
	if (code >= 400) {
		log_info("refused client=%s reply=%s", conn_peer_addr(s->conn), line.data);
		s->errors += code >= 500; /* "later" and "too many" are no fault of the client's */
	}
	str_adds(&line, "\r\n");
	return conn_write(s->conn, line.data, line.len, &s->err);
}

struct meaning {
	int code; /* as err_smtp() has it */
	const char *status, *text;
};

/* Trouble of ours is never final: 451, and it comes again. */
static const struct meaning *meaning_of(enum err_kind kind)
{
	static const struct meaning all[] = {
		{552, "5.3.4",
		 "the mail is larger than the archive takes; it was not taken. Send it in parts, "
		 "or ask the archive's administrator to raise max_mail_bytes"},
		{452, "4.3.1", "there is no room for this mail now; it was not taken, try again"},
		{451, "4.3.0", "the mail could not be stored safely; it was not taken, try again"},
	};
	enum { LAST = sizeof(all) / sizeof(*all) - 1 };
	size_t i = 0;

	while (i < LAST && all[i].code != err_smtp(kind))
		i++;
	return &all[i];
}

int session_refuse(struct session *s, const struct err *failed, size_t times)
{
	const struct meaning *m = meaning_of(failed->kind);
	int rc = 0;

	if (failed->kind != ERR_TOOBIG)
		log_error("mail not taken reply=%d reason=%s: %s", m->code, err_code(failed->kind),
			  failed->text);
	for (size_t i = 0; i < times && rc == 0; i++)
		rc = session_reply(s, m->code, m->status, "%s", m->text);
	return rc;
}

/* --- lines ------------------------------------------------------------------------------------ */

/* Replies to pipelined commands go together (RFC 2920); none is held back while we wait. */
static int flush_before_waiting(struct session *s)
{
	struct view waiting = conn_buffered(s->conn);

	if (waiting.len > 0 && memchr(waiting.data, '\n', waiting.len) != NULL)
		return 0;
	return conn_flush(s->conn, &s->err);
}

static int skip_line(struct session *s)
{
	for (;;) {
		struct view in = conn_buffered(s->conn);
		const char *lf = in.len ? memchr(in.data, '\n', in.len) : NULL;

		conn_consume(s->conn, lf ? (size_t)(lf - in.data) + 1 : in.len);
		if (lf != NULL)
			return 0;
		if (conn_more(s->conn, COMMAND_MAX, &s->err) <= 0)
			return -1;
	}
}

/* Without its CRLF; false if it does not end in one, or has a CR, LF or NUL elsewhere. */
static bool strip(const struct session *s, struct view *line)
{
	bool lax = s->protocol == PROTOCOL_LMTP || s->smtpd->settings->bare_newline;

	if (line->len > 0 && line->data[line->len - 1] == '\n')
		line->len--;
	if (line->len > 0 && line->data[line->len - 1] == '\r')
		line->len--;
	else if (!lax)
		return false;
	return line->len == 0 || (memchr(line->data, '\r', line->len) == NULL &&
				  memchr(line->data, '\0', line->len) == NULL);
}

int session_line(struct session *s, size_t max, struct view *line_r)
{
	int rc;

	if (flush_before_waiting(s) < 0)
		return -1;
	rc = conn_line(s->conn, max, line_r, &s->err);
	if (rc < 0 && s->err.kind == ERR_TOOBIG) {
		err_clear(&s->err);
		if (skip_line(s) < 0)
			return -1;
		return session_reply(s, 500, "5.5.2", "the line is too long");
	}
	if (rc == 0)
		return err_set(&s->err, ERR_OFFLINE, "the client hung up");
	if (rc < 0)
		return -1;
	if (strip(s, line_r))
		return 1;
	s->over = true; /* what follows may be of another mind about where lines end */
	return session_reply(s, 500, "5.5.2", "a line ends in CR LF, and has neither elsewhere");
}

/* --- the dialogue ----------------------------------------------------------------------------- */

void session_end_mail(struct session *s)
{
	transaction_reset(&s->t);
	s->xforward = (struct xforward){0};
}

static bool is_worn_out(const struct session *s)
{
	return s->protocol == PROTOCOL_SMTP && s->errors >= s->smtpd->settings->max_errors;
}

static int one_command(struct session *s)
{
	struct view line;
	int rc = session_line(s, COMMAND_MAX, &line);

	if (rc > 0)
		rc = verb_run(s, line);
	if (rc < 0)
		return -1;
	if (!s->over && is_worn_out(s)) {
		s->over = true;
		return session_reply(s, 421, "4.7.0", "too many errors; this connection ends");
	}
	return 0;
}

/* Why it ends, if the client can still hear it. */
static void say_goodbye(struct session *s)
{
	enum err_kind kind = s->err.kind;

	conn_set_stop(s->conn, -1);
	conn_set_deadline(s->conn, clock_monotonic_ms() + 1000);
	if (kind == ERR_TIMEOUT)
		session_reply(s, 421, "4.4.2",
			      "this took too long; what was not answered with 250 was not taken");
	else if (kind == ERR_STOPPED)
		session_reply(s, 421, "4.3.2",
			      "the service stops; what was not answered with 250 was not taken");
	else if (kind != ERR_NONE)
		return;
	err_clear(&s->err);
	conn_flush(s->conn, &s->err);
}

static int greet(struct session *s)
{
	const char *hostname = s->smtpd->settings->hostname;

	if (s->protocol == PROTOCOL_LMTP && !s->trusted) {
		s->over = true;
		return session_reply(s, 421, "4.7.1", "%s takes no LMTP from this address",
				     hostname);
	}
	return session_reply(s, 220, "", "%s %s Sealpost", hostname,
			     s->protocol == PROTOCOL_LMTP ? "LMTP" : "ESMTP");
}

static void set_times(struct session *s)
{
	const struct smtpd_settings *settings = s->smtpd->settings;

	if (s->protocol == PROTOCOL_SMTP)
		s->deadline_ms = clock_monotonic_ms() + (int64_t)settings->session_timeout_s * 1000;
	conn_set_idle(s->conn, (int)settings->idle_timeout_s * 1000);
	conn_set_deadline(s->conn, s->deadline_ms);
}

void smtpd_serve(const struct smtpd *smtpd, enum protocol protocol, struct conn *conn)
{
	const struct smtpd_settings *settings = smtpd->settings;
	struct session s = {.smtpd = smtpd, .conn = conn, .protocol = protocol};
	const char *addr = conn_peer_addr(conn);
	int rc;

	str_init(&s.helo);
	str_init(&s.login);
	transaction_init(&s.t, smtpd, protocol);
	/* who may open a Unix socket is a matter of its rights */
	s.trusted = *addr == '\0' || network_holds(settings->network, settings->networks.n, addr);
	set_times(&s);
	rc = greet(&s);
	while (rc == 0 && !s.over)
		rc = one_command(&s);
	transaction_reset(&s.t);
	say_goodbye(&s);
	transaction_clear(&s.t);
	str_clear(&s.login);
	str_clear(&s.helo);
}
