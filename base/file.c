/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

void fd_cleanup(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

int file_write_all(int fd, const void *data, size_t len, struct err *err)
{
	const char *p = data;

	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, "write: %m");
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

ssize_t file_pread(int fd, void *out, size_t len, uint64_t offset, struct err *err)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pread(fd, (char *)out + done, len - done, (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, "read: %m");
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

int file_sync(int fd, struct err *err)
{
	if (fdatasync(fd) < 0)
		return err_errno(err, "fdatasync: %m");
	return 0;
}

int dir_sync(const char *dir, struct err *err)
{
	CLEAN_FD fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_errno(err, "%s: %m", dir);
	if (fsync(fd) < 0)
		return err_errno(err, "%s: fsync: %m", dir);
	return 0;
}

int dir_sync_parent(const char *path, struct err *err)
{
	CLEAN_STR dir = STR_INIT;
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		return dir_sync(".", err);
	str_add(&dir, path, slash == path ? 1 : (size_t)(slash - path));
	return dir_sync(dir.data, err);
}

int dir_make(const char *path, mode_t mode, struct err *err)
{
	if (mkdir(path, mode) == 0)
		return dir_sync_parent(path, err);
	if (errno == EEXIST)
		return 0;
	return err_errno(err, "%s: mkdir: %m", path);
}

int dir_make_all(const char *path, mode_t mode, struct err *err)
{
	CLEAN_STR sofar = STR_INIT;

	for (const char *p = path; *p != '\0';) {
		const char *slash = strchr(p + 1, '/');
		size_t len = slash ? (size_t)(slash - path) : strlen(path);
		struct stat st;

		str_reset(&sofar);
		str_add(&sofar, path, len);
		p = path + len;
		if (stat(sofar.data, &st) == 0 && S_ISDIR(st.st_mode))
			continue;
		if (dir_make(sofar.data, mode, err) < 0)
			return -1;
	}
	return 0;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	remove(path);
	return 0;
}

void dir_remove_all(const char *path)
{
	nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

int path_absolute(const char *path, struct str *out, struct err *err)
{
	char cwd[4096];

	if (path[0] != '/') {
		if (getcwd(cwd, sizeof(cwd)) == NULL)
			return err_errno(err, "current directory: %m");
		str_addf(out, "%s/", cwd);
	}
	str_adds(out, path);
	while (out->len > 1 && out->data[out->len - 1] == '/')
		out->data[--out->len] = '\0';
	return 0;
}

int dir_is_empty(const char *path, struct err *err)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	int empty = 1;

	if (dir == NULL && errno == ENOENT)
		return 1;
	if (dir == NULL)
		return err_errno(err, "%s: %m", path);
	while ((entry = readdir(dir)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			empty = 0;
	closedir(dir);
	return empty;
}

int file_read(const char *path, size_t max, struct str *out, struct err *err)
{
	CLEAN_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	size_t start = out->len;

	if (fd < 0)
		return err_errno(err, "%s: %m", path);
	for (;;) {
		ssize_t n;

		str_reserve(out, 64 * 1024);
		n = read(fd, out->data + out->len, out->cap - out->len - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, "%s: read: %m", path);
		if (n == 0)
			break;
		out->len += (size_t)n;
		out->data[out->len] = '\0';
		if (out->len - start > max)
			return err_set(err, ERR_TOOBIG, "%s: more than %zu bytes", path, max);
	}
	return 0;
}

/* Write a complete, synced file beside PATH; NAME_R is its temporary name. */
static int write_beside(const char *path, mode_t mode, struct view content, struct str *name_r,
			struct err *err)
{
	CLEAN_FD fd = -1;

	str_addf(name_r, "%s.XXXXXX", path);
	fd = mkostemp(name_r->data, O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, "%s: %m", name_r->data);
	if (fchmod(fd, mode) < 0) {
		err_errno(err, "%s: chmod: %m", name_r->data);
	} else if (file_write_all(fd, content.data, content.len, err) < 0 || fsync(fd) < 0) {
		if (err->kind == ERR_NONE)
			err_errno(err, "fsync: %m");
		err_add(err, "%s", path);
	} else {
		return 0;
	}
	unlink(name_r->data);
	return -1;
}

int file_create(const char *path, mode_t mode, struct view content, struct err *err)
{
	CLEAN_STR name = STR_INIT;
	int rc = 0;

	err_clear(err);
	if (write_beside(path, mode, content, &name, err) < 0)
		return -1;
	if (link(name.data, path) < 0) /* unlike rename(), never replaces */
		rc = err_errno(err, "%s: %m", path);
	unlink(name.data);
	return rc < 0 ? rc : dir_sync_parent(path, err);
}

int file_replace(const char *path, mode_t mode, struct view content, struct err *err)
{
	CLEAN_STR name = STR_INIT;

	err_clear(err);
	if (write_beside(path, mode, content, &name, err) < 0)
		return -1;
	if (rename(name.data, path) < 0) {
		err_errno(err, "%s: rename: %m", path);
		unlink(name.data);
		return -1;
	}
	return dir_sync_parent(path, err);
}

bool file_mark_look(struct file_mark *mark, const char *path)
{
	struct file_mark old = *mark;
	struct stat st;

	*mark = (struct file_mark){0};
	if (stat(path, &st) == 0)
		*mark = (struct file_mark){(uint64_t)st.st_ino, (uint64_t)st.st_size,
					   st.st_mtim.tv_sec, st.st_mtim.tv_nsec};
	return memcmp(&old, mark, sizeof(old)) != 0;
}

static int open_lock(const char *path, int *fd_r, struct err *err)
{
	*fd_r = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
	return *fd_r < 0 ? err_errno(err, "%s: %m", path) : 0;
}

int file_lock(const char *path, int *fd_r, struct err *err)
{
	CLEAN_FD fd = -1;

	if (open_lock(path, &fd, err) < 0)
		return -1;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno == EWOULDBLOCK)
			return 0;
		return err_errno(err, "%s: lock: %m", path);
	}
	*fd_r = fd;
	fd = -1;
	return 1;
}

int file_lock_wait(const char *path, bool (*stop)(void *arg), void *arg, int *fd_r, struct err *err)
{
	CLEAN_FD fd = -1;

	if (open_lock(path, &fd, err) < 0)
		return -1;
	while (flock(fd, LOCK_EX) < 0) {
		if (errno != EINTR)
			return err_errno(err, "%s: lock: %m", path);
		if (stop(arg))
			return err_set(err, ERR_STOPPED, "stopped while it waited for another");
	}
	*fd_r = fd;
	fd = -1;
	return 0;
}

uint64_t file_reserve(uint64_t setting, uint64_t total_bytes)
{
	static const uint64_t most = 2ULL << 30;

	if (setting != FILE_RESERVE_AUTO)
		return setting;
	return total_bytes / 20 < most ? total_bytes / 20 : most;
}

int file_space(const char *path, uint64_t *free_bytes_r, uint64_t *total_bytes_r, struct err *err)
{
	struct statvfs fs;

	if (statvfs(path, &fs) < 0)
		return err_errno(err, "%s: statvfs: %m", path);
	*free_bytes_r = (uint64_t)fs.f_bavail * fs.f_frsize;
	*total_bytes_r = (uint64_t)fs.f_blocks * fs.f_frsize;
	return 0;
}
