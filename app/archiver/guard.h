/* SPDX-License-Identifier: GPL-3.0-or-later */
/* guard.h - the lock of an archive's one archiver, and in it what is in hand: so that a mail which the
 * archiver does not survive cannot stop it for ever.
 *
 * ARCHIVE/archiver.lock says
 *     nothing               the archiver ended well, or nothing was to do
 *     batch                 a batch was in hand
 *     one ID TRIES CRASHES  this entry alone was in hand, for the so-manieth time; so often it crashed
 * with "!" behind it if it ended by a signal of its own making (SIGSEGV and its like). It is written
 * without sync, for it guards against our own end, not against loss of power.
 *
 * After an end without warning the archiver is careful: it takes one entry at a time, and notes which. One
 * over which it crashed three times, or ended ten times whatever the way (lack of memory, an endless loop,
 * kill -9), is to be put aside. Random kills of the process do not hit the same entry ten times in a row.
 */
#ifndef APP_ARCHIVER_GUARD_H
#define APP_ARCHIVER_GUARD_H

#include "base/err.h"
#include "base/id.h"

struct guard; /* one a process */

/* Take the lock. ERR_BUSY: the archive has an archiver already. */
int guard_open(const char *archive_dir, struct guard **guard_r, struct err *err);
void guard_free(struct guard **guard);

/* Did the last archiver end without warning, and guard_rest() has not been called since? */
bool guard_is_careful(const struct guard *guard);
/* The entry that was in hand then, to be tried first; NULL: it is not known. */
const struct uuid *guard_suspect(const struct guard *guard);

/* A batch is in hand. */
void guard_batch(struct guard *guard);
/* This entry alone is. False: it is to be put aside, WHY. */
bool guard_one(struct guard *guard, const struct uuid *id, struct err *why);
/* Nothing is. */
void guard_rest(struct guard *guard);

#endif
