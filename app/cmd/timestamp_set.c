/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/cmd/timestamp_priv.h"
#include "base/clock.h"
#include "base/file.h"
#include "tsa/authority.h"
#include "tsa/token.h"

#include <fcntl.h>
#include <json-c/json.h>

enum { PEM_MAX = 256 * 1024, KEY_MAX = 32 * 1024 };

/* A given text; "" takes the setting away. */
static void set_text(const char *given, char **to, struct arena *arena)
{
	if (given != NULL)
		*to = arena_str(arena, given);
}

static void set_number(uint64_t given, uint64_t *to)
{
	if (given != OPTION_NOT_GIVEN)
		*to = given;
}

/* The content of a given file; "" takes the setting away. */
static int set_file(const char *given, char **to, struct arena *arena, struct err *err)
{
	CLEAN_STR text = STR_INIT;

	if (given == NULL)
		return 0;
	if (given[0] != '\0' && file_read(given, PEM_MAX, &text, err) < 0)
		return -1;
	*to = arena_strn(arena, text.data, text.len);
	return 0;
}

static int set_key(const char *given, struct secret **to, struct err *err)
{
	CLEAN_FD fd = -1;

	if (given == NULL)
		return 0;
	secret_free(to);
	if (given[0] == '\0')
		return 0;
	fd = open(given, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? err_errno(err, "%s: %m", given) : secret_read_fd(fd, KEY_MAX, to, err);
}

static int set_password(const char *given, struct secret **to, struct err *err)
{
	if (given == NULL)
		return 0;
	secret_free(to);
	return given[0] == '\0' ? 0 : secret_read_line_file(given, to, err);
}

static int fill(struct authority *t, const struct timestamp_options *o, struct arena *arena,
		struct err *err)
{
	uint64_t timeout_s = o->timeout;

	set_text(o->url, &t->url, arena);
	set_text(o->policy, &t->policy, arena);
	set_text(o->user, &t->user, arena);
	set_text(o->proxy, &t->proxy, arena);
	set_text(o->proxy_user, &t->proxy_user, arena);
	set_number(o->tolerance, &t->tolerance_s);
	set_number(o->renew_days, &t->renew_days);
	if (timeout_s != OPTION_NOT_GIVEN)
		t->timeout_ms = timeout_s > 3600 ? 3600 * 1000 : (int)timeout_s * 1000;
	if (o->hash != NULL && digest_by_name(o->hash, &t->digest) < 0)
		return err_set(err, ERR_SYNTAX, "\"%s\" is none of sha256, sha384, sha512",
			       o->hash);
	if (set_file(o->ca, &t->ca, arena, err) < 0 ||
	    set_file(o->tls_ca, &t->tls_ca, arena, err) < 0 ||
	    set_file(o->client_cert, &t->client_cert, arena, err) < 0 ||
	    set_key(o->client_key, &t->client_key, err) < 0 ||
	    set_password(o->password_file, &t->password, err) < 0)
		return -1;
	return set_password(o->proxy_password_file, &t->proxy_password, err);
}

/* ---- settings of the page: one JSON object, which may hold a password ---- */

static void set_json_text(struct json_object *object, const char *name, char **to,
			  struct arena *arena)
{
	struct json_object *value;

	if (json_object_object_get_ex(object, name, &value) &&
	    json_object_is_type(value, json_type_string))
		*to = arena_str(arena, json_object_get_string(value));
}

static void set_json_password(struct json_object *object, struct authority *t)
{
	struct json_object *value;
	const char *text;

	if (!json_object_object_get_ex(object, "password", &value) ||
	    !json_object_is_type(value, json_type_string))
		return;
	text = json_object_get_string(value);
	secret_free(&t->password);
	if (text[0] != '\0')
		t->password = secret_copy(text, strlen(text));
}

static int fill_json(struct authority *t, struct json_object *object, struct arena *arena,
		     struct err *err)
{
	char *hash = NULL;

	if (!json_object_is_type(object, json_type_object))
		return err_set(err, ERR_SYNTAX, "the settings are no JSON object");
	set_json_text(object, "url", &t->url, arena);
	set_json_text(object, "ca", &t->ca, arena);
	set_json_text(object, "policy", &t->policy, arena);
	set_json_text(object, "user", &t->user, arena);
	set_json_text(object, "hash", &hash, arena);
	set_json_password(object, t);
	if (hash != NULL && digest_by_name(hash, &t->digest) < 0)
		return err_set(err, ERR_SYNTAX, "hash is none of sha256, sha384, sha512");
	return 0;
}

static int fill_from_file(struct authority *t, const char *path, struct arena *arena,
			  struct err *err)
{
	CLEAN_STR text = STR_INIT;
	struct json_object *object;
	int rc;

	str_reserve(&text, PEM_MAX); /* at once, so that no copy of it stays elsewhere */
	if (file_read(path, PEM_MAX, &text, err) < 0)
		return -1;
	object = json_tokener_parse(text.data);
	rc = fill_json(t, object, arena, err);
	json_object_put(object);
	explicit_bzero(text.data, text.len);
	return rc;
}

/* Ask for one token, over random bytes, and look at it as closely as at those that will count. */
static int try_it(const struct authority *t, struct arena *arena, struct token_info *info_r,
		  struct err *err)
{
	CLEAN(token_trust) trust = NULL;
	CLEAN_STR request_der = STR_INIT;
	CLEAN_STR response = STR_INIT;
	struct token_request request = {.alg = t->digest, .policy = t->policy};
	struct view token;

	crypto_random(request.imprint.b, digest_bytes(t->digest));
	if (token_trust_new(VIEW(t->ca), &trust, err) < 0 ||
	    token_request_write(&request, &request_der, err) < 0 ||
	    authority_ask(t, str_view(&request_der), &response, err) < 0)
		return -1;
	return token_of_response(str_view(&response), &request, trust, clock_s(),
				 (int64_t)t->tolerance_s, arena, &token, info_r, err);
}

static int forget(struct cmd *cmd, struct archive *a)
{
	struct err err = {0};

	if (authority_save(archive_catalog(a), NULL, &err) < 0)
		return cmd_fail(cmd, &err);
	printf("no timestamping authority is set any more. What was stamped stays proved; what "
	       "comes "
	       "waits.\n");
	return EXIT_DONE;
}

static int not_set(const struct cmd *cmd, const struct err *err)
{
	return cmd_fail_meaning(
		cmd, err,
		"Nothing was changed: the settings are as they were, and mails wait "
		"for a timestamp, or get one, as before.");
}

static int load(struct archive *a, const struct timestamp_options *o, struct arena *arena,
		struct authority *authority, struct err *err)
{
	if (authority_load(archive_catalog(a), arena, authority, err) < 0)
		return -1;
	return o->settings != NULL ? fill_from_file(authority, o->settings, arena, err)
				   : fill(authority, o, arena, err);
}

/* What `set` does before it keeps them. */
int timestamp_try(struct cmd *cmd, struct archive *a, const struct timestamp_options *o)
{
	CLEAN(arena) arena = arena_new();
	CLEAN_AUTHORITY authority = {0};
	struct token_info info;
	struct err err = {0};

	if (load(a, o, arena, &authority, &err) < 0)
		return not_set(cmd, &err);
	if (authority.url == NULL || authority.ca == NULL) {
		err_set(&err, ERR_SYNTAX,
			"the authority's address and its CA certificate are needed");
		return not_set(cmd, &err);
	}
	if (authority_check(&authority, &err) < 0 || try_it(&authority, arena, &info, &err) < 0)
		return not_set(cmd, &err);
	printf("%s answers as it should\n", info.authority);
	return EXIT_DONE;
}

int timestamp_set(struct cmd *cmd, struct archive *a, const struct timestamp_options *o)
{
	CLEAN(arena) arena = arena_new();
	CLEAN_AUTHORITY authority = {0};
	CLEAN_STR ends = STR_INIT;
	struct token_info info;
	struct err err = {0};

	if (o->forget)
		return forget(cmd, a);
	if (load(a, o, arena, &authority, &err) < 0)
		return not_set(cmd, &err);
	if (authority.url == NULL || authority.ca == NULL)
		return cmd_usage(cmd, "the authority's --url and the --ca certificate that its "
				      "tokens must lead to are needed");
	if (authority_check(&authority, &err) < 0 || try_it(&authority, arena, &info, &err) < 0 ||
	    authority_save(archive_catalog(a), &authority, &err) < 0)
		return not_set(cmd, &err);
	clock_add_utc(&ends, info.ends_s);
	if (cmd->json) {
		CLEAN_STR out = STR_INIT;

		str_adds(&out, "{\"authority\": ");
		cmd_json_text(&out, VIEW(info.authority));
		str_addf(&out, ", \"ends\": \"%s\"}\n", ends.data);
		return cmd_print(&out) < 0 ? EXIT_FAILED : EXIT_DONE;
	}
	printf("%s answers as it should; its certificates are good until %s.\n", info.authority,
	       ends.data);
	return EXIT_DONE;
}
