/* SPDX-License-Identifier: GPL-3.0-or-later */
/* export_priv.h - what exports to a folder (export.c) and to a stream (exporter.c) have in common. */
#ifndef APP_ARCHIVE_EXPORT_PRIV_H
#define APP_ARCHIVE_EXPORT_PRIV_H

#include "app/archive/export.h"

#include <minizip/zip.h> /* of minizip: streams, where libzip would hold every mail until the end */

#define EXPORT_MANIFEST_HEAD "id,sha256,sent,archived,from,to,subject\r\n"

/* The line of manifest.csv for a mail, with its end; appended to LINE. */
int export_manifest_line(struct archive *a, const struct mail_row *row, struct str *line,
			 struct err *err);
/* A line of SHA256SUMS, likewise. */
void export_sum_line(const struct hash *sum, const char *name, struct str *line);

typedef int export_put_fn(void *arg, const char *data, size_t len, struct err *err);
/* A mail as mboxrd, with its From_ line and the empty line behind it. */
int export_mboxrd(struct view raw, int64_t sent_s, export_put_fn *put, void *arg, struct err *err);

/* A file of a zip archive. */
int export_zip_file(zipFile zip, const char *name, int64_t time_s, struct view content,
		    struct err *err);

#endif
