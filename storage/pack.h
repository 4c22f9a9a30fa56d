/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pack.h - the append-only file that holds mails. docs/FORMAT.md tells its bytes.
 *
 * (P1) A pack has one writer for its life, and one number, which is never used again.
 * (P2) A record is in the pack whole or not at all: it is authenticated together with its place, so
 *      that a record cut short, changed, moved or taken from another pack does not open.
 * (P3) pack_sync() returned 0: every record appended before is durable. Only then may the catalog
 *      name them.
 * (P4) A sealed pack ends in a seal record that counts and hashes the records before it, and never changes again.
 * (P5) A pack can be read with the archive key alone: it holds the dictionaries its records need,
 *      before the first record that needs them.
 */
#ifndef STORAGE_PACK_H
#define STORAGE_PACK_H

#include "storage/compress.h"
#include "storage/keyring.h"
#include "storage/medium.h"

enum {
	PACK_FORMAT = 1,
	PACK_SEAL_BYTES = 64 * 1024 * 1024,  /* sealed at this size, unless set otherwise */
	PACK_RECORD_MAX = 1024 * 1024 * 1024 /* decoded payload; more is not believed */
};

enum record_type {
	RECORD_MAIL = 1,
	RECORD_PART = 2,       /* payload: the part's keyed hash (32 bytes), then its bytes */
	RECORD_DICTIONARY = 3, /* payload: a zstd dictionary */
	RECORD_PROVENANCE = 4, /* a later sighting of a mail */
	RECORD_EVIDENCE = 5,
	RECORD_SEAL = 6,
	RECORD_ERASED = 7 /* payload: id of an erased mail (16 bytes), u64 seconds when */
};

struct pack_header {
	struct uuid archive;
	uint64_t number;
	unsigned char key_id[KEY_ID_BYTES];
	int64_t made_ms;
	size_t n_replaces; /* packs whose place this one takes (rewritten by erasing) */
	uint64_t *replaces;
};

/* "packs/00/00000017.pack": two digits of the hundreds' folder, so that no folder grows large. */
const char *pack_name(uint64_t number, char out[64]);
int pack_number_of(const char *name, uint64_t *number_r); /* 0, or -1 if it is no pack's name */

struct record {
	enum record_type type;
	struct uuid id;
	enum encoding encoding;
	uint64_t offset; /* in the pack */
	uint64_t len;    /* of the whole record, header and tag included */
};

/* Writing. Appended records are gathered in memory and reach the medium in large writes, at the
 * latest with pack_sync(). After any error the writer is dead: free it; what was synced stays. */
struct pack_writer;
int pack_create(struct medium *medium, const struct keyring *keyring, uint64_t number,
		const uint64_t *replaces, size_t n_replaces, struct pack_writer **writer_r,
		struct err *err);
/* Go on with a pack whose writer died, only to seal it: everything behind END (where the last whole
 * record ends, as a scan told) is a torn tail and is cut. */
int pack_resume(struct medium *medium, const struct keyring *keyring, uint64_t number, uint64_t end,
		struct pack_writer **writer_r, struct err *err);
void pack_writer_free(struct pack_writer **writer);
/* Append one record whose payload compressor_run() encoded. The record's place goes to RECORD_R. */
int pack_append(struct pack_writer *writer, enum record_type type, const struct uuid *id,
		enum encoding encoding, struct view payload, struct record *record_r,
		struct err *err);
/* Append DICT as a record, unless this pack has it already. */
int pack_append_dictionary(struct pack_writer *writer, const struct dictionary *dict,
			   struct err *err);
int pack_sync(struct pack_writer *writer, struct err *err);
int pack_seal(struct pack_writer *writer, struct err *err); /* seal record, sync */
uint64_t pack_writer_number(const struct pack_writer *writer);
/* After pack_seal(): SHA-256 of the whole file, as it was written. NULL: the pack was resumed, and is not known as a whole. */
const struct hash *pack_writer_hash(const struct pack_writer *writer);
uint64_t pack_writer_size(const struct pack_writer *writer); /* bytes, gathered ones included */

/* Reading. Not to be shared between threads. Opening checks the header: another archive's pack is
 * ERR_FOREIGN, another key's ERR_WRONGKEY, a newer format ERR_VERSION, a torn or changed one
 * ERR_DAMAGED. */
struct pack_reader;
int pack_open(struct medium *medium, const struct keyring *keyring, uint64_t number,
	      struct pack_reader **reader_r, struct err *err);
void pack_reader_free(struct pack_reader **reader);
/* A dictionary that the caller has anyway: should the pack's own be damaged, its mails still open. */
void pack_reader_offer(struct pack_reader *reader, const struct dictionary *dict);
const struct pack_header *pack_reader_header(const struct pack_reader *reader);

/* Read the record at OFFSET and append its decoded payload to PAYLOAD. LEN is its length where the caller knows
 * it (one read instead of two), else 0. ERR_DAMAGED names pack and offset. */
int pack_read(struct pack_reader *reader, uint64_t offset, uint64_t len, struct record *record_r,
	      struct str *payload, struct err *err);
/* The same without decoding: the payload as compressor_run() made it, for rewriting. */
int pack_read_encoded(struct pack_reader *reader, uint64_t offset, uint64_t len,
		      struct record *record_r, struct str *payload, struct err *err);

/* Walk through all records from FROM (0: the first). pack_scan_next() gives
 *     SCAN_RECORD   the next record; payload appended to PAYLOAD (decoded; NULL: skipped, not even opened)
 *     SCAN_DAMAGED  record_r->offset and len tell a stretch of bytes that opens as no record (as a hint,
 *                   record_r->type and id from the unauthenticated clear part); the walk goes on behind it
 *     SCAN_TORN     the pack is not sealed and ends at record_r->offset in an incomplete record
 *     SCAN_END      the end; pack_scan_sealed() tells whether a seal was found and true
 *     -1            the medium failed */
enum scan { SCAN_END, SCAN_RECORD, SCAN_DAMAGED, SCAN_TORN };
struct pack_scan;
int pack_scan_begin(struct pack_reader *reader, uint64_t from, struct pack_scan **scan_r,
		    struct err *err);
int pack_scan_next(struct pack_scan *scan, struct record *record_r, struct str *payload,
		   struct err *err);
bool pack_scan_sealed(const struct pack_scan *scan);
/* Read the sealed pack from end to end: has it LENGTH bytes, does every record open, is the seal true? ERR_DAMAGED says
 * what not, and where. */
int pack_check(struct pack_reader *reader, uint64_t length, struct err *err);
void pack_scan_free(struct pack_scan **scan);

#endif
