/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scheduler.h - an archive's timetable at work. Who calls says what time it is, so that tests need not wait.
 *
 * (SC1) One scheduler an archive: ARCHIVE/lock/scheduler.
 * (SC2) ARCHIVE/timetable.state says up to when the minutes were dealt with: "OFTEN DAILY\n" (struct timetable_state), seconds since
 *       1970. It is written before what is due begins, so that a machine that dies of a job does not die of it again and again; and every
 *       SCHEDULER_SAVE_S. One that is damaged is told, and all begins anew.
 * (SC3) ARCHIVE/timetable.conf is read again when it has changed. While it has a mistake, that is told, once, and the settings before stay.
 */
#ifndef SCHEDULER_SCHEDULER_H
#define SCHEDULER_SCHEDULER_H

#include "scheduler/runner.h"

enum { SCHEDULER_SAVE_S = 10 * 60 };

struct scheduler;
/* ERR_BUSY: another one is at work there. ERR_SYNTAX: a mistake in the settings. */
int scheduler_open(const char *archive_dir, struct scheduler **scheduler_r, struct err *err);
void scheduler_free(struct scheduler **scheduler);

/* Deal with the minutes up to NOW_S, and look after the runs. What goes wrong is told, and does not end it. */
void scheduler_step(struct scheduler *s, int64_t now_s, int64_t now_ms);
/* Look after the runs alone. */
void scheduler_watch(struct scheduler *s, int64_t now_ms);
/* End what runs, and write the state. */
void scheduler_stop(struct scheduler *s);

const struct runner *scheduler_runner(const struct scheduler *s);

#endif
