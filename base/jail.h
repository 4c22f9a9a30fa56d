/* SPDX-License-Identifier: GPL-3.0-or-later */
/* jail.h - what a daemon gives up before it touches input.
 *
 * The outer walls are the service manager's (package/); these are the ones that a process builds
 * itself, so that they stand in a trial, too.
 */
#ifndef BASE_JAIL_H
#define BASE_JAIL_H

#include "base/err.h"

/* Block SIGTERM and SIGINT and give a descriptor that is readable once one of them came. Before any thread
 * or child starts. Also ignores SIGPIPE. If FOLLOW_PARENT, the end of the parent process, even by kill -9, is a
 * SIGTERM to this one. */
int jail_signals(bool follow_parent, int *stop_fd_r, struct err *err);

/* For what is started by hand as well as by our programs: if one of those is the parent, its end, even by kill -9, is a SIGTERM
 * to this process. */
int jail_follow_starter(struct err *err);

/* If this process is root and USER is not empty: become that user, with its groups. Then, for good: no new
 * privileges by exec, no core dumps, at most FILES open files. */
int jail_enter(const char *user, unsigned files, struct err *err);

/* The first half alone, for what starts programs that have privileges of their own. */
int jail_become(const char *user, struct err *err);

#endif
