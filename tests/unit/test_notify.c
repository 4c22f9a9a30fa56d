/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a daemon tells the service manager, and is handed by it; and the files that a door watches. */
#include "app/intake/renewed.h"
#include "base/notify.h"
#include "base/program.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

enum { SECOND_US = 1000 * 1000 };

static int forget(void **state)
{
	(void)state;
	for (size_t i = 0; notify_variables[i] != NULL; i++)
		unsetenv(notify_variables[i]);
	return 0;
}

static void set_number(const char *name, long number)
{
	char text[32];

	snprintf(text, sizeof(text), "%ld", number);
	assert_int_equal(setenv(name, text, 1), 0);
}

/* A manager's socket, with an abstract name of this process's own. */
static int manager(void)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	char name[64];
	int len = snprintf(name, sizeof(name), "@sealpost-test-%d", (int)getpid());

	memcpy(un.sun_path + 1, name + 1, (size_t)len - 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&un,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)len)),
			 0);
	assert_int_equal(setenv("NOTIFY_SOCKET", name, 1), 0);
	return fd;
}

static const char *heard(int fd, char out[256])
{
	ssize_t n = recv(fd, out, 255, 0);

	out[n > 0 ? n : 0] = '\0';
	return out;
}

static void test_a_manager_hears_what_it_is_told(void **state)
{
	int fd = manager();
	char text[256];

	(void)state;
	notify_ready();
	assert_string_equal(heard(fd, text), "READY=1");
	notify_status("%d wait,\nREADY=0", 3);
	assert_string_equal(heard(fd, text), "STATUS=3 wait,\xef\xbf\xbd"
					     "READY=0");
	notify_stopping();
	assert_string_equal(heard(fd, text), "STOPPING=1");
	notify_alive();
	assert_string_equal(heard(fd, text), ""); /* nobody watches */
	close(fd);
}

static void test_without_a_manager_nothing_is_said(void **state)
{
	(void)state;
	notify_ready();
	notify_status("all is well");
	assert_int_equal(notify_wait_ms(-1), -1);
	assert_int_equal(notify_wait_ms(500), 500);
}

static void test_who_is_watched_waits_no_longer_than_he_may(void **state)
{
	(void)state;
	set_number("WATCHDOG_USEC", 8L * SECOND_US);
	set_number("WATCHDOG_PID", getpid());
	assert_int_equal(notify_wait_ms(-1), 2000);
	assert_int_equal(notify_wait_ms(500), 500);
	assert_int_equal(notify_wait_ms(60000), 2000);
	set_number("WATCHDOG_PID", getppid());
	assert_int_equal(notify_wait_ms(-1), -1);
}

static void test_a_socket_is_taken_only_by_whom_it_is_for(void **state)
{
	int kept = dup(PROGRAM_FD), plain, fd, pair[2];
	struct err err = {0};

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	plain = dup2(pair[0], PROGRAM_FD);
	assert_int_equal(plain, PROGRAM_FD);
	set_number("LISTEN_FDS", 1);
	set_number("LISTEN_PID", getppid());
	assert_int_equal(notify_take_listener(&fd, &err), 0);
	assert_int_equal(fd, -1);
	set_number("LISTEN_PID", getpid());
	assert_int_equal(notify_take_listener(&fd, &err), -1); /* it does not listen */
	assert_int_equal(err.kind, ERR_SYNTAX);
	close(pair[0]);
	close(pair[1]);
	close(PROGRAM_FD);
	if (kept >= 0) {
		dup2(kept, PROGRAM_FD);
		close(kept);
	}
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

static void test_a_change_counts_when_the_file_is_left_alone(void **state)
{
	char path[] = "/tmp/sealpost_renewed.XXXXXX";
	struct renewed r = {0};

	(void)state;
	close(mkstemp(path));
	renewed_add(&r, path);
	renewed_add(&r, "");
	assert_false(renewed_look(&r));
	write_file(path, "one");
	assert_false(renewed_look(&r));
	write_file(path, "and two");
	assert_false(renewed_look(&r));
	assert_true(renewed_look(&r));
	assert_false(renewed_look(&r));
	unlink(path);
	assert_false(renewed_look(&r));
	assert_true(renewed_look(&r));
	renewed_clear(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_a_manager_hears_what_it_is_told, forget),
		cmocka_unit_test_teardown(test_without_a_manager_nothing_is_said, forget),
		cmocka_unit_test_teardown(test_who_is_watched_waits_no_longer_than_he_may, forget),
		cmocka_unit_test_teardown(test_a_socket_is_taken_only_by_whom_it_is_for, forget),
		cmocka_unit_test_teardown(test_a_change_counts_when_the_file_is_left_alone, forget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
