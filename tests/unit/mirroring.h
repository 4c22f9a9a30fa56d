/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mirroring.h - for tests: an archive's local medium, its mirror in a folder of the test, and what is in both. Whatever a
 * function here cannot do fails the test that called it. */
#ifndef TESTS_UNIT_MIRRORING_H
#define TESTS_UNIT_MIRRORING_H

#include "backup/mirror.h"
#include "tests/unit/fixture.h"

/* The caller's. FOLDER is made if it is not there. */
struct medium *local_medium(const char *folder);
struct medium *own_medium(struct fixture *f); /* medium 1 */
/* The mirror of medium NUMBER in the place DIR/PLACE. */
struct medium *mirror_of(struct fixture *f, const char *place, unsigned number);
/* The mirror is at DIR/PLACE from now on, which is made; nothing is known of what is there. */
void set_place(struct fixture *f, const char *place);

/* All hours, everything read again. */
struct mirror_report mirror_now(struct fixture *f);
/* What arrived is old, and read again by the next run. */
void let_time_pass(struct fixture *f);

void put_file(struct medium *m, const char *name, struct view content);
void flip_bit(struct medium *m, const char *name, uint64_t at);
/* All files of A but its label are in B, with the same bytes. How many. */
unsigned same_files(struct medium *a, struct medium *b);
bool has_file(struct medium *m, const char *name);

#endif
