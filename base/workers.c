/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The master: forks, accepts, hands over, counts. It never reads a byte that a client has sent, so it
 * stays sound whatever they send.
 *
 * Connections wait in the kernel's queue while a worker is being made for them; they are refused only when
 * MAX workers are busy. One may have been accepted already when the worker that it was for turns out to be dead: it waits
 * here.
 */
#include "base/workers_priv.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	EVENTS = 64,       /* heeded at a time */
	LOOK_MS = 2000,    /* so often is_over() is asked */
	PAUSE_MS = 1000,   /* after a fork or an accept that the system refused */
	IDLE_SPARE = 16,   /* idle workers beyond 2 * MIN_IDLE and these leave */
	CLIENT_BYTES = 16, /* of an IPv6 address; one of IPv4 is mapped into it */
	NETWORK_BYTES = 8, /* of an IPv6 address: the /64 that one client has */
};

enum state { NONE, STARTING, IDLE, BUSY, LEAVING, STATES };

/* All zero: not limited. */
struct client {
	unsigned char b[CLIENT_BYTES];
};

struct slot {
	enum state state;
	pid_t pid;
	int channel;
	struct client client; /* of a busy one */
};

struct connection {
	int fd; /* -1: none */
	size_t listener;
	struct client client;
};

struct master {
	const struct workers_listener *listeners;
	size_t n;
	const struct workers_ops *ops;
	const struct workers_options *options;
	int stop_fd;
	int epoll;
	int stop_pipe[2];   /* the workers hold the reading end, only the master the other */
	struct slot *slots; /* options->max */
	unsigned count[STATES];
	struct connection waiting; /* for the next idle worker; no other is accepted meanwhile */
	bool listening, ready_once, stopping;
	int64_t fork_after_ms, accept_after_ms; /* 0: at any time */
};

/* What an epoll event is about: the stop descriptor, a listener, or a slot. */
enum { TAG_STOP, TAG_FIRST_LISTENER };

static uint64_t tag_of_slot(const struct master *m, const struct slot *slot)
{
	return TAG_FIRST_LISTENER + m->n + (size_t)(slot - m->slots);
}

static int watch(const struct master *m, int how, int fd, uint64_t tag, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.u64 = tag};

	return epoll_ctl(m->epoll, how, fd, &event);
}

static void set_state(struct master *m, struct slot *slot, enum state state)
{
	m->count[slot->state]--;
	slot->state = state;
	m->count[state]++;
}

/* Is the pause until *AFTER_MS over? Then it is forgotten. */
static bool is_over(int64_t *after_ms)
{
	if (*after_ms != 0 && clock_monotonic_ms() < *after_ms)
		return false;
	*after_ms = 0;
	return true;
}

/* The first is taken, not the one that was idle longest: so those that are not needed stay so, and cold. */
static struct slot *find(const struct master *m, enum state state)
{
	for (unsigned i = 0; i < m->options->max; i++)
		if (m->slots[i].state == state)
			return &m->slots[i];
	return NULL;
}

/* --- workers come and go ------------------------------------------------------------------------ */

/* In the child: nothing of the master's stays open but the channel and the stop descriptor. */
static void become_worker(const struct master *m, pid_t master, int channel)
{
	struct worker w = {.listeners = m->listeners,
			   .n = m->n,
			   .ops = m->ops,
			   .master = master,
			   .channel = channel,
			   .stop_fd = m->stop_pipe[0]};

	for (unsigned i = 0; i < m->options->max; i++)
		if (m->slots[i].state != NONE)
			close(m->slots[i].channel);
	for (size_t i = 0; i < m->n; i++)
		close(m->listeners[i].fd);
	if (m->waiting.fd >= 0)
		close(m->waiting.fd);
	close(m->stop_pipe[1]);
	close(m->epoll);
	close(m->stop_fd);
	worker_run(&w);
}

static void tell_death(const struct master *m, const struct slot *slot, int status)
{
	if (m->stopping && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		return; /* stop() tells it */
	if (WIFSIGNALED(status))
		log_error("worker died pid=%d signal=%d", (int)slot->pid, WTERMSIG(status));
	else if (slot->state != LEAVING || WEXITSTATUS(status) != 0)
		log_error("worker ended unasked pid=%d status=%d", (int)slot->pid,
			  WEXITSTATUS(status));
}

/* Its channel is closed: it is dead, or must be. */
static void reap(struct master *m, struct slot *slot)
{
	int status = 0;

	kill(slot->pid, SIGKILL);
	while (waitpid(slot->pid, &status, 0) < 0 && errno == EINTR)
		;
	/* A worker that is being forked may hold a copy for a moment yet, so close(2) alone would leave it
	 * in the epoll set. */
	epoll_ctl(m->epoll, EPOLL_CTL_DEL, slot->channel, NULL);
	close(slot->channel);
	tell_death(m, slot, status);
	if (slot->state == STARTING) /* it may be no better next time */
		m->fork_after_ms = clock_monotonic_ms() + PAUSE_MS;
	set_state(m, slot, NONE);
}

static int spawn(struct master *m, struct slot *slot, struct err *err)
{
	int channel[2];
	pid_t master = getpid();
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel) < 0)
		return err_errno(err, "socketpair: %m");
	pid = fork();
	if (pid == 0) {
		close(channel[0]);
		become_worker(m, master, channel[1]);
	}
	close(channel[1]);
	if (pid < 0) {
		close(channel[0]);
		return err_errno(err, "fork: %m");
	}
	slot->pid = pid;
	slot->channel = channel[0];
	set_state(m, slot, STARTING);
	if (watch(m, EPOLL_CTL_ADD, slot->channel, tag_of_slot(m, slot), EPOLLIN) == 0)
		return 0;
	err_errno(err, "epoll: %m");
	reap(m, slot);
	return -1;
}

/* As many that MIN_IDLE are idle, or about to be. */
static int spawn_wanted(struct master *m, struct err *err)
{
	if (!is_over(&m->fork_after_ms))
		return 0;
	while (m->count[STARTING] + m->count[IDLE] < m->options->min_idle && m->count[NONE] > 0) {
		if (spawn(m, find(m, NONE), err) == 0)
			continue;
		if (m->count[NONE] == m->options->max)
			return -1;
		log_error("no new worker, tried again shortly: %s", err->text);
		m->fork_after_ms = clock_monotonic_ms() + PAUSE_MS;
		return 0;
	}
	return 0;
}

static void dismiss(struct master *m, struct slot *slot)
{
	shutdown(slot->channel, SHUT_WR);
	set_state(m, slot, LEAVING);
}

/* --- connections come --------------------------------------------------------------------------- */

static struct client client_of(const struct sockaddr_storage *addr)
{
	static const unsigned char mapped[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
	struct client client = {{0}};

	if (addr->ss_family == AF_INET) {
		memcpy(client.b, mapped, sizeof(mapped));
		memcpy(client.b + sizeof(mapped), &((const struct sockaddr_in *)addr)->sin_addr, 4);
	} else if (addr->ss_family == AF_INET6) {
		const struct in6_addr *a = &((const struct sockaddr_in6 *)addr)->sin6_addr;

		memcpy(client.b, a, IN6_IS_ADDR_V4MAPPED(a) ? CLIENT_BYTES : NETWORK_BYTES);
	}
	return client;
}

static bool has_enough(const struct master *m, const struct client *client)
{
	static const struct client unlimited;
	unsigned n = 0;

	if (m->options->max_per_client == 0 || memcmp(client, &unlimited, sizeof(*client)) == 0)
		return false;
	for (unsigned i = 0; i < m->options->max; i++)
		if (m->slots[i].state == BUSY &&
		    memcmp(&m->slots[i].client, client, sizeof(*client)) == 0)
			n++;
	return n >= m->options->max_per_client;
}

/* A new connection has room for a line; if it has not, the client must do without. */
static void refuse(const struct master *m, struct connection *c)
{
	const char *text = m->options->refusal;

	if (send(c->fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		log_debug("refusal not sent");
	fd_cleanup(&c->fd);
}

/* C, accepted, goes to an idle worker, or waits for the next. */
static void hand_over(struct master *m, struct connection *c)
{
	struct slot *slot;

	while ((slot = find(m, IDLE)) != NULL) {
		if (worker_hand_over(slot->channel, c->listener, c->fd) == 0) {
			slot->client = c->client;
			set_state(m, slot, BUSY);
			fd_cleanup(&c->fd);
			return;
		}
		dismiss(m, slot); /* it has just died, and will be reaped */
	}
	m->waiting = *c;
}

static void hear(struct master *m, struct slot *slot)
{
	char idle;

	must(slot->state != NONE);
	if (recv(slot->channel, &idle, 1, MSG_DONTWAIT) != 1) {
		reap(m, slot);
		return;
	}
	if (slot->state == LEAVING)
		return;
	m->ready_once = true;
	set_state(m, slot, IDLE);
	if (m->waiting.fd >= 0)
		hand_over(m, &m->waiting);
	if (m->count[IDLE] > 2 * m->options->min_idle + IDLE_SPARE)
		dismiss(m, slot);
}

/* What is not the system's lack of something is over with that connection. */
static void accept_failed(struct master *m)
{
	if (errno != EMFILE && errno != ENFILE && errno != ENOBUFS && errno != ENOMEM)
		return;
	log_error("no connection can be taken, tried again shortly: %m");
	m->accept_after_ms = clock_monotonic_ms() + PAUSE_MS;
}

static bool all_busy(const struct master *m)
{
	return m->count[BUSY] == m->options->max;
}

static void take_connection(struct master *m, size_t listener)
{
	struct sockaddr_storage addr = {0};
	socklen_t len = sizeof(addr);
	struct connection c = {.listener = listener};

	if (m->count[IDLE] == 0 && !all_busy(m))
		return; /* another connection of this round took the last one */
	c.fd = accept4(m->listeners[listener].fd, (struct sockaddr *)&addr, &len, SOCK_CLOEXEC);
	if (c.fd < 0) {
		accept_failed(m);
		return;
	}
	c.client = client_of(&addr);
	if (all_busy(m) || has_enough(m, &c.client))
		refuse(m, &c);
	else
		hand_over(m, &c);
}

static void set_listening(struct master *m)
{
	bool want = is_over(&m->accept_after_ms) && (m->count[IDLE] > 0 || all_busy(m));

	if (want == m->listening)
		return;
	for (size_t i = 0; i < m->n; i++)
		must(watch(m, EPOLL_CTL_MOD, m->listeners[i].fd, TAG_FIRST_LISTENER + i,
			   want ? EPOLLIN : 0) == 0);
	m->listening = want;
}

/* --- the loop ----------------------------------------------------------------------------------- */

/* Workers first: one that has become idle may serve a connection of the same round. */
static void heed(struct master *m, const struct epoll_event *events, int n)
{
	for (int i = 0; i < n; i++) {
		uint64_t tag = events[i].data.u64;

		if (tag == TAG_STOP)
			m->stopping = true;
		else if (tag >= TAG_FIRST_LISTENER + m->n)
			hear(m, &m->slots[tag - TAG_FIRST_LISTENER - m->n]);
	}
	for (int i = 0; i < n && !m->stopping; i++) {
		uint64_t tag = events[i].data.u64;

		if (tag >= TAG_FIRST_LISTENER && tag < TAG_FIRST_LISTENER + m->n)
			take_connection(m, tag - TAG_FIRST_LISTENER);
	}
}

/* END_MS 0: as long as it takes. */
static int wait_and_heed(struct master *m, int64_t end_ms, struct err *err)
{
	struct epoll_event events[EVENTS];
	int64_t left_ms = end_ms - clock_monotonic_ms();
	int n = epoll_wait(m->epoll, events, EVENTS,
			   end_ms == 0 ? -1 : (left_ms > 0 ? (int)left_ms : 0));

	if (n < 0 && errno != EINTR)
		return err_errno(err, "epoll: %m");
	heed(m, events, n);
	return 0;
}

static int64_t end_of_pause(const struct master *m)
{
	if (m->fork_after_ms == 0 || m->accept_after_ms == 0)
		return m->fork_after_ms + m->accept_after_ms;
	return m->fork_after_ms < m->accept_after_ms ? m->fork_after_ms : m->accept_after_ms;
}

/* When to wake, if nothing happens; 0: never. */
static int64_t end_of_wait(const struct master *m)
{
	int64_t pause_ms = end_of_pause(m);
	int most_ms = notify_wait_ms(m->ops->is_over != NULL ? LOOK_MS : -1);
	int64_t look_ms = most_ms < 0 ? 0 : clock_monotonic_ms() + most_ms;

	if (pause_ms == 0 || look_ms == 0)
		return pause_ms + look_ms;
	return pause_ms < look_ms ? pause_ms : look_ms;
}

static void look_around(struct master *m)
{
	notify_alive();
	if (m->ops->is_over != NULL && m->ops->is_over(m->ops->arg))
		m->stopping = true;
}

static int run(struct master *m, struct err *err)
{
	while (!m->stopping) {
		if (spawn_wanted(m, err) < 0)
			return -1;
		set_listening(m);
		if (wait_and_heed(m, end_of_wait(m), err) < 0)
			return -1;
		look_around(m);
		if (!m->ready_once && m->count[NONE] == m->options->max)
			return err_set(err, ERR_IO, "no worker stays alive until it is ready");
	}
	return 0;
}

static void stop_listening(const struct master *m)
{
	epoll_ctl(m->epoll, EPOLL_CTL_DEL, m->stop_fd, NULL);
	for (size_t i = 0; i < m->n; i++) {
		epoll_ctl(m->epoll, EPOLL_CTL_DEL, m->listeners[i].fd, NULL);
		shutdown(m->listeners[i].fd, SHUT_RDWR);
	}
}

/* Everybody goes: the idle at once, the busy when they are done, or after the grace time. */
static int stop(struct master *m, struct err *err)
{
	int64_t end_ms = clock_monotonic_ms() + m->options->grace_ms;
	unsigned killed = 0;
	int rc = 0;

	stop_listening(m);
	if (m->waiting.fd >= 0)
		refuse(m, &m->waiting);
	fd_cleanup(&m->stop_pipe[1]);
	for (unsigned i = 0; i < m->options->max; i++)
		if (m->slots[i].state != NONE)
			dismiss(m, &m->slots[i]);
	while (rc == 0 && m->count[LEAVING] > 0 && clock_monotonic_ms() < end_ms)
		rc = wait_and_heed(m, end_ms, err);
	for (unsigned i = 0; i < m->options->max; i++) {
		if (m->slots[i].state == NONE)
			continue;
		killed++;
		reap(m, &m->slots[i]);
	}
	if (killed > 0)
		log_warn("workers killed, their time was over n=%u", killed);
	return rc;
}

static int open_master(struct master *m, struct err *err)
{
	m->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (m->epoll < 0 || pipe2(m->stop_pipe, O_CLOEXEC) < 0 ||
	    watch(m, EPOLL_CTL_ADD, m->stop_fd, TAG_STOP, EPOLLIN) < 0)
		return err_errno(err, "epoll: %m");
	for (size_t i = 0; i < m->n; i++)
		if (watch(m, EPOLL_CTL_ADD, m->listeners[i].fd, TAG_FIRST_LISTENER + i, 0) < 0)
			return err_errno(err, "epoll: %m");
	m->slots = mem_new(m->options->max * sizeof(*m->slots));
	m->count[NONE] = m->options->max;
	return 0;
}

int workers_run(const struct workers_listener *listeners, size_t n, const struct workers_ops *ops,
		const struct workers_options *options, int stop_fd, struct err *err)
{
	struct master m = {.listeners = listeners,
			   .n = n,
			   .ops = ops,
			   .options = options,
			   .stop_fd = stop_fd,
			   .epoll = -1,
			   .waiting = {.fd = -1},
			   .stop_pipe = {-1, -1}};
	struct err stop_err = {0};
	int rc;

	must(options->min_idle > 0 && options->max >= options->min_idle);
	rc = open_master(&m, err);
	if (rc == 0) {
		rc = run(&m, err);
		if (stop(&m, rc < 0 ? &stop_err : err) < 0)
			rc = -1;
	}
	fd_cleanup(&m.epoll);
	fd_cleanup(&m.stop_pipe[0]);
	fd_cleanup(&m.stop_pipe[1]);
	free(m.slots);
	return rc;
}
