/* SPDX-License-Identifier: GPL-3.0-or-later */
/* frozen.h - the pages of a database as they all are at one moment, while others go on writing: for backups.
 *
 * They are read as they are stored: encrypted, and each with a fresh random vector whenever it is written. So a page whose
 * vector is the same is the same page, and what differs from an earlier moment is known without opening any.
 *
 * (FZ1) The moment lies between two transactions. Writers wait only while it is pinned: frozen_held_ms(), not while the
 *       pages are read.
 * (FZ2) It is a read transaction of SQLite's, begun while nobody writes, so that its last frame of the log is known. A page
 *       that is in the log up to there is read from the log, any other from the file: whoever brings the log into the
 *       file meanwhile writes only pages of the first kind there. If the log was wholly in the file at that moment,
 *       nobody writes into the file at all, and the log, which may begin anew, is not looked at.
 * (FZ3) The log grows as long as this lasts; frozen_free() brings it into the file again as far as that goes.
 */
#ifndef APP_CATALOG_FROZEN_H
#define APP_CATALOG_FROZEN_H

#include "app/catalog/db.h"
#include "app/catalog/page.h"

/* By which a page is known to be unchanged. */
struct page_print {
	unsigned char b[PAGE_VECTOR_BYTES];
};

struct frozen;

/* DB and OTHER are connections to the same database, DB without statements in progress; both stay the caller's and are
 * kept open for so long. What DB reads until frozen_free() is of that moment, too. ERR_BUSY: writers, or somebody who
 * brings the log into the file, left no gap. */
int frozen_begin(struct db *db, struct db *other, struct frozen **frozen_r, struct err *err);
void frozen_free(struct frozen **frozen);

uint64_t frozen_pages(const struct frozen *f);
uint32_t frozen_page_bytes(const struct frozen *f);
int64_t frozen_held_ms(const struct frozen *f); /* writers had to wait so long */

/* Pages count from 1. ERR_BUSY: the moment was lost, which is rare; freeze it anew. OUT has room for frozen_page_bytes(). */
int frozen_page(struct frozen *f, uint64_t page, void *out, struct err *err);
int frozen_print(struct frozen *f, uint64_t page, struct page_print *print_r, struct err *err);
/* The print of a page that was read already. */
struct page_print frozen_print_of(const struct frozen *f, const void *page);

#endif
