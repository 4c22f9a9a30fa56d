/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "storage/site.h"

bool site_is_share(const char *location)
{
	return strncmp(location, "smb://", 6) == 0;
}
