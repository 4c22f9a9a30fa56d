/* SPDX-License-Identifier: GPL-3.0-or-later */
/* reply.h - how the function of a route answers: with exactly one of these, and 0; or with -1, and the error becomes a problem.
 *
 * Fields that protect the reader (docs/THREATS.md) are put on every answer, and none that could be kept where it should not be.
 */
#ifndef UI_BACKEND_REPLY_H
#define UI_BACKEND_REPLY_H

#include "ui-backend/request.h"

/* BODY is taken over. */
int reply_json(struct api_request *r, unsigned status, struct json_object *body);
int reply_nothing(struct api_request *r); /* 204 */

/* RFC 9457, from the table of base/err.h. The detail is the error's text where that is for whoever asked (what he sent was wrong); of what went
 * wrong inside it is in the log, and he is told what it means for him. */
int reply_problem(struct api_request *r, const struct err *err);
/* The same, with so many seconds in Retry-After. */
int reply_problem_later(struct api_request *r, const struct err *err, unsigned seconds);

/* A mistake in a query: also before which of its characters it is. */
int reply_problem_at(struct api_request *r, const struct err *err, size_t at);

/* Bytes, as what they are. DATA is taken over, and empty afterwards. */
struct reply_file {
	const char *type;     /* "message/rfc822" */
	struct view name;     /* of the download, from wherever */
	const char *fallback; /* its name where that is empty: "mail.eml" */
	bool shown;           /* inline, in a sandbox; for what cannot do anything alone */
};
int reply_file(struct api_request *r, const struct reply_file *file, struct str *data);
/* The same from READ, piece by piece: how many bytes were put to OUT, 0 the end, -1 (it was logged) the connection breaks off. SIZE -1: not
 * known. ARG belongs under request_at_end(). */
typedef ssize_t read_fn(void *arg, uint64_t offset, void *out, size_t max);
int reply_stream(struct api_request *r, const struct reply_file *file, int64_t size, read_fn *read,
		 void *arg);

/* A header field of the answer; before one of the above. Nothing in NAME or VALUE can begin another field. */
void reply_header(struct api_request *r, const char *name, const char *value);
void reply_cookie(struct api_request *r, const char *value, int64_t max_age_s); /* the session's */

/* The answer comes later: once FD can be read or is closed at its other end, or, LATE, after TIMEOUT_MS. Until then the worker serves others. Then THEN
 * answers as a route's function does, or waits on. FD stays ARG's, under request_at_end(). ERR_OVERLOAD: too many wait already. */
typedef int then_fn(struct api_request *r, void *arg, bool late, struct err *err);
int reply_later(struct api_request *r, int fd, int timeout_ms, then_fn *then, void *arg,
		struct err *err);

/* JSON to be put together with json-c. Views are made valid UTF-8. */
struct json_object *json_of(struct view text);
void json_set(struct json_object *object, const char *name, struct json_object *value);
void json_set_text(struct json_object *object, const char *name, struct view text);
void json_set_number(struct json_object *object, const char *name, int64_t n);
void json_set_flag(struct json_object *object, const char *name, bool flag);
/* RFC 3339 in UTC; 0: the field is left out. */
void json_set_time(struct json_object *object, const char *name, int64_t time_s);

#endif
