/* SPDX-License-Identifier: GPL-3.0-or-later */
/* room.h - memory for large mails that are read or given out, so that no number of people who fetch them by slow lines fills a small machine.
 *
 * A mail is in memory as a whole until the last byte of the answer was sent. Each worker has ROOM_OWN bytes for such answers; what goes beyond
 * takes of ROOM_UNITS units of ROOM_UNIT bytes that the workers share: each is a locked file, so that a worker that dies gives back what
 * it had. A mail that is larger than all units takes all of them, so one can always be read. What is below ROOM_SMALL is not counted.
 */
#ifndef UI_BACKEND_ROOM_H
#define UI_BACKEND_ROOM_H

#include "base/err.h"

#include <stdint.h>

enum { ROOM_SMALL = 1 << 20, ROOM_OWN = 32 << 20, ROOM_UNIT = 32 << 20, ROOM_UNITS = 8 };

struct room;       /* a worker's */
struct room_share; /* what one answer has of it */

struct room *room_new(const char *archive_dir);
void room_free(struct room **room);

/* ERR_OVERLOAD: there is not so much left; nothing was taken. *SHARE_R may be NULL, when nothing has to be given back. */
int room_take(struct room *room, uint64_t bytes, struct room_share **share_r, struct err *err);
void room_give(struct room_share **share);

#endif
