/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/cmd/timestamp_priv.h"
#include "base/clock.h"
#include "base/file.h"
#include "tsa/stamp.h"

#include <unistd.h>

/* ---- run, rehash ---- */

static void draw(void *arg, uint64_t done, uint64_t mails)
{
	(void)arg;
	fprintf(stderr, "\r\033[K%llu of %llu mails", (unsigned long long)done,
		(unsigned long long)mails);
}

static void print_report_json(const struct stamp_report *r)
{
	printf("{\"timestamps\": %llu, \"mails\": %llu, \"sightings\": %llu, \"renewed\": %llu, "
	       "\"waiting\": %llu, \"left_out\": %llu, \"own_ms\": %lld}\n",
	       (unsigned long long)r->stamps, (unsigned long long)r->mails,
	       (unsigned long long)r->sightings, (unsigned long long)r->renewed,
	       (unsigned long long)r->waiting, (unsigned long long)r->left_out,
	       (long long)r->own_ms);
}

static void print_run(const struct stamp_report *r)
{
	if (r->stamps == 0)
		printf("no timestamp was due; %llu mail%s for one\n",
		       (unsigned long long)r->waiting, r->waiting == 1 ? " waits" : "s wait");
	else
		printf("%llu mail%s and %llu later sighting%s stamped, %llu timestamp%s renewed, "
		       "%llu mail%s left\n",
		       (unsigned long long)r->mails, cmd_plural(r->mails),
		       (unsigned long long)r->sightings, cmd_plural(r->sightings),
		       (unsigned long long)r->renewed, cmd_plural(r->renewed),
		       (unsigned long long)r->waiting, cmd_plural(r->waiting));
}

static void print_rehash(const struct stamp_report *r)
{
	printf("%llu mail%s proved by the new hash function, %llu left\n",
	       (unsigned long long)r->mails, r->mails == 1 ? " is" : "s are",
	       (unsigned long long)r->left_out);
}

static int fail(const struct cmd *cmd, const struct err *err)
{
	return cmd_fail_meaning(cmd, err,
				"No mail is touched by this: what waits for a timestamp waits on, "
				"and is stamped by the next run that succeeds.");
}

static int run(struct cmd *cmd, struct archive *a, const struct timestamp_options *o, bool rehash)
{
	const bool bar = isatty(STDERR_FILENO) && !cmd->json;
	const struct stamp_watch watch = {NULL, bar ? draw : NULL, cmd_stop};
	struct stamp_report r;
	struct err err = {0};
	int rc;

	cmd_catch_stop();
	rc = rehash ? stamp_rehash(a, &watch, &r, &err)
		    : stamp_run(a, o->at_least, o->renew, &watch, &r, &err);
	if (bar)
		fputs("\r\033[K", stderr);
	if (rc < 0 && err.kind == ERR_NOTFOUND && o->if_set) {
		printf("no timestamping authority is set\n");
		return EXIT_DONE;
	}
	if (rc < 0)
		return fail(cmd, &err);
	if (cmd->json)
		print_report_json(&r);
	else if (rehash)
		print_rehash(&r);
	else
		print_run(&r);
	if (r.left_out > 0 && !cmd->json)
		fprintf(stderr,
			"sealpost timestamp: %llu mail%s could not be read now and %s for the next "
			"run; the log above says why\n",
			(unsigned long long)r.left_out, cmd_plural(r.left_out),
			r.left_out == 1 ? "waits" : "wait");
	return r.left_out > 0 ? EXIT_REFUSED : EXIT_DONE;
}

/* ---- list, status ---- */

struct listing {
	struct cmd *cmd;
	uint64_t mails; /* up to the one before */
};

static void add_day(struct str *out, int64_t time_s)
{
	clock_add_utc(out, time_s);
	out->len -= sizeof("T00:00:00Z") - 1;
	out->data[out->len] = '\0';
}

static void row_text(struct str *out, const struct stamp_row *row, uint64_t mails)
{
	str_addf(out, "%6llu  ", (unsigned long long)row->stamp);
	clock_add_utc(out, row->time_ms / 1000);
	str_addf(out, "  %llu mail%s", (unsigned long long)mails, cmd_plural(mails));
	if (row->tokens > 0)
		str_addf(out, ", renews %llu", (unsigned long long)row->tokens);
	str_addf(out, ", %s, certificates until ", digest_name(row->digest));
	add_day(out, row->ends_s);
	if (row->covered_by != 0)
		str_addf(out, ", renewed by %llu", (unsigned long long)row->covered_by);
	if (row->retired)
		str_adds(out, ", hash function retired");
	str_addc(out, '\n');
}

static void row_json(struct str *out, const struct stamp_row *row, uint64_t mails)
{
	str_addf(out, "{\"timestamp\": %llu, \"time\": \"", (unsigned long long)row->stamp);
	clock_add_utc(out, row->time_ms / 1000);
	str_addf(out,
		 "\", \"mails\": %llu, \"leaves\": %llu, \"renews\": %llu, \"hash\": \"%s\", "
		 "\"ends\": \"",
		 (unsigned long long)mails, (unsigned long long)row->leaves,
		 (unsigned long long)row->tokens, digest_name(row->digest));
	clock_add_utc(out, row->ends_s);
	str_addf(out, "\", \"renewed_by\": %llu, \"retired\": %s}\n",
		 (unsigned long long)row->covered_by, row->retired ? "true" : "false");
}

static int print_row(void *arg, const struct stamp_row *row, struct err *err)
{
	struct listing *l = arg;
	CLEAN_STR line = STR_INIT;

	(l->cmd->json ? row_json : row_text)(&line, row, row->mails - l->mails);
	l->mails = row->mails;
	return cmd_print(&line) < 0 ? err_errno(err, "standard output: %m") : 0;
}

static int list(struct cmd *cmd, struct archive *a)
{
	struct listing l = {.cmd = cmd};
	struct err err = {0};

	return stamps_each(archive_catalog(a), print_row, &l, &err) < 0 ? cmd_fail(cmd, &err)
									: EXIT_DONE;
}

static int status_json(const struct stamp_status *s)
{
	CLEAN_STR out = STR_INIT;

	str_addf(&out,
		 "{\"authority\": %s, \"timestamps\": %llu, \"mails\": %llu, \"waiting\": %llu, "
		 "\"waiting_sightings\": %llu, \"old_hash\": %llu, \"refused\": %llu",
		 s->has_authority ? "true" : "false", (unsigned long long)s->stamps,
		 (unsigned long long)s->mails, (unsigned long long)s->waiting.mails,
		 (unsigned long long)s->waiting.sightings, (unsigned long long)s->retired_mails,
		 (unsigned long long)s->refused);
	cmd_json_time(&out, "last", s->last_ms / 1000);
	cmd_json_time(&out, "oldest_waiting", s->waiting.oldest_ms / 1000);
	cmd_json_time(&out, "certificate_ends", s->ends_s);
	cmd_json_time(&out, "renewal_due", s->renewal_due_s);
	str_adds(&out, "}\n");
	return cmd_print(&out) < 0 ? EXIT_FAILED : EXIT_DONE;
}

static void status_waiting(struct str *out, const struct stamp_status *s)
{
	str_addf(out, "waiting    %llu mail%s and %llu later sighting%s",
		 (unsigned long long)s->waiting.mails, cmd_plural(s->waiting.mails),
		 (unsigned long long)s->waiting.sightings, cmd_plural(s->waiting.sightings));
	if (s->waiting.oldest_ms != 0) {
		str_adds(out, ", the oldest since ");
		clock_add_utc(out, s->waiting.oldest_ms / 1000);
	}
	str_addc(out, '\n');
}

static void status_warnings(struct str *out, const struct stamp_status *s)
{
	if (s->renewal_due_s != 0) {
		str_adds(out, "renewal    the first certificate ends on ");
		add_day(out, s->ends_s);
		str_adds(out, "; what rests on it is stamped again from ");
		add_day(out, s->renewal_due_s);
		str_adds(out, " on, by the next run\n");
	}
	if (s->retired_mails > 0)
		str_addf(
			out,
			"WARNING: %llu mails are proved by another hash function than the one that "
			"is set. Bring them over: sealpost timestamp rehash\n",
			(unsigned long long)s->retired_mails);
	if (s->refused > 0)
		str_addf(out,
			 "WARNING: %llu answer%s of the authority %s refused; why: sealpost "
			 "timestamp "
			 "refused\n",
			 (unsigned long long)s->refused, cmd_plural(s->refused),
			 s->refused == 1 ? "was" : "were");
	if (!s->has_authority)
		str_adds(out,
			 "WARNING: no timestamping authority is set, so nothing proves since when "
			 "the mails are unchanged. Name one: sealpost timestamp set --url URL "
			 "--ca FILE\n");
}

static int status(struct cmd *cmd, struct archive *a)
{
	CLEAN_STR out = STR_INIT;
	struct stamp_status s;
	struct err err = {0};

	if (stamp_status(a, &s, &err) < 0)
		return cmd_fail(cmd, &err);
	if (cmd->json)
		return status_json(&s);
	str_addf(&out, "stamped    %llu mail%s by %llu timestamp%s", (unsigned long long)s.mails,
		 cmd_plural(s.mails), (unsigned long long)s.stamps, cmd_plural(s.stamps));
	if (s.last_ms != 0) {
		str_adds(&out, ", the last of ");
		clock_add_utc(&out, s.last_ms / 1000);
	}
	str_addc(&out, '\n');
	status_waiting(&out, &s);
	status_warnings(&out, &s);
	return cmd_print(&out) < 0 ? EXIT_FAILED : EXIT_DONE;
}

/* ---- refused ---- */

struct keeping {
	struct cmd *cmd;
	const char *to; /* a folder, or NULL */
};

static int give_out(const struct keeping *k, const struct stamp_refused *row, struct err *err)
{
	CLEAN_STR path = STR_INIT;

	str_addf(&path, "%s/refused-%llu.tsr", k->to, (unsigned long long)row->refused);
	return file_create(path.data, 0600, row->response, err);
}

static int print_refused(void *arg, const struct stamp_refused *row, struct err *err)
{
	const struct keeping *k = arg;
	CLEAN_STR line = STR_INIT;

	if (k->to != NULL && give_out(k, row, err) < 0)
		return -1;
	if (k->cmd->json) {
		str_addf(&line, "{\"refused\": %llu, \"time\": \"",
			 (unsigned long long)row->refused);
		clock_add_utc(&line, row->time_s);
		str_addf(&line, "\", \"bytes\": %zu, \"reason\": ", row->response.len);
		cmd_json_text(&line, row->reason);
		str_adds(&line, "}\n");
	} else {
		str_addf(&line, "%6llu  ", (unsigned long long)row->refused);
		clock_add_utc(&line, row->time_s);
		str_addf(&line, "  %zu bytes  ", row->response.len);
		str_addsafe(&line, row->reason, false);
		str_addc(&line, '\n');
	}
	return cmd_print(&line) < 0 ? err_errno(err, "standard output: %m") : 0;
}

static int refused(struct cmd *cmd, struct archive *a, const struct timestamp_options *o)
{
	struct keeping k = {cmd, o->to};
	struct err err = {0};

	if ((o->to != NULL && dir_make_all(o->to, 0700, &err) < 0) ||
	    stamp_refused_each(archive_catalog(a), print_refused, &k, &err) < 0)
		return cmd_fail(cmd, &err);
	return EXIT_DONE;
}

/* ---- the whole ---- */

static int dispatch(struct cmd *cmd, struct archive *a, const struct timestamp_options *o)
{
	const char *verb = cmd->argv[0];

	if (strcmp(verb, "verify") == 0)
		return timestamp_verify(cmd, a, o);
	if (strcmp(verb, "export") == 0)
		return timestamp_export(cmd, a, o);
	if (cmd->argc > 1)
		return cmd_usage(cmd, "what is \"%s\"?", cmd->argv[1]);
	if (strcmp(verb, "run") == 0)
		return run(cmd, a, o, false);
	if (strcmp(verb, "rehash") == 0)
		return run(cmd, a, o, true);
	if (strcmp(verb, "list") == 0)
		return list(cmd, a);
	if (strcmp(verb, "status") == 0)
		return status(cmd, a);
	if (strcmp(verb, "refused") == 0)
		return refused(cmd, a, o);
	if (strcmp(verb, "set") == 0)
		return timestamp_set(cmd, a, o);
	if (strcmp(verb, "try") == 0)
		return timestamp_try(cmd, a, o);
	return cmd_usage(cmd, "what is \"%s\"?", verb);
}

int cmd_timestamp(struct cmd *cmd)
{
	struct timestamp_options o = {.tolerance = OPTION_NOT_GIVEN,
				      .renew_days = OPTION_NOT_GIVEN,
				      .timeout = OPTION_NOT_GIVEN};
	const struct option_row rows[] = {
		{"at-least", OPTION_NUMBER, &o.at_least},
		{"if-set", OPTION_FLAG, &o.if_set},
		{"renew", OPTION_FLAG, &o.renew},
		{"all", OPTION_FLAG, &o.all},
		{"at", OPTION_TEXT, &o.at},
		{"to", OPTION_TEXT, &o.to},
		{"forget", OPTION_FLAG, &o.forget},
		{"url", OPTION_TEXT, &o.url},
		{"ca", OPTION_TEXT, &o.ca},
		{"policy", OPTION_TEXT, &o.policy},
		{"user", OPTION_TEXT, &o.user},
		{"password-file", OPTION_TEXT, &o.password_file},
		{"tls-ca", OPTION_TEXT, &o.tls_ca},
		{"client-cert", OPTION_TEXT, &o.client_cert},
		{"client-key", OPTION_TEXT, &o.client_key},
		{"proxy", OPTION_TEXT, &o.proxy},
		{"proxy-user", OPTION_TEXT, &o.proxy_user},
		{"proxy-password-file", OPTION_TEXT, &o.proxy_password_file},
		{"hash", OPTION_TEXT, &o.hash},
		{"settings", OPTION_TEXT, &o.settings},
		{"tolerance", OPTION_NUMBER, &o.tolerance},
		{"renew-days", OPTION_NUMBER, &o.renew_days},
		{"timeout", OPTION_NUMBER, &o.timeout},
		{0}};
	CLEAN(archive) a = NULL;

	if (cmd_options(cmd, rows) < 0)
		return EXIT_USAGE;
	if (cmd->argc < 1)
		return cmd_usage(cmd, "say what to do");
	if (cmd_open(cmd, &a) < 0)
		return EXIT_FAILED;
	return dispatch(cmd, a, &o);
}
