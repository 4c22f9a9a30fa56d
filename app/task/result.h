/* SPDX-License-Identifier: GPL-3.0-or-later */
/* result.h - what a task made: ARCHIVE/tasks/UUID, sealed (app/catalog/tasks.h, TA2), so that nothing readable rests on a disk. */
#ifndef APP_TASK_RESULT_H
#define APP_TASK_RESULT_H

#include "base/err.h"
#include "base/id.h"
#include "base/secret.h"

#include <sys/types.h>

struct result_writer;
/* The file appears with a new key pair. ERR_NOSPACE: less is free than the archive must keep. */
int result_create(const char *archive_dir, const struct uuid *task, struct result_writer **w_r,
		  struct err *err);
int result_write(struct result_writer *w, struct view piece, struct err *err);
/* Whole and durable. The key is the caller's. */
int result_end(struct result_writer *w, uint64_t *size_r, struct secret **key_r, struct err *err);
void result_writer_free(struct result_writer **w); /* what was not ended is removed */

struct result_reader;
int result_open(const char *archive_dir, const struct uuid *task, const struct secret *key,
		uint64_t size, struct result_reader **r_r, struct err *err);
/* The next MAX bytes at most: how many; 0 the end; -1 ERR_DAMAGED. */
ssize_t result_read(struct result_reader *r, void *out, size_t max, struct err *err);
void result_reader_free(struct result_reader **r);

void result_remove(const char *archive_dir, const struct uuid *task); /* if it is there */
/* FN for each that is there. */
int result_each(const char *archive_dir, void (*fn)(void *arg, const struct uuid *task), void *arg,
		struct err *err);

#endif
