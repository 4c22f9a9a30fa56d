/* SPDX-License-Identifier: GPL-3.0-or-later */
/* page.h - the content of a page of a SQLCipher 4 database, outside of SQLite: what is encrypted cannot be compressed, and
 * a backup of the pages as they are would be twice as large.
 *
 * A page is encrypted with AES-256-CBC under the database's raw key, without padding. Its last 80 bytes are clear: the
 * vector (16) and an HMAC-SHA512 (64) of what stands before; of page 1 so are the first 16, a salt.
 *
 * (PG1) These clear bytes stay as they are, so that closing what was opened gives the very same page, HMAC included.
 * (PG2) The HMAC is not looked at: whoever reads the database afterwards does that (db_check()).
 */
#ifndef APP_CATALOG_PAGE_H
#define APP_CATALOG_PAGE_H

#include "base/crypto.h"

enum { PAGE_SALT_BYTES = 16, PAGE_VECTOR_BYTES = 16, PAGE_RESERVE_BYTES = PAGE_VECTOR_BYTES + 64 };

struct pages; /* of one key; not to be shared between threads */

struct pages *pages_new(const struct secret *key, uint32_t page_bytes);
void pages_free(struct pages **pages);

/* Decrypt, or encrypt again, page NUMBER in its place. */
void page_open(struct pages *pages, uint64_t number, void *page);
void page_close(struct pages *pages, uint64_t number, void *page);

#endif
