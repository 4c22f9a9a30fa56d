/* SPDX-License-Identifier: GPL-3.0-or-later */
/* path.h - the arguments of MAIL and RCPT: paths and parameters (RFC 5321, sections 4.1.1.2, 4.1.1.3
 * and 4.1.2; RFC 6531 for other letters than ASCII; RFC 3461, section 4 for xtext).
 *
 * Stricter than some clients in what could be read in two ways, and laxer than the grammar in what cannot:
 * blanks may stand behind the colon, dots anywhere in a local part, and a name may have underscores.
 */
#ifndef APP_INTAKE_SMTPD_PATH_H
#define APP_INTAKE_SMTPD_PATH_H

#include "base/arena.h"
#include "base/err.h"

/* Views into what was read. The null path has nothing in it. */
struct path {
	struct view text;   /* without angle brackets and source route */
	struct view local;  /* as it stands there, maybe quoted */
	struct view domain; /* empty: none was given, as with <postmaster> */
};

/* Longer than RFC 5321 asks for, section 4.5.3.1: the local part may carry a whole address. */
enum { PATH_MAX_BYTES = 1000 };

/* Read "<...>" off the front of *REST. ERR_SYNTAX: it is none. ERR_UNSUPPORTED: it has other letters than
 * ASCII (which are UTF-8), and UTF8 is false. */
int path_read(struct view *rest, bool utf8, struct path *path_r, struct err *err);

/* The same of a mail server that is believed, and that took the address long ago: whatever stands in the
 * angle brackets, its domain behind the last @. -1: there are none. */
int path_read_any(struct view *rest, struct path *path_r);

/* The local part without its quotes (RFC 5321: Quoted-string); in the arena. */
struct view path_unquote(struct arena *arena, struct view local);

/* The next parameter, "NAME" or "NAME=VALUE", off the front of *REST: 1; 0 there is none any more; -1 it is
 * malformed (RFC 5321: esmtp-param). */
int path_param(struct view *rest, struct view *name_r, struct view *value_r);

/* Digits and nothing else (RFC 1870, RFC 3030): 0, or -1. */
int path_number(struct view text, uint64_t *n_r);

/* Decode xtext; in the arena. 0, or -1: it is none. */
int path_xtext(struct arena *arena, struct view text, struct view *out_r);

#endif
