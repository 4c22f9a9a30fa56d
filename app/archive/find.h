/* SPDX-License-Identifier: GPL-3.0-or-later */
/* find.h - a query to mails: index, scope and catalog together.
 *
 * Only mails that are live and in the scope come out, and they alone are counted.
 */
#ifndef APP_ARCHIVE_FIND_H
#define APP_ARCHIVE_FIND_H

#include "app/archive/archive.h"

typedef int find_fn(void *arg, const struct mail_row *row, struct err *err);

/* Call FN for up to LIMIT mails that match, from OFFSET on, newest sent first. */
int find_mails(struct archive *a, struct view query, const struct scope *scope, uint64_t offset,
	       uint64_t limit, find_fn *fn, void *arg, struct err *err);
int find_count(struct archive *a, struct view query, const struct scope *scope, uint64_t *count_r,
	       struct err *err);

#endif
