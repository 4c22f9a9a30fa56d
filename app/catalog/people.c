/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/catalog/people.h"

#include "app/catalog/people_priv.h"

#include <ctype.h>

static const char *const roles[PERSON_ROLES] = {"user",    "admin",       "auditor",
						"revisor", "dataofficer", "uploader"};

const char *person_role_name(enum person_role role)
{
	return roles[role];
}

int person_role_by_name(struct view name, enum person_role *role_r)
{
	for (size_t i = 0; i < PERSON_ROLES; i++)
		if (view_eq(VIEW(roles[i]), name)) {
			*role_r = (enum person_role)i;
			return 1;
		}
	return 0;
}

/* ---- what the folder's files share ---- */

struct view lower_view(struct arena *arena, struct view text)
{
	char *copy = arena_strn(arena, text.data, text.len);

	for (size_t i = 0; i < text.len; i++)
		copy[i] = (char)tolower((unsigned char)copy[i]);
	return (struct view){copy, text.len};
}

int texts_query(struct stmt *q, struct arena *arena, struct texts *texts, struct err *err)
{
	int rc;

	while ((rc = stmt_step(q, err)) > 0)
		ARENA_PUSH(arena, *texts, arena_view(arena, stmt_text(q, 0)));
	return rc;
}

static int own_transaction(struct catalog *catalog, bool *own_r, struct err *err)
{
	*own_r = !db_in_transaction(catalog_db(catalog));
	return *own_r ? catalog_begin(catalog, err) : 0;
}

static int end_transaction(struct catalog *catalog, bool own, int rc, struct err *err)
{
	if (!own)
		return rc;
	if (rc == 0 && catalog_commit(catalog, err) == 0)
		return 0;
	catalog_rollback(catalog);
	return -1;
}

int write_all(struct catalog *catalog, struct err *err, write_fn *fn, void *arg)
{
	bool own;

	if (own_transaction(catalog, &own, err) < 0)
		return -1;
	return end_transaction(catalog, own, fn(catalog, arg, err), err);
}

/* ---- reading ---- */

#define PERSON_COLUMNS                                                                             \
	"SELECT person, source, role, uid, name, shown, language, theme, state, "                  \
	"password IS NOT NULL, coalesce(tied, 0), login_s FROM people "

static struct person read_person(struct stmt *q, struct arena *arena)
{
	return (struct person){
		.person = (uint64_t)stmt_int(q, 0),
		.source = (enum person_source)stmt_int(q, 1),
		.role = (enum person_role)stmt_int(q, 2),
		.uid = arena_view(arena, stmt_text(q, 3)),
		.name = arena_view(arena, stmt_text(q, 4)),
		.shown = arena_view(arena, stmt_text(q, 5)),
		.language = arena_view(arena, stmt_text(q, 6)),
		.theme = arena_view(arena, stmt_text(q, 7)),
		.active = stmt_int(q, 8) != 0,
		.has_password = stmt_int(q, 9) != 0,
		.tied = (uint64_t)stmt_int(q, 10),
		.login_s = stmt_int(q, 11),
	};
}

int people_get(struct catalog *catalog, struct arena *arena, uint64_t person,
	       struct person *person_r, struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_find(catalog_db(catalog), &q, err, PERSON_COLUMNS "WHERE person = ?1",
			 BIND_INT(person));

	if (rc > 0)
		*person_r = read_person(q, arena);
	return rc;
}

int people_by_uid(struct catalog *catalog, struct arena *arena, enum person_source source,
		  struct view uid, struct person *person_r, struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_find(catalog_db(catalog), &q, err,
			 PERSON_COLUMNS "WHERE source = ?1 AND uid = ?2", BIND_INT(source),
			 BIND_TEXT(uid));

	if (rc > 0)
		*person_r = read_person(q, arena);
	return rc;
}

static int read_people(struct stmt *q, int rc, struct arena *arena, struct people *people,
		       struct err *err)
{
	for (; rc > 0; rc = stmt_step(q, err))
		ARENA_PUSH(arena, *people, read_person(q, arena));
	return rc;
}

int people_by_name(struct catalog *catalog, struct arena *arena, struct view name,
		   struct people *people_r, struct err *err)
{
	CLEAN_STMT q = NULL;
	const struct view low = lower_view(arena, name);
	int rc = db_find(catalog_db(catalog), &q, err,
			 PERSON_COLUMNS "WHERE name = ?1 ORDER BY person", BIND_TEXT(low));

	*people_r = (struct people){0};
	return read_people(q, rc, arena, people_r, err);
}

int people_list(struct catalog *catalog, struct arena *arena, struct view find,
		const struct person *after, size_t limit, struct people *people_r, struct err *err)
{
	static const struct person before_all = {.name = {"", 0}};
	const struct person *from = after != NULL ? after : &before_all;
	const struct view low = lower_view(arena, find);
	CLEAN_STMT q = NULL;
	int rc = db_find(catalog_db(catalog), &q, err,
			 PERSON_COLUMNS
			 "WHERE (name, person) > (?2, ?3) AND (?1 = '' OR instr(name, ?1) > 0 OR "
			 "instr(lower(shown), ?1) > 0 OR EXISTS (SELECT 1 FROM person_addresses a "
			 "WHERE a.person = people.person AND instr(a.addr, ?1) > 0)) "
			 "ORDER BY name, person LIMIT ?4",
			 BIND_TEXT(low), BIND_TEXT(from->name), BIND_INT(from->person),
			 BIND_INT(limit));

	*people_r = (struct people){0};
	return read_people(q, rc, arena, people_r, err);
}

int people_count_users(struct catalog *catalog, uint64_t *users_r, struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_find(
		catalog_db(catalog), &q, err,
		"SELECT count(*) FROM people WHERE role = ?1 AND state = 1 AND tied IS NULL",
		BIND_INT(PERSON_ROLE_USER));

	if (rc > 0)
		*users_r = (uint64_t)stmt_int(q, 0);
	return rc < 0 ? -1 : 0;
}

int people_addresses(struct catalog *catalog, struct arena *arena, uint64_t person,
		     struct texts *addresses_r, struct err *err)
{
	CLEAN_STMT q = NULL;

	*addresses_r = (struct texts){0};
	if (db_query(catalog_db(catalog),
		     "SELECT addr FROM person_addresses WHERE person = ?1 ORDER BY addr", &q,
		     err) < 0)
		return -1;
	stmt_bind_int(q, 1, (int64_t)person);
	return texts_query(q, arena, addresses_r, err);
}

int people_password(struct catalog *catalog, uint64_t person, struct str *hash, struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_find(catalog_db(catalog), &q, err,
			 "SELECT password FROM people WHERE person = ?1 AND password IS NOT NULL",
			 BIND_INT(person));

	if (rc > 0)
		str_addv(hash, stmt_text(q, 0));
	return rc;
}

/* ---- writing ---- */

static bool kept_here(enum person_source source)
{
	return source == PERSON_FIXED || source == PERSON_OWN;
}

/* What can be typed into a log-in form, and told again in a log line. Some directories have names with spaces. */
static int check_name(enum person_source source, struct view name, struct err *err)
{
	const unsigned char least = kept_here(source) ? ' ' + 1 : ' ';

	if (name.len == 0 || name.len > 320)
		return err_set(err, ERR_SYNTAX, "a log-in name has 1 to 320 characters");
	for (size_t i = 0; i < name.len; i++)
		if ((unsigned char)name.data[i] < least || name.data[i] == 0x7f)
			return err_set(err, ERR_SYNTAX,
				       "a log-in name has no spaces and no control characters");
	return 0;
}

static int check_taken(struct catalog *catalog, const struct person *person, struct view low,
		       struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_find(catalog_db(catalog), &q, err,
			 "SELECT 1 FROM people WHERE person <> ?1 AND (source = ?2 AND uid = ?3 OR "
			 "?5 AND source IN (?2, 0) AND (name = ?4 OR uid = ?4))",
			 BIND_INT(person->person), BIND_INT(person->source), BIND_TEXT(person->uid),
			 BIND_TEXT(low), BIND_INT(kept_here(person->source)));

	return rc > 0 ? err_set(err, ERR_EXISTS, "there is a person of this name already") : rc;
}

int people_add(struct catalog *catalog, const struct person *person, uint64_t *person_r,
	       struct err *err)
{
	CLEAN(arena) arena = arena_new();
	const struct view low = lower_view(arena, person->name);

	if (check_name(person->source, low, err) < 0 || check_taken(catalog, person, low, err) < 0)
		return -1;
	if (db_run(catalog_db(catalog), err,
		   "INSERT INTO people (source, uid, name, shown, role, state) "
		   "VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
		   BIND_INT(person->source), BIND_TEXT(person->uid), BIND_TEXT(low),
		   BIND_TEXT(person->shown), BIND_INT(person->role), BIND_INT(person->active)) < 0)
		return -1;
	*person_r = (uint64_t)db_last_rowid(catalog_db(catalog));
	return 0;
}

static int existing(struct catalog *catalog, struct arena *arena, uint64_t person,
		    struct person *person_r, struct err *err)
{
	int rc = people_get(catalog, arena, person, person_r, err);

	return rc == 0 ? err_set(err, ERR_NOTFOUND, "there is no such person") : rc < 0 ? -1 : 0;
}

static int check_change(const struct person *old, const struct person *person, struct view low,
			struct err *err)
{
	if (check_name(old->source, low, err) < 0)
		return -1;
	if (old->source == PERSON_FIXED && (old->role != person->role || !view_eq(old->name, low)))
		return err_set(err, ERR_USAGE, "%.*s is always there, and keeps its name and role",
			       (int)old->name.len, old->name.data);
	return 0;
}

int people_change(struct catalog *catalog, const struct person *person, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	const struct view low = lower_view(arena, person->name);
	struct person old;

	if (existing(catalog, arena, person->person, &old, err) < 0 ||
	    check_change(&old, person, low, err) < 0)
		return -1;
	if (!view_eq(old.name, low) && check_taken(catalog, &old, low, err) < 0)
		return -1;
	return db_run(catalog_db(catalog), err,
		      "UPDATE people SET name = ?2, shown = ?3, role = ?4, state = ?5, "
		      "language = ?6, theme = ?7 WHERE person = ?1",
		      BIND_INT(person->person), BIND_TEXT(low), BIND_TEXT(person->shown),
		      BIND_INT(person->role), BIND_INT(person->active), BIND_TEXT(person->language),
		      BIND_TEXT(person->theme));
}

int people_logged_in(struct catalog *catalog, uint64_t person, int64_t now_s, struct err *err)
{
	return db_run(catalog_db(catalog), err, "UPDATE people SET login_s = ?2 WHERE person = ?1",
		      BIND_INT(person), BIND_INT(now_s));
}

int people_set_password(struct catalog *catalog, uint64_t person, struct view hash, struct err *err)
{
	return db_run(catalog_db(catalog), err, "UPDATE people SET password = ?2 WHERE person = ?1",
		      BIND_INT(person), hash.data == NULL ? BIND_NULL : BIND_TEXT(hash));
}

/* Every table whose rows go with a person; those marked are handed on when he is tied to another. */
static const struct {
	const char *remove, *tie;
} person_tables[] = {
	{"DELETE FROM person_addresses WHERE person = ?1", NULL},
	{"DELETE FROM group_people WHERE person = ?1", NULL},
	{"DELETE FROM bounds WHERE person = ?1", NULL},
	{"DELETE FROM bound_dates WHERE person = ?1", NULL},
	{"DELETE FROM sessions WHERE person = ?1", NULL},
	{"DELETE FROM api_tokens WHERE person = ?1", NULL},
	{"DELETE FROM totp WHERE person = ?1", NULL},
	{"DELETE FROM recovery_codes WHERE person = ?1", NULL},
	{"DELETE FROM saved_searches WHERE person = ?1",
	 "UPDATE saved_searches SET person = ?2 WHERE person = ?1"},
	{"DELETE FROM tasks WHERE person = ?1", NULL}, /* their files: task_tidy() */
	{"DELETE FROM notes WHERE person = ?1", NULL}, /* tied: tie_notes() */
	{"UPDATE people SET tied = NULL WHERE tied = ?1", NULL},
};

static int remove_rows(struct catalog *catalog, void *arg, struct err *err)
{
	const uint64_t person = *(const uint64_t *)arg;

	if (db_run(catalog_db(catalog), err,
		   "INSERT OR IGNORE INTO index_todo SELECT mail FROM notes WHERE person = ?1",
		   BIND_INT(person)) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(person_tables) / sizeof(*person_tables); i++)
		if (db_run(catalog_db(catalog), err, person_tables[i].remove, BIND_INT(person)) < 0)
			return -1;
	return db_run(catalog_db(catalog), err, "DELETE FROM people WHERE person = ?1",
		      BIND_INT(person));
}

int people_remove(struct catalog *catalog, uint64_t person, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	struct person row;

	if (existing(catalog, arena, person, &row, err) < 0)
		return -1;
	if (row.source == PERSON_FIXED)
		return err_set(err, ERR_USAGE, "%.*s is always there; it can be disabled",
			       (int)row.name.len, row.name.data);
	return write_all(catalog, err, remove_rows, &person);
}

struct tying {
	uint64_t from, to;
};

/* Where both noted something, both texts stay. The index learns whose they are now. */
static int tie_notes(struct db *db, const struct tying *t, struct err *err)
{
	if (db_run(db, err,
		   "INSERT OR IGNORE INTO index_todo SELECT mail FROM notes WHERE person = ?1",
		   BIND_INT(t->from)) < 0 ||
	    db_run(db, err,
		   "INSERT INTO notes SELECT mail, ?2, tags, note FROM notes WHERE person = ?1 "
		   "ON CONFLICT DO UPDATE SET "
		   "tags = trim(tags || char(10) || excluded.tags, char(10)), "
		   "note = trim(note || char(10) || excluded.note, char(10))",
		   BIND_INT(t->from), BIND_INT(t->to)) < 0)
		return -1;
	return db_run(db, err, "DELETE FROM notes WHERE person = ?1", BIND_INT(t->from));
}

static int tie_rows(struct catalog *catalog, void *arg, struct err *err)
{
	const struct tying *t = arg;
	struct db *db = catalog_db(catalog);

	if (tie_notes(db, t, err) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(person_tables) / sizeof(*person_tables); i++)
		if (person_tables[i].tie != NULL &&
		    db_run(db, err, person_tables[i].tie, BIND_INT(t->from), BIND_INT(t->to)) < 0)
			return -1;
	if (db_run(db, err, "DELETE FROM sessions WHERE person = ?1", BIND_INT(t->from)) < 0)
		return -1;
	return db_run(db, err, "UPDATE people SET tied = ?2, state = 0 WHERE person = ?1",
		      BIND_INT(t->from), BIND_INT(t->to));
}

int people_tie(struct catalog *catalog, uint64_t from, uint64_t to, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	struct tying t = {from, to};
	struct person row;

	if (existing(catalog, arena, from, &row, err) < 0)
		return -1;
	if (row.source == PERSON_FIXED || from == to)
		return err_set(err, ERR_USAGE, "%.*s cannot be tied to another person",
			       (int)row.name.len, row.name.data);
	if (existing(catalog, arena, to, &row, err) < 0)
		return -1;
	if (row.tied != 0)
		return err_set(err, ERR_USAGE, "%.*s is tied to somebody else", (int)row.name.len,
			       row.name.data);
	return write_all(catalog, err, tie_rows, &t);
}

/* ---- addresses ---- */

int check_address(struct view addr, struct err *err)
{
	const char *at = memchr(addr.data, '@', addr.len);
	bool fits = at != NULL && at != addr.data && at + 1 < addr.data + addr.len &&
		    addr.len <= 320;

	for (size_t i = 0; fits && i < addr.len; i++)
		fits = (unsigned char)addr.data[i] > ' ' && addr.data[i] != ',' &&
		       addr.data[i] != '<' && addr.data[i] != '>';
	if (!fits)
		return err_set(err, ERR_SYNTAX, "\"%.*s\" is no mail address",
			       (int)(addr.len < 60 ? addr.len : 60), addr.data);
	return 0;
}

struct addressing {
	uint64_t person;
	const struct texts *addresses;
};

static int put_addresses(struct catalog *catalog, void *arg, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	const struct addressing *a = arg;

	if (db_run(catalog_db(catalog), err, "DELETE FROM person_addresses WHERE person = ?1",
		   BIND_INT(a->person)) < 0)
		return -1;
	for (size_t i = 0; i < a->addresses->n; i++) {
		const struct view low = lower_view(arena, view_trim(a->addresses->v[i]));

		if (check_address(low, err) < 0 ||
		    db_run(catalog_db(catalog), err,
			   "INSERT OR IGNORE INTO person_addresses VALUES (?1, ?2)",
			   BIND_INT(a->person), BIND_TEXT(low)) < 0)
			return -1;
	}
	return 0;
}

int people_set_addresses(struct catalog *catalog, uint64_t person, const struct texts *addresses,
			 struct err *err)
{
	struct addressing a = {person, addresses};

	return write_all(catalog, err, put_addresses, &a);
}
