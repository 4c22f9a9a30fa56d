/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/intake/milter/listener.h"

#include "app/intake/milter/progress.h"
#include "app/intake/milter/session.h"
#include "base/clock.h"
#include "base/conn.h"
#include "base/jail.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pthread.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
	FILES = 4096,    /* a session has its socket and its entry open */
	GRACE_MS = 5000, /* for mails that are being received when the end comes */
	LAST_ANSWER_MS = 50
};

static void pause_ms(int ms)
{
	const struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};

	nanosleep(&pause, NULL);
}

/* libmilter takes the place of any socket it finds; one that somebody listens at is not ours to take. */
static int check_free(const char *address, struct err *err)
{
	CLEAN(conn) conn = NULL;
	struct err connecting = {0};

	if (conn_connect(address, 1000, &conn, &connecting) == 0)
		return err_set(err, ERR_BUSY, "%s: somebody listens there already", address);
	return 0;
}

static int set_group(const char *path, const char *name, struct err *err)
{
	const struct group *group;

	if (name[0] == '\0')
		return 0;
	group = getgrnam(name);
	if (group == NULL)
		return err_set(err, ERR_NOTFOUND, "there is no group \"%s\"", name);
	if (chown(path, (uid_t)-1, group->gr_gid) < 0)
		return err_errno(err, "%s: chown: %m", path);
	return 0;
}

/* Nobody can connect before the socket has its final rights. */
static int open_socket(const struct milter_settings *settings, const char *address, struct err *err)
{
	const char *path = strchr(address, ':') + 1;
	mode_t before;
	int rc;

	if (check_free(address, err) < 0)
		return -1;
	if (smfi_setconn((char *)address) != MI_SUCCESS)
		return err_set(err, ERR_SYNTAX, "%s: libmilter does not take this address",
			       address);
	before = umask(0777);
	errno = 0;
	rc = smfi_opensocket(true);
	umask(before);
	if (rc != MI_SUCCESS)
		return err_errno(err, "%s: cannot listen: %m", address);
	if (set_group(path, settings->socket_group, err) < 0)
		return -1;
	if (chmod(path, settings->socket_mode) < 0)
		return err_errno(err, "%s: chmod: %m", path);
	return 0;
}

static void *run_libmilter(void *arg)
{
	const int *done_fd = arg;

	smfi_main();
	close(*done_fd);
	return NULL;
}

/* libmilter takes seconds to stop, and drops each session at once when it does; so it is left running,
 * in a thread of its own, until the process ends. It gives up by itself only if it cannot go on. */
static int start_libmilter(int *done_fd_r, struct err *err)
{
	static int done[2];
	pthread_t thread;

	if (pipe2(done, O_CLOEXEC) < 0)
		return err_errno(err, "pipe: %m");
	*done_fd_r = done[0];
	errno = pthread_create(&thread, NULL, run_libmilter, &done[1]);
	return errno != 0 ? err_errno(err, "thread: %m") : 0;
}

/* The last answer may still be on its way when its mail is counted as done. */
static void finish_mails(void)
{
	int64_t until_ms = clock_monotonic_ms() + GRACE_MS;

	session_stop();
	while (session_any_mail() && clock_monotonic_ms() < until_ms)
		pause_ms(10);
	pause_ms(LAST_ANSWER_MS);
}

/* Sessions go on until the last moment, so what they use is not freed. */
static int serve(const char *role, int life_fd, int ready_fd, struct err *err)
{
	struct pollfd fds[] = {{.fd = life_fd, .events = POLLIN}, {.events = POLLIN}};

	if (progress_start(err) < 0 || start_libmilter(&fds[1].fd, err) < 0)
		return -1;
	log_info("milter ready role=%s", role);
	if (write(ready_fd, "", 1) < 0)
		return err_errno(err, "tell that it is ready: %m");
	while (poll(fds, 2, -1) < 0 && errno == EINTR)
		;
	finish_mails();
	if (fds[1].revents != 0)
		log_error("libmilter gave up role=%s; the mail log says why", role);
	log_info("milter ends role=%s", role);
	_exit(fds[1].revents != 0);
}

int listener_run(const char *archive_dir, const struct milter_settings *settings,
		 const struct milter_listener *listener, int life_fd, int ready_fd, struct err *err)
{
	struct session_options options = {.role = listener->role, .settings = settings};
	CLEAN(spool) spool = NULL;
	CLEAN(token_key) key = NULL;

	if (smfi_register(session_callbacks(&options)) != MI_SUCCESS)
		return err_set(err, ERR_UNSUPPORTED, "this libmilter is too old");
	if (open_socket(settings, listener->address, err) < 0 ||
	    jail_enter(settings->user, FILES, err) < 0 ||
	    spool_open(archive_dir, &spool, err) < 0 || token_key_open(archive_dir, &key, err) < 0)
		return -1;
	spool_set_reserve(spool, settings->reserve_bytes);
	options.key = key;
	options.spool = listener->role == ROLE_BINDER ? NULL : spool;
	return serve(milter_role_text(listener->role), life_fd, ready_fd, err);
}
