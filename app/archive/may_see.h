/* SPDX-License-Identifier: GPL-3.0-or-later */
/* may_see.h - a scope, asked of one mail: with what the catalog knows of it, never with what the index does.
 *
 * (MS1) A mail that is not in the scope is answered as one that does not exist: ERR_NOTFOUND with the same words, after the same
 *       look-ups.
 */
#ifndef APP_ARCHIVE_MAY_SEE_H
#define APP_ARCHIVE_MAY_SEE_H

#include "app/archive/archive.h"

/* What scopes ask of a mail; in the arena. */
int mail_sight(struct catalog *catalog, struct arena *arena, const struct mail_row *row,
	       struct scope_mail *sight_r, struct err *err);
int may_see(struct catalog *catalog, const struct scope *scope, const struct mail_row *row,
	    struct err *err); /* 1, 0 */

/* The live mail with this id, if it is in the scope (MS1): 1; 0 with ERR_NOTFOUND, and for who sees all, without bounds, ERR_ERASED
 * if it was erased; -1. */
int mail_find_in(struct archive *a, struct arena *arena, const struct scope *scope,
		 const struct uuid *id, struct mail_row *row_r, struct err *err);

#endif
