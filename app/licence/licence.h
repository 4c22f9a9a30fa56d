/* SPDX-License-Identifier: GPL-3.0-or-later */
/* licence.h - what a vendor's licence allows, where a vendor asks for one.
 *
 * A vendor says in app.json whether a licence is asked for, and by which key he signs (docs/PACKAGING.md). The licence is a text with a signature:
 * in the catalog (licence_install()), so that it comes along in backups; else in /etc/sealpost/licence, where an appliance's own menu puts it.
 *
 * (LI1) Unless app.json asks for a licence, everything works for any number of users, and nothing is ever said about one.
 * (LI2) Whatever is wrong with a licence: mail is taken in, found, read, exported, proved, backed up and restored; who may log in still may, passwords
 *       can be changed, people removed or shut out, and media and doors looked after, so that no mail is lost for a licence. What stops is new
 *       users, and settings that make more of the archive: groups, domains, sources of people, rules, appearance, new mailboxes to fetch from.
 * (LI3) A clock that is set back prolongs nothing: the time is the newest that clock, audit log, mails and timestamps know.
 * (LI4) A user is whoever may log in as one: active, role "user", not tied to another. admin, auditor, revisor, dataofficer and uploaders do
 *       not count; people of a directory do from their first log-in on.
 */
#ifndef APP_LICENCE_LICENCE_H
#define APP_LICENCE_LICENCE_H

#include "app/catalog/catalog.h"
#include "base/arena.h"

/* state, name, fine: nothing stops */
#define LICENCE_STATES(X)                                                                          \
	X(NOT_ASKED, "not-asked", true)                                                            \
	X(VALID, "valid", true)                                                                    \
	X(MISSING, "missing", false)                                                               \
	X(BAD, "bad", false)                                                                       \
	X(EARLY, "early", false)                                                                   \
	X(ENDED, "ended", false)                                                                   \
	X(EXCEEDED, "exceeded", false)
enum licence_state {
#define X(state, name, fine) LICENCE_##state,
	LICENCE_STATES(X)
#undef X
};
const char *licence_state_name(enum licence_state state);
bool licence_is_fine(enum licence_state state);

struct licence {
	enum licence_state state;
	bool here;               /* there is one, as follows; of a BAD one nothing is told */
	bool of_machine;         /* it is /etc/sealpost/licence */
	struct view customer;    /* texts are in the arena */
	struct view serial;      /* "": none */
	struct view feature;     /* what app.json asks for */
	uint64_t users;          /* 0: any number */
	uint64_t counted;        /* users there are (LI4) */
	int64_t from_s, until_s; /* 0: no bound; until: the first second behind */
	bool trial;
	struct view text; /* in words: how it is, what it means, what to do */
};

/* Fails only if the catalog does: what is wrong with a file is in the state and the text. */
int licence_look(struct catalog *catalog, struct arena *arena, struct licence *licence_r,
		 struct err *err);
/* ERR_LICENCE in words where the licence does not cover it (LI2). A user: one more than there are. */
int licence_permits_settings(struct catalog *catalog, struct err *err);
int licence_permits_user(struct catalog *catalog, struct err *err);

/* Keep TEXT as the licence, if it is signed, whole and for this archive; with a line in the audit log. ERR_LICENCE: it is not, and what was there stays. */
int licence_install(struct catalog *catalog, struct view text, struct err *err);
int licence_remove(struct catalog *catalog, struct err *err); /* ERR_NOTFOUND: none was installed */

#endif
