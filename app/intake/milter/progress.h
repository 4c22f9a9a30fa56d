/* SPDX-License-Identifier: GPL-3.0-or-later */
/* progress.h - tells the mail server that a mail which takes long to reach the disk is not forgotten, so that
 * it goes on waiting past its timeout. */
#ifndef APP_INTAKE_MILTER_PROGRESS_H
#define APP_INTAKE_MILTER_PROGRESS_H

#include "base/err.h"

#include <libmilter/mfapi.h>

/* Once a process, before the first session. */
int progress_start(struct err *err);

/* One mail that is being written; on the stack of its session, which may not use CTX between begin and
 * end. */
struct progress {
	SMFICTX *ctx;
	bool seen; /* it was there at the tick before */
	struct progress *next, *prev;
};
void progress_begin(struct progress *p, SMFICTX *ctx);
void progress_end(struct progress *p);

#endif
