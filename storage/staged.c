/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The operations of both media are called directly and not by medium.h, so that an error names medium and file
 * once: this medium's, which is what people know. */
#include "storage/staged.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/file.h"
#include "storage/copy.h"
#include "storage/medium_priv.h"

#include <pthread.h>

/* The far medium as it was connected once. The staged one holds one reference, each call in progress another. */
struct far {
	struct medium *medium;
	unsigned refs;
};

struct staged {
	struct medium base;
	struct medium_ops ops; /* with the far medium's type */
	char *type;
	struct medium *near;
	uint64_t reserve_bytes;
	staged_connect_fn *connect;
	void *arg;
	pthread_mutex_t lock; /* guards what is below, and the references */
	struct far *far;      /* NULL: not connected */
	struct err failure;   /* why not; ERR_NONE: it was not tried */
	int64_t retry_ms;     /* monotonic; not before */
};

struct staged_file {
	struct medium_file base;
	struct medium_file *near;
};

static struct staged *staged_of(struct medium *m)
{
	return (struct staged *)m;
}

/* Of the staging folder's errors people should know that it is not the share. */
static int told_near(int rc, struct err *err)
{
	return rc < 0 && err->kind != ERR_NOTFOUND ? err_add(err, "staging") : rc;
}

/* --- the far medium --------------------------------------------------------------------------- */

static void far_unref(struct far *far)
{
	if (--far->refs > 0)
		return;
	medium_free(&far->medium);
	free(far);
}

static void let_go(struct staged *s, const struct err *why)
{
	struct far *far = TAKE(s->far);

	s->failure = *why;
	s->retry_ms = clock_monotonic_ms() + STAGED_RETRY_MS;
	if (far != NULL)
		far_unref(far);
}

static int connect_far(struct staged *s, struct err *err)
{
	struct medium *medium = NULL;

	if (s->failure.kind != ERR_NONE && clock_monotonic_ms() < s->retry_ms)
		return err_set(err, ERR_OFFLINE, "%s", s->failure.text);
	if (s->connect(s->arg, &medium, err) < 0) {
		if (err->kind != ERR_TIMEOUT)
			err->kind = ERR_OFFLINE;
		let_go(s, err);
		return -1;
	}
	s->far = mem_new(sizeof(*s->far));
	*s->far = (struct far){medium, 1};
	s->failure.kind = ERR_NONE;
	return 0;
}

/* With a reference for the caller. IS_NEW_R: it was connected just now. */
static struct far *far_ref(struct staged *s, bool *is_new_r, struct err *err)
{
	struct far *far = NULL;

	pthread_mutex_lock(&s->lock);
	*is_new_r = s->far == NULL;
	if (s->far != NULL || connect_far(s, err) == 0) {
		far = s->far;
		far->refs++;
	}
	pthread_mutex_unlock(&s->lock);
	return far;
}

/* Errors after which it is connected anew. Refused: its log-in may have changed. */
static bool is_lost(enum err_kind kind)
{
	return kind == ERR_OFFLINE || kind == ERR_TIMEOUT || kind == ERR_DENIED;
}

/* The call that needed it ended so. */
static void far_release(struct staged *s, struct far *far, int rc, const struct err *err)
{
	pthread_mutex_lock(&s->lock);
	if (rc < 0 && is_lost(err->kind) && s->far == far)
		let_go(s, err);
	far_unref(far);
	pthread_mutex_unlock(&s->lock);
}

/* What is asked of it. */
struct request {
	const char *name;
	uint64_t offset;
	void *out;
	size_t len, *got_r;
	uint64_t *size_r, *total_r;
	int64_t *time_s_r;
	medium_list_fn *fn;
	void *arg;
};
typedef int request_fn(struct medium *far, const struct request *r, struct err *err);

static int ask_once(struct staged *s, request_fn *ask, const struct request *r, bool *is_new_r,
		    struct err *err)
{
	struct far *far = far_ref(s, is_new_r, err);
	int rc;

	if (far == NULL)
		return -1;
	rc = ask(far->medium, r, err);
	far_release(s, far, rc, err);
	if (rc < 0 && err->kind == ERR_DENIED)
		err->kind = ERR_OFFLINE;
	return rc;
}

/* The connection may be as good as ever, and lead to an empty folder. */
static void connect_anew(struct staged *s)
{
	pthread_mutex_lock(&s->lock);
	if (s->far != NULL)
		far_unref(TAKE(s->far));
	pthread_mutex_unlock(&s->lock);
}

/* (G3) */
static int ask_far(struct staged *s, request_fn *ask, const struct request *r, struct err *err)
{
	bool is_new;
	int rc = ask_once(s, ask, r, &is_new, err);

	if (rc == 0 || err->kind != ERR_NOTFOUND || is_new)
		return rc;
	err_clear(err);
	connect_anew(s);
	return ask_once(s, ask, r, &is_new, err);
}

static int far_read(struct medium *far, const struct request *r, struct err *err)
{
	return far->ops->read(far, r->name, r->offset, r->out, r->len, r->got_r, err);
}

static int far_size(struct medium *far, const struct request *r, struct err *err)
{
	return far->ops->size(far, r->name, r->size_r, err);
}

static int far_modified(struct medium *far, const struct request *r, struct err *err)
{
	return far->ops->modified(far, r->name, r->time_s_r, err);
}

static int far_list(struct medium *far, const struct request *r, struct err *err)
{
	return far->ops->list(far, r->name, r->fn, r->arg, err);
}

static int far_remove(struct medium *far, const struct request *r, struct err *err)
{
	return far->ops->remove(far, r->name, err);
}

static int far_space(struct medium *far, const struct request *r, struct err *err)
{
	return far->ops->space(far, r->size_r, r->total_r, err);
}

/* --- files in staging ------------------------------------------------------------------------- */

static struct medium_file *wrap_file(struct medium *near, struct medium_file *inner)
{
	struct staged_file *f = mem_new(sizeof(*f));

	inner->medium = near;
	f->near = inner;
	return &f->base;
}

static int stop_at_first(void *arg, const char *name, uint64_t size, struct err *err)
{
	(void)name, (void)size;
	*(bool *)arg = true;
	return err_set(err, ERR_STOPPED, "one is enough");
}

/* 1 a pack is in staging, 0 none. */
static int has_packs(struct staged *s, struct err *err)
{
	bool found = false;

	if (s->near->ops->list(s->near, "packs", stop_at_first, &found, err) < 0 && !found)
		return told_near(-1, err);
	err_clear(err);
	return found;
}

/* Half of what the doors leave free: what they took must always find its way from the spool into staging. */
static uint64_t reserve_of(const struct staged *s, uint64_t total_bytes)
{
	uint64_t reserve = file_reserve(s->reserve_bytes, total_bytes);

	return s->reserve_bytes == FILE_RESERVE_AUTO ? reserve / 2 : reserve;
}

/* The staging folder's disk is the spool's and the catalog's, too. If these fill it, and nothing is in staging, to refuse
 * would free nothing and stop the spool from being emptied for ever. */
int staged_check_room(struct medium *staged, struct err *err)
{
	struct staged *s = staged_of(staged);
	uint64_t left, total, reserve;
	int rc;

	must(medium_is_staged(staged));
	if (s->near->ops->space(s->near, &left, &total, err) < 0)
		return told_near(-1, err);
	reserve = reserve_of(s, total);
	if (left >= reserve)
		return 0;
	rc = has_packs(s, err);
	if (rc <= 0)
		return rc;
	return err_set(err, ERR_NOSPACE,
		       "the disk of the staging folder %s has %llu bytes left, and %llu are kept "
		       "in reserve; new mail waits in the spool until the share took what is there",
		       s->near->location, (unsigned long long)left, (unsigned long long)reserve);
}

static int staged_create(struct medium *m, const char *name, struct medium_file **file_r,
			 struct err *err)
{
	struct staged *s = staged_of(m);
	struct medium_file *inner;

	if (staged_check_room(m, err) < 0)
		return -1;
	if (s->near->ops->create(s->near, name, &inner, err) < 0)
		return told_near(-1, err);
	*file_r = wrap_file(s->near, inner);
	return 0;
}

/* 1 NAME is in staging, 0 it is not. */
static int is_near(struct staged *s, const char *name, struct err *err)
{
	uint64_t size;

	if (s->near->ops->size(s->near, name, &size, err) == 0)
		return 1;
	if (err->kind != ERR_NOTFOUND)
		return told_near(-1, err);
	err_clear(err);
	return 0;
}

/* (G4) Under a name of its own until it is whole: nobody is to read half of it. */
static int fetch(struct staged *s, const char *name, struct err *err)
{
	CLEAN_STR part = STR_INIT;
	uint64_t size;
	bool is_new;
	struct far *far;
	int rc;

	str_addf(&part, "%s.part", name);
	if (s->near->ops->remove(s->near, part.data, err) < 0 && err->kind != ERR_NOTFOUND)
		return told_near(-1, err);
	err_clear(err);
	if (ask_far(s, far_size, &(struct request){.name = name, .size_r = &size}, err) < 0)
		return -1;
	far = far_ref(s, &is_new, err);
	if (far == NULL)
		return -1;
	rc = copy_file_as(far->medium, name, s->near, part.data, size, NULL, err);
	far_release(s, far, rc, err);
	return rc < 0 ? -1 : told_near(s->near->ops->replace(s->near, part.data, name, err), err);
}

static int need_near(struct staged *s, const char *name, struct err *err)
{
	int rc = is_near(s, name, err);

	return rc == 0 ? fetch(s, name, err) : rc < 0 ? -1 : 0;
}

static int staged_reopen(struct medium *m, const char *name, struct medium_file **file_r,
			 struct err *err)
{
	struct staged *s = staged_of(m);
	struct medium_file *inner;

	if (need_near(s, name, err) < 0)
		return -1;
	if (s->near->ops->reopen(s->near, name, &inner, err) < 0)
		return told_near(-1, err);
	*file_r = wrap_file(s->near, inner);
	return 0;
}

static int staged_append(struct medium_file *file, const void *data, size_t len, struct err *err)
{
	struct medium_file *near = ((struct staged_file *)file)->near;

	return told_near(near->medium->ops->append(near, data, len, err), err);
}

static int staged_sync(struct medium_file *file, struct err *err)
{
	struct medium_file *near = ((struct staged_file *)file)->near;

	return told_near(near->medium->ops->sync(near, err), err);
}

static void staged_close(struct medium_file *file)
{
	struct staged_file *f = (struct staged_file *)file;

	f->near->medium->ops->close(f->near);
	free(f);
}

static int staged_cut(struct medium *m, const char *name, uint64_t size, struct err *err)
{
	struct staged *s = staged_of(m);

	if (need_near(s, name, err) < 0)
		return -1;
	return told_near(s->near->ops->cut(s->near, name, size, err), err);
}

/* --- by name ---------------------------------------------------------------------------------- */

/* What RC of the near medium tells: is the far one to be asked? It is looked at second, as a file is there before it
 * leaves staging. */
static bool goes_on(int rc, struct err *err)
{
	if (rc == 0 || err->kind != ERR_NOTFOUND)
		return false;
	err_clear(err);
	return true;
}

static int staged_read(struct medium *m, const char *name, uint64_t offset, void *out, size_t len,
		       size_t *got_r, struct err *err)
{
	struct staged *s = staged_of(m);
	const struct request r = {
		.name = name, .offset = offset, .out = out, .len = len, .got_r = got_r};
	int rc = s->near->ops->read(s->near, name, offset, out, len, got_r, err);

	return goes_on(rc, err) ? ask_far(s, far_read, &r, err) : told_near(rc, err);
}

static int staged_size(struct medium *m, const char *name, uint64_t *size_r, struct err *err)
{
	struct staged *s = staged_of(m);
	const struct request r = {.name = name, .size_r = size_r};
	int rc = s->near->ops->size(s->near, name, size_r, err);

	return goes_on(rc, err) ? ask_far(s, far_size, &r, err) : told_near(rc, err);
}

static int staged_modified(struct medium *m, const char *name, int64_t *time_s_r, struct err *err)
{
	struct staged *s = staged_of(m);
	const struct request r = {.name = name, .time_s_r = time_s_r};
	int rc = s->near->ops->modified(s->near, name, time_s_r, err);

	return goes_on(rc, err) ? ask_far(s, far_modified, &r, err) : told_near(rc, err);
}

static int staged_space(struct medium *m, uint64_t *free_r, uint64_t *total_r, struct err *err)
{
	const struct request r = {.size_r = free_r, .total_r = total_r};

	return ask_far(staged_of(m), far_space, &r, err);
}

/* (G5) The far one first: what is left of a file that is only half there is not to be read. */
static int staged_remove(struct medium *m, const char *name, struct err *err)
{
	struct staged *s = staged_of(m);
	struct err near_err = {0};
	bool was_far = true;

	if (ask_far(s, far_remove, &(struct request){.name = name}, err) < 0) {
		if (err->kind != ERR_NOTFOUND)
			return -1;
		was_far = false;
	}
	if (s->near->ops->remove(s->near, name, &near_err) < 0 &&
	    (near_err.kind != ERR_NOTFOUND || !was_far)) {
		*err = near_err;
		return told_near(-1, err);
	}
	err_clear(err);
	return 0;
}

/* What was made is in staging, as all that is created. */
static int staged_replace(struct medium *m, const char *made, const char *name, struct err *err)
{
	struct medium *near = staged_of(m)->near;

	return told_near(near->ops->replace(near, made, name, err), err);
}

/* --- listing ---------------------------------------------------------------------------------- */

struct listing {
	struct arena *arena;
	struct {
		char **v;
		size_t n, cap;
	} near; /* names in staging, in order */
	medium_list_fn *fn;
	void *arg;
};

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int list_near(void *arg, const char *name, uint64_t size, struct err *err)
{
	struct listing *l = arg;

	ARENA_PUSH(l->arena, l->near, arena_str(l->arena, name));
	return l->fn(l->arg, name, size, err);
}

static int list_far(void *arg, const char *name, uint64_t size, struct err *err)
{
	const struct listing *l = arg;

	if (l->near.n > 0 &&
	    bsearch(&name, l->near.v, l->near.n, sizeof(*l->near.v), compare_names) != NULL)
		return 0;
	return l->fn(l->arg, name, size, err);
}

static int staged_list(struct medium *m, const char *dir, medium_list_fn *fn, void *arg,
		       struct err *err)
{
	struct staged *s = staged_of(m);
	CLEAN(arena) arena = arena_new();
	struct listing l = {.arena = arena, .fn = fn, .arg = arg};
	const struct request r = {.name = dir, .fn = list_far, .arg = &l};

	if (s->near->ops->list(s->near, dir, list_near, &l, err) < 0)
		return told_near(-1, err);
	if (l.near.n > 0)
		qsort(l.near.v, l.near.n, sizeof(*l.near.v), compare_names);
	return ask_far(s, far_list, &r, err);
}

/* --- the medium itself ------------------------------------------------------------------------ */

static void staged_free(struct medium *m)
{
	struct staged *s = staged_of(m);

	if (s->far != NULL)
		far_unref(s->far);
	medium_free(&s->near);
	pthread_mutex_destroy(&s->lock);
	free(s->type);
	free(s);
}

static const struct medium_ops staged_ops = {
	.free = staged_free,
	.create = staged_create,
	.reopen = staged_reopen,
	.append = staged_append,
	.sync = staged_sync,
	.close = staged_close,
	.read = staged_read,
	.size = staged_size,
	.list = staged_list,
	.remove = staged_remove,
	.replace = staged_replace,
	.modified = staged_modified,
	.cut = staged_cut,
	.space = staged_space,
};

struct medium *medium_staged_new(struct medium *staging, const char *type, const char *location,
				 uint64_t reserve_bytes, staged_connect_fn *connect, void *arg)
{
	struct staged *s = mem_new(sizeof(*s));

	s->base = (struct medium){&s->ops, mem_strdup(location)};
	s->ops = staged_ops;
	s->type = mem_strdup(type);
	s->ops.type = s->type;
	s->near = staging;
	s->reserve_bytes = reserve_bytes;
	s->connect = connect;
	s->arg = arg;
	pthread_mutex_init(&s->lock, NULL);
	return &s->base;
}

bool medium_is_staged(const struct medium *medium)
{
	return medium->ops->free == staged_free;
}

struct medium *staged_near(struct medium *staged)
{
	must(medium_is_staged(staged));
	return staged_of(staged)->near;
}

int staged_far(struct medium *staged, struct medium **far_r, struct err *err)
{
	struct staged *s = staged_of(staged);
	struct far *far;
	bool is_new;

	must(medium_is_staged(staged));
	far = far_ref(s, &is_new, err);
	if (far == NULL)
		return -1;
	*far_r = far->medium;
	far_release(s, far, 0, err);
	return 0;
}

void staged_far_failed(struct medium *staged, const struct err *why)
{
	struct staged *s = staged_of(staged);

	must(medium_is_staged(staged));
	pthread_mutex_lock(&s->lock);
	let_go(s, why);
	pthread_mutex_unlock(&s->lock);
}

void staged_ask_again(struct medium *staged)
{
	struct staged *s = staged_of(staged);

	must(medium_is_staged(staged));
	pthread_mutex_lock(&s->lock);
	s->failure.kind = ERR_NONE;
	pthread_mutex_unlock(&s->lock);
}
