/* SPDX-License-Identifier: GPL-3.0-or-later */
/* alter - changes an archive's catalog, or its index, as somebody would who has the key; for tests of what is noticed then.
 *
 *     alter ARCHIVE SQL
 *     alter ARCHIVE --index SQL
 */
#include "app/archive/archive.h"

#include <stdio.h>

static int alter_index(const char *dir, const char *sql, struct err *err)
{
	const struct db_options options = {.name = "index", .page_bytes = 8192, .cache_kib = 1024};
	CLEAN(archive) a = NULL;
	CLEAN(secret) key = NULL;
	CLEAN(db) db = NULL;
	CLEAN_STR path = STR_INIT;

	if (archive_open(dir, &a, err) < 0)
		return -1;
	key = keyring_derive(archive_keys(a), KEY_USE_INDEX, VIEW(""));
	str_addf(&path, "%s/index.db", dir);
	return db_open(path.data, key, &options, &db, err) < 0 ? -1 : db_exec(db, sql, err);
}

static int alter_catalog(const char *dir, const char *sql, struct err *err)
{
	CLEAN(archive) a = NULL;

	return archive_open(dir, &a, err) < 0 ? -1
					      : db_exec(catalog_db(archive_catalog(a)), sql, err);
}

int main(int argc, char **argv)
{
	struct err err = {0};
	int rc;

	must(argc == 3 || (argc == 4 && strcmp(argv[2], "--index") == 0));
	rc = argc == 3 ? alter_catalog(argv[1], argv[2], &err)
		       : alter_index(argv[1], argv[3], &err);
	if (rc == 0)
		return 0;
	fprintf(stderr, "alter: %s: %s\n", err_code(err.kind), err.text);
	return 1;
}
