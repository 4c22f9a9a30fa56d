/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stamp.h - stamping what waits: one hash tree, one request, one token (product.md, T2).
 *
 * (ST1) The imprint is digest_node() of the tree's root and the digest of the statement (stamp_statement()), which binds the number of
 *       this stamp, the token before it, how many mails are stamped up to here, and the head of the audit log. So neither a mail nor a
 *       stamp nor a line of the log can vanish unnoticed.
 * (ST2) A leaf is digest_node() of the mail's digest and those of its provenance texts that are new (a data group of RFC 4998). The first
 *       leaves are the digests of tokens that must be renewed (RFC 4998, section 5.2).
 * (ST3) Nothing is written down before the answer was found good; then the evidence file, then the catalog, in one
 *       transaction. Whatever fails before leaves all that waits waiting.
 * (ST4) It holds up nothing: the catalog's write lock is taken only to write down, and not while the authority is asked.
 * (ST5) One process stamps at a time (ARCHIVE/lock/stamp). ERR_BUSY: another does.
 */
#ifndef TSA_STAMP_H
#define TSA_STAMP_H

#include "app/archive/evidence.h"
#include "tsa/authority.h"
#include "tsa/token.h"

enum {
	STAMP_MAILS_MAX = 250000
}; /* of one stamp; what is more goes into the next one of the same run */

enum { STAMP_RENEW_AGAIN_S = 7 * 24 * 3600 };

struct stamp_report {
	uint64_t stamps;    /* made in this run */
	uint64_t mails;     /* stamped for the first time */
	uint64_t sightings; /* later ones */
	uint64_t renewed;   /* tokens */
	uint64_t waiting;   /* mails that wait still */
	uint64_t
		left_out; /* mails whose record could not be read now (a medium that is away, or damage): they go on waiting; each was logged */
	int64_t own_ms;   /* without the authority's time */
};

typedef bool stamp_stop_fn(void *arg);
struct stamp_watch { /* may be NULL */
	void *arg;
	void (*progress)(void *arg, uint64_t mails_done, uint64_t mails);
	stamp_stop_fn *stop; /* ERR_STOPPED */
};

/* Stamp all that waits if at least AT_LEAST mails wait (0, 1: if anything does), and renew the tokens whose certificates end within the days of the
 * settings. As long as the authority's newest certificate ends no later than theirs, that would gain nothing: then it is tried once in
 * STAMP_RENEW_AGAIN_S, or at once with RENEW_NOW. ERR_NOTFOUND: no authority is set. A refused answer is kept (stamp_refused_add()), and is the
 * error that it is. */
int stamp_run(struct archive *a, uint64_t at_least, bool renew_now, const struct stamp_watch *watch,
	      struct stamp_report *report_r, struct err *err);

/* Hash-tree renewal (RFC 4998, section 5.3): whatever was stamped with another algorithm than the settings name now is stamped with that
 * one, over the data and the evidence so far. Reads every such mail; can be stopped, and gone on with. In tsa/rehash.c. */
int stamp_rehash(struct archive *a, const struct stamp_watch *watch, struct stamp_report *report_r,
		 struct err *err);

/* The statement of a stamp, as a text of "name: value" lines (docs/FORMAT.md), and back. */
struct stamp_statement {
	struct uuid archive;
	uint64_t stamp;
	struct hash previous; /* SHA-256 of the token before; zero: there is none */
	uint64_t mails;       /* stamped up to and with this */
	uint64_t leaves;
	uint64_t audit_lines; /* in the log when it was made */
	struct hash audit;    /* of the last of them; zero: there was none */
};
void stamp_statement_write(const struct stamp_statement *statement, struct str *text);
int stamp_statement_read(struct view text, struct stamp_statement *statement_r, struct err *err);

/* How it stands. */
struct stamp_status {
	bool has_authority;
	uint64_t stamps, mails; /* made; mails stamped, erased ones included */
	int64_t last_ms;        /* time of the last token; 0 none */
	struct to_stamp_totals waiting;
	int64_t ends_s;        /* when the first certificate ends that counts; 0 none */
	int64_t renewal_due_s; /* and when that will be renewed */
	uint64_t
		retired_mails; /* that the algorithm of the settings does not prove yet: stamp_rehash() */
	uint64_t refused; /* answers kept */
};
int stamp_status(struct archive *a, struct stamp_status *status_r, struct err *err);

#endif
