/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/catalog/catalog.h"

#include "base/id.h"

enum { PAGE_BYTES = 8192, CACHE_KIB = 16 * 1024, CACHED_ADDRESSES = 4096, CACHED_LEN = 54 };

/* The addresses met lately: most mails of a company name the same few hundred people. */
struct cached_address {
	uint64_t id; /* 0: empty */
	unsigned char len;
	char addr[CACHED_LEN];
};

struct catalog {
	struct db *db;
	struct cached_address addresses[CACHED_ADDRESSES];
};

extern const char schema_catalog_001[], schema_catalog_002[], schema_catalog_003[],
	schema_catalog_004[], schema_catalog_005[], schema_catalog_006[], schema_catalog_007[],
	schema_catalog_008[], schema_catalog_009[], schema_catalog_010[];

static const char *const steps[] = {schema_catalog_001, schema_catalog_002, schema_catalog_003,
				    schema_catalog_004, schema_catalog_005, schema_catalog_006,
				    schema_catalog_007, schema_catalog_008, schema_catalog_009,
				    schema_catalog_010};

enum { NEWEST = sizeof(steps) / sizeof(*steps) };

static const struct db_options as_catalog = {
	.name = "catalog",
	.page_bytes = PAGE_BYTES,
	.cache_kib = CACHE_KIB,
	.sync_full = true,
};

static int open_db(const char *path, const struct secret *key, bool create,
		   struct catalog **catalog_r, struct err *err)
{
	CLEAN(catalog) c = mem_new(sizeof(*c));
	struct db_options options = as_catalog;

	options.create = create;
	if (db_open(path, key, &options, &c->db, err) < 0)
		return -1;
	*catalog_r = TAKE(c);
	return 0;
}

int catalog_open(const char *path, const struct secret *key, bool create,
		 struct catalog **catalog_r, struct err *err)
{
	CLEAN(catalog) c = NULL;

	if (open_db(path, key, create, &c, err) < 0)
		return -1;
	if (catalog_migrate(c, NULL, NULL, err) < 0)
		return err_add(err, "%s", path);
	*catalog_r = TAKE(c);
	return 0;
}

int catalog_open_older(const char *path, const struct secret *key, struct catalog **catalog_r,
		       int *schema_r, int *newest_r, struct err *err)
{
	CLEAN(catalog) c = NULL;

	*newest_r = NEWEST;
	if (open_db(path, key, false, &c, err) < 0 || db_schema(c->db, schema_r, err) < 0)
		return -1;
	/* it migrates nothing, and says that it is newer */
	if (*schema_r > NEWEST && catalog_migrate(c, NULL, NULL, err) < 0)
		return err_add(err, "%s", path);
	*catalog_r = TAKE(c);
	return 0;
}

int catalog_migrate(struct catalog *catalog, db_step_fn *fn, void *arg, struct err *err)
{
	return db_migrate_telling(catalog->db, steps, NEWEST, fn, arg, err);
}

int catalog_copy(struct catalog *catalog, const struct secret *key, const char *path,
		 struct err *err)
{
	return db_copy(catalog->db, key, &as_catalog, path, err);
}

void catalog_free(struct catalog **catalog)
{
	if (*catalog == NULL)
		return;
	db_free(&(*catalog)->db);
	free(*catalog);
	*catalog = NULL;
}

struct db *catalog_db(struct catalog *catalog)
{
	return catalog->db;
}

int catalog_begin(struct catalog *catalog, struct err *err)
{
	return db_begin(catalog->db, err);
}

int catalog_commit(struct catalog *catalog, struct err *err)
{
	return db_commit(catalog->db, err);
}

void catalog_rollback(struct catalog *catalog)
{
	/* ids given in the transaction are void with it */
	memset(catalog->addresses, 0, sizeof(catalog->addresses));
	db_rollback(catalog->db);
}

int catalog_version(struct catalog *catalog, int64_t *version_r, struct err *err)
{
	CLEAN_STMT q = NULL;

	if (db_query(catalog->db, "PRAGMA data_version", &q, err) < 0 || stmt_step(q, err) < 0)
		return -1;
	*version_r = stmt_int(q, 0);
	return 0;
}

int catalog_schema(struct catalog *catalog, int64_t *number_r, struct err *err)
{
	CLEAN_STMT q = NULL;

	if (db_query(catalog->db, "PRAGMA user_version", &q, err) < 0 || stmt_step(q, err) < 0)
		return -1;
	*number_r = stmt_int(q, 0);
	return 0;
}

int catalog_software(struct catalog *catalog, struct str *out, struct err *err)
{
	CLEAN_STMT cipher = NULL;
	CLEAN_STMT sqlite = NULL;

	if (db_query(catalog->db, "PRAGMA cipher_version", &cipher, err) < 0 ||
	    stmt_step(cipher, err) < 0 ||
	    db_query(catalog->db, "SELECT sqlite_version()", &sqlite, err) < 0 ||
	    stmt_step(sqlite, err) < 0)
		return -1;
	str_adds(out, "SQLCipher ");
	str_addv(out, stmt_text(cipher, 0));
	str_adds(out, ", SQLite ");
	str_addv(out, stmt_text(sqlite, 0));
	return 0;
}

/* Of the audit log and of mails it is the last that counts: their numbers grow with time. */
int catalog_newest_ms(struct catalog *catalog, int64_t *time_ms_r, struct err *err)
{
	CLEAN_STMT q = NULL;
	struct uuid id;
	int rc = db_find(
		catalog->db, &q, err,
		"SELECT max(coalesce((SELECT time_ms FROM audit ORDER BY line DESC LIMIT 1), 0),"
		" coalesce((SELECT max(time_ms) FROM stamps), 0)),"
		" (SELECT id FROM mails ORDER BY mail DESC LIMIT 1)");

	if (rc < 0)
		return -1;
	*time_ms_r = stmt_int(q, 0);
	if (stmt_blob(q, 1).len != UUID_BYTES)
		return 0;
	memcpy(id.b, stmt_blob(q, 1).data, UUID_BYTES);
	if (uuid_ms(&id) > *time_ms_r)
		*time_ms_r = uuid_ms(&id);
	return 0;
}

int setting_get(struct catalog *catalog, const char *name, struct str *value, struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_find(catalog->db, &q, err, "SELECT value FROM settings WHERE name = ?1",
			 BIND_TEXT(VIEW(name)));

	if (rc > 0)
		str_addv(value, stmt_blob(q, 0));
	return rc;
}

int setting_set(struct catalog *catalog, const char *name, struct view value, struct err *err)
{
	return db_run(catalog->db, err, "INSERT OR REPLACE INTO settings VALUES (?1, ?2)",
		      BIND_TEXT(VIEW(name)), BIND_BLOB(value.data, value.len));
}

int setting_remove(struct catalog *catalog, const char *name, struct err *err)
{
	return db_run(catalog->db, err, "DELETE FROM settings WHERE name = ?1",
		      BIND_TEXT(VIEW(name)));
}

/* Look NAME up with SELECT, else add it with INSERT. */
static int name_id(struct db *db, const char *select, const char *insert, struct view name,
		   uint64_t *id_r, struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_find(db, &q, err, select, BIND_TEXT(name));

	if (rc > 0)
		*id_r = (uint64_t)stmt_int(q, 0);
	if (rc != 0 || insert == NULL)
		return rc;
	if (db_run(db, err, insert, BIND_TEXT(name)) < 0)
		return -1;
	*id_r = (uint64_t)db_last_rowid(db);
	return 1;
}

static struct cached_address *cache_slot(struct catalog *catalog, struct view addr)
{
	uint64_t h = 14695981039346656037ULL; /* FNV-1a */

	for (size_t i = 0; i < addr.len; i++)
		h = (h ^ (unsigned char)addr.data[i]) * 1099511628211ULL;
	return &catalog->addresses[h % CACHED_ADDRESSES];
}

int address_id(struct catalog *catalog, struct view addr, bool create, uint64_t *id_r,
	       struct err *err)
{
	struct cached_address *slot = cache_slot(catalog, addr);
	int rc;

	if (slot->id != 0 && view_eq((struct view){slot->addr, slot->len}, addr)) {
		*id_r = slot->id;
		return 1;
	}
	rc = name_id(catalog->db, "SELECT address FROM addresses WHERE addr = ?1",
		     create ? "INSERT INTO addresses (addr) VALUES (?1)" : NULL, addr, id_r, err);
	if (rc > 0 && addr.len <= CACHED_LEN) {
		slot->id = *id_r;
		slot->len = (unsigned char)addr.len;
		memcpy(slot->addr, addr.data, addr.len);
	}
	return rc;
}

int source_id(struct catalog *catalog, struct view name, bool create, uint64_t *id_r,
	      struct err *err)
{
	return name_id(catalog->db, "SELECT source FROM sources WHERE name = ?1",
		       create ? "INSERT INTO sources (name) VALUES (?1)" : NULL, name, id_r, err);
}

int source_name(struct catalog *catalog, uint64_t source, struct str *name, struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_find(catalog->db, &q, err, "SELECT name FROM sources WHERE source = ?1",
			 BIND_INT(source));

	if (rc > 0)
		str_addv(name, stmt_text(q, 0));
	return rc;
}

int sources_each(struct catalog *catalog, source_fn *fn, void *arg, struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_query(catalog->db, "SELECT source, name FROM sources ORDER BY name", &q, err);

	if (rc == 0)
		rc = stmt_step(q, err);
	for (; rc > 0; rc = stmt_step(q, err))
		if (fn(arg, (uint64_t)stmt_int(q, 0), stmt_text(q, 1), err) < 0)
			return -1;
	return rc;
}
