/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/catalog/carry.h"

static int carry_row(struct stmt *row, struct db *to, const struct carry *t, struct err *err)
{
	CLEAN_STMT q = NULL;

	if (db_query(to, t->insert, &q, err) < 0)
		return -1;
	for (int i = 0; t->types[i] != '\0'; i++) {
		if (stmt_is_null(row, i))
			stmt_bind_null(q, i + 1);
		else if (t->types[i] == 'i')
			stmt_bind_int(q, i + 1, stmt_int(row, i));
		else if (t->types[i] == 't')
			stmt_bind_text(q, i + 1, stmt_text(row, i));
		else
			stmt_bind_blob(q, i + 1, stmt_blob(row, i).data, stmt_blob(row, i).len);
	}
	return stmt_run(q, err);
}

int carry_tables(struct catalog *from, struct catalog *to, const struct carry *tables, size_t n,
		 struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		CLEAN_STMT q = NULL;
		int rc = db_query(catalog_db(from), tables[i].select, &q, err);

		while (rc >= 0 && (rc = stmt_step(q, err)) > 0)
			if (carry_row(q, catalog_db(to), &tables[i], err) < 0)
				return -1;
		if (rc < 0)
			return -1;
	}
	return 0;
}
