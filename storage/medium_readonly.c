/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "storage/medium_priv.h"
#include "storage/staged.h"

struct readonly {
	struct medium base;
	struct medium_ops ops; /* with the inner medium's type */
	struct medium *inner;
};

static struct medium *inner_of(struct medium *m)
{
	return ((struct readonly *)m)->inner;
}

static int refuse(struct err *err)
{
	return err_set(err, ERR_DENIED, "it is opened to be read only");
}

static void readonly_free(struct medium *m)
{
	struct readonly *r = (struct readonly *)m;

	medium_free(&r->inner);
	free(r);
}

static int readonly_open(struct medium *m, const char *name, struct medium_file **file_r,
			 struct err *err)
{
	(void)m, (void)name, (void)file_r;
	return refuse(err);
}

static int readonly_remove(struct medium *m, const char *name, struct err *err)
{
	(void)m, (void)name;
	return refuse(err);
}

static int readonly_replace(struct medium *m, const char *made, const char *name, struct err *err)
{
	(void)m, (void)made, (void)name;
	return refuse(err);
}

static int readonly_cut(struct medium *m, const char *name, uint64_t size, struct err *err)
{
	(void)m, (void)name, (void)size;
	return refuse(err);
}

static int readonly_read(struct medium *m, const char *name, uint64_t offset, void *out, size_t len,
			 size_t *got_r, struct err *err)
{
	struct medium *inner = inner_of(m);

	return inner->ops->read(inner, name, offset, out, len, got_r, err);
}

static int readonly_size(struct medium *m, const char *name, uint64_t *size_r, struct err *err)
{
	struct medium *inner = inner_of(m);

	return inner->ops->size(inner, name, size_r, err);
}

static int readonly_list(struct medium *m, const char *dir, medium_list_fn *fn, void *arg,
			 struct err *err)
{
	struct medium *inner = inner_of(m);

	return inner->ops->list(inner, dir, fn, arg, err);
}

static int readonly_modified(struct medium *m, const char *name, int64_t *time_s_r, struct err *err)
{
	struct medium *inner = inner_of(m);

	return inner->ops->modified(inner, name, time_s_r, err);
}

static int readonly_space(struct medium *m, uint64_t *free_r, uint64_t *total_r, struct err *err)
{
	struct medium *inner = inner_of(m);

	return inner->ops->space(inner, free_r, total_r, err);
}

/* No file is ever opened for writing, so none is appended to, synced or closed. */
static const struct medium_ops readonly_ops = {
	.free = readonly_free,
	.create = readonly_open,
	.reopen = readonly_open,
	.read = readonly_read,
	.size = readonly_size,
	.list = readonly_list,
	.remove = readonly_remove,
	.replace = readonly_replace,
	.modified = readonly_modified,
	.cut = readonly_cut,
	.space = readonly_space,
};

struct medium *medium_readonly_new(struct medium *inner)
{
	struct readonly *r = mem_new(sizeof(*r));

	r->base = (struct medium){&r->ops, mem_strdup(medium_location(inner))};
	r->ops = readonly_ops;
	r->ops.type = inner->ops->type;
	r->inner = inner;
	return &r->base;
}
