/* SPDX-License-Identifier: GPL-3.0-or-later */
/* medium.h - a numbered place that keeps packs: a directory or a share, later an object store.
 *
 * (M1) Names are relative ("packs/00/00000017.pack"), ASCII, made by Sealpost; nothing from a mail
 *      ever becomes a name.
 * (M2) A name is written once: creating one that exists is ERR_EXISTS. Bytes that were synced never
 *      change; a file only grows, until it is removed whole (or its torn tail is cut after a crash).
 * (M3) medium_sync() returned 0: the bytes appended so far and the name survive a loss of power (on a share:
 *      of the connection; storage/medium_smb.h). It failed: nothing is known of the bytes since the last sync; the
 *      file is given up.
 * (M4) Every operation names its medium and file in the error. ERR_OFFLINE and ERR_TIMEOUT mean "ask
 *      again later", ERR_NOTFOUND that the medium answered and has no such name.
 *
 * A file that is not complete yet may have a name that ends in ".part"; medium_replace() gives it its own. Whoever finds
 * one that is old may remove it.
 *
 * A medium is used by one thread at a time, except medium_read(), which any thread may call.
 */
#ifndef STORAGE_MEDIUM_H
#define STORAGE_MEDIUM_H

#include "base/err.h"
#include "base/str.h"

#include <stdint.h>

struct medium;      /* one reachable medium */
struct medium_file; /* one file being written: appended to, synced, closed */

/* A directory of the local disk; it must exist. Holds DIR/ and below. Type "local". */
int medium_local_open(const char *dir, struct medium **medium_r, struct err *err);
void medium_free(struct medium **medium);

const char *medium_type(const struct medium *medium);     /* "local", "smb" */
const char *medium_location(const struct medium *medium); /* for messages */

int medium_create(struct medium *medium, const char *name, struct medium_file **file_r,
		  struct err *err);
/* Go on with a file whose writer died: appends at its end. */
int medium_reopen(struct medium *medium, const char *name, struct medium_file **file_r,
		  struct err *err);
int medium_append(struct medium_file *file, const void *data, size_t len, struct err *err);
int medium_sync(struct medium_file *file, struct err *err);
void medium_file_free(struct medium_file **file); /* close; what was not synced may be lost */

/* Read up to LEN bytes at OFFSET; *GOT_R is less only at the end of the file. */
int medium_read(struct medium *medium, const char *name, uint64_t offset, void *out, size_t len,
		size_t *got_r, struct err *err);
/* Looks for the name anew, whatever was read of it before: another file, or none, may have it by now. */
int medium_size(struct medium *medium, const char *name, uint64_t *size_r, struct err *err);

/* Call FN for each file below DIR ("packs"; "": all), in no order; names are relative to the medium, not to DIR.
 * A missing DIR has none. FN returns -1 (with err) to stop. */
typedef int medium_list_fn(void *arg, const char *name, uint64_t size_bytes, struct err *err);
int medium_list(struct medium *medium, const char *dir, medium_list_fn *fn, void *arg,
		struct err *err);

int medium_remove(struct medium *medium, const char *name, struct err *err); /* durable */
/* The same, and all is well if there is none: it may be gone by an earlier try that nobody heard of. */
int medium_drop(struct medium *medium, const char *name, struct err *err);
/* MADE, complete and synced, takes the place of NAME, which may be there or not; durable. On a local medium in one
 * step. On a share NAME goes first: a crash in between leaves MADE alone. */
int medium_replace(struct medium *medium, const char *made, const char *name, struct err *err);
/* When NAME was last written, by the medium's own clock; seconds since 1970. */
int medium_modified(struct medium *medium, const char *name, int64_t *time_s_r, struct err *err);
/* Cut a torn tail: the file ends at SIZE afterwards, durably. */
int medium_cut(struct medium *medium, const char *name, uint64_t size, struct err *err);
int medium_space(struct medium *medium, uint64_t *free_bytes_r, uint64_t *total_bytes_r,
		 struct err *err);

#endif
