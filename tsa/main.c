/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sealpost-tsa - asks one timestamping authority for one timestamp, for the program that started it (tsa/authority.h); never by hand.
 *
 * It reads an order from descriptor 3 (tsa/authority_wire.h), posts the request, answers with what came, and ends. It judges nothing
 * of it: that is done where the trusted certificates are. What it cannot do in time, its starter ends by kill -9.
 *
 * Jail: no new privileges, no core dumps, few open files; it ends with its parent. It holds the log-in for the authority, no key to
 * the archive and no database. What it sends is a digest, which tells nothing of the mails.
 *
 * SECURITY: no redirect is followed and nothing but HTTP is spoken; neither a proxy nor a password comes from the environment or from
 * ~/.netrc. A log-in over plain http goes in clear: tsa/authority_check.c allows it to this computer itself only. One for a proxy goes in
 * clear to that proxy.
 */
#include "app/intake/fetch/transfer.h"
#include "base/ipc.h"
#include "base/jail.h"
#include "base/log.h"
#include "base/program.h"
#include "base/secret.h"
#include "tsa/authority.h"
#include "tsa/authority_wire.h"

#include <stdio.h>

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };
enum { FILES = 64, ORDER_MS = 10 * 1000 };

struct exchange {
	struct transfer t;
	struct authority_order order;
	struct arena *arena; /* texts for libcurl */
	struct curl_slist *fields;
	struct str *response;
	bool is_too_big;
};

/* --- asking ----------------------------------------------------------------------------------- */

static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
	struct exchange *x = arg;

	x->is_too_big = x->response->len + size * n > AUTHORITY_RESPONSE_MAX;
	if (x->is_too_big)
		return 0;
	str_add(x->response, data, size * n);
	return size * n;
}

static const char *text_of(const struct exchange *x, struct view text)
{
	return arena_strn(x->arena, text.data, text.len);
}

static void set_blob(CURL *curl, CURLoption option, struct view pem)
{
	struct curl_blob blob = {(void *)pem.data, pem.len, CURL_BLOB_NOCOPY};

	if (pem.len > 0)
		curl_easy_setopt(curl, option, &blob);
}

static void set_login(struct exchange *x)
{
	CURL *curl = x->t.curl;
	const struct authority_order *order = &x->order;

	if (order->user.len > 0) {
		curl_easy_setopt(curl, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
		curl_easy_setopt(curl, CURLOPT_USERNAME, text_of(x, order->user));
		curl_easy_setopt(curl, CURLOPT_PASSWORD, text_of(x, order->password));
	}
	set_blob(curl, CURLOPT_CAINFO_BLOB, order->tls_ca);
	set_blob(curl, CURLOPT_SSLCERT_BLOB, order->client_cert);
	set_blob(curl, CURLOPT_SSLKEY_BLOB, order->client_key);
}

static void set_proxy(struct exchange *x)
{
	CURL *curl = x->t.curl;
	const struct authority_order *order = &x->order;

	if (order->proxy.len == 0)
		return;
	curl_easy_setopt(curl, CURLOPT_PROXY, text_of(x, order->proxy));
	curl_easy_setopt(curl, CURLOPT_NOPROXY, "");
	if (order->proxy_user.len == 0)
		return;
	curl_easy_setopt(curl, CURLOPT_PROXYAUTH, CURLAUTH_BASIC);
	curl_easy_setopt(curl, CURLOPT_PROXYUSERNAME, text_of(x, order->proxy_user));
	curl_easy_setopt(curl, CURLOPT_PROXYPASSWORD, text_of(x, order->proxy_password));
}

static void set_request(struct exchange *x)
{
	CURL *curl = x->t.curl;

	x->fields = curl_slist_append(NULL, "Content-Type: application/timestamp-query");
	x->fields = curl_slist_append(x->fields, "Accept: application/timestamp-reply");
	curl_easy_setopt(curl, CURLOPT_URL, text_of(x, x->order.url));
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, x->fields);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)x->order.request.len);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDS, x->order.request.data);
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)x->order.timeout_ms);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, x);
}

static int exchange_init(struct exchange *x, int stop_fd, struct err *err)
{
	const struct transfer_options options = {
		.protocols = "http,https",
		.verify = true,
		.idle_ms = x->order.timeout_ms,
		.stop_fd = stop_fd,
	};

	if (transfer_init(&x->t, &options, err) < 0)
		return -1;
	x->arena = arena_new();
	set_request(x);
	set_login(x);
	set_proxy(x);
	return 0;
}

static void exchange_clear(struct exchange *x)
{
	transfer_clear(&x->t);
	curl_slist_free_all(x->fields);
	arena_free(&x->arena);
}

/* --- what went wrong -------------------------------------------------------------------------- */

static bool is_https(const struct exchange *x)
{
	return view_starts_nocase(x->order.url, "https:");
}

static int broke(const struct exchange *x, CURLcode code, struct err *err)
{
	bool hints = is_https(x) && x->order.client_cert.len == 0;

	return err_set(err, ERR_IO, "the connection broke: %s%s", curl_easy_strerror(code),
		       hints ? "; perhaps it wants a client certificate" : "");
}

static int timed_out(const struct exchange *x, struct err *err)
{
	return err_set(err, ERR_TIMEOUT, "it has not answered within %lld s",
		       ((long long)x->order.timeout_ms + 999) / 1000);
}

/* curl's own details are of certificates only: others might quote what was sent. */
static int judge_transfer(const struct exchange *x, CURLcode code, struct err *err)
{
	switch (code) {
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_COULDNT_CONNECT:
		return err_set(err, ERR_OFFLINE, "it cannot be reached: %s",
			       curl_easy_strerror(code));
	case CURLE_OPERATION_TIMEDOUT:
		return timed_out(x, err);
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
		return err_set(err, ERR_FOREIGN,
			       "its TLS certificate is not to be trusted (%s); choose the CA "
			       "certificate that it leads to",
			       x->t.error[0] != '\0' ? x->t.error : curl_easy_strerror(code));
	case CURLE_SSL_CERTPROBLEM:
		return err_set(err, ERR_SYNTAX, "the client certificate or its key cannot be used");
	case CURLE_ABORTED_BY_CALLBACK:
		return err_set(err, ERR_STOPPED, "it was stopped");
	default:
		return broke(x, code, err);
	}
}

static int judge_status(long status, struct err *err)
{
	if (status == 401 || status == 403)
		return err_set(err, ERR_DENIED,
			       "it does not let this archive in (HTTP status %ld): check user, "
			       "password and client certificate",
			       status);
	if (status == 407)
		return err_set(err, ERR_DENIED,
			       "the proxy does not let this archive through (HTTP status 407): "
			       "check its user and password");
	if (status >= 300 && status < 400)
		return err_set(err, ERR_IO,
			       "it has moved (HTTP status %ld): find out its new address, and set "
			       "that",
			       status);
	if (status == 404 || status == 405)
		return err_set(err, ERR_IO,
			       "there is no timestamping authority at this address (HTTP status "
			       "%ld): check it",
			       status);
	return err_set(err, ERR_IO, "it could not answer (HTTP status %ld)", status);
}

/* Some authorities name the type wrongly, so it counts only where what came is no DER at all: a page, of a network's log-in perhaps. */
static int judge_type(const struct exchange *x, struct err *err)
{
	enum { SEQUENCE = 0x30, SHOWN_MAX = 60 };
	CLEAN_STR shown = STR_INIT;
	char *type = NULL;

	curl_easy_getinfo(x->t.curl, CURLINFO_CONTENT_TYPE, &type);
	if (type == NULL || view_starts_nocase(VIEW(type), "application/timestamp-reply") ||
	    (x->response->len > 0 && x->response->data[0] == SEQUENCE))
		return 0;
	str_addsafe(&shown, (struct view){type, strnlen(type, SHOWN_MAX)}, false);
	return err_set(err, ERR_IO,
		       "it answers with %s, which is no timestamp: check the address, and whether "
		       "a network or a proxy answers in its place",
		       shown.data);
}

static int judge(const struct exchange *x, CURLcode code, struct err *err)
{
	long status = 0, proxy_status = 0;

	curl_easy_getinfo(x->t.curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(x->t.curl, CURLINFO_HTTP_CONNECTCODE, &proxy_status);
	if (proxy_status == 407)
		return judge_status(proxy_status, err);
	if (x->is_too_big)
		return err_set(err, ERR_TOOBIG,
			       "its answer is larger than %d KiB, and is no timestamp",
			       AUTHORITY_RESPONSE_MAX / 1024);
	if (code != CURLE_OK)
		return judge_transfer(x, code, err);
	return status == 200 ? judge_type(x, err) : judge_status(status, err);
}

static int ask(const struct authority_order *order, int stop_fd, struct str *response,
	       struct err *err)
{
	struct exchange x = {.order = *order, .response = response};
	int rc;

	if (exchange_init(&x, stop_fd, err) < 0)
		return -1;
	rc = judge(&x, transfer_run(&x.t), err);
	exchange_clear(&x);
	return rc;
}

/* --- order and answer ------------------------------------------------------------------------- */

static int take_order(struct str *body, struct authority_order *order_r, struct err *err)
{
	uint32_t type;
	int rc = ipc_receive(PROGRAM_FD, ORDER_MS, &type, body, err);

	if (rc < 0)
		return -1;
	if (rc == 0 || type != AUTHORITY_ORDER)
		return err_set(err, ERR_DAMAGED, "there is no order");
	return authority_order_read(str_view(body), order_r, err);
}

static int answer(const struct authority_order *order, int stop_fd, struct err *err)
{
	CLEAN_STR response = STR_INIT;
	struct err why = {0};

	if (ask(order, stop_fd, &response, &why) == 0)
		return ipc_send(PROGRAM_FD, AUTHORITY_RESPONSE, str_view(&response), err);
	str_reset(&response);
	authority_failure_write(&why, &response);
	return ipc_send(PROGRAM_FD, AUTHORITY_FAILED, str_view(&response), err);
}

static int serve(int stop_fd, struct err *err)
{
	struct authority_order order;
	CLEAN_STR body = STR_INIT;
	int rc;

	if (jail_enter("", FILES, err) < 0)
		return -1;
	rc = take_order(&body, &order, err);
	if (rc == 0)
		rc = answer(&order, stop_fd, err);
	explicit_bzero(body.data, body.cap); /* it holds passwords */
	return rc;
}

int main(int argc, char **argv)
{
	struct err err = {0};
	int stop_fd;

	(void)argv;
	secret_harden_process();
	if (!program_was_handed_a_socket(argc)) {
		fputs("sealpost-tsa is started by `sealpost timestamp`\n", stderr);
		return EXIT_USAGE;
	}
	curl_global_init(CURL_GLOBAL_DEFAULT);
	if (jail_signals(true, &stop_fd, &err) == 0 && serve(stop_fd, &err) == 0)
		return EXIT_DONE;
	log_error("sealpost-tsa: %s", err.text);
	return EXIT_FAILED;
}
