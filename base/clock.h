/* SPDX-License-Identifier: GPL-3.0-or-later */
/* clock.h - time. Wall time is seconds or milliseconds since 1970-01-01 00:00 UTC. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include "base/str.h"

#include <stdint.h>

int64_t clock_ms(void);           /* wall time */
int64_t clock_s(void);            /* wall time */
int64_t clock_monotonic_ms(void); /* for durations and deadlines */
int64_t clock_monotonic_us(void); /* for short durations */

/* "2026-11-22T18:00:00Z" (RFC 3339, section 5.6). */
void clock_add_utc(struct str *s, int64_t time_s);

/* "Sun, 22 Nov 2026 18:00:00 +0100", local time (RFC 5322, section 3.3). */
void clock_add_mail_date(struct str *s, int64_t time_s);

/* Seconds of a civil date and time in UTC, or in local time. Out-of-range fields are normalised as by
 * mktime(3), so month 13 is January of the next year. */
int64_t clock_of_utc(int year, int month, int day, int hour, int minute, int second);
int64_t clock_of_local(int year, int month, int day, int hour, int minute, int second);

#endif
