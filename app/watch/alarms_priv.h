/* SPDX-License-Identifier: GPL-3.0-or-later */
/* alarms_priv.h - what the looks at an archive share: one function look_NAME() for each row of ALARMS. */
#ifndef APP_WATCH_ALARMS_PRIV_H
#define APP_WATCH_ALARMS_PRIV_H

#include "app/watch/alarms.h"

enum { MINUTE_S = 60, HOUR_S = 60 * MINUTE_S, DAY_S = 24 * HOUR_S };

/* What alarms_learn() found, in seconds. */
#define SETTING_USUAL_SILENCE "alarms.usual_silence_s"

struct look {
	struct archive *a;
	struct catalog *catalog;
	const char *dir; /* of the archive, for the commands in texts */
	const struct alarm_settings *settings;
	int64_t now_s;
	struct arena *arena;
	struct {
		struct alarm_row *v;
		size_t n, cap;
	} found;
	const char *alarm; /* the one that is looked for */
};

/* Its text: what happened, what it means for the mail, what to do. */
void look_raise(struct look *l, const char *subject, enum alarm_level level, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* "3 days", "20 minutes"; in the arena. */
const char *look_span(struct look *l, int64_t seconds);

/* An error means that it could not be looked; that is an alarm, too. */
#define X(name, what) int look_##name(struct look *l, struct err *err);
ALARMS(X)
#undef X

#endif
