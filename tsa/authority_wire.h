/* SPDX-License-Identifier: GPL-3.0-or-later */
/* authority_wire.h - what an archive and sealpost-tsa say to each other over a socket: one order, one answer (base/ipc.h).
 *
 * AUTHORITY_ORDER: the texts of AUTHORITY_TEXTS in their order, then the time limit (varint, ms).
 * AUTHORITY_RESPONSE: the bytes that the authority sent.
 * AUTHORITY_FAILED: kind (varint) and text of an error.
 */
#ifndef TSA_AUTHORITY_WIRE_H
#define TSA_AUTHORITY_WIRE_H

#include "base/err.h"
#include "base/str.h"

#include <stdint.h>

enum authority_message { AUTHORITY_ORDER = 1, AUTHORITY_RESPONSE, AUTHORITY_FAILED };

#define AUTHORITY_TEXTS(X)                                                                         \
	X(url)                                                                                     \
	X(request)                                                                                 \
	X(user)                                                                                    \
	X(password)                                                                                \
	X(tls_ca)                                                                                  \
	X(client_cert)                                                                             \
	X(client_key)                                                                              \
	X(proxy)                                                                                   \
	X(proxy_user)                                                                              \
	X(proxy_password)

/* Views; after reading, of the body. Empty: not set. */
struct authority_order {
#define X(name) struct view name;
	AUTHORITY_TEXTS(X)
#undef X
	uint64_t timeout_ms;
};
void authority_order_write(const struct authority_order *order, struct str *body);
int authority_order_read(struct view body, struct authority_order *order_r, struct err *err);

void authority_failure_write(const struct err *why, struct str *body);
/* Sets ERR to what was told. -1. */
int authority_failure_read(struct view body, struct err *err);

#endif
