/* SPDX-License-Identifier: GPL-3.0-or-later */
/* feed - puts mails into a spool as a door does; for tests and measurements.
 *
 *     feed ARCHIVE [--first N] [--count N] [--bytes N] [--processes N] [--from FOLDER] [--quiet]
 *
 * Mail N says "letter N"; with --from, the mails are the files of a folder, one after the other and from
 * the start again, under other Message-IDs. One line for each mail, once it is committed: its number and
 * its entry's id; in the end how many and how fast, on standard error. */
#include "app/intake/spool.h"
#include "base/clock.h"
#include "base/file.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

struct options {
	const char *archive, *from;
	unsigned long first, count, bytes, processes;
	bool quiet;
};

struct mails {
	struct str *v;
	size_t n, cap;
};

static void die(const struct err *err)
{
	fprintf(stderr, "feed: %s: %s\n", err_code(err->kind), err->text);
	exit(1);
}

static void read_folder(const char *from, struct arena *arena, struct mails *mails)
{
	DIR *dir = opendir(from);
	struct dirent *entry;
	struct err err = {0};

	must(dir != NULL);
	while ((entry = readdir(dir)) != NULL) {
		struct str mail = STR_INIT;

		if (entry->d_name[0] == '.')
			continue;
		if (file_read(arena_f(arena, "%s/%s", from, entry->d_name), 1 << 26, &mail, &err) <
		    0)
			die(&err);
		ARENA_PUSH(arena, *mails, mail);
	}
	closedir(dir);
}

/* Words, as many as a mail of this size needs; made once, since that takes longer than to feed it. */
static void write_words(size_t bytes, struct str *out)
{
	unsigned long dice = 1;

	while (out->len < bytes) {
		dice = dice * 6364136223846793005UL + 1442695040888963407UL;
		str_addf(out, "%sw%lu", dice >> 61 ? " " : "\r\n", dice >> 51);
	}
}

static void write_letter(unsigned long n, const struct str *words, struct str *out)
{
	str_addf(out,
		 "From: anna%lu@example.org\r\nTo: ben%lu@example.com\r\nSubject: letter %lu\r\n"
		 "Message-ID: <%lu@feed.example.org>\r\nDate: Mon, 1 Jan 2024 %02lu:%02lu:%02lu "
		 "+0000\r\n\r\nletter%lu everyword\r\n",
		 n % 7, n % 5, n, n, n / 3600 % 24, n / 60 % 60, n % 60, n);
	str_addv(out, str_view(words));
}

static void write_mail(const struct mails *mails, const struct str *words, unsigned long n,
		       struct str *out)
{
	str_reset(out);
	if (mails->n == 0) {
		write_letter(n, words, out);
		return;
	}
	str_addf(out, "Message-ID: <%lu@feed.example.org>\r\n", n);
	str_addv(out, str_view(&mails->v[n % mails->n]));
}

static void feed_one(struct spool *spool, unsigned long n, const struct str *mail, bool quiet)
{
	CLEAN(spool_entry) entry = NULL;
	struct view recipients[] = {VIEW("Ben@Example.COM"), VIEW("blind@example.com")};
	struct envelope env = {.door = DOOR_SMTP,
			       .source = VIEW("feed"),
			       .seen_ms = clock_ms(),
			       .reverse_path = VIEW("anna@example.org"),
			       .recipients = {recipients, 2, 2},
			       .queue_id = VIEW("4XyZ")};
	struct err err = {0};
	char id[UUID_TEXT + 1];

	if (spool_begin(spool, mail->len, &entry, &err) < 0 ||
	    spool_write(entry, mail->data, mail->len, &err) < 0 ||
	    spool_commit(entry, &env, &err) < 0)
		die(&err);
	if (!quiet)
		dprintf(STDOUT_FILENO, "%lu %s\n", n, uuid_text(spool_entry_id(entry), id));
}

/* Process I of them all feeds every so-many-th mail. */
static void feed(const struct options *o, const struct mails *mails, unsigned long i)
{
	CLEAN(spool) spool = NULL;
	CLEAN_STR mail = STR_INIT;
	CLEAN_STR words = STR_INIT;
	struct err err = {0};

	write_words(o->bytes, &words);
	if (spool_open(o->archive, &spool, &err) < 0)
		die(&err);
	for (unsigned long n = i; n < o->count; n += o->processes) {
		write_mail(mails, &words, o->first + n, &mail);
		feed_one(spool, o->first + n, &mail, o->quiet);
	}
}

static int feed_all(const struct options *o, const struct mails *mails)
{
	int status, failed = 0;

	if (o->processes == 1) { /* so that who kills this process kills the door */
		feed(o, mails, 0);
		return 0;
	}
	for (unsigned long i = 0; i < o->processes; i++) {
		pid_t pid = fork();

		must(pid >= 0);
		if (pid == 0) {
			feed(o, mails, i);
			_exit(0);
		}
	}
	while (wait(&status) > 0)
		failed |= status != 0;
	return failed;
}

static void parse(int argc, char **argv, struct options *o)
{
	for (int i = 2; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : "0";
		unsigned long n = strtoul(value, NULL, 10);

		if (strcmp(argv[i], "--quiet") == 0) {
			o->quiet = true;
			continue;
		}
		if (strcmp(argv[i], "--first") == 0)
			o->first = n;
		else if (strcmp(argv[i], "--count") == 0)
			o->count = n;
		else if (strcmp(argv[i], "--bytes") == 0)
			o->bytes = n;
		else if (strcmp(argv[i], "--processes") == 0)
			o->processes = n;
		else if (strcmp(argv[i], "--from") == 0)
			o->from = value;
		i++;
	}
}

int main(int argc, char **argv)
{
	struct options o = {.count = 1, .processes = 1};
	CLEAN(arena) arena = arena_new();
	struct mails mails = {0};
	int64_t begun_ms, ms;
	int failed;

	must(argc > 1);
	o.archive = argv[1];
	parse(argc, argv, &o);
	if (o.from != NULL)
		read_folder(o.from, arena, &mails);
	begun_ms = clock_monotonic_ms();
	failed = feed_all(&o, &mails);
	ms = clock_monotonic_ms() - begun_ms;
	fprintf(stderr, "%lu mails in %lld ms, %.0f a second\n", o.count, (long long)ms,
		(double)o.count * 1000 / (double)(ms ? ms : 1));
	for (size_t i = 0; i < mails.n; i++)
		str_clear(&mails.v[i]);
	return failed;
}
