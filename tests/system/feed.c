/* SPDX-License-Identifier: GPL-3.0-or-later */
/* feed - puts mails into a spool as a door does; for tests and measurements.
 *
 *     feed ARCHIVE [--first N] [--count N] [--bytes N] [--processes N] [--from FOLDER | --file FILE]
 *          [--unwrap | --capture | --copy-of ID] [--queue ID] [--quiet]
 *
 * Mail N says "letter N"; with --from, the mails are the files of a folder, one after the other and from
 * the start again, under other Message-IDs; with --file, the mail is this file, byte by byte. --unwrap: by a
 * way that is set up for journal reports. --capture: by the milter, delivered. --copy-of: as it was delivered
 * behind filters that marked it as spam, to late@example.com. --queue: the mail server's queue id. One line for each mail, once it is committed: its number and
 * its entry's id; in the end how many and how fast, on standard error. */
#include "app/intake/spool.h"
#include "base/clock.h"
#include "base/file.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

struct options {
	const char *archive, *from, *file, *queue_id, *copy_of;
	unsigned long first, count, bytes, processes;
	bool quiet, unwrap, capture;
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

static void read_mail(const char *path, struct arena *arena, struct mails *mails)
{
	struct str mail = STR_INIT;
	struct err err = {0};

	if (file_read(path, 1 << 26, &mail, &err) < 0)
		die(&err);
	ARENA_PUSH(arena, *mails, mail);
}

static void read_folder(const char *from, struct arena *arena, struct mails *mails)
{
	DIR *dir = opendir(from);
	struct dirent *entry;

	must(dir != NULL);
	while ((entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.')
			read_mail(arena_f(arena, "%s/%s", from, entry->d_name), arena, mails);
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

static void write_mail(const struct options *o, const struct mails *mails, const struct str *words,
		       unsigned long n, struct str *out)
{
	str_reset(out);
	if (mails->n == 0) {
		write_letter(n, words, out);
		return;
	}
	if (o->file == NULL)
		str_addf(out, "Message-ID: <%lu@feed.example.org>\r\n", n);
	str_addv(out, str_view(&mails->v[n % mails->n]));
}

static struct envelope envelope_of(const struct options *o)
{
	static struct view recipients[] = {{"Ben@Example.COM", 15}, {"blind@example.com", 17}};
	static struct view late = {"late@example.com", 16}, mark = {"X-Spam-Flag: YES", 16};
	struct envelope env = {.door = o->capture ? DOOR_MILTER : DOOR_SMTP,
			       .source = VIEW("feed"),
			       .seen_ms = clock_ms(),
			       .reverse_path = VIEW("anna@example.org"),
			       .recipients = {recipients, 2, 2},
			       .queue_id = VIEW(o->queue_id),
			       .client_name = VIEW("client.example.org"),
			       .client_addr = VIEW("192.0.2.1"),
			       .tls = VIEW("TLSv1.3"),
			       .trace = VIEW("Return-Path: <anna@example.org>\r\n"
					     "Received: from client\r\n\tby server\r\n"),
			       .unwrap = o->unwrap};

	if (o->copy_of == NULL)
		return env;
	env.door = DOOR_LMTP;
	env.is_copy = true;
	env.recipients = (struct views){&late, 1, 1};
	env.marks = (struct views){&mark, 1, 1};
	must(uuid_read(VIEW(o->copy_of), &env.capture) == 0);
	return env;
}

static void feed_one(struct spool *spool, unsigned long n, const struct str *mail,
		     const struct options *o)
{
	CLEAN(spool_entry) entry = NULL;
	struct envelope env = envelope_of(o);
	struct err err = {0};
	char id[UUID_TEXT + 1];

	if (spool_begin(spool, mail->len, &entry, &err) < 0 ||
	    spool_write(entry, mail->data, mail->len, &err) < 0 ||
	    spool_commit(entry, &env, &err) < 0)
		die(&err);
	if (!o->quiet)
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
		write_mail(o, mails, &words, o->first + n, &mail);
		feed_one(spool, o->first + n, &mail, o);
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
	const struct {
		const char *name;
		bool *yes;
		const char **text;
		unsigned long *number;
	} rows[] = {
		{"--quiet", &o->quiet, NULL, NULL},         {"--unwrap", &o->unwrap, NULL, NULL},
		{"--capture", &o->capture, NULL, NULL},     {"--from", NULL, &o->from, NULL},
		{"--file", NULL, &o->file, NULL},           {"--queue", NULL, &o->queue_id, NULL},
		{"--copy-of", NULL, &o->copy_of, NULL},     {"--first", NULL, NULL, &o->first},
		{"--count", NULL, NULL, &o->count},         {"--bytes", NULL, NULL, &o->bytes},
		{"--processes", NULL, NULL, &o->processes},
	};

	for (int i = 2; i < argc; i++) {
		size_t r = 0;

		while (strcmp(rows[r].name, argv[i]) != 0)
			must(++r < sizeof(rows) / sizeof(*rows));
		if (rows[r].yes != NULL) {
			*rows[r].yes = true;
			continue;
		}
		must(++i < argc);
		if (rows[r].text != NULL)
			*rows[r].text = argv[i];
		else
			*rows[r].number = strtoul(argv[i], NULL, 10);
	}
}

int main(int argc, char **argv)
{
	struct options o = {.count = 1, .processes = 1, .queue_id = "4XyZ"};
	CLEAN(arena) arena = arena_new();
	struct mails mails = {0};
	int64_t begun_ms, ms;
	int failed;

	must(argc > 1);
	o.archive = argv[1];
	parse(argc, argv, &o);
	if (o.from != NULL)
		read_folder(o.from, arena, &mails);
	if (o.file != NULL)
		read_mail(o.file, arena, &mails);
	begun_ms = clock_monotonic_ms();
	failed = feed_all(&o, &mails);
	ms = clock_monotonic_ms() - begun_ms;
	fprintf(stderr, "%lu mails in %lld ms, %.0f a second\n", o.count, (long long)ms,
		(double)o.count * 1000 / (double)(ms ? ms : 1));
	for (size_t i = 0; i < mails.n; i++)
		str_clear(&mails.v[i]);
	return failed;
}
