/* SPDX-License-Identifier: GPL-3.0-or-later */
/* audit.h - who did what, in a log that cannot be changed unnoticed (product.md, A6).
 *
 * (AU1) Each line's hash is SHA-256 over the hash of the line before (32 zero bytes for the first) and the line: number, time, and
 *       the four texts. A line that was changed, taken out or put in breaks the chain from there on.
 * (AU2) Who can write the catalog could compute the chain anew; so its head goes into every timestamp (tsa/statement.h), and
 *       there it cannot be changed.
 * (AU3) Lines are in the order of their numbers, without gaps. None is ever changed or removed.
 * It is kept in the catalog: encrypted, and in its backups. No password or key, and nothing of a mail's content, is in it.
 */
#ifndef APP_CATALOG_AUDIT_H
#define APP_CATALOG_AUDIT_H

#include "app/catalog/catalog.h"

/* What is done, in a word or two: the closed list. */
#define AUDIT_EVENTS(X)                                                                            \
	X(CREATED, "archive created")                                                              \
	X(REBUILT, "catalog rebuilt")                                                              \
	X(RESTORED, "archive restored")                                                            \
	X(READ, "mail read")                                                                       \
	X(EXPORTED, "mails exported")                                                              \
	X(SEARCHED, "search")                                                                      \
	X(DELETED, "deletion requested")                                                           \
	X(ERASED, "mails erased")                                                                  \
	X(NOTED, "note changed")                                                                   \
	X(SETTING, "setting changed")                                                              \
	X(MEDIUM, "medium changed")                                                                \
	X(KEY, "key exported")                                                                     \
	X(STAMPED, "timestamp made")                                                               \
	X(PROVED, "proof exported")                                                                \
	X(JOB, "job run")                                                                          \
	X(LOGIN, "log-in")                                                                         \
	X(LOGIN_FAILED, "log-in failed")                                                           \
	X(LOGOUT, "log-out")                                                                       \
	X(PERSON, "person changed")                                                                \
	X(DOWNLOADED, "mail downloaded")                                                           \
	X(DECIDED, "deletion decided")                                                             \
	X(HELD, "hold changed")                                                                    \
	X(TOKEN, "API token changed")                                                              \
	X(TASK, "task begun")                                                                      \
	X(UPGRADED, "archive upgraded")
enum audit_event {
#define X(name, text) AUDIT_##name,
	AUDIT_EVENTS(X)
#undef X
};

const char *audit_event_text(enum audit_event event);

struct audit_line {
	uint64_t line;
	int64_t time_ms;
	struct view who; /* who did it: "command line (root)", a person's name, "timetable" */
	struct view what;
	struct view subject; /* to what: a mail's id, a setting's name, a job's */
	struct view detail;
	struct hash hash;
};

/* Append a line, in the open transaction, or in one of its own. DETAIL may be "". */
int audit_add(struct catalog *catalog, enum audit_event what, struct view subject,
	      struct view detail, struct err *err);
/* The same, in a transaction of its own that is whole at once, and durable soon: for what is done often, and changes nothing. A crash of the
 * program loses no line; one of the machine may lose the last. */
int audit_add_soon(struct catalog *catalog, enum audit_event what, struct view subject,
		   struct view detail, struct err *err);
/* Who acts in this process; "command line (USER)" unless it is told. Not copied. */
void audit_set_who(const char *who);
void audit_add_who(struct str *out); /* appended */

/* The last line: its number, 0 there is none, and its hash. */
int audit_head(struct catalog *catalog, uint64_t *line_r, struct hash *hash_r, struct err *err);
/* The hash of a line: 1, 0 there is no such line. */
int audit_hash(struct catalog *catalog, uint64_t line, struct hash *hash_r, struct err *err);
/* In order, above AFTER. */
typedef int audit_fn(void *arg, const struct audit_line *line, struct err *err);
int audit_each(struct catalog *catalog, uint64_t after, audit_fn *fn, void *arg, struct err *err);
/* Newest first, below BEFORE, up to LIMIT: those in whose who WHO stands, and whose what is WHAT; "": any. */
int audit_find(struct catalog *catalog, struct view who, struct view what, uint64_t before,
	       uint64_t limit, audit_fn *fn, void *arg, struct err *err);
/* ERR_DAMAGED names the first line that is not as it was written, or missing. LINES_R may be NULL. */
int audit_verify(struct catalog *catalog, uint64_t *lines_r, struct err *err);
/* The lines of an older catalog, as they are, into an empty log. */
int audit_carry_over(struct catalog *from, struct catalog *to, struct err *err);

#endif
