/* SPDX-License-Identifier: GPL-3.0-or-later */
/* alarms.h - looking whether all goes on that must not stop unnoticed. `sealpost status`, `status --check` and the end of every job look; a
 * monitoring system asks `status --check`, and whoever has none gets mail (app/watch/tell.h).
 */
#ifndef APP_WATCH_ALARMS_H
#define APP_WATCH_ALARMS_H

#include "app/archive/archive.h"
#include "app/catalog/alarms.h"

/* Name, what is looked at. */
#define ALARMS(X)                                                                                  \
	X(no_mail, "no mail came for longer than usual")                                           \
	X(spool, "mail waits in the spool for too long, or is stuck")                              \
	X(staging, "mail waits in staging for too long; a medium does not answer")                 \
	X(job, "a job failed three times in a row")                                                \
	X(job_late, "a job has not run for longer than its timetable says")                        \
	X(space, "free space for less than 30 days at the present rate")                           \
	X(key_backup, "there is no backup of the archive key")                                     \
	X(timestamp, "timestamps: the authority's certificate ends, or mails wait for too long")   \
	X(certificate, "a TLS certificate of a door ends")                                         \
	X(mail_server, "the mail server is not hooked as it must be")                              \
	X(index, "the search index is behind")                                                     \
	X(log_in, "many log-ins fail")

/* ARCHIVE/alarms.conf */
struct alarm_settings {
	char *mail_to;          /* "": nobody is written to */
	char *mail_from;        /* "": the local mail server's default */
	char *sendmail;         /* /usr/sbin/sendmail */
	uint64_t repeat_hours;  /* an alarm that goes on is told again */
	uint64_t no_mail_hours; /* fixed bound; 0: only what was learned */
	uint64_t spool_minutes, staging_minutes, index_minutes, stamp_days;
	uint64_t space_days, certificate_days;
	uint64_t failed_log_ins; /* 0: no alarm */
};
int alarm_settings_read(const char *archive_dir, struct alarm_settings **settings_r,
			struct err *err);
void alarm_settings_free(struct alarm_settings **settings);
void alarm_settings_table(struct str *out);

/* Look at everything, write the rows, and give them back, the worst first; those that are over in OVER. */
struct alarms {
	struct alarm_row *v, *over;
	size_t n, n_over;
	enum alarm_level worst;
};
int alarms_look(struct archive *a, const struct alarm_settings *settings, int64_t now_s,
		struct arena *arena, struct alarms *alarms_r, struct err *err);

/* "Longer than usual": the longest time without mail in the last four weeks, by half more, and six hours at least; learned by the statistics
 * job, 0 as long as there is less than a week to learn from. */
int alarms_learn(struct archive *a, int64_t now_s, struct err *err);

#endif
