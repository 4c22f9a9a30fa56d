/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backup/database.h"

#include "app/catalog/page.h"
#include "base/file.h"

#include <fcntl.h>
#include <unistd.h>

struct link {
	char *name;
	struct backup_set_header header;
};
struct links {
	struct link *v; /* from the last set down to the full one */
	size_t n, cap;
};

/* The name of the set ID, whichever it is: 1, 0 there is none. One may be in staging while nothing else can be asked. */
static int find_set(struct medium *medium, struct arena *arena, const struct uuid *id,
		    char **name_r, struct err *err)
{
	struct err failed = {0};

	for (int full = 0; full < 2; full++) {
		char name[BACKUP_SET_NAME];
		uint64_t size;

		if (medium_size(medium, backup_set_name(id, full != 0, name), &size, err) == 0) {
			*name_r = arena_str(arena, name);
			return 1;
		}
		if (err->kind != ERR_NOTFOUND)
			failed = *err;
	}
	if (failed.kind == ERR_NONE)
		return 0;
	*err = failed;
	return -1;
}

/* The set below AT. */
static int find_below(struct medium *medium, struct arena *arena, const struct link *at,
		      char **name_r, struct err *err)
{
	int rc;

	if (memcmp(at->header.predecessor.b, at->header.id.b, UUID_BYTES) >= 0)
		return err_set(err, ERR_DAMAGED, "%s rests on a later set", at->name);
	rc = find_set(medium, arena, &at->header.predecessor, name_r, err);
	if (rc == 0)
		return err_set(err, ERR_DAMAGED, "medium %s: %s rests on a set that is missing",
			       medium_location(medium), at->name);
	return rc < 0 ? -1 : 0;
}

static int find_links(struct medium *medium, const struct keyring *keys, const char *name,
		      struct arena *arena, struct links *links, struct err *err)
{
	char *next = arena_str(arena, name);

	for (;;) {
		CLEAN(backup_set_reader) r = NULL;
		struct link link = {.name = next};

		if (backup_set_open(medium, keys, next, &link.header, &r, err) < 0)
			return -1;
		if (links->n > 0 && link.header.page_bytes != links->v[0].header.page_bytes)
			return err_set(err, ERR_DAMAGED, "%s has pages of another size", next);
		ARENA_PUSH(arena, *links, link);
		if (link.header.is_full)
			return 0;
		if (find_below(medium, arena, &links->v[links->n - 1], &next, err) < 0)
			return -1;
	}
}

/* The file that is being put together. */
struct target {
	int fd;
	struct pages *pages;
	unsigned char *page; /* room for one */
	uint32_t page_bytes;
};

static int write_page(struct target *t, uint64_t page, const void *data, struct err *err)
{
	memcpy(t->page, data, t->page_bytes);
	page_close(t->pages, page, t->page);
	if (lseek(t->fd, (off_t)((page - 1) * t->page_bytes), SEEK_SET) < 0)
		return err_errno(err, "seek: %m");
	return file_write_all(t->fd, t->page, t->page_bytes, err);
}

/* Put one set over what is there. HASH is what the set above says of it; NULL: there is none above. */
static int apply(struct medium *medium, const struct keyring *keys, const struct link *link,
		 const struct hash *hash, struct target *t, struct err *err)
{
	CLEAN(backup_set_reader) r = NULL;
	struct backup_set_header header;
	struct hash is;
	const void *data;
	uint64_t page;
	int rc;

	if (backup_set_open(medium, keys, link->name, &header, &r, err) < 0)
		return -1;
	while ((rc = backup_set_next(r, &page, &data, err)) > 0)
		if (write_page(t, page, data, err) < 0)
			return -1;
	if (rc < 0)
		return -1;
	is = backup_set_hash(r);
	if (hash != NULL && !hash_eq(hash, &is))
		return err_set(err, ERR_DAMAGED,
			       "medium %s: %s is not the set that the next one rests on",
			       medium_location(medium), link->name);
	if (ftruncate(t->fd, (off_t)(header.pages * header.page_bytes)) < 0)
		return err_errno(err, "truncate: %m");
	return 0;
}

static int apply_all(struct medium *medium, const struct keyring *keys, const struct links *links,
		     int fd, struct err *err)
{
	CLEAN(secret) key = keyring_derive(keys, KEY_USE_CATALOG, VIEW(""));
	uint32_t page_bytes = links->v[0].header.page_bytes;
	CLEAN(pages) pages = pages_new(key, page_bytes);
	CLEAN_MEM unsigned char *page = mem_new(page_bytes);
	struct target target = {fd, pages, page, page_bytes};

	for (size_t i = links->n; i-- > 0;) {
		const struct hash *hash = i > 0 ? &links->v[i - 1].header.predecessor_hash : NULL;

		if (apply(medium, keys, &links->v[i], hash, &target, err) < 0)
			return -1;
	}
	return file_sync(fd, err);
}

int database_restore(struct medium *medium, const struct keyring *keys, const char *name,
		     const char *path, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	struct links links = {0};
	CLEAN_FD fd = -1;

	if (find_links(medium, keys, name, arena, &links, err) < 0)
		return -1;
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_errno(err, "%s: %m", path);
	if (apply_all(medium, keys, &links, fd, err) == 0 && dir_sync_parent(path, err) == 0)
		return 0;
	unlink(path);
	return -1;
}
