/* SPDX-License-Identifier: GPL-3.0-or-later */
/* zip.h - a zip archive in memory, of files as they are, not compressed (APPNOTE 6.3, without zip64): for what must not lie on a disk in clear. */
#ifndef UI_BACKEND_ZIP_H
#define UI_BACKEND_ZIP_H

#include "base/err.h"
#include "base/str.h"

struct zip;

struct zip *zip_new(void);
void zip_free(struct zip **zip);

/* NAME is ours: ASCII, no path. All together are below 4 GiB. */
void zip_add(struct zip *zip, const char *name, struct view content);
/* The whole, appended to OUT. */
void zip_end(struct zip *zip, struct str *out);

#endif
