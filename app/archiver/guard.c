/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/archiver/guard.h"

#include "base/file.h"
#include "base/log.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

enum { CRASHES_MAX = 3, TRIES_MAX = 10, CONTENT_MAX = 128 };

struct suspect {
	struct uuid id;
	unsigned tries, crashes;
};

struct guard {
	int fd;
	bool careful;
	bool has_suspect;
	struct suspect suspect;
};

/* A signal handler has nothing else to go by: the one guard's file, and where its content ends. */
static volatile sig_atomic_t crash_fd = -1, crash_at;

static const int crashes[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
enum { CRASHES = sizeof(crashes) / sizeof(*crashes) };
static struct sigaction before[CRASHES];

/* Leave the mark, and then let the signal do what it would have done. */
static void on_crash(int sig, siginfo_t *info, void *context)
{
	ssize_t written = pwrite(crash_fd, "!", 1, crash_at);

	(void)written;
	(void)context;
	for (size_t i = 0; i < CRASHES; i++)
		if (crashes[i] == sig)
			sigaction(sig, &before[i], NULL);
	if (info->si_code <= 0) /* it was sent, and does not come again by itself */
		raise(sig);
}

static void watch_crashes(void)
{
	struct sigaction action = {.sa_sigaction = on_crash, .sa_flags = SA_SIGINFO};

	for (size_t i = 0; i < CRASHES; i++)
		sigaction(crashes[i], &action, &before[i]);
}

static void unwatch_crashes(void)
{
	for (size_t i = 0; i < CRASHES; i++)
		sigaction(crashes[i], &before[i], NULL);
}

/* What cannot be written is not worth stopping for: then a crash leads to no careful start. */
static void write_content(struct guard *g, const char *content)
{
	size_t len = strlen(content);

	crash_at = (sig_atomic_t)len;
	if (pwrite(g->fd, content, len, 0) < 0 || ftruncate(g->fd, (off_t)len) < 0)
		log_debug("archiver.lock not written");
}

static void read_content(struct guard *g)
{
	char content[CONTENT_MAX + 1] = "", id[UUID_TEXT + 1];
	struct err err = {0};
	struct suspect *s = &g->suspect;

	if (file_pread(g->fd, content, CONTENT_MAX, 0, &err) <= 0)
		return;
	g->careful = true;
	/* NOLINTNEXTLINE(cert-err34-c): it is our own text */
	g->has_suspect = sscanf(content, "one %36s %u %u", id, &s->tries, &s->crashes) == 3 &&
			 uuid_read(VIEW(id), &s->id) == 0;
	if (g->has_suspect && strchr(content, '!') != NULL)
		s->crashes++;
}

int guard_open(const char *archive_dir, struct guard **guard_r, struct err *err)
{
	CLEAN(guard) g = mem_new(sizeof(*g));
	CLEAN_STR path = STR_INIT;
	int rc;

	g->fd = -1;
	str_addf(&path, "%s/archiver.lock", archive_dir);
	rc = file_lock(path.data, &g->fd, err);
	if (rc == 0)
		return err_set(err, ERR_BUSY, "%s has an archiver already", archive_dir);
	if (rc < 0)
		return -1;
	read_content(g);
	crash_fd = g->fd;
	watch_crashes();
	*guard_r = TAKE(g);
	return 0;
}

void guard_free(struct guard **guard)
{
	struct guard *g = *guard;

	if (g == NULL)
		return;
	if (g->fd >= 0 && crash_fd == g->fd) {
		unwatch_crashes();
		crash_fd = -1;
	}
	fd_cleanup(&g->fd);
	free(g);
	*guard = NULL;
}

bool guard_is_careful(const struct guard *guard)
{
	return guard->careful;
}

const struct uuid *guard_suspect(const struct guard *guard)
{
	return guard->has_suspect ? &guard->suspect.id : NULL;
}

void guard_batch(struct guard *guard)
{
	write_content(guard, "batch");
}

bool guard_one(struct guard *guard, const struct uuid *id, struct err *why)
{
	struct suspect *s = &guard->suspect;
	char content[CONTENT_MAX], text[UUID_TEXT + 1];

	if (!guard->has_suspect || !uuid_eq(&s->id, id))
		*s = (struct suspect){.id = *id};
	guard->has_suspect = true;
	if (s->crashes >= CRASHES_MAX || s->tries >= TRIES_MAX) {
		err_set(why, ERR_UNSUPPORTED,
			"the archiver ended unexpectedly %u times while reading it", s->tries);
		return false;
	}
	s->tries++;
	snprintf(content, sizeof(content), "one %s %u %u ", uuid_text(id, text), s->tries,
		 s->crashes);
	write_content(guard, content);
	return true;
}

void guard_rest(struct guard *guard)
{
	guard->careful = guard->has_suspect = false;
	write_content(guard, "");
}
