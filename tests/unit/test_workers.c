/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/workers.h"

#include "base/file.h"
#include "base/log.h"
#include "tests/unit/fixture.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define REFUSAL "421 busy\n"

enum { FOR_EVER_MS = 60 * 1000, CLIENTS_MAX = 100 };

/* --- the service: one line asks, one line answers ----------------------------------------------- */

/* "pid": who serves; "door": of which listener; "from": whom; "hold": waits, and says why it ended;
 * "hang": never ends. */
static void answer(struct view line, const char *door, struct conn *conn)
{
	struct err err = {0};
	struct view ignored;

	if (view_starts(line, "pid")) {
		conn_writef(conn, &err, "%d\n", (int)getpid());
	} else if (view_starts(line, "door")) {
		conn_writef(conn, &err, "%s\n", door);
	} else if (view_starts(line, "from")) {
		conn_writef(conn, &err, "%s\n", conn_peer_addr(conn));
	} else if (view_starts(line, "hang")) {
		for (;;)
			pause();
	} else {
		conn_writef(conn, &err, "holding\n");
		conn_flush(conn, &err);
		if (conn_line(conn, 100, &ignored, &err) < 0)
			conn_writef(conn, &err, "%s\n", err_code(err.kind));
	}
	conn_flush(conn, &err);
}

static void serve(void *arg, const void *door, struct conn *conn)
{
	struct err err = {0};
	struct view line;

	(void)arg;
	while (conn_line(conn, 100, &line, &err) == 1)
		answer(line, door, conn);
}

static const struct workers_ops echo = {.serve = serve};

/* --- the fixture -------------------------------------------------------------------------------- */

struct service {
	struct fixture *f;
	char unix_address[96], tcp_address[32];
	pid_t master;
	int stop_fd; /* closing it stops the master */
	struct conn *clients[CLIENTS_MAX];
};

static const struct workers_options few = {
	.min_idle = 1, .max = 3, .grace_ms = FOR_EVER_MS, .refusal = REFUSAL};

static void run_master(const int listeners[2], const struct workers_ops *ops,
		       const struct workers_options *options, int stop_fd)
{
	const struct workers_listener both[] = {{listeners[0], "unix"}, {listeners[1], "tcp"}};
	struct err err = {0};

	_exit(workers_run(both, 2, ops, options, stop_fd, &err) == 0 ? 0 : 1);
}

static void start(struct service *s, const struct workers_ops *ops,
		  const struct workers_options *options)
{
	const struct listen_options private = {.mode = 0600};
	struct sockaddr_in addr;
	socklen_t len = sizeof(addr);
	int listeners[2], stop[2];

	snprintf(s->unix_address, sizeof(s->unix_address), "unix:%s/socket", s->f->dir);
	assert_int_equal(conn_listen(s->unix_address, &private, &listeners[0], &s->f->err), 0);
	assert_int_equal(conn_listen("127.0.0.1:0", &private, &listeners[1], &s->f->err), 0);
	assert_int_equal(getsockname(listeners[1], (struct sockaddr *)&addr, &len), 0);
	snprintf(s->tcp_address, sizeof(s->tcp_address), "127.0.0.1:%d", ntohs(addr.sin_port));
	assert_int_equal(pipe(stop), 0);
	s->master = fork();
	if (s->master == 0) {
		close(stop[1]);
		run_master(listeners, ops, options, stop[0]);
	}
	close(stop[0]);
	close(listeners[0]);
	close(listeners[1]);
	s->stop_fd = stop[1];
}

/* The master's exit status. */
static int wait_master(struct service *s)
{
	int status = -1;

	assert_int_equal(waitpid(s->master, &status, 0), s->master);
	s->master = 0;
	return status;
}

static int stop(struct service *s)
{
	fd_cleanup(&s->stop_fd);
	return wait_master(s);
}

static int setup(void **state)
{
	struct service *s;

	if (fixture_folder(state) < 0)
		return -1;
	s = mem_new(sizeof(*s));
	s->f = *state;
	s->stop_fd = -1;
	*state = s;
	log_set_level(LOG_LEVEL_ERROR);
	return 0;
}

static int teardown(void **state)
{
	struct service *s = *state;
	void *folder = s->f;

	for (size_t i = 0; i < CLIENTS_MAX; i++)
		conn_free(&s->clients[i]);
	if (s->master > 0)
		stop(s);
	free(s);
	return fixture_teardown(&folder);
}

static void join(struct service *s, size_t i, const char *address)
{
	assert_int_equal(conn_connect(address, FOR_EVER_MS, &s->clients[i], &s->f->err), 0);
}

static void say(struct service *s, size_t i, const char *text)
{
	assert_int_equal(conn_writef(s->clients[i], &s->f->err, "%s\n", text), 0);
	assert_int_equal(conn_flush(s->clients[i], &s->f->err), 0);
}

/* The next line, with its end; empty if the connection was closed instead. Valid until the next call. */
static const char *hear(struct service *s, size_t i)
{
	static char text[101];
	struct view line = {"", 0};

	if (conn_line(s->clients[i], 100, &line, &s->f->err) < 0)
		assert_int_equal(s->f->err.kind, ERR_OFFLINE);
	snprintf(text, sizeof(text), "%.*s", (int)line.len, line.data);
	return text;
}

static const char *ask(struct service *s, size_t i, const char *text)
{
	say(s, i, text);
	return hear(s, i);
}

static pid_t pid_of(struct service *s, size_t i)
{
	pid_t pid = (pid_t)strtol(ask(s, i, "pid"), NULL, 10);

	assert_true(pid > 1);
	return pid;
}

/* --- the tests ---------------------------------------------------------------------------------- */

static void each_connection_has_a_process_and_knows_its_listener(void **state)
{
	struct service *s = *state;

	start(s, &echo, &few);
	join(s, 0, s->unix_address);
	join(s, 1, s->tcp_address);
	assert_string_equal(ask(s, 0, "door"), "unix\n");
	assert_string_equal(ask(s, 1, "door"), "tcp\n");
	assert_string_equal(ask(s, 0, "from"), "\n");
	assert_string_equal(ask(s, 1, "from"), "127.0.0.1\n");
	assert_int_not_equal(pid_of(s, 0), pid_of(s, 1));
	assert_int_not_equal(pid_of(s, 0), s->master);
	conn_free(&s->clients[0]);
	conn_free(&s->clients[1]);
	assert_int_equal(stop(s), 0);
}

static void a_worker_serves_one_after_another(void **state)
{
	struct service *s = *state;

	start(s, &echo, &few);
	for (int i = 0; i < 20; i++) {
		join(s, 0, i % 2 ? s->unix_address : s->tcp_address);
		assert_true(pid_of(s, 0) > 0);
		conn_free(&s->clients[0]);
	}
}

static void a_burst_is_served_by_as_many_workers_as_it_takes(void **state)
{
	struct service *s = *state;
	const struct workers_options many = {
		.min_idle = 4, .max = CLIENTS_MAX, .grace_ms = FOR_EVER_MS, .refusal = REFUSAL};

	start(s, &echo, &many);
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		join(s, i, s->tcp_address);
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		say(s, i, "door");
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		assert_string_equal(hear(s, i), "tcp\n");
}

static size_t children_of(pid_t pid)
{
	char path[64], text[4096];
	size_t n = 0;
	FILE *in;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
	in = fopen(path, "r");
	assert_non_null(in);
	if (fgets(text, sizeof(text), in) != NULL)
		for (const char *p = text; *p != '\0'; p++)
			n += *p == ' ';
	fclose(in);
	return n;
}

static void workers_that_a_burst_leaves_behind_go_away(void **state)
{
	struct service *s = *state;

	a_burst_is_served_by_as_many_workers_as_it_takes(state);
	assert_true(children_of(s->master) >= CLIENTS_MAX);
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		conn_free(&s->clients[i]);
	while (children_of(s->master) > 2 * 4 + 16)
		poll(NULL, 0, 1);
	join(s, 0, s->tcp_address);
	assert_string_equal(ask(s, 0, "door"), "tcp\n");
}

static void a_killed_worker_is_its_clients_loss_alone(void **state)
{
	struct service *s = *state;

	start(s, &echo, &few);
	for (size_t i = 0; i < 3; i++)
		join(s, i, s->unix_address);
	for (size_t i = 0; i < 3; i++)
		assert_string_equal(ask(s, i, "door"), "unix\n");
	assert_int_equal(kill(pid_of(s, 1), SIGKILL), 0);
	assert_string_equal(hear(s, 1), "");
	assert_string_equal(ask(s, 0, "door"), "unix\n");
	assert_string_equal(ask(s, 2, "door"), "unix\n");
	/* its place is free for another, as soon as the master has noticed */
	do {
		conn_free(&s->clients[1]);
		join(s, 1, s->unix_address);
		conn_writef(s->clients[1], &s->f->err, "door\n");
		conn_flush(s->clients[1], &s->f->err);
	} while (strcmp(hear(s, 1), "unix\n") != 0);
}

static void beyond_the_maximum_a_connection_is_refused(void **state)
{
	struct service *s = *state;

	start(s, &echo, &few);
	for (size_t i = 0; i < 3; i++) {
		join(s, i, s->tcp_address);
		assert_string_equal(ask(s, i, "door"), "tcp\n");
	}
	join(s, 3, s->tcp_address);
	assert_string_equal(hear(s, 3), REFUSAL);
	assert_string_equal(hear(s, 3), "");
	assert_string_equal(ask(s, 0, "door"), "tcp\n");
}

/* Its descriptor stays the client's. */
static int join_from(struct service *s, size_t i, const char *source)
{
	struct sockaddr_in addr = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(inet_pton(AF_INET, source, &addr.sin_addr), 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(inet_pton(AF_INET, "127.0.0.1", &addr.sin_addr), 1);
	addr.sin_port = htons((uint16_t)strtol(strchr(s->tcp_address, ':') + 1, NULL, 10));
	assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	s->clients[i] = conn_of_fd(fd);
	return fd;
}

static void one_address_cannot_take_all_connections(void **state)
{
	struct service *s = *state;
	const struct workers_options fair = {.min_idle = 1,
					     .max = 10,
					     .max_per_client = 2,
					     .grace_ms = FOR_EVER_MS,
					     .refusal = REFUSAL};

	start(s, &echo, &fair);
	join_from(s, 0, "127.0.0.2");
	join_from(s, 1, "127.0.0.2");
	join_from(s, 2, "127.0.0.2");
	join_from(s, 3, "127.0.0.3");
	assert_string_equal(ask(s, 0, "from"), "127.0.0.2\n");
	assert_string_equal(ask(s, 1, "from"), "127.0.0.2\n");
	assert_string_equal(hear(s, 2), REFUSAL);
	assert_string_equal(ask(s, 3, "from"), "127.0.0.3\n");
	for (size_t i = 4; i < 8; i++) {
		join(s, i, s->unix_address);
		assert_string_equal(ask(s, i, "door"), "unix\n");
	}
}

static void a_stop_ends_waits_lets_replies_out_and_refuses_the_next(void **state)
{
	struct service *s = *state;
	struct conn *late = NULL;

	start(s, &echo, &few);
	join(s, 0, s->unix_address);
	join(s, 1, s->tcp_address);
	assert_string_equal(ask(s, 0, "hold"), "holding\n");
	assert_string_equal(ask(s, 1, "hold"), "holding\n");
	fd_cleanup(&s->stop_fd);
	assert_string_equal(hear(s, 0), "stopped\n");
	assert_string_equal(hear(s, 1), "stopped\n");
	assert_int_equal(wait_master(s), 0);
	assert_int_equal(conn_connect(s->unix_address, FOR_EVER_MS, &late, &s->f->err), -1);
	assert_int_equal(s->f->err.kind, ERR_OFFLINE);
	assert_int_equal(conn_connect(s->tcp_address, FOR_EVER_MS, &late, &s->f->err), -1);
	assert_int_equal(s->f->err.kind, ERR_OFFLINE);
}

static void who_hangs_is_killed_after_the_grace_time(void **state)
{
	struct service *s = *state;
	struct workers_options impatient = few;

	impatient.grace_ms = 1;
	start(s, &echo, &impatient);
	join(s, 0, s->unix_address);
	assert_string_equal(ask(s, 0, "door"), "unix\n");
	say(s, 0, "hang");
	assert_int_equal(stop(s), 0);
	assert_string_equal(hear(s, 0), "");
}

static void nothing_outlives_a_killed_master(void **state)
{
	struct service *s = *state;

	start(s, &echo, &few);
	join(s, 0, s->unix_address);
	assert_string_equal(ask(s, 0, "door"), "unix\n");
	say(s, 0, "hang");
	assert_int_equal(kill(s->master, SIGKILL), 0);
	assert_int_equal(wait_master(s), SIGKILL);
	assert_string_equal(hear(s, 0), "");
}

/* A first worker that is idle by its own word, but lost to the master, until the file "leave" is there. */
static void begin_deaf(void *arg)
{
	const struct fixture *f = arg;
	char path[128];
	int type, fd = 3;
	socklen_t len = sizeof(type);

	snprintf(path, sizeof(path), "%s/deaf", f->dir);
	if (mkdir(path, 0700) < 0)
		return; /* one such was enough */
	while (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0 || type != SOCK_SEQPACKET)
		fd++;
	shutdown(fd, SHUT_RD);
	if (send(fd, "", 1, MSG_NOSIGNAL) != 1)
		_exit(1);
	snprintf(path, sizeof(path), "%s/leave", f->dir);
	while (access(path, F_OK) < 0)
		poll(NULL, 0, 1);
	_exit(0);
}

static size_t descriptors_of(pid_t pid)
{
	char path[64];
	size_t n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	assert_non_null(dir);
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}

static bool is_answered(int client)
{
	struct pollfd p = {.fd = client, .events = POLLIN};

	return poll(&p, 1, 0) > 0;
}

static void a_client_whose_worker_just_died_waits_for_the_next(void **state)
{
	struct service *s = *state;
	const struct workers_ops deaf = {.arg = s->f, .begin = begin_deaf, .serve = serve};
	struct workers_options one = few;
	char path[128];
	size_t before;
	int client;

	one.max = 1;
	start(s, &deaf, &one);
	snprintf(path, sizeof(path), "%s/deaf", s->f->dir);
	while (access(path, F_OK) < 0)
		poll(NULL, 0, 1);
	before = descriptors_of(s->master);
	client = join_from(s, 0, "127.0.0.1");
	/* Until the master has taken the connection, or refused it. It may have closed the lost worker's end by then, and
	 * have as many descriptors as before: then this has waited for nothing. */
	for (int i = 0; i < 1000; i++) {
		if (descriptors_of(s->master) != before || is_answered(client))
			break;
		poll(NULL, 0, 1);
	}
	snprintf(path, sizeof(path), "%s/leave", s->f->dir);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_string_equal(ask(s, 0, "door"), "tcp\n");
}

static void begin_and_die(void *arg)
{
	(void)arg;
	_exit(3);
}

static void workers_that_cannot_begin_end_the_master(void **state)
{
	struct service *s = *state;
	const struct workers_ops hopeless = {.begin = begin_and_die, .serve = serve};

	start(s, &hopeless, &few);
	assert_int_equal(WEXITSTATUS(wait_master(s)), 1);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(each_connection_has_a_process_and_knows_its_listener),
		ROW(a_worker_serves_one_after_another),
		ROW(a_burst_is_served_by_as_many_workers_as_it_takes),
		ROW(workers_that_a_burst_leaves_behind_go_away),
		ROW(a_killed_worker_is_its_clients_loss_alone),
		ROW(beyond_the_maximum_a_connection_is_refused),
		ROW(one_address_cannot_take_all_connections),
		ROW(a_stop_ends_waits_lets_replies_out_and_refuses_the_next),
		ROW(who_hangs_is_killed_after_the_grace_time),
		ROW(nothing_outlives_a_killed_master),
		ROW(a_client_whose_worker_just_died_waits_for_the_next),
		ROW(workers_that_cannot_begin_end_the_master),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
