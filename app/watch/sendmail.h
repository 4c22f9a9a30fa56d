/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sendmail.h - handing a mail to the local mail server's sendmail(1) command. Whom it is for stands in its header alone, never among the
 * arguments, which everybody on the machine can read. */
#ifndef APP_WATCH_SENDMAIL_H
#define APP_WATCH_SENDMAIL_H

#include "base/err.h"
#include "base/str.h"

struct sendmail {
	const char *command; /* a path */
	const char *from;    /* "": the command's own */
	const char *what;    /* for messages: "the mail with the alarms" */
	int timeout_ms;
};
/* ERR_TIMEOUT: it did not end in time, and was killed, with what it had started. */
int sendmail_hand_over(const struct sendmail *sendmail, struct view message, struct err *err);

#endif
