/* SPDX-License-Identifier: GPL-3.0-or-later */
/* log.h - one line an event: a name, then fields. Written once, where the event is handled.
 *
 *     log_info("archived mails=%zu pack=%llu ms=%lld", n, pack, ms);
 *
 * "error" means that somebody must act. Content, subjects, addresses, search words, passwords and
 * keys never appear. Control characters are made harmless.
 *
 * Lines go to standard error. Where that is the journal ($JOURNAL_STREAM, see systemd.exec(5)), they go to its socket instead, with
 * their level as PRIORITY and each field as SEALPOST_FIELD, so that they can be searched by them; and where that cannot be reached, to standard
 * error with "<6>" in front (sd-daemon(3)). The journal notes the time, so no line has one.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/log_settings.h"

void log_set_level(enum log_level level); /* default: LOG_LEVEL_WARN */
enum log_level log_level(void);           /* the one in effect */
void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* This process, and those it forks, speak for WHO, and heed ARCHIVE_DIR/log.conf from now on: with the first event of each second they
 * look whether it has changed. So a level is changed while they run, in all processes of a daemon alike, and without a word to any of them. A file that
 * cannot be read, or has a mistake in it, changes nothing. */
void log_follow(const char *archive_dir, enum log_who who);

/* What the journal is told of one event, as systemd's native protocol has it: "NAME=value" lines. */
void log_add_fields(struct str *out, enum log_level level, const char *archive_dir,
		    const char *identifier, struct view text);
void log_use_journal(const char *socket_path); /* for tests: not copied */

#endif
