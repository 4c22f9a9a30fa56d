/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/task/result.h"

#include "base/file.h"
#include "base/seal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LOOK_BYTES = 64 * 1024 * 1024 }; /* each so many bytes it is asked how much is free */

struct result_writer {
	struct str path, sealed;
	struct secret *key;
	struct sealer *sealer;
	uint64_t size, looked;
	int fd;
	bool ended;
};

static void folder_of(const char *archive_dir, struct str *path)
{
	str_addf(path, "%s/tasks", archive_dir);
}

static void path_of(const char *archive_dir, const struct uuid *task, struct str *path)
{
	folder_of(archive_dir, path);
	str_addc(path, '/');
	uuid_add(path, task);
}

static void context_of(const struct uuid *task, struct str *context)
{
	str_adds(context, "sealpost task result v1 ");
	uuid_add(context, task);
}

static struct secret *new_key(void)
{
	struct secret *key = secret_new(KEY_BYTES);

	crypto_random(secret_bytes(key), KEY_BYTES);
	return key;
}

static struct sealer *new_sealer(const struct secret *key, const struct uuid *task,
				 struct str *sealed)
{
	CLEAN(x25519) pair = x25519_new(key);
	CLEAN_STR context = STR_INIT;
	struct public_key to = public_key_of(pair);

	context_of(task, &context);
	return sealer_new(&to, str_view(&context), sealed);
}

/* A large export must not take the room that incoming mail needs. */
static int check_space(const char *path, struct err *err)
{
	uint64_t left, total;

	if (file_space(path, &left, &total, err) < 0)
		return -1;
	if (left < file_reserve(FILE_RESERVE_AUTO, total))
		return err_set(err, ERR_NOSPACE, "too little space is free for the result");
	return 0;
}

int result_create(const char *archive_dir, const struct uuid *task, struct result_writer **w_r,
		  struct err *err)
{
	CLEAN(result_writer) w = mem_new(sizeof(*w));

	w->fd = -1;
	str_init(&w->path);
	str_init(&w->sealed);
	folder_of(archive_dir, &w->path);
	if (dir_make(w->path.data, 0700, err) < 0 || check_space(w->path.data, err) < 0)
		return -1;
	str_reset(&w->path);
	path_of(archive_dir, task, &w->path);
	w->fd = open(w->path.data, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (w->fd < 0)
		return err_errno(err, "a task's result: %m");
	w->key = new_key();
	w->sealer = new_sealer(w->key, task, &w->sealed);
	*w_r = TAKE(w);
	return 0;
}

static int flush(struct result_writer *w, struct err *err)
{
	if (file_write_all(w->fd, w->sealed.data, w->sealed.len, err) < 0)
		return err_add(err, "a task's result");
	str_reset(&w->sealed);
	if (w->size - w->looked < LOOK_BYTES)
		return 0;
	w->looked = w->size;
	return check_space(w->path.data, err);
}

int result_write(struct result_writer *w, struct view piece, struct err *err)
{
	sealer_add(w->sealer, piece.data, piece.len, &w->sealed);
	w->size += piece.len;
	return w->sealed.len < SEAL_CHUNK_BYTES ? 0 : flush(w, err);
}

int result_end(struct result_writer *w, uint64_t *size_r, struct secret **key_r, struct err *err)
{
	sealer_end(w->sealer, &w->sealed);
	if (flush(w, err) < 0 || file_sync(w->fd, err) < 0 ||
	    dir_sync_parent(w->path.data, err) < 0)
		return -1;
	w->ended = true;
	*size_r = w->size;
	*key_r = TAKE(w->key);
	return 0;
}

void result_writer_free(struct result_writer **writer)
{
	struct result_writer *w = TAKE(*writer);

	if (w == NULL)
		return;
	if (w->fd >= 0 && !w->ended)
		unlink(w->path.data);
	fd_cleanup(&w->fd);
	sealer_free(&w->sealer);
	secret_free(&w->key);
	str_clear(&w->path);
	str_clear(&w->sealed);
	free(w);
}

/* ---- reading ---- */

struct result_reader {
	int fd;
	struct x25519 *pair;
	struct unsealer *unsealer;
	uint64_t size, at; /* of the content; read and opened so far */
	uint64_t file_at;
	struct str sealed, plain;
	size_t given; /* of PLAIN */
};

static int read_sealed(struct result_reader *r, size_t len, struct err *err)
{
	ssize_t n;

	str_reset(&r->sealed);
	str_reserve(&r->sealed, len);
	n = file_pread(r->fd, r->sealed.data, len, r->file_at, err);
	if (n < 0)
		return -1;
	if ((size_t)n < len)
		return err_set(err, ERR_DAMAGED, "a task's result is cut off");
	r->sealed.len = len;
	r->file_at += len;
	return 0;
}

static int open_head(struct result_reader *r, const struct uuid *task, struct err *err)
{
	CLEAN_STR context = STR_INIT;

	context_of(task, &context);
	if (read_sealed(r, SEAL_HEAD_BYTES, err) < 0)
		return -1;
	return unsealer_new(r->pair, str_view(&context), str_view(&r->sealed), &r->unsealer, err);
}

int result_open(const char *archive_dir, const struct uuid *task, const struct secret *key,
		uint64_t size, struct result_reader **r_r, struct err *err)
{
	CLEAN(result_reader) r = mem_new(sizeof(*r));
	CLEAN_STR path = STR_INIT;

	*r = (struct result_reader){
		.pair = x25519_new(key), .size = size, .sealed = STR_INIT, .plain = STR_INIT};
	path_of(archive_dir, task, &path);
	r->fd = open(path.data, O_RDONLY | O_CLOEXEC);
	if (r->fd < 0)
		return err_errno(err, "a task's result: %m");
	if (open_head(r, task, err) < 0)
		return -1;
	*r_r = TAKE(r);
	return 0;
}

static int next_chunk(struct result_reader *r, struct err *err)
{
	const uint64_t left = r->size - r->at;
	const size_t len = left < SEAL_CHUNK_BYTES ? (size_t)left : SEAL_CHUNK_BYTES;

	str_reset(&r->plain);
	r->given = 0;
	if (len == 0)
		return 0;
	if (read_sealed(r, len + TAG_BYTES, err) < 0 ||
	    unsealer_chunk(r->unsealer, str_view(&r->sealed), left == len, &r->plain, err) < 0)
		return -1;
	r->at += len;
	return 0;
}

ssize_t result_read(struct result_reader *r, void *out, size_t max, struct err *err)
{
	size_t n;

	if (r->given == r->plain.len && next_chunk(r, err) < 0)
		return -1;
	n = r->plain.len - r->given < max ? r->plain.len - r->given : max;
	memcpy(out, r->plain.data + r->given, n);
	r->given += n;
	return (ssize_t)n;
}

void result_reader_free(struct result_reader **reader)
{
	struct result_reader *r = TAKE(*reader);

	if (r == NULL)
		return;
	fd_cleanup(&r->fd);
	unsealer_free(&r->unsealer);
	x25519_free(&r->pair);
	str_clear(&r->sealed);
	explicit_bzero(r->plain.data, r->plain.len);
	str_clear(&r->plain);
	free(r);
}

/* ---- tidying ---- */

void result_remove(const char *archive_dir, const struct uuid *task)
{
	CLEAN_STR path = STR_INIT;

	path_of(archive_dir, task, &path);
	unlink(path.data);
}

int result_each(const char *archive_dir, void (*fn)(void *arg, const struct uuid *task), void *arg,
		struct err *err)
{
	CLEAN_STR path = STR_INIT;
	const struct dirent *entry;
	struct uuid task;
	DIR *dir;

	folder_of(archive_dir, &path);
	dir = opendir(path.data);
	if (dir == NULL)
		return errno == ENOENT ? 0 : err_errno(err, "tasks: %m");
	while ((entry = readdir(dir)) != NULL)
		if (uuid_read(VIEW(entry->d_name), &task) == 0)
			fn(arg, &task);
	closedir(dir);
	return 0;
}
