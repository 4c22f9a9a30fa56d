/* SPDX-License-Identifier: GPL-3.0-or-later */
/* compile_priv.h - from a query to the SQL that answers it. */
#ifndef APP_SEARCH_COMPILE_PRIV_H
#define APP_SEARCH_COMPILE_PRIV_H

#include "app/search/query_priv.h"
#include "app/search/scope.h"
#include "app/search/tokenizer_priv.h"

/* A docid is the second it was sent, and one of 16 places within that second. */
enum { SLOT_BITS = 4 };
static const int64_t SENT_MAX_S = (INT64_C(1) << 36) - 1;

struct param {
	bool is_text;
	int64_t number;
	struct view text;
};

/* SELECT ... WHERE fts MATCH match AND fts.rowid BETWEEN lo AND hi AND where. */
struct plan {
	bool nothing;      /* no document can match; the rest is not filled in */
	struct view match; /* empty: every document may match, and the docs table alone answers */
	int64_t lo, hi;    /* docids */
	struct view where; /* a condition on the docs table; empty: none */
	struct {
		struct param *v;
		size_t n, cap;
	} params; /* for WHERE, from ?PLAN_PARAMS on */
};
enum { PLAN_MATCH = 1, PLAN_LO, PLAN_HI, PLAN_LIMIT, PLAN_OFFSET, PLAN_PARAMS };

/* The docid of a mail: 1, 0 it is not in the index. */
int docid_of_mail(struct db *db, uint64_t mail, int64_t *docid_r, struct err *err);

/* DB is asked for the docids of single mails, and for notes. The plan lives in the arena. */
int plan_make(struct arena *arena, struct db *db, struct tokenizer *tokenizer,
	      const struct query *query, const struct scope *scope, const struct query_names *names,
	      struct plan *plan_r, struct err *err);

#endif
