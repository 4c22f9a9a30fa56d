/* SPDX-License-Identifier: GPL-3.0-or-later */
/* conf.h - settings in a text file: "name = value" lines, # comments, checked whole before use.
 *
 * A program lists its settings in one table of rows; an unknown name, a value that is malformed or
 * out of bounds, or a name given twice is ERR_SYNTAX with file and line. Numbers may end in k, M or G
 * (powers of 1024).
 */
#ifndef BASE_CONF_H
#define BASE_CONF_H

#include "base/err.h"

#include <stdint.h>

struct conf_row {
	const char *name;
	uint64_t *value; /* holds the default, is set from the file */
	uint64_t min, max;
	const char *doc; /* one line, for the guide's chapter on settings */
};

/* A missing file leaves the defaults. */
int conf_read(const char *path, const struct conf_row *rows, size_t n, struct err *err);
/* "64M" to a number; 0, or -1 when malformed or more than 64 bits. */
int conf_number(const char *text, uint64_t *n_r);

#endif
