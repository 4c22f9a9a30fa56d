/* SPDX-License-Identifier: GPL-3.0-or-later */
/* file.h - files on the local disk: whole reads and writes, and the steps that make them durable.
 *
 * A file is durable when file_sync() returned 0 for it, and its name when dir_sync() returned 0 for
 * its directory. A failed sync is final: the kernel may have dropped the dirty pages, so the caller
 * must not sync again and believe it.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/err.h"
#include "base/str.h"

#include <stdint.h>
#include <sys/types.h>

void fd_cleanup(int *fd); /* close, for __attribute__((cleanup)) */
#define CLEAN_FD __attribute__((cleanup(fd_cleanup))) int

/* All LEN bytes or -1. file_pread returns how many there were: fewer only at the end of the file. */
int file_write_all(int fd, const void *data, size_t len, struct err *err);
ssize_t file_pread(int fd, void *out, size_t len, uint64_t offset, struct err *err);

int file_sync(int fd, struct err *err);         /* fdatasync */
int dir_sync(const char *dir, struct err *err); /* fsync of the directory */
int dir_sync_parent(const char *path, struct err *err);

int dir_make(const char *path, mode_t mode, struct err *err);     /* existing is fine */
int dir_make_all(const char *path, mode_t mode, struct err *err); /* with its parents */
/* With all that is below; what cannot be removed stays. */
void dir_remove_all(const char *path);
/* PATH as it stays right in another working directory, without slashes at its end; appended to OUT. */
int path_absolute(const char *path, struct str *out, struct err *err);
int dir_is_empty(const char *path, struct err *err); /* 1, 0 no, -1; a missing one is empty */

/* The whole file, at most MAX bytes (more: ERR_TOOBIG), appended to OUT. */
int file_read(const char *path, size_t max, struct str *out, struct err *err);

/* Create PATH with this content, whole or not at all, durable on return. An existing PATH is
 * ERR_EXISTS from file_create, and replaced atomically by file_replace. */
int file_create(const char *path, mode_t mode, struct view content, struct err *err);
int file_replace(const char *path, mode_t mode, struct view content, struct err *err);

/* Whether a file is another than when it was looked at last, or was changed, came or went. A mark that is all zero has seen no file. */
struct file_mark {
	uint64_t ino, size;
	int64_t changed_s, changed_ns;
};
bool file_mark_look(struct file_mark *mark, const char *path);

/* An exclusive advisory lock that dies with the process: 1 taken, 0 held by another. */
int file_lock(const char *path, int *fd_r, struct err *err);
/* Wait for it: 0; ERR_STOPPED if STOP says so, which is asked when a signal comes. */
int file_lock_wait(const char *path, bool (*stop)(void *arg), void *arg, int *fd_r,
		   struct err *err);

/* Of a disk of TOTAL_BYTES, what is to stay free: SETTING, or with FILE_RESERVE_AUTO 5 % of it, and at most 2 GiB. */
#define FILE_RESERVE_AUTO UINT64_MAX
uint64_t file_reserve(uint64_t setting, uint64_t total_bytes);

int file_space(const char *path, uint64_t *free_bytes_r, uint64_t *total_bytes_r, struct err *err);

#endif
