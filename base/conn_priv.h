/* SPDX-License-Identifier: GPL-3.0-or-later */
/* conn_priv.h - what the files behind conn.h share: conn.c (buffers and waits), conn_open.c
 * (addresses), tls.c (the other transport). */
#ifndef BASE_CONN_PRIV_H
#define BASE_CONN_PRIV_H

#include "base/conn.h"

#include <netinet/in.h>
#include <sys/types.h>

/* One attempt, which never blocks: the bytes moved; 0 the peer has closed (reading only); -1 failed,
 * or IO_WAIT: poll(2) for *EVENTS first. */
enum { IO_WAIT = -2 };
struct transport {
	ssize_t (*read)(struct conn *conn, void *out, size_t len, short *events, struct err *err);
	ssize_t (*write)(struct conn *conn, const void *data, size_t len, short *events,
			 struct err *err);
	bool (*has_input)(const struct conn *conn); /* received, but not read yet */
	void (*close)(struct conn *conn);           /* says goodbye if that is possible at once */
};

struct conn {
	const struct transport *transport;
	int fd;
	int stop_fd; /* -1: none */
	int idle_ms;
	int64_t deadline_ms; /* 0: none */

	char *in; /* received: IN_LEN bytes from IN_START on, in a buffer of IN_CAP */
	size_t in_start, in_len, in_cap;
	size_t in_searched; /* of them have no LF */
	bool in_filled;     /* the last read took all the room there was */
	struct str out;     /* not sent yet */

	struct ssl_st *ssl;
	bool eof;    /* the peer has closed its side of the socket */
	bool broken; /* the TLS stream failed: nothing may be sent any more */
	char peer[INET6_ADDRSTRLEN];
	char tls_text[96];
};

/* When a wait that begins now is over, if nothing happens. */
int64_t conn_idle_end(const struct conn *conn);
int conn_wait(struct conn *conn, short events, int64_t idle_end_ms, struct err *err);

#endif
