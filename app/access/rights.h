/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rights.h - who may do what: a right has a row, a role a column. What of the mail somebody may do it with is the scope's business
 * (app/search/scope.h).
 *
 * (RI1) admin configures, and reads no mail: he has no right that gives out any of it.
 * (RI2) What an API token may do is the smaller of its scopes and its person's role.
 */
#ifndef APP_ACCESS_RIGHTS_H
#define APP_ACCESS_RIGHTS_H

#include "app/catalog/people.h"

/* right: user, admin, auditor, revisor, dataofficer, uploader */
#define RIGHTS(X)                                                                                  \
	X(SEARCH, 1, 0, 1, 1, 1, 0)    /* find mail, save searches */                              \
	X(READ, 1, 0, 1, 1, 1, 0)      /* read mail, verify it */                                  \
	X(DOWNLOAD, 1, 0, 1, 1, 1, 0)  /* the original, attachments */                             \
	X(NOTE, 1, 0, 1, 1, 0, 0)      /* categories and notes of one's own */                     \
	X(SEND, 1, 0, 1, 0, 0, 0)      /* have mail sent to oneself */                             \
	X(EXPORT, 1, 0, 1, 1, 0, 0)    /* many mails at once */                                    \
	X(EVIDENCE, 0, 0, 1, 1, 0, 0)  /* with the proof of their timestamps */                    \
	X(REQUEST, 1, 0, 1, 0, 0, 0)   /* ask that mail be deleted */                              \
	X(DECIDE, 0, 0, 0, 0, 1, 0)    /* whether it is */                                         \
	X(HOLD, 0, 0, 1, 0, 0, 0)      /* keep mail from being deleted */                          \
	X(CONFIGURE, 0, 1, 0, 0, 0, 0) /* settings, media, people, jobs */                         \
	X(AUDIT_LOG, 0, 1, 1, 0, 0, 0) /* see who did what */                                      \
	X(UPLOAD, 0, 0, 0, 0, 0, 1)    /* hand in mail */

enum right_place {
#define X(right, ...) PLACE_##right,
	RIGHTS(X)
#undef X
};
enum right {
#define X(right, ...) RIGHT_##right = 1 << PLACE_##right,
	RIGHTS(X)
#undef X
};

unsigned rights_of_role(enum person_role role); /* enum right, or-ed */
const char *right_name(enum right_place place); /* "SEARCH" */

/* What an API token was made for. The numbers are in the catalog and never change. scope, number, name, rights */
#define TOKEN_SCOPES(X)                                                                            \
	X(SEARCH, 1, "search", RIGHT_SEARCH)                                                       \
	X(READ, 2, "read", RIGHT_READ | RIGHT_DOWNLOAD | RIGHT_NOTE)                               \
	X(EXPORT, 4, "export", RIGHT_EXPORT | RIGHT_EVIDENCE | RIGHT_SEND)                         \
	X(UPLOAD, 8, "upload", RIGHT_UPLOAD)                                                       \
	X(ADMIN, 16, "admin", RIGHT_CONFIGURE | RIGHT_AUDIT_LOG)
enum token_scope {
#define X(scope, number, ...) TOKEN_##scope = (number),
	TOKEN_SCOPES(X)
#undef X
};
unsigned rights_of_scopes(unsigned scopes);
int token_scope_by_name(struct view name, unsigned *scope_r); /* 1, 0 */
void token_scopes_each(unsigned scopes, void (*fn)(void *arg, const char *name), void *arg);

#endif
