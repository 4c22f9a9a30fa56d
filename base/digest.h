/* SPDX-License-Identifier: GPL-3.0-or-later */
/* digest.h - the hash functions of timestamps and evidence (FIPS 180-4): by number, since one of them will be retired
 * one day and what it proved must be proved on with another (RFC 4998, section 5). All else uses crypto_sha256().
 */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include "base/str.h"

/* The numbers are in the catalog and in evidence files, and never change. */
enum digest_alg { DIGEST_SHA256 = 1, DIGEST_SHA384, DIGEST_SHA512 };

enum { DIGEST_MAX = 64 };

struct digest {
	unsigned char b[DIGEST_MAX]; /* digest_bytes() of them count */
};

size_t digest_bytes(enum digest_alg alg);     /* 32, 48, 64 */
const char *digest_name(enum digest_alg alg); /* "sha256": OpenSSL's name, and the settings' */
int digest_by_name(const char *name, enum digest_alg *alg_r); /* 0, -1 none of ours */
bool digest_known(uint64_t number);

struct digest digest_of(enum digest_alg alg, struct view data);
/* RFC 4998, section 4.2: the digest of N digests, put together in ascending binary order; the digests in V are sorted by
 * it. Of a single one it is that one itself. */
struct digest digest_node(enum digest_alg alg, struct digest *v, size_t n);
/* H(a b): the digest of two, side by side (RFC 4998, section 5.3). */
struct digest digest_pair(enum digest_alg alg, const struct digest *a, const struct digest *b);
bool digest_eq(enum digest_alg alg, const struct digest *a, const struct digest *b);
struct view digest_view(enum digest_alg alg, const struct digest *d);
/* 0; -1: it has another length. */
int digest_read(enum digest_alg alg, struct view bytes, struct digest *d_r);

#endif
