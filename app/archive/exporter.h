/* SPDX-License-Identifier: GPL-3.0-or-later */
/* exporter.h - many mails as one stream of bytes, for who has no folder, or must not write them to a disk in clear.
 *
 * zip: ID.eml each, then manifest.csv and SHA256SUMS (app/archive/export.h tells what they are). mbox: the mboxrd file alone. Of the mails one
 * at a time is in memory, and a line of the manifest for each.
 */
#ifndef APP_ARCHIVE_EXPORTER_H
#define APP_ARCHIVE_EXPORTER_H

#include "app/archive/export.h"

struct exporter;
/* PUT gets the bytes one after the other. EXPORT_EML is no stream. */
typedef int exporter_put_fn(void *arg, struct view piece, struct err *err);
struct exporter *exporter_new(struct archive *a, enum export_format format, exporter_put_fn *put,
			      void *arg);
void exporter_free(struct exporter **exporter);

/* 1; 0 it cannot be read, as ERR tells: it is left out, and the export can go on; -1. */
int exporter_add(struct exporter *e, const struct mail_row *row, struct err *err);
/* Another file of a zip: "FOLDER/NAME". */
int exporter_add_file(struct exporter *e, const char *name, struct view content, struct err *err);
int exporter_end(struct exporter *e, struct err *err);

#endif
