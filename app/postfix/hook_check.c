/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Is all still as it must be? Needs no rights: what is ours is found by its names. */
#include "app/postfix/hook.h"

#include "app/postfix/hook_priv.h"
#include "app/postfix/words.h"
#include "base/file.h"

#include <errno.h>
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
	check_doors(h, drift);
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
