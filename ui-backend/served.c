/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui-backend/served.h"

#include "base/log.h"
#include "storage/keyring.h"

#include <sys/stat.h>
#include <unistd.h>

/* Which files the databases are. */
struct files {
	dev_t dev;
	ino_t catalog, index;
};

struct held_archive {
	struct archive *archive;
	unsigned holders; /* requests, and the served archive itself */
};

struct served {
	char *dir;
	struct files files;
	struct held_archive *now; /* NULL: not open */
};

struct served *served_new(const char *archive_dir)
{
	struct served *s = mem_new(sizeof(*s));

	s->dir = mem_strdup(archive_dir);
	return s;
}

void held_archive_free(struct held_archive **held)
{
	struct held_archive *h = *held;

	*held = NULL;
	if (h == NULL || --h->holders > 0)
		return;
	archive_free(&h->archive);
	free(h);
}

void served_free(struct served **served)
{
	struct served *s = *served;

	if (s == NULL)
		return;
	held_archive_free(&s->now);
	free(s->dir);
	free(s);
	*served = NULL;
}

/* A new archive has its key last, one that is being brought back its catalog. */
static bool has_key(const struct served *s)
{
	CLEAN_STR path = STR_INIT;
	CLEAN_STR catalog = STR_INIT;

	keyring_path(s->dir, &path);
	str_addf(&catalog, "%s/catalog.db", s->dir);
	return access(path.data, F_OK) == 0 && access(catalog.data, F_OK) == 0;
}

static ino_t file_of(const struct served *s, const char *name, dev_t *dev_r)
{
	CLEAN_STR path = STR_INIT;
	struct stat st;

	str_addf(&path, "%s/%s", s->dir, name);
	if (stat(path.data, &st) < 0)
		return 0;
	*dev_r = st.st_dev;
	return st.st_ino;
}

static struct files files_of(const struct served *s)
{
	struct files f = {0};

	f.catalog = file_of(s, "catalog.db", &f.dev);
	f.index = file_of(s, "index.db", &f.dev);
	return f;
}

/* An index that is not there yet is made by the first who searches: that is no other one. */
static bool is_same(const struct files *a, const struct files *b)
{
	return a->dev == b->dev && a->catalog == b->catalog &&
	       (a->index == b->index || a->index == 0);
}

static int reopen(struct served *s, const struct files *files, struct err *err)
{
	struct archive *archive;

	held_archive_free(&s->now);
	if (archive_open(s->dir, &archive, err) < 0)
		return -1;
	s->now = mem_new(sizeof(*s->now));
	s->now->archive = archive;
	s->now->holders = 1;
	s->files = *files;
	return 0;
}

int served_hold(struct served *served, struct held_archive **held_r, struct err *err)
{
	struct files files = files_of(served);

	*held_r = NULL;
	if (!has_key(served)) {
		held_archive_free(&served->now);
		return 0;
	}
	if (served->now != NULL && !is_same(&served->files, &files))
		log_info("archive opened anew, its databases were replaced");
	if ((served->now == NULL || !is_same(&served->files, &files)) &&
	    reopen(served, &files, err) < 0)
		return -1;
	served->files = files;
	served->now->holders++;
	*held_r = served->now;
	return 1;
}

struct archive *held_archive(struct held_archive *held)
{
	return held->archive;
}
