/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/licence/licence_file.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"

#include <json-c/json.h>
#include <openssl/evp.h>
#include <time.h>

#define FIRST_LINE "sealpost licence v"
#define SHARED_APP "/usr/share/sealpost/app.json"

enum { APP_MAX = 1024 * 1024, USERS_MAX = 100000000 };

/* --- what app.json says ----------------------------------------------------------------------- */

void licence_machine_path(const char *name, struct str *out)
{
	const char *folder = getenv("SEALPOST_SETTINGS");

	str_reset(out);
	str_addf(out, "%s/%s", folder != NULL ? folder : "/etc/sealpost", name);
}

/* Strict base64 of LEN bytes; -1 it is not. */
static int read_base64(struct view text, unsigned char *out, size_t len)
{
	unsigned char bytes[96];
	size_t chars = (len + 2) / 3 * 4;
	size_t padding = (3 - len % 3) % 3;

	must(chars / 4 * 3 <= sizeof(bytes));
	if (text.len != chars ||
	    EVP_DecodeBlock(bytes, (const unsigned char *)text.data, (int)chars) < 0)
		return -1;
	for (size_t i = 0; i < chars; i++)
		if ((text.data[i] == '=') != (i >= chars - padding))
			return -1;
	memcpy(out, bytes, len);
	return 0;
}

static void take_terms(struct json_object *app, struct arena *arena, struct licence_terms *terms)
{
	struct json_object *licence, *enforced, *feature, *key;

	if (!json_object_object_get_ex(app, "licence", &licence) ||
	    !json_object_object_get_ex(licence, "enforced", &enforced) ||
	    !json_object_object_get_ex(licence, "feature", &feature))
		return;
	terms->enforced = json_object_get_boolean(enforced) != 0;
	terms->feature = arena_view(arena, VIEW(json_object_get_string(feature)));
	if (!json_object_object_get_ex(licence, "publicKey", &key))
		return;
	terms->has_key = read_base64(VIEW(json_object_get_string(key)), terms->key,
				     sizeof(terms->key)) == 0;
	if (!terms->has_key)
		log_error("app.json: licence.publicKey is no Ed25519 key in base64");
}

static int read_app(const char *path, struct str *text, struct err *err)
{
	return file_read(path, APP_MAX, text, err);
}

void licence_terms_load(struct arena *arena, struct licence_terms *terms_r)
{
	CLEAN_STR path = STR_INIT;
	CLEAN_STR text = STR_INIT;
	struct json_object *app;
	struct err err = {0};

	*terms_r = (struct licence_terms){.feature = VIEW("mail-archive")};
	licence_machine_path("app.json", &path);
	if (read_app(path.data, &text, &err) < 0 && err.kind == ERR_NOTFOUND)
		read_app(SHARED_APP, &text, &err);
	if (text.len == 0)
		return;
	app = json_tokener_parse(text.data);
	if (app == NULL)
		log_error("%s is no JSON, so no licence is asked for", path.data);
	take_terms(app, arena, terms_r);
	json_object_put(app);
}

/* --- a licence -------------------------------------------------------------------------------- */

static int malformed(struct err *err, const char *what)
{
	return err_set(err, ERR_LICENCE, "the licence is damaged: %s", what);
}

static int check_first_line(struct view line, struct err *err)
{
	if (view_eq(line, VIEW(FIRST_LINE "1")))
		return 0;
	if (view_starts(line, FIRST_LINE))
		return err_set(err, ERR_VERSION, "the licence has a newer format than v1");
	return err_set(err, ERR_LICENCE, "this is no licence of Sealpost");
}

static int read_day(struct view text, int days, int64_t *time_s_r)
{
	struct tm tm = {0};
	const char *end;
	char copy[16];

	if (text.len != strlen("2027-12-31"))
		return -1;
	memcpy(copy, text.data, text.len);
	copy[text.len] = '\0';
	end = strptime(copy, "%Y-%m-%d", &tm);
	if (end == NULL || *end != '\0')
		return -1;
	*time_s_r = clock_of_utc(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday + days, 0, 0, 0);
	return 0;
}

static int read_users(struct view text, uint64_t *users_r)
{
	uint64_t n = 0;

	*users_r = 0;
	if (view_eq(text, VIEW("unlimited")))
		return 0;
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] < '0' || text.data[i] > '9' || n > USERS_MAX)
			return -1;
		n = n * 10 + (uint64_t)(text.data[i] - '0');
	}
	*users_r = n;
	return n > 0 ? 0 : -1;
}

static int take_line(struct licence_text *l, struct view name, struct view value, bool *has_users)
{
	if (view_eq(name, VIEW("customer")))
		l->customer = value;
	else if (view_eq(name, VIEW("features")))
		l->features = value;
	else if (view_eq(name, VIEW("serial")))
		l->serial = value;
	else if (view_eq(name, VIEW("archive")))
		l->archive = value;
	else if (view_eq(name, VIEW("trial")))
		l->trial = view_eq(value, VIEW("yes"));
	else if (view_eq(name, VIEW("from")))
		return read_day(value, 0, &l->from_s);
	else if (view_eq(name, VIEW("until")))
		return read_day(value, 1, &l->until_s);
	else if (view_eq(name, VIEW("users"))) {
		*has_users = true;
		return read_users(value, &l->users);
	}
	return 0;
}

static int check_signature(struct view signed_text, struct view signature,
			   const struct licence_terms *terms, struct err *err)
{
	unsigned char bytes[ED25519_SIGNATURE_BYTES];

	if (!terms->has_key)
		return err_set(err, ERR_LICENCE,
			       "this machine knows no vendor's key, so it can check no licence");
	if (read_base64(signature, bytes, sizeof(bytes)) < 0)
		return malformed(err, "its signature is none");
	if (!crypto_ed25519_verify(terms->key, bytes, signed_text))
		return err_set(err, ERR_LICENCE,
			       "the licence was changed, or was not signed by this app's vendor");
	return 0;
}

static int check_whole(const struct licence_text *l, bool has_users, struct err *err)
{
	if (l->customer.len == 0 || l->features.len == 0 || !has_users)
		return malformed(err, "it lacks customer, features or users");
	return 0;
}

int licence_text_read(struct view text, const struct licence_terms *terms,
		      struct licence_text *licence_r, struct err *err)
{
	struct view rest = text, line, name;
	bool has_users = false, bad = false;

	*licence_r = (struct licence_text){0};
	if (text.len > LICENCE_MAX_BYTES)
		return malformed(err, "it is far too long");
	view_cut(&rest, '\n', &line);
	if (check_first_line(view_trim(line), err) < 0)
		return -1;
	while (rest.len > 0) {
		const size_t at = text.len - rest.len;
		struct view value;

		view_cut(&rest, '\n', &line);
		value = line;
		view_cut(&value, ':', &name);
		value = value.data == NULL ? VIEW("") : view_trim(value);
		if (view_eq(name, VIEW("signature"))) {
			/* What is signed is looked at last, and told only if it is. */
			if (check_signature((struct view){text.data, at}, value, terms, err) < 0)
				return -1;
			return bad ? malformed(err, "a line of it cannot be read")
				   : check_whole(licence_r, has_users, err);
		}
		bad = bad || take_line(licence_r, name, value, &has_users) < 0;
	}
	return malformed(err, "its signature is missing");
}

bool licence_has_feature(const struct licence_text *licence, struct view feature)
{
	struct view rest = licence->features, one;

	while (rest.len > 0) {
		view_cut(&rest, ',', &one);
		if (view_eq(view_trim(one), feature))
			return true;
	}
	return false;
}
