/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The way of a mail: it comes, waits in the spool, is archived, is found. */
#include "app/archive/catch_up.h"
#include "app/catalog/days.h"
#include "app/intake/spool.h"
#include "app/postfix/hook.h"
#include "app/watch/alarms_priv.h"
#include "base/conf.h"

/* --- no mail comes --- */

/* A setting in the catalog that is a number of seconds; 0 it is not set. */
static int number_setting(struct look *l, const char *name, int64_t *n_r, struct err *err)
{
	CLEAN_STR text = STR_INIT;
	uint64_t n = 0;
	int rc = setting_get(l->catalog, name, &text, err);

	if (rc > 0 && conf_number(text.data, &n) < 0)
		rc = err_set(err, ERR_DAMAGED, "the catalog's setting %s is no number", name);
	*n_r = (int64_t)n;
	return rc < 0 ? -1 : 0;
}

/* The bound of the settings and what was learned: whichever is less; 0 there is none. */
static int silence_bound(struct look *l, int64_t *bound_s_r, struct err *err)
{
	int64_t fixed_s = (int64_t)l->settings->no_mail_hours * HOUR_S;
	int64_t usual_s;

	if (number_setting(l, SETTING_USUAL_SILENCE, &usual_s, err) < 0)
		return -1;
	*bound_s_r = usual_s == 0 || (fixed_s > 0 && fixed_s < usual_s) ? fixed_s : usual_s;
	return 0;
}

int look_no_mail(struct look *l, struct err *err)
{
	int64_t bound_s, made_s;
	int rc;

	if (silence_bound(l, &bound_s, err) < 0 || number_setting(l, "made_s", &made_s, err) < 0)
		return -1;
	if (bound_s == 0 || l->now_s - made_s < bound_s)
		return 0;
	rc = days_any_arrival(l->catalog, l->now_s - bound_s, err);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	rc = days_any_arrival(l->catalog, l->now_s - 2 * bound_s, err);
	if (rc < 0)
		return -1;
	look_raise(
		l, "", rc > 0 ? ALARM_WARNING : ALARM_CRITICAL,
		"no mail has come for more than %s, which is longer than usual. What is sent "
		"and received now may never reach the archive: look whether the daemons run, and "
		"whether the mail server hands its mail over (docs/INTAKE.md).",
		look_span(l, rc > 0 ? bound_s : 2 * bound_s));
	return 0;
}

/* --- the hook in the mail server --- */

static void raise_unhooked(struct look *l, const char *what, size_t more)
{
	look_raise(
		l, "", ALARM_CRITICAL,
		"the mail server does not hand its mail over as it should: %s%s. What is sent and "
		"received now may be archived changed, or not at all. As root: sealpost --archive "
		"%s postfix check, and postfix enable puts it right",
		what, more > 0 ? " (and more)" : "", l->dir);
}

/* Only a mail server that `sealpost postfix enable` has hooked. */
int look_mail_server(struct look *l, struct err *err)
{
	const struct hook_wish wish = {.archive_dir = l->dir};
	CLEAN(doors_of) of = NULL;
	struct hook_drift drift;

	if (doors_of_read(l->dir, &of, err) < 0)
		return -1;
	if (of->config_dir[0] == '\0')
		return 0;
	if (hook_check(&wish, l->arena, &drift, err) < 0) {
		if (err->kind != ERR_NOTFOUND)
			return -1;
		raise_unhooked(l, err->text, 0);
		err_clear(err);
	} else if (drift.n > 0) {
		raise_unhooked(l, drift.v[0], drift.n - 1);
	}
	return 0;
}

/* --- the spool --- */

/* What was held in a filter's quarantine for weeks is old, and yet may have become ready just now. */
static int count_late(struct look *l, struct spool *spool, int64_t before_s, size_t *late_r,
		      int64_t *oldest_s_r, struct err *err)
{
	struct spool_item item;
	struct uuid *ids;
	size_t n;

	*late_r = 0;
	*oldest_s_r = before_s;
	if (spool_list(spool, SPOOL_READY, 0, l->arena, &ids, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n && uuid_ms(&ids[i]) / 1000 < before_s; i++) {
		int rc = spool_look(spool, SPOOL_READY, &ids[i], l->arena, &item, err);

		if (rc < 0)
			return -1;
		if (rc == 0 || item.since_s >= before_s)
			continue;
		++*late_r;
		if (item.since_s < *oldest_s_r)
			*oldest_s_r = item.since_s;
	}
	return 0;
}

static int look_ready(struct look *l, struct spool *spool, struct err *err)
{
	const int64_t bound_s = (int64_t)l->settings->spool_minutes * MINUTE_S;
	int64_t oldest_s;
	size_t late;

	if (count_late(l, spool, l->now_s - bound_s, &late, &oldest_s, err) < 0)
		return -1;
	if (late > 0)
		look_raise(
			l, "ready",
			l->now_s - oldest_s > 4 * bound_s ? ALARM_CRITICAL : ALARM_WARNING,
			"%zu mail%s waited in the spool for more than %s. None is lost, but what "
			"waits there is neither searchable nor in any backup: see that "
			"sealpost-archiver runs, and what it says.",
			late, late == 1 ? " has" : "s have", look_span(l, bound_s));
	return 0;
}

static int look_stuck(struct look *l, struct spool *spool, struct err *err)
{
	struct uuid *ids;
	size_t n;

	if (spool_list(spool, SPOOL_STUCK, 0, l->arena, &ids, &n, err) < 0)
		return -1;
	if (n > 0)
		look_raise(l, "stuck", ALARM_WARNING,
			   "%zu incoming mail%s could not be archived. None is lost; look at the "
			   "reasons: sealpost --archive %s spool list",
			   n, n == 1 ? "" : "s", l->dir);
	return 0;
}

/* Without the spool's key no door has ever run here. */
int look_spool(struct look *l, struct err *err)
{
	CLEAN(spool) spool = NULL;

	if (spool_open(l->dir, &spool, err) < 0)
		return err->kind == ERR_NOTFOUND ? 0 : -1;
	return look_ready(l, spool, err) < 0 || look_stuck(l, spool, err) < 0 ? -1 : 0;
}

/* --- the index --- */

static void raise_behind(struct look *l, const struct index_lag *lag)
{
	look_raise(l, "", ALARM_WARNING,
		   "%llu mail%s not in the search index yet. None is lost, and none of them is "
		   "found; bring them in: sealpost --archive %s index update",
		   (unsigned long long)lag->mails, lag->mails == 1 ? " is" : "s are", l->dir);
}

int look_index(struct look *l, struct err *err)
{
	const int64_t bound_ms = (int64_t)l->settings->index_minutes * MINUTE_S * 1000;
	struct index_lag lag;

	if (index_lag(l->a, &lag, err) < 0) {
		look_raise(l, "", ALARM_CRITICAL,
			   "the search index cannot be used (%s). No mail is lost, but none is "
			   "found; make it anew: sealpost --archive %s index rebuild",
			   err->text, l->dir);
		err_clear(err);
		return 0;
	}
	if (lag.mails > 0 && (lag.oldest_ms == 0 || l->now_s * 1000 - lag.oldest_ms > bound_ms))
		raise_behind(l, &lag);
	return 0;
}
