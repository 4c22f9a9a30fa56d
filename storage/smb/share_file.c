/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files of a share: written, read, and changed by name. */
#include "storage/smb/share_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

/* --- being read ------------------------------------------------------------------------------- */

static void forget(struct reading *r)
{
	if (r->fd != NO_FD)
		smbc_close(r->fd);
	r->fd = NO_FD;
	str_reset(&r->name);
}

void share_forget(struct share *s, struct view name)
{
	for (size_t i = 0; i < READ_HANDLES; i++)
		if (s->reading[i].fd != NO_FD && view_eq(str_view(&s->reading[i].name), name))
			forget(&s->reading[i]);
}

void share_rest(struct share *s)
{
	for (size_t i = 0; i < READ_HANDLES; i++)
		forget(&s->reading[i]);
}

/* The open file NAME, or else the slot to open it in. */
static struct reading *slot_of(struct share *s, struct view name)
{
	struct reading *oldest = &s->reading[0];

	for (size_t i = 0; i < READ_HANDLES; i++) {
		struct reading *r = &s->reading[i];

		if (r->fd != NO_FD && view_eq(str_view(&r->name), name))
			return r;
		if (r->used < oldest->used)
			oldest = r;
	}
	forget(oldest);
	return oldest;
}

static struct reading *open_reading(struct share *s, struct view name, struct err *err)
{
	struct reading *r = slot_of(s, name);
	CLEAN_STR url = STR_INIT;

	if (r->fd == NO_FD) {
		r->fd = smbc_open(share_url(s, name, &url), O_RDONLY, 0);
		if (r->fd < 0) {
			r->fd = NO_FD;
			share_fail(err, "open");
			return NULL;
		}
		str_addv(&r->name, name);
	}
	r->used = ++s->clock;
	return r;
}

/* SEEK_SET is the library's own affair and costs no round trip. */
int share_read(struct share *s, struct view name, uint64_t offset, size_t len, struct str *out,
	       struct err *err)
{
	struct reading *r = open_reading(s, name, err);

	if (r == NULL)
		return -1;
	if (smbc_lseek(r->fd, (off_t)offset, SEEK_SET) < 0) {
		share_fail(err, "seek");
		forget(r);
		return -1;
	}
	str_reserve(out, len);
	while (len > 0) {
		ssize_t got = smbc_read(r->fd, out->data + out->len, len);

		if (got < 0) {
			share_fail(err, "read");
			forget(r);
			return -1;
		}
		if (got == 0)
			break;
		out->len += (size_t)got;
		len -= (size_t)got;
	}
	return 0;
}

/* --- being written ---------------------------------------------------------------------------- */

static struct writing *writing_of(struct share *s, unsigned handle, struct err *err)
{
	if (handle < SMB_HANDLES && s->writing[handle].fd != NO_FD)
		return &s->writing[handle];
	err_set(err, ERR_IO, "a file that is not open");
	return NULL;
}

/* Always for reading, too: the library cannot measure a file that is open for writing only. */
static int open_writing(struct share *s, struct view name, int flags, unsigned *handle_r,
			struct err *err)
{
	CLEAN_STR url = STR_INIT;
	struct stat st = {0};
	unsigned i = 0;
	int fd;

	while (s->writing[i].fd != NO_FD)
		if (++i == SMB_HANDLES)
			return err_set(err, ERR_BUSY, "too many files are open");
	fd = smbc_open(share_url(s, name, &url), O_RDWR | flags, 0600);
	if (fd < 0)
		return share_fail(err, flags & O_CREAT ? "create" : "open");
	if ((flags & O_CREAT) == 0 && smbc_fstat(fd, &st) < 0) {
		share_fail(err, "measure");
		smbc_close(fd);
		return -1;
	}
	s->writing[i].fd = fd;
	s->writing[i].end = (uint64_t)st.st_size;
	str_reset(&s->writing[i].name);
	str_addv(&s->writing[i].name, name);
	*handle_r = i;
	return 0;
}

int share_create(struct share *s, struct view name, unsigned *handle_r, struct err *err)
{
	if (open_writing(s, name, O_CREAT | O_EXCL, handle_r, err) == 0)
		return 0;
	if (err->kind != ERR_NOTFOUND)
		return -1;
	err_clear(err);
	if (share_make_folders(s, name, err) < 0)
		return -1;
	return open_writing(s, name, O_CREAT | O_EXCL, handle_r, err);
}

int share_reopen(struct share *s, struct view name, unsigned *handle_r, struct err *err)
{
	return open_writing(s, name, 0, handle_r, err);
}

int share_append(struct share *s, unsigned handle, struct view bytes, struct err *err)
{
	struct writing *w = writing_of(s, handle, err);

	if (w == NULL)
		return -1;
	if (smbc_lseek(w->fd, (off_t)w->end, SEEK_SET) < 0)
		return share_fail(err, "seek");
	while (bytes.len > 0) {
		ssize_t done = smbc_write(w->fd, bytes.data, bytes.len);

		if (done < 0)
			return share_fail(err, "write");
		if (done == 0)
			return err_set(err, ERR_IO, "write: the server takes nothing");
		w->end += (uint64_t)done;
		bytes.data += done;
		bytes.len -= (size_t)done;
	}
	return 0;
}

/* There is no way to ask a server for more than this. */
int share_sync(struct share *s, unsigned handle, struct err *err)
{
	struct writing *w = writing_of(s, handle, err);
	struct stat st;

	if (w == NULL)
		return -1;
	if (smbc_fstat(w->fd, &st) < 0)
		return share_fail(err, "measure");
	if ((uint64_t)st.st_size != w->end)
		return err_set(err, ERR_IO, "has %lld bytes instead of the %llu that were written",
			       (long long)st.st_size, (unsigned long long)w->end);
	return 0;
}

int share_close(struct share *s, unsigned handle, struct err *err)
{
	struct writing *w = writing_of(s, handle, err);
	int rc;

	if (w == NULL)
		return -1;
	rc = smbc_close(w->fd);
	w->fd = NO_FD;
	return rc < 0 ? share_fail(err, "close") : 0;
}

/* --- changed by name -------------------------------------------------------------------------- */

int share_remove(struct share *s, struct view name, struct err *err)
{
	CLEAN_STR url = STR_INIT;

	share_forget(s, name);
	return smbc_unlink(share_url(s, name, &url)) < 0 ? share_fail(err, "remove") : 0;
}

/* The library renames over a file by removing it first; said here, it can be told what failed, and nothing is removed
 * for what is not there. */
int share_replace(struct share *s, struct view made, struct view name, struct err *err)
{
	CLEAN_STR from = STR_INIT;
	CLEAN_STR to = STR_INIT;
	struct stat st;

	share_forget(s, made);
	share_forget(s, name);
	if (smbc_stat(share_url(s, made, &from), &st) < 0) {
		share_fail(err, "look");
		return err_add(err, "%.*s, which takes its place", (int)made.len, made.data);
	}
	if (smbc_unlink(share_url(s, name, &to)) < 0 && errno != ENOENT)
		return share_fail(err, "remove");
	return smbc_rename(from.data, to.data) < 0 ? share_fail(err, "rename") : 0;
}

int share_cut(struct share *s, struct view name, uint64_t size, struct err *err)
{
	unsigned handle;
	struct err closing = {0};
	int rc;

	share_forget(s, name);
	if (share_reopen(s, name, &handle, err) < 0)
		return -1;
	if (size > s->writing[handle].end)
		rc = err_set(err, ERR_USAGE, "cannot be cut at %llu, it has %llu bytes",
			     (unsigned long long)size, (unsigned long long)s->writing[handle].end);
	else
		rc = smbc_ftruncate(s->writing[handle].fd, (off_t)size) < 0 ? share_fail(err, "cut")
									    : 0;
	s->writing[handle].end = size;
	share_close(s, handle, &closing);
	return rc;
}
