/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/archive/found.h"

#include "app/archive/archive_priv.h"
#include "base/file.h"
#include "storage/label.h"
#include "storage/staged.h"

#include <dirent.h>
#include <stdio.h>

#define FOLDER "sealpost-"
#define MIRRORED "medium-"

void found_media_clear(struct found_media *f)
{
	for (size_t i = 0; i < f->media.n; i++) {
		medium_free(&f->media.v[i].open);
		secret_free(&f->media.v[i].own);
	}
	f->media.n = 0;
}

struct found_medium *found_media_get(struct found_media *f, unsigned medium)
{
	for (size_t i = 0; i < f->media.n; i++)
		if (f->media.v[i].medium == medium)
			return &f->media.v[i];
	return NULL;
}

static const char *folder_of(const struct keyring *keys, char out[64])
{
	char uuid[UUID_TEXT + 1];

	snprintf(out, 64, FOLDER "%s", uuid_text(keyring_archive(keys), uuid));
	return out;
}

int found_medium_connect(void *arg, struct medium **medium_r, struct err *err)
{
	struct found_medium *m = arg;
	CLEAN(medium) medium = NULL;
	char folder[64];

	if (m->open == NULL) {
		if (site_open(&m->site, folder_of(m->keys, folder), false, &medium, err) < 0 ||
		    label_check(medium, m->keys, m->medium, err) < 0)
			return -1;
		m->open = medium_readonly_new(TAKE(medium));
	}
	*medium_r = TAKE(m->open);
	return 0;
}

static int add(struct found_media *f, const struct keyring *keys, const struct site *site,
	       struct err *err)
{
	CLEAN(medium) medium = NULL;
	struct found_medium found = {.site = *site, .keys = keys};
	struct label label;
	char folder[64];

	if (site_open(site, folder_of(keys, folder), false, &medium, err) < 0 ||
	    label_read(medium, keys, &label, err) < 0)
		return -1;
	if (label.medium == 0 || label.medium > MEDIA_MAX)
		return err_set(err, ERR_DAMAGED, "%s: a label with number %u", site->location,
			       label.medium);
	if (found_media_get(f, label.medium) != NULL)
		return 0;
	found.medium = label.medium;
	found.site.user = arena_str(f->arena, site->user ? site->user : "");
	found.site.domain = arena_str(f->arena, site->domain ? site->domain : "");
	found.open = medium_readonly_new(TAKE(medium));
	ARENA_PUSH(f->arena, f->media, found);
	return 0;
}

/* Does PLACE have this archive's label in DIR ("" or "medium-3/")? 1, 0. */
static int has_label(struct medium *place, const struct keyring *keys, const char *dir,
		     struct err *err)
{
	char name[128], folder[64];
	uint64_t size;

	snprintf(name, sizeof(name), "%s%s/medium.json", dir, folder_of(keys, folder));
	if (medium_size(place, name, &size, err) == 0)
		return 1;
	if (err->kind != ERR_NOTFOUND)
		return -1;
	err_clear(err);
	return 0;
}

/* PLACE/SUB, "" for the place itself. */
static int look_below(struct found_media *f, const struct keyring *keys, struct medium *medium,
		      const struct site *place, const char *sub, struct err *err)
{
	struct site site = *place;
	char dir[32];
	int rc;

	snprintf(dir, sizeof(dir), "%s%s", sub, sub[0] ? "/" : "");
	rc = has_label(medium, keys, dir, err);
	if (rc <= 0)
		return rc;
	site.location = arena_f(f->arena, "%s%s%s", place->location, sub[0] ? "/" : "", sub);
	return add(f, keys, &site, err) < 0 ? -1 : 1;
}

/* ---- what else a place holds ---- */

/* Is there an archive's folder in DIR, or in a mirror's below it? */
static bool holds_archives(const char *dir, bool below)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	bool any = false;

	if (d == NULL)
		return false;
	while (!any && (entry = readdir(d)) != NULL) {
		CLEAN_STR path = STR_INIT;

		str_addf(&path, "%s/%s", dir, entry->d_name);
		any = view_starts(VIEW(entry->d_name), FOLDER) ||
		      (below && view_starts(VIEW(entry->d_name), MIRRORED) &&
		       holds_archives(path.data, false));
	}
	closedir(d);
	return any;
}

/* Nothing of this archive is there. It helps to know that another's is: then it is the key that is wrong. A share would have
 * to be listed whole for that. */
static int tell_foreign(const struct site *place, struct err *err)
{
	if (site_is_share(place->location) || !holds_archives(place->location, true))
		return 0;
	return err_set(err, ERR_FOREIGN,
		       "%s holds another archive's media, and none of the archive that this key "
		       "belongs to",
		       place->location);
}

/* ---- the whole ---- */

int found_media_look(struct found_media *f, const struct keyring *keys, const struct site *place,
		     struct err *err)
{
	CLEAN(medium) medium = NULL;
	CLEAN_STR location = STR_INIT;
	struct site site = *place;
	bool any = false;

	if (!site_is_share(place->location)) {
		if (path_absolute(place->location, &location, err) < 0)
			return -1;
		site.location = location.data;
	}
	if (site_open(&site, "", false, &medium, err) < 0)
		return -1;
	for (unsigned n = 0; n <= MEDIA_MAX; n++) {
		char sub[24] = "";
		int rc;

		if (n > 0)
			snprintf(sub, sizeof(sub), MIRRORED "%u", n);
		rc = look_below(f, keys, medium, &site, sub, err);
		if (rc < 0)
			return -1;
		any = any || rc > 0;
	}
	return any ? 1 : tell_foreign(&site, err);
}
