/* SPDX-License-Identifier: GPL-3.0-or-later */
/* restore_priv.h - the part of a restore that a drill has in common with a true one. */
#ifndef BACKUP_RESTORE_PRIV_H
#define BACKUP_RESTORE_PRIV_H

#include "app/archive/regain.h"
#include "backup/restore.h"

/* Find the media at FROM, of which there is at least one place; nothing is changed anywhere. With LENIENT it is enough if
 * one has something; why the others have not is added to its list. */
int restore_find(const struct keyring *keys, const struct site *from, size_t n,
		 struct found_media *found, struct restore_report *lenient, struct err *err);

/* Make catalog.new and the index in DIR, which has the key. *A_R reads mails from the media as they were found, and
 * changes nothing there, also those that are deactivated; FOUND must outlive it. */
int restore_catalog(const char *dir, struct found_media *found, struct archive **a_r,
		    struct regain_report *regained_r, struct restore_report *report,
		    struct err *err);

#endif
