/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/intake/fetch/transfer.h"

#include <poll.h>

enum { CONNECT_MS_MAX = 30 * 1000 };

static int is_stopped(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	const struct transfer *t = arg;
	struct pollfd stop = {.fd = t->stop_fd, .events = POLLIN};

	(void)a, (void)b, (void)c, (void)d;
	return poll(&stop, 1, 0) > 0;
}

int transfer_init(struct transfer *t, const struct transfer_options *options, struct err *err)
{
	long idle_ms = options->idle_ms < INT32_MAX ? (long)options->idle_ms : INT32_MAX;
	CURL *curl = curl_easy_init();

	*t = (struct transfer){.curl = curl, .stop_fd = options->stop_fd};
	if (curl == NULL)
		return err_set(err, ERR_UNSUPPORTED, "libcurl does not start");
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, t->error);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, options->protocols);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, options->verify ? 1L : 0L);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, options->verify ? 2L : 0L);
	if (options->ca_file != NULL)
		curl_easy_setopt(curl, CURLOPT_CAINFO, options->ca_file);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
			 idle_ms < CONNECT_MS_MAX ? idle_ms : (long)CONNECT_MS_MAX);
	curl_easy_setopt(curl, CURLOPT_SERVER_RESPONSE_TIMEOUT, (idle_ms + 999) / 1000);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (idle_ms + 999) / 1000);
	curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, is_stopped);
	curl_easy_setopt(curl, CURLOPT_XFERINFODATA, t);
	return 0;
}

void transfer_clear(struct transfer *t)
{
	curl_easy_cleanup(t->curl);
	t->curl = NULL;
}

CURLcode transfer_run(struct transfer *t)
{
	t->error[0] = '\0';
	return curl_easy_perform(t->curl);
}

static enum err_kind kind_of(CURLcode code)
{
	switch (code) {
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_CONNECT:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_GOT_NOTHING:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PARTIAL_FILE:
		return ERR_OFFLINE;
	case CURLE_OPERATION_TIMEDOUT:
		return ERR_TIMEOUT;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_LOGIN_DENIED:
		return ERR_DENIED;
	case CURLE_USE_SSL_FAILED:
	case CURLE_UNSUPPORTED_PROTOCOL:
		return ERR_UNSUPPORTED;
	case CURLE_ABORTED_BY_CALLBACK:
		return ERR_STOPPED;
	default:
		return ERR_SYNTAX;
	}
}

/* curl's own details may quote the server, which may name people; those on certificates do not. */
int transfer_failed(const struct transfer *t, CURLcode code, struct err *err)
{
	bool is_certificate = code == CURLE_PEER_FAILED_VERIFICATION ||
			      code == CURLE_SSL_CACERT_BADFILE;

	if (code == CURLE_LOGIN_DENIED)
		return err_set(
			err, ERR_DENIED,
			"the server does not let this user in: name, password or token is wrong, "
			"or the account may not use this way");
	if (code == CURLE_USE_SSL_FAILED)
		return err_set(err, ERR_UNSUPPORTED,
			       "the server does not offer STARTTLS; nothing was sent in clear");
	return err_set(err, kind_of(code), "%s%s%s", curl_easy_strerror(code),
		       is_certificate && t->error[0] != '\0' ? ": " : "",
		       is_certificate ? t->error : "");
}
