/* SPDX-License-Identifier: GPL-3.0-or-later */
/* directory_url.h - where a directory is: ldap://HOST[:PORT] or ldaps://HOST[:PORT], RFC 4516 without what may follow. */
#ifndef APP_ACCESS_DIRECTORY_URL_H
#define APP_ACCESS_DIRECTORY_URL_H

#include "base/err.h"
#include "base/str.h"

struct directory_url {
	struct view text; /* all of it */
	bool is_tls;      /* ldaps:// */
	struct view host; /* an IPv6 address without brackets */
	unsigned port;
};
/* ERR_SYNTAX in words. The views are of TEXT. */
int directory_url_read(struct view text, struct directory_url *url_r, struct err *err);
/* HOST:PORT as base/conn.h has it, appended. */
void directory_url_address(const struct directory_url *url, struct str *address);

/* Is HOST this computer itself, by a name or address that nothing can lead elsewhere? */
bool host_is_here(struct view host);

#endif
