/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/catalog/person_source.h"

#include "base/err.h"

static const struct {
	const char *name;
	bool usable;
} rows[PERSON_N_SOURCES] = {
#define X(source, number, name, usable) [PERSON_##source] = {name, usable},
	PERSON_SOURCES(X)
#undef X
};

const char *person_source_name(enum person_source source)
{
	must(source < PERSON_N_SOURCES);
	return rows[source].name;
}

bool person_source_usable(enum person_source source)
{
	must(source < PERSON_N_SOURCES);
	return rows[source].usable;
}

int person_source_by_name(struct view name, enum person_source *source_r)
{
	for (unsigned i = 0; i < PERSON_N_SOURCES; i++) {
		if (view_eq(name, VIEW(rows[i].name))) {
			*source_r = (enum person_source)i;
			return 1;
		}
	}
	return 0;
}
