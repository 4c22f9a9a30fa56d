/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hook.h - hooking the archive into a Postfix, taking it out again, and looking whether it is still there.
 *
 * (H1) Postfix never has a configuration that we changed half, and one that `postfix check` refuses is taken back at once.
 * (H2) What was before is on disk before the first change (state.h); so after a crash at any moment hook_enable() or
 *      hook_disable() carries on, and leaves nothing of the other.
 * (H3) Taking out gives back main.cf and master.cf byte for byte, unless somebody changed them since; then what he changed stays.
 * (H4) Nothing is taken out while a copy for the archive is in the queue: it would be lost, and nobody told.
 */
#ifndef APP_POSTFIX_HOOK_H
#define APP_POSTFIX_HOOK_H

#include "app/postfix/config.h"
#include "app/postfix/doors.h"

#define HOOK_DEFAULT_DIR "/etc/postfix"
/* An archive domain that is nobody's, where nobody named one. */
#define HOOK_DEFAULT_DOMAIN "archive.invalid"

struct hook_wish {
	const char *archive_dir; /* absolute */
	const char
		*config_dir; /* absolute; NULL: the one that postfix.conf names, or the default */
	const char *domain;  /* NULL: the one that is set already, or the default */
	const char *back;    /* see struct hook_plan_wish */
	bool dry_run;        /* only tell the difference */
	bool is_patient; /* enable: refuse while the doors do not answer; disable: wait for copies in the queue */
	int wait_ms;
};

struct hook_result {
	bool changed, reloaded;
	bool runs;              /* Postfix does */
	struct str difference;  /* of a dry run */
	struct str domain, dir; /* as used */
};
void hook_result_init(struct hook_result *result);
void hook_result_clear(struct hook_result *result);

/* Root's. ERR_UNSUPPORTED: this Postfix cannot be hooked, and nothing was changed. ERR_OFFLINE: the doors do not answer; their settings are written, Postfix
 * is as it was. */
int hook_enable(const struct hook_wish *wish, struct hook_result *result, struct err *err);
/* Root's. Changed is false where there was no hook. ERR_BUSY: see (H4). */
int hook_disable(const struct hook_wish *wish, struct hook_result *result, struct err *err);

/* What is not as it must be, one sentence each; anybody's. What only root can see, is not looked at by others. ERR_NOTFOUND: this archive is in no Postfix. */
struct hook_drift {
	const char **v;
	size_t n, cap;
};
int hook_check(const struct hook_wish *wish, struct arena *arena, struct hook_drift *drift_r,
	       struct err *err);

#endif
