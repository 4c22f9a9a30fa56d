/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/access/rights.h"

/* In the order of the columns. */
static const enum person_role columns[] = {PERSON_ROLE_USER,        PERSON_ROLE_ADMIN,
					   PERSON_ROLE_AUDITOR,     PERSON_ROLE_REVISOR,
					   PERSON_ROLE_DATAOFFICER, PERSON_ROLE_UPLOADER};
enum { COLUMNS = sizeof(columns) / sizeof(*columns) };

static const struct {
	const char *name;
	bool may[COLUMNS];
} rows[] = {
#define X(right, ...) {#right, {__VA_ARGS__}},
	RIGHTS(X)
#undef X
};

static const struct {
	const char *name;
	unsigned scope, rights;
} scopes_table[] = {
#define X(scope, number, name, rights) {name, number, rights},
	TOKEN_SCOPES(X)
#undef X
};
enum { SCOPES = sizeof(scopes_table) / sizeof(*scopes_table) };

unsigned rights_of_role(enum person_role role)
{
	unsigned rights = 0;

	for (size_t c = 0; c < COLUMNS; c++)
		for (size_t r = 0; columns[c] == role && r < sizeof(rows) / sizeof(*rows); r++)
			if (rows[r].may[c])
				rights |= 1U << r;
	return rights;
}

const char *right_name(enum right_place place)
{
	return rows[place].name;
}

unsigned rights_of_scopes(unsigned scopes)
{
	unsigned rights = 0;

	for (size_t i = 0; i < SCOPES; i++)
		if (scopes & scopes_table[i].scope)
			rights |= scopes_table[i].rights;
	return rights;
}

int token_scope_by_name(struct view name, unsigned *scope_r)
{
	for (size_t i = 0; i < SCOPES; i++)
		if (view_eq(VIEW(scopes_table[i].name), name)) {
			*scope_r = scopes_table[i].scope;
			return 1;
		}
	return 0;
}

void token_scopes_each(unsigned scopes, void (*fn)(void *arg, const char *name), void *arg)
{
	for (size_t i = 0; i < SCOPES; i++)
		if (scopes & scopes_table[i].scope)
			fn(arg, scopes_table[i].name);
}
