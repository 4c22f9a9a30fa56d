/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/catalog/fetched.h"

int fetched_is_of(struct catalog *catalog, uint64_t account, struct view mailbox, struct err *err)
{
	CLEAN_STMT q = NULL;

	return db_find(catalog_db(catalog), &q, err,
		       "SELECT 1 FROM accounts WHERE account = ?1 AND mailbox IN ('', ?2)",
		       BIND_INT(account), BIND_TEXT(mailbox));
}

static int forget(struct db *db, uint64_t account, struct err *err)
{
	if (db_run(db, err, "DELETE FROM fetch_mails WHERE account = ?1", BIND_INT(account)) < 0 ||
	    db_run(db, err, "DELETE FROM fetch_uidls WHERE account = ?1", BIND_INT(account)) < 0)
		return -1;
	return db_run(db, err,
		      "UPDATE fetch_folders SET uidvalidity = 0, uid = 0 WHERE account = ?1",
		      BIND_INT(account));
}

static int claim(struct catalog *catalog, uint64_t account, struct view mailbox, struct err *err)
{
	int rc = fetched_is_of(catalog, account, mailbox, err);

	if (rc < 0 || (rc == 0 && forget(catalog_db(catalog), account, err) < 0))
		return -1;
	return db_run(catalog_db(catalog), err,
		      "UPDATE accounts SET mailbox = ?2 WHERE account = ?1", BIND_INT(account),
		      BIND_TEXT(mailbox));
}

int fetched_claim(struct catalog *catalog, uint64_t account, struct view mailbox, struct err *err)
{
	if (catalog_begin(catalog, err) < 0)
		return -1;
	if (claim(catalog, account, mailbox, err) == 0 && catalog_commit(catalog, err) == 0)
		return 0;
	catalog_rollback(catalog);
	return -1;
}

int fetched_each_mail(struct catalog *catalog, uint64_t account, fetched_mail_fn *fn, void *arg,
		      struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_find(catalog_db(catalog), &q, err,
			 "SELECT folder, uidvalidity, uid, uidl, entry, size, state, outcome "
			 "FROM fetch_mails WHERE account = ?1 "
			 "ORDER BY folder, uidvalidity, uid, uidl",
			 BIND_INT(account));

	for (; rc > 0; rc = stmt_step(q, err)) {
		struct fetched_mail m = {
			.which = {.folder = stmt_text(q, 0),
				  .uidvalidity = (uint64_t)stmt_int(q, 1),
				  .uid = (uint64_t)stmt_int(q, 2),
				  .uidl = stmt_text(q, 3)},
			.size_bytes = (uint64_t)stmt_int(q, 5),
			.state = (enum fetched_state)stmt_int(q, 6),
			.outcome = (enum fetched_outcome)stmt_int(q, 7),
		};
		struct view entry = stmt_blob(q, 4);

		if (entry.len == UUID_BYTES)
			memcpy(m.entry.b, entry.data, UUID_BYTES);
		if (fn(arg, &m, err) < 0)
			return -1;
	}
	return rc;
}

int fetched_each_folder(struct catalog *catalog, uint64_t account, fetched_folder_fn *fn, void *arg,
			struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_find(catalog_db(catalog), &q, err,
			 "SELECT folder, uidvalidity, uid, archived, duplicate, failed "
			 "FROM fetch_folders WHERE account = ?1 ORDER BY folder",
			 BIND_INT(account));

	for (; rc > 0; rc = stmt_step(q, err)) {
		struct fetched_folder f = {
			.folder = stmt_text(q, 0),
			.uidvalidity = (uint64_t)stmt_int(q, 1),
			.uid = (uint64_t)stmt_int(q, 2),
			.archived = (uint64_t)stmt_int(q, 3),
			.duplicate = (uint64_t)stmt_int(q, 4),
			.failed = (uint64_t)stmt_int(q, 5),
		};

		if (fn(arg, &f, err) < 0)
			return -1;
	}
	return rc;
}

int fetched_each_uidl(struct catalog *catalog, uint64_t account, fetched_uidl_fn *fn, void *arg,
		      struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_find(catalog_db(catalog), &q, err,
			 "SELECT uidl FROM fetch_uidls WHERE account = ?1", BIND_INT(account));

	for (; rc > 0; rc = stmt_step(q, err))
		if (fn(arg, stmt_text(q, 0), err) < 0)
			return -1;
	return rc;
}

int fetched_mail_put(struct catalog *catalog, uint64_t account, const struct fetched_mail *mail,
		     struct err *err)
{
	const struct fetched_which *w = &mail->which;

	return db_run(catalog_db(catalog), err,
		      "INSERT OR REPLACE INTO fetch_mails "
		      "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
		      BIND_INT(account), BIND_TEXT(w->folder), BIND_INT(w->uidvalidity),
		      BIND_INT(w->uid), BIND_TEXT(w->uidl), BIND_UUID(&mail->entry),
		      BIND_INT(mail->size_bytes), BIND_INT(mail->state), BIND_INT(mail->outcome));
}

int fetched_mail_done(struct catalog *catalog, uint64_t account, const struct fetched_which *which,
		      struct err *err)
{
	return db_run(catalog_db(catalog), err,
		      "DELETE FROM fetch_mails WHERE account = ?1 AND folder = ?2 "
		      "AND uidvalidity = ?3 AND uid = ?4 AND uidl = ?5",
		      BIND_INT(account), BIND_TEXT(which->folder), BIND_INT(which->uidvalidity),
		      BIND_INT(which->uid), BIND_TEXT(which->uidl));
}

int fetched_folder_put(struct catalog *catalog, uint64_t account,
		       const struct fetched_folder *folder, struct err *err)
{
	return db_run(catalog_db(catalog), err,
		      "INSERT INTO fetch_folders VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) "
		      "ON CONFLICT DO UPDATE SET uidvalidity = ?3, uid = ?4, "
		      "archived = archived + ?5, duplicate = duplicate + ?6, failed = failed + ?7",
		      BIND_INT(account), BIND_TEXT(folder->folder), BIND_INT(folder->uidvalidity),
		      BIND_INT(folder->uid), BIND_INT(folder->archived),
		      BIND_INT(folder->duplicate), BIND_INT(folder->failed));
}

int fetched_uidl_put(struct catalog *catalog, uint64_t account, struct view uidl, struct err *err)
{
	return db_run(catalog_db(catalog), err, "INSERT OR IGNORE INTO fetch_uidls VALUES (?1, ?2)",
		      BIND_INT(account), BIND_TEXT(uidl));
}
