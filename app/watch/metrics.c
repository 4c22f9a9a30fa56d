/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/watch/metrics.h"

#include "app/archive/catch_up.h"
#include "app/archive/status.h"
#include "app/catalog/integrity.h"
#include "app/catalog/jobs.h"
#include "app/intake/spool.h"
#include "app/watch/alarms.h"
#include "base/service.h"
#include "scheduler/timetable.h"

#include <stdio.h>

enum { MEMORY_S = 60 };

/* One asking. */
struct metrics {
	struct archive *a;
	struct metrics_memory *memory;
	int64_t now_s;
	struct arena *arena;
	struct str *out;
};

/* --- the format --------------------------------------------------------------------------------- */

/* A family of metrics begins. A name that ends in a unit has it as its unit. */
static void family(struct metrics *m, const char *name, const char *type, const char *help)
{
	static const char *const units[] = {"seconds", "bytes"};
	size_t len = strlen(name);

	str_addf(m->out, "# TYPE %s %s\n", name, type);
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		size_t unit = strlen(units[i]);

		if (len > unit && name[len - unit - 1] == '_' &&
		    strcmp(name + len - unit, units[i]) == 0)
			str_addf(m->out, "# UNIT %s %s\n", name, units[i]);
	}
	str_addf(m->out, "# HELP %s %s\n", name, help);
}

static void number(struct metrics *m, const char *name, uint64_t n)
{
	str_addf(m->out, "%s %llu\n", name, (unsigned long long)n);
}

static void labelled(struct metrics *m, const char *name, const char *label, const char *value,
		     uint64_t n)
{
	str_addf(m->out, "%s{%s=\"%s\"} %llu\n", name, label, value, (unsigned long long)n);
}

static void gauge(struct metrics *m, const char *name, const char *help, uint64_t n)
{
	family(m, name, "gauge", help);
	number(m, name, n);
}

/* --- what came, and how long it took ------------------------------------------------------------ */

static void write_taken(struct metrics *m, const struct counts *counts)
{
	family(m, "sealpost_mails_taken", "counter",
	       "Mails taken in, by the way they came and what became of them.");
	for (enum way way = WAY_IMPORT; way < COUNTERS_WAYS; way++)
		for (enum counted i = 0; i < COUNTED_COUNT; i++)
			str_addf(m->out,
				 "sealpost_mails_taken_total{way=\"%s\",outcome=\"%s\"} %llu\n",
				 way_text(way), counted_text(i),
				 (unsigned long long)counts->taken[way][i]);
}

/* The shortest form, with a point: "0.1", "300.0". */
static void add_bound(struct str *out, uint64_t bound_ms)
{
	char text[32];
	size_t len = (size_t)snprintf(text, sizeof(text), "%llu.%03llu",
				      (unsigned long long)bound_ms / 1000,
				      (unsigned long long)bound_ms % 1000);

	while (text[len - 1] == '0' && text[len - 2] != '.')
		len--;
	str_add(out, text, len);
}

static void write_timing(struct metrics *m, enum timing timing, const struct timing_counts *t)
{
	const struct timing_kind *kind = &timing_kinds[timing];
	CLEAN_STR name = STR_INIT;
	CLEAN_STR help = STR_INIT;
	uint64_t sum = 0;

	str_addf(&name, "sealpost_%s_seconds", kind->name);
	str_addf(&help, "Time %s.", kind->what);
	family(m, name.data, "histogram", help.data);
	for (size_t i = 0; i < TIMING_BUCKETS; i++) {
		sum += t->bucket[i];
		str_addf(m->out, "%s_bucket{le=\"", name.data);
		add_bound(m->out, kind->bound_ms[i]);
		str_addf(m->out, "\"} %llu\n", (unsigned long long)sum);
	}
	str_addf(m->out, "%s_bucket{le=\"+Inf\"} %llu\n", name.data, (unsigned long long)t->n);
	str_addf(m->out, "%s_count %llu\n", name.data, (unsigned long long)t->n);
	str_addf(m->out, "%s_sum %llu.%06llu\n", name.data, (unsigned long long)t->sum_us / 1000000,
		 (unsigned long long)t->sum_us % 1000000);
}

static void write_counts(struct metrics *m)
{
	struct counts counts;

	counters_read(archive_dir(m->a), &counts);
	write_taken(m, &counts);
	for (enum timing i = 0; i < TIMING_COUNT; i++)
		write_timing(m, i, &counts.timing[i]);
}

/* --- what there is ------------------------------------------------------------------------------ */

static int count_mails(struct metrics *m, struct err *err)
{
	struct metrics_memory *memory = m->memory;

	if (memory->counted_s != 0 && m->now_s - memory->counted_s < MEMORY_S)
		return 0;
	if (mails_totals(archive_catalog(m->a), &memory->totals, err) < 0)
		return -1;
	memory->counted_s = m->now_s;
	return 0;
}

static void write_sizes(struct metrics *m, const struct archive_status *s)
{
	const char *name = "sealpost_size_bytes";

	gauge(m, "sealpost_mails", "Mails in the archive.", s->mails.mails);
	gauge(m, "sealpost_mails_deleted", "Deleted mails that wait for being erased.",
	      s->mails.deleted);
	gauge(m, "sealpost_attachments", "Attachments, each kept once.", s->mails.parts);
	family(m, name, "gauge", "Sizes: of the mails as they came, of what is kept of them.");
	labelled(m, name, "of", "mails", s->mails.bytes);
	labelled(m, name, "of", "packs", s->pack_bytes);
	labelled(m, name, "of", "index", s->index_bytes);
	labelled(m, name, "of", "catalog", s->catalog_bytes);
	gauge(m, "sealpost_key_backed_up", "Is there a copy of the key on paper?",
	      s->key_backed_up);
}

static void write_staging(struct metrics *m, const struct archive_status *s)
{
	uint64_t packs = 0, bytes = 0;

	for (size_t i = 0; i < s->n_media; i++) {
		packs += s->media[i].waiting_packs;
		bytes += s->media[i].waiting_bytes;
	}
	gauge(m, "sealpost_staging_packs", "Packs that wait to be brought to their media.", packs);
	gauge(m, "sealpost_staging_waiting_bytes", "Bytes of them.", bytes);
	gauge(m, "sealpost_staging_free_bytes", "Free on this machine's disk.",
	      s->staging_free_bytes);
	gauge(m, "sealpost_staging_reserve_bytes", "Of these, what staging leaves free.",
	      s->staging_reserve_bytes);
}

static void write_medium_family(struct metrics *m, const struct archive_status *s, const char *name,
				const char *help, uint64_t (*value)(const struct medium_row *row))
{
	char number[16];

	family(m, name, "gauge", help);
	for (size_t i = 0; i < s->n_media; i++) {
		if (s->media[i].state != MEDIUM_IN_USE)
			continue;
		snprintf(number, sizeof(number), "%u", s->media[i].medium);
		labelled(m, name, "medium", number, value(&s->media[i]));
	}
}

static uint64_t is_reachable(const struct medium_row *row)
{
	return row->answers == MEDIUM_ANSWERS;
}

static uint64_t is_active(const struct medium_row *row)
{
	return row->active;
}

static uint64_t free_of(const struct medium_row *row)
{
	return row->free_bytes;
}

static uint64_t total_of(const struct medium_row *row)
{
	return row->total_bytes;
}

static uint64_t packs_of(const struct medium_row *row)
{
	return row->packs;
}

static uint64_t bytes_of(const struct medium_row *row)
{
	return row->pack_bytes;
}

static void write_media(struct metrics *m, const struct archive_status *s)
{
	write_medium_family(m, s, "sealpost_medium_reachable", "Did it answer when last asked?",
			    is_reachable);
	write_medium_family(m, s, "sealpost_medium_active", "Does new mail go there?", is_active);
	write_medium_family(m, s, "sealpost_medium_free_bytes", "Free there, when last asked.",
			    free_of);
	write_medium_family(m, s, "sealpost_medium_total_bytes", "Size of its disk.", total_of);
	write_medium_family(m, s, "sealpost_medium_packs", "Packs that are there, or in staging.",
			    packs_of);
	write_medium_family(m, s, "sealpost_medium_pack_bytes", "Bytes of them.", bytes_of);
}

static int write_figures(struct metrics *m, struct err *err)
{
	struct archive_status s;

	if (count_mails(m, err) < 0 ||
	    archive_figures(m->a, &m->memory->totals, m->arena, &s, err) < 0)
		return -1;
	write_sizes(m, &s);
	write_staging(m, &s);
	write_media(m, &s);
	return 0;
}

/* An index that cannot be used is an alarm, and no number. */
static void write_index(struct metrics *m)
{
	struct index_lag lag;
	struct err err = {0};

	if (index_lag(m->a, &lag, &err) == 0)
		gauge(m, "sealpost_index_lacks_mails", "Mails that are not in the index yet.",
		      lag.mails);
}

/* --- the spool ---------------------------------------------------------------------------------- */

#define SPOOL_STATES (SPOOL_STUCK + 1)

struct waits {
	size_t n;
	int64_t oldest_s; /* its age */
};

/* Without the spool's key no door has ever run here. */
static int look_at_spool(struct metrics *m, struct waits waits_r[SPOOL_STATES], struct err *err)
{
	CLEAN(spool) spool = NULL;
	struct uuid *ids;

	memset(waits_r, 0, SPOOL_STATES * sizeof(*waits_r));
	if (spool_open(archive_dir(m->a), &spool, err) < 0) {
		if (err->kind != ERR_NOTFOUND)
			return -1;
		err_clear(err);
		return 0;
	}
	for (enum spool_state i = 0; i < SPOOL_STATES; i++) {
		struct waits *w = &waits_r[i];

		if (spool_list(spool, i, 0, m->arena, &ids, &w->n, err) < 0)
			return -1;
		if (w->n > 0 && m->now_s > uuid_ms(&ids[0]) / 1000)
			w->oldest_s = m->now_s - uuid_ms(&ids[0]) / 1000;
	}
	return 0;
}

static int write_spool(struct metrics *m, struct err *err)
{
	struct waits waits[SPOOL_STATES];

	if (look_at_spool(m, waits, err) < 0)
		return -1;
	family(m, "sealpost_spool_mails", "gauge",
	       "Captured mails: not delivered yet, to be archived, and stuck.");
	for (enum spool_state i = 0; i < SPOOL_STATES; i++)
		labelled(m, "sealpost_spool_mails", "state", spool_state_text(i), waits[i].n);
	family(m, "sealpost_spool_oldest_seconds", "gauge",
	       "How long ago the oldest of them was captured; 0: there is none.");
	for (enum spool_state i = 0; i < SPOOL_STATES; i++)
		labelled(m, "sealpost_spool_oldest_seconds", "state", spool_state_text(i),
			 (uint64_t)waits[i].oldest_s);
	return 0;
}

/* --- jobs --------------------------------------------------------------------------------------- */

/* The last run of each: RUN is 0 where there was none. */
static int read_runs(struct metrics *m, struct job_run runs_r[JOB_COUNT],
		     unsigned failed_r[JOB_COUNT], struct err *err)
{
	for (enum job job = 0; job < JOB_COUNT; job++) {
		int rc = job_runs_last(archive_catalog(m->a), m->arena, job_name(job), &runs_r[job],
				       err);

		if (rc < 0 ||
		    job_runs_failed(archive_catalog(m->a), job_name(job), &failed_r[job], err) < 0)
			return -1;
		if (rc == 0)
			runs_r[job] = (struct job_run){0};
	}
	return 0;
}

static void write_results(struct metrics *m, const struct job_run runs[JOB_COUNT])
{
	family(m, "sealpost_job_result", "stateset", "How its last run ended, or that it runs.");
	for (enum job job = 0; job < JOB_COUNT; job++)
		for (enum job_result i = JOB_RUNNING; runs[job].run != 0 && i <= JOB_SKIPPED; i++)
			str_addf(m->out,
				 "sealpost_job_result{job=\"%s\",sealpost_job_result=\"%s\"} %d\n",
				 job_name(job), job_result_text(i), runs[job].result == i);
}

static void write_times(struct metrics *m, const struct job_run runs[JOB_COUNT])
{
	family(m, "sealpost_job_last_start_timestamp_seconds", "gauge",
	       "When its last run began; a job that never ran is missing.");
	for (enum job job = 0; job < JOB_COUNT; job++)
		if (runs[job].run != 0)
			labelled(m, "sealpost_job_last_start_timestamp_seconds", "job",
				 job_name(job), (uint64_t)runs[job].begun_s);
	family(m, "sealpost_job_last_duration_seconds", "gauge",
	       "How long its last run took, or takes until now.");
	for (enum job job = 0; job < JOB_COUNT; job++) {
		int64_t end_s = runs[job].ended_s != 0 ? runs[job].ended_s : m->now_s;

		if (runs[job].run != 0)
			labelled(m, "sealpost_job_last_duration_seconds", "job", job_name(job),
				 end_s > runs[job].begun_s ? (uint64_t)(end_s - runs[job].begun_s)
							   : 0);
	}
}

static int write_jobs(struct metrics *m, struct err *err)
{
	struct job_run runs[JOB_COUNT];
	unsigned failed[JOB_COUNT];

	if (read_runs(m, runs, failed, err) < 0)
		return -1;
	write_results(m, runs);
	write_times(m, runs);
	family(m, "sealpost_job_failed_runs", "gauge", "Runs that failed in a row, up to now.");
	for (enum job job = 0; job < JOB_COUNT; job++)
		labelled(m, "sealpost_job_failed_runs", "job", job_name(job), failed[job]);
	return 0;
}

/* --- proofs ------------------------------------------------------------------------------------- */

static int write_proofs(struct metrics *m, struct err *err)
{
	static const char *const names[] = {
		[INTEGRITY_VERIFY] = "verify", [INTEGRITY_DRILL] = "drill"};
	struct integrity last[2];
	int found[2];

	for (enum integrity_proof i = INTEGRITY_VERIFY; i <= INTEGRITY_DRILL; i++) {
		found[i] = integrity_last(archive_catalog(m->a), i, &last[i], err);
		if (found[i] < 0)
			return -1;
	}
	family(m, "sealpost_proof_timestamp_seconds", "gauge",
	       "When all mails were last verified, and a restore was last tried; missing: never.");
	for (enum integrity_proof i = INTEGRITY_VERIFY; i <= INTEGRITY_DRILL; i++)
		if (found[i] > 0)
			labelled(m, "sealpost_proof_timestamp_seconds", "proof", names[i],
				 (uint64_t)last[i].time_s);
	family(m, "sealpost_proof_fine", "gauge", "Did it find everything as it was?");
	for (enum integrity_proof i = INTEGRITY_VERIFY; i <= INTEGRITY_DRILL; i++)
		if (found[i] > 0)
			labelled(m, "sealpost_proof_fine", "proof", names[i],
				 last[i].result == INTEGRITY_FINE);
	return 0;
}

/* --- alarms ------------------------------------------------------------------------------------- */

/* Whoever asks every few seconds gets what the last look found: looking writes. */
static int find_alarms(struct metrics *m, struct alarm_row **v_r, size_t *n_r, struct err *err)
{
	struct alarm_settings *settings;
	struct alarms found;
	int rc;

	if (m->memory->looked_s != 0 && m->now_s - m->memory->looked_s < MEMORY_S)
		return alarms_list(archive_catalog(m->a), m->arena, v_r, n_r, err);
	if (alarm_settings_read(archive_dir(m->a), &settings, err) < 0)
		return -1;
	rc = alarms_look(m->a, settings, m->now_s, m->arena, &found, err);
	alarm_settings_free(&settings);
	m->memory->looked_s = m->now_s;
	*v_r = found.v;
	*n_r = found.n;
	return rc;
}

static int write_alarms(struct metrics *m, struct err *err)
{
	static const char *const names[] = {
#define X(name, what) #name,
		ALARMS(X)
#undef X
	};
	struct alarm_row *v;
	size_t n;

	if (find_alarms(m, &v, &n, err) < 0)
		return -1;
	family(m, "sealpost_alarm", "gauge",
	       "Alarms: 0 all is well, 1 it is so with at least one medium, job, ...");
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		bool is_so[ALARM_CRITICAL + 1] = {false};

		for (size_t k = 0; k < n; k++)
			if (strcmp(v[k].alarm, names[i]) == 0)
				is_so[v[k].level] = true;
		str_addf(m->out, "sealpost_alarm{alarm=\"%s\",level=\"warning\"} %d\n", names[i],
			 is_so[ALARM_WARNING]);
		str_addf(m->out, "sealpost_alarm{alarm=\"%s\",level=\"critical\"} %d\n", names[i],
			 is_so[ALARM_CRITICAL]);
	}
	return 0;
}

/* --- the whole ---------------------------------------------------------------------------------- */

static void write_build(struct metrics *m)
{
	family(m, "sealpost_build", "info", "The program's version.");
	str_addf(m->out, "sealpost_build_info{version=\"%s\"} 1\n", sealpost_version);
	gauge(m, "sealpost_up", "Is there an archive, and can it be opened?", m->a != NULL);
}

int metrics_write(struct archive *a, struct metrics_memory *memory, int64_t now_s, struct str *out,
		  struct err *err)
{
	CLEAN(arena) arena = arena_new();
	struct metrics m = {a, memory, now_s, arena, out};

	write_build(&m);
	if (a != NULL) {
		write_counts(&m);
		if (write_figures(&m, err) < 0 || write_spool(&m, err) < 0 ||
		    write_jobs(&m, err) < 0 || write_proofs(&m, err) < 0 ||
		    write_alarms(&m, err) < 0)
			return -1;
		write_index(&m);
	}
	str_adds(out, "# EOF\n");
	return 0;
}
