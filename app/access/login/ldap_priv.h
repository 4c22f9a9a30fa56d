/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ldap_priv.h - one conversation with a directory: the connection is in ldap_talk.c, what hinders it in ldap_find_out.c, groups are in ldap_groups.c, people in ldap.c. */
#ifndef APP_ACCESS_LOGIN_LDAP_PRIV_H
#define APP_ACCESS_LOGIN_LDAP_PRIV_H

#include "app/access/directory_url.h"
#include "app/access/login/login.h"

#include <ldap.h>

struct ldap_talk {
	struct login *login;
	LDAP *ld;
	bool is_ad; /* Active Directory, or what speaks its language */
	const char *base;
	const char *ca; /* file */
};

/* Connect to the first directory that is there, in TLS, as the account that searches. */
int ldap_talk_open(struct login *login, struct ldap_talk *talk, struct err *err);
void ldap_talk_close(struct ldap_talk *talk);
/* Be again who searches. */
int ldap_talk_bind(struct ldap_talk *talk, struct err *err);

/* Search. At most LIMIT entries; that there were more is no error. ERR_SYNTAX: there is no such base, or the filter is malformed. */
struct ldap_search {
	const char *base;
	int scope;
	const char *filter;
	char **attributes; /* NULL behind the last */
	int limit;
};
int ldap_talk_search(struct ldap_talk *talk, const struct ldap_search *search,
		     LDAPMessage **found_r, struct err *err);
void ldap_found_free(LDAPMessage **found);
#define CLEAN_FOUND __attribute__((cleanup(ldap_found_free))) LDAPMessage *

/* What a result code of libldap's means; DOING is for the text. -1. */
int ldap_talk_failed(const struct ldap_talk *talk, int code, const char *doing, struct err *err);

/* What libldap calls "Can't contact LDAP server", in words and with its kind: by a connection of ours. 0: that one came about. */
int ldap_find_out(const struct ldap_talk *talk, const struct directory_url *url, bool with_tls,
		  struct err *err);

/* Values: of the arena. "" there is none. */
struct view ldap_value(struct ldap_talk *talk, LDAPMessage *entry, const char *attribute);
/* The same as text for people; NULL: there is none, or it is no text. */
char *ldap_text(struct ldap_talk *talk, LDAPMessage *entry, const char *attribute);
/* All that are addresses, of the attributes that are set for mail. */
void ldap_addresses(struct ldap_talk *talk, LDAPMessage *entry, struct identity_texts *addresses);
/* NULL: libldap could not make it. */
char *ldap_dn(struct ldap_talk *talk, LDAPMessage *entry);
/* The mail attributes, and those of MORE (NULL behind the last). */
char **ldap_attributes(struct ldap_talk *talk, const char *const *more);

/* All groups that the person is in, also through other groups: added to IDENTITY. *MAY_R: one of them, or none is demanded, is the
 * one that may log in. */
int ldap_groups(struct ldap_talk *talk, LDAPMessage *person, struct identity *identity, bool *may_r,
		struct err *err);

#endif
