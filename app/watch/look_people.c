/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who comes in: log-ins that fail. */
#include "app/catalog/sessions.h"
#include "app/watch/alarms_priv.h"

/* Each failure is counted for its name and for its client's address. */
enum { COUNTED_FOR_EACH = 2 };

int look_log_in(struct look *l, struct err *err)
{
	uint64_t rows, failed;

	if (l->settings->failed_log_ins == 0)
		return 0;
	if (failures_count(l->catalog, l->now_s - HOUR_S, &rows, &failed, err) < 0)
		return -1;
	failed /= COUNTED_FOR_EACH;
	if (failed < l->settings->failed_log_ins)
		return 0;
	look_raise(l, "", ALARM_WARNING,
		   "%llu log-ins failed of late, by the names and addresses that tried within the "
		   "last hour. Somebody may be trying passwords; each try is slowed down, and no "
		   "mail was given out by one that failed. See who and from where with \"sealpost "
		   "audit list\", block the address at the firewall, and demand one-time codes.",
		   (unsigned long long)failed);
	return 0;
}
