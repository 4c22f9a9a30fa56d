/* SPDX-License-Identifier: GPL-3.0-or-later */
/* people.h - who may log in: people and their addresses, groups, the domains that count alike, a revisor's bounds.
 *
 * (PE1) A person is (source, uid), for ever: people of different sources never share a number, and none is used again (product.md, A2).
 * (PE2) Addresses, domains and log-in names are kept in lower case (ASCII), as the catalog keeps those of mails.
 * (PE3) Whatever has a column "person" goes with people_remove(), and to the other one with people_tie().
 * Texts given out are in the arena. Writers make a transaction of their own unless one is open.
 */
#ifndef APP_CATALOG_PEOPLE_H
#define APP_CATALOG_PEOPLE_H

#include "app/catalog/catalog.h"
#include "app/catalog/person_source.h"
#include "base/arena.h"

/* The numbers are in the catalog and never change. */
enum person_role {
	PERSON_ROLE_USER, /* sees what his own and his groups' addresses sent or got */
	PERSON_ROLE_ADMIN,
	PERSON_ROLE_AUDITOR,
	PERSON_ROLE_REVISOR,
	PERSON_ROLE_DATAOFFICER,
	PERSON_ROLE_UPLOADER, /* hands in mail by a token, and sees nothing */
	PERSON_ROLES
};

const char *person_role_name(enum person_role role);                 /* "auditor" */
int person_role_by_name(struct view name, enum person_role *role_r); /* 1, 0 */

struct texts {
	struct view *v;
	size_t n, cap;
};

struct person {
	uint64_t person;
	enum person_source source;
	enum person_role role;
	struct view uid, name, shown;
	struct view language, theme; /* "": as the browser has it */
	bool active;
	bool has_password; /* kept here */
	uint64_t tied;     /* 0: not */
	int64_t login_s;   /* the last; 0 never */
};
struct people {
	struct person *v;
	size_t n, cap;
};

int people_get(struct catalog *catalog, struct arena *arena, uint64_t person,
	       struct person *person_r, struct err *err); /* 1, 0 */
int people_by_uid(struct catalog *catalog, struct arena *arena, enum person_source source,
		  struct view uid, struct person *person_r, struct err *err); /* 1, 0 */
/* Those with this log-in name, of whatever source, in the order of their numbers. */
int people_by_name(struct catalog *catalog, struct arena *arena, struct view name,
		   struct people *people_r, struct err *err);
/* Up to LIMIT whose name, shown name or an address has FIND in it ("": all), by name, then number, behind the name and number of AFTER
 * (NULL: from the first). */
int people_list(struct catalog *catalog, struct arena *arena, struct view find,
		const struct person *after, size_t limit, struct people *people_r, struct err *err);

/* A new one: source, uid, name, shown, role and active of PERSON count. ERR_EXISTS: the source has this uid already; and since what is
 * kept here is found by its name, one of PERSON_OWN also that name, or a fixed person has it. At a foreign source names move from one
 * person to another. ERR_SYNTAX: no name that anybody could type. */
int people_add(struct catalog *catalog, const struct person *person, uint64_t *person_r,
	       struct err *err);
/* name, shown, role, active, language and theme. A fixed person keeps name and role: ERR_USAGE. */
int people_change(struct catalog *catalog, const struct person *person, struct err *err);
/* With all that is theirs. ERR_USAGE: a fixed one. */
int people_remove(struct catalog *catalog, uint64_t person, struct err *err);
/* What FROM has (notes, categories, saved searches) becomes TO's; FROM cannot log in any more. */
int people_tie(struct catalog *catalog, uint64_t from, uint64_t to, struct err *err);
/* Those who may log in with the role "user". */
int people_count_users(struct catalog *catalog, uint64_t *users_r, struct err *err);
int people_logged_in(struct catalog *catalog, uint64_t person, int64_t now_s, struct err *err);

/* The hash of the password that is kept here (crypt(3)), appended: 1, 0 there is none. */
int people_password(struct catalog *catalog, uint64_t person, struct str *hash, struct err *err);
int people_set_password(struct catalog *catalog, uint64_t person, struct view hash,
			struct err *err); /* data NULL: none */

int people_addresses(struct catalog *catalog, struct arena *arena, uint64_t person,
		     struct texts *addresses_r, struct err *err); /* sorted */
/* Instead of those that were there. ERR_SYNTAX names the first that is no address. */
int people_set_addresses(struct catalog *catalog, uint64_t person, const struct texts *addresses,
			 struct err *err);

/* All of this file and of sessions.h but sessions and failed log-ins, from an older catalog, into one that has no people yet but the
 * fixed ones. */
int people_carry_over(struct catalog *from, struct catalog *to, struct err *err);

/* ---- domains ---- */

/* Those that count alike; MAIN_R the one that stands for all, empty if there are none. */
int domains_get(struct catalog *catalog, struct arena *arena, struct texts *domains_r,
		struct view *main_r, struct err *err);
/* ERR_SYNTAX: no domain, or MAIN is not one of them. */
int domains_set(struct catalog *catalog, const struct texts *domains, struct view main,
		struct err *err);

/* ---- groups ---- */

struct group {
	uint64_t group;
	enum person_source source;
	struct view uid, name;
	struct texts members;   /* addresses */
	struct texts addresses; /* by which it is mailed */
};
struct groups {
	struct group *v;
	size_t n, cap;
};
int groups_list(struct catalog *catalog, struct arena *arena, struct groups *groups_r,
		struct err *err); /* by name */
int groups_get(struct catalog *catalog, struct arena *arena, uint64_t group, struct group *group_r,
	       struct err *err); /* 1, 0 */
/* Made if group->group is 0 (its number is set then), else changed. ERR_EXISTS: the source has one of this uid. */
int groups_put(struct catalog *catalog, struct group *group, struct err *err);
int groups_remove(struct catalog *catalog, uint64_t group, struct err *err);
/* A foreign source says that PERSON is in these, and in no other of its groups; they are made or changed as need be. */
int groups_of_source(struct catalog *catalog, uint64_t person, enum person_source source,
		     const struct groups *groups, struct err *err);
/* The groups PERSON is in: those that a source said so of, and those that have one of his addresses, or that address under
 * another of the domains that count alike, among their members. With their addresses, without their members. */
int people_groups(struct catalog *catalog, struct arena *arena, uint64_t person,
		  struct groups *groups_r, struct err *err);

/* ---- a revisor's bounds ---- */

struct bound_source {
	struct view source, folder; /* folder "": all of it; else it and what lies below */
};
struct bounds {
	struct texts domains;
	struct {
		struct bound_source *v;
		size_t n, cap;
	} sources;
	int64_t from_s, until_s; /* sent in from .. until; INT64_MIN, INT64_MAX: no bound */
	int64_t valid_until_s;   /* of the account */
};
struct bounds bounds_none(void);
int people_bounds(struct catalog *catalog, struct arena *arena, uint64_t person,
		  struct bounds *bounds_r, struct err *err);
int people_set_bounds(struct catalog *catalog, uint64_t person, const struct bounds *bounds,
		      struct err *err);

/* ---- saved searches ---- */

struct saved_search {
	uint64_t search;
	struct view name, query;
};
struct saved_searches {
	struct saved_search *v;
	size_t n, cap;
};
int searches_list(struct catalog *catalog, struct arena *arena, uint64_t person,
		  struct saved_searches *searches_r, struct err *err); /* by name */
/* ERR_TOOBIG: more than 200. */
int searches_add(struct catalog *catalog, uint64_t person, struct view name, struct view query,
		 uint64_t *search_r, struct err *err);
int searches_remove(struct catalog *catalog, uint64_t person, uint64_t search,
		    struct err *err); /* ERR_NOTFOUND: he has none such */

#endif
