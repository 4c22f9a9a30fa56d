/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/archive/export_priv.h"

#include "app/mail/mail.h"

#include "base/clock.h"

#include <time.h>

/* ---- manifest ---- */

static void csv_text(struct str *out, struct view text)
{
	CLEAN_STR safe = STR_INIT;

	str_addsafe(&safe, text, false);
	str_addc(out, '"');
	for (size_t i = 0; i < safe.len; i++) {
		if (safe.data[i] == '"')
			str_addc(out, '"');
		/* a spreadsheet takes =, +, - and @ at the start for a formula */
		if (i == 0 && strchr("=+-@", safe.data[i]) != NULL)
			str_addc(out, '\'');
		str_addc(out, safe.data[i]);
	}
	str_addc(out, '"');
}

static void csv_list(struct str *out, const struct addresses *list)
{
	CLEAN_STR text = STR_INIT;

	for (size_t i = 0; i < list->n; i++) {
		str_adds(&text, i > 0 ? " " : "");
		str_addv(&text, list->v[i]);
	}
	csv_text(out, str_view(&text));
}

int export_manifest_line(struct archive *a, const struct mail_row *row, struct str *line,
			 struct err *err)
{
	CLEAN(arena) arena = arena_new();
	struct addresses to;
	char id[UUID_TEXT + 1];

	if (recipients_in_role(archive_catalog(a), arena, row->mail, ROLE_TO, &to, err) < 0)
		return -1;
	str_addf(line, "%s,", uuid_text(&row->id, id));
	str_addhex(line, row->exact.b, HASH_BYTES);
	str_addc(line, ',');
	clock_add_utc(line, row->sent_s);
	str_addc(line, ',');
	clock_add_utc(line, uuid_ms(&row->id) / 1000);
	str_addc(line, ',');
	csv_text(line, row->sender);
	str_addc(line, ',');
	csv_list(line, &to);
	str_addc(line, ',');
	csv_text(line, row->subject);
	str_adds(line, "\r\n"); /* RFC 4180 */
	return 0;
}

void export_sum_line(const struct hash *sum, const char *name, struct str *line)
{
	str_addhex(line, sum->b, HASH_BYTES);
	str_addf(line, "  %s\n", name);
}

/* ---- mbox ---- */

/* A line that begins with any number of ">" and then "From " gets one ">" more (mboxrd). */
static bool needs_quote(struct view line)
{
	while (line.len > 0 && line.data[0] == '>') {
		line.data++;
		line.len--;
	}
	return view_starts(line, "From ");
}

int export_mboxrd(struct view raw, int64_t sent_s, export_put_fn *put, void *arg, struct err *err)
{
	struct view rest = raw, line;
	time_t sent = (time_t)sent_s;
	struct tm tm = {0};
	char from_line[64];
	size_t n;

	gmtime_r(&sent, &tm);
	n = strftime(from_line, sizeof(from_line), "From mboxrd@sealpost %a %b %e %H:%M:%S %Y\n",
		     &tm);
	if (put(arg, from_line, n, err) < 0)
		return -1;
	while (rest.len > 0 && view_cut(&rest, '\n', &line)) {
		bool ended = rest.data != NULL;

		if ((needs_quote(line) && put(arg, ">", 1, err) < 0) ||
		    put(arg, line.data, line.len + (ended ? 1 : 0), err) < 0)
			return -1;
		if (!ended)
			break;
	}
	if (raw.len > 0 && raw.data[raw.len - 1] != '\n' && put(arg, "\n", 1, err) < 0)
		return -1;
	return put(arg, "\n", 1, err);
}

/* ---- zip ---- */

/* unsigned in minizip 1.2, int in 1.3. */
typedef __typeof__(((zip_fileinfo *)NULL)->tmz_date.tm_year) zip_number;

int export_zip_file(zipFile zip, const char *name, int64_t time_s, struct view content,
		    struct err *err)
{
	time_t time = (time_t)time_s;
	struct tm tm = {0};
	zip_fileinfo info = {0};

	gmtime_r(&time, &tm);
	info.tmz_date.tm_year = (zip_number)(tm.tm_year + 1900 < 1980 ? 1980 : tm.tm_year + 1900);
	info.tmz_date.tm_mon = (zip_number)tm.tm_mon;
	info.tmz_date.tm_mday = (zip_number)tm.tm_mday;
	info.tmz_date.tm_hour = (zip_number)tm.tm_hour;
	info.tmz_date.tm_min = (zip_number)tm.tm_min;
	info.tmz_date.tm_sec = (zip_number)tm.tm_sec;
	if (zipOpenNewFileInZip64(zip, name, &info, NULL, 0, NULL, 0, NULL, Z_DEFLATED,
				  Z_DEFAULT_COMPRESSION, 1) != ZIP_OK ||
	    zipWriteInFileInZip(zip, content.data, (unsigned)content.len) != ZIP_OK ||
	    zipCloseFileInZip(zip) != ZIP_OK)
		return err_errno(err, "zip: write: %m");
	return 0;
}
