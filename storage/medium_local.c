/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A medium on the local disk. Names become paths at each call, and no directory is held open, so
 * that the disk can be unmounted while nobody reads; a directory that is gone is ERR_OFFLINE. */
#include "storage/medium_priv.h"

#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OPEN_FILES = 16 };

/* A file open for reading. The cache holds one reference, each read in progress another. */
struct open_file {
	int fd;
	unsigned refs;
	uint64_t used; /* the local's clock when last asked for */
	char *name;
};

struct local {
	struct medium base;
	pthread_mutex_t lock; /* guards what is below, and the references */
	struct open_file *open[OPEN_FILES];
	uint64_t clock;
};

struct local_file {
	struct medium_file base;
	int fd;
	bool failed; /* (M3): after a failed sync the kernel may call the next one a success */
};

static const char *path_of(const struct medium *m, const char *name, struct str *path)
{
	str_reset(path);
	str_addf(path, "%s/%s", m->location, name);
	return path->data;
}

/* "Not found" is for a medium that answers. */
static int unless_gone(const struct medium *m, struct err *err)
{
	struct stat st;

	if (err->kind == ERR_NOTFOUND && stat(m->location, &st) < 0)
		err_set(err, ERR_OFFLINE, "the directory is not there");
	return -1;
}

static int fail(const struct medium *m, const char *what, struct err *err)
{
	err_errno(err, "%s: %m", what);
	return unless_gone(m, err);
}

static void file_unref(struct open_file *f)
{
	if (--f->refs > 0)
		return;
	close(f->fd);
	free(f->name);
	free(f);
}

static void forget(struct local *l, size_t slot)
{
	struct open_file *f = TAKE(l->open[slot]);

	if (f != NULL)
		file_unref(f);
}

static void forget_name(struct local *l, const char *name)
{
	pthread_mutex_lock(&l->lock);
	for (size_t i = 0; i < OPEN_FILES; i++)
		if (l->open[i] != NULL && strcmp(l->open[i]->name, name) == 0)
			forget(l, i);
	pthread_mutex_unlock(&l->lock);
}

static void local_free(struct medium *m)
{
	struct local *l = (struct local *)m;

	for (size_t i = 0; i < OPEN_FILES; i++)
		forget(l, i);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

/* The slot to use next. On the way, let go of files that another process has removed: while one is
 * open, what was erased would stay on the disk. */
static size_t slot_for_new(struct local *l)
{
	size_t oldest = 0;
	struct stat st;

	for (size_t i = 0; i < OPEN_FILES; i++) {
		if (l->open[i] != NULL && fstat(l->open[i]->fd, &st) == 0 && st.st_nlink == 0)
			forget(l, i);
		if (l->open[i] == NULL)
			oldest = i;
		else if (l->open[oldest] != NULL && l->open[i]->used < l->open[oldest]->used)
			oldest = i;
	}
	return oldest;
}

static struct open_file *open_new(struct local *l, const char *name, struct err *err)
{
	CLEAN_STR path = STR_INIT;
	int fd = open(path_of(&l->base, name, &path), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct open_file *f;
	size_t slot;

	if (fd < 0) {
		fail(&l->base, "open", err);
		return NULL;
	}
	f = mem_new(sizeof(*f));
	*f = (struct open_file){.fd = fd, .refs = 1, .name = mem_strdup(name)};
	slot = slot_for_new(l);
	forget(l, slot);
	l->open[slot] = f;
	return f;
}

/* Is F still what has this name? Another process may have removed it, or another disk may be there now. */
static bool is_current(const struct local *l, const struct open_file *f)
{
	CLEAN_STR path = STR_INIT;
	struct stat open, there;

	return fstat(f->fd, &open) == 0 && lstat(path_of(&l->base, f->name, &path), &there) == 0 &&
	       open.st_ino == there.st_ino && open.st_dev == there.st_dev;
}

static struct open_file *find_open(struct local *l, const char *name)
{
	for (size_t i = 0; i < OPEN_FILES; i++) {
		if (l->open[i] == NULL || strcmp(l->open[i]->name, name) != 0)
			continue;
		if (is_current(l, l->open[i]))
			return l->open[i];
		forget(l, i);
	}
	return NULL;
}

/* The open file NAME, with a reference for the caller. */
static struct open_file *file_ref(struct local *l, const char *name, struct err *err)
{
	struct open_file *f;

	pthread_mutex_lock(&l->lock);
	f = find_open(l, name);
	if (f == NULL)
		f = open_new(l, name, err);
	if (f != NULL) {
		f->refs++;
		f->used = ++l->clock;
	}
	pthread_mutex_unlock(&l->lock);
	return f;
}

static int local_read(struct medium *m, const char *name, uint64_t offset, void *out, size_t len,
		      size_t *got_r, struct err *err)
{
	struct local *l = (struct local *)m;
	struct open_file *f = file_ref(l, name, err);
	ssize_t got;

	if (f == NULL)
		return -1;
	got = file_pread(f->fd, out, len, offset, err);
	pthread_mutex_lock(&l->lock);
	file_unref(f);
	pthread_mutex_unlock(&l->lock);
	if (got < 0)
		return -1;
	*got_r = (size_t)got;
	return 0;
}

/* Call STEP for each folder that NAME lies in, from the outermost; the medium's own comes first. */
static int each_folder(struct medium *m, const char *name, bool own,
		       int (*step)(const char *dir, struct err *err), struct err *err)
{
	CLEAN_STR path = STR_INIT;

	if (own && step(m->location, err) < 0)
		return unless_gone(m, err);
	for (const char *slash = strchr(name, '/'); slash; slash = strchr(slash + 1, '/')) {
		str_reset(&path);
		str_addf(&path, "%s/%.*s", m->location, (int)(slash - name), name);
		if (step(path.data, err) < 0)
			return unless_gone(m, err);
	}
	return 0;
}

static int make_private(const char *dir, struct err *err)
{
	return dir_make(dir, 0700, err);
}

static int create_fd(const char *path)
{
	return open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
}

static struct medium_file *file_of(int fd)
{
	struct local_file *f = mem_new(sizeof(*f));

	f->fd = fd;
	return &f->base;
}

/* All folders on the way are synced, not only new ones: one may stem from a run that died between
 * making and syncing it, and (M3) promises the name. */
static int local_create(struct medium *m, const char *name, struct medium_file **file_r,
			struct err *err)
{
	CLEAN_STR path = STR_INIT;
	CLEAN_FD fd = create_fd(path_of(m, name, &path));

	if (fd < 0 && errno == ENOENT) {
		if (each_folder(m, name, false, make_private, err) < 0)
			return -1;
		fd = create_fd(path.data);
	}
	if (fd < 0)
		return fail(m, "create", err);
	if (each_folder(m, name, true, dir_sync, err) < 0) {
		unlink(path.data);
		return -1;
	}
	*file_r = file_of(fd);
	fd = -1;
	return 0;
}

static int local_reopen(struct medium *m, const char *name, struct medium_file **file_r,
			struct err *err)
{
	CLEAN_STR path = STR_INIT;
	int fd = open(path_of(m, name, &path), O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return fail(m, "open", err);
	*file_r = file_of(fd);
	return 0;
}

static int local_append(struct medium_file *file, const void *data, size_t len, struct err *err)
{
	return file_write_all(((struct local_file *)file)->fd, data, len, err);
}

static int local_sync(struct medium_file *file, struct err *err)
{
	struct local_file *f = (struct local_file *)file;

	if (f->failed)
		return err_set(err, ERR_IO, "given up after a failed sync");
	f->failed = file_sync(f->fd, err) < 0;
	return f->failed ? -1 : 0;
}

static void local_close(struct medium_file *file)
{
	struct local_file *f = (struct local_file *)file;

	close(f->fd);
	free(f);
}

static int local_size(struct medium *m, const char *name, uint64_t *size_r, struct err *err)
{
	CLEAN_STR path = STR_INIT;
	struct stat st;

	if (lstat(path_of(m, name, &path), &st) < 0)
		return fail(m, "stat", err);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_NOTFOUND, "is no file");
	*size_r = (uint64_t)st.st_size;
	return 0;
}

static int list_folder(struct medium *m, const char *name, medium_list_fn *fn, void *arg,
		       struct err *err);

static int list_entry(struct medium *m, const char *name, medium_list_fn *fn, void *arg,
		      struct err *err)
{
	CLEAN_STR path = STR_INIT;
	struct stat st;

	if (lstat(path_of(m, name, &path), &st) < 0)
		return errno == ENOENT ? 0 : fail(m, name, err); /* removed meanwhile */
	if (S_ISDIR(st.st_mode))
		return list_folder(m, name, fn, arg, err);
	return S_ISREG(st.st_mode) ? fn(arg, name, (uint64_t)st.st_size, err) : 0;
}

static int list_folder(struct medium *m, const char *name, medium_list_fn *fn, void *arg,
		       struct err *err)
{
	CLEAN_STR path = STR_INIT;
	DIR *dir = opendir(path_of(m, name, &path));
	struct dirent *entry;
	int rc = 0;

	if (dir == NULL)
		return fail(m, "list", err);
	while (rc == 0 && (errno = 0, entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		str_reset(&path);
		str_addf(&path, "%s%s%s", name, name[0] ? "/" : "", entry->d_name);
		rc = list_entry(m, path.data, fn, arg, err);
	}
	if (rc == 0 && errno != 0)
		rc = fail(m, "list", err);
	closedir(dir);
	return rc;
}

static int local_list(struct medium *m, const char *dir, medium_list_fn *fn, void *arg,
		      struct err *err)
{
	CLEAN_STR path = STR_INIT;

	if (access(path_of(m, dir, &path), F_OK) == 0)
		return list_folder(m, dir, fn, arg, err);
	fail(m, "list", err);
	return err->kind == ERR_NOTFOUND ? 0 : -1;
}

static int local_remove(struct medium *m, const char *name, struct err *err)
{
	CLEAN_STR path = STR_INIT;

	if (unlink(path_of(m, name, &path)) < 0)
		return fail(m, "remove", err);
	forget_name((struct local *)m, name);
	return dir_sync_parent(path.data, err);
}

static int local_replace(struct medium *m, const char *made, const char *name, struct err *err)
{
	CLEAN_STR from = STR_INIT;
	CLEAN_STR to = STR_INIT;

	if (rename(path_of(m, made, &from), path_of(m, name, &to)) < 0)
		return fail(m, "rename", err);
	forget_name((struct local *)m, made);
	forget_name((struct local *)m, name);
	return dir_sync_parent(to.data, err);
}

static int local_modified(struct medium *m, const char *name, int64_t *time_s_r, struct err *err)
{
	CLEAN_STR path = STR_INIT;
	struct stat st;

	if (stat(path_of(m, name, &path), &st) < 0)
		return fail(m, "stat", err);
	*time_s_r = st.st_mtime;
	return 0;
}

static int local_cut(struct medium *m, const char *name, uint64_t size, struct err *err)
{
	CLEAN_STR path = STR_INIT;
	CLEAN_FD fd = open(path_of(m, name, &path), O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return fail(m, "open", err);
	if (size > (uint64_t)st.st_size)
		return err_set(err, ERR_USAGE, "cannot be cut at %llu, it has %lld bytes",
			       (unsigned long long)size, (long long)st.st_size);
	if (ftruncate(fd, (off_t)size) < 0 || fsync(fd) < 0)
		return fail(m, "cut", err);
	return 0;
}

static int local_space(struct medium *m, uint64_t *free_r, uint64_t *total_r, struct err *err)
{
	if (file_space(m->location, free_r, total_r, err) < 0)
		return unless_gone(m, err);
	return 0;
}

static const struct medium_ops local_ops = {
	.type = "local",
	.free = local_free,
	.create = local_create,
	.reopen = local_reopen,
	.append = local_append,
	.sync = local_sync,
	.close = local_close,
	.read = local_read,
	.size = local_size,
	.list = local_list,
	.remove = local_remove,
	.replace = local_replace,
	.modified = local_modified,
	.cut = local_cut,
	.space = local_space,
};

int medium_local_open(const char *dir, struct medium **medium_r, struct err *err)
{
	struct local *l;
	struct stat st;

	if (stat(dir, &st) < 0) {
		err_errno(err, "medium %s: %m", dir);
		if (err->kind == ERR_NOTFOUND)
			err->kind = ERR_OFFLINE;
		return -1;
	}
	if (!S_ISDIR(st.st_mode))
		return err_set(err, ERR_USAGE, "medium %s: is no directory", dir);
	l = mem_new(sizeof(*l));
	l->base = (struct medium){&local_ops, mem_strdup(dir)};
	pthread_mutex_init(&l->lock, NULL);
	*medium_r = &l->base;
	return 0;
}
