/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pack_priv.h - the bytes of a pack, as docs/FORMAT.md has them, and what the parts share. */
#ifndef STORAGE_PACK_PRIV_H
#define STORAGE_PACK_PRIV_H

#include "storage/pack.h"

#include <inttypes.h>

enum {
	HEADER_FIXED_BYTES = 88, /* up to the list of replaced packs */
	SALT_BYTES = 32,
	MAGIC_BYTES = 4,
	CLEAR_BYTES = 40, /* a record's part before the ciphertext */
	AAD_BYTES = CLEAR_BYTES + 8,
	OVERHEAD_BYTES = CLEAR_BYTES + TAG_BYTES,
	SEAL_PAYLOAD_BYTES = 8 + 8 + HASH_BYTES
};

extern const unsigned char record_magic[MAGIC_BYTES];

/* The header. header_length() tells from the first bytes how long the whole is; header_read()
 * checks all of it against KEYRING. */
void header_add(struct str *out, const struct pack_header *header, struct view salt,
		const struct keyring *keyring);
int header_length(struct view start, size_t *len_r, struct err *err);
int header_read(struct view whole, const struct keyring *keyring, struct pack_header *header_r,
		struct view *salt_r, struct err *err);
struct aead *pack_aead(const struct keyring *keyring, struct view salt);

/* A record's clear part. clear_read() returns -1 if these bytes cannot be one. */
struct clear {
	uint32_t len; /* of the payload, encoded and without tag */
	uint8_t type;
	uint8_t encoding;
	struct uuid id;
	unsigned char nonce[NONCE_BYTES];
};
void clear_add(struct str *out, const struct clear *clear);
int clear_read(struct view v, struct clear *clear_r);
struct record clear_record(const struct clear *clear, uint64_t offset);

/* What a record is authenticated with besides its content (P2): its clear part and its place. */
void record_aad(const void *clear, uint64_t offset, unsigned char aad[AAD_BYTES]);

struct seal {
	uint64_t records; /* before it */
	uint64_t size;    /* of the pack before it */
	struct hash tags; /* SHA-256 of the tags of the records before it, one after the other */
};
void seal_add(struct str *out, const struct seal *seal);
int seal_read(struct view v, struct seal *seal_r);

struct pack_reader {
	struct medium *medium;
	char name[64];
	struct pack_header header;
	uint64_t first; /* offset of the first record */
	uint64_t size;  /* when last asked; the pack may have grown since */
	struct aead *aead;
	struct decompressor *decompressor;
	struct {
		struct dictionary **v;
		size_t n;
	} dicts;
	uint64_t dicts_upto; /* all dictionaries before this offset are known */
	struct str buf;      /* the record being read */
};

/* Look at the pack's size anew if it is not known to reach END; ERR_DAMAGED if it does not. */
int reader_reach(struct pack_reader *reader, uint64_t end, struct err *err);

/* Open WHOLE, the record at OFFSET from its clear part to its tag, into OUT. */
bool reader_opens(struct pack_reader *reader, uint64_t offset, struct view whole, void *out);

int reader_decode(struct pack_reader *reader, const struct record *record, struct view encoded,
		  struct str *payload, struct err *err);
/* Keep the dictionary in BYTES; what is no dictionary, or known, is passed over. */
void reader_learn(struct pack_reader *reader, struct view bytes);

/* What a walk to the end has counted: the records that open, and the digest of their tags (handed
 * over). A pack that goes on from there is sealed with both. */
uint64_t scan_take_counts(struct pack_scan *scan, struct sha256 **tags_r);

/* ERR_DAMAGED with pack and offset in the text. */
int reader_damaged(const struct pack_reader *reader, uint64_t offset, const char *what,
		   struct err *err);

#endif
