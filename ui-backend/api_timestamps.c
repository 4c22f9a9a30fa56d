/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The timestamping authority, and what it has stamped. It is asked by sealpost-tsa, through the command line's verb. */
#include "base/clock.h"
#include "scheduler/timetable.h"
#include "tsa/stamp.h"
#include "ui-backend/cli.h"

enum { ASK_MS = 90 * 1000, LISTED = 50 };

/* --- how it stands ------------------------------------------------------------------------------ */

struct listing {
	struct {
		struct listed {
			uint64_t stamp, mails;
			int64_t time_s, ends_s;
		} * v;
		size_t n, cap;
	} stamps;
	struct arena *arena;
	uint64_t mails; /* up to the one before */
};

static int on_stamp(void *arg, const struct stamp_row *row, struct err *err)
{
	struct listing *l = arg;
	struct listed listed = {row->stamp, row->mails - l->mails, row->time_ms / 1000,
				row->ends_s};

	(void)err;
	l->mails = row->mails;
	ARENA_PUSH(l->arena, l->stamps, listed);
	return 0;
}

/* The newest first. */
static int add_stamps(struct api_request *r, struct json_object *body, struct err *err)
{
	struct json_object *list = json_object_new_array();
	struct listing l = {.arena = r->arena};

	json_set(body, "stamps", list);
	if (stamps_each(archive_catalog(r->archive), on_stamp, &l, err) < 0)
		return -1;
	for (size_t i = l.stamps.n; i > 0 && i + LISTED > l.stamps.n; i--) {
		struct json_object *object = json_object_new_object();

		json_set_number(object, "stamp", (int64_t)l.stamps.v[i - 1].stamp);
		json_set_time(object, "time", l.stamps.v[i - 1].time_s);
		json_set_number(object, "mails", (int64_t)l.stamps.v[i - 1].mails);
		json_set_time(object, "ends", l.stamps.v[i - 1].ends_s);
		json_object_array_add(list, object);
	}
	return 0;
}

static void set_if(struct json_object *body, const char *name, const char *text)
{
	if (text != NULL && text[0] != '\0')
		json_set_text(body, name, VIEW(text));
}

static int add_authority(struct api_request *r, struct json_object *body, struct err *err)
{
	CLEAN_AUTHORITY authority = {0};
	struct timetable_settings settings;
	const char *path = arena_f(r->arena, "%s/timetable.conf", r->archive_dir);

	if (authority_load(archive_catalog(r->archive), r->arena, &authority, err) < 0 ||
	    timetable_settings_read(path, &settings, err) < 0)
		return -1;
	json_set_text(body, "url", VIEW(authority.url != NULL ? authority.url : ""));
	set_if(body, "user", authority.user);
	set_if(body, "policy", authority.policy);
	json_set_text(body, "hash", VIEW(digest_name(authority.digest)));
	json_set_text(body, "rhythm", VIEW(timetable_rhythm(&settings, JOB_STAMP)));
	return 0;
}

static int add_status(struct api_request *r, struct json_object *body, struct err *err)
{
	struct stamp_status s;

	if (stamp_status(r->archive, &s, err) < 0)
		return -1;
	json_set_time(body, "caEnds", s.ends_s);
	json_set_number(body, "waiting", (int64_t)s.waiting.mails);
	json_set_number(body, "stamped", (int64_t)s.mails);
	json_set_number(body, "refused", (int64_t)s.refused);
	return 0;
}

int api_get_timestamps(struct api_request *r, struct err *err)
{
	struct json_object *body = json_object_new_object();

	if (add_authority(r, body, err) == 0 && add_status(r, body, err) == 0 &&
	    add_stamps(r, body, err) == 0)
		return reply_json(r, 200, body);
	json_object_put(body);
	return -1;
}

/* --- changing, testing -------------------------------------------------------------------------- */

static int set_rhythm(struct api_request *r, struct view rhythm, struct err *err)
{
	const char *path = arena_f(r->arena, "%s/timetable.conf", r->archive_dir);
	struct timetable_settings settings;

	if (rhythm.len == 0)
		return 0;
	if (timetable_settings_read(path, &settings, err) < 0)
		return -1;
	if (timetable_choose(&settings, JOB_STAMP, arena_view(r->arena, rhythm).data) < 0)
		return err_set(err, ERR_SYNTAX, "rhythm is daily or weekly");
	return timetable_settings_write(path, &settings, err);
}

static int read_order(struct api_request *r, struct view *rhythm_r, struct err *err)
{
	static const struct {
		const char *name;
		size_t max;
	} texts[] = {{"url", 1024},      {"ca", 65536 / 2}, {"user", 256},
		     {"password", 1024}, {"policy", 200},   {"hash", 10}};
	static const char *const known[] = {"url",    "ca",   "user",   "password",
					    "policy", "hash", "rhythm", NULL};
	struct view text;

	if (json_only(r->body, known, err) < 0 ||
	    json_text(r->body, "rhythm", 0, 10, rhythm_r, err) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (json_text(r->body, texts[i].name, 0, texts[i].max, &text, err) < 0)
			return -1;
	return 0;
}

/* What is handed over is the body itself. */
static struct view body_text(struct api_request *r)
{
	return VIEW(json_object_to_json_string_ext(r->body, JSON_C_TO_STRING_PLAIN));
}

static int on_set(struct api_request *r, void *arg, struct view output, struct err *err)
{
	(void)arg;
	(void)output;
	(void)err;
	return reply_nothing(r);
}

int api_set_timestamps(struct api_request *r, struct err *err)
{
	static const char *const asked[] = {"url", "ca", "user", "password", "policy", "hash"};
	struct cli cli = {.args = {"timestamp", "set", "--settings", CLI_HANDED},
			  .timeout_ms = ASK_MS,
			  .then = on_set};
	struct view rhythm;
	bool any = false;

	if (read_order(r, &rhythm, err) < 0 || set_rhythm(r, rhythm, err) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(asked) / sizeof(*asked); i++)
		any = any || json_object_object_get_ex(r->body, asked[i], NULL);
	if (!any)
		return reply_nothing(r);
	cli.handed = body_text(r);
	return cli_run(r, &cli, err);
}

static int on_good(struct api_request *r, void *arg, struct view output, struct err *err)
{
	CLEAN_STR text = STR_INIT;

	(void)arg;
	str_addsafe(&text, view_trim(output), false);
	return reply_tested(r, err, text.data);
}

static int on_bad(struct api_request *r, void *arg, struct view output, struct err *err)
{
	struct err found = *err;

	(void)arg;
	(void)output;
	return reply_tested(r, &found, "");
}

int api_test_timestamps(struct api_request *r, struct err *err)
{
	struct cli cli = {.args = {"timestamp", "try", "--settings", CLI_HANDED},
			  .timeout_ms = ASK_MS,
			  .then = on_good,
			  .failed = on_bad};
	struct view rhythm;

	if (read_order(r, &rhythm, err) < 0)
		return -1;
	cli.handed = body_text(r);
	return cli_run(r, &cli, err);
}
