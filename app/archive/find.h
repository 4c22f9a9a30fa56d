/* SPDX-License-Identifier: GPL-3.0-or-later */
/* find.h - a query to mails: index, scope and catalog together.
 *
 * Only mails that are live and in the scope come out, and they alone are counted.
 */
#ifndef APP_ARCHIVE_FIND_H
#define APP_ARCHIVE_FIND_H

#include "app/archive/archive.h"

typedef int find_fn(void *arg, const struct mail_row *row, struct err *err);

/* Page by page, newest sent first: FN for up to LIMIT mails behind the place FROM (0: from the newest). *NEXT_R: the place to go on from;
 * 0: that was all. Mail that comes meanwhile makes no page overlap another. */
int find_page(struct archive *a, struct view query, const struct scope *scope, int64_t from,
	      size_t limit, find_fn *fn, void *arg, int64_t *next_r, struct err *err);
/* The mails before and behind MAIL in that list. */
struct find_neighbours {
	bool has_newer, has_older;
	struct uuid newer, older;
};
int find_neighbours(struct archive *a, struct view query, const struct scope *scope,
		    const struct mail_row *mail, struct find_neighbours *neighbours_r,
		    struct err *err);
/* The conversation that MAIL belongs to, itself among them: by References, or In-Reply-To from one to the next, as far as mails in the
 * scope lead. In the order in which they were sent; at most 500. */
int find_conversation(struct archive *a, const struct scope *scope, const struct mail_row *mail,
		      find_fn *fn, void *arg, struct err *err);

/* Call FN for up to LIMIT mails that match, from OFFSET on, newest sent first. */
int find_mails(struct archive *a, struct view query, const struct scope *scope, uint64_t offset,
	       uint64_t limit, find_fn *fn, void *arg, struct err *err);
int find_count(struct archive *a, struct view query, const struct scope *scope, uint64_t *count_r,
	       struct err *err);

#endif
