/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/access/policy.h"

#include "app/catalog/audit.h"

#include <stdio.h>

enum setting { IDLE, ABSOLUTE, PASSWORD, TOTP, SETTINGS };

static const struct {
	const char *name, *text;
	int64_t min, max, by_default;
} rows[SETTINGS] = {
	[IDLE] = {"login.idle_s", "a session's idle time is 1 minute to 24 hours", 60, 86400, 1800},
	[ABSOLUTE] = {"login.absolute_s", "a session lasts 1 hour to 30 days", 3600, 30 * 86400,
		      12 * 3600},
	[PASSWORD] = {"login.password_min", "a password's least length is 8 to 128", 8, 128, 10},
	[TOTP] = {"login.totp_demanded", "there is no such role", 0, (1 << PERSON_ROLES) - 1, 0},
};

static int load(struct catalog *catalog, enum setting setting, int64_t *value_r, struct err *err)
{
	CLEAN_STR text = STR_INIT;
	int rc = setting_get(catalog, rows[setting].name, &text, err);

	*value_r = rc > 0 ? strtoll(text.data, NULL, 10) : rows[setting].by_default;
	return rc < 0 ? -1 : 0;
}

int policy_load(struct catalog *catalog, struct policy *policy_r, struct err *err)
{
	int64_t value[SETTINGS];

	for (enum setting s = 0; s < SETTINGS; s++)
		if (load(catalog, s, &value[s], err) < 0)
			return -1;
	*policy_r = (struct policy){value[IDLE], value[ABSOLUTE], (size_t)value[PASSWORD],
				    (unsigned)value[TOTP]};
	return 0;
}

static int save_one(struct catalog *catalog, enum setting setting, int64_t value, struct err *err)
{
	char text[32], detail[80];
	int64_t old;

	if (load(catalog, setting, &old, err) < 0 || old == value)
		return old == value ? 0 : -1;
	snprintf(text, sizeof(text), "%lld", (long long)value);
	snprintf(detail, sizeof(detail), "%lld, before %lld", (long long)value, (long long)old);
	if (setting_set(catalog, rows[setting].name, VIEW(text), err) < 0)
		return -1;
	return audit_add(catalog, AUDIT_SETTING, VIEW(rows[setting].name), VIEW(detail), err);
}

int policy_save(struct catalog *catalog, const struct policy *policy, struct err *err)
{
	const int64_t value[SETTINGS] = {policy->idle_s, policy->absolute_s,
					 (int64_t)policy->password_min,
					 (int64_t)policy->totp_demanded};

	for (enum setting s = 0; s < SETTINGS; s++)
		if (value[s] < rows[s].min || value[s] > rows[s].max)
			return err_set(err, ERR_SYNTAX, "%s", rows[s].text);
	if (catalog_begin(catalog, err) < 0)
		return -1;
	for (enum setting s = 0; s < SETTINGS; s++)
		if (save_one(catalog, s, value[s], err) < 0) {
			catalog_rollback(catalog);
			return -1;
		}
	if (catalog_commit(catalog, err) == 0)
		return 0;
	catalog_rollback(catalog);
	return -1;
}
