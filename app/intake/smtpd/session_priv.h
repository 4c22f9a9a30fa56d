/* SPDX-License-Identifier: GPL-3.0-or-later */
/* session_priv.h - one client's dialogue: what its commands (verbs.c, envelope_verbs.c), its log-in (auth.c)
 * and its mail's bytes (receive.c) share.
 *
 * Functions return -1 only when the connection is of no use any more, with the reason in session.err; a
 * refusal is a reply, and returns 0.
 */
#ifndef APP_INTAKE_SMTPD_SESSION_PRIV_H
#define APP_INTAKE_SMTPD_SESSION_PRIV_H

#include "app/intake/smtpd/transaction.h"

/* What XFORWARD told of the next mail's client (Postfix, XFORWARD_README); in the transaction's arena. */
struct xforward {
	struct view name, addr, helo;
};

struct session {
	const struct smtpd *smtpd;
	struct conn *conn;
	enum protocol protocol;
	bool trusted; /* by its address */
	bool over;    /* after this reply */
	struct str helo, login;
	unsigned errors, failed_logins;
	int64_t deadline_ms; /* 0: none */
	struct xforward xforward;
	struct transaction t;
	struct err err;
};

/* One reply line, "CODE STATUS TEXT" (RFC 5321, section 4.2; RFC 3463 for STATUS, "" where there is none).
 * LMTP never says 5xx: there it becomes 451 and 4.x.x. A refusal is counted and logged, so TEXT holds no
 * address. */
int session_reply(struct session *s, int code, const char *status, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* What FAILED means for the mail, so many TIMES; and a line in the log if it is our own trouble. */
int session_refuse(struct session *s, const struct err *failed, size_t times);

/* The next line without its line end: 1; 0 it was refused, and that was replied; -1. Valid until the next. */
int session_line(struct session *s, size_t max, struct view *line_r);

/* The mail is over, or given up. */
void session_end_mail(struct session *s);

bool session_can_log_in(const struct session *s); /* now */

int verb_run(struct session *s, struct view line);

/* MAIL and RCPT (RFC 5321, sections 4.1.1.2 and 4.1.1.3), XFORWARD; with their arguments. */
int envelope_mail(struct session *s, struct view args);
int envelope_rcpt(struct session *s, struct view args);
int envelope_xforward(struct session *s, struct view args);

/* AUTH (RFC 4954). */
int auth_run(struct session *s, struct view args);

/* What follows DATA (RFC 5321, section 4.1.1.4); BDAT with its arguments (RFC 3030). */
int receive_data(struct session *s);
int receive_bdat(struct session *s, struct view args);

#endif
