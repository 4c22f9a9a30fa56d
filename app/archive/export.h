/* SPDX-License-Identifier: GPL-3.0-or-later */
/* export.h - giving many mails back, with a manifest that public tools can check.
 *
 * eml: one file ID.eml a mail in a folder; zip: the same in one archive; mbox: one mboxrd file, where
 * lines like a From_ line stand quoted, and whose From_ lines name mboxrd@ so that a reader need not
 * guess. No mbox can tell whether a mail's last line had a line end: where every byte counts, use eml
 * or zip. Beside it lie manifest.csv (id, SHA-256, sent, archived, from, to, subject) and
 * SHA256SUMS, which `sha256sum -c` reads (of the .eml files; for mbox and zip, of the one file).
 */
#ifndef APP_ARCHIVE_EXPORT_H
#define APP_ARCHIVE_EXPORT_H

#include "app/archive/archive.h"

enum export_format { EXPORT_EML, EXPORT_MBOX, EXPORT_ZIP };

struct export_report {
	uint64_t mails, bytes;
	uint64_t failed; /* could not be read; each was told */
};

struct export_watch {
	void *arg;
	void (*failed)(void *arg, const struct uuid *id, const struct err *err);
	void (*progress)(void *arg, const struct export_report *report);
};

/* Export what QUERY finds in SCOPE (data NULL: all) to the folder TO, which must be empty or not exist. */
int export_mails(struct archive *a, struct view query, const struct scope *scope,
		 enum export_format format, const char *to, const struct export_watch *watch,
		 struct export_report *report_r, struct err *err);

#endif
