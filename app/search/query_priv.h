/* SPDX-License-Identifier: GPL-3.0-or-later */
/* query_priv.h - a query as a tree, for those who carry it out. */
#ifndef APP_SEARCH_QUERY_PRIV_H
#define APP_SEARCH_QUERY_PRIV_H

#include "app/search/query.h"
#include "base/arena.h"

enum node_kind {
	NODE_AND,
	NODE_OR,
	NODE_NOT,
	NODE_WORDS,  /* text in columns; several words are a phrase */
	NODE_DATE,   /* sent in [from, to), seconds UTC */
	NODE_SIZE,   /* bytes in [from, to) */
	NODE_MEDIUM, /* number in [from, to) */
	NODE_MARK,   /* from: one bit of enum index_mark */
	NODE_SOURCE, /* text: its name */
	NODE_ID,
	NODE_MSGID /* text: without angle brackets */
};

struct node {
	enum node_kind kind;
	struct node *child;  /* NODE_AND, NODE_OR: two or more; NODE_NOT: one */
	struct node *next;   /* the next child of the same parent */
	const char *columns; /* NODE_WORDS: an FTS5 column filter; NULL: all columns */
	bool of_addresses;   /* NODE_WORDS: these columns hold addresses */
	bool prefix;         /* NODE_WORDS: the last word may go on */
	struct view text;
	int64_t from, to;
	struct uuid id;
};

struct query {
	struct arena *arena;
	struct node *root; /* NULL: all mail */
};

#endif
