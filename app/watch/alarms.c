/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/watch/alarms.h"

#include "app/watch/alarms_priv.h"
#include "base/log.h"

static const struct {
	const char *name, *what;
	int (*look)(struct look *l, struct err *err);
} alarms[] = {
#define X(name, what) {#name, what, look_##name},
	ALARMS(X)
#undef X
};

void look_raise(struct look *l, const char *subject, enum alarm_level level, const char *fmt, ...)
{
	CLEAN_STR text = STR_INIT;
	struct alarm_row row = {.level = level, .since_s = l->now_s, .seen_s = l->now_s};
	va_list ap;

	va_start(ap, fmt);
	str_addfv(&text, fmt, ap);
	va_end(ap);
	row.alarm = arena_str(l->arena, l->alarm);
	row.subject = arena_str(l->arena, subject);
	row.text = arena_str(l->arena, text.data);
	ARENA_PUSH(l->arena, l->found, row);
}

const char *look_span(struct look *l, int64_t seconds)
{
	static const struct {
		int64_t seconds;
		const char *name;
	} units[] = {{DAY_S, "day"}, {HOUR_S, "hour"}, {MINUTE_S, "minute"}};
	size_t i = 0;
	int64_t n;

	while (i < 2 && seconds < 2 * units[i].seconds)
		i++;
	n = seconds / units[i].seconds;
	return arena_f(l->arena, "%lld %s%s", (long long)n, units[i].name, n == 1 ? "" : "s");
}

/* What cannot be looked at is not fine, and must not blind the other looks. */
static void look_at_all(struct look *l)
{
	for (size_t i = 0; i < sizeof(alarms) / sizeof(*alarms); i++) {
		struct err err = {0};

		l->alarm = alarms[i].name;
		if (alarms[i].look(l, &err) < 0)
			look_raise(l, "look", ALARM_CRITICAL,
				   "it cannot be told whether this is so: %s. The reason: %s. %s",
				   alarms[i].what, err.text, err_sentence(err.kind));
	}
}

static int note(struct look *l, struct alarms *alarms_r, struct err *err)
{
	if (alarms_begin(l->catalog, err) < 0)
		return -1;
	for (size_t i = 0; i < l->found.n; i++)
		if (alarms_raise(l->catalog, &l->found.v[i], l->now_s, err) < 0)
			return -1;
	if (alarms_settle(l->catalog, l->arena, &alarms_r->over, &alarms_r->n_over, err) < 0)
		return -1;
	return alarms_list(l->catalog, l->arena, &alarms_r->v, &alarms_r->n, err);
}

/* In one transaction: another process that looks meanwhile settles nothing of ours. */
static int note_all(struct look *l, struct alarms *alarms_r, struct err *err)
{
	if (catalog_begin(l->catalog, err) < 0)
		return -1;
	if (note(l, alarms_r, err) == 0 && catalog_commit(l->catalog, err) == 0)
		return 0;
	catalog_rollback(l->catalog);
	return -1;
}

static int worst_first(const void *a, const void *b)
{
	const struct alarm_row *left = a, *right = b;

	return (int)right->level - (int)left->level;
}

/* A full disk, of all things, must not keep the alarm from being seen. */
static void show_unnoted(struct look *l, const struct err *why, struct alarms *alarms_r)
{
	log_warn("alarms not noted: %s", why->text);
	*alarms_r = (struct alarms){.v = l->found.v, .n = l->found.n};
	if (alarms_r->n > 0)
		qsort(alarms_r->v, alarms_r->n, sizeof(*alarms_r->v), worst_first);
}

int alarms_look(struct archive *a, const struct alarm_settings *settings, int64_t now_s,
		struct arena *arena, struct alarms *alarms_r, struct err *err)
{
	struct look l = {.a = a,
			 .catalog = archive_catalog(a),
			 .dir = archive_dir(a),
			 .settings = settings,
			 .now_s = now_s,
			 .arena = arena};

	*alarms_r = (struct alarms){0};
	look_at_all(&l);
	if (note_all(&l, alarms_r, err) < 0) {
		show_unnoted(&l, err, alarms_r);
		err_clear(err);
	}
	if (alarms_r->n > 0)
		alarms_r->worst = alarms_r->v[0].level;
	return 0;
}
