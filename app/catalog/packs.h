/* SPDX-License-Identifier: GPL-3.0-or-later */
/* packs.h - the packs and the parts in them, as the catalog knows them. */
#ifndef APP_CATALOG_PACKS_H
#define APP_CATALOG_PACKS_H

#include "app/catalog/catalog.h"
#include "base/arena.h"

enum pack_state { PACK_OPEN = 1, PACK_SEALED, PACK_VOID, PACK_REPLACED, PACK_REMOVED };

struct pack_row {
	uint64_t pack;
	unsigned medium;
	enum pack_state state;
	uint64_t length;
	uint64_t erased;
	uint64_t replaced_by; /* 0 none */
	bool staged;          /* its file is in staging, and not, or not all, on its medium */
	uint64_t shipped;     /* of a staged one: so many bytes the medium was given */
	int64_t waits_s;      /* since when there are more than these; 0 there are none */
	bool has_hash;
	struct hash hash; /* SHA-256 of the sealed file */
};

/* Give out the next number for a pack on MEDIUM, state open, length 0. Call it in a transaction of its own:
 * the number must be durable before the file exists. */
int packs_new(struct catalog *catalog, unsigned medium, bool staged, uint64_t *pack_r,
	      struct err *err);
int packs_add(struct catalog *catalog, const struct pack_row *row, struct err *err);
int packs_set(struct catalog *catalog, uint64_t pack, enum pack_state state, uint64_t length,
	      struct err *err);
/* Of a staged one: the medium was given so many bytes; all there are, if it has them all. */
int packs_set_shipped(struct catalog *catalog, uint64_t pack, uint64_t bytes, struct err *err);
/* The medium has all of it, read back and compared: nothing of it is in staging any more. Or it is there again. */
int packs_set_staged(struct catalog *catalog, uint64_t pack, bool staged, struct err *err);
/* It lies on another medium than was known. */
int packs_set_medium(struct catalog *catalog, uint64_t pack, unsigned medium, struct err *err);
int packs_set_hash(struct catalog *catalog, uint64_t pack, const struct hash *hash,
		   struct err *err);
/* Those that are staged, in order of their numbers. */
int packs_list_staged(struct catalog *catalog, struct arena *arena, struct pack_row **v_r,
		      size_t *n_r, struct err *err);
/* So many bytes more of it are for nothing, until erasing writes it anew. */
int packs_add_erased(struct catalog *catalog, uint64_t pack, uint64_t bytes, struct err *err);
int packs_replaced(struct catalog *catalog, uint64_t pack, uint64_t by, struct err *err);
int packs_get(struct catalog *catalog, uint64_t pack, struct pack_row *row_r, struct err *err);
/* The highest number ever given; 0 none was. */
int packs_highest(struct catalog *catalog, uint64_t *pack_r, struct err *err);
/* Those in STATE, or all with 0; in order of their numbers. */
int packs_list(struct catalog *catalog, struct arena *arena, enum pack_state state,
	       struct pack_row **v_r, size_t *n_r, struct err *err);

/* Parts kept once. */
struct part_row {
	uint64_t part;
	struct hash hash;
	uint64_t pack, offset, length; /* the record */
	uint64_t size;                 /* decoded bytes */
};

int parts_find(struct catalog *catalog, const struct hash *hash, struct part_row *row_r,
	       struct err *err);                                               /* 1, 0 none */
int parts_add(struct catalog *catalog, struct part_row *row, struct err *err); /* sets row->part */
int parts_move(struct catalog *catalog, uint64_t part, uint64_t pack, uint64_t offset,
	       uint64_t length, struct err *err);
int parts_use(struct catalog *catalog, uint64_t mail, uint64_t part, struct err *err);
typedef int parts_fn(void *arg, const struct part_row *row, struct err *err);
int parts_each(struct catalog *catalog, parts_fn *fn, void *arg, struct err *err);
/* Forget parts that no mail uses; their bytes count as erased in their packs. */
int parts_drop_unused(struct catalog *catalog, struct err *err);

#endif
