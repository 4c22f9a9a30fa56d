/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/archive/status.h"

#include "app/archive/archive_priv.h"
#include "app/archive/media.h"
#include "base/clock.h"
#include "base/file.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

/* A database with its write-ahead log. */
static uint64_t database_bytes(struct archive *a, const char *name)
{
	static const char *const ends[] = {"", "-wal"};
	CLEAN_STR path = STR_INIT;
	uint64_t bytes = 0;
	struct stat st;

	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		archive_path(a, name, &path);
		str_adds(&path, ends[i]);
		if (stat(path.data, &st) == 0)
			bytes += (uint64_t)st.st_size;
	}
	return bytes;
}

static int measure_staging(struct archive *a, struct archive_status *s, struct err *err)
{
	uint64_t total;

	if (file_space(a->dir, &s->staging_free_bytes, &total, err) < 0)
		return -1;
	s->staging_reserve_bytes = file_reserve(a->settings.staging_reserve_bytes, total);
	return 0;
}

int archive_figures(struct archive *a, const struct mails_totals *totals, struct arena *arena,
		    struct archive_status *status_r, struct err *err)
{
	struct archive_status s = {.mails = *totals};
	CLEAN_STR path = STR_INIT;

	if (media_overview(a, arena, &s.media, &s.n_media, err) < 0 ||
	    measure_staging(a, &s, err) < 0)
		return -1;
	for (size_t i = 0; i < s.n_media; i++)
		s.pack_bytes += s.media[i].pack_bytes;
	s.catalog_bytes = database_bytes(a, "catalog.db");
	s.index_bytes = database_bytes(a, "index.db");
	s.key_backed_up = access(archive_path(a, "key-backup", &path), F_OK) == 0;
	*status_r = s;
	return 0;
}

int archive_status(struct archive *a, struct arena *arena, struct archive_status *status_r,
		   struct err *err)
{
	struct mails_totals totals;
	uint64_t indexed;

	if (archive_need_index(a, err) < 0 || mails_totals(a->catalog, &totals, err) < 0 ||
	    index_count(a->index, &indexed, err) < 0 ||
	    archive_figures(a, &totals, arena, status_r, err) < 0)
		return -1;
	status_r->indexed = indexed;
	return 0;
}

int key_backup_made(const char *archive_dir, int64_t *made_s_r, struct err *err)
{
	CLEAN_STR path = STR_INIT;
	struct stat st;

	str_addf(&path, "%s/key-backup", archive_dir);
	if (stat(path.data, &st) < 0)
		return errno == ENOENT ? 0 : err_errno(err, "%s: %m", path.data);
	*made_s_r = st.st_mtime;
	return 1;
}

int key_backup_note(const char *archive_dir, struct err *err)
{
	CLEAN_STR path = STR_INIT;
	CLEAN_STR now = STR_INIT;

	str_addf(&path, "%s/key-backup", archive_dir);
	clock_add_utc(&now, clock_s());
	str_addc(&now, '\n');
	return file_replace(path.data, 0600, str_view(&now), err);
}
