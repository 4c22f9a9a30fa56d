/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/catalog/receipts.h"

#include "app/catalog/fetched.h"

int receipts_put(struct catalog *catalog, const struct uuid *entry, const struct receipt *receipt,
		 int64_t now_s, struct err *err)
{
	return db_run(catalog_db(catalog), err,
		      "INSERT OR REPLACE INTO receipts VALUES (?1, ?2, ?3, ?4)", BIND_UUID(entry),
		      BIND_INT(receipt->outcome),
		      receipt->outcome == RECEIPT_STUCK ? BIND_NULL : BIND_UUID(&receipt->mail),
		      BIND_INT(now_s));
}

int receipts_get(struct catalog *catalog, const struct uuid *entry, struct receipt *receipt_r,
		 struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_find(catalog_db(catalog), &q, err,
			 "SELECT outcome, mail FROM receipts WHERE entry = ?1", BIND_UUID(entry));
	struct view mail;

	if (rc <= 0)
		return rc;
	*receipt_r = (struct receipt){.outcome = (enum receipt_outcome)stmt_int(q, 0)};
	mail = stmt_blob(q, 1);
	if (mail.len == UUID_BYTES)
		memcpy(receipt_r->mail.b, mail.data, UUID_BYTES);
	return 1;
}

int receipts_expire(struct catalog *catalog, int64_t before_s, struct err *err)
{
	return db_run(catalog_db(catalog), err,
		      "DELETE FROM receipts WHERE made_s < ?1 "
		      "AND entry NOT IN (SELECT entry FROM fetch_mails WHERE state = ?2)",
		      BIND_INT(before_s), BIND_INT(FETCHED_SPOOLED));
}
