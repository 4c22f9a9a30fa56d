/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/intake/fetch/ledger.h"

#include "app/intake/fetch/names.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/ipc.h"

#include <poll.h>

static const uint64_t default_idle_ms = 60 * 1000, default_mail_bytes = 256 << 20,
		      default_folders = 200 * 1000;

struct tasks {
	struct task *v;
	size_t n, cap;
};

struct known {
	uint64_t uidvalidity, uid;
	struct tasks tasks;
};

struct knowns {
	struct known *v;
	size_t n, cap;
};

struct ledger {
	int fd, stop_fd;
	struct arena *arena;
	struct fetch_job job;
	struct names *folders; /* the number of one is its place in state */
	struct knowns state;
	struct names *uidls; /* known ones */
	struct names *kept;  /* the UIDLs of tasks */
	struct names *notes;
	size_t n_tasks, first; /* no folder before FIRST has tasks */
	uint64_t awaited;
	bool started, finished;
	struct str body;
};

void ledger_free(struct ledger **ledger)
{
	struct ledger *l = *ledger;

	if (l == NULL)
		return;
	for (size_t i = 0; i < l->state.n; i++)
		free(l->state.v[i].tasks.v);
	names_free(&l->folders);
	names_free(&l->uidls);
	names_free(&l->kept);
	names_free(&l->notes);
	arena_free(&l->arena);
	str_clear(&l->body);
	free(l);
	*ledger = NULL;
}

/* --- what the parent says --------------------------------------------------------------------- */

static struct known *known_of(struct ledger *l, struct view folder)
{
	size_t i = names_put(l->folders, folder);

	if (i == l->state.n)
		ARENA_PUSH(l->arena, l->state, ((struct known){0}));
	return &l->state.v[i];
}

static void add_task(struct tasks *tasks, const struct task *task)
{
	if (tasks->n == tasks->cap) {
		tasks->cap = tasks->cap == 0 ? 16 : tasks->cap * 2;
		tasks->v = mem_grow(tasks->v, tasks->cap * sizeof(*tasks->v));
	}
	tasks->v[tasks->n++] = *task;
}

static void put_task(struct ledger *l, const struct fetch_which *which, enum fetch_what what)
{
	struct known *known = known_of(l, which->folder);
	size_t place = (size_t)(known - l->state.v);
	struct task task = {.uidvalidity = which->uidvalidity, .uid = which->uid, .what = what};

	if (which->uidl.len > 0)
		task.uidl = names_text(l->kept, names_put(l->kept, which->uidl));
	add_task(&known->tasks, &task);
	l->n_tasks++;
	if (place < l->first)
		l->first = place;
}

static int check_job(const struct fetch_job *job, struct err *err)
{
	if (job->mode == 0 || job->protocol == 0 || job->tls == 0 || job->grant == 0 ||
	    job->port == 0 || job->port > 65535 || job->host.len == 0)
		return err_set(err, ERR_USAGE, "the job is not complete");
	if (job->actions[FETCH_FAILURE].act == FETCH_DELETE)
		return err_set(err, ERR_USAGE, "a mail that failed is never deleted");
	for (size_t i = 0; i < FETCH_OUTCOMES; i++) {
		const struct fetch_action *a = &job->actions[i];

		if ((a->act == FETCH_TAG || a->act == FETCH_MOVE) &&
		    (a->name.len == 0 || job->protocol == FETCH_POP3))
			return err_set(err, ERR_USAGE, "POP3 can only leave or delete a mail");
	}
	return 0;
}

static uint64_t or_default(uint64_t n, uint64_t otherwise)
{
	return n == 0 ? otherwise : n;
}

static int on_job(struct ledger *l, struct view body, struct err *err)
{
	struct fetch_job *job = &l->job;

	if (job->mode != 0)
		return err_set(err, ERR_USAGE, "a second job");
	if (fetch_job_read(arena_view(l->arena, body), job, err) < 0 || check_job(job, err) < 0)
		return -1;
	job->idle_ms = or_default(job->idle_ms, default_idle_ms);
	job->mail_bytes = or_default(job->mail_bytes, default_mail_bytes);
	job->folders_max = or_default(job->folders_max, default_folders);
	return 0;
}

static int on_known(struct ledger *l, struct view body, struct err *err)
{
	struct fetch_known m;
	struct known *known;

	if (fetch_known_read(body, &m, err) < 0)
		return -1;
	if (m.uidl.len > 0) {
		names_put(l->uidls, m.uidl);
		return 0;
	}
	known = known_of(l, m.folder);
	known->uidvalidity = m.uidvalidity;
	known->uid = m.uid;
	return 0;
}

static int on_due(struct ledger *l, struct view body, struct err *err)
{
	struct fetch_due m;

	if (fetch_due_read(body, &m, err) < 0)
		return -1;
	put_task(l, &m.which, m.what);
	return 0;
}

static int on_outcome(struct ledger *l, struct view body, struct err *err)
{
	struct fetch_outcome m;

	if (fetch_outcome_read(body, &m, err) < 0)
		return -1;
	if (l->awaited > 0)
		l->awaited--;
	if (l->job.actions[m.what].act != FETCH_LEAVE)
		put_task(l, &m.which, m.what);
	return 0;
}

static int heed(struct ledger *l, uint32_t type, struct view body, struct err *err)
{
	struct fetch_start start;
	struct fetch_finish finish;

	if (type == FETCH_OUTCOME && l->started)
		return on_outcome(l, body, err);
	if (type == FETCH_FINISH && l->started) {
		l->finished = true;
		return fetch_finish_read(body, &finish, err);
	}
	if (type == FETCH_JOB && !l->started)
		return on_job(l, body, err);
	if (type == FETCH_KNOWN && !l->started)
		return on_known(l, body, err);
	if (type == FETCH_DUE && !l->started)
		return on_due(l, body, err);
	if (type == FETCH_START && !l->started && l->job.mode != 0) {
		l->started = true;
		return fetch_start_read(body, &start, err);
	}
	return err_set(err, ERR_USAGE, "a message that is not expected");
}

/* One message, which is there or on its way. */
static int receive(struct ledger *l, struct err *err)
{
	uint32_t type;
	int rc = ipc_receive(l->fd, -1, &type, &l->body, err);

	if (rc < 0)
		return -1;
	if (rc == 0)
		return err_set(err, ERR_STOPPED, "the program that fetches has ended");
	return heed(l, type, str_view(&l->body), err);
}

/* Wait for EVENTS of the parent's socket: what there is of them, 0 after TIMEOUT_MS. */
static int wait_for(struct ledger *l, short events, int timeout_ms, struct err *err)
{
	struct pollfd fds[2] = {{.fd = l->fd, .events = events},
				{.fd = l->stop_fd, .events = POLLIN}};

	if (poll(fds, 2, timeout_ms) < 0)
		return err_errno(err, "poll: %m");
	if (fds[1].revents != 0)
		return err_set(err, ERR_STOPPED, "fetching was stopped");
	return fds[0].revents;
}

int ledger_open(int fd, int stop_fd, struct ledger **ledger_r, struct err *err)
{
	CLEAN(ledger) l = mem_new(sizeof(*l));

	l->fd = fd;
	l->stop_fd = stop_fd;
	l->arena = arena_new();
	l->folders = names_new();
	l->uidls = names_new();
	l->kept = names_new();
	l->notes = names_new();
	str_init(&l->body);
	while (!l->started) {
		if (wait_for(l, POLLIN, -1, err) < 0 || receive(l, err) < 0)
			return -1;
	}
	*ledger_r = TAKE(l);
	return 0;
}

const struct fetch_job *ledger_job(const struct ledger *l)
{
	return &l->job;
}

bool ledger_has_actions(const struct ledger *l)
{
	for (size_t i = 0; i < FETCH_OUTCOMES; i++) {
		if (l->job.actions[i].act != FETCH_LEAVE)
			return true;
	}
	return false;
}

uint64_t ledger_known_uid(const struct ledger *l, struct view folder, uint64_t uidvalidity)
{
	size_t i;

	if (!names_find(l->folders, folder, &i) || l->state.v[i].uidvalidity != uidvalidity)
		return 0;
	return l->state.v[i].uid;
}

bool ledger_knows_uidl(const struct ledger *l, struct view uidl)
{
	size_t i;

	return names_find(l->uidls, uidl, &i);
}

/* --- waiting ---------------------------------------------------------------------------------- */

int ledger_look(struct ledger *l, struct err *err)
{
	for (;;) {
		int events = wait_for(l, POLLIN, 0, err);

		if (events <= 0)
			return events;
		if (receive(l, err) < 0)
			return -1;
	}
}

int ledger_wait(struct ledger *l, int timeout_ms, struct err *err)
{
	if (l->n_tasks == 0 && !ledger_is_complete(l) && wait_for(l, POLLIN, timeout_ms, err) < 0)
		return -1;
	return ledger_look(l, err) < 0 ? -1 : l->n_tasks > 0;
}

bool ledger_is_complete(const struct ledger *l)
{
	return l->finished || l->awaited == 0 || !ledger_has_actions(l);
}

int ledger_await_all(struct ledger *l, struct err *err)
{
	while (!ledger_is_complete(l)) {
		if (wait_for(l, POLLIN, -1, err) < 0 || receive(l, err) < 0)
			return -1;
	}
	return 0;
}

int ledger_pause(struct ledger *l, int64_t ms, struct err *err)
{
	int64_t end = clock_monotonic_ms() + ms;

	for (int64_t left = ms; left > 0; left = end - clock_monotonic_ms()) {
		int events = wait_for(l, POLLIN, (int)left, err);

		if (events < 0 || (events > 0 && receive(l, err) < 0))
			return -1;
	}
	return 0;
}

/* --- tasks ------------------------------------------------------------------------------------ */

int ledger_folder(struct ledger *l, struct view *folder_r)
{
	while (l->first < l->state.n && l->state.v[l->first].tasks.n == 0)
		l->first++;
	if (l->first == l->state.n)
		return 0;
	*folder_r = names_text(l->folders, l->first);
	return 1;
}

size_t ledger_take(struct ledger *l, struct view folder, struct task **tasks_r)
{
	struct tasks *tasks;
	size_t i, n;

	*tasks_r = NULL;
	if (!names_find(l->folders, folder, &i))
		return 0;
	tasks = &l->state.v[i].tasks;
	*tasks_r = tasks->v;
	n = tasks->n;
	*tasks = (struct tasks){0};
	l->n_tasks -= n;
	return n;
}

/* --- to the parent ---------------------------------------------------------------------------- */

/* A socket that poll() calls writable has room for a small message, so that sending it does not block. */
static int make_room(struct ledger *l, struct err *err)
{
	for (;;) {
		int events = wait_for(l, POLLIN | POLLOUT, -1, err);

		if (events < 0 || ((events & POLLIN) != 0 && receive(l, err) < 0))
			return -1;
		if ((events & POLLIN) == 0)
			return 0; /* room, or an end that sending will tell */
	}
}

/* Whose OUTCOME is awaited from now on (P3). */
static void expect(struct ledger *l, enum fetch_message type, const void *message)
{
	const struct fetch_failed *failed = message;

	if (type == FETCH_MAIL || (type == FETCH_FAILED && !err_retry((enum err_kind)failed->kind)))
		l->awaited++;
}

#define X(NAME, name, number)                                                                      \
	int ledger_send_##name(struct ledger *l, const struct fetch_##name *m, struct err *err)    \
	{                                                                                          \
		if (make_room(l, err) < 0 || fetch_send_##name(l->fd, m, err) < 0)                 \
			return -1;                                                                 \
		expect(l, FETCH_##NAME, m);                                                        \
		return 0;                                                                          \
	}
FETCH_MESSAGES(X)
#undef X

int ledger_acted(struct ledger *l, struct view folder, const struct task *task,
		 const struct err *why, struct err *err)
{
	struct fetch_acted m = {
		.which = {.folder = folder,
			  .uidvalidity = task->uidvalidity,
			  .uid = task->uid,
			  .uidl = task->uidl},
	};

	if (why != NULL) {
		m.kind = why->kind;
		m.text = VIEW(why->text);
	}
	return ledger_send_acted(l, &m, err);
}

int ledger_note(struct ledger *l, const char *text, struct err *err)
{
	size_t i;

	if (names_find(l->notes, VIEW(text), &i))
		return 0;
	names_put(l->notes, VIEW(text));
	return ledger_send_note(l, &(struct fetch_note){.text = VIEW(text)}, err);
}
