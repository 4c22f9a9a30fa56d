/* SPDX-License-Identifier: GPL-3.0-or-later */
/* child.h - a program of ours does what would take too long here; the request's connection sleeps meanwhile.
 *
 * Secrets go over in the input, never as arguments. The program is ended with its request.
 */
#ifndef UI_BACKEND_CHILD_H
#define UI_BACKEND_CHILD_H

#include "app/task/start.h"
#include "ui-backend/reply.h"

struct child_call {
	const char *name;        /* of the program: "login" is sealpost-login, "" is sealpost */
	const char *const *args; /* NULL behind the last */
	struct view
		input; /* can be read at PROGRAM_FD there, up to its end; 64 KiB at most; empty: nothing is handed over */
	bool by_pipe;      /* else by a socket, which cannot be opened by a name (/dev/fd/3) */
	size_t max_output; /* of its standard output; more is ERR_TOOBIG */
	int timeout_ms;
	/* Work that goes to the background, and is to outlive this server: told to sealpost-starter instead, if there is one (app/task/start.h),
	 * which knows it by NAMED. */
	enum start start;
	struct view named;
};

/* It has ended, with STATUS (an exit status; 128 and the signal that ended it) and this output; or not in time: LATE. Answers as a route's
 * function does. */
typedef int child_fn(struct api_request *r, void *arg, bool late, int status, struct view output,
		     struct err *err);

/* From a route's function: start it, and answer when it has ended. */
int child_run(struct api_request *r, const struct child_call *call, child_fn *then, void *arg,
	      struct err *err);

#endif
