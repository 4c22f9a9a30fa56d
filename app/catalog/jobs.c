/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/catalog/jobs.h"

#include "base/clock.h"

const char *job_result_text(enum job_result result)
{
	static const char *const texts[] = {
		[JOB_RUNNING] = "running", [JOB_DONE] = "done",       [JOB_PARTLY] = "partly",
		[JOB_FAILED] = "failed",   [JOB_TIMEOUT] = "timeout", [JOB_DIED] = "died",
		[JOB_STOPPED] = "stopped", [JOB_SKIPPED] = "skipped",
	};

	return (size_t)result < sizeof(texts) / sizeof(*texts) ? texts[result] : "unknown";
}

static int in_transaction(struct catalog *catalog, int rc, struct err *err)
{
	if (rc == 0 && catalog_commit(catalog, err) == 0)
		return 0;
	catalog_rollback(catalog);
	return -1;
}

static int begin(struct catalog *catalog, const char *job, bool by_hand, uint64_t *run_r,
		 struct err *err)
{
	struct db *db = catalog_db(catalog);

	if (db_run(db, err,
		   "UPDATE job_runs SET ended_s = ?2, result = ?3, "
		   "summary = 'its process ended without a word' "
		   "WHERE job = ?1 AND ended_s IS NULL",
		   BIND_TEXT(VIEW(job)), BIND_INT(clock_s()), BIND_INT(JOB_DIED)) < 0 ||
	    db_run(db, err,
		   "INSERT INTO job_runs (job, begun_s, result, by_hand, summary, log) "
		   "VALUES (?1, ?2, ?3, ?4, '', '')",
		   BIND_TEXT(VIEW(job)), BIND_INT(clock_s()), BIND_INT(JOB_RUNNING),
		   BIND_INT(by_hand)) < 0)
		return -1;
	*run_r = (uint64_t)db_last_rowid(db);
	return 0;
}

int job_runs_begin(struct catalog *catalog, const char *job, bool by_hand, uint64_t *run_r,
		   struct err *err)
{
	if (catalog_begin(catalog, err) < 0)
		return -1;
	return in_transaction(catalog, begin(catalog, job, by_hand, run_r, err), err);
}

/* The end tells why it failed. */
static struct view last_of(struct view log)
{
	return log.len <= JOB_LOG_MAX
		       ? log
		       : (struct view){log.data + (log.len - JOB_LOG_MAX), JOB_LOG_MAX};
}

static int end(struct catalog *catalog, uint64_t run, enum job_result result, struct view summary,
	       struct view log, struct err *err)
{
	const bool is_fine = result == JOB_DONE || result == JOB_SKIPPED;
	struct db *db = catalog_db(catalog);

	if (summary.len > JOB_SUMMARY_MAX)
		summary.len = JOB_SUMMARY_MAX;
	if (db_run(db, err,
		   "UPDATE job_runs SET ended_s = ?2, result = ?3, summary = ?4, log = ?5 "
		   "WHERE run = ?1",
		   BIND_INT(run), BIND_INT(clock_s()), BIND_INT(result), BIND_TEXT(summary),
		   BIND_TEXT(is_fine ? VIEW("") : last_of(log))) < 0)
		return -1;
	return db_run(db, err,
		      "DELETE FROM job_runs WHERE run IN (SELECT run FROM job_runs WHERE job = "
		      "(SELECT job FROM job_runs WHERE run = ?1) ORDER BY run DESC "
		      "LIMIT -1 OFFSET ?2)",
		      BIND_INT(run), BIND_INT(JOB_RUNS_KEPT));
}

int job_runs_end(struct catalog *catalog, uint64_t run, enum job_result result, struct view summary,
		 struct view log, struct err *err)
{
	if (catalog_begin(catalog, err) < 0)
		return -1;
	return in_transaction(catalog, end(catalog, run, result, summary, log, err), err);
}

#define RUN_COLUMNS                                                                                \
	"SELECT run, job, begun_s, ended_s, result, by_hand, summary, log FROM job_runs "

static struct job_run run_of(struct stmt *q, struct arena *arena)
{
	return (struct job_run){
		.run = (uint64_t)stmt_int(q, 0),
		.job = arena_str(arena, stmt_text(q, 1).data),
		.begun_s = stmt_int(q, 2),
		.ended_s = stmt_int(q, 3),
		.result = (enum job_result)stmt_int(q, 4),
		.by_hand = stmt_int(q, 5) != 0,
		.summary = arena_str(arena, stmt_text(q, 6).data),
		.log = arena_str(arena, stmt_text(q, 7).data),
	};
}

int job_runs_last(struct catalog *catalog, struct arena *arena, const char *job,
		  struct job_run *run_r, struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_find(catalog_db(catalog), &q, err,
			 RUN_COLUMNS "WHERE job = ?1 ORDER BY run DESC LIMIT 1",
			 BIND_TEXT(VIEW(job)));

	if (rc > 0)
		*run_r = run_of(q, arena);
	return rc;
}

int job_runs_get(struct catalog *catalog, struct arena *arena, uint64_t run, struct job_run *run_r,
		 struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_find(catalog_db(catalog), &q, err, RUN_COLUMNS "WHERE run = ?1", BIND_INT(run));

	if (rc > 0)
		*run_r = run_of(q, arena);
	return rc;
}

int job_runs_list(struct catalog *catalog, struct arena *arena, const char *job, size_t max,
		  struct job_run **v_r, size_t *n_r, struct err *err)
{
	struct {
		struct job_run *v;
		size_t n, cap;
	} list = {0};
	CLEAN_STMT q = NULL;
	int rc = db_find(catalog_db(catalog), &q, err,
			 RUN_COLUMNS "WHERE ?1 IS NULL OR job = ?1 ORDER BY run DESC LIMIT ?2",
			 job != NULL ? BIND_TEXT(VIEW(job)) : BIND_NULL, BIND_INT(max));

	for (; rc > 0; rc = stmt_step(q, err)) {
		struct job_run run = run_of(q, arena);

		ARENA_PUSH(arena, list, run);
	}
	*v_r = list.v;
	*n_r = list.n;
	return rc;
}

int job_runs_failed(struct catalog *catalog, const char *job, unsigned *n_r, struct err *err)
{
	CLEAN_STMT q = NULL;
	int rc = db_find(catalog_db(catalog), &q, err,
			 "SELECT count(*) FROM job_runs WHERE job = ?1 AND result IN (?2, ?3, ?4) "
			 "AND run > (SELECT coalesce(max(run), 0) FROM job_runs WHERE job = ?1 "
			 "AND result IN (?5, ?6, ?7))",
			 BIND_TEXT(VIEW(job)), BIND_INT(JOB_FAILED), BIND_INT(JOB_TIMEOUT),
			 BIND_INT(JOB_DIED), BIND_INT(JOB_DONE), BIND_INT(JOB_PARTLY),
			 BIND_INT(JOB_SKIPPED));

	if (rc > 0)
		*n_r = (unsigned)stmt_int(q, 0);
	return rc > 0 ? 0 : -1;
}
