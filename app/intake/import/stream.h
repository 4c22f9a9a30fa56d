/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stream.h - the bytes of a file from front to back, unpacked where it is gzip (RFC 1952, members
 * one after the other too) or zstd (RFC 8878, frames likewise). Which it is, its first bytes tell,
 * not its name: mail stores pack files without renaming them.
 *
 * A packed file that ends too early or is damaged gives all that could be unpacked first, and then
 * the error. Zeros behind the last gzip member are padding; anything else there is an error, since
 * it may have been a member.
 */
#ifndef APP_INTAKE_IMPORT_STREAM_H
#define APP_INTAKE_IMPORT_STREAM_H

#include "base/err.h"
#include "base/str.h"

struct stream; /* reads one file after the other */

struct stream *stream_new(void);
void stream_free(struct stream **stream);

/* Read the file FD from its start. FD stays the caller's. SIZE_BYTES, the file's size, is a hint: it
 * spares the read that finds nothing. */
int stream_start(struct stream *stream, int fd, uint64_t size_bytes, struct err *err);
int stream_rewind(struct stream *stream, struct err *err);

/* Append at least one and at most MAX bytes to OUT: 1, 0 at the end, -1 (and again -1 after that). */
int stream_more(struct stream *stream, size_t max, struct str *out, struct err *err);

uint64_t stream_consumed(const struct stream *stream); /* bytes of the file, as on disk */

#endif
