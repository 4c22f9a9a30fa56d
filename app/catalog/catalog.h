/* SPDX-License-Identifier: GPL-3.0-or-later */
/* catalog.h - the metadata database, and its settings. mails.h, packs.h and media.h hold the tables.
 *
 * (C1) The packs are the truth; the catalog is derived from them. Whatever names a record here was
 *      durable in its pack before the transaction that says so was committed.
 * (C2) A committed transaction is durable (synchronous = FULL).
 */
#ifndef APP_CATALOG_CATALOG_H
#define APP_CATALOG_CATALOG_H

#include "app/catalog/db.h"

struct catalog;

int catalog_open(const char *path, const struct secret *key, bool create,
		 struct catalog **catalog_r, struct err *err);
void catalog_free(struct catalog **catalog);
/* Open one whose schema may be an older one, and leave it so: its number, and the newest. Before catalog_migrate() nothing
 * but catalog_copy() can be done with it. ERR_VERSION: it is newer than this program. */
int catalog_open_older(const char *path, const struct secret *key, struct catalog **catalog_r,
		       int *schema_r, int *newest_r, struct err *err);
int catalog_migrate(struct catalog *catalog, db_step_fn *fn, void *arg, struct err *err);
int catalog_copy(struct catalog *catalog, const struct secret *key, const char *path,
		 struct err *err);
struct db *catalog_db(struct catalog *catalog);

int catalog_begin(struct catalog *catalog, struct err *err);
int catalog_commit(struct catalog *catalog, struct err *err);
void catalog_rollback(struct catalog *catalog); /* nothing if no transaction is open */
/* A number that is another one after somebody else has committed to the catalog. */
int catalog_version(struct catalog *catalog, int64_t *version_r, struct err *err);

/* The number of its schema; and what reads it: "SQLCipher 4.6.1, SQLite 3.46.1". */
int catalog_schema(struct catalog *catalog, int64_t *number_r, struct err *err);
int catalog_software(struct catalog *catalog, struct str *out, struct err *err);

/* The newest time that audit log, mails and timestamps know; 0: none. */
int catalog_newest_ms(struct catalog *catalog, int64_t *time_ms_r, struct err *err);

/* Settings by name: 1 found (appended to VALUE), 0 not set. */
int setting_get(struct catalog *catalog, const char *name, struct str *value, struct err *err);
int setting_set(struct catalog *catalog, const char *name, struct view value, struct err *err);
int setting_remove(struct catalog *catalog, const char *name, struct err *err);

/* The id of an address (lower case) or a source's name, made if CREATE and not there; 1, 0 none. */
int address_id(struct catalog *catalog, struct view addr, bool create, uint64_t *id_r,
	       struct err *err);
int source_id(struct catalog *catalog, struct view name, bool create, uint64_t *id_r,
	      struct err *err);

/* The name of a source, appended to NAME: 1, 0 no such source. */
int source_name(struct catalog *catalog, uint64_t source, struct str *name, struct err *err);
/* FN for the name of each, by name. */
typedef int source_fn(void *arg, uint64_t source, struct view name, struct err *err);
int sources_each(struct catalog *catalog, source_fn *fn, void *arg, struct err *err);

#endif
