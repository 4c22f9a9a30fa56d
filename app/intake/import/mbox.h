/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mbox.h - the mails of one mbox file, from front to back (RFC 4155 and what is found in the field).
 *
 * Where a mail ends. A From_ line is "From ", an address of any form, and a date at the end: weekday,
 * month, day, hour, minute, year, in the orders that are in use, with or without a zone. It separates if
 *  (M1) it is the file's first line, or stands after an empty line, or
 *  (M2) without an empty line (list archives forget it), if a header field follows at once and the
 *       line before is none: so the From_ line of a forwarded mail below its part's header does
 *       not separate. Thunderbird has come to write "From " and nothing else: in a file that
 *       begins so, or with its older "From - ", such a line separates if a field follows at once.
 *  (M3) A Content-Length that leads to a line end and a From_ line, or to the end of the file,
 *       goes before (M1) and (M2) for its mail. Any other Content-Length is taken for the sender's
 *       and not believed. Mails above the size limit are ended by (M1) and (M2) only.
 * The From_ line and one empty line before the next (or before the end) are not part of the mail.
 *
 * Where ">From " is unquoted. A mail ended by (M3) is mboxcl or mboxcl2, and as its length counts it.
 * A file whose first From_ line begins "From mboxrd@" is mboxrd, as its writer says, and (M3) is off.
 * The others lose one ">" of each "^>+From " if the file is mboxrd: among its mails not ended by (M3)
 * that begin in the first 8 MiB, a line starts with ">>From " and none with a bare "From " (which
 * mboxrd would have quoted). Else they are mboxo and stay as they stand.
 */
#ifndef APP_INTAKE_IMPORT_MBOX_H
#define APP_INTAKE_IMPORT_MBOX_H

#include "app/intake/import/stream.h"

struct mbox;

/* Is this a From_ line? LINE may have its line end. *TIME_S_R is the date, in UTC where no numeric
 * zone is given. */
bool mbox_is_from_line(struct view line, int64_t *time_s_r);
/* Does a file that starts like this look like an mbox: with a From_ line, or with "From " in any form
 * and a header field behind it? */
bool mbox_begins(struct view file);
/* Does a line have the form "Name: value" (RFC 5322, section 2.2)? */
bool mbox_is_field(struct view line);

/* STREAM has been started, stays the caller's, and is rewound. Its first line counts as a From_ line
 * whatever its form. */
int mbox_open(struct stream *stream, size_t max_mail_bytes, struct mbox **mbox_r, struct err *err);
void mbox_free(struct mbox **mbox);

/* The next mail into RAW (overwritten). 1, 0 at the end, or -1: this one cannot be had (ERR_TOOBIG, or
 * what the stream says; then what is left of the file). The next call goes on behind it. */
int mbox_next(struct mbox *mbox, struct str *raw, int64_t *time_s_r, struct err *err);

#endif
