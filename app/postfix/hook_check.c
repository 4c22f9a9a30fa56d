/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Is all still as it must be? Needs no rights: what is ours is found by its names. */
#include "app/postfix/hook.h"

#include "app/postfix/command.h"
#include "app/postfix/hook_priv.h"
#include "app/postfix/words.h"
#include "base/clock.h"
#include "base/file.h"

#include <sys/stat.h>
#include <unistd.h>

enum { COPIES_MAX = 64 * 1024 };

static void drifted(struct hooking *h, struct hook_drift *drift, const char *text)
{
	ARENA_PUSH(h->arena, *drift, text);
}

static bool is_so(struct hooking *h, const struct hook_edit *edit,
		  const struct postfix_reading *now)
{
	const char *value;
	struct words wanted, words;

	if (edit->name == NULL)
		return postfix_find_service(now, edit->service) != NULL;
	value = postfix_written(now, edit->service, edit->name);
	if (value == NULL)
		return false;
	wanted = words_of(h->arena, edit->value);
	words = words_of(h->arena, value);
	return words_are_equal(&wanted, &words);
}

void hooking_compare(struct hooking *h, const struct postfix_reading *now, struct hook_drift *drift)
{
	for (size_t i = 0; i < h->plan.edits.n; i++) {
		const struct hook_edit *edit = &h->plan.edits.v[i];

		if (is_so(h, edit, now))
			continue;
		if (edit->service == NULL)
			drifted(h, drift, arena_f(h->arena, "%s: %s", edit->name, edit->without));
		else
			drifted(h, drift,
				arena_f(h->arena, "master.cf, %s%s%s: %s", edit->service,
					edit->name ? ", " : "", edit->name ? edit->name : "",
					edit->without));
	}
}

/* --- routes ------------------------------------------------------------------------------------- */

/* A table that cannot be asked answers nobody else either. */
static bool answers(struct hooking *h, struct view table, const char *address)
{
	const char *argv[] = {"postmap", "-c",    h->dir,
			      "-q",      address, arena_strn(h->arena, table.data, table.len),
			      NULL};
	CLEAN_STR out = STR_INIT;
	struct err err = {0};

	return command_run(argv, VIEW(""), &out, NULL, &err) == 0 && out.len > 0;
}

/* The archive's own table stands first, but whole addresses are asked for in all tables before domains. */
int hooking_check_routes(struct hooking *h, struct err *err)
{
	const struct words tables = words_of(h->arena,
					     postfix_means(&h->reading, "transport_maps"));
	const char *const addresses[] = {"any=any.example@" COPY_DOMAIN,
					 arena_f(h->arena, "any@%s", h->domain)};

	for (size_t i = 0; i < tables.n; i++) {
		const struct view table = tables.v[i];

		if (memmem(table.data, table.len, "lmtp.sock", 9) != NULL)
			continue;
		for (size_t a = 0; a < 2; a++)
			if (answers(h, table, addresses[a]))
				return err_set(
					err, ERR_UNSUPPORTED,
					"transport_maps: the table %.*s has a route for every "
					"address, the archive's too. Have it leave out %s and %s",
					(int)table.len, table.data, COPY_DOMAIN, h->domain);
	}
	return 0;
}

static void check_routes(struct hooking *h, struct hook_drift *drift)
{
	struct err err = {0};

	if (hooking_check_routes(h, &err) < 0)
		drifted(h, drift, arena_str(h->arena, err.text));
}

/* --- reloaded? ---------------------------------------------------------------------------------- */

/* When a process began, in seconds since 1970; 0 it is gone, or is no queue manager. */
static int64_t qmgr_began_s(struct hooking *h, const char *pid)
{
	CLEAN_STR stat = STR_INIT;
	CLEAN_STR uptime = STR_INIT;
	struct err err = {0};
	const char *field;
	double began_s;

	if (file_read(arena_f(h->arena, "/proc/%s/stat", pid), COPIES_MAX, &stat, &err) < 0 ||
	    file_read("/proc/uptime", COPIES_MAX, &uptime, &err) < 0 ||
	    strstr(stat.data, "(qmgr)") == NULL)
		return 0;
	/* proc(5): the 22nd; the second ends with the bracket */
	field = strrchr(stat.data, ')');
	for (int i = 2; i < 22 && field != NULL; i++)
		field = strchr(field + 1, ' ');
	if (field == NULL)
		return 0;
	began_s = (double)strtoull(field, NULL, 10) / (double)sysconf(_SC_CLK_TCK);
	return clock_s() - (int64_t)(strtod(uptime.data, NULL) - began_s);
}

static int64_t changed_s(struct hooking *h, const char *name)
{
	struct stat st;

	return stat(arena_f(h->arena, "%s/%s", h->dir, name), &st) < 0 ? 0 : st.st_mtime;
}

/* The queue manager begins anew with each reload. Only root can tell which one is this Postfix's. */
static void check_reload(struct hooking *h, struct hook_drift *drift)
{
	const char *queue = postfix_means(&h->reading, "queue_directory");
	const int64_t main_s = changed_s(h, "main.cf"), master_s = changed_s(h, "master.cf");
	CLEAN_STR master = STR_INIT;
	CLEAN_STR children = STR_INIT;
	struct err err = {0};
	struct view rest, pid;

	if (file_read(arena_f(h->arena, "%s/pid/master.pid", queue), COPIES_MAX, &master, &err) < 0)
		return;
	pid = view_trim(str_view(&master));
	if (file_read(arena_f(h->arena, "/proc/%.*s/task/%.*s/children", (int)pid.len, pid.data,
			      (int)pid.len, pid.data),
		      COPIES_MAX, &children, &err) < 0)
		return;
	rest = str_view(&children);
	while (rest.len > 0 && view_cut(&rest, ' ', &pid)) {
		int64_t began_s = qmgr_began_s(h, arena_strn(h->arena, pid.data, pid.len));

		if (began_s == 0 || began_s + 1 >= (main_s > master_s ? main_s : master_s))
			continue;
		drifted(h, drift,
			"Postfix was not reloaded since its settings changed: it works by the "
			"former ones (postfix reload)");
	}
}

/* --- the whole ---------------------------------------------------------------------------------- */

static int check_copies(struct hooking *h, struct hook_drift *drift, struct err *err)
{
	const char *path = arena_f(h->arena, "%s/" COPIES_FILE, h->dir);
	CLEAN_STR text = STR_INIT;

	if (access(path, F_OK) == 0 && file_read(path, COPIES_MAX, &text, err) < 0)
		return -1;
	if (!view_eq(str_view(&text), VIEW(h->plan.copies)))
		drifted(h, drift,
			arena_f(h->arena,
				"%s was changed or is gone: the archive does not learn to whom "
				"mail is "
				"delivered",
				path));
	return 0;
}

static void check_doors(struct hooking *h, struct hook_drift *drift)
{
	const struct doors d = hooking_doors(h);
	struct err err = {0};

	if (doors_check_folder(&d, &err) < 0)
		drifted(h, drift, arena_str(h->arena, err.text));
	err_clear(&err);
	if (doors_are_set_up(&d, &err) <= 0)
		drifted(h, drift, arena_str(h->arena, err.text));
	err_clear(&err);
	/* others cannot enter the folder */
	if (geteuid() == 0 && doors_wait(&d, 0, &err) < 0)
		drifted(h, drift,
			arena_f(h->arena,
				"%s: Postfix tells its clients to come back, or keeps the "
				"copies",
				err.text));
}

static int check(struct hooking *h, struct hook_drift *drift, struct err *err)
{
	CLEAN_CONFIG bare;

	config_init(&bare);
	config_copy(&bare, &h->now);
	if (config_take_out(&bare, NULL, NULL, err) < 0)
		return -1;
	if (hooking_plan(h, &bare, err) < 0) {
		drifted(h, drift, arena_str(h->arena, err->text));
		err_clear(err);
		return 0;
	}
	hooking_compare(h, &h->reading, drift);
	if (check_copies(h, drift, err) < 0)
		return -1;
	if (geteuid() ==
	    0) /* others may not read each table, and Postfix's log would tell so each time */
		check_routes(h, drift);
	check_doors(h, drift);
	check_reload(h, drift);
	return 0;
}

int hook_check(const struct hook_wish *wish, struct arena *arena, struct hook_drift *drift_r,
	       struct err *err)
{
	CLEAN_HOOKING h = {.lock = -1};
	struct hook_drift drift = {0};

	*drift_r = (struct hook_drift){0};
	if (hooking_begin(&h, wish, false, err) < 0)
		return -1;
	if (postfix_value(&h.reading, "sealpost_domain")[0] == '\0' && h.state == NULL)
		return err_set(err, ERR_NOTFOUND, "the Postfix of %s is not hooked", h.dir);
	if (check(&h, &drift, err) < 0)
		return -1;
	for (size_t i = 0; i < drift.n; i++)
		ARENA_PUSH(arena, *drift_r, arena_str(arena, drift.v[i]));
	return 0;
}
