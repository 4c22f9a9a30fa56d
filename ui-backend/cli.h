/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cli.h - what would take too long here is done by the command line's verb, in a process of its own (child.h). */
#ifndef UI_BACKEND_CLI_H
#define UI_BACKEND_CLI_H

#include "ui-backend/child.h"

/* The file that a verb reads what was handed to it from: as --password-file and the like. Nothing of it stands on the command line. */
#define CLI_HANDED "/dev/fd/3"

enum { CLI_ARGS_MAX = 14 };

/* OUTPUT is what it printed, on standard output; that of one that failed has become ERR, whose kind and words are the verb's. Answers as a
 * route's function does. */
typedef int cli_fn(struct api_request *r, void *arg, struct view output, struct err *err);

struct cli {
	const char *args[CLI_ARGS_MAX]; /* the verb and its arguments; NULL behind the last */
	struct view handed;             /* one line; empty: none */
	int timeout_ms;
	cli_fn *then;
	cli_fn *failed; /* NULL: the error is the answer */
	void *arg;
};
/* From a route's function. */
int cli_run(struct api_request *r, const struct cli *cli, struct err *err);

/* Tested in openapi.yaml: ERR is what was found, and its kind ERR_NONE that all is well, as TEXT says. */
int reply_tested(struct api_request *r, const struct err *found, const char *text);

#endif
