/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scope.h - what a reader may see. The one permission function of Sealpost: list, count, read, attachment, export, thread and note
 * all go by it.
 *
 * (SC1) A scope says who the reader is to the mail (it sees all; or what his addresses sent or got; or single mails that were put before
 *       him), and may set bounds to that: domains, places, dates. Bounds of one kind are joined by or, kinds by and. Zero sees nothing.
 * (SC2) The index narrows a search by machine tokens of the same facts; whoever gives a mail out asks scope_sees() of that mail,
 *       too (app/archive/may_see.h).
 */
#ifndef APP_SEARCH_SCOPE_H
#define APP_SEARCH_SCOPE_H

#include "base/str.h"

/* Where a mail was: FOLDER is a path with '/'; in a scope "" is all of the source, else the folder and what lies below it. */
struct scope_place {
	uint64_t source; /* catalog id */
	struct view folder;
};

struct scope {
	bool all;
	const uint64_t *addresses; /* catalog ids */
	size_t n_addresses;
	const uint64_t *mails; /* catalog numbers; not together with addresses */
	size_t n_mails;

	const struct view *domains; /* lower case */
	size_t n_domains;           /* 0: no bound */
	const struct scope_place *places;
	size_t n_places;         /* 0: no bound */
	int64_t from_s, until_s; /* sent from .. until, not included; 0: no bound */

	uint64_t person; /* whose notes and categories he finds; 0 the command line's */
};

#define SCOPE_ALL ((struct scope){.all = true})

/* What a scope asks of a mail. */
struct scope_mail {
	uint64_t mail;
	int64_t sent_s;
	/* Everybody with a right to see it: sender and recipients of every role, the envelope's too. The domains are theirs, lower
	 * case, behind the last @. */
	const uint64_t *addresses;
	size_t n_addresses;
	const struct view *domains;
	size_t n_domains;
	const struct scope_place *places; /* each place it was seen at, whole */
	size_t n_places;
};
bool scope_sees(const struct scope *scope, const struct scope_mail *mail);
bool scope_is_bounded(const struct scope *scope); /* has it bounds? */
bool scope_is_empty(const struct scope *scope);   /* does it see nothing, whatever there is? */

/* The domain of an address, "" if it has none. */
struct view scope_domain_of(struct view addr);

/* Numbers that stand for a domain, and for a folder of a source, in the index: 64 bits of a SHA-256. */
uint64_t scope_domain_token(struct view domain);
uint64_t scope_place_token(const struct scope_place *folder);
/* FN for each folder that PLACE lies in, outermost first; "" is not among them. */
void scope_folders_each(const struct scope_place *place,
			void (*fn)(void *arg, const struct scope_place *folder), void *arg);

#endif
