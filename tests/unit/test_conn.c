/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/clock.h"
#include "base/conn.h"
#include "base/file.h"
#include "tests/unit/fixture.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>

enum { LONG_MS = 60 * 1000 }; /* a wait that is not meant to end by time */

/* --- a peer that writes by hand ----------------------------------------------------------------- */

static struct conn *peer_of(int *raw_fd_r)
{
	int fds[2];
	struct conn *conn;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	*raw_fd_r = fds[1];
	conn = conn_of_fd(fds[0]);
	conn_set_idle(conn, LONG_MS);
	return conn;
}

static void say(int fd, const char *text)
{
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static void assert_line(struct conn *conn, const char *want)
{
	struct view line;
	struct err err = {0};

	assert_int_equal(conn_line(conn, 100, &line, &err), 1);
	assert_true(view_eq(line, VIEW(want)));
}

static void lines_come_one_by_one_however_they_were_sent(void **state)
{
	int raw;
	CLEAN(conn) conn = peer_of(&raw);
	struct err err = {0};
	struct view line;

	(void)state;
	say(raw, "one\r\ntwo\nth");
	assert_line(conn, "one\r\n");
	assert_line(conn, "two\n");
	assert_true(view_eq(conn_buffered(conn), VIEW("th")));
	say(raw, "ree\n\n");
	assert_line(conn, "three\n");
	assert_line(conn, "\n");
	close(raw);
	assert_int_equal(conn_line(conn, 100, &line, &err), 0);
}

static void a_line_that_is_too_long_is_refused_and_stays(void **state)
{
	int raw;
	CLEAN(conn) conn = peer_of(&raw);
	struct err err = {0};
	struct view line;

	(void)state;
	say(raw, "123456789\n");
	assert_int_equal(conn_line(conn, 9, &line, &err), -1);
	assert_int_equal(err.kind, ERR_TOOBIG);
	assert_true(view_starts(conn_buffered(conn), "123456789"));
	assert_int_equal(conn_line(conn, 10, &line, &err), 1);
	assert_true(view_eq(line, VIEW("123456789\n")));
	close(raw);
}

static void a_peer_that_closes_within_a_line_is_offline(void **state)
{
	int raw;
	CLEAN(conn) conn = peer_of(&raw);
	struct err err = {0};
	struct view line;

	(void)state;
	say(raw, "hal");
	close(raw);
	assert_int_equal(conn_line(conn, 100, &line, &err), -1);
	assert_int_equal(err.kind, ERR_OFFLINE);
}

static void the_buffer_grows_to_its_limit_and_not_beyond(void **state)
{
	enum { MAX = 50000 };
	int raw;
	CLEAN(conn) conn = peer_of(&raw);
	CLEAN_STR sent = STR_INIT;
	struct err err = {0};
	int rc;

	(void)state;
	while (sent.len < MAX + 1000)
		str_addf(&sent, "%zu,", sent.len);
	assert_int_equal(write(raw, sent.data, sent.len), (ssize_t)sent.len);
	assert_int_equal(conn_more(conn, MAX, &err), 1);
	conn_consume(conn, 10);
	while ((rc = conn_more(conn, MAX, &err)) == 1)
		;
	assert_int_equal(rc, -1);
	assert_int_equal(err.kind, ERR_TOOBIG);
	assert_true(view_eq(conn_buffered(conn), (struct view){sent.data + 10, MAX}));
	close(raw);
}

/* --- waits -------------------------------------------------------------------------------------- */

static void assert_wait_ends(struct conn *conn, enum err_kind kind)
{
	struct err err = {0};

	assert_int_equal(conn_more(conn, 100, &err), -1);
	assert_int_equal(err.kind, kind);
}

static void a_silent_peer_is_left_after_the_idle_time(void **state)
{
	int raw;
	CLEAN(conn) conn = peer_of(&raw);

	(void)state;
	conn_set_idle(conn, 1);
	assert_wait_ends(conn, ERR_TIMEOUT);
	close(raw);
}

static void the_deadline_ends_a_peer_that_never_ceases_to_send(void **state)
{
	int raw;
	CLEAN(conn) conn = peer_of(&raw);

	(void)state;
	say(raw, "x");
	conn_set_deadline(conn, clock_monotonic_ms());
	assert_wait_ends(conn, ERR_TIMEOUT);
	conn_set_deadline(conn, 0);
	assert_line(conn, (say(raw, "\n"), "x\n"));
	conn_set_deadline(conn, clock_monotonic_ms() + 1);
	assert_wait_ends(conn, ERR_TIMEOUT);
	close(raw);
}

static void the_stop_descriptor_ends_a_wait_but_not_the_last_reply(void **state)
{
	int raw, stop[2];
	CLEAN(conn) conn = peer_of(&raw);
	struct err err = {0};
	char got[4];

	(void)state;
	assert_int_equal(pipe(stop), 0);
	conn_set_stop(conn, stop[0]);
	say(raw, "1\n");
	assert_line(conn, "1\n");
	close(stop[1]); /* as a master that was killed does */
	say(raw, "2\n");
	assert_wait_ends(conn, ERR_STOPPED);
	assert_int_equal(conn_writef(conn, &err, "%s", "421\n"), 0);
	assert_int_equal(conn_flush(conn, &err), 0);
	assert_int_equal(read(raw, got, sizeof(got)), 4);
	conn_set_stop(conn, -1);
	assert_line(conn, "2\n");
	close(stop[0]);
	close(raw);
}

static void what_is_written_waits_for_the_flush(void **state)
{
	int raw;
	CLEAN(conn) conn = peer_of(&raw);
	struct err err = {0};
	char got[16];

	(void)state;
	assert_int_equal(conn_write(conn, "250-a\r\n", 7, &err), 0);
	assert_int_equal(conn_writef(conn, &err, "250 %d\r\n", 1), 0);
	assert_int_equal(recv(raw, got, sizeof(got), MSG_DONTWAIT), -1);
	assert_int_equal(conn_flush(conn, &err), 0);
	assert_int_equal(conn_flush(conn, &err), 0);
	assert_int_equal(recv(raw, got, sizeof(got), MSG_DONTWAIT), 14);
	close(raw);
}

static void a_peer_that_does_not_read_is_left_after_the_idle_time(void **state)
{
	int raw;
	CLEAN(conn) conn = peer_of(&raw);
	static char much[1000 * 1000];
	struct err err = {0};

	(void)state;
	conn_set_idle(conn, 1);
	assert_int_equal(conn_write(conn, much, sizeof(much), &err), -1);
	assert_int_equal(err.kind, ERR_TIMEOUT);
	close(raw);
}

static void writing_to_a_peer_that_is_gone_is_offline_and_no_signal(void **state)
{
	int raw;
	CLEAN(conn) conn = peer_of(&raw);
	struct err err = {0};

	(void)state;
	close(raw);
	assert_int_equal(conn_writef(conn, &err, "x"), 0);
	assert_int_equal(conn_flush(conn, &err), -1);
	assert_int_equal(err.kind, ERR_OFFLINE);
}

/* --- addresses ---------------------------------------------------------------------------------- */

static const struct listen_options plain = {.mode = 0600};

static void malformed_addresses_are_refused(void **state)
{
	static const char *const bad[] = {
		"",       "host",      "host:",   ":25",         "host:65536", "host:25x",
		"::1:25", "[::1]",     "[::1:25", "[]:25",       "unix:",      "host:-1",
		"a b:",   "host:smtp", "[::1]25", "host:123456",
	};
	struct conn *conn = NULL;
	struct err err = {0};
	CLEAN_STR path = STR_INIT;
	int fd;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(conn_connect(bad[i], LONG_MS, &conn, &err), -1);
		assert_int_equal(err.kind, ERR_SYNTAX);
		assert_int_equal(conn_listen(bad[i], &plain, &fd, &err), -1);
		assert_int_equal(err.kind, ERR_SYNTAX);
	}
	str_adds(&path, "unix:/");
	for (int i = 0; i < 107; i++)
		str_addc(&path, 'x');
	assert_int_equal(conn_connect(path.data, LONG_MS, &conn, &err), -1);
	assert_int_equal(err.kind, ERR_SYNTAX);
}

static void address_of(int fd, const char *host, struct str *out)
{
	struct sockaddr_in6 any; /* the port is at the same place in both families */
	socklen_t len = sizeof(any);

	assert_int_equal(getsockname(fd, (struct sockaddr *)&any, &len), 0);
	str_reset(out);
	str_addf(out, "%s:%d", host, ntohs(any.sin6_port));
}

static void listen_and_connect(const char *host, const char *peer)
{
	CLEAN_STR address = STR_INIT;
	CLEAN(conn) client = NULL;
	CLEAN(conn) server = NULL;
	struct err err = {0};
	CLEAN_FD fd = -1;
	int second;

	str_addf(&address, "%s:0", host);
	assert_int_equal(conn_listen(address.data, &plain, &fd, &err), 0);
	address_of(fd, host, &address);
	assert_int_equal(conn_listen(address.data, &plain, &second, &err), -1);
	assert_int_equal(err.kind, ERR_BUSY);
	assert_int_equal(conn_connect(address.data, LONG_MS, &client, &err), 0);
	server = conn_of_fd(accept(fd, NULL, NULL));
	assert_string_equal(conn_peer_addr(server), peer);
	assert_string_equal(conn_tls_text(server), "");
	assert_int_equal(conn_writef(client, &err, "x\n"), 0);
	assert_int_equal(conn_flush(client, &err), 0);
	assert_line(server, "x\n");
}

static void tcp_by_address_and_by_name(void **state)
{
	(void)state;
	listen_and_connect("127.0.0.1", "127.0.0.1");
	listen_and_connect("localhost", "127.0.0.1");
	if (access("/proc/net/if_inet6", F_OK) == 0)
		listen_and_connect("[::1]", "::1");
}

static void nobody_there_is_offline(void **state)
{
	CLEAN_STR address = STR_INIT;
	struct conn *conn = NULL;
	struct err err = {0};
	int fd;

	(void)state;
	assert_int_equal(conn_listen("127.0.0.1:0", &plain, &fd, &err), 0);
	address_of(fd, "127.0.0.1", &address);
	close(fd);
	assert_int_equal(conn_connect(address.data, LONG_MS, &conn, &err), -1);
	assert_int_equal(err.kind, ERR_OFFLINE);
	assert_int_equal(conn_connect("unix:/nonexistent/socket", LONG_MS, &conn, &err), -1);
	assert_int_equal(err.kind, ERR_OFFLINE);
	assert_int_equal(conn_connect("name.invalid:25", LONG_MS, &conn, &err), -1);
	assert_int_equal(err.kind, ERR_OFFLINE);
}

static void a_stale_unix_socket_is_replaced_and_one_in_use_is_not(void **state)
{
	struct fixture *f = *state;
	const struct listen_options options = {.mode = 0660, .group = "mail"};
	CLEAN_STR address = STR_INIT;
	CLEAN(conn) client = NULL;
	CLEAN(conn) server = NULL;
	struct stat st;
	int fd, second;

	str_addf(&address, "unix:%s", fixture_path(f, "socket"));
	assert_int_equal(conn_listen(address.data, &plain, &fd, &f->err), 0);
	close(fd);
	assert_int_equal(conn_listen(address.data, getuid() == 0 ? &options : &plain, &fd, &f->err),
			 0);
	assert_int_equal(conn_listen(address.data, &options, &second, &f->err), -1);
	assert_int_equal(f->err.kind, ERR_BUSY);
	assert_int_equal(stat(fixture_path(f, "socket"), &st), 0);
	assert_int_equal(st.st_mode & 07777, getuid() == 0 ? 0660 : 0600);
	assert_int_equal(conn_connect(address.data, LONG_MS, &client, &f->err), 0);
	close(accept(fd, NULL, NULL)); /* of the look whether somebody listens */
	server = conn_of_fd(accept(fd, NULL, NULL));
	assert_string_equal(conn_peer_addr(server), "");
	close(fd);
}

static void a_file_that_is_no_socket_is_never_removed(void **state)
{
	struct fixture *f = *state;
	CLEAN_STR address = STR_INIT;
	int fd;

	fixture_write(fixture_path(f, "mail"), VIEW("x"));
	str_addf(&address, "unix:%s", fixture_path(f, "mail"));
	assert_int_equal(conn_listen(address.data, &plain, &fd, &f->err), -1);
	assert_int_equal(f->err.kind, ERR_EXISTS);
	assert_int_equal(access(fixture_path(f, "mail"), F_OK), 0);
}

static void a_full_unix_queue_is_a_timeout(void **state)
{
	struct fixture *f = *state;
	const struct listen_options options = {.mode = 0600, .backlog = 1};
	CLEAN_STR address = STR_INIT;
	struct conn *conn[8] = {NULL};
	size_t n = 0;
	int fd;

	str_addf(&address, "unix:%s", fixture_path(f, "socket"));
	assert_int_equal(conn_listen(address.data, &options, &fd, &f->err), 0);
	while (n < 8 && conn_connect(address.data, 1, &conn[n], &f->err) == 0)
		n++;
	assert_in_range(n, 1, 7);
	assert_int_equal(f->err.kind, ERR_TIMEOUT);
	while (n > 0)
		conn_free(&conn[--n]);
	close(fd);
}

/* --- TLS ---------------------------------------------------------------------------------------- */

static void add_extension(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	assert_non_null(ext);
	assert_int_equal(X509_add_ext(cert, ext, -1), 1);
	X509_EXTENSION_free(ext);
}

/* NAME.pem and NAME.key: a certificate that vouches for itself and for mail.test and 127.0.0.1. */
static void make_certificate(const struct fixture *f, const char *name)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	X509_NAME *subject = X509_get_subject_name(cert);
	char file[32];
	FILE *out;

	X509_set_version(cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
	X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
	X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
	X509_set_pubkey(cert, key);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1,
				   0);
	X509_set_issuer_name(cert, subject);
	add_extension(cert, NID_subject_alt_name, "DNS:mail.test,DNS:*.wild.test,IP:127.0.0.1");
	add_extension(cert, NID_basic_constraints, "critical,CA:TRUE");
	assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
	snprintf(file, sizeof(file), "%s.pem", name);
	out = fopen(fixture_path(f, file), "w");
	assert_int_equal(PEM_write_X509(out, cert), 1);
	fclose(out);
	snprintf(file, sizeof(file), "%s.key", name);
	out = fopen(fixture_path(f, file), "w");
	assert_int_equal(PEM_write_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL), 1);
	fclose(out);
	X509_free(cert);
	EVP_PKEY_free(key);
}

static struct tls_server *server_of(struct fixture *f)
{
	struct tls_server *tls = NULL;

	make_certificate(f, "good");
	assert_int_equal(tls_server_new(fixture_path(f, "good.pem"), fixture_path(f, "good.key"),
					&tls, &f->err),
			 0);
	return tls;
}

static struct tls_client *client_of(struct fixture *f, const char *ca, bool verify)
{
	struct tls_client *tls = NULL;

	assert_int_equal(tls_client_new(ca ? fixture_path(f, ca) : NULL, verify, &tls, &f->err), 0);
	return tls;
}

/* The server's side, in a thread: the handshake, then what came is sent back until the peer closes. */
struct echo {
	struct conn *conn;
	const struct tls_server *tls;
	int rc, end; /* of the handshake, and of the last read */
	struct err err;
	pthread_t thread;
};

static void *echo_run(void *arg)
{
	struct echo *e = arg;

	e->rc = conn_accept_tls(e->conn, e->tls, &e->err);
	while (e->rc == 0 && (e->end = conn_more(e->conn, 100000, &e->err)) == 1) {
		struct view in = conn_buffered(e->conn);

		if (conn_write(e->conn, in.data, in.len, &e->err) < 0 ||
		    conn_flush(e->conn, &e->err) < 0)
			break;
		conn_consume(e->conn, in.len);
	}
	conn_free(&e->conn);
	return NULL;
}

/* Its peer, in clear still. */
static struct conn *echo_start(struct echo *e, const struct tls_server *tls)
{
	struct conn *conn;
	int raw;

	conn = peer_of(&raw);
	*e = (struct echo){.conn = conn_of_fd(raw), .tls = tls, .rc = -1, .end = -1};
	conn_set_idle(e->conn, LONG_MS);
	assert_int_equal(pthread_create(&e->thread, NULL, echo_run, e), 0);
	return conn;
}

static void echo_end(struct echo *e, struct conn **conn)
{
	conn_free(conn);
	pthread_join(e->thread, NULL);
}

static void tls_carries_what_is_sent_and_ends_with_a_goodbye(void **state)
{
	enum { SIZE = 300000 };
	struct fixture *f = *state;
	CLEAN(tls_server) server = server_of(f);
	CLEAN(tls_client) client = client_of(f, "good.pem", true);
	struct echo e;
	struct conn *conn = echo_start(&e, server);
	CLEAN_STR sent = STR_INIT;
	size_t at = 0;

	assert_int_equal(conn_start_tls(conn, client, "mail.test", &f->err), 0);
	assert_true(view_starts(VIEW(conn_tls_text(conn)), "TLSv1.3 TLS_AES_256_GCM_SHA384 256"));
	while (sent.len < SIZE)
		str_addf(&sent, "%zu,", sent.len);
	while (at < sent.len) { /* in pieces that both sides' buffers hold */
		size_t len = sent.len - at < 50000 ? sent.len - at : 50000;

		assert_int_equal(conn_write(conn, sent.data + at, len, &f->err), 0);
		assert_int_equal(conn_flush(conn, &f->err), 0);
		while (conn_buffered(conn).len < len)
			assert_int_equal(conn_more(conn, 100000, &f->err), 1);
		assert_memory_equal(conn_buffered(conn).data, sent.data + at, len);
		conn_consume(conn, len);
		at += len;
	}
	echo_end(&e, &conn);
	assert_int_equal(e.rc, 0);
	assert_int_equal(e.end, 0);
}

static void hosts_are_checked(void **state)
{
	static const struct {
		const char *host;
		bool good;
	} rows[] = {{"mail.test", true},   {"MAIL.test", true},      {"127.0.0.1", true},
		    {"a.wild.test", true}, {"a.b.wild.test", false}, {"other.test", false},
		    {"127.0.0.2", false}};
	struct fixture *f = *state;
	CLEAN(tls_server) server = server_of(f);
	CLEAN(tls_client) client = client_of(f, "good.pem", true);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct echo e;
		struct conn *conn = echo_start(&e, server);
		int rc = conn_start_tls(conn, client, rows[i].host, &f->err);

		assert_int_equal(rc, rows[i].good ? 0 : -1);
		if (!rows[i].good) {
			assert_int_equal(f->err.kind, ERR_DENIED);
			assert_non_null(strstr(f->err.text, "mismatch"));
		}
		echo_end(&e, &conn);
	}
}

static void a_certificate_of_a_stranger_is_denied_unless_not_asked_for(void **state)
{
	struct fixture *f = *state;
	CLEAN(tls_server) server = server_of(f);
	CLEAN(tls_client) strict = NULL;
	CLEAN(tls_client) lax = client_of(f, NULL, false);
	CLEAN(tls_client) system = client_of(f, NULL, true);
	struct echo e;
	struct conn *conn = echo_start(&e, server);

	make_certificate(f, "other");
	strict = client_of(f, "other.pem", true);
	assert_int_equal(conn_start_tls(conn, strict, "mail.test", &f->err), -1);
	assert_int_equal(f->err.kind, ERR_DENIED);
	echo_end(&e, &conn);
	assert_int_equal(e.rc, -1);

	conn = echo_start(&e, server);
	assert_int_equal(conn_start_tls(conn, system, "mail.test", &f->err), -1);
	assert_int_equal(f->err.kind, ERR_DENIED);
	echo_end(&e, &conn);

	conn = echo_start(&e, server);
	assert_int_equal(conn_start_tls(conn, lax, "whoever.test", &f->err), 0);
	echo_end(&e, &conn);
	assert_int_equal(e.rc, 0);
}

static void what_was_sent_on_in_clear_is_not_taken_into_tls(void **state)
{
	struct fixture *f = *state;
	CLEAN(tls_server) server = server_of(f);
	CLEAN(tls_client) client = client_of(f, NULL, false);
	int raw;
	CLEAN(conn) conn = peer_of(&raw);

	say(raw, "STARTTLS\r\nMAIL FROM:<>\r\n");
	assert_line(conn, "STARTTLS\r\n");
	assert_int_equal(conn_accept_tls(conn, server, &f->err), -1);
	assert_int_equal(f->err.kind, ERR_SYNTAX);
	assert_int_equal(conn_start_tls(conn, client, "mail.test", &f->err), -1);
	assert_int_equal(f->err.kind, ERR_SYNTAX);
	close(raw);
}

/* A ClientHello of TLS 1.1: nothing but a version that is too old. */
static const unsigned char hello_of_tls_1_1[] = {
	0x16, 3,  1,  0,  47, 1,  0,  0,  43, 3,  2,    1,    2,  3,    4,  5,  6,  7,
	8,    9,  10, 11, 12, 13, 14, 15, 16, 17, 18,   19,   20, 21,   22, 23, 24, 25,
	26,   27, 28, 29, 30, 31, 32, 0,  0,  4,  0xc0, 0x14, 0,  0x35, 1,  0};

static void what_is_no_tls_of_today_is_refused(void **state)
{
	struct fixture *f = *state;
	CLEAN(tls_server) server = server_of(f);
	struct conn *conn;
	int raw;

	conn = peer_of(&raw);
	say(raw, "MAIL FROM:<a@b.test>\r\n");
	assert_int_equal(conn_accept_tls(conn, server, &f->err), -1);
	assert_int_equal(f->err.kind, ERR_UNSUPPORTED);
	assert_int_equal(conn_more(conn, 100, &f->err), -1);
	assert_int_equal(f->err.kind, ERR_OFFLINE);
	assert_int_equal(conn_writef(conn, &f->err, "x"), 0);
	assert_int_equal(conn_flush(conn, &f->err), -1);
	conn_free(&conn);
	close(raw);

	conn = peer_of(&raw);
	assert_int_equal(write(raw, hello_of_tls_1_1, sizeof(hello_of_tls_1_1)),
			 sizeof(hello_of_tls_1_1));
	assert_int_equal(conn_accept_tls(conn, server, &f->err), -1);
	assert_int_equal(f->err.kind, ERR_UNSUPPORTED);
	assert_non_null(strstr(f->err.text, "unsupported protocol"));
	conn_free(&conn);
	close(raw);
}

static void a_handshake_ends_by_time_by_stop_and_by_a_peer_that_goes(void **state)
{
	struct fixture *f = *state;
	CLEAN(tls_server) server = server_of(f);
	CLEAN(conn) silent = NULL;
	CLEAN(conn) stopped = NULL;
	CLEAN(conn) left = NULL;
	int raw[3], stop[2];

	silent = peer_of(&raw[0]);
	conn_set_idle(silent, 1);
	assert_int_equal(conn_accept_tls(silent, server, &f->err), -1);
	assert_int_equal(f->err.kind, ERR_TIMEOUT);

	assert_int_equal(pipe(stop), 0);
	close(stop[1]);
	stopped = peer_of(&raw[1]);
	conn_set_stop(stopped, stop[0]);
	assert_int_equal(conn_accept_tls(stopped, server, &f->err), -1);
	assert_int_equal(f->err.kind, ERR_STOPPED);
	close(stop[0]);

	left = peer_of(&raw[2]);
	close(raw[2]);
	assert_int_equal(conn_accept_tls(left, server, &f->err), -1);
	assert_int_equal(f->err.kind, ERR_OFFLINE);
	close(raw[0]);
	close(raw[1]);
}

static void a_stream_that_is_cut_off_ends_like_one_that_was_closed(void **state)
{
	struct fixture *f = *state;
	CLEAN(tls_server) server = server_of(f);
	CLEAN(tls_client) client = client_of(f, NULL, false);
	struct echo e;
	int fds[2];
	struct conn *conn;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	e = (struct echo){.conn = conn_of_fd(fds[1]), .tls = server, .rc = -1, .end = -1};
	assert_int_equal(pthread_create(&e.thread, NULL, echo_run, &e), 0);
	conn = conn_of_fd(fds[0]);
	assert_int_equal(conn_start_tls(conn, client, "mail.test", &f->err), 0);
	assert_int_equal(shutdown(fds[0], SHUT_WR), 0); /* behind the back of TLS */
	pthread_join(e.thread, NULL);
	assert_int_equal(e.rc, 0);
	assert_int_equal(e.end, 0);
	conn_free(&conn);
}

static void server_files_that_do_not_fit_are_refused(void **state)
{
	struct fixture *f = *state;
	struct tls_server *tls = NULL;
	struct tls_client *client = NULL;

	make_certificate(f, "good");
	make_certificate(f, "other");
	fixture_write(fixture_path(f, "no.pem"), VIEW("no certificate"));
	assert_int_equal(tls_server_new(fixture_path(f, "none.pem"), fixture_path(f, "good.key"),
					&tls, &f->err),
			 -1);
	assert_int_equal(f->err.kind, ERR_NOTFOUND);
	assert_int_equal(tls_server_new(fixture_path(f, "no.pem"), fixture_path(f, "good.key"),
					&tls, &f->err),
			 -1);
	assert_int_equal(f->err.kind, ERR_SYNTAX);
	assert_int_equal(tls_server_new(fixture_path(f, "good.pem"), fixture_path(f, "other.key"),
					&tls, &f->err),
			 -1);
	assert_int_equal(f->err.kind, ERR_SYNTAX);
	assert_non_null(strstr(f->err.text, "mismatch"));
	assert_int_equal(tls_client_new(fixture_path(f, "no.pem"), true, &client, &f->err), -1);
	assert_int_equal(f->err.kind, ERR_SYNTAX);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, fixture_folder, fixture_teardown)

/* Who trusts Unix sockets must not take this one for such. */
static void a_tcp_peer_that_is_gone_already_is_no_unix_socket(void **state)
{
	struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	const struct linger reset = {.l_onoff = 1};
	socklen_t len = sizeof(addr);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct conn *conn;

	(void)state;
	assert_int_equal(bind(listener, (struct sockaddr *)&addr, len), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&addr, &len), 0);
	assert_int_equal(connect(client, (struct sockaddr *)&addr, len), 0);
	assert_int_equal(setsockopt(client, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), 0);
	close(client);
	conn = conn_of_fd(accept(listener, NULL, NULL));
	assert_string_not_equal(conn_peer_addr(conn), "");
	conn_free(&conn);
	close(listener);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_come_one_by_one_however_they_were_sent),
		cmocka_unit_test(a_line_that_is_too_long_is_refused_and_stays),
		cmocka_unit_test(a_peer_that_closes_within_a_line_is_offline),
		cmocka_unit_test(the_buffer_grows_to_its_limit_and_not_beyond),
		cmocka_unit_test(a_silent_peer_is_left_after_the_idle_time),
		cmocka_unit_test(the_deadline_ends_a_peer_that_never_ceases_to_send),
		cmocka_unit_test(the_stop_descriptor_ends_a_wait_but_not_the_last_reply),
		cmocka_unit_test(what_is_written_waits_for_the_flush),
		cmocka_unit_test(a_peer_that_does_not_read_is_left_after_the_idle_time),
		cmocka_unit_test(writing_to_a_peer_that_is_gone_is_offline_and_no_signal),
		cmocka_unit_test(malformed_addresses_are_refused),
		cmocka_unit_test(tcp_by_address_and_by_name),
		cmocka_unit_test(a_tcp_peer_that_is_gone_already_is_no_unix_socket),
		cmocka_unit_test(nobody_there_is_offline),
		WITH_FOLDER(a_stale_unix_socket_is_replaced_and_one_in_use_is_not),
		WITH_FOLDER(a_file_that_is_no_socket_is_never_removed),
		WITH_FOLDER(a_full_unix_queue_is_a_timeout),
		WITH_FOLDER(tls_carries_what_is_sent_and_ends_with_a_goodbye),
		WITH_FOLDER(hosts_are_checked),
		WITH_FOLDER(a_certificate_of_a_stranger_is_denied_unless_not_asked_for),
		WITH_FOLDER(what_was_sent_on_in_clear_is_not_taken_into_tls),
		WITH_FOLDER(what_is_no_tls_of_today_is_refused),
		WITH_FOLDER(a_handshake_ends_by_time_by_stop_and_by_a_peer_that_goes),
		WITH_FOLDER(a_stream_that_is_cut_off_ends_like_one_that_was_closed),
		WITH_FOLDER(server_files_that_do_not_fit_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
