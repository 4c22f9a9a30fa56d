/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "storage/label.h"

#include <json-c/json.h>

#define LABEL_NAME "medium.json"
#define LABEL_PART LABEL_NAME ".part"

enum { LABEL_FORMAT = 1, LABEL_MAX_BYTES = 4096 };

static void json_cleanup(struct json_object **json)
{
	json_object_put(*json);
}
#define CLEAN_JSON __attribute__((cleanup(json_cleanup))) struct json_object *

static void write_inner(struct str *out, const struct keyring *keyring, const struct label *label)
{
	char uuid[UUID_TEXT + 1];

	str_addf(out, "{\"archive\": \"%s\", \"medium\": %u, \"made\": %lld}",
		 uuid_text(keyring_archive(keyring), uuid), label->medium,
		 (long long)label->made_s);
}

/* What a writer left that died, when there is no label yet. */
static int drop_unfinished(struct medium *medium, struct err *err)
{
	uint64_t size;

	if (medium_size(medium, LABEL_NAME, &size, err) == 0)
		return err_set(err, ERR_EXISTS, "medium %s: it has a " LABEL_NAME,
			       medium_location(medium));
	if (err->kind != ERR_NOTFOUND)
		return -1;
	err_clear(err);
	return medium_drop(medium, LABEL_PART, err);
}

int label_write(struct medium *medium, const struct keyring *keyring, const struct label *label,
		struct err *err)
{
	CLEAN(secret) key = keyring_derive(keyring, KEY_USE_MEDIUM, VIEW(""));
	CLEAN(aead) aead = aead_new(key);
	CLEAN(medium_file) file = NULL;
	CLEAN_STR inner = STR_INIT;
	CLEAN_STR sealed = STR_INIT;
	CLEAN_STR json = STR_INIT;
	unsigned char nonce[NONCE_BYTES];

	write_inner(&inner, keyring, label);
	crypto_random(nonce, sizeof(nonce));
	str_reserve(&sealed, inner.len + TAG_BYTES);
	aead_seal(aead, nonce, VIEW(LABEL_NAME), str_view(&inner), sealed.data);
	str_addf(&json, "{\"sealpost\": \"medium\", \"format\": %d, \"nonce\": \"", LABEL_FORMAT);
	str_addhex(&json, nonce, sizeof(nonce));
	str_adds(&json, "\", \"sealed\": \"");
	str_addhex(&json, sealed.data, inner.len + TAG_BYTES);
	str_adds(&json, "\"}\n");
	if (drop_unfinished(medium, err) < 0 || medium_create(medium, LABEL_PART, &file, err) < 0 ||
	    medium_append(file, json.data, json.len, err) < 0 || medium_sync(file, err) < 0)
		return -1;
	medium_file_free(&file);
	return medium_replace(medium, LABEL_PART, LABEL_NAME, err);
}

/* The string member NAME as bytes from hex; -1 if it is missing or no hex. */
static int hex_member(struct json_object *json, const char *name, struct str *out)
{
	struct json_object *member;
	struct view text;

	if (!json_object_object_get_ex(json, name, &member) ||
	    !json_object_is_type(member, json_type_string))
		return -1;
	text = VIEW(json_object_get_string(member));
	str_reserve(out, text.len / 2);
	if (str_unhex(text, out->data, text.len / 2) < 0)
		return -1;
	out->len = text.len / 2;
	return 0;
}

static int read_inner(struct view text, const struct keyring *keyring, struct label *label_r,
		      struct err *err)
{
	CLEAN_STR copy = STR_INIT;
	CLEAN_JSON json = NULL;
	struct json_object *archive, *medium, *made;
	struct uuid uuid;

	str_addv(&copy, text);
	json = json_tokener_parse(copy.data);
	if (!json_object_object_get_ex(json, "archive", &archive) ||
	    !json_object_object_get_ex(json, "medium", &medium) ||
	    !json_object_object_get_ex(json, "made", &made) ||
	    uuid_read(VIEW(json_object_get_string(archive)), &uuid) < 0)
		return err_set(err, ERR_DAMAGED, "its sealed content is malformed");
	if (!uuid_eq(&uuid, keyring_archive(keyring)))
		return err_set(err, ERR_FOREIGN, "it belongs to another archive");
	label_r->medium = (unsigned)json_object_get_int64(medium);
	label_r->made_s = json_object_get_int64(made);
	return 0;
}

static int open_label(struct json_object *json, const struct keyring *keyring,
		      struct label *label_r, struct err *err)
{
	CLEAN(secret) key = keyring_derive(keyring, KEY_USE_MEDIUM, VIEW(""));
	CLEAN(aead) aead = aead_new(key);
	CLEAN_STR nonce = STR_INIT;
	CLEAN_STR sealed = STR_INIT;
	CLEAN_STR inner = STR_INIT;
	struct json_object *format;

	if (!json_object_object_get_ex(json, "format", &format))
		return err_set(err, ERR_DAMAGED, "it is no medium label");
	if (json_object_get_int64(format) > LABEL_FORMAT)
		return err_set(err, ERR_VERSION, "it has format %lld, this program knows %d",
			       (long long)json_object_get_int64(format), LABEL_FORMAT);
	if (hex_member(json, "nonce", &nonce) < 0 || nonce.len != NONCE_BYTES ||
	    hex_member(json, "sealed", &sealed) < 0 || sealed.len < TAG_BYTES)
		return err_set(err, ERR_DAMAGED, "it is malformed");
	inner.len = 0;
	str_reserve(&inner, sealed.len);
	if (!aead_open(aead, (const unsigned char *)nonce.data, VIEW(LABEL_NAME), str_view(&sealed),
		       inner.data))
		return err_set(err, ERR_WRONGKEY,
			       "it does not open with this archive's key: it belongs to another "
			       "archive, or is damaged");
	return read_inner((struct view){inner.data, sealed.len - TAG_BYTES}, keyring, label_r, err);
}

int label_read(struct medium *medium, const struct keyring *keyring, struct label *label_r,
	       struct err *err)
{
	char text[LABEL_MAX_BYTES + 1];
	CLEAN_JSON json = NULL;
	uint64_t size;
	size_t got;

	/* by its size a medium looks for the name anew, whatever file it may have open still */
	if (medium_size(medium, LABEL_NAME, &size, err) < 0 ||
	    medium_read(medium, LABEL_NAME, 0, text, LABEL_MAX_BYTES, &got, err) < 0)
		return -1;
	text[got] = '\0';
	json = json_tokener_parse(text);
	if (json == NULL)
		err_set(err, ERR_DAMAGED, "it is no JSON");
	else if (open_label(json, keyring, label_r, err) == 0)
		return 0;
	return err_add(err, "medium %s: " LABEL_NAME, medium_location(medium));
}

int label_check(struct medium *medium, const struct keyring *keyring, unsigned number,
		struct err *err)
{
	struct label label;

	if (label_read(medium, keyring, &label, err) < 0)
		return -1;
	if (label.medium != number)
		return err_set(err, ERR_FOREIGN,
			       "medium %s is number %u of this archive, and not number %u",
			       medium_location(medium), label.medium, number);
	return 0;
}
