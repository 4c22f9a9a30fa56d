/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What comes before a mail's bytes: from whom, to whom, and for whom the mail server asks. */
#include "app/intake/smtpd/session_priv.h"

/* --- MAIL ------------------------------------------------------------------------------------- */

/* What a parameter says, if it is one that we know: 1; 0 it is not; -1 its value is wrong. */
static int mail_param(struct transaction *t, struct view name, struct view value,
		      uint64_t *size_bytes)
{
	static const char *const known[] = {"RET", "ENVID", "AUTH"};

	if (view_eq_nocase(name, VIEW("SIZE")))
		return path_number(value, size_bytes) < 0 ? -1 : 1;
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

/* The mail server behind LMTP delivers its mail whatever the addresses look like (sendmail(1) checks none): a
 * copy that was put off for its address would be put off for ever, and lost. */
static int read_address(const struct session *s, struct view *args, struct path *path_r,
			struct err *err)
{
	bool lmtp = s->protocol == PROTOCOL_LMTP;
	struct view rest = *args;

	if (path_read(&rest, s->t.utf8 || lmtp, path_r, err) == 0) {
		*args = rest;
		return 0;
	}
	return lmtp ? path_read_any(args, path_r) : -1;
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
	if (read_address(s, args, path_r, &err) == 0)
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

	if (transaction_begin(&s->t, &env, size_bytes, &err) < 0) {
		session_end_mail(s); /* what was said of this one is not said of the next */
		return session_refuse(s, &err, 1);
	}
	return session_reply(s, 250, "2.1.0", "sender accepted");
}

/* 1: this client may send; 0: it may not, and that was replied. */
static int check_client(struct session *s)
{
	if (s->trusted || s->login.len > 0)
		return 1;
	if (session_can_log_in(s))
		return session_reply(s, 530, "5.7.0", "log in first");
	if (s->smtpd->users != NULL)
		return session_reply(s, 530, "5.7.0", "start TLS and log in first");
	return session_reply(s, 550, "5.7.1", "mail from your address is not taken here");
}

int envelope_mail(struct session *s, struct view args)
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

int envelope_rcpt(struct session *s, struct view args)
{
	uint64_t none;
	struct path to = {0};
	int rc;

	if (!s->t.open)
		return session_reply(s, 503, "5.5.1", "MAIL comes first");
	if (transaction_has_bytes(&s->t))
		return session_reply(s, 503, "5.5.1", "the mail's bytes have begun");
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
int envelope_xforward(struct session *s, struct view args)
{
	struct view name, value;

	if (s->t.open)
		return session_reply(s, 503, "5.5.1", "a mail is begun already");
	while (path_param(&args, &name, &value) > 0)
		set_xforward(s, name, value);
	return session_reply(s, 250, "2.0.0", "noted");
}
