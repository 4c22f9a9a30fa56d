/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/watch/alarms.h"
#include "base/conf.h"

enum { TEXT_MAX = 900, ROWS_MAX = 16, HOURS_MAX = 366 * 24, MINUTES_MAX = 366 * 24 * 60 };

static void set_defaults(struct alarm_settings *s)
{
	s->mail_to = mem_strdup("");
	s->mail_from = mem_strdup("");
	s->sendmail = mem_strdup("/usr/sbin/sendmail");
	s->repeat_hours = 24;
	s->spool_minutes = 15;
	s->staging_minutes = 60;
	s->index_minutes = 120;
	s->stamp_days = 8;
	s->space_days = 30;
	s->certificate_days = 21;
	s->failed_log_ins = 50;
}

/* The rows of S into ROWS; how many. */
static size_t list_rows(struct alarm_settings *s, struct conf_row rows[ROWS_MAX])
{
	const struct conf_row all[] = {
		{"mail_to", &s->mail_to, 0, TEXT_MAX,
		 "who gets alarms by mail, addresses with commas between; empty: nobody",
		 CONF_TEXT},
		{"mail_from", &s->mail_from, 0, TEXT_MAX,
		 "sender of these mails; empty: the local mail server's default", CONF_TEXT},
		{"sendmail", &s->sendmail, 1, TEXT_MAX,
		 "the program that takes them, called with -i -t, by its path", CONF_TEXT},
		{"repeat_hours", &s->repeat_hours, 1, HOURS_MAX,
		 "an alarm that goes on is mailed again after so many hours", CONF_NUMBER},
		{"no_mail_hours", &s->no_mail_hours, 0, HOURS_MAX,
		 "alarm when no mail came for so long; 0: only when it is longer than usual",
		 CONF_NUMBER},
		{"spool_minutes", &s->spool_minutes, 1, MINUTES_MAX,
		 "alarm when mail waits in the spool for longer", CONF_NUMBER},
		{"staging_minutes", &s->staging_minutes, 1, MINUTES_MAX,
		 "alarm when mail waits for longer to be brought to its medium", CONF_NUMBER},
		{"index_minutes", &s->index_minutes, 1, MINUTES_MAX,
		 "alarm when mail is not in the search index for longer", CONF_NUMBER},
		{"stamp_days", &s->stamp_days, 1, 366,
		 "alarm when mail waits for a timestamp for longer, if an authority is set",
		 CONF_NUMBER},
		{"space_days", &s->space_days, 1, 3660,
		 "alarm when the active medium is full in fewer days, at the rate of the last four "
		 "weeks",
		 CONF_NUMBER},
		{"certificate_days", &s->certificate_days, 1, 3660,
		 "alarm when a certificate ends in fewer days", CONF_NUMBER},
		{"failed_log_ins", &s->failed_log_ins, 0, 1000000,
		 "alarm when so many log-ins fail within an hour; 0: none", CONF_NUMBER},
	};

	_Static_assert(sizeof(all) <= ROWS_MAX * sizeof(*rows), "ROWS_MAX is too small");
	memcpy(rows, all, sizeof(all));
	return sizeof(all) / sizeof(*all);
}

int alarm_settings_read(const char *archive_dir, struct alarm_settings **settings_r,
			struct err *err)
{
	CLEAN(alarm_settings) s = mem_new(sizeof(*s));
	struct conf_row rows[ROWS_MAX];
	CLEAN_STR path = STR_INIT;

	set_defaults(s);
	str_addf(&path, "%s/alarms.conf", archive_dir);
	if (conf_read(path.data, rows, list_rows(s, rows), err) < 0)
		return -1;
	if (s->sendmail[0] != '/')
		return err_set(err, ERR_SYNTAX, "%s: sendmail is a path that begins with /",
			       path.data);
	if (s->mail_from[0] == '-')
		return err_set(err, ERR_SYNTAX, "%s: mail_from is an address", path.data);
	*settings_r = TAKE(s);
	return 0;
}

void alarm_settings_table(struct str *out)
{
	CLEAN(alarm_settings) s = mem_new(sizeof(*s));
	struct conf_row rows[ROWS_MAX];

	set_defaults(s);
	conf_table(rows, list_rows(s, rows), out);
}

void alarm_settings_free(struct alarm_settings **settings)
{
	struct alarm_settings *s = *settings;

	if (s == NULL)
		return;
	free(s->mail_to);
	free(s->mail_from);
	free(s->sendmail);
	free(s);
	*settings = NULL;
}
