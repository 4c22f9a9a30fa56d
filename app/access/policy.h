/* SPDX-License-Identifier: GPL-3.0-or-later */
/* policy.h - the administrator's rules for logging in: settings of the catalog, in force at once. */
#ifndef APP_ACCESS_POLICY_H
#define APP_ACCESS_POLICY_H

#include "app/catalog/people.h"

struct policy {
	int64_t idle_s;      /* a session that is not used for so long ends; default 30 minutes */
	int64_t absolute_s;  /* and every one after so long; default 12 hours */
	size_t password_min; /* characters of a new password; default 10 */
	unsigned totp_demanded; /* 1 << enum person_role: of these one-time codes are demanded */
};
int policy_load(struct catalog *catalog, struct policy *policy_r, struct err *err);
/* ERR_SYNTAX in words where a value is out of its bounds; nothing is stored then. With a line in the audit log for each that changed. */
int policy_save(struct catalog *catalog, const struct policy *policy, struct err *err);

#endif
