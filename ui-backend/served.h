/* SPDX-License-Identifier: GPL-3.0-or-later */
/* served.h - the archive that a worker answers for, open for as long as it is the same.
 *
 * When its databases are replaced by others (restore, rebuild, an index made anew) the next request gets the archive opened anew; those under way
 * end with what they began. One archive now; one of many, by the name of the host, would be chosen here.
 */
#ifndef UI_BACKEND_SERVED_H
#define UI_BACKEND_SERVED_H

#include "app/archive/archive.h"

struct served;
struct held_archive; /* one opening, held by the requests that use it */

struct served *served_new(const char *archive_dir);
void served_free(struct served **served);

/* The archive for one request, to be given back: 1; 0 there is none in that directory yet; -1 it cannot be opened. */
int served_hold(struct served *served, struct held_archive **held_r, struct err *err);
struct archive *held_archive(struct held_archive *held);
void held_archive_free(struct held_archive **held);

#endif
