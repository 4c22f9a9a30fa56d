/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mail_queue.h - which mails the mail server still has, as Postfix's postqueue -j tells it (one line of JSON
 * for each). */
#ifndef APP_CMD_MAIL_QUEUE_H
#define APP_CMD_MAIL_QUEUE_H

#include "base/err.h"
#include "base/str.h"

struct mail_queue;

/* Run COMMAND by the shell, twice, and take what either run shows: a mail that goes from one of the queue's
 * folders to another meanwhile may be missing from one. A command that fails, or says what is not understood,
 * is an error: from it nobody may conclude that a mail is gone. */
int mail_queue_read(const char *command, struct mail_queue **queue_r, struct err *err);
void mail_queue_free(struct mail_queue **queue);

bool mail_queue_has(const struct mail_queue *queue, struct view queue_id);

#endif
