/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/intake/fetch/oauth.h"

#include "app/intake/fetch/transfer.h"

#include <ctype.h>
#include <json-c/json.h>

enum {
	ANSWER_MAX = 1 << 20,
	INTERVAL_S =
		5, /* RFC 8628, section 3.5: between two questions, and more if told to slow down */
	INTERVAL_S_MAX = 60,
	EXPIRES_S_MAX = 3600
};

#define DEVICE_GRANT "urn:ietf:params:oauth:grant-type:device_code"

static const struct preset {
	const char *name, *token_url, *device_url, *scope;
	const char *app_scope; /* for client credentials */
} presets[] = {
#define X(name, token_url, device_url, scope, app_scope)                                           \
	{name, token_url, device_url, scope, app_scope},
	OAUTH_PRESETS(X)
#undef X
};

struct oauth {
	struct ledger *ledger;
	int stop_fd;
	struct fetch_job job; /* with the preset's values */
	struct str *token;
};

/* What a token server answers; json_object_put() it. */
struct answer {
	long status; /* HTTP */
	struct json_object *json;
};

/* --- asking ----------------------------------------------------------------------------------- */

static void add_field(struct str *form, const char *name, struct view value)
{
	static const char hex[] = "0123456789ABCDEF";

	if (value.len == 0)
		return;
	str_addf(form, "%s%s=", form->len > 0 ? "&" : "", name);
	for (size_t i = 0; i < value.len; i++) {
		unsigned char c = (unsigned char)value.data[i];

		if (isalnum(c) || strchr("-._~", c) != NULL) {
			str_addc(form, (char)c);
		} else {
			str_addc(form, '%');
			str_addc(form, hex[c >> 4]);
			str_addc(form, hex[c & 15]);
		}
	}
}

static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
	struct str *body = arg;

	if (body->len + size * n > ANSWER_MAX)
		return 0;
	str_add(body, data, size * n);
	return size * n;
}

static bool is_part(CURLU *url, CURLUPart part, const char *const *values, size_t n)
{
	char *text;
	bool is = false;

	if (curl_url_get(url, part, &text, 0) != CURLUE_OK)
		return false;
	for (size_t i = 0; i < n; i++)
		is = is || strcmp(text, values[i]) == 0;
	curl_free(text);
	return is;
}

/* Plain http to where nobody can listen in. libcurl reads the URL as it will when it connects. */
static bool is_local(const char *address)
{
	static const char *const schemes[] = {"http"};
	static const char *const hosts[] = {"127.0.0.1", "localhost", "[::1]"};
	CURLU *url = curl_url();
	bool is = url != NULL && curl_url_set(url, CURLUPART_URL, address, 0) == CURLUE_OK &&
		  is_part(url, CURLUPART_SCHEME, schemes, sizeof(schemes) / sizeof(*schemes)) &&
		  is_part(url, CURLUPART_HOST, hosts, sizeof(hosts) / sizeof(*hosts));

	curl_url_cleanup(url);
	return is;
}

static int post(const struct oauth *o, const char *url, const struct str *form, struct str *body,
		long *status_r, struct err *err)
{
	const struct transfer_options options = {
		.protocols = is_local(url) ? "http" : "https",
		.verify = true,
		.idle_ms = o->job.idle_ms,
		.stop_fd = o->stop_fd,
	};
	struct transfer t;
	CURLcode code;

	if (transfer_init(&t, &options, err) < 0)
		return -1;
	curl_easy_setopt(t.curl, CURLOPT_URL, url);
	curl_easy_setopt(t.curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)form->len);
	curl_easy_setopt(t.curl, CURLOPT_POSTFIELDS, form->data);
	curl_easy_setopt(t.curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(t.curl, CURLOPT_WRITEDATA, body);
	code = transfer_run(&t);
	curl_easy_getinfo(t.curl, CURLINFO_RESPONSE_CODE, status_r);
	if (code != CURLE_OK)
		transfer_failed(&t, code, err);
	transfer_clear(&t);
	return code == CURLE_OK ? 0 : -1;
}

static int ask(const struct oauth *o, struct view url, const struct str *form,
	       struct answer *answer_r, struct err *err)
{
	CLEAN_STR address = STR_INIT;
	CLEAN_STR body = STR_INIT;

	str_addv(&address, url);
	*answer_r = (struct answer){0};
	if (address.len == 0)
		return err_set(err, ERR_USAGE, "the address of the token server is not set");
	if (post(o, address.data, form, &body, &answer_r->status, err) < 0)
		return err_add(err, "token server");
	answer_r->json = json_tokener_parse(body.data);
	if (json_object_is_type(answer_r->json, json_type_object))
		return 0;
	json_object_put(answer_r->json);
	answer_r->json = NULL;
	return err_set(err, ERR_SYNTAX, "the token server answers with no JSON (status %ld)",
		       answer_r->status);
}

static struct view text_of(const struct answer *answer, const char *name)
{
	struct json_object *value;

	if (!json_object_object_get_ex(answer->json, name, &value) ||
	    !json_object_is_type(value, json_type_string))
		return (struct view){NULL, 0};
	return (struct view){json_object_get_string(value),
			     (size_t)json_object_get_string_len(value)};
}

static int64_t number_of(const struct answer *answer, const char *name, int64_t otherwise,
			 int64_t max)
{
	struct json_object *value;
	int64_t n;

	if (!json_object_object_get_ex(answer->json, name, &value))
		return otherwise;
	n = json_object_get_int64(value);
	return n < 1 ? otherwise : n > max ? max : n;
}

/* RFC 6749, section 5.2: the code is a word; anything else is not shown. A server that is in trouble has not refused
 * anything. */
static int refused(const struct answer *answer, struct err *err)
{
	struct view code = text_of(answer, "error");
	bool is_busy = answer->status >= 500 || answer->status == 429;
	bool is_word = code.len > 0 && code.len <= 64;

	for (size_t i = 0; is_word && i < code.len; i++)
		is_word = islower((unsigned char)code.data[i]) || code.data[i] == '_';
	return err_set(err, is_busy ? ERR_OFFLINE : ERR_DENIED,
		       "the token server %s: %.*s (status %ld)",
		       is_busy ? "cannot answer now" : "refused it", is_word ? (int)code.len : 7,
		       is_word ? code.data : "no code", answer->status);
}

/* --- tokens ----------------------------------------------------------------------------------- */

static int keep_refresh_token(struct oauth *o, const struct answer *answer, struct err *err)
{
	struct fetch_token m = {.refresh_token = text_of(answer, "refresh_token")};

	if (m.refresh_token.len == 0 || view_eq(m.refresh_token, o->job.refresh_token))
		return 0;
	return ledger_send_token(o->ledger, &m, err);
}

/* 1 a token; 0 the server says something else. */
static int take_token(struct oauth *o, const struct answer *answer, struct err *err)
{
	struct view token = text_of(answer, "access_token");

	if (token.len == 0)
		return 0;
	str_addv(o->token, token);
	return keep_refresh_token(o, answer, err) < 0 ? -1 : 1;
}

static void add_client(const struct oauth *o, struct str *form)
{
	add_field(form, "client_id", o->job.client_id);
	add_field(form, "client_secret", o->job.client_secret);
}

/* One question that is answered with a token, or not at all. */
static int ask_once(struct oauth *o, const struct str *form, struct err *err)
{
	struct answer answer;
	int rc;

	if (ask(o, o->job.token_url, form, &answer, err) < 0)
		return -1;
	rc = take_token(o, &answer, err);
	if (rc == 0)
		refused(&answer, err);
	json_object_put(answer.json);
	return rc > 0 ? 0 : -1;
}

static int refresh(struct oauth *o, struct err *err)
{
	CLEAN_STR form = STR_INIT;

	add_field(&form, "grant_type", VIEW("refresh_token"));
	add_field(&form, "refresh_token", o->job.refresh_token);
	add_field(&form, "scope", o->job.scope);
	add_client(o, &form);
	return ask_once(o, &form, err);
}

static int use_client_credentials(struct oauth *o, struct err *err)
{
	CLEAN_STR form = STR_INIT;

	add_field(&form, "grant_type", VIEW("client_credentials"));
	add_field(&form, "scope", o->job.scope);
	add_client(o, &form);
	return ask_once(o, &form, err);
}

/* --- device code ------------------------------------------------------------------------------ */

/* 1 the person said yes; 0 not yet, with the time to wait in INTERVAL_S; -1. */
static int ask_device_once(struct oauth *o, const struct str *form, int64_t *interval_s,
			   struct err *err)
{
	struct answer answer;
	struct view code;
	int rc;

	if (ask(o, o->job.token_url, form, &answer, err) < 0)
		return -1;
	rc = take_token(o, &answer, err);
	code = text_of(&answer, "error");
	if (rc == 0 && view_eq(code, VIEW("slow_down")))
		*interval_s += INTERVAL_S;
	else if (rc == 0 && !view_eq(code, VIEW("authorization_pending")))
		rc = refused(&answer, err);
	json_object_put(answer.json);
	return rc;
}

static int await_consent(struct oauth *o, struct view device_code, int64_t interval_s,
			 int64_t expires_s, struct err *err)
{
	CLEAN_STR form = STR_INIT;

	add_field(&form, "grant_type", VIEW(DEVICE_GRANT));
	add_field(&form, "device_code", device_code);
	add_client(o, &form);
	for (int64_t waited_s = 0; waited_s <= expires_s; waited_s += interval_s) {
		int rc;

		if (ledger_pause(o->ledger, interval_s * 1000, err) < 0)
			return -1;
		rc = ask_device_once(o, &form, &interval_s, err);
		if (rc != 0)
			return rc < 0 ? -1 : 0;
	}
	return err_set(err, ERR_DENIED, "nobody entered the code in time");
}

static int show_code(struct oauth *o, const struct answer *answer, int64_t expires_s,
		     struct err *err)
{
	struct fetch_device m = {
		.url = text_of(answer, "verification_uri"),
		.code = text_of(answer, "user_code"),
		.expires_s = (uint64_t)expires_s,
	};

	if (m.url.len == 0)
		m.url = text_of(answer, "verification_url"); /* Google's name for it */
	if (m.url.len == 0 || m.code.len == 0 || text_of(answer, "device_code").len == 0)
		return refused(answer, err);
	return ledger_send_device(o->ledger, &m, err);
}

static int use_device_code(struct oauth *o, struct err *err)
{
	CLEAN_STR form = STR_INIT;
	struct answer answer;
	int64_t expires_s;
	int rc;

	add_field(&form, "client_id", o->job.client_id);
	add_field(&form, "scope", o->job.scope);
	if (ask(o, o->job.device_url, &form, &answer, err) < 0)
		return -1;
	expires_s = number_of(&answer, "expires_in", EXPIRES_S_MAX, EXPIRES_S_MAX);
	rc = show_code(o, &answer, expires_s, err);
	if (rc == 0)
		rc = await_consent(o, text_of(&answer, "device_code"),
				   number_of(&answer, "interval", INTERVAL_S, INTERVAL_S_MAX),
				   expires_s, err);
	json_object_put(answer.json);
	return rc;
}

/* --- which way -------------------------------------------------------------------------------- */

static void fill(struct view *value, const char *otherwise)
{
	if (value->len == 0)
		*value = VIEW(otherwise);
}

static int apply_preset(struct fetch_job *job, struct err *err)
{
	bool is_app = job->grant == FETCH_CLIENT_CREDENTIALS;

	if (job->preset.len == 0)
		return 0;
	for (size_t i = 0; i < sizeof(presets) / sizeof(*presets); i++) {
		const struct preset *p = &presets[i];

		if (!view_eq_nocase(job->preset, VIEW(p->name)))
			continue;
		fill(&job->token_url, p->token_url);
		fill(&job->device_url, p->device_url);
		fill(&job->scope, is_app ? p->app_scope : p->scope);
		return 0;
	}
	return err_set(err, ERR_USAGE, "there is no OAuth preset of this name");
}

int oauth_token(struct ledger *ledger, int stop_fd, struct str *token, struct err *err)
{
	struct oauth o = {
		.ledger = ledger, .stop_fd = stop_fd, .job = *ledger_job(ledger), .token = token};

	if (o.job.grant == FETCH_PASSWORD)
		return 0;
	if (apply_preset(&o.job, err) < 0)
		return -1;
	if (o.job.grant == FETCH_CLIENT_CREDENTIALS)
		return use_client_credentials(&o, err);
	if (o.job.grant == FETCH_REFRESH_TOKEN)
		return refresh(&o, err);
	/* one that was taken back is asked for anew */
	if (o.job.refresh_token.len > 0 && (refresh(&o, err) == 0 || err->kind != ERR_DENIED))
		return err->kind == ERR_NONE ? 0 : -1;
	err_clear(err);
	return use_device_code(&o, err);
}
