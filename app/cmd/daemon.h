/* SPDX-License-Identifier: GPL-3.0-or-later */
/* daemon.h - the programs beside this one: where they are, how they are started and ended.
 *
 * sealpost-NAME lies beside the running program (as built), or in ../lib/sealpost of the folder it is in (as
 * installed). Nothing but the standard descriptors and what is handed over is open in a started program, as
 * all of ours are close-on-exec, and no signal is blocked or ignored there.
 */
#ifndef APP_CMD_DAEMON_H
#define APP_CMD_DAEMON_H

#include "base/err.h"
#include "base/str.h"

#include <sys/types.h>

enum { DAEMON_FD = 3 }; /* what is handed over becomes this descriptor */

/* The path of sealpost-NAME, appended to PATH. ERR_NOTFOUND: it is in neither place. */
int daemon_path(const char *name, struct str *path, struct err *err);

/* Start sealpost-NAME with ARGS (without its own name; NULL behind the last). HANDED (-1: nothing) becomes
 * DAEMON_FD there and stays the caller's here. The caller waits for *PID_R. */
int daemon_start(const char *name, const char *const *args, int handed, pid_t *pid_r,
		 struct err *err);

/* Wait for its end: 0; ERR_IO if that was not with status 0, ERR_TIMEOUT if it lives on after TIMEOUT_MS (-1: wait for
 * ever). NAME is for the message. */
int daemon_wait(pid_t pid, const char *name, int timeout_ms, struct err *err);
/* Ask it to end (SIGTERM), and wait as daemon_wait() does; one that lives on is killed, and that is ERR_TIMEOUT. */
int daemon_stop(pid_t pid, const char *name, int timeout_ms, struct err *err);

#endif
