/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/catalog/media.h"

#include "app/catalog/packs.h"
#include "base/clock.h"

/* A place as the catalog's columns want it. */
static struct view text_of(const char *s)
{
	return VIEW(s ? s : "");
}

static struct bind password_of(const struct site *site)
{
	return site->password ? BIND_BLOB(secret_data(site->password), secret_len(site->password))
			      : BIND_NULL;
}

static const char *type_of(const struct site *site)
{
	return site_is_share(site->location) ? "smb" : "local";
}

static int insert(struct catalog *catalog, struct bind number, const struct site *site, bool active,
		  struct err *err)
{
	return db_run(catalog_db(catalog), err,
		      "INSERT INTO media (medium, type, location, active, added_s, user, domain, "
		      "password) VALUES (coalesce(?1, (SELECT coalesce(max(medium), 0) + 1 FROM "
		      "media)), ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
		      number, BIND_TEXT(VIEW(type_of(site))), BIND_TEXT(VIEW(site->location)),
		      BIND_INT(active), BIND_INT(clock_s()), BIND_TEXT(text_of(site->user)),
		      BIND_TEXT(text_of(site->domain)), password_of(site));
}

int media_add(struct catalog *catalog, const struct site *site, bool active, unsigned *medium_r,
	      struct err *err)
{
	if (insert(catalog, BIND_NULL, site, false, err) < 0)
		return -1;
	*medium_r = (unsigned)db_last_rowid(catalog_db(catalog));
	return active ? media_set_active(catalog, *medium_r, err) : 0;
}

int media_add_numbered(struct catalog *catalog, unsigned medium, const struct site *site,
		       bool active, struct err *err)
{
	return insert(catalog, BIND_INT(medium), site, active, err);
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

static struct medium_row row_of(struct stmt *q, struct arena *arena)
{
	return (struct medium_row){
		.medium = (unsigned)stmt_int(q, 0),
		.type = arena_str(arena, stmt_text(q, 1).data),
		.location = arena_str(arena, stmt_text(q, 2).data),
		.user = arena_str(arena, stmt_text(q, 3).data),
		.domain = arena_str(arena, stmt_text(q, 4).data),
		.active = stmt_int(q, 5) != 0,
		.state = (enum medium_state)stmt_int(q, 6),
		.redirect = (unsigned)stmt_int(q, 7),
		.added_s = stmt_int(q, 8),
		.answers = (enum medium_answers)stmt_int(q, 9),
		.since_s = stmt_int(q, 10),
		.asked_s = stmt_int(q, 11),
		.trouble = arena_str(arena, stmt_text(q, 12).data),
		.free_bytes = (uint64_t)stmt_int(q, 13),
		.total_bytes = (uint64_t)stmt_int(q, 14),
		.packs = (uint64_t)stmt_int(q, 15),
		.pack_bytes = (uint64_t)stmt_int(q, 16),
		.waiting_packs = (uint64_t)stmt_int(q, 17),
		.waiting_bytes = (uint64_t)stmt_int(q, 18),
		.waiting_since_s = stmt_int(q, 19),
	};
}

/* Those with this number, or all with 0. */
static int select_media(struct catalog *catalog, unsigned medium, struct stmt **q, struct err *err)
{
	return db_find(catalog_db(catalog), q, err,
		       "SELECT m.medium, m.type, m.location, m.user, m.domain, m.active, m.state, "
		       "m.redirect, m.added_s, m.answers, m.since_s, m.asked_s, m.trouble, "
		       "m.free_bytes, m.total_bytes, count(p.pack), coalesce(sum(p.length), 0), "
		       "count(nullif(p.waits_s, 0)), "
		       "coalesce(sum(p.length - p.shipped) FILTER (WHERE p.waits_s > 0), 0), "
		       "coalesce(min(nullif(p.waits_s, 0)), 0) "
		       "FROM media m LEFT JOIN packs p "
		       "ON p.medium = m.medium AND p.state IN (?1, ?2) "
		       "WHERE ?3 = 0 OR m.medium = ?3 GROUP BY m.medium",
		       BIND_INT(PACK_OPEN), BIND_INT(PACK_SEALED), BIND_INT(medium));
}

int media_list(struct catalog *catalog, struct arena *arena, struct medium_row **v_r, size_t *n_r,
	       struct err *err)
{
	struct {
		struct medium_row *v;
		size_t n, cap;
	} list = {0};
	CLEAN_STMT q = NULL;
	int rc = select_media(catalog, 0, &q, err);

	for (; rc > 0; rc = stmt_step(q, err))
		ARENA_PUSH(arena, list, row_of(q, arena));
	*v_r = list.v;
	*n_r = list.n;
	return rc;
}

int media_get(struct catalog *catalog, struct arena *arena, unsigned medium,
	      struct medium_row *row_r, struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = medium == 0 ? 0 : select_media(catalog, medium, &q, err);

	if (rc > 0)
		*row_r = row_of(q, arena);
	return rc;
}

int media_state(struct catalog *catalog, unsigned medium, enum medium_state *state_r,
		unsigned *redirect_r, struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_find(catalog_db(catalog), &q, err,
			 "SELECT state, redirect FROM media WHERE medium = ?1", BIND_INT(medium));

	if (rc > 0) {
		*state_r = (enum medium_state)stmt_int(q, 0);
		*redirect_r = (unsigned)stmt_int(q, 1);
	}
	return rc;
}

/* Of a row whose columns are location, user, domain, password. */
static void read_site(struct stmt *q, struct arena *arena, struct site *site_r,
		      struct secret **password_r)
{
	struct view password = stmt_blob(q, 3);

	*password_r = password.len > 0 ? secret_copy(password.data, password.len) : NULL;
	*site_r = (struct site){.location = arena_str(arena, stmt_text(q, 0).data),
				.user = arena_str(arena, stmt_text(q, 1).data),
				.domain = arena_str(arena, stmt_text(q, 2).data),
				.password = *password_r};
}

int media_site(struct catalog *catalog, struct arena *arena, unsigned medium, struct site *site_r,
	       struct secret **password_r, struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_find(catalog_db(catalog), &q, err,
			 "SELECT location, user, domain, password FROM media WHERE medium = ?1",
			 BIND_INT(medium));

	if (rc > 0)
		read_site(q, arena, site_r, password_r);
	return rc;
}

int media_is_at(struct catalog *catalog, unsigned medium, const char *location, struct err *err)
{
	CLEAN_STMT q = NULL;

	return db_find(catalog_db(catalog), &q, err,
		       "SELECT 1 FROM media WHERE medium = ?1 AND location = ?2", BIND_INT(medium),
		       BIND_TEXT(VIEW(location)));
}

int media_set_site(struct catalog *catalog, unsigned medium, const struct site *site,
		   struct err *err)
{
	return db_run(catalog_db(catalog), err,
		      "UPDATE media SET type = ?2, location = ?3, user = ?4, domain = ?5, "
		      "password = ?6 WHERE medium = ?1",
		      BIND_INT(medium), BIND_TEXT(VIEW(type_of(site))),
		      BIND_TEXT(VIEW(site->location)), BIND_TEXT(text_of(site->user)),
		      BIND_TEXT(text_of(site->domain)), password_of(site));
}

int media_set_active(struct catalog *catalog, unsigned medium, struct err *err)
{
	return db_run(catalog_db(catalog), err, "UPDATE media SET active = (medium = ?1)",
		      BIND_INT(medium));
}

int media_set_state(struct catalog *catalog, unsigned medium, enum medium_state state,
		    unsigned redirect, struct err *err)
{
	return db_run(catalog_db(catalog), err,
		      "UPDATE media SET state = ?2, redirect = ?3 WHERE medium = ?1",
		      BIND_INT(medium), BIND_INT(state),
		      redirect != 0 ? BIND_INT(redirect) : BIND_NULL);
}

int media_note_answer(struct catalog *catalog, unsigned medium, const struct err *why,
		      uint64_t free_bytes, uint64_t total_bytes, struct err *err)
{
	enum medium_answers answers = why == NULL ? MEDIUM_ANSWERS : MEDIUM_SILENT;

	return db_run(catalog_db(catalog), err,
		      "UPDATE media SET since_s = CASE answers WHEN ?2 THEN since_s ELSE ?3 END, "
		      "answers = ?2, asked_s = ?3, trouble = ?4, "
		      "free_bytes = CASE ?2 WHEN 1 THEN ?5 ELSE free_bytes END, "
		      "total_bytes = CASE ?2 WHEN 1 THEN ?6 ELSE total_bytes END WHERE medium = ?1",
		      BIND_INT(medium), BIND_INT(answers), BIND_INT(clock_s()),
		      BIND_TEXT(VIEW(why ? why->text : "")), BIND_INT(free_bytes),
		      BIND_INT(total_bytes));
}

int media_highest_used(struct catalog *catalog, unsigned *medium_r, struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_find(catalog_db(catalog), &q, err,
			 "SELECT coalesce(max(medium), 0) FROM packs WHERE state NOT IN (?1, ?2)",
			 BIND_INT(PACK_VOID), BIND_INT(PACK_REMOVED));

	if (rc > 0)
		*medium_r = (unsigned)stmt_int(q, 0);
	return rc < 0 ? -1 : 0;
}

int mirror_site(struct catalog *catalog, struct arena *arena, struct site *site_r,
		struct secret **password_r, struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_find(catalog_db(catalog), &q, err,
			 "SELECT location, user, domain, password FROM mirror WHERE one = ?1",
			 BIND_INT(1));

	if (rc > 0)
		read_site(q, arena, site_r, password_r);
	return rc;
}

int mirror_set_site(struct catalog *catalog, const struct site *site, struct err *err)
{
	struct db *db = catalog_db(catalog);

	if (db_exec(db, "DELETE FROM mirror; DELETE FROM mirror_files", err) < 0)
		return -1;
	if (site == NULL)
		return 0;
	return db_run(db, err, "INSERT INTO mirror VALUES (1, ?1, ?2, ?3, ?4)",
		      BIND_TEXT(VIEW(site->location)), BIND_TEXT(text_of(site->user)),
		      BIND_TEXT(text_of(site->domain)), password_of(site));
}
