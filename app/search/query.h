/* SPDX-License-Identifier: GPL-3.0-or-later */
/* query.h - the query language that people type.
 *
 *     rechnung from:anna@example.org after:2024-05 -is:spam (subject:angebot OR "erste mahnung")
 *
 * Words are joined by AND; OR, NOT or -, parentheses, "phrases", prefix*. Fields: from: to: cc:
 * bcc: any: (address anywhere) subject: body: file: (attachment name) has:attachment is:spam
 * is:flagged before: after: on: (2024, 2024-05 or 2024-05-17, local time; before: ends ahead of it,
 * after: begins with it) larger: smaller: (10k, 2M, 1G) id: msgid: source: medium: tag: note:.
 * A field's value may be a word, a prefix*, a "phrase", or a group: subject:(a OR b). An empty
 * query means all mail. Anything else with a colon is a word like others ("Re: hallo" finds what
 * one expects); a word with signs inside is a phrase of its parts. A term without letters and
 * digits is left out.
 */
#ifndef APP_SEARCH_QUERY_H
#define APP_SEARCH_QUERY_H

#include "base/arena.h"
#include "base/err.h"
#include "base/id.h"
#include "base/str.h"

struct query;

/* A mistake is ERR_SYNTAX; the text says what is wrong, and, on lines of its own, shows the query
 * with a caret under the place. At most 4 KiB of text, 200 terms and 50 levels. */
int query_parse(struct view text, struct query **query_r, struct err *err);
void query_free(struct query **query);
/* Is there a mistake? Before which character it is. */
bool query_mistake(struct view text, size_t *at_r);

/* What is to be found, to be marked where it was: not what is excluded. Texts in the arena. */
struct query_words {
	struct query_word {
		struct view text;  /* a word, or several that stand together */
		bool prefix;       /* the last may go on */
		const char *field; /* "from"; NULL: anywhere */
	} * v;
	size_t n, cap;
};
void query_words(const struct query *query, struct arena *arena, struct query_words *words_r);

/* What only the catalog can answer. Each function fills up to MAX numbers and returns how many
 * there are (more than MAX: the first MAX count), or -1 with err. A function that is NULL knows
 * nothing, and so does a NULL struct. address: the catalog ids of exactly this address, any case.
 * msgid: without brackets. */
struct query_names {
	void *arg;
	int (*address)(void *arg, struct view addr, uint64_t *ids, size_t max, struct err *err);
	int (*source)(void *arg, struct view name, uint64_t *ids, size_t max, struct err *err);
	int (*mail_of_id)(void *arg, const struct uuid *id, uint64_t *mails, size_t max,
			  struct err *err);
	int (*mail_of_msgid)(void *arg, struct view msgid, uint64_t *mails, size_t max,
			     struct err *err);
};

#endif
