/* SPDX-License-Identifier: GPL-3.0-or-later */
/* smtp_load - sends mail as fast as a server takes it, and tells how fast that was.
 *
 *     smtp_load ADDRESS FOLDER MAILS CONNECTIONS RECIPIENT [--lmtp]
 *
 * The mails are the files in FOLDER, one after the other and from the start again. Each connection is a
 * process that waits for its 250 before it sends the next mail, and connects anew after 100. One line of
 * JSON: mails a second, and percentiles of the time from MAIL to 250.
 */
#include "base/arena.h"
#include "base/conn.h"
#include "base/file.h"
#include "tests/bench/bench.h"

#include <dirent.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAILS_A_SESSION = 100, MAIL_MAX = 1 << 26, LINE_MAX_BYTES = 4096, CONNECT_MS = 10000 };

struct load {
	const char *address, *hello, *recipient;
	struct str *mails; /* as they go over the wire */
	size_t n, total, connections;
	double *ms; /* shared: of each mail */
};

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

static void read_mails(struct load *load, const char *folder, struct arena *arena)
{
	struct {
		struct str *v;
		size_t n, cap;
	} mails = {0};
	DIR *dir = opendir(folder);
	struct dirent *entry;
	struct err err = {0};

	must(dir != NULL);
	while ((entry = readdir(dir)) != NULL) {
		CLEAN_STR raw = STR_INIT;
		struct str mail = STR_INIT;

		if (entry->d_name[0] == '.')
			continue;
		check(file_read(arena_f(arena, "%s/%s", folder, entry->d_name), MAIL_MAX, &raw,
				&err),
		      &err);
		stuff(str_view(&raw), &mail);
		ARENA_PUSH(arena, mails, mail);
	}
	closedir(dir);
	must(mails.n > 0);
	load->mails = mails.v;
	load->n = mails.n;
}

/* The last line of a reply, which has to begin with CODE. */
static void expect(struct conn *conn, const char *code)
{
	struct err err = {0};
	struct view line;

	do
		must(conn_line(conn, LINE_MAX_BYTES, &line, &err) == 1);
	while (line.data[3] == '-');
	if (view_starts(line, code))
		return;
	fprintf(stderr, "smtp_load: %.*s", (int)line.len, line.data);
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

static void send_mail(const struct load *load, struct conn *conn, size_t i)
{
	const struct str *mail = &load->mails[i % load->n];
	double begun_ms = now_ms();
	struct err err = {0};

	check(conn_writef(conn, &err, "MAIL FROM:<bench@example.org>\r\nRCPT TO:<%s>\r\nDATA\r\n",
			  load->recipient),
	      &err);
	check(conn_flush(conn, &err), &err);
	expect(conn, "250");
	expect(conn, "250");
	expect(conn, "354");
	check(conn_write(conn, mail->data, mail->len, &err), &err);
	check(conn_flush(conn, &err), &err);
	expect(conn, "250");
	load->ms[i] = now_ms() - begun_ms;
}

static void run_connection(const struct load *load, size_t first)
{
	CLEAN(conn) conn = NULL;
	size_t sent = 0;

	for (size_t i = first; i < load->total; i += load->connections) {
		if (sent++ % MAILS_A_SESSION == 0) {
			conn_free(&conn);
			conn = open_session(load);
		}
		send_mail(load, conn, i);
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
		must(status == 0);
}

int main(int argc, char **argv)
{
	CLEAN(arena) arena = arena_new();
	struct load load = {.hello = "EHLO"};
	double begun_ms, ms;

	if (argc < 6) {
		fputs("usage: smtp_load ADDRESS FOLDER MAILS CONNECTIONS RECIPIENT [--lmtp]\n",
		      stderr);
		return 2;
	}
	load.address = argv[1];
	load.total = strtoul(argv[3], NULL, 10);
	load.connections = strtoul(argv[4], NULL, 10);
	load.recipient = argv[5];
	if (argc > 6)
		load.hello = "LHLO";
	read_mails(&load, argv[2], arena);
	load.ms = mmap(NULL, load.total * sizeof(*load.ms), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(load.ms != MAP_FAILED);
	begun_ms = now_ms();
	run(&load);
	ms = now_ms() - begun_ms;
	qsort(load.ms, load.total, sizeof(*load.ms), by_size);
	printf("{\"connections\": %zu, \"mails\": %zu, \"mails_s\": %.0f, \"p50_ms\": %.2f, "
	       "\"p99_ms\": %.2f}\n",
	       load.connections, load.total, (double)load.total * 1e3 / ms, load.ms[load.total / 2],
	       load.ms[load.total * 99 / 100]);
	for (size_t i = 0; i < load.n; i++)
		str_clear(&load.mails[i]);
	return 0;
}
