/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/search/scope.h"

static bool has_address(const struct scope *scope, uint64_t address)
{
	for (size_t i = 0; i < scope->n_addresses; i++)
		if (scope->addresses[i] == address)
			return true;
	return false;
}

bool scope_sees(const struct scope *scope, const uint64_t *addresses, size_t n)
{
	if (scope->all)
		return true;
	for (size_t i = 0; i < n; i++)
		if (has_address(scope, addresses[i]))
			return true;
	return false;
}
