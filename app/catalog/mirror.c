/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/catalog/mirror.h"

#include "base/clock.h"

#define COLUMNS "medium, name, size, hash, arrived_s, checked_s"

/* NAME stands for the row's, which lives only as long as Q is where it is. */
static struct mirror_file file_of(struct stmt *q, const char *name)
{
	struct view hash = stmt_blob(q, 3);
	struct mirror_file file = {
		.medium = (unsigned)stmt_int(q, 0),
		.name = name,
		.size = (uint64_t)stmt_int(q, 2),
		.has_hash = hash.len == HASH_BYTES,
		.arrived_s = stmt_int(q, 4),
		.checked_s = stmt_int(q, 5),
	};

	if (file.has_hash)
		memcpy(file.hash.b, hash.data, HASH_BYTES);
	return file;
}

int mirror_file_get(struct catalog *catalog, unsigned medium, const char *name,
		    struct mirror_file *file_r, struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_find(catalog_db(catalog), &q, err,
			 "SELECT " COLUMNS " FROM mirror_files WHERE medium = ?1 AND name = ?2",
			 BIND_INT(medium), BIND_TEXT(VIEW(name)));

	if (rc > 0)
		*file_r = file_of(q, name);
	return rc;
}

int mirror_file_arrived(struct catalog *catalog, const struct mirror_file *file, struct err *err)
{
	return db_run(catalog_db(catalog), err,
		      "INSERT OR REPLACE INTO mirror_files (" COLUMNS
		      ") VALUES (?1, ?2, ?3, ?4, ?5, ?5)",
		      BIND_INT(file->medium), BIND_TEXT(VIEW(file->name)), BIND_INT(file->size),
		      file->has_hash ? BIND_HASH(&file->hash) : BIND_NULL, BIND_INT(clock_s()));
}

int mirror_file_checked(struct catalog *catalog, const struct mirror_file *file, struct err *err)
{
	return db_run(catalog_db(catalog), err,
		      "UPDATE mirror_files SET checked_s = ?3 WHERE medium = ?1 AND name = ?2",
		      BIND_INT(file->medium), BIND_TEXT(VIEW(file->name)), BIND_INT(clock_s()));
}

int mirror_file_remove(struct catalog *catalog, unsigned medium, const char *name, struct err *err)
{
	return db_run(catalog_db(catalog), err,
		      "DELETE FROM mirror_files WHERE medium = ?1 AND name = ?2", BIND_INT(medium),
		      BIND_TEXT(VIEW(name)));
}

int mirror_files_list(struct catalog *catalog, struct arena *arena, struct mirror_file **v_r,
		      size_t *n_r, struct err *err)
{
	struct {
		struct mirror_file *v;
		size_t n, cap;
	} list = {0};
	CLEAN_STMT q = NULL;
	int rc = db_query(catalog_db(catalog),
			  "SELECT " COLUMNS " FROM mirror_files ORDER BY checked_s, medium, name",
			  &q, err);

	if (rc == 0)
		while ((rc = stmt_step(q, err)) > 0)
			ARENA_PUSH(arena, list, file_of(q, arena_str(arena, stmt_text(q, 1).data)));
	*v_r = list.v;
	*n_r = list.n;
	return rc;
}
