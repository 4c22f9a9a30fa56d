/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/postfix/config.h"

#include "app/postfix/command.h"
#include "app/postfix/words.h"
#include "base/clock.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MAX_BYTES = 4 * 1024 * 1024, DIR_BYTES = 64 };

void config_init(struct config *config)
{
	str_init(&config->main);
	str_init(&config->master);
}

void config_clear(struct config *config)
{
	str_clear(&config->main);
	str_clear(&config->master);
}

void config_copy(struct config *to, const struct config *from)
{
	str_reset(&to->main);
	str_reset(&to->master);
	str_addv(&to->main, str_view(&from->main));
	str_addv(&to->master, str_view(&from->master));
}

bool config_eq(const struct config *a, const struct config *b)
{
	return view_eq(str_view(&a->main), str_view(&b->main)) &&
	       view_eq(str_view(&a->master), str_view(&b->master));
}

/* --- in their place ----------------------------------------------------------------------------- */

static int load_file(const char *dir, const char *name, struct str *text, struct err *err)
{
	CLEAN_STR path = STR_INIT;

	str_reset(text);
	str_addf(&path, "%s/%s", dir, name);
	return file_read(path.data, FILE_MAX_BYTES, text, err);
}

int config_load(const char *dir, struct config *config, struct err *err)
{
	return load_file(dir, "main.cf", &config->main, err) < 0 ||
			       load_file(dir, "master.cf", &config->master, err) < 0
		       ? -1
		       : 0;
}

#define NEW_NAME "sealpost.new"

/* As of a moment ago: Postfix waits a second or two with a file that was just changed, in case it is not whole. It is. */
static int write_new(const char *path, mode_t mode, struct view content, struct err *err)
{
	const struct timespec just_before[2] = {{.tv_sec = clock_s() - 2},
						{.tv_sec = clock_s() - 2}};
	CLEAN_FD fd = -1;

	if (unlink(path) < 0 && errno != ENOENT)
		return err_errno(err, "%s: %m", path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_errno(err, "%s: %m", path);
	if (file_write_all(fd, content.data, content.len, err) < 0)
		return err_add(err, "%s", path);
	if (fchmod(fd, mode) < 0 || futimens(fd, just_before) < 0 || fsync(fd) < 0)
		return err_errno(err, "%s: %m", path);
	return 0;
}

int config_place(const char *path, mode_t mode, struct view content, struct err *err)
{
	CLEAN_STR new = STR_INIT;

	str_add(&new, path, (size_t)(strrchr(path, '/') + 1 - path));
	str_adds(&new, NEW_NAME);
	if (write_new(new.data, mode, content, err) < 0)
		return -1;
	if (rename(new.data, path) < 0)
		return err_errno(err, "%s: %m", path);
	return dir_sync_parent(path, err);
}

void config_sweep(const char *dir)
{
	CLEAN_STR path = STR_INIT;

	str_addf(&path, "%s/" NEW_NAME, dir);
	unlink(path.data);
}

static int store_file(const char *dir, const char *name, const struct str *text, struct err *err)
{
	CLEAN_STR path = STR_INIT;
	CLEAN_STR old = STR_INIT;
	CLEAN_MEM char *real = NULL;
	struct stat st;

	str_addf(&path, "%s/%s", dir, name);
	real = realpath(path.data, NULL);
	if (real == NULL || stat(real, &st) < 0)
		return err_errno(err, "%s: %m", path.data);
	if (file_read(real, FILE_MAX_BYTES, &old, err) < 0)
		return -1;
	if (view_eq(str_view(&old), str_view(text)))
		return 0;
	if (config_place(real, st.st_mode & 07777, str_view(text), err) < 0)
		return -1;
	if (chown(real, st.st_uid, st.st_gid) < 0)
		return err_errno(err, "%s: %m", real);
	return 0;
}

/* The transport into the archive is there before anything is sent by it. */
int config_store(const char *dir, const struct config *config, struct err *err)
{
	return store_file(dir, "master.cf", &config->master, err) < 0 ||
			       store_file(dir, "main.cf", &config->main, err) < 0
		       ? -1
		       : 0;
}

/* --- in a scratch folder ------------------------------------------------------------------------ */

struct scratch {
	char dir[DIR_BYTES];
};

static void scratch_clear(struct scratch *scratch)
{
	if (scratch->dir[0] != '\0')
		dir_remove_all(scratch->dir);
}
#define CLEAN_SCRATCH __attribute__((cleanup(scratch_clear))) struct scratch

/* Not to last: nothing is synced. Long ago, since Postfix waits for a file that was just written to be whole. */
static int scratch_file(const struct scratch *scratch, const char *name, const struct str *text,
			struct err *err)
{
	const struct timespec long_ago[2] = {{0}, {0}};
	CLEAN_STR path = STR_INIT;
	CLEAN_FD fd = -1;

	str_addf(&path, "%s/%s", scratch->dir, name);
	fd = open(path.data, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_errno(err, "%s: %m", path.data);
	if (file_write_all(fd, text->data, text->len, err) < 0)
		return -1;
	return futimens(fd, long_ago) < 0 ? err_errno(err, "%s: %m", path.data) : 0;
}

static int scratch_fill(struct scratch *scratch, const struct config *config, struct err *err)
{
	snprintf(scratch->dir, sizeof(scratch->dir), "/tmp/sealpost-postfix-XXXXXX");
	if (mkdtemp(scratch->dir) == NULL) {
		scratch->dir[0] = '\0';
		return err_errno(err, "a folder in /tmp: %m");
	}
	return scratch_file(scratch, "main.cf", &config->main, err) < 0 ||
			       scratch_file(scratch, "master.cf", &config->master, err) < 0
		       ? -1
		       : 0;
}

int config_read(const struct config *config, struct arena *arena, struct postfix_reading *reading_r,
		struct err *err)
{
	CLEAN_SCRATCH scratch = {0};

	return scratch_fill(&scratch, config, err) < 0 ||
			       postfix_read(scratch.dir, arena, reading_r, err) < 0
		       ? -1
		       : 0;
}

/* --- changing ----------------------------------------------------------------------------------- */

/* Changes for postconf, which makes all of a kind at once. */
struct changes {
	struct arena *arena;
	struct {
		const char **v;
		size_t n, cap;
	} set, unset, options, options_unset, services, services_unset;
};

static void note(struct changes *c, const char *service, const char *name, const char *value)
{
	if (service == NULL && value != NULL)
		ARENA_PUSH(c->arena, c->set, arena_f(c->arena, "%s=%s", name, value));
	else if (service == NULL)
		ARENA_PUSH(c->arena, c->unset, name);
	else if (name == NULL && value != NULL)
		ARENA_PUSH(c->arena, c->services, arena_f(c->arena, "%s=%s", service, value));
	else if (name == NULL)
		ARENA_PUSH(c->arena, c->services_unset, service);
	else if (value != NULL)
		ARENA_PUSH(c->arena, c->options,
			   arena_f(c->arena, "%s/%s=%s", service, name, value));
	else
		ARENA_PUSH(c->arena, c->options_unset, arena_f(c->arena, "%s/%s", service, name));
}

static int postconf(struct changes *c, const char *dir, const char *option, const char **v,
		    size_t n, struct err *err)
{
	const char **argv;

	if (n == 0)
		return 0;
	argv = arena_get(c->arena, (n + 5) * sizeof(*argv));
	argv[0] = "postconf";
	argv[1] = "-c";
	argv[2] = dir;
	argv[3] = option;
	memcpy(argv + 4, v, n * sizeof(*argv));
	return command_must(argv, NULL, err);
}

static int make(struct changes *c, const char *dir, struct err *err)
{
	/* one by one: of many at once postconf would mix up the order */
	for (size_t i = 0; i < c->set.n; i++)
		if (postconf(c, dir, "-e", &c->set.v[i], 1, err) < 0)
			return -1;
	return postconf(c, dir, "-X", c->unset.v, c->unset.n, err) < 0 ||
			       postconf(c, dir, "-P", c->options.v, c->options.n, err) < 0 ||
			       postconf(c, dir, "-PX", c->options_unset.v, c->options_unset.n,
					err) < 0 ||
			       postconf(c, dir, "-Me", c->services.v, c->services.n, err) < 0 ||
			       postconf(c, dir, "-MX", c->services_unset.v, c->services_unset.n,
					err) < 0
		       ? -1
		       : 0;
}

static int change(struct config *config, struct changes *c, struct err *err)
{
	CLEAN_SCRATCH scratch = {0};

	return scratch_fill(&scratch, config, err) < 0 || make(c, scratch.dir, err) < 0 ||
			       config_load(scratch.dir, config, err) < 0
		       ? -1
		       : 0;
}

int config_apply(struct config *config, const struct hook_plan *plan, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	struct changes c = {.arena = arena};

	for (size_t i = 0; i < plan->edits.n; i++) {
		const struct hook_edit *edit = &plan->edits.v[i];

		note(&c, edit->service, edit->name, edit->value);
	}
	return change(config, &c, err);
}

/* --- taking out --------------------------------------------------------------------------------- */

struct takeout {
	struct arena *arena;
	const struct postfix_reading *now, *before, *after; /* the last two may be NULL */
	struct changes changes;
	bool main_done, master_done; /* whole files were put back */
};

static bool is_own_name(const char *name)
{
	return strncmp(name, "sealpost_", 9) == 0;
}

/* By hand of what it refers to alone. An option that came with ours altogether goes, too. */
static const char *foreign_of(struct takeout *t, const struct postfix_setting *s)
{
	const struct words words = words_of(t->arena, s->value);
	const char *left = words_foreign(t->arena, s->value);

	if (s->service == NULL && words_of(t->arena, left).n == 0)
		return NULL;
	return words_have(&words, VIEW("$sealpost_others")) ? NULL : left;
}

static void take_out_setting(struct takeout *t, const struct postfix_setting *s)
{
	const char *left;

	if (t->before != NULL)
		left = words_taken_back(t->arena, postfix_written(t->before, s->service, s->name),
					postfix_written(t->after, s->service, s->name), s->value);
	else if (strcmp(s->name, "recipient_bcc_maps") == 0 &&
		 strstr(s->value, "/" COPIES_FILE) != NULL)
		left = NULL;
	else if (words_any_ours(t->arena, s->value))
		left = foreign_of(t, s);
	else
		left = s->value;
	if (left == NULL || strcmp(left, s->value) != 0)
		note(&t->changes, s->service, s->name, left);
}

static void take_out_settings(struct takeout *t)
{
	for (size_t i = 0; i < t->now->settings.n; i++) {
		const struct postfix_setting *s = &t->now->settings.v[i];
		const bool is_archive = s->service != NULL &&
					strcmp(s->service, "archive/unix") == 0;

		if (!s->is_set || is_archive ||
		    (s->service == NULL ? t->main_done : t->master_done))
			continue;
		if (is_own_name(s->name))
			note(&t->changes, s->service, s->name, NULL);
		else
			take_out_setting(t, s);
	}
}

/* What was there before, and is not now: an option that ours replaced, and somebody took away, stays away. */
static void take_out_service(struct takeout *t)
{
	if (!t->master_done && postfix_find_service(t->now, "archive/unix") != NULL &&
	    postfix_value(t->now, "sealpost_domain")[0] != '\0')
		note(&t->changes, "archive/unix", NULL, NULL);
}

/* A file that is as we left it, or was not reached by us: as it was. */
static bool put_back(struct str *now, const struct str *before, const struct str *after)
{
	if (!view_eq(str_view(now), str_view(after)) && !view_eq(str_view(now), str_view(before)))
		return false;
	str_reset(now);
	str_addv(now, str_view(before));
	return true;
}

int config_take_out(struct config *config, const struct config *before, const struct config *after,
		    struct err *err)
{
	CLEAN(arena) arena = arena_new();
	struct postfix_reading now, was, became;
	struct takeout t = {.arena = arena, .now = &now, .changes = {.arena = arena}};

	if (config_read(config, arena, &now, err) < 0)
		return -1;
	if (before != NULL) {
		t.main_done = put_back(&config->main, &before->main, &after->main);
		t.master_done = put_back(&config->master, &before->master, &after->master);
		if (t.main_done && t.master_done)
			return 0;
		if (config_read(before, arena, &was, err) < 0 ||
		    config_read(after, arena, &became, err) < 0)
			return -1;
		t.before = &was;
		t.after = &became;
	}
	take_out_settings(&t);
	take_out_service(&t);
	return change(config, &t.changes, err);
}

static bool is_capture(void *unused, struct view word)
{
	(void)unused;
	return view_eq(word, VIEW("$sealpost_capture")) ||
	       view_eq(word, VIEW("$sealpost_capture_filtered"));
}

int config_let_run_dry(struct config *config, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	struct changes c = {.arena = arena};
	struct postfix_reading now;

	if (config_read(config, arena, &now, err) < 0)
		return -1;
	for (size_t i = 0; i < now.settings.n; i++) {
		const struct postfix_setting *s = &now.settings.v[i];
		const char *left = words_without(arena, s->value, is_capture, NULL);

		if (s->is_set && left != s->value)
			note(&c, s->service, s->name, left);
	}
	if (strstr(postfix_value(&now, "recipient_bcc_maps"), "/" COPIES_FILE) != NULL)
		note(&c, NULL, "recipient_bcc_maps", "");
	return change(config, &c, err);
}
