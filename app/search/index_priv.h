/* SPDX-License-Identifier: GPL-3.0-or-later */
/* index_priv.h - what the files of the index share. */
#ifndef APP_SEARCH_INDEX_PRIV_H
#define APP_SEARCH_INDEX_PRIV_H

#include "app/search/compile_priv.h"
#include "app/search/index.h"

enum { RUNS = 64 };

struct change; /* a document that waits, or a removal */

/* Docids known to be taken: from the first of a second up to, not including, TO. */
struct full_run {
	int64_t from, to;
};

struct index {
	struct db *db;
	struct tokenizer *tokenizer;
	struct arena *arena; /* of the changes that wait */
	struct {
		struct change **v;
		size_t n, cap;
	} changes;
	struct full_run runs[RUNS]; /* by second; spares long walks where many mails share one */
	bool writing;
};

/* A copy that holds no machine tokens. */
struct view index_user_text(struct arena *arena, struct view text);

#endif
