/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The timetable: what the archive does by itself. */
#include "app/catalog/audit.h"
#include "app/catalog/jobs.h"
#include "base/clock.h"
#include "scheduler/timetable.h"
#include "ui-backend/child.h"
#include "ui-backend/reply.h"

enum { RUNS = 20, START_MS = 20 * 1000 };

static int read_settings(struct api_request *r, struct str *path,
			 struct timetable_settings *settings_r, struct err *err)
{
	str_addf(path, "%s/timetable.conf", r->archive_dir);
	return timetable_settings_read(path->data, settings_r, err);
}

/* --- as JSON ------------------------------------------------------------------------------------ */

/* What was left out is told by its summary. */
static const char *result_text(enum job_result result)
{
	switch (result) {
	case JOB_RUNNING:
		return "running";
	case JOB_DONE:
	case JOB_PARTLY:
	case JOB_SKIPPED:
		return "done";
	case JOB_STOPPED:
		return "stopped";
	default:
		return "failed";
	}
}

static struct json_object *run_json(const struct job_run *run)
{
	struct json_object *object = json_object_new_object();

	json_set_number(object, "run", (int64_t)run->run);
	json_set_time(object, "begun", run->begun_s);
	json_set_time(object, "ended", run->ended_s);
	json_set_text(object, "result", VIEW(result_text(run->result)));
	json_set_flag(object, "byHand", run->by_hand);
	json_set_text(object, "summary", VIEW(run->summary));
	if (run->log[0] != '\0')
		json_set_text(object, "log", VIEW(run->log));
	return object;
}

static void set_rhythms(struct json_object *object, const struct timetable_settings *settings,
			enum job job)
{
	const char *const *words = timetable_rhythms(job);
	struct json_object *list;

	if (words == NULL)
		return;
	list = json_object_new_array();
	for (; *words != NULL; words++)
		json_object_array_add(list, json_of(VIEW(*words)));
	json_set(object, "rhythms", list);
	json_set_text(object, "rhythm", VIEW(timetable_rhythm(settings, job)));
}

static struct json_object *job_json(const struct timetable_settings *settings, enum job job,
				    const struct job_run *last)
{
	struct json_object *object = json_object_new_object();
	CLEAN_STR when = STR_INIT;

	timetable_when(settings, job, &when);
	json_set_text(object, "job", VIEW(job_name(job)));
	json_set_text(object, "text", VIEW(job_help(job)));
	json_set_text(object, "when", str_view(&when));
	json_set_flag(object, "paused", settings->paused[job]);
	json_set_flag(object, "running", last != NULL && last->result == JOB_RUNNING);
	json_set_time(object, "next", timetable_next(settings, job, clock_s()));
	set_rhythms(object, settings, job);
	if (last != NULL)
		json_set(object, "last", run_json(last));
	return object;
}

int api_list_jobs(struct api_request *r, struct err *err)
{
	struct json_object *body = json_object_new_object();
	struct json_object *list = json_object_new_array();
	CLEAN_STR path = STR_INIT;
	struct timetable_settings settings;
	int rc = read_settings(r, &path, &settings, err);

	json_set(body, "jobs", list);
	for (enum job job = 0; rc >= 0 && job < JOB_COUNT; job++) {
		struct job_run last;

		rc = job_runs_last(archive_catalog(r->archive), r->arena, job_name(job), &last,
				   err);
		if (rc >= 0)
			json_object_array_add(list,
					      job_json(&settings, job, rc > 0 ? &last : NULL));
	}
	if (rc >= 0)
		return reply_json(r, 200, body);
	json_object_put(body);
	return -1;
}

/* --- one ---------------------------------------------------------------------------------------- */

static int find_job(struct api_request *r, enum job *job_r, struct err *err)
{
	const struct view name = arena_view(r->arena, request_param(r, "job"));

	return job_by_name(name.data, job_r) < 0 ? err_set(err, ERR_NOTFOUND, "no such job") : 0;
}

int api_read_job(struct api_request *r, struct err *err)
{
	struct json_object *body, *list;
	struct job_run *runs;
	enum job job;
	size_t n;

	if (find_job(r, &job, err) < 0 || job_runs_list(archive_catalog(r->archive), r->arena,
							job_name(job), RUNS, &runs, &n, err) < 0)
		return -1;
	body = json_object_new_object();
	list = json_object_new_array();
	json_set(body, "runs", list);
	for (size_t i = 0; i < n; i++)
		json_object_array_add(list, run_json(&runs[i]));
	return reply_json(r, 200, body);
}

/* --- acts --------------------------------------------------------------------------------------- */

enum { ACT_RUN, ACT_PAUSE, ACT_RESUME, ACT_SET };

static int on_begun(struct api_request *r, void *arg, bool late, int status, struct view output,
		    struct err *err)
{
	(void)arg;
	(void)output;
	if (late || status != 0)
		return err_set(err, ERR_IO, "the job did not begin");
	return reply_nothing(r);
}

static int run_job(struct api_request *r, enum job job, struct err *err)
{
	const char *const args[] = {"--archive",   r->archive_dir, "job", "run",
				    job_name(job), "--background", NULL};
	const struct child_call call = {.name = "",
					.args = args,
					.max_output = 4096,
					.timeout_ms = START_MS,
					.start = START_JOB,
					.named = VIEW(job_name(job))};

	if (audit_add(archive_catalog(r->archive), AUDIT_JOB, VIEW(job_name(job)), VIEW("begun"),
		      err) < 0)
		return -1;
	return child_run(r, &call, on_begun, NULL, err);
}

static int change(struct api_request *r, enum job job, size_t act, struct view rhythm,
		  struct err *err)
{
	static const char *const done[] = {
		[ACT_RUN] = "", [ACT_PAUSE] = "paused", [ACT_RESUME] = "resumed"};
	CLEAN_STR path = STR_INIT;
	struct timetable_settings settings;

	if (read_settings(r, &path, &settings, err) < 0)
		return -1;
	if (act != ACT_SET)
		settings.paused[job] = act == ACT_PAUSE;
	else if (timetable_choose(&settings, job, arena_view(r->arena, rhythm).data) < 0)
		return err_set(err, ERR_SYNTAX, "this job has no such rhythm");
	if (timetable_settings_write(path.data, &settings, err) < 0 ||
	    audit_add(archive_catalog(r->archive), AUDIT_SETTING, VIEW(job_name(job)),
		      act == ACT_SET ? rhythm : VIEW(done[act]), err) < 0)
		return -1;
	return reply_nothing(r);
}

int api_act_on_job(struct api_request *r, struct err *err)
{
	static const char *const known[] = {"act", "rhythm", NULL};
	static const char *const acts[] = {"run", "pause", "resume", "set", NULL};
	struct view rhythm;
	enum job job;
	size_t act;

	if (find_job(r, &job, err) < 0 || json_only(r->body, known, err) < 0 ||
	    json_text(r->body, "rhythm", 0, 10, &rhythm, err) < 0)
		return -1;
	if (json_word(r->body, "act", acts, &act, err) <= 0)
		return err_set(err, ERR_SYNTAX, "act is run, pause, resume or set");
	return act == ACT_RUN ? run_job(r, job, err) : change(r, job, act, rhythm, err);
}
