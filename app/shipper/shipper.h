/* SPDX-License-Identifier: GPL-3.0-or-later */
/* shipper.h - from staging to the shares, for as long as the process lives.
 *
 * (SH1) What is archived is on its share within a minute, if that answers: a megabyte at once, less after SHIP_AGE_S.
 * (SH2) A share that is away ends nothing. It is asked again every few seconds; the log has one line when it goes and one
 *       when it is back, and the catalog says since when (`sealpost medium list`).
 */
#ifndef APP_SHIPPER_SHIPPER_H
#define APP_SHIPPER_SHIPPER_H

#include "app/archive/archive.h"

enum { SHIP_BYTES = 1024 * 1024, SHIP_AGE_S = 30 };

/* Until STOP_FD is readable. ONCE: until nothing waits any more, or nothing that waits can go. -1: the catalog failed; the
 * archive is to be opened anew. */
int shipper_run(struct archive *a, int stop_fd, bool once, struct err *err);

#endif
