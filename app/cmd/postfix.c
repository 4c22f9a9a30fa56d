/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/postfix/hook.h"

#include "app/cmd/cmd.h"
#include "app/cmd/postfix_test_mail.h"
#include "base/file.h"
#include "base/log.h"

enum { WAIT_S = 30 };

struct options {
	const char *config_dir, *domain, *back;
	bool dry_run, no_test_mail, now;
	uint64_t wait_s;
};

static int fail(const struct cmd *cmd, const struct err *err)
{
	switch (err->kind) {
	case ERR_UNSUPPORTED:
		return cmd_fail_meaning(cmd, err,
					"Nothing was changed; mail flows as before, and is not "
					"archived by this way.");
	case ERR_OFFLINE:
		return cmd_fail_meaning(
			cmd, err,
			"Postfix was left as it was, since without the doors it would take no "
			"mail. Start sealpost-milter and sealpost-smtpd, and repeat the command.");
	case ERR_IO:
		return cmd_fail_meaning(
			cmd, err,
			"See to what it says, and repeat the command: it goes on, or "
			"back, from where it stopped.");
	case ERR_BUSY:
		return cmd_fail_meaning(cmd, err, "Nothing was changed.");
	default:
		return cmd_fail(cmd, err);
	}
}

static void add_json(struct str *line, const struct hook_result *result,
		     const struct test_mail_result *test)
{
	str_addf(line, "{\"changed\": %s, \"reloaded\": %s, \"config_dir\": ",
		 result->changed ? "true" : "false", result->reloaded ? "true" : "false");
	cmd_json_text(line, str_view(&result->dir));
	str_adds(line, ", \"domain\": ");
	cmd_json_text(line, str_view(&result->domain));
	str_adds(line, ", \"difference\": ");
	cmd_json_text(line, str_view(&result->difference));
	if (test != NULL)
		str_addf(line, ", \"test_mail_ms\": %lld, \"by_smtp\": %s",
			 (long long)test->took_ms, test->by_smtp ? "true" : "false");
	str_adds(line, "}\n");
}

static void add_test(struct str *line, const struct test_mail_result *test)
{
	str_addf(line, "%s in the archive after %.1f s, byte for byte.\n",
		 test->by_smtp ? "A test mail by sendmail and one by SMTP were"
			       : "A test mail by sendmail was",
		 (double)test->took_ms / 1000);
	if (!test->by_smtp)
		str_addf(line, "By SMTP none was let in from this machine%s%s.\n",
			 test->refused[0] ? ": " : "", test->refused);
}

static void tell(const struct cmd *cmd, const struct hook_result *result,
		 const struct test_mail_result *test, const char *done)
{
	CLEAN_STR line = STR_INIT;

	if (cmd->json) {
		add_json(&line, result, test);
	} else {
		str_addv(&line, str_view(&result->difference));
		str_addf(&line, "%s\n", done);
		if (test != NULL)
			add_test(&line, test);
	}
	cmd_print(&line);
}

static const char *said(const struct hook_result *result, const struct options *o, bool enable)
{
	if (o->dry_run)
		return result->changed ? "This would change; nothing was changed."
				       : "Nothing would change.";
	if (!result->changed)
		return enable ? "Postfix is hooked already; nothing was changed."
			      : "Postfix is not hooked; nothing was changed.";
	return enable ? "Postfix is hooked: what it delivers is archived."
		      : "Postfix is as it was before; its mail is not archived any more.";
}

struct noting {
	const char *archive_dir;
	bool enabled;
};

static int note_change(const void *arg, struct err *err)
{
	const struct noting *noting = arg;
	CLEAN(archive) a = NULL;

	return archive_open(noting->archive_dir, &a, err) < 0 ||
			       audit_add(archive_catalog(a), AUDIT_SETTING, VIEW("mail server"),
					 VIEW(noting->enabled ? "hooked" : "taken out"), err) < 0
		       ? -1
		       : 0;
}

/* For the log of who did what, which is the archive's owner's to write. */
static void note(const struct hook_wish *wish, const struct hook_result *result, bool enabled)
{
	const struct noting noting = {wish->archive_dir, enabled};
	struct err err = {0};

	if (result->changed && !wish->dry_run &&
	    as_owner_of(wish->archive_dir, note_change, &noting, &err) < 0)
		log_error("the audit log lacks a line: %s", err.text);
}

static int fail_test(const struct cmd *cmd, const struct err *err)
{
	return cmd_fail_meaning(cmd, err,
				"Postfix is hooked. See to the reason, and repeat the command; "
				"\"sealpost postfix disable\" takes the hook out again.");
}

static int enable(struct cmd *cmd, const struct hook_wish *wish, const struct options *o,
		  struct hook_result *result)
{
	const struct test_mail_order order = {wish->archive_dir, result->dir.data,
					      result->domain.data, wish->wait_ms};
	const bool testing = !o->no_test_mail && !o->dry_run;
	struct test_mail_result test;
	struct err err = {0};

	int rc = 0;

	if (testing && !result->runs)
		rc = err_set(&err, ERR_OFFLINE, "no test mail was sent: Postfix does not run");
	else if (testing)
		rc = test_mail_prove(&order, &test, &err);
	if (rc < 0)
		return fail_test(cmd, &err);
	tell(cmd, result, testing ? &test : NULL, said(result, o, true));
	return EXIT_DONE;
}

static int change(struct cmd *cmd, const struct hook_wish *wish, const struct options *o,
		  bool to_enable)
{
	struct hook_result result;
	struct err err = {0};
	int rc, status = EXIT_DONE;

	hook_result_init(&result);
	rc = to_enable ? hook_enable(wish, &result, &err) : hook_disable(wish, &result, &err);
	if (rc == 0)
		note(wish, &result, to_enable);
	if (rc < 0)
		status = fail(cmd, &err);
	else if (to_enable)
		status = enable(cmd, wish, o, &result);
	else
		tell(cmd, &result, NULL, said(&result, o, false));
	hook_result_clear(&result);
	return status;
}

static void tell_drift(const struct cmd *cmd, const struct hook_drift *drift)
{
	CLEAN_STR out = STR_INIT;

	if (cmd->json)
		str_adds(&out, "{\"hooked\": true, \"wrong\": [");
	for (size_t i = 0; i < drift->n; i++) {
		if (cmd->json) {
			str_adds(&out, i > 0 ? ", " : "");
			cmd_json_text(&out, VIEW(drift->v[i]));
		} else {
			str_addf(&out, "%s\n", drift->v[i]);
		}
	}
	if (cmd->json)
		str_adds(&out, "]}\n");
	else if (drift->n == 0)
		str_adds(&out, "Postfix is hooked, and all is as it must be.\n");
	cmd_print(&out);
}

static int check(struct cmd *cmd, const struct hook_wish *wish)
{
	CLEAN(arena) arena = arena_new();
	struct hook_drift drift;
	struct err err = {0};

	if (hook_check(wish, arena, &drift, &err) < 0) {
		if (cmd->json && err.kind == ERR_NOTFOUND)
			puts("{\"hooked\": false, \"wrong\": []}");
		return fail(cmd, &err);
	}
	tell_drift(cmd, &drift);
	return drift.n == 0 ? EXIT_DONE : EXIT_FAILED;
}

static int run(struct cmd *cmd, const char *what, const struct hook_wish *wish,
	       const struct options *o)
{
	if (strcmp(what, "check") == 0)
		return check(cmd, wish);
	return change(cmd, wish, o, strcmp(what, "enable") == 0);
}

int cmd_postfix(struct cmd *cmd)
{
	struct options o = {.wait_s = WAIT_S};
	const struct option_row rows[] = {{"config-dir", OPTION_TEXT, &o.config_dir},
					  {"domain", OPTION_TEXT, &o.domain},
					  {"back", OPTION_TEXT, &o.back},
					  {"dry-run", OPTION_FLAG, &o.dry_run},
					  {"no-test-mail", OPTION_FLAG, &o.no_test_mail},
					  {"now", OPTION_FLAG, &o.now},
					  {"wait", OPTION_NUMBER, &o.wait_s},
					  {0}};
	CLEAN_STR archive = STR_INIT;
	CLEAN_STR config = STR_INIT;
	struct err err = {0};
	const char *what;

	if (cmd_options(cmd, rows) < 0)
		return EXIT_USAGE;
	what = cmd->argc == 1 ? cmd->argv[0] : "";
	if (strcmp(what, "enable") != 0 && strcmp(what, "disable") != 0 &&
	    strcmp(what, "check") != 0)
		return cmd_usage(cmd, "say what to do: enable, disable or check");
	if (path_absolute(cmd->archive_dir, &archive, &err) < 0 ||
	    (o.config_dir != NULL && path_absolute(o.config_dir, &config, &err) < 0))
		return cmd_fail(cmd, &err);
	const struct hook_wish wish = {.archive_dir = archive.data,
				       .config_dir = o.config_dir != NULL ? config.data : NULL,
				       .domain = o.domain,
				       .back = o.back,
				       .dry_run = o.dry_run,
				       .is_patient = strcmp(what, "enable") == 0 ? !o.no_test_mail
										 : !o.now,
				       .wait_ms = (int)(o.wait_s > 3600 ? 3600 : o.wait_s) * 1000};

	return run(cmd, what, &wish, &o);
}
