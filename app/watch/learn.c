/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/watch/alarms.h"

#include "app/catalog/days.h"
#include "app/watch/alarms_priv.h"

#include <stdio.h>

enum { LEARN_DAYS = 28, ENOUGH_DAYS = 7, LEAST_S = 6 * HOUR_S };

int alarms_learn(struct archive *a, int64_t now_s, struct err *err)
{
	struct silence silence;
	int64_t usual_s;
	char text[32];
	int rc = days_longest_silence(archive_catalog(a), now_s - (int64_t)LEARN_DAYS * DAY_S,
				      &silence, err);

	if (rc < 0)
		return -1;
	/* What was learned before stays: silence must not teach that silence is usual. */
	if (rc == 0 || silence.last_s - silence.first_s < (int64_t)ENOUGH_DAYS * DAY_S)
		return 0;
	usual_s = silence.longest_s + silence.longest_s / 2;
	snprintf(text, sizeof(text), "%lld", (long long)(usual_s > LEAST_S ? usual_s : LEAST_S));
	return setting_set(archive_catalog(a), SETTING_USUAL_SILENCE, VIEW(text), err);
}
