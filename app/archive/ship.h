/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ship.h - from staging to the media: what was archived while, or before, a medium across the network was there.
 *
 * (H1) Only bytes that the catalog calls durable are shipped; they never change, so a write that timed out and
 *      lands later lands on its like.
 * (H2) A sealed pack leaves staging after it was read back from the medium and its SHA-256 compared; one that differs
 *      is removed there and shipped anew. Then the catalog, then the file: a crash in between costs a comparison.
 * (H3) A pack that was replaced is removed from the medium only after the one that replaces it has arrived.
 * (H4) One process ships at a time for each medium (ARCHIVE/lock/ship-N).
 * (H5) What is no pack (catalog/, evidence/) is whole when it has its name, and goes whole: as ".part" first, which gets
 *      its name when it was read back. ".part" names stay in staging.
 * (H6) Before a byte goes there, a medium has shown its label in this very run, and once more before anything leaves
 *      staging.
 * (H7) Whenever this process sweeps (its first run for a medium, and then daily), files that nothing names any more
 *      go: on the medium a replaced pack that should be gone, and a ".part" older than a day; in staging a pack that
 *      arrived, and one that is void. A pack that the catalog does not know as replaced is never removed but told: it may
 *      be mail that an older catalog has forgotten ("sealpost rebuild" takes it in).
 *
 * The catalog learns how each medium was found (media_note_answer()), also local ones, and those for which nothing
 * waits: when it changed, else once a minute.
 */
#ifndef APP_ARCHIVE_SHIP_H
#define APP_ARCHIVE_SHIP_H

#include "app/archive/archive.h"
#include "storage/copy.h"

struct ship_report {
	uint64_t bytes;   /* carried in this run */
	uint64_t settled; /* packs and other files that left staging in this run */
	uint64_t packs_waiting, bytes_waiting; /* of all media, after it */
	uint64_t files_waiting;                /* likewise, of what is no pack */
	/* Media that something waits for and that do not answer, or cannot take it; the catalog says why. */
	unsigned media_away;
};

/* Ship what waits, for every medium in use. MIN_BYTES: an open pack goes on only by so much at least, or if what waits has
 * waited MIN_AGE_S. 0 also when media do not answer; -1: the catalog failed, or PACE's stop() said so (ERR_STOPPED).
 * PACE may be NULL. */
int ship_run(struct archive *a, uint64_t min_bytes, int64_t min_age_s, struct copy_pace *pace,
	     struct ship_report *report_r, struct err *err);

#endif
