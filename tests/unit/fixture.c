/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/fixture.h"

#include "app/archive/erase.h"
#include "app/catalog/requests.h"
#include "app/archive/find.h"
#include "base/file.h"

#include <ftw.h>

static int drop(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

void fixture_remove(const char *path)
{
	nftw(path, drop, 16, FTW_DEPTH | FTW_PHYS);
}

int fixture_folder(void **state)
{
	struct fixture *f = mem_new(sizeof(*f));

	strcpy(f->dir, "/tmp/sealpost_test.XXXXXX");
	*state = f;
	if (mkdtemp(f->dir) == NULL)
		return -1;
	snprintf(f->archive, sizeof(f->archive), "%s/archive", f->dir);
	return 0;
}

struct catalog *fixture_catalog(struct fixture *f)
{
	CLEAN(secret) key = secret_new(KEY_BYTES);
	struct catalog *c = NULL;

	if (catalog_open(fixture_path(f, "catalog.db"), key, true, &c, &f->err) < 0)
		fail_msg("%s", f->err.text);
	return c;
}

int fixture_setup(void **state)
{
	struct fixture *f;

	mail_init();
	if (fixture_folder(state) < 0)
		return -1;
	f = *state;
	if (archive_init(f->archive, "Test", NULL, &f->err) < 0 ||
	    archive_open(f->archive, &f->a, &f->err) < 0)
		fail_msg("%s", f->err.text);
	return 0;
}

int fixture_teardown(void **state)
{
	struct fixture *f = *state;

	archive_free(&f->a);
	fixture_remove(f->dir);
	free(f);
	return 0;
}

void fixture_reopen(struct fixture *f)
{
	archive_free(&f->a);
	if (archive_open(f->archive, &f->a, &f->err) < 0)
		fail_msg("%s", f->err.text);
}

const char *fixture_path(const struct fixture *f, const char *name)
{
	static char paths[4][256];
	static unsigned turn;
	char *path = paths[turn++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", f->dir, name);
	return path;
}

void fixture_write(const char *path, struct view content)
{
	struct err err = {0};

	if (file_replace(path, 0600, content, &err) < 0)
		fail_msg("%s", err.text);
}

void fixture_copy(const char *from, const char *to)
{
	CLEAN_STR content = STR_INIT;
	struct err err = {0};

	if (file_read(from, 1 << 30, &content, &err) < 0)
		fail_msg("%s", err.text);
	fixture_write(to, str_view(&content));
}

struct prepared *fixture_prepare(struct archive *a, const struct arrival *arrival)
{
	struct mail_limits limits = MAIL_LIMITS_DEFAULT;
	CLEAN(preparer) p = preparer_new(archive_keys(a), archive_dictionary(a), NULL, &limits);
	struct view recipient = VIEW(arrival->recipient ? arrival->recipient : "");
	struct facts facts = {.way = arrival->way ? arrival->way : WAY_IMPORT,
			      .source = VIEW(arrival->source ? arrival->source : "test"),
			      .seen_ms = 1700000000000};
	struct str raw = STR_INIT;

	if (arrival->recipient != NULL) {
		facts.recipients.v = &recipient;
		facts.recipients.n = facts.recipients.cap = 1;
	}
	str_addv(&raw, arrival->raw);
	return prepare(p, &raw, &facts, true);
}

struct taken fixture_give(struct fixture *f, struct taker *taker, const struct arrival *arrival)
{
	CLEAN(prepared) m = fixture_prepare(f->a, arrival);
	struct taken taken = {0};

	if (taker_batch(taker, &m, 1, &taken, &f->err) < 0)
		fail_msg("%s", f->err.text);
	return taken;
}

struct taken fixture_take(struct fixture *f, const struct arrival *arrival)
{
	CLEAN(taker) taker = taker_new(f->a, true);
	struct taken taken = fixture_give(f, taker, arrival);

	if (taker_finish(taker, &f->err) < 0)
		fail_msg("%s", f->err.text);
	return taken;
}

void fixture_attachment(struct str *raw, const char *msgid, char fill)
{
	str_addf(raw,
		 "From: anna@example.org\nTo: bert@example.org\nSubject: file\nMessage-ID: <%s>\n"
		 "Date: Mon, 2 Jan 2023 10:00:00 +0000\n"
		 "Content-Type: application/octet-stream; name=a.bin\n"
		 "Content-Disposition: attachment; filename=a.bin\n"
		 "Content-Transfer-Encoding: base64\n\n",
		 msgid);
	for (int i = 0; i < 76 * 200; i++) {
		/* letters that differ, so that the part has something to lose */
		str_addc(raw, (char)('A' + (i * 7 + i / 76 * 3 + fill) % 26));
		if (i % 76 == 75)
			str_addc(raw, '\n');
	}
}

struct mail_row fixture_row(struct fixture *f, struct arena *arena, const struct uuid *id)
{
	struct mail_row row = {0};

	if (mail_find(f->a, arena, id, &row, &f->err) <= 0)
		fail_msg("%s", f->err.text);
	return row;
}

void fixture_delete(struct fixture *f, const struct uuid *id)
{
	CLEAN(arena) arena = arena_new();
	struct mail_row row = fixture_row(f, arena, id);
	uint64_t request;

	if (requests_add(archive_catalog(f->a), VIEW("test"), VIEW("a reason"), &request, &f->err) <
		    0 ||
	    delete_mail(f->a, &row, request, &f->err) < 0)
		fail_msg("%s", f->err.text);
}

void fixture_holds(struct fixture *f, const struct uuid *id, struct view raw)
{
	CLEAN(arena) arena = arena_new();
	CLEAN(reader) reader = reader_new(f->a);
	struct mail_row row = fixture_row(f, arena, id);
	CLEAN_STR got = STR_INIT;

	if (reader_mail(reader, &row, &got, &f->err) < 0)
		fail_msg("%s", f->err.text);
	assert_true(view_eq(str_view(&got), raw));
}

uint64_t fixture_count(struct fixture *f, const char *query)
{
	struct scope all = SCOPE_ALL;
	uint64_t n = 0;

	if (find_count(f->a, VIEW(query), &all, &n, &f->err) < 0)
		fail_msg("%s", f->err.text);
	return n;
}
