/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/access/directory_url.h"

#include "base/conf.h"

#include <ctype.h>

enum { HOST_MAX = 255, PORT_LDAP = 389, PORT_LDAPS = 636, PORT_MAX = 65535 };

static int bad(struct err *err)
{
	return err_set(err, ERR_SYNTAX,
		       "a directory's address reads ldap://HOST[:PORT] or ldaps://HOST[:PORT]");
}

static bool is_host(struct view host, bool is_ipv6)
{
	for (size_t i = 0; i < host.len; i++)
		if (!isalnum((unsigned char)host.data[i]) &&
		    strchr(is_ipv6 ? ":." : ".-_", host.data[i]) == NULL)
			return false;
	return host.len > 0 && host.len <= HOST_MAX;
}

static int read_port(struct view text, unsigned *port_r)
{
	char digits[8] = "";
	uint64_t port;

	if (text.len == 0 || text.len >= sizeof(digits))
		return -1;
	memcpy(digits, text.data, text.len);
	if (conf_number(digits, &port) < 0 || !isdigit((unsigned char)digits[text.len - 1]) ||
	    port == 0 || port > PORT_MAX)
		return -1;
	*port_r = (unsigned)port;
	return 0;
}

/* HOST of REST, which is left at what follows. */
static int cut_host(struct view *rest, struct directory_url *url_r)
{
	bool is_ipv6 = rest->len > 0 && rest->data[0] == '[';
	const char *end = memchr(rest->data, is_ipv6 ? ']' : ':', rest->len);

	if (is_ipv6 && end == NULL)
		return -1;
	url_r->host = (struct view){rest->data + is_ipv6,
				    (end != NULL ? (size_t)(end - rest->data) : rest->len) -
					    is_ipv6};
	rest->data += url_r->host.len + 2 * is_ipv6;
	rest->len -= url_r->host.len + 2 * is_ipv6;
	return is_host(url_r->host, is_ipv6) ? 0 : -1;
}

int directory_url_read(struct view text, struct directory_url *url_r, struct err *err)
{
	struct view rest = text;

	*url_r = (struct directory_url){.text = text, .is_tls = view_starts_nocase(text, "ldaps:")};
	if (!url_r->is_tls && !view_starts_nocase(text, "ldap:"))
		return bad(err);
	rest.data += url_r->is_tls ? 6 : 5;
	rest.len -= url_r->is_tls ? 6 : 5;
	if (!view_starts(rest, "//"))
		return bad(err);
	rest.data += 2;
	rest.len -= 2;
	if (rest.len > 0 && rest.data[rest.len - 1] == '/')
		rest.len--;
	if (cut_host(&rest, url_r) < 0)
		return bad(err);
	url_r->port = url_r->is_tls ? PORT_LDAPS : PORT_LDAP;
	if (rest.len == 0)
		return 0;
	if (rest.data[0] != ':' ||
	    read_port((struct view){rest.data + 1, rest.len - 1}, &url_r->port) < 0)
		return bad(err);
	return 0;
}

void directory_url_address(const struct directory_url *url, struct str *address)
{
	bool is_ipv6 = memchr(url->host.data, ':', url->host.len) != NULL;

	str_addf(address, "%s%.*s%s:%u", is_ipv6 ? "[" : "", (int)url->host.len, url->host.data,
		 is_ipv6 ? "]" : "", url->port);
}

bool host_is_here(struct view host)
{
	return view_eq_nocase(host, VIEW("localhost")) || view_eq(host, VIEW("127.0.0.1")) ||
	       view_eq(host, VIEW("::1"));
}
