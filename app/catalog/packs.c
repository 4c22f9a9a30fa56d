/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/catalog/packs.h"

#include "base/clock.h"

int media_add(struct catalog *catalog, const char *type, const char *location, bool active,
	      unsigned *medium_r, struct err *err)
{
	struct db *db = catalog_db(catalog);

	if (db_run(db, err,
		   "INSERT INTO media (medium, type, location, active, added_s) VALUES "
		   "((SELECT coalesce(max(medium), 0) + 1 FROM media), ?1, ?2, ?3, ?4)",
		   BIND_TEXT(VIEW(type)), BIND_TEXT(VIEW(location)), BIND_INT(active),
		   BIND_INT(clock_s())) < 0)
		return -1;
	*medium_r = (unsigned)db_last_rowid(db);
	return 0;
}

int media_add_numbered(struct catalog *catalog, unsigned medium, const char *type,
		       const char *location, bool active, struct err *err)
{
	return db_run(catalog_db(catalog), err, "INSERT INTO media VALUES (?1, ?2, ?3, ?4, ?5)",
		      BIND_INT(medium), BIND_TEXT(VIEW(type)), BIND_TEXT(VIEW(location)),
		      BIND_INT(active), BIND_INT(clock_s()));
}

int media_active(struct catalog *catalog, unsigned *medium_r, struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_find(catalog_db(catalog), &q, err, "SELECT medium FROM media WHERE active = ?1",
			 BIND_INT(1));

	if (rc > 0)
		*medium_r = (unsigned)stmt_int(q, 0);
	return rc;
}

int media_list(struct catalog *catalog, struct arena *arena, struct medium_row **v_r, size_t *n_r,
	       struct err *err)
{
	struct {
		struct medium_row *v;
		size_t n, cap;
	} list = {0};
	CLEAN_STMT q = NULL;
	int rc;

	rc = db_find(catalog_db(catalog), &q, err,
		     "SELECT m.medium, m.type, m.location, m.active, m.added_s, count(p.pack), "
		     "coalesce(sum(p.length), 0) FROM media m LEFT JOIN packs p "
		     "ON p.medium = m.medium AND p.state IN (?1, ?2) GROUP BY m.medium",
		     BIND_INT(PACK_OPEN), BIND_INT(PACK_SEALED));
	for (; rc > 0; rc = stmt_step(q, err)) {
		struct medium_row row = {
			.medium = (unsigned)stmt_int(q, 0),
			.type = arena_str(arena, stmt_text(q, 1).data),
			.location = arena_str(arena, stmt_text(q, 2).data),
			.active = stmt_int(q, 3) != 0,
			.added_s = stmt_int(q, 4),
			.packs = (uint64_t)stmt_int(q, 5),
			.pack_bytes = (uint64_t)stmt_int(q, 6),
		};

		ARENA_PUSH(arena, list, row);
	}
	*v_r = list.v;
	*n_r = list.n;
	return rc;
}

int packs_new(struct catalog *catalog, unsigned medium, uint64_t *pack_r, struct err *err)
{
	struct db *db = catalog_db(catalog);

	if (db_run(db, err, "INSERT INTO packs (medium, state, length) VALUES (?1, ?2, 0)",
		   BIND_INT(medium), BIND_INT(PACK_OPEN)) < 0)
		return -1;
	*pack_r = (uint64_t)db_last_rowid(db);
	return 0;
}

int packs_add(struct catalog *catalog, const struct pack_row *row, struct err *err)
{
	return db_run(catalog_db(catalog), err, "INSERT INTO packs VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
		      BIND_INT(row->pack), BIND_INT(row->medium), BIND_INT(row->state),
		      BIND_INT(row->length), BIND_INT(row->erased),
		      row->replaced_by ? BIND_INT(row->replaced_by) : BIND_NULL);
}

int packs_set(struct catalog *catalog, uint64_t pack, enum pack_state state, uint64_t length,
	      struct err *err)
{
	return db_run(catalog_db(catalog), err,
		      "UPDATE packs SET state = ?2, length = ?3 WHERE pack = ?1", BIND_INT(pack),
		      BIND_INT(state), BIND_INT(length));
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

static struct pack_row pack_of(struct stmt *q)
{
	return (struct pack_row){
		.pack = (uint64_t)stmt_int(q, 0),
		.medium = (unsigned)stmt_int(q, 1),
		.state = (enum pack_state)stmt_int(q, 2),
		.length = (uint64_t)stmt_int(q, 3),
		.erased = (uint64_t)stmt_int(q, 4),
		.replaced_by = (uint64_t)stmt_int(q, 5),
	};
}

int packs_get(struct catalog *catalog, uint64_t pack, struct pack_row *row_r, struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_find(catalog_db(catalog), &q, err,
			 "SELECT pack, medium, state, length, erased, replaced_by FROM packs "
			 "WHERE pack = ?1",
			 BIND_INT(pack));

	if (rc > 0)
		*row_r = pack_of(q);
	return rc;
}

int packs_list(struct catalog *catalog, struct arena *arena, enum pack_state state,
	       struct pack_row **v_r, size_t *n_r, struct err *err)
{
	struct {
		struct pack_row *v;
		size_t n, cap;
	} list = {0};
	CLEAN_STMT q = NULL;
	int rc = db_find(catalog_db(catalog), &q, err,
			 "SELECT pack, medium, state, length, erased, replaced_by FROM packs "
			 "WHERE ?1 = 0 OR state = ?1 ORDER BY pack",
			 BIND_INT(state));

	for (; rc > 0; rc = stmt_step(q, err))
		ARENA_PUSH(arena, list, pack_of(q));
	*v_r = list.v;
	*n_r = list.n;
	return rc;
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
