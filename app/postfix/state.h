/* SPDX-License-Identifier: GPL-3.0-or-later */
/* state.h - CONFIG_DIR/sealpost.state: what a Postfix's configuration was before it was hooked, and what it became. Root's alone (0600), replaced whole.
 *
 * A first line "sealpost-postfix 1", then parts: a line with a name and the number of bytes, the bytes, a line feed. Parts: archive (its folder), domain,
 * back (the service behind a filter, may be empty), main.cf-before, master.cf-before, main.cf-after, master.cf-after.
 *
 * It is written before the first file of Postfix's is changed, and removed after the last was put back. So whatever
 * interrupts either: each file is the one before or the one after, unless somebody else changed it.
 */
#ifndef APP_POSTFIX_STATE_H
#define APP_POSTFIX_STATE_H

#include "app/postfix/config.h"

struct hook_state {
	struct str archive, domain, back;
	struct config before, after;
};

struct hook_state *hook_state_new(void);
void hook_state_free(struct hook_state **state);

/* 1, 0 there is none, -1: ERR_DAMAGED, ERR_VERSION, or it cannot be read (ERR_DENIED: not by this user). */
int hook_state_load(const char *config_dir, struct hook_state **state_r, struct err *err);
int hook_state_store(const char *config_dir, const struct hook_state *state, struct err *err);
int hook_state_remove(const char *config_dir, struct err *err); /* none is fine */

/* The file's bytes, and back. */
void hook_state_write(const struct hook_state *state, struct str *out);
int hook_state_parse(struct view text, struct hook_state **state_r, struct err *err);

#endif
