/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/archive/noting.h"

#include "app/archive/catch_up.h"

int note_mail(struct archive *a, const struct note *note, struct err *err)
{
	struct catalog *catalog = archive_catalog(a);

	if (catalog_begin(catalog, err) < 0)
		return -1;
	if (notes_set(catalog, note, err) < 0 || todo_add(catalog, note->mail, err) < 0 ||
	    catalog_commit(catalog, err) < 0) {
		catalog_rollback(catalog);
		return -1;
	}
	return index_catch_up_soon(a, err) < 0 ? -1 : 0;
}
