/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "storage/medium_faulty.h"

#include "storage/medium_priv.h"

#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

struct faulty {
	struct medium base;
	struct medium *inner;
	pthread_mutex_t lock; /* guards what is below */
	struct medium_faulty_plan plan;
	uint64_t calls;
	uint64_t random;
};

struct faulty_file {
	struct medium_file base;
	struct medium_file *inner;
};

static uint64_t roll(struct faulty *m) /* splitmix64 */
{
	uint64_t z = m->random += 0x9e3779b97f4a7c15U;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9U;
	z = (z ^ z >> 27) * 0x94d049bb133111ebU;
	return z ^ z >> 31;
}

/* Count a call, and tell what is to happen to it. */
static enum fault next_fault(struct medium *m)
{
	struct faulty *f = (struct faulty *)m;
	bool hit;

	pthread_mutex_lock(&f->lock);
	f->calls++;
	hit = f->plan.at_call != 0 &&
	      (f->calls == f->plan.at_call || (f->plan.for_ever && f->calls > f->plan.at_call));
	if (f->plan.per_million > 0 && roll(f) % 1000000 < f->plan.per_million)
		hit = true;
	pthread_mutex_unlock(&f->lock);
	return hit ? f->plan.fault : FAULT_NONE;
}

static int suffer(enum fault fault, struct err *err)
{
	switch (fault) {
	case FAULT_IO:
	case FAULT_SHORT:
		return err_set(err, ERR_IO, "made to fail");
	case FAULT_OFFLINE:
		return err_set(err, ERR_OFFLINE, "made to be away");
	case FAULT_NOSPACE:
		return err_set(err, ERR_NOSPACE, "made to be full");
	case FAULT_DELAY:
		nanosleep(&(struct timespec){.tv_nsec = 10 * 1000 * 1000}, NULL);
		return 0;
	case FAULT_KILL:
		kill(getpid(), SIGKILL);
		return 0;
	case FAULT_NONE:
	case FAULT_WRONG_BYTES:
		return 0;
	}
	return 0;
}

static struct medium *inner_of(struct medium *m)
{
	return ((struct faulty *)m)->inner;
}

static void faulty_free(struct medium *m)
{
	struct faulty *f = (struct faulty *)m;

	medium_free(&f->inner);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

static struct medium_file *wrap_file(struct medium_file *inner)
{
	struct faulty_file *f = mem_new(sizeof(*f));

	f->inner = inner;
	return &f->base;
}

static int faulty_create(struct medium *m, const char *name, struct medium_file **file_r,
			 struct err *err)
{
	struct medium_file *inner;

	if (suffer(next_fault(m), err) < 0 || medium_create(inner_of(m), name, &inner, err) < 0)
		return -1;
	*file_r = wrap_file(inner);
	return 0;
}

static int faulty_reopen(struct medium *m, const char *name, struct medium_file **file_r,
			 struct err *err)
{
	struct medium_file *inner;

	if (suffer(next_fault(m), err) < 0 || medium_reopen(inner_of(m), name, &inner, err) < 0)
		return -1;
	*file_r = wrap_file(inner);
	return 0;
}

static int faulty_append(struct medium_file *file, const void *data, size_t len, struct err *err)
{
	struct medium_file *inner = ((struct faulty_file *)file)->inner;
	enum fault fault = next_fault(file->medium);

	if ((fault == FAULT_NOSPACE || fault == FAULT_SHORT || fault == FAULT_KILL) &&
	    medium_append(inner, data, len / 2, err) < 0)
		return -1;
	if (suffer(fault, err) < 0)
		return -1;
	return medium_append(inner, data, len, err);
}

static int faulty_sync(struct medium_file *file, struct err *err)
{
	if (suffer(next_fault(file->medium), err) < 0)
		return -1;
	return medium_sync(((struct faulty_file *)file)->inner, err);
}

static void faulty_close(struct medium_file *file)
{
	struct faulty_file *f = (struct faulty_file *)file;

	medium_file_free(&f->inner);
	free(f);
}

static void flip_a_bit(struct faulty *m, unsigned char *data, size_t len)
{
	uint64_t bit;

	pthread_mutex_lock(&m->lock);
	bit = roll(m) % (8 * (uint64_t)len);
	pthread_mutex_unlock(&m->lock);
	data[bit / 8] ^= (unsigned char)(1U << bit % 8);
}

static int faulty_read(struct medium *m, const char *name, uint64_t offset, void *out, size_t len,
		       size_t *got_r, struct err *err)
{
	enum fault fault = next_fault(m);

	if (fault != FAULT_SHORT && suffer(fault, err) < 0)
		return -1;
	if (medium_read(inner_of(m), name, offset, out, len, got_r, err) < 0)
		return -1;
	if (fault == FAULT_SHORT)
		*got_r /= 2;
	if (fault == FAULT_WRONG_BYTES && *got_r > 0)
		flip_a_bit((struct faulty *)m, out, *got_r);
	return 0;
}

static int faulty_size(struct medium *m, const char *name, uint64_t *size_r, struct err *err)
{
	if (suffer(next_fault(m), err) < 0)
		return -1;
	return medium_size(inner_of(m), name, size_r, err);
}

static int faulty_list(struct medium *m, const char *dir, medium_list_fn *fn, void *arg,
		       struct err *err)
{
	if (suffer(next_fault(m), err) < 0)
		return -1;
	return medium_list(inner_of(m), dir, fn, arg, err);
}

static int faulty_remove(struct medium *m, const char *name, struct err *err)
{
	if (suffer(next_fault(m), err) < 0)
		return -1;
	return medium_remove(inner_of(m), name, err);
}

static int faulty_replace(struct medium *m, const char *made, const char *name, struct err *err)
{
	if (suffer(next_fault(m), err) < 0)
		return -1;
	return medium_replace(inner_of(m), made, name, err);
}

static int faulty_modified(struct medium *m, const char *name, int64_t *time_s_r, struct err *err)
{
	if (suffer(next_fault(m), err) < 0)
		return -1;
	return medium_modified(inner_of(m), name, time_s_r, err);
}

static int faulty_cut(struct medium *m, const char *name, uint64_t size, struct err *err)
{
	if (suffer(next_fault(m), err) < 0)
		return -1;
	return medium_cut(inner_of(m), name, size, err);
}

static int faulty_space(struct medium *m, uint64_t *free_r, uint64_t *total_r, struct err *err)
{
	if (suffer(next_fault(m), err) < 0)
		return -1;
	return medium_space(inner_of(m), free_r, total_r, err);
}

static const struct medium_ops faulty_ops = {
	.type = "faulty",
	.free = faulty_free,
	.create = faulty_create,
	.reopen = faulty_reopen,
	.append = faulty_append,
	.sync = faulty_sync,
	.close = faulty_close,
	.read = faulty_read,
	.size = faulty_size,
	.list = faulty_list,
	.remove = faulty_remove,
	.replace = faulty_replace,
	.modified = faulty_modified,
	.cut = faulty_cut,
	.space = faulty_space,
};

struct medium *medium_faulty_new(struct medium *inner)
{
	struct faulty *f = mem_new(sizeof(*f));

	f->base = (struct medium){&faulty_ops, mem_strdup(medium_location(inner))};
	f->inner = inner;
	pthread_mutex_init(&f->lock, NULL);
	return &f->base;
}

void medium_faulty_set(struct medium *faulty, const struct medium_faulty_plan *plan)
{
	struct faulty *f = (struct faulty *)faulty;

	must(faulty->ops == &faulty_ops);
	pthread_mutex_lock(&f->lock);
	f->plan = *plan;
	f->calls = 0;
	f->random = plan->seed;
	pthread_mutex_unlock(&f->lock);
}

uint64_t medium_faulty_calls(const struct medium *faulty)
{
	return ((const struct faulty *)faulty)->calls;
}
