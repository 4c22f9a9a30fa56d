/* SPDX-License-Identifier: GPL-3.0-or-later */
/* throttle.h - log-ins that fail slow down: by the name that was typed, and by the client's address.
 *
 * (TH1) From the 5th failure in a row of a name, and the 20th of an address (an office may share one), the next try has to wait: 1 second, then twice
 *       as long each time, 15 minutes at most. Who has to wait is not let in with the right password, either.
 * (TH2) A name is known by a keyed hash of what was typed, whether somebody has it or not.
 * (TH3) A success forgets the name's failures; a day without any forgets both. The table is bounded.
 */
#ifndef APP_ACCESS_THROTTLE_H
#define APP_ACCESS_THROTTLE_H

#include "app/catalog/catalog.h"

/* 1 try; 0 not before WAIT_S seconds from now. CLIENT may be empty: not known. */
int throttle_ask(struct catalog *catalog, struct view name, struct view client, int64_t now_s,
		 int64_t *wait_s_r, struct err *err);
int throttle_failed(struct catalog *catalog, struct view name, struct view client, int64_t now_s,
		    struct err *err);
int throttle_right(struct catalog *catalog, struct view name, struct err *err);

#endif
