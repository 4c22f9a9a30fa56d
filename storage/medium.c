/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "storage/medium_priv.h"

/* (M1): no name leads out of the medium, whatever it was made from. */
static bool is_name(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789._-/";
	size_t len = strlen(name);

	return len > 0 && len < 256 && strspn(name, allowed) == len && name[0] != '/' &&
	       name[0] != '.' && name[len - 1] != '/' && strstr(name, "/.") == NULL &&
	       strstr(name, "//") == NULL;
}

static int told(const struct medium *m, const char *name, int rc, struct err *err)
{
	return rc < 0 ? err_add(err, "medium %s: %s", m->location, name) : rc;
}

static int refuse(const struct medium *m, const char *name, struct err *err)
{
	return told(m, name, err_set(err, ERR_USAGE, "no name for a file on a medium"), err);
}

void medium_free(struct medium **medium)
{
	struct medium *m = TAKE(*medium);

	if (m == NULL)
		return;
	free(m->location);
	m->ops->free(m);
}

const char *medium_type(const struct medium *medium)
{
	return medium->ops->type;
}

const char *medium_location(const struct medium *medium)
{
	return medium->location;
}

typedef int open_fn(struct medium *m, const char *name, struct medium_file **file_r, struct err *e);

static int open_file(struct medium *m, open_fn *open, const char *name, struct medium_file **file_r,
		     struct err *err)
{
	if (!is_name(name))
		return refuse(m, name, err);
	if (open(m, name, file_r, err) < 0)
		return told(m, name, -1, err);
	(*file_r)->medium = m;
	(*file_r)->name = mem_strdup(name);
	return 0;
}

int medium_create(struct medium *m, const char *name, struct medium_file **file_r, struct err *err)
{
	return open_file(m, m->ops->create, name, file_r, err);
}

int medium_reopen(struct medium *m, const char *name, struct medium_file **file_r, struct err *err)
{
	return open_file(m, m->ops->reopen, name, file_r, err);
}

int medium_append(struct medium_file *f, const void *data, size_t len, struct err *err)
{
	return told(f->medium, f->name, f->medium->ops->append(f, data, len, err), err);
}

int medium_sync(struct medium_file *f, struct err *err)
{
	return told(f->medium, f->name, f->medium->ops->sync(f, err), err);
}

void medium_file_free(struct medium_file **file)
{
	struct medium_file *f = TAKE(*file);

	if (f == NULL)
		return;
	free(f->name);
	f->medium->ops->close(f);
}

int medium_read(struct medium *m, const char *name, uint64_t offset, void *out, size_t len,
		size_t *got_r, struct err *err)
{
	if (!is_name(name))
		return refuse(m, name, err);
	return told(m, name, m->ops->read(m, name, offset, out, len, got_r, err), err);
}

int medium_size(struct medium *m, const char *name, uint64_t *size_r, struct err *err)
{
	if (!is_name(name))
		return refuse(m, name, err);
	return told(m, name, m->ops->size(m, name, size_r, err), err);
}

int medium_list(struct medium *m, const char *dir, medium_list_fn *fn, void *arg, struct err *err)
{
	if (dir[0] != '\0' && !is_name(dir))
		return refuse(m, dir, err);
	return told(m, dir, m->ops->list(m, dir, fn, arg, err), err);
}

int medium_remove(struct medium *m, const char *name, struct err *err)
{
	if (!is_name(name))
		return refuse(m, name, err);
	return told(m, name, m->ops->remove(m, name, err), err);
}

int medium_drop(struct medium *m, const char *name, struct err *err)
{
	if (medium_remove(m, name, err) < 0 && err->kind != ERR_NOTFOUND)
		return -1;
	err_clear(err);
	return 0;
}

int medium_replace(struct medium *m, const char *made, const char *name, struct err *err)
{
	if (!is_name(made) || !is_name(name))
		return refuse(m, name, err);
	return told(m, name, m->ops->replace(m, made, name, err), err);
}

int medium_modified(struct medium *m, const char *name, int64_t *time_s_r, struct err *err)
{
	if (!is_name(name))
		return refuse(m, name, err);
	return told(m, name, m->ops->modified(m, name, time_s_r, err), err);
}

int medium_cut(struct medium *m, const char *name, uint64_t size, struct err *err)
{
	if (!is_name(name))
		return refuse(m, name, err);
	return told(m, name, m->ops->cut(m, name, size, err), err);
}

int medium_space(struct medium *m, uint64_t *free_bytes_r, uint64_t *total_bytes_r, struct err *err)
{
	return told(m, "space", m->ops->space(m, free_bytes_r, total_bytes_r, err), err);
}
