/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui-backend/people_json.h"

#include <stdio.h>
#include <time.h>

struct json_object *texts_json(const struct texts *texts)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < texts->n; i++)
		json_object_array_add(list, json_of(texts->v[i]));
	return list;
}

int texts_read(struct api_request *r, struct json_object *object, const char *name, size_t most,
	       size_t longest, struct texts *texts_r, struct err *err)
{
	struct json_object *list;
	int rc = json_list(object, name, most, &list, err);

	*texts_r = (struct texts){0};
	if (rc <= 0)
		return rc;
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct view text;

		if (json_item_text(list, i, 1, longest, &text, err) < 0)
			return -1;
		ARENA_PUSH(r->arena, *texts_r, text);
	}
	return 1;
}

/* The local day that TIME_S is in. */
static void set_day(struct json_object *object, const char *name, int64_t time_s)
{
	time_t t = (time_t)time_s;
	char text[32] = "";
	struct tm tm;

	localtime_r(&t, &tm);
	strftime(text, sizeof(text), "%Y-%m-%d", &tm);
	json_set_text(object, name, VIEW(text));
}

static struct json_object *sources_json(const struct bounds *bounds)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < bounds->sources.n; i++) {
		const struct bound_source *source = &bounds->sources.v[i];
		struct json_object *object = json_object_new_object();

		json_set_text(object, "source", source->source);
		if (source->folder.len > 0)
			json_set_text(object, "folder", source->folder);
		json_object_array_add(list, object);
	}
	return list;
}

struct json_object *bounds_json(const struct bounds *bounds)
{
	struct json_object *object = json_object_new_object();

	if (bounds->domains.n > 0)
		json_set(object, "domains", texts_json(&bounds->domains));
	if (bounds->sources.n > 0)
		json_set(object, "sources", sources_json(bounds));
	if (bounds->from_s != INT64_MIN)
		set_day(object, "from", bounds->from_s);
	if (bounds->until_s != INT64_MAX)
		set_day(object, "until", bounds->until_s - 1);
	if (bounds->valid_until_s != INT64_MAX)
		set_day(object, "validUntil", bounds->valid_until_s - 1);
	return object;
}
