/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/program.h"

#include "base/file.h"
#include "base/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ARGS_MAX = 16, CONNECT_S = 2 };

static const char *folder_for_tests;

void program_use_folder(const char *folder)
{
	folder_for_tests = folder;
}

int program_folder(struct str *folder, struct err *err)
{
	char self[4096];
	ssize_t len;

	if (folder_for_tests != NULL) {
		str_addf(folder, "%s/", folder_for_tests);
		return 0;
	}
	len = readlink("/proc/self/exe", self, sizeof(self));
	if (len < 0)
		return err_errno(err, "/proc/self/exe: %m");
	while (len > 0 && self[len - 1] != '/')
		len--;
	str_add(folder, self, (size_t)len);
	return 0;
}

/* Behind "sealpost" in its name. */
static const char *dash(const char *name)
{
	return name[0] == '\0' ? "" : "-";
}

int program_path(const char *name, struct str *path, struct err *err)
{
	const char *const places[] = {"", name[0] == '\0' ? "../../bin/" : "../lib/sealpost/"};
	size_t start = path->len;
	CLEAN_STR folder = STR_INIT;

	if (program_folder(&folder, err) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		str_addf(path, "%s%ssealpost%s%s", folder.data, places[i], dash(name), name);
		if (access(path->data + start, X_OK) == 0)
			return 0;
		path->len = start;
		path->data[start] = '\0';
	}
	return err_set(err, ERR_NOTFOUND,
		       "the program sealpost%s%s is missing; it belongs into %s or %s%s",
		       dash(name), name, folder.data, folder.data, places[1]);
}

static bool is_set_by(const char *variable, const char *name)
{
	size_t len = strlen(name);

	return strncmp(variable, name, len) == 0 && variable[len] == '=';
}

/* What is for this process alone. */
static bool is_own(const char *variable)
{
	for (size_t i = 0; notify_variables[i] != NULL; i++)
		if (is_set_by(variable, notify_variables[i]))
			return true;
	return is_set_by(variable, PROGRAM_PARENT);
}

/* The environment with PROGRAM_PARENT, which is written to PARENT; the array is the caller's to free. */
static char **environment(char *parent, size_t size)
{
	size_t n = 0, kept = 0;
	char **v;

	while (environ[n] != NULL)
		n++;
	v = mem_new((n + 2) * sizeof(*v));
	for (size_t i = 0; i < n; i++)
		if (!is_own(environ[i]))
			v[kept++] = environ[i];
	snprintf(parent, size, PROGRAM_PARENT "=%ld", (long)getpid());
	v[kept] = parent;
	v[kept + 1] = NULL;
	return v;
}

static int spawn(const char *path, char *const *argv, const struct program_fds *fds, pid_t *pid_r)
{
	char parent[sizeof(PROGRAM_PARENT) + 24];
	char **env = environment(parent, sizeof(parent));
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none, defaults;
	int rc;

	sigemptyset(&none);
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	sigaddset(&defaults, SIGTERM);
	sigaddset(&defaults, SIGINT);
	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &defaults);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	if (fds->handed >= 0)
		posix_spawn_file_actions_adddup2(&files, fds->handed, PROGRAM_FD);
	if (fds->out >= 0)
		posix_spawn_file_actions_adddup2(&files, fds->out, STDOUT_FILENO);
	if (fds->err >= 0)
		posix_spawn_file_actions_adddup2(&files, fds->err, STDERR_FILENO);
	rc = posix_spawn(pid_r, path, &files, &attr, argv, env);
	free(env);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	return rc;
}

int program_start(const char *name, const char *const *args, int handed, pid_t *pid_r,
		  struct err *err)
{
	return program_start_with(name, args, &(struct program_fds){handed, -1, -1}, pid_r, err);
}

int program_start_with(const char *name, const char *const *args, const struct program_fds *fds,
		       pid_t *pid_r, struct err *err)
{
	CLEAN_STR path = STR_INIT;
	char *argv[ARGS_MAX + 2] = {NULL};

	if (program_path(name, &path, err) < 0)
		return -1;
	argv[0] = path.data;
	for (size_t i = 0; args[i] != NULL; i++) {
		must(i < ARGS_MAX);
		argv[i + 1] = (char *)args[i]; /* exec does not write there */
	}
	errno = spawn(path.data, argv, fds, pid_r);
	return errno == 0 ? 0 : err_errno(err, "%s: %m", path.data);
}

int program_connect(const char *path, int *fd_r, struct err *err)
{
	const struct timeval patience = {.tv_sec = CONNECT_S};
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	CLEAN_FD fd = -1;

	if (strlen(path) >= sizeof(un.sun_path))
		return 0;
	memcpy(un.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0)
		return err_errno(err, "socket: %m");
	if (connect(fd, (const struct sockaddr *)&un, sizeof(un)) < 0) {
		if (errno == ENOENT || errno == ECONNREFUSED || errno == EACCES || errno == EPERM)
			return 0;
		return err_errno(err, "%s: %m", path);
	}
	*fd_r = fd;
	fd = -1;
	return 1;
}

int program_connect_unit(const char *name, int *fd_r, struct err *err)
{
	const char *folder = getenv("SEALPOST_SOCKETS");
	CLEAN_STR path = STR_INIT;

	str_addf(&path, "%s/%s.sock", folder != NULL ? folder : "/run/sealpost", name);
	return program_connect(path.data, fd_r, err);
}

bool program_was_handed_a_socket(int argc)
{
	int type;
	socklen_t len = sizeof(type);

	return argc == 1 && getsockopt(PROGRAM_FD, SOL_SOCKET, SO_TYPE, &type, &len) == 0 &&
	       type == SOCK_STREAM && fcntl(PROGRAM_FD, F_SETFD, FD_CLOEXEC) == 0;
}

/* 1 it has ended, 0 it lives on. */
static int wait_for_end(pid_t pid, int timeout_ms, struct err *err)
{
	CLEAN_FD fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int rc;

	if (fd < 0)
		return err_errno(err, "pidfd_open: %m");
	do
		rc = poll(&p, 1, timeout_ms);
	while (rc < 0 && errno == EINTR);
	return rc < 0 ? err_errno(err, "poll: %m") : rc;
}

static int reap(pid_t pid, const char *name, int timeout_ms, int *status_r, struct err *err)
{
	int rc = wait_for_end(pid, timeout_ms, err);

	if (rc < 0)
		return -1;
	if (rc == 0)
		return err_set(err, ERR_TIMEOUT, "sealpost%s%s does not end", dash(name), name);
	return waitpid(pid, status_r, 0) < 0 ? err_errno(err, "waitpid: %m") : 0;
}

static int judge_end(const char *name, int status, struct err *err)
{
	errno = 0;
	if (WIFSIGNALED(status)) {
		err_set(err, ERR_IO, "sealpost%s%s was ended by signal %d", dash(name), name,
			WTERMSIG(status));
		err->os = WTERMSIG(status);
		return -1;
	}
	if (WEXITSTATUS(status) != 0)
		return err_set(err, ERR_IO, "sealpost%s%s ended with status %d", dash(name), name,
			       WEXITSTATUS(status));
	return 0;
}

int program_wait(pid_t pid, const char *name, int timeout_ms, struct err *err)
{
	int status;

	return reap(pid, name, timeout_ms, &status, err) < 0 ? -1 : judge_end(name, status, err);
}

int program_to_background(struct err *err)
{
	CLEAN_FD nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
	pid_t pid = nowhere < 0 ? -1 : fork();

	if (pid < 0)
		return err_errno(err, "go to the background: %m");
	if (pid > 0)
		_exit(EXIT_SUCCESS);
	if (setsid() < 0 || dup2(nowhere, STDIN_FILENO) < 0 || dup2(nowhere, STDOUT_FILENO) < 0)
		return err_errno(err, "go to the background: %m");
	return 0;
}

int program_wait_status(pid_t pid, const char *name, struct err *err)
{
	int status;

	if (reap(pid, name, -1, &status, err) < 0)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : judge_end(name, status, err);
}

int program_stop(pid_t pid, const char *name, int timeout_ms, struct err *err)
{
	struct err ignored = {0};
	int status;

	kill(pid, SIGTERM);
	if (reap(pid, name, timeout_ms, &status, err) == 0) {
		/* one that was about to begin does not hear the signal yet: it has done nothing */
		return WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM
			       ? 0
			       : judge_end(name, status, err);
	}
	if (err->kind == ERR_TIMEOUT) {
		kill(pid, SIGKILL);
		program_wait(pid, name, -1, &ignored);
	}
	return -1;
}
