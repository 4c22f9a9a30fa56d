/* SPDX-License-Identifier: GPL-3.0-or-later */
/* source_wire.h - what an archive and sealpost-login say to each other over a socket: one question, one answer (base/ipc.h); and what
 * can be set of a foreign source of people, which is part of the question.
 *
 * SOURCE_QUESTION: what, source, time limit in ms, any_group (varints), name, password, then the value of each setting in the order
 *                  of SOURCE_SETTINGS (texts; those of other sources are empty).
 * SOURCE_ANSWER:   verdict (varint), text, number of people (varint), people (identity.h).
 * SOURCE_FAILED:   kind (varint) and text of an error.
 */
#ifndef APP_ACCESS_SOURCE_WIRE_H
#define APP_ACCESS_SOURCE_WIRE_H

#include "app/access/identity.h"
#include "app/catalog/person_source.h"

enum source_message { SOURCE_QUESTION = 1, SOURCE_ANSWER, SOURCE_FAILED };

enum source_form {
	SOURCE_TEXT,
	SOURCE_CERTIFICATES, /* PEM; empty: the system's */
	SOURCE_SECRET,
	SOURCE_NUMBER
};

/* Source, setting, name, form, default. Lists are words with spaces between them.
 *
 * appliance: "service" is a PAM service, or the path of its file; "group" is whose members may log in; a person's addresses are
 *   NAME@ each of "domains".
 * ldap: "url" is ldap:// or ldaps://, several are tried in their order; "tls" is starttls, or none, which is for this computer alone;
 *   "bind-dn" and its password are who searches (none: anonymously); in "user-filter" %s is the name as typed, escaped (RFC 4515).
 *   An empty "user-filter" or "name-attribute" is as the directory's kind wants it: Active Directory or another. "login-group" is a
 *   group's DN or name: only its members, also through other groups, may log in.
 * imap: "tls" is implicit, starttls, or none, which is for this computer alone. A name without @ gets the first of "domains" behind it;
 *   one with another domain than these is unknown, since some servers log in anna@whatever.example as anna. "*" allows any. */
#define SOURCE_SETTINGS(X)                                                                         \
	X(APPLIANCE, APPLIANCE_SERVICE, "service", SOURCE_TEXT, "sealpost")                        \
	X(APPLIANCE, APPLIANCE_GROUP, "group", SOURCE_TEXT, "system-mail")                         \
	X(APPLIANCE, APPLIANCE_DOMAINS, "domains", SOURCE_TEXT, "")                                \
	X(APPLIANCE, APPLIANCE_TIMEOUT, "timeout-ms", SOURCE_NUMBER, "5000")                       \
	X(LDAP, LDAP_URL, "url", SOURCE_TEXT, "")                                                  \
	X(LDAP, LDAP_TLS, "tls", SOURCE_TEXT, "starttls")                                          \
	X(LDAP, LDAP_CA, "ca", SOURCE_CERTIFICATES, "")                                            \
	X(LDAP, LDAP_BASE, "base", SOURCE_TEXT, "")                                                \
	X(LDAP, LDAP_BIND_DN, "bind-dn", SOURCE_TEXT, "")                                          \
	X(LDAP, LDAP_BIND_PASSWORD, "bind-password", SOURCE_SECRET, "")                            \
	X(LDAP, LDAP_USER_FILTER, "user-filter", SOURCE_TEXT, "")                                  \
	X(LDAP, LDAP_NAME_ATTRIBUTE, "name-attribute", SOURCE_TEXT, "")                            \
	X(LDAP, LDAP_SHOWN_ATTRIBUTE, "shown-attribute", SOURCE_TEXT, "displayName")               \
	X(LDAP, LDAP_MAIL_ATTRIBUTES, "mail-attributes", SOURCE_TEXT, "mail proxyAddresses")       \
	X(LDAP, LDAP_GROUP_BASE, "group-base", SOURCE_TEXT, "")                                    \
	X(LDAP, LDAP_LOGIN_GROUP, "login-group", SOURCE_TEXT, "")                                  \
	X(LDAP, LDAP_TIMEOUT, "timeout-ms", SOURCE_NUMBER, "5000")                                 \
	X(IMAP, IMAP_HOST, "host", SOURCE_TEXT, "")                                                \
	X(IMAP, IMAP_PORT, "port", SOURCE_TEXT, "")                                                \
	X(IMAP, IMAP_TLS, "tls", SOURCE_TEXT, "implicit")                                          \
	X(IMAP, IMAP_CA, "ca", SOURCE_CERTIFICATES, "")                                            \
	X(IMAP, IMAP_DOMAINS, "domains", SOURCE_TEXT, "")                                          \
	X(IMAP, IMAP_TIMEOUT, "timeout-ms", SOURCE_NUMBER, "5000")

enum source_setting {
#define X(source, setting, name, form, by_default) SOURCE_##setting,
	SOURCE_SETTINGS(X)
#undef X
		SOURCE_N_SETTINGS
};

enum source_what {
	SOURCE_LOGIN = 1, /* are name and password right, and who is that? */
	SOURCE_LOOK, /* who has this name, and may still log in? Without a password; not by IMAP */
	SOURCE_TEST, /* does the source work as it is set? */
	SOURCE_LIST  /* who is there? Without groups; not by IMAP */
};

enum source_verdict {
	SOURCE_RIGHT = 1,
	SOURCE_WRONG,      /* the password is wrong; by IMAP also: the name */
	SOURCE_DISABLED,   /* disabled, locked or expired */
	SOURCE_UNKNOWN,    /* nobody there has this name */
	SOURCE_NOT_ALLOWED /* not a member of the group that may log in */
};

/* Views; after reading, of the body. */
struct source_call {
	enum source_what what;
	enum person_source source;
	int timeout_ms;
	bool any_group;
	struct view name, password;
	struct view value[SOURCE_N_SETTINGS];
};
void source_call_write(const struct source_call *call, struct str *body);
int source_call_read(struct view body, struct source_call *call_r, struct err *err);

/* Texts in an arena. */
struct source_answer {
	enum source_verdict verdict;
	char *text; /* why it is so, for the administrator: a few words; of SOURCE_TEST what was found */
	struct identities
		people; /* SOURCE_LOGIN and SOURCE_LOOK: one, if the verdict is SOURCE_RIGHT */
};
void source_answer_write(const struct source_answer *answer, struct str *body);
int source_answer_read(struct view body, struct arena *arena, struct source_answer *answer_r,
		       struct err *err);

void source_failure_write(const struct err *why, struct str *body);
/* Sets ERR to what was told. -1. */
int source_failure_read(struct view body, struct err *err);

#endif
