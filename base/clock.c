/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/clock.h"

#include "base/err.h"

#include <time.h>

static int64_t now_ms(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t clock_ms(void)
{
	return now_ms(CLOCK_REALTIME);
}

int64_t clock_s(void)
{
	return clock_ms() / 1000;
}

int64_t clock_monotonic_us(void)
{
	struct timespec t;

	must(clock_gettime(CLOCK_MONOTONIC, &t) == 0);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t clock_monotonic_ms(void)
{
	return now_ms(CLOCK_MONOTONIC);
}

void clock_add_utc(struct str *s, int64_t time_s)
{
	time_t t = (time_t)time_s;
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL) {
		str_adds(s, "-");
		return;
	}
	str_addf(s, "%04d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
		 tm.tm_hour, tm.tm_min, tm.tm_sec);
}

void clock_add_mail_date(struct str *s, int64_t time_s)
{
	time_t t = (time_t)time_s;
	struct tm tm;
	char text[64];

	must(localtime_r(&t, &tm) != NULL);
	must(strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S %z", &tm) > 0);
	str_adds(s, text);
}

int64_t clock_of_utc(int year, int month, int day, int hour, int minute, int second)
{
	struct tm tm = {.tm_year = year - 1900,
			.tm_mon = month - 1,
			.tm_mday = day,
			.tm_hour = hour,
			.tm_min = minute,
			.tm_sec = second};

	return timegm(&tm);
}

int64_t clock_of_local(int year, int month, int day, int hour, int minute, int second)
{
	struct tm tm = {.tm_year = year - 1900,
			.tm_mon = month - 1,
			.tm_mday = day,
			.tm_hour = hour,
			.tm_min = minute,
			.tm_sec = second,
			.tm_isdst = -1};

	return mktime(&tm);
}
