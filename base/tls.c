/* SPDX-License-Identifier: GPL-3.0-or-later */
/* TLS for a struct conn, by OpenSSL. It reads and writes through a BIO of ours, because the one of
 * OpenSSL for sockets would let SIGPIPE loose.
 *
 * OpenSSL's error queue belongs to the thread: it is emptied before each call, so that what is found
 * there belongs to this call, and after a failure. Its reasons name what is wrong with a message or a
 * file, never what is in it.
 */
#include "base/clock.h"
#include "base/conn_priv.h"
#include "base/file.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

struct tls_server {
	SSL_CTX *ctx;
};

struct tls_client {
	SSL_CTX *ctx;
	bool verify;
};

/* The last reason in OpenSSL's queue, which is the one nearest to what was asked of it. */
static const char *reason(void)
{
	unsigned long e = ERR_peek_last_error();
	const char *text = ERR_SYSTEM_ERROR(e) ? NULL : ERR_reason_error_string(e);

	ERR_clear_error();
	return text != NULL ? text : "unknown reason";
}

/* --- the BIO ------------------------------------------------------------------------------------ */

static int bio_read(BIO *bio, char *out, int len)
{
	struct conn *conn = BIO_get_data(bio);
	ssize_t n = recv(conn->fd, out, (size_t)len, 0);

	BIO_clear_retry_flags(bio);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		BIO_set_retry_read(bio);
	if (n == 0)
		conn->eof = true;
	return (int)n;
}

static int bio_write(BIO *bio, const char *data, int len)
{
	struct conn *conn = BIO_get_data(bio);
	ssize_t n = send(conn->fd, data, (size_t)len, MSG_NOSIGNAL);

	BIO_clear_retry_flags(bio);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		BIO_set_retry_write(bio);
	return (int)n;
}

static long bio_ctrl(BIO *bio, int what, long number, void *ptr)
{
	const struct conn *conn = BIO_get_data(bio);

	(void)number;
	(void)ptr;
	if (what == BIO_CTRL_EOF)
		return conn->eof;
	return what == BIO_CTRL_FLUSH; /* there is nothing to flush */
}

static BIO_METHOD *bio_method;

static void make_bio_method(void)
{
	bio_method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "conn");
	must(bio_method != NULL && BIO_meth_set_read(bio_method, bio_read) == 1 &&
	     BIO_meth_set_write(bio_method, bio_write) == 1 &&
	     BIO_meth_set_ctrl(bio_method, bio_ctrl) == 1);
}

static BIO *bio_of_conn(struct conn *conn)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	BIO *bio;

	pthread_once(&once, make_bio_method);
	bio = BIO_new(bio_method);
	must(bio != NULL);
	BIO_set_data(bio, conn);
	BIO_set_init(bio, 1);
	return bio;
}

/* --- the transport ------------------------------------------------------------------------------ */

/* What OpenSSL waits for, or 0 if the stream is broken. */
static short wanted(struct conn *conn, int rc)
{
	int why = SSL_get_error(conn->ssl, rc);

	if (why == SSL_ERROR_WANT_READ)
		return POLLIN;
	if (why == SSL_ERROR_WANT_WRITE)
		return POLLOUT;
	conn->broken = true; /* not even a goodbye may follow (SSL_shutdown(3)) */
	return 0;
}

static int lost(const struct conn *conn, int os, const char *doing, struct err *err)
{
	if (conn->eof || os == EPIPE || os == ECONNRESET)
		return err_set(err, ERR_OFFLINE, "%s: the peer closed", doing);
	errno = os;
	if (os != 0 && ERR_peek_last_error() == 0)
		return err_set(err, ERR_OFFLINE, "%s: %m", doing);
	return err_set(err, ERR_OFFLINE, "%s: TLS: %s", doing, reason());
}

static ssize_t tls_read(struct conn *conn, void *out, size_t len, short *events, struct err *err)
{
	size_t n = 0;
	int os, rc;

	if (conn->broken)
		return err_set(err, ERR_OFFLINE, "receive: TLS ended before");
	ERR_clear_error();
	errno = 0;
	rc = SSL_read_ex(conn->ssl, out, len, &n);
	os = errno;
	if (rc == 1)
		return (ssize_t)n;
	if (SSL_get_error(conn->ssl, rc) == SSL_ERROR_ZERO_RETURN)
		return 0;
	*events = wanted(conn, rc);
	if (*events != 0)
		return IO_WAIT;
	if (conn->eof) {
		ERR_clear_error();
		return 0;
	}
	return lost(conn, os, "receive", err);
}

static ssize_t tls_write(struct conn *conn, const void *data, size_t len, short *events,
			 struct err *err)
{
	size_t n = 0;
	int os, rc;

	if (conn->broken)
		return err_set(err, ERR_OFFLINE, "send: TLS ended before");
	ERR_clear_error();
	errno = 0;
	rc = SSL_write_ex(conn->ssl, data, len, &n);
	os = errno;
	if (rc == 1)
		return (ssize_t)n;
	*events = wanted(conn, rc);
	return *events != 0 ? IO_WAIT : lost(conn, os, "send", err);
}

static bool tls_has_input(const struct conn *conn)
{
	return SSL_has_pending(conn->ssl) == 1;
}

static void tls_close(struct conn *conn)
{
	ERR_clear_error();
	if (!conn->broken && SSL_is_init_finished(conn->ssl))
		(void)SSL_shutdown(conn->ssl); /* sends close_notify, and awaits none */
	SSL_free(conn->ssl);
	ERR_clear_error();
}

static const struct transport tls_transport = {
	.read = tls_read,
	.write = tls_write,
	.has_input = tls_has_input,
	.close = tls_close,
};

/* --- contexts ----------------------------------------------------------------------------------- */

/* A key that asks for a password is refused; nobody is there to answer. */
static int no_password(char *buf, int size, int rwflag, void *arg)
{
	(void)buf;
	(void)size;
	(void)rwflag;
	(void)arg;
	return -1;
}

static SSL_CTX *context_new(const SSL_METHOD *method)
{
	SSL_CTX *ctx = SSL_CTX_new(method);

	must(ctx != NULL && SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1);
	SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
	must(SSL_CTX_set_max_early_data(ctx, 0) == 1 &&
	     SSL_CTX_set_recv_max_early_data(ctx, 0) == 1);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				      SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_read_ahead(ctx, 1); /* one call for a record, not one for its head, too */
	/* Resumption is by tickets, which any process with the same context takes. */
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_default_passwd_cb(ctx, no_password);
	return ctx;
}

/* OpenSSL's words for a missing file are not for people. */
static int check_readable(const char *path, struct err *err)
{
	return access(path, R_OK) < 0 ? err_errno(err, "%s: %m", path) : 0;
}

static int load_certificate(SSL_CTX *ctx, const char *cert_file, const char *key_file,
			    struct err *err)
{
	if (check_readable(cert_file, err) < 0 || check_readable(key_file, err) < 0)
		return -1;
	ERR_clear_error();
	if (SSL_CTX_use_certificate_chain_file(ctx, cert_file) != 1)
		return err_set(err, ERR_SYNTAX, "%s: no certificate in PEM form: %s", cert_file,
			       reason());
	if (SSL_CTX_use_PrivateKey_file(ctx, key_file, SSL_FILETYPE_PEM) != 1)
		return err_set(err, ERR_SYNTAX,
			       "%s: no key in PEM form without a password that fits %s: %s",
			       key_file, cert_file, reason());
	return 0;
}

int tls_server_new(const char *cert_file, const char *key_file, struct tls_server **tls_r,
		   struct err *err)
{
	CLEAN(tls_server) tls = mem_new(sizeof(*tls));

	tls->ctx = context_new(TLS_server_method());
	if (load_certificate(tls->ctx, cert_file, key_file, err) < 0)
		return -1;
	*tls_r = TAKE(tls);
	return 0;
}

void tls_server_free(struct tls_server **tls)
{
	if (*tls == NULL)
		return;
	SSL_CTX_free((*tls)->ctx);
	free(*tls);
	*tls = NULL;
}

static int load_trust(SSL_CTX *ctx, const char *ca_file, struct err *err)
{
	ERR_clear_error();
	if (ca_file == NULL) {
		must(SSL_CTX_set_default_verify_paths(ctx) == 1);
		return 0;
	}
	if (check_readable(ca_file, err) < 0)
		return -1;
	if (SSL_CTX_load_verify_file(ctx, ca_file) != 1)
		return err_set(err, ERR_SYNTAX, "%s: no certificates in PEM form: %s", ca_file,
			       reason());
	return 0;
}

int tls_client_new(const char *ca_file, bool verify, struct tls_client **tls_r, struct err *err)
{
	CLEAN(tls_client) tls = mem_new(sizeof(*tls));

	tls->ctx = context_new(TLS_client_method());
	tls->verify = verify;
	SSL_CTX_set_verify(tls->ctx, verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
	if (verify && load_trust(tls->ctx, ca_file, err) < 0)
		return -1;
	*tls_r = TAKE(tls);
	return 0;
}

void tls_client_free(struct tls_client **tls)
{
	if (*tls == NULL)
		return;
	SSL_CTX_free((*tls)->ctx);
	free(*tls);
	*tls = NULL;
}

/* --- the handshake ------------------------------------------------------------------------------ */

static int handshake_failed(const struct conn *conn, int os, struct err *err)
{
	long verdict = SSL_get_verify_result(conn->ssl);

	if (SSL_get_verify_mode(conn->ssl) != SSL_VERIFY_NONE && verdict != X509_V_OK) {
		ERR_clear_error();
		return err_set(err, ERR_DENIED, "the certificate is not trusted: %s",
			       X509_verify_cert_error_string(verdict));
	}
	if (conn->eof || ERR_peek_last_error() == 0)
		return lost(conn, os, "TLS handshake", err);
	return err_set(err, ERR_UNSUPPORTED, "TLS handshake: %s", reason());
}

/* All of it within one idle time: a peer cannot stretch it piece by piece. */
static int handshake(struct conn *conn, struct err *err)
{
	int64_t idle_end_ms = conn_idle_end(conn);

	for (;;) {
		short events;
		int os, rc;

		ERR_clear_error();
		errno = 0;
		rc = SSL_do_handshake(conn->ssl);
		os = errno;
		if (rc == 1)
			return 0;
		events = wanted(conn, rc);
		if (events == 0)
			return handshake_failed(conn, os, err);
		if (conn_wait(conn, events, idle_end_ms, err) < 0) {
			conn->broken = true;
			return -1;
		}
	}
}

static int begin(struct conn *conn, SSL_CTX *ctx, struct err *err)
{
	BIO *bio;

	must(conn->ssl == NULL);
	if (conn->in_len > 0)
		return err_set(err, ERR_SYNTAX, "the peer sent on before the TLS handshake");
	if (conn_flush(conn, err) < 0)
		return -1;
	conn->ssl = SSL_new(ctx);
	must(conn->ssl != NULL);
	conn->transport = &tls_transport;
	bio = bio_of_conn(conn);
	SSL_set_bio(conn->ssl, bio, bio);
	return 0;
}

static int run(struct conn *conn, struct err *err)
{
	if (handshake(conn, err) < 0)
		return -1;
	snprintf(conn->tls_text, sizeof(conn->tls_text), "%s %s %d", SSL_get_version(conn->ssl),
		 SSL_get_cipher_name(conn->ssl), SSL_get_cipher_bits(conn->ssl, NULL));
	return 0;
}

int conn_accept_tls(struct conn *conn, const struct tls_server *tls, struct err *err)
{
	if (begin(conn, tls->ctx, err) < 0)
		return -1;
	SSL_set_accept_state(conn->ssl);
	return run(conn, err);
}

/* SNI carries names only, never addresses (RFC 6066, section 3). */
static void expect_host(SSL *ssl, const char *host)
{
	unsigned char addr[sizeof(struct in6_addr)];

	if (inet_pton(AF_INET, host, addr) == 1 || inet_pton(AF_INET6, host, addr) == 1) {
		must(X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1);
		return;
	}
	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	must(SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1);
}

int conn_start_tls(struct conn *conn, const struct tls_client *tls, const char *host,
		   struct err *err)
{
	if (strlen(host) == 0 || strlen(host) > TLSEXT_MAXLEN_host_name)
		return err_set(err, ERR_SYNTAX, "a host's name has 1 to %d bytes",
			       TLSEXT_MAXLEN_host_name);
	if (begin(conn, tls->ctx, err) < 0)
		return -1;
	SSL_set_connect_state(conn->ssl);
	expect_host(conn->ssl, host);
	return run(conn, err);
}
