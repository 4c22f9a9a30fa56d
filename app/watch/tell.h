/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tell.h - alarms by mail to the administrator, through the local mail server's sendmail(1) command: what is new, what goes on for
 * longer than repeat_hours, and what is over. One mail for all. It names nothing of any mail. */
#ifndef APP_WATCH_TELL_H
#define APP_WATCH_TELL_H

#include "app/watch/alarms.h"

/* Nothing if nobody is to be told, or nothing is to tell. What was told is noted; -1: it is told the next time. */
int alarms_tell(struct archive *a, const struct alarm_settings *settings,
		const struct alarms *alarms, int64_t now_s, struct err *err);

#endif
