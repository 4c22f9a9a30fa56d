/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where people are known from, for the administrator. */
#include "app/access/source.h"
#include "base/clock.h"
#include "ui-backend/people_json.h"

enum { VALUE_MAX = 65536 };

static const enum person_source foreign[] = {PERSON_APPLIANCE, PERSON_LDAP, PERSON_IMAP};

/* --- telling ------------------------------------------------------------------------------------ */

static struct json_object *settings_json(const struct source *source)
{
	struct json_object *object = json_object_new_object();

	for (size_t i = 0; i < SOURCE_N_SETTINGS; i++)
		if (source->value[i] != NULL)
			json_set_text(object, source_setting_name((enum source_setting)i),
				      VIEW(source->value[i]));
	return object;
}

static struct json_object *secrets_json(const struct source *source)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < SOURCE_N_SETTINGS; i++)
		if (source->given[i] &&
		    source_setting_form((enum source_setting)i) == SOURCE_SECRET)
			json_object_array_add(
				list, json_of(VIEW(source_setting_name((enum source_setting)i))));
	return list;
}

static int add_source(struct api_request *r, struct json_object *list, enum person_source which,
		      bool on, struct err *err)
{
	struct json_object *object;
	CLEAN_SOURCE source = {0};

	if (which != PERSON_OWN &&
	    source_load(archive_catalog(r->archive), r->arena, which, &source, err) < 0)
		return -1;
	object = json_object_new_object();
	json_set_text(object, "source", VIEW(person_source_name(which)));
	json_set_flag(object, "on", on);
	json_set(object, "settings", settings_json(&source));
	json_set(object, "secretsSet", secrets_json(&source));
	json_object_array_add(list, object);
	return 0;
}

static bool is_on(const struct source_order *order, enum person_source source)
{
	for (size_t i = 0; i < order->n; i++)
		if (order->v[i] == source)
			return true;
	return false;
}

/* Those that are asked, in their order, and then those that are not. */
static int add_sources(struct api_request *r, struct json_object *list,
		       const struct source_order *order, struct err *err)
{
	for (size_t i = 0; i < order->n; i++)
		if (add_source(r, list, order->v[i], true, err) < 0)
			return -1;
	if (!is_on(order, PERSON_OWN) && add_source(r, list, PERSON_OWN, false, err) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(foreign) / sizeof(*foreign); i++)
		if (!is_on(order, foreign[i]) && add_source(r, list, foreign[i], false, err) < 0)
			return -1;
	return 0;
}

int api_list_people_sources(struct api_request *r, struct err *err)
{
	struct json_object *body, *list;
	struct source_order order;

	if (source_order_load(archive_catalog(r->archive), &order, err) < 0)
		return -1;
	body = json_object_new_object();
	list = json_object_new_array();
	json_set(body, "sources", list);
	if (add_sources(r, list, &order, err) < 0) {
		json_object_put(body);
		return -1;
	}
	return reply_json(r, 200, body);
}

/* --- changing ----------------------------------------------------------------------------------- */

int api_order_people_sources(struct api_request *r, struct err *err)
{
	static const char *const known[] = {"order", NULL};
	struct source_order order = {0};
	struct json_object *list;

	if (json_only(r->body, known, err) < 0)
		return -1;
	if (json_list(r->body, "order", PERSON_N_SOURCES, &list, err) <= 0)
		return err_set(err, ERR_SYNTAX, "order is to be a list of sources");
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct view name;

		if (json_item_text(list, i, 1, 20, &name, err) < 0)
			return -1;
		if (person_source_by_name(name, &order.v[order.n++]) == 0)
			return err_set(err, ERR_SYNTAX, "there is no such source");
	}
	return source_order_save(archive_catalog(r->archive), &order, err) < 0 ? -1
									       : reply_nothing(r);
}

static int read_settings(struct api_request *r, struct source *source, struct err *err)
{
	static const char *const known[] = {"settings", NULL};
	struct json_object *settings;

	if (json_only(r->body, known, err) < 0)
		return -1;
	if (json_object_in(r->body, "settings", &settings, err) <= 0)
		return err_set(err, ERR_SYNTAX, "settings are missing");
	json_object_object_foreach(settings, name, value)
	{
		struct view text;

		(void)value;
		if (json_need_text(settings, name, 0, VALUE_MAX, &text, err) < 0 ||
		    source_put(source, r->arena, VIEW(name), text, err) < 0)
			return -1;
	}
	return source_check(source, err);
}

/* The source that the path names, as it would be with the settings of the body. */
static int load(struct api_request *r, struct source *source, struct err *err)
{
	enum person_source which;

	if (person_source_by_name(request_param(r, "source"), &which) == 0 ||
	    source_load(archive_catalog(r->archive), r->arena, which, source, err) < 0)
		return err_set(err, ERR_NOTFOUND, "there is no such source to be set up");
	return read_settings(r, source, err);
}

int api_set_people_source(struct api_request *r, struct err *err)
{
	CLEAN_SOURCE source = {0};

	if (load(r, &source, err) < 0 || source_save(archive_catalog(r->archive), &source, err) < 0)
		return -1;
	return reply_nothing(r);
}

/* --- trying ------------------------------------------------------------------------------------- */

static void end_talk(void *arg)
{
	struct source_talk *talk = arg;

	source_talk_free(&talk);
}

/* What is wrong is the answer, not an error. */
static int tell(struct api_request *r, void *arg, bool late, struct err *err)
{
	struct json_object *body = json_object_new_object();
	struct source_answer answer;
	struct err found = {0};

	(void)late;
	(void)err;
	if (source_finish(arg, r->arena, &answer, &found) == 0) {
		json_set_flag(body, "ok", true);
		json_set_text(body, "text", VIEW("It answers, and lets the archive ask."));
	} else {
		json_set_flag(body, "ok", false);
		json_set_text(body, "text", VIEW(found.text));
		json_set_text(body, "code", VIEW(err_code(found.kind)));
	}
	return reply_json(r, 200, body);
}

int api_test_people_source(struct api_request *r, struct err *err)
{
	const struct source_question question = {.what = SOURCE_TEST};
	CLEAN_SOURCE source = {0};
	struct source_talk *talk;
	int64_t left_ms;

	if (load(r, &source, err) < 0 || source_start(&source, &question, &talk, err) < 0)
		return -1;
	request_at_end(r, end_talk, talk);
	left_ms = source_talk_deadline_ms(talk) - clock_monotonic_ms();
	return reply_later(r, source_talk_fd(talk), left_ms > 0 ? (int)left_ms : 0, tell, talk,
			   err);
}
