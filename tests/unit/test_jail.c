/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/jail.h"

#include "base/file.h"
#include "base/program.h"
#include "tests/unit/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sys/stat.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define USER "nobody"

/* A jail cannot be left: each test builds it in a process of its own, which tells by its status
 * what did not hold. */
#define CHECK(cond)                                                                                \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond);                 \
			_exit(1);                                                                  \
		}                                                                                  \
	} while (0)

static void in_a_child(void (*body)(const struct fixture *), const struct fixture *f)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		body(f);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static bool readable(int fd, int timeout_ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, timeout_ms) == 1;
}

static void heed_both(const struct fixture *f)
{
	static const int signals[] = {SIGTERM, SIGINT};
	struct err err = {0};
	int fd;

	(void)f;
	CHECK(jail_signals(false, &fd, &err) == 0);
	CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	CHECK(raise(SIGPIPE) == 0);
	CHECK(!readable(fd, 0));
	for (int i = 0; i < 2; i++) {
		char info[128];

		CHECK(raise(signals[i]) == 0 && readable(fd, 0));
		CHECK(read(fd, info, sizeof(info)) == sizeof(info) && !readable(fd, 0));
	}
}

static void the_stop_descriptor_tells_of_term_and_int(void **state)
{
	in_a_child(heed_both, *state);
}

/* A grandchild follows its parent, which goes by kill -9; what it wrote to the pipe tells. */
static void follow_a_killed_parent(const char *user)
{
	int pipe_fds[2];
	char got[2];
	pid_t parent;

	CHECK(pipe(pipe_fds) == 0);
	parent = fork();
	if (parent == 0 && fork() == 0) {
		struct err err = {0};
		int stop_fd;

		CHECK(jail_signals(true, &stop_fd, &err) == 0);
		CHECK(jail_enter(user, 64, &err) == 0);
		CHECK(write(pipe_fds[1], "1", 1) == 1);
		CHECK(readable(stop_fd, -1));
		CHECK(write(pipe_fds[1], "2", 1) == 1);
		_exit(0);
	}
	if (parent == 0)
		for (;;)
			pause();
	close(pipe_fds[1]);
	CHECK(read(pipe_fds[0], got, 1) == 1);
	CHECK(kill(parent, SIGKILL) == 0);
	CHECK(read(pipe_fds[0], got, 1) == 1 && got[0] == '2');
	CHECK(waitpid(parent, NULL, 0) == parent);
	close(pipe_fds[0]);
}

static void follow_as_the_same_user(const struct fixture *f)
{
	(void)f;
	follow_a_killed_parent("");
}

static void follow_as_another_user(const struct fixture *f)
{
	(void)f;
	follow_a_killed_parent(USER);
}

/* Who started it is gone, and somebody else its parent, before it looks. */
static void follow_nobody(const struct fixture *f)
{
	struct err err = {0};
	char gone[24];
	int fd;

	(void)f;
	snprintf(gone, sizeof(gone), "%ld", (long)getpid());
	CHECK(setenv(PROGRAM_PARENT, gone, 1) == 0);
	CHECK(jail_signals(true, &fd, &err) == 0);
	CHECK(readable(fd, 0));
}

static void whose_parent_ended_before_it_could_be_followed_is_stopped(void **state)
{
	in_a_child(follow_nobody, *state);
}

static void the_end_of_the_parent_is_a_stop(void **state)
{
	in_a_child(follow_as_the_same_user, *state);
}

static void after_a_change_of_user_it_still_is(void **state)
{
	if (getuid() != 0)
		skip();
	in_a_child(follow_as_another_user, *state);
}

static void enter_and_look(const struct fixture *f)
{
	struct rlimit files, core;
	struct err err = {0};

	(void)f;
	CHECK(jail_enter(NULL, 100, &err) == 0);
	CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	CHECK(prctl(PR_GET_DUMPABLE) == 0);
	CHECK(getrlimit(RLIMIT_NOFILE, &files) == 0 && getrlimit(RLIMIT_CORE, &core) == 0);
	CHECK(files.rlim_cur == 100 && files.rlim_max == 100);
	CHECK(core.rlim_cur == 0 && core.rlim_max == 0);
}

static void no_privileges_no_core_and_few_files_are_left(void **state)
{
	in_a_child(enter_and_look, *state);
}

static void become_nobody(const struct fixture *f)
{
	const struct passwd *user = getpwnam(USER);
	struct err err = {0};
	gid_t group;

	(void)f;
	CHECK(jail_enter(USER, 100, &err) == 0);
	CHECK(getuid() == user->pw_uid && geteuid() == user->pw_uid);
	CHECK(getgid() == user->pw_gid && getegid() == user->pw_gid);
	CHECK(getgroups(1, &group) == 1 && group == user->pw_gid);
	CHECK(setuid(0) < 0 && setgid(0) < 0);
	CHECK(open("/etc/shadow", O_RDONLY) < 0 && errno == EACCES);
	CHECK(jail_enter(USER, 100, &err) == 0); /* nothing to give up any more */
}

static void root_becomes_the_user_and_nothing_leads_back(void **state)
{
	if (getuid() != 0)
		skip();
	in_a_child(become_nobody, *state);
}

/* As a door writes to the spool: a file without a name gets one through /proc/self. */
static void name_a_file(const struct fixture *f)
{
	char proc[64];
	struct err err = {0};
	int fd;

	CHECK(chmod(f->dir, 0777) == 0 && chdir(f->dir) == 0);
	CHECK(jail_enter(USER, 100, &err) == 0);
	fd = open(".", O_TMPFILE | O_WRONLY, 0600);
	CHECK(fd >= 0);
	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	CHECK(linkat(AT_FDCWD, proc, AT_FDCWD, "mail", AT_SYMLINK_FOLLOW) == 0);
}

static void a_door_in_its_jail_can_still_commit_a_mail(void **state)
{
	if (getuid() != 0)
		skip();
	in_a_child(name_a_file, *state);
}

static void name_a_stranger(const struct fixture *f)
{
	struct err err = {0};

	(void)f;
	CHECK(jail_enter("no-such-user", 100, &err) == -1);
	CHECK(err.kind == ERR_NOTFOUND);
	CHECK(getuid() == 0);
}

static void a_user_who_is_not_there_is_refused(void **state)
{
	if (getuid() != 0)
		skip();
	in_a_child(name_a_stranger, *state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_stop_descriptor_tells_of_term_and_int),
		cmocka_unit_test(the_end_of_the_parent_is_a_stop),
		cmocka_unit_test(whose_parent_ended_before_it_could_be_followed_is_stopped),
		cmocka_unit_test(after_a_change_of_user_it_still_is),
		cmocka_unit_test(no_privileges_no_core_and_few_files_are_left),
		cmocka_unit_test(root_becomes_the_user_and_nothing_leads_back),
		cmocka_unit_test_setup_teardown(a_door_in_its_jail_can_still_commit_a_mail,
						fixture_folder, fixture_teardown),
		cmocka_unit_test(a_user_who_is_not_there_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
