/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The groups of a person, also those that come by other groups.
 *
 * Active Directory finds them all at once (LDAP_MATCHING_RULE_IN_CHAIN), but for the primary group, which has no members to search
 * for. Elsewhere it is one search for each round: groups that have a group of the round before as a member; bounded, and a ring of
 * groups ends it.
 */
#include "app/access/login/directory.h"
#include "app/access/login/ldap_priv.h"

#include "base/conf.h"

enum { ROUNDS_MAX = 10, GROUPS_MAX = 1000, NAMES_PER_SEARCH = 50 };

/* Being collected. */
struct groups {
	struct ldap_talk *talk;
	struct identity *identity;
	const char *demanded;      /* group that may log in: a DN or a name; "": none is */
	const char *demanded_dn;   /* normalised; NULL: it is no DN */
	struct identity_texts dns; /* of all found */
	char **attributes;
	bool may;
};

static char *normal_dn(struct arena *arena, const char *dn)
{
	char *normal = NULL, *copy = NULL;

	if (strchr(dn, '=') != NULL && ldap_dn_normalize(dn, LDAP_DN_FORMAT_LDAP, &normal,
							 LDAP_DN_FORMAT_LDAPV3) == LDAP_SUCCESS)
		copy = arena_str(arena, normal);
	ldap_memfree(normal);
	return copy;
}

/* --- taking what was found -------------------------------------------------------------------- */

static bool is_known(const struct groups *groups, const char *dn)
{
	for (size_t i = 0; i < groups->dns.n; i++)
		if (strcasecmp(groups->dns.v[i], dn) == 0)
			return true;
	return false;
}

static bool is_demanded(struct groups *groups, const char *dn, const char *name)
{
	const char *normal = normal_dn(groups->talk->login->arena, dn);

	if (groups->demanded_dn != NULL)
		return normal != NULL && strcasecmp(normal, groups->demanded_dn) == 0;
	return strcasecmp(name, groups->demanded) == 0;
}

static void take_group(struct groups *groups, LDAPMessage *entry)
{
	struct ldap_talk *talk = groups->talk;
	struct arena *arena = talk->login->arena;
	char *dn = ldap_dn(talk, entry), *name = ldap_text(talk, entry, "cn");
	struct identity_group group = {.name = name != NULL ? name : dn};

	if (dn == NULL || is_known(groups, dn) || groups->dns.n >= GROUPS_MAX)
		return;
	ARENA_PUSH(arena, groups->dns, dn);
	ldap_addresses(talk, entry, &group.addresses);
	ARENA_PUSH(arena, groups->identity->groups, group);
	groups->may = groups->may || is_demanded(groups, dn, group.name);
}

static int search(struct groups *groups, const char *filter, struct err *err)
{
	struct ldap_talk *talk = groups->talk;
	const char *base = login_value(talk->login, SOURCE_LDAP_GROUP_BASE);
	const struct ldap_search all = {base[0] != '\0' ? base : talk->base, LDAP_SCOPE_SUBTREE,
					filter, groups->attributes, GROUPS_MAX};
	CLEAN_FOUND found = NULL;

	if (ldap_talk_search(talk, &all, &found, err) < 0)
		return err_add(err, "groups");
	for (LDAPMessage *entry = ldap_first_entry(talk->ld, found); entry != NULL;
	     entry = ldap_next_entry(talk->ld, entry))
		take_group(groups, entry);
	return 0;
}

/* --- Active Directory ------------------------------------------------------------------------- */

static int search_chain(struct groups *groups, const char *dn, struct err *err)
{
	return search(groups,
		      directory_filter(groups->talk->login->arena,
				       "(member:1.2.840.113556.1.4.1941:=%s)", VIEW(dn)),
		      err);
}

/* The first group that a filter finds, and those that it is in. */
static int search_primary(struct groups *groups, LDAPMessage *person, struct err *err)
{
	struct ldap_talk *talk = groups->talk;
	struct view number = ldap_value(talk, person, "primaryGroupID");
	size_t before = groups->dns.n;
	uint64_t rid = 0;
	char *filter;

	if (number.len == 0 || conf_number(number.data, &rid) < 0 || rid > UINT32_MAX)
		return 0;
	filter = directory_sid_filter(talk->login->arena, ldap_value(talk, person, "objectSid"),
				      (uint32_t)rid);
	if (filter == NULL)
		return 0;
	if (search(groups, filter, err) < 0)
		return -1;
	return groups->dns.n > before ? search_chain(groups, groups->dns.v[before], err) : 0;
}

/* --- other directories ------------------------------------------------------------------------ */

static void add_member(struct arena *arena, const char *dn, struct str *filter)
{
	str_adds(filter, directory_filter(arena, "(member=%s)(uniqueMember=%s)", VIEW(dn)));
}

/* Those with one of the groups from FIRST to END as a member. */
static int search_above(struct groups *groups, size_t first, size_t end, struct err *err)
{
	while (first < end) {
		CLEAN_STR filter = STR_INIT;
		size_t stop = end - first > NAMES_PER_SEARCH ? first + NAMES_PER_SEARCH : end;

		str_adds(&filter, "(|");
		for (; first < stop; first++)
			add_member(groups->talk->login->arena, groups->dns.v[first], &filter);
		str_adds(&filter, ")");
		if (search(groups, filter.data, err) < 0)
			return -1;
	}
	return 0;
}

static int search_rounds(struct groups *groups, const char *dn, struct err *err)
{
	struct arena *arena = groups->talk->login->arena;
	CLEAN_STR filter = STR_INIT;
	size_t first = 0, end;

	str_adds(&filter, "(|");
	add_member(arena, dn, &filter);
	str_adds(&filter, directory_filter(arena, "(&(objectClass=posixGroup)(memberUid=%s)))",
					   VIEW(groups->identity->name)));
	if (search(groups, filter.data, err) < 0)
		return -1;
	for (unsigned round = 1; round < ROUNDS_MAX && first < groups->dns.n; round++) {
		end = groups->dns.n;
		if (search_above(groups, first, end, err) < 0)
			return -1;
		first = end;
	}
	return 0;
}

/* --- the whole -------------------------------------------------------------------------------- */

int ldap_groups(struct ldap_talk *talk, LDAPMessage *person, struct identity *identity, bool *may_r,
		struct err *err)
{
	static const char *const more[] = {"cn", NULL};
	struct groups groups = {.talk = talk, .identity = identity};
	const char *dn = ldap_dn(talk, person);

	groups.demanded = login_value(talk->login, SOURCE_LDAP_LOGIN_GROUP);
	groups.demanded_dn = normal_dn(talk->login->arena, groups.demanded);
	groups.attributes = ldap_attributes(talk, more);
	groups.may = groups.demanded[0] == '\0';
	if (dn == NULL)
		return err_set(err, ERR_IO, "an entry without a name");
	if (talk->is_ad) {
		if (search_chain(&groups, dn, err) < 0 || search_primary(&groups, person, err) < 0)
			return -1;
	} else if (search_rounds(&groups, dn, err) < 0) {
		return -1;
	}
	*may_r = groups.may;
	return 0;
}
