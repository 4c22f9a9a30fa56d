/* SPDX-License-Identifier: GPL-3.0-or-later */
/* data.h - a mail in the stream that follows DATA (RFC 5321, sections 2.3.8, 4.1.1.4 and 4.5.2).
 *
 * Only <CRLF>.<CRLF> ends it, whatever came before in pieces of whatever size; a dot at the start of a line goes. A
 * CR or LF that stands alone is content as any other byte, and is noted: servers that take it for the end of a
 * line see other mails in the same bytes (SMTP smuggling).
 */
#ifndef APP_INTAKE_SMTPD_DATA_H
#define APP_INTAKE_SMTPD_DATA_H

#include "base/str.h"

enum data_at { DATA_LINE_START, DATA_TEXT, DATA_CR, DATA_DOT, DATA_DOT_CR };

struct data {
	enum data_at at; /* zeroed for the first piece */
	bool bare;       /* a CR or an LF stood alone */
};

enum data_step { DATA_MORE, DATA_PIECE, DATA_END };

/* Take from the front of *IN. DATA_PIECE: *PIECE_R is content, and valid as long as IN's bytes are; call
 * again. DATA_MORE: all of *IN is taken. DATA_END: the mail is over; what is left in *IN is the next command. */
enum data_step data_next(struct data *d, struct view *in, struct view *piece_r);

#endif
