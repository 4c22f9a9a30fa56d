/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hook_priv.h - one Postfix and one archive, while something is done with them. */
#ifndef APP_POSTFIX_HOOK_PRIV_H
#define APP_POSTFIX_HOOK_PRIV_H

#include "app/postfix/hook.h"
#include "app/postfix/state.h"

struct hooking {
	const struct hook_wish *wish;
	struct arena *arena;
	const char *dir; /* of main.cf */
	bool is_told;    /* which Postfix it is */
	const char *domain, *back;
	struct hook_state *state; /* NULL: it is not hooked, or this user cannot read it */
	struct config now;
	struct postfix_reading reading; /* of NOW */
	struct hook_plan plan;
	int lock;
};

/* Which Postfix, its files, what they say, and the state. TO_CHANGE: as root, and as the only one until H is cleared. */
int hooking_begin(struct hooking *h, const struct hook_wish *wish, bool to_change, struct err *err);
void hooking_clear(struct hooking *h);
#define CLEAN_HOOKING __attribute__((cleanup(hooking_clear))) struct hooking
/* The doors that PLAN needs beside this Postfix; they live as long as H. */
struct doors hooking_doors(const struct hooking *h);
/* Fill in the plan for a configuration without ours. */
int hooking_plan(struct hooking *h, const struct config *bare, struct err *err);

/* Does a table of transport_maps (of NOW) answer for every address, and so for the archive's? ERR_UNSUPPORTED. */
int hooking_check_routes(struct hooking *h, struct err *err);
/* Is its master running? */
bool hooking_runs(const struct hooking *h);
/* What a configuration lacks of PLAN, a sentence each. */
void hooking_compare(struct hooking *h, const struct postfix_reading *now,
		     struct hook_drift *drift);

#endif
