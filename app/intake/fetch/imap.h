/* SPDX-License-Identifier: GPL-3.0-or-later */
/* imap.h - one connection to an IMAP server (RFC 3501, and 9051 as far as it is the same).
 *
 * Errors: ERR_OFFLINE the server cannot be reached or went away; ERR_TIMEOUT it is silent; ERR_DENIED it does
 * not let us in, or its certificate is not trusted; ERR_SYNTAX it breaks the protocol; ERR_UNSUPPORTED it lacks what is
 * needed. After any of them the connection is of no more use, but for those of a command that says so.
 */
#ifndef APP_INTAKE_FETCH_IMAP_H
#define APP_INTAKE_FETCH_IMAP_H

#include "app/intake/fetch/protocol.h"
#include "app/intake/fetch/response.h"

struct imap;

/* What a server says that it can do: flag, its word. */
#define IMAP_CAPABILITIES(X)                                                                       \
	X(IMAP4, "IMAP4rev1")                                                                      \
	X(IMAP4_2, "IMAP4rev2")                                                                    \
	X(STARTTLS, "STARTTLS")                                                                    \
	X(LOGIN_DISABLED, "LOGINDISABLED")                                                         \
	X(PLAIN, "AUTH=PLAIN")                                                                     \
	X(XOAUTH2, "AUTH=XOAUTH2")                                                                 \
	X(OAUTHBEARER, "AUTH=OAUTHBEARER")                                                         \
	X(SASL_IR, "SASL-IR")             /* RFC 4959 */                                           \
	X(SPECIAL_USE, "SPECIAL-USE")     /* RFC 6154 */                                           \
	X(LIST_EXTENDED, "LIST-EXTENDED") /* RFC 5258 */                                           \
	X(NAMESPACE, "NAMESPACE")         /* RFC 2342 */                                           \
	X(UIDPLUS, "UIDPLUS")             /* RFC 4315 */                                           \
	X(MOVE, "MOVE")                   /* RFC 6851 */

enum imap_capability {
#define X(name, word) IMAP_CAN_##name,
	IMAP_CAPABILITIES(X)
#undef X
};

/* Connect, with TLS as the job wants it. */
int imap_connect(const struct fetch_job *job, int stop_fd, struct imap **imap_r, struct err *err);
/* With the job's password, or with an OAuth access TOKEN if it is not empty. */
int imap_login(struct imap *imap, const struct fetch_job *job, struct view token, struct err *err);
void imap_logout(struct imap *imap); /* politely, without insisting */
void imap_free(struct imap **imap);

bool imap_can(const struct imap *imap, enum imap_capability what);

/* Who gets the responses that come before a command's end. */
struct imap_hearer {
	void *arg;
	int (*hear)(void *arg, const struct imap_response *response, struct err *err);
};

/* How a command ended. */
struct imap_result {
	bool ok;
	char code[32]; /* "TRYCREATE", or empty */
};

/* Write a command, but for its tag; pieces of text, and strings in whatever way they need (quoted, or as a
 * literal). Then imap_send() sends it and gives its number; it is not waited for. */
void imap_text(struct imap *imap, const char *text);
void imap_string(struct imap *imap, struct view text);
int imap_send(struct imap *imap, uint32_t *number_r, struct err *err);
/* Wait for the end of that command, which must be the oldest that was not waited for. RESPONSES: more than so
 * many before it are ERR_SYNTAX. 0 whether it went well or not. */
int imap_wait(struct imap *imap, uint32_t number, const struct imap_hearer *hearer,
	      uint64_t responses, struct imap_result *result_r, struct err *err);
/* Both: one that is no success is ERR_DENIED, with WHAT in its text, and the connection still of use. */
int imap_do(struct imap *imap, const char *what, const struct imap_hearer *hearer,
	    uint64_t responses, struct err *err);

/* Where mail content goes, from now on; NULL: none is expected. */
void imap_set_sink(struct imap *imap, const struct imap_sink *sink);

#endif
