/* SPDX-License-Identifier: GPL-3.0-or-later */
/* alter - changes an archive's catalog as somebody would who has the key; for tests of what is noticed then.
 *
 *     alter ARCHIVE SQL
 */
#include "app/archive/archive.h"

#include <stdio.h>

int main(int argc, char **argv)
{
	CLEAN(archive) a = NULL;
	struct err err = {0};

	must(argc == 3);
	if (archive_open(argv[1], &a, &err) == 0 &&
	    db_exec(catalog_db(archive_catalog(a)), argv[2], &err) == 0)
		return 0;
	fprintf(stderr, "alter: %s: %s\n", err_code(err.kind), err.text);
	return 1;
}
