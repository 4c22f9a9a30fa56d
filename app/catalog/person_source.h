/* SPDX-License-Identifier: GPL-3.0-or-later */
/* person_source.h - where a person is known from. A person is (source, uid): the same name in two sources is two people. The numbers
 * are kept in the catalog and never change. */
#ifndef APP_CATALOG_PERSON_SOURCE_H
#define APP_CATALOG_PERSON_SOURCE_H

#include "base/str.h"

/* source, number, name as in settings and on the page, whether this version can ask it */
#define PERSON_SOURCES(X)                                                                          \
	X(FIXED, 0, "fixed", true)         /* admin, auditor, revisor, dataofficer */              \
	X(OWN, 1, "own", true)             /* kept in the archive */                               \
	X(APPLIANCE, 2, "appliance", true) /* this system's own accounts, by PAM */                \
	X(LDAP, 3, "ldap", true)           /* Active Directory, or another directory */            \
	X(IMAP, 4, "imap", true)           /* whoever can log in at an IMAP server */              \
	X(OIDC, 5, "oidc", false)          /* OpenID Connect: not in this version */

enum person_source {
#define X(source, number, name, usable) PERSON_##source = (number),
	PERSON_SOURCES(X)
#undef X
		PERSON_N_SOURCES
};

const char *person_source_name(enum person_source source);
bool person_source_usable(enum person_source source);
/* 1; 0 there is no such source. */
int person_source_by_name(struct view name, enum person_source *source_r);

#endif
