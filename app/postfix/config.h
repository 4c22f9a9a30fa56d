/* SPDX-License-Identifier: GPL-3.0-or-later */
/* config.h - the two files of a Postfix's configuration as they are, byte for byte, and a scratch folder in which postconf(1) changes
 * copies of them, so that nobody ever sees a file half changed. */
#ifndef APP_POSTFIX_CONFIG_H
#define APP_POSTFIX_CONFIG_H

#include "app/postfix/plan.h"

#include <sys/types.h>

struct config {
	struct str main, master;
};

void config_init(struct config *config);
void config_clear(struct config *config);
#define CLEAN_CONFIG __attribute__((cleanup(config_clear))) struct config
void config_copy(struct config *to, const struct config *from);
bool config_eq(const struct config *a, const struct config *b);

/* A file at PATH with this content and these rights, whole or not at all, and durable. What a crash leaves is FOLDER/sealpost.new,
 * which the next call replaces, and config_sweep() takes away. */
int config_place(const char *path, mode_t mode, struct view content, struct err *err);
void config_sweep(const char *dir);

int config_load(const char *dir, struct config *config, struct err *err);
/* Put those files in place of what is there: each whole or not at all, and durable; master.cf first. Owner, rights and a symbolic link stay. What is the same
 * already is left alone. */
int config_store(const char *dir, const struct config *config, struct err *err);

/* What CONFIG says. */
int config_read(const struct config *config, struct arena *arena, struct postfix_reading *reading_r,
		struct err *err);
/* CONFIG as PLAN wants it. */
int config_apply(struct config *config, const struct hook_plan *plan, struct err *err);

/* CONFIG without what is ours. BEFORE and AFTER (NULL: not known) are what it was when that was put in: a file that nobody touched since
 * becomes what it was, byte for byte. */
int config_take_out(struct config *config, const struct config *before, const struct config *after,
		    struct err *err);
/* CONFIG with nothing captured and nothing copied any more, while what is on its way to the archive still gets there. */
int config_let_run_dry(struct config *config, struct err *err);

#endif
