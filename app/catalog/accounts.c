/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/catalog/accounts.h"

#include "app/catalog/carry.h"

static const struct {
	const char *name, *def;
	bool secret;
} settings[] = {
#define X(setting, name, def, secret) {name, def, secret},
	ACCOUNT_SETTINGS(X)
#undef X
};

const char *account_setting_name(enum account_setting setting)
{
	return settings[setting].name;
}

bool account_setting_is_secret(enum account_setting setting)
{
	return settings[setting].secret;
}

/* The number of an account: 1, 0 none. */
static int find(struct db *db, struct view name, uint64_t *account_r, bool *is_prototype_r,
		struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_find(db, &q, err, "SELECT account, prototype FROM accounts WHERE name = ?1",
			 BIND_TEXT(name));

	if (rc > 0) {
		*account_r = (uint64_t)stmt_int(q, 0);
		*is_prototype_r = stmt_int(q, 1) != 0;
	}
	return rc;
}

static int find_existing(struct db *db, struct view name, uint64_t *account_r, bool *is_prototype_r,
			 struct err *err)
{
	int rc = find(db, name, account_r, is_prototype_r, err);

	if (rc == 0)
		return err_set(err, ERR_NOTFOUND, "there is no account \"%.*s\"", (int)name.len,
			       name.data);
	return rc < 0 ? -1 : 0;
}

static int set_value(struct db *db, uint64_t account, enum account_setting setting,
		     struct view value, struct err *err)
{
	return db_run(db, err, "INSERT OR REPLACE INTO account_settings VALUES (?1, ?2, ?3)",
		      BIND_INT(account), BIND_TEXT(VIEW(settings[setting].name)), BIND_TEXT(value));
}

static int set_parent(struct db *db, uint64_t account, const char *name, struct err *err)
{
	uint64_t parent;
	bool is_prototype;
	int rc;

	if (name[0] == '\0')
		return db_run(db, err, "UPDATE accounts SET parent = NULL WHERE account = ?1",
			      BIND_INT(account));
	rc = find(db, VIEW(name), &parent, &is_prototype, err);
	if (rc < 0)
		return -1;
	if (rc == 0 || !is_prototype)
		return err_set(err, ERR_NOTFOUND, "there is no prototype \"%s\"", name);
	return db_run(db, err, "UPDATE accounts SET parent = ?2 WHERE account = ?1",
		      BIND_INT(account), BIND_INT(parent));
}

static int apply(struct db *db, uint64_t account, bool is_prototype,
		 const struct account_change *change, struct err *err)
{
	for (int i = 0; i < ACCOUNT_N_SETTINGS; i++)
		if (change->value[i].data != NULL &&
		    set_value(db, account, (enum account_setting)i, change->value[i], err) < 0)
			return -1;
	if (change->parent == NULL)
		return 0;
	if (is_prototype && change->parent[0] != '\0')
		return err_set(err, ERR_USAGE, "a prototype does not inherit from another one");
	return set_parent(db, account, change->parent, err);
}

static int add(struct db *db, struct view name, bool is_prototype,
	       const struct account_change *change, struct err *err)
{
	uint64_t known;
	bool known_prototype;
	int rc = find(db, name, &known, &known_prototype, err);

	if (rc < 0)
		return -1;
	if (rc > 0)
		return err_set(err, ERR_EXISTS, "there is an account \"%.*s\" already",
			       (int)name.len, name.data);
	if (db_run(db, err, "INSERT INTO accounts (name, prototype) VALUES (?1, ?2)",
		   BIND_TEXT(name), BIND_INT(is_prototype)) < 0)
		return -1;
	return apply(db, (uint64_t)db_last_rowid(db), is_prototype, change, err);
}

/* End the transaction that RC came from. */
static int end(struct catalog *catalog, int rc, struct err *err)
{
	if (rc == 0)
		rc = catalog_commit(catalog, err);
	if (rc < 0)
		catalog_rollback(catalog);
	return rc;
}

/* In the transaction that has changed it. */
static int check_it(struct catalog *catalog, struct view name, account_check_fn *check,
		    struct err *err)
{
	CLEAN(arena) arena = arena_new();
	struct account account;

	if (accounts_get(catalog, arena, name, &account, err) < 0)
		return -1;
	return check(&account, err);
}

int accounts_add(struct catalog *catalog, struct view name, bool is_prototype,
		 const struct account_change *change, account_check_fn *check, struct err *err)
{
	int rc;

	if (catalog_begin(catalog, err) < 0)
		return -1;
	rc = add(catalog_db(catalog), name, is_prototype, change, err);
	if (rc == 0)
		rc = check_it(catalog, name, check, err);
	return end(catalog, rc, err);
}

static int change_existing(struct db *db, struct view name, const struct account_change *change,
			   struct err *err)
{
	uint64_t account;
	bool is_prototype;

	if (find_existing(db, name, &account, &is_prototype, err) < 0)
		return -1;
	return apply(db, account, is_prototype, change, err);
}

int accounts_change(struct catalog *catalog, struct view name, const struct account_change *change,
		    account_check_fn *check, struct err *err)
{
	int rc;

	if (catalog_begin(catalog, err) < 0)
		return -1;
	rc = change_existing(catalog_db(catalog), name, change, err);
	if (rc == 0)
		rc = check_it(catalog, name, check, err);
	return end(catalog, rc, err);
}

static int has_heirs(struct db *db, uint64_t account, struct err *err)
{
	CLEAN_STMT q = NULL;

	return db_find(db, &q, err, "SELECT 1 FROM accounts WHERE parent = ?1", BIND_INT(account));
}

static int remove_existing(struct db *db, struct view name, struct err *err)
{
	uint64_t account;
	bool is_prototype;
	int rc;

	if (find_existing(db, name, &account, &is_prototype, err) < 0)
		return -1;
	rc = has_heirs(db, account, err);
	if (rc > 0)
		return err_set(err, ERR_BUSY, "other accounts inherit from \"%.*s\"", (int)name.len,
			       name.data);
	if (rc < 0 ||
	    db_run(db, err, "DELETE FROM fetch_mails WHERE account = ?1", BIND_INT(account)) < 0 ||
	    db_run(db, err, "DELETE FROM fetch_uidls WHERE account = ?1", BIND_INT(account)) < 0 ||
	    db_run(db, err, "DELETE FROM fetch_folders WHERE account = ?1", BIND_INT(account)) <
		    0 ||
	    db_run(db, err, "DELETE FROM account_settings WHERE account = ?1", BIND_INT(account)) <
		    0)
		return -1;
	return db_run(db, err, "DELETE FROM accounts WHERE account = ?1", BIND_INT(account));
}

int accounts_remove(struct catalog *catalog, struct view name, struct err *err)
{
	if (catalog_begin(catalog, err) < 0)
		return -1;
	return end(catalog, remove_existing(catalog_db(catalog), name, err), err);
}

static enum account_setting setting_of(struct view name)
{
	int i = 0;

	while (i < ACCOUNT_N_SETTINGS && !view_eq(name, VIEW(settings[i].name)))
		i++;
	return (enum account_setting)i;
}

/* What ACCOUNT sets, in place of what is there. */
static int overlay(struct db *db, struct arena *arena, uint64_t account, bool own,
		   struct account *a, struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_find(db, &q, err,
			 "SELECT setting, value FROM account_settings WHERE account = ?1",
			 BIND_INT(account));

	for (; rc > 0; rc = stmt_step(q, err)) {
		enum account_setting i = setting_of(stmt_text(q, 0));

		if (i == ACCOUNT_N_SETTINGS) /* of a newer program */
			continue;
		if (!settings[i].secret)
			a->value[i] = arena_view(arena, stmt_text(q, 1));
		a->set[i] = true;
		a->own[i] = own;
	}
	return rc;
}

static int fill(struct db *db, struct arena *arena, uint64_t parent, struct account *a,
		struct err *err)
{
	for (int i = 0; i < ACCOUNT_N_SETTINGS; i++)
		a->value[i] = VIEW(settings[i].def);
	if (parent != 0 && overlay(db, arena, parent, false, a, err) < 0)
		return -1;
	return overlay(db, arena, a->account, true, a, err);
}

int accounts_secret(struct catalog *catalog, uint64_t account, enum account_setting setting,
		    struct secret **secret_r, struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_find(catalog_db(catalog), &q, err,
			 "SELECT s.value FROM account_settings s JOIN accounts a ON a.account = ?1 "
			 "WHERE s.account IN (a.account, a.parent) AND s.setting = ?2 "
			 "ORDER BY s.account = a.account DESC LIMIT 1",
			 BIND_INT(account), BIND_TEXT(VIEW(settings[setting].name)));
	struct view value;

	if (rc <= 0)
		return rc;
	value = stmt_text(q, 0);
	if (value.len == 0)
		return 0;
	*secret_r = secret_copy(value.data, value.len);
	return 1;
}

static struct account row_of(struct arena *arena, struct stmt *q)
{
	struct account a = {
		.account = (uint64_t)stmt_int(q, 0),
		.name = arena_view(arena, stmt_text(q, 1)),
		.is_prototype = stmt_int(q, 2) != 0,
		.run_s = stmt_int(q, 5),
		.run_error = arena_view(arena, stmt_text(q, 6)),
		.waiting = (uint64_t)stmt_int(q, 7),
		.archived = (uint64_t)stmt_int(q, 8),
		.duplicate = (uint64_t)stmt_int(q, 9),
		.failed = (uint64_t)stmt_int(q, 10),
	};

	if (!stmt_is_null(q, 3))
		a.parent = arena_view(arena, stmt_text(q, 4));
	return a;
}

/* NAME NULL: all of them. */
static int read_accounts(struct catalog *catalog, struct arena *arena, const struct view *name,
			 struct accounts *list, struct err *err)
{
	struct db *db = catalog_db(catalog);
	CLEAN_STMT q = NULL;
	int rc = db_find(db, &q, err,
			 "SELECT a.account, a.name, a.prototype, a.parent, p.name, a.run_s, "
			 "a.run_error, a.waiting, coalesce(sum(f.archived), 0), "
			 "coalesce(sum(f.duplicate), 0), coalesce(sum(f.failed), 0) "
			 "FROM accounts a LEFT JOIN accounts p ON p.account = a.parent "
			 "LEFT JOIN fetch_folders f ON f.account = a.account "
			 "WHERE ?1 IS NULL OR a.name = ?1 GROUP BY a.account ORDER BY a.name",
			 name != NULL ? BIND_TEXT(*name) : BIND_NULL);

	for (; rc > 0; rc = stmt_step(q, err)) {
		struct account a = row_of(arena, q);

		if (fill(db, arena, (uint64_t)stmt_int(q, 3), &a, err) < 0)
			return -1;
		ARENA_PUSH(arena, *list, a);
	}
	return rc;
}

int accounts_get(struct catalog *catalog, struct arena *arena, struct view name,
		 struct account *account_r, struct err *err)
{
	struct accounts found = {0};

	if (read_accounts(catalog, arena, &name, &found, err) < 0)
		return -1;
	if (found.n == 0)
		return 0;
	*account_r = found.v[0];
	return 1;
}

int accounts_list(struct catalog *catalog, struct arena *arena, struct accounts *accounts_r,
		  struct err *err)
{
	*accounts_r = (struct accounts){0};
	return read_accounts(catalog, arena, NULL, accounts_r, err);
}

int accounts_set(struct catalog *catalog, uint64_t account, enum account_setting setting,
		 struct view value, struct err *err)
{
	return set_value(catalog_db(catalog), account, setting, value, err);
}

int accounts_note_run(struct catalog *catalog, uint64_t account, int64_t run_s,
		      const char *run_error, uint64_t waiting, struct err *err)
{
	return db_run(catalog_db(catalog), err,
		      "UPDATE accounts SET run_s = ?2, run_error = ?3, waiting = ?4 "
		      "WHERE account = ?1",
		      BIND_INT(account), BIND_INT(run_s), BIND_TEXT(VIEW(run_error)),
		      BIND_INT(waiting));
}

static const struct carry tables[] = {
	{"SELECT account, name, prototype, parent, run_s, run_error, waiting, mailbox "
	 "FROM accounts ORDER BY parent IS NOT NULL",
	 "INSERT INTO accounts (account, name, prototype, parent, run_s, run_error, waiting, "
	 "mailbox) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
	 "itiiitit"},
	{"SELECT account, setting, value FROM account_settings",
	 "INSERT INTO account_settings VALUES (?1, ?2, ?3)", "itt"},
	{"SELECT account, folder, uidvalidity, uid, archived, duplicate, failed FROM fetch_folders",
	 "INSERT INTO fetch_folders VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)", "itiiiii"},
	{"SELECT account, uidl FROM fetch_uidls", "INSERT INTO fetch_uidls VALUES (?1, ?2)", "it"},
	{"SELECT account, folder, uidvalidity, uid, uidl, entry, size, state, outcome "
	 "FROM fetch_mails",
	 "INSERT INTO fetch_mails VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)", "itiitbiii"},
};

int accounts_carry_over(struct catalog *from, struct catalog *to, struct err *err)
{
	return carry_tables(from, to, tables, sizeof(tables) / sizeof(*tables), err);
}
