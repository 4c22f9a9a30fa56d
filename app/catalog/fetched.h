/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fetched.h - how far each account is fetched, and which of its mails are on their way.
 *
 * (F1) A folder's row says: every mail up to this UID is settled, that is archived, a duplicate or failed for
 *      good, or has a row in fetch_mails that says what is missing. Whoever writes keeps both true in one transaction.
 * (F2) What was forgotten by a crash is fetched again, and is a duplicate then; never the other way round.
 * (F3) All of it tells of one mailbox. On another server, or of another user, the same UIDs are other mails: what was
 *      known is not used there, and forgotten as soon as that server has let us in, so that nothing is passed over, or deleted, in their place.
 *
 * Of POP3 the folder is "INBOX", without UIDVALIDITY and UID, and what is settled is known by its UIDL.
 */
#ifndef APP_CATALOG_FETCHED_H
#define APP_CATALOG_FETCHED_H

#include "app/catalog/catalog.h"
#include "base/arena.h"
#include "base/id.h"

/* Which mail of which folder of an account. */
struct fetched_which {
	struct view folder;
	uint64_t uidvalidity, uid;
	struct view uidl;
};

/* The numbers are in the catalog and never change. */
enum fetched_state {
	FETCHED_SPOOLED = 1, /* in the spool: a receipt will tell what became of it */
	FETCHED_SETTLED =
		2 /* it has its outcome, but what is to be done on the server is not done */
};
enum fetched_outcome { FETCHED_ARCHIVED = 0, FETCHED_DUPLICATE = 1, FETCHED_FAILED = 2 };

struct fetched_mail {
	struct fetched_which which;
	struct uuid entry;
	uint64_t size_bytes;
	enum fetched_state state;
	enum fetched_outcome outcome; /* of a settled one */
};

struct fetched_folder {
	struct view folder;
	uint64_t uidvalidity, uid;
	uint64_t archived, duplicate, failed; /* in all runs; fetched_folder_put() adds to them */
};

typedef int fetched_mail_fn(void *arg, const struct fetched_mail *mail, struct err *err);
typedef int fetched_folder_fn(void *arg, const struct fetched_folder *folder, struct err *err);
typedef int fetched_uidl_fn(void *arg, struct view uidl, struct err *err);

/* (F3) Is what is known of ACCOUNT of MAILBOX, a text that tells servers and users apart? 1, also where nothing is
 * known; 0. */
int fetched_is_of(struct catalog *catalog, uint64_t account, struct view mailbox, struct err *err);
/* From now on it is; what was known of another one is forgotten, but for the counts. */
int fetched_claim(struct catalog *catalog, uint64_t account, struct view mailbox, struct err *err);

/* FN returns -1 (with err) to stop. Mails by folder, UIDVALIDITY and UID. Views last for the call. */
int fetched_each_mail(struct catalog *catalog, uint64_t account, fetched_mail_fn *fn, void *arg,
		      struct err *err);
int fetched_each_folder(struct catalog *catalog, uint64_t account, fetched_folder_fn *fn, void *arg,
			struct err *err);
int fetched_each_uidl(struct catalog *catalog, uint64_t account, fetched_uidl_fn *fn, void *arg,
		      struct err *err);

/* In place of what was known of this mail. */
int fetched_mail_put(struct catalog *catalog, uint64_t account, const struct fetched_mail *mail,
		     struct err *err);
/* It is done with; nothing if it was not known. */
int fetched_mail_done(struct catalog *catalog, uint64_t account, const struct fetched_which *which,
		      struct err *err);
/* UIDVALIDITY and UID in place of those known, counts added. */
int fetched_folder_put(struct catalog *catalog, uint64_t account,
		       const struct fetched_folder *folder, struct err *err);
int fetched_uidl_put(struct catalog *catalog, uint64_t account, struct view uidl, struct err *err);

#endif
