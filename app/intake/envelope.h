/* SPDX-License-Identifier: GPL-3.0-or-later */
/* envelope.h - what a door knows of a mail beside its bytes.
 *
 * To bytes and back: fields of varint tag, varint length and value, as in docs/FORMAT.md; tags that a
 * reader does not know are passed over.
 */
#ifndef APP_INTAKE_ENVELOPE_H
#define APP_INTAKE_ENVELOPE_H

#include "base/arena.h"
#include "base/err.h"

/* door, its name. The numbers are in spool entries and never change. */
#define DOORS(X)                                                                                   \
	X(MILTER, 2, "milter")                                                                     \
	X(SMTP, 3, "smtp")                                                                         \
	X(LMTP, 4, "lmtp")                                                                         \
	X(FETCH, 5, "fetch")                                                                       \
	X(JOURNAL, 6, "journal")                                                                   \
	X(UPLOAD, 7, "upload")

enum door {
#define X(door, number, name) DOOR_##door = (number),
	DOORS(X)
#undef X
};
const char *door_text(enum door door);

/* What is not known is empty, or 0. */
struct envelope {
	enum door door;
	struct view source;       /* the administrator's name for the mail server or account */
	int64_t seen_ms;          /* when the door took the mail */
	struct view reverse_path; /* RFC 5321, without the angle brackets; empty for a bounce */
	struct {
		struct view *v;
		size_t n, cap;
	} recipients;            /* forward-paths, likewise */
	struct view queue_id;    /* of the mail server */
	struct view client_name; /* the client's host name as the mail server verified it */
	struct view client_addr; /* and its IP address */
	struct view helo;        /* and as it called itself */
	struct view login;       /* the SASL user */
	bool spam;               /* the mail server marked it */
};

void envelope_write(struct str *out, const struct envelope *env);
/* Read on: what BYTES tell stands in place of what ENV had, the recipients as a whole. ENV is zeroed for
 * the first reading; its views point into BYTES, its array into the arena. ERR_DAMAGED where it does not
 * hold together, ERR_VERSION for a door that this program does not know. */
int envelope_read(struct arena *arena, struct view bytes, struct envelope *env, struct err *err);

#endif
