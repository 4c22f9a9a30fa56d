/* SPDX-License-Identifier: GPL-3.0-or-later */
/* response.h - what an IMAP server says (RFC 3501 and 9051, section 7), one response at a time.
 *
 * The server is not trusted. Literals are taken by their exact count at any place, so nothing in a mail can pass for
 * a response. A line, a literal, a response and the depth of its lists are limited; what goes beyond, and
 * what does not follow the grammar, is ERR_SYNTAX, and the connection of no more use.
 */
#ifndef APP_INTAKE_FETCH_RESPONSE_H
#define APP_INTAKE_FETCH_RESPONSE_H

#include "base/arena.h"
#include "base/conn.h"

enum imap_kind { IMAP_NIL, IMAP_ATOM, IMAP_STRING, IMAP_LIST, IMAP_STREAMED };

struct imap_value {
	enum imap_kind kind;
	struct view text; /* of an atom or a string */
	struct imap_value *items;
	size_t n;
};

enum imap_what {
	IMAP_CONTINUE, /* "+": NAME is empty, TEXT the rest */
	IMAP_STATUS,   /* NAME is OK, NO, BAD, BYE or PREAUTH; CODE and TEXT */
	IMAP_DATA,     /* of a name that is known here: NUMBER, NAME, VALUES */
	IMAP_OTHER     /* a name that is not: nothing but NUMBER and NAME */
};

struct imap_response {
	enum imap_what what;
	struct view tag; /* empty: it answers no command */
	uint64_t number; /* of "* 17 FETCH" */
	struct view name;
	struct view code, code_text; /* "UIDVALIDITY", "17" */
	struct view text;
	struct imap_value *values;
	size_t n;
};

/* Where the content of a mail goes: what stands behind BODY[] in a FETCH. */
struct imap_sink {
	void *arg;
	int (*begin)(void *arg, uint64_t size_bytes, struct err *err);
	int (*write)(void *arg, const void *data, size_t len, struct err *err);
};

struct imap_reader {
	struct conn *conn;
	struct arena *arena;          /* of the latest response */
	const struct imap_sink *sink; /* NULL: no content is expected */
	struct view line;             /* what is left of the line in hand */
	size_t room;                  /* that the response may still take */
};

/* The next response, with views that are valid until the one after: 1; 0 the server has closed. */
int imap_read(struct imap_reader *r, struct imap_response *response_r, struct err *err);

/* ERR_SYNTAX: the server breaks the protocol by WHAT. -1. */
int imap_wrong(struct err *err, const char *what);

bool imap_is(const struct imap_response *response, const char *name);
/* A list's value for KEY, as in a FETCH or STATUS: the one behind it; or NULL. */
const struct imap_value *imap_item(const struct imap_value *list, const char *key);
/* A number of up to MAX: 0, or -1. */
int imap_number(struct view text, uint64_t max, uint64_t *n_r);
/* INTERNALDATE, RFC 3501, section 9, date-time: 0, or -1. */
int imap_date(struct view text, int64_t *time_s_r);

#endif
