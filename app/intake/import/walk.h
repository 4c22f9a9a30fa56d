/* SPDX-License-Identifier: GPL-3.0-or-later */
/* walk.h - the files below some paths, in a fixed order: the paths as given, names sorted by their
 * bytes, a folder's content where its name comes.
 *
 * Symbolic links are followed for the paths themselves only, so there are no loops. Folders are
 * opened from their parent's descriptor: a folder exchanged for a link meanwhile is not entered.
 */
#ifndef APP_INTAKE_IMPORT_WALK_H
#define APP_INTAKE_IMPORT_WALK_H

#include "base/err.h"
#include "base/str.h"

struct walk;

enum walk_kind {
	WALK_FILE,
	WALK_SKIPPED, /* link, device, Maildir's tmp; err.text says which */
	WALK_FAILED   /* a folder that cannot be read; err says why */
};

struct walk_entry {
	enum walk_kind kind;
	int dir_fd; /* NAME is to be opened from here */
	const char *name;
	bool given;        /* is one of the paths, not below one */
	bool in_maildir;   /* lies in the cur/ or new/ of a Maildir */
	struct view place; /* relative to the path given; of a given file, its name */
	struct err err;
};

/* PATHS must exist (ERR_NOTFOUND ...); they are copied. */
int walk_open(const char *const *paths, size_t n, struct walk **walk_r, struct err *err);
void walk_free(struct walk **walk);

/* 1, or 0 at the end. What ENTRY_R points to stays until the next call. -1 when there are no file
 * descriptors left, since then nothing could be opened any more. */
int walk_next(struct walk *walk, struct walk_entry *entry_r, struct err *err);

#endif
