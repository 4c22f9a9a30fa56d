/* SPDX-License-Identifier: GPL-3.0-or-later */
/* request.h - one request to the API, as the function of its route sees it.
 *
 * All that hangs on it lives until the last byte of the answer was sent, or the client is gone: put what must be freed then under
 * request_at_end(). Who is not allowed to do what the route does, or has no session, never gets as far as the route's function.
 */
#ifndef UI_BACKEND_REQUEST_H
#define UI_BACKEND_REQUEST_H

#include "app/archive/archive.h"
#include "base/arena.h"
#include "base/id.h"
#include "base/secret.h"
#include "ui-backend/caller.h"
#include "ui-backend/route.h"
#include "ui-backend/settings.h"

#include <json-c/json.h>

struct api_request {
	const struct route *route;
	struct arena *arena;
	const struct api_settings *settings;
	struct archive
		*archive; /* NULL: there is none yet; routes that are ROUTE_BARE alone see that */
	const char *archive_dir;
	struct caller caller;
	struct view client; /* its address, as the proxy tells it; "" not known */
	struct view agent;  /* the program it calls itself, cut and made safe; may be empty */
	struct view host;   /* by which it was reached, without a port */
	bool over_tls;      /* between client and proxy */
	bool by_proxy;
	struct json_object *body; /* BODY_JSON: an object */
	struct request_priv *priv;
};

/* Freed when the request is over, in the opposite order; also if it is over before it was answered. */
void request_at_end(struct api_request *r, void (*fn)(void *arg), void *arg);

/* Before so many bytes of mail are read into memory, to stay there until the answer was sent (room.h). ERR_OVERLOAD: not now. */
int request_room(struct api_request *r, uint64_t bytes, struct err *err);

/* What the path has for {NAME}. */
struct view request_param(const struct api_request *r, const char *name);
/* The same as the id of a mail or a task, and as a number. What is none is ERR_NOTFOUND, like one that nobody has. */
int request_param_id(const struct api_request *r, const char *name, struct uuid *id_r,
		     struct err *err);
int request_param_number(const struct api_request *r, const char *name, uint64_t *n_r,
			 struct err *err);

/* What stands behind the "?": 1, 0 it is not there. The number is DEFAULT then, and ERR_SYNTAX outside of MIN to MAX. */
int request_query(const struct api_request *r, const char *name, struct view *value_r);
int request_query_number(const struct api_request *r, const char *name, uint64_t min, uint64_t max,
			 uint64_t default_, uint64_t *n_r, struct err *err);
/* "true" or "false"; absent: false. */
int request_query_flag(const struct api_request *r, const char *name, bool *flag_r,
		       struct err *err);
/* The names that are known to the route, NULL behind the last; others are ERR_SYNTAX. */
int request_query_only(const struct api_request *r, const char *const *names, struct err *err);

/* A header field of the client's; empty: it is not there. */
struct view request_header(const struct api_request *r, const char *name);

/* The body's fields, or another object's. Each: 1; 0 absent or null; -1 of another kind or out of bounds, ERR_SYNTAX. Texts live
 * as long as the request. MIN and MAX are characters' bytes; "need" makes absence an error, too. */
int json_text(struct json_object *object, const char *name, size_t min, size_t max,
	      struct view *text_r, struct err *err);
int json_need_text(struct json_object *object, const char *name, size_t min, size_t max,
		   struct view *text_r, struct err *err);
int json_number(struct json_object *object, const char *name, int64_t min, int64_t max,
		int64_t *n_r, struct err *err);
int json_flag(struct json_object *object, const char *name, bool *flag_r, struct err *err);
/* One of these words, NULL behind the last: its place among them. */
int json_word(struct json_object *object, const char *name, const char *const *words,
	      size_t *chosen_r, struct err *err);
int json_object_in(struct json_object *object, const char *name, struct json_object **object_r,
		   struct err *err);
/* An array of MAX items at most; json_item_text() gives each. */
int json_list(struct json_object *object, const char *name, size_t max, struct json_object **list_r,
	      struct err *err);
int json_item_text(struct json_object *list, size_t at, size_t min, size_t max, struct view *text_r,
		   struct err *err);
/* A password or key: taken out of the object, where nothing of it stays. */
int json_secret(struct json_object *object, const char *name, size_t max, struct secret **secret_r,
		struct err *err);
/* These fields and no other, NULL behind the last. */
int json_only(struct json_object *object, const char *const *names, struct err *err);

/* For BODY_STREAM, from the route's function: each piece goes to PIECE as it comes, MAX bytes in all (more: ERR_TOOBIG), and then END answers as
 * a route's function does. */
typedef int piece_fn(struct api_request *r, void *arg, struct view piece, struct err *err);
typedef int body_end_fn(struct api_request *r, void *arg, struct err *err);
void request_take_body(struct api_request *r, uint64_t max, piece_fn *piece, body_end_fn *end,
		       void *arg);

#endif
