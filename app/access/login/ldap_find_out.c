/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Why no connection to a directory came about: made once more, as far as the end of the TLS handshake, with base/conn. */
#include "app/access/login/ldap_priv.h"

#include "base/conn.h"

enum { SEQUENCE = 0x30, RESPONSE_MAX = 8192 };

/* ExtendedRequest with the name 1.3.6.1.4.1.1466.20037, in message 1 (RFC 4511, section 4.14). */
static const char start_tls_request[] = "\x30\x1d\x02\x01\x01\x77\x18\x80\x16"
					"1.3.6.1.4.1.1466.20037";

/* How long the message is that DATA begins with: 0 more bytes are needed to tell; SIZE_MAX it is no LDAP. */
static size_t message_bytes(struct view data)
{
	const unsigned char *b = (const unsigned char *)data.data;
	size_t n_len, len = 0;

	if (data.len > 0 && b[0] != SEQUENCE)
		return SIZE_MAX;
	if (data.len < 2)
		return 0;
	if (b[1] < 0x80)
		return 2 + (size_t)b[1];
	n_len = b[1] & 0x7F;
	if (n_len == 0 || n_len > 4)
		return SIZE_MAX;
	if (data.len < 2 + n_len)
		return 0;
	for (size_t i = 0; i < n_len; i++)
		len = len << 8 | b[2 + i];
	return 2 + n_len + len;
}

/* Its result is not read: a refusal libldap has told. */
static int take_response(struct conn *conn, struct err *err)
{
	size_t len;
	int rc = 1;

	while ((len = message_bytes(conn_buffered(conn))) == 0 ||
	       (len <= RESPONSE_MAX && len > conn_buffered(conn).len)) {
		rc = conn_more(conn, RESPONSE_MAX, err);
		if (rc <= 0)
			break;
	}
	if (rc < 0)
		return -1;
	if (rc == 0)
		return err_set(err, ERR_OFFLINE, "it closed the connection");
	if (len > RESPONSE_MAX)
		return err_set(err, ERR_SYNTAX, "what answers there is no directory");
	conn_consume(conn, len);
	return 0;
}

static int ask_for_tls(struct conn *conn, struct err *err)
{
	if (conn_write(conn, start_tls_request, sizeof(start_tls_request) - 1, err) < 0 ||
	    conn_flush(conn, err) < 0)
		return -1;
	return take_response(conn, err);
}

static int start_tls(const struct ldap_talk *talk, struct conn *conn, struct view host,
		     struct err *err)
{
	CLEAN(tls_client) tls = NULL;

	if (tls_client_new(talk->ca, true, &tls, err) < 0)
		return -1;
	if (conn_start_tls(conn, tls, arena_strn(talk->login->arena, host.data, host.len), err) ==
	    0)
		return 0;
	if (err->kind == ERR_DENIED)
		err->kind = ERR_FOREIGN;
	return -1;
}

int ldap_find_out(const struct ldap_talk *talk, const struct directory_url *url, bool with_tls,
		  struct err *err)
{
	CLEAN(conn) conn = NULL;
	CLEAN_STR address = STR_INIT;

	directory_url_address(url, &address);
	if (conn_connect(address.data, login_left_ms(talk->login), &conn, err) < 0)
		return -1;
	conn_set_deadline(conn, talk->login->deadline_ms);
	if (!url->is_tls && !with_tls)
		return 0;
	if (!url->is_tls && ask_for_tls(conn, err) < 0)
		return -1;
	return start_tls(talk, conn, url->host, err);
}
