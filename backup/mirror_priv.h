/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mirror_priv.h - what the files of the mirror share. */
#ifndef BACKUP_MIRROR_PRIV_H
#define BACKUP_MIRROR_PRIV_H

#include "backup/mirror.h"

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

/* The hash of a sealed pack: the catalog's, else of the file on M once every record of it has opened (MI4), and then
 * the catalog has it, too. ERR_DAMAGED. */
int mirror_pack_hash(struct archive *a, struct medium *m, const struct pack_row *row,
		     struct copy_pace *pace, struct hash *hash_r, struct err *err);

#endif
