/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Groups, and the domains that count alike. */
#include "app/catalog/people_priv.h"

/* ---- domains ---- */

int domains_get(struct catalog *catalog, struct arena *arena, struct texts *domains_r,
		struct view *main_r, struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc;

	*domains_r = (struct texts){0};
	*main_r = VIEW("");
	if (db_query(catalog_db(catalog), "SELECT domain, main FROM domains ORDER BY domain", &q,
		     err) < 0)
		return -1;
	while ((rc = stmt_step(q, err)) > 0) {
		const struct view domain = arena_view(arena, stmt_text(q, 0));

		ARENA_PUSH(arena, *domains_r, domain);
		if (stmt_int(q, 1) != 0)
			*main_r = domain;
	}
	return rc;
}

static int check_domain(struct view domain, struct err *err)
{
	bool fits = domain.len > 0 && domain.len <= 255 && domain.data[0] != '.';

	for (size_t i = 0; fits && i < domain.len; i++)
		fits = (unsigned char)domain.data[i] > ' ' &&
		       strchr("@,<>/", domain.data[i]) == NULL;
	if (!fits)
		return err_set(err, ERR_SYNTAX, "\"%.*s\" is no domain",
			       (int)(domain.len < 60 ? domain.len : 60), domain.data);
	return 0;
}

struct domains {
	const struct texts *domains;
	struct view main;
};

static int put_domain(struct catalog *catalog, struct arena *arena, const struct domains *d,
		      struct view given, bool *is_main, struct err *err)
{
	const struct view domain = lower_view(arena, view_trim(given));

	*is_main = view_eq_nocase(domain, view_trim(d->main));
	if (check_domain(domain, err) < 0)
		return -1;
	return db_run(catalog_db(catalog), err, "INSERT OR IGNORE INTO domains VALUES (?1, ?2)",
		      BIND_TEXT(domain), BIND_INT(*is_main));
}

static int put_domains(struct catalog *catalog, void *arg, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	const struct domains *d = arg;
	bool any_main = d->domains->n == 0 && d->main.len == 0;

	if (db_exec(catalog_db(catalog), "DELETE FROM domains", err) < 0)
		return -1;
	for (size_t i = 0; i < d->domains->n; i++) {
		bool is_main;

		if (put_domain(catalog, arena, d, d->domains->v[i], &is_main, err) < 0)
			return -1;
		any_main = any_main || is_main;
	}
	return any_main ? 0
			: err_set(err, ERR_SYNTAX, "the main domain must be one of the domains");
}

int domains_set(struct catalog *catalog, const struct texts *domains, struct view main,
		struct err *err)
{
	struct domains d = {domains, main};

	return write_all(catalog, err, put_domains, &d);
}

/* ---- reading groups ---- */

static int read_texts(struct catalog *catalog, struct arena *arena, const char *sql, uint64_t group,
		      struct texts *texts, struct err *err)
{
	CLEAN_STMT q = NULL;

	if (db_query(catalog_db(catalog), sql, &q, err) < 0)
		return -1;
	stmt_bind_int(q, 1, (int64_t)group);
	return texts_query(q, arena, texts, err);
}

static int read_addresses(struct catalog *catalog, struct arena *arena, struct group *group,
			  struct err *err)
{
	return read_texts(catalog, arena,
			  "SELECT addr FROM group_addresses WHERE grp = ?1 ORDER BY addr",
			  group->group, &group->addresses, err);
}

static int read_members(struct catalog *catalog, struct arena *arena, struct group *group,
			struct err *err)
{
	return read_texts(catalog, arena,
			  "SELECT addr FROM group_members WHERE grp = ?1 ORDER BY addr",
			  group->group, &group->members, err);
}

static int read_rows(struct stmt *q, int rc, struct arena *arena, struct groups *groups,
		     struct err *err)
{
	for (; rc > 0; rc = stmt_step(q, err)) {
		const struct group row = {.group = (uint64_t)stmt_int(q, 0),
					  .source = (enum person_source)stmt_int(q, 1),
					  .uid = arena_view(arena, stmt_text(q, 2)),
					  .name = arena_view(arena, stmt_text(q, 3))};

		ARENA_PUSH(arena, *groups, row);
	}
	return rc;
}

int groups_list(struct catalog *catalog, struct arena *arena, struct groups *groups_r,
		struct err *err)
{
	CLEAN_STMT q = NULL;

	*groups_r = (struct groups){0};
	if (db_query(catalog_db(catalog),
		     "SELECT grp, source, uid, name FROM groups ORDER BY name, source, grp", &q,
		     err) < 0 ||
	    read_rows(q, stmt_step(q, err), arena, groups_r, err) < 0)
		return -1;
	for (size_t i = 0; i < groups_r->n; i++)
		if (read_addresses(catalog, arena, &groups_r->v[i], err) < 0 ||
		    read_members(catalog, arena, &groups_r->v[i], err) < 0)
			return -1;
	return 0;
}

int groups_get(struct catalog *catalog, struct arena *arena, uint64_t group, struct group *group_r,
	       struct err *err)
{
	CLEAN_STMT q = NULL;
	struct groups found = {0};
	int rc = db_find(catalog_db(catalog), &q, err,
			 "SELECT grp, source, uid, name FROM groups WHERE grp = ?1",
			 BIND_INT(group));

	if (rc <= 0 || read_rows(q, rc, arena, &found, err) < 0)
		return rc < 0 ? -1 : 0;
	*group_r = found.v[0];
	if (read_addresses(catalog, arena, group_r, err) < 0 ||
	    read_members(catalog, arena, group_r, err) < 0)
		return -1;
	return 1;
}

/* A member is an address, and with it the same name under each domain that counts alike: both sides are looked at under
 * the main one. */
static const char groups_of_person[] =
	"WITH main AS (SELECT domain FROM domains WHERE main = 1), "
	"own AS (SELECT CASE WHEN substr(addr, instr(addr, '@') + 1) IN (SELECT domain FROM "
	"domains) "
	"  THEN substr(addr, 1, instr(addr, '@')) || (SELECT domain FROM main) ELSE addr END AS "
	"addr "
	"  FROM person_addresses WHERE person = ?1) "
	"SELECT grp, source, uid, name FROM groups WHERE "
	"grp IN (SELECT grp FROM group_people WHERE person = ?1) OR "
	"grp IN (SELECT grp FROM group_members m WHERE "
	"  CASE WHEN substr(m.addr, instr(m.addr, '@') + 1) IN (SELECT domain FROM domains) "
	"  THEN substr(m.addr, 1, instr(m.addr, '@')) || (SELECT domain FROM main) ELSE m.addr END "
	"  IN (SELECT addr FROM own)) ORDER BY name, source, grp";

int people_groups(struct catalog *catalog, struct arena *arena, uint64_t person,
		  struct groups *groups_r, struct err *err)
{
	CLEAN_STMT q = NULL;

	*groups_r = (struct groups){0};
	if (db_query(catalog_db(catalog), groups_of_person, &q, err) < 0)
		return -1;
	stmt_bind_int(q, 1, (int64_t)person);
	if (read_rows(q, stmt_step(q, err), arena, groups_r, err) < 0)
		return -1;
	for (size_t i = 0; i < groups_r->n; i++)
		if (read_addresses(catalog, arena, &groups_r->v[i], err) < 0)
			return -1;
	return 0;
}

/* ---- writing groups ---- */

static int put_texts(struct catalog *catalog, uint64_t group, const char *drop, const char *add,
		     const struct texts *texts, struct err *err)
{
	CLEAN(arena) arena = arena_new();

	if (db_run(catalog_db(catalog), err, drop, BIND_INT(group)) < 0)
		return -1;
	for (size_t i = 0; i < texts->n; i++) {
		const struct view low = lower_view(arena, view_trim(texts->v[i]));

		if (check_address(low, err) < 0 ||
		    db_run(catalog_db(catalog), err, add, BIND_INT(group), BIND_TEXT(low)) < 0)
			return -1;
	}
	return 0;
}

static int put_lists(struct catalog *catalog, const struct group *g, struct err *err)
{
	if (put_texts(catalog, g->group, "DELETE FROM group_addresses WHERE grp = ?1",
		      "INSERT OR IGNORE INTO group_addresses VALUES (?1, ?2)", &g->addresses,
		      err) < 0)
		return -1;
	return put_texts(catalog, g->group, "DELETE FROM group_members WHERE grp = ?1",
			 "INSERT OR IGNORE INTO group_members VALUES (?1, ?2)", &g->members, err);
}

static int check_group(struct catalog *catalog, const struct group *g, struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc;

	if (view_trim(g->name).len == 0 || g->name.len > 200)
		return err_set(err, ERR_SYNTAX, "a group's name has 1 to 200 characters");
	rc = db_find(catalog_db(catalog), &q, err,
		     "SELECT 1 FROM groups WHERE grp <> ?1 AND source = ?2 AND uid = ?3",
		     BIND_INT(g->group), BIND_INT(g->source), BIND_TEXT(g->uid));
	return rc > 0 ? err_set(err, ERR_EXISTS, "there is a group of this name already") : rc;
}

static int put_group(struct catalog *catalog, void *arg, struct err *err)
{
	struct group *g = arg;
	struct db *db = catalog_db(catalog);

	if (check_group(catalog, g, err) < 0)
		return -1;
	if (g->group != 0)
		return db_run(db, err, "UPDATE groups SET uid = ?2, name = ?3 WHERE grp = ?1",
			      BIND_INT(g->group), BIND_TEXT(g->uid), BIND_TEXT(g->name)) < 0
			       ? -1
			       : put_lists(catalog, g, err);
	if (db_run(db, err, "INSERT INTO groups (source, uid, name) VALUES (?1, ?2, ?3)",
		   BIND_INT(g->source), BIND_TEXT(g->uid), BIND_TEXT(g->name)) < 0)
		return -1;
	g->group = (uint64_t)db_last_rowid(db);
	return put_lists(catalog, g, err);
}

int groups_put(struct catalog *catalog, struct group *group, struct err *err)
{
	return write_all(catalog, err, put_group, group);
}

static int remove_group(struct catalog *catalog, void *arg, struct err *err)
{
	static const char *const rows[] = {"DELETE FROM group_addresses WHERE grp = ?1",
					   "DELETE FROM group_members WHERE grp = ?1",
					   "DELETE FROM group_people WHERE grp = ?1",
					   "DELETE FROM groups WHERE grp = ?1"};
	const uint64_t group = *(const uint64_t *)arg;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (db_run(catalog_db(catalog), err, rows[i], BIND_INT(group)) < 0)
			return -1;
	if (db_changes(catalog_db(catalog)) == 0)
		return err_set(err, ERR_NOTFOUND, "there is no such group");
	return 0;
}

int groups_remove(struct catalog *catalog, uint64_t group, struct err *err)
{
	return write_all(catalog, err, remove_group, &group);
}

struct told {
	uint64_t person;
	enum person_source source;
	const struct groups *groups;
};

static int group_by_uid(struct catalog *catalog, enum person_source source, struct view uid,
			uint64_t *group_r, struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_find(catalog_db(catalog), &q, err,
			 "SELECT grp FROM groups WHERE source = ?1 AND uid = ?2", BIND_INT(source),
			 BIND_TEXT(uid));

	*group_r = rc > 0 ? (uint64_t)stmt_int(q, 0) : 0;
	return rc < 0 ? -1 : 0;
}

static int put_told(struct catalog *catalog, void *arg, struct err *err)
{
	const struct told *t = arg;

	if (db_run(catalog_db(catalog), err,
		   "DELETE FROM group_people WHERE person = ?1 AND grp IN "
		   "(SELECT grp FROM groups WHERE source = ?2)",
		   BIND_INT(t->person), BIND_INT(t->source)) < 0)
		return -1;
	for (size_t i = 0; i < t->groups->n; i++) {
		struct group g = t->groups->v[i];

		g.source = t->source;
		if (group_by_uid(catalog, t->source, g.uid, &g.group, err) < 0 ||
		    put_group(catalog, &g, err) < 0 ||
		    db_run(catalog_db(catalog), err,
			   "INSERT OR IGNORE INTO group_people VALUES (?1, ?2)", BIND_INT(g.group),
			   BIND_INT(t->person)) < 0)
			return -1;
	}
	return 0;
}

int groups_of_source(struct catalog *catalog, uint64_t person, enum person_source source,
		     const struct groups *groups, struct err *err)
{
	struct told t = {person, source, groups};

	return write_all(catalog, err, put_told, &t);
}
