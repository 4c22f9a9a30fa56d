/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tsa/authority.h"

#include "app/catalog/audit.h"
#include "base/conf.h"
#include "tsa/authority_priv.h"

#include <inttypes.h>

/* How a setting is kept. Those that are as by default are not. */
enum form {
	TEXT,
	CERTIFICATES, /* PEM: shown by its digest */
	SECRET,
	NUMBER,
	MILLISECONDS,
	DIGEST
};

static const struct field {
	const char *name;
	enum form form;
	size_t offset;
	uint64_t by_default;
} fields[] = {
#define FIELD(name, form, member, by_default)                                                      \
	{                                                                                          \
		"tsa." name, form, offsetof(struct authority, member), by_default                  \
	}
	FIELD("url", TEXT, url, 0),
	FIELD("ca", CERTIFICATES, ca, 0),
	FIELD("policy", TEXT, policy, 0),
	FIELD("user", TEXT, user, 0),
	FIELD("password", SECRET, password, 0),
	FIELD("tls_ca", CERTIFICATES, tls_ca, 0),
	FIELD("client_cert", CERTIFICATES, client_cert, 0),
	FIELD("client_key", SECRET, client_key, 0),
	FIELD("proxy", TEXT, proxy, 0),
	FIELD("proxy_user", TEXT, proxy_user, 0),
	FIELD("proxy_password", SECRET, proxy_password, 0),
	FIELD("tolerance_s", NUMBER, tolerance_s, AUTHORITY_TOLERANCE_S),
	FIELD("renew_days", NUMBER, renew_days, AUTHORITY_RENEW_DAYS),
	FIELD("digest", DIGEST, digest, DIGEST_SHA256),
	FIELD("timeout_ms", MILLISECONDS, timeout_ms, AUTHORITY_TIMEOUT_MS),
#undef FIELD
};
enum { N_FIELDS = sizeof(fields) / sizeof(*fields) };

static void *member(const struct authority *a, const struct field *field)
{
	return (char *)a + field->offset;
}

static void wipe(struct str *value)
{
	explicit_bzero(value->data, value->cap);
	str_clear(value);
}
#define CLEAN_VALUE __attribute__((cleanup(wipe))) struct str

void authority_clear(struct authority *authority)
{
	secret_free(&authority->password);
	secret_free(&authority->client_key);
	secret_free(&authority->proxy_password);
	*authority = (struct authority){0};
}

/* --- loading ---------------------------------------------------------------------------------- */

static int damaged(const struct field *field, struct err *err)
{
	return err_set(err, ERR_DAMAGED, "the setting %s is malformed; set it again", field->name);
}

static int read_number(const struct field *field, const struct str *value, uint64_t *n_r,
		       struct err *err)
{
	*n_r = field->by_default;
	return value->len > 0 && conf_number(value->data, n_r) < 0 ? damaged(field, err) : 0;
}

static int read_value(struct authority *a, const struct field *field, const struct str *value,
		      struct arena *arena, struct err *err)
{
	void *to = member(a, field);
	uint64_t n;

	switch (field->form) {
	case TEXT:
	case CERTIFICATES:
		*(char **)to = value->len > 0 ? arena_strn(arena, value->data, value->len) : NULL;
		return 0;
	case SECRET:
		*(struct secret **)to = value->len > 0 ? secret_copy(value->data, value->len)
						       : NULL;
		return 0;
	case NUMBER:
		return read_number(field, value, to, err);
	case MILLISECONDS:
		if (read_number(field, value, &n, err) < 0 || n > INT32_MAX)
			return damaged(field, err);
		*(int *)to = (int)n;
		return 0;
	case DIGEST:
		*(enum digest_alg *)to = (enum digest_alg)field->by_default;
		return value->len > 0 && digest_by_name(value->data, to) < 0 ? damaged(field, err)
									     : 0;
	}
	return damaged(field, err);
}

int authority_load(struct catalog *catalog, struct arena *arena, struct authority *authority_r,
		   struct err *err)
{
	*authority_r = (struct authority){0};
	for (size_t i = 0; i < N_FIELDS; i++) {
		CLEAN_VALUE value = STR_INIT;

		if (setting_get(catalog, fields[i].name, &value, err) < 0 ||
		    read_value(authority_r, &fields[i], &value, arena, err) < 0) {
			authority_clear(authority_r);
			return -1;
		}
	}
	return authority_r->url != NULL;
}

/* --- saving ----------------------------------------------------------------------------------- */

static uint64_t number_of(const struct authority *a, const struct field *field)
{
	if (field->form == MILLISECONDS)
		return (uint64_t) * (const int *)member(a, field);
	if (field->form == DIGEST)
		return *(const enum digest_alg *)member(a, field);
	return *(const uint64_t *)member(a, field);
}

/* The setting's text; empty: it is not set, or as by default. */
static void write_value(const struct authority *a, const struct field *field, struct str *value)
{
	const struct secret *secret;
	const char *text;

	if (field->form == SECRET) {
		secret = *(struct secret *const *)member(a, field);
		if (secret != NULL)
			str_add(value, secret_data(secret), secret_len(secret));
	} else if (field->form == TEXT || field->form == CERTIFICATES) {
		text = *(char *const *)member(a, field);
		str_adds(value, text != NULL ? text : "");
	} else if (number_of(a, field) != field->by_default) {
		if (field->form == DIGEST)
			str_adds(value, digest_name(*(const enum digest_alg *)member(a, field)));
		else
			str_addf(value, "%" PRIu64, number_of(a, field));
	}
}

/* What the audit log shows of it. */
static void describe(const struct field *field, const struct str *value, struct str *text)
{
	struct hash hash;

	if (value->len == 0) {
		str_adds(text, field->by_default != 0 ? "as by default" : "removed");
	} else if (field->form == SECRET) {
		str_adds(text, "changed");
	} else if (field->form == CERTIFICATES) {
		hash = crypto_sha256(value->data, value->len);
		str_adds(text, "SHA-256 ");
		str_addhex(text, hash.b, sizeof(hash.b));
	} else {
		str_addv(text, str_view(value));
	}
}

static int save_field(struct catalog *catalog, const struct authority *a, const struct field *field,
		      struct err *err)
{
	CLEAN_VALUE old = STR_INIT;
	CLEAN_VALUE value = STR_INIT;
	CLEAN_STR detail = STR_INIT;

	if (setting_get(catalog, field->name, &old, err) < 0)
		return -1;
	if (a != NULL)
		write_value(a, field, &value);
	if (view_eq(str_view(&old), str_view(&value)))
		return 0;
	describe(field, &value, &detail);
	if (setting_set(catalog, field->name, str_view(&value), err) < 0)
		return -1;
	return audit_add(catalog, AUDIT_SETTING, VIEW(field->name), str_view(&detail), err);
}

static int save_all(struct catalog *catalog, const struct authority *a, struct err *err)
{
	for (size_t i = 0; i < N_FIELDS; i++)
		if (save_field(catalog, a, &fields[i], err) < 0)
			return -1;
	return 0;
}

int authority_save(struct catalog *catalog, const struct authority *authority, struct err *err)
{
	if (authority != NULL && authority_check(authority, err) < 0)
		return -1;
	if (catalog_begin(catalog, err) < 0)
		return -1;
	if (save_all(catalog, authority, err) == 0 && catalog_commit(catalog, err) == 0)
		return 0;
	catalog_rollback(catalog);
	return -1;
}
