/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/jail.h"

#include "base/program.h"
#include "base/secret.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* Who started it, if that was one of ours; it may have ended before this process could ask for its parent. */
static pid_t starter(void)
{
	const char *told = getenv(PROGRAM_PARENT);

	return told != NULL ? (pid_t)strtol(told, NULL, 10) : getppid();
}

static int follow(pid_t parent, struct err *err)
{
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0)
		return err_errno(err, "follow the parent: %m");
	if (getppid() != parent) /* it died before it could be followed */
		return kill(getpid(), SIGTERM) < 0 ? err_errno(err, "kill: %m") : 0;
	return 0;
}

/* A script between a program of ours and this one has the same environment. */
int jail_follow_starter(struct err *err)
{
	pid_t parent = getppid();

	return getenv(PROGRAM_PARENT) != NULL && starter() == parent ? follow(parent, err) : 0;
}

int jail_signals(bool follow_parent, int *stop_fd_r, struct err *err)
{
	pid_t parent = starter();
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return err_errno(err, "signals: %m");
	*stop_fd_r = signalfd(-1, &set, SFD_CLOEXEC);
	if (*stop_fd_r < 0)
		return err_errno(err, "signalfd: %m");
	return follow_parent ? follow(parent, err) : 0;
}

/* The groups first: afterwards it may not any more. */
static int become(const char *name, struct err *err)
{
	const struct passwd *user = getpwnam(name);

	if (user == NULL)
		return err_set(err, ERR_NOTFOUND,
			       "there is no user %s on this system; make it, or name another one "
			       "in the setting \"user\" (empty: whoever starts the program)",
			       name);
	if (initgroups(name, user->pw_gid) < 0 ||
	    setresgid(user->pw_gid, user->pw_gid, user->pw_gid) < 0 ||
	    setresuid(user->pw_uid, user->pw_uid, user->pw_uid) < 0)
		return err_errno(err, "become user %s: %m", name);
	must(user->pw_uid == 0 || setuid(0) < 0); /* there is no way back */
	return 0;
}

/* The kernel forgets what signal follows the parent's death when the user changes. */
static int become_keeping_parent(const char *name, struct err *err)
{
	pid_t parent = getppid();
	int death_signal = 0;

	if (prctl(PR_GET_PDEATHSIG, &death_signal) < 0)
		return err_errno(err, "follow the parent: %m");
	if (become(name, err) < 0)
		return -1;
	if (prctl(PR_SET_PDEATHSIG, death_signal) < 0)
		return err_errno(err, "follow the parent: %m");
	if (death_signal != 0 && getppid() != parent)
		kill(getpid(), death_signal);
	return 0;
}

static int limit_files(unsigned files, struct err *err)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return err_errno(err, "getrlimit: %m");
	if (geteuid() != 0 && files > limit.rlim_max)
		files = (unsigned)limit.rlim_max;
	limit = (struct rlimit){.rlim_cur = files, .rlim_max = files};
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		return err_errno(err, "at most %u open files: %m", files);
	return 0;
}

int jail_become(const char *user, struct err *err)
{
	if (geteuid() != 0 || user == NULL || user[0] == '\0')
		return 0;
	return become_keeping_parent(user, err);
}

int jail_enter(const char *user, unsigned files, struct err *err)
{
	if (limit_files(files, err) < 0) /* root may raise it, too */
		return -1;
	if (jail_become(user, err) < 0)
		return -1;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_errno(err, "no new privileges: %m");
	secret_harden_process();
	return 0;
}
