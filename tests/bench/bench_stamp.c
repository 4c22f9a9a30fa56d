/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench_stamp - mails for a measurement of timestamps.
 *
 *     bench_stamp ARCHIVE MAILS     add so many (or 0) to the catalog, each of which waits for a timestamp
 *
 * Stamping reads the catalog alone (their digests were made when they came), so there are no packs behind them. Prints the bytes of
 * the catalog that are in use before they wait. */
#include "app/archive/archive.h"
#include "app/catalog/stamps.h"
#include "base/clock.h"
#include "tests/bench/bench.h"

enum { FILL_BATCH = 20000 };

static void random_bytes(void *out, size_t len)
{
	unsigned char *to = out;

	for (size_t i = 0; i < len; i += 8) {
		uint64_t n = random_number();

		memcpy(to + i, &n, len - i < 8 ? len - i : 8);
	}
}

static void add_mail(struct catalog *c, uint64_t i)
{
	struct mail_row row = {.id = uuid_new(),
			       .record = {1, i * 4000, 3900},
			       .size = 9000,
			       .sent_s = clock_s(),
			       .way = WAY_MILTER,
			       .seen_ms = clock_ms(),
			       .place = VIEW("4Bk5Jx2zQ1z9"),
			       .flags = VIEW(""),
			       .subject = VIEW("A subject of the usual length"),
			       .sender = VIEW("First Last <first.last@example.org>")};
	struct err err = {0};

	random_bytes(row.exact.b, HASH_BYTES);
	random_bytes(row.content.b, HASH_BYTES);
	check(source_id(c, VIEW("milter"), true, &row.source, &err), &err);
	check(mails_add(c, &row, &err), &err);
}

/* Mails' numbers count from 1. */
static void let_wait(struct catalog *c, uint64_t i)
{
	struct hash digest;
	struct err err = {0};

	random_bytes(digest.b, HASH_BYTES);
	check(to_stamp_add(c, i + 1, NULL, &digest, &err), &err);
}

static void fill(const char *archive, void (*add)(struct catalog *c, uint64_t i), uint64_t mails)
{
	CLEAN(archive) a = NULL;
	struct catalog *c;
	struct err err = {0};

	check(archive_open(archive, &a, &err), &err);
	c = archive_catalog(a);

	for (uint64_t i = 0; i < mails; i++) {
		if (i % FILL_BATCH == 0)
			check(catalog_begin(c, &err), &err);
		add(c, i);
		if (i % FILL_BATCH == FILL_BATCH - 1 || i == mails - 1)
			check(catalog_commit(c, &err), &err);
	}
}

static int64_t pragma(struct catalog *c, const char *sql)
{
	CLEAN_STMT q = NULL;
	struct err err = {0};

	check(db_query_text(catalog_db(c), sql, &q, &err), &err);
	check(stmt_step(q, &err), &err);
	return stmt_int(q, 0);
}

/* Pages that are free will be used again. */
static int64_t bytes_in_use(const char *archive)
{
	CLEAN(archive) a = NULL;
	struct catalog *c;
	struct err err = {0};

	check(archive_open(archive, &a, &err), &err);
	c = archive_catalog(a);
	return (pragma(c, "PRAGMA page_count") - pragma(c, "PRAGMA freelist_count")) *
	       pragma(c, "PRAGMA page_size");
}

int main(int argc, char **argv)
{
	uint64_t mails;

	if (argc != 3) {
		fputs("usage: bench_stamp ARCHIVE MAILS\n", stderr);
		return 2;
	}
	mails = strtoull(argv[2], NULL, 10);
	fill(argv[1], add_mail, mails);
	printf("{\"catalog_bytes\": %lld}\n", (long long)bytes_in_use(argv[1]));
	fill(argv[1], let_wait, mails);
	return 0;
}
