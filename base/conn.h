/* SPDX-License-Identifier: GPL-3.0-or-later */
/* conn.h - a stream to a peer that is not trusted: buffered, with deadlines, in clear or over TLS.
 *
 * Addresses are texts: "unix:/run/x.sock", "127.0.0.1:2525", "[::1]:2525", "mail.example:993".
 * Every wait ends after the idle time (ERR_TIMEOUT), and all of them at the deadline. A peer that is gone
 * is ERR_OFFLINE. TLS is 1.2 and up (RFC 8996), without compression, renegotiation and early data.
 * A struct conn belongs to one thread.
 */
#ifndef BASE_CONN_H
#define BASE_CONN_H

#include "base/err.h"
#include "base/str.h"

#include <stdint.h>

struct conn;
struct tls_server; /* certificate and key; read-only, may be shared by processes */
struct tls_client; /* whom to trust */

/* A listening socket, close-on-exec, non-blocking. A Unix socket that nobody listens at any more is replaced; one that is in
 * use is ERR_BUSY. Its file stays when the descriptor is closed, for the next one to replace. MODE is that of a
 * Unix socket, GROUP (NULL: leave) its group. An IPv6 address takes IPv6 only. */
struct listen_options {
	unsigned mode;
	const char *group;
	int backlog;
};
int conn_listen(const char *address, const struct listen_options *options, int *fd_r,
		struct err *err);

struct conn *conn_of_fd(int fd); /* taken over */
/* All addresses that a name has are tried, within TIMEOUT_MS in all. */
int conn_connect(const char *address, int timeout_ms, struct conn **conn_r, struct err *err);
void conn_free(struct conn **conn); /* closes; what was not flushed is dropped */

void conn_set_idle(struct conn *conn, int idle_ms);       /* default: 60 s */
void conn_set_deadline(struct conn *conn, int64_t at_ms); /* clock_monotonic_ms(); 0: none */
void conn_set_stop(struct conn *conn, int stop_fd); /* readable: waits end, ERR_STOPPED; -1: none */
/* "192.0.2.1", "2001:db8::1" without brackets, "" for a Unix socket, "?" for a TCP peer that was
 * gone before anybody looked; the conn's. */
const char *conn_peer_addr(const struct conn *conn);

/* Reading. What was received and not consumed yet; may be empty. */
struct view conn_buffered(const struct conn *conn);
void conn_consume(struct conn *conn, size_t len);
/* Wait for more, at least one byte: 1; 0 the peer has closed its side (a TLS peer without close_notify, too:
 * what the protocol has not ended itself is cut off); -1. The buffer grows to MAX bytes at most: more is
 * ERR_TOOBIG. */
int conn_more(struct conn *conn, size_t max, struct err *err);
/* A line up to and with its LF, of MAX bytes at most (longer: ERR_TOOBIG, nothing consumed): 1; 0 the peer
 * closed before any byte of a line; -1, ERR_OFFLINE if in the midst of one. Valid until the next call. */
int conn_line(struct conn *conn, size_t max, struct view *line_r, struct err *err);

/* Writing is buffered; what does not fit any more is sent. conn_more() does not flush. */
int conn_write(struct conn *conn, const void *data, size_t len, struct err *err);
int conn_writef(struct conn *conn, struct err *err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
int conn_flush(struct conn *conn, struct err *err);

/* TLS. Starting it with bytes in the read buffer is ERR_SYNTAX: they came in clear, and may be injected. */
int tls_server_new(const char *cert_file, const char *key_file, struct tls_server **tls_r,
		   struct err *err);
void tls_server_free(struct tls_server **tls);
/* CA_FILE NULL: the system's. VERIFY false: any certificate will do; only where somebody said so by name. */
int tls_client_new(const char *ca_file, bool verify, struct tls_client **tls_r, struct err *err);
void tls_client_free(struct tls_client **tls);

int conn_accept_tls(struct conn *conn, const struct tls_server *tls, struct err *err);
/* HOST is checked against the certificate (RFC 6125) and sent as SNI (RFC 6066, section 3). ERR_DENIED: it
 * is not trusted; the text says why. */
int conn_start_tls(struct conn *conn, const struct tls_client *tls, const char *host,
		   struct err *err);
/* "TLSv1.3 TLS_AES_256_GCM_SHA384 256", "" in clear; the conn's. */
const char *conn_tls_text(const struct conn *conn);

#endif
