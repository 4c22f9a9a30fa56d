/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How the archive is: alarms, what waits, statistics. Numbers and names of places alone: nothing of a mail. */
#include "app/archive/media.h"
#include "app/archive/status.h"
#include "app/catalog/alarms.h"
#include "app/catalog/days.h"
#include "app/catalog/stamps.h"
#include "app/intake/spool.h"
#include "base/clock.h"
#include "base/service.h"
#include "ui-backend/reply.h"

enum { DAY_S = 86400, DAYS = 30, DAYS_MAX = 3660, RATE_DAYS = 28, RATE_LEAST_DAYS = 3 };

/* --- status ------------------------------------------------------------------------------------- */

static struct json_object *alarm_json(const struct alarm_row *row)
{
	struct json_object *object = json_object_new_object();

	json_set_text(object, "alarm", VIEW(row->alarm));
	json_set_text(object, "level", VIEW(row->level == ALARM_CRITICAL ? "critical" : "warning"));
	json_set_time(object, "since", row->since_s);
	json_set_text(object, "text", VIEW(row->text));
	return object;
}

/* As the last look found them: looking takes its time, and each job ends with one. */
static int add_alarms(struct api_request *r, struct json_object *body, struct err *err)
{
	struct json_object *list = json_object_new_array();
	struct alarm_row *rows;
	size_t n;

	json_set(body, "alarms", list);
	if (alarms_list(archive_catalog(r->archive), r->arena, &rows, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		json_object_array_add(list, alarm_json(&rows[i]));
	return 0;
}

static int add_spool(struct api_request *r, struct json_object *body, struct err *err)
{
	struct json_object *object = json_object_new_object();
	CLEAN(spool) spool = NULL;
	struct uuid *ids;
	size_t n;

	json_set(body, "spool", object);
	if (spool_open(r->archive_dir, &spool, err) < 0)
		return -1;
	for (enum spool_state s = SPOOL_PENDING; s <= SPOOL_STUCK; s++) {
		if (spool_list(spool, s, 0, r->arena, &ids, &n, err) < 0)
			return -1;
		json_set_number(object, spool_state_text(s), (int64_t)n);
	}
	return 0;
}

static void add_staging(struct json_object *body, const struct archive_status *s)
{
	struct json_object *object = json_object_new_object();
	uint64_t packs = 0, bytes = 0;

	for (size_t i = 0; i < s->n_media; i++) {
		packs += s->media[i].waiting_packs;
		bytes += s->media[i].waiting_bytes;
	}
	json_set(body, "staging", object);
	json_set_number(object, "packs", (int64_t)packs);
	json_set_number(object, "bytes", (int64_t)bytes);
}

static int add_counts(struct api_request *r, struct json_object *body, struct err *err)
{
	struct archive_status s;
	struct to_stamp_totals stamps;
	CLEAN_STR name = STR_INIT;

	if (archive_status(r->archive, r->arena, &s, err) < 0 ||
	    to_stamp_totals(archive_catalog(r->archive), &stamps, err) < 0 ||
	    setting_get(archive_catalog(r->archive), "name", &name, err) < 0)
		return -1;
	json_set_text(body, "name", str_view(&name));
	json_set_text(body, "version", VIEW(sealpost_version));
	json_set_text(body, "directory", VIEW(r->archive_dir));
	json_set_number(body, "mails", (int64_t)s.mails.mails);
	json_set_number(body, "bytes", (int64_t)s.mails.bytes);
	json_set_number(body, "storedBytes", (int64_t)s.pack_bytes);
	json_set_number(body, "toStamp", (int64_t)stamps.mails);
	json_set_flag(body, "keyBackedUp", s.key_backed_up);
	add_staging(body, &s);
	return 0;
}

int api_get_status(struct api_request *r, struct err *err)
{
	struct json_object *body = json_object_new_object();

	if (add_counts(r, body, err) == 0 && add_alarms(r, body, err) == 0 &&
	    add_spool(r, body, err) == 0)
		return reply_json(r, 200, body);
	json_object_put(body);
	return -1;
}

/* --- statistics --------------------------------------------------------------------------------- */

struct counting {
	struct api_request *r;
	struct json_object *days, *sources;
	const struct day_total *totals;
	size_t n, at;
	struct source_sum {
		uint64_t source;
		struct view name;
		uint64_t mails, bytes;
	} * v;
	size_t n_sources, cap;
};

static struct view date_of(struct api_request *r, int64_t day)
{
	CLEAN_STR text = STR_INIT;

	clock_add_utc(&text, day * DAY_S);
	return arena_view(r->arena, (struct view){text.data, sizeof("2026-01-01") - 1});
}

static struct day_total total_of(struct counting *c, int64_t day)
{
	while (c->at < c->n && c->totals[c->at].day < day)
		c->at++;
	return c->at < c->n && c->totals[c->at].day == day ? c->totals[c->at]
							   : (struct day_total){.day = day};
}

static void add_day(struct counting *c, const struct day_row *row)
{
	const struct day_total total = total_of(c, row->day);
	struct json_object *object = json_object_new_object();

	json_set_text(object, "day", date_of(c->r, row->day));
	json_set_number(object, "mails", (int64_t)row->mails);
	json_set_number(object, "bytes", (int64_t)row->bytes);
	json_set_number(object, "duplicates", (int64_t)row->duplicates);
	json_set_number(object, "spam", (int64_t)row->spam);
	json_set_number(object, "searches", (int64_t)total.searches);
	if (total.stored_bytes > 0)
		json_set_number(object, "storedBytes", (int64_t)total.stored_bytes);
	json_object_array_add(c->days, object);
}

static void add_to_source(struct counting *c, const struct day_row *row, struct view name)
{
	struct {
		struct source_sum *v;
		size_t n, cap;
	} list = {c->v, c->n_sources, c->cap};
	struct source_sum sum = {row->source, arena_view(c->r->arena, name), 0, 0};
	size_t i = 0;

	while (i < list.n && list.v[i].source != row->source)
		i++;
	if (i == list.n)
		ARENA_PUSH(c->r->arena, list, sum);
	list.v[i].mails += row->mails;
	list.v[i].bytes += row->bytes;
	c->v = list.v;
	c->n_sources = list.n;
	c->cap = list.cap;
}

static int on_row(void *arg, const struct day_row *row, struct view name, struct err *err)
{
	struct counting *c = arg;

	(void)err;
	if (row->source == 0)
		add_day(c, row);
	else
		add_to_source(c, row, name);
	return 0;
}

static void add_sources(struct counting *c, struct json_object *body)
{
	struct json_object *list = json_object_new_array();

	json_set(body, "bySource", list);
	for (size_t i = 0; i < c->n_sources; i++) {
		struct json_object *object = json_object_new_object();

		json_set_text(object, "source", c->v[i].name);
		json_set_number(object, "mails", (int64_t)c->v[i].mails);
		json_set_number(object, "bytes", (int64_t)c->v[i].bytes);
		json_object_array_add(list, object);
	}
}

/* Bytes a day that the media took in the last weeks; 0: not known. */
static int rate_of(struct api_request *r, int64_t today, uint64_t *rate_r, struct err *err)
{
	const struct day_total *first = NULL, *last = NULL;
	struct day_total *v;
	size_t n;

	*rate_r = 0;
	if (days_totals(archive_catalog(r->archive), r->arena, today - RATE_DAYS, today, &v, &n,
			err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (v[i].stored_bytes > 0) {
			first = first != NULL ? first : &v[i];
			last = &v[i];
		}
	if (first != NULL && last->day - first->day >= RATE_LEAST_DAYS &&
	    last->stored_bytes > first->stored_bytes)
		*rate_r = (last->stored_bytes - first->stored_bytes) /
			  (uint64_t)(last->day - first->day);
	return 0;
}

static int add_forecast(struct api_request *r, struct json_object *body, int64_t today,
			struct err *err)
{
	struct json_object *object;
	struct medium_row *media;
	uint64_t rate;
	size_t n;

	if (rate_of(r, today, &rate, err) < 0 ||
	    media_overview(r->archive, r->arena, &media, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (!media[i].active || media[i].answers != MEDIUM_ANSWERS)
			continue;
		object = json_object_new_object();
		json_set_number(object, "medium", media[i].medium);
		json_set_number(object, "freeBytes", (int64_t)media[i].free_bytes);
		json_set_number(object, "bytesPerDay", (int64_t)rate);
		if (rate > 0 && media[i].free_bytes / rate < DAYS_MAX * 10)
			json_set_text(object, "fullOn",
				      date_of(r, today + (int64_t)(media[i].free_bytes / rate)));
		json_set(body, "forecast", object);
	}
	return 0;
}

int api_get_statistics(struct api_request *r, struct err *err)
{
	static const char *const known[] = {"days", NULL};
	struct counting c = {.r = r};
	struct json_object *body;
	struct day_total *totals;
	const int64_t today = day_of(clock_s());
	uint64_t days;

	if (request_query_only(r, known, err) < 0 ||
	    request_query_number(r, "days", 1, DAYS_MAX, DAYS, &days, err) < 0 ||
	    days_totals(archive_catalog(r->archive), r->arena, today - (int64_t)days + 1, today,
			&totals, &c.n, err) < 0)
		return -1;
	c.totals = totals;
	body = json_object_new_object();
	c.days = json_object_new_array();
	json_set(body, "days", c.days);
	if (days_each(archive_catalog(r->archive), today - (int64_t)days + 1, today, on_row, &c,
		      err) < 0 ||
	    add_forecast(r, body, today, err) < 0) {
		json_object_put(body);
		return -1;
	}
	add_sources(&c, body);
	return reply_json(r, 200, body);
}
