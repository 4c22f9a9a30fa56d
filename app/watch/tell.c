/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/watch/tell.h"

#include "app/watch/sendmail.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/id.h"

#include <unistd.h>

enum { PATIENCE_MS = 60 * 1000, LINE_MAX_CHARS = 72, AN_HOUR_S = 3600 };

static int patience_ms = PATIENCE_MS;

void alarms_set_patience(int timeout_ms)
{
	patience_ms = timeout_ms;
}

static const char *level_name(enum alarm_level level)
{
	static const char *const names[] = {
		[ALARM_FINE] = "OVER", [ALARM_WARNING] = "WARNING", [ALARM_CRITICAL] = "CRITICAL"};

	return names[level];
}

/* --- what is to be told --- */

struct news {
	struct arena *arena;
	struct {
		const struct alarm_row **v;
		size_t n, cap;
	} rows; /* the worst first, what is over last */
};

static void collect(struct news *news, const struct alarm_settings *settings,
		    const struct alarms *alarms, int64_t now_s)
{
	const int64_t repeat_s = (int64_t)settings->repeat_hours * AN_HOUR_S;

	for (size_t i = 0; i < alarms->n; i++)
		if (alarms->v[i].told_s == 0 || now_s - alarms->v[i].told_s >= repeat_s)
			ARENA_PUSH(news->arena, news->rows, &alarms->v[i]);
	for (size_t i = 0; i < alarms->n_over; i++)
		ARENA_PUSH(news->arena, news->rows, &alarms->over[i]);
}

/* --- the message --- */

static void add_subject(struct str *out, const struct news *news)
{
	const struct alarm_row *worst = news->rows.v[0];

	str_addf(out, "Subject: [Sealpost] %s: %s", level_name(worst->level), worst->alarm);
	if (worst->subject[0] != '\0')
		str_addf(out, " (%s)", worst->subject);
	if (news->rows.n > 1)
		str_addf(out, ", and %zu more", news->rows.n - 1);
	str_addc(out, '\n');
}

static void add_head(struct str *out, const struct alarm_settings *settings,
		     const struct news *news, int64_t now_s)
{
	struct uuid id = uuid_new();
	char host[256] = "";

	gethostname(host, sizeof(host) - 1);
	if (settings->mail_from[0] != '\0')
		str_addf(out, "From: %s\n", settings->mail_from);
	str_addf(out, "To: %s\n", settings->mail_to);
	add_subject(out, news);
	str_adds(out, "Date: ");
	clock_add_mail_date(out, now_s);
	str_adds(out, "\nMessage-ID: <");
	uuid_add(out, &id);
	str_addf(out, "@%s>\n", host[0] != '\0' ? host : "localhost");
	str_adds(out, "Auto-Submitted: auto-generated\n"
		      "MIME-Version: 1.0\n"
		      "Content-Type: text/plain; charset=utf-8\n"
		      "Content-Transfer-Encoding: 8bit\n\n");
}

/* Words in lines of a readable length; one that is longer has a line of its own. */
static void add_wrapped(struct str *out, const char *text)
{
	struct view rest = VIEW(text), word;
	size_t column = 0;

	while (view_cut(&rest, ' ', &word)) {
		if (column > 0 && column + 1 + word.len > LINE_MAX_CHARS) {
			str_addc(out, '\n');
			column = 0;
		} else if (column > 0) {
			str_addc(out, ' ');
			column++;
		}
		str_addv(out, word);
		column += word.len;
	}
	str_addc(out, '\n');
}

static void add_alarm(struct str *out, const struct alarm_row *row)
{
	CLEAN_STR text = STR_INIT;

	str_addf(out, "%s since ", level_name(row->level));
	clock_add_mail_date(out, row->since_s);
	str_addc(out, '\n');
	str_addsafe(&text, VIEW(row->text), false);
	add_wrapped(out, text.data);
	str_addc(out, '\n');
}

static void add_over(struct str *out, const struct alarm_row *row)
{
	str_addf(out, "OVER: %s", row->alarm);
	if (row->subject[0] != '\0')
		str_addf(out, " (%s)", row->subject);
	str_adds(out, ", which began at ");
	clock_add_mail_date(out, row->since_s);
	str_adds(out, "\n\n");
}

static void write_message(struct str *out, const struct archive *a,
			  const struct alarm_settings *settings, const struct news *news,
			  int64_t now_s)
{
	add_head(out, settings, news, now_s);
	for (size_t i = 0; i < news->rows.n; i++)
		if (news->rows.v[i]->level == ALARM_FINE)
			add_over(out, news->rows.v[i]);
		else
			add_alarm(out, news->rows.v[i]);
	str_addf(out, "The archive is %s. How it is now:\nsealpost --archive %s status\n",
		 archive_dir(a), archive_dir(a));
}

/* --- the whole --- */

static int note_told(struct archive *a, const struct news *news, int64_t now_s, struct err *err)
{
	for (size_t i = 0; i < news->rows.n; i++)
		if (alarms_told(archive_catalog(a), news->rows.v[i], now_s, err) < 0)
			return -1;
	return 0;
}

int alarms_tell(struct archive *a, const struct alarm_settings *settings,
		const struct alarms *alarms, int64_t now_s, struct err *err)
{
	CLEAN(arena) arena = arena_new();
	struct news news = {.arena = arena};
	const struct sendmail sendmail = {settings->sendmail, settings->mail_from,
					  "the mail with the alarms", patience_ms};
	CLEAN_STR message = STR_INIT;

	if (settings->mail_to[0] == '\0')
		return 0;
	collect(&news, settings, alarms, now_s);
	if (news.rows.n == 0)
		return 0;
	write_message(&message, a, settings, &news, now_s);
	if (sendmail_hand_over(&sendmail, str_view(&message), err) < 0)
		return -1;
	return note_told(a, &news, now_s, err);
}

static int look_and_tell(struct archive *a, int64_t now_s, struct err *err)
{
	CLEAN(alarm_settings) settings = NULL;
	CLEAN(arena) arena = arena_new();
	struct alarms alarms;

	if (alarm_settings_read(archive_dir(a), &settings, err) < 0 ||
	    alarms_look(a, settings, now_s, arena, &alarms, err) < 0)
		return -1;
	return alarms_tell(a, settings, &alarms, now_s, err);
}

/* One at a time, or two jobs that end together tell everything twice. */
int alarms_watch(struct archive *a, int64_t now_s, struct err *err)
{
	CLEAN_STR path = STR_INIT;
	CLEAN_FD lock = -1;
	int rc;

	str_addf(&path, "%s/lock", archive_dir(a));
	if (dir_make(path.data, 0700, err) < 0)
		return -1;
	str_adds(&path, "/alarms");
	rc = file_lock(path.data, &lock, err);
	return rc <= 0 ? rc : look_and_tell(a, now_s, err);
}
