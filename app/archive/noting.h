/* SPDX-License-Identifier: GPL-3.0-or-later */
/* noting.h - a person's note on a mail, written so that a search finds it at once. */
#ifndef APP_ARCHIVE_NOTING_H
#define APP_ARCHIVE_NOTING_H

#include "app/archive/archive.h"
#include "app/catalog/notes.h"

/* Whoever calls asked whether the person may see the mail. ERR_TOOBIG: nothing was written. If another process writes the index, it
 * takes the note along, or the next catch-up does. */
int note_mail(struct archive *a, const struct note *note, struct err *err);

#endif
