/* SPDX-License-Identifier: GPL-3.0-or-later */
/* renewed.h - the files that a door has read at its start: are they others by now?
 *
 * A door does not change its settings while it runs: it ends in good order, and whoever supervises it (systemd, `sealpost serve`) starts it
 * with the new ones.
 */
#ifndef APP_INTAKE_RENEWED_H
#define APP_INTAKE_RENEWED_H

#include "base/file.h"

enum { RENEWED_MAX = 4 };

/* All zero: no file. */
struct renewed {
	struct renewed_file {
		char *path;
		struct file_mark mark;
	} file[RENEWED_MAX];
	size_t n;
	bool moving;
};

/* PATH is copied; empty: there is no such file. It need not be there. */
void renewed_add(struct renewed *r, const char *path);
void renewed_clear(struct renewed *r);
/* To be asked every few seconds: true, once, when a file has changed since it was added or since this was true, and was left alone from one
 * question to the next. */
bool renewed_look(struct renewed *r);

#endif
