/* SPDX-License-Identifier: GPL-3.0-or-later */
/* index.h - the search index: FTS5 in an SQLCipher database of its own. It can be rebuilt from the
 * archive at any time, and never decides alone what exists.
 *
 * (X1) A document's rowid ("docid") is the second it was sent, and one of 16 places in that
 *      second, so that newest-first and date ranges ride on the rowid. Mail of a second whose
 *      places are all taken counts as sent in the next second that has one; what was sent before
 *      1970 counts as sent then. Order among equal seconds is the order of arrival, mostly.
 * (X2) Rights are address tokens in the document: a search in a scope reads only documents that
 *      carry one of the scope's tokens.
 * (X3) The index tells in the same transaction up to which mail number it is complete.
 */
#ifndef APP_SEARCH_INDEX_H
#define APP_SEARCH_INDEX_H

#include "app/catalog/db.h"
#include "app/search/query.h"
#include "app/search/scope.h"

enum index_mark { MARK_ATTACHMENT = 1, MARK_SPAM = 2, MARK_FLAGGED = 4 };

struct index_doc {
	uint64_t mail;  /* the mail's number in the catalog, 1 and up */
	int64_t sent_s; /* sent date; from the arrival where the mail has none */
	uint64_t size;  /* bytes of the original */
	unsigned medium;
	unsigned marks; /* enum index_mark, or-ed */
	/* UTF-8; "bcc" has the envelope-only ones too. */
	struct view subject, from, to, cc, bcc, body, files;
	struct view tags, note;
	const uint64_t *addresses; /* catalog ids of every address with a right to see it */
	size_t n_addresses;
	const uint64_t *sources; /* catalog ids of the sources it came from */
	size_t n_sources;
};

struct index;

int index_open(const char *path, const struct secret *key, bool create, struct index **index_r,
	       struct err *err);
void index_free(struct index **index);

/* Writing: begin ... put/remove ... commit. index_put replaces what was there for this mail, and
 * copies what it is given; searches find it after the commit. When one of these fails, the caller
 * calls index_rollback(). A commit of several thousand documents costs each of them least. */
int index_begin(struct index *index, struct err *err);
int index_put(struct index *index, const struct index_doc *doc, struct err *err);
int index_remove(struct index *index, uint64_t mail, struct err *err); /* absent is fine */
int index_commit(struct index *index, uint64_t complete_to, struct err *err);
void index_rollback(struct index *index);
int index_complete_to(struct index *index, uint64_t *mail_r, struct err *err); /* 0: empty */
int index_count(struct index *index, uint64_t *mails_r, struct err *err);
/* Merge, so that nothing of removed documents stays in the file; after index_remove()s at night.
 * In small transactions of its own, so that others can write in between. Nothing happens when
 * nothing was removed. */
int index_compact(struct index *index, struct err *err);
int index_check(struct index *index, db_finding_fn *fn, void *arg, struct err *err);

/* Search. Newest first; fills up to LIMIT mail numbers from OFFSET on. NAMES resolves what only the
 * catalog knows (query.h). */
int index_search(struct index *index, const struct query *query, const struct scope *scope,
		 const struct query_names *names, size_t offset, size_t limit, uint64_t *mails_r,
		 size_t *n_r, struct err *err);
int index_search_count(struct index *index, const struct query *query, const struct scope *scope,
		       const struct query_names *names, uint64_t *count_r, struct err *err);

#endif
