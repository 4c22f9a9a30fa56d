/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/ipc.h"

#include "base/file.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { BODY_MAX = 16 * 1024 * 1024 };

/* Two ends: of a socket, or of a pipe (the first one to read). */
static int open_socket(void **state)
{
	static int fds[2];

	*state = fds;
	return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds);
}

static int open_pipe(void **state)
{
	static int fds[2];

	signal(SIGPIPE, SIG_IGN);
	*state = fds;
	return pipe2(fds, O_CLOEXEC);
}

static int close_both(void **state)
{
	int *fds = *state;

	fd_cleanup(&fds[0]);
	fd_cleanup(&fds[1]);
	return 0;
}

static void assert_message(int fd, uint32_t type, struct view body)
{
	CLEAN_STR got = STR_INIT;
	struct err err = {0};
	uint32_t got_type;

	str_adds(&got, "of the message before");
	assert_int_equal(ipc_receive(fd, -1, &got_type, &got, &err), 1);
	assert_int_equal(got_type, type);
	assert_true(view_eq(str_view(&got), body));
}

static void assert_no_message(int fd, int rc, enum err_kind kind)
{
	CLEAN_STR got = STR_INIT;
	struct err err = {0};
	uint32_t type;

	assert_int_equal(ipc_receive(fd, 1, &type, &got, &err), rc);
	assert_int_equal(err.kind, kind);
}

static void messages_come_in_order_each_by_itself(void **state)
{
	const int *fds = *state;
	struct err err = {0};

	assert_int_equal(ipc_send(fds[1], 7, VIEW("first"), &err), 0);
	assert_int_equal(ipc_send(fds[1], 0xfffffffe, (struct view){NULL, 0}, &err), 0);
	assert_int_equal(ipc_send(fds[1], 8, (struct view){"\0x", 2}, &err), 0);
	assert_message(fds[0], 7, VIEW("first"));
	assert_message(fds[0], 0xfffffffe, VIEW(""));
	assert_message(fds[0], 8, (struct view){"\0x", 2});
}

struct sending {
	int fd;
	struct view body;
	int rc;
};

static void *send_body(void *arg)
{
	struct sending *s = arg;
	struct err err = {0};

	s->rc = ipc_send(s->fd, 9, s->body, &err);
	return NULL;
}

static void the_largest_message_passes_and_one_byte_more_does_not(void **state)
{
	const int *fds = *state;
	CLEAN_STR body = STR_INIT;
	struct sending s = {.fd = fds[1]};
	struct err err = {0};
	pthread_t thread;

	str_reserve(&body, BODY_MAX + 1);
	body.len = BODY_MAX;
	memset(body.data, 'x', body.len);
	s.body = str_view(&body);
	assert_int_equal(fcntl(fds[1], F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(pthread_create(&thread, NULL, send_body, &s), 0);
	assert_message(fds[0], 9, s.body);
	pthread_join(thread, NULL);
	assert_int_equal(s.rc, 0);
	body.len++;
	assert_int_equal(ipc_send(fds[1], 9, str_view(&body), &err), -1);
	assert_int_equal(err.kind, ERR_TOOBIG);
}

static void a_length_beyond_the_limit_is_damaged(void **state)
{
	const int *fds = *state;

	assert_int_equal(write(fds[1], "\1\0\0\0\1\0\0\1", 8), 8);
	assert_no_message(fds[0], -1, ERR_DAMAGED);
}

static void silence_is_a_timeout_and_so_is_half_a_message(void **state)
{
	const int *fds = *state;

	assert_no_message(fds[0], -1, ERR_TIMEOUT);
	assert_int_equal(write(fds[1], "\1\0\0\0\3\0\0\0x", 9), 9);
	assert_no_message(fds[0], -1, ERR_TIMEOUT);
}

static void sending_to_one_who_does_not_read_is_a_timeout(void **state)
{
	const int *fds = *state;
	CLEAN_MEM char *body = mem_new(BODY_MAX);
	struct err err = {0};

	assert_int_equal(ipc_send_within(fds[1], 50, 1, VIEW("x"), &err), 0);
	assert_int_equal(ipc_send_within(fds[1], 50, 2, (struct view){body, BODY_MAX}, &err), -1);
	assert_int_equal(err.kind, ERR_TIMEOUT);
	assert_message(fds[0], 1, VIEW("x"));
}

static void a_close_between_messages_is_the_end_and_within_one_offline(void **state)
{
	static const char message[] = {1, 0, 0, 0, 3, 0, 0, 0, 'a', 'b', 'c'};

	(void)state;
	for (size_t len = 0; len < sizeof(message); len++) {
		int fds[2];

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
		assert_int_equal(write(fds[1], message, len), (ssize_t)len);
		close(fds[1]);
		if (len == 0)
			assert_no_message(fds[0], 0, ERR_NONE);
		else
			assert_no_message(fds[0], -1, ERR_OFFLINE);
		close(fds[0]);
	}
}

static void sending_to_one_who_has_closed_is_offline_and_no_signal(void **state)
{
	int *fds = *state;
	struct err err = {0};

	fd_cleanup(&fds[0]);
	assert_int_equal(ipc_send(fds[1], 1, VIEW("x"), &err), -1);
	assert_int_equal(err.kind, ERR_OFFLINE);
}

static void texts_are_read_back_and_none_reaches_beyond_the_body(void **state)
{
	CLEAN_STR body = STR_INIT;
	struct view rest, text;

	(void)state;
	ipc_add_text(&body, VIEW("one"));
	ipc_add_text(&body, VIEW(""));
	rest = str_view(&body);
	assert_int_equal(ipc_text(&rest, &text), 0);
	assert_true(view_eq(text, VIEW("one")));
	assert_int_equal(ipc_text(&rest, &text), 0);
	assert_int_equal(text.len, 0);
	assert_int_equal(rest.len, 0);
	assert_int_equal(ipc_text(&rest, &text), -1);
	rest = (struct view){body.data, 3};
	assert_int_equal(ipc_text(&rest, &text), -1);
	rest = VIEW("\xff\xff\xff\xff\xff\xff\xff\xff\x7f");
	assert_int_equal(ipc_text(&rest, &text), -1);
}

#define WITH(open, test) cmocka_unit_test_setup_teardown(test, open, close_both)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(open_socket, messages_come_in_order_each_by_itself),
		WITH(open_pipe, messages_come_in_order_each_by_itself),
		WITH(open_socket, the_largest_message_passes_and_one_byte_more_does_not),
		WITH(open_pipe, the_largest_message_passes_and_one_byte_more_does_not),
		WITH(open_socket, a_length_beyond_the_limit_is_damaged),
		WITH(open_socket, silence_is_a_timeout_and_so_is_half_a_message),
		WITH(open_socket, sending_to_one_who_does_not_read_is_a_timeout),
		cmocka_unit_test(a_close_between_messages_is_the_end_and_within_one_offline),
		WITH(open_socket, sending_to_one_who_has_closed_is_offline_and_no_signal),
		WITH(open_pipe, sending_to_one_who_has_closed_is_offline_and_no_signal),
		cmocka_unit_test(texts_are_read_back_and_none_reaches_beyond_the_body),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
