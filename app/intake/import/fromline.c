/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/intake/import/mbox.h"

#include "base/clock.h"

#include <ctype.h>

#define LINE_MAX_BYTES 1000
#define ZONES_MAX 2

struct date {
	int year, month, day;
	int hour, minute, second;
	int zones;
	int offset_s; /* of the numeric zone */
	bool has_time;
};

/* The next word of *REST; false at the end. */
static bool cut_word(struct view *rest, struct view *word_r)
{
	while (view_cut(rest, ' ', word_r))
		if (word_r->len > 0)
			return true;
	return false;
}

/* One of the three-letter NAMES ("JanFebMar..."): its number from 1, else 0. */
static int name_number(struct view word, const char *names)
{
	for (int i = 0; names[3 * i] != '\0'; i++)
		if (word.len == 3 && memcmp(word.data, names + (size_t)3 * (size_t)i, 3) == 0)
			return i + 1;
	return 0;
}

/* The number that WORD is, if it has MIN to MAX digits and nothing else; else -1. */
static int number(struct view word, size_t min, size_t max)
{
	int n = 0;

	if (word.len < min || word.len > max)
		return -1;
	for (size_t i = 0; i < word.len; i++) {
		if (!isdigit((unsigned char)word.data[i]))
			return -1;
		n = 10 * n + (word.data[i] - '0');
	}
	return n;
}

/* "Jan 5" or "5 Jan" */
static bool parse_day(struct view a, struct view b, struct date *date)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	date->month = name_number(a, months);
	date->day = number(b, 1, 2);
	if (date->month == 0) {
		date->month = name_number(b, months);
		date->day = number(a, 1, 2);
	}
	return date->month > 0 && date->day >= 1 && date->day <= 31;
}

/* "13:34" or "13:34:05" */
static bool parse_time(struct view word, struct date *date)
{
	struct view rest = word, part;
	int n[3] = {0, 0, 0};
	int parts = 0;

	while (view_cut(&rest, ':', &part)) {
		if (parts == 3)
			return false;
		n[parts] = number(part, parts == 0 ? 1 : 2, 2);
		if (n[parts++] < 0)
			return false;
	}
	if (parts < 2 || n[0] > 23 || n[1] > 59 || n[2] > 60)
		return false;
	date->hour = n[0];
	date->minute = n[1];
	date->second = n[2];
	date->has_time = true;
	return true;
}

static bool parse_year(struct view word, struct date *date)
{
	int year = number(word, 4, 4);

	if (year < 0) {
		year = number(word, 2, 2);
		if (year >= 0)
			year += year < 70 ? 2000 : 1900;
	}
	if (year < 1970 || year >= 2200)
		return false;
	date->year = year;
	return true;
}

/* "+0200", "EDT", "(CEST)". Lower case is none, so that the words of a sentence are no zones. */
static bool parse_zone(struct view word, struct date *date)
{
	if (word.len == 5 && (word.data[0] == '+' || word.data[0] == '-')) {
		int n = number((struct view){word.data + 1, 4}, 4, 4);

		date->offset_s = (n / 100 * 60 + n % 100) * (word.data[0] == '-' ? -60 : 60);
		return n >= 0;
	}
	if (word.len > 2 && word.data[0] == '(' && word.data[word.len - 1] == ')')
		word = (struct view){word.data + 1, word.len - 2};
	for (size_t i = 0; i < word.len; i++)
		if (!isupper((unsigned char)word.data[i]))
			return false;
	return word.len <= 8;
}

/* What follows the weekday, up to the end of the line or to UUCP's "remote from HOST". */
static bool parse_date(struct view rest, struct date *date)
{
	struct view a, b, word;

	*date = (struct date){0};
	if (!cut_word(&rest, &a) || !cut_word(&rest, &b) || !parse_day(a, b, date))
		return false;
	while (cut_word(&rest, &word)) {
		if (date->has_time && date->year > 0 && view_eq(word, VIEW("remote")))
			break;
		if (!date->has_time && parse_time(word, date))
			continue;
		if (date->year == 0 && parse_year(word, date))
			continue;
		if (!date->has_time || ++date->zones > ZONES_MAX || !parse_zone(word, date))
			return false;
	}
	return date->has_time && date->year > 0;
}

bool mbox_is_from_line(struct view line, int64_t *time_s_r)
{
	static const char weekdays[] = "MonTueWedThuFriSatSun";
	struct view word;
	struct date date;

	*time_s_r = 0;
	if (!view_starts(line, "From ") || line.len > LINE_MAX_BYTES)
		return false;
	line = view_trim(line);
	while (cut_word(&line, &word)) {
		if (word.len == 4 && word.data[3] == ',')
			word.len = 3;
		if (name_number(word, weekdays) == 0 || !parse_date(line, &date))
			continue;
		*time_s_r = clock_of_utc(date.year, date.month, date.day, date.hour, date.minute,
					 date.second) -
			    date.offset_s;
		return true;
	}
	return false;
}

bool mbox_is_field(struct view line)
{
	size_t i = 0;

	while (i < line.len && line.data[i] > ' ' && line.data[i] < 0x7f && line.data[i] != ':')
		i++;
	return i > 0 && i < line.len && line.data[i] == ':';
}
