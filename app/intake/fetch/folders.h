/* SPDX-License-Identifier: GPL-3.0-or-later */
/* folders.h - the folders of an IMAP account, as the server lists them. */
#ifndef APP_INTAKE_FETCH_FOLDERS_H
#define APP_INTAKE_FETCH_FOLDERS_H

#include "app/intake/fetch/imap.h"
#include "app/intake/fetch/names.h"

struct folder {
	struct view wire; /* as the server calls it */
	/* UTF-8; one that does not decode is shown behind a U+FFFD, its bytes, if no text, as %XX */
	struct view name;
	struct view use; /* "\Sent"; empty */
	bool guessed;    /* the use, by the name */
	bool selectable;
	bool odd;       /* WIRE breaks the rules for names */
	char delimiter; /* 0: none */
};

struct folders {
	struct arena *arena;
	struct names *names; /* the number of a name is its place in V */
	struct folder *v;
	size_t n, cap;
	struct view prefix; /* of the user's own folders, RFC 2342; mostly empty */
	char delimiter;     /* theirs */
};

/* More than FOLDERS_MAX are ERR_TOOBIG. */
int folders_list(struct imap *imap, uint64_t folders_max, struct folders **folders_r,
		 struct err *err);
void folders_free(struct folders **folders);
const struct folder *folders_find(const struct folders *folders, struct view name); /* or NULL */

/* Where mails of the folder SOURCE move to: BASE/SOURCE as the server writes it. "/" in BASE stands for the
 * delimiter. SOURCE empty: BASE alone. */
void folders_target(const struct folders *folders, struct view base, struct view source,
		    struct str *name);
/* Is NAME the folder BASE, or below it? */
bool folders_is_below(const struct folders *folders, struct view name, struct view base);

#endif
