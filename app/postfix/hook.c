/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/postfix/hook.h"

#include "app/postfix/command.h"
#include "app/postfix/hook_priv.h"
#include "app/postfix/words.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COPIES_MAX = 64 * 1024, PAUSE_MS = 200 };

void hook_result_init(struct hook_result *result)
{
	*result = (struct hook_result){.difference = STR_INIT, .domain = STR_INIT, .dir = STR_INIT};
}

void hook_result_clear(struct hook_result *result)
{
	str_clear(&result->difference);
	str_clear(&result->domain);
	str_clear(&result->dir);
}

/* --- which Postfix ------------------------------------------------------------------------------ */

/* The default one may have siblings; which of them takes the mail, nobody but the administrator knows. */
static int refuse_siblings(struct hooking *h, struct err *err)
{
	if (h->is_told || postfix_means(&h->reading, "multi_instance_directories")[0] == '\0')
		return 0;
	return err_set(err, ERR_UNSUPPORTED,
		       "there is more than one Postfix here (multi_instance_directories); name the "
		       "one that takes the mail with --config-dir");
}

static int refuse_not_roots(const char *path, bool may_be_sticky, struct err *err)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return err_errno(err, "%s: %m", path);
	if (st.st_uid == 0 &&
	    ((st.st_mode & (S_IWGRP | S_IWOTH)) == 0 || (may_be_sticky && st.st_mode & S_ISVTX)))
		return 0;
	return err_set(
		err, ERR_DENIED,
		"%s can be changed by others than root, and what stands in it would be run as "
		"root; give it to root alone",
		path);
}

/* The archive's owner writes postfix.conf: it must not lead root to settings of his making, in which there are commands. */
static int refuse_foreign_dir(struct hooking *h, struct err *err)
{
	CLEAN_MEM char *real = realpath(h->dir, NULL);

	if (real == NULL)
		return err_errno(err, "%s: %m", h->dir);
	h->dir = arena_str(h->arena, real);
	if (refuse_not_roots(arena_f(h->arena, "%s/main.cf", real), false, err) < 0 ||
	    refuse_not_roots(arena_f(h->arena, "%s/master.cf", real), false, err) < 0)
		return -1;
	for (char *slash; (slash = strrchr(real, '/')) != real; *slash = '\0')
		if (refuse_not_roots(real, strcmp(real, h->dir) != 0, err) < 0)
			return -1;
	return 0;
}

/* As postfix.conf says, where the command does not. */
static int find_dir(struct hooking *h, struct err *err)
{
	CLEAN(doors_of) of = NULL;

	if (doors_of_read(h->wish->archive_dir, &of, err) < 0)
		return -1;
	h->back = h->wish->back;
	h->dir = h->wish->config_dir;
	if (h->dir == NULL && of->config_dir[0] != '\0')
		h->dir = arena_str(h->arena, of->config_dir);
	h->is_told = h->dir != NULL;
	if (h->dir == NULL)
		h->dir = HOOK_DEFAULT_DIR;
	if (h->back == NULL && of->back[0] != '\0' && strcmp(h->dir, of->config_dir) == 0)
		h->back = arena_str(h->arena, of->back);
	return geteuid() == 0 ? refuse_foreign_dir(h, err) : 0;
}

static int load_state(struct hooking *h, struct err *err)
{
	if (hook_state_load(h->dir, &h->state, err) >= 0)
		return 0;
	if (geteuid() == 0 || err->kind != ERR_DENIED)
		return -1;
	err_clear(err);
	return 0;
}

/* A Postfix gives its mail to one archive. */
static int refuse_other(const struct hooking *h, struct err *err)
{
	const char *other = h->state != NULL ? h->state->archive.data : h->wish->archive_dir;

	if (strcmp(other, h->wish->archive_dir) == 0 || access(other, F_OK) < 0)
		return 0;
	return err_set(err, ERR_UNSUPPORTED,
		       "this Postfix gives its mail to the archive %s already; take it out there "
		       "first: sealpost --archive %s postfix disable",
		       other, other);
}

static const char *domain_in_use(const struct hooking *h)
{
	const char *domain = postfix_value(&h->reading, "sealpost_domain");

	if (domain[0] == '\0' && h->state != NULL)
		domain = h->state->domain.data;
	if (domain[0] == '\0')
		domain = doors_domain(h->wish->archive_dir, h->arena);
	return domain != NULL ? domain : HOOK_DEFAULT_DOMAIN;
}

/* One at a time: the lock is on the folder, so that no file is left. */
static int lock(struct hooking *h, struct err *err)
{
	if (geteuid() != 0)
		return err_set(err, ERR_DENIED, "only root changes the mail server's settings");
	h->lock = open(h->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (h->lock < 0)
		return err_errno(err, "%s: %m", h->dir);
	if (flock(h->lock, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK
			       ? err_set(err, ERR_BUSY, "%s is being changed by another sealpost",
					 h->dir)
			       : err_errno(err, "%s: %m", h->dir);
	config_sweep(h->dir);
	return 0;
}

int hooking_begin(struct hooking *h, const struct hook_wish *wish, bool to_change, struct err *err)
{
	h->wish = wish;
	h->arena = arena_new();
	h->lock = -1;
	config_init(&h->now);
	if (find_dir(h, err) < 0 || (to_change && lock(h, err) < 0) ||
	    config_load(h->dir, &h->now, err) < 0 ||
	    config_read(&h->now, h->arena, &h->reading, err) < 0 || refuse_siblings(h, err) < 0 ||
	    load_state(h, err) < 0)
		return -1;
	h->domain = wish->domain != NULL ? wish->domain : domain_in_use(h);
	if (h->back == NULL && h->state != NULL && h->state->back.len > 0)
		h->back = h->state->back.data;
	if (to_change && refuse_other(h, err) < 0)
		return -1;
	if (!hook_is_domain(h->domain))
		return err_set(err, ERR_SYNTAX,
			       "\"%s\" is no domain: small letters, digits, dashes and dots",
			       h->domain);
	return 0;
}

void hooking_clear(struct hooking *h)
{
	fd_cleanup(&h->lock);
	arena_free(&h->arena);
	hook_state_free(&h->state);
	config_clear(&h->now);
}

struct doors hooking_doors(const struct hooking *h)
{
	struct doors d = {.archive_dir = h->wish->archive_dir,
			  .config_dir = h->dir,
			  .queue_dir = postfix_means(&h->reading, "queue_directory"),
			  .mail_owner = postfix_means(&h->reading, "mail_owner"),
			  .hostname = postfix_means(&h->reading, "myhostname"),
			  .domain = h->domain,
			  .back = h->back != NULL ? h->back : "",
			  .captures = h->plan.captures,
			  .captures_filtered = h->plan.captures_filtered};

	if (conf_number(postfix_means(&h->reading, "message_size_limit"), &d.max_mail_bytes) < 0)
		d.max_mail_bytes = 0;
	return d;
}

int hooking_plan(struct hooking *h, const struct config *bare, struct err *err)
{
	const struct hook_plan_wish wish = {h->domain, h->back};
	struct postfix_reading reading;

	return config_read(bare, h->arena, &reading, err) < 0 ||
			       hook_plan_make(&reading, &wish, h->arena, &h->plan, err) < 0
		       ? -1
		       : 0;
}

/* --- Postfix's own commands --------------------------------------------------------------------- */

static int postfix_command(const struct hooking *h, const char *verb, struct err *err)
{
	const char *argv[] = {"postfix", "-c", h->dir, verb, NULL};

	return command_must(argv, NULL, err);
}

bool hooking_runs(const struct hooking *h)
{
	struct err err = {0};

	return postfix_command(h, "status", &err) == 0;
}

static int reload(const struct hooking *h, struct hook_result *result, struct err *err)
{
	if (!result->runs)
		return 0;
	result->reloaded = true;
	return postfix_command(h, "reload", err);
}

/* --- what is on disk ---------------------------------------------------------------------------- */

static const char *copies_path(struct hooking *h)
{
	return arena_f(h->arena, "%s/" COPIES_FILE, h->dir);
}

/* TEXT NULL: there is to be none. */
static int store_copies(struct hooking *h, const char *text, struct err *err)
{
	const char *path = copies_path(h);

	if (text != NULL)
		return config_place(path, 0644, VIEW(text), err);
	return unlink(path) < 0 && errno != ENOENT ? err_errno(err, "%s: %m", path) : 0;
}

static int load_copies(struct hooking *h, const char **text_r, struct err *err)
{
	CLEAN_STR text = STR_INIT;

	*text_r = NULL;
	if (access(copies_path(h), F_OK) < 0)
		return 0;
	if (file_read(copies_path(h), COPIES_MAX, &text, err) < 0)
		return -1;
	*text_r = arena_strn(h->arena, text.data, text.len);
	return 0;
}

/* A file of that name which is not of our making is not overwritten. */
static int refuse_copies(struct hooking *h, const char *old, struct err *err)
{
	if (old == NULL || h->state != NULL || strcmp(old, h->plan.copies) == 0)
		return 0;
	return err_set(err, ERR_UNSUPPORTED,
		       "%s is there already, and not Sealpost's; give it another name",
		       copies_path(h));
}

static void note_state(struct hooking *h, const struct config *before, const struct config *after,
		       struct hook_state *state)
{
	str_adds(&state->archive, h->wish->archive_dir);
	str_adds(&state->domain, h->domain);
	str_adds(&state->back, h->back ? h->back : "");
	config_copy(&state->before, before);
	config_copy(&state->after, after);
}

/* As it was, in every file; what failed before is what is told. */
static void undo(struct hooking *h, const char *copies)
{
	struct err err = {0};

	config_store(h->dir, &h->now, &err);
	store_copies(h, copies, &err);
	if (h->state != NULL)
		hook_state_store(h->dir, h->state, &err);
	else
		hook_state_remove(h->dir, &err);
}

static int store(struct hooking *h, const struct hook_state *state, const char *copies,
		 struct err *err)
{
	if (hook_state_store(h->dir, state, err) == 0 &&
	    store_copies(h, h->plan.copies, err) == 0 &&
	    config_store(h->dir, &state->after, err) == 0 && postfix_command(h, "check", err) == 0)
		return 0;
	undo(h, copies);
	return err_add(err, "everything was put back as it was");
}

/* --- the difference ----------------------------------------------------------------------------- */

static int add_difference(struct hooking *h, const char *name, const struct str *text,
			  struct str *out, struct err *err)
{
	const char *path = arena_f(h->arena, "%s/%s", h->dir, name);
	const char *argv[] = {
		"/usr/bin/diff", "-u", "--label", path, "--label", path, "--", path, "-", NULL};
	int status = command_run(argv, str_view(text), out, NULL, err);

	if (status > 1)
		return err_set(err, ERR_IO, "diff failed");
	return status < 0 ? -1 : 0;
}

static int tell_difference(struct hooking *h, const struct config *wanted,
			   struct hook_result *result, struct err *err)
{
	result->changed = !config_eq(&h->now, wanted);
	return add_difference(h, "main.cf", &wanted->main, &result->difference, err) < 0 ||
			       add_difference(h, "master.cf", &wanted->master, &result->difference,
					      err) < 0
		       ? -1
		       : 0;
}

/* --- enable ------------------------------------------------------------------------------------- */

static void replace_if(struct str *text, const struct str *is, const struct str *by)
{
	if (!view_eq(str_view(text), str_view(is)))
		return;
	str_reset(text);
	str_addv(text, str_view(by));
}

/* A hook that was being taken out when the power went is one that nobody touched. */
static int undo_dry(struct hooking *h, struct config *config, struct err *err)
{
	CLEAN_CONFIG dry;

	config_init(&dry);
	config_copy(&dry, &h->state->after);
	if (config_let_run_dry(&dry, err) < 0)
		return -1;
	replace_if(&config->main, &dry.main, &h->state->after.main);
	replace_if(&config->master, &dry.master, &h->state->after.master);
	return 0;
}

/* NOW without ours. */
static int make_bare(struct hooking *h, struct config *bare, struct err *err)
{
	config_copy(bare, &h->now);
	if (h->state != NULL && undo_dry(h, bare, err) < 0)
		return -1;
	if (h->state != NULL)
		return config_take_out(bare, &h->state->before, &h->state->after, err);
	return postfix_value(&h->reading, "sealpost_domain")[0] != '\0'
		       ? config_take_out(bare, NULL, NULL, err)
		       : 0;
}

/* Does it have all that is wanted, although somebody may have changed other things? Then nothing is written. */
static bool is_enabled(struct hooking *h, const struct config *wanted, const char *copies)
{
	struct hook_drift drift = {0};

	if (h->state == NULL || copies == NULL || strcmp(copies, h->plan.copies) != 0)
		return false;
	if (config_eq(&h->now, wanted))
		return true;
	hooking_compare(h, &h->reading, &drift);
	return drift.n == 0;
}

static int set_up_doors(struct hooking *h, struct err *err)
{
	const struct doors d = hooking_doors(h);

	if (doors_make_folder(&d, err) < 0 || doors_set_up(&d, err) < 0)
		return -1;
	if (h->wish->is_patient && doors_wait(&d, h->wish->wait_ms, err) < 0)
		return err_add(err, "the archive's doors are set up, but do not run");
	return 0;
}

static int enable(struct hooking *h, struct hook_result *result, struct err *err)
{
	CLEAN_CONFIG bare;
	CLEAN_CONFIG wanted;
	CLEAN(hook_state) state = hook_state_new();
	const char *copies;

	config_init(&bare);
	config_init(&wanted);
	if (make_bare(h, &bare, err) < 0 || hooking_plan(h, &bare, err) < 0 ||
	    hooking_check_routes(h, err) < 0 || load_copies(h, &copies, err) < 0 ||
	    refuse_copies(h, copies, err) < 0)
		return -1;
	config_copy(&wanted, &bare);
	if (config_apply(&wanted, &h->plan, err) < 0)
		return -1;
	if (h->wish->dry_run)
		return tell_difference(h, &wanted, result, err);
	if (set_up_doors(h, err) < 0)
		return -1;
	if (is_enabled(h, &wanted, copies))
		return 0;
	note_state(h, &bare, &wanted, state);
	result->changed = true;
	return store(h, state, copies, err) < 0 ? -1 : reload(h, result, err);
}

/* Begin, and tell of which Postfix and domain it is. */
static int begin(struct hooking *h, const struct hook_wish *wish, struct hook_result *result,
		 struct err *err)
{
	if (hooking_begin(h, wish, true, err) < 0)
		return -1;
	str_adds(&result->domain, h->domain);
	str_adds(&result->dir, h->dir);
	result->runs = hooking_runs(h);
	return 0;
}

int hook_enable(const struct hook_wish *wish, struct hook_result *result, struct err *err)
{
	CLEAN_HOOKING h = {.lock = -1};

	return begin(&h, wish, result, err) < 0 ? -1 : enable(&h, result, err);
}

/* --- disable ------------------------------------------------------------------------------------ */

static bool is_copy(const struct hooking *h, struct json_object *recipient)
{
	struct json_object *address;
	const char *at;

	if (!json_object_object_get_ex(recipient, "address", &address) ||
	    (at = strrchr(json_object_get_string(address), '@')) == NULL)
		return false;
	return strcasecmp(at + 1, COPY_DOMAIN) == 0 || strcasecmp(at + 1, h->domain) == 0;
}

static bool line_has_copy(const struct hooking *h, const char *line)
{
	struct json_object *mail = json_tokener_parse(line), *list;
	bool any = false;

	if (json_object_object_get_ex(mail, "recipients", &list) &&
	    json_object_is_type(list, json_type_array))
		for (size_t i = 0; i < json_object_array_length(list) && !any; i++)
			any = is_copy(h, json_object_array_get_idx(list, i));
	json_object_put(mail);
	return any;
}

/* How many mails in the queue have a copy for the archive. */
static int count_copies(struct hooking *h, size_t *n_r, struct err *err)
{
	const char *argv[] = {"postqueue", "-c", h->dir, "-j", NULL};
	CLEAN_STR out = STR_INIT;
	struct view rest, line;

	*n_r = 0;
	if (command_must(argv, &out, err) < 0)
		return -1;
	rest = str_view(&out);
	while (rest.len > 0 && view_cut(&rest, '\n', &line))
		*n_r += line.len > 0 && line_has_copy(h, arena_strn(h->arena, line.data, line.len));
	return 0;
}

static int wait_for_queue(struct hooking *h, struct err *err)
{
	const int64_t until_ms = clock_monotonic_ms() + h->wish->wait_ms;
	const char *flush[] = {"postqueue", "-c", h->dir, "-f", NULL};
	struct err ignored = {0};
	size_t n;

	if (count_copies(h, &n, err) < 0)
		return -1;
	if (n > 0 && h->wish->is_patient)
		command_must(flush, NULL, &ignored);
	while (n > 0 && h->wish->is_patient && clock_monotonic_ms() < until_ms) {
		poll(NULL, 0, PAUSE_MS);
		if (count_copies(h, &n, err) < 0)
			return -1;
	}
	if (n == 0 || !h->wish->is_patient)
		return 0;
	return err_set(err, ERR_BUSY,
		       "%zu mail%s in Postfix's queue %s a copy for the archive, which would be "
		       "lost. Have the doors run, release or delete what is held, and repeat; or "
		       "give the copies up with --now",
		       n, n == 1 ? "" : "s", n == 1 ? "has" : "have");
}

/* First nothing more is captured; when what was captured is through, the rest goes, too. */
static int run_dry(struct hooking *h, struct hook_result *result, struct err *err)
{
	CLEAN_CONFIG dry;
	struct err ignored = {0};

	config_init(&dry);
	config_copy(&dry, &h->now);
	if (!result->runs)
		return wait_for_queue(h, err);
	if (config_let_run_dry(&dry, err) < 0 || config_store(h->dir, &dry, err) < 0 ||
	    reload(h, result, err) < 0 || wait_for_queue(h, err) < 0) {
		config_store(h->dir, &h->now, &ignored);
		reload(h, result, &ignored);
		return -1;
	}
	return 0;
}

static int put_back(struct hooking *h, const struct config *bare, struct hook_result *result,
		    struct err *err)
{
	const struct doors d = hooking_doors(h);

	if (config_store(h->dir, bare, err) < 0 || postfix_command(h, "check", err) < 0 ||
	    reload(h, result, err) < 0 || store_copies(h, NULL, err) < 0 ||
	    (access(h->wish->archive_dir, F_OK) == 0 && doors_take_down(&d, err) < 0))
		return -1;
	doors_remove_folder(&d);
	result->changed = true;
	return hook_state_remove(h->dir, err);
}

static int disable(struct hooking *h, struct hook_result *result, struct err *err)
{
	CLEAN_CONFIG bare;

	config_init(&bare);
	if (h->state == NULL && postfix_value(&h->reading, "sealpost_domain")[0] == '\0')
		return 0;
	if (make_bare(h, &bare, err) < 0)
		return -1;
	if (h->wish->dry_run)
		return tell_difference(h, &bare, result, err);
	return run_dry(h, result, err) < 0 ? -1 : put_back(h, &bare, result, err);
}

int hook_disable(const struct hook_wish *wish, struct hook_result *result, struct err *err)
{
	CLEAN_HOOKING h = {.lock = -1};

	return begin(&h, wish, result, err) < 0 ? -1 : disable(&h, result, err);
}
