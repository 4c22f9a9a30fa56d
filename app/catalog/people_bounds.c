/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A revisor's bounds, and saved searches. */
#include "app/catalog/people_priv.h"

enum { BOUND_DOMAIN = 1, BOUND_SOURCE = 2, SEARCHES_MAX = 200 };

struct bounds bounds_none(void)
{
	return (struct bounds){
		.from_s = INT64_MIN, .until_s = INT64_MAX, .valid_until_s = INT64_MAX};
}

static int read_dates(struct catalog *catalog, uint64_t person, struct bounds *b, struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_find(catalog_db(catalog), &q, err,
			 "SELECT from_s, until_s, valid_until_s FROM bound_dates WHERE person = ?1",
			 BIND_INT(person));

	if (rc <= 0)
		return rc;
	if (!stmt_is_null(q, 0))
		b->from_s = stmt_int(q, 0);
	if (!stmt_is_null(q, 1))
		b->until_s = stmt_int(q, 1);
	if (!stmt_is_null(q, 2))
		b->valid_until_s = stmt_int(q, 2);
	return 0;
}

static void add_bound(struct arena *arena, struct bounds *b, struct stmt *q)
{
	const struct view name = arena_view(arena, stmt_text(q, 1));
	const struct bound_source source = {name, arena_view(arena, stmt_text(q, 2))};

	if (stmt_int(q, 0) == BOUND_DOMAIN)
		ARENA_PUSH(arena, b->domains, name);
	else
		ARENA_PUSH(arena, b->sources, source);
}

int people_bounds(struct catalog *catalog, struct arena *arena, uint64_t person,
		  struct bounds *bounds_r, struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_find(catalog_db(catalog), &q, err,
			 "SELECT kind, name, folder FROM bounds WHERE person = ?1 "
			 "ORDER BY kind, name, folder",
			 BIND_INT(person));

	*bounds_r = bounds_none();
	for (; rc > 0; rc = stmt_step(q, err))
		add_bound(arena, bounds_r, q);
	return rc < 0 ? -1 : read_dates(catalog, person, bounds_r, err);
}

struct bounding {
	uint64_t person;
	const struct bounds *bounds;
};

static struct bind date(int64_t time_s)
{
	return time_s == INT64_MIN || time_s == INT64_MAX ? BIND_NULL : BIND_INT(time_s);
}

static int put_dates(struct catalog *catalog, const struct bounding *b, struct err *err)
{
	return db_run(catalog_db(catalog), err,
		      "INSERT OR REPLACE INTO bound_dates VALUES (?1, ?2, ?3, ?4)",
		      BIND_INT(b->person), date(b->bounds->from_s), date(b->bounds->until_s),
		      date(b->bounds->valid_until_s));
}

static int put_bound(struct catalog *catalog, uint64_t person, int kind, struct view name,
		     struct view folder, struct err *err)
{
	return db_run(catalog_db(catalog), err,
		      "INSERT OR IGNORE INTO bounds VALUES (?1, ?2, ?3, ?4)", BIND_INT(person),
		      BIND_INT(kind), BIND_TEXT(name), BIND_TEXT(folder));
}

static int put_bounds(struct catalog *catalog, void *arg, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	const struct bounding *b = arg;

	if (db_run(catalog_db(catalog), err, "DELETE FROM bounds WHERE person = ?1",
		   BIND_INT(b->person)) < 0)
		return -1;
	for (size_t i = 0; i < b->bounds->domains.n; i++)
		if (put_bound(catalog, b->person, BOUND_DOMAIN,
			      lower_view(arena, view_trim(b->bounds->domains.v[i])), VIEW(""),
			      err) < 0)
			return -1;
	for (size_t i = 0; i < b->bounds->sources.n; i++)
		if (put_bound(catalog, b->person, BOUND_SOURCE, b->bounds->sources.v[i].source,
			      b->bounds->sources.v[i].folder, err) < 0)
			return -1;
	return put_dates(catalog, b, err);
}

int people_set_bounds(struct catalog *catalog, uint64_t person, const struct bounds *bounds,
		      struct err *err)
{
	struct bounding b = {person, bounds};

	return write_all(catalog, err, put_bounds, &b);
}

/* ---- saved searches ---- */

int searches_list(struct catalog *catalog, struct arena *arena, uint64_t person,
		  struct saved_searches *searches_r, struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_find(catalog_db(catalog), &q, err,
			 "SELECT search, name, query FROM saved_searches WHERE person = ?1 "
			 "ORDER BY name, search",
			 BIND_INT(person));

	*searches_r = (struct saved_searches){0};
	for (; rc > 0; rc = stmt_step(q, err)) {
		const struct saved_search row = {(uint64_t)stmt_int(q, 0),
						 arena_view(arena, stmt_text(q, 1)),
						 arena_view(arena, stmt_text(q, 2))};

		ARENA_PUSH(arena, *searches_r, row);
	}
	return rc;
}

int searches_add(struct catalog *catalog, uint64_t person, struct view name, struct view query,
		 uint64_t *search_r, struct err *err)
{
	if (db_run(catalog_db(catalog), err,
		   "INSERT INTO saved_searches (person, name, query) SELECT ?1, ?2, ?3 WHERE "
		   "(SELECT count(*) FROM saved_searches WHERE person = ?1) < ?4",
		   BIND_INT(person), BIND_TEXT(name), BIND_TEXT(query), BIND_INT(SEARCHES_MAX)) < 0)
		return -1;
	if (db_changes(catalog_db(catalog)) == 0)
		return err_set(err, ERR_TOOBIG, "%d searches are saved; drop one first",
			       SEARCHES_MAX);
	*search_r = (uint64_t)db_last_rowid(catalog_db(catalog));
	return 0;
}

int searches_remove(struct catalog *catalog, uint64_t person, uint64_t search, struct err *err)
{
	if (db_run(catalog_db(catalog), err,
		   "DELETE FROM saved_searches WHERE person = ?1 AND search = ?2", BIND_INT(person),
		   BIND_INT(search)) < 0)
		return -1;
	return db_changes(catalog_db(catalog)) == 0
		       ? err_set(err, ERR_NOTFOUND, "there is no such saved search")
		       : 0;
}
