/* SPDX-License-Identifier: GPL-3.0-or-later */
/* metrics_server.h - answers GET /metrics to a monitoring program on this machine (app/watch/metrics.h).
 *
 * It is a process of its own beside the workers of sealpost-api, at an address of its own, so that the reverse proxy cannot pass on what is
 * asked of it, nobody's search waits for it, and no other program needs the key. It answers one connection at a time, waits for
 * a slow client for seconds only, and reads nothing but a request's head. Whoever is on this machine may ask: they are numbers, and nothing of any mail.
 */
#ifndef UI_BACKEND_METRICS_SERVER_H
#define UI_BACKEND_METRICS_SERVER_H

#include "base/err.h"

/* Until STOP_FD is readable. */
int metrics_serve(const char *archive_dir, int listener, int stop_fd, struct err *err);

#endif
