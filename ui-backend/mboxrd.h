/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mboxrd.h - a mailbox that comes in pieces, taken apart into its mails.
 *
 * A line "From ..." that is the first one, or stands behind an empty line, begins a mail; the empty line is none of the mail before. A line
 * of ">" and "From " loses one ">". So it is what app/archive/export.h writes, byte for byte. A file whose quoting is not known is for `sealpost
 * import`, which has all of it to judge by.
 */
#ifndef UI_BACKEND_MBOXRD_H
#define UI_BACKEND_MBOXRD_H

#include "base/err.h"
#include "base/str.h"

struct mboxrd_ops {
	int (*begin)(void *arg, struct err *err);
	int (*add)(void *arg, struct view piece, struct err *err);
	int (*end)(void *arg, struct err *err);
};

struct mboxrd;
struct mboxrd *mboxrd_new(const struct mboxrd_ops *ops, void *arg);
void mboxrd_free(struct mboxrd **m);
/* ERR_NOTMAIL: what comes before the first "From " line is no mail. */
int mboxrd_add(struct mboxrd *m, struct view piece, struct err *err);
int mboxrd_end(struct mboxrd *m, struct err *err);

#endif
