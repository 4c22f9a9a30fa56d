/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A whole dialogue as a client may hold it, with everything sent at once. The first byte tells the protocol: 'L' is
 * LMTP, 'A' SMTP for any domain, else SMTP for the archive's domain only. What is said back is replies and
 * nothing else, in LMTP never a 5xx; and each mail in the spool was answered with a 250. */
#include "app/intake/smtpd/smtpd.h"
#include "base/file.h"

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum { INPUT_MAX = 4096, OUTPUT_MAX = 1 << 20, BUFFER_BYTES = 1 << 20 };

static char dir[] = "/tmp/fuzz_smtp.XXXXXX";
static struct smtpd smtpd;

static const char *path_of(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void clean_up(void)
{
	static const char *const files[] = {"spool.pub", "spool/token.key"};
	static const char *const dirs[] = {"spool/ready", "spool/pending", "spool/stuck",
					   "spool/queue", "spool",         ""};

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		unlink(path_of(files[i]));
	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++)
		rmdir(path_of(dirs[i]));
}

static void start(void)
{
	struct x25519 *key = x25519_new(NULL);
	struct public_key public = public_key_of(key);
	CLEAN_STR conf = STR_INIT;
	struct err err = {0};

	must(mkdtemp(dir) != NULL);
	str_adds(&conf, "listen = smtp 127.0.0.1:1\nhostname = mx.example\nreserve_bytes = 0\n"
			"archive_domain = archive.example\nmax_errors = 1000\nidle_timeout = 5\n");
	must(file_create(path_of("conf"), 0600, str_view(&conf), &err) == 0);
	must(smtpd_settings_read(path_of("conf"), &smtpd.settings, &err) == 0);
	unlink(path_of("conf"));
	must(public_key_save(&public, path_of("spool.pub"), &err) == 0);
	x25519_free(&key);
	must(spool_open(dir, &smtpd.spool, &err) == 0);
	spool_set_reserve(smtpd.spool, 0);
	must(token_key_open(dir, &smtpd.token_key, &err) == 0);
	atexit(clean_up);
}

/* The client says INPUT and listens; what it was told is in OUT. */
static void talk(enum protocol protocol, struct view input, struct str *out)
{
	struct conn *conn;
	int fds[2], bytes = BUFFER_BYTES;
	ssize_t n;

	must(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
	must(setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes)) == 0);
	must(write(fds[0], input.data, input.len) == (ssize_t)input.len);
	must(shutdown(fds[0], SHUT_WR) == 0);
	conn = conn_of_fd(fds[1]);
	smtpd_serve(&smtpd, protocol, conn);
	conn_free(&conn);
	str_reserve(out, OUTPUT_MAX);
	while ((n = read(fds[0], out->data + out->len, OUTPUT_MAX - out->len)) > 0)
		out->len += (size_t)n;
	close(fds[0]);
}

static size_t check_replies(enum protocol protocol, struct view out)
{
	size_t accepted = 0;
	struct view line;

	while (out.len > 0) {
		must(view_cut(&out, '\n', &line) && out.data != NULL);
		must(line.len > 4 && line.data[line.len - 1] == '\r');
		must(line.data[0] >= '2' && line.data[0] <= '5' && strchr(" -", line.data[3]));
		must(protocol == PROTOCOL_SMTP || line.data[0] != '5');
		accepted += view_starts(line, "250 2.0.0 the mail is stored");
	}
	return accepted;
}

static size_t empty_spool(void)
{
	CLEAN(arena) arena = arena_new();
	struct uuid *ids;
	struct err err = {0};
	size_t n;

	must(spool_list(smtpd.spool, SPOOL_READY, 0, arena, &ids, &n, &err) == 0);
	for (size_t i = 0; i < n; i++)
		must(spool_drop(smtpd.spool, SPOOL_READY, &ids[i], &err) == 0);
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view input = {(const char *)data, size < INPUT_MAX ? size : INPUT_MAX};
	enum protocol protocol = PROTOCOL_SMTP;
	CLEAN_STR out = STR_INIT;
	size_t accepted, stored;
	uint8_t first = 0;

	if (smtpd.spool == NULL)
		start();
	view_u8(&input, &first);
	if (first == 'L')
		protocol = PROTOCOL_LMTP;
	smtpd.settings->accept_all = first == 'A';
	talk(protocol, input, &out);
	accepted = check_replies(protocol, str_view(&out));
	stored = empty_spool();
	must(protocol == PROTOCOL_SMTP ? accepted == stored : accepted >= stored);
	return 0;
}
