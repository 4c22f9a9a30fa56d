/* SPDX-License-Identifier: GPL-3.0-or-later */
/* People in a directory: search for the name, then bind as who was found (RFC 4513, section 5.1.3).
 *
 * The password is looked at before groups and rights are: who does not know it learns nothing of them.
 */
#include "app/access/login/directory.h"
#include "app/access/login/ldap_priv.h"

#include "base/clock.h"

enum { PEOPLE_MAX = 10 * 1000, PAGE = 500 };

#define FILTER_AD                                                                                  \
	"(&(objectCategory=person)(objectClass=user)(|(sAMAccountName=%s)(userPrincipalName=%s)))"
#define FILTER_OTHER "(uid=%s)"

static const char *name_attribute(const struct ldap_talk *talk)
{
	const char *name = login_value(talk->login, SOURCE_LDAP_NAME_ATTRIBUTE);

	if (name[0] != '\0')
		return name;
	return talk->is_ad ? "sAMAccountName" : "uid";
}

static const char *user_filter(const struct ldap_talk *talk)
{
	const char *filter = login_value(talk->login, SOURCE_LDAP_USER_FILTER);

	if (filter[0] != '\0')
		return filter;
	return talk->is_ad ? FILTER_AD : FILTER_OTHER;
}

static char **person_attributes(struct ldap_talk *talk)
{
	const char *const more[] = {
		name_attribute(talk),
		login_value(talk->login, SOURCE_LDAP_SHOWN_ATTRIBUTE),
		"cn",
		"objectGUID",
		"entryUUID",
		"nsUniqueId",
		"userAccountControl",
		"accountExpires",
		"primaryGroupID",
		"objectSid",
		"pwdAccountLockedTime",
		"shadowExpire",
		"nsAccountLock",
		NULL,
	};

	return ldap_attributes(talk, more);
}

/* --- an entry --------------------------------------------------------------------------------- */

static char *uid_of(struct ldap_talk *talk, LDAPMessage *entry)
{
	char *uid = directory_guid(talk->login->arena, ldap_value(talk, entry, "objectGUID"));

	if (uid == NULL)
		uid = ldap_text(talk, entry, "entryUUID");
	return uid != NULL ? uid : ldap_text(talk, entry, "nsUniqueId");
}

/* False: it has no name, or nothing that stays the same when it is renamed. */
static bool identify(struct ldap_talk *talk, LDAPMessage *entry, struct identity *identity_r)
{
	*identity_r = (struct identity){
		.uid = uid_of(talk, entry),
		.name = ldap_text(talk, entry, name_attribute(talk)),
		.shown = ldap_text(talk, entry,
				   login_value(talk->login, SOURCE_LDAP_SHOWN_ATTRIBUTE)),
	};
	if (identity_r->shown == NULL)
		identity_r->shown = ldap_text(talk, entry, "cn");
	if (identity_r->shown == NULL)
		identity_r->shown = identity_r->name;
	ldap_addresses(talk, entry, &identity_r->addresses);
	return identity_r->uid != NULL && identity_r->name != NULL;
}

static const char *disabled(struct ldap_talk *talk, LDAPMessage *entry)
{
	const struct directory_state state = {
		.user_account_control = ldap_value(talk, entry, "userAccountControl"),
		.account_expires = ldap_value(talk, entry, "accountExpires"),
		.locked_time = ldap_value(talk, entry, "pwdAccountLockedTime"),
		.shadow_expire = ldap_value(talk, entry, "shadowExpire"),
		.ns_account_lock = ldap_value(talk, entry, "nsAccountLock"),
	};

	return directory_disabled(&state, clock_s());
}

/* --- one person ------------------------------------------------------------------------------- */

/* People of Active Directory are used to type DOMAIN\name. */
static struct view typed_name(const struct ldap_talk *talk)
{
	struct view name = talk->login->call->name;
	const char *mark = talk->is_ad ? memchr(name.data, '\\', name.len) : NULL;

	if (mark == NULL)
		return name;
	return (struct view){mark + 1, (size_t)(name.data + name.len - mark - 1)};
}

static int find(struct ldap_talk *talk, LDAPMessage **found_r, struct err *err)
{
	const struct ldap_search search = {
		talk->base, LDAP_SCOPE_SUBTREE,
		directory_filter(talk->login->arena, user_filter(talk), typed_name(talk)),
		person_attributes(talk), 2};

	return ldap_talk_search(talk, &search, found_r, err) < 0 ? err_add(err, "people") : 0;
}

/* Bind as that person: 0, the verdict is set (SOURCE_RIGHT: it is the right password). */
static int try_password(struct ldap_talk *talk, const char *dn, const char *why_disabled,
			struct err *err)
{
	const struct view given = talk->login->call->password;
	struct berval password = {given.len, (char *)given.data};
	const char *reason;
	char *message = NULL;
	int code;

	must(given.len > 0 &&
	     dn[0] != '\0'); /* (LO1); an empty one would be an anonymous success */
	code = ldap_sasl_bind_s(talk->ld, dn, LDAP_SASL_SIMPLE, &password, NULL, NULL, NULL);
	if (code == LDAP_SUCCESS)
		return login_say(talk->login, SOURCE_RIGHT, NULL);
	if (code != LDAP_INVALID_CREDENTIALS && code != LDAP_INAPPROPRIATE_AUTH &&
	    code != LDAP_UNWILLING_TO_PERFORM && code != LDAP_INSUFFICIENT_ACCESS)
		return ldap_talk_failed(talk, code, "the log-in", err);
	ldap_get_option(talk->ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, &message);
	reason = directory_bind_reason(message);
	ldap_memfree(message);
	if (reason == NULL)
		reason = why_disabled;
	return login_say(talk->login, reason != NULL ? SOURCE_DISABLED : SOURCE_WRONG, reason);
}

static int take_person(struct ldap_talk *talk, LDAPMessage *entry, struct identity *identity,
		       struct err *err)
{
	bool may;

	if (ldap_groups(talk, entry, identity, &may, err) < 0)
		return -1;
	if (!may)
		return login_say(talk->login, SOURCE_NOT_ALLOWED, NULL);
	ARENA_PUSH(talk->login->arena, talk->login->answer.people, *identity);
	return login_say(talk->login, SOURCE_RIGHT, NULL);
}

static int judge(struct ldap_talk *talk, LDAPMessage *entry, struct err *err)
{
	struct login *login = talk->login;
	const char *why = disabled(talk, entry), *dn = ldap_dn(talk, entry);
	struct identity identity;

	if (dn == NULL || dn[0] == '\0' || !identify(talk, entry, &identity))
		return err_set(err, ERR_SYNTAX,
			       "an entry that was found has no %s, or no id (objectGUID, "
			       "entryUUID): check user-filter and name-attribute, and what the "
			       "account that searches may read",
			       name_attribute(talk));
	if (login->call->what == SOURCE_LOGIN) {
		if (try_password(talk, dn, why, err) < 0)
			return -1;
		if (login->answer.verdict != SOURCE_RIGHT)
			return 0;
		if (why == NULL && ldap_talk_bind(talk, err) < 0)
			return -1;
	}
	if (why != NULL)
		return login_say(login, SOURCE_DISABLED, why);
	return take_person(talk, entry, &identity, err);
}

static int of_one(struct ldap_talk *talk, struct err *err)
{
	CLEAN_FOUND found = NULL;
	LDAPMessage *entry;

	if (find(talk, &found, err) < 0)
		return -1;
	entry = ldap_first_entry(talk->ld, found);
	if (entry == NULL)
		return login_say(talk->login, SOURCE_UNKNOWN, NULL);
	if (ldap_next_entry(talk->ld, entry) != NULL)
		return login_say(talk->login, SOURCE_UNKNOWN,
				 "several entries match this name: check user-filter");
	return judge(talk, entry, err);
}

/* --- all of them ------------------------------------------------------------------------------ */

/* One page of people, from where COOKIE says (RFC 2696). */
static int search_page(struct ldap_talk *talk, struct berval *cookie, LDAPMessage **found_r,
		       struct err *err)
{
	int left_ms = login_left_ms(talk->login);
	struct timeval timeout = {left_ms / 1000, left_ms % 1000 * 1000};
	LDAPControl *controls[] = {NULL, NULL};
	int code = ldap_create_page_control(talk->ld, PAGE, cookie, 0, &controls[0]);

	if (code == LDAP_SUCCESS)
		code = ldap_search_ext_s(
			talk->ld, talk->base, LDAP_SCOPE_SUBTREE,
			directory_filter_all(talk->login->arena, user_filter(talk)),
			person_attributes(talk), 0, controls, NULL, &timeout, 0, found_r);
	if (controls[0] != NULL)
		ldap_control_free(controls[0]);
	if (code == LDAP_SUCCESS)
		return 0;
	ldap_found_free(found_r);
	return ldap_talk_failed(talk, code, "people", err);
}

/* Where the next page begins, in COOKIE, which is freed first; of no length: there is none. */
static int next_page(struct ldap_talk *talk, LDAPMessage *found, struct berval *cookie,
		     struct err *err)
{
	LDAPControl **controls = NULL, *control;
	int count, code;

	ber_memfree(cookie->bv_val);
	*cookie = (struct berval){0};
	code = ldap_parse_result(talk->ld, found, NULL, NULL, NULL, NULL, &controls, 0);
	control = ldap_control_find(LDAP_CONTROL_PAGEDRESULTS, controls, NULL);
	if (code == LDAP_SUCCESS && control != NULL)
		code = ldap_parse_pageresponse_control(talk->ld, control, &count, cookie);
	ldap_controls_free(controls);
	return code == LDAP_SUCCESS ? 0 : ldap_talk_failed(talk, code, "people", err);
}

static int list_page(struct ldap_talk *talk, struct berval *cookie, struct err *err)
{
	struct identities *people = &talk->login->answer.people;
	CLEAN_FOUND found = NULL;

	if (search_page(talk, cookie, &found, err) < 0)
		return -1;
	for (LDAPMessage *entry = ldap_first_entry(talk->ld, found);
	     entry != NULL && people->n < PEOPLE_MAX; entry = ldap_next_entry(talk->ld, entry)) {
		struct identity identity;

		if (identify(talk, entry, &identity) && disabled(talk, entry) == NULL)
			ARENA_PUSH(talk->login->arena, *people, identity);
	}
	return next_page(talk, found, cookie, err);
}

static int list(struct ldap_talk *talk, struct err *err)
{
	struct berval cookie = {0};
	int rc;

	do
		rc = list_page(talk, &cookie, err);
	while (rc == 0 && cookie.bv_len > 0 && talk->login->answer.people.n < PEOPLE_MAX);
	ber_memfree(cookie.bv_val);
	return rc < 0 ? -1 : login_say(talk->login, SOURCE_RIGHT, NULL);
}

/* --- does it work? ---------------------------------------------------------------------------- */

static int find_base(struct ldap_talk *talk, const char *base, struct err *err)
{
	char *attributes[] = {(char *)LDAP_NO_ATTRS, NULL};
	const struct ldap_search search = {base, LDAP_SCOPE_BASE, "(objectClass=*)", attributes, 1};
	CLEAN_FOUND found = NULL;

	if (ldap_talk_search(talk, &search, &found, err) < 0)
		return err_add(err, "%s", base);
	if (ldap_first_entry(talk->ld, found) == NULL)
		return err_set(err, ERR_DENIED,
			       "%s: the account that searches may not read this entry", base);
	return 0;
}

static int test(struct ldap_talk *talk, struct err *err)
{
	const char *group_base = login_value(talk->login, SOURCE_LDAP_GROUP_BASE);
	struct berval cookie = {0};
	bool are_more;
	size_t n;

	if (find_base(talk, talk->base, err) < 0 ||
	    (group_base[0] != '\0' && find_base(talk, group_base, err) < 0) ||
	    list_page(talk, &cookie, err) < 0)
		return -1;
	are_more = cookie.bv_len > 0;
	ber_memfree(cookie.bv_val);
	n = talk->login->answer.people.n;
	talk->login->answer.people.n = 0;
	if (n == 0)
		return err_set(err, ERR_SYNTAX,
			       "the directory answers, but nobody is found there: check base, "
			       "user-filter and name-attribute, and what the account that searches "
			       "may read");
	return login_say(
		talk->login, SOURCE_RIGHT,
		arena_f(talk->login->arena,
			"%s answers; %zu%s %s found there, before login-group is looked at",
			talk->is_ad ? "Active Directory" : "the directory", n,
			are_more ? " and more" : "", n == 1 ? "person is" : "people are"));
}

int login_ldap(struct login *login, struct err *err)
{
	struct ldap_talk talk;
	int rc;

	if (ldap_talk_open(login, &talk, err) < 0)
		return -1;
	if (login->call->what == SOURCE_TEST)
		rc = test(&talk, err);
	else
		rc = login->call->what == SOURCE_LIST ? list(&talk, err) : of_one(&talk, err);
	ldap_talk_close(&talk);
	return rc;
}
