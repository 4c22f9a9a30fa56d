/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui-backend/request_priv.h"

#include "base/log.h"

#include <stdio.h>

enum { COOKIE_MAX = 512 };

/* --- fields ------------------------------------------------------------------------------------- */

/* Nothing in a value ends its line. */
static bool is_field_text(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return false;
	return true;
}

void reply_header(struct api_request *r, const char *name, const char *value)
{
	struct header_field field = {arena_str(r->arena, name), arena_str(r->arena, value)};

	must(is_field_text(name) && is_field_text(value));
	ARENA_PUSH(r->arena, r->priv->headers, field);
}

/* Secure, unless it is a trial without a proxy on this very machine: by plain HTTP no browser would keep it. */
void reply_cookie(struct api_request *r, const char *value, int64_t max_age_s)
{
	bool trial = !r->by_proxy && !r->over_tls;
	char text[COOKIE_MAX];

	snprintf(text, sizeof(text),
		 CALLER_COOKIE "=%s; Path=%s; HttpOnly; SameSite=Strict%s; Max-Age=%lld", value,
		 r->settings->base, trial ? "" : "; Secure", (long long)max_age_s);
	reply_header(r, "Set-Cookie", text);
}

static bool has_header(const struct api_request *r, const char *name)
{
	for (size_t i = 0; i < r->priv->headers.n; i++)
		if (strcmp(r->priv->headers.v[i].name, name) == 0)
			return true;
	return false;
}

/* What protects whoever reads the answer. The browser is told by the proxy to use TLS alone (HSTS). */
static void protect(struct api_request *r)
{
	static const struct header_field always[] = {
		{"X-Content-Type-Options", "nosniff"},
		{"Referrer-Policy", "no-referrer"},
		{"Cross-Origin-Opener-Policy", "same-origin"},
		{"Cross-Origin-Resource-Policy", "same-origin"},
		{"X-Robots-Tag", "noindex, nofollow"},
		{"Permissions-Policy", "accelerometer=(), camera=(), geolocation=(), gyroscope=(), "
				       "microphone=(), payment=(), usb=()"},
	};
	static const struct header_field unless_set[] = {
		{"Cache-Control", "no-store"},
		{"Content-Security-Policy",
		 "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; sandbox"},
	};

	for (size_t i = 0; i < sizeof(always) / sizeof(*always); i++)
		reply_header(r, always[i].name, always[i].value);
	for (size_t i = 0; i < sizeof(unless_set) / sizeof(*unless_set); i++)
		if (!has_header(r, unless_set[i].name))
			reply_header(r, unless_set[i].name, unless_set[i].value);
}

int reply_with(struct api_request *r, unsigned status, struct MHD_Response *response)
{
	must(response != NULL && r->priv->response == NULL);
	protect(r);
	for (size_t i = 0; i < r->priv->headers.n; i++)
		must(MHD_add_response_header(response, r->priv->headers.v[i].name,
					     r->priv->headers.v[i].value) == MHD_YES);
	r->priv->response = response;
	r->priv->status = status;
	return 0;
}

/* --- JSON --------------------------------------------------------------------------------------- */

static int reply_json_as(struct api_request *r, unsigned status, const char *type,
			 struct json_object *body)
{
	size_t len;
	const char *text = json_object_to_json_string_length(
		body, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &len);
	struct MHD_Response *response = MHD_create_response_from_buffer(len, (void *)text,
									MHD_RESPMEM_MUST_COPY);

	json_object_put(body);
	reply_header(r, "Content-Type", type);
	return reply_with(r, status, response);
}

int reply_json(struct api_request *r, unsigned status, struct json_object *body)
{
	return reply_json_as(r, status, "application/json", body);
}

int reply_nothing(struct api_request *r)
{
	return reply_with(r, 204, MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT));
}

/* Of what was asked wrongly, the words are for who asked. What is not there is the same whatever it is; what went wrong inside is told
 * to the administrator alone. */
static bool is_for_asker(const struct api_request *r, enum err_kind kind)
{
	switch (kind) {
	case ERR_NOTFOUND:
	case ERR_ERASED:
		return false;
	case ERR_USAGE:
	case ERR_SYNTAX:
	case ERR_EXISTS:
	case ERR_TOOBIG:
	case ERR_NOTMAIL:
	case ERR_METHOD:
	case ERR_MEDIATYPE:
		return true;
	default:
		return r->route != NULL && r->route->needs == NEEDS_CONFIGURE;
	}
}

static void log_problem(const struct api_request *r, const struct err *err)
{
	if (err_http(err->kind) >= 500)
		log_error("request failed route=%s: %s", r->route ? r->route->name : "page",
			  err->text);
	else
		log_debug("request refused route=%s code=%s", r->route ? r->route->name : "page",
			  err_code(err->kind));
}

struct problem_more {
	unsigned retry_after_s; /* 0: not told */
	bool has_place;
	size_t place;
};

static int reply_problem_with(struct api_request *r, const struct err *err,
			      const struct problem_more *more)
{
	struct json_object *body = json_object_new_object();
	unsigned status = (unsigned)err_http(err->kind);
	const char *sentence = err_sentence(err->kind);
	char text[64];

	log_problem(r, err);
	snprintf(text, sizeof(text), "urn:sealpost:problem:%s", err_code(err->kind));
	json_set_text(body, "type", VIEW(text));
	json_set_text(body, "title", VIEW(sentence));
	json_set_number(body, "status", status);
	json_set_text(body, "code", VIEW(err_code(err->kind)));
	json_set_text(body, "detail",
		      VIEW(is_for_asker(r, err->kind) && *err->text ? err->text : sentence));
	if (more->has_place)
		json_set_number(body, "position", (int64_t)more->place);
	if (more->retry_after_s > 0) {
		json_set_number(body, "retryAfter", more->retry_after_s);
		snprintf(text, sizeof(text), "%u", more->retry_after_s);
		reply_header(r, "Retry-After", text);
	}
	/* RFC 9110, section 15.5.2: with each 401. No scheme that makes a browser ask for itself. */
	if (status == 401)
		reply_header(r, "WWW-Authenticate", "Bearer");
	return reply_json_as(r, status, "application/problem+json", body);
}

int reply_problem_later(struct api_request *r, const struct err *err, unsigned seconds)
{
	return reply_problem_with(r, err, &(struct problem_more){.retry_after_s = seconds});
}

int reply_problem_at(struct api_request *r, const struct err *err, size_t at)
{
	return reply_problem_with(r, err, &(struct problem_more){.has_place = true, .place = at});
}

int reply_problem(struct api_request *r, const struct err *err)
{
	return reply_problem_later(r, err, err_retry(err->kind) ? 5 : 0);
}

/* --- bytes -------------------------------------------------------------------------------------- */

/* Scripts in it do not run and nothing is loaded, also by who opens it by its address. A PDF's viewer is no part of the document and does not
 * work in a sandbox. */
static const char *policy_of(const struct reply_file *file)
{
	return strcmp(file->type, "application/pdf") == 0
		       ? "default-src 'none'; style-src 'unsafe-inline'; object-src 'self'; "
			 "plugin-types application/pdf; frame-ancestors 'self'; base-uri 'none'"
		       : "default-src 'none'; frame-ancestors 'self'; base-uri 'none'; sandbox";
}

static void describe(struct api_request *r, const struct reply_file *file)
{
	CLEAN_STR disposition = STR_INIT;

	disposition_add(&disposition, file->shown ? "inline" : "attachment", file->name,
			file->fallback);
	reply_header(r, "Content-Type", file->type);
	reply_header(r, "Content-Disposition", disposition.data);
	if (file->shown)
		reply_header(r, "Content-Security-Policy", policy_of(file));
}

int reply_file(struct api_request *r, const struct reply_file *file, struct str *data)
{
	bool owned = data->cap > 0;
	struct MHD_Response *response = MHD_create_response_from_buffer(
		data->len, data->data, owned ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);

	str_init(data);
	describe(r, file);
	return reply_with(r, 200, response);
}

struct stream {
	read_fn *read;
	void *arg;
};

static ssize_t on_read(void *arg, uint64_t offset, char *out, size_t max)
{
	struct stream *s = arg;
	ssize_t n = s->read(s->arg, offset, out, max);

	return n > 0    ? n
	       : n == 0 ? MHD_CONTENT_READER_END_OF_STREAM
			: MHD_CONTENT_READER_END_WITH_ERROR;
}

int reply_stream(struct api_request *r, const struct reply_file *file, int64_t size, read_fn *read,
		 void *arg)
{
	enum { BLOCK_BYTES = 64 * 1024 };
	struct stream *s = arena_get(r->arena, sizeof(*s));

	*s = (struct stream){read, arg};
	describe(r, file);
	return reply_with(
		r, 200,
		MHD_create_response_from_callback(size < 0 ? MHD_SIZE_UNKNOWN : (uint64_t)size,
						  BLOCK_BYTES, on_read, s, NULL));
}

/* --- later -------------------------------------------------------------------------------------- */

int reply_later(struct api_request *r, int fd, int timeout_ms, then_fn *then, void *arg,
		struct err *err)
{
	must(r->priv->response == NULL);
	r->priv->then = then;
	r->priv->then_arg = arg;
	return server_wait(r, fd, timeout_ms, err);
}
