/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ship.h - what a command does that has put something into staging: it sees to it that it gets to its medium. Nothing
 * depends on that: what is in staging is durable, is read from there, and sealpost-shipper carries it, too.
 */
#ifndef APP_CMD_SHIP_H
#define APP_CMD_SHIP_H

#include "app/cmd/cmd.h"

#include <sys/types.h>

/* If new packs go to a medium across a network: a sealpost-shipper beside this process, until ship_beside_end().
 * 0: there is none, or none is needed. */
pid_t ship_beside(const struct cmd *cmd, struct archive *a);
void ship_beside_end(pid_t *pid);

/* Carry what waits now, with progress on a terminal, for as long as STOP (asked with ARG) is false; then say what waits
 * still, and why. */
void ship_now(const struct cmd *cmd, struct archive *a, bool (*stop)(void *arg), void *arg);

#endif
