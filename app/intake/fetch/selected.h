/* SPDX-License-Identifier: GPL-3.0-or-later */
/* selected.h - one folder that is open on the server: what is in it, and all that is done to it. */
#ifndef APP_INTAKE_FETCH_SELECTED_H
#define APP_INTAKE_FETCH_SELECTED_H

#include "app/intake/fetch/haul.h"
#include "app/intake/fetch/folders.h"

struct selected {
	struct imap *imap;
	const struct folder *folder;
	uint64_t uidvalidity, exists;
	bool any_keyword; /* new keywords can be made */
	struct str flags; /* PERMANENTFLAGS, as the server wrote them */
};

/* EXAMINE, or with CHANGE SELECT. ERR_DENIED: it does not open, and the connection is still of use. A folder without
 * a UIDVALIDITY is ERR_UNSUPPORTED, likewise. */
int selected_open(struct imap *imap, const struct folder *folder, bool change,
		  struct selected *box_r, struct err *err);
void selected_clear(struct selected *box);

/* Fetch what is not known yet, from FOLDER to FOLDER_DONE. 1: the server refuses to tell what is there; the reason is in
 * ERR, and the connection still of use. */
int selected_fetch(struct selected *box, struct ledger *ledger, struct spool *spool,
		   struct err *err);

/* Carry out TASKS, and tell of each what came of it. BOX is open for changes. */
int selected_act(struct selected *box, const struct folders *folders, struct ledger *ledger,
		 struct task *tasks, size_t n, struct err *err);

/* "1:3,7,9" of up to MAX of the N ascending UIDs, appended to OUT: how many they are. */
size_t selected_set(const uint32_t *uids, size_t n, size_t max, struct str *out);

/* Is this the refusal of a command, after which others may still be given? */
bool selected_was_refused(const struct err *err);

#endif
