/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/cmd/procedure.h"

#include "app/access/policy.h"
#include "app/access/source.h"
#include "app/archive/deletion.h"
#include "app/archive/status.h"
#include "app/catalog/accounts.h"
#include "app/catalog/audit.h"
#include "app/catalog/integrity.h"
#include "app/catalog/jobs.h"
#include "app/catalog/people.h"
#include "app/catalog/requests.h"
#include "app/intake/milter/settings.h"
#include "app/intake/smtpd/settings.h"
#include "app/intake/spool.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/service.h"
#include "scheduler/timetable.h"
#include "tsa/authority.h"
#include "tsa/stamp.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>
#include <zstd.h>

enum {
	PEOPLE_AT_ONCE = 500,
	OS_RELEASE_MAX = 64 * 1024,
	OPEN_MAX_COUNTED = 100000,
	CONF_MAX = 1024 * 1024
};

/* --- values ------------------------------------------------------------------------------------- */

static void put(struct json_object *to, const char *key, struct json_object *value)
{
	json_object_object_add(to, key, value);
}

static struct json_object *part(struct json_object *of, const char *key)
{
	struct json_object *object = json_object_new_object();

	put(of, key, object);
	return object;
}

static struct json_object *list(struct json_object *of, const char *key)
{
	struct json_object *array = json_object_new_array();

	put(of, key, array);
	return array;
}

static struct json_object *row(struct json_object *of)
{
	struct json_object *object = json_object_new_object();

	json_object_array_add(of, object);
	return object;
}

static struct json_object *text_of(struct view text)
{
	CLEAN_STR safe = STR_INIT;

	str_addsafe(&safe, text, false);
	return json_object_new_string_len(safe.data, (int)safe.len);
}

static void put_view(struct json_object *to, const char *key, struct view text)
{
	put(to, key, text_of(text));
}

static void put_text(struct json_object *to, const char *key, const char *text)
{
	put_view(to, key, VIEW(text));
}

static void put_number(struct json_object *to, const char *key, uint64_t n)
{
	put(to, key, json_object_new_int64((int64_t)n));
}

static void put_flag(struct json_object *to, const char *key, bool flag)
{
	put(to, key, json_object_new_boolean(flag));
}

/* 0: never. */
static void put_time(struct json_object *to, const char *key, int64_t time_s)
{
	CLEAN_STR text = STR_INIT;

	if (time_s != 0)
		clock_add_utc(&text, time_s);
	put(to, key, time_s != 0 ? json_object_new_string(text.data) : NULL);
}

static void put_setting_list(struct json_object *to, const char *key,
			     const struct conf_list *values)
{
	struct json_object *array = list(to, key);

	for (size_t i = 0; i < values->n; i++)
		json_object_array_add(array, text_of(VIEW(values->v[i])));
}

/* --- what there is to collect from -------------------------------------------------------------- */

struct collecting {
	struct archive *a;
	struct catalog *catalog;
	struct arena *arena;
	const struct alarms *alarms;
	struct json_object *facts;
	struct timetable_settings timetable;
	int64_t now_s;
};

static const char *file_named(const struct collecting *c, const char *name)
{
	return arena_f(c->arena, "%s/%s", archive_dir(c->a), name);
}

static bool has_file(const struct collecting *c, const char *name)
{
	return access(file_named(c, name), F_OK) == 0;
}

static int put_stored(const struct collecting *c, struct json_object *to, const char *key,
		      const char *setting, struct err *err)
{
	CLEAN_STR text = STR_INIT;

	if (setting_get(c->catalog, setting, &text, err) < 0)
		return -1;
	put_view(to, key, str_view(&text));
	return 0;
}

/* --- the archive, the software ------------------------------------------------------------------ */

static int collect_archive(struct collecting *c, struct err *err)
{
	struct json_object *o = part(c->facts, "archive");
	char uuid[UUID_TEXT + 1];
	struct mails_totals totals;
	CLEAN_STR made = STR_INIT;
	int64_t first_s = 0;

	put_time(o, "written_at", c->now_s);
	tzset();
	put_text(o, "time_zone", arena_f(c->arena, "%s/%s", tzname[0], tzname[1]));
	if (put_stored(c, o, "name", "name", err) < 0 ||
	    setting_get(c->catalog, "made_s", &made, err) < 0 ||
	    mails_totals(c->catalog, &totals, err) < 0)
		return -1;
	first_s = strtoll(made.data, NULL, 10);
	put_text(o, "id", uuid_text(keyring_archive(archive_keys(c->a)), uuid));
	put_text(o, "folder", archive_dir(c->a));
	put_time(o, "made_at", first_s);
	put_number(o, "mails", totals.mails);
	put_number(o, "mail_bytes", totals.bytes);
	put_number(o, "deleted_not_erased", totals.deleted);
	return 0;
}

/* PRETTY_NAME of os-release(5). */
static const char *system_name(struct arena *arena)
{
	CLEAN_STR text = STR_INIT;
	struct view rest, line;
	struct err err = {0};

	if (file_read("/etc/os-release", OS_RELEASE_MAX, &text, &err) < 0)
		return "";
	rest = str_view(&text);
	while (view_cut(&rest, '\n', &line)) {
		struct view name;

		view_cut(&line, '=', &name);
		if (view_eq(name, VIEW("PRETTY_NAME")) && line.len > 2)
			return arena_f(arena, "%.*s", (int)line.len - 2, line.data + 1);
	}
	return "";
}

static int collect_software(struct collecting *c, struct err *err)
{
	struct json_object *o = part(c->facts, "software");
	CLEAN_STR database = STR_INIT;
	struct utsname kernel;
	int64_t schema;

	if (catalog_schema(c->catalog, &schema, err) < 0 ||
	    catalog_software(c->catalog, &database, err) < 0)
		return -1;
	put_text(o, "sealpost", sealpost_version);
	put_number(o, "pack_format", PACK_FORMAT);
	put_number(o, "catalog_format", (uint64_t)schema);
	put_text(o, "cryptography", OpenSSL_version(OPENSSL_VERSION));
	put_view(o, "database", str_view(&database));
	put_text(o, "compression", arena_f(c->arena, "zstd %s", ZSTD_versionString()));
	put_text(o, "system", system_name(c->arena));
	if (uname(&kernel) == 0)
		put_text(o, "kernel",
			 arena_f(c->arena, "%s %s %s", kernel.sysname, kernel.release,
				 kernel.machine));
	return 0;
}

/* --- how mail comes in -------------------------------------------------------------------------- */

static int collect_smtp(struct collecting *c, struct json_object *doors, struct err *err)
{
	CLEAN(smtpd_settings) s = NULL;
	struct json_object *o;

	if (!has_file(c, "smtpd.conf"))
		return 0;
	if (smtpd_settings_read(file_named(c, "smtpd.conf"), &s, err) < 0)
		return -1;
	o = row(doors);
	put_text(o, "door", "smtp");
	put_setting_list(o, "listen", &s->listen);
	put_setting_list(o, "archive_domain", &s->archive_domain);
	put_setting_list(o, "network", &s->networks);
	put_flag(o, "journal_reports", s->journal);
	put_flag(o, "log_in", *s->auth_file != '\0');
	put_flag(o, "tls", *s->tls_cert != '\0');
	put_number(o, "largest_mail_bytes", s->max_mail_bytes);
	return 0;
}

static int collect_milter(struct collecting *c, struct json_object *doors, struct err *err)
{
	CLEAN(milter_settings) s = NULL;
	struct json_object *o;

	if (!has_file(c, "milter.conf"))
		return 0;
	if (milter_settings_read(archive_dir(c->a), &s, err) < 0)
		return -1;
	o = row(doors);
	put_text(o, "door", "milter");
	put_setting_list(o, "listen", &s->listen);
	put_number(o, "largest_mail_bytes", s->max_mail_bytes);
	return 0;
}

/* Not as whom it logs in: that may be somebody's address. */
static int collect_accounts(struct collecting *c, struct json_object *of, struct err *err)
{
	struct json_object *array = list(of, "fetched_mailboxes");
	struct accounts accounts;

	if (accounts_list(c->catalog, c->arena, &accounts, err) < 0)
		return -1;
	for (size_t i = 0; i < accounts.n; i++) {
		const struct account *account = &accounts.v[i];
		struct json_object *o;

		if (account->is_prototype)
			continue;
		o = row(array);
		put_view(o, "account", account->name);
		put_view(o, "protocol", account->value[ACCOUNT_PROTOCOL]);
		put_view(o, "host", account->value[ACCOUNT_HOST]);
		put_view(o, "after_archiving", account->value[ACCOUNT_ARCHIVED]);
		put_flag(o, "journal_reports",
			 view_eq(account->value[ACCOUNT_JOURNAL], VIEW("yes")));
		put_flag(o, "enabled", view_eq(account->value[ACCOUNT_ENABLED], VIEW("yes")));
		put_time(o, "last_run_at", account->run_s);
	}
	return 0;
}

static void collect_counts(const struct collecting *c, struct json_object *of)
{
	struct json_object *array = list(of, "taken_in");
	struct counts counts;

	counters_read(archive_dir(c->a), &counts);
	for (enum way way = WAY_IMPORT; (size_t)way < COUNTERS_WAYS; way++) {
		struct json_object *o = row(array);

		put_text(o, "way", way_text(way));
		for (enum counted i = 0; i < COUNTED_COUNT; i++)
			put_number(o, counted_text(i), counts.taken[way][i]);
	}
}

static int collect_spool(struct collecting *c, struct json_object *of, struct err *err)
{
	static const char *const keys[] = {"waiting_for_delivery", "waiting_for_archive", "stuck"};
	struct json_object *o = part(of, "spool");
	CLEAN(spool) spool = NULL;
	struct uuid *ids;
	size_t n;

	if (spool_open(archive_dir(c->a), &spool, err) < 0) {
		if (err->kind != ERR_NOTFOUND)
			return -1;
		err_clear(err); /* no door has ever run here */
	}
	for (enum spool_state i = SPOOL_PENDING; i <= SPOOL_STUCK; i++) {
		n = 0;
		if (spool != NULL && spool_list(spool, i, 0, c->arena, &ids, &n, err) < 0)
			return -1;
		put_number(o, keys[i], n);
	}
	return 0;
}

static int collect_intake(struct collecting *c, struct err *err)
{
	struct json_object *o = part(c->facts, "intake");
	struct json_object *doors = list(o, "doors");

	put_number(o, "largest_mail_bytes", archive_settings(c->a)->max_mail_bytes);
	if (collect_smtp(c, doors, err) < 0 || collect_milter(c, doors, err) < 0 ||
	    collect_accounts(c, o, err) < 0 || collect_spool(c, o, err) < 0)
		return -1;
	collect_counts(c, o);
	return 0;
}

/* --- where it lies ------------------------------------------------------------------------------ */

static const char *const media_states[] = {[MEDIUM_IN_USE] = "in_use",
					   [MEDIUM_DEACTIVATED] = "deactivated",
					   [MEDIUM_REMOVED] = "removed",
					   [MEDIUM_REDIRECTED] = "redirected"};

static void collect_medium(const struct medium_row *medium, struct json_object *o)
{
	put_number(o, "medium", medium->medium);
	put_text(o, "kind", medium->type);
	put_text(o, "location", medium->location);
	put_text(o, "state", media_states[medium->state]);
	put_flag(o, "active", medium->active);
	put_time(o, "added_at", medium->added_s);
	put_flag(o, "answers", medium->answers == MEDIUM_ANSWERS);
	put_time(o, "asked_at", medium->asked_s);
	put_number(o, "packs", medium->packs);
	put_number(o, "stored_bytes", medium->pack_bytes);
	put_number(o, "free_bytes", medium->free_bytes);
}

static int collect_media(struct collecting *c, struct err *err)
{
	struct json_object *o = part(c->facts, "media"), *array;
	const struct mails_totals none = {0};
	struct archive_status status;

	if (archive_figures(c->a, &none, c->arena, &status, err) < 0)
		return -1;
	put_number(o, "pack_bytes", archive_settings(c->a)->pack_bytes);
	put_number(o, "staging_free_bytes", status.staging_free_bytes);
	put_number(o, "staging_reserve_bytes", status.staging_reserve_bytes);
	array = list(o, "numbered");
	for (size_t i = 0; i < status.n_media; i++)
		collect_medium(&status.media[i], row(array));
	return 0;
}

static int collect_key(struct collecting *c, struct err *err)
{
	struct json_object *o = part(c->facts, "key");
	CLEAN_STR fingerprint = STR_INIT;
	int64_t made_s = 0;

	if (key_backup_made(archive_dir(c->a), &made_s, err) < 0)
		return -1;
	keyring_add_fingerprint(&fingerprint, archive_keys(c->a));
	put_view(o, "fingerprint", str_view(&fingerprint));
	put_time(o, "backup_made_at", made_s);
	return 0;
}

/* --- who may do what ---------------------------------------------------------------------------- */

static int collect_revisor(struct collecting *c, const struct person *person, struct json_object *o,
			   struct err *err)
{
	struct bounds bounds;
	bool bounded;

	if (people_bounds(c->catalog, c->arena, person->person, &bounds, err) < 0)
		return -1;
	bounded = bounds.domains.n + bounds.sources.n > 0 || bounds.from_s != INT64_MIN ||
		  bounds.until_s != INT64_MAX;
	put_flag(o, "bounded", bounded);
	put_time(o, "valid_until", bounds.valid_until_s == INT64_MAX ? 0 : bounds.valid_until_s);
	return 0;
}

static int collect_person(struct collecting *c, const struct person *person,
			  struct json_object *holders, uint64_t *ordinary, struct err *err)
{
	struct json_object *o;

	if (person->tied != 0)
		return 0;
	if (person->role == PERSON_ROLE_USER) {
		++*ordinary;
		return 0;
	}
	o = row(holders);
	put_text(o, "role", person_role_name(person->role));
	put_view(o, "log_in_name", person->name);
	put_text(o, "source", person_source_name(person->source));
	put_flag(o, "enabled", person->active);
	put_time(o, "last_log_in_at", person->login_s);
	return person->role == PERSON_ROLE_REVISOR ? collect_revisor(c, person, o, err) : 0;
}

static int collect_holders(struct collecting *c, struct json_object *of, struct err *err)
{
	struct json_object *holders = list(of, "holders");
	const struct person *after = NULL;
	uint64_t ordinary = 0;
	struct people people;

	do {
		if (people_list(c->catalog, c->arena, VIEW(""), after, PEOPLE_AT_ONCE, &people,
				err) < 0)
			return -1;
		for (size_t i = 0; i < people.n; i++)
			if (collect_person(c, &people.v[i], holders, &ordinary, err) < 0)
				return -1;
		after = people.n > 0 ? &people.v[people.n - 1] : NULL;
	} while (people.n == PEOPLE_AT_ONCE);
	put_number(of, "ordinary_people", ordinary);
	return 0;
}

static void collect_demanded(const struct policy *policy, struct json_object *of)
{
	struct json_object *array = list(of, "one_time_codes_demanded_of");

	for (enum person_role role = 0; role < PERSON_ROLES; role++)
		if (policy->totp_demanded & (1U << role))
			json_object_array_add(array,
					      json_object_new_string(person_role_name(role)));
}

static int collect_access(struct collecting *c, struct err *err)
{
	struct json_object *o = part(c->facts, "access"), *sources = list(o, "sources");
	struct source_order order;
	struct policy policy;

	if (source_order_load(c->catalog, &order, err) < 0 ||
	    policy_load(c->catalog, &policy, err) < 0)
		return -1;
	for (size_t i = 0; i < order.n; i++)
		json_object_array_add(sources,
				      json_object_new_string(person_source_name(order.v[i])));
	put_number(o, "session_idle_minutes", (uint64_t)policy.idle_s / 60);
	put_number(o, "session_hours", (uint64_t)policy.absolute_s / 3600);
	put_number(o, "password_characters", policy.password_min);
	collect_demanded(&policy, o);
	return collect_holders(c, o, err);
}

/* --- what goes, and what proves that nothing else went ------------------------------------------ */

static int collect_retention(struct collecting *c, struct err *err)
{
	struct json_object *o = part(c->facts, "retention");
	struct hold_rows holds = {0};
	struct request_rows requests = {0};
	enum deletion_mode mode;
	uint64_t n_holds = 0, n_open = 0, n_held = 0;

	if (deletion_mode_get(c->catalog, &mode, err) < 0 ||
	    holds_list(c->catalog, c->arena, &holds, err) < 0 ||
	    requests_list(c->catalog, c->arena, PERSON_ANY, true, 0, OPEN_MAX_COUNTED, &requests,
			  err) < 0)
		return -1;
	for (size_t i = 0; i < holds.n; i++) {
		n_holds += holds.v[i].lifted_s == 0;
		n_held += holds.v[i].lifted_s == 0 ? holds.v[i].mails : 0;
	}
	n_open = requests.n;
	put_text(o, "deletion", deletion_mode_name(mode));
	put_flag(o, "deleted_by_age", false);
	put_number(o, "holds", n_holds);
	put_number(o, "mails_held", n_held);
	put_number(o, "requests_open", n_open);
	return 0;
}

static int collect_timestamps(struct collecting *c, struct err *err)
{
	struct json_object *o = part(c->facts, "timestamps");
	CLEAN_AUTHORITY authority = {0};
	struct stamp_status status;
	int rc = authority_load(c->catalog, c->arena, &authority, err);

	if (rc < 0 || stamp_status(c->a, &status, err) < 0)
		return -1;
	put_text(o, "authority", rc > 0 ? authority.url : "");
	put_text(o, "digest", digest_name(authority.digest));
	put_number(o, "timestamps", status.stamps);
	put_number(o, "mails_stamped", status.mails);
	put_number(o, "mails_waiting", status.waiting.mails);
	put_number(o, "answers_refused", status.refused);
	put_time(o, "last_timestamp_at", status.last_ms / 1000);
	put_time(o, "certificate_ends_at", status.ends_s);
	return 0;
}

static int collect_proof(struct collecting *c, struct json_object *of, const char *key,
			 enum integrity_proof proof, struct err *err)
{
	struct json_object *o = part(of, key);
	struct integrity last = {0};
	int rc = integrity_last(c->catalog, proof, &last, err);

	if (rc < 0)
		return -1;
	put_time(o, "done_at", last.time_s);
	if (rc == 0)
		return 0;
	put_text(o, "result", integrity_result_text(last.result));
	put_number(o, "mails", last.mails);
	return 0;
}

static int collect_integrity(struct collecting *c, struct err *err)
{
	struct json_object *o = part(c->facts, "integrity"), *log;
	CLEAN_STR head = STR_INIT;
	struct hash hash = {0};
	uint64_t lines;

	if (collect_proof(c, o, "last_verify", INTEGRITY_VERIFY, err) < 0 ||
	    collect_proof(c, o, "last_drill", INTEGRITY_DRILL, err) < 0 ||
	    audit_head(c->catalog, &lines, &hash, err) < 0)
		return -1;
	log = part(o, "audit_log");
	str_addhex(&head, hash.b, HASH_BYTES);
	put_number(log, "lines", lines);
	put_view(log, "last_hash", str_view(&head));
	return 0;
}

/* --- what is done by itself --------------------------------------------------------------------- */

static int collect_job(struct collecting *c, enum job job, struct json_object *array,
		       struct err *err)
{
	struct json_object *o = row(array);
	CLEAN_STR when = STR_INIT;
	struct job_run run = {0};
	int rc = job_runs_last(c->catalog, c->arena, job_name(job), &run, err);

	if (rc < 0)
		return -1;
	timetable_when(&c->timetable, job, &when);
	put_text(o, "job", job_name(job));
	put_view(o, "when", str_view(&when));
	put_flag(o, "paused", c->timetable.paused[job]);
	put_time(o, "next_at", timetable_next(&c->timetable, job, c->now_s));
	put_time(o, "last_began_at", rc > 0 ? run.begun_s : 0);
	if (rc > 0)
		put_text(o, "result", job_result_text(run.result));
	return 0;
}

static int collect_timetable(struct collecting *c, struct err *err)
{
	struct json_object *o = part(c->facts, "timetable"), *jobs = list(o, "jobs");

	if (timetable_settings_read(file_named(c, "timetable.conf"), &c->timetable, err) < 0)
		return -1;
	for (enum job job = 0; job < JOB_COUNT; job++)
		if (collect_job(c, job, jobs, err) < 0)
			return -1;
	return 0;
}

static int collect_backup(struct collecting *c, struct err *err)
{
	const struct archive_settings *s = archive_settings(c->a);
	struct json_object *o = part(c->facts, "backup");
	CLEAN(secret) password = NULL;
	struct site site;
	int rc = mirror_site(c->catalog, c->arena, &site, &password, err);

	if (rc < 0)
		return -1;
	put_number(o, "backups_kept_days", s->backup_keep_days);
	put_number(o, "one_a_week_kept_weeks", s->backup_keep_weeks);
	put_text(o, "mirror", rc > 0 ? site.location : "");
	return 0;
}

static void collect_watching(const struct collecting *c, const struct alarm_settings *settings)
{
	struct json_object *o = part(c->facts, "watching"), *array;

	put_flag(o, "alarms_by_mail", *settings->mail_to != '\0');
	array = list(o, "alarms");
	for (size_t i = 0; i < c->alarms->n; i++) {
		struct json_object *alarm = row(array);

		put_text(alarm, "alarm", c->alarms->v[i].alarm);
		put_text(alarm, "about", c->alarms->v[i].subject);
		put_text(alarm, "level",
			 c->alarms->v[i].level == ALARM_CRITICAL ? "critical" : "warning");
		put_time(alarm, "since_at", c->alarms->v[i].since_s);
	}
}

static int collect_alarms(struct collecting *c, struct err *err)
{
	struct alarm_settings *settings;

	if (alarm_settings_read(archive_dir(c->a), &settings, err) < 0)
		return -1;
	collect_watching(c, settings);
	alarm_settings_free(&settings);
	return 0;
}

/* --- files of settings -------------------------------------------------------------------------- */

/* What names people, and what no file of ours has, but somebody might have written into one. */
static bool is_kept_back(struct view name)
{
	static const char *const words[] = {"mail_to", "mail_from", "password", "secret", "token"};
	CLEAN_STR text = STR_INIT;

	str_addv(&text, name);
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcasestr(text.data, words[i]) != NULL)
			return true;
	return false;
}

static int collect_file(const struct collecting *c, const char *name, struct json_object *array,
			struct err *err)
{
	CLEAN_STR text = STR_INIT;
	struct view rest, line;

	if (!has_file(c, name))
		return 0;
	if (file_read(file_named(c, name), CONF_MAX, &text, err) < 0)
		return -1;
	rest = str_view(&text);
	while (view_cut(&rest, '\n', &line)) {
		struct json_object *o;
		struct view setting;

		line = view_trim(line);
		if (line.len == 0 || line.data[0] == '#')
			continue;
		view_cut(&line, '=', &setting);
		o = row(array);
		put_text(o, "file", name);
		put_view(o, "setting", view_trim(setting));
		put_view(o, "value", is_kept_back(setting) ? VIEW("***") : view_trim(line));
	}
	return 0;
}

static int collect_settings(struct collecting *c, struct err *err)
{
	static const char *const names[] = {"sealpost.conf",  "smtpd.conf",  "milter.conf",
					    "timetable.conf", "alarms.conf", "api.conf",
					    "log.conf"};
	struct json_object *o = part(c->facts, "settings"), *array = list(o, "set");

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (collect_file(c, names[i], array, err) < 0)
			return -1;
	return 0;
}

/* --- the whole ---------------------------------------------------------------------------------- */

int procedure_collect(struct archive *a, const struct alarms *alarms, struct json_object **facts_r,
		      struct err *err)
{
	static int (*const chapters[])(struct collecting * c, struct err * err) = {
		collect_archive, collect_intake,    collect_media,      collect_key,
		collect_access,  collect_retention, collect_timestamps, collect_integrity,
		collect_backup,  collect_timetable, collect_alarms,     collect_software,
		collect_settings};
	CLEAN(arena) arena = arena_new();
	struct collecting c = {.a = a,
			       .catalog = archive_catalog(a),
			       .arena = arena,
			       .alarms = alarms,
			       .facts = json_object_new_object(),
			       .now_s = clock_s()};

	for (size_t i = 0; i < sizeof(chapters) / sizeof(*chapters); i++)
		if (chapters[i](&c, err) < 0) {
			json_object_put(c.facts);
			return -1;
		}
	*facts_r = c.facts;
	return 0;
}
