/* SPDX-License-Identifier: GPL-3.0-or-later */
/* copy.h - files from one medium to another: shipping, mirroring, repairing.
 *
 * (CP1) Bytes are never written over others: a file grows at its end, or is removed and made anew.
 * (CP2) What was copied counts only after copy_check(): read back from where it came to, and hashed.
 */
#ifndef STORAGE_COPY_H
#define STORAGE_COPY_H

#include "base/crypto.h"
#include "storage/medium.h"

enum { COPY_WRITE_BYTES = 1024 * 1024 };

/* How fast, and how long. One pace may serve many files, one after the other. */
struct copy_pace {
	uint64_t bytes_per_s; /* written or read back; 0: as fast as it goes */
	/* Asked after each write or read: true to stop, which is ERR_STOPPED; what is there stays, and is gone on from. May
	 * be NULL. */
	bool (*stop)(void *arg);
	void (*progress)(void *arg, uint64_t bytes); /* BYTES more were carried; may be NULL */
	void *arg;
	int64_t begun_ms; /* the copying's own; 0 at first */
	uint64_t done;
	bool from_failed; /* told with a failure of copy_file() and copy_file_as(): it was FROM's */
};

/* Make NAME on TO hold the first LENGTH bytes of NAME on FROM: what it has already stays, the rest is appended in large
 * writes, and synced. If it is longer than LENGTH, it is removed and copied anew. PACE may be NULL. ERR_DAMAGED: FROM
 * has fewer bytes. */
int copy_file(struct medium *from, struct medium *to, const char *name, uint64_t length,
	      struct copy_pace *pace, struct err *err);
/* The same, but it is called AS on TO: a ".part", until medium_replace() gives it its own name. */
int copy_file_as(struct medium *from, const char *name, struct medium *to, const char *as,
		 uint64_t length, struct copy_pace *pace, struct err *err);
/* SHA-256 of the first LENGTH bytes of NAME; ERR_DAMAGED if there are fewer. */
int copy_hash(struct medium *m, const char *name, uint64_t length, struct copy_pace *pace,
	      struct hash *hash_r, struct err *err);
/* Read NAME back: ERR_DAMAGED if it has not exactly LENGTH bytes, or not this hash. */
int copy_check(struct medium *m, const char *name, uint64_t length, const struct hash *hash,
	       struct copy_pace *pace, struct err *err);

#endif
