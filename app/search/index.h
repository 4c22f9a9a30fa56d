/* SPDX-License-Identifier: GPL-3.0-or-later */
/* index.h - the search index: FTS5 in an SQLCipher database of its own. It can be rebuilt from the
 * archive at any time, and never decides alone what exists.
 *
 * (X1) A document's rowid ("docid") is the second it was sent, and one of 16 places in that
 *      second, so that newest-first and date ranges ride on the rowid. Mail of a second whose
 *      places are all taken counts as sent in the next second that has one; what was sent before
 *      1970 counts as sent then. Order among equal seconds is the order of arrival, mostly.
 * (X2) Rights are address tokens in the document: a search in a scope reads only documents that
 *      carry one of the scope's tokens. So are domains and folders, for a scope's bounds. Dates bound by the docid, to which a
 *      second may be missing (X1): whoever counts in such a scope asks each mail.
 * (X3) The index tells in the same transaction up to which mail number it is complete.
 * (X4) Notes and categories are entries of their own, one for each person and mail. Words that stand in his own are found as those of
 *      the mail are; nobody finds what stands in another's.
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
	unsigned marks;  /* enum index_mark, or-ed */
	uint64_t thread; /* hash of the Message-ID that its conversation began with; 0 none */
	/* UTF-8; "bcc" has the envelope-only ones too. */
	struct view subject, from, to, cc, bcc, body, files;
	/* As in struct scope_mail. */
	const uint64_t *addresses;
	size_t n_addresses;
	const struct view *domains;
	size_t n_domains;
	const struct scope_place *places;
	size_t n_places;
};

struct index;

int index_open(const char *path, const struct secret *key, bool create, struct index **index_r,
	       struct err *err);
void index_free(struct index **index);
/* 1: there is one of an older version, which opening would make anew, without a mail in it; 0. */
int index_is_older(const char *path, const struct secret *key, struct err *err);

/* Writing: begin ... put/remove ... commit. index_put replaces what was there for this mail, and
 * copies what it is given; searches find it after the commit. When one of these fails, the caller
 * calls index_rollback(). A commit of several thousand documents costs each of them least. */
int index_begin(struct index *index, struct err *err);
int index_put(struct index *index, const struct index_doc *doc, struct err *err);
/* The mail and everybody's notes of it; absent is fine. */
int index_remove(struct index *index, uint64_t mail, struct err *err);
/* A person's categories and note of a mail, instead of what was there; both empty: none. */
int index_put_note(struct index *index, uint64_t person, uint64_t mail, struct view tags,
		   struct view note, struct err *err);
int index_remove_notes(struct index *index, uint64_t mail, struct err *err); /* everybody's */
int index_commit(struct index *index, uint64_t complete_to, struct err *err);
void index_rollback(struct index *index);
int index_complete_to(struct index *index, uint64_t *mail_r, struct err *err); /* 0: empty */
int index_count(struct index *index, uint64_t *mails_r, struct err *err);
/* Merge, so that nothing of removed documents stays in the file; after index_remove()s at night.
 * In small transactions of its own, so that others can write in between. Nothing happens when
 * nothing was removed. */
int index_compact(struct index *index, struct err *err);
int index_check(struct index *index, db_finding_fn *fn, void *arg, struct err *err);

/* A piece of the list of what a search finds. */
struct index_window {
	int64_t from, before; /* docids, before not included; 0: no bound */
	bool oldest_first;
	size_t offset, limit;
};
struct index_hit {
	int64_t docid; /* a place in the list, to go on from */
	uint64_t mail;
};

/* Search: up to limit hits. NAMES resolves what only the catalog knows (query.h). */
int index_hits(struct index *index, const struct query *query, const struct scope *scope,
	       const struct query_names *names, const struct index_window *window,
	       struct index_hit *hits_r, size_t *n_r, struct err *err);
/* The mail's docid: 1, 0 it is not in the index. */
int index_docid(struct index *index, uint64_t mail, int64_t *docid_r, struct err *err);
/* The mails of the conversations that these began: up to MAX numbers, of each newest first. */
int index_thread(struct index *index, const uint64_t *threads, size_t n_threads, size_t max,
		 uint64_t *mails_r, size_t *n_r, struct err *err);
/* What began the mail's conversation: 1; 0 it is not in the index. */
int index_thread_of(struct index *index, uint64_t mail, uint64_t *thread_r, struct err *err);
/* Newest first; fills up to LIMIT mail numbers from OFFSET on. */
int index_search(struct index *index, const struct query *query, const struct scope *scope,
		 const struct query_names *names, size_t offset, size_t limit, uint64_t *mails_r,
		 size_t *n_r, struct err *err);
int index_search_count(struct index *index, const struct query *query, const struct scope *scope,
		       const struct query_names *names, uint64_t *count_r, struct err *err);

#endif
