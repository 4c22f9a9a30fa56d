/* SPDX-License-Identifier: GPL-3.0-or-later */
/* archive.h - one archive: its directory, key, catalog, index and media. Everything hangs on it; a
 * process may hold many. A struct archive belongs to one thread.
 *
 * (A1) Opening an archive makes good what a crash left: packs whose writer died are taken into the
 *      catalog up to their last whole record, and sealed; packs that were being replaced are
 *      replaced or left whole. Nothing that was reported as archived is missing afterwards. The
 *      index, which is opened when it is first needed, gets the mails it lacks then, unless they are many.
 * (A2) A pack that is being written is locked by its writer (ARCHIVE/lock/), so that opening never
 *      touches a live one.
 */
#ifndef APP_ARCHIVE_ARCHIVE_H
#define APP_ARCHIVE_ARCHIVE_H

#include "app/archive/counters.h"
#include "app/catalog/mails.h"
#include "app/catalog/media.h"
#include "app/catalog/packs.h"
#include "app/search/index.h"
#include "storage/compress.h"
#include "storage/keyring.h"
#include "storage/medium.h"
#include "storage/pack.h"

struct archive;

/* Settings of ARCHIVE/sealpost.conf. */
struct archive_settings {
	uint64_t max_mail_bytes;   /* a larger mail is refused */
	uint64_t pack_bytes;       /* a pack is sealed at this size */
	uint64_t index_text_bytes; /* of one mail's text, for the index */
	uint64_t index_soon_mails; /* more that the index lacks are left to index_catch_up() */
	uint64_t pending_keep_s; /* a capture whose mail the mail server no longer has goes then */
	uint64_t pending_keep_filtered_s; /* and one that a filter may still release, or of which
					     nothing is known */
	uint64_t staging_reserve_bytes;   /* see medium_staged_new() */
	uint64_t mirror_rate; /* bytes a second that mirroring reads or writes; 0: no limit */
	uint64_t mirror_scrub_bytes; /* so much of the mirror each run reads again */
	uint64_t mirror_from_hour, mirror_until_hour; /* local time; the same: at any */
	uint64_t backup_keep_days;  /* full backups of the catalog are kept for so long */
	uint64_t backup_keep_weeks; /* and one of each week for so long */
	uint64_t receipt_days;      /* so long it is known what became of an entry of the spool */
};

/* Make an archive: directory, key, catalog, index, and local medium 1 in MEDIUM_DIR (NULL: inside
 * the archive's directory). DIR may have settings (*.conf) in it, and nothing else. An archive that is there is ERR_EXISTS and stays untouched. */
int archive_init(const char *dir, const char *name, const char *medium_dir, struct err *err);

/* One that an older Sealpost wrote is upgraded first (upgrade.h); a newer one is ERR_VERSION, and not touched. */
int archive_open(const char *dir, struct archive **archive_r, struct err *err);
/* Drop the index; the next opening makes an empty one, and index_catch_up() fills it. */
int archive_remove_index(const char *dir, struct err *err);
void archive_free(struct archive **archive);

const char *archive_dir(const struct archive *a);
const struct keyring *archive_keys(const struct archive *a);
/* The key pair that opens the spool; the caller's. */
struct x25519 *archive_spool_key(const struct archive *a);
/* See that ARCHIVE/spool.pub is its public half, which the doors seal incoming mail to: it is made anew
 * where it is missing or another key's. For archive_init() and the archiver. */
int archive_keep_spool_key(struct archive *a, struct err *err);
struct catalog *archive_catalog(struct archive *a);
struct counters *archive_counters(struct archive *a);
const struct archive_settings *archive_settings(const struct archive *a);
void archive_settings_table(struct str *out); /* see conf_table() */
/* The dictionary for new records, NULL when none was trained yet; stays the archive's. */
const struct dictionary *archive_dictionary(const struct archive *a);
/* Keep DICT (taken over) as the archive's dictionary from now on. */
int archive_set_dictionary(struct archive *a, struct dictionary *dict, struct err *err);

/* Medium NUMBER, or the one that it is redirected to. Stays the archive's. A local one is checked against its label
 * the first time; one across a network when it is first needed (storage/staged.h), so that to get it does not
 * fail because it is away. ERR_OFFLINE: it is deactivated, or does not answer, or what stands in its place has not
 * its label; each in its own words. */
int archive_medium(struct archive *a, unsigned number, struct medium **medium_r, struct err *err);
/* The number that stands for NUMBER (itself, or the one that it is redirected to), and its state. */
int archive_resolve_medium(struct archive *a, unsigned *number, enum medium_state *state_r,
			   struct err *err);
/* The medium that pack NUMBER lies on. */
int archive_pack_medium(struct archive *a, uint64_t pack, struct medium **medium_r,
			struct err *err);
/* For tests: from now on this medium (taken over) stands for NUMBER. */
void archive_use_medium(struct archive *a, unsigned number, struct medium *medium);

/* A new pack on the active medium, locked by this process until archive_end_pack(). */
int archive_begin_pack(struct archive *a, const uint64_t *replaces, size_t n_replaces,
		       struct pack_writer **writer_r, struct err *err);
/* Seal it, tell the catalog, give up the lock. */
int archive_seal_pack(struct archive *a, struct pack_writer **writer, struct err *err);
/* Give up lock and writer without sealing (after an error); the next opening makes it good. */
void archive_drop_pack(struct archive *a, struct pack_writer **writer);

/* Make good what writers that died left (A1); called by archive_open(). */
int archive_recover(struct archive *a, struct err *err);

#endif
