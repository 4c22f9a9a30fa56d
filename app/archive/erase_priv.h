/* SPDX-License-Identifier: GPL-3.0-or-later */
/* erase_priv.h - what the files of deleting share. */
#ifndef APP_ARCHIVE_ERASE_PRIV_H
#define APP_ARCHIVE_ERASE_PRIV_H

#include "app/archive/erase.h"

/* Delete the live mail in the open transaction. ERR_HELD. */
int mark_deleted(struct archive *a, const struct mail_row *row, uint64_t request, struct err *err);

#endif
