/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/log.h"

#include "base/clock.h"
#include "base/file.h"

#include <ctype.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { LOOK_MS = 1000, NAME_MAX_BYTES = 32, FIELDS_MAX = 24 };

static const int priorities[] = {3, 4, 6, 7}; /* RFC 5424, section 6.2.1 */

/* As the command line said, and what is in effect. */
static _Atomic int started = LOG_LEVEL_WARN, threshold = LOG_LEVEL_WARN;
static const char *journal_socket = "/run/systemd/journal/socket";

/* Set once, before there are threads. */
static struct {
	char *dir, *path; /* NULL: nothing is followed */
	enum log_who who;
} followed;

void log_set_level(enum log_level level)
{
	started = threshold = level;
}

enum log_level log_level(void)
{
	return (enum log_level)threshold;
}

void log_use_journal(const char *socket_path)
{
	journal_socket = socket_path;
}

/* --- the level, while it runs ------------------------------------------------------------------- */

/* What tells one state of the file from another; all zero: it is not there. */
struct stamp {
	ino_t file;
	struct timespec changed;
	off_t size;
};

static struct stamp stamp_of(const char *path)
{
	struct stamp stamp = {0};
	struct stat st;

	if (stat(path, &st) == 0)
		stamp = (struct stamp){st.st_ino, st.st_ctim, st.st_size};
	return stamp;
}

static bool is_same(const struct stamp *a, const struct stamp *b)
{
	return a->file == b->file && a->size == b->size && a->changed.tv_sec == b->changed.tv_sec &&
	       a->changed.tv_nsec == b->changed.tv_nsec;
}

static void take_level(void)
{
	struct log_settings settings;
	struct err err = {0};
	int level;

	if (log_settings_read(followed.path, &settings, &err) < 0) {
		log_warn("log level stays as it is: %s", err.text);
		return;
	}
	level = settings.level[followed.who];
	threshold = level == LOG_LEVEL_STARTED ? started : level;
}

/* One thread looks; the others log on by the level that they know. Taking the level may log, and comes here again. */
static void look_at_settings(void)
{
	static pthread_mutex_t looking = PTHREAD_MUTEX_INITIALIZER;
	static _Atomic int64_t due_ms;
	static struct stamp known;
	struct stamp now;

	if (followed.path == NULL || clock_monotonic_ms() < due_ms ||
	    pthread_mutex_trylock(&looking) != 0)
		return;
	due_ms = clock_monotonic_ms() + LOOK_MS;
	now = stamp_of(followed.path);
	if (!is_same(&now, &known)) {
		known = now;
		take_level();
	}
	pthread_mutex_unlock(&looking);
}

void log_follow(const char *archive_dir, enum log_who who)
{
	CLEAN_STR path = STR_INIT;
	CLEAN_STR dir = STR_INIT;
	struct err err = {0};

	if (path_absolute(archive_dir, &dir, &err) < 0)
		return;
	log_settings_path(dir.data, &path);
	free(followed.dir);
	free(followed.path);
	followed.dir = mem_strdup(dir.data);
	followed.path = mem_strdup(path.data);
	followed.who = who;
}

/* --- the journal -------------------------------------------------------------------------------- */

/* Is standard error, as it is now, what $JOURNAL_STREAM names? A program that redirected it has kept the variable. */
static bool speaks_to_journal(void)
{
	const char *told = getenv("JOURNAL_STREAM");
	char ours[64];
	struct stat st;

	if (told == NULL || fstat(STDERR_FILENO, &st) < 0)
		return false;
	snprintf(ours, sizeof(ours), "%llu:%llu", (unsigned long long)st.st_dev,
		 (unsigned long long)st.st_ino);
	return strcmp(told, ours) == 0;
}

static size_t name_length(struct view word)
{
	size_t len = 0;

	while (len < word.len && (islower((unsigned char)word.data[len]) || word.data[len] == '_'))
		len++;
	return len < word.len && word.data[len] == '=' && len <= NAME_MAX_BYTES ? len : 0;
}

static void add_field(struct str *out, struct view word, size_t name)
{
	str_adds(out, "SEALPOST_");
	for (size_t i = 0; i < name; i++)
		str_addc(out, (char)toupper((unsigned char)word.data[i]));
	str_addv(out, (struct view){word.data + name, word.len - name});
	str_addc(out, '\n');
}

/* "archived mails=17 ms=3" is the event "archived" with two fields. What stands behind a colon is free text, and who knows whose words. */
static void add_event(struct str *out, struct view text)
{
	struct view rest = text, word;
	size_t n = 0;
	bool is_last = false;

	while (!is_last && n < FIELDS_MAX && view_cut(&rest, ' ', &word)) {
		size_t name = name_length(word);

		is_last = word.len > 0 && word.data[word.len - 1] == ':';
		word.len -= is_last;
		if (name == 0 && (n > 0 || is_last))
			return;
		if (name == 0)
			continue;
		if (n++ == 0 && word.data > text.data) {
			str_adds(out, "SEALPOST_EVENT=");
			str_addv(out, view_trim((struct view){text.data,
							      (size_t)(word.data - text.data)}));
			str_addc(out, '\n');
		}
		add_field(out, word, name);
	}
}

void log_add_fields(struct str *out, enum log_level level, const char *archive_dir,
		    const char *identifier, struct view text)
{
	str_addf(out, "PRIORITY=%d\nSYSLOG_IDENTIFIER=%s\nMESSAGE=", priorities[level], identifier);
	str_addv(out, text);
	str_addc(out, '\n');
	if (archive_dir != NULL) {
		str_adds(out, "SEALPOST_ARCHIVE=");
		str_addsafe(out, VIEW(archive_dir), false);
		str_addc(out, '\n');
	}
	add_event(out, text);
}

/* A socket for each line: it outlives no fork, and no start anew of the journal. */
static int send_to_journal(enum log_level level, struct view text)
{
	CLEAN_FD fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	CLEAN_STR fields = STR_INIT;
	const char *identifier = followed.path ? log_who_identifier(followed.who)
					       : program_invocation_short_name;

	if (fd < 0 || strlen(journal_socket) >= sizeof(to.sun_path))
		return -1;
	memcpy(to.sun_path, journal_socket, strlen(journal_socket));
	log_add_fields(&fields, level, followed.dir, identifier, text);
	return sendto(fd, fields.data, fields.len, MSG_DONTWAIT | MSG_NOSIGNAL,
		      (const struct sockaddr *)&to, sizeof(to)) < 0
		       ? -1
		       : 0;
}

/* --- a line ------------------------------------------------------------------------------------- */

static void write_line(enum log_level level, struct view text)
{
	static const char *const names[] = {"error", "warning", "info", "debug"};
	CLEAN_STR line = STR_INIT;
	bool journal = speaks_to_journal();

	if (journal && send_to_journal(level, text) == 0)
		return;
	if (journal)
		str_addf(&line, "<%d>", priorities[level]);
	else
		str_addf(&line, "sealpost: %s: ", names[level]);
	str_addv(&line, text);
	str_addc(&line, '\n');
	if (write(STDERR_FILENO, line.data, line.len) < 0)
		return; /* nowhere left to tell it */
}

static void tell(enum log_level level, const char *fmt, va_list ap)
{
	CLEAN_STR text = STR_INIT;
	CLEAN_STR safe = STR_INIT;
	int os = errno; /* what "%m" is to tell */

	look_at_settings();
	errno = os;
	if ((int)level > threshold)
		return;
	str_addfv(&text, fmt, ap);
	str_addsafe(&safe, str_view(&text), false);
	write_line(level, str_view(&safe));
}

#define LOG_FUNCTION(name, level)                                                                  \
	void name(const char *fmt, ...)                                                            \
	{                                                                                          \
		va_list ap;                                                                        \
                                                                                                   \
		va_start(ap, fmt);                                                                 \
		tell(level, fmt, ap);                                                              \
		va_end(ap);                                                                        \
	}

LOG_FUNCTION(log_error, LOG_LEVEL_ERROR)
LOG_FUNCTION(log_warn, LOG_LEVEL_WARN)
LOG_FUNCTION(log_info, LOG_LEVEL_INFO)
LOG_FUNCTION(log_debug, LOG_LEVEL_DEBUG)
