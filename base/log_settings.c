/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/log_settings.h"

#include "base/conf.h"
#include "base/file.h"

#include <sys/stat.h>

static const char *const level_words[] = {"started", "error", "warning", "info", "debug", NULL};

static const struct {
	const char *name, *identifier, *help;
} whos[] = {
#define X(name, identifier, help) {#name, identifier, help},
	LOG_WHO(X)
#undef X
};

/* In the words, "started" comes first: it is the default. */
static int level_of(size_t chosen)
{
	return chosen == 0 ? LOG_LEVEL_STARTED : (int)chosen - 1;
}

static size_t chosen_of(int level)
{
	return level == LOG_LEVEL_STARTED ? 0 : (size_t)level + 1;
}

const char *log_level_text(int level)
{
	must(level >= 0 && level < LOG_LEVELS);
	return level_words[chosen_of(level)];
}

int log_level_read(const char *text)
{
	for (size_t i = 0; level_words[i] != NULL; i++)
		if (strcmp(level_words[i], text) == 0)
			return level_of(i);
	return -1;
}

const char *log_who_text(enum log_who who)
{
	return whos[who].name;
}

const char *log_who_identifier(enum log_who who)
{
	return whos[who].identifier;
}

int log_who_read(const char *text, enum log_who *who_r)
{
	for (*who_r = 0; *who_r < LOG_WHO_COUNT; ++*who_r)
		if (strcmp(whos[*who_r].name, text) == 0)
			return 0;
	return -1;
}

void log_settings_path(const char *archive_dir, struct str *path)
{
	str_addf(path, "%s/log.conf", archive_dir);
}

static void list_rows(struct conf_choice choices[LOG_WHO_COUNT],
		      struct conf_row rows[LOG_WHO_COUNT])
{
	for (enum log_who who = 0; who < LOG_WHO_COUNT; who++) {
		choices[who] = (struct conf_choice){.words = level_words};
		rows[who] = (struct conf_row){.name = whos[who].name,
					      .value = &choices[who],
					      .doc = whos[who].help,
					      .kind = CONF_CHOICE};
	}
}

int log_settings_read(const char *path, struct log_settings *settings_r, struct err *err)
{
	struct conf_choice choices[LOG_WHO_COUNT];
	struct conf_row rows[LOG_WHO_COUNT];

	list_rows(choices, rows);
	if (conf_read(path, rows, LOG_WHO_COUNT, err) < 0)
		return -1;
	for (enum log_who who = 0; who < LOG_WHO_COUNT; who++)
		settings_r->level[who] = level_of(choices[who].chosen);
	return 0;
}

int log_settings_write(const char *path, const struct log_settings *settings, struct err *err)
{
	CLEAN_STR text = STR_INIT;

	str_adds(&text, "# How much each daemon logs: sealpost log list\n");
	for (enum log_who who = 0; who < LOG_WHO_COUNT; who++)
		str_addf(&text, "%s = %s\n", whos[who].name, log_level_text(settings->level[who]));
	if (file_replace(path, 0644, str_view(&text), err) < 0)
		return -1;
	/* whatever the umask of who sets it */
	return chmod(path, 0644) < 0 ? err_errno(err, "%s: %m", path) : 0;
}

void log_settings_table(struct str *out)
{
	struct conf_choice choices[LOG_WHO_COUNT];
	struct conf_row rows[LOG_WHO_COUNT];

	list_rows(choices, rows);
	conf_table(rows, LOG_WHO_COUNT, out);
}
