/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ledger.h - the line to the parent, and all that it has said: the job, what was fetched before, and which
 * actions are to be carried out.
 *
 * Writing never blocks for good: while the parent does not read, what it has to say is taken in (P4).
 */
#ifndef APP_INTAKE_FETCH_LEDGER_H
#define APP_INTAKE_FETCH_LEDGER_H

#include "app/intake/fetch/protocol.h"

struct ledger;

/* One action that is due: for the mail of this UID, or this UIDL. */
struct task {
	uint64_t uidvalidity, uid;
	struct view uidl; /* the ledger's */
	enum fetch_what what;
};

/* Read from FD up to START. STOP_FD: readable when this process shall end. */
int ledger_open(int fd, int stop_fd, struct ledger **ledger_r, struct err *err);
void ledger_free(struct ledger **ledger);

/* Its defaults filled in; the ledger's. */
const struct fetch_job *ledger_job(const struct ledger *l);
/* Does any outcome have another action than to leave the mail? */
bool ledger_has_actions(const struct ledger *l);

/* The highest UID that was fetched of FOLDER; 0 if none, or it had another UIDVALIDITY. */
uint64_t ledger_known_uid(const struct ledger *l, struct view folder, uint64_t uidvalidity);
bool ledger_knows_uidl(const struct ledger *l, struct view uidl);

/* Take in what has come from the parent, without waiting. */
int ledger_look(struct ledger *l, struct err *err);
/* Wait TIMEOUT_MS at most for something to do: 1 there are tasks; 0 there are none so far; ERR_STOPPED if the
 * parent is gone or says so. */
int ledger_wait(struct ledger *l, int timeout_ms, struct err *err);
/* No OUTCOME is awaited any more (P3); tasks may be left. */
bool ledger_is_complete(const struct ledger *l);
/* Wait until then, whatever there is to do. */
int ledger_await_all(struct ledger *l, struct err *err);
/* Sleep, but end with ERR_STOPPED as above. */
int ledger_pause(struct ledger *l, int64_t ms, struct err *err);

/* A folder that has tasks: 1, or 0 there is none. */
int ledger_folder(struct ledger *l, struct view *folder_r);
/* The tasks of FOLDER, which are the caller's (free) and no longer in the ledger; the count. */
size_t ledger_take(struct ledger *l, struct view folder, struct task **tasks_r);

/* To the parent. */
#define X(NAME, name, number)                                                                      \
	int ledger_send_##name(struct ledger *l, const struct fetch_##name *m, struct err *err);
FETCH_MESSAGES(X)
#undef X
/* The end of a task: WHY is NULL, or says what kept it from being done. */
int ledger_acted(struct ledger *l, struct view folder, const struct task *task,
		 const struct err *why, struct err *err);
/* A note for the report, once each. */
int ledger_note(struct ledger *l, const char *text, struct err *err);

#endif
