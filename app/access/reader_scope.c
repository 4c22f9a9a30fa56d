/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/access/reader_scope.h"

#include "app/catalog/requests.h"

struct making {
	struct catalog *catalog;
	struct arena *arena;
	struct texts alike; /* domains that count like each other */
	struct {
		uint64_t *v;
		size_t n, cap;
	} addresses;
	struct {
		struct view *v;
		size_t n, cap;
	} domains;
	struct {
		struct scope_place *v;
		size_t n, cap;
	} places;
};

static bool counts_alike(const struct making *m, struct view domain)
{
	for (size_t i = 0; i < m->alike.n; i++)
		if (view_eq(m->alike.v[i], domain))
			return true;
	return false;
}

/* --- an ordinary person ------------------------------------------------------------------------- */

/* An address that no mail has needs no right. */
static int add_known(struct making *m, struct view addr, struct err *err)
{
	uint64_t id;
	int rc = address_id(m->catalog, addr, false, &id, err);

	if (rc > 0)
		ARENA_PUSH(m->arena, m->addresses, id);
	return rc < 0 ? -1 : 0;
}

static int add_address(struct making *m, struct view addr, struct err *err)
{
	const struct view domain = scope_domain_of(addr);
	const int local = (int)(addr.len - domain.len); /* with the @ */

	if (!counts_alike(m, domain))
		return add_known(m, addr, err);
	for (size_t i = 0; i < m->alike.n; i++) {
		const struct view other = m->alike.v[i];
		const char *text = arena_f(m->arena, "%.*s%.*s", local, addr.data, (int)other.len,
					   other.data);

		if (add_known(m, VIEW(text), err) < 0)
			return -1;
	}
	return 0;
}

static int add_addresses(struct making *m, const struct texts *addresses, struct err *err)
{
	for (size_t i = 0; i < addresses->n; i++)
		if (add_address(m, addresses->v[i], err) < 0)
			return -1;
	return 0;
}

static int of_user(struct making *m, uint64_t person, struct scope *scope, struct err *err)
{
	struct texts own;
	struct groups groups;

	if (people_addresses(m->catalog, m->arena, person, &own, err) < 0 ||
	    add_addresses(m, &own, err) < 0 ||
	    people_groups(m->catalog, m->arena, person, &groups, err) < 0)
		return -1;
	for (size_t i = 0; i < groups.n; i++)
		if (add_addresses(m, &groups.v[i].addresses, err) < 0)
			return -1;
	scope->addresses = m->addresses.v;
	scope->n_addresses = m->addresses.n;
	return 0;
}

/* --- a revisor ---------------------------------------------------------------------------------- */

static void add_domains(struct making *m, const struct texts *domains)
{
	bool all_alike = false;

	for (size_t i = 0; i < domains->n; i++) {
		if (counts_alike(m, domains->v[i]))
			all_alike = true;
		else
			ARENA_PUSH(m->arena, m->domains, domains->v[i]);
	}
	for (size_t i = 0; all_alike && i < m->alike.n; i++)
		ARENA_PUSH(m->arena, m->domains, m->alike.v[i]);
}

/* A source that no mail came from yet is a bound, too: number 0, which no mail has. */
static int add_places(struct making *m, const struct bounds *bounds, struct err *err)
{
	for (size_t i = 0; i < bounds->sources.n; i++) {
		struct scope_place place = {.folder = bounds->sources.v[i].folder};

		if (source_id(m->catalog, bounds->sources.v[i].source, false, &place.source, err) <
		    0)
			return -1;
		ARENA_PUSH(m->arena, m->places, place);
	}
	return 0;
}

/* In a scope 0 is no bound; the second before or behind is as good. */
static int64_t bound_of(int64_t time_s, int64_t none, int64_t instead_of_0)
{
	if (time_s == none)
		return 0;
	return time_s != 0 ? time_s : instead_of_0;
}

static int of_revisor(struct making *m, uint64_t person, int64_t now_s, struct scope *scope,
		      struct err *err)
{
	struct bounds bounds;

	if (people_bounds(m->catalog, m->arena, person, &bounds, err) < 0 ||
	    add_places(m, &bounds, err) < 0)
		return -1;
	if (now_s >= bounds.valid_until_s)
		return 0;
	add_domains(m, &bounds.domains);
	scope->all = true;
	scope->domains = m->domains.v;
	scope->n_domains = m->domains.n;
	scope->places = m->places.v;
	scope->n_places = m->places.n;
	scope->from_s = bound_of(bounds.from_s, INT64_MIN, -1);
	scope->until_s = bound_of(bounds.until_s, INT64_MAX, -1);
	return 0;
}

/* --- a data officer ----------------------------------------------------------------------------- */

static int of_dataofficer(struct making *m, struct scope *scope, struct err *err)
{
	struct numbers mails;

	if (request_mails_open(m->catalog, m->arena, &mails, err) < 0)
		return -1;
	scope->mails = mails.v;
	scope->n_mails = mails.n;
	return 0;
}

int reader_scope(struct catalog *catalog, struct arena *arena, const struct person *person,
		 int64_t now_s, struct scope *scope_r, struct err *err)
{
	struct making m = {.catalog = catalog, .arena = arena};
	struct view main_domain;

	*scope_r = (struct scope){.person = person->person};
	if (!person->active || person->tied != 0)
		return 0;
	if (domains_get(catalog, arena, &m.alike, &main_domain, err) < 0)
		return -1;
	switch (person->role) {
	case PERSON_ROLE_USER:
		return of_user(&m, person->person, scope_r, err);
	case PERSON_ROLE_AUDITOR:
		scope_r->all = true;
		return 0;
	case PERSON_ROLE_REVISOR:
		return of_revisor(&m, person->person, now_s, scope_r, err);
	case PERSON_ROLE_DATAOFFICER:
		return of_dataofficer(&m, scope_r, err);
	default:
		return 0;
	}
}
