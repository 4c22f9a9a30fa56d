/* SPDX-License-Identifier: GPL-3.0-or-later */
/* archive_priv.h - the insides of struct archive, for the files of this folder. */
#ifndef APP_ARCHIVE_ARCHIVE_PRIV_H
#define APP_ARCHIVE_ARCHIVE_PRIV_H

#include "app/archive/archive.h"

enum { MEDIA_MAX = 256, LOCKS_MAX = 8 };

struct archive {
	char *dir;
	struct keyring *keys;
	struct catalog *catalog;
	struct index *index;
	struct dictionary *dictionary;
	struct archive_settings settings;
	struct medium *media[MEDIA_MAX + 1]; /* by number; NULL: not opened yet */
	struct {
		uint64_t pack; /* 0: free */
		int fd;
	} locks[LOCKS_MAX];
};

/* "DIR/NAME" of the archive's directory. */
const char *archive_path(struct archive *a, const char *name, struct str *out);

/* The directory of this archive on a medium whose location is LOCATION. */
void archive_medium_root(const struct archive *a, const char *location, struct str *out);

/* Lock pack NUMBER for its writer: 1, 0 when another process holds it. */
int archive_lock_pack(struct archive *a, uint64_t pack, struct err *err);
void archive_unlock_pack(struct archive *a, uint64_t pack);

/* Open the index, if it is not yet, and bring it up to date as far as that goes. Reading mails does
 * without it, and so works though it be damaged. */
int archive_need_index(struct archive *a, struct err *err);

/* Remove a database of the archive's directory, with its log. */
void archive_remove_database(struct archive *a, const char *name);
void archive_remove_database_log(struct archive *a, const char *name);

/* Open all but the catalog; for rebuild, which makes one. */
int archive_open_bare(const char *dir, struct archive **archive_r, struct err *err);

#endif
