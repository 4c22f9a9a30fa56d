/* SPDX-License-Identifier: GPL-3.0-or-later */
/* master.h - the workers of sealpost-api: forked once, replaced when one dies, told to end together. Beside them, if it is asked for, the
 * process that tells metrics (metrics_server.h).
 *
 * If the master is killed, its workers die with it. */
#ifndef UI_BACKEND_MASTER_H
#define UI_BACKEND_MASTER_H

#include "ui-backend/server.h"

/* Until STOP_FD is readable. -1: workers do not stay up. */
int master_run(const struct server_options *options, int stop_fd, struct err *err);

#endif
