/* SPDX-License-Identifier: GPL-3.0-or-later */
/* carry.h - rows of an older catalog brought into a new one, as they are: what no pack knows. */
#ifndef APP_CATALOG_CARRY_H
#define APP_CATALOG_CARRY_H

#include "app/catalog/catalog.h"

/* Column by column: i a number, t a text, b bytes; what is NULL stays NULL. The INSERT binds them in their order. */
struct carry {
	const char *select, *insert, *types;
};
/* In the open transaction of TO, table by table. An older catalog without such a table is an error. */
int carry_tables(struct catalog *from, struct catalog *to, const struct carry *tables, size_t n,
		 struct err *err);

#endif
