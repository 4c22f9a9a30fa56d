/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The alarms: each is raised, goes on, is told, and is over. The clock is the test's own. */
#include "tests/unit/fixture.h"

#include "app/archive/catch_up.h"
#include "app/catalog/days.h"
#include "app/catalog/jobs.h"
#include "app/catalog/sessions.h"
#include "app/catalog/stamps.h"
#include "app/intake/spool.h"
#include "app/watch/statistics.h"
#include "app/watch/tell.h"
#include "base/clock.h"
#include "base/file.h"
#include "scheduler/timetable.h"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <time.h>

enum { MINUTE = 60, HOUR = 3600, DAY = 24 * HOUR };

static const struct arrival a_mail = ARRIVAL("Subject: one\nMessage-ID: <1@example.org>\n\nText\n",
					     .source = "door", .way = WAY_SMTP);

struct look {
	struct arena *arena;
	struct alarms alarms;
};

static void look_free(struct look **look)
{
	if (*look == NULL)
		return;
	arena_free(&(*look)->arena);
	free(*look);
	*look = NULL;
}

static struct look *look_at(struct fixture *f, int64_t now_s)
{
	CLEAN(alarm_settings) settings = NULL;
	struct look *look = mem_new(sizeof(*look));

	look->arena = arena_new();
	if (alarm_settings_read(f->archive, &settings, &f->err) < 0 ||
	    alarms_look(f->a, settings, now_s, look->arena, &look->alarms, &f->err) < 0)
		fail_msg("%s", f->err.text);
	return look;
}

static const struct alarm_row *find(const struct look *look, const char *alarm)
{
	for (size_t i = 0; i < look->alarms.n; i++)
		if (strcmp(look->alarms.v[i].alarm, alarm) == 0)
			return &look->alarms.v[i];
	return NULL;
}

/* The level of an alarm at NOW_S; ALARM_FINE: there is none. */
static enum alarm_level level_at(struct fixture *f, const char *alarm, int64_t now_s)
{
	CLEAN(look) look = look_at(f, now_s);
	const struct alarm_row *row = find(look, alarm);

	return row ? row->level : ALARM_FINE;
}

static void configure(struct fixture *f, const char *file, const char *text)
{
	CLEAN_STR path = STR_INIT;

	str_addf(&path, "%s/%s", f->archive, file);
	fixture_write(path.data, VIEW(text));
}

static void set(struct fixture *f, const char *name, const char *value)
{
	assert_int_equal(setting_set(archive_catalog(f->a), name, VIEW(value), &f->err), 0);
}

static void back_up_key(struct fixture *f)
{
	configure(f, "key-backup", "");
}

/* --- the rows --- */

static struct alarm_row a_row(const char *alarm, enum alarm_level level)
{
	return (struct alarm_row){
		.alarm = (char *)alarm, .subject = "s", .level = level, .text = "text"};
}

static void an_alarm_keeps_its_beginning_and_is_told_anew_when_it_gets_worse(void **state)
{
	struct fixture *f = *state;
	CLEAN(catalog) c = fixture_catalog(f);
	CLEAN(arena) arena = arena_new();
	struct alarm_row row = a_row("one", ALARM_WARNING), *v;
	size_t n;

	assert_int_equal(alarms_raise(c, &row, 100, &f->err), 0);
	assert_int_equal(alarms_told(c, &row, 110, &f->err), 0);
	assert_int_equal(alarms_raise(c, &row, 200, &f->err), 0);
	assert_int_equal(alarms_list(c, arena, &v, &n, &f->err), 0);
	assert_true(n == 1 && v->since_s == 100 && v->seen_s == 200 && v->told_s == 110);
	row.level = ALARM_CRITICAL;
	assert_int_equal(alarms_raise(c, &row, 300, &f->err), 0);
	assert_int_equal(alarms_list(c, arena, &v, &n, &f->err), 0);
	assert_true(n == 1 && v->since_s == 100 && v->told_s == 0 && v->level == ALARM_CRITICAL);
}

/* A look that finds nothing. */
static int settle(struct catalog *c, struct arena *arena, struct alarm_row **over_r, size_t *n_r,
		  struct err *err)
{
	return alarms_begin(c, err) < 0 ? -1 : alarms_settle(c, arena, over_r, n_r, err);
}

static void what_is_over_goes_at_once_unless_somebody_is_still_to_be_told(void **state)
{
	struct fixture *f = *state;
	CLEAN(catalog) c = fixture_catalog(f);
	CLEAN(arena) arena = arena_new();
	struct alarm_row told = a_row("told", ALARM_WARNING),
			 untold = a_row("untold", ALARM_WARNING);
	struct alarm_row *v;
	size_t n;

	assert_int_equal(alarms_raise(c, &told, 100, &f->err), 0);
	assert_int_equal(alarms_raise(c, &untold, 100, &f->err), 0);
	assert_int_equal(alarms_told(c, &told, 100, &f->err), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(settle(c, arena, &v, &n, &f->err), 0);
		assert_int_equal(n, 1);
		assert_string_equal(v->alarm, "told");
		assert_int_equal(v->level, ALARM_FINE);
		assert_int_equal(alarms_list(c, arena, &v, &n, &f->err), 0);
		assert_int_equal(n, 0);
	}
	assert_int_equal(settle(c, arena, &v, &n, &f->err), 0);
	assert_int_equal(alarms_told(c, v, 201, &f->err), 0);
	assert_int_equal(settle(c, arena, &v, &n, &f->err), 0);
	assert_int_equal(n, 0);
}

static void an_alarm_that_comes_back_begins_anew(void **state)
{
	struct fixture *f = *state;
	CLEAN(catalog) c = fixture_catalog(f);
	CLEAN(arena) arena = arena_new();
	struct alarm_row row = a_row("one", ALARM_WARNING), *v;
	size_t n;

	assert_int_equal(alarms_raise(c, &row, 100, &f->err), 0);
	assert_int_equal(alarms_told(c, &row, 100, &f->err), 0);
	assert_int_equal(settle(c, arena, &v, &n, &f->err), 0);
	assert_int_equal(alarms_raise(c, &row, 300, &f->err), 0);
	assert_int_equal(alarms_list(c, arena, &v, &n, &f->err), 0);
	assert_true(n == 1 && v->since_s == 300 && v->told_s == 0);
}

static void the_worst_alarm_stands_first(void **state)
{
	struct fixture *f = *state;
	CLEAN(catalog) c = fixture_catalog(f);
	CLEAN(arena) arena = arena_new();
	const struct alarm_row first = a_row("a", ALARM_WARNING),
			       worst = a_row("b", ALARM_CRITICAL);
	struct alarm_row *v;
	size_t n;

	assert_int_equal(alarms_raise(c, &first, 100, &f->err), 0);
	assert_int_equal(alarms_raise(c, &worst, 200, &f->err), 0);
	assert_int_equal(alarms_list(c, arena, &v, &n, &f->err), 0);
	assert_int_equal(n, 2);
	assert_string_equal(v[0].alarm, "b");
}

/* --- what is looked at --- */

static void an_archive_in_good_order_has_no_alarm(void **state)
{
	struct fixture *f = *state;
	CLEAN(look) look = NULL;

	back_up_key(f);
	fixture_take(f, &a_mail);
	assert_int_equal(index_catch_up(f->a, NULL, &f->err), 0);
	look = look_at(f, clock_s());
	if (look->alarms.n > 0)
		fail_msg("%s: %s", look->alarms.v[0].alarm, look->alarms.v[0].text);
	assert_int_equal(look->alarms.worst, ALARM_FINE);
}

static void a_key_without_a_copy_is_a_warning_and_after_a_day_with_mail_critical(void **state)
{
	struct fixture *f = *state;
	const int64_t now = clock_s();

	assert_int_equal(level_at(f, "key_backup", now), ALARM_WARNING);
	assert_int_equal(level_at(f, "key_backup", now + 2 * DAY), ALARM_WARNING);
	fixture_take(f, &a_mail);
	assert_int_equal(level_at(f, "key_backup", now), ALARM_WARNING);
	assert_int_equal(level_at(f, "key_backup", now + 2 * DAY), ALARM_CRITICAL);
	back_up_key(f);
	assert_int_equal(level_at(f, "key_backup", now + 2 * DAY), ALARM_FINE);
}

static void mail_that_stops_coming_is_noticed_by_the_bound_of_the_settings(void **state)
{
	struct fixture *f = *state;
	const int64_t now = clock_s();

	assert_int_equal(level_at(f, "no_mail", now + 100 * DAY), ALARM_FINE);
	configure(f, "alarms.conf", "no_mail_hours = 10\n");
	assert_int_equal(level_at(f, "no_mail", now + 9 * HOUR), ALARM_FINE);
	fixture_take(f, &a_mail);
	assert_int_equal(level_at(f, "no_mail", now + 9 * HOUR), ALARM_FINE);
	assert_int_equal(level_at(f, "no_mail", now + 11 * HOUR), ALARM_WARNING);
	assert_int_equal(level_at(f, "no_mail", now + 21 * HOUR), ALARM_CRITICAL);
}

/* A mail as if it had been archived then. */
static void archived_at(struct fixture *f, int64_t time_s, enum way way)
{
	static unsigned n;
	int64_t ms = time_s * 1000;
	struct mail_row row = {.record = {1, 100, 100}, .way = way, .source = 1, .size = 1};

	n++;
	for (int i = 5; i >= 0; i--, ms >>= 8)
		row.id.b[i] = (unsigned char)ms;
	memcpy(row.id.b + 12, &n, sizeof(n));
	memcpy(row.exact.b, &n, sizeof(n));
	if (mails_add(archive_catalog(f->a), &row, &f->err) < 0)
		fail_msg("%s", f->err.text);
}

static void what_is_usual_is_learned_from_the_last_weeks(void **state)
{
	struct fixture *f = *state;
	const int64_t now = clock_s(), monday = now - 14 * DAY;

	set(f, "made_s", "0");
	for (int day = 0; day < 5; day++)
		archived_at(f, monday + day * DAY, WAY_SMTP);
	assert_int_equal(alarms_learn(f->a, now, &f->err), 0);
	assert_int_equal(level_at(f, "no_mail", now), ALARM_FINE); /* less than a week */
	for (int day = 7; day < 10; day++)
		archived_at(f, monday + day * DAY, WAY_SMTP);
	assert_int_equal(alarms_learn(f->a, now, &f->err), 0);
	/* the weekend: three days, and half more */
	assert_int_equal(level_at(f, "no_mail", monday + 9 * DAY + 4 * DAY), ALARM_FINE);
	assert_int_equal(level_at(f, "no_mail", monday + 9 * DAY + 5 * DAY), ALARM_WARNING);
	assert_int_equal(level_at(f, "no_mail", monday + 9 * DAY + 10 * DAY), ALARM_CRITICAL);
	/* an import is no sign of life, and silence teaches nothing */
	archived_at(f, now, WAY_IMPORT);
	assert_int_equal(alarms_learn(f->a, now + 60 * DAY, &f->err), 0);
	assert_int_equal(level_at(f, "no_mail", now + 60 * DAY), ALARM_CRITICAL);
	archived_at(f, now + 60 * DAY, WAY_SMTP);
	assert_int_equal(level_at(f, "no_mail", now + 60 * DAY), ALARM_FINE);
}

static struct uuid enter_spool(struct spool *spool, struct err *err)
{
	static const char text[] = "Subject: x\n\ny\n";
	const struct envelope env = {0};
	CLEAN(spool_entry) e = NULL;

	if (spool_begin(spool, 0, &e, err) < 0 || spool_write(e, text, sizeof(text) - 1, err) < 0 ||
	    spool_commit(e, &env, err) < 0)
		fail_msg("%s", err->text);
	return *spool_entry_id(e);
}

static void mail_that_waits_in_the_spool_is_noticed_and_so_is_what_is_stuck(void **state)
{
	struct fixture *f = *state;
	CLEAN(spool) spool = NULL;
	const struct err why = {.kind = ERR_NOTMAIL, .text = "no mail"};
	struct uuid id;
	int64_t now;

	assert_int_equal(spool_open(f->archive, &spool, &f->err), 0);
	id = enter_spool(spool, &f->err);
	now = clock_s();
	assert_int_equal(level_at(f, "spool", now + 14 * MINUTE), ALARM_FINE);
	assert_int_equal(level_at(f, "spool", now + 16 * MINUTE), ALARM_WARNING);
	assert_int_equal(level_at(f, "spool", now + 62 * MINUTE), ALARM_CRITICAL);
	assert_int_equal(spool_stick(spool, &id, &why, &f->err), 0);
	assert_int_equal(level_at(f, "spool", now), ALARM_WARNING);
	assert_int_equal(spool_drop(spool, SPOOL_STUCK, &id, &f->err), 0);
	assert_int_equal(level_at(f, "spool", now + DAY), ALARM_FINE);
}

static void a_medium_that_does_not_answer_is_noticed(void **state)
{
	struct fixture *f = *state;
	const int64_t now = clock_s();
	CLEAN_STR from = STR_INIT;
	CLEAN_STR to = STR_INIT;

	str_addf(&from, "%s/media", f->archive);
	str_addf(&to, "%s/away", f->archive);
	assert_int_equal(level_at(f, "staging", now), ALARM_FINE);
	fixture_reopen(f);
	assert_int_equal(rename(from.data, to.data), 0);
	assert_int_equal(level_at(f, "staging", now), ALARM_CRITICAL);
	assert_int_equal(rename(to.data, from.data), 0);
	fixture_reopen(f);
	assert_int_equal(level_at(f, "staging", now), ALARM_FINE);
}

static void room_for_few_days_is_noticed_by_the_rate_of_the_last_weeks(void **state)
{
	struct fixture *f = *state;
	struct catalog *c = archive_catalog(f->a);
	const int64_t now = clock_s(), today = day_of(now);
	uint64_t left, total;

	assert_int_equal(file_space(f->archive, &left, &total, &f->err), 0);
	assert_int_equal(days_set_stored(c, today - 10, 1, &f->err), 0);
	assert_int_equal(days_set_stored(c, today - 5, left, &f->err), 0);
	assert_int_equal(level_at(f, "space", now), ALARM_FINE); /* too few days to tell */
	assert_int_equal(days_set_stored(c, today, left / 2, &f->err), 0);
	assert_int_equal(level_at(f, "space", now), ALARM_WARNING); /* 20 days */
	assert_int_equal(days_set_stored(c, today, 3 * left, &f->err), 0);
	assert_int_equal(level_at(f, "space", now), ALARM_CRITICAL); /* 3 days */
	assert_int_equal(days_set_stored(c, today, left / 5, &f->err), 0);
	assert_int_equal(level_at(f, "space", now), ALARM_FINE); /* 50 days */
	configure(f, "alarms.conf", "space_days = 60\n");
	assert_int_equal(level_at(f, "space", now), ALARM_WARNING);
}

static void run_job(struct fixture *f, const char *job, enum job_result result)
{
	uint64_t run;

	if (job_runs_begin(archive_catalog(f->a), job, false, &run, &f->err) < 0 ||
	    job_runs_end(archive_catalog(f->a), run, result, VIEW(""), VIEW("why"), &f->err) < 0)
		fail_msg("%s", f->err.text);
}

static void a_job_that_fails_three_times_in_a_row_is_noticed(void **state)
{
	struct fixture *f = *state;
	CLEAN(look) look = NULL;

	for (int i = 0; i < 3; i++) {
		assert_int_equal(level_at(f, "job", clock_s()), ALARM_FINE);
		run_job(f, "fetch", JOB_FAILED);
	}
	look = look_at(f, clock_s());
	assert_string_equal(find(look, "job")->subject, "fetch");
	assert_int_equal(find(look, "job")->level, ALARM_WARNING);
	run_job(f, "fetch", JOB_DONE);
	assert_int_equal(level_at(f, "job", clock_s()), ALARM_FINE);
}

static void a_timetable_that_stands_still_is_noticed_if_it_ever_ran(void **state)
{
	struct fixture *f = *state;
	const int64_t now = clock_s();

	assert_int_equal(level_at(f, "job_late", now + 30 * DAY), ALARM_FINE);
	run_job(f, "statistics", JOB_DONE);
	run_job(f, "index", JOB_DONE);
	assert_int_equal(level_at(f, "job_late", now + DAY), ALARM_FINE);
	assert_int_equal(level_at(f, "job_late", now + 2 * DAY), ALARM_CRITICAL);
}

static void one_job_that_is_not_run_any_more_is_noticed(void **state)
{
	struct fixture *f = *state;
	const int64_t now = clock_s();
	CLEAN(look) look = NULL;
	struct db *db = catalog_db(archive_catalog(f->a));

	run_job(f, "statistics", JOB_DONE);
	run_job(f, "index", JOB_DONE);
	/* as if only the index had been updated in the last four days */
	assert_int_equal(db_run(db, &f->err,
				"UPDATE job_runs SET begun_s = begun_s + ?1 WHERE job = 'index'",
				BIND_INT(4 * DAY)),
			 0);
	look = look_at(f, now + 4 * DAY);
	assert_non_null(find(look, "job_late"));
	assert_string_equal(find(look, "job_late")->subject, "statistics");
	configure(f, "timetable.conf", "pause_statistics = yes\n");
	assert_int_equal(level_at(f, "job_late", now + 4 * DAY), ALARM_FINE);
}

static void mails_that_no_authority_stamps_are_noticed_if_one_is_set(void **state)
{
	struct fixture *f = *state;
	const int64_t now = clock_s();

	fixture_take(f, &a_mail);
	assert_int_equal(level_at(f, "timestamp", now + 100 * DAY), ALARM_FINE);
	set(f, "tsa.url", "http://127.0.0.1/");
	assert_int_equal(level_at(f, "timestamp", now + 7 * DAY), ALARM_FINE);
	assert_int_equal(level_at(f, "timestamp", now + 9 * DAY), ALARM_WARNING);
	assert_int_equal(level_at(f, "timestamp", now + 17 * DAY), ALARM_CRITICAL);
}

static void a_refused_answer_of_an_authority_is_noticed_until_the_next_stamp(void **state)
{
	struct fixture *f = *state;
	struct catalog *c = archive_catalog(f->a);
	const int64_t now = clock_s();
	const struct stamp_row stamp = {.stamp = 1,
					.digest = DIGEST_SHA256,
					.statement = VIEW("s"),
					.token = VIEW("t"),
					.ca = VIEW("c"),
					.time_ms = (now + 10) * 1000,
					.ends_s = now + 100 * DAY,
					.leaves = 1};

	set(f, "tsa.url", "http://127.0.0.1/");
	assert_int_equal(stamp_refused_add(c, now, VIEW("wrong"), VIEW("x"), &f->err), 0);
	assert_int_equal(level_at(f, "timestamp", now + 5), ALARM_WARNING);
	assert_int_equal(stamps_add(c, &stamp, &f->err), 0);
	assert_int_equal(level_at(f, "timestamp", now + 15), ALARM_FINE);
	assert_int_equal(level_at(f, "timestamp", now + 80 * DAY), ALARM_WARNING);
	assert_int_equal(level_at(f, "timestamp", now + 100 * DAY), ALARM_CRITICAL);
}

/* A certificate that ends at END_S. */
static void make_certificate(const char *path, int64_t end_s)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)(end_s - DAY));
	ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)end_s);
	assert_int_equal(X509_set_pubkey(cert, key), 1);
	assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
	assert_int_equal(PEM_write_X509(f, cert), 1);
	fclose(f);
	X509_free(cert);
	EVP_PKEY_free(key);
}

static void a_door_s_certificate_that_ends_is_noticed(void **state)
{
	struct fixture *f = *state;
	const int64_t now = clock_s();
	CLEAN_STR conf = STR_INIT;
	const char *path = fixture_path(f, "cert.pem");

	str_addf(&conf,
		 "listen = smtp 127.0.0.1:2525\narchive_domain = archive.example\ntls_cert = %s\n"
		 "tls_key = %s\n",
		 path, path);
	configure(f, "smtpd.conf", conf.data);
	assert_int_equal(level_at(f, "certificate", now), ALARM_WARNING); /* it is not there */
	make_certificate(path, now + 30 * DAY);
	assert_int_equal(level_at(f, "certificate", now), ALARM_FINE);
	assert_int_equal(level_at(f, "certificate", now + 10 * DAY), ALARM_WARNING);
	assert_int_equal(level_at(f, "certificate", now + 31 * DAY), ALARM_CRITICAL);
	configure(f, "smtpd.conf", "nonsense = 1\n");
	assert_int_equal(level_at(f, "certificate", now), ALARM_WARNING);
}

static void an_index_that_stays_behind_or_is_missing_is_noticed(void **state)
{
	struct fixture *f = *state;
	const int64_t now = clock_s();

	fixture_take(f, &a_mail);
	assert_int_equal(index_catch_up(f->a, NULL, &f->err), 0);
	archived_at(f, now, WAY_SMTP);
	assert_int_equal(level_at(f, "index", now + HOUR), ALARM_FINE);
	assert_int_equal(level_at(f, "index", now + 3 * HOUR), ALARM_WARNING);
	archive_free(&f->a);
	assert_int_equal(archive_remove_index(f->archive, &f->err), 0);
	assert_int_equal(archive_open(f->archive, &f->a, &f->err), 0);
	assert_int_equal(level_at(f, "index", now), ALARM_CRITICAL);
}

static void what_cannot_be_looked_at_is_an_alarm_and_blinds_no_other(void **state)
{
	struct fixture *f = *state;
	CLEAN(look) look = NULL;

	configure(f, "timetable.conf", "nonsense\n");
	look = look_at(f, clock_s());
	assert_string_equal(find(look, "job_late")->subject, "look");
	assert_int_equal(find(look, "job_late")->level, ALARM_CRITICAL);
	assert_non_null(find(look, "key_backup"));
}

/* --- telling --- */

/* A sendmail that keeps what it gets, each mail in a file of its own, then does what TAIL says. */
static void make_sendmail(struct fixture *f, const char *tail)
{
	CLEAN_STR script = STR_INIT;
	CLEAN_STR conf = STR_INIT;
	const char *path = fixture_path(f, "sendmail");

	str_addf(&script,
		 "#!/bin/sh\ncd %s\nn=$(ls mail.* 2>/dev/null | wc -l)\n"
		 "{ echo \"args: $*\"; cat; } >mail.$n\n%s\n",
		 f->dir, tail);
	fixture_write(path, str_view(&script));
	assert_int_equal(chmod(path, 0700), 0);
	str_addf(&conf,
		 "mail_to = admin@example.org\nmail_from = archive@example.org\nsendmail = %s\n",
		 path);
	configure(f, "alarms.conf", conf.data);
}

static int mails_told(struct fixture *f)
{
	char name[32];
	int n = 0;

	do
		snprintf(name, sizeof(name), "mail.%d", n);
	while (access(fixture_path(f, name), F_OK) == 0 && ++n);
	return n;
}

static void watch(struct fixture *f, int64_t now_s)
{
	if (alarms_watch(f->a, now_s, &f->err) < 0)
		fail_msg("%s", f->err.text);
}

static void an_alarm_is_mailed_once_again_after_a_day_and_when_it_is_over(void **state)
{
	struct fixture *f = *state;
	const int64_t now = clock_s();
	CLEAN_STR mail = STR_INIT;

	make_sendmail(f, "");
	watch(f, now);
	assert_int_equal(mails_told(f), 1);
	for (int i = 1; i < 24; i++)
		watch(f, now + i * HOUR);
	assert_int_equal(mails_told(f), 1);
	watch(f, now + 24 * HOUR);
	assert_int_equal(mails_told(f), 2);
	back_up_key(f);
	watch(f, now + 25 * HOUR);
	watch(f, now + 26 * HOUR);
	assert_int_equal(mails_told(f), 3);
	assert_int_equal(file_read(fixture_path(f, "mail.0"), 100000, &mail, &f->err), 0);
	for (const char *const *part =
		     (const char *const[]){"args: -i -t -f archive@example.org\n",
					   "\nFrom: archive@example.org\n",
					   "\nTo: admin@example.org\n",
					   "\nSubject: [Sealpost] WARNING: key_backup\n",
					   "\nAuto-Submitted: auto-generated\n", "\nMessage-ID: <",
					   "\nDate: ", "WARNING since ", "archive.key", NULL};
	     *part != NULL; part++)
		if (strstr(mail.data, *part) == NULL)
			fail_msg("no \"%s\" in:\n%s", *part, mail.data);
	str_reset(&mail);
	assert_int_equal(file_read(fixture_path(f, "mail.2"), 100000, &mail, &f->err), 0);
	assert_non_null(strstr(mail.data, "Subject: [Sealpost] OVER: key_backup\n"));
}

static void nobody_is_written_to_if_nobody_is_named(void **state)
{
	struct fixture *f = *state;

	make_sendmail(f, "");
	configure(f, "alarms.conf", "sendmail = /nonexistent\n");
	watch(f, clock_s());
	assert_int_equal(mails_told(f), 0);
}

static void what_sendmail_did_not_take_is_told_the_next_time(void **state)
{
	struct fixture *f = *state;
	const int64_t now = clock_s();

	make_sendmail(f, "exit 75");
	assert_int_equal(alarms_watch(f->a, now, &f->err), -1);
	assert_int_equal(f->err.kind, ERR_IO);
	configure(f, "alarms.conf", "mail_to = admin\nsendmail = /nonexistent\n");
	assert_int_equal(alarms_watch(f->a, now, &f->err), -1);
	make_sendmail(f, "");
	watch(f, now + 1);
	assert_int_equal(mails_told(f), 2);
	watch(f, now + 2);
	assert_int_equal(mails_told(f), 2);
	/* the same when all is well again */
	back_up_key(f);
	make_sendmail(f, "exit 75");
	assert_int_equal(alarms_watch(f->a, now + 3, &f->err), -1);
	make_sendmail(f, "");
	watch(f, now + 4);
	assert_int_equal(mails_told(f), 4);
	watch(f, now + 5);
	assert_int_equal(mails_told(f), 4);
}

static void a_sendmail_that_hangs_is_ended_with_all_that_it_started(void **state)
{
	struct fixture *f = *state;

	make_sendmail(f, "sleep 1000 & echo $! >child; wait");
	alarms_set_patience(500);
	assert_int_equal(alarms_watch(f->a, clock_s(), &f->err), -1);
	assert_int_equal(f->err.kind, ERR_TIMEOUT);
	alarms_set_patience(60 * 1000);
}

/* --- statistics --- */

static void statistics_count_from_the_first_mail_on_and_then_what_is_new(void **state)
{
	struct fixture *f = *state;
	const int64_t now = clock_s();
	struct statistics_report report;

	archived_at(f, now - 20 * DAY, WAY_SMTP);
	archived_at(f, now - DAY, WAY_SMTP);
	assert_int_equal(statistics_update(f->a, now, &report, &f->err), 0);
	assert_int_equal(report.days, 21);
	assert_true(report.mails == 1 && report.bytes == 1);
	assert_int_equal(statistics_update(f->a, now + DAY, &report, &f->err), 0);
	assert_int_equal(report.days, 2);
	assert_int_equal(report.mails, 0);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, fixture_folder, fixture_teardown)
static void fail_log_ins(struct fixture *f, uint64_t failed, int64_t last_s)
{
	const struct failure_row row = {.failed = failed, .last_s = last_s};
	struct hash name = {{1}}, client = {{2}};

	/* each counts for the name and for the client's address */
	assert_int_equal(failures_put(archive_catalog(f->a), &name, &row, &f->err), 0);
	assert_int_equal(failures_put(archive_catalog(f->a), &client, &row, &f->err), 0);
}

static void many_log_ins_that_fail_within_an_hour_are_an_alarm(void **state)
{
	struct fixture *f = *state;
	const int64_t now = clock_s();
	CLEAN(look) few = NULL;
	CLEAN(look) many = NULL;
	CLEAN(look) later = NULL;

	fail_log_ins(f, 49, now);
	few = look_at(f, now);
	assert_null(find(few, "log_in"));
	fail_log_ins(f, 50, now);
	many = look_at(f, now);
	assert_non_null(find(many, "log_in"));
	later = look_at(f, now + HOUR + 1);
	assert_null(find(later, "log_in"));
}

#define IN_ARCHIVE(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(an_alarm_keeps_its_beginning_and_is_told_anew_when_it_gets_worse),
		IN_FOLDER(what_is_over_goes_at_once_unless_somebody_is_still_to_be_told),
		IN_FOLDER(an_alarm_that_comes_back_begins_anew),
		IN_FOLDER(the_worst_alarm_stands_first),
		IN_ARCHIVE(an_archive_in_good_order_has_no_alarm),
		IN_ARCHIVE(a_key_without_a_copy_is_a_warning_and_after_a_day_with_mail_critical),
		IN_ARCHIVE(mail_that_stops_coming_is_noticed_by_the_bound_of_the_settings),
		IN_ARCHIVE(what_is_usual_is_learned_from_the_last_weeks),
		IN_ARCHIVE(mail_that_waits_in_the_spool_is_noticed_and_so_is_what_is_stuck),
		IN_ARCHIVE(a_medium_that_does_not_answer_is_noticed),
		IN_ARCHIVE(room_for_few_days_is_noticed_by_the_rate_of_the_last_weeks),
		IN_ARCHIVE(a_job_that_fails_three_times_in_a_row_is_noticed),
		IN_ARCHIVE(a_timetable_that_stands_still_is_noticed_if_it_ever_ran),
		IN_ARCHIVE(one_job_that_is_not_run_any_more_is_noticed),
		IN_ARCHIVE(mails_that_no_authority_stamps_are_noticed_if_one_is_set),
		IN_ARCHIVE(a_refused_answer_of_an_authority_is_noticed_until_the_next_stamp),
		IN_ARCHIVE(a_door_s_certificate_that_ends_is_noticed),
		IN_ARCHIVE(an_index_that_stays_behind_or_is_missing_is_noticed),
		IN_ARCHIVE(what_cannot_be_looked_at_is_an_alarm_and_blinds_no_other),
		IN_ARCHIVE(an_alarm_is_mailed_once_again_after_a_day_and_when_it_is_over),
		IN_ARCHIVE(nobody_is_written_to_if_nobody_is_named),
		IN_ARCHIVE(what_sendmail_did_not_take_is_told_the_next_time),
		IN_ARCHIVE(a_sendmail_that_hangs_is_ended_with_all_that_it_started),
		IN_ARCHIVE(statistics_count_from_the_first_mail_on_and_then_what_is_new),
		IN_ARCHIVE(many_log_ins_that_fail_within_an_hour_are_an_alarm),
	};

	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
