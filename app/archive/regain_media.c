/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/archive/regain_priv.h"

#include "base/log.h"
#include "storage/staged.h"

#include <sys/stat.h>
#include <unistd.h>

/* ---- which ones ---- */

/* Taken out of use without ever having had a mail: nobody misses it. */
static bool is_missed(const struct medium_row *row)
{
	return row->state != MEDIUM_DEACTIVATED || row->packs > 0;
}

int regain_known_media(struct archive *a, struct found_media *found, struct err *err)
{
	struct medium_row *rows;
	size_t n;

	if (media_list(a->catalog, found->arena, &rows, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct found_medium m = {.medium = rows[i].medium, .keys = a->keys};
		struct err why = {0};
		const char *location;

		if (found_media_get(found, m.medium) != NULL || rows[i].state == MEDIUM_REMOVED ||
		    m.medium > MEDIA_MAX)
			continue;
		if (media_site(a->catalog, found->arena, m.medium, &m.site, &m.own, err) < 0)
			return -1;
		location = m.site.location;
		if (!site_is_share(location) && location[0] != '/')
			m.site.location = arena_f(found->arena, "%s/%s", a->dir, location);
		if (found_medium_connect(&m, &m.open, &why) < 0) {
			if (is_missed(&rows[i]))
				log_warn(
					"medium %u at %s is left out; where it is now, the command "
					"must be told: %s",
					m.medium, location, why.text);
			secret_free(&m.own);
			continue;
		}
		m.site.location = location;
		ARENA_PUSH(found->arena, found->media, m);
	}
	return 0;
}

static const struct medium_row *known(const struct regain *rg, unsigned number)
{
	for (size_t i = 0; i < rg->n_media; i++)
		if (rg->media[i].medium == number)
			return &rg->media[i];
	return NULL;
}

unsigned regain_resolve(const struct regain *rg, unsigned number)
{
	for (unsigned steps = 0; steps < MEDIA_MAX; steps++) {
		const struct medium_row *row = known(rg, number);

		if (row == NULL || row->state != MEDIUM_REDIRECTED)
			break;
		number = row->redirect;
	}
	return number;
}

struct regain_source *regain_source(struct regain *rg, unsigned number)
{
	for (size_t i = 0; i < rg->n_sources; i++)
		if (rg->sources[i].medium == number)
			return &rg->sources[i];
	return NULL;
}

/* ---- opened for this ---- */

/* ARCHIVE/staging/N, if it is there. */
static int open_near(struct regain *rg, unsigned number, struct medium **near_r, struct err *err)
{
	CLEAN_STR path = STR_INIT;
	struct stat st;

	str_addf(&path, "%s/staging/%u", rg->a->dir, number);
	if (stat(path.data, &st) == 0 && medium_local_open(path.data, near_r, err) < 0)
		return -1;
	if (*near_r != NULL)
		*near_r = medium_readonly_new(*near_r);
	return 0;
}

/* What stands for medium NUMBER in the archive; FOUND NULL: only its staging folder is there. */
static int open_source(struct regain *rg, unsigned number, struct found_medium *found,
		       struct regain_source *source, struct err *err)
{
	struct medium *near = NULL;

	*source = (struct regain_source){.medium = number, .state = MEDIUM_IN_USE};
	if (open_near(rg, number, &near, err) < 0)
		return -1;
	source->near = near;
	if (found == NULL) {
		archive_use_medium(rg->a, number, near);
		return 0;
	}
	source->far = found->open;
	if (near != NULL)
		archive_use_medium(rg->a, number,
				   medium_staged_new(near, medium_type(found->open),
						     medium_location(found->open), 0,
						     found_medium_connect, found));
	else
		archive_use_medium(rg->a, number, TAKE(found->open));
	return 0;
}

/* ---- their rows ---- */

/* Where it is, and that it answers: what was known of that is of another day. */
static int keep_place(struct regain *rg, const struct found_medium *m, struct err *err)
{
	struct catalog *catalog = rg->a->catalog;
	uint64_t free_bytes, total_bytes;

	if (medium_space(m->open, &free_bytes, &total_bytes, err) < 0 ||
	    (known(rg, m->medium) == NULL
		     ? media_add_numbered(catalog, m->medium, &m->site, false, err)
		     : media_set_site(catalog, m->medium, &m->site, err)) < 0)
		return -1;
	return media_note_answer(catalog, m->medium, NULL, free_bytes, total_bytes, err);
}

/* A medium that others stand for is not read, unless they are not there. */
static int begin_found(struct regain *rg, struct found_medium *m, struct err *err)
{
	const struct medium_row *row = known(rg, m->medium);
	struct regain_source *source = &rg->sources[rg->n_sources];
	unsigned target = regain_resolve(rg, m->medium);

	if (target != m->medium && found_media_get(rg->found, target) != NULL)
		return 0;
	if (keep_place(rg, m, err) < 0 || open_source(rg, m->medium, m, source, err) < 0)
		return -1;
	source->is_share = site_is_share(m->site.location);
	source->is_new = row == NULL;
	if (row != NULL && row->state == MEDIUM_DEACTIVATED)
		source->state = MEDIUM_DEACTIVATED;
	rg->n_sources++;
	return media_set_state(rg->a->catalog, m->medium, MEDIUM_IN_USE, 0, err);
}

/* A share that is away, and what is in staging for it. */
static int begin_staged(struct regain *rg, const struct medium_row *row, struct err *err)
{
	struct regain_source *source = &rg->sources[rg->n_sources];

	if (found_media_get(rg->found, row->medium) != NULL || row->state == MEDIUM_REMOVED ||
	    row->medium > MEDIA_MAX)
		return 0;
	if (open_source(rg, row->medium, NULL, source, err) < 0)
		return -1;
	if (source->near == NULL)
		return 0;
	source->state = row->state;
	rg->n_sources++;
	return media_set_state(rg->a->catalog, row->medium, MEDIUM_IN_USE, 0, err);
}

/* Without a place it has no row, and a pack needs one. */
static void tell_unknown_staged(struct regain *rg)
{
	for (unsigned n = 1; n <= MEDIA_MAX; n++) {
		CLEAN_STR path = STR_INIT;

		str_addf(&path, "%s/staging/%u", rg->a->dir, n);
		if (known(rg, n) == NULL && regain_source(rg, n) == NULL &&
		    access(path.data, F_OK) == 0)
			log_warn("what waits in staging for medium %u is left out: where that "
				 "medium is, the command must be told",
				 n);
	}
}

int regain_begin_media(struct regain *rg, struct err *err)
{
	if (media_list(rg->a->catalog, rg->arena, &rg->media, &rg->n_media, err) < 0)
		return -1;
	for (size_t i = 0; i < rg->found->media.n; i++)
		if (begin_found(rg, &rg->found->media.v[i], err) < 0)
			return -1;
	for (size_t i = 0; i < rg->n_media; i++)
		if (begin_staged(rg, &rg->media[i], err) < 0)
			return -1;
	tell_unknown_staged(rg);
	return 0;
}

/* ---- in the end ---- */

/* What is written to: the medium that was active, or a newer one that holds mail already. Where nothing was known, the
 * highest. */
static int choose_active(struct regain *rg, struct err *err)
{
	unsigned active = 0;

	if (media_active(rg->a->catalog, &active, err) < 0)
		return -1;
	for (size_t i = 0; i < rg->n_sources; i++) {
		const struct regain_source *s = &rg->sources[i];

		if (s->is_new && (s->has_packs || rg->n_media == 0) && s->medium > active)
			active = s->medium;
	}
	return active == 0 ? 0 : media_set_active(rg->a->catalog, active, err);
}

/* A mirror's folder that became a medium is no copy of it. */
static int settle_mirror(struct regain *rg, struct err *err)
{
	CLEAN(secret) password = NULL;
	struct site mirror;
	int rc = mirror_site(rg->a->catalog, rg->arena, &mirror, &password, err);
	size_t len;

	if (rc <= 0)
		return rc;
	len = strlen(mirror.location);
	for (size_t i = 0; i < rg->n_sources; i++) {
		const struct found_medium *m = found_media_get(rg->found, rg->sources[i].medium);

		if (m == NULL || strncmp(m->site.location, mirror.location, len) != 0 ||
		    m->site.location[len] != '/')
			continue;
		rg->report->mirror_is_medium = true;
		return mirror_set_site(rg->a->catalog, NULL, err);
	}
	return 0;
}

int regain_end_media(struct regain *rg, struct err *err)
{
	for (size_t i = 0; i < rg->n_sources; i++) {
		const struct regain_source *s = &rg->sources[i];

		if (s->state == MEDIUM_DEACTIVATED)
			ARENA_PUSH(rg->arena, rg->report->deactivated, s->medium);
		else if (s->state == MEDIUM_REDIRECTED &&
			 media_set_state(rg->a->catalog, s->medium, s->state,
					 known(rg, s->medium)->redirect, err) < 0)
			return -1;
	}
	return choose_active(rg, err) < 0 ? -1 : settle_mirror(rg, err);
}

int regain_set_aside(struct archive *a, const struct regain_report *report, struct err *err)
{
	for (size_t i = 0; i < report->deactivated.n; i++)
		if (media_set_state(a->catalog, report->deactivated.v[i], MEDIUM_DEACTIVATED, 0,
				    err) < 0)
			return -1;
	return 0;
}
