/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/archive/export_priv.h"

#include "app/archive/archive_priv.h"
#include "app/archive/find.h"
#include "app/archive/read.h"
#include "app/mail/mail.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

struct exporting {
	struct archive *a;
	struct reader *reader;
	enum export_format format;
	const char *to;
	const struct export_watch *watch;
	struct export_report *report;
	FILE *manifest;
	FILE *sums;
	FILE *mbox;
	struct sha256 *mbox_sha;
	zipFile zip;
	struct str raw;
	struct str line;
	struct str path;
};

/* ---- manifest ---- */

static int put_line(FILE *file, const struct str *line, const char *name, struct err *err)
{
	if (fwrite(line->data, 1, line->len, file) == line->len)
		return 0;
	return err_errno(err, "%s: write: %m", name);
}

static int list_mail(struct exporting *ex, const struct mail_row *row, struct err *err)
{
	str_reset(&ex->line);
	if (export_manifest_line(ex->a, row, &ex->line, err) < 0)
		return -1;
	return put_line(ex->manifest, &ex->line, "manifest.csv", err);
}

static int list_sum(struct exporting *ex, const struct hash *sum, const char *name, struct err *err)
{
	str_reset(&ex->line);
	export_sum_line(sum, name, &ex->line);
	return put_line(ex->sums, &ex->line, "SHA256SUMS", err);
}

/* ---- one mail, in each format ---- */

static int put_eml(struct exporting *ex, const struct mail_row *row, struct err *err)
{
	char id[UUID_TEXT + 1];
	char name[UUID_TEXT + 8];
	CLEAN_FD fd = -1;

	snprintf(name, sizeof(name), "%s.eml", uuid_text(&row->id, id));
	str_reset(&ex->path);
	str_addf(&ex->path, "%s/%s", ex->to, name);
	fd = open(ex->path.data, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_errno(err, "%s: %m", ex->path.data);
	if (file_write_all(fd, ex->raw.data, ex->raw.len, err) < 0)
		return err_add(err, "%s", ex->path.data);
	return list_sum(ex, &row->exact, name, err);
}

static int put_zip(struct exporting *ex, const struct mail_row *row, struct err *err)
{
	char id[UUID_TEXT + 1];
	char name[UUID_TEXT + 8];

	snprintf(name, sizeof(name), "%s.eml", uuid_text(&row->id, id));
	return export_zip_file(ex->zip, name, row->sent_s, str_view(&ex->raw), err);
}

static int put_mbox_bytes(void *arg, const char *data, size_t len, struct err *err)
{
	struct exporting *ex = arg;

	sha256_add(ex->mbox_sha, data, len);
	if (fwrite(data, 1, len, ex->mbox) == len)
		return 0;
	return err_errno(err, "mails.mbox: write: %m");
}

static int put_mbox(struct exporting *ex, const struct mail_row *row, struct err *err)
{
	return export_mboxrd(str_view(&ex->raw), row->sent_s, put_mbox_bytes, ex, err);
}

static int export_one(void *arg, const struct mail_row *row, struct err *err)
{
	static int (*const put[])(struct exporting *, const struct mail_row *, struct err *) = {
		[EXPORT_EML] = put_eml, [EXPORT_MBOX] = put_mbox, [EXPORT_ZIP] = put_zip};
	struct exporting *ex = arg;
	struct err reading = {0};

	if (row->state != MAIL_LIVE)
		return 0;
	if (reader_mail(ex->reader, row, &ex->raw, &reading) < 0) {
		ex->report->failed++;
		ex->watch->failed(ex->watch->arg, &row->id, &reading);
		return 0;
	}
	if (put[ex->format](ex, row, err) < 0 || list_mail(ex, row, err) < 0)
		return -1;
	ex->report->mails++;
	ex->report->bytes += ex->raw.len;
	if (ex->watch->progress != NULL)
		ex->watch->progress(ex->watch->arg, ex->report);
	return 0;
}

/* ---- the whole ---- */

static FILE *open_in(struct exporting *ex, const char *name, struct err *err)
{
	FILE *file;

	str_reset(&ex->path);
	str_addf(&ex->path, "%s/%s", ex->to, name);
	file = fopen(ex->path.data, "wxe");
	if (file == NULL)
		err_errno(err, "%s: %m", ex->path.data);
	return file;
}

static int open_all(struct exporting *ex, struct err *err)
{
	int empty = dir_is_empty(ex->to, err);

	if (empty == 0)
		return err_set(err, ERR_EXISTS, "%s is not empty", ex->to);
	if (empty < 0 || dir_make_all(ex->to, 0700, err) < 0)
		return -1;
	ex->manifest = open_in(ex, "manifest.csv", err);
	ex->sums = open_in(ex, "SHA256SUMS", err);
	if (ex->manifest == NULL || ex->sums == NULL)
		return -1;
	fputs(EXPORT_MANIFEST_HEAD, ex->manifest);
	if (ex->format == EXPORT_MBOX) {
		ex->mbox_sha = sha256_new();
		ex->mbox = open_in(ex, "mails.mbox", err);
		return ex->mbox ? 0 : -1;
	}
	if (ex->format == EXPORT_ZIP) {
		str_reset(&ex->path);
		str_addf(&ex->path, "%s/mails.zip", ex->to);
		ex->zip = zipOpen64(ex->path.data, APPEND_STATUS_CREATE);
		if (ex->zip == NULL)
			return err_errno(err, "%s: %m", ex->path.data);
	}
	return 0;
}

static int close_file(FILE **file, const char *name, struct err *err)
{
	FILE *f = TAKE(*file);

	if (f == NULL)
		return 0;
	if (fflush(f) != 0 || fsync(fileno(f)) != 0) {
		err_errno(err, "%s: %m", name);
		fclose(f);
		return -1;
	}
	return fclose(f) == 0 ? 0 : err_errno(err, "%s: %m", name);
}

static int sum_of_zip(struct exporting *ex, struct err *err)
{
	CLEAN(sha256) sha = sha256_new();
	CLEAN_MEM char *buf = mem_new(1 << 20);
	CLEAN_FD fd = -1;
	struct hash sum;
	uint64_t at = 0;
	ssize_t n;

	str_reset(&ex->path);
	str_addf(&ex->path, "%s/mails.zip", ex->to);
	fd = open(ex->path.data, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, "%s: %m", ex->path.data);
	while ((n = file_pread(fd, buf, 1 << 20, at, err)) > 0) {
		sha256_add(sha, buf, (size_t)n);
		at += (uint64_t)n;
	}
	sum = sha256_end(sha);
	return n < 0 ? -1 : list_sum(ex, &sum, "mails.zip", err);
}

static int close_all(struct exporting *ex, struct err *err)
{
	zipFile zip = TAKE(ex->zip);
	struct hash sum;

	if (zip != NULL && (zipClose(zip, NULL) != ZIP_OK || sum_of_zip(ex, err) < 0))
		return err_add(err, "mails.zip");
	if (ex->mbox != NULL) {
		sum = sha256_end(ex->mbox_sha);
		if (close_file(&ex->mbox, "mails.mbox", err) < 0 ||
		    list_sum(ex, &sum, "mails.mbox", err) < 0)
			return -1;
	}
	if (close_file(&ex->sums, "SHA256SUMS", err) < 0 ||
	    close_file(&ex->manifest, "manifest.csv", err) < 0)
		return -1;
	return dir_sync(ex->to, err);
}

static void clear(struct exporting *ex)
{
	FILE *files[] = {ex->manifest, ex->sums, ex->mbox};

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		if (files[i] != NULL)
			fclose(files[i]);
	if (ex->zip != NULL)
		zipClose(ex->zip, NULL);
	sha256_free(&ex->mbox_sha);
	reader_free(&ex->reader);
	str_clear(&ex->raw);
	str_clear(&ex->line);
	str_clear(&ex->path);
}

int export_mails(struct archive *a, struct view query, const struct scope *scope,
		 enum export_format format, const char *to, const struct export_watch *watch,
		 struct export_report *report_r, struct err *err)
{
	struct exporting ex = {.a = a,
			       .reader = reader_new(a),
			       .format = format,
			       .to = to,
			       .watch = watch,
			       .report = report_r,
			       .raw = STR_INIT,
			       .line = STR_INIT,
			       .path = STR_INIT};
	int rc = open_all(&ex, err);

	*report_r = (struct export_report){0};
	if (rc == 0 && query.data == NULL && scope->all)
		rc = mails_each(a->catalog, 0, export_one, &ex, err);
	else if (rc == 0)
		rc = find_mails(a, query.data ? query : VIEW(""), scope, 0, UINT64_MAX / 2,
				export_one, &ex, err);
	if (rc == 0)
		rc = close_all(&ex, err);
	clear(&ex);
	return rc;
}
