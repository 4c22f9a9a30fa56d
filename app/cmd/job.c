/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/catalog/accounts.h"
#include "app/cmd/job_run.h"
#include "app/watch/tell.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/program.h"
#include "scheduler/timetable.h"
#include "tsa/authority.h"

#include <time.h>

/* ---- what each job does ---- */

static int has_account(struct archive *a, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	struct accounts accounts;

	return accounts_list(archive_catalog(a), arena, &accounts, err) < 0 ? -1 : accounts.n > 0;
}

static int has_mirror(struct archive *a, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	CLEAN(secret) password = NULL;
	struct site site;

	return mirror_site(archive_catalog(a), arena, &site, &password, err);
}

static int has_authority(struct archive *a, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	CLEAN_AUTHORITY authority = {0};

	return authority_load(archive_catalog(a), arena, &authority, err);
}

#define NO_MIRROR "no mirror is set up"
#define NO_AUTHORITY "no timestamping authority is set"
#define NO_ACCOUNT "no account is set up"
#define MIRROR                                                                                     \
	{                                                                                          \
		{"backup", "mirror"}, has_mirror, NO_MIRROR                                        \
	}

/* clang-format off */
static const struct job_step steps[JOB_COUNT][JOB_STEPS_MAX] = {
	[JOB_INDEX] = {{{"index", "update"}, NULL, NULL}},
	[JOB_NOTES] = {{{"index", "notes"}, NULL, NULL}},
	[JOB_STAMP_MANY] = {{{"timestamp", "run", "--at-least", "10000"}, has_authority, NO_AUTHORITY}},
	[JOB_FETCH] = {{{"fetch", "run"}, has_account, NO_ACCOUNT}},
	[JOB_ERASE_INDEX] = {{{"erase", "index"}, NULL, NULL}},
	[JOB_ERASE_MEDIA] = {{{"erase", "media"}, NULL, NULL}},
	[JOB_BACKUP_FULL] = {{{"backup", "full"}, NULL, NULL}, MIRROR},
	[JOB_BACKUP] = {{{"backup", "incremental"}, NULL, NULL}, MIRROR},
	[JOB_STATISTICS] = {{{"statistics", "update"}, NULL, NULL}, {{"task", "tidy"}, NULL, NULL}},
	[JOB_STAMP] = {{{"timestamp", "run"}, has_authority, NO_AUTHORITY}},
};
/* clang-format on */

static struct job_work work_of(enum job job)
{
	static const char *const classes[] = {
		[LOCK_NONE] = NULL,
		[LOCK_MEDIA] = "media",
		[LOCK_INDEX] = "index",
		[LOCK_STAMPS] = "timestamps",
	};
	struct job_work work = {.name = job_name(job),
				.class = classes[job_lock(job)],
				.limit_ms = job_limit_s(job) * 1000};

	memcpy(work.steps, steps[job], sizeof(work.steps));
	return work;
}

/* ---- the timetable ---- */

static void settings_path(const struct cmd *cmd, struct str *path)
{
	str_addf(path, "%s/timetable.conf", cmd->archive_dir);
}

static int read_settings(const struct cmd *cmd, struct timetable_settings *settings_r,
			 struct err *err)
{
	CLEAN_STR path = STR_INIT;

	settings_path(cmd, &path);
	return timetable_settings_read(path.data, settings_r, err);
}

/* "2026-11-23 05:12", local time, as the timetable is. */
static void add_local(struct str *out, int64_t time_s)
{
	time_t t = (time_t)time_s;
	struct tm tm;

	if (time_s == 0 || localtime_r(&t, &tm) == NULL)
		str_adds(out, "never");
	else
		str_addf(out, "%04d-%02d-%02d %02d:%02d", tm.tm_year + 1900, tm.tm_mon + 1,
			 tm.tm_mday, tm.tm_hour, tm.tm_min);
}

static void run_json(struct str *out, const struct job_run *run)
{
	str_addf(out, "\"run\": %llu, \"result\": \"%s\", \"by_hand\": %s",
		 (unsigned long long)run->run, job_result_text(run->result),
		 run->by_hand ? "true" : "false");
	cmd_json_time(out, "begun", run->begun_s);
	cmd_json_time(out, "ended", run->ended_s);
	str_adds(out, ", \"summary\": ");
	cmd_json_text(out, VIEW(run->summary));
}

static void run_text(struct str *out, const struct job_run *run)
{
	add_local(out, run->begun_s);
	str_addf(out, "  %s", job_result_text(run->result));
	if (run->ended_s != 0)
		str_addf(out, " after %lld s", (long long)(run->ended_s - run->begun_s));
	if (run->summary[0] != '\0') {
		str_adds(out, ": ");
		str_addsafe(out, VIEW(run->summary), false);
	}
	str_addc(out, '\n');
}

static void job_json(struct str *out, const struct timetable_settings *settings, enum job job,
		     const struct job_run *last)
{
	CLEAN_STR when = STR_INIT;

	timetable_when(settings, job, &when);
	str_addf(out, "{\"job\": \"%s\", \"does\": ", job_name(job));
	cmd_json_text(out, VIEW(job_help(job)));
	str_adds(out, ", \"when\": ");
	cmd_json_text(out, str_view(&when));
	str_addf(out, ", \"paused\": %s", settings->paused[job] ? "true" : "false");
	cmd_json_time(out, "next", timetable_next(settings, job, clock_s()));
	str_adds(out, ", \"last\": ");
	if (last != NULL) {
		str_addc(out, '{');
		run_json(out, last);
		str_addc(out, '}');
	} else {
		str_adds(out, "null");
	}
	str_adds(out, "}\n");
}

static void job_text(struct str *out, const struct timetable_settings *settings, enum job job,
		     const struct job_run *last)
{
	str_addf(out, "%s: %s\n  runs  ", job_name(job), job_help(job));
	timetable_when(settings, job, out);
	str_adds(out, settings->paused[job] ? "; PAUSED\n  last  " : "\n  last  ");
	if (last != NULL)
		run_text(out, last);
	else
		str_adds(out, "never\n");
	str_adds(out, "  next  ");
	add_local(out, timetable_next(settings, job, clock_s()));
	str_addc(out, '\n');
}

static int list(struct cmd *cmd, struct archive *a)
{
	CLEAN(arena) arena = arena_new();
	CLEAN_STR out = STR_INIT;
	struct timetable_settings settings;
	struct err err = {0};

	if (read_settings(cmd, &settings, &err) < 0)
		return cmd_fail(cmd, &err);
	for (enum job job = 0; job < JOB_COUNT; job++) {
		struct job_run last;
		int rc = job_runs_last(archive_catalog(a), arena, job_name(job), &last, &err);

		if (rc < 0)
			return cmd_fail(cmd, &err);
		(cmd->json ? job_json : job_text)(&out, &settings, job, rc > 0 ? &last : NULL);
	}
	return cmd_print(&out) < 0 ? EXIT_FAILED : EXIT_DONE;
}

/* ---- runs ---- */

static int history(struct cmd *cmd, struct archive *a, const char *job)
{
	CLEAN(arena) arena = arena_new();
	CLEAN_STR out = STR_INIT;
	struct job_run *runs;
	struct err err = {0};
	size_t n;

	if (job_runs_list(archive_catalog(a), arena, job, JOB_RUNS_KEPT, &runs, &n, &err) < 0)
		return cmd_fail(cmd, &err);
	for (size_t i = 0; i < n; i++) {
		if (cmd->json) {
			str_addf(&out, "{\"job\": \"%s\", ", runs[i].job);
			run_json(&out, &runs[i]);
			str_adds(&out, "}\n");
		} else {
			str_addf(&out, "%6llu  %-12s ", (unsigned long long)runs[i].run,
				 runs[i].job);
			run_text(&out, &runs[i]);
		}
	}
	return cmd_print(&out) < 0 ? EXIT_FAILED : EXIT_DONE;
}

static int show_log(struct cmd *cmd, struct archive *a, enum job job, uint64_t number)
{
	CLEAN(arena) arena = arena_new();
	CLEAN_STR out = STR_INIT;
	struct job_run run;
	struct err err = {0};
	int rc = number != 0 ? job_runs_get(archive_catalog(a), arena, number, &run, &err)
			     : job_runs_last(archive_catalog(a), arena, job_name(job), &run, &err);

	if (rc < 0)
		return cmd_fail(cmd, &err);
	if (rc == 0 || strcmp(run.job, job_name(job)) != 0) {
		err_set(&err, ERR_NOTFOUND, "there is no such run of the job %s", job_name(job));
		return cmd_fail(cmd, &err);
	}
	if (cmd->json) {
		str_addf(&out, "{\"job\": \"%s\", ", run.job);
		run_json(&out, &run);
		str_adds(&out, ", \"log\": ");
		cmd_json_text(&out, VIEW(run.log));
		str_adds(&out, "}\n");
	} else {
		run_text(&out, &run);
		str_addsafe(&out, VIEW(run.log), true);
		if (run.log[0] == '\0')
			str_adds(&out, "(it left no log)\n");
	}
	return cmd_print(&out) < 0 ? EXIT_FAILED : EXIT_DONE;
}

static int status_of(enum job_result result)
{
	switch (result) {
	case JOB_DONE:
	case JOB_SKIPPED:
		return EXIT_DONE;
	case JOB_PARTLY:
		return EXIT_REFUSED;
	default:
		return EXIT_FAILED;
	}
}

/* What is done by itself and well every few minutes would fill the log. */
static void note_run(struct archive *a, const char *job, bool by_hand, enum job_result result)
{
	if (by_hand || status_of(result) != EXIT_DONE)
		cmd_audit_line(a, AUDIT_JOB, job, job_result_text(result));
}

/* The jobs are what comes by often enough to notice that something has stopped. */
static void watch(struct archive *a)
{
	struct err err = {0};

	if (alarms_watch(a, clock_s(), &err) < 0)
		log_warn("alarms: %s", err.text);
}

static int run(struct cmd *cmd, struct archive *a, enum job job, bool by_timetable)
{
	const struct job_work work = work_of(job);
	enum job_result result;
	struct err err = {0};

	if (by_timetable)
		audit_set_who("timetable");
	cmd_catch_stop();
	if (job_run(cmd, a, &work, !by_timetable, &result, &err) < 0) {
		/* the run at hand does the work of this one, too */
		if (err.kind == ERR_BUSY && by_timetable)
			return EXIT_DONE;
		return cmd_fail(cmd, &err);
	}
	note_run(a, work.name, !by_timetable, result);
	watch(a);
	if (cmd->json)
		printf("{\"job\": \"%s\", \"result\": \"%s\"}\n", work.name,
		       job_result_text(result));
	else if (!by_timetable)
		printf("%s: %s\n", work.name, job_result_text(result));
	return status_of(result);
}

/* ---- settings ---- */

static int write_settings(struct cmd *cmd, struct archive *a, enum job job, const char *what,
			  const struct timetable_settings *settings)
{
	CLEAN_STR path = STR_INIT;
	CLEAN_STR when = STR_INIT;
	struct err err = {0};

	settings_path(cmd, &path);
	if (timetable_settings_write(path.data, settings, &err) < 0)
		return cmd_fail(cmd, &err);
	cmd_audit_line(a, AUDIT_SETTING, job_name(job), what);
	if (cmd->json)
		return EXIT_DONE;
	if (settings->paused[job]) {
		printf("%s is paused; \"sealpost job resume %s\" lets it run again\n",
		       job_name(job), job_name(job));
		return EXIT_DONE;
	}
	timetable_when(settings, job, &when);
	printf("%s: %s\n", job_name(job), when.data);
	return EXIT_DONE;
}

static int pause_or_resume(struct cmd *cmd, struct archive *a, enum job job, bool pause)
{
	struct timetable_settings settings;
	struct err err = {0};

	if (read_settings(cmd, &settings, &err) < 0)
		return cmd_fail(cmd, &err);
	settings.paused[job] = pause;
	return write_settings(cmd, a, job, pause ? "paused" : "resumed", &settings);
}

static int set(struct cmd *cmd, struct archive *a, enum job job, const char *word)
{
	struct timetable_settings settings;
	struct err err = {0};

	if (read_settings(cmd, &settings, &err) < 0)
		return cmd_fail(cmd, &err);
	if (timetable_choose(&settings, job, word) < 0)
		return cmd_usage(
			cmd,
			"backup can be hourly or daily; backup-full and stamp daily or weekly; "
			"fetch on or off; and any job paused");
	return write_settings(cmd, a, job, word, &settings);
}

/* ---- the whole ---- */

static int dispatch(struct cmd *cmd, struct archive *a, enum job job, uint64_t number,
		    bool by_timetable)
{
	const char *verb = cmd->argv[0];

	if (strcmp(verb, "set") == 0)
		return cmd->argc == 3 ? set(cmd, a, job, cmd->argv[2])
				      : cmd_usage(cmd, "say how often");
	if (cmd->argc > 2)
		return cmd_usage(cmd, "what is \"%s\"?", cmd->argv[2]);
	if (strcmp(verb, "run") == 0)
		return run(cmd, a, job, by_timetable);
	if (strcmp(verb, "log") == 0)
		return show_log(cmd, a, job, number);
	if (strcmp(verb, "history") == 0)
		return history(cmd, a, job_name(job));
	if (strcmp(verb, "pause") == 0 || strcmp(verb, "resume") == 0)
		return pause_or_resume(cmd, a, job, strcmp(verb, "pause") == 0);
	return cmd_usage(cmd, "what is \"%s\"?", verb);
}

int cmd_job(struct cmd *cmd)
{
	uint64_t number = 0;
	bool by_timetable = false, background = false;
	const struct option_row rows[] = {{"run", OPTION_NUMBER, &number},
					  {"by-timetable", OPTION_FLAG, &by_timetable},
					  {"background", OPTION_FLAG, &background},
					  {0}};
	CLEAN(archive) a = NULL;
	struct err err = {0};
	enum job job;

	if (cmd_options(cmd, rows) < 0)
		return EXIT_USAGE;
	if (cmd->argc < 1)
		return cmd_usage(cmd, "say what to do");
	if (cmd->argc > 1 && job_by_name(cmd->argv[1], &job) < 0)
		return cmd_usage(cmd, "there is no job \"%s\"; \"job list\" names them",
				 cmd->argv[1]);
	if (background && program_to_background(&err) < 0)
		return cmd_fail(cmd, &err);
	if (cmd_open(cmd, &a) < 0)
		return EXIT_FAILED;
	if (cmd->argc == 1 && strcmp(cmd->argv[0], "list") == 0)
		return list(cmd, a);
	if (cmd->argc == 1 && strcmp(cmd->argv[0], "history") == 0)
		return history(cmd, a, NULL);
	if (cmd->argc == 1)
		return cmd_usage(cmd, "say which job");
	return dispatch(cmd, a, job, number, by_timetable);
}
