/* SPDX-License-Identifier: GPL-3.0-or-later */
/* request_priv.h - the insides of a request, for the files that carry it from its connection to its route and back. */
#ifndef UI_BACKEND_REQUEST_PRIV_H
#define UI_BACKEND_REQUEST_PRIV_H

#include "ui-backend/events.h"
#include "ui-backend/reply.h"
#include "ui-backend/room.h"
#include "ui-backend/served.h"

#include <microhttpd.h>

enum request_state {
	REQUEST_HEAD,    /* its first line is there */
	REQUEST_BODY,    /* its head is; the body comes */
	REQUEST_WAITING, /* reply_later(): its connection is suspended */
	REQUEST_READY,   /* what it waited for has happened */
	REQUEST_ANSWERED /* the answer is with MHD */
};

struct request_priv {
	struct server *server;
	struct MHD_Connection *connection;
	struct held_archive *held;
	enum request_state state;
	int64_t begun_ms;
	struct view raw; /* the target as it came */
	struct uri uri;
	struct route_params params;
	struct {
		struct at_end {
			void (*fn)(void *arg);
			void *arg;
		} * v;
		size_t n, cap;
	} ends;

	/* the body */
	struct str body;
	uint64_t body_max, body_len;
	struct err body_err; /* what was wrong with it; it is answered when it is over */
	piece_fn *piece;
	body_end_fn *body_end;
	void *body_arg;

	/* reply_later() */
	struct event *event;
	then_fn *then;
	void *then_arg;
	bool late;

	/* the answer */
	struct MHD_Response *response;
	unsigned status;
	struct {
		struct header_field {
			const char *name, *value;
		} * v;
		size_t n, cap;
	} headers;
};

struct api_request *request_new(struct server *server, struct MHD_Connection *connection,
				const char *raw);
void request_free(struct api_request **request);

/* The head is there: all that can be told from it is seen to. -1: the error is to be answered. */
int request_begin(struct api_request *r, const char *method, struct err *err);
/* A piece of the body; -1: so much is not even worth to be read and thrown away. */
int request_take(struct api_request *r, const char *data, size_t len);
/* All of it is there: let the route answer. */
void request_finish(struct api_request *r);
/* What it waited for has happened. */
void request_go_on(struct api_request *r);

/* Answer with ERR, whatever was begun. */
void request_fail(struct api_request *r, const struct err *err);

/* The answer as it is handed to MHD; taken over. */
int reply_with(struct api_request *r, unsigned status, struct MHD_Response *response);
/* The fields that every answer of the API has. */
void reply_protect(struct MHD_Response *response);

/* Of the server: may one more request of this client wait? */
int server_wait(struct api_request *r, int fd, int timeout_ms, struct err *err);
const struct api_settings *server_settings(const struct server *server);
const char *server_archive_dir(const struct server *server);
struct served *server_served(const struct server *server);
struct room *server_room(const struct server *server);
const struct webroot *server_webroot(const struct server *server);

#endif
