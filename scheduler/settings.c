/* SPDX-License-Identifier: GPL-3.0-or-later */
/* settings - timetable.conf. */
#include "base/conf.h"
#include "base/file.h"
#include "scheduler/timetable.h"

static const char *const full_words[] = {"daily", "weekly", NULL};
static const enum rhythm full_rhythms[] = {RHYTHM_DAILY, RHYTHM_WEEKLY};
static const char *const incremental_words[] = {"hourly", "daily", NULL};
static const enum rhythm incremental_rhythms[] = {RHYTHM_HOURLY, RHYTHM_DAILY};

/* As the file has them. */
struct file {
	struct conf_choice backup_full, backup, stamp;
	bool fetch;
	bool paused[JOB_COUNT];
};
enum { ROWS = 4 + JOB_COUNT };

static size_t place_of(enum rhythm rhythm, const enum rhythm *rhythms)
{
	return rhythm == rhythms[0] ? 0 : 1;
}

static struct file to_file(const struct timetable_settings *settings)
{
	struct file f = {
		.backup_full = {full_words, place_of(settings->backup_full, full_rhythms)},
		.backup = {incremental_words, place_of(settings->backup, incremental_rhythms)},
		.stamp = {full_words, place_of(settings->stamp, full_rhythms)},
		.fetch = settings->fetch,
	};

	memcpy(f.paused, settings->paused, sizeof(f.paused));
	return f;
}

static struct timetable_settings from_file(const struct file *f)
{
	struct timetable_settings settings = {
		.backup_full = full_rhythms[f->backup_full.chosen],
		.backup = incremental_rhythms[f->backup.chosen],
		.stamp = full_rhythms[f->stamp.chosen],
		.fetch = f->fetch,
	};

	memcpy(settings.paused, f->paused, sizeof(settings.paused));
	return settings;
}

static void list_rows(struct file *f, struct conf_row rows[ROWS])
{
	const struct conf_row list[ROWS] = {
		{"backup_full", &f->backup_full, 0, 0,
		 "full backup and mirror: every day at 01:12, or on Sundays", CONF_CHOICE},
		{"backup", &f->backup, 0, 0,
		 "incremental backup and mirror: every hour, or at 01:12 on days without a full "
		 "one",
		 CONF_CHOICE},
		{"stamp", &f->stamp, 0, 0, "timestamps: every day at 23:57, or on Sundays",
		 CONF_CHOICE},
		{"fetch", &f->fetch, 0, 0, "fetch mail from POP3 / IMAP4 servers", CONF_SWITCH},
#define X(job, name, lock, limit_s, help)                                                          \
	{"pause_" name, &f->paused[JOB_##job], 0, 0, "does not run: " help, CONF_SWITCH},
		JOBS(X)
#undef X
	};

	memcpy(rows, list, sizeof(list));
}

struct timetable_settings timetable_defaults(void)
{
	return (struct timetable_settings){.backup_full = RHYTHM_DAILY,
					   .backup = RHYTHM_HOURLY,
					   .stamp = RHYTHM_DAILY,
					   .fetch = true};
}

int timetable_settings_read(const char *path, struct timetable_settings *settings_r,
			    struct err *err)
{
	const struct timetable_settings defaults = timetable_defaults();
	struct file f = to_file(&defaults);
	struct conf_row rows[ROWS];

	list_rows(&f, rows);
	if (conf_read(path, rows, ROWS, err) < 0)
		return -1;
	*settings_r = from_file(&f);
	return 0;
}

static void add_line(const struct conf_row *row, struct str *text)
{
	const struct conf_choice *choice = row->value;

	str_addf(text, "%s = ", row->name);
	if (row->kind == CONF_CHOICE)
		str_adds(text, choice->words[choice->chosen]);
	else
		str_adds(text, *(const bool *)row->value ? "yes" : "no");
	str_addc(text, '\n');
}

int timetable_settings_write(const char *path, const struct timetable_settings *settings,
			     struct err *err)
{
	CLEAN_STR text = STR_INIT;
	struct file f = to_file(settings);
	struct conf_row rows[ROWS];

	list_rows(&f, rows);
	str_adds(&text, "# What the archive does by itself, and when: sealpost job list\n");
	for (size_t i = 0; i < ROWS; i++)
		add_line(&rows[i], &text);
	return file_replace(path, 0644, str_view(&text), err);
}

void timetable_settings_table(struct str *out)
{
	const struct timetable_settings defaults = timetable_defaults();
	struct file f = to_file(&defaults);
	struct conf_row rows[ROWS];

	list_rows(&f, rows);
	conf_table(rows, ROWS, out);
}

/* ---- one choice ---- */

static const char *const rhythm_words[] = {
	[RHYTHM_HOURLY] = "hourly", [RHYTHM_DAILY] = "daily", [RHYTHM_WEEKLY] = "weekly"};
static const char *const switch_words[] = {"on", "off", NULL};

const char *const *timetable_rhythms(enum job job)
{
	switch (job) {
	case JOB_BACKUP:
		return incremental_words;
	case JOB_BACKUP_FULL:
	case JOB_STAMP:
		return full_words;
	case JOB_FETCH:
		return switch_words;
	default:
		return NULL;
	}
}

const char *timetable_rhythm(const struct timetable_settings *settings, enum job job)
{
	switch (job) {
	case JOB_BACKUP:
		return rhythm_words[settings->backup];
	case JOB_BACKUP_FULL:
		return rhythm_words[settings->backup_full];
	case JOB_STAMP:
		return rhythm_words[settings->stamp];
	default:
		return switch_words[settings->fetch ? 0 : 1];
	}
}

static enum rhythm rhythm_of(const char *word)
{
	enum rhythm rhythm = RHYTHM_HOURLY;

	while (rhythm < RHYTHM_WEEKLY && strcmp(rhythm_words[rhythm], word) != 0)
		rhythm++;
	return rhythm;
}

int timetable_choose(struct timetable_settings *settings, enum job job, const char *word)
{
	const char *const *words = timetable_rhythms(job);

	while (words != NULL && *words != NULL && strcmp(*words, word) != 0)
		words++;
	if (words == NULL || *words == NULL)
		return -1;
	if (job == JOB_BACKUP)
		settings->backup = rhythm_of(word);
	else if (job == JOB_BACKUP_FULL)
		settings->backup_full = rhythm_of(word);
	else if (job == JOB_STAMP)
		settings->stamp = rhythm_of(word);
	else
		settings->fetch = strcmp(word, "on") == 0;
	return 0;
}
