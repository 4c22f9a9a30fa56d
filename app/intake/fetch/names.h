/* SPDX-License-Identifier: GPL-3.0-or-later */
/* names.h - a set of texts, each with a number: 0, 1, 2 ... in the order in which they came. */
#ifndef APP_INTAKE_FETCH_NAMES_H
#define APP_INTAKE_FETCH_NAMES_H

#include "base/str.h"

struct names;

struct names *names_new(void);
void names_free(struct names **names);
/* The number of TEXT, of which a copy is kept if it is new. */
size_t names_put(struct names *names, struct view text);
bool names_find(const struct names *names, struct view text, size_t *number_r);
struct view names_text(const struct names *names, size_t number);

#endif
