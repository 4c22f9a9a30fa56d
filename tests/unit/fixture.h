/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fixture.h - for tests: a folder of its own, an archive in it, mails to put there. Whatever a
 * function here cannot do fails the test that called it. */
#ifndef TESTS_UNIT_FIXTURE_H
#define TESTS_UNIT_FIXTURE_H

#include "app/archive/read.h"
#include "app/archive/take.h"

#include <setjmp.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
	char dir[64];      /* of the test; removed in the end */
	char archive[80];  /* DIR/archive */
	struct archive *a; /* open */
	struct err err;
};

/* For cmocka: *STATE becomes a struct fixture. The first makes the folder only. */
int fixture_folder(void **state);
int fixture_setup(void **state);
int fixture_teardown(void **state);

void fixture_reopen(struct fixture *f);
/* A catalog without an archive, DIR/catalog.db; made at the first call. */
struct catalog *fixture_catalog(struct fixture *f);
/* "DIR/NAME"; valid until the fourth call after this one. */
const char *fixture_path(const struct fixture *f, const char *name);
void fixture_remove(const char *path); /* with all that is below */
void fixture_write(const char *path, struct view content);
void fixture_copy(const char *from, const char *to);

/* A mail as it came: all but RAW may be left NULL or 0. */
struct arrival {
	struct view raw;
	const char *source, *recipient; /* of the envelope */
	enum way way;
};
#define ARRIVAL(text, ...)                                                                         \
	{                                                                                          \
		.raw = {(text), sizeof(text) - 1}, __VA_ARGS__                                     \
	}

struct prepared *fixture_prepare(struct archive *a, const struct arrival *arrival);
/* One batch of one mail. */
struct taken fixture_give(struct fixture *f, struct taker *taker, const struct arrival *arrival);
/* The same with a taker of its own, finished. */
struct taken fixture_take(struct fixture *f, const struct arrival *arrival);
/* A mail with large base64 content, as RAW. */
void fixture_attachment(struct str *raw, const char *msgid, char fill);

struct mail_row fixture_row(struct fixture *f, struct arena *arena, const struct uuid *id);
/* The archive gives the mail ID back as exactly these bytes. */
void fixture_holds(struct fixture *f, const struct uuid *id, struct view raw);
/* Delete it, by a request of its own. */
void fixture_delete(struct fixture *f, const struct uuid *id);
/* How many mails QUERY finds, all rights granted. */
uint64_t fixture_count(struct fixture *f, const char *query);

#endif
