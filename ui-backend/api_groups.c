/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Groups, domains that count alike, and the rules for logging in, for the administrator. */
#include "app/access/policy.h"
#include "app/archive/deletion.h"
#include "app/catalog/audit.h"
#include "ui-backend/people_json.h"

enum { NAME_MAX_BYTES = 200, MEMBERS_MAX = 5000, ADDRESSES_MAX = 1000, ADDRESS_MAX = 320 };

/* A list that has to be there, maybe empty. */
static int need_texts(struct api_request *r, const char *name, size_t most, size_t longest,
		      struct texts *texts_r, struct err *err)
{
	if (texts_read(r, r->body, name, most, longest, texts_r, err) > 0)
		return 0;
	return err_set(err, ERR_SYNTAX, "%s is to be a list of texts", name);
}

/* --- groups ------------------------------------------------------------------------------------- */

static struct json_object *group_json(const struct group *group)
{
	struct json_object *object = json_object_new_object();

	json_set_number(object, "group", (int64_t)group->group);
	json_set_text(object, "name", group->name);
	json_set(object, "members", texts_json(&group->members));
	json_set(object, "addresses", texts_json(&group->addresses));
	json_set_text(object, "source", VIEW(person_source_name(group->source)));
	return object;
}

int api_list_groups(struct api_request *r, struct err *err)
{
	struct json_object *body, *list;
	struct groups groups;

	if (groups_list(archive_catalog(r->archive), r->arena, &groups, err) < 0)
		return -1;
	body = json_object_new_object();
	list = json_object_new_array();
	json_set(body, "groups", list);
	for (size_t i = 0; i < groups.n; i++)
		json_object_array_add(list, group_json(&groups.v[i]));
	return reply_json(r, 200, body);
}

/* What a foreign source says of its groups is not changed here. */
static int find_group(struct api_request *r, struct group *group_r, struct err *err)
{
	uint64_t number;
	int rc;

	if (request_param_number(r, "group", &number, err) < 0)
		return -1;
	rc = groups_get(archive_catalog(r->archive), r->arena, number, group_r, err);
	if (rc <= 0)
		return rc < 0 ? -1 : err_set(err, ERR_NOTFOUND, "there is no such group");
	if (group_r->source != PERSON_OWN)
		return err_set(err, ERR_USAGE, "the group is kept by its source; change it there");
	return 0;
}

static int put_group(struct api_request *r, struct group *group, unsigned status, struct err *err)
{
	static const char *const known[] = {"name", "members", "addresses", NULL};
	struct catalog *catalog = archive_catalog(r->archive);

	if (json_only(r->body, known, err) < 0 ||
	    json_need_text(r->body, "name", 1, NAME_MAX_BYTES, &group->name, err) < 0 ||
	    need_texts(r, "members", MEMBERS_MAX, ADDRESS_MAX, &group->members, err) < 0 ||
	    need_texts(r, "addresses", ADDRESSES_MAX, ADDRESS_MAX, &group->addresses, err) < 0)
		return -1;
	if (group->group == 0)
		group->uid = group->name;
	if (groups_put(catalog, group, err) < 0 ||
	    audit_add(catalog, AUDIT_PERSON, group->name, VIEW("group"), err) < 0 ||
	    groups_get(catalog, r->arena, group->group, group, err) < 0)
		return -1;
	return reply_json(r, status, group_json(group));
}

int api_add_group(struct api_request *r, struct err *err)
{
	struct group group = {.source = PERSON_OWN};

	return put_group(r, &group, 201, err);
}

int api_change_group(struct api_request *r, struct err *err)
{
	struct group group;

	return find_group(r, &group, err) < 0 ? -1 : put_group(r, &group, 200, err);
}

int api_remove_group(struct api_request *r, struct err *err)
{
	static const char *const known[] = {"confirm", NULL};
	struct catalog *catalog = archive_catalog(r->archive);
	struct group group;
	struct view confirm;

	if (json_only(r->body, known, err) < 0 ||
	    json_need_text(r->body, "confirm", 1, ADDRESS_MAX, &confirm, err) < 0 ||
	    find_group(r, &group, err) < 0)
		return -1;
	if (!view_eq(confirm, group.name))
		return err_set(err, ERR_SYNTAX, "confirm is not the group's name");
	if (groups_remove(catalog, group.group, err) < 0 ||
	    audit_add(catalog, AUDIT_PERSON, group.name, VIEW("group removed"), err) < 0)
		return -1;
	return reply_nothing(r);
}

/* --- domains ------------------------------------------------------------------------------------ */

int api_get_domains(struct api_request *r, struct err *err)
{
	struct json_object *body;
	struct texts domains;
	struct view main_domain;

	if (domains_get(archive_catalog(r->archive), r->arena, &domains, &main_domain, err) < 0)
		return -1;
	body = json_object_new_object();
	json_set(body, "domains", texts_json(&domains));
	json_set_text(body, "main", main_domain);
	return reply_json(r, 200, body);
}

int api_set_domains(struct api_request *r, struct err *err)
{
	static const char *const known[] = {"domains", "main", NULL};
	struct catalog *catalog = archive_catalog(r->archive);
	struct texts domains;
	struct view main_domain;

	if (json_only(r->body, known, err) < 0 ||
	    need_texts(r, "domains", ADDRESSES_MAX, 255, &domains, err) < 0 ||
	    json_need_text(r->body, "main", 0, 255, &main_domain, err) < 0 ||
	    domains_set(catalog, &domains, main_domain, err) < 0 ||
	    audit_add(catalog, AUDIT_SETTING, VIEW("domains"), main_domain, err) < 0)
		return -1;
	return reply_nothing(r);
}

/* --- rules -------------------------------------------------------------------------------------- */

static struct json_object *roles_json(unsigned roles)
{
	struct json_object *list = json_object_new_array();

	for (unsigned role = 0; role < PERSON_ROLES; role++)
		if (roles & 1U << role)
			json_object_array_add(
				list, json_of(VIEW(person_role_name((enum person_role)role))));
	return list;
}

int api_get_policy(struct api_request *r, struct err *err)
{
	struct catalog *catalog = archive_catalog(r->archive);
	enum deletion_mode deletion;
	struct json_object *body;
	struct policy policy;

	if (policy_load(catalog, &policy, err) < 0 ||
	    deletion_mode_get(catalog, &deletion, err) < 0)
		return -1;
	body = json_object_new_object();
	json_set_text(body, "deletion", VIEW(deletion_mode_name(deletion)));
	json_set_number(body, "idleMinutes", policy.idle_s / 60);
	json_set_number(body, "absoluteHours", policy.absolute_s / 3600);
	json_set_number(body, "passwordLength", (int64_t)policy.password_min);
	json_set(body, "totpDemanded", roles_json(policy.totp_demanded));
	return reply_json(r, 200, body);
}

static int read_demanded(struct api_request *r, struct policy *policy, struct err *err)
{
	struct json_object *list;
	int rc = json_list(r->body, "totpDemanded", PERSON_ROLES, &list, err);

	if (rc <= 0)
		return rc;
	policy->totp_demanded = 0;
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		enum person_role role;
		struct view name;

		if (json_item_text(list, i, 1, 20, &name, err) < 0)
			return -1;
		if (person_role_by_name(name, &role) == 0)
			return err_set(err, ERR_SYNTAX, "there is no such role");
		policy->totp_demanded |= 1U << role;
	}
	return 0;
}

static int read_policy(struct api_request *r, struct policy *policy, struct err *err)
{
	int64_t minutes = policy->idle_s / 60, hours = policy->absolute_s / 3600;
	int64_t length = (int64_t)policy->password_min;

	if (json_number(r->body, "idleMinutes", 1, 1440, &minutes, err) < 0 ||
	    json_number(r->body, "absoluteHours", 1, 720, &hours, err) < 0 ||
	    json_number(r->body, "passwordLength", 8, 128, &length, err) < 0)
		return -1;
	policy->idle_s = minutes * 60;
	policy->absolute_s = hours * 3600;
	policy->password_min = (size_t)length;
	return read_demanded(r, policy, err);
}

int api_set_policy(struct api_request *r, struct err *err)
{
	static const char *const known[] = {"deletion",       "idleMinutes",  "absoluteHours",
					    "passwordLength", "totpDemanded", NULL};
	static const char *const modes[] = {"off", "on", "approval", NULL};
	struct catalog *catalog = archive_catalog(r->archive);
	struct policy policy;
	size_t mode;
	int has_mode;

	if (json_only(r->body, known, err) < 0 || policy_load(catalog, &policy, err) < 0 ||
	    read_policy(r, &policy, err) < 0)
		return -1;
	has_mode = json_word(r->body, "deletion", modes, &mode, err);
	if (has_mode < 0 || policy_save(catalog, &policy, err) < 0 ||
	    (has_mode > 0 && deletion_mode_set(catalog, (enum deletion_mode)mode, err) < 0))
		return -1;
	return reply_nothing(r);
}
