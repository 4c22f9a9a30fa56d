/* SPDX-License-Identifier: GPL-3.0-or-later */
/* uri.h - what a client writes into a request's first lines, read strictly (RFC 3986, RFC 6265, RFC 9110).
 *
 * Nothing here is guessed or mended: what is not exactly as it should be is ERR_SYNTAX. Texts that come out are valid UTF-8
 * without control characters, and live in the arena.
 */
#ifndef UI_BACKEND_URI_H
#define UI_BACKEND_URI_H

#include "base/arena.h"
#include "base/err.h"

struct uri {
	struct {
		struct view
			*v; /* the parts of the path behind its base, decoded: "mails", "017f..." */
		size_t n, cap;
	} segments;
	struct {
		struct uri_pair {
			struct view name, value;
		} * v;
		size_t n, cap;
	} query;
	bool ends_in_slash;
};

enum { URI_SEGMENTS_MAX = 16, URI_PAIRS_MAX = 64 };

/* RAW is the request's target ("/archive/api/v1/mails?q=x"): 1; 0 it is not below BASE. No segment is empty, "." or
 * "..", or holds a slash or backslash, encoded or not. */
int uri_read(struct arena *arena, struct view raw, const char *base, struct uri *uri_r,
	     struct err *err);

/* The value of cookie NAME in a Cookie field: 1; 0 it is not there, or there more than once: somebody has planted one. */
int cookie_find(struct view field, const char *name, struct view *value_r);

/* "attachment; filename=...; filename*=..." for a name from a mail (RFC 6266, RFC 8187). What a system might take for a path or
 * for its own is replaced, and so is an empty name, by FALLBACK. */
void disposition_add(struct str *out, const char *kind, struct view name, const char *fallback);

/* A host as in Host and X-Forwarded-Host: lower case, without the port. -1: it is none. */
int host_read(struct arena *arena, struct view field, struct view *host_r);

bool utf8_is_clean(struct view text, bool keep_lines); /* valid, and no control characters */

#endif
