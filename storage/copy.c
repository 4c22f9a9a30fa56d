/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "storage/copy.h"

#include "base/clock.h"

#include <time.h>

enum { NAP_MS = 100, BURST_MS = 1000 };

static bool is_stopped(const struct copy_pace *pace)
{
	return pace->stop != NULL && pace->stop(pace->arg);
}

/* How long until the bytes done so far are not too many. Time in which nothing was to do is not saved up. */
static int64_t ahead_ms(struct copy_pace *pace)
{
	int64_t now = clock_monotonic_ms();
	int64_t due;

	if (pace->begun_ms == 0)
		pace->begun_ms = now;
	due = pace->begun_ms + (int64_t)(pace->done * 1000 / pace->bytes_per_s);
	if (due < now - BURST_MS) {
		pace->begun_ms = now;
		pace->done = 0;
	}
	return due - now;
}

/* BYTES more are done. */
static int keep_pace(struct copy_pace *pace, uint64_t bytes, struct err *err)
{
	if (pace == NULL)
		return 0;
	pace->done += bytes;
	for (;;) {
		int64_t ms;

		if (is_stopped(pace))
			return err_set(err, ERR_STOPPED, "copying was stopped");
		ms = pace->bytes_per_s > 0 ? ahead_ms(pace) : 0;
		if (ms <= 0)
			return 0;
		ms = ms < NAP_MS ? ms : NAP_MS;
		nanosleep(&(struct timespec){.tv_nsec = ms * 1000 * 1000}, NULL);
	}
}

/* Some bytes at OFFSET of those before LENGTH: at least one, at most a write's. A medium that gives fewer than are there
 * is asked for the rest next time. */
static int read_some(struct medium *m, const char *name, uint64_t offset, uint64_t length,
		     char *buf, size_t *got_r, struct err *err)
{
	uint64_t left = length - offset;
	size_t want = left < COPY_WRITE_BYTES ? (size_t)left : COPY_WRITE_BYTES;

	if (medium_read(m, name, offset, buf, want, got_r, err) < 0)
		return -1;
	if (*got_r == 0)
		return err_set(err, ERR_DAMAGED, "medium %s: %s: ends at %llu instead of %llu",
			       medium_location(m), name, (unsigned long long)offset,
			       (unsigned long long)length);
	return 0;
}

/* The file to append to, and what it has already. */
static int open_target(struct medium *to, const char *as, uint64_t length,
		       struct medium_file **file_r, uint64_t *have_r, struct err *err)
{
	*have_r = 0;
	if (medium_size(to, as, have_r, err) < 0) {
		if (err->kind != ERR_NOTFOUND)
			return -1;
		err_clear(err);
		return medium_create(to, as, file_r, err);
	}
	if (*have_r <= length)
		return medium_reopen(to, as, file_r, err);
	*have_r = 0;
	if (medium_remove(to, as, err) < 0)
		return -1;
	return medium_create(to, as, file_r, err);
}

static int tell_from_failed(struct copy_pace *pace)
{
	if (pace != NULL)
		pace->from_failed = true;
	return -1;
}

int copy_file_as(struct medium *from, const char *name, struct medium *to, const char *as,
		 uint64_t length, struct copy_pace *pace, struct err *err)
{
	CLEAN_MEM char *buf = mem_new(COPY_WRITE_BYTES);
	CLEAN(medium_file) file = NULL;
	uint64_t at;
	size_t got;

	if (pace != NULL)
		pace->from_failed = false;
	if (open_target(to, as, length, &file, &at, err) < 0)
		return -1;
	for (; at < length; at += got) {
		if (read_some(from, name, at, length, buf, &got, err) < 0)
			return tell_from_failed(pace);
		if (medium_append(file, buf, got, err) < 0)
			return -1;
		if (pace != NULL && pace->progress != NULL)
			pace->progress(pace->arg, got);
		if (keep_pace(pace, got, err) < 0)
			return -1;
	}
	return medium_sync(file, err);
}

int copy_file(struct medium *from, struct medium *to, const char *name, uint64_t length,
	      struct copy_pace *pace, struct err *err)
{
	return copy_file_as(from, name, to, name, length, pace, err);
}

int copy_hash(struct medium *m, const char *name, uint64_t length, struct copy_pace *pace,
	      struct hash *hash_r, struct err *err)
{
	CLEAN_MEM char *buf = mem_new(COPY_WRITE_BYTES);
	CLEAN(sha256) sha = sha256_new();
	size_t got;

	for (uint64_t at = 0; at < length; at += got) {
		if (read_some(m, name, at, length, buf, &got, err) < 0)
			return -1;
		sha256_add(sha, buf, got);
		if (keep_pace(pace, got, err) < 0)
			return -1;
	}
	*hash_r = sha256_end(sha);
	return 0;
}

int copy_check(struct medium *m, const char *name, uint64_t length, const struct hash *hash,
	       struct copy_pace *pace, struct err *err)
{
	struct hash found;
	uint64_t size;

	if (medium_size(m, name, &size, err) < 0)
		return -1;
	if (size != length)
		return err_set(err, ERR_DAMAGED, "medium %s: %s: has %llu bytes instead of %llu",
			       medium_location(m), name, (unsigned long long)size,
			       (unsigned long long)length);
	if (copy_hash(m, name, length, pace, &found, err) < 0)
		return -1;
	if (!hash_eq(&found, hash))
		return err_set(err, ERR_DAMAGED, "medium %s: %s: was changed: its SHA-256 differs",
			       medium_location(m), name);
	return 0;
}
