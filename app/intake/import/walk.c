/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/intake/import/walk.h"

#include "base/arena.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEPTH_MAX 200 /* one file descriptor each; far below the usual limit of 1024 */

struct name {
	const char *text;
	unsigned char type; /* DT_ of readdir() */
};

struct level {
	DIR *dir;
	struct arena *arena;
	struct {
		struct name *v;
		size_t n, cap;
	} names;
	size_t next;
	size_t place_len; /* of the walk's place, up to this folder */
	bool is_maildir;  /* has cur/ or new/ in it */
	bool has_mails;   /* is such a cur/ or new/ */
};

struct walk {
	char **paths;
	size_t n_paths;
	size_t next_path;
	struct level levels[DEPTH_MAX];
	size_t depth;
	struct str place;
};

static void level_clear(struct level *level)
{
	closedir(level->dir);
	arena_free(&level->arena);
	*level = (struct level){0};
}

static struct walk *walk_new(const char *const *paths, size_t n)
{
	struct walk *walk = mem_new(sizeof(*walk));

	str_init(&walk->place);
	walk->paths = mem_new((n + 1) * sizeof(*walk->paths));
	while (walk->n_paths < n) {
		walk->paths[walk->n_paths] = mem_strdup(paths[walk->n_paths]);
		walk->n_paths++;
	}
	return walk;
}

int walk_open(const char *const *paths, size_t n, struct walk **walk_r, struct err *err)
{
	struct stat st;

	for (size_t i = 0; i < n; i++)
		if (stat(paths[i], &st) < 0)
			return err_errno(err, "%s: %m", paths[i]);
	*walk_r = walk_new(paths, n);
	return 0;
}

void walk_free(struct walk **walk)
{
	struct walk *w = *walk;

	if (w == NULL)
		return;
	while (w->depth > 0)
		level_clear(&w->levels[--w->depth]);
	for (size_t i = 0; i < w->n_paths; i++)
		free(w->paths[i]);
	free(w->paths);
	str_clear(&w->place);
	free(w);
	*walk = NULL;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct name *)a)->text, ((const struct name *)b)->text);
}

static bool is_mail_folder(const char *name)
{
	return strcmp(name, "cur") == 0 || strcmp(name, "new") == 0;
}

static unsigned char type_of(int dir_fd, const struct dirent *entry)
{
	struct stat st;

	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type;
	if (fstatat(dir_fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return DT_UNKNOWN;
	return (unsigned char)IFTODT(st.st_mode);
}

static int read_names(struct level *level, struct err *err)
{
	struct dirent *entry;

	while (errno = 0, (entry = readdir(level->dir)) != NULL) {
		struct name name = {.type = type_of(dirfd(level->dir), entry)};

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (name.type == DT_DIR && is_mail_folder(entry->d_name))
			level->is_maildir = true;
		name.text = arena_str(level->arena, entry->d_name);
		ARENA_PUSH(level->arena, level->names, name);
	}
	if (errno != 0)
		return err_errno(err, "cannot list the folder: %m");
	if (level->names.n > 0)
		qsort(level->names.v, level->names.n, sizeof(*level->names.v), by_name);
	return 0;
}

/* Open the folder NAME as the walk's next level. */
static int enter(struct walk *w, int dir_fd, const char *name, int extra_flags, struct err *err)
{
	struct level *level = &w->levels[w->depth];
	int fd;

	if (w->depth == DEPTH_MAX)
		return err_set(err, ERR_TOOBIG, "folders are nested deeper than %d", DEPTH_MAX);
	fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | extra_flags);
	if (fd < 0)
		return err_errno(err, "cannot open the folder: %m");
	*level = (struct level){.dir = fdopendir(fd), .arena = arena_new()};
	must(level->dir != NULL);
	if (read_names(level, err) < 0) {
		level_clear(level);
		return -1;
	}
	level->place_len = w->place.len;
	w->depth++;
	return 0;
}

/* The last part of PATH, without slashes at the end. */
static struct view base_name(const char *path)
{
	struct view v = VIEW(path);
	const char *slash;

	while (v.len > 1 && v.data[v.len - 1] == '/')
		v.len--;
	slash = memrchr(v.data, '/', v.len);
	if (slash == NULL || v.len == 1)
		return v;
	return (struct view){slash + 1, (size_t)(v.data + v.len - slash - 1)};
}

/* WALK_FAILED goes to the caller like any entry; only a lack of descriptors ends the walk. */
static int failed(struct walk_entry *entry, struct err *err)
{
	entry->kind = WALK_FAILED;
	if (entry->err.os != EMFILE && entry->err.os != ENFILE)
		return 1;
	*err = entry->err;
	return -1;
}

/* 1 an entry, 0 a folder was entered, -1 */
static int next_path(struct walk *w, struct walk_entry *entry, struct err *err)
{
	const char *path = w->paths[w->next_path++];
	struct view base = base_name(path);
	struct stat st;

	*entry = (struct walk_entry){.dir_fd = AT_FDCWD, .name = path, .given = true};
	str_reset(&w->place);
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
		if (enter(w, AT_FDCWD, path, 0, &entry->err) < 0) {
			entry->place = base;
			return failed(entry, err);
		}
		w->levels[0].has_mails = view_eq(base, VIEW("cur")) || view_eq(base, VIEW("new"));
		return 0;
	}
	entry->place = base;
	entry->kind = WALK_FILE;
	return 1;
}

static int skipped(struct walk_entry *entry, const char *reason)
{
	entry->kind = WALK_SKIPPED;
	err_set(&entry->err, ERR_NOTMAIL, "%s", reason);
	return 1;
}

static int next_folder(struct walk *w, bool in_maildir, struct walk_entry *entry, struct err *err)
{
	if (in_maildir && strcmp(entry->name, "tmp") == 0)
		return skipped(entry, "Maildir tmp: deliveries that were not finished");
	if (enter(w, entry->dir_fd, entry->name, O_NOFOLLOW, &entry->err) < 0)
		return failed(entry, err);
	w->levels[w->depth - 1].has_mails = in_maildir && is_mail_folder(entry->name);
	return 0;
}

static int next_name(struct walk *w, struct walk_entry *entry, struct err *err)
{
	struct level *level = &w->levels[w->depth - 1];
	const struct name *name = &level->names.v[level->next++];

	w->place.len = level->place_len;
	if (w->place.len > 0)
		str_addc(&w->place, '/');
	str_adds(&w->place, name->text);
	*entry = (struct walk_entry){.dir_fd = dirfd(level->dir),
				     .name = name->text,
				     .in_maildir = level->has_mails,
				     .place = str_view(&w->place)};
	switch (name->type) {
	case DT_DIR:
		return next_folder(w, level->is_maildir, entry, err);
	case DT_LNK:
		return skipped(entry, "symbolic link: not followed");
	case DT_REG:
	case DT_UNKNOWN: /* gone meanwhile: opening it will tell */
		entry->kind = WALK_FILE;
		return 1;
	default:
		return skipped(entry, "no regular file");
	}
}

int walk_next(struct walk *walk, struct walk_entry *entry_r, struct err *err)
{
	for (;;) {
		int rc;

		if (walk->depth > 0) {
			struct level *level = &walk->levels[walk->depth - 1];

			if (level->next == level->names.n) {
				level_clear(level);
				walk->depth--;
				continue;
			}
			rc = next_name(walk, entry_r, err);
		} else if (walk->next_path < walk->n_paths) {
			rc = next_path(walk, entry_r, err);
		} else {
			return 0;
		}
		if (rc != 0)
			return rc;
	}
}
