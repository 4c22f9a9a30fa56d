/* SPDX-License-Identifier: GPL-3.0-or-later */
/* JSON to be read (request.h) and to be written (reply.h). */
#include "base/clock.h"
#include "ui-backend/reply.h"

static const char *kind_of(enum json_type type)
{
	switch (type) {
	case json_type_string:
		return "a text";
	case json_type_int:
		return "a whole number";
	case json_type_boolean:
		return "true or false";
	case json_type_array:
		return "a list";
	default:
		return "an object";
	}
}

/* 1 it is there, 0 not. */
static int get(struct json_object *object, const char *name, enum json_type type,
	       struct json_object **value_r, struct err *err)
{
	if (!json_object_object_get_ex(object, name, value_r) || *value_r == NULL)
		return 0;
	if (!json_object_is_type(*value_r, type))
		return err_set(err, ERR_SYNTAX, "%s is to be %s", name, kind_of(type));
	return 1;
}

static int check_text(struct json_object *value, const char *name, size_t min, size_t max,
		      struct view *text_r, struct err *err)
{
	struct view v = {json_object_get_string(value), (size_t)json_object_get_string_len(value)};

	if (v.len < min || v.len > max)
		return err_set(err, ERR_SYNTAX, "%s is to have %zu to %zu characters", name, min,
			       max);
	if (memchr(v.data, '\0', v.len) != NULL)
		return err_set(err, ERR_SYNTAX, "%s has a character that is none", name);
	*text_r = v;
	return 1;
}

int json_text(struct json_object *object, const char *name, size_t min, size_t max,
	      struct view *text_r, struct err *err)
{
	struct json_object *value;
	int rc = get(object, name, json_type_string, &value, err);

	*text_r = VIEW("");
	return rc > 0 ? check_text(value, name, min, max, text_r, err) : rc;
}

int json_need_text(struct json_object *object, const char *name, size_t min, size_t max,
		   struct view *text_r, struct err *err)
{
	int rc = json_text(object, name, min, max, text_r, err);

	return rc == 0 ? err_set(err, ERR_SYNTAX, "%s is missing", name) : rc;
}

int json_number(struct json_object *object, const char *name, int64_t min, int64_t max,
		int64_t *n_r, struct err *err)
{
	struct json_object *value;
	int rc = get(object, name, json_type_int, &value, err);

	if (rc <= 0)
		return rc;
	*n_r = json_object_get_int64(value);
	if (*n_r < min || *n_r > max)
		return err_set(err, ERR_SYNTAX, "%s is to be a number from %lld to %lld", name,
			       (long long)min, (long long)max);
	return 1;
}

int json_flag(struct json_object *object, const char *name, bool *flag_r, struct err *err)
{
	struct json_object *value;
	int rc = get(object, name, json_type_boolean, &value, err);

	*flag_r = rc > 0 && json_object_get_boolean(value);
	return rc;
}

int json_word(struct json_object *object, const char *name, const char *const *words,
	      size_t *chosen_r, struct err *err)
{
	struct view text;
	int rc = json_text(object, name, 0, 100, &text, err);

	if (rc <= 0)
		return rc;
	for (size_t i = 0; words[i] != NULL; i++)
		if (view_eq(text, VIEW(words[i]))) {
			*chosen_r = i;
			return 1;
		}
	return err_set(err, ERR_SYNTAX, "%s has a word that is not known there", name);
}

int json_object_in(struct json_object *object, const char *name, struct json_object **object_r,
		   struct err *err)
{
	return get(object, name, json_type_object, object_r, err);
}

int json_list(struct json_object *object, const char *name, size_t max, struct json_object **list_r,
	      struct err *err)
{
	int rc = get(object, name, json_type_array, list_r, err);

	if (rc > 0 && json_object_array_length(*list_r) > max)
		return err_set(err, ERR_SYNTAX, "%s is to have %zu items at most", name, max);
	return rc;
}

int json_item_text(struct json_object *list, size_t at, size_t min, size_t max, struct view *text_r,
		   struct err *err)
{
	struct json_object *value = json_object_array_get_idx(list, at);

	if (value == NULL || !json_object_is_type(value, json_type_string))
		return err_set(err, ERR_SYNTAX, "an item of a list is to be a text");
	return check_text(value, "an item of a list", min, max, text_r, err);
}

int json_secret(struct json_object *object, const char *name, size_t max, struct secret **secret_r,
		struct err *err)
{
	struct view text;
	int rc = json_text(object, name, 0, max, &text, err);

	*secret_r = NULL;
	if (rc <= 0)
		return rc;
	if (text.len > 0)
		*secret_r = secret_copy(text.data, text.len);
	explicit_bzero((char *)text.data, text.len); /* it is the object's, which is ours */
	return text.len > 0;
}

int json_only(struct json_object *object, const char *const *names, struct err *err)
{
	json_object_object_foreach(object, key, value)
	{
		bool known = false;

		(void)value;
		for (size_t i = 0; names[i] != NULL && !known; i++)
			known = strcmp(names[i], key) == 0;
		if (!known)
			return err_set(err, ERR_SYNTAX, "a field is not known there");
	}
	return 0;
}

/* --- to be written ------------------------------------------------------------------------------ */

struct json_object *json_of(struct view text)
{
	CLEAN_STR safe = STR_INIT;

	if (utf8_is_clean(text, true))
		return json_object_new_string_len(text.data, (int)text.len);
	str_addsafe(&safe, text, true);
	return json_object_new_string_len(safe.data, (int)safe.len);
}

void json_set(struct json_object *object, const char *name, struct json_object *value)
{
	must(json_object_object_add(object, name, value) == 0);
}

void json_set_text(struct json_object *object, const char *name, struct view text)
{
	json_set(object, name, json_of(text));
}

void json_set_number(struct json_object *object, const char *name, int64_t n)
{
	json_set(object, name, json_object_new_int64(n));
}

void json_set_flag(struct json_object *object, const char *name, bool flag)
{
	json_set(object, name, json_object_new_boolean(flag));
}

void json_set_time(struct json_object *object, const char *name, int64_t time_s)
{
	CLEAN_STR text = STR_INIT;

	if (time_s == 0)
		return;
	clock_add_utc(&text, time_s);
	json_set_text(object, name, str_view(&text));
}
