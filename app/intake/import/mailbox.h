/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mailbox.h - walk through mailboxes on disk, mail by mail: .eml files, folders of them, Maildir (cur
 * and new, flags), mbox (mboxo, mboxrd, mboxcl, mboxcl2), and .gz or .zst of these. Recursive.
 *
 * What is meant to be a mail is decided here; whether it is one, by the caller. A directory is a
 * Maildir if it has cur/ or new/ in it: every file there is a mail, and tmp/ is left out. Elsewhere a
 * mail is what is named *.eml, or starts with a header field; a file that begins like an mbox is one
 * (mbox.h has the rules for where its mails end, and what quoting is taken back). A file that is
 * itself a PATH is always meant: an mbox if it begins with "From ", else a mail. The From_ line and the
 * empty line that ends a mail are not part of the mail. Line ends stay as they are. Links are
 * followed only where they are a PATH.
 *
 * Memory stays bounded: one mail at a time is in memory, whatever the size of the file.
 */
#ifndef APP_INTAKE_IMPORT_MAILBOX_H
#define APP_INTAKE_IMPORT_MAILBOX_H

#include "base/err.h"
#include "base/str.h"

enum found_kind {
	FOUND_MAIL,
	FOUND_IGNORED, /* no mail and not meant to be one: index files, notes, other folders' files */
	FOUND_FAILED   /* meant to be a mail, and could not be read or is none; err tells why */
};

struct found {
	enum found_kind kind;
	struct str raw;   /* the mail's exact bytes */
	struct str place; /* "inbox.mbox#17", "cur/1234.M5P6:2,S", relative to the PATH given;
			    * of a file that is a PATH, its name */
	struct str flags; /* Maildir flags, "RS"; else empty */
	int64_t mtime_s;  /* Maildir/eml: the file's time; mbox: the From_ line's; 0 unknown */
	struct err err;   /* FOUND_FAILED: kind and reason; FOUND_IGNORED: the reason as text */
};

void found_init(struct found *found);
void found_clear(struct found *found);

struct mailbox;
struct mailbox_totals {
	uint64_t bytes; /* of all files to read, as on disk; an estimate, for progress */
	uint64_t files;
};

/* PATHS must exist. MAX_MAIL_BYTES (below SIZE_MAX / 16): a larger mail is FOUND_FAILED with
 * ERR_TOOBIG. */
int mailbox_open(const char *const *paths, size_t n, size_t max_mail_bytes,
		 struct mailbox **mailbox_r, struct err *err);
void mailbox_free(struct mailbox **mailbox);
/* Walk the tree and add up; for the progress bar. */
int mailbox_totals(struct mailbox *mailbox, struct mailbox_totals *totals_r, struct err *err);

/* The next entry, in a fixed order (names sorted, folders first read to their end). FOUND is reused:
 * its strings are overwritten. 1, 0 at the end, -1 only if going on makes no sense (no file
 * descriptors left). */
int mailbox_next(struct mailbox *mailbox, struct found *found, struct err *err);
uint64_t mailbox_bytes_read(const struct mailbox *mailbox); /* so far, comparable to totals.bytes */

#endif
