/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mirror.h - what is known of the files in the mirror (backup/mirror.h). Its place is in app/catalog/media.h. */
#ifndef APP_CATALOG_MIRROR_H
#define APP_CATALOG_MIRROR_H

#include "app/catalog/catalog.h"
#include "base/arena.h"

struct mirror_file {
	unsigned medium; /* the one that it belongs to */
	const char *name;
	uint64_t size;
	bool has_hash; /* it is complete, and was read back */
	struct hash hash;
	int64_t arrived_s, checked_s;
};

int mirror_file_get(struct catalog *catalog, unsigned medium, const char *name,
		    struct mirror_file *file_r, struct err *err); /* 1, 0; NAME is the caller's */
/* It has arrived, or was checked, just now. */
int mirror_file_arrived(struct catalog *catalog, const struct mirror_file *file, struct err *err);
int mirror_file_checked(struct catalog *catalog, const struct mirror_file *file, struct err *err);
int mirror_file_remove(struct catalog *catalog, unsigned medium, const char *name, struct err *err);
/* All of them, those first that were checked longest ago; V and names in the arena. */
int mirror_files_list(struct catalog *catalog, struct arena *arena, struct mirror_file **v_r,
		      size_t *n_r, struct err *err);

#endif
