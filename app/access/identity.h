/* SPDX-License-Identifier: GPL-3.0-or-later */
/* identity.h - who somebody is, as a source of people tells it. Texts are in an arena. */
#ifndef APP_ACCESS_IDENTITY_H
#define APP_ACCESS_IDENTITY_H

#include "base/arena.h"
#include "base/err.h"

struct identity_texts {
	char **v;
	size_t n, cap;
};

struct identity_group {
	char *name;
	struct identity_texts addresses; /* by which the group is mailed; lower case */
};

struct identity {
	char *uid; /* stays the same for the person's life at this source, whatever the name becomes */
	char *name;                      /* to log in with, as the source spells it */
	char *shown;                     /* never empty */
	struct identity_texts addresses; /* lower case; the first is the main one */
	struct {
		struct identity_group *v;
		size_t n, cap;
	} groups; /* also those that come by another group */
};

struct identities {
	struct identity *v;
	size_t n, cap;
};

/* TEXT as an address: lower case, in the arena; NULL if it is none, or has what no address has without quotes. "smtp:" and "SMTP:" in
 * front are taken off; what has another such prefix is none. */
char *identity_address(struct arena *arena, struct view text);
/* Add TEXT if it is not there yet. */
void identity_add(struct arena *arena, struct identity_texts *texts, char *text);

/* Between processes: appended to BODY; read from the front of *REST. */
void identity_write(const struct identity *identity, struct str *body);
int identity_read(struct view *rest, struct arena *arena, struct identity *identity_r,
		  struct err *err);

#endif
