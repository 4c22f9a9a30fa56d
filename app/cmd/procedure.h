/* SPDX-License-Identifier: GPL-3.0-or-later */
/* procedure.h - the procedure documentation (Verfahrensdokumentation) that the German GoBD ask for, of the archive as it is now.
 *
 * It has settings, places, numbers, times and the log-in names of those who have a role, since who may see and decide what belongs into it. Ordinary
 * people are counted. No secret is in it, and nothing of a mail.
 */
#ifndef APP_CMD_PROCEDURE_H
#define APP_CMD_PROCEDURE_H

#include "app/watch/alarms.h"

#include <json-c/json.h>

/* The facts, an object for each chapter, in the order in which they are told. Keys and words are the same in all languages. The caller's to put. */
int procedure_collect(struct archive *a, const struct alarms *alarms, struct json_object **facts_r,
		      struct err *err);

enum procedure_language { PROCEDURE_DE, PROCEDURE_EN };
int procedure_language_read(const char *text, enum procedure_language *language_r); /* 0, -1 */
/* As Markdown, with what has to be said of each chapter. */
void procedure_write(struct json_object *facts, enum procedure_language language, struct str *out);

#endif
