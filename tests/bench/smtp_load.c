/* SPDX-License-Identifier: GPL-3.0-or-later */
/* smtp_load - sends mail as fast as a server takes it, and tells how fast that was.
 *
 *     smtp_load [--lmtp] [--unique] [--mails N] [--connections N] [--session N] ADDRESS FOLDER RECIPIENT
 *
 * ADDRESS is "127.0.0.1:2525" or "unix:/run/x.sock". The mails are the files in FOLDER in the order of their
 * names, and from the start again if there are fewer than N; --unique gives each its own Message-ID. They are
 * read, and made ready for the wire, before the clock starts. Each connection is a process that waits for
 * its 250 before it sends the next mail, and connects anew after --session mails (100).
 *
 * One line of JSON: mails a second, bytes, and percentiles of the time from MAIL to the 250 behind the mail.
 * Any other reply than those that a mail is taken with ends it with status 1: what came before would be no
 * measurement.
 */
#include "base/arena.h"
#include "base/conn.h"
#include "base/file.h"
#include "tests/bench/bench.h"

#include <dirent.h>
#include <getopt.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAIL_MAX = 1 << 26, REPLY_MAX = 4096, CONNECT_MS = 10000, NUMBER_DIGITS = 8 };

struct mail {
	struct str wire;  /* as it goes over the wire, with the dot behind it */
	size_t number_at; /* where --unique writes; 0 nowhere */
};

struct load {
	const char *address, *folder, *recipient, *hello;
	bool unique;
	size_t total, connections, session;
	struct mail *mails;
	size_t n;
	double *ms; /* shared by the processes: of each mail */
};

/* --- the mails -------------------------------------------------------------------------------- */

/* Line ends are CRLF, dots are doubled (RFC 5321, section 4.5.2). */
static void stuff(struct view mail, struct str *out)
{
	struct view line;

	if (mail.len > 0 && mail.data[mail.len - 1] == '\n')
		mail.len--;
	while (view_cut(&mail, '\n', &line)) {
		if (line.len > 0 && line.data[line.len - 1] == '\r')
			line.len--;
		str_adds(out, line.len > 0 && line.data[0] == '.' ? "." : "");
		str_addv(out, line);
		str_adds(out, "\r\n");
	}
	str_adds(out, ".\r\n");
}

/* The first digits of the Message-ID; it must be long enough for a number. */
static size_t find_number(struct view wire)
{
	const char *start = wire.data;
	struct view line, id;

	while (view_cut(&wire, '\n', &line) && line.len > 1)
		if (view_starts_nocase(line, "message-id:") && view_cut(&line, '<', &id) &&
		    view_cut(&line, '@', &id) && id.len >= NUMBER_DIGITS)
			return (size_t)(id.data - start);
	return 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_shown(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void read_mail(const char *path, struct mail *mail)
{
	CLEAN_STR raw = STR_INIT;
	struct err err = {0};

	check(file_read(path, MAIL_MAX, &raw, &err), &err);
	str_init(&mail->wire);
	stuff(str_view(&raw), &mail->wire);
	mail->number_at = find_number(str_view(&mail->wire));
}

static void read_mails(struct load *load, struct arena *arena)
{
	struct dirent **names;
	int n = scandir(load->folder, &names, is_shown, by_name);

	if (n <= 0) {
		fprintf(stderr, "smtp_load: there is no mail in %s\n", load->folder);
		exit(1);
	}
	load->n = (size_t)n < load->total ? (size_t)n : load->total;
	load->mails = mem_new(load->n * sizeof(*load->mails));
	for (size_t i = 0; i < load->n; i++)
		read_mail(arena_f(arena, "%s/%s", load->folder, names[i]->d_name), &load->mails[i]);
	for (int i = 0; i < n; i++)
		free(names[i]);
	free(names);
}

static void free_mails(struct load *load)
{
	for (size_t i = 0; i < load->n; i++)
		str_clear(&load->mails[i].wire);
	free(load->mails);
}

/* --- a connection ----------------------------------------------------------------------------- */

/* The last line of a reply, which has to begin with CODE. */
static void expect(struct conn *conn, const char *code)
{
	struct err err = {0};
	struct view line = {0};

	do {
		int rc = conn_line(conn, REPLY_MAX, &line, &err);

		if (rc == 0)
			err_set(&err, ERR_OFFLINE, "the server hung up where %s was due", code);
		check(rc > 0 ? 0 : -1, &err);
	} while (line.len > 3 && line.data[3] == '-');
	if (view_starts(line, code))
		return;
	fprintf(stderr, "smtp_load: %s was due, and not %.*s", code, (int)line.len, line.data);
	exit(1);
}

static struct conn *open_session(const struct load *load)
{
	struct conn *conn;
	struct err err = {0};

	check(conn_connect(load->address, CONNECT_MS, &conn, &err), &err);
	expect(conn, "220");
	check(conn_writef(conn, &err, "%s bench.example\r\n", load->hello), &err);
	check(conn_flush(conn, &err), &err);
	expect(conn, "250");
	return conn;
}

/* The commands go together (RFC 2920), the mail when it was asked for. */
static void send_mail(const struct load *load, struct conn *conn, const struct str *wire)
{
	struct err err = {0};

	check(conn_writef(conn, &err, "MAIL FROM:<bench@example.org>\r\nRCPT TO:<%s>\r\nDATA\r\n",
			  load->recipient),
	      &err);
	check(conn_flush(conn, &err), &err);
	expect(conn, "250");
	expect(conn, "250");
	expect(conn, "354");
	check(conn_write(conn, wire->data, wire->len, &err), &err);
	check(conn_flush(conn, &err), &err);
	expect(conn, "250");
}

static void write_number(size_t number, char *out)
{
	for (int i = NUMBER_DIGITS - 1; i >= 0; i--, number /= 10)
		out[i] = (char)('0' + number % 10);
}

/* Mail I of all. This process has its own copy of the page that the number is written to. */
static void send_numbered(const struct load *load, struct conn *conn, size_t i)
{
	struct mail *mail = &load->mails[i % load->n];
	double begun_ms;

	if (load->unique) {
		must(mail->number_at > 0);
		write_number(i, mail->wire.data + mail->number_at);
	}
	begun_ms = now_ms();
	send_mail(load, conn, &mail->wire);
	load->ms[i] = now_ms() - begun_ms;
}

static void run_connection(const struct load *load, size_t first)
{
	CLEAN(conn) conn = NULL;
	size_t sent = 0;

	for (size_t i = first; i < load->total; i += load->connections) {
		if (sent++ % load->session == 0) {
			conn_free(&conn);
			conn = open_session(load);
		}
		send_numbered(load, conn, i);
	}
}

static void run(const struct load *load)
{
	int status;

	for (size_t i = 0; i < load->connections; i++) {
		pid_t pid = fork();

		must(pid >= 0);
		if (pid == 0) {
			run_connection(load, i);
			_exit(0);
		}
	}
	while (wait(&status) > 0)
		if (status != 0)
			exit(1);
}

/* --- the whole -------------------------------------------------------------------------------- */

static void print_report(const struct load *load, double ms)
{
	size_t n = load->total, bytes = 0;

	for (size_t i = 0; i < n; i++)
		bytes += load->mails[i % load->n].wire.len;
	qsort(load->ms, n, sizeof(*load->ms), by_size);
	printf("{\"connections\": %zu, \"mails\": %zu, \"bytes\": %zu, \"seconds\": %.3f, "
	       "\"mails_s\": %.1f, \"p50_ms\": %.2f, \"p95_ms\": %.2f, \"p99_ms\": %.2f, "
	       "\"max_ms\": %.2f}\n",
	       load->connections, n, bytes, ms / 1e3, (double)n * 1e3 / ms, load->ms[n / 2],
	       load->ms[n * 95 / 100], load->ms[n * 99 / 100], load->ms[n - 1]);
}

/* At least 1. */
static size_t number(const char *text)
{
	size_t n = strtoul(text, NULL, 10);

	return n > 0 ? n : 1;
}

static int parse(int argc, char **argv, struct load *load)
{
	static const struct option options[] = {{"lmtp", no_argument, NULL, 'l'},
						{"unique", no_argument, NULL, 'u'},
						{"mails", required_argument, NULL, 'm'},
						{"connections", required_argument, NULL, 'c'},
						{"session", required_argument, NULL, 's'},
						{0}};
	int letter;

	while ((letter = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (letter == 'l')
			load->hello = "LHLO";
		else if (letter == 'u')
			load->unique = true;
		else if (letter == 'm')
			load->total = number(optarg);
		else if (letter == 'c')
			load->connections = number(optarg);
		else if (letter == 's')
			load->session = number(optarg);
		else
			return -1;
	}
	if (argc - optind != 3)
		return -1;
	load->address = argv[optind];
	load->folder = argv[optind + 1];
	load->recipient = argv[optind + 2];
	return 0;
}

int main(int argc, char **argv)
{
	CLEAN(arena) arena = arena_new();
	struct load load = {.hello = "EHLO", .total = 1000, .connections = 1, .session = 100};
	double begun_ms;

	if (parse(argc, argv, &load) < 0) {
		fputs("usage: smtp_load [--lmtp] [--unique] [--mails N] [--connections N] "
		      "[--session N] ADDRESS FOLDER RECIPIENT\n",
		      stderr);
		return 2;
	}
	read_mails(&load, arena);
	load.ms = mmap(NULL, load.total * sizeof(*load.ms), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(load.ms != MAP_FAILED);
	begun_ms = now_ms();
	run(&load);
	print_report(&load, now_ms() - begun_ms);
	free_mails(&load);
	return 0;
}
