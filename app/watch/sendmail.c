/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/watch/sendmail.h"

#include "base/file.h"
#include "base/program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <unistd.h>

/* The message as a file without a name: whoever reads it slowly, or not at all, holds nobody up. */
static int open_message(struct view message, int *fd_r, struct err *err)
{
	*fd_r = memfd_create("mail", MFD_CLOEXEC);
	if (*fd_r < 0)
		return err_errno(err, "memfd_create: %m");
	if (file_write_all(*fd_r, message.data, message.len, err) < 0)
		return -1;
	return lseek(*fd_r, 0, SEEK_SET) < 0 ? err_errno(err, "lseek: %m") : 0;
}

/* In a process group of its own, so that what it started ends with it. */
static int start(const struct sendmail *sendmail, int message, pid_t *pid_r)
{
	const char *argv[] = {sendmail->command, "-i", "-t", NULL, NULL, NULL};
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none, defaults;
	int rc;

	if (sendmail->from[0] != '\0') {
		argv[3] = "-f";
		argv[4] = sendmail->from;
	}
	sigemptyset(&none);
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	sigaddset(&defaults, SIGTERM);
	sigaddset(&defaults, SIGINT);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, message, STDIN_FILENO);
	posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &defaults);
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
						POSIX_SPAWN_SETPGROUP);
	/* exec does not write to its arguments */
	rc = posix_spawn(pid_r, sendmail->command, &files, &attr, (char *const *)argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	return rc;
}

static int wait_for(const struct sendmail *sendmail, pid_t pid, struct err *err)
{
	struct err ended = {0};

	if (program_wait(pid, sendmail->command, sendmail->timeout_ms, &ended) == 0)
		return 0;
	if (ended.kind != ERR_TIMEOUT)
		return err_set(err, ERR_IO, "%s did not take %s", sendmail->command,
			       sendmail->what);
	kill(-pid, SIGKILL);
	program_wait(pid, sendmail->command, -1, &ended);
	return err_set(err, ERR_TIMEOUT, "%s did not take %s in time", sendmail->command,
		       sendmail->what);
}

int sendmail_hand_over(const struct sendmail *sendmail, struct view message, struct err *err)
{
	CLEAN_FD fd = -1;
	pid_t pid;

	if (open_message(message, &fd, err) < 0)
		return -1;
	errno = start(sendmail, fd, &pid);
	if (errno != 0)
		return err_errno(err, "%s: %m", sendmail->command);
	return wait_for(sendmail, pid, err);
}
