/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A restore that is only tried. All that it makes lies in one temporary directory, which a process of its own removes
 * when this one ends, in whatever way: by itself, by a signal, by a crash. */
#include "backup/restore_priv.h"

#include "app/archive/read.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- nothing stays ---- */

struct sweeper {
	pid_t pid;
	int alive; /* closed when this process ends */
};

/* In the child. It uses nothing of the parent's but the path; signals to the group are the parent's business. */
static void __attribute__((noreturn)) sweep(int alive, const char *dir)
{
	char byte;

	setsid();
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	while (read(alive, &byte, 1) < 0 && errno == EINTR)
		;
	dir_remove_all(dir);
	_exit(access(dir, F_OK) == 0);
}

static int sweeper_start(struct sweeper *s, const char *dir, struct err *err)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_errno(err, "pipe: %m");
	s->pid = fork();
	if (s->pid == 0) {
		close(ends[1]);
		sweep(ends[0], dir);
	}
	close(ends[0]);
	s->alive = ends[1];
	if (s->pid > 0)
		return 0;
	err_errno(err, "fork: %m");
	close(s->alive);
	return -1;
}

static int sweeper_end(struct sweeper *s, const char *dir, struct err *err)
{
	int status = 1;

	close(s->alive);
	while (waitpid(s->pid, &status, 0) < 0 && errno == EINTR)
		;
	if (status != 0)
		return err_set(err, ERR_IO, "the drill's directory %s could not be removed", dir);
	return 0;
}

/* ---- mails at random ---- */

struct sample {
	struct arena *arena;
	uint64_t *mails;
	uint64_t want, n, seen;
};

static uint64_t random_below(uint64_t n)
{
	uint64_t number;

	crypto_random(&number, sizeof(number));
	return number % n;
}

/* Each mail has the same chance, and they are counted only once. */
static int draw(void *arg, const struct mail_row *row, struct err *err)
{
	struct sample *s = arg;
	uint64_t at;

	(void)err;
	if (row->state != MAIL_LIVE)
		return 0;
	s->seen++;
	if (s->n < s->want) {
		s->mails[s->n++] = row->mail;
		return 0;
	}
	at = random_below(s->seen);
	if (at < s->want)
		s->mails[at] = row->mail;
	return 0;
}

/* (R1) of app/archive/read.h: what is read is what was captured. */
static int prove(struct archive *a, struct reader *reader, uint64_t mail,
		 struct restore_report *report, uint64_t *opened, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	CLEAN_STR raw = STR_INIT;
	struct err reading = {0};
	struct mail_row row;
	char id[UUID_TEXT + 1];

	if (mails_get(archive_catalog(a), arena, mail, &row, err) <= 0)
		return -1;
	if (reader_mail(reader, &row, &raw, &reading) == 0)
		(*opened)++;
	else
		ARENA_PUSH(report->arena, report->lost,
			   arena_f(report->arena, "mail %s cannot be read: %s",
				   uuid_text(&row.id, id), reading.text));
	return 0;
}

static int prove_some(struct archive *a, uint64_t want, uint64_t *opened_r,
		      struct restore_report *report, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	CLEAN(reader) reader = reader_new(a);
	struct sample s = {.arena = arena, .want = want < report->mails ? want : report->mails};

	s.mails = arena_get(arena, (s.want + 1) * sizeof(*s.mails));
	if (s.want > 0 && mails_each(archive_catalog(a), 0, draw, &s, err) < 0)
		return -1;
	for (uint64_t i = 0; i < s.n; i++)
		if (prove(a, reader, s.mails[i], report, opened_r, err) < 0)
			return -1;
	return 0;
}

/* ---- the whole ---- */

static int drill_in(const char *dir, const struct keyring *keys, const struct site *from, size_t n,
		    uint64_t sample, uint64_t *opened_r, struct restore_report *report,
		    struct err *err)
{
	CLEAN(archive) a = NULL;
	CLEAN_STR key = STR_INIT;
	struct found_media found = {.arena = report->arena};
	struct regain_report regained;
	int rc = restore_find(keys, from, n, &found, report, err);

	str_addf(&key, "%s/archive.key", dir);
	if (rc == 0)
		rc = keyring_save(keys, key.data, err);
	if (rc == 0)
		rc = restore_catalog(dir, &found, &a, &regained, report, err);
	if (rc == 0)
		rc = prove_some(a, sample, opened_r, report, err);
	archive_free(&a);
	found_media_clear(&found);
	return rc;
}

/* The sweeper comes before anything is opened that it would hold open. */
int restore_drill(const char *parent, const struct keyring *keys, const struct site *from, size_t n,
		  uint64_t sample, uint64_t *opened_r, struct restore_report *report_r,
		  struct err *err)
{
	struct sweeper sweeper;
	struct err sweeping = {0};
	CLEAN_STR dir = STR_INIT;
	int rc;

	*opened_r = 0;
	*report_r = (struct restore_report){.arena = report_r->arena};
	str_addf(&dir, "%s/drill-XXXXXX", parent);
	if (mkdtemp(dir.data) == NULL)
		return err_errno(err, "%s: %m", dir.data);
	if (sweeper_start(&sweeper, dir.data, err) < 0) {
		rmdir(dir.data);
		return -1;
	}
	rc = drill_in(dir.data, keys, from, n, sample, opened_r, report_r, err);
	if (sweeper_end(&sweeper, dir.data, &sweeping) < 0 && rc == 0) {
		*err = sweeping;
		return -1;
	}
	return rc;
}
