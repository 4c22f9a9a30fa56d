/* SPDX-License-Identifier: GPL-3.0-or-later */
/* transfer.h - what all transfers by libcurl have in common: whom to trust, when to give up, and how an error reads. */
#ifndef APP_INTAKE_FETCH_TRANSFER_H
#define APP_INTAKE_FETCH_TRANSFER_H

#include "base/err.h"
#include "base/str.h"

#include <curl/curl.h>
#include <stdint.h>

struct transfer {
	CURL *curl;
	int stop_fd;
	char error[CURL_ERROR_SIZE];
};

struct transfer_options {
	const char *protocols; /* "https" */
	const char *ca_file;   /* NULL: the system's */
	bool verify;
	uint64_t idle_ms;
	int stop_fd;
};

int transfer_init(struct transfer *t, const struct transfer_options *options, struct err *err);
void transfer_clear(struct transfer *t);
/* CURLE_OK, or what went wrong. */
CURLcode transfer_run(struct transfer *t);
/* The same in our words. -1. */
int transfer_failed(const struct transfer *t, CURLcode code, struct err *err);

#endif
