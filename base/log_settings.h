/* SPDX-License-Identifier: GPL-3.0-or-later */
/* log_settings.h - ARCHIVE/log.conf: how much each daemon logs. It is looked at while they run (log_follow()). */
#ifndef BASE_LOG_SETTINGS_H
#define BASE_LOG_SETTINGS_H

#include "base/err.h"
#include "base/str.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };
/* As the command line that started it says: --verbose, --quiet. */
enum { LOG_LEVEL_STARTED = LOG_LEVEL_DEBUG + 1, LOG_LEVELS };

const char *log_level_text(int level); /* "started", "error", "warning", "info", "debug" */
int log_level_read(const char *text);  /* -1: it is none of them */

/* name in log.conf, its identifier in the journal, what it is */
#define LOG_WHO(X)                                                                                 \
	X(archiver, "sealpost-archiver", "what takes mail from the spool into the archive")        \
	X(shipper, "sealpost-shipper", "what carries packs to their media")                        \
	X(scheduler, "sealpost-scheduler", "what starts the timetable's jobs")                     \
	X(api, "sealpost-api", "what answers the page, all of its workers")                        \
	X(smtpd, "sealpost-smtpd", "the SMTP and LMTP door, all of its workers")                   \
	X(milter, "sealpost-milter", "the door of the mail server's filters")                      \
	X(starter, "sealpost-starter", "what starts long work that people order")                  \
	X(task, "sealpost-task", "long work that people ordered")                                  \
	X(command, "sealpost", "the command line, and the jobs that the scheduler starts")

enum log_who {
#define X(name, identifier, help) LOG_WHO_##name,
	LOG_WHO(X)
#undef X
		LOG_WHO_COUNT
};
const char *log_who_text(enum log_who who);
const char *log_who_identifier(enum log_who who);
int log_who_read(const char *text, enum log_who *who_r); /* 0, -1 there is nobody of that name */

struct log_settings {
	int level[LOG_WHO_COUNT];
};
void log_settings_path(const char *archive_dir, struct str *path);
/* A missing file is LOG_LEVEL_STARTED for all. */
int log_settings_read(const char *path, struct log_settings *settings_r, struct err *err);
/* Anybody may read the file: the doors are other users than the archive's, and it tells nothing. */
int log_settings_write(const char *path, const struct log_settings *settings, struct err *err);
void log_settings_table(struct str *out); /* see conf_table() */

#endif
