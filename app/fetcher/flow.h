/* SPDX-License-Identifier: GPL-3.0-or-later */
/* flow.h - the mails of one run on their way: told by sealpost-fetch, settled, acted upon; and what of that the
 * catalog keeps.
 *
 * Mails wait in the order in which they were told, which is the order of the spool, so that only the first of
 * them needs to be looked at.
 */
#ifndef APP_FETCHER_FLOW_H
#define APP_FETCHER_FLOW_H

#include "app/catalog/fetched.h"
#include "app/fetcher/fetcher.h"

/* A folder of this run. The flow's, as long as it lives. */
struct flow_folder {
	struct fetcher_folder report;
	uint64_t uidvalidity, uid;     /* as far as it is fetched (F1) */
	uint64_t settled_before;       /* mails, by earlier runs */
	uint64_t reached;              /* every mail up to this UID was told */
	uint64_t told_to;              /* the highest UID that was told */
	uint64_t told, told_failed;    /* mails so far */
	uint64_t retry_from;           /* the lowest UID that must be told again; UINT64_MAX none */
	bool met;                      /* sealpost-fetch has told of it in this run */
	bool complete;                 /* nothing of it is told any more */
	bool changed;                  /* since it was saved */
	struct fetched_folder unsaved; /* counts */
	struct flow_folder *next, *same_hash;
};

/* A mail. MAIL's texts are its own. */
struct flow_mail {
	struct fetched_mail mail;
	struct flow_folder *folder; /* NULL: it was told by an earlier run */
	bool failed;                /* sealpost-fetch could not get it: there is no entry */
	bool acted;                 /* what was to be done on the server is done */
	bool has_row, saved;        /* the catalog has a row of it; as it is now */
	struct flow_mail *next;
};

struct flow;

struct flow *flow_new(struct catalog *catalog, uint64_t account, bool remember);
void flow_free(struct flow **flow);

/* Take up what earlier runs left: mails that wait, mails with an action due. */
int flow_load(struct flow *flow, struct err *err);

/* The folder with this name, made if it is not there. */
struct flow_folder *flow_folder(struct flow *flow, struct view name);
struct flow_folder *flow_folders(struct flow *flow); /* the first of a list */

/* One more waits, behind the others. WHICH is copied. FAILED: its outcome is known. */
void flow_told(struct flow *flow, struct flow_folder *folder, const struct fetched_mail *mail,
	       bool failed);
/* The one that waits longest, NULL none; how many wait. */
struct flow_mail *flow_first(struct flow *flow);
size_t flow_waiting(const struct flow *flow);

/* The first has got its outcome; if DUE, an action is to come. */
void flow_settle(struct flow *flow, enum fetched_outcome outcome, bool due);
/* It is carried out: true; false: no action was due for this mail. */
bool flow_acted(struct flow *flow, const struct fetched_which *which);
/* Of the mails with an action due, the first, to go through by next. */
const struct flow_mail *flow_due(const struct flow *flow);

/* Write to the catalog what has changed: in one transaction, and only if some time has passed since the last
 * time or NOW. */
int flow_save(struct flow *flow, bool now, struct err *err);

#endif
