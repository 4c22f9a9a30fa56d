/* SPDX-License-Identifier: GPL-3.0-or-later */
/* medium_priv.h - what a kind of medium implements. The meanings are those of medium.h; errors need
 * not name medium and file, medium.c does. */
#ifndef STORAGE_MEDIUM_PRIV_H
#define STORAGE_MEDIUM_PRIV_H

#include "storage/medium.h"

struct medium_ops {
	const char *type;
	void (*free)(struct medium *medium);
	int (*create)(struct medium *m, const char *name, struct medium_file **file_r,
		      struct err *e);
	int (*reopen)(struct medium *m, const char *name, struct medium_file **file_r,
		      struct err *e);
	int (*append)(struct medium_file *f, const void *data, size_t len, struct err *e);
	int (*sync)(struct medium_file *f, struct err *e);
	void (*close)(struct medium_file *f);
	int (*read)(struct medium *m, const char *name, uint64_t offset, void *out, size_t len,
		    size_t *got_r, struct err *e);
	int (*size)(struct medium *m, const char *name, uint64_t *size_r, struct err *e);
	int (*list)(struct medium *m, const char *dir, medium_list_fn *fn, void *arg,
		    struct err *e);
	int (*remove)(struct medium *m, const char *name, struct err *e);
	int (*replace)(struct medium *m, const char *made, const char *name, struct err *e);
	int (*modified)(struct medium *m, const char *name, int64_t *time_s_r, struct err *e);
	int (*cut)(struct medium *m, const char *name, uint64_t size, struct err *e);
	int (*space)(struct medium *m, uint64_t *free_r, uint64_t *total_r, struct err *e);
};

/* Each backend embeds these as its first member. */
struct medium {
	const struct medium_ops *ops;
	char *location;
};

struct medium_file {
	struct medium *medium;
	char *name;
};

#endif
