/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tsa/authority_priv.h"

#include "tsa/token.h"

#include <ctype.h>
#include <openssl/err.h>
#include <openssl/pem.h>

enum { TIMEOUT_MS_MAX = 600 * 1000, TOLERANCE_S_MAX = 24 * 3600, RENEW_DAYS_MAX = 3650 };

static int bad(struct err *err, const char *what, const char *how)
{
	return err_set(err, ERR_SYNTAX, "%s %s", what, how);
}

static bool is_set(const char *text)
{
	return text != NULL && text[0] != '\0';
}

/* Visible ASCII alone, so that nothing can end a line of a protocol, and every library reads it alike. */
static bool is_plain(const char *text)
{
	for (const char *p = text; *p != '\0'; p++)
		if (*p <= ' ' || *p > '~')
			return false;
	return true;
}

/* --- addresses -------------------------------------------------------------------------------- */

struct address {
	bool is_tls;
	struct view host; /* without brackets */
	struct view path; /* with its slash; empty: none */
};

static bool is_host(struct view host, bool is_v6)
{
	for (size_t i = 0; i < host.len; i++) {
		unsigned char c = (unsigned char)host.data[i];

		if (is_v6 ? !isxdigit(c) && c != ':' && c != '.'
			  : !isalnum(c) && c != '-' && c != '.' && c != '_')
			return false;
	}
	return host.len > 0;
}

static bool is_port(struct view digits)
{
	unsigned port = 0;

	for (size_t i = 0; i < digits.len; i++) {
		if (!isdigit((unsigned char)digits.data[i]) || port > UINT16_MAX)
			return false;
		port = port * 10 + (unsigned)(digits.data[i] - '0');
	}
	return port > 0 && port <= UINT16_MAX;
}

/* HOST, HOST:PORT, [ADDRESS] or [ADDRESS]:PORT, and nothing else: a user before it would be shown in messages. */
static bool read_authority(struct view v, struct view *host_r)
{
	bool is_v6 = v.len > 0 && v.data[0] == '[';
	const char *end = is_v6 ? memchr(v.data, ']', v.len) : memchr(v.data, ':', v.len);
	struct view port = {NULL, 0};

	*host_r = v;
	if (is_v6) {
		if (end == NULL)
			return false;
		*host_r = (struct view){v.data + 1, (size_t)(end - v.data) - 1};
		end++;
	} else if (end != NULL) {
		host_r->len = (size_t)(end - v.data);
	} else {
		end = v.data + v.len;
	}
	port = (struct view){end, (size_t)(v.data + v.len - end)};
	if (!is_host(*host_r, is_v6))
		return false;
	return port.len == 0 ||
	       (port.data[0] == ':' && is_port((struct view){port.data + 1, port.len - 1}));
}

static bool read_address(const char *url, struct address *address_r)
{
	struct view rest = VIEW(url), authority;
	const char *slash;

	address_r->is_tls = view_starts_nocase(rest, "https://");
	if (!is_plain(url) || (!address_r->is_tls && !view_starts_nocase(rest, "http://")))
		return false;
	rest.data += strlen(address_r->is_tls ? "https://" : "http://");
	rest.len = strlen(rest.data);
	slash = memchr(rest.data, '/', rest.len);
	authority = rest;
	if (slash != NULL)
		authority.len = (size_t)(slash - rest.data);
	address_r->path = (struct view){rest.data + authority.len, rest.len - authority.len};
	return read_authority(authority, &address_r->host);
}

static bool is_loopback(struct view host)
{
	return view_eq_nocase(host, VIEW("localhost")) || view_eq(host, VIEW("127.0.0.1")) ||
	       view_eq(host, VIEW("::1"));
}

/* --- certificates and keys -------------------------------------------------------------------- */

static int check_ca(const char *pem, const char *what, struct err *err)
{
	CLEAN(token_trust) trust = NULL;

	return token_trust_new(VIEW(pem), &trust, err) < 0 ? err_add(err, "%s", what) : 0;
}

/* A key that wants a password is refused, not asked for. */
static int no_password(char *buf, int size, int writing, void *arg)
{
	(void)buf, (void)size, (void)writing, (void)arg;
	return -1;
}

static bool fit_together(const char *certificate, const struct secret *key)
{
	BIO *in = BIO_new_mem_buf(certificate, -1);
	BIO *key_in = BIO_new_mem_buf(secret_data(key), (int)secret_len(key));
	X509 *x = PEM_read_bio_X509(in, NULL, no_password, NULL);
	EVP_PKEY *k = PEM_read_bio_PrivateKey(key_in, NULL, no_password, NULL);
	bool fit = x != NULL && k != NULL && X509_check_private_key(x, k) == 1;

	EVP_PKEY_free(k);
	X509_free(x);
	BIO_free(key_in);
	BIO_free(in);
	ERR_clear_error();
	return fit;
}

static int check_client(const struct authority *a, bool is_tls, struct err *err)
{
	if (!is_set(a->client_cert) && a->client_key == NULL)
		return 0;
	if (!is_tls)
		return bad(err, "a client certificate", "is used with https:// only");
	if (!is_set(a->client_cert) || a->client_key == NULL)
		return bad(err, "a client certificate", "and its key belong together");
	if (!fit_together(a->client_cert, a->client_key))
		return bad(err, "the client certificate or its key",
			   "is not PEM, or they do not fit together, or the key has a password");
	return 0;
}

/* --- log-in ----------------------------------------------------------------------------------- */

/* Colons end the name, control characters the line (RFC 7617, section 2). */
static int check_login(const char *user, const struct secret *password, const char *what,
		       struct err *err)
{
	if (!is_set(user) && password == NULL)
		return 0;
	if (!is_set(user) || password == NULL)
		return bad(err, what, "needs both a name and a password");
	for (const char *p = user; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f || *p == ':')
			return bad(err, what,
				   "has a character in its name that cannot be sent there");
	if (memchr(secret_data(password), '\0', secret_len(password)) != NULL)
		return bad(err, what, "has a password with a NUL in it");
	return 0;
}

static int check_proxy(const struct authority *a, struct err *err)
{
	struct address proxy;

	if (!is_set(a->proxy)) {
		if (is_set(a->proxy_user) || a->proxy_password != NULL)
			return bad(err, "a log-in for the proxy", "needs the proxy's address");
		return 0;
	}
	if (!read_address(a->proxy, &proxy) || proxy.is_tls || proxy.path.len > 1)
		return bad(err, "the proxy's address", "reads http://HOST:PORT");
	return check_login(a->proxy_user, a->proxy_password, "the proxy's user", err);
}

/* --- all of it -------------------------------------------------------------------------------- */

static int check_policy(const struct authority *a, struct err *err)
{
	struct token_request request = {.alg = DIGEST_SHA256, .policy = a->policy};
	CLEAN_STR der = STR_INIT;

	return is_set(a->policy) ? token_request_write(&request, &der, err) : 0;
}

static int check_numbers(const struct authority *a, struct err *err)
{
	if (a->tolerance_s < 1 || a->tolerance_s > TOLERANCE_S_MAX)
		return bad(err, "the tolerance for the time", "is from 1 to 86400 seconds");
	if (a->renew_days < 1 || a->renew_days > RENEW_DAYS_MAX)
		return bad(err, "the time of renewal", "is from 1 to 3650 days before the end");
	if (a->timeout_ms < 1 || a->timeout_ms > TIMEOUT_MS_MAX)
		return bad(err, "the time limit for an answer",
			   "is from a millisecond to ten minutes");
	if (!digest_known(a->digest))
		return bad(err, "the hash function", "is sha256, sha384 or sha512");
	return 0;
}

static int check_place(const struct authority *a, struct address *address_r, struct err *err)
{
	if (!is_set(a->url))
		return bad(err, "the timestamping authority's address", "is missing");
	if (!read_address(a->url, address_r))
		return bad(
			err, "the timestamping authority's address",
			"reads http://HOST/PATH or https://HOST/PATH, without user and password");
	if (is_set(a->tls_ca) && !address_r->is_tls)
		return bad(err, "a CA certificate for the connection",
			   "is used with https:// only");
	return 0;
}

static int check_user(const struct authority *a, const struct address *address, struct err *err)
{
	if (check_login(a->user, a->password, "the timestamping authority's user", err) < 0)
		return -1;
	if (is_set(a->user) && !address->is_tls && !is_loopback(address->host))
		return bad(
			err, "a user and password",
			"are not sent over http://, where everybody can read them; use https://");
	return 0;
}

int authority_check(const struct authority *a, struct err *err)
{
	struct address address;

	if (check_place(a, &address, err) < 0 || check_user(a, &address, err) < 0 ||
	    check_client(a, address.is_tls, err) < 0 || check_proxy(a, err) < 0 ||
	    check_policy(a, err) < 0 || check_numbers(a, err) < 0)
		return -1;
	if (!is_set(a->ca))
		return bad(err, "the CA certificate",
			   "is missing that the authority's timestamps must lead to");
	if (check_ca(a->ca, "the authority's CA certificate", err) < 0)
		return -1;
	return is_set(a->tls_ca) ? check_ca(a->tls_ca, "the CA certificate for the connection", err)
				 : 0;
}
