/* SPDX-License-Identifier: GPL-3.0-or-later */
/* counters.h - what happened in an archive, as numbers that only grow: ARCHIVE/counters, one file for all processes that hold the archive.
 *
 * They are for monitoring, and nothing else rests on them. No mail waits for them, and none is refused for them: what
 * cannot be written now (somebody else is writing, the disk is full) is added the next time, or lost with its process. They are never
 * synced. A file that is missing or none of ours begins anew with zero, which whoever reads counters expects after a restart.
 *
 * A page of memory that the processes share was rejected: on a disk that is full, or fails, writing to it kills who writes.
 */
#ifndef APP_ARCHIVE_COUNTERS_H
#define APP_ARCHIVE_COUNTERS_H

#include "app/catalog/mails.h"
#include "base/str.h"

/* What became of a mail that was taken in. */
#define COUNTED(X) X(archived) X(duplicate) X(failed)
enum counted {
#define X(name) COUNTED_##name,
	COUNTED(X)
#undef X
		COUNTED_COUNT
};
const char *counted_text(enum counted counted);

#define COUNTERS_WAYS (WAY_UPLOAD + 1)

/* name, what is measured, its buckets' upper bounds in milliseconds (ascending; what is longer counts in none of them) */
#define TIMINGS(X)                                                                                 \
	X(archive_latency, "from the door's capture to the archive's commit",                      \
	  {100, 250, 500, 1000, 2500, 5000, 10000, 30000, 60000, 300000, 1800000, 3600000,         \
	   14400000, 86400000})                                                                    \
	X(search, "a search of the page, until its hits are ready",                                \
	  {1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 30000})

enum timing {
#define X(name, what, ...) TIMING_##name,
	TIMINGS(X)
#undef X
		TIMING_COUNT
};
enum { TIMING_BUCKETS = 14 };

struct timing_kind {
	const char *name, *what;
	uint64_t bound_ms[TIMING_BUCKETS];
};
extern const struct timing_kind timing_kinds[TIMING_COUNT];

struct timing_counts {
	uint64_t bucket[TIMING_BUCKETS]; /* of this one alone */
	uint64_t n, sum_us;
};

/* As the file has them, in this machine's byte order. New ones come behind the others: an older file is the beginning of a newer one. */
struct counts {
	uint64_t taken[COUNTERS_WAYS][COUNTED_COUNT];
	struct timing_counts timing[TIMING_COUNT];
};

struct counters; /* one process's; belongs to one thread */

struct counters *counters_new(const char *archive_dir);
void counters_free(struct counters **counters); /* flushes */
void counters_add_taken(struct counters *c, enum way way, enum counted counted);
void counters_add_time(struct counters *c, enum timing timing, int64_t us);
/* Write what was added since. */
void counters_flush(struct counters *c);

/* A missing file is all zero. */
void counters_read(const char *archive_dir, struct counts *counts_r);

#endif
