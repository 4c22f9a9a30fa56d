/* SPDX-License-Identifier: GPL-3.0-or-later */
/* spool_priv.h - the insides of struct spool, for the files of this folder. */
#ifndef APP_INTAKE_SPOOL_PRIV_H
#define APP_INTAKE_SPOOL_PRIV_H

#include "app/intake/spool.h"

#define STATES (SPOOL_STUCK + 1)

struct spool {
	char *dirs[STATES];
	char *queue_dir; /* notes of queue ids */
	struct public_key to;
	uint64_t reserve_bytes;
	int watch_fd; /* -1: nobody watches */
};

/* An entry's file is gone; its folder is not synced. ERR_NOTFOUND if it is not in this state. */
int spool_remove_file(struct spool *spool, enum spool_state state, const struct uuid *id,
		      struct err *err);

#endif
