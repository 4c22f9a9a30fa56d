/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/catalog/stamps.h"

static void blob_to(struct view blob, void *out, size_t len)
{
	memset(out, 0, len);
	memcpy(out, blob.data, blob.len < len ? blob.len : len);
}

/* ---- what waits ---- */

int to_stamp_add(struct catalog *catalog, uint64_t mail, const struct uuid *sighting,
		 const struct hash *digest, struct err *err)
{
	return db_run(catalog_db(catalog), err,
		      "INSERT INTO to_stamp (mail, sighting, digest) VALUES (?1, ?2, ?3)",
		      BIND_INT(mail), sighting ? BIND_UUID(sighting) : BIND_NULL,
		      digest ? BIND_HASH(digest) : BIND_NULL);
}

static int oldest(struct catalog *catalog, int64_t *oldest_ms_r, struct err *err)
{
	CLEAN_STMT q = NULL;
	struct uuid id;
	int rc;

	if (db_query(catalog_db(catalog),
		     "SELECT coalesce(t.sighting, m.id) FROM to_stamp t JOIN mails m USING (mail) "
		     "ORDER BY t.item LIMIT 1",
		     &q, err) < 0)
		return -1;
	rc = stmt_step(q, err);
	if (rc <= 0)
		return rc;
	blob_to(stmt_blob(q, 0), id.b, UUID_BYTES);
	*oldest_ms_r = uuid_ms(&id);
	return 0;
}

int to_stamp_totals(struct catalog *catalog, struct to_stamp_totals *totals_r, struct err *err)
{
	CLEAN_STMT q = NULL;

	*totals_r = (struct to_stamp_totals){0};
	if (db_query(catalog_db(catalog),
		     "SELECT count(*), count(sighting) FROM to_stamp WHERE mail IN "
		     "(SELECT mail FROM mails)",
		     &q, err) < 0 ||
	    stmt_step(q, err) < 0)
		return -1;
	totals_r->sightings = (uint64_t)stmt_int(q, 1);
	totals_r->mails = (uint64_t)stmt_int(q, 0) - totals_r->sightings;
	return oldest(catalog, &totals_r->oldest_ms, err);
}

static struct to_stamp waiting_of(struct stmt *q)
{
	struct to_stamp row = {.item = (uint64_t)stmt_int(q, 0),
			       .mail = (uint64_t)stmt_int(q, 1),
			       .is_sighting = !stmt_is_null(q, 4),
			       .has_digest = !stmt_is_null(q, 5)};

	blob_to(stmt_blob(q, 2), row.id.b, UUID_BYTES);
	blob_to(stmt_blob(q, 3), row.exact.b, HASH_BYTES);
	if (row.is_sighting)
		blob_to(stmt_blob(q, 4), row.sighting.b, UUID_BYTES);
	if (row.has_digest)
		blob_to(stmt_blob(q, 5), row.digest.b, HASH_BYTES);
	return row;
}

/* A mail's rows may lie apart in the queue: they are found again by the mail's number, and in the order of numbers is the
 * order of archiving. */
int to_stamp_each(struct catalog *catalog, uint64_t after, uint64_t max_mails, to_stamp_fn *fn,
		  void *arg, struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc;

	if (db_query(catalog_db(catalog),
		     "SELECT t.item, t.mail, m.id, m.exact, t.sighting, t.digest "
		     "FROM (SELECT DISTINCT mail FROM to_stamp WHERE mail > ?2 ORDER BY mail LIMIT "
		     "?1) w "
		     "JOIN to_stamp t USING (mail) JOIN mails m USING (mail) "
		     "ORDER BY t.mail, t.sighting IS NOT NULL, t.item",
		     &q, err) < 0)
		return -1;
	stmt_bind_int(q, 1, (int64_t)max_mails);
	stmt_bind_int(q, 2, (int64_t)after);
	while ((rc = stmt_step(q, err)) > 0) {
		struct to_stamp row = waiting_of(q);

		if (fn(arg, &row, err) < 0)
			return -1;
	}
	return rc;
}

int to_stamp_since(struct catalog *catalog, uint64_t mail, int64_t *since_ms_r, struct err *err)
{
	CLEAN_STMT q = NULL;
	struct uuid id;
	int rc = db_find(
		catalog_db(catalog), &q, err,
		"SELECT coalesce(t.sighting, m.id) FROM to_stamp t JOIN mails m USING (mail) "
		"WHERE t.mail = ?1 ORDER BY t.item LIMIT 1",
		BIND_INT(mail));

	if (rc > 0) {
		blob_to(stmt_blob(q, 0), id.b, UUID_BYTES);
		*since_ms_r = uuid_ms(&id);
	}
	return rc;
}

int to_stamp_done(struct catalog *catalog, uint64_t mail, const struct uuid *sighting,
		  uint64_t stamp, struct err *err)
{
	struct db *db = catalog_db(catalog);

	if (sighting == NULL)
		return db_run(db, err, "DELETE FROM to_stamp WHERE mail = ?1 AND sighting IS NULL",
			      BIND_INT(mail));
	if (db_run(db, err, "DELETE FROM to_stamp WHERE mail = ?1 AND sighting = ?2",
		   BIND_INT(mail), BIND_UUID(sighting)) < 0)
		return -1;
	return db_run(db, err, "UPDATE sightings SET stamp = ?2 WHERE id = ?1", BIND_UUID(sighting),
		      BIND_INT(stamp));
}

/* ---- stamps ---- */

static int certificate_id(struct catalog *catalog, struct view der, uint64_t *id_r, struct err *err)
{
	CLEAN_STMT q = NULL;
	struct db *db = catalog_db(catalog);
	int rc;

	if (db_run(db, err, "INSERT OR IGNORE INTO stamp_certificates (der) VALUES (?1)",
		   BIND_BLOB(der.data, der.len)) < 0)
		return -1;
	rc = db_find(db, &q, err, "SELECT certificate FROM stamp_certificates WHERE der = ?1",
		     BIND_BLOB(der.data, der.len));
	if (rc > 0)
		*id_r = (uint64_t)stmt_int(q, 0);
	return rc > 0 ? 0 : -1;
}

int stamps_add(struct catalog *catalog, const struct stamp_row *row, struct err *err)
{
	uint64_t ca;

	if (certificate_id(catalog, row->ca, &ca, err) < 0)
		return -1;
	return db_run(catalog_db(catalog), err,
		      "INSERT INTO stamps (stamp, digest, statement, token, ca, time_ms, ends_s, "
		      "mails, leaves, tokens) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
		      BIND_INT(row->stamp), BIND_INT(row->digest),
		      BIND_BLOB(row->statement.data, row->statement.len),
		      BIND_BLOB(row->token.data, row->token.len), BIND_INT(ca),
		      BIND_INT(row->time_ms), BIND_INT(row->ends_s), BIND_INT(row->mails),
		      BIND_INT(row->leaves), BIND_INT(row->tokens));
}

#define STAMP_COLUMNS                                                                              \
	"s.stamp, s.digest, s.statement, s.token, c.der, s.time_ms, s.ends_s, s.mails, s.leaves, " \
	"s.tokens, s.covered_by, s.covered_at, s.retired FROM stamps s JOIN stamp_certificates c " \
	"ON c.certificate = s.ca "

/* Its views are valid until the next step. */
static int stamp_of(struct stmt *q, struct stamp_row *row_r, struct err *err)
{
	*row_r = (struct stamp_row){.stamp = (uint64_t)stmt_int(q, 0),
				    .digest = (enum digest_alg)stmt_int(q, 1),
				    .statement = stmt_blob(q, 2),
				    .token = stmt_blob(q, 3),
				    .ca = stmt_blob(q, 4),
				    .time_ms = stmt_int(q, 5),
				    .ends_s = stmt_int(q, 6),
				    .mails = (uint64_t)stmt_int(q, 7),
				    .leaves = (uint64_t)stmt_int(q, 8),
				    .tokens = (uint64_t)stmt_int(q, 9),
				    .covered_by = (uint64_t)stmt_int(q, 10),
				    .covered_at = (uint64_t)stmt_int(q, 11),
				    .retired = stmt_int(q, 12) != 0};
	if (!digest_known(row_r->digest) || row_r->leaves == 0 || row_r->tokens > row_r->leaves)
		return err_set(err, ERR_DAMAGED,
			       "timestamp %llu: its row in the catalog is not sound",
			       (unsigned long long)row_r->stamp);
	return 0;
}

int stamps_get(struct catalog *catalog, struct arena *arena, uint64_t stamp,
	       struct stamp_row *row_r, struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_find(catalog_db(catalog), &q, err, "SELECT " STAMP_COLUMNS "WHERE s.stamp = ?1",
			 BIND_INT(stamp));

	if (rc <= 0)
		return rc;
	if (stamp_of(q, row_r, err) < 0)
		return -1;
	row_r->statement = arena_view(arena, row_r->statement);
	row_r->token = arena_view(arena, row_r->token);
	row_r->ca = arena_view(arena, row_r->ca);
	return 1;
}

int stamps_last(struct catalog *catalog, uint64_t *stamp_r, struct err *err)
{
	CLEAN_STMT q = NULL;

	if (db_query(catalog_db(catalog), "SELECT coalesce(max(stamp), 0) FROM stamps", &q, err) <
		    0 ||
	    stmt_step(q, err) < 0)
		return -1;
	*stamp_r = (uint64_t)stmt_int(q, 0);
	return 0;
}

int stamps_each(struct catalog *catalog, stamps_fn *fn, void *arg, struct err *err)
{
	CLEAN_STMT q = NULL;
	struct stamp_row row;
	int rc;

	if (db_query(catalog_db(catalog), "SELECT " STAMP_COLUMNS "ORDER BY s.stamp", &q, err) < 0)
		return -1;
	while ((rc = stmt_step(q, err)) > 0)
		if (stamp_of(q, &row, err) < 0 || fn(arg, &row, err) < 0)
			return -1;
	return rc;
}

int stamps_set_covered(struct catalog *catalog, uint64_t stamp, uint64_t by, uint64_t at,
		       struct err *err)
{
	return db_run(catalog_db(catalog), err,
		      "UPDATE stamps SET covered_by = ?2, covered_at = ?3 WHERE stamp = ?1",
		      BIND_INT(stamp), BIND_INT(by), BIND_INT(at));
}

/* One that renews others' tokens is needed as long as one of them is: so it is asked again until nothing changes. */
int stamps_retire(struct catalog *catalog, struct err *err)
{
	struct db *db = catalog_db(catalog);

	do {
		if (db_exec(db,
			    "UPDATE stamps SET retired = 1 WHERE retired = 0 AND EXISTS "
			    "(SELECT 1 FROM stamps n WHERE n.stamp > stamps.stamp "
			    "AND n.digest <> stamps.digest) AND NOT EXISTS "
			    "(SELECT 1 FROM stamps c WHERE c.covered_by = stamps.stamp "
			    "AND c.retired = 0) AND stamp NOT IN "
			    "(SELECT l.stamp FROM stamp_leaves l JOIN mails m USING (mail) "
			    "JOIN stamps o ON o.stamp = l.stamp WHERE NOT EXISTS "
			    "(SELECT 1 FROM stamp_leaves n JOIN stamps s ON s.stamp = n.stamp "
			    "WHERE n.mail = l.mail AND n.origin = l.origin AND n.stamp > l.stamp "
			    "AND s.digest <> o.digest))",
			    err) < 0)
			return -1;
	} while (db_changes(db) > 0);
	return 0;
}

static struct stamp_leaf leaf_of(struct stmt *q)
{
	return (struct stamp_leaf){stmt_int(q, 0), (uint64_t)stmt_int(q, 1),
				   (uint64_t)stmt_int(q, 2), (uint64_t)stmt_int(q, 3)};
}

#define RETIRED_LEAVES                                                                             \
	"FROM stamp_leaves l JOIN mails m USING (mail) WHERE l.stamp = l.origin AND NOT EXISTS "   \
	"(SELECT 1 FROM stamp_leaves n JOIN stamps s USING (stamp) WHERE n.mail = l.mail "         \
	"AND n.origin = l.origin AND s.digest = ?1) "

/* 1: there are stamps of another algorithm than ALG that count; 0, and nothing needs to be looked for. */
static int has_others(struct catalog *catalog, enum digest_alg alg, struct err *err)
{
	CLEAN_STMT q = NULL;

	return db_find(catalog_db(catalog), &q, err,
		       "SELECT 1 FROM stamps WHERE digest <> ?1 AND retired = 0 LIMIT 1",
		       BIND_INT(alg));
}

int stamps_count_retired(struct catalog *catalog, enum digest_alg alg, uint64_t *n_r,
			 struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = has_others(catalog, alg, err);

	*n_r = 0;
	if (rc > 0)
		rc = db_find(catalog_db(catalog), &q, err, "SELECT count(*) " RETIRED_LEAVES,
			     BIND_INT(alg));
	if (rc > 0)
		*n_r = (uint64_t)stmt_int(q, 0);
	return rc < 0 ? -1 : 0;
}

int stamps_list_retired(struct catalog *catalog, struct arena *arena, enum digest_alg alg,
			const struct stamp_leaf *after, size_t max, struct stamp_leaf **v_r,
			size_t *n_r, struct err *err)
{
	struct {
		struct stamp_leaf *v;
		size_t n, cap;
	} list = {0};
	CLEAN_STMT q = NULL;
	int rc = has_others(catalog, alg, err);

	if (rc > 0)
		rc = db_find(catalog_db(catalog), &q, err,
			     "SELECT l.mail, l.stamp, l.at, l.origin " RETIRED_LEAVES
			     "AND (l.mail, l.origin) > (?3, ?4) ORDER BY l.mail, l.origin LIMIT ?2",
			     BIND_INT(alg), BIND_INT(max), BIND_INT(after->mail),
			     BIND_INT(after->origin));
	for (; rc > 0 && q != NULL; rc = stmt_step(q, err)) {
		struct stamp_leaf leaf = leaf_of(q);

		ARENA_PUSH(arena, list, leaf);
	}
	*v_r = list.v;
	*n_r = list.n;
	return rc < 0 ? -1 : 0;
}

int stamps_to_renew(struct catalog *catalog, struct arena *arena, int64_t end_s, uint64_t **v_r,
		    size_t *n_r, struct err *err)
{
	struct {
		uint64_t *v;
		size_t n, cap;
	} list = {0};
	CLEAN_STMT q = NULL;
	int rc;

	if (db_query(catalog_db(catalog),
		     "SELECT stamp FROM stamps WHERE covered_by IS NULL AND retired = 0 "
		     "AND ends_s < ?1 ORDER BY stamp",
		     &q, err) < 0)
		return -1;
	stmt_bind_int(q, 1, end_s);
	while ((rc = stmt_step(q, err)) > 0)
		ARENA_PUSH(arena, list, (uint64_t)stmt_int(q, 0));
	*v_r = list.v;
	*n_r = list.n;
	return rc;
}

int stamps_first_end(struct catalog *catalog, int64_t *ends_s_r, struct err *err)
{
	CLEAN_STMT q = NULL;

	if (db_query(catalog_db(catalog),
		     "SELECT min(ends_s) FROM stamps WHERE covered_by IS NULL AND retired = 0", &q,
		     err) < 0 ||
	    stmt_step(q, err) < 0)
		return -1;
	*ends_s_r = stmt_int(q, 0);
	return !stmt_is_null(q, 0);
}

/* ---- trees and leaves ---- */

int stamp_nodes_put(struct catalog *catalog, uint64_t stamp, unsigned level, uint64_t chunk,
		    struct view nodes, struct err *err)
{
	return db_run(catalog_db(catalog), err,
		      "INSERT OR REPLACE INTO stamp_nodes VALUES (?1, ?2, ?3, ?4)", BIND_INT(stamp),
		      BIND_INT(level), BIND_INT(chunk), BIND_BLOB(nodes.data, nodes.len));
}

int stamp_nodes_fetch(void *arg, unsigned level, uint64_t chunk, struct view *nodes_r,
		      struct err *err)
{
	struct stamp_nodes *nodes = arg;
	CLEAN_STMT q = NULL;
	int rc = db_find(catalog_db(nodes->catalog), &q, err,
			 "SELECT nodes FROM stamp_nodes WHERE stamp = ?1 AND level = ?2 "
			 "AND chunk = ?3",
			 BIND_INT(nodes->stamp), BIND_INT(level), BIND_INT(chunk));

	if (rc == 0)
		return err_set(err, ERR_DAMAGED,
			       "timestamp %llu: chunk %llu of level %u of its hash tree is missing",
			       (unsigned long long)nodes->stamp, (unsigned long long)chunk, level);
	if (rc < 0)
		return -1;
	str_reset(&nodes->buf);
	str_addv(&nodes->buf, stmt_blob(q, 0));
	*nodes_r = str_view(&nodes->buf);
	return 0;
}

int stamp_leaves_add(struct catalog *catalog, const struct stamp_leaf *leaf, struct err *err)
{
	return db_run(catalog_db(catalog), err,
		      "INSERT OR REPLACE INTO stamp_leaves VALUES (?1, ?2, ?3, ?4)",
		      BIND_INT(leaf->mail), BIND_INT(leaf->stamp), BIND_INT(leaf->at),
		      BIND_INT(leaf->origin));
}

static int each_leaf(struct stmt *q, stamp_leaves_fn *fn, void *arg, struct err *err)
{
	int rc;

	while ((rc = stmt_step(q, err)) > 0) {
		struct stamp_leaf leaf = leaf_of(q);

		if (fn(arg, &leaf, err) < 0)
			return -1;
	}
	return rc;
}

int stamp_leaves_each(struct catalog *catalog, int64_t mail, stamp_leaves_fn *fn, void *arg,
		      struct err *err)
{
	CLEAN_STMT q = NULL;

	if (db_query(catalog_db(catalog),
		     "SELECT mail, stamp, at, origin FROM stamp_leaves WHERE mail = ?1 "
		     "ORDER BY origin, stamp",
		     &q, err) < 0)
		return -1;
	stmt_bind_int(q, 1, mail);
	return each_leaf(q, fn, arg, err);
}

/* In one go through the leaves, which lie in the order of mails. */
int stamp_leaves_first(struct catalog *catalog, struct arena *arena, uint64_t **mails_r,
		       uint64_t *n_r, struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc;

	if (stamps_last(catalog, n_r, err) < 0)
		return -1;
	*mails_r = arena_get(arena, (*n_r + 1) * sizeof(**mails_r));
	memset(*mails_r, 0, (*n_r + 1) * sizeof(**mails_r));
	if (db_query(catalog_db(catalog),
		     "SELECT first, count(*) FROM (SELECT min(origin) AS first FROM stamp_leaves "
		     "GROUP BY mail) GROUP BY first",
		     &q, err) < 0)
		return -1;
	while ((rc = stmt_step(q, err)) > 0)
		if ((uint64_t)stmt_int(q, 0) <= *n_r)
			(*mails_r)[stmt_int(q, 0)] = (uint64_t)stmt_int(q, 1);
	return rc;
}

int stamp_leaves_lost(struct catalog *catalog, stamp_leaves_fn *fn, void *arg, struct err *err)
{
	CLEAN_STMT q = NULL;

	if (db_query(catalog_db(catalog),
		     "SELECT l.mail, l.stamp, l.at, l.origin FROM stamp_leaves l "
		     "WHERE l.stamp = l.origin AND NOT EXISTS "
		     "(SELECT 1 FROM mails m WHERE m.mail = l.mail) AND NOT EXISTS "
		     "(SELECT 1 FROM erased e WHERE e.mail = l.mail AND e.mail <> 0) "
		     "ORDER BY l.mail, l.stamp",
		     &q, err) < 0)
		return -1;
	return each_leaf(q, fn, arg, err);
}

/* ---- answers that were refused ---- */

int stamp_refused_add(struct catalog *catalog, int64_t time_s, struct view reason,
		      struct view response, struct err *err)
{
	struct db *db = catalog_db(catalog);

	if (db_run(db, err,
		   "INSERT INTO stamp_refused (time_s, reason, response) VALUES (?1, ?2, ?3)",
		   BIND_INT(time_s), BIND_TEXT(reason), BIND_BLOB(response.data, response.len)) < 0)
		return -1;
	return db_run(db, err, "DELETE FROM stamp_refused WHERE refused <= ?1",
		      BIND_INT(db_last_rowid(db) - STAMP_REFUSED_KEPT));
}

int stamp_refused_count(struct catalog *catalog, uint64_t *n_r, struct err *err)
{
	CLEAN_STMT q = NULL;

	if (db_query(catalog_db(catalog), "SELECT count(*) FROM stamp_refused", &q, err) < 0 ||
	    stmt_step(q, err) < 0)
		return -1;
	*n_r = (uint64_t)stmt_int(q, 0);
	return 0;
}

int stamp_refused_each(struct catalog *catalog, stamp_refused_fn *fn, void *arg, struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc;

	if (db_query(catalog_db(catalog),
		     "SELECT refused, time_s, reason, response FROM stamp_refused ORDER BY refused",
		     &q, err) < 0)
		return -1;
	while ((rc = stmt_step(q, err)) > 0) {
		struct stamp_refused row = {(uint64_t)stmt_int(q, 0), stmt_int(q, 1),
					    stmt_text(q, 2), stmt_blob(q, 3)};

		if (fn(arg, &row, err) < 0)
			return -1;
	}
	return rc;
}
