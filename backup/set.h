/* SPDX-License-Identifier: GPL-3.0-or-later */
/* set.h - one backup of the catalog: a file "catalog/ID-full.set" or "catalog/ID-incremental.set" on a medium.
 *
 * (BS1) It is sealed with the archive key (KEY_USE_BACKUP, a salt of its own), piece by piece, each bound to its place
 *       and to the header: nothing can be changed, cut off, exchanged or left out unnoticed.
 * (BS2) An incremental one names its predecessor by id and hash; a full one has none. The hash of a set is the
 *       SHA-256 of its whole file.
 * (BS3) It has its name only when it is whole and synced (".part" before).
 * docs/FORMAT.md tells the bytes.
 */
#ifndef BACKUP_SET_H
#define BACKUP_SET_H

#include "base/arena.h"
#include "base/crypto.h"
#include "base/id.h"
#include "storage/keyring.h"
#include "storage/medium.h"

struct backup_set_header {
	struct uuid id; /* UUIDv7: ids sort by time */
	bool is_full;
	struct uuid predecessor; /* of an incremental one */
	struct hash predecessor_hash;
	int64_t made_ms;
	uint32_t page_bytes;
	uint64_t pages;        /* of the database when the set was made */
	uint64_t highest_pack; /* the catalog knew packs up to this number */
	uint64_t mails;        /* and so many mails */
};

/* "catalog/0191e2c4-...-full.set" */
enum { BACKUP_SET_NAME = 80 };
const char *backup_set_name(const struct uuid *id, bool is_full, char out[BACKUP_SET_NAME]);
int backup_set_name_read(const char *name, struct uuid *id_r, bool *is_full_r); /* 0, -1 is none */

/* Writing: pages in ascending order, each once; a full set has all of them. They are compressed: what is encrypted is
 * to be opened before (app/catalog/page.h). */
struct backup_set_writer;
int backup_set_create(struct medium *medium, const struct keyring *keys,
		      const struct backup_set_header *header, struct backup_set_writer **writer_r,
		      struct err *err);
int backup_set_page(struct backup_set_writer *w, uint64_t page, const void *data, struct err *err);
/* Seal, sync, give it its name. HASH_R is the set's hash. */
int backup_set_end(struct backup_set_writer *w, struct hash *hash_r, uint64_t *bytes_r,
		   struct err *err);
void backup_set_writer_free(struct backup_set_writer **w); /* not ended: removed */

/* Reading. ERR_DAMAGED, ERR_WRONGKEY, ERR_FOREIGN, ERR_VERSION as for packs. */
struct backup_set_reader;
int backup_set_open(struct medium *medium, const struct keyring *keys, const char *name,
		    struct backup_set_header *header_r, struct backup_set_reader **reader_r,
		    struct err *err);
/* 1 the next page, its bytes valid until the next call; 0 the end, and all of it was as written. */
int backup_set_next(struct backup_set_reader *r, uint64_t *page_r, const void **data_r,
		    struct err *err);
struct hash backup_set_hash(
	struct backup_set_reader *r); /* of the whole file, once it came to its end */
void backup_set_reader_free(struct backup_set_reader **r);

/* The sets of a medium, by id, headers read. Those that do not open are in the list, with `err` set
 * and of their header only what the name tells. -1: the medium does not answer. */
struct backup_set_entry {
	char *name;
	uint64_t bytes;
	struct backup_set_header header;
	struct err err;
};
int backup_set_list(struct medium *medium, const struct keyring *keys, struct arena *arena,
		    struct backup_set_entry **v_r, size_t *n_r, struct err *err);

#endif
