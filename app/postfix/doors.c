/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/postfix/doors.h"

#include "app/intake/milter/settings.h"
#include "app/intake/smtpd/settings.h"
#include "base/clock.h"
#include "base/conf_edit.h"
#include "base/conn.h"
#include "base/file.h"
#include "base/jail.h"

#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	KNOCK_MS = 500,
	PAUSE_MS = 100,
	FOLDER_MODE = 02750,
	LISTENERS_MAX = 64,
	CONF_MAX_BYTES = 1024 * 1024
};
#define X(kind, code, http, smtp, retry, sentence) +1
enum { ERR_KINDS_KNOWN = 0 ERR_KINDS(X) };
#undef X
#define MAX_MAIL_DEFAULT (256ULL * 1024 * 1024)
#define MAX_MAIL_MOST (1ULL << 30)

/* --- as the archive's owner --------------------------------------------------------------------- */

static int become_owner_of(const char *folder, struct err *err)
{
	const struct passwd *user;
	struct stat st;

	if (stat(folder, &st) < 0)
		return err_errno(err, "%s: %m", folder);
	if (geteuid() != 0 || st.st_uid == 0)
		return 0;
	user = getpwuid(st.st_uid);
	if (user == NULL)
		return err_set(err, ERR_NOTFOUND, "%s belongs to user %u, whom nobody knows",
			       folder, (unsigned)st.st_uid);
	return jail_become(user->pw_name, err);
}

int as_owner_of(const char *folder, int (*work)(const void *arg, struct err *err), const void *arg,
		struct err *err)
{
	struct err told = {0};
	int fds[2], status = 0;
	ssize_t n;
	pid_t pid;

	if (pipe(fds) < 0)
		return err_errno(err, "pipe: %m");
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		int rc = become_owner_of(folder, &told) < 0 || work(arg, &told) < 0;

		if (rc != 0 && write(fds[1], &told, sizeof(told)) < 0)
			_exit(2);
		_exit(rc);
	}
	close(fds[1]);
	n = pid < 0 ? -1 : read(fds[0], &told, sizeof(told));
	close(fds[0]);
	if (pid < 0)
		return err_errno(err, "fork: %m");
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (status == 0)
		return 0;
	if (n != (ssize_t)sizeof(told) || (int)told.kind >= ERR_KINDS_KNOWN)
		return err_set(err, ERR_IO, "work in %s was ended", folder);
	told.text[sizeof(told.text) - 1] = '\0';
	*err = told;
	return -1;
}

/* --- the folder of the sockets ------------------------------------------------------------------ */

static void add_folder(const struct doors *d, struct str *path)
{
	str_addf(path, "%s/archive", d->queue_dir);
}

static int find_ids(const struct doors *d, uid_t *uid_r, gid_t *gid_r, struct err *err)
{
	const struct passwd *user = getpwnam(d->mail_owner);

	if (user == NULL)
		return err_set(err, ERR_NOTFOUND, "Postfix's user %s does not exist",
			       d->mail_owner);
	*gid_r = user->pw_gid;
	user = getpwnam(DOORS_USER);
	*uid_r = user != NULL ? user->pw_uid : 0;
	return 0;
}

int doors_make_folder(const struct doors *d, struct err *err)
{
	CLEAN_STR path = STR_INIT;
	uid_t uid;
	gid_t gid;

	if (doors_check_folder(d, err) == 0)
		return 0;
	add_folder(d, &path);
	err_clear(err);
	if (find_ids(d, &uid, &gid, err) < 0 || dir_make(path.data, FOLDER_MODE, err) < 0)
		return -1;
	/* the owner first: chown takes the group's bit away */
	if (lchown(path.data, uid, gid) < 0 || chmod(path.data, FOLDER_MODE) < 0)
		return err_errno(err, "%s: %m", path.data);
	return doors_check_folder(d, err);
}

int doors_check_folder(const struct doors *d, struct err *err)
{
	CLEAN_STR path = STR_INIT;
	struct stat st;
	uid_t uid;
	gid_t gid;

	add_folder(d, &path);
	if (find_ids(d, &uid, &gid, err) < 0)
		return -1;
	if (lstat(path.data, &st) < 0)
		return err_errno(err, "%s: %m", path.data);
	if (!S_ISDIR(st.st_mode))
		return err_set(err, ERR_EXISTS, "%s is no folder", path.data);
	if (st.st_gid != gid || (st.st_uid != uid && st.st_uid != 0) ||
	    (st.st_mode & 0777) != (FOLDER_MODE & 0777))
		return err_set(err, ERR_DENIED,
			       "%s has the rights %03o; it must be the group %s's, who may "
			       "enter it (0750), and nobody else's",
			       path.data, (unsigned)st.st_mode & 0777, d->mail_owner);
	return uid == 0 || st.st_uid == uid
		       ? 0
		       : err_set(err, ERR_DENIED, "%s must belong to %s", path.data, DOORS_USER);
}

/* Sockets that nobody listens at any more go with it. */
void doors_remove_folder(const struct doors *d)
{
	static const char *const names[] = {"capture.sock", "filtered.sock", "bind.sock",
					    "lmtp.sock"};
	CLEAN_STR path = STR_INIT;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		CLEAN(conn) conn = NULL;
		CLEAN_STR address = STR_INIT;
		struct err err = {0};

		str_addf(&address, "unix:%s/archive/%s", d->queue_dir, names[i]);
		if (conn_connect(address.data, KNOCK_MS, &conn, &err) < 0)
			unlink(address.data + strlen("unix:"));
	}
	add_folder(d, &path);
	rmdir(path.data);
}

/* --- settings ----------------------------------------------------------------------------------- */

/* A file of settings, and beside it the one that it will be replaced by: a door never reads half of it. */
struct edit {
	struct str path, new;
	struct arena *arena;
	struct {
		struct view *v;
		size_t n, cap;
	} lines;
};

static void edit_begin(struct edit *e, const struct doors *d, const char *name)
{
	str_init(&e->path);
	str_init(&e->new);
	str_addf(&e->path, "%s/%s", d->archive_dir, name);
	str_addf(&e->new, "%s.new", e->path.data);
	e->arena = arena_new();
	e->lines.n = e->lines.cap = 0;
	e->lines.v = NULL;
}

static void edit_clear(struct edit *e)
{
	str_clear(&e->path);
	str_clear(&e->new);
	arena_free(&e->arena);
}
#define CLEAN_EDIT __attribute__((cleanup(edit_clear))) struct edit

static int edit_copy(struct edit *e, struct err *err)
{
	CLEAN_STR old = STR_INIT;
	struct stat st;

	if (unlink(e->new.data) < 0 && errno != ENOENT)
		return err_errno(err, "%s: %m", e->new.data);
	if (stat(e->path.data, &st) < 0)
		return errno == ENOENT ? 0 : err_errno(err, "%s: %m", e->path.data);
	return file_read(e->path.data, CONF_MAX_BYTES, &old, err) < 0 ||
			       file_create(e->new.data, st.st_mode & 0777, str_view(&old), err) < 0
		       ? -1
		       : 0;
}

static int edit_finish(struct edit *e, struct err *err)
{
	return rename(e->new.data, e->path.data) < 0 ? err_errno(err, "%s: %m", e->path.data)
						     : dir_sync_parent(e->path.data, err);
}

static int edit_one(struct edit *e, const char *name, const char *value, struct err *err)
{
	const struct view line = VIEW(value);

	return conf_edit(e->new.data, name, &line, 1, err);
}

static int edit_listen(struct edit *e, struct err *err)
{
	return conf_edit(e->new.data, "listen", e->lines.v, e->lines.n, err);
}

/* Is the socket in Postfix's queue? */
static bool is_ours(const struct doors *d, const char *listener)
{
	CLEAN_STR folder = STR_INIT;

	str_addf(&folder, "unix:%s/archive/", d->queue_dir);
	return strstr(listener, folder.data) != NULL;
}

static void keep_foreign(struct edit *e, const struct doors *d, const struct conf_list *listen)
{
	for (size_t i = 0; i < listen->n; i++)
		if (!is_ours(d, listen->v[i]))
			ARENA_PUSH(e->arena, e->lines, arena_view(e->arena, VIEW(listen->v[i])));
}

static void want_listener(struct edit *e, const struct doors *d, const char *role, const char *name)
{
	ARENA_PUSH(e->arena, e->lines,
		   VIEW(arena_f(e->arena, "%s unix:%s/archive/%s", role, d->queue_dir, name)));
}

static void want_milter(struct edit *e, const struct doors *d)
{
	if (d->captures)
		want_listener(e, d, "capture", "capture.sock");
	if (d->captures_filtered) {
		want_listener(e, d, "capture-filtered", "filtered.sock");
		want_listener(e, d, "binder", "bind.sock");
	}
}

static bool has_all(const struct edit *e, const struct conf_list *listen)
{
	if (listen->n != e->lines.n)
		return false;
	for (size_t i = 0; i < listen->n; i++)
		if (!view_eq(e->lines.v[i], VIEW(listen->v[i])))
			return false;
	return true;
}

/* Somebody switched the door off in the page: its file has another name, and comes back with what else is in it. */
static void switch_on(const struct edit *e)
{
	CLEAN_STR off = STR_INIT;

	str_addf(&off, "%s.off", e->path.data);
	if (access(e->path.data, F_OK) < 0)
		rename(off.data, e->path.data);
}

static uint64_t max_mail(const struct doors *d)
{
	if (d->max_mail_bytes == 0 || d->max_mail_bytes > MAX_MAIL_MOST)
		return MAX_MAIL_MOST;
	return d->max_mail_bytes > MAX_MAIL_DEFAULT ? d->max_mail_bytes : MAX_MAIL_DEFAULT;
}

/* 1 it is right already, 0 not; what is wanted is in E. */
static int look_at_milter(struct edit *e, const struct doors *d, struct err *err)
{
	CLEAN(milter_settings) s = NULL;
	int rc = 0;

	if (access(e->path.data, F_OK) == 0 && milter_settings_read(d->archive_dir, &s, err) < 0)
		return -1;
	if (s != NULL)
		keep_foreign(e, d, &s->listen);
	want_milter(e, d);
	if (s != NULL && has_all(e, &s->listen) && strcmp(s->socket_group, d->mail_owner) == 0 &&
	    s->max_mail_bytes >= max_mail(d))
		rc = 1;
	return rc;
}

static int set_milter(const struct doors *d, struct err *err)
{
	CLEAN_EDIT e;
	int rc;

	edit_begin(&e, d, "milter.conf");
	switch_on(&e);
	rc = look_at_milter(&e, d, err);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	if (edit_copy(&e, err) < 0)
		return -1;
	if (max_mail(d) > MAX_MAIL_DEFAULT &&
	    edit_one(&e, "max_mail_bytes",
		     arena_f(e.arena, "%llu", (unsigned long long)max_mail(d)), err) < 0)
		return -1;
	return edit_one(&e, "socket_group", d->mail_owner, err) < 0 || edit_listen(&e, err) < 0 ||
			       edit_finish(&e, err) < 0
		       ? -1
		       : 0;
}

static bool has_domain(const struct smtpd_settings *s, const char *domain)
{
	for (size_t i = 0; i < s->archive_domain.n; i++)
		if (strcmp(s->archive_domain.v[i], domain) == 0)
			return true;
	return false;
}

static int look_at_smtpd(struct edit *e, const struct doors *d, struct smtpd_settings **s_r,
			 struct err *err)
{
	struct smtpd_settings *s = NULL;

	if (access(e->path.data, F_OK) == 0 && smtpd_settings_read(e->path.data, &s, err) < 0)
		return -1;
	*s_r = s;
	if (s != NULL)
		keep_foreign(e, d, &s->listen);
	want_listener(e, d, "lmtp", "lmtp.sock");
	return s != NULL && has_all(e, &s->listen) && strcmp(s->socket_group, d->mail_owner) == 0 &&
	       strcmp(s->hostname, d->hostname) == 0 && has_domain(s, d->domain);
}

static int set_domains(struct edit *e, const struct doors *d, const struct smtpd_settings *s,
		       struct err *err)
{
	struct view all[LISTENERS_MAX];
	size_t n = 0;

	for (size_t i = 0; s != NULL && i < s->archive_domain.n && n < LISTENERS_MAX - 1; i++)
		all[n++] = VIEW(s->archive_domain.v[i]);
	if (s == NULL || !has_domain(s, d->domain))
		all[n++] = VIEW(d->domain);
	return conf_edit(e->new.data, "archive_domain", all, n, err);
}

static int set_smtpd(const struct doors *d, struct err *err)
{
	CLEAN(smtpd_settings) s = NULL;
	CLEAN_EDIT e;
	int rc;

	edit_begin(&e, d, "smtpd.conf");
	switch_on(&e);
	rc = look_at_smtpd(&e, d, &s, err);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	return edit_copy(&e, err) < 0 || set_domains(&e, d, s, err) < 0 ||
			       edit_one(&e, "hostname", d->hostname, err) < 0 ||
			       edit_one(&e, "socket_group", d->mail_owner, err) < 0 ||
			       edit_listen(&e, err) < 0 || edit_finish(&e, err) < 0
		       ? -1
		       : 0;
}

static bool is_of(const struct doors *d, const char *config_dir)
{
	CLEAN(doors_of) of = NULL;
	struct err err = {0};

	return config_dir != NULL && doors_of_read(d->archive_dir, &of, &err) == 0 &&
	       strcmp(of->config_dir, config_dir) == 0 && strcmp(of->domain, d->domain) == 0 &&
	       strcmp(of->back, d->back) == 0;
}

static int set_of(const struct doors *d, const char *config_dir, struct err *err)
{
	CLEAN_EDIT e;

	edit_begin(&e, d, "postfix.conf");
	if (is_of(d, config_dir))
		return 0;
	if (config_dir == NULL)
		return unlink(e.path.data) < 0 && errno != ENOENT
			       ? err_errno(err, "%s: %m", e.path.data)
			       : 0;
	return edit_copy(&e, err) < 0 || edit_one(&e, "config_dir", config_dir, err) < 0 ||
			       edit_one(&e, "domain", d->domain, err) < 0 ||
			       edit_one(&e, "back", d->back, err) < 0 || edit_finish(&e, err) < 0
		       ? -1
		       : 0;
}

static int set_all(const void *arg, struct err *err)
{
	const struct doors *d = arg;

	umask(0027);
	return set_milter(d, err) < 0 || set_smtpd(d, err) < 0 || set_of(d, d->config_dir, err) < 0
		       ? -1
		       : 0;
}

int doors_set_up(const struct doors *d, struct err *err)
{
	return as_owner_of(d->archive_dir, set_all, d, err);
}

int doors_are_set_up(const struct doors *d, struct err *err)
{
	CLEAN(smtpd_settings) s = NULL;
	CLEAN_EDIT milter;
	CLEAN_EDIT smtpd;
	int rc;

	edit_begin(&milter, d, "milter.conf");
	edit_begin(&smtpd, d, "smtpd.conf");
	rc = look_at_milter(&milter, d, err);
	if (rc == 0)
		err_set(err, ERR_SYNTAX, "%s does not fit Postfix's settings", milter.path.data);
	if (rc <= 0)
		return rc;
	rc = look_at_smtpd(&smtpd, d, &s, err);
	if (rc == 0)
		err_set(err, ERR_SYNTAX, "%s does not fit Postfix's settings", smtpd.path.data);
	return rc;
}

/* --- and out again ------------------------------------------------------------------------------ */

/* Without any other listener a door is off, and its file keeps what is in it for the next time. */
static int keep_or_switch_off(struct edit *e, struct err *err)
{
	CLEAN_STR off = STR_INIT;

	if (e->lines.n > 0)
		return edit_copy(e, err) < 0 || edit_listen(e, err) < 0 || edit_finish(e, err) < 0
			       ? -1
			       : 0;
	str_addf(&off, "%s.off", e->path.data);
	return rename(e->path.data, off.data) < 0 ? err_errno(err, "%s: %m", e->path.data) : 0;
}

static int unset_milter(const struct doors *d, struct err *err)
{
	CLEAN(milter_settings) s = NULL;
	CLEAN_EDIT e;

	edit_begin(&e, d, "milter.conf");
	if (access(e.path.data, F_OK) < 0)
		return 0;
	if (milter_settings_read(d->archive_dir, &s, err) < 0)
		return -1;
	keep_foreign(&e, d, &s->listen);
	return e.lines.n == s->listen.n ? 0 : keep_or_switch_off(&e, err);
}

static int unset_smtpd(const struct doors *d, struct err *err)
{
	CLEAN(smtpd_settings) s = NULL;
	CLEAN_EDIT e;

	edit_begin(&e, d, "smtpd.conf");
	if (access(e.path.data, F_OK) < 0)
		return 0;
	if (smtpd_settings_read(e.path.data, &s, err) < 0)
		return -1;
	keep_foreign(&e, d, &s->listen);
	return e.lines.n == s->listen.n ? 0 : keep_or_switch_off(&e, err);
}

static int unset_all(const void *arg, struct err *err)
{
	const struct doors *d = arg;

	umask(0027);
	return unset_milter(d, err) < 0 || unset_smtpd(d, err) < 0 || set_of(d, NULL, err) < 0 ? -1
											       : 0;
}

int doors_take_down(const struct doors *d, struct err *err)
{
	return as_owner_of(d->archive_dir, unset_all, d, err);
}

/* --- do they answer? ---------------------------------------------------------------------------- */

void doors_sockets(const struct doors *d, struct arena *arena, struct doors_sockets *sockets_r)
{
	const struct {
		bool is_needed;
		const char *name;
	} all[] = {{d->captures, "capture"},
		   {d->captures_filtered, "filtered"},
		   {d->captures_filtered, "bind"},
		   {true, "lmtp"}};

	*sockets_r = (struct doors_sockets){0};
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (all[i].is_needed)
			ARENA_PUSH(arena, *sockets_r,
				   arena_f(arena, "unix:%s/archive/%s.sock", d->queue_dir,
					   all[i].name));
}

int doors_wait(const struct doors *d, int timeout_ms, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	const int64_t until_ms = clock_monotonic_ms() + timeout_ms;
	struct doors_sockets sockets;

	doors_sockets(d, arena, &sockets);
	for (size_t i = 0; i < sockets.n;) {
		CLEAN(conn) conn = NULL;

		err_clear(err);
		if (conn_connect(sockets.v[i], KNOCK_MS, &conn, err) == 0)
			i++;
		else if (clock_monotonic_ms() >= until_ms)
			return err_set(err, ERR_OFFLINE, "%s does not answer",
				       sockets.v[i] + strlen("unix:"));
		else
			poll(NULL, 0, PAUSE_MS);
	}
	return 0;
}

/* --- ARCHIVE/postfix.conf ----------------------------------------------------------------------- */

int doors_of_read(const char *archive_dir, struct doors_of **of_r, struct err *err)
{
	CLEAN(doors_of) of = mem_new(sizeof(*of));
	CLEAN_STR path = STR_INIT;
	const struct conf_row rows[] = {
		{"config_dir", &of->config_dir, 1, 4096,
		 "the folder of main.cf of the Postfix that is hooked", CONF_TEXT},
		{"domain", &of->domain, 1, 255, "the archive domain that it knows", CONF_TEXT},
		{"back", &of->back, 0, 255,
		 "the service by which mail comes back from a filter, if it was named", CONF_TEXT}};

	of->config_dir = mem_strdup("");
	of->domain = mem_strdup("");
	of->back = mem_strdup("");
	str_addf(&path, "%s/postfix.conf", archive_dir);
	if (conf_read(path.data, rows, sizeof(rows) / sizeof(*rows), err) < 0)
		return -1;
	*of_r = TAKE(of);
	return 0;
}

void doors_of_free(struct doors_of **of)
{
	if (*of == NULL)
		return;
	free((*of)->config_dir);
	free((*of)->domain);
	free((*of)->back);
	free(*of);
	*of = NULL;
}

const char *doors_domain(const char *archive_dir, struct arena *arena)
{
	CLEAN(smtpd_settings) s = NULL;
	CLEAN_STR path = STR_INIT;
	struct err err = {0};

	str_addf(&path, "%s/smtpd.conf", archive_dir);
	if (access(path.data, F_OK) < 0 || smtpd_settings_read(path.data, &s, &err) < 0 ||
	    s->archive_domain.n == 0)
		return NULL;
	return arena_str(arena, s->archive_domain.v[0]);
}
