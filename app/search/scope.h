/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scope.h - what a reader may see: everything, or the mail that one of his addresses sent or got.
 * The one permission function of Sealpost; list, count, read and export all ask it. */
#ifndef APP_SEARCH_SCOPE_H
#define APP_SEARCH_SCOPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct scope {
	bool all;
	const uint64_t *addresses; /* catalog ids; none and not all: sees nothing */
	size_t n_addresses;
};

#define SCOPE_ALL ((struct scope){.all = true})

/* May the reader see a mail that carries these addresses (catalog ids, all roles)? */
bool scope_sees(const struct scope *scope, const uint64_t *addresses, size_t n);

#endif
