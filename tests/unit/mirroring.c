/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/mirroring.h"

#include "app/archive/archive_priv.h"
#include "base/file.h"

#include <fcntl.h>

struct medium *local_medium(const char *folder)
{
	struct medium *m = NULL;
	struct err err = {0};

	if (dir_make_all(folder, 0700, &err) < 0 || medium_local_open(folder, &m, &err) < 0)
		fail_msg("%s", err.text);
	return m;
}

struct medium *own_medium(struct fixture *f)
{
	CLEAN_STR root = STR_INIT;

	archive_medium_root(f->a, "media/1", &root);
	return local_medium(root.data);
}

struct medium *mirror_of(struct fixture *f, const char *place, unsigned number)
{
	CLEAN_STR root = STR_INIT;

	mirror_location(fixture_path(f, place), number, &root);
	str_addc(&root, '/');
	archive_folder(f->a, &root);
	return local_medium(root.data);
}

void set_place(struct fixture *f, const char *place)
{
	const struct site site = {.location = fixture_path(f, place)};

	if (dir_make_all(site.location, 0700, &f->err) < 0 ||
	    mirror_set_site(archive_catalog(f->a), &site, &f->err) < 0)
		fail_msg("%s", f->err.text);
}

struct mirror_report mirror_now(struct fixture *f)
{
	const struct mirror_options options = {.scrub_all = true, .any_hour = true};
	struct mirror_report report;

	if (mirror_run(f->a, &options, &report, &f->err) < 0)
		fail_msg("%s", f->err.text);
	return report;
}

void let_time_pass(struct fixture *f)
{
	if (db_exec(catalog_db(archive_catalog(f->a)),
		    "UPDATE mirror_files SET arrived_s = 1, checked_s = 1", &f->err) < 0)
		fail_msg("%s", f->err.text);
}

void put_file(struct medium *m, const char *name, struct view content)
{
	CLEAN(medium_file) file = NULL;
	struct err err = {0};

	if (medium_create(m, name, &file, &err) < 0 ||
	    medium_append(file, content.data, content.len, &err) < 0 || medium_sync(file, &err) < 0)
		fail_msg("%s", err.text);
}

void flip_bit(struct medium *m, const char *name, uint64_t at)
{
	CLEAN_STR path = STR_INIT;
	CLEAN_FD fd = -1;
	unsigned char c;

	str_addf(&path, "%s/%s", medium_location(m), name);
	fd = open(path.data, O_RDWR | O_CLOEXEC);
	assert_int_equal(pread(fd, &c, 1, (off_t)at), 1);
	c ^= 1;
	assert_int_equal(pwrite(fd, &c, 1, (off_t)at), 1);
}

bool has_file(struct medium *m, const char *name)
{
	struct err err = {0};
	uint64_t size;

	return medium_size(m, name, &size, &err) == 0;
}

struct comparison {
	struct medium *a, *b;
	unsigned files;
};

static int compare_file(void *arg, const char *name, uint64_t size, struct err *err)
{
	struct comparison *c = arg;
	struct hash hash;

	if (strcmp(name, "medium.json") == 0)
		return 0;
	c->files++;
	if (copy_hash(c->a, name, size, NULL, &hash, err) < 0)
		return -1;
	return copy_check(c->b, name, size, &hash, NULL, err);
}

unsigned same_files(struct medium *a, struct medium *b)
{
	struct comparison c = {a, b, 0};
	struct err err = {0};

	if (medium_list(a, "", compare_file, &c, &err) < 0)
		fail_msg("%s", err.text);
	return c.files;
}
