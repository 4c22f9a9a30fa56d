/* SPDX-License-Identifier: GPL-3.0-or-later */
/* people_priv.h - what the files about people share. */
#ifndef APP_CATALOG_PEOPLE_PRIV_H
#define APP_CATALOG_PEOPLE_PRIV_H

#include "app/catalog/people.h"

struct view lower_view(struct arena *arena, struct view text); /* ASCII */
int check_address(struct view addr, struct err *err);
/* The first column of all rows. */
int texts_query(struct stmt *q, struct arena *arena, struct texts *texts, struct err *err);

/* FN in the open transaction, or in one of its own. */
typedef int write_fn(struct catalog *catalog, void *arg, struct err *err);
int write_all(struct catalog *catalog, struct err *err, write_fn *fn, void *arg);

#endif
