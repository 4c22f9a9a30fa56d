/* SPDX-License-Identifier: GPL-3.0-or-later */
/* guess.h - what an import would do with its mails, without writing anything. */
#ifndef APP_INTAKE_IMPORT_GUESS_H
#define APP_INTAKE_IMPORT_GUESS_H

#include "app/archive/take.h"

struct guess; /* remembers the mails it has seen: a second copy in the mailbox is a duplicate */

struct guess *guess_new(struct archive *a);
void guess_free(struct guess **guess);

/* The outcomes that taker_batch() would give; ids are not set. */
int guess_batch(struct guess *g, struct prepared **mails, size_t n, struct taken *taken,
		struct err *err);

#endif
