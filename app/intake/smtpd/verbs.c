/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/intake/smtpd/session_priv.h"

#include "base/log.h"

enum { SMTP_BIT = 1 << PROTOCOL_SMTP, LMTP_BIT = 1 << PROTOCOL_LMTP, BOTH = 3 };

/* --- EHLO, HELO, LHLO ------------------------------------------------------------------------- */

static bool can_start_tls(const struct session *s)
{
	return s->protocol == PROTOCOL_SMTP && s->smtpd->tls != NULL &&
	       *conn_tls_text(s->conn) == '\0';
}

bool session_can_log_in(const struct session *s)
{
	return s->protocol == PROTOCOL_SMTP && s->smtpd->users != NULL &&
	       *conn_tls_text(s->conn) != '\0';
}

static int greet_back(struct session *s, bool extended)
{
	const struct smtpd_settings *settings = s->smtpd->settings;
	CLEAN_STR out = STR_INIT;

	if (!extended)
		return session_reply(s, 250, "", "%s", settings->hostname);
	str_addf(&out,
		 "250-%s\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n"
		 "250-ENHANCEDSTATUSCODES\r\n",
		 settings->hostname);
	if (can_start_tls(s))
		str_adds(&out, "250-STARTTLS\r\n");
	if (session_can_log_in(s))
		str_adds(&out, "250-AUTH PLAIN LOGIN\r\n");
	/* Who asks by SMTP to be told of the delivery is told by the server before us, if we do not offer DSN
	 * (RFC 3461, section 5.2.2); the one behind LMTP asks with NOTIFY=NEVER. */
	if (s->protocol == PROTOCOL_LMTP)
		str_adds(&out, "250-XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE\r\n250-DSN\r\n"
			       "250 SIZE 0\r\n");
	else
		str_addf(&out, "250-CHUNKING\r\n250 SIZE %llu\r\n",
			 (unsigned long long)settings->max_mail_bytes);
	return conn_write(s->conn, out.data, out.len, &s->err);
}

/* RFC 5321, section 4.1.4: it also gives up a mail that was begun. */
static int hello(struct session *s, struct view args, bool extended)
{
	args = view_trim(args);
	if (args.len == 0)
		return session_reply(s, 501, "5.5.4", "say your name, too");
	session_end_mail(s);
	str_reset(&s->helo);
	str_addv(&s->helo, args);
	return greet_back(s, extended);
}

static int ehlo(struct session *s, struct view args)
{
	return hello(s, args, true);
}

static int helo(struct session *s, struct view args)
{
	return hello(s, args, false);
}

/* --- the others ------------------------------------------------------------------------------- */

static int data(struct session *s, struct view args)
{
	(void)args;
	if (!s->t.open)
		return session_reply(s, 503, "5.5.1", "MAIL comes first");
	if (s->t.recipients == 0)
		return session_reply(s, 503, "5.5.1", "there is no valid recipient");
	if (transaction_has_bytes(&s->t))
		return session_reply(s, 503, "5.5.1", "after BDAT there is no DATA");
	return receive_data(s);
}

static int rset(struct session *s, struct view args)
{
	(void)args;
	session_end_mail(s);
	return session_reply(s, 250, "2.0.0", "begin anew");
}

static int noop(struct session *s, struct view args)
{
	(void)args;
	return session_reply(s, 250, "2.0.0", "still here");
}

static int quit(struct session *s, struct view args)
{
	(void)args;
	s->over = true;
	return session_reply(s, 221, "2.0.0", "goodbye");
}

static int vrfy(struct session *s, struct view args)
{
	(void)args;
	return session_reply(s, 252, "2.5.0", "send mail to find out");
}

static int expn(struct session *s, struct view args)
{
	(void)args;
	return session_reply(s, 502, "5.5.1", "there are no lists here");
}

static int help(struct session *s, struct view args)
{
	(void)args;
	return session_reply(s, 214, "2.0.0", "this is a mail archive; see RFC %s",
			     s->protocol == PROTOCOL_LMTP ? "2033" : "5321");
}

/* RFC 3207, section 4.2: what was said in clear does not count any more. */
static int start_tls(struct session *s)
{
	if (conn_flush(s->conn, &s->err) < 0 ||
	    conn_accept_tls(s->conn, s->smtpd->tls, &s->err) < 0) {
		log_info("no TLS with client=%s: %s", conn_peer_addr(s->conn), s->err.text);
		return -1;
	}
	session_end_mail(s);
	str_reset(&s->helo);
	str_reset(&s->login);
	return 0;
}

static int starttls(struct session *s, struct view args)
{
	if (!can_start_tls(s))
		return session_reply(s, 503, "5.5.1", "TLS cannot be started here");
	if (args.len > 0)
		return session_reply(s, 501, "5.5.4", "STARTTLS takes no parameters");
	if (conn_buffered(s->conn).len > 0) {
		/* it came in clear, and would be taken for something said under TLS */
		s->over = true;
		return session_reply(s, 554, "5.5.1",
				     "nothing may follow STARTTLS before the handshake");
	}
	if (session_reply(s, 220, "2.0.0", "begin the handshake") < 0)
		return -1;
	return start_tls(s);
}

struct verb {
	const char *name;
	int (*run)(struct session *s, struct view args);
	unsigned protocols;
};

static const struct verb verbs[] = {
	{"EHLO", ehlo, SMTP_BIT},      {"HELO", helo, SMTP_BIT},
	{"LHLO", ehlo, LMTP_BIT},      {"MAIL", envelope_mail, BOTH},
	{"RCPT", envelope_rcpt, BOTH}, {"DATA", data, BOTH},
	{"BDAT", receive_bdat, BOTH},  {"RSET", rset, BOTH},
	{"NOOP", noop, BOTH},          {"QUIT", quit, BOTH},
	{"VRFY", vrfy, BOTH},          {"EXPN", expn, BOTH},
	{"HELP", help, BOTH},          {"STARTTLS", starttls, SMTP_BIT},
	{"AUTH", auth_run, SMTP_BIT},  {"XFORWARD", envelope_xforward, LMTP_BIT},
};

int verb_run(struct session *s, struct view line)
{
	struct view args = line, name;

	view_cut(&args, ' ', &name);
	if (args.data == NULL)
		args = VIEW("");
	args = view_trim(args);
	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++)
		if (view_eq_nocase(name, VIEW(verbs[i].name)) &&
		    (verbs[i].protocols & (1U << s->protocol)) != 0)
			return verbs[i].run(s, args);
	return session_reply(s, 500, "5.5.2", "this command is not known here");
}
