/* SPDX-License-Identifier: GPL-3.0-or-later */
/* compress.h - zstd (RFC 8878), with a dictionary trained from the archive's own first mails. */
#ifndef STORAGE_COMPRESS_H
#define STORAGE_COMPRESS_H

#include "base/err.h"
#include "base/str.h"

#include <stdint.h>

/* How a record's payload is encoded, as written in the record. */
enum encoding {
	ENCODING_RAW = 0,
	ENCODING_ZSTD = 1,     /* one zstd frame */
	ENCODING_ZSTD_DICT = 2 /* one zstd frame that names its dictionary */
};

enum { COMPRESS_LEVEL = 3, DICTIONARY_BYTES = 110 * 1024 };

/* A dictionary: immutable, shared between threads, counted. */
struct dictionary;
struct dictionary *dictionary_new(struct view bytes); /* NULL if it is no zstd dictionary */
struct dictionary *dictionary_ref(struct dictionary *dict);
void dictionary_free(struct dictionary **dict); /* gives one reference back */
uint32_t dictionary_id(const struct dictionary *dict);
struct view dictionary_bytes(const struct dictionary *dict);
/* Train one from samples laid end to end; NULL when there is too little to learn from. */
struct dictionary *dictionary_train(struct view samples, const size_t *lens, size_t n);

/* One per thread. */
struct compressor;
struct compressor *compressor_new(void);
void compressor_free(struct compressor **c);
/* Append the encoded form of the pieces in PIECES, taken as one, to OUT; DICT may be NULL. What does
 * not get smaller stays raw. Input of any size is taken without a copy of the whole. */
enum encoding compressor_run(struct compressor *c, const struct dictionary *dict,
			     const struct view *pieces, size_t n, struct str *out);

/* One per thread. Append the decoded payload to OUT; more than MAX bytes, or a malformed frame, or a
 * dictionary other than DICT (may be NULL) is ERR_DAMAGED. */
struct decompressor;
struct decompressor *decompressor_new(void);
void decompressor_free(struct decompressor **d);
int decompressor_run(struct decompressor *d, const struct dictionary *dict, enum encoding encoding,
		     struct view in, size_t max, struct str *out, struct err *err);
uint32_t compress_dictionary_id(struct view frame); /* the dictionary a frame names, 0 none */

#endif
