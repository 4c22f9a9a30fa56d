/* SPDX-License-Identifier: GPL-3.0-or-later */
/* conf_edit.h - one setting of a file that a person may edit as well (conf.h): all other lines stay as they are. Whoever reads the file checks
 * the value; so should whoever sets it. */
#ifndef BASE_CONF_EDIT_H
#define BASE_CONF_EDIT_H

#include "base/err.h"
#include "base/str.h"

/* NAME has these values, a line each, instead of those it had; none: it is not set any more. The file is replaced whole, or made. ERR_SYNTAX: a
 * value is no line. */
int conf_edit(const char *path, const char *name, const struct view *values, size_t n,
	      struct err *err);

#endif
