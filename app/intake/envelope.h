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
#include "base/id.h"

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

struct views {
	struct view *v;
	size_t n, cap;
};

/* What is not known is empty, or 0. */
struct envelope {
	enum door door;
	struct view source;       /* the administrator's name for the mail server or account */
	int64_t seen_ms;          /* when the door took the mail */
	struct view reverse_path; /* RFC 5321, without the angle brackets; empty for a bounce */
	struct views
		recipients; /* forward-paths, likewise: those the mail was delivered to, as far as
				     the mail server told, else those it was accepted for */
	struct views
		hidden; /* addresses of the archive itself that the mail was sent to: they never
				     count as recipients */
	struct view queue_id;    /* of the mail server */
	struct view client_name; /* the client's host name as the mail server verified it */
	struct view client_addr; /* and its IP address */
	struct view helo;        /* and as it called itself */
	struct view login;       /* the SASL user */
	struct view tls;         /* "TLSv1.3 TLS_AES_256_GCM_SHA384 256", empty in clear */
	struct view mail_params; /* of MAIL, as given: "BODY=8BITMIME RET=HDRS" */
	struct view trace; /* the Return-Path and Received lines that the mail server put on top
				     after the capture, verbatim, CRLF line ends */
	struct view place; /* where in the source: folder and UID of a mailbox */
	struct view place_flags; /* and the flags there */
	int64_t source_time_s;   /* what the source says of the mail's time */
	struct views
		marks; /* header lines, unfolded, of the mail as it was delivered that mark spam. One
				     that the captured mail has, too, is forged and does not count. */
	bool spam;     /* it is marked, whatever its header says */
	bool unwrap;   /* it came by a way that is set up for journal reports */
	bool is_copy;  /* the bytes are those that were delivered, behind all filters: its
				     capture, if there is one, is the mail */
	struct uuid capture; /* of a copy: the entry it completes; all zero: not known */
	bool wants_receipt;  /* the door asks what became of the entry (app/catalog/receipts.h) */
};

void envelope_write(struct str *out, const struct envelope *env);
/* Read on: what BYTES tell stands in place of what ENV had, each list as a whole. ENV is zeroed for
 * the first reading; its views point into BYTES, its arrays into the arena. ERR_DAMAGED where it does
 * not hold together, ERR_VERSION for a door that this program does not know. */
int envelope_read(struct arena *arena, struct view bytes, struct envelope *env, struct err *err);

#endif
