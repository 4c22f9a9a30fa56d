/* SPDX-License-Identifier: GPL-3.0-or-later */
/* archive_priv.h - the insides of struct archive, for the files of this folder. */
#ifndef APP_ARCHIVE_ARCHIVE_PRIV_H
#define APP_ARCHIVE_ARCHIVE_PRIV_H

#include "app/archive/archive.h"
#include "app/archive/upgrade.h"

enum { MEDIA_MAX = 256, LOCKS_MAX = 8 };

/* How a medium across a network is found again when it is needed. */
struct far_place {
	struct archive *a;
	unsigned number;
};

/* What app/archive/ship.h remembers of a medium from run to run; monotonic times, 0 not yet. */
struct ship_memory {
	int64_t asked_ms; /* does it answer? */
	int64_t swept_ms; /* are there files that nothing names? */
};

struct archive {
	char *dir;
	struct keyring *keys;
	struct catalog *catalog;
	struct index *index;
	struct dictionary *dictionary;
	struct counters *counters;
	struct archive_settings settings;
	struct medium *media[MEDIA_MAX + 1]; /* by number; NULL: not opened yet */
	char *places[MEDIA_MAX +
		     1]; /* where each was when it was opened; NULL: it was given to us */
	struct {
		struct medium **v;
		size_t n;
	} moved; /* not used any more, but by what was begun with them */
	struct far_place far[MEDIA_MAX + 1]; /* what the staged ones of them connect with */
	struct ship_memory ship[MEDIA_MAX + 1];
	struct {
		uint64_t pack; /* 0: free */
		int fd;
	} locks[LOCKS_MAX];
};

/* "DIR/NAME" of the archive's directory. */
const char *archive_path(struct archive *a, const char *name, struct str *out);

/* "sealpost-UUID", the folder of this archive on each medium. */
void archive_folder(const struct archive *a, struct str *out);
/* That folder on a local medium whose location is LOCATION. */
void archive_medium_root(const struct archive *a, const char *location, struct str *out);
/* Is MEDIUM the archive's, with this number? If not, or if it cannot be told: ERR_OFFLINE or ERR_TIMEOUT, in words. It may
 * be the right one again in a minute. */
int archive_check_label(struct archive *a, struct medium *medium, unsigned number, struct err *err);
/* The archive's folder at SITE, with the label of medium NUMBER; what is wrong with it in words, as above. */
int archive_open_place(struct archive *a, const struct site *site, unsigned number,
		       struct medium **medium_r, struct err *err);
/* Medium NUMBER opened anew, where the catalog has it now: as archive_open_place(). The caller's. */
int archive_reach(struct archive *a, unsigned number, struct medium **medium_r, struct err *err);
/* What the catalog knows of medium NUMBER; ERR_NOTFOUND: there is none, or it was removed. */
int archive_medium_row(struct archive *a, struct arena *arena, unsigned number,
		       struct medium_row *row_r, struct err *err);
/* Call FN with that row in one transaction, so that what it checks is still so when it is written down. */
typedef int medium_change_fn(struct archive *a, const struct medium_row *row, void *arg,
			     struct err *err);
int archive_change_medium(struct archive *a, unsigned number, medium_change_fn *fn, void *arg,
			  struct err *err);
/* 1: what the catalog has on MEDIUM is found on NUMBER, which is the same, or the one that it is redirected to; 0. */
int archive_lies_on(struct archive *a, unsigned medium, unsigned number, struct err *err);
/* Close medium NUMBER, which nothing that was begun with it may use any more. */
void archive_forget_medium(struct archive *a, unsigned number);
/* Lock pack NUMBER for its writer: 1, 0 when another process holds it. */
int archive_lock_pack(struct archive *a, uint64_t pack, struct err *err);
void archive_unlock_pack(struct archive *a, uint64_t pack);

/* Tell the catalog that the pack is sealed: its length, and its hash if that is known. */
int archive_note_sealed(struct archive *a, const struct pack_writer *writer, struct err *err);

/* Remove the file of a pack that was replaced: from a local medium, and it is PACK_REMOVED; or from staging, and the rest
 * is app/archive/ship.h's (H3). */
int archive_remove_replaced(struct archive *a, const struct pack_row *row, struct err *err);

/* Open the index, if it is not yet, and bring it up to date as far as that goes. Reading mails does
 * without it, and so works though it be damaged. */
int archive_need_index(struct archive *a, struct err *err);

/* Open the catalog; one of an older version is upgraded first (upgrade.h). */
int upgrade_open_catalog(struct archive *a, upgrade_step_fn *fn, void *arg,
			 struct upgrade_report *report_r, struct err *err);
/* Remove copies from before upgrades: ALL, or those that are older than backups of the catalog become. */
void upgrade_drop_copies(struct archive *a, bool all);

/* Remove a database of the archive's directory, with its log. */
void archive_remove_database(struct archive *a, const char *name);
void archive_remove_database_log(struct archive *a, const char *name);

/* Open all but the catalog; for rebuild, which makes one. */
int archive_open_bare(const char *dir, struct archive **archive_r, struct err *err);

#endif
