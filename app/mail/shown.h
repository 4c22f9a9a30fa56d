/* SPDX-License-Identifier: GPL-3.0-or-later */
/* shown.h - one mail as a page shows it to its reader: what is to be read, what hangs below it, and all header fields, as UTF-8.
 *
 * Nothing is made safe here: HTML is as its sender wrote it. Like mail_parse() it never fails on a mail, and all it gives lies in the
 * arena or the raw mail.
 */
#ifndef APP_MAIL_SHOWN_H
#define APP_MAIL_SHOWN_H

#include "app/mail/mail.h"

struct shown_field {
	struct view name, value; /* decoded, unfolded */
};

struct shown_part {
	const struct leaf *leaf;
	struct view content_id; /* by which HTML names it, without brackets; may be empty */
	uint64_t size_bytes;    /* decoded */
	bool is_body;           /* it is in text or html already */
};

struct shown {
	struct mail mail;
	struct {
		struct shown_field *v;
		size_t n, cap;
	} fields; /* of the top header, in its order */
	/* The whole of what is to be read, as text: where the sender gave a choice, his plain text. */
	struct view text;
	/* The same with his HTML where there is some; empty if there is none at all. What is plain text is in <pre> there. */
	struct view html;
	bool cut;                 /* at the limit */
	int64_t received_s;       /* as the last server on its way wrote (Received); 0 not known */
	struct shown_part *parts; /* mail.leaves.n: of each leaf */
};

struct shown_limits {
	size_t text_bytes; /* of text, and of html */
	size_t fields;
	size_t field_bytes; /* of one value */
};
#define SHOWN_LIMITS_DEFAULT ((struct shown_limits){4 * 1024 * 1024, 500, 16 * 1024})

void mail_show(struct arena *arena, struct view raw, const struct shown_limits *limits,
	       struct shown *shown_r);

#endif
