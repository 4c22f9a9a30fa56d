/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the administrator orders is a verb of sealpost's own, in a process of its own; the last line that it prints tells what came of it. */
#include "app/catalog/audit.h"
#include "app/task/work.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

enum { ARGS_MAX = 12, PIECE = 4096, LINE_MAX = 1000, GRACE_MS = 30 * 1000, REFUSED = 3 };

struct running {
	pid_t pid;
	int out;                /* what it prints, on either */
	struct str line, begun; /* the last whole one that says anything, and the one at hand */
};

/* ---- the verb ---- */

static void args_of(struct work *w, const char **args)
{
	static const char *const verbs[][3] = {
		[TASK_UPDATE_INDEX] = {"index", "update"},
		[TASK_VERIFY] = {"verify", "--all"},
		[TASK_DRILL] = {"restore", "--drill"},
		[TASK_MIRROR] = {"backup", "mirror", "--now"},
		[TASK_BACKUP] = {"backup", "full"},
	};
	const struct task_order *o = &w->order;
	size_t n = 2;

	args[0] = "--archive";
	args[1] = archive_dir(w->a);
	if (o->kind != TASK_IMPORT) {
		for (size_t i = 0; i < 3; i++)
			args[n++] = verbs[o->kind][i];
	} else if (o->account.len > 0) {
		args[n++] = "fetch";
		args[n++] = "run";
		args[n++] = o->account.data;
		args[n++] = "--once";
	} else {
		args[n++] = "import";
		if (o->source_name.len > 0) {
			args[n++] = "--source";
			args[n++] = o->source_name.data;
		}
		args[n++] = o->location.data;
	}
	args[n] = NULL;
}

static int start(struct work *w, struct running *r, struct err *err)
{
	const char *args[ARGS_MAX];
	int out[2];
	int rc;

	args_of(w, args);
	if (pipe2(out, O_CLOEXEC) < 0)
		return err_errno(err, "pipe: %m");
	rc = program_start_with("", args, &(struct program_fds){-1, out[1], out[1]}, &r->pid, err);
	close(out[1]);
	r->out = out[0];
	return rc;
}

/* ---- what it says ---- */

static void take_line(struct running *r)
{
	if (r->begun.len > 0) {
		str_reset(&r->line);
		str_addv(&r->line, str_view(&r->begun));
	}
	str_reset(&r->begun);
}

static void take(struct running *r, const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (data[i] == '\n')
			take_line(r);
		else if (r->begun.len < LINE_MAX)
			str_addc(&r->begun, data[i]);
}

/* 1 it goes on, 0 it has closed its output. */
static int listen_to(struct work *w, struct running *r, struct err *err)
{
	struct pollfd p[] = {{.fd = r->out, .events = POLLIN},
			     {.fd = w->stop_fd, .events = POLLIN}};
	char piece[PIECE];
	ssize_t n;

	if (poll(p, 2, WORK_TELL_MS) < 0 && errno != EINTR)
		return err_errno(err, "poll: %m");
	if (work_tell(w, err) < 0 || work_is_cut_off(w, err) < 0)
		return -1;
	if (!(p[0].revents & (POLLIN | POLLHUP)))
		return 1;
	n = read(r->out, piece, sizeof(piece));
	if (n > 0)
		take(r, piece, (size_t)n);
	return n > 0 || (n < 0 && errno == EINTR);
}

/* ---- the whole ---- */

static int wait_for(struct work *w, struct running *r, struct err *err)
{
	struct err ended = {0};
	int rc;

	while ((rc = listen_to(w, r, err)) > 0)
		;
	if (rc < 0) {
		program_stop(r->pid, "sealpost", GRACE_MS, &ended);
		return -1;
	}
	take_line(r);
	rc = program_wait_status(r->pid, "sealpost", err);
	if (rc == 0 || rc == REFUSED)
		return 0;
	if (rc > 0 && work_is_cut_off(w, err) < 0) /* both got the signal */
		return -1;
	return rc < 0 ? -1 : err_set(err, ERR_IO, "%s", r->line.data);
}

int work_program(struct work *w, struct err *err)
{
	struct running r = {.out = -1, .line = STR_INIT, .begun = STR_INIT};
	int rc = audit_add(archive_catalog(w->a), AUDIT_TASK, VIEW(task_kind_name(w->order.kind)),
			   VIEW(""), err);

	if (rc == 0)
		rc = start(w, &r, err);
	if (rc == 0)
		rc = wait_for(w, &r, err);
	if (rc == 0)
		str_addsafe(&w->text, str_view(&r.line), false);
	fd_cleanup(&r.out);
	str_clear(&r.line);
	str_clear(&r.begun);
	return rc;
}
