/* SPDX-License-Identifier: GPL-3.0-or-later */
/* utf7.h - mailbox names in IMAP's modified UTF-7 (RFC 3501, section 5.1.3), and as people read them. */
#ifndef APP_INTAKE_FETCH_UTF7_H
#define APP_INTAKE_FETCH_UTF7_H

#include "base/str.h"

/* Append NAME to OUT in UTF-8: 0. -1: it is not encoded as the standard says, the only way there is to
 * encode it, or it holds control characters; OUT is as before. So utf7_encode() gives NAME again. */
int utf7_decode(struct view name, struct str *out);
/* 0; -1: TEXT is no valid UTF-8; OUT is as before. */
int utf7_encode(struct view text, struct str *out);

#endif
