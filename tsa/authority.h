/* SPDX-License-Identifier: GPL-3.0-or-later */
/* authority.h - the timestamping authority (TSA) that an archive asks: its settings, kept in the catalog, and the asking.
 *
 * What the network sends is received by a program of its own, sealpost-tsa (main.c), which holds no key: HTTP and TLS by libcurl,
 * bounded in time and size; it is killed when it does not answer. Passwords go to it over a socket, never on a command line.
 */
#ifndef TSA_AUTHORITY_H
#define TSA_AUTHORITY_H

#include "app/catalog/catalog.h"
#include "base/arena.h"
#include "base/digest.h"

enum { AUTHORITY_RESPONSE_MAX = 256 * 1024, AUTHORITY_TIMEOUT_MS = 30 * 1000 };

/* "" or NULL: not set. Texts in the arena, secrets the struct's. */
struct authority {
	char *url;    /* http:// or https:// */
	char *ca;     /* PEM: what its tokens must lead to */
	char *policy; /* dotted OID */
	char *user;
	struct secret *password;
	char *tls_ca;              /* PEM: for https; the system's without it */
	char *client_cert;         /* PEM, of TLS */
	struct secret *client_key; /* PEM */
	char *proxy;               /* http://[HOST]:PORT */
	char *proxy_user;
	struct secret *proxy_password;
	uint64_t tolerance_s;   /* the token's time and ours; default 300 */
	uint64_t renew_days;    /* before a certificate ends; default 90 */
	enum digest_alg digest; /* default SHA-256 */
	int timeout_ms;         /* AUTHORITY_TIMEOUT_MS; tests name less */
};
void authority_clear(struct authority *authority);
#define CLEAN_AUTHORITY __attribute__((cleanup(authority_clear))) struct authority

/* 1; 0 none is set: what has a default has it. */
int authority_load(struct catalog *catalog, struct arena *arena, struct authority *authority_r,
		   struct err *err);
/* ERR_SYNTAX in words where something does not fit together; nothing is stored then. A user and password go over https, or to this
 * computer itself; over plain http everybody on the way could read them. In one transaction, with its line in the
 * audit log for each setting that changed (without secrets). NULL: there is none any more. */
int authority_save(struct catalog *catalog, const struct authority *authority, struct err *err);

/* Does it all fit together? ERR_SYNTAX in words. */
int authority_check(const struct authority *authority, struct err *err);

/* Post a request and receive the response (RFC 3161, section 3.4), of whatever content: appended to RESPONSE. ERR_OFFLINE: no
 * connection; ERR_TIMEOUT; ERR_DENIED: HTTP 401, 403, 407; ERR_FOREIGN: its TLS certificate does not lead to TLS_CA; ERR_TOOBIG;
 * ERR_IO: another HTTP status, or the connection broke. */
int authority_ask(const struct authority *authority, struct view request, struct str *response,
		  struct err *err);

#endif
