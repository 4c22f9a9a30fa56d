/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/archive/may_see.h"

#include "app/archive/archive_priv.h"
#include "app/archive/read.h"
#include "app/catalog/people.h"
#include "app/mail/mail.h"

struct sight {
	struct arena *arena;
	struct {
		uint64_t *v;
		size_t n, cap;
	} addresses;
	struct texts domains;
	struct {
		struct scope_place *v;
		size_t n, cap;
	} places;
};

static bool has_domain(const struct sight *s, struct view domain)
{
	for (size_t i = 0; i < s->domains.n; i++)
		if (view_eq(s->domains.v[i], domain))
			return true;
	return false;
}

/* Whom an answer is to go to is no recipient. */
static int add_address(void *arg, unsigned role, uint64_t address, struct view addr,
		       struct err *err)
{
	struct sight *s = arg;
	const struct view domain = scope_domain_of(addr);

	(void)err;
	if (role == ROLE_REPLY_TO)
		return 0;
	ARENA_PUSH(s->arena, s->addresses, address);
	if (domain.len > 0 && !has_domain(s, domain))
		ARENA_PUSH(s->arena, s->domains, arena_view(s->arena, domain));
	return 0;
}

static int add_place(void *arg, const struct sighting_row *row, struct err *err)
{
	struct sight *s = arg;

	(void)err;
	ARENA_PUSH(s->arena, s->places,
		   ((struct scope_place){row->source, arena_view(s->arena, row->place)}));
	return 0;
}

int mail_sight(struct catalog *catalog, struct arena *arena, const struct mail_row *row,
	       struct scope_mail *sight_r, struct err *err)
{
	struct sight s = {.arena = arena};

	ARENA_PUSH(arena, s.places, ((struct scope_place){row->source, row->place}));
	if (recipients_each(catalog, row->mail, add_address, &s, err) < 0 ||
	    sightings_each(catalog, row->mail, add_place, &s, err) < 0)
		return -1;
	*sight_r = (struct scope_mail){row->mail,   row->sent_s, s.addresses.v, s.addresses.n,
				       s.domains.v, s.domains.n, s.places.v,    s.places.n};
	return 0;
}

int may_see(struct catalog *catalog, const struct scope *scope, const struct mail_row *row,
	    struct err *err)
{
	CLEAN(arena) arena = NULL;
	struct scope_mail sight;

	if (scope->all && !scope_is_bounded(scope))
		return 1;
	arena = arena_new();
	if (mail_sight(catalog, arena, row, &sight, err) < 0)
		return -1;
	return scope_sees(scope, &sight);
}

int mail_find_in(struct archive *a, struct arena *arena, const struct scope *scope,
		 const struct uuid *id, struct mail_row *row_r, struct err *err)
{
	int found = mail_find(a, arena, id, row_r, err), seen;

	if (found < 0 || (found == 0 && scope->all && !scope_is_bounded(scope)))
		return found;
	if (found == 0)
		*row_r = (struct mail_row){.place = VIEW("")};
	seen = may_see(a->catalog, scope, row_r, err);
	if (seen < 0)
		return -1;
	if (found > 0 && seen > 0)
		return 1;
	err_clear(err);
	err_set(err, ERR_NOTFOUND, "there is no such mail");
	return 0;
}
