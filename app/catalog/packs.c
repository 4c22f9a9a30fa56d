/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/catalog/packs.h"

#include "base/clock.h"

int packs_new(struct catalog *catalog, unsigned medium, bool staged, uint64_t *pack_r,
	      struct err *err)
{
	struct db *db = catalog_db(catalog);

	if (db_run(db, err,
		   "INSERT INTO packs (medium, state, length, staged) VALUES (?1, ?2, 0, ?3)",
		   BIND_INT(medium), BIND_INT(PACK_OPEN), BIND_INT(staged)) < 0)
		return -1;
	*pack_r = (uint64_t)db_last_rowid(db);
	return 0;
}

int packs_add(struct catalog *catalog, const struct pack_row *row, struct err *err)
{
	return db_run(
		catalog_db(catalog), err,
		"INSERT INTO packs (pack, medium, state, length, erased, replaced_by, staged, "
		"shipped, waits_s, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
		BIND_INT(row->pack), BIND_INT(row->medium), BIND_INT(row->state),
		BIND_INT(row->length), BIND_INT(row->erased),
		row->replaced_by ? BIND_INT(row->replaced_by) : BIND_NULL, BIND_INT(row->staged),
		BIND_INT(row->shipped), BIND_INT(row->waits_s),
		row->has_hash ? BIND_HASH(&row->hash) : BIND_NULL);
}

/* What is longer than what was shipped waits, from now on if nothing did. */
int packs_set(struct catalog *catalog, uint64_t pack, enum pack_state state, uint64_t length,
	      struct err *err)
{
	return db_run(catalog_db(catalog), err,
		      "UPDATE packs SET state = ?2, length = ?3, waits_s = CASE "
		      "WHEN staged = 0 OR ?3 <= shipped OR ?2 NOT IN (?4, ?5) THEN 0 "
		      "WHEN waits_s > 0 THEN waits_s ELSE ?6 END WHERE pack = ?1",
		      BIND_INT(pack), BIND_INT(state), BIND_INT(length), BIND_INT(PACK_OPEN),
		      BIND_INT(PACK_SEALED), BIND_INT(clock_s()));
}

int packs_set_shipped(struct catalog *catalog, uint64_t pack, uint64_t bytes, struct err *err)
{
	return db_run(catalog_db(catalog), err,
		      "UPDATE packs SET shipped = ?2, waits_s = CASE WHEN length <= ?2 THEN 0 "
		      "WHEN shipped = ?2 AND waits_s > 0 THEN waits_s ELSE ?3 END WHERE pack = ?1",
		      BIND_INT(pack), BIND_INT(bytes), BIND_INT(clock_s()));
}

int packs_set_staged(struct catalog *catalog, uint64_t pack, bool staged, struct err *err)
{
	return db_run(catalog_db(catalog), err,
		      "UPDATE packs SET staged = ?2, shipped = 0, waits_s = CASE ?2 WHEN 0 THEN 0 "
		      "ELSE ?3 END WHERE pack = ?1",
		      BIND_INT(pack), BIND_INT(staged), BIND_INT(clock_s()));
}

int packs_set_medium(struct catalog *catalog, uint64_t pack, unsigned medium, struct err *err)
{
	return db_run(catalog_db(catalog), err, "UPDATE packs SET medium = ?2 WHERE pack = ?1",
		      BIND_INT(pack), BIND_INT(medium));
}

int packs_set_hash(struct catalog *catalog, uint64_t pack, const struct hash *hash, struct err *err)
{
	return db_run(catalog_db(catalog), err, "UPDATE packs SET hash = ?2 WHERE pack = ?1",
		      BIND_INT(pack), BIND_HASH(hash));
}

int packs_add_erased(struct catalog *catalog, uint64_t pack, uint64_t bytes, struct err *err)
{
	return db_run(catalog_db(catalog), err,
		      "UPDATE packs SET erased = erased + ?2 WHERE pack = ?1", BIND_INT(pack),
		      BIND_INT(bytes));
}

int packs_replaced(struct catalog *catalog, uint64_t pack, uint64_t by, struct err *err)
{
	return db_run(catalog_db(catalog), err,
		      "UPDATE packs SET state = ?2, replaced_by = ?3 WHERE pack = ?1",
		      BIND_INT(pack), BIND_INT(PACK_REPLACED), by ? BIND_INT(by) : BIND_NULL);
}

#define PACK_COLUMNS                                                                               \
	"pack, medium, state, length, erased, replaced_by, staged, shipped, waits_s, hash"

static struct pack_row pack_of(struct stmt *q)
{
	struct pack_row row = {
		.pack = (uint64_t)stmt_int(q, 0),
		.medium = (unsigned)stmt_int(q, 1),
		.state = (enum pack_state)stmt_int(q, 2),
		.length = (uint64_t)stmt_int(q, 3),
		.erased = (uint64_t)stmt_int(q, 4),
		.replaced_by = (uint64_t)stmt_int(q, 5),
		.staged = stmt_int(q, 6) != 0,
		.shipped = (uint64_t)stmt_int(q, 7),
		.waits_s = stmt_int(q, 8),
	};
	struct view hash = stmt_blob(q, 9);

	row.has_hash = hash.len == HASH_BYTES;
	if (row.has_hash)
		memcpy(row.hash.b, hash.data, HASH_BYTES);
	return row;
}

int packs_get(struct catalog *catalog, uint64_t pack, struct pack_row *row_r, struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_find(catalog_db(catalog), &q, err,
			 "SELECT " PACK_COLUMNS " FROM packs WHERE pack = ?1", BIND_INT(pack));

	if (rc > 0)
		*row_r = pack_of(q);
	return rc;
}

/* The rows of Q, which stands at the first if RC is 1. */
static int list_rows(struct stmt *q, int rc, struct arena *arena, struct pack_row **v_r,
		     size_t *n_r, struct err *err)
{
	struct {
		struct pack_row *v;
		size_t n, cap;
	} list = {0};

	for (; rc > 0; rc = stmt_step(q, err))
		ARENA_PUSH(arena, list, pack_of(q));
	*v_r = list.v;
	*n_r = list.n;
	return rc;
}

int packs_highest(struct catalog *catalog, uint64_t *pack_r, struct err *err)
{
	CLEAN_STMT q = NULL;

	if (db_query(catalog_db(catalog), "SELECT coalesce(max(pack), 0) FROM packs", &q, err) <
		    0 ||
	    stmt_step(q, err) < 0)
		return -1;
	*pack_r = (uint64_t)stmt_int(q, 0);
	return 0;
}

int packs_list(struct catalog *catalog, struct arena *arena, enum pack_state state,
	       struct pack_row **v_r, size_t *n_r, struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_find(catalog_db(catalog), &q, err,
			 "SELECT " PACK_COLUMNS
			 " FROM packs WHERE ?1 = 0 OR state = ?1 ORDER BY pack",
			 BIND_INT(state));

	return list_rows(q, rc, arena, v_r, n_r, err);
}

int packs_list_staged(struct catalog *catalog, struct arena *arena, struct pack_row **v_r,
		      size_t *n_r, struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_query(catalog_db(catalog),
			  "SELECT " PACK_COLUMNS " FROM packs WHERE staged = 1 ORDER BY pack", &q,
			  err);

	if (rc == 0)
		rc = stmt_step(q, err);
	return list_rows(q, rc, arena, v_r, n_r, err);
}

int parts_find(struct catalog *catalog, const struct hash *hash, struct part_row *row_r,
	       struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_find(catalog_db(catalog), &q, err,
			 "SELECT part, pack, offset, length, size FROM parts "
			 "WHERE substr(hash, 1, 8) = ?1 AND hash = ?2",
			 BIND_BLOB(hash->b, 8), BIND_HASH(hash));

	if (rc > 0)
		*row_r = (struct part_row){
			.part = (uint64_t)stmt_int(q, 0),
			.hash = *hash,
			.pack = (uint64_t)stmt_int(q, 1),
			.offset = (uint64_t)stmt_int(q, 2),
			.length = (uint64_t)stmt_int(q, 3),
			.size = (uint64_t)stmt_int(q, 4),
		};
	return rc;
}

int parts_add(struct catalog *catalog, struct part_row *row, struct err *err)
{
	struct db *db = catalog_db(catalog);

	if (db_run(db, err,
		   "INSERT INTO parts (hash, pack, offset, length, size) "
		   "VALUES (?1, ?2, ?3, ?4, ?5)",
		   BIND_HASH(&row->hash), BIND_INT(row->pack), BIND_INT(row->offset),
		   BIND_INT(row->length), BIND_INT(row->size)) < 0)
		return -1;
	row->part = (uint64_t)db_last_rowid(db);
	return 0;
}

int parts_move(struct catalog *catalog, uint64_t part, uint64_t pack, uint64_t offset,
	       uint64_t length, struct err *err)
{
	return db_run(catalog_db(catalog), err,
		      "UPDATE parts SET pack = ?2, offset = ?3, length = ?4 WHERE part = ?1",
		      BIND_INT(part), BIND_INT(pack), BIND_INT(offset), BIND_INT(length));
}

int parts_use(struct catalog *catalog, uint64_t mail, uint64_t part, struct err *err)
{
	return db_run(catalog_db(catalog), err, "INSERT OR IGNORE INTO mail_parts VALUES (?1, ?2)",
		      BIND_INT(mail), BIND_INT(part));
}

int parts_each(struct catalog *catalog, parts_fn *fn, void *arg, struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc;

	if (db_query(catalog_db(catalog), "SELECT part, pack, offset, length, size FROM parts", &q,
		     err) < 0)
		return -1;
	while ((rc = stmt_step(q, err)) > 0) {
		struct part_row row = {
			.part = (uint64_t)stmt_int(q, 0),
			.pack = (uint64_t)stmt_int(q, 1),
			.offset = (uint64_t)stmt_int(q, 2),
			.length = (uint64_t)stmt_int(q, 3),
			.size = (uint64_t)stmt_int(q, 4),
		};

		if (fn(arg, &row, err) < 0)
			return -1;
	}
	return rc;
}

int parts_drop_unused(struct catalog *catalog, struct err *err)
{
	struct db *db = catalog_db(catalog);

	if (db_exec(db,
		    "UPDATE packs SET erased = erased + (SELECT sum(length) FROM parts p "
		    "WHERE p.pack = packs.pack AND NOT EXISTS "
		    "(SELECT 1 FROM mail_parts u WHERE u.part = p.part)) "
		    "WHERE pack IN (SELECT pack FROM parts p WHERE NOT EXISTS "
		    "(SELECT 1 FROM mail_parts u WHERE u.part = p.part))",
		    err) < 0)
		return -1;
	return db_exec(db,
		       "DELETE FROM parts WHERE NOT EXISTS "
		       "(SELECT 1 FROM mail_parts u WHERE u.part = parts.part)",
		       err);
}
