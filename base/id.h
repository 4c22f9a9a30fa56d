/* SPDX-License-Identifier: GPL-3.0-or-later */
/* id.h - identifiers: UUIDs of version 7 (RFC 9562, section 5.7), ordered by their time of making. */
#ifndef BASE_ID_H
#define BASE_ID_H

#include "base/str.h"

enum { UUID_BYTES = 16, UUID_TEXT = 36 };

struct uuid {
	unsigned char b[UUID_BYTES];
};

/* A new one. Within a process each is greater than the one before. Safe to call from threads. */
struct uuid uuid_new(void);
int64_t uuid_ms(const struct uuid *id); /* wall time of its making */
bool uuid_eq(const struct uuid *a, const struct uuid *b);

/* Canonical text, 36 lower-case characters; reading takes either case, and dashes or none.
 * uuid_read returns 0, or -1 when TEXT is no UUID. */
void uuid_add(struct str *s, const struct uuid *id);
const char *uuid_text(const struct uuid *id, char out[UUID_TEXT + 1]);
int uuid_read(struct view text, struct uuid *id_r);

#endif
