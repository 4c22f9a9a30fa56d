/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench_backup - what backups of a large catalog cost, as JSON.
 *
 *     bench_backup DIR MAILS     make an archive in DIR whose catalog knows so many mails, and back it up
 *
 * The rows are like those of real mail: random hashes, three recipients each of some thousands, every fourth with a part.
 * There are no packs behind them. "at_work" is measured next to a process that writes and syncs a pack and then commits its
 * mails, batch after batch without a pause: how long one batch took at most, and how long without a backup. */
#include "app/archive/archive.h"
#include "backup/database.h"
#include "base/clock.h"
#include "base/file.h"
#include "tests/bench/bench.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	ADDRESSES = 5000,
	RECIPIENTS = 3,
	CHANGED = 1000,
	BATCH = 32,
	BATCH_BYTES = 1024 * 1024,
	FILL_BATCH = 20000,
	QUIET_MS = 5000
};

static void random_bytes(void *out, size_t len)
{
	unsigned char *to = out;

	for (size_t i = 0; i < len; i += 8) {
		uint64_t n = random_number();

		memcpy(to + i, &n, len - i < 8 ? len - i : 8);
	}
}

static uint64_t any_address(struct catalog *c)
{
	char text[64];
	uint64_t id;
	struct err err;

	snprintf(text, sizeof(text), "first.lastname%llu@department.example.org",
		 (unsigned long long)(random_number() % ADDRESSES));
	check(address_id(c, VIEW(text), true, &id, &err), &err);
	return id;
}

static void add_part(struct catalog *c, uint64_t mail, uint64_t at)
{
	struct part_row part = {.pack = 1, .offset = at, .length = 41000, .size = 60000};
	struct err err;

	random_bytes(&part.hash, sizeof(part.hash));
	check(parts_add(c, &part, &err), &err);
	check(parts_use(c, mail, part.part, &err), &err);
}

static void add_mail(struct catalog *c, uint64_t source)
{
	struct mail_row row = {
		.id = uuid_new(),
		.msgid = random_number(),
		.record = {1, random_number() % (1 << 26), 5000 + random_number() % 60000},
		.size = 5000 + random_number() % 90000,
		.sent_s = 1700000000 + (int64_t)(random_number() % 50000000),
		.way = WAY_MILTER,
		.source = source,
		.seen_ms = clock_ms(),
		.place = VIEW("4bQz9d0kX7z1r8"),
		.flags = VIEW(""),
		.subject = VIEW("Re: the offer of last week, and what remains to be done"),
		.sender = VIEW("first.lastname1234@department.example.org"),
	};
	struct err err;

	random_bytes(&row.exact, sizeof(row.exact));
	random_bytes(&row.content, sizeof(row.content));
	check(mails_add(c, &row, &err), &err);
	for (unsigned i = 0; i < RECIPIENTS; i++)
		check(recipients_add(c, row.mail, i, any_address(c), &err), &err);
	if (row.mail % 4 == 0)
		add_part(c, row.mail, row.record.offset);
}

static void add_mails(struct archive *a, uint64_t n, uint64_t batch)
{
	struct catalog *c = archive_catalog(a);
	uint64_t source;
	struct err err;

	for (uint64_t i = 0; i < n;) {
		check(catalog_begin(c, &err), &err);
		check(source_id(c, VIEW("example.org"), true, &source, &err), &err);
		for (uint64_t in = 0; in < batch && i < n; in++, i++)
			add_mail(c, source);
		check(catalog_commit(c, &err), &err);
	}
}

static struct archive *open_archive(const char *dir)
{
	struct archive *a = NULL;
	struct err err;

	check(archive_open(dir, &a, &err), &err);
	return a;
}

static void make_archive(const char *dir, uint64_t mails)
{
	struct archive *a;
	struct err err;

	check(archive_init(dir, "Bench", NULL, &err), &err);
	a = open_archive(dir);
	check(db_exec(catalog_db(archive_catalog(a)), "PRAGMA cache_size=-1000000", &err), &err);
	add_mails(a, mails, FILL_BATCH);
	archive_free(&a);
}

static void change_marks(struct archive *a, uint64_t mails)
{
	struct err err;

	check(catalog_begin(archive_catalog(a), &err), &err);
	for (int i = 0; i < CHANGED; i++)
		check(mails_set_marks(archive_catalog(a), 1 + random_number() % mails, 2, &err),
		      &err);
	check(catalog_commit(archive_catalog(a), &err), &err);
}

static void measure(const char *name, struct archive *a, bool full)
{
	struct database_report r;
	struct err err;
	double begun = now_ms();

	check(database_backup(a, full, &r, &err), &err);
	must(r.header.is_full == full);
	printf("  \"%s\": {\"s\": %.3f, \"bytes\": %" PRIu64 ", \"pages\": %" PRIu64
	       ", \"held_ms\": %" PRId64 "},\n",
	       name, (now_ms() - begun) / 1e3, r.bytes, r.pages, r.held_ms);
	fflush(stdout);
}

/* The process that archives meanwhile; the numbers are shared with it. */
struct work {
	_Atomic double worst_ms; /* since it was set to 0 */
	_Atomic uint64_t batches;
};

static void write_batch(struct archive *a, int pack)
{
	static char bytes[BATCH_BYTES];
	struct err err;

	check(file_write_all(pack, bytes, sizeof(bytes), &err), &err);
	check(file_sync(pack, &err), &err);
	add_mails(a, BATCH, BATCH);
}

static void work_on(const char *dir, struct work *work)
{
	struct archive *a = open_archive(dir);
	CLEAN_STR path = STR_INIT;
	int pack;

	str_addf(&path, "%s/bench.pack", dir);
	pack = open(path.data, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	for (;;) {
		double begun = now_ms(), took;

		write_batch(a, pack);
		took = now_ms() - begun;
		if (took > work->worst_ms)
			work->worst_ms = took;
		work->batches++;
	}
}

static void print_work(const char *name, struct work *work, double begun)
{
	double s = (now_ms() - begun) / 1e3;

	printf("  \"%s\": {\"worst_ms\": %.1f, \"mails_per_s\": %.0f},\n", name, work->worst_ms,
	       (double)(work->batches * BATCH) / s);
	work->worst_ms = 0;
	work->batches = 0;
}

static uint64_t file_bytes(const char *dir, const char *name)
{
	CLEAN_STR path = STR_INIT;
	struct stat st = {0};

	str_addf(&path, "%s/%s", dir, name);
	stat(path.data, &st);
	return (uint64_t)st.st_size;
}

static void measure_at_work(const char *dir)
{
	struct work *work = mmap(NULL, sizeof(*work), PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct archive *a;
	double begun;
	pid_t pid;

	must(work != MAP_FAILED);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		work_on(dir, work);
	}
	a = open_archive(dir);
	begun = now_ms();
	while (now_ms() - begun < QUIET_MS || work->batches == 0)
		usleep(10000);
	print_work("at_work_without_backup", work, begun);
	begun = now_ms();
	measure("full_at_work", a, true);
	print_work("at_work_full", work, begun);
	printf("  \"log_bytes\": %" PRIu64 ",\n", file_bytes(dir, "catalog.db-wal"));
	begun = now_ms();
	measure("incremental_at_work", a, false);
	measure("incremental_at_work_again", a, false);
	print_work("at_work_incremental", work, begun);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	archive_free(&a);
}

int main(int argc, char **argv)
{
	uint64_t mails = argc == 3 ? strtoull(argv[2], NULL, 10) : 0;
	struct archive *a;

	if (mails == 0) {
		fprintf(stderr, "usage: bench_backup DIR MAILS\n");
		return 2;
	}
	make_archive(argv[1], mails);
	printf("{\n  \"mails\": %" PRIu64 ", \"catalog_bytes\": %" PRIu64 ",\n", mails,
	       file_bytes(argv[1], "catalog.db"));
	a = open_archive(argv[1]);
	measure("full", a, true);
	add_mails(a, CHANGED, BATCH);
	measure("incremental_new", a, false);
	change_marks(a, mails);
	measure("incremental_changed", a, false);
	measure("incremental_nothing", a, false);
	archive_free(&a);
	measure_at_work(argv[1]);
	printf("  \"done\": true\n}\n");
	return 0;
}
