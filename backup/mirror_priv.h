/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mirror_priv.h - what the files of the mirror share: one run of it (mirror.c), carrying one file (mirror_carry.c), what
 * has to go (mirror_tidy.c), where it is (mirror_place.c). */
#ifndef BACKUP_MIRROR_PRIV_H
#define BACKUP_MIRROR_PRIV_H

#include "app/catalog/mirror.h"
#include "backup/mirror.h"

/* --- mirror_place.c --------------------------------------------------------------------------- */

/* The mirror's place, with its password. */
struct mirror_place {
	struct arena *arena;
	struct secret *password;
	struct site site;
};
/* ERR_NOTFOUND: none is set. */
int mirror_place_load(struct archive *a, struct mirror_place *place_r, struct err *err);
void mirror_place_clear(struct mirror_place *place);

/* The folder of medium NUMBER there, checked to have its label; CREATE: made, with the label. */
int mirror_open(struct archive *a, const struct mirror_place *place, unsigned number, bool create,
		struct medium **medium_r, struct err *err);

/* --- one run ---------------------------------------------------------------------------------- */

/* A file that was found in the mirror. */
struct mirror_found {
	char *name;
	uint64_t size;
	bool gone;    /* removed in this run */
	bool unknown; /* a pack that the catalog does not know; was told */
};

/* A medium, and its folder in the mirror. */
struct mirrored {
	unsigned number;
	enum medium_state state;
	struct medium *from; /* stays the archive's; NULL: not to be had */
	struct medium *to;   /* NULL: of a redirected one, which the mirror never had */
	bool away;           /* only what is in staging can be read now */
	struct {
		struct mirror_found *v; /* as the run began; in order of their names */
		size_t n, cap;
	} found;
	struct {
		char **v; /* complete ones that were lost in the mirror */
		size_t n, cap;
	} lost;
};

struct mirroring {
	struct archive *a;
	struct catalog *catalog;
	const struct mirror_options *options;
	struct mirror_report *report;
	struct mirror_place place;
	struct copy_pace pace;
	struct arena *arena;
	struct pack_row *packs;
	size_t n_packs;
	struct mirrored *media; /* all but removed ones */
	size_t n_media;
};

/* The number of the medium that pack ROW lies on. */
int mirror_pack_lies_on(struct mirroring *mi, const struct pack_row *row, unsigned *number_r,
			struct err *err);

/* --- mirror_carry.c --------------------------------------------------------------------------- */

/* Each takes a file from M's medium to its folder in the mirror and notes that it arrived. 0 also when the medium does not
 * give it, or the mirror's disk does not keep it: then it is counted and named. -1: the mirror itself, the catalog, or a
 * stop. */
int mirror_sealed(struct mirroring *mi, struct mirrored *m, const struct pack_row *row,
		  struct err *err);
int mirror_open_pack(struct mirroring *mi, struct mirrored *m, const struct pack_row *row,
		     struct err *err);
/* A file of another folder: it is whole, and never changes, once it has its name. */
int mirror_other(struct mirroring *mi, struct mirrored *m, const char *name, struct err *err);

/* Read a complete file of the mirror again; make it anew if it is damaged. */
int mirror_check(struct mirroring *mi, struct mirrored *m, const struct mirror_file *file,
		 struct err *err);

/* --- mirror_tidy.c ---------------------------------------------------------------------------- */

bool mirror_is_part(const char *name);

/* See what M's folder in the mirror holds, and forget what was known of files that are not there any more. */
int mirror_look(struct mirroring *mi, struct mirrored *m, struct err *err);
/* (MI2), of packs. */
int mirror_drop_packs(struct mirroring *mi, struct mirrored *m, struct err *err);
/* (MI2), of other files: NAMES are those that M's medium has. */
int mirror_drop_others(struct mirroring *mi, struct mirrored *m, char *const *names, size_t n,
		       struct err *err);

#endif
