/* SPDX-License-Identifier: GPL-3.0-or-later */
/* token.h - the id of a capture on its way through the mail server, proven to be ours.
 *
 * The milter captures a mail as a pending entry; the mail server carries the entry's id, as an address or in a header,
 * to where the mail is delivered, and there it makes the entry ready. A token is
 *     32 hex digits, the entry's id; "."; 24 hex digits, the first 96 bits of
 *     HMAC-SHA256(token key, "sealpost token v1" and the id's 16 bytes)
 * so that nobody outside can release a mail by guessing. It fits into a local part (RFC 5321,
 * section 4.5.3.1.1: 64 octets); letters may have changed their case on the way.
 */
#ifndef APP_INTAKE_TOKEN_H
#define APP_INTAKE_TOKEN_H

#include "base/crypto.h"
#include "base/id.h"

enum { TOKEN_TEXT = 32 + 1 + 24 };

#define TOKEN_HEADER "X-Sealpost-Capture"

struct token_key;
/* ARCHIVE/spool/token.key, made if it is not there. It proves where a token comes from, and opens nothing. */
int token_key_open(const char *archive_dir, struct token_key **key_r, struct err *err);
void token_key_free(struct token_key **key);

void token_write(struct str *out, const struct token_key *key, const struct uuid *id);
/* 0; -1: TEXT is no token of ours. In constant time, but for the form. */
int token_read(const struct token_key *key, struct view text, struct uuid *id_r);

#endif
