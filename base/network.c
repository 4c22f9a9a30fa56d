/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/network.h"

#include "base/conf.h"
#include "base/str.h"

#include <arpa/inet.h>

enum { V6_BITS = 128, V4_BITS = 32 };

/* How many bits ADDR has, 0: it is no address. */
static unsigned read_addr(const char *addr, unsigned char b[16])
{
	static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};

	if (inet_pton(AF_INET6, addr, b) == 1)
		return V6_BITS;
	memcpy(b, mapped, sizeof(mapped));
	return inet_pton(AF_INET, addr, b + sizeof(mapped)) == 1 ? V4_BITS : 0;
}

static bool same_prefix(const unsigned char a[16], const unsigned char b[16], unsigned bits)
{
	unsigned bytes = bits / 8, rest = bits % 8;

	return memcmp(a, b, bytes) == 0 &&
	       (rest == 0 || ((a[bytes] ^ b[bytes]) & (0xff00 >> rest) & 0xff) == 0);
}

static bool is_clear_behind(const struct network *n)
{
	for (unsigned bit = n->bits; bit < V6_BITS; bit++)
		if (n->b[bit / 8] & (0x80 >> bit % 8))
			return false;
	return true;
}

int network_read(const char *text, struct network *network_r, struct err *err)
{
	struct view rest = VIEW(text), part;
	CLEAN_STR addr = STR_INIT;
	struct network n;
	uint64_t bits;
	unsigned width;

	view_cut(&rest, '/', &part);
	str_addv(&addr, part);
	width = read_addr(addr.data, n.b);
	bits = width;
	if (width == 0 ||
	    (rest.data != NULL && (conf_number(rest.data, &bits) < 0 || bits > width)))
		return err_set(err, ERR_SYNTAX, "\"%s\" is no network", text);
	n.bits = V6_BITS - width + (unsigned)bits;
	if (!is_clear_behind(&n))
		return err_set(err, ERR_SYNTAX, "\"%s\": the address has bits behind the prefix",
			       text);
	*network_r = n;
	return 0;
}

bool network_holds(const struct network *networks, size_t n, const char *addr)
{
	unsigned char b[16];

	if (read_addr(addr, b) == 0)
		return false;
	for (size_t i = 0; i < n; i++)
		if (same_prefix(networks[i].b, b, networks[i].bits))
			return true;
	return false;
}
