/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui-backend/request_priv.h"

#include "app/catalog/audit.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/log.h"
#include "ui-backend/webroot.h"

#include <arpa/inet.h>

/* Who is not logged in has a password to send, or a key's sheet; a thousand of them must not fill the memory of a small machine. */
enum { BODY_OF_ANYBODY = 128 * 1024 };
enum { JSON_DEPTH_MAX = 16, AGENT_MAX = 120, RAW_MAX = 24 * 1024 };

static const char api_path[] = "api", api_version[] = "v1";

/* --- life --------------------------------------------------------------------------------------- */

struct api_request *request_new(struct server *server, struct MHD_Connection *connection,
				const char *raw)
{
	struct arena *arena = arena_new();
	struct api_request *r = arena_get(arena, sizeof(*r));

	r->arena = arena;
	r->priv = arena_get(arena, sizeof(*r->priv));
	r->priv->server = server;
	r->priv->connection = connection;
	r->priv->begun_ms = clock_monotonic_ms();
	r->priv->raw = VIEW(arena_strn(arena, raw, strnlen(raw, RAW_MAX)));
	r->settings = server_settings(server);
	r->archive_dir = server_archive_dir(server);
	r->client = r->agent = r->host = VIEW("");
	str_init(&r->priv->body);
	return r;
}

void request_at_end(struct api_request *r, void (*fn)(void *arg), void *arg)
{
	struct at_end end = {fn, arg};

	ARENA_PUSH(r->arena, r->priv->ends, end);
}

static void give_room(void *arg)
{
	room_give(arg);
}

int request_room(struct api_request *r, uint64_t bytes, struct err *err)
{
	struct room_share **share = arena_get(r->arena, sizeof(struct room_share *));

	if (room_take(server_room(r->priv->server), bytes, share, err) < 0)
		return -1;
	request_at_end(r, give_room, share);
	return 0;
}

/* Passwords come in bodies. */
static void wipe_body(struct str *body)
{
	if (body->cap > 0)
		explicit_bzero(body->data, body->cap);
	str_clear(body);
}

void request_free(struct api_request **request)
{
	struct api_request *r = *request;
	struct arena *arena;

	if (r == NULL)
		return;
	while (r->priv->ends.n > 0) {
		struct at_end *end = &r->priv->ends.v[--r->priv->ends.n];

		end->fn(end->arg);
	}
	if (r->priv->response != NULL)
		MHD_destroy_response(r->priv->response);
	json_object_put(r->body);
	wipe_body(&r->priv->body);
	held_archive_free(&r->priv->held);
	arena = r->arena;
	arena_free(&arena);
	*request = NULL;
}

/* --- what came ---------------------------------------------------------------------------------- */

struct view request_header(const struct api_request *r, const char *name)
{
	const char *value = MHD_lookup_connection_value(r->priv->connection, MHD_HEADER_KIND, name);

	return value ? VIEW(value) : VIEW("");
}

struct view request_param(const struct api_request *r, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < r->priv->params.n; i++)
		if (strncmp(r->priv->params.v[i].name, name, len) == 0 &&
		    r->priv->params.v[i].name[len] == '}')
			return r->priv->params.v[i].value;
	must(!"the route has no such parameter");
	return VIEW("");
}

int request_param_id(const struct api_request *r, const char *name, struct uuid *id_r,
		     struct err *err)
{
	struct view text = request_param(r, name);

	/* one text for one thing: dashes where they belong, lower case */
	if (uuid_read(text, id_r) < 0 ||
	    !view_eq(text, VIEW(uuid_text(id_r, (char[UUID_TEXT + 1]){0}))))
		return err_set(err, ERR_NOTFOUND, "there is no such thing");
	return 0;
}

static int read_number(struct view text, uint64_t min, uint64_t max, uint64_t *n_r)
{
	CLEAN_STR s = STR_INIT;

	str_addv(&s, text);
	if (text.len == 0 || strspn(s.data, "0123456789") != text.len ||
	    (text.len > 1 && text.data[0] == '0') || conf_number(s.data, n_r) < 0)
		return -1;
	return *n_r < min || *n_r > max ? -1 : 0;
}

int request_param_number(const struct api_request *r, const char *name, uint64_t *n_r,
			 struct err *err)
{
	if (read_number(request_param(r, name), 0, INT64_MAX, n_r) < 0)
		return err_set(err, ERR_NOTFOUND, "there is no such thing");
	return 0;
}

int request_query(const struct api_request *r, const char *name, struct view *value_r)
{
	*value_r = VIEW("");
	for (size_t i = 0; i < r->priv->uri.query.n; i++)
		if (view_eq(r->priv->uri.query.v[i].name, VIEW(name))) {
			*value_r = r->priv->uri.query.v[i].value;
			return 1;
		}
	return 0;
}

int request_query_number(const struct api_request *r, const char *name, uint64_t min, uint64_t max,
			 uint64_t default_, uint64_t *n_r, struct err *err)
{
	struct view text;

	*n_r = default_;
	if (!request_query(r, name, &text))
		return 0;
	if (read_number(text, min, max, n_r) < 0)
		return err_set(err, ERR_SYNTAX, "%s is to be a number from %llu to %llu", name,
			       (unsigned long long)min, (unsigned long long)max);
	return 1;
}

int request_query_flag(const struct api_request *r, const char *name, bool *flag_r, struct err *err)
{
	struct view text;

	*flag_r = false;
	if (!request_query(r, name, &text))
		return 0;
	*flag_r = view_eq(text, VIEW("true"));
	if (!*flag_r && !view_eq(text, VIEW("false")))
		return err_set(err, ERR_SYNTAX, "%s is to be true or false", name);
	return 1;
}

int request_query_only(const struct api_request *r, const char *const *names, struct err *err)
{
	for (size_t i = 0; i < r->priv->uri.query.n; i++) {
		bool known = false;

		for (size_t k = 0; names[k] != NULL && !known; k++)
			known = view_eq(r->priv->uri.query.v[i].name, VIEW(names[k]));
		if (!known)
			return err_set(err, ERR_SYNTAX,
				       "the address has a parameter that is not known there");
	}
	return 0;
}

void request_take_body(struct api_request *r, uint64_t max, piece_fn *piece, body_end_fn *end,
		       void *arg)
{
	r->priv->body_max = max;
	r->priv->piece = piece;
	r->priv->body_end = end;
	r->priv->body_arg = arg;
}

/* --- the head ----------------------------------------------------------------------------------- */

struct head {
	size_t bytes, fields, hosts, lengths, codings;
};

static enum MHD_Result weigh(void *arg, enum MHD_ValueKind kind, const char *key, size_t key_len,
			     const char *value, size_t value_len)
{
	struct head *head = arg;
	struct view name = {key, key_len};

	(void)kind;
	(void)value;
	head->bytes += key_len + value_len + 4;
	head->fields++;
	head->hosts += view_eq_nocase(name, VIEW("Host"));
	head->lengths += view_eq_nocase(name, VIEW("Content-Length"));
	head->codings += view_eq_nocase(name, VIEW("Transfer-Encoding"));
	return MHD_YES;
}

/* What two servers could read in two ways, the one behind the other, is not read at all (RFC 9112, section 11.2). */
static int check_head(struct api_request *r, struct err *err)
{
	struct head head = {.bytes = r->priv->raw.len};

	MHD_get_connection_values_n(r->priv->connection, MHD_HEADER_KIND, weigh, &head);
	if (head.bytes > r->settings->max_head_bytes)
		return err_set(err, ERR_TOOBIG, "the head of the request is too large");
	if (head.hosts > 1 || head.lengths + head.codings > 1)
		return err_set(err, ERR_SYNTAX, "the head of the request says a thing twice");
	return 0;
}

/* The peer's address as text; "" for a Unix socket. */
static const char *peer_of(const struct api_request *r)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		r->priv->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *addr = info ? info->client_addr : NULL;
	char text[INET6_ADDRSTRLEN] = "";

	if (addr != NULL && addr->sa_family == AF_INET)
		inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)addr)->sin_addr,
			  text, sizeof(text));
	else if (addr != NULL && addr->sa_family == AF_INET6)
		inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)addr)->sin6_addr,
			  text, sizeof(text));
	return arena_str(r->arena, text);
}

static bool is_trusted(const struct api_request *r, const char *peer)
{
	if (*peer == '\0')
		return r->settings->trust_unix;
	return network_holds(r->settings->network, r->settings->n_network, peer);
}

/* The last of the list is what our own proxy has added; what stands before it came from outside. */
static struct view last_of(struct view list)
{
	struct view part = VIEW("");

	while (view_cut(&list, ',', &part))
		;
	return view_trim(part);
}

static struct view cut_agent(struct api_request *r)
{
	struct view raw = request_header(r, "User-Agent");
	CLEAN_STR safe = STR_INIT;

	if (raw.len > AGENT_MAX)
		raw.len = AGENT_MAX;
	str_addsafe(&safe, raw, false);
	return arena_view(r->arena, str_view(&safe));
}

static bool is_loopback(struct view host)
{
	return view_eq(host, VIEW("localhost")) || view_eq(host, VIEW("127.0.0.1")) ||
	       view_eq(host, VIEW("[::1]"));
}

/* A page elsewhere whose name was made to point here (DNS rebinding) comes with its own name. */
static bool host_is_ours(const struct api_request *r)
{
	const struct conf_list *hosts = &r->settings->hosts;

	for (size_t i = 0; i < hosts->n; i++)
		if (view_eq_nocase(r->host, VIEW(hosts->v[i])))
			return true;
	return is_loopback(r->host) || (hosts->n == 0 && r->by_proxy);
}

static int find_client(struct api_request *r, struct err *err)
{
	const char *peer = peer_of(r);
	struct view host = request_header(r, "Host");
	struct view forwarded = request_header(r, "X-Forwarded-Host");

	r->agent = cut_agent(r);
	r->client = VIEW(peer);
	r->by_proxy = is_trusted(r, peer);
	if (r->by_proxy) {
		struct view told = last_of(request_header(r, "X-Forwarded-For"));

		if (told.len > 0 && told.len < 64 && utf8_is_clean(told, false))
			r->client = arena_view(r->arena, told);
		r->over_tls = view_eq(last_of(request_header(r, "X-Forwarded-Proto")),
				      VIEW("https"));
		if (forwarded.len > 0)
			host = last_of(forwarded);
	}
	if (host_read(r->arena, host, &r->host) < 0)
		return err_set(err, ERR_SYNTAX, "the request does not say for which host it is");
	return host_is_ours(r)
		       ? 0
		       : err_set(err, ERR_WRONGHOST, "the archive is not reached by this name");
}

/* 1 with the segments behind api/v1; 0 it is for the page. */
static int is_for_api(const struct uri *uri)
{
	return uri->segments.n >= 2 && view_eq(uri->segments.v[0], VIEW(api_path)) &&
	       view_eq(uri->segments.v[1], VIEW(api_version));
}

static int find_route(struct api_request *r, const char *method_name, struct err *err)
{
	const struct uri *uri = &r->priv->uri;
	CLEAN_STR allowed = STR_INIT;
	enum api_method method;
	bool known = method_read(method_name, &method) == 0;
	int rc = route_find(known ? method : METHODS, uri->segments.v + 2, uri->segments.n - 2,
			    &r->route, &r->priv->params);

	if (r->route == NULL || uri->ends_in_slash)
		return err_set(err, ERR_NOTFOUND, "there is no such route");
	if (rc > 0)
		return 0;
	route_methods(uri->segments.v + 2, uri->segments.n - 2, &allowed);
	reply_header(r, "Allow", arena_str(r->arena, allowed.data));
	return err_set(err, ERR_METHOD, "this can be done there: %s", allowed.data);
}

static int hold_archive(struct api_request *r, struct err *err)
{
	int rc = served_hold(server_served(r->priv->server), &r->priv->held, err);

	if (rc > 0)
		r->archive = held_archive(r->priv->held);
	if (rc == 0 && !(r->route->flags & ROUTE_BARE))
		return err_set(err, ERR_NOARCHIVE, "there is no archive in the directory");
	return rc < 0 ? -1 : 0;
}

static bool is_json(struct view type)
{
	struct view name;

	view_cut(&type, ';', &name);
	return view_eq_nocase(view_trim(name), VIEW("application/json"));
}

static int check_body(struct api_request *r, struct err *err)
{
	struct view length = request_header(r, "Content-Length");
	bool chunked = request_header(r, "Transfer-Encoding").len > 0;
	uint64_t n = 0;

	if (length.len > 0 && read_number(length, 0, INT64_MAX, &n) < 0)
		return err_set(err, ERR_SYNTAX, "Content-Length is no number");
	if (r->route->body == BODY_NOTHING) {
		r->priv->body_max = 0;
		return n > 0 || chunked ? err_set(err, ERR_SYNTAX, "this takes no body") : 0;
	}
	if (r->route->body == BODY_JSON) {
		r->priv->body_max = r->settings->max_json_bytes;
		if (r->route->needs == NEEDS_none && r->priv->body_max > BODY_OF_ANYBODY)
			r->priv->body_max = BODY_OF_ANYBODY;
		if (!is_json(request_header(r, "Content-Type")))
			return err_set(err, ERR_MEDIATYPE, "this takes application/json");
	}
	if (r->route->body == BODY_STREAM) {
		r->priv->body_max = 0;
		if (r->route->handler(r, err) < 0)
			return -1;
	}
	return n > r->priv->body_max ? err_set(err, ERR_TOOBIG, "at most %llu bytes are taken here",
					       (unsigned long long)r->priv->body_max)
				     : 0;
}

/* Whoever acts from now on in this process. */
static void act_as(const struct api_request *r)
{
	audit_set_who(r->caller.known ? r->caller.who : "nobody");
}

static int begin_api(struct api_request *r, const char *method, struct err *err)
{
	if (find_route(r, method, err) < 0 || hold_archive(r, err) < 0)
		return -1;
	if (r->archive != NULL && caller_find(r, err) < 0)
		return -1;
	act_as(r);
	return caller_may(r, err) < 0 ? -1 : check_body(r, err);
}

int request_begin(struct api_request *r, const char *method, struct err *err)
{
	int rc;

	r->priv->state = REQUEST_BODY;
	if (check_head(r, err) < 0 || find_client(r, err) < 0)
		return -1;
	rc = uri_read(r->arena, r->priv->raw, r->settings->base, &r->priv->uri, err);
	if (rc < 0)
		return -1;
	if (rc == 0)
		return err_set(err, ERR_NOTFOUND, "there is nothing outside of %s",
			       r->settings->base);
	if (is_for_api(&r->priv->uri))
		return begin_api(r, method, err);
	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
		return err_set(err, ERR_METHOD, "the page is only to be looked at");
	return 0;
}

/* --- the body ----------------------------------------------------------------------------------- */

static int take(struct api_request *r, struct view piece, struct err *err)
{
	if (r->priv->body_len > r->priv->body_max)
		return err_set(err, ERR_TOOBIG, "at most %llu bytes are taken here",
			       (unsigned long long)r->priv->body_max);
	if (r->priv->piece != NULL)
		return r->priv->piece(r, r->priv->body_arg, piece, err);
	str_addv(&r->priv->body, piece);
	return 0;
}

int request_take(struct api_request *r, const char *data, size_t len)
{
	enum { THROWN_AWAY_MAX = 1024 * 1024 };
	struct request_priv *p = r->priv;

	p->body_len += len;
	act_as(r);
	if (p->body_err.kind == ERR_NONE)
		take(r, (struct view){data, len}, &p->body_err);
	/* MHD's buffer, which the next request on this connection would have before it */
	explicit_bzero((char *)data, len);
	return p->body_err.kind != ERR_NONE && p->body_len > p->body_max + THROWN_AWAY_MAX ? -1 : 0;
}

/* A repeated name, which two programs could read in two ways, is not seen any more by json-c; the last counts. */
static int read_json(struct api_request *r, struct err *err)
{
	struct json_tokener *tokener = json_tokener_new_ex(JSON_DEPTH_MAX);
	enum json_tokener_error error;

	must(tokener != NULL);
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	r->body = json_tokener_parse_ex(tokener, r->priv->body.data, (int)r->priv->body.len);
	error = json_tokener_get_error(tokener);
	if (error == json_tokener_success &&
	    json_tokener_get_parse_end(tokener) != r->priv->body.len)
		error = json_tokener_error_parse_unexpected;
	json_tokener_free(tokener);
	wipe_body(&r->priv->body);
	if (error == json_tokener_error_depth)
		return err_set(err, ERR_TOOBIG, "the JSON is nested too deeply");
	if (error != json_tokener_success || !json_object_is_type(r->body, json_type_object))
		return err_set(err, ERR_SYNTAX, "the body is no object in JSON");
	return 0;
}

static int answer(struct api_request *r, struct err *err)
{
	if (r->priv->body_err.kind != ERR_NONE) {
		*err = r->priv->body_err;
		return -1;
	}
	if (r->route == NULL)
		return webroot_answer(server_webroot(r->priv->server), r, err);
	act_as(r);
	if (r->route->body == BODY_JSON && read_json(r, err) < 0)
		return -1;
	if (r->route->body == BODY_STREAM)
		return r->priv->body_end(r, r->priv->body_arg, err);
	return r->route->handler(r, err);
}

void request_finish(struct api_request *r)
{
	struct err err = {0};

	if (answer(r, &err) < 0)
		request_fail(r, &err);
	must(r->priv->response != NULL || r->priv->state == REQUEST_WAITING);
	audit_set_who("sealpost-api");
}

void request_go_on(struct api_request *r)
{
	struct err err = {0};

	r->priv->state = REQUEST_BODY;
	act_as(r);
	if (r->priv->then(r, r->priv->then_arg, r->priv->late, &err) < 0)
		request_fail(r, &err);
	must(r->priv->response != NULL || r->priv->state == REQUEST_WAITING);
	audit_set_who("sealpost-api");
}

void request_fail(struct api_request *r, const struct err *err)
{
	if (r->priv->response != NULL)
		MHD_destroy_response(TAKE(r->priv->response));
	if (r->archive != NULL)
		catalog_rollback(archive_catalog(r->archive));
	reply_problem(r, err);
}
