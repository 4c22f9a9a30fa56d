/* SPDX-License-Identifier: GPL-3.0-or-later */
/* network.h - which clients are known by their address: "192.0.2.0/24", "2001:db8::/32", or one address. */
#ifndef BASE_NETWORK_H
#define BASE_NETWORK_H

#include "base/err.h"

#include <stddef.h>

struct network {
	unsigned char b[16]; /* an IPv4 address as ::ffff:a.b.c.d */
	unsigned bits;       /* of the 128 */
};

/* ERR_SYNTAX, also where bits are set behind the prefix: somebody mistook what he wrote. */
int network_read(const char *text, struct network *network_r, struct err *err);
bool network_holds(const struct network *networks, size_t n, const char *addr);

#endif
