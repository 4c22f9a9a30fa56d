/* SPDX-License-Identifier: GPL-3.0-or-later */
/* settings.h - ARCHIVE/api.conf: where and how sealpost-api answers. */
#ifndef UI_BACKEND_SETTINGS_H
#define UI_BACKEND_SETTINGS_H

#include "base/conf.h"
#include "base/crypto.h"
#include "base/network.h"

struct api_settings {
	char *listen;             /* "unix:/path", or a port of the loopback */
	char *metrics_listen;     /* where metrics are told, likewise; empty: nowhere */
	char *base;               /* "/archive/": begins and ends with a slash */
	char *web;                /* folder of the page's built files; empty: beside the program */
	unsigned mode;            /* of a Unix socket */
	char *mode_text;          /* "0660" */
	char *group;              /* of a Unix socket; empty: leave */
	char *user;               /* what it becomes when root started it; empty: it stays root */
	struct conf_list hosts;   /* names that requests may be for; see host_is_ours() */
	struct conf_list proxies; /* whose X-Forwarded-* are believed: networks, or "unix" */
	struct network *network;  /* those of PROXIES that are networks */
	size_t n_network;
	bool trust_unix;
	uint64_t workers, connections, waiting, waiting_per_client;
	uint64_t head_timeout_s, body_timeout_s, upload_timeout_s, reply_timeout_s;
	uint64_t max_head_bytes, max_json_bytes;
	/* Not a setting: while there is no archive, the word that whoever makes one has to know; api_settings_open_setup(). */
	bool has_setup;
	struct hash setup_hash;
};

int api_settings_read(const char *path, struct api_settings **settings_r, struct err *err);
/* Make a new word, append it to WORD, and keep its hash. */
void api_settings_open_setup(struct api_settings *settings, struct str *word);
void api_settings_free(struct api_settings **settings);
void api_settings_table(struct str *out); /* see conf_table() */

#endif
