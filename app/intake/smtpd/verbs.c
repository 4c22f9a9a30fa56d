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

static bool can_log_in(const struct session *s)
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
	str_addf(&out, "250-%s\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n",
		 settings->hostname);
	str_addf(&out, "250-DSN\r\n250-ENHANCEDSTATUSCODES\r\n");
	if (can_start_tls(s))
		str_adds(&out, "250-STARTTLS\r\n");
	if (can_log_in(s))
		str_adds(&out, "250-AUTH PLAIN LOGIN\r\n");
	if (s->protocol == PROTOCOL_LMTP)
		str_adds(&out,
			 "250-XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE\r\n250 SIZE 0\r\n");
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

/* --- MAIL ------------------------------------------------------------------------------------- */

/* What a parameter says, if it is one that we know: 1; 0 it is not; -1 its value is wrong. */
static int mail_param(struct transaction *t, struct view name, struct view value,
		      uint64_t *size_bytes)
{
	static const char *const known[] = {"RET", "ENVID", "AUTH"};

	if (view_eq_nocase(name, VIEW("SIZE"))) {
		CLEAN_STR digits = STR_INIT;

		str_addv(&digits, value);
		return conf_number(digits.data, size_bytes) < 0 ? -1 : 1;
	}
	if (view_eq_nocase(name, VIEW("BODY")))
		return view_eq_nocase(value, VIEW("7BIT")) ||
				       view_eq_nocase(value, VIEW("8BITMIME"))
			       ? 1
			       : -1;
	if (view_eq_nocase(name, VIEW("SMTPUTF8"))) {
		t->utf8 = true;
		return value.len == 0 ? 1 : -1;
	}
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (view_eq_nocase(name, VIEW(known[i])))
			return 1;
	return 0;
}

static int rcpt_param(struct transaction *t, struct view name, struct view value,
		      uint64_t *size_bytes)
{
	(void)t;
	(void)value;
	(void)size_bytes;
	return view_eq_nocase(name, VIEW("NOTIFY")) || view_eq_nocase(name, VIEW("ORCPT"));
}

typedef int (*param_fn)(struct transaction *, struct view, struct view, uint64_t *);

/* 1: read; 0: refused, and that was replied. The mail server behind LMTP may know more than we do. */
static int read_params(struct session *s, struct view args, param_fn known, uint64_t *size_bytes)
{
	bool lax = s->protocol == PROTOCOL_LMTP;
	struct view name, value;
	int rc;

	while ((rc = path_param(&args, &name, &value)) > 0) {
		rc = known(&s->t, name, value, size_bytes);
		if (rc > 0 || lax)
			continue;
		if (rc == 0)
			return session_reply(s, 555, "5.5.4",
					     "there is a parameter that is unknown here");
		break;
	}
	if (rc < 0 && !lax)
		return session_reply(s, 501, "5.5.4", "a parameter is malformed");
	return 1;
}

/* "FROM:<...>": the address, with *ARGS behind it. 1, or 0: refused, and that was replied. */
static int read_path(struct session *s, struct view *args, const char *word, struct path *path_r)
{
	struct err err = {0};

	if (!view_starts_nocase(*args, word))
		return session_reply(s, 501, "5.5.4", "%s and an address in < and > belong here",
				     word);
	args->data += strlen(word);
	args->len -= strlen(word);
	*args = view_trim(*args);
	if (path_read(args, s->t.utf8 || s->protocol == PROTOCOL_LMTP, path_r, &err) == 0)
		return 1;
	if (err.kind == ERR_UNSUPPORTED)
		return session_reply(s, 553, "5.6.7", "%s", err.text);
	return session_reply(s, 501, "5.1.3", "%s", err.text);
}

/* SMTPUTF8 stands behind the address that needs it. */
static bool names_utf8(struct view args)
{
	struct view word;

	while (view_cut(&args, ' ', &word))
		if (view_eq_nocase(word, VIEW("SMTPUTF8")))
			return true;
	return false;
}

static struct envelope facts(struct session *s, const struct path *from, struct view params)
{
	struct arena *arena = s->t.arena;
	struct envelope env = {.reverse_path = arena_view(arena, from->text),
			       .mail_params = arena_view(arena, params)};

	if (s->protocol == PROTOCOL_LMTP) {
		env.client_name = s->xforward.name;
		env.client_addr = s->xforward.addr;
		env.helo = s->xforward.helo;
		return env;
	}
	env.client_addr = VIEW(conn_peer_addr(s->conn));
	env.tls = VIEW(conn_tls_text(s->conn));
	env.helo = str_view(&s->helo);
	env.login = str_view(&s->login);
	return env;
}

static int begin(struct session *s, const struct path *from, struct view params,
		 uint64_t size_bytes)
{
	struct envelope env = facts(s, from, params);
	struct err err = {0};

	if (transaction_begin(&s->t, &env, size_bytes, &err) < 0)
		return session_refuse(s, &err, 1);
	return session_reply(s, 250, "2.1.0", "sender accepted");
}

/* 1: this client may send; 0: it may not, and that was replied. */
static int check_client(struct session *s)
{
	if (s->trusted || s->login.len > 0)
		return 1;
	if (can_log_in(s))
		return session_reply(s, 530, "5.7.0", "log in first");
	if (s->smtpd->users != NULL)
		return session_reply(s, 530, "5.7.0", "start TLS and log in first");
	return session_reply(s, 550, "5.7.1", "mail from your address is not taken here");
}

static int mail(struct session *s, struct view args)
{
	uint64_t size_bytes = 0;
	struct view params;
	struct path from = {0};
	int rc;

	if (s->helo.len == 0)
		return session_reply(s, 503, "5.5.1", "say hello first");
	if (s->t.open)
		return session_reply(s, 503, "5.5.1", "a mail is begun already");
	rc = check_client(s);
	if (rc <= 0)
		return rc;
	s->t.utf8 = names_utf8(args);
	rc = read_path(s, &args, "FROM:", &from);
	if (rc <= 0)
		return rc;
	params = view_trim(args);
	rc = read_params(s, args, mail_param, &size_bytes);
	return rc <= 0 ? rc : begin(s, &from, params, size_bytes);
}

/* --- RCPT ------------------------------------------------------------------------------------- */

static int add_recipient(struct session *s, const struct path *to)
{
	struct err err = {0};

	if (transaction_recipient(&s->t, to, &err) == 0)
		return session_reply(s, 250, "2.1.5", "recipient accepted");
	if (err.kind == ERR_BUSY)
		return session_reply(s, 452, "4.5.3", "%s; send the rest in another mail",
				     err.text);
	return session_reply(s, 550, "5.7.1", "%s", err.text);
}

static int rcpt(struct session *s, struct view args)
{
	uint64_t none;
	struct path to = {0};
	int rc;

	if (!s->t.open)
		return session_reply(s, 503, "5.5.1", "MAIL comes first");
	rc = read_path(s, &args, "TO:", &to);
	if (rc <= 0)
		return rc;
	if (to.text.len == 0)
		return session_reply(s, 501, "5.1.3", "the address is empty");
	rc = read_params(s, args, rcpt_param, &none);
	return rc <= 0 ? rc : add_recipient(s, &to);
}

/* --- XFORWARD --------------------------------------------------------------------------------- */

static struct view *xforward_of(struct session *s, struct view name)
{
	if (view_eq_nocase(name, VIEW("NAME")))
		return &s->xforward.name;
	if (view_eq_nocase(name, VIEW("ADDR")))
		return &s->xforward.addr;
	if (view_eq_nocase(name, VIEW("HELO")))
		return &s->xforward.helo;
	if (view_eq_nocase(name, VIEW("IDENT")))
		return &s->t.ident;
	return NULL;
}

static void set_xforward(struct session *s, struct view name, struct view xtext)
{
	struct view *to = xforward_of(s, name), value;

	if (to == NULL || path_xtext(s->t.arena, xtext, &value) < 0)
		return;
	if (view_eq_nocase(value, VIEW("[UNAVAILABLE]")) ||
	    view_eq_nocase(value, VIEW("[TEMPUNAVAIL]")))
		value.len = 0;
	if (to == &s->xforward.addr && view_starts_nocase(value, "IPV6:")) {
		value.data += strlen("IPV6:");
		value.len -= strlen("IPV6:");
	}
	*to = value;
}

/* Of the next mail only. It is a help; what cannot be read is passed over. */
static int xforward(struct session *s, struct view args)
{
	struct view name, value;

	if (s->t.open)
		return session_reply(s, 503, "5.5.1", "a mail is begun already");
	while (path_param(&args, &name, &value) > 0)
		set_xforward(s, name, value);
	return session_reply(s, 250, "2.0.0", "noted");
}

/* --- the others ------------------------------------------------------------------------------- */

static int data(struct session *s, struct view args)
{
	(void)args;
	if (!s->t.open)
		return session_reply(s, 503, "5.5.1", "MAIL comes first");
	if (s->t.recipients == 0)
		return session_reply(s, 503, "5.5.1", "there is no valid recipient");
	if (s->t.size_bytes > 0 || s->t.failed.kind != ERR_NONE)
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
	{"EHLO", ehlo, SMTP_BIT},     {"HELO", helo, SMTP_BIT},
	{"LHLO", ehlo, LMTP_BIT},     {"MAIL", mail, BOTH},
	{"RCPT", rcpt, BOTH},         {"DATA", data, BOTH},
	{"BDAT", receive_bdat, BOTH}, {"RSET", rset, BOTH},
	{"NOOP", noop, BOTH},         {"QUIT", quit, BOTH},
	{"VRFY", vrfy, BOTH},         {"EXPN", expn, BOTH},
	{"HELP", help, BOTH},         {"STARTTLS", starttls, SMTP_BIT},
	{"AUTH", auth_run, SMTP_BIT}, {"XFORWARD", xforward, LMTP_BIT},
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
