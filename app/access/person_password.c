/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/access/person_password.h"

#include "app/access/authenticate.h"
#include "app/access/password.h"
#include "app/access/policy.h"
#include "app/catalog/audit.h"
#include "app/catalog/sessions.h"

static int write_all(struct catalog *catalog, const struct person *person, struct view hash,
		     const struct hash *keep, struct err *err)
{
	CLEAN_STR who = STR_INIT;

	person_add_who(&who, person);
	if (people_set_password(catalog, person->person, hash, err) < 0 ||
	    sessions_end_all(catalog, person->person, keep, err) < 0)
		return -1;
	return audit_add(catalog, AUDIT_PERSON, str_view(&who), VIEW("password"), err);
}

int person_password_set(struct catalog *catalog, const struct person *person,
			const struct secret *password, const struct hash *keep, struct err *err)
{
	CLEAN_STR hash = STR_INIT;
	struct policy policy;

	if (person->source != PERSON_FIXED && person->source != PERSON_OWN)
		return err_set(err, ERR_USAGE,
			       "the password is not kept here; change it where it is");
	if (policy_load(catalog, &policy, err) < 0 ||
	    password_check(password, person->name, policy.password_min, err) < 0 ||
	    password_hash(password, &hash, err) < 0 || catalog_begin(catalog, err) < 0)
		return -1;
	if (write_all(catalog, person, str_view(&hash), keep, err) == 0 &&
	    catalog_commit(catalog, err) == 0)
		return 0;
	catalog_rollback(catalog);
	return -1;
}
