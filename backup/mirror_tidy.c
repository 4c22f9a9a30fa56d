/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the mirror holds, and what of it has to go. Decided by what is found there, not by what is remembered: an
 * interrupted run leaves files that nobody noted, and what was erased must not stay in one of these. */
#include "backup/mirror_priv.h"

#include "base/log.h"

#include <stdlib.h>

bool mirror_is_part(const char *name)
{
	size_t len = strlen(name);

	return len > 5 && strcmp(name + len - 5, ".part") == 0;
}

static bool is_pack_folder(const char *name)
{
	return strncmp(name, "packs/", 6) == 0;
}

/* --- what is there ---------------------------------------------------------------------------- */

struct looking {
	struct mirroring *mi;
	struct mirrored *m;
};

static int add_found(void *arg, const char *name, uint64_t size, struct err *err)
{
	struct looking *l = arg;
	struct mirror_found found = {.name = arena_str(l->mi->arena, name), .size = size};

	(void)err;
	ARENA_PUSH(l->mi->arena, l->m->found, found);
	return 0;
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct mirror_found *)a)->name,
		      ((const struct mirror_found *)b)->name);
}

static struct mirror_found *find(const struct mirrored *m, const char *name)
{
	const struct mirror_found key = {.name = (char *)name};

	return m->found.n == 0 ? NULL : bsearch(&key, m->found.v, m->found.n, sizeof(key), compare);
}

/* 1: FILE is there, as long as it was. Of an open pack more may have arrived. A list may be behind the times. */
static int is_there(struct mirrored *m, const struct mirror_file *file, struct err *err)
{
	const struct mirror_found *found = find(m, file->name);
	uint64_t size;

	if (found == NULL)
		return 0;
	if (found->size == file->size || (!file->has_hash && found->size > file->size))
		return 1;
	if (medium_size(m->to, file->name, &size, err) < 0) {
		if (err->kind != ERR_NOTFOUND)
			return -1;
		err_clear(err);
		return 0;
	}
	return size == file->size || (!file->has_hash && size > file->size);
}

static int forget_lost(struct mirroring *mi, struct mirrored *m, const struct mirror_file *file,
		       struct err *err)
{
	mi->report->damaged++;
	log_error("lost in the mirror medium=%u name=%s", m->number, file->name);
	ARENA_PUSH(mi->arena, m->lost, (char *)file->name);
	return mirror_file_remove(mi->catalog, m->number, file->name, err);
}

int mirror_look(struct mirroring *mi, struct mirrored *m, struct err *err)
{
	struct looking l = {mi, m};
	struct mirror_file *files;
	size_t n;

	if (medium_list(m->to, "", add_found, &l, err) < 0 ||
	    mirror_files_list(mi->catalog, mi->arena, &files, &n, err) < 0)
		return -1;
	if (m->found.n > 0)
		qsort(m->found.v, m->found.n, sizeof(*m->found.v), compare);
	for (size_t i = 0; i < n; i++) {
		int rc = files[i].medium == m->number ? is_there(m, &files[i], err) : 1;

		if (rc < 0 || (rc == 0 && forget_lost(mi, m, &files[i], err) < 0))
			return -1;
	}
	return 0;
}

/* The file last: what is noted of the mirror is there. */
static int drop(struct mirroring *mi, struct mirrored *m, struct mirror_found *found,
		struct err *err)
{
	if (mirror_file_remove(mi->catalog, m->number, found->name, err) < 0)
		return -1;
	if (medium_drop(m->to, found->name, err) < 0)
		return -1;
	found->gone = true;
	mi->report->removed++;
	return 0;
}

/* --- packs ------------------------------------------------------------------------------------ */

/* 1: the mirror has pack ROW, whole, with medium NUMBER. */
static int has_arrived(struct mirroring *mi, const struct pack_row *row, unsigned number,
		       struct err *err)
{
	struct mirror_file file;
	char name[64];
	int rc = mirror_file_get(mi->catalog, number, pack_name(row->pack, name), &file, err);

	return rc > 0 ? file.has_hash : rc;
}

/* What stands for pack BY now; state PACK_VOID: nothing does. */
static int follow(struct mirroring *mi, struct pack_row *by, struct err *err)
{
	while (by->state == PACK_REPLACED || by->state == PACK_REMOVED) {
		int rc = by->replaced_by == 0 ? 0
					      : packs_get(mi->catalog, by->replaced_by, by, err);

		if (rc < 0)
			return -1;
		if (rc == 0)
			by->state = PACK_VOID;
	}
	return 0;
}

/* It may be mail that an older catalog has forgotten. */
static void tell_unknown(const struct mirrored *m, struct mirror_found *found)
{
	if (!found->unknown)
		log_warn("the mirror of medium %u has %s, and the catalog does not know it; "
			 "\"sealpost rebuild\" takes it in",
			 m->number, found->name);
	found->unknown = true;
}

/* 1: what was found has nothing to look for in M's folder, or not any more. */
static int is_superfluous(struct mirroring *mi, const struct mirrored *m,
			  struct mirror_found *found, struct err *err)
{
	struct pack_row row;
	uint64_t number;
	unsigned lies_on;
	int rc;

	if (mirror_is_part(found->name)) /* of a pack that was being made anew */
		return 1;
	if (pack_number_of(found->name, &number) < 0)
		return 0;
	rc = packs_get(mi->catalog, number, &row, err);
	if (rc == 0)
		tell_unknown(m, found);
	if (rc <= 0)
		return rc;
	if (follow(mi, &row, err) < 0)
		return -1;
	if (row.state == PACK_VOID)
		return 1;
	if (mirror_pack_lies_on(mi, &row, &lies_on, err) < 0)
		return -1;
	if (row.pack == number && lies_on == m->number)
		return 0;
	return has_arrived(mi, &row, lies_on, err);
}

int mirror_drop_packs(struct mirroring *mi, struct mirrored *m, struct err *err)
{
	for (size_t i = 0; i < m->found.n; i++) {
		struct mirror_found *found = &m->found.v[i];
		int rc;

		if (found->gone || !is_pack_folder(found->name))
			continue;
		rc = is_superfluous(mi, m, found, err);
		if (rc < 0 || (rc > 0 && drop(mi, m, found, err) < 0))
			return -1;
	}
	return 0;
}

/* --- other files ------------------------------------------------------------------------------ */

static bool is_named(const char *name, size_t len, char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strlen(names[i]) == len && strncmp(names[i], name, len) == 0)
			return true;
	return false;
}

/* The ids of backups sort by time. Thinning always leaves a newer one: a medium that has none was emptied. */
static bool has_newer_backup(const char *name, char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strncmp(names[i], "catalog/", 8) == 0 && strcmp(names[i], name) > 0)
			return true;
	return false;
}

/* A ".part" is gone on with as long as its file is to come. */
static bool is_to_go(const char *name, char *const *names, size_t n)
{
	if (mirror_is_part(name))
		return !is_named(name, strlen(name) - strlen(".part"), names, n);
	return strncmp(name, "catalog/", 8) == 0 && !is_named(name, strlen(name), names, n) &&
	       has_newer_backup(name, names, n);
}

int mirror_drop_others(struct mirroring *mi, struct mirrored *m, char *const *names, size_t n,
		       struct err *err)
{
	for (size_t i = 0; i < m->found.n; i++) {
		struct mirror_found *found = &m->found.v[i];

		if (!found->gone && !is_pack_folder(found->name) &&
		    is_to_go(found->name, names, n) && drop(mi, m, found, err) < 0)
			return -1;
	}
	return 0;
}
