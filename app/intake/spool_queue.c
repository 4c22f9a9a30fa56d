/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Queue ids, and what becomes of pending entries that nobody ever binds. */
#include "app/intake/spool.h"

#include "app/intake/spool_priv.h"
#include "base/clock.h"
#include "base/file.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <unistd.h>

#define FILTERED ".filtered"

enum { QUEUE_ID_MAX = 64, TARGET_MAX = UUID_TEXT + sizeof(FILTERED) };

/* --- notes ------------------------------------------------------------------------------------ */

/* Becomes a file name, so it must not be able to name anything else. */
static bool is_queue_id(struct view text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!isascii((unsigned char)text.data[i]) || !isalnum((unsigned char)text.data[i]))
			return false;
	return text.len >= 1 && text.len <= QUEUE_ID_MAX;
}

static const char *note_path(const struct spool *spool, struct view queue_id, struct str *out)
{
	str_reset(out);
	str_addf(out, "%s/", spool->queue_dir);
	str_addv(out, queue_id);
	return out->data;
}

int spool_note_queue(struct spool *spool, struct view queue_id, const struct uuid *id,
		     enum spool_stage stage, struct err *err)
{
	CLEAN_STR path = STR_INIT;
	CLEAN_STR target = STR_INIT;

	if (!is_queue_id(queue_id))
		return 0;
	uuid_add(&target, id);
	str_adds(&target, stage == SPOOL_FILTERED_NEXT ? FILTERED : "");
	note_path(spool, queue_id, &path);
	if (symlink(target.data, path.data) == 0)
		return 0;
	if (errno == EEXIST && unlink(path.data) == 0 && symlink(target.data, path.data) == 0)
		return 0;
	return err_errno(err, "%s: %m", spool->queue_dir);
}

/* What a note says: 1, or 0 if there is none, or something that is no note of ours. */
static int read_note(const struct spool *spool, struct view queue_id, struct uuid *id_r,
		     enum spool_stage *stage_r, struct err *err)
{
	CLEAN_STR path = STR_INIT;
	char target[TARGET_MAX];
	struct view id = {target, UUID_TEXT}, rest;
	ssize_t len = readlink(note_path(spool, queue_id, &path), target, sizeof(target));

	if (len < 0 && errno != ENOENT && errno != EINVAL)
		return err_errno(err, "%s: %m", spool->queue_dir);
	if (len < UUID_TEXT || uuid_read(id, id_r) < 0)
		return 0;
	rest = (struct view){target + UUID_TEXT, (size_t)len - UUID_TEXT};
	*stage_r = rest.len > 0 ? SPOOL_FILTERED_NEXT : SPOOL_DELIVERED_NEXT;
	return rest.len == 0 || view_eq(rest, VIEW(FILTERED));
}

int spool_by_queue(struct spool *spool, struct view queue_id, struct uuid *id_r,
		   enum spool_stage *stage_r, struct err *err)
{
	return is_queue_id(queue_id) ? read_note(spool, queue_id, id_r, stage_r, err) : 0;
}

/* --- expiry ----------------------------------------------------------------------------------- */

struct note {
	struct uuid id;
	struct view queue_id;
	enum spool_stage stage;
};

struct notes {
	struct note *v;
	size_t n, cap;
};

static int by_id(const void *a, const void *b)
{
	const struct note *left = a, *right = b;

	return memcmp(left->id.b, right->id.b, UUID_BYTES);
}

static int add_note(struct spool *spool, struct arena *arena, const char *name, struct notes *notes,
		    struct err *err)
{
	struct note note = {.queue_id = VIEW(name)};
	int rc = is_queue_id(note.queue_id)
			 ? read_note(spool, note.queue_id, &note.id, &note.stage, err)
			 : 0;

	if (rc <= 0)
		return rc;
	note.queue_id = arena_view(arena, note.queue_id);
	ARENA_PUSH(arena, *notes, note);
	return 0;
}

static int read_notes(struct spool *spool, struct arena *arena, struct notes *notes,
		      struct err *err)
{
	DIR *dir = opendir(spool->queue_dir);
	struct dirent *entry;
	int rc = 0;

	if (dir == NULL)
		return err_errno(err, "%s: %m", spool->queue_dir);
	while (rc == 0 && (errno = 0, (entry = readdir(dir)) != NULL))
		rc = add_note(spool, arena, entry->d_name, notes, err);
	if (rc == 0 && errno != 0)
		rc = err_errno(err, "%s: %m", spool->queue_dir);
	closedir(dir);
	if (rc == 0 && notes->n > 0)
		qsort(notes->v, notes->n, sizeof(*notes->v), by_id);
	return rc;
}

/* May what has this id, and perhaps a note, go? */
static bool is_over(const struct spool_expiry *expiry, const struct uuid *id,
		    const struct note *note, int64_t now_s)
{
	int64_t age_s = now_s - uuid_ms(id) / 1000;

	if (note == NULL)
		return age_s > expiry->keep_filtered_s;
	if (expiry->queued != NULL && expiry->queued(expiry->arg, note->queue_id))
		return false;
	if (note->stage == SPOOL_FILTERED_NEXT || expiry->queued == NULL)
		return age_s > expiry->keep_filtered_s;
	return age_s > expiry->keep_s;
}

static int drop_entries(struct spool *spool, const struct spool_expiry *expiry,
			const struct notes *notes, int64_t now_s, size_t *dropped_r,
			struct err *err)
{
	CLEAN(arena) arena = arena_new();
	struct uuid *ids;
	size_t n;

	if (spool_list(spool, SPOOL_PENDING, 0, arena, &ids, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct note key = {.id = ids[i]};
		const struct note *note = notes->n > 0 ? bsearch(&key, notes->v, notes->n,
								 sizeof(key), by_id)
						       : NULL;

		if (!is_over(expiry, &ids[i], note, now_s))
			continue;
		if (spool_remove_file(spool, SPOOL_PENDING, &ids[i], err) == 0)
			++*dropped_r;
		else if (err->kind != ERR_NOTFOUND) /* else it was bound meanwhile */
			return -1;
	}
	return *dropped_r > 0 ? dir_sync(spool->dirs[SPOOL_PENDING], err) : 0;
}

static int drop_notes(struct spool *spool, const struct spool_expiry *expiry,
		      const struct notes *notes, int64_t now_s, struct err *err)
{
	CLEAN_STR path = STR_INIT;

	for (size_t i = 0; i < notes->n; i++) {
		const struct note *note = &notes->v[i];

		if (is_over(expiry, &note->id, note, now_s) &&
		    unlink(note_path(spool, note->queue_id, &path)) < 0 && errno != ENOENT)
			return err_errno(err, "%s: %m", spool->queue_dir);
	}
	return 0;
}

int spool_expire(struct spool *spool, const struct spool_expiry *expiry, size_t *dropped_r,
		 struct err *err)
{
	CLEAN(arena) arena = arena_new();
	struct notes notes = {0};
	int64_t now_s = clock_s();

	*dropped_r = 0;
	if (read_notes(spool, arena, &notes, err) < 0 ||
	    drop_entries(spool, expiry, &notes, now_s, dropped_r, err) < 0)
		return -1;
	return drop_notes(spool, expiry, &notes, now_s, err);
}
