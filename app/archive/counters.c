/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/archive/counters.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static const char magic[8] = "SPCOUNT1";

const struct timing_kind timing_kinds[TIMING_COUNT] = {
#define X(name, what, ...) {#name, what, __VA_ARGS__},
	TIMINGS(X)
#undef X
};

const char *counted_text(enum counted counted)
{
	static const char *const names[] = {
#define X(name) #name,
		COUNTED(X)
#undef X
	};

	return names[counted];
}

enum { NUMBERS = sizeof(struct counts) / sizeof(uint64_t) };

struct counters {
	char *dir;
	struct counts added; /* not in the file yet */
	bool has_added;
};

struct file {
	char magic[sizeof(magic)];
	struct counts counts;
};

struct counters *counters_new(const char *archive_dir)
{
	struct counters *c = mem_new(sizeof(*c));

	c->dir = mem_strdup(archive_dir);
	return c;
}

void counters_free(struct counters **counters)
{
	struct counters *c = *counters;

	if (c == NULL)
		return;
	counters_flush(c);
	free(c->dir);
	free(c);
	*counters = NULL;
}

void counters_add_taken(struct counters *c, enum way way, enum counted counted)
{
	must((size_t)way < COUNTERS_WAYS && counted < COUNTED_COUNT);
	c->added.taken[way][counted]++;
	c->has_added = true;
}

/* A clock that was put back makes no time negative. */
void counters_add_time(struct counters *c, enum timing timing, int64_t us)
{
	struct timing_counts *t = &c->added.timing[timing];
	uint64_t n = us > 0 ? (uint64_t)us : 0;
	size_t i = 0;

	while (i < TIMING_BUCKETS && n > timing_kinds[timing].bound_ms[i] * 1000)
		i++;
	if (i < TIMING_BUCKETS)
		t->bucket[i]++;
	t->n++;
	t->sum_us += n;
	c->has_added = true;
}

/* --- the file ----------------------------------------------------------------------------------- */

static void path_of(const char *dir, struct str *path)
{
	str_addf(path, "%s/counters", dir);
}

static void read_file(int fd, struct file *file_r)
{
	ssize_t n = pread(fd, file_r, sizeof(*file_r), 0);

	if (n < 0 || memcmp(file_r->magic, magic, sizeof(magic)) != 0)
		n = 0;
	memset((char *)file_r + n, 0, sizeof(*file_r) - (size_t)n);
}

/* Not waited for: who holds it may be stopped, and mail must not wait for that. */
static bool lock(int fd)
{
	struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	return fcntl(fd, F_OFD_SETLK, &range) == 0;
}

/* Of whom the archive is, also when root was the first to count. */
static void give_to_owner(const struct counters *c, int fd)
{
	struct stat st;

	if (geteuid() == 0 && stat(c->dir, &st) == 0 && fchown(fd, st.st_uid, st.st_gid) < 0)
		return; /* then root alone counts */
}

static int open_file(const struct counters *c)
{
	CLEAN_STR path = STR_INIT;
	int fd;

	path_of(c->dir, &path);
	fd = open(path.data, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd >= 0 || errno != ENOENT)
		return fd;
	fd = open(path.data, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd >= 0)
		give_to_owner(c, fd);
	return fd;
}

static void add(struct counts *to, const struct counts *from)
{
	uint64_t sums[NUMBERS], more[NUMBERS];

	memcpy(sums, to, sizeof(sums));
	memcpy(more, from, sizeof(more));
	for (size_t i = 0; i < NUMBERS; i++)
		sums[i] += more[i];
	memcpy(to, sums, sizeof(sums));
}

void counters_flush(struct counters *c)
{
	CLEAN_FD fd = -1;
	struct file file;

	if (!c->has_added)
		return;
	fd = open_file(c);
	if (fd < 0 || !lock(fd))
		return;
	read_file(fd, &file);
	memcpy(file.magic, magic, sizeof(magic));
	add(&file.counts, &c->added);
	if (pwrite(fd, &file, sizeof(file), 0) != (ssize_t)sizeof(file))
		return;
	c->added = (struct counts){0};
	c->has_added = false;
}

void counters_read(const char *archive_dir, struct counts *counts_r)
{
	CLEAN_STR path = STR_INIT;
	struct file file;
	CLEAN_FD fd = -1;

	*counts_r = (struct counts){0};
	path_of(archive_dir, &path);
	fd = open(path.data, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	read_file(fd, &file);
	*counts_r = file.counts;
}
