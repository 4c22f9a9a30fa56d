/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/archive/exporter.h"

#include "app/archive/export_priv.h"
#include "app/archive/read.h"
#include "base/clock.h"

#include <stdio.h>

struct exporter {
	struct archive *a;
	struct reader *reader;
	enum export_format format;
	exporter_put_fn *put;
	void *arg;
	struct str raw, manifest, sums;
	zipFile zip;
	/* What minizip has written of the file at hand: it goes back there for the sizes. */
	struct str held;
	uint64_t before; /* bytes that were put */
	size_t at;       /* in HELD */
};

/* ---- minizip writes to us ---- */

static voidpf ZCALLBACK on_open(voidpf arg, const void *name, int mode)
{
	(void)name;
	(void)mode;
	return arg;
}

static uLong ZCALLBACK on_write(voidpf arg, voidpf stream, const void *data, uLong len)
{
	struct exporter *e = arg;
	const size_t over = e->held.len - e->at < len ? e->held.len - e->at : len;

	(void)stream;
	memcpy(e->held.data + e->at, data, over);
	str_add(&e->held, (const char *)data + over, len - over);
	e->at += len;
	return len;
}

/* It only looks at what was there before, and that is nothing. */
static uLong ZCALLBACK on_read(voidpf arg, voidpf stream, void *out, uLong len)
{
	(void)arg;
	(void)stream;
	(void)out;
	(void)len;
	return 0;
}

static ZPOS64_T ZCALLBACK on_tell(voidpf arg, voidpf stream)
{
	const struct exporter *e = arg;

	(void)stream;
	return e->before + e->at;
}

static long ZCALLBACK on_seek(voidpf arg, voidpf stream, ZPOS64_T offset, int origin)
{
	struct exporter *e = arg;
	uint64_t to = origin == ZLIB_FILEFUNC_SEEK_SET   ? offset
		      : origin == ZLIB_FILEFUNC_SEEK_CUR ? e->before + e->at + offset
							 : e->before + e->held.len + offset;

	(void)stream;
	if (to < e->before || to > e->before + e->held.len)
		return -1;
	e->at = (size_t)(to - e->before);
	return 0;
}

static int ZCALLBACK on_close(voidpf arg, voidpf stream)
{
	(void)arg;
	(void)stream;
	return 0;
}

static int ZCALLBACK on_error(voidpf arg, voidpf stream)
{
	(void)arg;
	(void)stream;
	return 0;
}

static zipFile open_zip(struct exporter *e)
{
	zlib_filefunc64_def functions = {.zopen64_file = on_open,
					 .zread_file = on_read,
					 .zwrite_file = on_write,
					 .ztell64_file = on_tell,
					 .zseek64_file = on_seek,
					 .zclose_file = on_close,
					 .zerror_file = on_error,
					 .opaque = e};

	return zipOpen2_64("", APPEND_STATUS_CREATE, NULL, &functions);
}

/* A file is whole: nothing goes back to it any more. */
static int pass_on(struct exporter *e, struct err *err)
{
	if (e->put(e->arg, str_view(&e->held), err) < 0)
		return -1;
	e->before += e->held.len;
	e->at = 0;
	str_reset(&e->held);
	return 0;
}

/* ---- mails ---- */

struct exporter *exporter_new(struct archive *a, enum export_format format, exporter_put_fn *put,
			      void *arg)
{
	struct exporter *e = mem_new(sizeof(*e));

	must(format != EXPORT_EML);
	*e = (struct exporter){.a = a,
			       .reader = reader_new(a),
			       .format = format,
			       .put = put,
			       .arg = arg,
			       .raw = STR_INIT,
			       .manifest = STR_INIT,
			       .sums = STR_INIT,
			       .held = STR_INIT};
	str_adds(&e->manifest, EXPORT_MANIFEST_HEAD);
	if (format == EXPORT_ZIP)
		must((e->zip = open_zip(e)) != NULL);
	return e;
}

void exporter_free(struct exporter **exporter)
{
	struct exporter *e = TAKE(*exporter);

	if (e == NULL)
		return;
	if (e->zip != NULL)
		zipClose(e->zip, NULL);
	reader_free(&e->reader);
	str_clear(&e->raw);
	str_clear(&e->manifest);
	str_clear(&e->sums);
	str_clear(&e->held);
	free(e);
}

static int put_mbox(void *arg, const char *data, size_t len, struct err *err)
{
	struct exporter *e = arg;

	return e->put(e->arg, (struct view){data, len}, err);
}

static int add_zip(struct exporter *e, const struct mail_row *row, struct err *err)
{
	char id[UUID_TEXT + 1];
	char name[UUID_TEXT + 8];

	snprintf(name, sizeof(name), "%s.eml", uuid_text(&row->id, id));
	if (export_manifest_line(e->a, row, &e->manifest, err) < 0 ||
	    export_zip_file(e->zip, name, row->sent_s, str_view(&e->raw), err) < 0)
		return -1;
	export_sum_line(&row->exact, name, &e->sums);
	return pass_on(e, err);
}

int exporter_add(struct exporter *e, const struct mail_row *row, struct err *err)
{
	int rc;

	if (reader_mail(e->reader, row, &e->raw, err) < 0)
		return 0;
	rc = e->format == EXPORT_ZIP
		     ? add_zip(e, row, err)
		     : export_mboxrd(str_view(&e->raw), row->sent_s, put_mbox, e, err);
	return rc < 0 ? -1 : 1;
}

int exporter_add_file(struct exporter *e, const char *name, struct view content, struct err *err)
{
	must(e->zip != NULL);
	if (export_zip_file(e->zip, name, clock_s(), content, err) < 0)
		return -1;
	return pass_on(e, err);
}

int exporter_end(struct exporter *e, struct err *err)
{
	zipFile zip;

	if (e->format == EXPORT_MBOX)
		return 0;
	if (exporter_add_file(e, "manifest.csv", str_view(&e->manifest), err) < 0 ||
	    exporter_add_file(e, "SHA256SUMS", str_view(&e->sums), err) < 0)
		return -1;
	zip = TAKE(e->zip);
	if (zipClose(zip, NULL) != ZIP_OK)
		return err_set(err, ERR_IO, "zip: its end cannot be written");
	return pass_on(e, err);
}
