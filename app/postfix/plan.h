/* SPDX-License-Identifier: GPL-3.0-or-later */
/* plan.h - what a Postfix needs so that the archive gets what it delivers, given what it has.
 *
 * Its design, and why each setting is as it is: package/postfix/README.md. In short: the capture is the first milter of every
 * way in; each recipient gets a copy to copy.invalid; those copies and the archive domain go to the archive's LMTP door. Where a way in hands
 * its mail to a filter behind the queue, its capture is the one that puts the token in a header, copies are made on the way back only,
 * and the binder stands there.
 *
 * What is ours is kept in parameters of our own (sealpost_...), to which somebody's lists get a reference.
 */
#ifndef APP_POSTFIX_PLAN_H
#define APP_POSTFIX_PLAN_H

#include "app/postfix/reading.h"

#define COPY_DOMAIN "copy.invalid"
/* Where a test mail goes: nowhere. */
#define TEST_DOMAIN "sealpost-test.invalid"
#define COPIES_FILE "archive_bcc" /* beside main.cf */

struct hook_edit {
	const char *
		service; /* NULL: main.cf; with name NULL: the whole service, as a line of master.cf */
	const char *name;
	const char *value;
	const char *without; /* what it means for the mail if it is not so; a sentence */
};

struct hook_plan {
	struct {
		struct hook_edit *v;
		size_t n, cap;
	} edits;
	bool captures, captures_filtered; /* the sockets that are needed */
	const char *copies;               /* what the file of that name holds */
};

struct hook_plan_wish {
	const char *domain; /* of the archive */
	const char *
		back; /* the service that takes mail back from a filter, "127.0.0.1:10025/inet"; NULL: found out */
};

/* Lower case, letters, digits, dashes and dots. */
bool hook_is_domain(const char *text);

/* READING is that of a Postfix without anything of ours. ERR_UNSUPPORTED: something is there with which mail would be lost or archived wrongly; the text
 * tells what, and what to do. */
int hook_plan_make(const struct postfix_reading *reading, const struct hook_plan_wish *wish,
		   struct arena *arena, struct hook_plan *plan_r, struct err *err);

#endif
