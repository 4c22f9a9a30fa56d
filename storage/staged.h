/* SPDX-License-Identifier: GPL-3.0-or-later */
/* staged.h - a medium across a network, with a folder of the local disk in front of it: itself a medium.
 *
 * (G1) What is created is written and synced in the staging folder; that is what makes it durable. Somebody else
 *      (app/archive/ship.h) carries it to the far medium, and removes it from staging once it was read back there.
 *      Whether the far medium has such a name already is not asked: names are new because numbers are.
 * (G2) A name that is in staging is read, measured and appended to there. Any other is read from the far medium.
 *      medium_list() gives both, each name once.
 * (G3) The far medium is connected when it is first needed, and anew after it failed: but not within RETRY_MS after a
 *      failure, when every call that needs it is ERR_OFFLINE at once, with the failure's own words. Before a name is called
 *      missing there, it is connected anew: another one may stand in its place by now.
 * (G4) To reopen or cut a file that is only on the far medium brings it into staging first, whole.
 * (G5) medium_remove() takes a name from both; if the far medium does not answer it fails, and is to be repeated.
 *
 * medium_type() and medium_location() are the far medium's.
 */
#ifndef STORAGE_STAGED_H
#define STORAGE_STAGED_H

#include "storage/medium.h"

enum { STAGED_RETRY_MS = 5000 };

/* Give the far medium, checked to be the right one. Why it cannot be had is told to whoever asked, as ERR_OFFLINE or
 * ERR_TIMEOUT, whatever its kind: nothing is known of the file that was asked for. */
typedef int staged_connect_fn(void *arg, struct medium **far_r, struct err *err);

/* STAGING is a local medium, taken over. CONNECT and ARG must outlive it. RESERVE_BYTES of
 * staging's disk are left free (FILE_RESERVE_AUTO: half of file_reserve()): medium_create() is ERR_NOSPACE when less is left
 * and a pack is in staging, whose shipping would free some. Of an empty staging one more pack is always begun: it is what
 * empties the spool. */
struct medium *medium_staged_new(struct medium *staging, const char *type, const char *location,
				 uint64_t reserve_bytes, staged_connect_fn *connect, void *arg);
bool medium_is_staged(const struct medium *medium);
/* Would medium_create() be ERR_NOSPACE now? */
int staged_check_room(struct medium *staged, struct err *err);
struct medium *staged_near(struct medium *staged); /* the local one; stays the staged one's */
/* The far one, connected if need be (G3); stays the staged one's, until the next call that fails with it. */
int staged_far(struct medium *staged, struct medium **far_r, struct err *err);
/* Whoever used the far one itself and saw it fail, or knows that it is not to be used now, tells it here: it is let go
 * of, and WHY is what others are told (G3). */
void staged_far_failed(struct medium *staged, const struct err *why);

/* It may be asked again at once, whatever failed before. */
void staged_ask_again(struct medium *staged);

/* A medium that refuses to be changed (ERR_DENIED) in front of INNER, which it takes over. For drills. */
struct medium *medium_readonly_new(struct medium *inner);

#endif
