/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/postfix/command.h"

#include "base/clock.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LIMIT_MS = 120 * 1000, OUTPUT_MAX = 16 * 1024 * 1024 };

static int open_unnamed(struct view content, int *fd_r, struct err *err)
{
	*fd_r = memfd_create("postfix", MFD_CLOEXEC);
	if (*fd_r < 0)
		return err_errno(err, "memfd_create: %m");
	if (file_write_all(*fd_r, content.data, content.len, err) < 0)
		return -1;
	return lseek(*fd_r, 0, SEEK_SET) < 0 ? err_errno(err, "lseek: %m") : 0;
}

static int start(const char *path, const char *const *argv, const int fds[3], pid_t *pid_r)
{
	static const char *const environment[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C",
						  NULL};
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none, defaults;
	int rc;

	sigemptyset(&none);
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	posix_spawn_file_actions_init(&files);
	for (int i = 0; i < 3; i++)
		posix_spawn_file_actions_adddup2(&files, fds[i], i);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &defaults);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	/* exec does not write to its arguments */
	rc = posix_spawn(pid_r, path, &files, &attr, (char *const *)argv,
			 (char *const *)environment);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	return rc;
}

static int await(pid_t pid, const char *name, struct err *err)
{
	CLEAN_FD ended = pidfd_open(pid, 0);
	int64_t until_ms = clock_monotonic_ms() + LIMIT_MS;
	struct pollfd fd = {.fd = ended, .events = POLLIN};
	int status = 0;
	bool late = false;

	while (!late && poll(&fd, 1, 1000) <= 0)
		late = clock_monotonic_ms() > until_ms;
	if (late)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (late)
		return err_set(err, ERR_TIMEOUT, "%s did not end", name);
	if (!WIFEXITED(status))
		return err_set(err, ERR_IO, "%s was ended by signal %d", name, WTERMSIG(status));
	return WEXITSTATUS(status);
}

static int read_all(int fd, struct str *out, struct err *err)
{
	off_t size = lseek(fd, 0, SEEK_END);
	ssize_t n;

	if (size < 0 || size > OUTPUT_MAX)
		return err_set(err, ERR_TOOBIG, "it says too much");
	str_reserve(out, (size_t)size);
	n = file_pread(fd, out->data + out->len, (size_t)size, 0, err);
	if (n < 0)
		return -1;
	out->len += (size_t)n;
	out->data[out->len] = '\0';
	return 0;
}

int command_run(const char *const *argv, struct view input, struct str *out, struct str *said,
		struct err *err)
{
	CLEAN_STR path = STR_INIT;
	CLEAN_FD in = -1;
	CLEAN_FD written = -1;
	CLEAN_FD errors = -1;
	int status;
	pid_t pid;

	str_addf(&path, "%s%s", argv[0][0] == '/' ? "" : "/usr/sbin/", argv[0]);
	if (open_unnamed(input, &in, err) < 0 || open_unnamed(VIEW(""), &written, err) < 0 ||
	    open_unnamed(VIEW(""), &errors, err) < 0)
		return -1;
	errno = start(path.data, argv, (int[]){in, written, errors}, &pid);
	if (errno != 0)
		return err_errno(err, "%s: %m", path.data);
	status = await(pid, argv[0], err);
	if (status < 0 || (out != NULL && read_all(written, out, err) < 0) ||
	    (said != NULL && read_all(errors, said, err) < 0))
		return -1;
	return status;
}

/* Of what it said, the last line that is no warning, or the last. */
static struct view last_words(struct view said)
{
	struct view line, last = VIEW("");
	bool is_error = false;

	while (said.len > 0 && view_cut(&said, '\n', &line)) {
		bool warning = memmem(line.data, line.len, "warning:", 8) != NULL;

		if (view_trim(line).len == 0 || (warning && is_error))
			continue;
		last = view_trim(line);
		is_error = !warning;
	}
	return last;
}

int command_must(const char *const *argv, struct str *out, struct err *err)
{
	CLEAN_STR said = STR_INIT;
	CLEAN_STR safe = STR_INIT;
	int status = command_run(argv, VIEW(""), out, &said, err);

	if (status <= 0)
		return status;
	str_addsafe(&safe, last_words(str_view(&said)), false);
	return err_set(err, ERR_IO, "%s says: %.300s", argv[0],
		       safe.len > 0 ? safe.data : "nothing");
}
