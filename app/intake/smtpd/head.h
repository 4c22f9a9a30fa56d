/* SPDX-License-Identifier: GPL-3.0-or-later */
/* head.h - the header block of a mail while its bytes pass: what the mail server and its filters put
 * there on the way to the archive (RFC 5321, section 4.4; RFC 5322, section 2.2).
 */
#ifndef APP_INTAKE_SMTPD_HEAD_H
#define APP_INTAKE_SMTPD_HEAD_H

#include "app/intake/envelope.h"
#include "base/conf.h"

/* What lies behind so many bytes is not looked at. */
enum { HEAD_MAX_BYTES = 1024 * 1024 };

struct head {
	struct str text; /* up to the blank line and without it */
	bool over;
};

void head_init(struct head *h);
void head_reset(struct head *h);
void head_clear(struct head *h);
void head_add(struct head *h, struct view piece); /* the mail's next bytes */

/* The next field off the front of *REST, with its continuation lines and line ends. */
bool head_field(struct view *rest, struct view *field_r);
/* If FIELD is called NAME: its value, unfolded and trimmed, in the arena. */
bool head_value(struct arena *arena, struct view field, const char *name, struct view *value_r);

/* If FIELD is a Received line that the Postfix on HOSTNAME wrote: the queue id that it tells. */
bool head_queue_id(struct arena *arena, struct view field, const char *hostname,
		   struct view *queue_id_r);

/* The Return-Path and Received lines from the top up to the one by HOSTNAME whose queue id IS_CAPTURES says
 * is that of the capture; if there is none, those with which the mail begins. In the arena. */
struct head_question {
	const char *hostname;
	void *arg;
	bool (*is_captures)(void *arg, struct view queue_id);
};
struct view head_trace(struct arena *arena, struct view head, const struct head_question *q);

/* The fields that are one of MARKS ("Name: value", ASCII case apart), unfolded. */
void head_marks(struct arena *arena, struct view head, const struct conf_list *marks,
		struct views *out);

#endif
