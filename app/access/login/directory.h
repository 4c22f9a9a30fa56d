/* SPDX-License-Identifier: GPL-3.0-or-later */
/* directory.h - what a directory's values mean: filters, ids, dates. Bytes in, texts out; nothing is asked here. */
#ifndef APP_ACCESS_LOGIN_DIRECTORY_H
#define APP_ACCESS_LOGIN_DIRECTORY_H

#include "base/arena.h"

#include <stdint.h>

/* VALUE in a filter (RFC 4515, section 3): what would end or widen it is escaped. */
void directory_escape(struct view value, struct str *filter);
/* FILTER with the escaped VALUE at each %s; in the arena. */
char *directory_filter(struct arena *arena, const char *filter, struct view value);
/* FILTER for everybody: with "*" there. */
char *directory_filter_all(struct arena *arena, const char *filter);

/* An objectGUID as Windows shows it ("3f79048f-42cd-4c77-8426-835cd9f8a3ad"), in the arena; NULL: it has not 16 bytes. */
char *directory_guid(struct arena *arena, struct view bytes);
/* The filter of the group with the number RID in the domain of a user's objectSid, in the arena; NULL: that is no SID. */
char *directory_sid_filter(struct arena *arena, struct view user_sid, uint32_t rid);

/* Why an account may not log in, by the values of these attributes at NOW_S; NULL: it may. A text is empty where the entry has not got
 * that attribute. What cannot be read as its attribute has to be, counts as locked. */
struct directory_state {
	struct view user_account_control; /* Active Directory: bit 2 */
	struct view
		account_expires; /* Active Directory: 100 ns since 1601; 0 and the largest: never */
	struct view locked_time; /* pwdAccountLockedTime, of OpenLDAP's ppolicy */
	struct view shadow_expire;   /* days since 1970; -1: never */
	struct view ns_account_lock; /* "true": 389 Directory Server, FreeIPA */
};
const char *directory_disabled(const struct directory_state *state, int64_t now_s);

/* Why Active Directory refused a bind with the right password: the "data NNN" of its message; NULL: the password is wrong, or it says
 * nothing of that. */
const char *directory_bind_reason(const char *message);

#endif
