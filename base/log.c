/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/log.h"

#include "base/str.h"

#include <stdlib.h>
#include <unistd.h>

static enum log_level threshold = LOG_LEVEL_WARN;

void log_set_level(enum log_level level)
{
	threshold = level;
}

static void write_line(enum log_level level, const char *fmt, va_list ap)
{
	static const char *const names[] = {"error", "warning", "info", "debug"};
	static const char *const priorities[] = {"<3>", "<4>", "<6>", "<7>"};
	CLEAN_STR text = STR_INIT;
	CLEAN_STR line = STR_INIT;

	if (level > threshold)
		return;
	str_addfv(&text, fmt, ap);
	str_adds(&line, getenv("JOURNAL_STREAM") != NULL ? priorities[level] : "");
	str_addf(&line, "sealpost: %s: ", names[level]);
	str_addsafe(&line, str_view(&text), false);
	str_addc(&line, '\n');
	if (write(STDERR_FILENO, line.data, line.len) < 0)
		return; /* nowhere left to tell it */
}

#define LOG_FUNCTION(name, level)                                                                  \
	void name(const char *fmt, ...)                                                            \
	{                                                                                          \
		va_list ap;                                                                        \
                                                                                                   \
		va_start(ap, fmt);                                                                 \
		write_line(level, fmt, ap);                                                        \
		va_end(ap);                                                                        \
	}

LOG_FUNCTION(log_error, LOG_LEVEL_ERROR)
LOG_FUNCTION(log_warn, LOG_LEVEL_WARN)
LOG_FUNCTION(log_info, LOG_LEVEL_INFO)
LOG_FUNCTION(log_debug, LOG_LEVEL_DEBUG)
