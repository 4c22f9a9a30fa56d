/* SPDX-License-Identifier: GPL-3.0-or-later */
/* conf.h - settings in a text file: "name = value" lines, # comments, checked whole before use.
 *
 * A program lists its settings in one table of rows; an unknown name, a value that is malformed or
 * out of bounds, or a name given twice is ERR_SYNTAX with file and line. Numbers may end in k, M or G
 * (powers of 1024), where a setting says so a number may be "auto", switches are yes or no, a list takes one value a line and may be set again,
 * and where there is a choice it is of the words named.
 */
#ifndef BASE_CONF_H
#define BASE_CONF_H

#include "base/err.h"
#include "base/str.h"

#include <stdint.h>

struct conf_list {
	char **v; /* owned by the list */
	size_t n;
};

/* One of a few words, "daily"; CHOSEN is its place among them. */
struct conf_choice {
	const char *const *words; /* NULL behind the last; not owned */
	size_t chosen;
};

enum conf_kind { CONF_NUMBER, CONF_NUMBER_OR_AUTO, CONF_TEXT, CONF_SWITCH, CONF_LIST, CONF_CHOICE };

#define CONF_AUTO UINT64_MAX /* the value of "auto"; no number is as large */

struct conf_row {
	const char *name;
	void *value; /* uint64_t *, char ** (owned), bool *, struct conf_list *, struct conf_choice *:
			holds the default, is set from the file. A list's defaults go when its first line is met. */
	uint64_t min, max; /* of a number; of a text's or a list item's length in bytes */
	const char *doc;   /* one line, for the guide's chapter on settings */
	enum conf_kind kind;
};

void conf_list_add(struct conf_list *list, const char *text); /* a copy of TEXT */
void conf_list_clear(struct conf_list *list);

/* A missing file leaves the defaults. After an error the values are of no use but can be freed. */
int conf_read(const char *path, const struct conf_row *rows, size_t n, struct err *err);
/* The rows as a table in Markdown, with the values that they hold now as defaults: what the guide shows. */
void conf_table(const struct conf_row *rows, size_t n, struct str *out);
/* "64M" to a number; 0, or -1 when malformed or more than 64 bits. */
int conf_number(const char *text, uint64_t *n_r);

#endif
