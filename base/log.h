/* SPDX-License-Identifier: GPL-3.0-or-later */
/* log.h - one line an event: a name, then fields. Written once, where the event is handled.
 *
 *     log_info("archived mails=%zu pack=%llu ms=%lld", n, pack, ms);
 *
 * "error" means that somebody must act. Content, subjects, addresses, search words, passwords and
 * keys never appear. Lines go to standard error, with a systemd priority in front where standard
 * error is the journal; control characters are made harmless.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

void log_set_level(enum log_level level); /* default: LOG_LEVEL_WARN */
void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
